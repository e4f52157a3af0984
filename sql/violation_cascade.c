/* sql/violation_cascade.c: a DELETE that takes rows of other tables along (ON DELETE CASCADE), of
 * which one is still referred to: these are looked at as if they were deleted by themselves. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"

#include <string.h>

enum { cascades_most = 8 };

/* The rows of the child that go with those of v, as a DELETE of its own. 0, or it is not known. */
static int become_child(struct violation *v, const struct reference *ref, struct violation *child)
{
    const char *above = violation_print(v, "\"pond up %u\"", v->depth);
    struct violated_key key;

    if (!violation_key_of(v, ref->targets, &key)) {
        return FAILED;
    }
    violation_want(v, &key);
    violation_stand_for(child, DML_DELETE, ref->child);
    const char *column = violation_print(v, "%s.", violation_name(v, ref->child));
    const char *with = violation_with(v, violation_rows(v, above, VIOLATION_OLD));
    child->dml.with = view_of_str(with);
    child->dml.where = view_of_str(violation_print(
        v, "WHERE EXISTS (SELECT 1 FROM %s AS n WHERE %s = %s)", above,
        violation_tuple_of(v, ref->columns, column), violation_tuple(v, &key, "n.")));
    return v->r != 0 ? v->r : violation_load_table(child);
}

int violation_look_below(struct violation *v, const struct reference *ref, struct failure *failure)
{
    cleanup(violation_finish) struct violation child = {
        .sql = v->sql,
        .params = v->params,
        .param_count = v->param_count,
        .depth = v->depth + 1,
    };

    if (v->dml.verb != DML_DELETE || !sqltext_names_equal(ref->parent, v->dml.table) ||
        strcmp(ref->on_delete, "CASCADE") != 0 || v->depth == cascades_most) {
        return CURSOR_END;
    }
    int r = become_child(v, ref, &child);
    return r == 0 ? violation_foreign(&child, failure) : r;
}
