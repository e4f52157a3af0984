/* sql/type_name.c: the grammar's type names. */
#include "sql/types.h"

#include "sql/grammar.h"

static const struct {
    const char *name;
    uint32_t oid;
} serial_names[] = {
    { "serial", OID_INT4 },  { "serial4", OID_INT4 },     { "bigserial", OID_INT8 },
    { "serial8", OID_INT8 }, { "smallserial", OID_INT2 }, { "serial2", OID_INT2 },
};

bool type_name_is_serial(const PgQuery__TypeName *name)
{
    if (name->n_names != 1) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(serial_names); i++) {
        if (strcmp(serial_names[i].name, node_string(name->names[0])) == 0) {
            return true;
        }
    }
    return false;
}

static int find_base(const PgQuery__TypeName *name, uint32_t *ret_oid, struct failure *ret_failure)
{
    const char *last = name->n_names == 0 ? "" : node_string(name->names[name->n_names - 1]);
    const char *schema = name->n_names == 2 ? node_string(name->names[0]) : "";
    const struct pgtype *row;

    for (size_t i = 0; i < ARRAY_LEN(serial_names) && name->n_names == 1; i++) {
        if (strcmp(serial_names[i].name, last) == 0) {
            *ret_oid = serial_names[i].oid;
            return 0;
        }
    }
    if (strcmp(schema, "pg_catalog") == 0 && strcmp(last, "char") == 0) {
        *ret_oid = OID_CHAR;
        return 0;
    }
    row = pgtype_by_name(view_of_str(last));
    if (row == NULL || strchr(last, ' ') != NULL) {
        return failure_set(ret_failure, "42704", "type \"%s%s%s\" does not exist", schema,
                           schema[0] != '\0' ? "." : "", last);
    }
    *ret_oid =
        strcmp(last, "char") == 0 ? OID_CHAR : row->oid; /* the grammar calls CHAR(n) bpchar */
    return 0;
}

static size_t constant_numbers(PgQuery__Node *const *nodes, size_t count, int32_t *ret_numbers)
{
    size_t found = 0;

    for (size_t i = 0; i < count && i < 2; i++) {
        if (nodes[i]->node_case != PG_QUERY__NODE__NODE_A_CONST ||
            nodes[i]->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL) {
            break;
        }
        ret_numbers[found++] = nodes[i]->a_const->ival->ival;
    }
    return found;
}

static int check_typmod(uint32_t oid, const int32_t *numbers, size_t count,
                        struct failure *ret_failure)
{
    if (oid == OID_NUMERIC && (numbers[0] < 1 || numbers[0] > 1000)) {
        return failure_set(ret_failure, "22023", "NUMERIC precision %d must be between 1 and 1000",
                           numbers[0]);
    }
    if (oid == OID_NUMERIC && count > 1 && (numbers[1] < -1000 || numbers[1] > 1000)) {
        return failure_set(ret_failure, "22023", "NUMERIC scale %d must be between -1000 and 1000",
                           numbers[1]);
    }
    if (type_has_length(oid) && numbers[0] < 1) {
        return failure_set(ret_failure, "22023", "length for type %s must be at least 1",
                           oid == OID_VARCHAR ? "varchar" : "char");
    }
    if (type_has_length(oid) && numbers[0] > 10485760) {
        return failure_set(ret_failure, "22023", "length for type %s cannot exceed 10485760",
                           oid == OID_VARCHAR ? "varchar" : "char");
    }
    return 0;
}

int type_of_name(const PgQuery__TypeName *name, struct type *ret_type, struct failure *ret_failure)
{
    struct type type = TYPE_NONE;
    int32_t numbers[2] = { 0 };
    size_t count = constant_numbers(name->typmods, name->n_typmods, numbers);

    if (name->setof || name->pct_type) {
        return failure_set(ret_failure, "0A000", "%s is not supported by pond yet",
                           name->setof ? "SETOF" : "%TYPE");
    }
    if (find_base(name, &type.oid, ret_failure) != 0 ||
        (count > 0 && check_typmod(type.oid, numbers, count, ret_failure) != 0)) {
        return FAILED;
    }
    if (name->n_array_bounds > 0) {
        const struct pgtype *row = pgtype_by_oid(type.oid);

        if (row == NULL || row->array_oid == 0) {
            return failure_set(ret_failure, "42704", "this type has no array type");
        }
        *ret_type = TYPE_OF(row->array_oid);
        return 0;
    }
    type.typmod = type_typmod(type.oid, numbers, count);
    *ret_type = type;
    return 0;
}
