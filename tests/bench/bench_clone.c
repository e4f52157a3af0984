/* What a private clone costs, by the template's size: creating it, opening a connection with its
 * first query, an update; and taking a warm connection back to the template. Times are CPU
 * microseconds per clone. Then, what it costs to go back to a mark from 10,000 changed pages.
 *
 * Usage: bench_clone [MiB of the big template, 300] [clones per measurement, 5000] */
#include "async/await.h"
#include "async/loop.h"
#include "async/task.h"
#include "pool/clone.h"
#include "pool/sqlite_setup.h"
#include "pool/template.h"
#include "pool/vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { row_bytes = 1000, tables = 10 };

typedef void work_fn(struct template *template_, unsigned count);

static void check(int rc, const char *what)
{
    if (rc != 0) {
        fprintf(stderr, "bench_clone: %s: %d\n", what, rc);
        exit(1);
    }
}

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void run(sqlite3 *db, const char *sql)
{
    check(sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

static void fill(sqlite3 *db, unsigned mib)
{
    char sql[512];

    for (unsigned i = 1; i < tables; i++) {
        snprintf(sql, sizeof(sql),
                 "CREATE TABLE t%u(id INTEGER PRIMARY KEY, a INT NOT NULL, b TEXT)", i);
        run(db, sql);
    }
    run(db, "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, pad BLOB)");
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT %llu)"
             "INSERT INTO item SELECT i, 'name ' || i, zeroblob(%d) FROM n",
             (unsigned long long)mib * 1024 * 1024 / (row_bytes + 40), (int)row_bytes);
    run(db, sql);
}

static struct template *make_template(unsigned mib)
{
    struct template *empty = NULL;
    struct template *sealed = NULL;
    struct clone *clone = NULL;
    sqlite3 *db = NULL;

    check(template_create_empty(&empty), "template_create_empty");
    check(clone_create(empty, NULL, &clone), "clone_create");
    check(vfs_open_clone(clone, &db), "vfs_open_clone");
    fill(db, mib);
    sqlite3_close(db);
    check(template_seal(clone, &sealed), "template_seal");
    clone_unref(clone);
    template_unref(empty);
    return sealed;
}

/* ---- what is measured ---- */

static const char query[] = "SELECT name FROM item WHERE id=1777";
static const char update[] = "UPDATE item SET name='changed' WHERE id=1777";

static void do_clone(struct template *template_, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct clone *clone = NULL;
        check(clone_create(template_, NULL, &clone), "clone_create");
        clone_unref(clone);
    }
}

static void use_clone(struct template *template_, unsigned count, const char *more)
{
    for (unsigned i = 0; i < count; i++) {
        struct clone *clone = NULL;
        sqlite3 *db = NULL;
        check(clone_create(template_, NULL, &clone), "clone_create");
        check(vfs_open_clone(clone, &db), "vfs_open_clone");
        run(db, query);
        if (more != NULL) {
            run(db, more);
        }
        sqlite3_close(db);
        clone_unref(clone);
    }
}

static void do_query(struct template *template_, unsigned count)
{
    use_clone(template_, count, NULL);
}

static void do_update(struct template *template_, unsigned count)
{
    use_clone(template_, count, update);
}

static void do_warm(struct template *template_, unsigned count)
{
    struct clone *clone = NULL;
    sqlite3 *db = NULL;

    check(clone_create(template_, NULL, &clone), "clone_create");
    check(vfs_open_clone(clone, &db), "vfs_open_clone");
    for (unsigned i = 0; i < count; i++) {
        run(db, query);
        run(db, update);
        check(clone_reset(clone), "clone_reset");
    }
    sqlite3_close(db);
    clone_unref(clone);
}

static const struct {
    const char *name;
    work_fn *fn;
} works[] = {
    { "clone create + drop", do_clone },
    { "clone + open + query + close", do_query },
    { "clone + open + query + update + close", do_update },
    { "warm: query + update + reset", do_warm },
};

/* ---- back from many changed pages ---- */

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* What the rewind takes, and what it takes to free what it dropped, after it. */
static void measure_rewind(void *template_)
{
    enum { rounds = 21 };
    struct clone *clone = NULL;
    struct clone_mark *mark = NULL;
    sqlite3 *db = NULL;
    double us[rounds];
    double later_us = 0;
    size_t bytes = 0;

    check(clone_create(template_, NULL, &clone), "clone_create");
    check(vfs_open_clone(clone, &db), "vfs_open_clone");
    run(db, update);
    check(clone_mark(clone, &mark), "clone_mark");
    for (size_t i = 0; i < rounds; i++) {
        run(db, "UPDATE item SET name='much' WHERE id<=40000");
        bytes = clone_own_bytes(clone);
        double start = cpu_us();
        check(clone_rewind(clone, mark), "clone_rewind");
        us[i] = cpu_us() - start;
        run(db, "SELECT 1 FROM item LIMIT 1"); /* SQLite gives back what it was lent */
        while (clone_own_bytes(clone) > bytes / 100) {
            check(await_turn(), "await_turn");
        }
        later_us += cpu_us() - start - us[i];
    }
    qsort(us, rounds, sizeof(us[0]), compare);
    printf("rewind of %zu changed pages: %.1f us, at most %.1f, later %.1f\n",
           bytes / template_page_bytes(template_), us[rounds / 2], us[rounds - 1],
           later_us / rounds);
    clone_mark_destroy(mark);
    sqlite3_close(db);
    clone_unref(clone);
}

static void run_in_task(task_fn *fn, void *arg)
{
    struct loop *loop = NULL;

    check(loop_create(&(struct loop_options){ .number = 0 }, &loop), "loop_create");
    check(task_spawn(loop, "bench", fn, arg, NULL), "task_spawn");
    check(loop_run_until_idle(loop), "loop_run_until_idle");
    loop_destroy(loop);
}

int main(int argc, char **argv)
{
    unsigned big_mib = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 300;
    unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5000;

    check(sqlite_setup(), "sqlite_setup");
    struct template *templates[] = { make_template(4), make_template(big_mib) };

    printf("%-40s %10s %7u MiB %8s\n", "CPU microseconds, schema of 10 tables", "4 MiB", big_mib,
           "ratio");
    for (size_t i = 0; i < ARRAY_LEN(works); i++) {
        double us[ARRAY_LEN(templates)];
        for (size_t t = 0; t < ARRAY_LEN(templates); t++) {
            works[i].fn(templates[t], count / 10 + 1); /* warms the caches */
            double start = cpu_us();
            works[i].fn(templates[t], count);
            us[t] = (cpu_us() - start) / count;
        }
        printf("%-40s %10.2f %11.2f %8.2f\n", works[i].name, us[0], us[1], us[1] / us[0]);
    }
    run_in_task(measure_rewind, templates[1]);
    for (size_t t = 0; t < ARRAY_LEN(templates); t++) {
        template_unref(templates[t]);
    }
    return 0;
}
