/* client/conninfo.c: the table of settings, and the two ways to write them. Rules:
 * https://www.postgresql.org/docs/15/libpq-connect.html */
#include "client/conninfo.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/secret.h"
#include "client/error.h"

#include <string.h>

const struct conninfo_row conninfo_rows[] = {
    { "application_name", KEY_APPLICATION_NAME, "PGAPPNAME" },
    { "channel_binding", KEY_CHANNEL_BINDING, "PGCHANNELBINDING" },
    { "client_encoding", KEY_CLIENT_ENCODING, "PGCLIENTENCODING" },
    { "connect_timeout", KEY_CONNECT_TIMEOUT, "PGCONNECT_TIMEOUT" },
    { "dbname", KEY_DBNAME, "PGDATABASE" },
    { "fallback_application_name", KEY_FALLBACK_APPLICATION_NAME, NULL },
    { "gssdelegation", -1, NULL },
    { "gssencmode", KEY_GSSENCMODE, "PGGSSENCMODE" },
    { "gsslib", -1, NULL },
    { "host", KEY_HOST, "PGHOST" },
    { "hostaddr", KEY_HOSTADDR, "PGHOSTADDR" },
    { "keepalives", -1, NULL },
    { "keepalives_count", -1, NULL },
    { "keepalives_idle", -1, NULL },
    { "keepalives_interval", -1, NULL },
    { "krbsrvname", -1, NULL },
    { "load_balance_hosts", -1, NULL },
    { "options", KEY_OPTIONS, "PGOPTIONS" },
    { "passfile", KEY_PASSFILE, "PGPASSFILE" },
    { "password", KEY_PASSWORD, "PGPASSWORD" },
    { "port", KEY_PORT, "PGPORT" },
    { "replication", KEY_REPLICATION, NULL },
    { "require_auth", KEY_REQUIRE_AUTH, "PGREQUIREAUTH" },
    { "requirepeer", KEY_REQUIREPEER, "PGREQUIREPEER" },
    { "service", KEY_SERVICE, "PGSERVICE" },
    { "ssl_max_protocol_version", KEY_SSL_MAX_PROTOCOL_VERSION, "PGSSLMAXPROTOCOLVERSION" },
    { "ssl_min_protocol_version", KEY_SSL_MIN_PROTOCOL_VERSION, "PGSSLMINPROTOCOLVERSION" },
    { "sslcert", KEY_SSLCERT, "PGSSLCERT" },
    { "sslcompression", -1, NULL },
    { "sslcrl", KEY_SSLCRL, "PGSSLCRL" },
    { "sslcrldir", KEY_SSLCRLDIR, "PGSSLCRLDIR" },
    { "sslkey", KEY_SSLKEY, "PGSSLKEY" },
    { "sslmode", KEY_SSLMODE, "PGSSLMODE" },
    { "sslpassword", KEY_SSLPASSWORD, NULL },
    { "sslrootcert", KEY_SSLROOTCERT, "PGSSLROOTCERT" },
    { "sslsni", KEY_SSLSNI, "PGSSLSNI" },
    { "target_session_attrs", KEY_TARGET_SESSION_ATTRS, "PGTARGETSESSIONATTRS" },
    { "tcp_user_timeout", -1, NULL },
    { "user", KEY_USER, "PGUSER" },
};
const size_t conninfo_row_count = ARRAY_LEN(conninfo_rows);

void conninfo_finish(struct conninfo *info)
{
    for (size_t i = 0; i < CONNINFO_KEYS; i++) {
        secret_free(take_ptr(info->value[i])); /* one of them may be the password */
    }
}

static const struct conninfo_row *row_find(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(conninfo_rows); i++) {
        if (view_equal_str(name, conninfo_rows[i].name)) {
            return &conninfo_rows[i];
        }
    }
    return NULL;
}

int conninfo_set(struct conninfo *info, struct view name, struct view value,
                 struct pond_error *error)
{
    const struct conninfo_row *row = row_find(name);

    if (row == NULL) {
        return error_set(error, POND_USAGE, "", "invalid connection option \"%.*s\"",
                         (int)(name.len < 100 ? name.len : 100), (const char *)name.data);
    }
    if (memchr(value.len == 0 ? (const uint8_t *)"x" : value.data, 0, value.len) != NULL) {
        return error_set(error, POND_USAGE, "", "the value of \"%s\" has a zero byte", row->name);
    }
    if (row->key < 0 || info->value[row->key] != NULL) {
        return 0;
    }
    info->value[row->key] =
        mem_strndup(value.len == 0 ? (const uint8_t *)"" : value.data, value.len);
    return info->value[row->key] == NULL ? error_nomem(error) : 0;
}

