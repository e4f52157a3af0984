/* sql/types.c: two tables: what pond declares under another name than PostgreSQL's, and what SQLite
 * people declare. */
#include "sql/types.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* Declared so, because the plain name would get an affinity that changes values that look like
 * numbers. */
static const struct {
    uint32_t oid;
    const char *declared;
} own_names[] = {
    { OID_CHAR, "char_text" }, { OID_JSON, "json_text" }, { OID_JSONB, "jsonb_text" },
    { OID_NAME, "name_text" }, { OID_XML, "xml_text" },
};

/* Exactly so in SQLite's world, where they mean something else than in PostgreSQL's. */
static const struct {
    const char *declared;
    uint32_t oid;
} foreign_names[] = {
    { "INTEGER", OID_INT8 },
    { "INT", OID_INT8 },
    { "BIGINT", OID_INT8 },
    { "SMALLINT", OID_INT2 },
    { "TINYINT", OID_INT2 },
    { "MEDIUMINT", OID_INT4 },
    { "DATETIME", OID_TIMESTAMP },
    { "DECIMAL", OID_NUMERIC },
    { "NUMBER", OID_NUMERIC },
    { "DOUBLE", OID_FLOAT8 },
    { "DOUBLE PRECISION", OID_FLOAT8 },
    { "REAL", OID_FLOAT8 },
    { "FLOAT", OID_FLOAT8 },
    { "CHAR", OID_BPCHAR },
    { "NCHAR", OID_VARCHAR },
    { "NVARCHAR", OID_VARCHAR },
    { "CLOB", OID_TEXT },
    { "BLOB", OID_BYTEA },
    { "BOOLEAN", OID_BOOL },
    { "STRING", OID_TEXT },
    { "GUID", OID_UUID },
};

enum { code_shift = 20 };

int type_scale(struct type type)
{
    if (type_is_integer(type.oid)) {
        return 0;
    }
    if (type.oid != OID_NUMERIC) {
        return -1;
    }
    return type.typmod >= 4 ? (((type.typmod - 4) & 0x7ff) ^ 1024) - 1024 : type.shown - 1;
}

struct type type_numeric(int scale)
{
    struct type type = TYPE_OF(OID_NUMERIC);

    type.shown = (int16_t)(scale < 0 || scale > numeric_scale_max ? 0 : scale + 1);
    return type;
}

struct type type_plain(struct type type)
{
    return type.oid == OID_NUMERIC ? type_numeric(type_scale(type)) : TYPE_OF(type.oid);
}

int32_t type_scale_typmod(int scale)
{
    return (1000 << 16 | scale) + 4;
}

uint32_t type_code(struct type type)
{
    return type.oid == OID_NUMERIC ? type.oid | (uint32_t)(type_scale(type) + 1) << code_shift
                                   : type.oid;
}

struct type type_of_code(uint32_t code)
{
    uint32_t oid = code & ((1u << code_shift) - 1);

    return oid == OID_NUMERIC ? type_numeric((int)(code >> code_shift) - 1) : TYPE_OF(code);
}

bool type_is_integer(uint32_t oid)
{
    return oid == OID_INT2 || oid == OID_INT4 || oid == OID_INT8 || oid == OID_OID;
}

bool type_is_number(uint32_t oid)
{
    return type_is_integer(oid) || oid == OID_NUMERIC || oid == OID_FLOAT4 || oid == OID_FLOAT8;
}

bool type_is_string(uint32_t oid)
{
    return oid == OID_TEXT || oid == OID_VARCHAR || oid == OID_BPCHAR || oid == OID_NAME ||
           oid == OID_CHAR;
}

bool type_is_date(uint32_t oid)
{
    return oid == OID_DATE || oid == OID_TIME || oid == OID_TIMETZ || oid == OID_TIMESTAMP ||
           oid == OID_TIMESTAMPTZ || oid == OID_INTERVAL;
}

