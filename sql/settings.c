/* sql/settings.c: what one session has set, layer over layer, and the log that undoes it.
 *
 * A slot is made at the first change of a setting and stays; its index is what the undo log names.
 * The log keeps, for each slot changed since the last savepoint, the two layers that a transaction
 * can change. */
#include "sql/settings.h"

#include "base/alloc.h"
#include "sql/setting_check.h"
#include "sql/timezone.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

enum { custom_settings_max = 256, setting_value_max = 64 * 1024 };

struct slot {
    const struct setting_row *row; /* NULL: a custom one */
    char *name;                    /* of a custom one */
    char *startup, *session, *local;
};

struct undo {
    size_t slot;
    char *session, *local;
};

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

/* ---- growing arrays ---- */

static int grow(void **array, size_t *cap, size_t count, size_t item)
{
    if (count < *cap) {
        return 0;
    }
    size_t bigger = *cap == 0 ? 4 : *cap * 2;
    void *moved = mem_realloc(*array, bigger * item);
    if (moved == NULL) {
        return -ENOMEM;
    }
    *array = moved;
    *cap = bigger;
    return 0;
}

static char *copy(const char *s, bool *failed)
{
    char *c = s == NULL ? NULL : mem_strdup(s);

    *failed |= s != NULL && c == NULL;
    return c;
}

static void replace(char **place, char *value)
{
    mem_free(*place);
    *place = value;
}

/* ---- life ---- */

int settings_create_for(const struct settings_host *host, struct settings **ret_settings)
{
    struct settings *s = mem_zalloc(sizeof *s);

    if (s == NULL) {
        return -ENOMEM;
    }
    s->host = *host;
    *ret_settings = s;
    return 0;
}

static void drop_undos(struct settings *s, size_t down_to)
{
    while (s->undo_count > down_to) {
        struct undo *u = &s->undos[--s->undo_count];
        mem_free(u->session);
        mem_free(u->local);
    }
}

static void drop_marks(struct settings *s, size_t down_to)
{
    while (s->mark_count > down_to) {
        mem_free((void *)(uintptr_t)s->marks[--s->mark_count].name.data);
    }
}

void settings_destroy(struct settings *s)
{
    if (s == NULL) {
        return;
    }
    drop_undos(s, 0);
    drop_marks(s, 0);
    for (size_t i = 0; i < s->slot_count; i++) {
        mem_free(s->slots[i].name);
        mem_free(s->slots[i].startup);
        mem_free(s->slots[i].session);
        mem_free(s->slots[i].local);
    }
    mem_free(s->slots);
    mem_free(s->undos);
    mem_free(s->marks);
    mem_free(s);
}

/* ---- looking up ---- */

static bool slot_is(const struct slot *slot, const struct setting_row *row, struct view name)
{
    if (row != NULL || slot->row != NULL) {
        return row == slot->row;
    }
    return strlen(slot->name) == name.len &&
           strncasecmp(slot->name, (const char *)name.data, name.len) == 0;
}

static struct slot *find_slot(const struct settings *s, const struct setting_row *row,
                              struct view name)
{
    for (size_t i = 0; i < s->slot_count; i++) {
        if (slot_is(&s->slots[i], row, name)) {
            return &s->slots[i];
        }
    }
    return NULL;
}

static const char *slot_value(const struct slot *slot)
{
    const char *initial = slot->row == NULL ? "" : slot->row->initial;

    return slot->local != NULL     ? slot->local
           : slot->session != NULL ? slot->session
           : slot->startup != NULL ? slot->startup
                                   : initial;
}

static const char *value_of(const struct settings *s, const struct setting_row *row,
                            const struct slot *slot)
{
    if (row != NULL && (row->flags & SETTING_LIVE) != 0 && s->host.get != NULL) {
        const char *live = s->host.get(s->host.arg, row->name);
        if (live != NULL) {
            return live;
        }
    }
    return slot != NULL ? slot_value(slot) : row->initial;
}

int settings_show(const struct settings *s, struct view name, const char **ret_name,
                  const char **ret_value, struct failure *f)
{
    const struct setting_row *row = setting_find(name);
    const struct slot *slot = find_slot(s, row, name);

    if (row == NULL && slot == NULL) {
        return failure_set(f, "42704", "unrecognized configuration parameter \"%.*s\"",
                           (int)name.len, (const char *)name.data);
    }
    if (ret_name != NULL) {
        *ret_name = row != NULL ? row->name : slot->name;
    }
    if (ret_value != NULL) {
        *ret_value = value_of(s, row, slot);
    }
    return 0;
}

