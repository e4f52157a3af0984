/* sql/cast.c: casts at run time go through the types' text forms (protocol/value.h), except where
 * the storage form makes it plain arithmetic (cast_number.c). What else the rewriter puts around
 * values is here, too. */
#include "sql/cast_impl.h"

#include "pool/session.h"
#include "protocol/value.h"
#include "sql/functions.h"
#include "sql/session_state.h"
#include "sql/types.h"

#include <errno.h>
#include <string.h>

/* ---- cells and SQLite's values ---- */

void cast_result(sqlite3_context *context, const struct cell *cell)
{
    switch (cell->kind) {
    case CELL_INT:
        sqlite3_result_int64(context, cell->i);
        break;
    case CELL_REAL:
        sqlite3_result_double(context, cell->r);
        break;
    case CELL_TEXT:
        sqlite3_result_text64(context, (const char *)cell->bytes.data, cell->bytes.len,
                              SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case CELL_BLOB:
        sqlite3_result_blob64(context, cell->bytes.data, cell->bytes.len, SQLITE_TRANSIENT);
        break;
    case CELL_NULL:
        sqlite3_result_null(context);
        break;
    }
}

void cast_fail(sqlite3_context *context, int result, struct failure *failure)
{
    if (result != FAILED) {
        sqlite3_result_error_nomem(context);
    } else {
        function_fail(context, failure);
    }
}

static uint32_t natural_type(enum cell_kind kind)
{
    return kind == CELL_INT    ? OID_INT8
           : kind == CELL_REAL ? OID_FLOAT8
           : kind == CELL_BLOB ? OID_BYTEA
                               : OID_TEXT;
}

/* ---- pond_cast ---- */

/* The session's zone, but ISO whatever DateStyle says: this text is read again by us. */
static struct value_style iso_style(const struct sql_session *sql)
{
    struct value_style style = sql->style;

    style.date_output = DATE_ISO;
    style.date_order = DATE_YMD;
    style.interval_output = INTERVAL_POSTGRES;
    style.bytea_escape = false;
    return style;
}

/* "2024-01-31 10:00:00+02" without its zone, as date or time where that is wanted. */
static void cut_instant(struct view *text, uint32_t from, uint32_t to)
{
    const uint8_t *blank = memchr(text->data, ' ', text->len);

    if (from == OID_TIMESTAMPTZ && to != OID_TIMESTAMPTZ) {
        for (size_t i = text->len; i > 10; i--) {
            if (text->data[i - 1] == '+' || (text->data[i - 1] == '-' && i > 12)) {
                text->len = i - 1;
                break;
            }
        }
    }
    if (blank != NULL && to == OID_DATE) {
        text->len = (size_t)(blank - text->data);
    } else if (blank != NULL && (to == OID_TIME || to == OID_TIMETZ)) {
        view_advance(text, (size_t)(blank - text->data) + 1);
    }
}

/* The first n characters. */
static void cut_characters(struct view *text, int32_t n)
{
    for (size_t i = 0; i < text->len; i++) {
        if ((text->data[i] & 0xc0) != 0x80 && n-- == 0) {
            text->len = i;
            return;
        }
    }
}

struct cast {
    uint32_t from;
    int from_scale;
    uint32_t to;
    int32_t typmod;
    bool explicit_;
};

static int cast_text(const struct value_style *style, const struct cast *cast,
                     const struct cell *cell, struct buf *scratch, struct view *ret_text,
                     struct failure *f)
{
    int result;

    if (cell->kind == CELL_TEXT && (type_is_string(cast->from) || cast->from == 0)) {
        *ret_text = cell->bytes;
        return 0;
    }
    if (cast->from == OID_BOOL && cell->kind == CELL_INT) {
        *ret_text = view_of_str(cell->i != 0 ? "true" : "false");
        return 0;
    }
    result = value_encode(cast->from != 0 ? cast->from : natural_type(cell->kind),
                          cast->from_scale < 0 ? -1 : type_scale_typmod(cast->from_scale),
                          FORMAT_TEXT, cell, style, scratch, f);
    *ret_text = buf_view(scratch);
    if (result == 0 && type_is_date(cast->from) && cast->from != OID_INTERVAL &&
        type_is_date(cast->to)) {
        cut_instant(ret_text, cast->from, cast->to);
    }
    return result;
}

static void call_cast(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct cell cell = cast_cell(argv[0]);
    struct type from = type_of_code((uint32_t)sqlite3_value_int64(argv[1]));
    struct cast cast = { from.oid, from.oid == OID_NUMERIC ? type_scale(from) : -1,
                         (uint32_t)sqlite3_value_int64(argv[2]), sqlite3_value_int(argv[3]),
                         sqlite3_value_int(argv[4]) != 0 };
    struct value_style style = iso_style(sql_of_function(context));
    struct buf scratch cleanup(buf_finish) = { 0 };
    struct buf out cleanup(buf_finish) = { 0 };
    struct failure failure = { 0 };
    struct view text;
    int result;

    (void)argc;
    if (cell.kind == CELL_NULL) {
        return;
    }
    result = cast_text(&style, &cast, &cell, &scratch, &text, &failure);
    if (result == 0 && cast.explicit_ && cast.typmod >= 4 &&
        (cast.to == OID_VARCHAR || cast.to == OID_BPCHAR)) {
        cut_characters(&text, cast.typmod - 4);
    }
    if (result == 0) {
        result =
            value_decode(cast.to, cast.typmod, FORMAT_TEXT, text, &style, &out, &cell, &failure);
    }
    if (result != 0) {
        cast_fail(context, result, &failure);
        return;
    }
    cast_result(context, &cell);
}

/* ---- char(n) ---- */

static void call_pad(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct cell cell = cast_cell(argv[0]);
    struct buf text cleanup(buf_finish) = { 0 };
    int missing = sqlite3_value_int(argv[1]);
    int result;

    (void)argc;
    if (cell.kind != CELL_TEXT) {
        sqlite3_result_value(context, argv[0]);
        return;
    }
    result = buf_append_view(&text, cell.bytes);
    for (size_t i = 0; i < cell.bytes.len; i++) {
        missing -= (cell.bytes.data[i] & 0xc0) != 0x80;
    }
    for (; missing > 0 && result == 0; missing--) {
        result = buf_append_byte(&text, ' ');
    }
    if (result != 0) {
        sqlite3_result_error_nomem(context);
        return;
    }
    sqlite3_result_text64(context, (const char *)text.data, text.len, SQLITE_TRANSIENT,
                          SQLITE_UTF8);
}

/* ---- greatest, least ---- */

static int compare_cells(const struct cell *a, const struct cell *b)
{
    if (a->kind == CELL_INT && b->kind == CELL_INT) {
        return (a->i > b->i) - (a->i < b->i);
    }
    if (a->kind <= CELL_REAL && b->kind <= CELL_REAL) {
        double x = a->kind == CELL_INT ? (double)a->i : a->r;
        double y = b->kind == CELL_INT ? (double)b->i : b->r;

        return (x > y) - (x < y);
    }
    if (a->kind >= CELL_TEXT && b->kind >= CELL_TEXT) {
        size_t shorter = a->bytes.len < b->bytes.len ? a->bytes.len : b->bytes.len;
        int order = shorter == 0 ? 0 : memcmp(a->bytes.data, b->bytes.data, shorter);

        return order != 0 ? order : (a->bytes.len > b->bytes.len) - (a->bytes.len < b->bytes.len);
    }
    return a->kind < b->kind ? -1 : 1;
}

static void call_extreme(sqlite3_context *context, int argc, sqlite3_value **argv, int sign)
{
    int best = -1;
    struct cell best_cell = { .kind = CELL_NULL };

    for (int i = 0; i < argc; i++) {
        struct cell cell = cast_cell(argv[i]);

        if (cell.kind != CELL_NULL && (best < 0 || sign * compare_cells(&cell, &best_cell) > 0)) {
            best = i;
            best_cell = cell;
        }
    }
    if (best >= 0) {
        sqlite3_result_value(context, argv[best]);
    }
}

static void call_greatest(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    call_extreme(context, argc, argv, 1);
}

static void call_least(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    call_extreme(context, argc, argv, -1);
}

/* ---- LIMIT and OFFSET ---- */

/* pond_limit(n, is_offset): SQLite takes a negative number for none. */
static void call_limit(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    bool is_offset = sqlite3_value_int(argv[1]) != 0;
    struct failure failure = { 0 };

    (void)argc;
    if (sqlite3_value_type(argv[0]) != SQLITE_NULL && sqlite3_value_int64(argv[0]) < 0) {
        (void)failure_set(&failure, is_offset ? "2201X" : "2201W", "%s must not be negative",
                          is_offset ? "OFFSET" : "LIMIT");
        function_fail(context, &failure);
        return;
    }
    sqlite3_result_value(context, argv[0]);
}

/* ---- NOT NULL of a rowid ---- */

/* pond_not_null(value, column, table): SQLite would count up a rowid instead. */
static void call_not_null(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const char *column = (const char *)sqlite3_value_text(argv[1]);
    const char *table = (const char *)sqlite3_value_text(argv[2]);
    struct failure failure = { 0 };

    (void)argc;
    if (sqlite3_value_type(argv[0]) != SQLITE_NULL || sql_of_function(context)->looks_back) {
        sqlite3_result_value(context, argv[0]);
        return;
    }
    (void)failure_set(&failure, "23502",
                      "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
                      column == NULL ? "" : column, table == NULL ? "" : table);
    failure_add(&failure, FIELD_SCHEMA, "public");
    failure_add(&failure, FIELD_TABLE, "%s", table == NULL ? "" : table);
    failure_add(&failure, FIELD_COLUMN, "%s", column == NULL ? "" : column);
    function_fail(context, &failure);
}

/* ---- registration ---- */

static const struct {
    const char *name;
    int args;
    int flags; /* SQLITE_DETERMINISTIC: SQLite may call it before the first row */
    void (*call)(sqlite3_context *, int, sqlite3_value **);
} cast_rows[] = {
    { "pond_cast", 5, SQLITE_DETERMINISTIC, call_cast },
    { "pond_int2", -1, SQLITE_DETERMINISTIC, cast_call_int2 },
    { "pond_int4", -1, SQLITE_DETERMINISTIC, cast_call_int4 },
    { "pond_int8", -1, SQLITE_DETERMINISTIC, cast_call_int8 },
    { "pond_numeric", 2, SQLITE_DETERMINISTIC, cast_call_numeric },
    { "pond_pad", 2, SQLITE_DETERMINISTIC, call_pad },
    { "pond_greatest", -1, SQLITE_DETERMINISTIC, call_greatest },
    { "pond_least", -1, SQLITE_DETERMINISTIC, call_least },
    { "pond_array_json", 2, SQLITE_DETERMINISTIC, cast_call_array_json },
    { "pond_limit", 2, SQLITE_DETERMINISTIC, call_limit },
    { "pond_not_null", 3, 0, call_not_null },
};

bool cast_is_own(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(cast_rows); i++) {
        size_t len = strlen(cast_rows[i].name);

        if (name.len > len && memcmp(name.data, cast_rows[i].name, len) == 0 &&
            name.data[len] == '(') {
            return true;
        }
    }
    return false;
}

