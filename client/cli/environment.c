/* client/cli/environment.c: see environment.h. */
#include "client/cli/environment.h"

#include "base/alloc.h"
#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* ---- URLs ---- */

/* Of RFC 3986 those that never need to be encoded. */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

static int put_encoded(struct buf *out, const char *text)
{
    int r = 0;

    for (; r == 0 && *text != '\0'; text++) {
        r = is_plain(*text) ? buf_append_byte(out, (uint8_t)*text)
                            : buf_printf(out, "%%%02X", (unsigned char)*text);
    }
    return r;
}

/* A number of IPv6 needs brackets around its colons. */
static int put_host(struct buf *out, const struct place *place)
{
    bool colons = strchr(place->host, ':') != NULL;

    return buf_printf(out, colons ? "[%s]:%s" : "%s:%s", place->host, place->port);
}

static bool is_socket(const struct place *place)
{
    return place->host[0] == '/' || place->host[0] == '@';
}

/* The mode and whom to trust: what all drivers know by these names. */
static int put_tls(struct buf *out, const struct place *place, char separator)
{
    if (place->sslmode == NULL || is_socket(place)) {
        return 0;
    }
    int r = buf_printf(out, "%csslmode=", separator);
    r = r != 0 ? r : put_encoded(out, place->sslmode);
    if (r == 0 && place->sslrootcert != NULL) {
        r = buf_append_str(out, "&sslrootcert=");
        r = r != 0 ? r : put_encoded(out, place->sslrootcert);
    }
    return r;
}

int environment_url(struct buf *out, const struct place *place)
{
    int r = buf_append_str(out, "postgresql://");

    r = r != 0 ? r : put_encoded(out, place->user);
    r = r != 0 ? r : buf_append_byte(out, '@');
    if (r == 0 && !is_socket(place)) {
        r = put_host(out, place);
    }
    r = r != 0 ? r : buf_append_byte(out, '/');
    r = r != 0 ? r : put_encoded(out, place->database);
    if (r == 0 && is_socket(place)) {
        r = buf_append_str(out, "?host=");
        r = r != 0 ? r : put_encoded(out, place->host);
        r = r != 0 ? r : buf_printf(out, "&port=%s", place->port);
    }
    return r != 0 ? r : put_tls(out, place, '?');
}

static int put_jdbc(struct buf *out, const struct place *place)
{
    int r = buf_append_str(out, "jdbc:postgresql://");

    r = r != 0 ? r : put_host(out, place);
    r = r != 0 ? r : buf_append_byte(out, '/');
    r = r != 0 ? r : put_encoded(out, place->database);
    r = r != 0 ? r : buf_append_str(out, "?user=");
    r = r != 0 ? r : put_encoded(out, place->user);
    return r != 0 ? r : put_tls(out, place, '&');
}

/* ---- variables ---- */

int environment_add(struct environment *environment, const char *name, const char *value)
{
    struct variable row = { .name = name, .value = value == NULL ? NULL : mem_strdup(value) };

    assert(environment->count < variables_most);
    environment->rows[environment->count++] = row;
    return value == NULL || row.value != NULL ? 0 : -ENOMEM;
}

static int add_url(struct environment *environment, const char *name, const struct place *place,
                   int (*put)(struct buf *out, const struct place *place))
{
    cleanup(buf_finish) struct buf url = { 0 };

    if (put(&url, place) != 0 || buf_append_byte(&url, '\0') != 0) {
        return -ENOMEM;
    }
    return environment_add(environment, name, (const char *)url.data);
}

static int fill_tls(struct environment *e, const struct place *place)
{
    const struct {
        const char *name;
        const char *value;
    } rows[] = {
        { "PGSSLMODE", place->sslmode }, { "PGSSLROOTCERT", place->sslrootcert },
        { "PGSSLCERT", place->sslcert }, { "PGSSLKEY", place->sslkey },
        { "PGSSLCRL", place->sslcrl },
    };
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows) && r == 0; i++) {
        r = place->sslmode == NULL || rows[i].value == NULL || is_socket(place)
                ? 0
                : environment_add(e, rows[i].name, rows[i].value);
    }
    return r;
}

