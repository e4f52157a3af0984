/* daemon/console.c: the commands of the console: a table, and how one is answered. */
#include "daemon/console.h"

#include "async/task.h"
#include "daemon/console_do.h"
#include "daemon/console_parse.h"
#include "daemon/console_show.h"
#include "daemon/deadline.h"
#include "daemon/log.h"
#include "daemon/serve.h"
#include "protocol/backend.h"
#include "protocol/utf8.h"

struct command {
    const char *word;
    uint8_t words_least;
    uint8_t words_most; /* 0: it is not made of words, and reads the text itself */
    bool shows;         /* stats_users may, too */
    /* Sends all but CommandComplete. 0, FAILED or -errno. */
    int (*run)(struct connection *conn, const struct console_words *words,
               struct failure *ret_failure);
};

static const struct command commands[] = {
    { "KILL", 2, 2, false, console_kill },         { "PAUSE", 1, 2, false, console_pause },
    { "RELOAD", 1, 1, false, console_reload },     { "RESUME", 1, 2, false, console_resume },
    { "SET", 0, 0, false, console_set },           { "SHOW", 2, 2, true, console_show },
    { "SHUTDOWN", 1, 2, false, console_shutdown },
};

/* PgBouncer's that are not here (yet). */
static const char *const unsupported[] = {
    "DISABLE", "ENABLE", "RECONNECT", "SUSPEND", "WAIT_CLOSE",
};

static const struct command *find(const struct console_words *words)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (console_word_is(words, 0, commands[i].word)) {
            return &commands[i];
        }
    }
    return NULL;
}

static int fail_unsupported(const struct console_words *words, struct failure *ret_failure)
{
    for (size_t i = 0; i < ARRAY_LEN(unsupported); i++) {
        if (console_word_is(words, 0, unsupported[i])) {
            return failure_set(ret_failure, "0A000", "%s is not supported", unsupported[i]);
        }
    }
    return 0;
}

/* In PgBouncer's words. */
static int fail_invalid(struct view text, struct failure *ret_failure)
{
    struct view shown = utf8_cut(text, 200);

    failure_set(ret_failure, "08P01", "invalid command '%.*s', use SHOW HELP;", (int)shown.len,
                (const char *)shown.data);
    failure_add(ret_failure, FIELD_HINT, "SHOW HELP lists the commands of pond's console.");
    return FAILED;
}

static bool fits(const struct command *command, const struct console_words *words)
{
    return command->words_most == 0 || (!words->broken && words->count >= command->words_least &&
                                        words->count <= command->words_most);
}

static int run(struct connection *conn, struct view text, const struct console_words *words,
               struct failure *ret_failure)
{
    const struct command *command = find(words);

    if (fail_unsupported(words, ret_failure) != 0) {
        return FAILED;
    }
    if (command == NULL || !fits(command, words)) {
        return fail_invalid(text, ret_failure);
    }
    if (!command->shows && conn->console != CONSOLE_ADMIN) {
        return failure_set(ret_failure, "42501", "admin access needed");
    }
    if (!command->shows) {
        log_line(LEVEL_LOG, "[%d] console: user=%s %.*s", conn->cancel_key.pid, conn->user,
                 (int)text.len, (const char *)text.data);
    }
    int r = command->run(conn, words, ret_failure);
    if (r == CONSOLE_UNKNOWN) {
        return fail_invalid(text, ret_failure);
    }
    if (r == 0) {
        struct writer w = reply_begin(conn);

        backend_command_complete(&w, view_of_str(command->word));
        r = reply_done(conn, &w);
    }
    return r;
}

static int answer(struct connection *conn, struct view text, struct failure *ret_failure)
{
    struct console_words words;

    console_parse(text, &words);
    if (words.count > 0 || words.broken) {
        return run(conn, text, &words, ret_failure);
    }
    struct writer w = reply_begin(conn);

    backend_empty_query(&w);
    return reply_done(conn, &w);
}

int console_stopped(struct connection *conn, struct failure *ret_failure)
{
    task_uncancel(conn->task); /* it answers for itself now */
    if (conn->gone) {
        return CONNECTION_END;
    }
    return conn->goodbye != GOODBYE_NONE
               ? deadline_say_goodbye(conn)
               : failure_set(ret_failure, "57014", "canceling statement due to user request");
}

int console_query(struct connection *conn, const struct msg_query *msg)
{
    struct failure failure;
    int r = utf8_check(msg->text, &failure);
    int64_t now_us = clock_wall_us(loop_clock(conn->worker->loop));

    activity_begin(conn->activity, r == 0 ? msg->text : view_of_str(""), now_us, false);
    if (r == 0) {
        r = answer(conn, msg->text, &failure);
    }
    if (r == FAILED) {
        r = reply_failure(conn, &failure);
    }
    return r == 0 ? reply_ready(conn) : r;
}

int console_refuse_extended(struct failure *ret_failure)
{
    failure_set(ret_failure, "0A000", "the console does not speak the extended query protocol");
    failure_add(ret_failure, FIELD_HINT, "Send its commands as simple queries, as psql does.");
    return FAILED;
}
