/* sql/rewrite_cast.c: what becomes what, and at which price. Storage forms make many casts free;
 * the rest are calls of the functions in sql/cast.c. */
#include "sql/cast.h"
#include "sql/expr.h"

#include "protocol/value.h"
#include "sql/literal.h"

/* bool, string, number, date/time as PostgreSQL's type categories have them. */
static char category_of(uint32_t oid)
{
    const struct pgtype *row = pgtype_by_oid(oid);

    return row == NULL ? 'X' : row->category;
}

const char *type_text(struct rewriter *r, struct type type)
{
    struct buf text cleanup(buf_finish) = { 0 };

    if (type_print(TYPE_OF(type.oid), &text) != 0 || buf_append_byte(&text, 0) != 0) {
        return "?";
    }
    return rewrite_text(r, "%s", (const char *)text.data);
}

/* ---- which casts there are ---- */

enum { number_ranks = 7 };

/* int2 < int4 < int8 < numeric < float4 < float8: an upward cast is implicit. 0: not a number. */
static int number_rank(uint32_t oid)
{
    static const uint32_t ranks[number_ranks] = { 0,           OID_INT2,   OID_INT4,  OID_INT8,
                                                  OID_NUMERIC, OID_FLOAT4, OID_FLOAT8 };

    for (int i = 1; i < number_ranks; i++) {
        if (ranks[i] == oid) {
            return i;
        }
    }
    return oid == OID_OID ? 3 : 0;
}

/* The weakest context in which PostgreSQL casts so; above CAST_EXPLICIT: never. */
static int cast_needs(uint32_t from, uint32_t to)
{
    int from_rank = number_rank(from);
    int to_rank = number_rank(to);

    if (from == to || from == 0 || to == 0 || (type_is_string(from) && type_is_string(to))) {
        return CAST_IMPLICIT;
    }
    if (from_rank > 0 && to_rank > 0) {
        return from_rank <= to_rank ? CAST_IMPLICIT : CAST_ASSIGNMENT;
    }
    if (type_is_string(to)) {
        return CAST_ASSIGNMENT; /* everything can be printed */
    }
    if (type_is_string(from)) {
        return CAST_EXPLICIT; /* and everything can be read */
    }
    if ((from == OID_BOOL && to == OID_INT4) || (from == OID_INT4 && to == OID_BOOL)) {
        return CAST_EXPLICIT;
    }
    if ((from == OID_DATE && (to == OID_TIMESTAMP || to == OID_TIMESTAMPTZ)) ||
        (from == OID_TIMESTAMP && to == OID_TIMESTAMPTZ) ||
        (from == OID_TIME && (to == OID_INTERVAL || to == OID_TIMETZ))) {
        return CAST_IMPLICIT;
    }
    if (from != OID_INTERVAL && from != OID_TIME && from != OID_TIMETZ && type_is_date(from) &&
        type_is_date(to) && to != OID_INTERVAL) {
        return CAST_ASSIGNMENT; /* timestamp -> date, time ... */
    }
    if ((from == OID_INTERVAL && to == OID_TIME) || (from == OID_TIMETZ && to == OID_TIME)) {
        return CAST_ASSIGNMENT;
    }
    if ((from == OID_JSON || from == OID_JSONB) && (to == OID_JSON || to == OID_JSONB)) {
        return CAST_ASSIGNMENT;
    }
    if (from == OID_JSONB && (to_rank > 0 || to == OID_BOOL)) {
        return CAST_EXPLICIT;
    }
    return CAST_EXPLICIT + 1;
}

bool cast_is_implicit(uint32_t from, uint32_t to)
{
    return cast_needs(from, to) == CAST_IMPLICIT;
}

static void fail_cast(struct rewriter *r, struct expr e, struct type to, int32_t location)
{
    rewrite_fail(r, location, "42846", "cannot cast type %s to %s", type_text(r, e.type),
                 type_text(r, to));
}

/* ---- how they are printed ---- */

static struct expr with_type(struct expr e, struct type to)
{
    e.type = to;
    e.table_oid = 0;
    e.attnum = 0;
    return e;
}

