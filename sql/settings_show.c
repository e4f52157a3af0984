/* sql/settings_show.c: what a setting is now: its highest layer, what the host says of a live one,
 * or the table's default. */
#include "sql/settings_impl.h"

#include "sql/setting_check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool slot_is(const struct slot *slot, const struct setting_row *row, struct view name)
{
    if (row != NULL || slot->row != NULL) {
        return row == slot->row;
    }
    return strlen(slot->name) == name.len &&
           strncasecmp(slot->name, (const char *)name.data, name.len) == 0;
}

struct slot *settings_find_slot(const struct settings *s, const struct setting_row *row,
                                struct view name)
{
    for (size_t i = 0; i < s->slot_count; i++) {
        if (slot_is(&s->slots[i], row, name)) {
            return &s->slots[i];
        }
    }
    return NULL;
}

const char *settings_slot_value(const struct slot *slot)
{
    const char *initial = slot->row == NULL ? "" : slot->row->initial;

    return slot->local != NULL     ? slot->local
           : slot->session != NULL ? slot->session
           : slot->startup != NULL ? slot->startup
                                   : initial;
}

const char *settings_value_of(const struct settings *s, const struct setting_row *row,
                              const struct slot *slot)
{
    if (row != NULL && (row->flags & SETTING_LIVE) != 0 && s->host.get != NULL) {
        const char *live = s->host.get(s->host.arg, row->name);
        if (live != NULL) {
            return live;
        }
    }
    return slot != NULL ? settings_slot_value(slot) : row->initial;
}

int settings_show(const struct settings *s, struct view name, const char **ret_name,
                  const char **ret_value, struct failure *f)
{
    const struct setting_row *row = setting_find(name);
    const struct slot *slot = settings_find_slot(s, row, name);

    if (row == NULL && slot == NULL) {
        return failure_set(f, "42704", "unrecognized configuration parameter \"%.*s\"",
                           (int)name.len, (const char *)name.data);
    }
    if (ret_name != NULL) {
        *ret_name = row != NULL ? row->name : slot->name;
    }
    if (ret_value != NULL) {
        *ret_value = settings_value_of(s, row, slot);
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
        setting_parse_number(
            row, settings_value_of(s, row, settings_find_slot(s, row, view_of_str(name))), &number,
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
            int r = fn(arg, custom[next]->name, settings_slot_value(custom[next]), "");
            if (r != 0) {
                return r;
            }
        }
        if (row != NULL) {
            int r = fn(arg, row->name,
                       settings_value_of(s, row, settings_find_slot(s, row, (struct view){ 0 })),
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
            fn(arg, row->name,
               settings_value_of(s, row, settings_find_slot(s, row, (struct view){ 0 })));
        }
    }
}
