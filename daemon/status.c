/* daemon/status.c: the numbers of the tally, as JSON: what a person looks at, and no more of it
 * than fits on a page. Of databases and clones those come that have most to tell.
 *
 * Names and statements are others' words: they are quoted here, and never become HTML there. */
#include "daemon/status.h"

#include "async/await.h"
#include "async/task.h"
#include "base/alloc.h"
#include "daemon/census.h"
#include "daemon/printer.h"
#include "daemon/server.h"
#include "daemon/tally.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { rows_most = 50 };

/* ---- JSON ---- */

static void key(struct printer *p, const char *name)
{
    bool first = p->out->len == 0 || strchr("{[", p->out->data[p->out->len - 1]) != NULL;

    printf_to(p, "%s\"%s\":", first ? "" : ",", name);
}

static void put(struct printer *p, const char *name, uint64_t value)
{
    key(p, name);
    printf_to(p, "%" PRIu64, value);
}

static void put_seconds(struct printer *p, const char *name, int64_t us)
{
    key(p, name);
    print_seconds(p, us < 0 ? 0 : (uint64_t)us);
}

static void put_text(struct printer *p, const char *name, struct view text)
{
    key(p, name);
    print_json(p, text);
}

static void put_name(struct printer *p, const char *name, const char *text)
{
    put_text(p, name, view_of_str(text));
}

static void open_list(struct printer *p, const char *name)
{
    key(p, name);
    print_text(p, "[");
}

static void open_row(struct printer *p, size_t i)
{
    print_text(p, i == 0 ? "{" : ",{");
}

/* ---- the daemon and its loops ---- */

static void put_daemon(struct printer *p, const struct server *server, const struct tally *tally)
{
    put_name(p, "version", POND_VERSION);
    put_name(p, "state",
             tally->ready                     ? "ready"
             : atomic_load(&server->draining) ? "stopping"
                                              : "starting");
    put_seconds(p, "uptime", (int64_t)tally->uptime_us);
    put(p, "connections", tally->connections);
    put(p, "connections_limit", tally->connections_limit);
    put(p, "memory", tally->memory);
    put(p, "memory_charged", tally->memory_charged);
    put(p, "memory_limit", tally->memory_limit);
    put(p, "resident", tally->resident_bytes);
    put_seconds(p, "cpu", (int64_t)tally->cpu_us);
}

static void put_bounds(struct printer *p)
{
    open_list(p, "bounds");
    for (size_t i = 0; i < histogram_bounds; i++) {
        printf_to(p, "%s%g", i == 0 ? "" : ",", histogram_bound_us[i] / 1e6);
    }
    print_text(p, "]");
}

static void put_loops(struct printer *p, const struct tally *tally)
{
    open_list(p, "loops");
    for (size_t i = 0; i < tally->loop_count; i++) {
        const struct tally_loop *loop = &tally->loops[i];

        open_row(p, i);
        put(p, "loop", loop->number);
        put(p, "connections", loop->connections);
        put(p, "tasks", loop->stats.tasks);
        put(p, "statements", loop->statements);
        put_seconds(p, "held", (int64_t)loop->stats.holds.sum_us);
        put_seconds(p, "longest", loop->stats.longest_hold_us);
        put_name(p, "by", loop->stats.longest_hold_by == NULL ? "" : loop->stats.longest_hold_by);
        print_text(p, "}");
    }
    print_text(p, "]");
}

/* ---- pools ---- */

static int64_t compare(uint64_t a, uint64_t b)
{
    return a < b ? 1 : a > b ? -1 : 0;
}

/* Where somebody waits first, then where most goes on. */
static int compare_pools(const void *a, const void *b)
{
    const struct tally_database *x = a;
    const struct tally_database *y = b;
    int64_t r = compare(x->pool.stats.waiting, y->pool.stats.waiting);

    r = r == 0 ? compare(x->pool.stats.sessions, y->pool.stats.sessions) : r;
    r = r == 0 ? compare(x->traffic.queries, y->traffic.queries) : r;
    return (int)(r == 0 ? strcmp(x->name, y->name) : r);
}

static void put_pool(struct printer *p, const struct tally_database *database)
{
    const struct database_stats *stats = &database->pool.stats;

    put_name(p, "name", database->name);
    put(p, "in_use", stats->sessions);
    put(p, "idle", stats->idle);
    put(p, "size", database->pool_size);
    put(p, "waiting", stats->waiting);
    put_seconds(p, "oldest", (int64_t)database->oldest_wait_us);
    put(p, "paused", stats->paused);
    put(p, "clones", database->pool.clones);
    put(p, "queries", database->traffic.queries);
    put(p, "errors", database->traffic.errors);
    put(p, "leases", stats->leases);
    open_list(p, "statements");
    for (size_t i = 0; i <= histogram_bounds; i++) {
        printf_to(p, "%s%" PRIu64, i == 0 ? "" : ",", database->traffic.statement.counts[i]);
    }
    print_text(p, "]");
}

static bool is_shown(const struct tally_database *database)
{
    return database->is_pool && (!database->builtin || database->traffic.queries > 0);
}