static int collate_binary(void *arg, int a_len, const void *a, int b_len, const void *b)
{
    int order = memcmp(a, b, (size_t)(a_len < b_len ? a_len : b_len));

    (void)arg;
    return order != 0 ? order : a_len - b_len;
}

/* Made at once and not when first needed: SQLite calls one that could not be made for want of
 * memory unknown. */
int casts_open(struct sql_session *sql)
{
    static const char *const names[] = { "int2", "int4", "int8" };
    sqlite3 *db = session_sqlite(sql->session);

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (sqlite3_create_collation(db, names[i], SQLITE_UTF8, NULL, collate_binary) !=
            SQLITE_OK) {
            return -ENOMEM;
        }
    }
    return 0;
}

int casts_register(struct sql_session *sql, struct failure *ret_failure)
{
    sqlite3 *db = session_sqlite(sql->session);

    for (size_t i = 0; i < ARRAY_LEN(cast_rows); i++) {
        if (sqlite3_create_function_v2(db, cast_rows[i].name, cast_rows[i].args,
                                       SQLITE_UTF8 | SQLITE_INNOCUOUS | cast_rows[i].flags,
                                       sql->session, cast_rows[i].call, NULL, NULL,
                                       NULL) != SQLITE_OK) {
            return failure_set_nomem(ret_failure);
        }
    }
    return 0;
}
