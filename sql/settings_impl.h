/* sql/settings_impl.h: what the files behind settings.h share: settings.c changes them,
 * settings_show.c looks them up, settings_undo.c takes changes back. */
#pragma once

#include "sql/settings.h"

enum { custom_settings_max = 256 };

/* A setting that was changed once. */
struct slot {
    const struct setting_row *row; /* NULL: a custom one */
    char *name;                    /* of a custom one */
    char *startup, *session, *local;
};

/* What a slot was before it was changed; the log of them is in settings_undo.c. */
struct undo {
    size_t slot;
    char *session, *local;
};

/* A savepoint. */
struct mark {
    struct view name; /* owned */
    size_t undo;
};

struct settings {
    struct settings_host host;
    struct slot *slots;
    size_t slot_count, slot_cap, custom_count;
    struct undo *undos;
    size_t undo_count, undo_cap;
    struct mark *marks;
    size_t mark_count, mark_cap;
};

/* ---- settings.c ---- */

/* Room for one more. 0 or -ENOMEM. */
must_check int settings_grow(void **array, size_t *cap, size_t count, size_t item);
/* Its value is another one now. */
void settings_tell(struct settings *s, const struct slot *slot);

/* ---- settings_show.c ---- */

/* NULL: it was never changed, or there is none. `row` NULL: a custom one. */
struct slot *settings_find_slot(const struct settings *s, const struct setting_row *row,
                                struct view name);
const char *settings_slot_value(const struct slot *slot); /* by its layers */
const char *settings_value_of(const struct settings *s, const struct setting_row *row,
                              const struct slot *slot);

/* ---- settings_undo.c ---- */

/* Before the slot changes. */
must_check int settings_note_undo(struct settings *s, const struct slot *slot, struct failure *f);
void settings_drop_undos(struct settings *s, size_t down_to);
void settings_drop_marks(struct settings *s, size_t down_to);
