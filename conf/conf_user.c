/* conf/conf_user.c: see conf_user.h. */
#include "conf/conf_user.h"

#include "base/alloc.h"
#include "conf/conf.h"
#include "conf/ini.h"
#include "conf/option.h"

#include <errno.h>
#include <string.h>

enum { users_most = 10000 };

/* Where the name is among the rows, which are sorted, or where it would have to be. */
static size_t place_of(const struct conf *conf, const char *name)
{
    size_t low = 0;
    size_t high = conf->user_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(conf->user_rows[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const struct conf_user *find(const struct conf *conf, const char *name)
{
    size_t place = place_of(conf, name);

    return place < conf->user_count && strcmp(conf->user_rows[place].name, name) == 0
               ? &conf->user_rows[place]
               : NULL;
}

/* *ret_user holds until the next one is added. */
static int add(struct conf *conf, const char *name, struct conf_user **ret_user)
{
    size_t place = place_of(conf, name);
    struct conf_user *rows =
        mem_realloc(conf->user_rows, (conf->user_count + 1) * sizeof(*conf->user_rows));

    if (rows == NULL) {
        return -ENOMEM;
    }
    conf->user_rows = rows;
    char *own_name = mem_strdup(name);
    if (own_name == NULL) {
        return -ENOMEM;
    }
    memmove(rows + place + 1, rows + place, (conf->user_count - place) * sizeof(*rows));
    rows[place] = (struct conf_user){ .name = own_name };
    conf->user_count++;
    *ret_user = rows + place;
    return option_preset_all(OPTION_USER, rows + place);
}

/* One "option=value". */
static int take_word(struct conf_user *user, char *word, struct failure *ret_failure)
{
    char *equals = strchr(word, '=');

    if (equals == NULL) {
        return failure_set(ret_failure, "F0000", "%s: expected option=value, not \"%s\"",
                           user->name, word);
    }
    *equals = '\0';
    const struct option *option = option_find(OPTION_USER, word);
    if (option != NULL) {
        return option_set(option, user, equals + 1, "", ret_failure);
    }
    option = option_nearest(OPTION_USER, word);
    return failure_set(ret_failure, "42704", "%s: no such option of a user%s%s%s", word,
                       option == NULL ? "" : "; did you mean ", option == NULL ? "" : option->name,
                       option == NULL ? "" : "?");
}

int conf_user_add(struct conf *conf, const struct ini_item *item, struct failure *ret_failure)
{
    cleanup(mem_freep) char *words = mem_strdup(item->value);
    char *rest = words;

    if (words == NULL) {
        return -ENOMEM;
    }
    if (strlen(item->name) > conf_name_bytes_most) {
        return failure_set(ret_failure, "F0000", "the name of a user has at most %d bytes: \"%s\"",
                           conf_name_bytes_most, item->name);
    }
    if (find(conf, item->name) != NULL) {
        return failure_set(ret_failure, "F0000", "user \"%s\" is there twice", item->name);
    }
    if (conf->user_count == users_most) {
        return failure_set(ret_failure, "F0000", "more than %d users", users_most);
    }
    struct conf_user *user = NULL;
    int r = add(conf, item->name, &user);
    for (char *word; r == 0 && (word = strsep(&rest, " \t")) != NULL;) {
        if (*word != '\0') {
            r = take_word(user, word, ret_failure);
        }
    }
    return r;
}

int conf_user_copy_all(struct conf *copy, const struct conf *conf)
{
    int r = 0;

    for (size_t i = 0; i < conf->user_count && r == 0; i++) {
        struct conf_user *user = NULL;

        r = add(copy, conf->user_rows[i].name, &user);
        if (r == 0) {
            r = option_copy_all(OPTION_USER, user, &conf->user_rows[i]);
        }
    }
    return r;
}

void conf_user_finish_all(struct conf *conf)
{
    for (size_t i = 0; i < conf->user_count; i++) {
        option_finish_all(OPTION_USER, &conf->user_rows[i]);
        mem_free(conf->user_rows[i].name);
    }
    mem_free(conf->user_rows);
}

const struct conf_user *conf_user_find(const struct conf *conf, const char *name)
{
    const struct conf_user *own = find(conf, name);

    return own != NULL ? own : find(conf, "*");
}

/* The next name of a list; *list moves on. Empty names are skipped; false: there is none. */
static bool next_name(const char **list, struct view *ret_name)
{
    *ret_name = view_of(NULL, 0);
    while (ret_name->len == 0 && **list != '\0') {
        const char *end = strchrnul(*list, ',');

        *ret_name = view_of(*list, (size_t)(end - *list));
        *list = *end == '\0' ? end : end + 1;
    }
    return ret_name->len > 0;
}

bool conf_user_may_use(const struct conf_user *user, const char *database)
{
    const char *list = user == NULL ? "" : user->databases;
    bool all = *list == '\0';
    struct view name;

    while (next_name(&list, &name)) {
        if (view_equal_str(name, database)) {
            return true;
        }
    }
    return all;
}

static bool is_there(const struct conf *conf, struct view name)
{
    for (size_t i = 0; i < conf->database_count; i++) {
        if (view_equal_str(name, conf->databases[i].name)) {
            return true;
        }
    }
    return false;
}

int conf_user_check_all(const struct conf *conf, struct failure *ret_failure)
{
    for (size_t i = 0; i < conf->user_count; i++) {
        const struct conf_user *user = &conf->user_rows[i];
        const char *list = user->databases;
        struct view name;

        while (next_name(&list, &name)) {
            if (!is_there(conf, name)) {
                return failure_set(ret_failure, "F0000",
                                   "%s: [users] %s: there is no section [database %.*s]",
                                   conf->path, user->name, (int)name.len, (const char *)name.data);
            }
        }
    }
    return 0;
}
