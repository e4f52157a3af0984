/* sql/settings.c: what one session has set, layer over layer: SET and RESET. A slot is made at the
 * first change of a setting and stays. */
#include "sql/settings_impl.h"

#include "base/alloc.h"
#include "sql/setting_check.h"
#include "sql/timezone.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { setting_value_max = 64 * 1024 };

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

void settings_destroy(struct settings *s)
{
    if (s == NULL) {
        return;
    }
    settings_drop_undos(s, 0);
    settings_drop_marks(s, 0);
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

void settings_tell(struct settings *s, const struct slot *slot)
{
    if (slot->row == NULL) {
        return;
    }
    if ((slot->row->flags & SETTING_STYLE) != 0 && s->host.style != NULL) {
        restyle(s);
    }
    if (s->host.changed != NULL) {
        s->host.changed(s->host.arg, slot->row, settings_slot_value(slot));
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

int settings_grow(void **array, size_t *cap, size_t count, size_t item)
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
    int r = settings_grow(&slots, &s->slot_cap, s->slot_count, sizeof *s->slots);
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
        r = row->check(row, value, settings_value_of(s, row, slot), &out, f);
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

static void replace(char **place, char *value)
{
    mem_free(*place);
    *place = value;
}

static int store(struct settings *s, struct slot *slot, char *value, enum setting_scope scope,
                 struct failure *f)
{
    cleanup(mem_freep) char *owned = value;
    cleanup(mem_freep) char *before = mem_strdup(settings_slot_value(slot));

    if (before == NULL) {
        return failure_set_nomem(f);
    }
    if (scope == SCOPE_STARTUP) {
        replace(&slot->startup, take_ptr(owned));
    } else {
        int r = settings_note_undo(s, slot, f);
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
    if (strcmp(before, settings_slot_value(slot)) != 0) {
        settings_tell(s, slot);
    }
    return 0;
}

int settings_set(struct settings *s, struct view name, const char *value, enum setting_scope scope,
                 struct failure *f)
{
    const struct setting_row *row = setting_find(name);
    struct slot *slot = settings_find_slot(s, row, name);
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
