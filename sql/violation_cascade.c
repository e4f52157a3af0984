/* sql/violation_cascade.c: a DELETE that takes rows of other tables along (ON DELETE CASCADE), of
 * which one is still referred to: these are looked at as if they were deleted by themselves. */
#include "sql/violation_impl.h"

#include "pool/session.h"

#include <stdio.h>
#include <string.h>

enum { cascades_most = 8 };

/* WITH "pond up 3" AS (the rows that go), of which the targets are wanted. */
static int keep_above(struct violation *v, struct reference *ref, const char *above,
                      struct view *ret_with)
{
    struct violation_query q = { .r = 0 };
    struct violated_key key;
    struct violation_wish wish = { .key = &key, .is_old = true, .name = above };

    if (!violation_targets(v, ref) || !violation_key_of(v, ref->targets, &key)) {
        return FAILED;
    }
    violation_put_rows(v, &wish, &q);
    return violation_keep(v, &q, ret_with);
}

static int keep_name(struct violation *v, const char *name, struct view *ret_text)
{
    struct violation_query q = { .r = 0 };

    violation_put_name(&q, "", name);
    return violation_keep(v, &q, ret_text);
}

/* WHERE EXISTS (SELECT 1 FROM "pond up 3" AS n WHERE "child"."a" = n."pond old x") */
static int keep_where(struct violation *v, const struct reference *ref, const char *above,
                      struct view *ret_where)
{
    const char *columns = ref->columns, *targets = ref->targets;
    char column[table_name_bytes], target[table_name_bytes];
    struct violation_query q = { .r = 0 };

    violation_put(&q, "WHERE EXISTS (SELECT 1 FROM ");
    violation_put(&q, above);
    violation_put(&q, " AS n WHERE TRUE");
    while (violation_next_name(&columns, column) && violation_next_name(&targets, target)) {
        violation_put(&q, " AND ");
        violation_put_name(&q, "", ref->child);
        violation_put(&q, ".");
        violation_put_name(&q, "", column);
        violation_put(&q, " = n.");
        violation_put_name(&q, violation_old, target);
    }
    violation_put(&q, ")");
    return violation_keep(v, &q, ret_where);
}

/* The rows of the child that go with those of v, as a DELETE of its own. 0, or it is not known. */
static int become_child(struct violation *v, struct reference *ref, unsigned depth,
                        struct violation *child)
{
    char above[32];

    snprintf(above, sizeof above, "\"pond up %u\"", depth);
    int r = keep_above(v, ref, above, &child->dml.with);
    r = r == 0 ? keep_name(v, ref->child, &child->dml.target) : r;
    r = r == 0 ? keep_where(v, ref, above, &child->dml.where) : r;
    child->dml.verb = DML_DELETE;
    snprintf(child->dml.table, sizeof child->dml.table, "%s", ref->child);
    snprintf(child->dml.alias, sizeof child->dml.alias, "%s", ref->child);
    return r == 0 ? violation_load_table(child, ref->child) : r;
}

static int look_below(struct violation *v, const struct references *to, unsigned depth,
                      struct reference_answer *answer);

static int look_at_child(struct violation *v, struct reference *ref, unsigned depth,
                         struct reference_answer *answer)
{
    struct violation child = { .sql = v->sql, .params = v->params, .param_count = v->param_count };
    struct references to;
    int r = become_child(v, ref, depth, &child);

    if (r == 0) {
        r = violation_references(&child, false, &to);
    }
    if (r == CURSOR_END) {
        r = violation_parents(&child, &to, answer);
    }
    if (r == CURSOR_END && !answer->told && depth < cascades_most) {
        r = look_below(&child, &to, depth + 1, answer);
    }
    arena_finish(&child.arena);
    return r;
}

/* No deeper than cascades_most. */
static int look_below(struct violation *v, const struct references *to, unsigned depth,
                      struct reference_answer *answer)
{
    int r = CURSOR_END;

    for (struct reference *ref = to->first; r == CURSOR_END && ref != NULL && !answer->told;
         ref = ref->next) {
        if (strcmp(ref->on_delete, "CASCADE") == 0) {
            r = look_at_child(v, ref, depth, answer);
        }
    }
    return r;
}

int violation_cascades(struct violation *v, const struct references *to,
                       struct reference_answer *answer)
{
    return look_below(v, to, 1, answer);
}
