/* sql/violation_cascade.c: a DELETE that takes rows of other tables along (ON DELETE CASCADE), of
 * which one is still referred to: these are looked at as if they were deleted by themselves. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "sql/verb_support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { cascades_most = 8 };

/* WITH "pond up 3" AS (the rows that go), of which the targets are wanted. */
static int print_above(struct violation *v, struct reference *ref, const char *above,
                       struct buf *out)
{
    struct violated_key key;
    struct violation_wish wish = { .key = &key, .is_old = true, .name = above };

    return violation_targets(v, ref) && violation_key_of(v, ref->targets, &key)
               ? violation_print_rows(v, &wish, out)
               : FAILED;
}

/* WHERE EXISTS (SELECT 1 FROM "pond up 3" AS n WHERE "child"."a" = n."pond old x") */
static int print_where(const struct reference *ref, const char *above, struct buf *out)
{
    const char *columns = ref->columns, *targets = ref->targets;
    char column[table_name_bytes], target[table_name_bytes], old[sizeof column + 16];
    int r = buf_printf(out, "WHERE EXISTS (SELECT 1 FROM %s AS n WHERE TRUE", above);

    while (r == 0 && violation_next_name(&columns, column) &&
           violation_next_name(&targets, target)) {
        snprintf(old, sizeof old, violation_old "%s", target);
        r = buf_append_str(out, " AND ");
        r = r == 0 ? verb_ident(out, ref->child) : r;
        r = r == 0 ? buf_append_byte(out, '.') : r;
        r = r == 0 ? verb_ident(out, column) : r;
        r = r == 0 ? buf_append_str(out, " = n.") : r;
        r = r == 0 ? verb_ident(out, old) : r;
    }
    return r == 0 ? buf_append_byte(out, ')') : r;
}

static int keep(struct violation *v, const struct buf *text, struct view *ret_kept)
{
    const char *copy = arena_strndup(&v->arena, text->data, text->len);

    *ret_kept = view_of(copy, text->len);
    return copy == NULL ? -ENOMEM : 0;
}

/* The rows of the child that go with those of v, as a DELETE of its own. 0, or it is not known. */
static int become_child(struct violation *v, struct reference *ref, unsigned depth,
                        struct violation *child)
{
    cleanup(buf_finish) struct buf with = { 0 };
    cleanup(buf_finish) struct buf target = { 0 };
    cleanup(buf_finish) struct buf where = { 0 };
    char above[32];

    snprintf(above, sizeof above, "\"pond up %u\"", depth);
    int r = print_above(v, ref, above, &with);
    r = r == 0 ? verb_ident(&target, ref->child) : r;
    r = r == 0 ? print_where(ref, above, &where) : r;
    r = r == 0 ? keep(v, &with, &child->dml.with) : r;
    r = r == 0 ? keep(v, &target, &child->dml.target) : r;
    r = r == 0 ? keep(v, &where, &child->dml.where) : r;
    child->dml.verb = DML_DELETE;
    snprintf(child->dml.table, sizeof child->dml.table, "%s", ref->child);
    snprintf(child->dml.alias, sizeof child->dml.alias, "%s", ref->child);
    return r == 0 ? violation_load_table(child, ref->child) : r;
}

static int look_below(struct violation *v, unsigned depth, struct reference_answer *answer);

static int look_at_child(struct violation *v, struct reference *ref, unsigned depth,
                         struct reference_answer *answer)
{
    struct violation child = { .sql = v->sql, .params = v->params, .param_count = v->param_count };
    int r = become_child(v, ref, depth, &child);

    if (r == 0) {
        r = violation_parents(&child, answer);
    }
    if (r == CURSOR_END && !answer->told && depth < cascades_most) {
        r = look_below(&child, depth + 1, answer);
    }
    arena_finish(&child.arena);
    return r;
}

/* No deeper than cascades_most. */
static int look_below(struct violation *v, unsigned depth, struct reference_answer *answer)
{
    struct references all;
    int r = violation_references(v, false, &all);

    for (struct reference *ref = all.first; r == CURSOR_END && ref != NULL && !answer->told;
         ref = ref->next) {
        if (strcmp(ref->on_delete, "CASCADE") == 0) {
            r = look_at_child(v, ref, depth, answer);
        }
    }
    return r;
}

int violation_cascades(struct violation *v, struct reference_answer *answer)
{
    return look_below(v, 1, answer);
}
