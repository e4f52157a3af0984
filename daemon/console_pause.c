/* daemon/console_pause.c: PAUSE and RESUME, of one database of the configuration or of all.
 *
 * A paused database lends no session; who wants one waits in line. PAUSE is done when the last
 * session that was lent has come back. One that ends before that, because its client cancels it or
 * leaves, takes its pause back. */
#include "daemon/console_do.h"

#include "async/await.h"
#include "async/loop.h"
#include "daemon/connection_impl.h"
#include "daemon/console.h"
#include "daemon/console_parse.h"
#include "pool/registry.h"

#include <errno.h>
#include <string.h>

static const int64_t look_step_us = 5000;

struct target {
    struct database *database;
    bool changed; /* by this command */
};

struct targets {
    struct target *list;
    size_t count;
};

static void targets_finish(struct targets *targets)
{
    mem_free(targets->list);
}

static int find_targets(const struct connection *conn, const struct console_words *words,
                        struct targets *targets, struct failure *ret_failure)
{
    const char *name = words->count > 1 ? words->word[1] : NULL;
    cleanup(mem_freep) struct registry_pool *pools = NULL;
    size_t count;

    if (registry_list_pools(conn->server->registry, &pools, &count) != 0) {
        return failure_set_nomem(ret_failure);
    }
    targets->list = mem_zalloc((count + 1) * sizeof(*targets->list));
    if (targets->list == NULL) {
        return failure_set_nomem(ret_failure);
    }
    for (size_t i = 0; i < count; i++) {
        if (name == NULL || strcmp(pools[i].name, name) == 0) {
            targets->list[targets->count++].database = pools[i].database;
        }
    }
    if (name != NULL && console_is_meant(name)) {
        return failure_set(ret_failure, "0A000", "the console cannot be paused");
    }
    return targets->count > 0 ? 0 : failure_set(ret_failure, "3D000", "no such database: %s", name);
}

/* How many have changed. */
static size_t set_all(struct targets *targets, bool paused)
{
    size_t changed = 0;

    for (size_t i = 0; i < targets->count; i++) {
        targets->list[i].changed = database_pause(targets->list[i].database, paused);
        changed += targets->list[i].changed;
    }
    return changed;
}

static void undo_pause(struct targets *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        if (targets->list[i].changed) {
            (void)database_pause(targets->list[i].database, false);
        }
    }
}

/* ---- waiting ---- */

enum pause_state { PAUSE_DONE, PAUSE_WAITS, PAUSE_ENDED };

static enum pause_state look(const struct targets *targets)
{
    enum pause_state state = PAUSE_DONE;

    for (size_t i = 0; i < targets->count; i++) {
        struct database_stats stats;

        database_stats(targets->list[i].database, &stats);
        if (!stats.paused) {
            return PAUSE_ENDED; /* by another's RESUME */
        }
        state = stats.sessions > 0 ? PAUSE_WAITS : state;
    }
    return state;
}

/* PAUSE_DONE, PAUSE_ENDED, or -ECANCELED. */
static int await_sessions(struct connection *conn, const struct targets *targets)
{
    enum pause_state state;
    int r = 0;

    conn->in_line = true;
    while ((state = look(targets)) == PAUSE_WAITS && r == 0) {
        r = await_until(loop_now_us(conn->worker->loop) + look_step_us);
    }
    conn->in_line = false;
    return state == PAUSE_WAITS ? r : (int)state;
}

/* ---- the commands ---- */

int console_pause(struct connection *conn, const struct console_words *words,
                  struct failure *ret_failure)
{
    cleanup(targets_finish) struct targets targets = { .count = 0 };
    int r = find_targets(conn, words, &targets, ret_failure);

    if (r != 0) {
        return r;
    }
    if (set_all(&targets, true) == 0) {
        return failure_set(ret_failure, "55000", "already suspended/paused");
    }
    r = await_sessions(conn, &targets);
    if (r == PAUSE_DONE) {
        return 0;
    }
    undo_pause(&targets);
    return r == PAUSE_ENDED ? failure_set(ret_failure, "55000", "RESUME has ended the pause")
                            : console_stopped(conn, ret_failure);
}

int console_resume(struct connection *conn, const struct console_words *words,
                   struct failure *ret_failure)
{
    cleanup(targets_finish) struct targets targets = { .count = 0 };
    int r = find_targets(conn, words, &targets, ret_failure);

    if (r == 0 && set_all(&targets, false) == 0) {
        return words->count > 1
                   ? failure_set(ret_failure, "55000", "database %s is not paused", words->word[1])
                   : failure_set(ret_failure, "55000", "pooler is not paused/suspended");
    }
    return r;
}
