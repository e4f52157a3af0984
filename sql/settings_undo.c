/* sql/settings_undo.c: the transaction's hold on the settings.
 *
 * The log keeps, for each slot changed since the last savepoint, the two layers that a transaction
 * can change; a slot is named by its index, for the array moves. */
#include "sql/settings_impl.h"

#include "base/alloc.h"

#include <string.h>

/* ---- the log ---- */

static char *copy(const char *s, bool *failed)
{
    char *c = s == NULL ? NULL : mem_strdup(s);

    *failed |= s != NULL && c == NULL;
    return c;
}

void settings_drop_undos(struct settings *s, size_t down_to)
{
    while (s->undo_count > down_to) {
        struct undo *u = &s->undos[--s->undo_count];
        mem_free(u->session);
        mem_free(u->local);
    }
}

void settings_drop_marks(struct settings *s, size_t down_to)
{
    while (s->mark_count > down_to) {
        mem_free((void *)(uintptr_t)s->marks[--s->mark_count].name.data);
    }
}

/* Notes both layers of the slot, unless that was done since the last savepoint. */
int settings_note_undo(struct settings *s, const struct slot *slot, struct failure *f)
{
    size_t index = (size_t)(slot - s->slots);
    size_t since = s->mark_count > 0 ? s->marks[s->mark_count - 1].undo : 0;
    bool failed = false;

    for (size_t i = since; i < s->undo_count; i++) {
        if (s->undos[i].slot == index) {
            return 0;
        }
    }
    void *undos = s->undos;
    int r = settings_grow(&undos, &s->undo_cap, s->undo_count, sizeof *s->undos);
    s->undos = undos;
    if (r != 0) {
        return failure_set_nomem(f);
    }
    struct undo u = { .slot = index,
                      .session = copy(slot->session, &failed),
                      .local = copy(slot->local, &failed) };
    if (failed) {
        mem_free(u.session);
        mem_free(u.local);
        return failure_set_nomem(f);
    }
    s->undos[s->undo_count++] = u;
    return 0;
}

/* ---- transactions ---- */

static void undo_down_to(struct settings *s, size_t down_to)
{
    while (s->undo_count > down_to) {
        struct undo *u = &s->undos[--s->undo_count];
        struct slot *slot = &s->slots[u->slot];
        char *shown_session = slot->session, *shown_local = slot->local;
        const char *before = settings_slot_value(slot);
        slot->session = u->session;
        slot->local = u->local;
        if (strcmp(before, settings_slot_value(slot)) != 0) {
            settings_tell(s, slot);
        }
        mem_free(shown_session);
        mem_free(shown_local);
    }
}

static void end_locals(struct settings *s)
{
    for (size_t i = 0; i < s->undo_count; i++) {
        struct slot *slot = &s->slots[s->undos[i].slot];
        char *local = slot->local;
        slot->local = NULL;
        if (local != NULL && strcmp(local, settings_slot_value(slot)) != 0) {
            settings_tell(s, slot);
        }
        mem_free(local);
    }
    settings_drop_undos(s, 0);
}

void settings_end(struct settings *s, bool committed)
{
    if (s->undo_count > 0 && !committed) {
        undo_down_to(s, 0);
    } else if (s->undo_count > 0) {
        end_locals(s);
    }
    settings_drop_marks(s, 0);
}

int settings_savepoint(struct settings *s, struct view name, struct failure *f)
{
    char *own = mem_strndup(name.data, name.len);
    void *marks = s->marks;
    int r = settings_grow(&marks, &s->mark_cap, s->mark_count, sizeof *s->marks);

    s->marks = marks;
    if (own == NULL || r != 0) {
        mem_free(own);
        return failure_set_nomem(f);
    }
    s->marks[s->mark_count++] =
        (struct mark){ .name = view_of(own, name.len), .undo = s->undo_count };
    return 0;
}

static bool find_mark(const struct settings *s, struct view name, size_t *ret_index)
{
    for (size_t i = s->mark_count; i-- > 0;) {
        if (view_equal(s->marks[i].name, name)) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

void settings_release(struct settings *s, struct view name)
{
    size_t mark = 0;

    if (find_mark(s, name, &mark)) {
        settings_drop_marks(s, mark);
    }
}

void settings_rollback_to(struct settings *s, struct view name)
{
    size_t mark = 0;

    if (find_mark(s, name, &mark)) {
        undo_down_to(s, s->marks[mark].undo);
        settings_drop_marks(s, mark + 1);
    }
}
