/* daemon/metrics.c: tables with a row for each metric, and how one is printed. All values are
 * 64-bit numbers of the tally.
 *
 * Who was never used (template0 and its like on most daemons) has no histograms: a thousand
 * databases would be megabytes of zeros. */
#include "daemon/metrics.h"

#include "async/await.h"
#include "async/task.h"
#include "base/alloc.h"
#include "daemon/printer.h"
#include "daemon/tally.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum unit {
    UNIT_COUNT,
    UNIT_SECONDS, /* the value is in microseconds */
    UNIT_FLAG,    /* a bool */
};

enum whose {
    WHOSE_ALL,
    WHOSE_POOL, /* databases that have sessions: not the console */
};

struct metric {
    const char *name;
    const char *type;
    enum unit unit;
    enum whose whose;
    size_t offset;
    const char *help;
};

#define DAEMON(name, type, unit, field, help)                             \
    {                                                                     \
        name, type, unit, WHOSE_ALL, offsetof(struct tally, field), help, \
    }
#define LOOP(name, type, unit, field, help)                                    \
    {                                                                          \
        name, type, unit, WHOSE_ALL, offsetof(struct tally_loop, field), help, \
    }
#define DATABASE(name, type, unit, field, help)                                    \
    {                                                                              \
        name, type, unit, WHOSE_ALL, offsetof(struct tally_database, field), help, \
    }
#define POOL(name, type, unit, field, help)                                              \
    {                                                                                    \
        name, type, unit, WHOSE_POOL, offsetof(struct tally_database, pool.field), help, \
    }

static const char counter[] = "counter";
static const char gauge[] = "gauge";

/* clang-format off */
static const struct metric daemon_metrics[] = {
    DAEMON("pond_start_time_seconds", gauge, UNIT_SECONDS, start_us,
           "When the daemon started, in seconds since 1970."),
    DAEMON("pond_ready", gauge, UNIT_FLAG, ready, "Whether clients are let in: neither at its start nor at its end."),
    DAEMON("pond_connections", gauge, UNIT_COUNT, connections, "Clients that are connected."),
    DAEMON("pond_connections_limit", gauge, UNIT_COUNT, connections_limit, "The most that may be connected: max_client_conn."),
    DAEMON("pond_connections_opened_total", counter, UNIT_COUNT, connections_total,
           "Clients that have connected, refused ones too."),
    DAEMON("pond_connections_refused_total", counter, UNIT_COUNT, connections_refused,
           "Clients that were sent away because there were too many."),
    DAEMON("pond_clone_opens_total", counter, UNIT_COUNT, clone_opens,
           "Sessions that have run their first statement."),
    DAEMON("pond_clone_open_seconds_total", counter, UNIT_SECONDS, clone_open_us,
           "Time for clone, session and first statement of these."),
    DAEMON("pond_memory_bytes", gauge, UNIT_COUNT, memory, "Memory that the allocator has given."),
    DAEMON("pond_memory_charged_bytes", gauge, UNIT_COUNT, memory_charged,
           "Memory that counts for memory_limit."),
    DAEMON("pond_memory_limit_bytes", gauge, UNIT_COUNT, memory_limit, "The most of that, memory_limit; 0: none."),
    DAEMON("pond_memory_refused_total", counter, UNIT_COUNT, memory_refused,
           "How often memory_limit said no."),
    DAEMON("process_cpu_seconds_total", counter, UNIT_SECONDS, cpu_us, "Processor time of the process."),
    DAEMON("process_resident_memory_bytes", gauge, UNIT_COUNT, resident_bytes,
           "Resident memory of the process."),
};

static const struct metric loop_metrics[] = {
    LOOP("pond_loop_connections", gauge, UNIT_COUNT, connections, "Clients that the event loop serves."),
    LOOP("pond_loop_statements_total", counter, UNIT_COUNT, statements, "Statements that it has run."),
    LOOP("pond_loop_tasks", gauge, UNIT_COUNT, stats.tasks, "Tasks that it has now."),
    LOOP("pond_loop_turns_total", counter, UNIT_COUNT, stats.turns, "Turns that its tasks have had."),
    LOOP("pond_loop_longest_hold_seconds", gauge, UNIT_SECONDS, stats.longest_hold_us,
         "The longest of these turns."),
};