/* Of several alike in one text the last one wins, and what was there before the text stays. */
static int merge(struct conninfo *info, struct conninfo *said)
{
    for (size_t i = 0; i < CONNINFO_KEYS; i++) {
        if (info->value[i] == NULL) {
            info->value[i] = take_ptr(said->value[i]);
        }
    }
    return 0;
}

static int say(struct conninfo *said, struct view name, struct view value, struct pond_error *error)
{
    const struct conninfo_row *row = row_find(name);

    if (row != NULL && row->key >= 0) {
        secret_free(take_ptr(said->value[row->key]));
    }
    return conninfo_set(said, name, value, error);
}

/* ---- key = 'value' ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_spaces(struct view *in)
{
    while (in->len > 0 && is_space(in->data[0])) {
        view_advance(in, 1);
    }
}

static struct view take_name(struct view *in)
{
    struct view name = { .data = in->data };

    while (in->len > 0 && in->data[0] != '=' && !is_space(in->data[0])) {
        view_advance(in, 1);
        name.len++;
    }
    skip_spaces(in);
    return name;
}

/* Quoted or up to the next blank; a backslash takes the next character as it is. */
static int take_value(struct view *in, struct buf *value, struct pond_error *error)
{
    bool quoted = in->len > 0 && in->data[0] == '\'';
    int r = 0;

    buf_clear(value);
    if (quoted) {
        view_advance(in, 1);
    }
    while (r == 0 && in->len > 0 && (quoted ? in->data[0] != '\'' : !is_space(in->data[0]))) {
        if (in->data[0] == '\\') {
            view_advance(in, 1);
            if (in->len == 0) {
                break;
            }
        }
        r = buf_append_byte(value, in->data[0]);
        view_advance(in, 1);
    }
    if (r != 0) {
        return error_of_buf(error, r, "the connection string");
    }
    if (!quoted) {
        return 0;
    }
    if (in->len == 0) {
        return error_set(error, POND_USAGE, "",
                         "unterminated quoted string in connection info string");
    }
    view_advance(in, 1);
    return 0;
}