static struct expr cast_call(struct rewriter *r, struct expr e, struct type to, enum cast_kind kind)
{
    return expr_make(r, to, PREC_PRIMARY, "pond_cast(%s, %u, %u, %d, %d)", e.text,
                     type_code(e.type), to.oid, to.typmod, kind == CAST_EXPLICIT);
}

static struct expr cast_to_integer(struct rewriter *r, struct expr e, struct type to)
{
    const char *name = to.oid == OID_INT2   ? "pond_int2"
                       : to.oid == OID_INT4 ? "pond_int4"
                                            : "pond_int8";

    if (to.oid == OID_OID) {
        return with_type(e, to);
    }
    if (e.type.oid == OID_BOOL) {
        return with_type(e, to);
    }
    if (type_is_integer(e.type.oid) && !e.overflows &&
        number_rank(e.type.oid) <= number_rank(to.oid)) {
        return with_type(e, to);
    }
    /* numeric rounds halves away from zero, floats to even */
    return expr_make(r, to, PREC_PRIMARY, "%s(%s%s)", name, e.text,
                     e.type.oid == OID_FLOAT8 || e.type.oid == OID_FLOAT4 ? ", 1" : "");
}

static struct expr cast_number(struct rewriter *r, struct expr e, struct type to,
                               enum cast_kind kind)
{
    if (to.oid == OID_FLOAT8 ||
        (to.oid == OID_FLOAT4 && e.type.oid != OID_FLOAT8 && e.type.oid != OID_NUMERIC)) {
        return e.type.oid == OID_FLOAT4 || e.type.oid == OID_FLOAT8
                   ? with_type(e, to)
                   : expr_make(r, to, PREC_PRIMARY, "CAST(%s AS REAL)", e.text);
    }
    if (to.oid == OID_NUMERIC && to.typmod < 0) {
        e = expr_checked(r, e);
        return with_type(e, to.shown > 0 ? to : type_numeric(type_scale(e.type)));
    }
    if (to.oid == OID_NUMERIC) {
        return expr_make(r, to, PREC_PRIMARY, "pond_numeric(%s, %d)", e.text, to.typmod);
    }
    return to.oid == OID_FLOAT4 ? cast_call(r, e, to, kind) : cast_to_integer(r, e, to);
}

static struct expr cast_to_string(struct rewriter *r, struct expr e, struct type to,
                                  enum cast_kind kind)
{
    if (type_is_string(e.type.oid) && to.typmod < 0 && to.oid != OID_NAME && to.oid != OID_CHAR &&
        e.type.oid != OID_BPCHAR) {
        return with_type(e, to);
    }
    if (type_is_integer(e.type.oid) && to.typmod < 0) {
        e = expr_checked(r, e);
        return expr_make(r, to, PREC_PRIMARY, "CAST(%s AS TEXT)", e.text);
    }
    return cast_call(r, e, to, kind);
}

struct expr expr_checked(struct rewriter *r, struct expr e)
{
    if (!e.overflows) {
        return e;
    }
    e.overflows = false;
    e.text = rewrite_text(r, "pond_int%d(%s)",
                          e.type.oid == OID_INT2   ? 2
                          : e.type.oid == OID_INT4 ? 4
                                                   : 8,
                          e.text);
    e.prec = PREC_PRIMARY;
    return e;
}

static struct expr cast_known(struct rewriter *r, struct expr e, struct type to,
                              enum cast_kind kind)
{
    if (e.type.oid == 0) {
        return cast_call(r, e, to, kind);
    }
    if (e.type.oid == to.oid && (to.typmod < 0 || to.typmod == e.type.typmod)) {
        e.type = to.typmod < 0 && kind == CAST_EXPLICIT ? type_plain(e.type) : e.type;
        return kind == CAST_EXPLICIT ? with_type(e, e.type) : e;
    }
    if (type_is_number(to.oid) && (type_is_number(e.type.oid) || e.type.oid == OID_BOOL)) {
        return cast_number(r, e, to, kind);
    }
    if (to.oid == OID_BOOL && type_is_integer(e.type.oid)) {
        return expr_make(r, to, PREC_EQUAL, "%s <> 0", expr_in(r, &e, PREC_COMPARE));
    }
    return type_is_string(to.oid) ? cast_to_string(r, e, to, kind) : cast_call(r, e, to, kind);
}

