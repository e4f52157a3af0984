/* client/conninfo_defaults.c: what a connection string leaves open: service file, environment,
 * defaults, password file. */
#include "base/alloc.h"
#include "base/buf.h"
#include "client/conninfo.h"
#include "client/error.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { file_most_bytes = 1024 * 1024 };

/* ---- lines ---- */

/* The next line without its newline. */
static bool next_line(struct view *file, struct view *ret_line)
{
    if (file->len == 0) {
        return false;
    }
    const uint8_t *end = memchr(file->data, '\n', file->len);
    size_t len = end == NULL ? file->len : (size_t)(end - file->data);

    *ret_line = view_of(file->data, len);
    view_advance(file, end == NULL ? len : len + 1);
    while (ret_line->len > 0 && ret_line->data[ret_line->len - 1] <= ' ') {
        ret_line->len--;
    }
    return true;
}

static bool is_section(struct view line, const char *service)
{
    size_t len = strlen(service);

    return line.len == len + 2 && line.data[0] == '[' && line.data[len + 1] == ']' &&
           memcmp(line.data + 1, service, len) == 0;
}

static int service_line(struct conninfo *info, struct view line, struct pond_error *error)
{
    const uint8_t *equals = memchr(line.data, '=', line.len);

    if (equals == NULL) {
        return error_set(error, POND_USAGE, "", "syntax error in service file: \"%.*s\"",
                         (int)(line.len < 100 ? line.len : 100), (const char *)line.data);
    }
    struct view name = view_of(line.data, (size_t)(equals - line.data));
    if (view_equal_str(name, "service")) {
        return error_set(error, POND_USAGE, "",
                         "nested service specifications are not supported in a service file");
    }
    return conninfo_set(info, name, view_of(equals + 1, line.len - name.len - 1), error);
}

int conninfo_service(struct conninfo *info, struct view file, const char *service,
                     struct pond_error *error)
{
    bool found = false;
    struct view line;

    while (next_line(&file, &line)) {
        while (line.len > 0 && line.data[0] <= ' ') {
            view_advance(&line, 1);
        }
        if (line.len == 0 || line.data[0] == '#') {
            continue;
        }
        if (line.data[0] == '[') {
            if (found) {
                return 0;
            }
            found = is_section(line, service);
        } else if (found) {
            int r = service_line(info, line, error);
            if (r != 0) {
                return r;
            }
        }
    }
    return found ? 0 : SERVICE_NOT_FOUND;
}

/* host:port:database:user:password, with a backslash before a colon or a backslash; * is any.
 * Takes one field, and its colon. */
static bool take_field(struct view *line, struct buf *field)
{
    buf_clear(field);
    while (line->len > 0 && line->data[0] != ':') {
        if (line->data[0] == '\\' && line->len > 1) {
            view_advance(line, 1);
        }
        if (buf_append_byte(field, line->data[0]) != 0) {
            return false;
        }
        view_advance(line, 1);
    }
    if (line->len > 0) {
        view_advance(line, 1);
    }
    return true;
}

static bool line_matches(struct view *line, const struct passfile_entry *wanted)
{
    const char *const fields[] = { wanted->host, wanted->port, wanted->dbname, wanted->user };
    cleanup(buf_finish) struct buf field = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        bool any = line->len > 1 && line->data[0] == '*' && line->data[1] == ':';

        if (!take_field(line, &field) ||
            !(any || view_equal_str(buf_view(&field), fields[i] == NULL ? "" : fields[i]))) {
            return false;
        }
    }
    return true;
}

char *passfile_find(struct view file, const struct passfile_entry *wanted)
{
    cleanup(buf_wipe) struct buf password = { 0 };
    struct view line;

    while (next_line(&file, &line)) {
        if (line.len == 0 || line.data[0] == '#' || !line_matches(&line, wanted)) {
            continue;
        }
        return take_field(&line, &password) ? buf_take_str(&password) : NULL;
    }
    return NULL;
}

/* ---- files ---- */

