/* pool/sqlite_setup.c: see sqlite_setup.h. */
#include "pool/sqlite_setup.h"

#include "base/alloc.h"
#include "pool/vfs_impl.h"

#include <sqlite3.h>
#include <stdbool.h>

/* Per connection it is 0 by default; larger than any image: SQLite lowers it to what it was built
 * with. */
static const sqlite3_int64 mmap_bytes = INT64_C(1) << 40;

/* A sorter sorts so many pages in one go, which nothing can interrupt, before it writes them to a
 * temporary file; or as much as cache_size says, if that is more. */
static const unsigned sorter_pages = 64;

static void *sqlite_malloc(int bytes)
{
    return mem_alloc((size_t)bytes);
}

static void *sqlite_realloc(void *block, int bytes)
{
    return mem_realloc(block, (size_t)bytes);
}

static int sqlite_size(void *block)
{
    return (int)mem_size(block);
}

static int sqlite_roundup(int bytes)
{
    return (bytes + 7) & ~7;
}

static int sqlite_init(void *arg maybe_unused)
{
    return SQLITE_OK;
}

static void sqlite_shutdown(void *arg maybe_unused)
{
}

static int configure(void)
{
    static const sqlite3_mem_methods memory = {
        .xMalloc = sqlite_malloc,
        .xFree = mem_free,
        .xRealloc = sqlite_realloc,
        .xSize = sqlite_size,
        .xRoundup = sqlite_roundup,
        .xInit = sqlite_init,
        .xShutdown = sqlite_shutdown,
    };
    int rc = sqlite3_config(SQLITE_CONFIG_MULTITHREAD);

    rc = rc == SQLITE_OK ? sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) : rc;
    rc = rc == SQLITE_OK ? sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) : rc;
    rc = rc == SQLITE_OK ? sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0) : rc;
    rc = rc == SQLITE_OK ? sqlite3_config(SQLITE_CONFIG_MMAP_SIZE, mmap_bytes, mmap_bytes) : rc;
    rc = rc == SQLITE_OK ? sqlite3_config(SQLITE_CONFIG_PMASZ, sorter_pages) : rc;
    return rc;
}

int sqlite_setup(void)
{
    static bool done;
    struct account *was;
    int rc;

    if (done) {
        return SQLITE_OK;
    }
    was = account_swap(NULL); /* SQLite's own memory for good */
    rc = configure();
    rc = rc == SQLITE_OK ? sqlite3_initialize() : rc;
    rc = rc == SQLITE_OK ? vfs_register() : rc;
    account_swap(was);
    done = rc == SQLITE_OK;
    return rc;
}
