/* daemon/console_daemon.c: SHOW VERSION, CONFIG, LOOPS and MEM: the daemon itself. */
#include "daemon/console_show.h"

#include "async/loop.h"
#include "conf/option.h"
#include "daemon/console_rows.h"
#include "daemon/serve.h"
#include "pool/registry.h"

#include <errno.h>

int console_version(struct connection *conn, struct console_rows *rows)
{
    (void)conn;
    console_row_begin(rows);
    console_put(rows, "pond " POND_VERSION);
    console_row_end(rows);
    return 0;
}

/* ---- SHOW CONFIG ---- */

/* A longer value of a list of names is cut. */
enum { value_bytes = 4096 };

static void put_option(struct console_rows *rows, const struct option *option,
                       const struct conf *conf, const struct conf *preset, char *text)
{
    console_row_begin(rows);
    console_put(rows, option->name);
    option_print(option, conf, text, value_bytes);
    console_put(rows, text);
    option_print(option, preset, text, value_bytes);
    console_put(rows, text);
    console_put(rows, option->needs_restart ? "no" : "yes");
    console_row_end(rows);
}

int console_config(struct connection *conn, struct console_rows *rows)
{
    cleanup(mem_freep) char *text = mem_alloc(value_bytes);
    struct conf preset = { .path = NULL };
    int r = text == NULL ? -ENOMEM : option_preset_all(OPTION_POND, &preset);

    for (size_t i = 0; i < option_count && r == 0; i++) {
        if (option_table[i].section == OPTION_POND) {
            put_option(rows, &option_table[i], conn->worker->conf, &preset, text);
        }
    }
    option_finish_all(OPTION_POND, &preset);
    return r;
}

/* ---- SHOW LOOPS ---- */

static size_t count_connections(const struct worker *worker)
{
    const struct connection *conn;
    size_t count = 0;

    TAILQ_FOREACH (conn, &worker->connections, entry) {
        count++;
    }
    return count;
}

static void list_loop(struct worker *worker, void *arg)
{
    struct console_rows *rows = arg;
    struct loop_stats stats;

    loop_stats(worker->loop, &stats);
    console_row_begin(rows);
    console_put_uint(rows, loop_number(worker->loop));
    console_put_uint(rows, count_connections(worker));
    console_put_uint(rows, worker->stats.statements);
    console_put_uint(rows, stats.tasks);
    console_put_uint(rows, stats.turns);
    console_put_int(rows, stats.longest_hold_us);
    console_put(rows, stats.longest_hold_by);
    console_put_int(rows, stats.longest_cpu_us);
    console_put(rows, stats.longest_cpu_by);
    console_row_end(rows);
}

int console_loops(struct connection *conn, struct console_rows *rows)
{
    server_each_worker(conn->server, list_loop, rows);
    return 0;
}

/* ---- SHOW MEM ---- */

struct mem {
    size_t connections;
    size_t stacks;
    size_t stacks_cached;
    size_t buffers; /* of output */
    size_t buffers_spare;
    size_t buffer_bytes; /* of both */
};

static void add_buffers(const struct worker *worker, struct mem *mem)
{
    const struct connection *conn;

    TAILQ_FOREACH (conn, &worker->connections, entry) {
        mem->buffers += conn->output.buf.cap > 0;
        mem->buffer_bytes += conn->output.buf.cap;
    }
    mem->buffers_spare += worker->spares.count;
    for (size_t i = 0; i < worker->spares.count; i++) {
        mem->buffer_bytes += worker->spares.bufs[i].cap;
    }
}

static void add_worker(struct worker *worker, void *arg)
{
    struct mem *mem = arg;
    struct loop_stats stats;

    loop_stats(worker->loop, &stats);
    mem->connections += count_connections(worker);
    mem->stacks += stats.tasks;
    mem->stacks_cached += stats.stacks_cached;
    add_buffers(worker, mem);
}

/* `size` is one's in bytes; 0: they differ. */
static void put_mem(struct console_rows *rows, const char *name, size_t size, size_t used,
                    size_t free, size_t total)
{
    console_row_begin(rows);
    console_put(rows, name);
    console_put_uint(rows, size);
    console_put_uint(rows, used);
    console_put_uint(rows, free);
    console_put_uint(rows, total);
    console_row_end(rows);
}

struct mem_databases {
    size_t templates;
    size_t template_bytes;
    size_t clones;
    size_t clone_bytes;
};

static int add_databases(struct registry *registry, struct mem_databases *all)
{
    cleanup(mem_freep) struct registry_row *list = NULL;
    size_t count;

    if (registry_list(registry, &list, &count) != 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_clone = list[i].named && !list[i].frozen;

        all->clones += is_clone;
        all->clone_bytes += is_clone ? list[i].bytes : 0;
        all->templates += !is_clone;
        all->template_bytes += is_clone ? 0 : list[i].bytes;
    }
    return 0;
}

int console_mem(struct connection *conn, struct console_rows *rows)
{
    const struct server *server = conn->server;
    struct mem mem = { 0 };
    struct mem_databases databases = { 0 };
    struct registry_stats stats;
    size_t stack = POND_STACK_KIB * (size_t)1024;

    if (add_databases(server->registry, &databases) != 0) {
        return -ENOMEM;
    }
    server_each_worker(conn->server, add_worker, &mem);
    registry_stats(server->registry, &stats);
    put_mem(rows, "templates", 0, databases.templates, 0, databases.template_bytes);
    put_mem(rows, "clones", 0, databases.clones, 0, databases.clone_bytes);
    put_mem(rows, "sessions", 0, stats.sessions.sessions, stats.sessions.idle,
            atomic_load(&server->account.used));
    put_mem(rows, "connections", sizeof(struct connection), mem.connections, 0,
            mem.connections * sizeof(struct connection));
    put_mem(rows, "stacks", stack, mem.stacks, mem.stacks_cached,
            (mem.stacks + mem.stacks_cached) * stack);
    put_mem(rows, "output_buffers", 0, mem.buffers, mem.buffers_spare, mem.buffer_bytes);
    put_mem(rows, "total", 0, 0, 0, mem_used_total());
    return 0;
}
