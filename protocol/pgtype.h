/* protocol/pgtype.h: PostgreSQL 15's built-in types, a row each. Source: pg_type.dat. Pure; any
 * thread. */
#pragma once

#include "base/view.h"

enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_CHAR = 18, /* "char" */
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_OID = 26,
    OID_XID = 28,
    OID_JSON = 114,
    OID_XML = 142,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_UNKNOWN = 705,
    OID_INET = 869,
    OID_TEXT_ARRAY = 1009,
    OID_ACLITEM_ARRAY = 1034,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIME = 1083,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_INTERVAL = 1186,
    OID_TIMETZ = 1266,
    OID_NUMERIC = 1700,
    OID_RECORD = 2249,
    OID_VOID = 2278,
    OID_UUID = 2950,
    OID_JSONB = 3802,
};

struct pgtype {
    uint32_t oid;
    const char *name;     /* internal: "int4" */
    const char *sql_name; /* as format_type prints it: "integer" */
    int16_t len;          /* RowDescription's type size; -1: varying */
    uint32_t array_oid;   /* 0: none */
    char category;        /* pg_type.typcategory: 'N', 'S', 'D' ... */
    uint32_t element_oid; /* of an array type; 0: not an array */
};

const struct pgtype *pgtype_by_oid(uint32_t oid); /* NULL: unknown */
/* By internal or SQL name or usual alias ("int", "character varying", "timestamp with time zone"),
 * case folded. */
const struct pgtype *pgtype_by_name(struct view name);

/* All rows, ordered by OID: for catalogs and tests. */
extern const struct pgtype pgtype_table[];
extern const size_t pgtype_count;

enum { pgtype_name_bytes = 128 };

/* As SQL's format_type() prints it, with its type modifier (-1: none): "numeric(10,2)", "character
 * varying(30)", "timestamp(3) with time zone", "integer[]"; "???" when unknown. Returns buf. */
const char *pgtype_format(uint32_t oid, int32_t typmod, char buf[pgtype_name_bytes]);
