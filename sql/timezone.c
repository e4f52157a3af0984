/* sql/timezone.c: zones by name: the list of those that were asked for before, zoneinfo files,
 * fixed offsets.
 *
 * The list is a lock-free stack that only grows, so that loops may share it. Its memory belongs to
 * the process, not to the session that happened to ask first. */
#include "sql/timezone.h"

#include "base/alloc.h"
#include "sql/tzif.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define ZONEINFO_DIR "/usr/share/zoneinfo"

enum { zone_name_max = 63, synthetic_max = 512 };

struct zone {
    struct zone *next;
    struct tzif *tzif;   /* NULL: the rule alone */
    struct tz_rule rule; /* of a zone without a file */
    char name[zone_name_max + 1];
};

static _Atomic(struct zone *) zones;
static atomic_int
    synthetic_count; /* zones without a file: a client can make up as many as it likes */

const char *timezone_name(const struct zone *zone)
{
    return zone->name;
}

static int32_t offset_at(const struct zone *zone, int64_t utc)
{
    return zone->tzif != NULL ? tzif_offset(zone->tzif, utc) : tz_rule_offset(&zone->rule, utc);
}

int32_t timezone_offset(const void *arg, int64_t seconds, bool is_local)
{
    const struct zone *zone = arg;
    const int64_t day = 86400;

    if (!is_local) {
        return offset_at(zone, seconds);
    }

    int32_t before = offset_at(zone, seconds - day);
    int32_t after = offset_at(zone, seconds + day);
    if (before == after) {
        return before;
    }
    /* A change is near: the later offset holds if it holds at the instant that it makes of this
     * local time. */
    return offset_at(zone, seconds - after) == after ? after : before;
}

static const struct zone *find_known(const char *name)
{
    for (const struct zone *z = atomic_load(&zones); z != NULL; z = z->next) {
        if (strcasecmp(z->name, name) == 0) {
            return z;
        }
    }
    return NULL;
}

static const struct zone *publish(struct zone *zone)
{
    zone->next = atomic_load(&zones);
    while (!atomic_compare_exchange_weak(&zones, &zone->next, zone)) {
    }
    return zone;
}

/* Looks for `name` component by component, letters in any case, and puts the true spelling into it.
 */
static bool spell_path(char *name)
{
    char path[sizeof ZONEINFO_DIR + 1 + zone_name_max + 1] = ZONEINFO_DIR;
    size_t used = sizeof ZONEINFO_DIR - 1;

    for (char *part = name; *part != '\0';) {
        size_t len = strcspn(part, "/");
        DIR *dir = opendir(path);
        bool found = false;
        for (struct dirent *e = NULL; dir != NULL && (e = readdir(dir)) != NULL && !found;) {
            if (strlen(e->d_name) == len && strncasecmp(e->d_name, part, len) == 0) {
                memcpy(part, e->d_name, len);
                found = true;
            }
        }
        if (dir != NULL) {
            closedir(dir);
        }
        if (!found) {
            return false;
        }
        path[used++] = '/';
        memcpy(path + used, part, len);
        path[used += len] = '\0';
        part += len + (part[len] == '/');
    }
    return true;
}

static bool name_is_sane(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("_+-/", *c) == NULL) {
            return false;
        }
    }
    return isalpha((unsigned char)name[0]) && strstr(name, "//") == NULL &&
           name[strlen(name) - 1] != '/';
}

static int load_file(const char *name, const struct zone **ret_zone)
{
    char spelled[zone_name_max + 1];
    char path[sizeof ZONEINFO_DIR + 1 + zone_name_max + 1];

    if (!name_is_sane(name)) {
        return TIMEZONE_UNKNOWN;
    }
    snprintf(spelled, sizeof spelled, "%s", name);
    if (!spell_path(spelled)) {
        return TIMEZONE_UNKNOWN;
    }
    snprintf(path, sizeof path, ZONEINFO_DIR "/%s", spelled);

    cleanup(mem_freep) struct zone *zone = mem_zalloc(sizeof *zone);
    if (zone == NULL) {
        return -ENOMEM;
    }
    int r = tzif_load(path, &zone->tzif);
    if (r != 0) {
        return r == -ENOMEM ? r : TIMEZONE_UNKNOWN;
    }
    memcpy(zone->name, spelled, sizeof spelled);
    *ret_zone = publish(take_ptr(zone));
    return 0;
}

static int add_synthetic(const char *name, const struct tz_rule *rule, const struct zone **ret_zone)
{
    *ret_zone = find_known(name);
    if (*ret_zone != NULL) {
        return 0;
    }
    if (atomic_fetch_add(&synthetic_count, 1) >= synthetic_max) {
        return TIMEZONE_UNKNOWN;
    }
    struct zone *zone = mem_zalloc(sizeof *zone);
    if (zone == NULL) {
        return -ENOMEM;
    }
    snprintf(zone->name, sizeof zone->name, "%s", name);
    zone->rule = *rule;
    *ret_zone = publish(zone);
    return 0;
}

/* "2", "+02", "-3.5": hours east, shown in PostgreSQL's POSIX form with the sign turned. */
static int fixed_offset(const char *name, const struct zone **ret_zone)
{
    char *end = NULL;
    double hours = strtod(name, &end);
    char shown[32];
    char minutes[4] = "";

    if (end == name || !(fabs(hours) <= 167)) {
        return TIMEZONE_UNKNOWN;
    }
    if (*end == ':' && isdigit((unsigned char)end[1])) {
        double m = strtod(end + 1, &end);
        hours += (name[0] == '-' ? -m : m) / 60;
    }
    if (*end != '\0') {
        return TIMEZONE_UNKNOWN;
    }

    struct tz_rule rule = { .std_offset = (int32_t)lround(hours * 3600) };
    int total = abs(rule.std_offset) / 60;
    if (total % 60 != 0) {
        snprintf(minutes, sizeof minutes, ":%02d", total % 60);
    }
    bool west = rule.std_offset < 0;
    snprintf(shown, sizeof shown, "<%c%02d%s>%c%02d%s", west ? '-' : '+', total / 60, minutes,
             west ? '+' : '-', total / 60, minutes);
    return add_synthetic(shown, &rule, ret_zone);
}

static int find_new(const char *name, const struct zone **ret_zone)
{
    struct tz_rule rule = { 0 };

    if (strcasecmp(name, "UTC") == 0) {
        return add_synthetic("UTC", &rule, ret_zone); /* needs no file */
    }
    int r = fixed_offset(name, ret_zone);
    if (r == TIMEZONE_UNKNOWN) {
        r = load_file(name, ret_zone);
    }
    if (r == TIMEZONE_UNKNOWN && tz_rule_parse(name, &rule) == 0) {
        r = add_synthetic(name, &rule, ret_zone);
    }
    return r;
}

int timezone_find(struct view view, const struct zone **ret_zone)
{
    char name[zone_name_max + 1];

    if (view.len == 0 || view.len > zone_name_max || memchr(view.data, 0, view.len) != NULL) {
        return TIMEZONE_UNKNOWN;
    }
    memcpy(name, view.data, view.len);
    name[view.len] = '\0';

    const struct zone *known = find_known(name);
    if (known != NULL) {
        *ret_zone = known;
        return 0;
    }
    struct account *asker = account_swap(NULL);
    int r = find_new(name, ret_zone);
    account_swap(asker);
    return r;
}
