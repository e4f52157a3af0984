/* sql/types.h: PostgreSQL's types as SQLite declares them, and back.
 *
 * pond's DDL declares columns by PostgreSQL's internal names, chosen so that SQLite's affinity
 * leaves the storage form (base/cell.h) alone: int4, numeric(10,2), varchar(30), timestamptz, bool,
 * bytea, uuid ... and *_text where the name itself would get a numeric affinity that harms the
 * value: json_text, jsonb_text, name_text, char_text, xml_text. Arrays are _int4_text and so on. A
 * primary key that is SQLite's rowid must be declared INTEGER; PostgreSQL's width then is its
 * collation's name: `id INTEGER COLLATE int4 PRIMARY KEY` (sql_open registers collations int2,
 * int4, int8 that compare as BINARY). Pure; any thread. */
#pragma once

#include "base/buf.h"
#include "base/failure.h"
#include "protocol/pgtype.h"

#include <pg_query/pg_query.pb-c.h>

struct type {
    uint32_t oid;   /* 0: not known; OID_UNKNOWN: an untyped literal or parameter */
    int32_t typmod; /* PostgreSQL's encoding (varchar(30): 34, numeric(10,2): (10 << 16 | 2) + 4);
                       -1: none */
    int16_t shown;  /* a numeric without typmod: 1 + the digits to print behind its point; 0: as
                       many as it has */
};

enum { numeric_scale_max = 1000 };

#define TYPE_NONE     ((struct type){ .oid = 0, .typmod = -1 })
#define TYPE_OF(oid_) ((struct type){ .oid = (oid_), .typmod = -1 })

/* type_name.c: a parsed type name. serial, bigserial, smallserial give their integer. 0 or FAILED
 * (42704 with position 0, 0A000). */
must_check int type_of_name(const PgQuery__TypeName *name, struct type *ret_type,
                            struct failure *ret_failure);

/* Is it serial, bigserial, smallserial (without schema)? */
bool type_name_is_serial(const PgQuery__TypeName *name);

/* The modifier that up to two numbers in parentheses make; -1: none, or not for this type. */
int32_t type_typmod(uint32_t oid, const int32_t *numbers, size_t count);
bool type_has_length(uint32_t oid); /* varchar and bpchar: that is their number */

/* From an SQLite column's declared type (NULL: none) and collation (NULL: none). Foreign SQLite
 * names are understood by SQLite's own rules: INTEGER -> int8, DATETIME -> timestamp, none -> text.
 * Never fails. */
struct type type_of_declared(const char *declared, const char *collation);

/* Appends the declared type for CREATE TABLE: "varchar(30)". 0, -ENOMEM or BUF_FULL. */
must_check int type_declare(struct type type, struct buf *out);

/* Appends the type as format_type prints it: "character varying(30)". */
must_check int type_print(struct type type, struct buf *out);

/* How many digits a number of that type shows behind its point: 0 for integers; -1: not known. */
int type_scale(struct type type);
/* numeric that shows so many digits; a negative scale: not known. */
struct type type_numeric(int scale);
/* The same without its modifier, as most functions and operators give it. A numeric keeps its
 * scale. */
struct type type_plain(struct type type);
/* What value_encode() needs to show that scale: numeric(1000, scale)'s typmod. */
int32_t type_scale_typmod(int scale);
/* A type as one number, for functions that are told their arguments' types: the oid, and above it
 * `shown`. */
uint32_t type_code(struct type type);
struct type type_of_code(uint32_t code);

/* The element type's oid of an array type, or 0. */
uint32_t type_element(uint32_t array_oid);

bool type_is_integer(uint32_t oid); /* int2, int4, int8, oid */
bool type_is_number(uint32_t oid);  /* those, float4, float8, numeric */
bool type_is_string(uint32_t oid);  /* text, varchar, bpchar, name, "char" */
bool type_is_date(uint32_t oid);    /* date, time, timetz, timestamp, timestamptz, interval */
