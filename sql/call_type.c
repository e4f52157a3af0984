/* sql/call_type.c: see the header. A numeric shows as many digits as PostgreSQL's would: that hangs
 * on the arguments, and of some functions on a literal among them. */
#include "sql/call_type.h"

#include <stdlib.h>

static struct type result_type(const struct function *row, const struct expr *args, size_t count,
                               struct type common)
{
    uint32_t first = count > 0 ? args[0].type.oid : 0;

    switch (row->result) {
    case RESULT_FIXED:
        return TYPE_OF(row->oid);
    case RESULT_FIRST:
        if ((row->flags & FUNCTION_AGGREGATE) != 0 && first == OID_VARCHAR) {
            return TYPE_OF(OID_TEXT); /* PostgreSQL's min and max are text's */
        }
        return count > 0 ? type_plain(args[0].type) : TYPE_OF(OID_TEXT);
    case RESULT_COMMON:
        return common;
    case RESULT_SUM:
        if (first == OID_INT2 || first == OID_INT4) {
            return TYPE_OF(OID_INT8);
        }
        return first == OID_INT8 || first == OID_NUMERIC
                   ? type_numeric(type_scale(args[0].type))
                   : TYPE_OF(first == 0 ? OID_NUMERIC : first);
    case RESULT_AVG:
        return TYPE_OF(first == OID_FLOAT4 || first == OID_FLOAT8 ? OID_FLOAT8
                       : first == OID_INTERVAL                    ? OID_INTERVAL
                                                                  : OID_NUMERIC);
    case RESULT_NUMBER:
        return TYPE_OF(first == OID_FLOAT4 || first == OID_FLOAT8 ? OID_FLOAT8 : OID_NUMERIC);
    }
    return TYPE_OF(OID_TEXT);
}

/* round(x, 2), trunc(x, 2): the literal; -1: it is none. */
static int literal_digits(const char *text)
{
    char *end;
    long digits = strtol(text, &end, 10);

    return *end != '\0' || end == text || digits > numeric_scale_max ? -1
           : digits < 0                                              ? 0
                                                                     : (int)digits;
}

static int extract_scale(const char *field)
{
    static const struct {
        const char *field;
        int scale;
    } rows[] = { { "'second'", 6 },
                 { "'seconds'", 6 },
                 { "'epoch'", 6 },
                 { "'milliseconds'", 3 },
                 { "'julian'", -1 } };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].field, field) == 0) {
            return rows[i].scale;
        }
    }
    return field[0] == '\'' ? 0 : -1;
}

/* What a call that gives a numeric shows behind the point, where that hangs on the function. */
static struct type shown_type(const char *name, const struct expr *args, size_t count,
                              struct type type)
{
    static const char *const whole[] = {
        "round", "trunc", "ceil", "ceiling", "floor", "sign", "div"
    };

    if (type.oid != OID_NUMERIC || type.typmod >= 0) {
        return type;
    }
    if (count == 2 && (strcmp(name, "round") == 0 || strcmp(name, "trunc") == 0)) {
        return type_numeric(literal_digits(args[1].text));
    }
    if (strcmp(name, "extract") == 0) {
        return type_numeric(args[1].type.oid == OID_DATE ? 0 : extract_scale(args[0].text));
    }
    for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
        if (strcmp(whole[i], name) == 0) {
            return type_numeric(0);
        }
    }
    return type;
}

struct type call_type(const struct function *row, const struct expr *args, size_t count,
                      struct type common)
{
    return shown_type(row->name, args, count, result_type(row, args, count, common));
}
