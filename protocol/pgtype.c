/* protocol/pgtype.c: looks types up by OID and by the names that SQL gives them, and prints them.
 */
#include "protocol/pgtype.h"

#include "protocol/number.h"

#include <ctype.h>
#include <strings.h>

/* Names that neither pg_type nor format_type() uses. Unquoted char is character; "char" is a type
 * of its own. */
static const struct alias {
    const char *name;
    uint32_t oid;
} aliases[] = {
    { "bit varying", 1562 },
    { "char", OID_BPCHAR },
    { "char varying", OID_VARCHAR },
    { "dec", OID_NUMERIC },
    { "decimal", OID_NUMERIC },
    { "float", OID_FLOAT8 },
    { "int", OID_INT4 },
    { "national char", OID_BPCHAR },
    { "national char varying", OID_VARCHAR },
    { "national character", OID_BPCHAR },
    { "national character varying", OID_VARCHAR },
    { "nchar", OID_BPCHAR },
    { "nchar varying", OID_VARCHAR },
};

const struct pgtype *pgtype_by_oid(uint32_t oid)
{
    size_t low = 0;
    size_t high = pgtype_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (pgtype_table[middle].oid == oid) {
            return &pgtype_table[middle];
        }
        if (pgtype_table[middle].oid < oid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* Lower case, runs of blanks as one, none at the ends. False when it is too long to be a type. */
static bool fold_name(struct view name, char folded[pgtype_name_bytes])
{
    size_t len = 0;
    bool gap = false;

    for (size_t i = 0; i < name.len; i++) {
        if (isspace(name.data[i])) {
            gap = len > 0;
            continue;
        }
        if (len + 3 > pgtype_name_bytes) {
            return false;
        }
        if (gap) {
            folded[len++] = ' ';
            gap = false;
        }
        folded[len++] = (char)tolower(name.data[i]);
    }
    folded[len] = '\0';
    return len > 0;
}

static const struct pgtype *find_folded(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (strcmp(aliases[i].name, name) == 0) {
            return pgtype_by_oid(aliases[i].oid);
        }
    }
    for (size_t i = 0; i < pgtype_count; i++) {
        if (strcmp(pgtype_table[i].name, name) == 0 ||
            strcmp(pgtype_table[i].sql_name, name) == 0) {
            return &pgtype_table[i];
        }
    }
    return NULL;
}

const struct pgtype *pgtype_by_name(struct view name)
{
    char folded[pgtype_name_bytes];

    if (!fold_name(name, folded)) {
        return NULL;
    }
    const struct pgtype *type = find_folded(folded);
    char *brackets = strstr(folded, "[]");

    if (type != NULL || brackets == NULL || brackets[2] != '\0') {
        return type;
    }
    while (brackets > folded && brackets[-1] == ' ') {
        brackets--;
    }
    *brackets = '\0';
    type = find_folded(folded);
    return type == NULL || type->array_oid == 0 ? NULL : pgtype_by_oid(type->array_oid);
}

/* ---- format_type() ---- */

struct printer {
    char *text;
    size_t len;
};

static void print_str(struct printer *p, const char *s)
{
    size_t len = strlen(s);
    size_t room = pgtype_name_bytes - 1 - p->len;

    len = len < room ? len : room;
    memcpy(p->text + p->len, s, len);
    p->len += len;
    p->text[p->len] = '\0';
}

static void print_int(struct printer *p, int32_t n)
{
    char digits[number_int_bytes + 1];

    digits[number_write_int(n, digits)] = '\0';
    print_str(p, digits);
}

static void print_in_parens(struct printer *p, int32_t n)
{
    print_str(p, "(");
    print_int(p, n);
    print_str(p, ")");
}

static void print_numeric(struct printer *p, int32_t typmod)
{
    print_str(p, "numeric(");
    print_int(p, ((typmod - 4) >> 16) & 0xffff);
    print_str(p, ",");
    print_int(p, (((typmod - 4) & 0x7ff) ^ 1024) - 1024);
    print_str(p, ")");
}

/* "timestamp without time zone" takes its precision behind the first word. */
static void print_with_precision(struct printer *p, const char *sql_name, int32_t typmod)
{
    const char *rest = strchr(sql_name, ' ');

    print_str(p, sql_name);
    p->len -= strlen(rest);
    print_in_parens(p, typmod);
    print_str(p, rest);
}

/* An interval's typmod: a mask of fields above, precision (0xffff: full) below. */
static void print_interval(struct printer *p, int32_t typmod)
{
    enum {
        month = 1 << 1,
        year = 1 << 2,
        day = 1 << 3,
        hour = 1 << 10,
        minute = 1 << 11,
        second = 1 << 12
    };
    static const struct {
        int32_t mask;
        const char *text;
    } ranges[] = {
        { year, " year" },
        { month, " month" },
        { day, " day" },
        { hour, " hour" },
        { minute, " minute" },
        { second, " second" },
        { year | month, " year to month" },
        { day | hour, " day to hour" },
        { day | hour | minute, " day to minute" },
        { day | hour | minute | second, " day to second" },
        { hour | minute, " hour to minute" },
        { hour | minute | second, " hour to second" },
        { minute | second, " minute to second" },
    };
    int32_t mask = (typmod >> 16) & 0x7fff;
    int32_t precision = typmod & 0xffff;

    print_str(p, "interval");
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if (ranges[i].mask == mask) {
            print_str(p, ranges[i].text);
        }
    }
    if (precision != 0xffff) {
        print_in_parens(p, precision);
    }
}

static void print_type(struct printer *p, const struct pgtype *type, int32_t typmod)
{
    switch (typmod < 0 ? 0 : type->oid) {
    case OID_BPCHAR:
    case OID_VARCHAR:
        print_str(p, type->sql_name);
        if (typmod > 4) {
            print_in_parens(p, typmod - 4);
        }
        break;
    case 1560: /* bit */
    case 1562: /* bit varying */
        print_str(p, type->sql_name);
        print_in_parens(p, typmod);
        break;
    case OID_NUMERIC:
        print_numeric(p, typmod);
        break;
    case OID_TIME:
    case OID_TIMETZ:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        print_with_precision(p, type->sql_name, typmod);
        break;
    case OID_INTERVAL:
        print_interval(p, typmod);
        break;
    default:
        /* without a length these two would mean one character, one bit */
        print_str(p, type->oid == OID_BPCHAR ? "bpchar"
                     : type->oid == 1560     ? "\"bit\""
                                             : type->sql_name);
    }
}

const char *pgtype_format(uint32_t oid, int32_t typmod, char buf[pgtype_name_bytes])
{
    const struct pgtype *type = pgtype_by_oid(oid);
    struct printer p = { .text = buf };

    buf[0] = '\0';
    if (type == NULL) {
        print_str(&p, "???");
        return buf;
    }
    if (type->element_oid == 0) {
        print_type(&p, type, typmod);
        return buf;
    }
    const struct pgtype *element = pgtype_by_oid(type->element_oid);

    if (element == NULL) { /* of a catalog's row type */
        print_str(&p, type->sql_name);
        return buf;
    }
    print_type(&p, element, typmod);
    print_str(&p, "[]");
    return buf;
}
