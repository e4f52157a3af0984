/* daemon/descriptors.c: see descriptors.h. */
#include "daemon/descriptors.h"

#include "daemon/log.h"

#include <inttypes.h>
#include <sys/resource.h>

/* The log, the listeners, files that hold what does not fit into memory, and what libraries open
 * for a moment; what each loop waits with; and clients who are told that there are too many. */
enum { descriptors_of_daemon = 80, descriptors_per_loop = 8, descriptors_of_refused = 80 };

/* The hard limit is what the administrator allows. Who may raise that as well (root) does so. */
static uint64_t raise_limit(uint64_t wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    struct rlimit higher = { .rlim_cur = wanted, .rlim_max = wanted };
    struct rlimit highest = { .rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max };

    if (limit.rlim_max >= wanted || setrlimit(RLIMIT_NOFILE, &higher) != 0) {
        (void)setrlimit(RLIMIT_NOFILE, &highest);
    }
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

static uint64_t own_of(size_t loops)
{
    return descriptors_of_daemon + descriptors_per_loop * (uint64_t)loops;
}

/* Of a low limit half. */
static uint64_t beside(uint64_t limit, uint64_t own)
{
    return limit / 2 > own ? limit - own : limit / 2;
}

size_t descriptors_room(size_t loops)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (size_t)beside(limit.rlim_cur, own_of(loops))
                                                 : SIZE_MAX;
}

bool descriptors_raise(int64_t max_client_conn, size_t loops)
{
    uint64_t own = own_of(loops) + descriptors_of_refused;
    uint64_t wanted = (uint64_t)max_client_conn + own;
    uint64_t limit = raise_limit(wanted);

    if (limit >= wanted) {
        return true;
    }
    log_line(LEVEL_WARNING,
             "max_client_conn = %" PRId64 " cannot be held: %" PRIu64
             " descriptors may be open (ulimit -n, LimitNOFILE=), enough for %" PRIu64
             " clients; more of them wait until others leave",
             max_client_conn, limit, beside(limit, own));
    return false;
}
