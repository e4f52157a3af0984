/* daemon/load.c: see the header. */
#include "daemon/load.h"

#include "async/await.h"
#include "async/loop.h"
#include "daemon/durables.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "pool/clone.h"
#include "pool/database.h"
#include "pool/durable.h"
#include "pool/template.h"

void loaded_finish(struct loaded *loaded)
{
    template_unref(loaded->template_);
    durable_destroy(loaded->durable);
}

struct load_job {
    const struct conf_database *conf;
    struct seed_options seed;
    struct loaded loaded;
    struct failure failure;
    int result;
};

static void run_load_job(void *arg)
{
    struct load_job *job = arg;
    struct loaded *loaded = &job->loaded;

    if (*job->conf->file == '\0') {
        job->result = seed_load(&job->seed, &loaded->template_, &job->failure);
        return;
    }
    job->result = durables_open(job->conf, &job->seed, &loaded->durable, &job->failure);
    if (job->result == 0) {
        loaded->template_ = template_ref(clone_template(durable_clone(loaded->durable)));
    }
}

static uint64_t temp_file_limit(const struct conf_database *conf)
{
    return conf->temp_file_limit < 0 ? UINT64_MAX : (uint64_t)conf->temp_file_limit;
}

static void log_loaded(const char *name, const struct loaded *loaded, int64_t begun_us)
{
    uint32_t pages = loaded->durable == NULL ? template_page_count(loaded->template_)
                                             : durable_page_count(loaded->durable);

    log_line(LEVEL_LOG, "database %s: %u pages of %u bytes, loaded in %.1f ms", name, pages,
             template_page_bytes(loaded->template_),
             (double)(loop_now_us(loop_current()) - begun_us) / 1000);
}

int load_database(struct server *server, const struct conf_database *conf, const _Atomic bool *stop,
                  struct loaded *ret_loaded, struct failure *ret_failure)
{
    struct load_job job = { .conf = conf,
                            .seed = { .path = conf->seed,
                                      .database = conf->name,
                                      .parent = &server->account,
                                      .work_mem = (size_t)conf->work_mem,
                                      .temp_file_limit = temp_file_limit(conf),
                                      .temp_dir = server->boot_conf->temp_dir,
                                      .stop = stop } };
    int64_t begun_us = loop_now_us(loop_current());

    server_await_telling(server, SERVER_LOADS, conf->name);
    if (await_offload(run_load_job, &job) != 0) {
        return failure_set_no_thread(ret_failure);
    }
    if (job.result != 0) {
        *ret_failure = job.failure;
        return job.result;
    }
    if (!conf->builtin) {
        log_loaded(conf->name, &job.loaded, begun_us);
    }
    *ret_loaded = job.loaded;
    return 0;
}

struct database_options load_options(const struct server *server, const struct conf_database *conf,
                                     const struct loaded *loaded)
{
    return (struct database_options){
        .name = conf->name,
        .template_ = loaded->template_,
        .durable = loaded->durable,
        .pool_size = (size_t)conf->pool_size,
        .min_pool_size = (size_t)conf->min_pool_size,
        .max_waiters = (size_t)conf->max_waiters,
        .query_wait_timeout_us = conf->query_wait_timeout_us,
        .server_idle_timeout_us = conf->server_idle_timeout_us,
        .server_lifetime_us = conf->server_lifetime_us,
        .max_marks = (size_t)conf->max_marks,
        .max_result_size = (size_t)conf->max_result_size,
        .max_statement_size = (size_t)conf->max_statement_size,
        .linger_us = conf->linger_us,
        .clone_memory = (size_t)conf->clone_memory,
        .session_memory = (size_t)conf->session_memory,
        .work_mem = (size_t)conf->work_mem,
        .temp_file_limit = temp_file_limit(conf),
        .temp_dir = server->boot_conf->temp_dir,
        .lock_timeout_us = conf->lock_timeout_us,
        .statement_timeout_us = conf->statement_timeout_us,
        .idle_in_transaction_timeout_us = conf->idle_in_transaction_timeout_us,
    };
}