const char *settings_get(const struct settings *s, struct view name)
{
    const char *value = NULL;

    return settings_show(s, name, NULL, &value, NULL) == 0 ? value : NULL;
}

/* In the row's unit; 0 when there is none above. */
static int64_t number_of(const struct settings *s, const struct setting_row *row, const char *name)
{
    double number = 0;

    if (row == NULL ||
        setting_parse_number(row, value_of(s, row, find_slot(s, row, view_of_str(name))), &number,
                             NULL) != 0 ||
        number <= 0) {
        return 0;
    }
    return (int64_t)number;
}

int64_t settings_us(const struct settings *s, const char *name)
{
    const struct setting_row *row = setting_find(view_of_str(name));
    int64_t number = number_of(s, row, name);

    return number == 0 ? 0 : number * (row->unit == UNIT_S ? 1000000 : 1000);
}

int64_t settings_bytes(const struct settings *s, const char *name)
{
    return number_of(s, setting_find(view_of_str(name)), name) * 1024;
}

bool settings_bool(const struct settings *s, const char *name)
{
    const char *value = settings_get(s, view_of_str(name));

    return value != NULL && strcmp(value, "on") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcasecmp((*(const struct slot *const *)a)->name,
                      (*(const struct slot *const *)b)->name);
}

int settings_each(const struct settings *s, settings_fn *fn, void *arg)
{
    const struct slot *custom[custom_settings_max];
    size_t count = 0, next = 0;

    for (size_t i = 0; i < s->slot_count && count < custom_settings_max; i++) {
        if (s->slots[i].row == NULL) {
            custom[count++] = &s->slots[i];
        }
    }
    qsort(custom, count, sizeof custom[0], by_name);
    for (size_t i = 0; i <= setting_count; i++) {
        const struct setting_row *row = i < setting_count ? &setting_table[i] : NULL;
        for (; next < count && (row == NULL || strcasecmp(custom[next]->name, row->name) < 0);
             next++) {
            int r = fn(arg, custom[next]->name, slot_value(custom[next]), "");
            if (r != 0) {
                return r;
            }
        }
        if (row != NULL) {
            int r = fn(arg, row->name, value_of(s, row, find_slot(s, row, (struct view){ 0 })),
                       row->about != NULL ? row->about : "");
            if (r != 0) {
                return r;
            }
        }
    }
    return 0;
}

void settings_each_reported(const struct settings *s,
                            void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting_row *row = &setting_table[i];
        if ((row->flags & SETTING_REPORTED) != 0) {
            fn(arg, row->name, value_of(s, row, find_slot(s, row, (struct view){ 0 })));
        }
    }
}

/* ---- what follows from a change ---- */

static void restyle(struct settings *s)
{
    struct value_style *style = s->host.style;
    const struct zone *zone = NULL;
    struct view bad;
    const char *interval = settings_get(s, view_of_str("IntervalStyle"));

    (void)datestyle_parse(settings_get(s, view_of_str("DateStyle")), &style->date_output,
                          &style->date_order, &bad);
    style->interval_output = interval[0] == 'i'   ? INTERVAL_ISO_8601
                             : interval[0] == 's' ? INTERVAL_SQL
                             : interval[8] == '_' ? INTERVAL_POSTGRES_VERBOSE
                                                  : INTERVAL_POSTGRES;
    style->bytea_escape = settings_get(s, view_of_str("bytea_output"))[0] == 'e';
    style->rounded_floats = atoi(settings_get(s, view_of_str("extra_float_digits"))) <= 0;

    const char *name = settings_get(s, view_of_str("TimeZone"));
    if (strcmp(name, "UTC") == 0 || timezone_find(view_of_str(name), &zone) != 0) {
        style->utc_offset = NULL;
        style->zone = NULL;
    } else {
        style->utc_offset = timezone_offset;
        style->zone = zone;
    }
}

static void tell(struct settings *s, const struct slot *slot)
{
    if (slot->row == NULL) {
        return;
    }
    if ((slot->row->flags & SETTING_STYLE) != 0 && s->host.style != NULL) {
        restyle(s);
    }
    if (s->host.changed != NULL) {
        s->host.changed(s->host.arg, slot->row, slot_value(slot));
    }
}

/* ---- changing ---- */

