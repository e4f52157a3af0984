/* daemon/console_reload.c: RELOAD, and SET option = value. */
#include "daemon/console_do.h"

#include "daemon/connection_impl.h"
#include "daemon/console_parse.h"
#include "daemon/console_show.h"
#include "daemon/reload.h"
#include "daemon/serve.h"
#include "protocol/backend.h"

#include <errno.h>

/* While it waits for its turn, a cancel or a stop ends it. */
static int begin(struct connection *conn, struct permit *ret_turn, struct failure *ret_failure)
{
    conn->in_line = true;
    int r = reload_begin(conn->server, ret_turn, ret_failure);
    conn->in_line = false;

    return r == -ECANCELED ? console_stopped(conn, ret_failure) : r;
}

static int send_notices(struct connection *conn, struct view kept)
{
    struct writer w = reply_begin(conn);
    struct failure notice;

    while (kept.len > 0) {
        const char *text = (const char *)kept.data;

        failure_set(&notice, "00000", "%s", text);
        notice.severity = SEVERITY_NOTICE;
        backend_notice(&w, &notice);
        view_advance(&kept, strlen(text) + 1);
    }
    return reply_done(conn, &w);
}

int console_reload(struct connection *conn, const struct console_words *words,
                   struct failure *ret_failure)
{
    cleanup(buf_finish) struct buf kept = { 0 };
    struct permit turn;
    int r = begin(conn, &turn, ret_failure);

    (void)words;
    if (r == 0) {
        r = reload_file(conn->server, &kept, ret_failure);
        reload_end(&turn);
    }
    return r == 0 ? send_notices(conn, buf_view(&kept)) : r;
}

int console_set(struct connection *conn, const struct console_words *words,
                struct failure *ret_failure)
{
    struct console_setting setting;
    struct permit turn;

    if (!console_parse_set(words->text, &setting)) {
        return CONSOLE_UNKNOWN;
    }
    int r = begin(conn, &turn, ret_failure);
    if (r == 0) {
        r = reload_option(conn->server, setting.name, setting.value, ret_failure);
        reload_end(&turn);
    }
    return r;
}
