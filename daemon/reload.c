/* daemon/reload.c: see the header. */
#include "daemon/reload.h"

#include "async/await.h"
#include "async/loop.h"
#include "conf/option.h"
#include "daemon/descriptors.h"
#include "daemon/load.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/tls_context.h"
#include "pool/registry.h"
#include "pool/registry_change.h"
#include "pool/template.h"
#include "pool/users.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What is made ready. */
struct reload {
    struct server *server;
    struct conf *fresh;
    struct database_options *databases; /* of fresh's databases; each with its template */
    size_t database_count;
    struct registry_change *change; /* NULL: databases stay as they are */
    struct tls_context *tls;        /* of new connections; NULL: none */
    bool has_tls;                   /* `tls` was made ready */
    struct buf *kept;
    bool no_memory;
};

static void reload_finish(struct reload *reload)
{
    registry_change_destroy(reload->change);
    tls_context_unref(reload->tls);
    for (size_t i = 0; i < reload->database_count; i++) {
        template_unref(reload->databases[i].template_);
    }
    mem_free(reload->databases);
    conf_destroy(reload->fresh);
}

/* ---- turns ---- */

static int check_not_draining(const struct server *server, struct failure *ret_failure)
{
    return atomic_load(&server->draining)
               ? failure_set(ret_failure, "57P03", "the database system is shutting down")
               : 0;
}

static int await_turn_in_line(struct server *server, struct permit *ret_turn)
{
    struct budget *turn = &server->reloads;

    return await_gate(&server->gate, &turn, 1, SIZE_MAX, DEADLINE_NONE, ret_turn);
}

int reload_begin(struct server *server, struct permit *ret_turn, struct failure *ret_failure)
{
    struct permit turn;
    int r = check_not_draining(server, ret_failure);

    if (r == 0) {
        r = await_turn_in_line(server, &turn);
    }
    if (r != 0) {
        return r;
    }
    r = check_not_draining(server, ret_failure);
    if (r != 0) {
        reload_end(&turn);
        return r;
    }
    *ret_turn = turn;
    return 0;
}

void reload_end(struct permit *turn)
{
    gate_release(turn);
}

bool reload_runs(struct server *server)
{
    struct gate_stats stats;

    gate_stats(&server->gate, &server->reloads, &stats);
    return stats.used > 0;
}

/* ---- reading ---- */

struct read_job {
    const struct conf *running;
    struct conf *fresh;
    struct failure *failure;
    int result;
};

static void run_read_job(void *arg)
{
    struct read_job *job = arg;
    const struct conf *running = job->running;

    job->result = conf_read(running->path, running->overrides, running->override_count, &job->fresh,
                            job->failure);
}

static void note_kept(void *arg, const struct option *option, const struct conf_database *database)
{
    struct reload *reload = arg;
    char text[256];

    if (option == NULL) {
        snprintf(text, sizeof(text),
                 "durable database \"%s\" cannot come or go without restarting pondd",
                 database->name);
    } else {
        snprintf(text, sizeof(text),
                 "parameter \"%s\"%s%s%s cannot be changed without restarting pondd", option->name,
                 database == NULL ? "" : " of database \"", database == NULL ? "" : database->name,
                 database == NULL ? "" : "\"");
    }
    if (buf_append(reload->kept, text, strlen(text) + 1) != 0) {
        reload->no_memory = true;
    }
}

static int read_file(struct reload *reload, struct failure *ret_failure)
{
    const struct conf *running = server_here(reload->server)->conf; /* stays: it is our turn */
    struct read_job job = { .running = running, .failure = ret_failure };

    if (await_offload(run_read_job, &job) != 0) {
        return failure_set_no_thread(ret_failure);
    }
    int r = job.result;
    if (r == 0) {
        reload->fresh = job.fresh;
        r = conf_keep(job.fresh, running, note_kept, reload);
    }
    return r == 0 && reload->no_memory ? -ENOMEM : r;
}

/* ---- loading ---- */

/* One without a seed is as empty as it was: its sessions may stay. So may a durable one's, whose
 * seed was for a new file. NULL: it must be loaded. */
static struct template *find_same(struct server *server, const struct conf_database *conf)
{
    const struct conf_database *was = conf_find(server_here(server)->conf, conf->name);
    const struct database *database = registry_find(server->registry, view_of_str(conf->name));
    bool same = *conf->file != '\0' || (*conf->seed == '\0' && was != NULL && *was->seed == '\0');

    return same && database != NULL ? template_ref(database_options(database)->template_) : NULL;
}

static int load_one(struct reload *reload, const struct conf_database *conf,
                    struct failure *ret_failure)
{
    struct server *server = reload->server;
    struct loaded loaded = { .template_ = find_same(server, conf) };
    int r = check_not_draining(server, ret_failure);

    if (r == 0 && loaded.template_ == NULL) {
        r = load_database(server, conf, &server->draining, &loaded, ret_failure);
    }
    if (r != 0) {
        loaded_finish(&loaded);
        return r;
    }
    reload->databases[reload->database_count++] = load_options(server, conf, &loaded);
    return 0;
}