static int fill(struct environment *e, const struct place *place)
{
    int r = environment_add(e, "PGHOST", place->host);

    r = r != 0 ? r : environment_add(e, "PGPORT", place->port);
    r = r != 0 ? r : environment_add(e, "PGUSER", place->user);
    r = r != 0 ? r : environment_add(e, "PGDATABASE", place->database);
    if (r == 0 && place->password != NULL) {
        r = environment_add(e, "PGPASSWORD", place->password);
    }
    r = r != 0 ? r : environment_add(e, "PGHOSTADDR", NULL);
    r = r != 0 ? r : environment_add(e, "PGSERVICE", NULL);
    r = r != 0 ? r : fill_tls(e, place);
    r = r != 0 ? r : add_url(e, "DATABASE_URL", place, environment_url);
    if (r != 0) {
        return r;
    }
    return is_socket(place) ? environment_add(e, "JDBC_DATABASE_URL", NULL)
                            : add_url(e, "JDBC_DATABASE_URL", place, put_jdbc);
}

int environment_make(const struct place *place, struct environment *ret_environment)
{
    struct environment made = { .count = 0 };
    int r = fill(&made, place);

    if (r != 0) {
        environment_finish(&made);
        return r;
    }
    *ret_environment = made;
    return 0;
}

void environment_finish(struct environment *environment)
{
    while (environment->count > 0) {
        secret_free(environment->rows[--environment->count].value); /* one may be a password */
    }
}

/* ---- for an exec ---- */

static bool is_of(const char *entry, const char *name)
{
    size_t len = strlen(name);

    return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static bool is_replaced(const struct environment *environment, const char *entry)
{
    for (size_t i = 0; i < environment->count; i++) {
        if (is_of(entry, environment->rows[i].name)) {
            return true;
        }
    }
    return false;
}

/* The new entries lie behind the array, in the same block. */
char **environment_over(const struct environment *environment, char *const *base)
{
    size_t count = 0, bytes = 0;

    while (base[count] != NULL) {
        count++;
    }
    for (size_t i = 0; i < environment->count; i++) {
        const struct variable *row = &environment->rows[i];
        bytes += row->value == NULL ? 0 : strlen(row->name) + strlen(row->value) + 2;
    }
    size_t array_bytes = (count + environment->count + 1) * sizeof(char *);
    char **entries = mem_alloc(array_bytes + bytes);
    if (entries == NULL) {
        return NULL;
    }
    char *text = (char *)entries + array_bytes;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_replaced(environment, base[i])) {
            entries[at++] = base[i];
        }
    }
    for (size_t i = 0; i < environment->count; i++) {
        const struct variable *row = &environment->rows[i];
        if (row->value != NULL) {
            entries[at++] = text;
            text = stpcpy(stpcpy(stpcpy(text, row->name), "="), row->value) + 1;
        }
    }
    entries[at] = NULL;
    return entries;
}

/* ---- for a shell ---- */

int environment_quote(struct buf *out, const char *value)
{
    int r = buf_append_byte(out, '\'');

    for (; r == 0 && *value != '\0'; value++) {
        r = *value == '\'' ? buf_append_str(out, "'\\''") : buf_append_byte(out, (uint8_t)*value);
    }
    return r != 0 ? r : buf_append_byte(out, '\'');
}

int environment_exports(const struct environment *environment, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < environment->count; i++) {
        const struct variable *row = &environment->rows[i];

        if (row->value == NULL) {
            r = buf_printf(out, "unset %s;\n", row->name);
            continue;
        }
        r = buf_printf(out, "export %s=", row->name);
        r = r != 0 ? r : environment_quote(out, row->value);
        r = r != 0 ? r : buf_append_str(out, ";\n");
    }
    return r;
}
