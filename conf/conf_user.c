/* conf/conf_user.c: see conf_user.h. */
#include "conf/conf_user.h"

#include "base/alloc.h"
#include "conf/conf.h"
#include "conf/ini.h"
#include "conf/option.h"

#include <errno.h>
#include <string.h>

enum { users_most = 10000 };

static struct conf_user *find(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->user_count; i++) {
        if (strcmp(conf->user_rows[i].name, name) == 0) {
            return &conf->user_rows[i];
        }
    }
    return NULL;
}

static int add(struct conf *conf, const char *name)
{
    size_t count = conf->user_count;
    struct conf_user *grown = mem_realloc(conf->user_rows, (count + 1) * sizeof(*grown));

    if (grown == NULL) {
        return -ENOMEM;
    }
    conf->user_rows = grown;
    grown[count] = (struct conf_user){ .name = mem_strdup(name) };
    conf->user_count++;
    return grown[count].name == NULL ? -ENOMEM : option_preset_all(OPTION_USER, &grown[count]);
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
    int r = add(conf, item->name);
    for (char *word; r == 0 && (word = strsep(&rest, " \t")) != NULL;) {
        if (*word != '\0') {
            r = take_word(&conf->user_rows[conf->user_count - 1], word, ret_failure);
        }
    }
    return r;
}

int conf_user_copy_all(struct conf *copy, const struct conf *conf)
{
    int r = 0;

    for (size_t i = 0; i < conf->user_count && r == 0; i++) {
        r = add(copy, conf->user_rows[i].name);
        if (r == 0) {
            r = option_copy_all(OPTION_USER, &copy->user_rows[i], &conf->user_rows[i]);
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
