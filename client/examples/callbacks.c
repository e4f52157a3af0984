/* Usage 2: the caller has an event_base of his own. What he wants done runs as a task of a loop
 * over it, and calls back at its end; his other events go on meanwhile. */
#include "client/pond.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

struct work {
    int64_t answer;
};

static int ask(void *arg, struct pond_error *error)
{
    struct work *work = arg;
    struct pond_conn *conn = NULL;
    struct pond_result *result = NULL;
    int r = pond_conn_open(NULL, "", &conn, error);

    if (r == 0) {
        r = pond_query(conn, "SELECT sum(n) FROM generate_series(1, 100) AS n", POND_NONE, &result,
                       error);
    }
    if (r == 0) {
        r = pond_row_int64(pond_result_row(result, 0), 0, &work->answer);
    }
    pond_result_destroy(result);
    pond_conn_destroy(conn);
    return r;
}

static void answered(void *arg, int result, const struct pond_error *error)
{
    const struct work *work = arg;

    if (result == 0) {
        printf("the answer is %lld\n", (long long)work->answer);
    } else {
        printf("failed: %s\n", error->message);
    }
}

static void my_event(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    printf("an event of my own\n");
}

int main(void)
{
    struct event_base *base = event_base_new();
    struct pond_loop *loop = NULL;
    struct pond_error error;
    struct work work = { 0 };

    event_base_once(base, -1, EV_TIMEOUT, my_event, NULL, &(struct timeval){ 0 });
    if (pond_loop_create_on(base, &loop, &error) != 0 ||
        pond_spawn(loop, ask, &work, answered, &error) != 0) {
        printf("failed: %s\n", error.message);
    }
    event_base_dispatch(base); /* until nothing is left to wait for */
    pond_loop_destroy(loop);
    event_base_free(base);
    return EXIT_SUCCESS;
}
