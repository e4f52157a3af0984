/* pool/clone_impl.h: what a clone is made of, for the VFS and for sealing. */
#pragma once

#include "pool/channels.h"
#include "pool/clone.h"
#include "pool/pagemap.h"

struct advisory;
struct durable;
struct page_owner;
struct vfs_file;

struct clone {
    uint32_t refs;
    uint32_t files; /* connections open on it */
    struct template *template_;
    struct page_owner *owner;
    struct pagemap root;     /* the newest; borrowed while it is the template's own */
    uint64_t version;        /* of root: counts what was published or installed */
    uint64_t rewinds;        /* of these: by a reset or a rewind */
    struct vfs_file *writer; /* the one that is at RESERVED or above */

    struct advisory *advisory; /* pool/advisory.c; NULL: nobody has a lock */
    struct channel_listeners listeners;

    struct durable *durable; /* NULL: it is in memory only */

    void *holder; /* of the writer's place */
    struct line line;

    /* What page 1 said, over all roots that connections may have seen (its counter and cookie are
     * what SQLite's caches trust). A cookie stands for one schema only, for as long as the clone
     * lives. */
    bool loading;             /* page 1 may say WAL, until template_load_file() has mended it */
    bool pristine;            /* root is the template's image */
    uint32_t counter_max;     /* change counter */
    uint32_t cookie_max;      /* schema cookie */
    uint32_t cookie;          /* that of root */
    uint32_t template_cookie; /* the one that stands for the template's schema */
};

/* Makes a finished write the newest root; takes the map. Cannot fail. */
void clone_publish(struct clone *clone, struct pagemap *map);

/* Makes another image the newest root, with a page 1 of its own; none of clone_rewinds(), since who
 * has only read does not stand on what goes. Nobody may be writing. 0 or -ENOMEM. */
must_check int clone_install(struct clone *clone, const struct pagemap *image);

/* The root that readers begin with, and its version: the newest, or of a durable clone the newest
 * one on the disk. */
const struct pagemap *clone_shown(const struct clone *clone, uint64_t *ret_version);

/* What page 1 keeps where, big-endian. */
enum {
    page1_size = 16,      /* of a page, two bytes; 1 is 65536 */
    page1_versions = 18,  /* write and read version: 1 journal, 2 WAL */
    page1_counter = 24,   /* change counter */
    page1_pages = 28,     /* size of the image */
    page1_cookie = 40,    /* schema cookie */
    page1_valid_for = 92, /* the counter again: page1_pages is good */
    page1_library = 96,   /* version of SQLite that wrote it */
    page1_header_bytes = 100
};
uint32_t page1_get(const uint8_t *page1, size_t offset);
void page1_set(uint8_t *page1, size_t offset, uint32_t value);