static const struct metric database_metrics[] = {
    DATABASE("pond_queries_total", counter, UNIT_COUNT, traffic.queries,
             "Queries: what ended with a ReadyForQuery."),
    DATABASE("pond_query_seconds_total", counter, UNIT_SECONDS, traffic.query_us, "Time for these."),
    DATABASE("pond_transactions_total", counter, UNIT_COUNT, traffic.transactions,
             "Transactions, single statements too."),
    DATABASE("pond_transaction_seconds_total", counter, UNIT_SECONDS, traffic.transaction_us,
             "Time for these, that between their queries too."),
    DATABASE("pond_statement_errors_total", counter, UNIT_COUNT, traffic.errors, "Errors that clients were told."),
    DATABASE("pond_received_bytes_total", counter, UNIT_COUNT, traffic.received, "Bytes that clients have sent."),
    DATABASE("pond_sent_bytes_total", counter, UNIT_COUNT, traffic.sent, "Bytes that clients were sent."),
    POOL("pond_pool_sessions_in_use", gauge, UNIT_COUNT, stats.sessions,
         "Sessions that clients have, those of its named clones too."),
    POOL("pond_pool_sessions_idle", gauge, UNIT_COUNT, stats.idle, "Sessions that are kept for the next client."),
    { "pond_pool_size", gauge, UNIT_COUNT, WHOSE_POOL, offsetof(struct tally_database, pool_size),
      "The most sessions in use, pool_size; 0: no limit." },
    POOL("pond_pool_paused", gauge, UNIT_FLAG, stats.paused, "Whether PAUSE was said."),
    POOL("pond_pool_waiting_clients", gauge, UNIT_COUNT, stats.waiting, "Clients that wait for a session."),
    { "pond_pool_oldest_wait_seconds", gauge, UNIT_SECONDS, WHOSE_POOL,
      offsetof(struct tally_database, oldest_wait_us), "How long the first of these has waited." },
    POOL("pond_pool_leases_total", counter, UNIT_COUNT, stats.leases, "Private clones that were lent."),
    POOL("pond_pool_sessions_created_total", counter, UNIT_COUNT, stats.created,
         "Sessions that had to be made for these."),
    POOL("pond_pool_wait_timeouts_total", counter, UNIT_COUNT, stats.timed_out,
         "Clients that have waited for a session in vain."),
    POOL("pond_named_clones", gauge, UNIT_COUNT, clones, "Named clones that were made of it."),
    POOL("pond_named_clone_bytes", gauge, UNIT_COUNT, clone_bytes,
         "What these have of their own beside their template."),
};

static const struct metric latency_metrics[] = {
    DATABASE("pond_acquire_wait_seconds", "histogram", UNIT_SECONDS, traffic.wait,
             "Time until a client that logged in had a session, waiting in line included."),
    DATABASE("pond_statement_seconds", "histogram", UNIT_SECONDS, traffic.statement,
             "Time of a statement from its message to its completion."),
    DATABASE("pond_first_row_seconds", "histogram", UNIT_SECONDS, traffic.first_row,
             "Time of a statement from its message to its first row."),
};
/* clang-format on */

static const struct metric hold_metric =
    LOOP("pond_loop_hold_seconds", "histogram", UNIT_SECONDS, stats.holds,
         "Time for which a task had its event loop to itself.");

/* ---- printing ---- */

static void print_head(struct printer *p, const struct metric *metric)
{
    printf_to(p, "# HELP %s ", metric->name);
    print_text(p, metric->help);
    printf_to(p, "\n# TYPE %s %s\n", metric->name, metric->type);
}

/* Both NULL: none. */
static void print_labels(struct printer *p, const char *label, const char *value)
{
    if (label != NULL) {
        printf_to(p, "{%s=", label);
        print_label(p, value);
        print_text(p, "}");
    }
}

static void print_value(struct printer *p, const struct metric *metric, const void *of)
{
    const char *field = (const char *)of + metric->offset;
    uint64_t value = 0;

    memcpy(&value, field, metric->unit == UNIT_FLAG ? sizeof(bool) : sizeof(value));
    print_text(p, " ");
    if (metric->unit == UNIT_SECONDS) {
        print_seconds(p, value);
    } else {
        printf_to(p, "%" PRIu64, value);
    }
    print_text(p, "\n");
}

static void print_sample(struct printer *p, const struct metric *metric, const void *of,
                         const char *label, const char *value)
{
    print_text(p, metric->name);
    print_labels(p, label, value);
    print_value(p, metric, of);
}

