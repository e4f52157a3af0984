/* conf/conf.c: pond.conf into struct conf: presets first, then the file's lines, then the command
 * line's overrides; each later one wins. Nothing is handed out unless all of it was right. */
#include "conf/conf.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/auth.h"
#include "conf/conf_impl.h"
#include "conf/conf_user.h"
#include "conf/file.h"
#include "conf/ini.h"
#include "conf/option.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { file_bytes_max = 1 << 20, databases_max = 1000, seen_max = 128 };
enum { users_section = -2 };

struct conf_reader {
    struct conf *conf;
    const char *file;        /* as the user named it */
    const char *folder;      /* where relative paths start */
    int database;            /* the section that is open: index, -1: [pond], -2: [users] */
    unsigned pond_line;      /* where [pond] was opened; 0: not yet */
    unsigned users_line;     /* the same of [users] */
    unsigned seen[seen_max]; /* per option of the open section: its line */
};

static int bad(const struct conf_reader *reader, unsigned line, struct failure *ret_failure,
               const char *what, const char *name)
{
    return failure_set(ret_failure, "F0000", "%s:%u: %s \"%s\"", reader->file, line, what, name);
}

/* ---- names of databases ---- */

bool conf_is_console(const char *database)
{
    return strcmp(database, "pond") == 0 || strcmp(database, "pgbouncer") == 0;
}

static bool name_is_good(const char *name)
{
    return *name != '\0' && strlen(name) <= conf_name_bytes_most &&
           strpbrk(name, "~/ \t\"") == NULL && !conf_is_console(name);
}

static struct conf_database *database_find(const struct conf *conf, const char *name, size_t len)
{
    for (size_t i = 0; i < conf->database_count; i++) {
        if (strlen(conf->databases[i].name) == len &&
            memcmp(conf->databases[i].name, name, len) == 0) {
            return &conf->databases[i];
        }
    }
    return NULL;
}

int conf_add(struct conf *conf, const char *name)
{
    size_t count = conf->database_count;
    struct conf_database *grown =
        mem_realloc(conf->databases, (count + 1) * sizeof(*conf->databases));

    if (grown == NULL) {
        return -ENOMEM;
    }
    conf->databases = grown;
    grown[count] = (struct conf_database){ .name = mem_strdup(name) };
    if (grown[count].name == NULL) {
        return -ENOMEM;
    }
    conf->database_count++;
    return option_preset_all(OPTION_DATABASE, &grown[count]);
}

/* ---- the file ---- */

static int open_database(struct conf_reader *reader, const struct ini_item *item, const char *name,
                         struct failure *ret_failure)
{
    struct conf *conf = reader->conf;

    if (!name_is_good(name)) {
        return bad(
            reader, item->line, ret_failure,
            "expected a database name of 1 to 63 bytes, without blanks, quotes, \"/\" and \"~\", "
            "that is not \"pond\" or \"pgbouncer\", the console's; not",
            name);
    }
    if (database_find(conf, name, strlen(name)) != NULL) {
        return bad(reader, item->line, ret_failure, "a second section of database", name);
    }
    if (conf->database_count == databases_max) {
        return bad(reader, item->line, ret_failure, "more than 1000 databases: no room for", name);
    }
    reader->database = (int)conf->database_count;
    return conf_add(conf, name);
}

static int open_section(struct conf_reader *reader, const struct ini_item *item,
                        struct failure *ret_failure)
{
    static const char prefix[] = "database";
    const char *name = item->section;

    memset(reader->seen, 0, sizeof(reader->seen));
    if (strncmp(name, prefix, sizeof(prefix) - 1) == 0 && strchr(" \t", name[8]) != NULL) {
        name += sizeof(prefix) - 1;
        return open_database(reader, item, name + strspn(name, " \t"), ret_failure);
    }
    bool is_users = strcmp(name, "users") == 0;
    unsigned *line = is_users ? &reader->users_line : &reader->pond_line;
    if (!is_users && strcmp(name, "pond") != 0) {
        return bad(reader, item->line, ret_failure,
                   "expected [pond], [database NAME] or [users], not", name);
    }
    if (*line != 0) {
        return bad(reader, item->line, ret_failure, "a second section", name);
    }
    *line = item->line;
    reader->database = is_users ? users_section : -1;
    return 0;
}

