/* client/cli/connect.c: from the options and a DB argument to a connection. */
#include "base/alloc.h"
#include "base/buf.h"
#include "client/cli/cli.h"
#include "client/cli/interrupt.h"
#include "client/cli/progress.h"
#include "client/conninfo.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { default_connect_timeout_s = 10 };

#define DEFAULT_PORT "7432"

/* ---- the connection string ---- */

static bool is_uri(const char *text)
{
    return strncmp(text, "postgresql://", 13) == 0 || strncmp(text, "postgres://", 11) == 0;
}

/* What is neither a URI nor key=value words is a database's name. */
static bool is_conninfo(const char *text)
{
    return is_uri(text) || strchr(text, '=') != NULL;
}

static int put_word(struct buf *out, const char *name, const char *value)
{
    int r = buf_printf(out, " %s='", name);

    for (; r == 0 && *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\') {
            r = buf_append_byte(out, '\\');
        }
        r = r != 0 ? r : buf_append_byte(out, (uint8_t)*value);
    }
    return r != 0 ? r : buf_append_byte(out, '\'');
}

static int put_query(struct buf *out, const char *name, const char *value)
{
    bool first = memchr(out->data, '?', out->len) == NULL;
    int r = buf_printf(out, "%c%s=", first ? '?' : '&', name);

    for (; r == 0 && *value != '\0'; value++) {
        r = isalnum((unsigned char)*value) ? buf_append_byte(out, (uint8_t)*value)
                                           : buf_printf(out, "%%%02X", (unsigned char)*value);
    }
    return r;
}

static int put_words(struct buf *out, const struct cli_word *words, size_t count, bool uri)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++) {
        if (words[i].value != NULL) {
            r = (uri ? put_query : put_word)(out, words[i].name, words[i].value);
        }
    }
    return r;
}

/* Of several alike in one string the last one wins, so the options come last. */
static int put_options(struct buf *out, const struct cli_common *common, bool uri)
{
    char seconds[32] = "";
    const struct cli_word words[] = {
        { "host", common->host },
        { "port", common->port },
        { "user", common->user },
        { "connect_timeout", common->connect_timeout_ms < 0 ? NULL : seconds },
        { "fallback_application_name", "pond" },
    };

    snprintf(
        seconds, sizeof(seconds), "%lld",
        (long long)(common->connect_timeout_ms / 1000 + (common->connect_timeout_ms % 1000 != 0)));
    return put_words(out, words, ARRAY_LEN(words), uri);
}

char *cli_conninfo(const struct cli *cli, const char *database)
{
    return cli_conninfo_with(cli, database, NULL, 0);
}

char *cli_conninfo_with(const struct cli *cli, const char *database, const struct cli_word *words,
                        size_t count)
{
    cleanup(buf_finish) struct buf text = { 0 };
    int r = 0;

    database = database != NULL ? database : cli->common.dbname;
    if (database != NULL && is_conninfo(database)) {
        r = buf_append_str(&text, database);
    } else if (database != NULL) {
        r = put_word(&text, "dbname", database);
    }
    bool uri = database != NULL && is_uri(database);
    if (r == 0) {
        r = put_options(&text, &cli->common, uri);
    }
    if (r == 0) {
        r = put_words(&text, words, count, uri);
    }
    return r == 0 ? buf_take_str(&text) : NULL;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0';
}

const char *cli_any_database(const struct cli *cli)
{
    bool said = cli->common.dbname != NULL || is_set("PGDATABASE") || is_set("PGSERVICE");

    return said ? NULL : "postgres";
}

/* ---- connecting ---- */

static void tell_notice(void *arg, const struct pond_error *notice)
{
    const struct cli *cli = arg;

    if (!cli->common.quiet) {
        progress_hide();
        cli_put_text(notice->severity);
        fputs(":  ", stderr);
        cli_put_text(notice->message);
        fputc('\n', stderr);
    }
}

static struct default_variable {
    const char *name;
    bool is_ours;
} defaults[] = { { .name = "PGCONNECT_TIMEOUT" }, { .name = "PGPORT" } };

static void set_default(struct default_variable *variable, const char *value)
{
    if (getenv(variable->name) == NULL) {
        setenv(variable->name, value, 1);
        variable->is_ours = true;
    }
}

/* The command's defaults where libpq's differ: what a connection string, a service file or the
 * environment says is stronger. */
void cli_set_defaults(const struct cli *cli)
{
    char seconds[32];
    int64_t most_ms = cli->common.timeout_ms;
    int64_t wait_s = most_ms > 0 && most_ms < default_connect_timeout_s * 1000
                         ? (most_ms + 999) / 1000
                         : default_connect_timeout_s;

    snprintf(seconds, sizeof(seconds), "%lld", (long long)wait_s);
    set_default(&defaults[0], seconds);
    set_default(&defaults[1], DEFAULT_PORT);
}

void cli_unset_defaults(void)
{
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        if (defaults[i].is_ours) {
            unsetenv(defaults[i].name);
        }
    }
}

/* A server that stops in the middle of a message has as long as one that is connected to. */
static int64_t stall_ms(const struct cli *cli)
{
    return cli->common.connect_timeout_ms >= 0 ? cli->common.connect_timeout_ms
                                               : default_connect_timeout_s * 1000;
}

/* By itself: what is put behind it would be taken for the rest of an open quote. */
int cli_check(const struct cli *cli, const char *database, struct pond_error *error)
{
    cleanup(conninfo_finish) struct conninfo info = { 0 };

    database = database != NULL ? database : cli->common.dbname;
    return database != NULL && is_conninfo(database) ? conninfo_parse(&info, database, error) : 0;
}

int cli_dial(struct cli *cli, const char *conninfo, struct pond_conn **ret_conn,
             struct pond_error *error)
{
    cli_set_defaults(cli);
    int r = pond_conn_open(cli->loop, conninfo, ret_conn, error);
    if (r != 0) {
        return r;
    }
    pond_conn_on_notice(*ret_conn, tell_notice, cli);
    if (cli->common.timeout_ms > 0) {
        pond_conn_set_deadline_in(*ret_conn, cli->common.timeout_ms);
    }
    pond_conn_set_stall(*ret_conn, stall_ms(cli));
    return 0;
}

int cli_open(struct cli *cli, const char *database, struct pond_conn **ret_conn,
             struct pond_error *error)
{
    int r = cli_check(cli, database, error);
    cleanup(mem_freep) char *conninfo = r == 0 ? cli_conninfo(cli, database) : NULL;

    if (r != 0) {
        return r;
    }
    if (conninfo == NULL) {
        return pond_error_set(error, POND_NOMEM, "out of memory");
    }
    r = cli_dial(cli, conninfo, ret_conn, error);
    if (r == 0) {
        interrupt_watch(cli->loop, *ret_conn);
    }
    return r;
}

int cli_connect(struct cli *cli, const char *database, struct pond_conn **ret_conn)
{
    struct pond_error error = { 0 };

    return cli_open(cli, database, ret_conn, &error) == 0 ? 0 : cli_fail(&error);
}

void cli_disconnect(struct pond_conn *conn)
{
    if (conn != NULL) {
        interrupt_forget(conn);
        pond_conn_destroy(conn);
    }
}