static bool read_file(const char *path, struct buf *ret_text)
{
    FILE *file = fopen(path, "re");
    size_t n = 0;

    if (file == NULL) {
        return false;
    }
    ret_text->max = file_most_bytes;
    do {
        ret_text->len += n;
        n = buf_reserve(ret_text, 4096) != 0 ? 0
                                             : fread(ret_text->data + ret_text->len, 1, 4096, file);
    } while (n > 0);
    fclose(file);
    return true;
}

struct completion {
    struct conninfo *info;
    getenv_fn *env;
    void *env_arg;
};

static const char *env_of(const struct completion *c, const char *name)
{
    const char *value = c->env(c->env_arg, name);

    return value != NULL && *value != '\0' ? value : NULL;
}

static bool in_home(const struct completion *c, const char *name, char *path, size_t room)
{
    const char *home = env_of(c, "HOME");
    struct passwd *pw = home == NULL ? getpwuid(getuid()) : NULL;

    home = pw != NULL ? pw->pw_dir : home;
    return home != NULL && snprintf(path, room, "%s/%s", home, name) < (int)room;
}

/* SERVICE_NOT_FOUND also when there is no such file. */
static int try_service_file(const struct completion *c, const char *path, struct pond_error *error)
{
    cleanup(buf_finish) struct buf text = { 0 };

    if (!read_file(path, &text)) {
        return SERVICE_NOT_FOUND;
    }
    return conninfo_service(c->info, buf_view(&text), c->info->value[KEY_SERVICE], error);
}

static int fill_from_service(const struct completion *c, struct pond_error *error)
{
    const char *folder = env_of(c, "PGSYSCONFDIR");
    const char *file = env_of(c, "PGSERVICEFILE");
    char path[4096];
    int r = SERVICE_NOT_FOUND;

    if (c->info->value[KEY_SERVICE] == NULL) {
        return 0;
    }
    if (file != NULL || in_home(c, ".pg_service.conf", path, sizeof(path))) {
        r = try_service_file(c, file != NULL ? file : path, error);
    }
    if (r == SERVICE_NOT_FOUND &&
        snprintf(path, sizeof(path), "%s/pg_service.conf",
                 folder != NULL ? folder : "/etc/postgresql-common") < (int)sizeof(path)) {
        r = try_service_file(c, path, error);
    }
    return r != SERVICE_NOT_FOUND
               ? r
               : error_set(error, POND_USAGE, "", "definition of service \"%s\" not found",
                           c->info->value[KEY_SERVICE]);
}

static int preset(const struct completion *c, int key, const char *value, struct pond_error *error)
{
    if (c->info->value[key] != NULL && c->info->value[key][0] != '\0') {
        return 0;
    }
    mem_free(take_ptr(c->info->value[key]));
    c->info->value[key] = mem_strdup(value);
    return c->info->value[key] == NULL ? error_nomem(error) : 0;
}

static int fill_from_environment(const struct completion *c, struct pond_error *error)
{
    for (size_t i = 0; i < conninfo_row_count; i++) {
        const struct conninfo_row *row = &conninfo_rows[i];
        const char *value = row->env == NULL ? NULL : env_of(c, row->env);

        if (row->key >= 0 && value != NULL && c->info->value[row->key] == NULL &&
            preset(c, row->key, value, error) != 0) {
            return POND_NOMEM;
        }
    }
    return 0;
}

static int fill_defaults(const struct completion *c, struct pond_error *error)
{
    struct passwd *pw = getpwuid(getuid());
    int r = preset(c, KEY_PORT, "5432", error);

    if (r == 0 && c->info->value[KEY_HOSTADDR] == NULL) {
        r = preset(c, KEY_HOST, conninfo_default_host(), error);
    }
    if (r == 0) {
        r = preset(c, KEY_USER, pw == NULL ? "nobody" : pw->pw_name, error);
    }
    if (r == 0) {
        r = preset(c, KEY_DBNAME, c->info->value[KEY_USER], error);
    }
    if (r == 0 && c->info->value[KEY_APPLICATION_NAME] == NULL &&
        c->info->value[KEY_FALLBACK_APPLICATION_NAME] != NULL) {
        r = preset(c, KEY_APPLICATION_NAME, c->info->value[KEY_FALLBACK_APPLICATION_NAME], error);
    }
    return r;
}