static int load_databases(struct reload *reload, struct failure *ret_failure)
{
    const struct conf *fresh = reload->fresh;
    int r = 0;

    reload->databases = mem_zalloc(fresh->database_count * sizeof(*reload->databases));
    if (reload->databases == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < fresh->database_count && r == 0; i++) {
        r = load_one(reload, &fresh->databases[i], ret_failure);
    }
    return r;
}

/* The files may be others although the options are the same. */
static int load_tls(struct reload *reload, struct failure *ret_failure)
{
    int r = tls_context_await_load(reload->fresh, &reload->tls, ret_failure);

    reload->has_tls = r == 0;
    return r;
}

static int make_ready(struct reload *reload, struct failure *ret_failure)
{
    int r = read_file(reload, ret_failure);

    if (r == 0) {
        r = load_tls(reload, ret_failure);
    }
    if (r == 0) {
        r = load_databases(reload, ret_failure);
    }
    if (r == 0) {
        const struct registry_wish wish = { .databases = reload->databases,
                                            .count = reload->database_count };

        r = registry_change_create(reload->server->registry, &wish, &reload->change, ret_failure);
    }
    return r;
}

/* ---- putting it in its place ---- */

static void install_limits(struct server *server, const struct conf *conf, int64_t clients_were)
{
    log_set_limit((uint64_t)conf->log_limit);
    atomic_store(&server->account.limit, (size_t)conf->memory_limit);
    gate_set_limit(&server->gate, &server->sessions, (size_t)conf->max_db_connections);
    users_set_limit(server->users, (size_t)conf->max_user_connections);
    registry_set_limits(server->registry, (size_t)conf->max_clones, (size_t)conf->max_templates);
    if (conf->max_client_conn > clients_were) {
        (void)descriptors_raise(conf->max_client_conn, server->worker_count);
    }
}

static void install_here(struct worker *worker, void *arg)
{
    const struct reload *reload = arg;

    worker->conf = reload->fresh;
    loop_set_time_slice(worker->loop, reload->fresh->time_slice_us);
    if (reload->change != NULL) {
        registry_change_install_here(reload->change);
    }
}

static void install(struct reload *reload)
{
    struct server *server = reload->server;

    install_limits(server, reload->fresh, server_here(server)->conf->max_client_conn);
    if (reload->change != NULL) {
        registry_change_install(reload->change);
    }
    server_each_worker(server, install_here, reload);
    if (reload->has_tls) {
        tls_context_use(server, take_ptr(reload->tls));
    }
    conf_destroy(server->conf); /* nobody has it any more */
    server->conf = take_ptr(reload->fresh);
}

/* ---- the whole ---- */

static void log_kept(struct view kept)
{
    while (kept.len > 0) {
        const char *text = (const char *)kept.data;

        log_line(LEVEL_LOG, "%s", text);
        view_advance(&kept, strlen(text) + 1);
    }
}

static void log_reloaded(const struct server *server, int64_t begun_us)
{
    const struct conf *conf = server->conf;

    log_line(LEVEL_LOG, "reloaded %s: %zu databases, in %.1f ms", conf->path,
             conf->database_count - conf->builtin_count,
             (double)(loop_now_us(loop_current()) - begun_us) / 1000);
}

static int fail(int r, struct failure *ret_failure)
{
    return r == FAILED ? FAILED : failure_set_nomem(ret_failure);
}

static int read_and_install(struct server *server, struct buf *kept, struct failure *ret_failure)
{
    cleanup(reload_finish) struct reload reload = { .server = server, .kept = kept };
    cleanup(account_restorep) maybe_unused struct account *was = account_swap(NULL);
    int64_t begun_us = loop_now_us(loop_current());
    int r = make_ready(&reload, ret_failure);

    if (r != 0) {
        r = fail(r, ret_failure);
        log_failure(LEVEL_ERROR, "cannot reload, everything stays as it is", ret_failure);
        return r;
    }
    install(&reload);
    log_kept(buf_view(kept));
    log_reloaded(server, begun_us);
    return 0;
}

int reload_file(struct server *server, struct buf *kept, struct failure *ret_failure)
{
    server_await_telling(server, SERVER_RELOADS, NULL);
    int r = read_and_install(server, kept, ret_failure);
    server_await_telling(server, SERVER_RELOADED, NULL);
    return r;
}

int reload_option(struct server *server, const char *name, const char *value,
                  struct failure *ret_failure)
{
    cleanup(reload_finish) struct reload reload = { .server = server };
    cleanup(account_restorep) maybe_unused struct account *was = account_swap(NULL);
    int r = conf_copy(server_here(server)->conf, &reload.fresh);

    if (r == 0) {
        r = conf_set(reload.fresh, name, value, ret_failure);
    }
    if (r == 0 && strncmp(name, "client_tls_", 11) == 0) {
        r = load_tls(&reload, ret_failure);
    }
    if (r != 0) {
        return fail(r, ret_failure);
    }
    install(&reload);
    return 0;
}