/* Buckets count all that is in those before them, too. */
static void print_histogram(struct printer *p, const struct metric *metric, const void *of,
                            const char *label, const char *value)
{
    const struct histogram *h = (const void *)((const char *)of + metric->offset);
    uint64_t sum = 0;

    for (size_t i = 0; i <= histogram_bounds; i++) {
        sum += h->counts[i];
        printf_to(p, "%s_bucket{%s=", metric->name, label);
        print_label(p, value);
        if (i < histogram_bounds) {
            printf_to(p, ",le=\"%g\"} %" PRIu64 "\n", histogram_bound_us[i] / 1e6, sum);
        } else {
            printf_to(p, ",le=\"+Inf\"} %" PRIu64 "\n", sum);
        }
    }
    printf_to(p, "%s_sum", metric->name);
    print_labels(p, label, value);
    print_text(p, " ");
    print_seconds(p, h->sum_us);
    printf_to(p, "\n%s_count", metric->name);
    print_labels(p, label, value);
    printf_to(p, " %" PRIu64 "\n", sum);
}

/* ---- whose they are ---- */

static void print_daemon(struct printer *p, const struct tally *tally)
{
    print_text(p, "# HELP pond_build_info The version of pondd; always 1.\n"
                  "# TYPE pond_build_info gauge\n"
                  "pond_build_info{version=\"" POND_VERSION "\"} 1\n");
    for (size_t i = 0; i < ARRAY_LEN(daemon_metrics); i++) {
        print_head(p, &daemon_metrics[i]);
        print_sample(p, &daemon_metrics[i], tally, NULL, NULL);
    }
}

static void number_text(const struct tally_loop *loop, char text[static 16])
{
    snprintf(text, 16, "%u", loop->number);
}

static void print_loops(struct printer *p, const struct tally *tally)
{
    char number[16];

    for (size_t i = 0; i < ARRAY_LEN(loop_metrics); i++) {
        print_head(p, &loop_metrics[i]);
        for (size_t k = 0; k < tally->loop_count; k++) {
            number_text(&tally->loops[k], number);
            print_sample(p, &loop_metrics[i], &tally->loops[k], "loop", number);
        }
    }
    print_head(p, &hold_metric);
    for (size_t k = 0; k < tally->loop_count; k++) {
        number_text(&tally->loops[k], number);
        print_histogram(p, &hold_metric, &tally->loops[k], "loop", number);
    }
}

/* The turn is given up between two databases: a thousand of them are many milliseconds. */
static void maybe_give_way(void)
{
    if (task_slice_over(task_current())) {
        (void)!await_turn();
    }
}

static void print_database_metric(struct printer *p, const struct metric *metric,
                                  const struct tally *tally)
{
    print_head(p, metric);
    for (size_t i = 0; i < tally->database_count; i++) {
        const struct tally_database *database = &tally->databases[i];

        if (metric->whose == WHOSE_ALL || database->is_pool) {
            print_sample(p, metric, database, "database", database->name);
        }
        maybe_give_way();
    }
}

static void print_latencies(struct printer *p, const struct metric *metric,
                            const struct tally *tally)
{
    print_head(p, metric);
    for (size_t i = 0; i < tally->database_count; i++) {
        const struct tally_database *database = &tally->databases[i];

        if (database->is_pool && histogram_count(&database->traffic.wait) > 0) {
            print_histogram(p, metric, database, "database", database->name);
        }
        maybe_give_way();
    }
}

static void print_all(struct printer *p, const struct tally *tally)
{
    print_daemon(p, tally);
    print_loops(p, tally);
    for (size_t i = 0; i < ARRAY_LEN(database_metrics); i++) {
        print_database_metric(p, &database_metrics[i], tally);
    }
    for (size_t i = 0; i < ARRAY_LEN(latency_metrics); i++) {
        print_latencies(p, &latency_metrics[i], tally);
    }
}

int metrics_write(const struct server *server, struct buf *out)
{
    cleanup(mem_freep) struct tally *tally = mem_alloc(sizeof(*tally));
    struct printer p = { .out = out };

    if (tally == NULL) {
        return -ENOMEM;
    }
    p.result = tally_take(server, tally);
    if (p.result == 0) {
        print_all(&p, tally);
    }
    tally_finish(tally);
    return p.result;
}
