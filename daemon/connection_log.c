/* daemon/connection_log.c: whom a line of the log is about, for those who read it: what log_about()
 * has as fields goes to the journal only, and where a client comes from is nowhere else. */
#include "daemon/connection_impl.h"

#include "pool/named.h"
#include "protocol/utf8.h"

#include <stdio.h>

struct log_about connection_about(const struct connection *conn)
{
    return (struct log_about){ .of_client = true,
                               .connection = conn->cancel_key.pid,
                               .user = conn->user,
                               .database = conn->database };
}

/* A client may call himself as he likes until he is let in: at any length. */
static const char *short_name(const char *name, char copy[static database_name_bytes])
{
    if (name == NULL) {
        return "-";
    }
    utf8_copy_name(copy, database_name_bytes, name);
    return copy;
}

void connection_print_whence(const struct connection *conn,
                             char text[static connection_whence_bytes])
{
    char user[database_name_bytes];
    char database[database_name_bytes];
    char room[address_text_bytes];

    snprintf(text, connection_whence_bytes, "user=%s database=%s host=%s",
             short_name(conn->user, user), short_name(conn->database, database),
             address_in_words(&conn->from, room));
}