static int check_custom_name(struct settings *s, struct view name, struct failure *f)
{
    bool start = true, dot = false, sane = true;

    for (size_t i = 0; i < name.len; i++) {
        int c = name.data[i];
        bool letter = isalpha(c) || c == '_' || c >= 0x80;
        dot |= c == '.';
        sane &= start ? letter : letter || isdigit(c) || c == '$' || c == '.';
        start = c == '.';
    }
    if (!dot) {
        return failure_set(f, "42704", "unrecognized configuration parameter \"%.*s\"",
                           (int)name.len, (const char *)name.data);
    }
    if (!sane || start) {
        failure_set(f, "42602", "invalid configuration parameter name \"%.*s\"", (int)name.len,
                    (const char *)name.data);
        failure_add(
            f, FIELD_DETAIL,
            "Custom parameter names must be two or more simple identifiers separated by dots.");
        return FAILED;
    }
    if (s->custom_count >= custom_settings_max) {
        return failure_set(f, "53400", "too many custom configuration parameters (limit %d)",
                           custom_settings_max);
    }
    return 0;
}

static int make_slot(struct settings *s, const struct setting_row *row, struct view name,
                     struct slot **ret_slot, struct failure *f)
{
    if (row == NULL) {
        int r = check_custom_name(s, name, f);
        if (r != 0) {
            return r;
        }
    }
    char *own = row == NULL ? mem_strndup(name.data, name.len) : NULL;
    void *slots = s->slots;
    int r = grow(&slots, &s->slot_cap, s->slot_count, sizeof *s->slots);
    s->slots = slots;
    if (r != 0 || (row == NULL && own == NULL)) {
        mem_free(own);
        return failure_set_nomem(f);
    }
    s->custom_count += row == NULL;
    s->slots[s->slot_count] = (struct slot){ .row = row, .name = own };
    *ret_slot = &s->slots[s->slot_count++];
    return 0;
}

/* Notes both layers of the slot, unless that was done since the last savepoint. */
static int note_undo(struct settings *s, const struct slot *slot, struct failure *f)
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
    int r = grow(&undos, &s->undo_cap, s->undo_count, sizeof *s->undos);
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

static int check_allowed(const struct setting_row *row, enum setting_scope scope, struct failure *f)
{
    if (row == NULL) {
        return 0;
    }
    if ((row->flags & SETTING_AT_STARTUP) != 0 && scope != SCOPE_STARTUP) {
        return failure_set(f, "55P02", "parameter \"%s\" cannot be set after connection start",
                           row->name);
    }
    if ((row->flags & SETTING_FIXED) != 0) {
        return failure_set(f, "55P02", "parameter \"%s\" cannot be changed", row->name);
    }
    if ((row->flags & SETTING_AT_RESTART) != 0) {
        return failure_set(f, "55P02",
                           "parameter \"%s\" cannot be changed without restarting the server",
                           row->name);
    }
    if ((row->flags & SETTING_NOT_NOW) != 0) {
        return failure_set(f, "55P02", "parameter \"%s\" cannot be changed now", row->name);
    }
    return 0;
}

/* The canonical form of the value, or NULL in *ret_value to fall back to the layers below. */
static int canonical_value(const struct settings *s, const struct setting_row *row,
                           const struct slot *slot, const char *value, char **ret_value,
                           struct failure *f)
{
    cleanup(buf_finish) struct buf out = { .max = setting_value_max };
    int r = 0;

    if (row == NULL) {
        r = buf_append_str(&out, value) == 0 ? 0 : failure_set_nomem(f);
    } else if (row->check != NULL) {
        r = row->check(row, value, value_of(s, row, slot), &out, f);
    } else {
        r = setting_check_typed(row, value, &out, f);
    }
    if (r != 0) {
        return r;
    }
    *ret_value = buf_take_str(&out);
    return *ret_value != NULL ? 0 : failure_set_nomem(f);
}

static int set_live(struct settings *s, const struct setting_row *row, const char *value,
                    struct failure *f)
{
    cleanup(mem_freep) char *canonical = NULL;

    if (value == NULL) {
        return s->host.set != NULL ? s->host.set(s->host.arg, row->name, NULL, f) : 0;
    }
    int r = canonical_value(s, row, NULL, value, &canonical, f);
    if (r == 0 && s->host.set != NULL) {
        r = s->host.set(s->host.arg, row->name, canonical, f);
    }
    return r;
}