static bool is_null_text(const struct expr *e)
{
    return strcmp(e->text, "NULL") == 0;
}

struct expr expr_cast(struct rewriter *r, struct expr e, struct type to, enum cast_kind kind,
                      int32_t location)
{
    if (r->failed || to.oid == 0 || to.oid == OID_UNKNOWN) {
        return e;
    }
    if (e.untyped != NULL) { /* first the type, then its length: 'abcdef'::varchar(3) is cut */
        e = expr_resolve(r, e, (struct type){ .oid = to.oid, .typmod = -1, .shown = to.shown });
        return to.typmod < 0 || r->failed || is_null_text(&e) ? e : cast_known(r, e, to, kind);
    }
    if (cast_needs(e.type.oid, to.oid) > (int)kind) {
        fail_cast(r, e, to, location);
        return e;
    }
    return cast_known(r, e, to, kind);
}

/* ---- assignment ---- */

struct expr expr_assign(struct rewriter *r, struct expr e, struct type column,
                        const char *column_name, int32_t location)
{
    if (column.oid == 0) {
        return expr_resolve(r, e, TYPE_NONE);
    }
    if (e.untyped != NULL) {
        e = expr_resolve(r, e, TYPE_OF(column.oid));
        if (column.typmod < 0 || r->failed) {
            return e;
        }
    }
    if (cast_needs(e.type.oid, column.oid) > CAST_ASSIGNMENT) {
        rewrite_fail(r, location, "42804",
                     "column \"%s\" is of type %s but expression is of type %s", column_name,
                     type_text(r, column), type_text(r, e.type));
        if (r->failure != NULL) {
            failure_add(r->failure, FIELD_HINT, "You will need to rewrite or cast the expression.");
        }
        return e;
    }
    if (e.type.oid == 0) {
        return e;
    }
    return cast_known(r, expr_checked(r, e), column, CAST_ASSIGNMENT);
}

struct expr expr_assigned(struct rewriter *r, const PgQuery__Node *node, struct type column,
                          const char *column_name)
{
    return expr_assign(r, expr_of(r, node), column, column_name, node_location(node));
}

/* ---- common types ---- */

static bool is_preferred(uint32_t oid)
{
    return oid == OID_TEXT || oid == OID_FLOAT8 || oid == OID_TIMESTAMPTZ || oid == OID_BOOL ||
           oid == OID_INTERVAL;
}

/* A numeric shows the longer of both scales. */
static struct type common_scale(struct type type, struct type a, struct type b)
{
    int x = type_scale(a);
    int y = type_scale(b);

    return type.oid == OID_NUMERIC ? type_numeric(x < 0 || y < 0 ? -1
                                                  : x > y        ? x
                                                                 : y)
                                   : TYPE_OF(type.oid);
}

/* PostgreSQL's select_common_type: the first known type, replaced by a later one that it casts to
 * implicitly. */
struct type common_type(struct rewriter *r, const struct expr *items, size_t count,
                        const char *context, int32_t location)
{
    struct type best = TYPE_NONE;

    for (size_t i = 0; i < count && !r->failed; i++) {
        struct type type = items[i].type;

        if (items[i].untyped != NULL || type.oid == 0) {
            continue;
        }
        if (best.oid == 0) {
            best = type;
        } else if (best.oid == type.oid) {
            best = best.typmod == type.typmod && best.shown == type.shown
                       ? best
                       : common_scale(best, best, type);
        } else if (category_of(best.oid) != category_of(type.oid)) {
            rewrite_fail(r, location, "42804", "%s types %s and %s cannot be matched", context,
                         type_text(r, best), type_text(r, type));
        } else if (!is_preferred(best.oid) && cast_needs(best.oid, type.oid) == CAST_IMPLICIT &&
                   cast_needs(type.oid, best.oid) != CAST_IMPLICIT) {
            best = common_scale(TYPE_OF(type.oid), best, type);
        } else {
            best = common_scale(TYPE_OF(best.oid), best, type);
        }
    }
    return best.oid == 0 ? TYPE_OF(OID_TEXT) : best;
}