/* The system's authorities sign for anybody: who trusts them means one name. As libpq 16. */
static int fill_mode_of_system(const struct completion *c, struct pond_error *error)
{
    const char *root = c->info->value[KEY_SSLROOTCERT];

    return root != NULL && strcmp(root, "system") == 0
               ? preset(c, KEY_SSLMODE, "verify-full", error)
               : 0;
}

/* Where libpq looks when nothing was said. A list of revoked certificates that was asked for must
 * be there, so this one is left out where it is not. */
static int fill_tls_files(const struct completion *c, struct pond_error *error)
{
    static const struct {
        int key;
        const char *file;
    } rows[] = {
        { KEY_SSLROOTCERT, ".postgresql/root.crt" },
        { KEY_SSLCERT, ".postgresql/postgresql.crt" },
        { KEY_SSLKEY, ".postgresql/postgresql.key" },
        { KEY_SSLCRL, ".postgresql/root.crl" },
    };
    const char *old = env_of(c, "PGREQUIRESSL"); /* what PGSSLMODE was before PostgreSQL 8 */
    char path[4096];
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows); i++) {
        if (in_home(c, rows[i].file, path, sizeof(path)) &&
            (rows[i].key != KEY_SSLCRL || access(path, F_OK) == 0)) {
            r = preset(c, rows[i].key, path, error);
        }
    }
    if (r == 0) {
        r = fill_mode_of_system(c, error);
    }
    return r == 0 && old != NULL && old[0] == '1' ? preset(c, KEY_SSLMODE, "require", error) : r;
}

int conninfo_complete(struct conninfo *info, getenv_fn *env, void *env_arg,
                      struct pond_error *error)
{
    struct completion c = { .info = info, .env = env, .env_arg = env_arg };
    const char *service = env_of(&c, "PGSERVICE");
    int r = info->value[KEY_SERVICE] == NULL && service != NULL
                ? preset(&c, KEY_SERVICE, service, error)
                : 0;

    if (r == 0) {
        r = fill_from_service(&c, error);
    }
    if (r == 0) {
        r = fill_from_environment(&c, error);
    }
    if (r == 0) {
        r = fill_defaults(&c, error);
    }
    if (r == 0) {
        r = fill_tls_files(&c, error);
    }
    return r == 0 ? conninfo_refuse(info, error) : r;
}

/* ---- passwords ---- */

/* As libpq looks it up: a socket in the usual folder is localhost. */
static const char *passfile_host(const struct conninfo_host *host)
{
    const char *name = host->host[0] != '\0' ? host->host : host->hostaddr;

    return strcmp(name, "/var/run/postgresql") == 0 || strcmp(name, "/tmp") == 0 ? "localhost"
                                                                                 : name;
}

/* A file that others can read is not trusted, as with libpq. */
static bool read_passfile(const char *path, struct buf *text, const char **ret_why)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        *ret_why = "the password file is not a plain file";
        return false;
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        *ret_why = "the password file has group or world access; permissions should be u=rw "
                   "(0600) or less";
        return false;
    }
    return read_file(path, text);
}

char *conninfo_password(const struct conninfo *info, const struct conninfo_host *host,
                        getenv_fn *env, void *env_arg, const char **ret_why)
{
    const struct completion c = { .env = env, .env_arg = env_arg };
    const char *file = info->value[KEY_PASSFILE];
    cleanup(buf_wipe) struct buf text = { 0 };
    char path[4096];

    if (info->value[KEY_PASSWORD] != NULL && *info->value[KEY_PASSWORD] != '\0') {
        return mem_strdup(info->value[KEY_PASSWORD]);
    }
    if (file == NULL && !in_home(&c, ".pgpass", path, sizeof(path))) {
        return NULL;
    }
    if (!read_passfile(file == NULL ? path : file, &text, ret_why)) {
        return NULL;
    }
    return passfile_find(buf_view(&text),
                         &(struct passfile_entry){ .host = passfile_host(host),
                                                   .port = host->port,
                                                   .dbname = info->value[KEY_DBNAME],
                                                   .user = info->value[KEY_USER] });
}