static const uint32_t element_types[] = {
    OID_BOOL,        OID_BYTEA,    OID_CHAR,    OID_NAME,    OID_INT8, OID_INT2,
    OID_INT4,        OID_TEXT,     OID_OID,     OID_JSON,    OID_XML,  OID_FLOAT4,
    OID_FLOAT8,      OID_BPCHAR,   OID_VARCHAR, OID_DATE,    OID_TIME, OID_TIMESTAMP,
    OID_TIMESTAMPTZ, OID_INTERVAL, OID_TIMETZ,  OID_NUMERIC, OID_UUID, OID_JSONB,
};

uint32_t type_element(uint32_t array_oid)
{
    for (size_t i = 0; i < ARRAY_LEN(element_types); i++) {
        const struct pgtype *row = pgtype_by_oid(element_types[i]);

        if (row != NULL && row->array_oid == array_oid && array_oid != 0) {
            return row->oid;
        }
    }
    return 0;
}

/* ---- typmods ---- */

bool type_has_length(uint32_t oid)
{
    return oid == OID_VARCHAR || oid == OID_BPCHAR;
}

static bool has_precision(uint32_t oid)
{
    return oid == OID_TIME || oid == OID_TIMETZ || oid == OID_TIMESTAMP || oid == OID_TIMESTAMPTZ;
}

static int32_t numeric_typmod(int32_t precision, int32_t scale)
{
    return ((precision << 16) | (scale & 0x7ff)) + 4;
}

int32_t type_typmod(uint32_t oid, const int32_t *numbers, size_t count)
{
    if (count == 0) {
        return -1;
    }
    if (oid == OID_NUMERIC) {
        return numeric_typmod(numbers[0], count > 1 ? numbers[1] : 0);
    }
    if (type_has_length(oid) && count == 1) {
        return numbers[0] + 4;
    }
    return has_precision(oid) && count == 1 ? (numbers[0] > 6 ? 6 : numbers[0]) : -1;
}

/* "(10,2)" as declared names and format_type have it; empty when there is none. */
static void print_typmod(struct type type, char *ret_text, size_t size)
{
    int32_t m = type.typmod - 4;

    ret_text[0] = '\0';
    if (type.typmod < 0) {
        return;
    }
    if (type.oid == OID_NUMERIC) {
        (void)snprintf(ret_text, size, "(%d,%d)", (m >> 16) & 0xffff, ((m & 0x7ff) ^ 1024) - 1024);
    } else if (type_has_length(type.oid)) {
        (void)snprintf(ret_text, size, "(%d)", m);
    } else if (has_precision(type.oid)) {
        (void)snprintf(ret_text, size, "(%d)", type.typmod);
    }
}

/* ---- declared types ---- */

static struct type of_base_name(const char *name, size_t len)
{
    const struct pgtype *row;