/* TO DEFAULT inside LOCAL must not show the session's layer: it names the value below. */
static int default_value(const struct slot *slot, enum setting_scope scope, char **ret_value,
                         struct failure *f)
{
    const char *below = slot->startup != NULL ? slot->startup
                        : slot->row != NULL   ? slot->row->initial
                                              : "";

    if (scope != SCOPE_LOCAL) {
        *ret_value = NULL;
        return 0;
    }
    *ret_value = mem_strdup(below);
    return *ret_value != NULL ? 0 : failure_set_nomem(f);
}

static int store(struct settings *s, struct slot *slot, char *value, enum setting_scope scope,
                 struct failure *f)
{
    cleanup(mem_freep) char *owned = value;
    cleanup(mem_freep) char *before = mem_strdup(slot_value(slot));

    if (before == NULL) {
        return failure_set_nomem(f);
    }
    if (scope == SCOPE_STARTUP) {
        replace(&slot->startup, take_ptr(owned));
    } else {
        int r = note_undo(s, slot, f);
        if (r != 0) {
            return r;
        }
        if (scope == SCOPE_LOCAL) {
            replace(&slot->local, take_ptr(owned));
        } else {
            replace(&slot->session, take_ptr(owned));
            replace(&slot->local, NULL);
        }
    }
    if (strcmp(before, slot_value(slot)) != 0) {
        tell(s, slot);
    }
    return 0;
}

int settings_set(struct settings *s, struct view name, const char *value, enum setting_scope scope,
                 struct failure *f)
{
    const struct setting_row *row = setting_find(name);
    struct slot *slot = find_slot(s, row, name);
    char *canonical = NULL;

    int r = check_allowed(row, scope, f);
    if (r == 0 && row != NULL && (row->flags & SETTING_LIVE) != 0) {
        return set_live(s, row, value, f);
    }
    if (r == 0 && slot == NULL && value == NULL && (row != NULL || scope != SCOPE_LOCAL)) {
        return settings_show(s, name, NULL, NULL, f); /* it has its default already */
    }
    if (r == 0 && value != NULL && row != NULL) {
        r = canonical_value(s, row, slot, value, &canonical, f); /* before a slot is made for it */
    }
    if (r == 0 && slot == NULL) {
        r = make_slot(s, row, name, &slot, f);
    }
    if (r == 0 && value != NULL && row == NULL) {
        r = canonical_value(s, row, slot, value, &canonical, f);
    }
    if (r == 0 && value == NULL) {
        r = default_value(slot, scope, &canonical, f);
    }
    if (r != 0) {
        mem_free(canonical);
        return r;
    }
    return store(s, slot, canonical, scope, f);
}

int settings_reset_all(struct settings *s, struct failure *f)
{
    for (size_t i = 0; i < s->slot_count; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->row != NULL && (slot->row->flags & SETTING_NO_RESET_ALL) != 0) {
            continue;
        }
        if (slot->session != NULL || slot->local != NULL) {
            int r = store(s, slot, NULL, SCOPE_SESSION, f);
            if (r != 0) {
                return r;
            }
        }
    }
    return 0;
}

/* ---- transactions ---- */

static void undo_down_to(struct settings *s, size_t down_to)
{
    while (s->undo_count > down_to) {
        struct undo *u = &s->undos[--s->undo_count];
        struct slot *slot = &s->slots[u->slot];
        char *shown_session = slot->session, *shown_local = slot->local;
        const char *before = slot_value(slot);
        slot->session = u->session;
        slot->local = u->local;
        if (strcmp(before, slot_value(slot)) != 0) {
            tell(s, slot);
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
        if (local != NULL && strcmp(local, slot_value(slot)) != 0) {
            tell(s, slot);
        }
        mem_free(local);
    }
    drop_undos(s, 0);
}

void settings_end(struct settings *s, bool committed)
{
    if (s->undo_count > 0 && !committed) {
        undo_down_to(s, 0);
    } else if (s->undo_count > 0) {
        end_locals(s);
    }
    drop_marks(s, 0);
}

int settings_savepoint(struct settings *s, struct view name, struct failure *f)
{
    char *own = mem_strndup(name.data, name.len);
    void *marks = s->marks;
    int r = grow(&marks, &s->mark_cap, s->mark_count, sizeof *s->marks);

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
        drop_marks(s, mark);
    }
}

void settings_rollback_to(struct settings *s, struct view name)
{
    size_t mark = 0;

    if (find_mark(s, name, &mark)) {
        undo_down_to(s, s->marks[mark].undo);
        drop_marks(s, mark + 1);
    }
}
