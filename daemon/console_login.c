/* daemon/console_login.c: who may use the console: who is listed, once he has proved who he is.
 *
 * Who is not may still be the one who could stop the daemon by a signal anyway: the kernel says so
 * of the other end of a unix socket. */
#include "daemon/console.h"

#include "daemon/auth.h"
#include "daemon/connection_impl.h"
#include "protocol/backend.h"
#include "protocol/blank.h"

#include <string.h>

/* Whom it lets in without being asked to. */
static const char own_user[] = "pond";

bool console_is_meant(const char *database)
{
    return conf_is_console(database);
}

static bool is_listed(const char *list, const char *user)
{
    const char *end;

    for (; *list != '\0'; list = *end == '\0' ? end : end + 1) {
        end = strchrnul(list, ',');
        struct view name = view_trimmed(view_of(list, (size_t)(end - list)));

        if (name.len > 0 && view_equal_str(name, user)) {
            return true;
        }
    }
    return false;
}

bool console_is_meant_by_owner(const struct connection *conn)
{
    return console_is_meant(conn->database) && strcmp(conn->user, own_user) == 0 &&
           address_is_unix(&conn->from) && auth_is_owner(conn->fd);
}

static enum console_access access_of(const struct connection *conn)
{
    const struct conf *conf = conn->worker->conf;

    if (is_listed(conf->admin_users, conn->user) || console_is_meant_by_owner(conn)) {
        return CONSOLE_ADMIN;
    }
    return is_listed(conf->stats_users, conn->user) ? CONSOLE_STATS : CONSOLE_NONE;
}

int console_enter(struct connection *conn, struct failure *ret_failure)
{
    conn->console = (uint8_t)access_of(conn);
    if (conn->console != CONSOLE_NONE) {
        return 0;
    }
    failure_set(ret_failure, "42501", "permission denied for database \"%s\"", conn->database);
    failure_add(ret_failure, FIELD_DETAIL,
                "It is pond's console, for admin_users and stats_users.");
    return FAILED;
}

void console_greet(const struct connection *conn, struct writer *w)
{
    backend_parameter_status(w, "client_encoding", "UTF8");
    backend_parameter_status(w, "DateStyle", "ISO, MDY");
    backend_parameter_status(w, "integer_datetimes", "on");
    backend_parameter_status(w, "is_superuser", conn->console == CONSOLE_ADMIN ? "on" : "off");
    backend_parameter_status(w, "server_encoding", "UTF8");
    backend_parameter_status(w, "server_version", "15.8 (pond " POND_VERSION " console)");
    backend_parameter_status(w, "session_authorization", conn->user);
    backend_parameter_status(w, "standard_conforming_strings", "on");
    backend_parameter_status(w, "TimeZone", "GMT");
}
