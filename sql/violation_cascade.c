/* sql/violation_cascade.c: a DELETE that takes rows of other tables along (ON DELETE CASCADE), of
 * which one is still referred to: these are looked at as if they were deleted by themselves. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"

#include <string.h>

/* Tables that refer to themselves by several keys have very many ways down, each of which costs
 * little: the limit of steps would come late. */
enum { depth_most = 8, cascades_most = 100 };

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

static int note_row(struct violation *v, const struct cell *cells, void *arg)
{
    bool *found = arg;

    (void)v;
    (void)cells;
    *found = true;
    return CURSOR_END;
}

/* Of none that go, nothing has to be known. 0, CURSOR_END: there is none; or as violation_ask(). */
static int find_row(struct violation *v)
{
    const char *rows = violation_rows(v, violation_old, VIOLATION_OLD);
    const char *question =
        violation_print(v, "%s SELECT 1 FROM " violation_old " LIMIT 1", violation_with(v, rows));
    bool found = false;
    int r = violation_ask(v, question, note_row, &found);

    return found ? 0 : r;
}

static int go_below(struct violation *v, const struct reference *ref, struct failure *failure)
{
    cleanup(violation_finish) struct violation child = {
        .sql = v->sql,
        .params = v->params,
        .param_count = v->param_count,
        .depth = v->depth + 1,
        .cascades = v->cascades + 1,
    };
    int r = become_child(v, ref, &child);

    r = r == 0 ? find_row(&child) : r;
    r = r == 0 ? violation_foreign(&child, failure) : r;
    v->cascades = child.cascades;
    return r;
}

int violation_look_below(struct violation *v, const struct reference *ref, struct failure *failure)
{
    if (v->dml.verb != DML_DELETE || !sqltext_names_equal(ref->parent, v->dml.table) ||
        strcmp(ref->on_delete, "CASCADE") != 0 || v->depth == depth_most) {
        return CURSOR_END;
    }
    return v->cascades == cascades_most ? FAILED : go_below(v, ref, failure);
}
