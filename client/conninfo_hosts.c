/* client/conninfo_hosts.c: the servers that a conninfo names, and what it demands that cannot be
 * had here. */
#include "client/conninfo.h"
#include "client/error.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* libpq's: a socket in /var/run/postgresql where such a folder is, else localhost. */
const char *conninfo_default_host(void)
{
    struct stat st;

    return stat("/var/run/postgresql", &st) == 0 && S_ISDIR(st.st_mode) ? "/var/run/postgresql"
           : stat("/tmp/.s.PGSQL.5432", &st) == 0                       ? "/tmp"
                                                                        : "localhost";
}

/* ---- what cannot be had ---- */

static const struct refusal {
    int key;
    const char *allowed; /* words, each with a blank behind; NULL: no value at all */
    const char *why;
} refusals[] = {
    { KEY_GSSENCMODE, "disable prefer ", "this library has no GSSAPI" },
    { KEY_CHANNEL_BINDING, "disable prefer require ", "expected disable, prefer or require" },
    { KEY_TARGET_SESSION_ATTRS, "any ", "it would have to ask each server" },
    { KEY_CLIENT_ENCODING, "UTF8 utf8 UTF-8 utf-8 auto ", "results are UTF-8" },
    { KEY_REQUIREPEER, NULL, "it is not checked here" },
    { KEY_REPLICATION, NULL, "this library has no replication" },
};

static bool is_allowed(const struct refusal *row, const char *value)
{
    char word[64];
    int len = snprintf(word, sizeof(word), "%s ", value);
    const char *at =
        row->allowed == NULL || len >= (int)sizeof(word) ? NULL : strstr(row->allowed, word);

    return at != NULL && (at == row->allowed || at[-1] == ' ');
}

static const char *name_of(int key)
{
    for (size_t i = 0; i < conninfo_row_count; i++) {
        if (conninfo_rows[i].key == key) {
            return conninfo_rows[i].name;
        }
    }
    return "?";
}

int conninfo_refuse(const struct conninfo *info, struct pond_error *error)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const char *value = info->value[refusals[i].key];

        if (value != NULL && *value != '\0' && !is_allowed(&refusals[i], value)) {
            return error_set(error, POND_USAGE, "0A000", "%s value \"%s\" is not supported: %s",
                             name_of(refusals[i].key), value, refusals[i].why);
        }
    }
    return 0;
}

/* ---- several hosts ---- */

/* The next piece of a list, cut off in place. */
static char *take_piece(char **list)
{
    char *piece = *list;

    if (piece == NULL) {
        return NULL;
    }
    char *comma = strchr(piece, ',');
    *list = comma == NULL ? NULL : comma + 1;
    if (comma != NULL) {
        *comma = '\0';
    }
    return piece;
}

static size_t pieces_of(const char *list)
{
    size_t n = list == NULL ? 0 : 1;

    for (; list != NULL && *list != '\0'; list++) {
        n += *list == ',';
    }
    return n;
}

static int put_port(struct conninfo_host *host, const char *port, struct pond_error *error)
{
    unsigned n = 0;
    size_t len = 0;

    port = port == NULL || *port == '\0' ? "5432" : port;
    for (; port[len] >= '0' && port[len] <= '9' && len < 6; len++) {
        n = n * 10 + (unsigned)(port[len] - '0');
    }
    if (port[len] != '\0' || n == 0 || n > 65535) {
        return error_set(error, POND_USAGE, "", "invalid port number: \"%.20s\"", port);
    }
    snprintf(host->port, sizeof(host->port), "%u", n);
    return 0;
}

int conninfo_hosts(struct conninfo *info, struct conninfo_host *ret_hosts, size_t *ret_count,
                   struct pond_error *error)
{
    char *hosts = info->value[KEY_HOST], *addresses = info->value[KEY_HOSTADDR];
    char *ports = info->value[KEY_PORT];
    size_t count = pieces_of(addresses != NULL ? addresses : hosts);
    size_t port_count = pieces_of(ports);

    if (addresses != NULL && hosts != NULL && pieces_of(hosts) != count) {
        return error_set(error, POND_USAGE, "",
                         "could not match %zu host names to %zu hostaddr "
                         "values",
                         pieces_of(hosts), count);
    }
    if (port_count != 1 && port_count != count) {
        return error_set(error, POND_USAGE, "", "could not match %zu port numbers to %zu hosts",
                         port_count, count);
    }
    if (count > conninfo_hosts_max) {
        return error_set(error, POND_USAGE, "", "more than %d hosts", conninfo_hosts_max);
    }
    char *port = NULL;
    for (size_t i = 0; i < count; i++) {
        char *host = take_piece(&hosts), *address = take_piece(&addresses);

        port = i == 0 || port_count > 1 ? take_piece(&ports) : port;
        ret_hosts[i] = (struct conninfo_host){ .host = host != NULL ? host : address,
                                               .hostaddr = address != NULL ? address : "" };
        if (ret_hosts[i].host[0] == '\0' && ret_hosts[i].hostaddr[0] == '\0') {
            ret_hosts[i].host = conninfo_default_host();
        }
        int r = put_port(&ret_hosts[i], port, error);
        if (r != 0) {
            return r;
        }
    }
    *ret_count = count;
    return 0;
}
