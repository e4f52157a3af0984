/* daemon/reclaim.c: see the header. malloc_trim() holds the lock of one arena after the other while
 * it looks through them, so it is not called for little. */
#include "daemon/reclaim.h"

#include "async/offload.h"
#include "base/alloc.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

enum { mapped_bytes = 1 << 20, top_bytes = 4 << 20 };

static const uint64_t worth_bytes = 32 << 20;
static const uint64_t grown_bytes = 16 << 20; /* since the last time: else it would be in vain */

/* Either of them also keeps malloc from moving the limits by itself, up to 32 MB. */
void reclaim_init(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, mapped_bytes);
    (void)mallopt(M_TRIM_THRESHOLD, top_bytes);
}

uint64_t reclaim_resident_bytes(void)
{
    FILE *statm = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;

    if (statm != NULL) {
        if (fscanf(statm, "%*u %llu", &pages) != 1) {
            pages = 0;
        }
        fclose(statm);
    }
    return pages * (unsigned long long)sysconf(_SC_PAGESIZE);
}

static void give_back(void *arg)
{
    struct reclaim *reclaim = arg;

    (void)malloc_trim(0);
    atomic_store(&reclaim->resident_bytes, reclaim_resident_bytes());
    atomic_store(&reclaim->works, false);
}

/* A quarter on top is what blocks of all sizes waste. */
static bool is_worth_it(const struct reclaim *reclaim)
{
    uint64_t resident = reclaim_resident_bytes();
    uint64_t used = mem_used_total();

    return resident > used + used / 4 + worth_bytes &&
           resident > atomic_load(&reclaim->resident_bytes) + grown_bytes;
}

void reclaim_look(struct reclaim *reclaim)
{
    if (atomic_load(&reclaim->works) || !is_worth_it(reclaim)) {
        return;
    }
    atomic_store(&reclaim->works, true);
    if (offload_later(give_back, reclaim) != 0) {
        atomic_store(&reclaim->works, false);
    }
}
