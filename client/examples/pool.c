/* The resource pool: five tasks share two connections; whatever they do, it is given back. */
#include "client/pond.h"

#include <stdio.h>
#include <stdlib.h>

static int work(void *arg, struct pond_conn *conn, struct pond_error *error)
{
    (void)arg;
    return pond_exec(conn, "SELECT 1", NULL, error);
}

static int worker(void *pool, struct pond_error *error)
{
    return pond_pool_with(pool, 5000, work, NULL, error);
}

int main(void)
{
    struct pond_error error = { 0 };
    struct pond_pool_stats stats;
    struct pond_pool *pool;
    struct pond_job jobs[5];

    if (pond_pool_create(NULL, &(struct pond_pool_options){ .max = 2, .min = 2 }, &pool, &error) !=
        0) {
        printf("failed: %s\n", error.message);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < 5; i++) {
        jobs[i] = (struct pond_job){ .fn = worker, .arg = pool };
    }
    int r = pond_all(pond_pool_loop(pool), jobs, 5, &error);
    pond_pool_stats(pool, &stats);
    printf("in use %zu, idle %zu, opened %llu\n", stats.in_use, stats.idle,
           (unsigned long long)stats.opened);
    int ended = pond_pool_destroy(pool, &error);
    return r == 0 && ended == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