    for (size_t i = 0; i < ARRAY_LEN(own_names); i++) {
        if (strlen(own_names[i].declared) == len &&
            strncasecmp(own_names[i].declared, name, len) == 0) {
            return TYPE_OF(own_names[i].oid);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(foreign_names); i++) {
        if (strlen(foreign_names[i].declared) == len &&
            strncasecmp(foreign_names[i].declared, name, len) == 0) {
            return TYPE_OF(foreign_names[i].oid);
        }
    }
    row = pgtype_by_name(view_of(name, len));
    return row != NULL ? TYPE_OF(row->oid) : TYPE_NONE;
}

static bool contains(const char *name, size_t len, const char *part)
{
    size_t part_len = strlen(part);

    for (size_t i = 0; i + part_len <= len; i++) {
        if (strncasecmp(name + i, part, part_len) == 0) {
            return true;
        }
    }
    return false;
}

/* SQLite's affinity rules, for names that nobody knows. */
static struct type of_affinity(const char *name, size_t len)
{
    if (contains(name, len, "INT")) {
        return TYPE_OF(OID_INT8);
    }
    if (contains(name, len, "CHAR") || contains(name, len, "CLOB") || contains(name, len, "TEXT") ||
        len == 0) {
        return TYPE_OF(OID_TEXT);
    }
    if (contains(name, len, "BLOB")) {
        return TYPE_OF(OID_BYTEA);
    }
    if (contains(name, len, "REAL") || contains(name, len, "FLOA") || contains(name, len, "DOUB")) {
        return TYPE_OF(OID_FLOAT8);
    }
    return TYPE_OF(OID_NUMERIC);
}

/* "_int4_text" -> int4[] */
static struct type of_array_name(const char *name, size_t len)
{
    if (len > 6 && name[0] == '_' && strncasecmp(name + len - 5, "_text", 5) == 0) {
        const struct pgtype *row = pgtype_by_name(view_of(name + 1, len - 6));

        if (row != NULL && row->array_oid != 0) {
            return TYPE_OF(row->array_oid);
        }
    }
    return TYPE_NONE;
}

static size_t read_numbers(const char *open, int32_t *ret_numbers)
{
    size_t count = 0;
    const char *at = open + 1;

    while (count < 2 && *at != '\0') {
        char *end;
        long number = strtol(at, &end, 10);

        if (end == at || number < 0 || number > 65535) {
            break;
        }
        ret_numbers[count++] = (int32_t)number;
        at = end + strspn(end, " ,");
    }
    return count;
}

struct type type_of_declared(const char *declared, const char *collation)
{
    const char *open;
    size_t len;
    struct type type;
    int32_t numbers[2];

    if (declared == NULL || declared[0] == '\0') {
        return TYPE_OF(OID_TEXT);
    }
    if (collation != NULL && strncasecmp(collation, "int", 3) == 0) {
        const struct pgtype *row = pgtype_by_name(view_of_str(collation));

        if (row != NULL && type_is_integer(row->oid)) {
            return TYPE_OF(row->oid);
        }
    }
    open = strchr(declared, '(');
    len = open != NULL ? (size_t)(open - declared) : strlen(declared);
    while (len > 0 && isspace((unsigned char)declared[len - 1])) {
        len--;
    }
    type = of_array_name(declared, len);
    if (type.oid == 0) {
        type = of_base_name(declared, len);
    }
    if (type.oid == 0) {
        type = of_affinity(declared, len);
    }
    if (open != NULL) {
        type.typmod = type_typmod(type.oid, numbers, read_numbers(open, numbers));
    }
    return type;
}

int type_declare(struct type type, struct buf *out)
{
    const struct pgtype *row;
    uint32_t element = type_element(type.oid);
    char typmod[32];

    for (size_t i = 0; i < ARRAY_LEN(own_names); i++) {
        if (own_names[i].oid == type.oid) {
            return buf_append_str(out, own_names[i].declared);
        }
    }
    row = pgtype_by_oid(element != 0 ? element : type.oid);
    if (row == NULL) {
        return buf_append_str(out, "text");
    }
    if (element != 0) {
        return buf_printf(out, "_%s_text", row->name);
    }
    print_typmod(type, typmod, sizeof(typmod));
    return buf_printf(out, "%s%s", row->name, typmod);
}

int type_print(struct type type, struct buf *out)
{
    uint32_t element = type_element(type.oid);
    const struct pgtype *row = pgtype_by_oid(element != 0 ? element : type.oid);
    char typmod[32];
    const char *tail;

    if (row == NULL) {
        return buf_append_str(out, type.oid == 0 ? "unknown" : "???");
    }
    print_typmod(type, typmod, sizeof(typmod));
    tail = has_precision(type.oid) ? strchr(row->sql_name, ' ')
                                   : NULL; /* timestamp(3) with time zone */
    if (tail != NULL && typmod[0] != '\0') {
        return buf_printf(out, "%.*s%s%s", (int)(tail - row->sql_name), row->sql_name, typmod,
                          tail);
    }
    return buf_printf(out, "%s%s%s", row->sql_name, typmod, element != 0 ? "[]" : "");
}
