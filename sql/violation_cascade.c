/* sql/violation_cascade.c: a DELETE that takes rows of other tables along (ON DELETE CASCADE), of
 * which one is still referred to: these are looked at as if they were deleted by themselves. */
#include "sql/violation_impl.h"

#include "pool/session.h"

#include <stdio.h>
#include <string.h>

enum { cascades_most = 8 };

/* The rows of the child that go with those of v, as a DELETE of its own. 0, or it is not known. */
static int become_child(struct violation *v, struct reference *ref, unsigned depth,
                        struct violation *child)
{
    const char *above = violation_print(v, "\"pond up %u\"", depth);
    struct violated_key key;

    if (!violation_targets(v, ref) || !violation_key_of(v, ref->targets, &key)) {
        return FAILED;
    }
    violation_want(v, &key);
    violation_take(child, DML_DELETE, ref->child);
    const char *column = violation_print(v, "%s.", violation_name(v, ref->child));
    child->dml.with = view_of_str(
        violation_print(v, "%s%s", violation_with(v), violation_rows(v, above, VIOLATION_OLD)));
    child->dml.where = view_of_str(violation_print(
        v, "WHERE EXISTS (SELECT 1 FROM %s AS n WHERE %s = %s)", above,
        violation_row_of_names(v, ref->columns, column), violation_row(v, &key, "n.")));
    return v->r != 0 ? v->r : violation_load_table(child);
}

static int look_below(struct violation *v, const struct references *to, unsigned depth,
                      struct failure *failure);

static int look_at_child(struct violation *v, struct reference *ref, unsigned depth,
                         struct failure *failure)
{
    cleanup(violation_finish) struct violation child = { .sql = v->sql,
                                                         .params = v->params,
                                                         .param_count = v->param_count };
    struct references to;
    int r = become_child(v, ref, depth, &child);

    if (r == 0) {
        r = violation_references(&child, false, &to);
    }
    if (r == CURSOR_END) {
        r = violation_parents(&child, &to, failure);
    }
    if (r == CURSOR_END && !violation_is_told(failure) && depth < cascades_most) {
        r = look_below(&child, &to, depth + 1, failure);
    }
    return r;
}

/* No deeper than cascades_most. */
static int look_below(struct violation *v, const struct references *to, unsigned depth,
                      struct failure *failure)
{
    int r = CURSOR_END;

    for (struct reference *ref = to->first;
         r == CURSOR_END && ref != NULL && !violation_is_told(failure); ref = ref->next) {
        if (strcmp(ref->on_delete, "CASCADE") == 0) {
            r = look_at_child(v, ref, depth, failure);
        }
    }
    return r;
}

int violation_cascades(struct violation *v, const struct references *to, struct failure *failure)
{
    return look_below(v, to, 1, failure);
}