static void put_pools(struct printer *p, const struct tally *tally)
{
    uint64_t queries = 0;
    uint64_t errors = 0;
    uint64_t waiting = 0;
    uint64_t leases = 0;
    uint64_t clone_bytes = 0;
    size_t total = 0;
    size_t listed = 0;

    qsort(tally->databases, tally->database_count, sizeof(*tally->databases), compare_pools);
    open_list(p, "pools");
    for (size_t i = 0; i < tally->database_count; i++) {
        const struct tally_database *database = &tally->databases[i];

        queries += database->traffic.queries;
        errors += database->traffic.errors;
        waiting += database->pool.stats.waiting;
        leases += database->pool.stats.leases;
        clone_bytes += database->pool.clone_bytes;
        total += is_shown(database);
        if (is_shown(database) && listed < rows_most) {
            open_row(p, listed++);
            put_pool(p, database);
            print_text(p, "}");
        }
    }
    print_text(p, "]");
    put(p, "pools_total", total);
    put(p, "queries", queries);
    put(p, "errors", errors);
    put(p, "waiting_total", waiting);
    put(p, "leases", leases);
    put(p, "clone_bytes", clone_bytes);
}

/* ---- clones ---- */

struct clone_rows {
    struct registry_row *list;
    size_t count;
    size_t clients[rows_most]; /* of the first ones */
};

static bool is_clone(const struct registry_row *row)
{
    return row->named && !row->frozen;
}

/* Clones first, the biggest of them before the others. */
static int compare_rows(const void *a, const void *b)
{
    const struct registry_row *x = a;
    const struct registry_row *y = b;
    int64_t r = compare(is_clone(x), is_clone(y));

    r = r == 0 ? compare(x->bytes, y->bytes) : r;
    return (int)(r == 0 ? strcmp(x->name, y->name) : r);
}

/* One may have gone since, or be another's name. */
static void count_clients(struct worker *worker, void *arg)
{
    struct clone_rows *rows = arg;

    for (size_t i = 0; i < rows->count && i < rows_most; i++) {
        const struct named *named =
            registry_named(worker->server->registry, view_of_str(rows->list[i].name));

        rows->clients[i] = named == NULL ? rows->clients[i] : named_leases(named);
    }
}

static void put_clones(struct printer *p, const struct server *server)
{
    struct clone_rows rows = { .count = 0 };
    size_t total = 0;
    int64_t wall_us = clock_wall_us(loop_clock(server_main(server)->loop));

    if (registry_list(server->registry, &rows.list, &rows.count) != 0) {
        p->result = -ENOMEM;
        return;
    }
    qsort(rows.list, rows.count, sizeof(*rows.list), compare_rows);
    while (total < rows.count && is_clone(&rows.list[total])) {
        total++;
    }
    rows.count = total;
    server_each_worker(server, count_clients, &rows);
    open_list(p, "clones");
    for (size_t i = 0; i < rows.count && i < rows_most; i++) {
        open_row(p, i);
        put_name(p, "name", rows.list[i].name);
        put_name(p, "of", rows.list[i].origin);
        put_name(p, "owner", rows.list[i].attributes.owner);
        put(p, "lasting", rows.list[i].lasting);
        put(p, "clients", rows.clients[i]);
        put(p, "bytes", rows.list[i].bytes);
        put_seconds(p, "age", wall_us - rows.list[i].created_us);
        print_text(p, "}");
    }
    print_text(p, "]");
    put(p, "clones_total", total);
    mem_free(rows.list);
}

/* ---- people and statements ---- */

static void put_statement(struct printer *p, const struct slow *slow)
{
    put(p, "pid", (uint64_t)slow->pid);
    put_name(p, "user", slow->user);
    put_name(p, "database", slow->database);
    put_seconds(p, "took", slow->took_us);
    put_text(p, "sql", view_of(slow->text, slow->text_len));
}

static void put_census_list(struct printer *p, const char *name, const struct census_list *list)
{
    static const char *const whys[] = {
        [CENSUS_RUNS] = "", [CENSUS_LOCK] = "waits for a lock", [CENSUS_CLIENT] = "client reads"
    };

    open_list(p, name);
    for (size_t i = 0; i < list->count; i++) {
        open_row(p, i);
        put_statement(p, &list->rows[i].what);
        put_name(p, "why", whys[list->rows[i].why]);
        print_text(p, "}");
    }
    print_text(p, "]");
}

static void put_census(struct printer *p, const struct server *server, struct census *census)
{
    int64_t now_us = loop_now_us(server_main(server)->loop);

    census_take(server, census);
    put_census_list(p, "waiting", &census->waiting);
    put_census_list(p, "running", &census->running);
    put(p, "running_total", census->running.total);
    open_list(p, "slow");
    for (size_t i = 0; i < census->slow_count; i++) {
        open_row(p, i);
        put_statement(p, &census->slow[i]);
        put_seconds(p, "ago", now_us - census->slow[i].ended_us);
        print_text(p, "}");
    }
    print_text(p, "]");
}

/* ---- all of it ---- */

struct status {
    struct tally tally;
    struct census census;
};

static void give_way(void)
{
    if (task_slice_over(task_current())) {
        (void)!await_turn();
    }
}

int status_write(const struct server *server, struct buf *out)
{
    cleanup(mem_freep) struct status *status = mem_alloc(sizeof(*status));
    struct printer p = { .out = out };

    if (status == NULL) {
        return -ENOMEM;
    }
    p.result = tally_take(server, &status->tally);
    if (p.result == 0) {
        print_text(&p, "{");
        put_daemon(&p, server, &status->tally);
        put_bounds(&p);
        put_loops(&p, &status->tally);
        put_pools(&p, &status->tally);
        give_way();
        put_clones(&p, server);
        give_way();
        put_census(&p, server, &status->census);
        print_text(&p, "}\n");
    }
    tally_finish(&status->tally);
    return p.result;
}