static int parse_words(struct conninfo *said, struct view in, struct pond_error *error)
{
    cleanup(buf_wipe) struct buf value = { .max = conninfo_text_bytes };

    for (skip_spaces(&in); in.len > 0; skip_spaces(&in)) {
        struct view name = take_name(&in);

        if (name.len == 0 || in.len == 0 || in.data[0] != '=') {
            return error_set(error, POND_USAGE, "",
                             "missing \"=\" after \"%.*s\" in connection info string",
                             (int)(name.len < 100 ? name.len : 100), (const char *)name.data);
        }
        view_advance(&in, 1);
        skip_spaces(&in);
        int r = take_value(&in, &value, error);
        if (r == 0) {
            r = say(said, name, buf_view(&value), error);
        }
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* ---- postgresql://user:password@host:port,host:port/dbname?key=value&... ---- */

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static int append_decoded(struct buf *out, struct view in, struct pond_error *error)
{
    int r = 0;

    while (in.len > 0 && r == 0) {
        uint8_t c = in.data[0];
        size_t n = 1;

        if (c == '%') {
            int high = in.len < 3 ? -1 : hex_digit(in.data[1]);
            int low = in.len < 3 ? -1 : hex_digit(in.data[2]);

            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                return error_set(error, POND_USAGE, "", "invalid percent-encoded token: \"%.*s\"",
                                 (int)(in.len < 3 ? in.len : 3), (const char *)in.data);
            }
            c = (uint8_t)(high << 4 | low);
            n = 3;
        }
        r = buf_append_byte(out, c);
        view_advance(&in, n);
    }
    return r == 0 ? 0 : error_of_buf(error, r, "the connection string");
}

static int say_decoded(struct conninfo *said, struct view name, struct view value,
                       struct pond_error *error)
{
    cleanup(buf_wipe) struct buf decoded = { .max = conninfo_text_bytes };
    int r = append_decoded(&decoded, value, error);

    return r != 0 ? r : say(said, name, buf_view(&decoded), error);
}

/* What comes before any of `ends`, which stays. */
static struct view take_until(struct view *in, const char *ends)
{
    struct view taken = { .data = in->data };

    while (in->len > 0 && strchr(ends, in->data[0]) == NULL) {
        view_advance(in, 1);
        taken.len++;
    }
    return taken;
}

static bool take_char(struct view *in, char c)
{
    if (in->len == 0 || in->data[0] != (uint8_t)c) {
        return false;
    }
    view_advance(in, 1);
    return true;
}

static int parse_user(struct conninfo *said, struct view *in, struct pond_error *error)
{
    struct view rest = *in;
    struct view part = take_until(&rest, "@/?");

    if (!take_char(&rest, '@')) {
        return 0;
    }
    *in = rest;
    struct view user = take_until(&part, ":");
    int r = user.len == 0 ? 0 : say_decoded(said, view_of_str("user"), user, error);
    if (r == 0 && take_char(&part, ':')) {
        r = say_decoded(said, view_of_str("password"), part, error);
    }
    return r;
}

static int parse_one_host(struct view *in, struct buf *hosts, struct buf *ports,
                          struct pond_error *error)
{
    struct view host;

    if (take_char(in, '[')) {
        host = take_until(in, "]");
        if (!take_char(in, ']') || host.len == 0) {
            return error_set(error, POND_USAGE, "", "an IPv6 address in a URI ends with \"]\"");
        }
        if (in->len > 0 && strchr(":/?,", in->data[0]) == NULL) {
            return error_set(error, POND_USAGE, "",
                             "unexpected character \"%c\" after an IPv6 address in a URI",
                             in->data[0]);
        }
    } else {
        host = take_until(in, ":/?,");
    }
    int r = append_decoded(hosts, host, error);
    if (r == 0 && take_char(in, ':')) {
        r = append_decoded(ports, take_until(in, "/?,"), error);
    }
    return r;
}

static int parse_hosts(struct conninfo *said, struct view *in, struct pond_error *error)
{
    cleanup(buf_finish) struct buf hosts = { .max = conninfo_text_bytes };
    cleanup(buf_finish) struct buf ports = { .max = conninfo_text_bytes };
    size_t named = 0;
    int r;

    for (;;) {
        r = parse_one_host(in, &hosts, &ports, error);
        if (r != 0 || !take_char(in, ',')) {
            break;
        }
        named++;
        r = buf_append_byte(&hosts, ',');
        r = r != 0 ? r : buf_append_byte(&ports, ',');
        if (r != 0) {
            return error_of_buf(error, r, "the connection string");
        }
    }
    if (r == 0 && hosts.len > 0) {
        r = say(said, view_of_str("host"), buf_view(&hosts), error);
    }
    if (r == 0 && ports.len > named) { /* not only commas */
        r = say(said, view_of_str("port"), buf_view(&ports), error);
    }
    return r;
}

static int parse_one_option(struct conninfo *said, struct view word, struct pond_error *error)
{
    cleanup(buf_finish) struct buf name = { .max = conninfo_text_bytes };
    int r = append_decoded(&name, take_until(&word, "="), error);

    if (r != 0) {
        return r;
    }
    if (!take_char(&word, '=')) {
        return error_set(error, POND_USAGE, "",
                         "missing key/value separator \"=\" in URI query "
                         "parameter: \"%.*s\"",
                         (int)(name.len < 100 ? name.len : 100), (const char *)name.data);
    }
    if (view_equal_str(buf_view(&name), "ssl") && view_equal_str(word, "true")) {
        return say(said, view_of_str("sslmode"), view_of_str("require"), error);
    }
    return say_decoded(said, buf_view(&name), word, error);
}

static int parse_uri(struct conninfo *said, struct view in, struct pond_error *error)
{
    int r = parse_user(said, &in, error);

    if (r == 0) {
        r = parse_hosts(said, &in, error);
    }
    if (r == 0 && take_char(&in, '/')) {
        struct view name = take_until(&in, "?");
        r = name.len == 0 ? 0 : say_decoded(said, view_of_str("dbname"), name, error);
    }
    if (r == 0 && take_char(&in, '?')) {
        while (r == 0 && in.len > 0) {
            r = parse_one_option(said, take_until(&in, "&"), error);
            take_char(&in, '&');
        }
    }
    return r;
}

static bool take_prefix(struct view *in, const char *prefix)
{
    size_t len = strlen(prefix);

    if (in->len < len || memcmp(in->data, prefix, len) != 0) {
        return false;
    }
    view_advance(in, len);
    return true;
}

int conninfo_parse(struct conninfo *info, const char *text, struct pond_error *error)
{
    cleanup(conninfo_finish) struct conninfo said = { 0 };
    struct view in = view_of_str(text == NULL ? "" : text);
    int r;

    if (in.len > conninfo_text_bytes) {
        return error_set(error, POND_USAGE, "", "the connection string is too long");
    }
    if (take_prefix(&in, "postgresql://") || take_prefix(&in, "postgres://")) {
        r = parse_uri(&said, in, error);
    } else {
        r = parse_words(&said, in, error);
    }
    return r == 0 ? merge(info, &said) : r;
}