static int set_named(struct conf *conf, struct conf_database *database, const char *name,
                     const char *value, const char *folder, struct failure *ret_failure)
{
    enum option_section section = database == NULL ? OPTION_POND : OPTION_DATABASE;
    const struct option *option = option_find(section, name);

    if (option == NULL) {
        return option_fail_unknown(section, name, ret_failure);
    }
    return option_set(option, database == NULL ? (void *)conf : database, value, folder,
                      ret_failure);
}

/* An option twice in one section is a mistake: which one was meant? */
static int check_repeated(struct conf_reader *reader, const struct ini_item *item,
                          struct failure *ret_failure)
{
    enum option_section section = reader->database < 0 ? OPTION_POND : OPTION_DATABASE;
    const struct option *option = option_find(section, item->name);

    assert(option_count <= seen_max);
    if (option == NULL) {
        return 0; /* set_named() says so */
    }
    unsigned *line = &reader->seen[option - option_table];
    if (*line != 0) {
        return failure_set(ret_failure, "F0000", "%s:%u: %s: given before, in line %u",
                           reader->file, item->line, item->name, *line);
    }
    *line = item->line;
    return 0;
}

/* Puts "where: " before a failure's message. */
static int locate(struct failure *failure, const char *where)
{
    struct failure inner;

    if (failure != NULL) {
        inner = *failure;
        failure_set(failure, "F0000", "%s: %s", where, failure_get(&inner, FIELD_MESSAGE));
    }
    return FAILED;
}

static int take_item(void *arg, const struct ini_item *item, struct failure *ret_failure)
{
    struct conf_reader *reader = arg;
    struct conf *conf = reader->conf;

    if (item->name == NULL) {
        return open_section(reader, item, ret_failure);
    }
    if (*item->section == '\0') {
        return bad(reader, item->line, ret_failure,
                   "expected [pond], [database NAME] or [users] before", item->name);
    }
    int r = 0;
    if (reader->database == users_section) {
        r = conf_user_add(conf, item, ret_failure);
    } else {
        r = check_repeated(reader, item, ret_failure);
        if (r != 0) {
            return r;
        }
        r = set_named(conf, reader->database < 0 ? NULL : &conf->databases[reader->database],
                      item->name, item->value, reader->folder, ret_failure);
    }
    if (r == FAILED) {
        char where[512];
        snprintf(where, sizeof(where), "%s:%u", reader->file, item->line);
        return locate(ret_failure, where);
    }
    return r;
}

/* The folder that relative paths of a file start at, absolute. A file without a folder (a pipe, as
 * a shell's <(...) gives it) has the folder that we run in. 0, FAILED or -ENOMEM. */
static int find_folder(const char *path, char **ret_folder, struct failure *ret_failure)
{
    char full[PATH_MAX];
    bool has_name = realpath(path, full) != NULL;

    if (!has_name && getcwd(full, sizeof(full)) == NULL) {
        return failure_set(ret_failure, "58030", "%s: its folder: %s", path, strerror(errno));
    }
    if (has_name) {
        char *slash = strrchr(full, '/');
        slash[slash == full ? 1 : 0] = '\0';
    }
    char *folder = mem_strdup(full);
    if (folder == NULL) {
        return -ENOMEM;
    }
    *ret_folder = folder;
    return 0;
}

static int read_lines(struct conf *conf, struct failure *ret_failure)
{
    cleanup(buf_finish) struct buf text;
    buf_init(&text, file_bytes_max);
    int r = conf_file_read(conf->path, &text, ret_failure);

    if (r != 0) {
        return r;
    }
    cleanup(mem_freep) char *folder = NULL;
    r = find_folder(conf->path, &folder, ret_failure);
    if (r != 0) {
        return r;
    }
    struct conf_reader reader = {
        .conf = conf, .file = conf->path, .folder = folder, .database = -1
    };
    return ini_parse(conf->path, buf_view(&text), take_item, &reader, ret_failure);
}

/* ---- overrides ---- */

/* "database.NAME.option" without its first word. The option is what follows the last dot, for names
 * may hold dots. */
static int set_in_database(struct conf *conf, char *rest, const char *value, const char *folder,
                           struct failure *ret_failure)
{
    char *dot = strrchr(rest, '.');

    if (dot == NULL) {
        return failure_set(ret_failure, "F0000", "expected database.NAME.option=value");
    }
    struct conf_database *database = database_find(conf, rest, (size_t)(dot - rest));
    if (database == NULL) {
        *dot = '\0';
        return failure_set(ret_failure, "F0000", "%s has no section [database %s]", conf->path,
                           rest);
    }
    return set_named(conf, database, dot + 1, value, folder, ret_failure);
}

static int apply_override(struct conf *conf, const char *text, const char *folder,
                          struct failure *ret_failure)
{
    static const char prefix[] = "database.";
    cleanup(mem_freep) char *name = mem_strdup(text);

    if (name == NULL) {
        return -ENOMEM;
    }
    char *equals = strchr(name, '=');
    if (equals == NULL) {
        return failure_set(ret_failure, "F0000", "expected option=value");
    }
    *equals = '\0';
    if (strncmp(name, prefix, sizeof(prefix) - 1) == 0) {
        return set_in_database(conf, name + sizeof(prefix) - 1, equals + 1, folder, ret_failure);
    }
    return set_named(conf, NULL, name, equals + 1, folder, ret_failure);
}

static int apply_overrides(struct conf *conf, const char *const *overrides, size_t count,
                           struct failure *ret_failure)
{
    char folder[PATH_MAX];

    if (count > 0 && getcwd(folder, sizeof(folder)) == NULL) {
        return failure_set(ret_failure, "58030", "-o: the current folder: %s", strerror(errno));
    }
    for (size_t i = 0; i < count; i++) {
        int r = apply_override(conf, overrides[i], folder, ret_failure);
        if (r == FAILED) {
            char where[512];
            snprintf(where, sizeof(where), "-o %s", overrides[i]);
            return locate(ret_failure, where);
        }
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* ---- the whole ---- */

static int check_whole(const struct conf *conf, struct failure *ret_failure)
{
    if (conf->database_count == 0) {
        return failure_set(ret_failure, "F0000",
                           "%s: expected at least one [database NAME] section", conf->path);
    }
    if (*conf->listen_addr == '\0' && *conf->unix_socket_dir == '\0') {
        return failure_set(
            ret_failure, "F0000",
            "%s: listen_addr and unix_socket_dir are both empty: expected somewhere to "
            "listen",
            conf->path);
    }
    return 0;
}

/* Tools connect to these to make others. All are empty. */
static int add_builtins(struct conf *conf)
{
    static const char *const names[] = { "postgres", "template0", "template1" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (database_find(conf, names[i], strlen(names[i])) != NULL) {
            continue;
        }
        int r = conf_add(conf, names[i]);
        if (r != 0) {
            return r;
        }
        conf->databases[conf->database_count - 1].builtin = true;
        conf->builtin_count++;
    }
    return 0;
}

static int read_all(struct conf *conf, const char *const *overrides, size_t override_count,
                    struct failure *ret_failure)
{
    int r = option_preset_all(OPTION_POND, conf);

    if (r == 0) {
        r = read_lines(conf, ret_failure);
    }
    if (r == 0) {
        r = apply_overrides(conf, overrides, override_count, ret_failure);
    }
    if (r == 0) {
        r = check_whole(conf, ret_failure);
    }
    if (r == 0) {
        r = conf_read_auth(conf, ret_failure);
    }
    if (r == 0) {
        r = add_builtins(conf);
    }
    return r == 0 ? conf_user_check_all(conf, ret_failure) : r;
}

int conf_read(const char *path, const char *const *overrides, size_t override_count,
              struct conf **ret_conf, struct failure *ret_failure)
{
    struct conf *conf = mem_zalloc(sizeof(*conf));

    if (conf == NULL) {
        return failure_set_nomem(ret_failure);
    }
    conf->overrides = overrides;
    conf->override_count = override_count;
    conf->path = mem_strdup(path);
    int r = conf->path == NULL ? -ENOMEM : read_all(conf, overrides, override_count, ret_failure);
    if (r != 0) {
        conf_destroy(conf);
        return r == FAILED ? FAILED : failure_set_nomem(ret_failure);
    }
    *ret_conf = conf;
    return 0;
}

const struct conf_database *conf_find(const struct conf *conf, const char *name)
{
    return database_find(conf, name, strlen(name));
}

void conf_database_finish(struct conf_database *database)
{
    option_finish_all(OPTION_DATABASE, database);
    mem_free(take_ptr(database->name));
}

void conf_destroy(struct conf *conf)
{
    if (conf == NULL) {
        return;
    }
    for (size_t i = 0; i < conf->database_count; i++) {
        conf_database_finish(&conf->databases[i]);
    }
    mem_free(conf->databases);
    conf_user_finish_all(conf);
    conf_finish_auth(conf);
    option_finish_all(OPTION_POND, conf);
    mem_free(conf->path);
    mem_free(conf);
}
