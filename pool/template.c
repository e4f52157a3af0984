/* pool/template.c: see template.h. A template keeps one counted reference on the root of its map;
 * its clones borrow from there on, and so count nothing. */
#include "pool/template_impl.h"

#include "pool/clone_impl.h"
#include "pool/page.h"
#include "pool/sweep.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

enum { default_page_bytes = 4096 };

static struct template *template_alloc(uint32_t page_bytes)
{
    struct account *was = account_swap(NULL);
    struct template *template_ = mem_alloc(sizeof(*template_));

    account_swap(was);
    if (template_ != NULL) {
        *template_ = (struct template){ .refs = 1, .page_bytes = page_bytes };
    }
    return template_;
}

/* Page 1 of a database without a table. https://www.sqlite.org/fileformat2.html#the_database_header
 * An image without any page would do for SQLite too, but its counter and cookie could not be
 * patched. */
static void page1_format(uint8_t *page1, uint32_t page_bytes)
{
    static const uint8_t magic[16] = "SQLite format 3";
    uint32_t shown_bytes = page_bytes == 65536 ? 1 : page_bytes;

    memset(page1, 0, page_bytes);
    memcpy(page1, magic, sizeof(magic));
    page1[page1_size] = (uint8_t)(shown_bytes >> 8);
    page1[page1_size + 1] = (uint8_t)shown_bytes;
    page1[page1_versions] = page1[page1_versions + 1] = 1;
    page1[21] = 64; /* payload fractions, fixed by the format */
    page1[22] = page1[23] = 32;
    page1_set(page1, page1_counter, 1);
    page1_set(page1, page1_pages, 1);
    page1_set(page1, page1_valid_for, 1);
    page1_set(page1, page1_library, SQLITE_VERSION_NUMBER);
    page1[page1_header_bytes] = 0x0d; /* an empty table leaf: the schema */
    page1[page1_header_bytes + 5] = (uint8_t)(page_bytes >> 8); /* cells start here; 65536 is 0 */
    page1[page1_header_bytes + 6] = (uint8_t)page_bytes;
}

static int put_page1(struct template *template_)
{
    struct page *page1 = page_create(template_->owner);

    if (page1 == NULL) {
        return -ENOMEM;
    }
    page1_format(page1->data, template_->page_bytes);
    if (pagemap_put(&template_->map, template_->owner, 1, page1) < 0) {
        page_unref(page1);
        return -ENOMEM;
    }
    template_->counter = 1;
    return 0;
}

int template_create_sized(uint32_t page_bytes, struct template **ret_template)
{
    struct template *template_ = template_alloc(page_bytes);

    if (template_ == NULL) {
        return -ENOMEM;
    }
    if (page_owner_create(page_bytes, 0, NULL, &template_->owner) < 0 || put_page1(template_) < 0) {
        template_unref(template_);
        return -ENOMEM;
    }
    *ret_template = template_;
    return 0;
}

int template_create_empty(struct template **ret_template)
{
    return template_create_sized(default_page_bytes, ret_template);
}

int template_seal(struct clone *clone, struct template **ret_template)
{
    uint64_t version;
    const struct pagemap *image = clone_shown(clone, &version);
    const struct page *page1 = pagemap_get(image, 1);
    struct template *template_ = template_alloc(clone->owner->page_bytes);
    if (template_ == NULL) {
        return -ENOMEM;
    }
    template_->map = pagemap_share(image);
    template_->owner = page_owner_ref(clone->owner);
    template_->base = template_ref(clone->template_);
    template_->counter = page1 == NULL ? 0 : page1_get(page1->data, page1_counter);
    template_->cookie = page1 == NULL ? 0 : page1_get(page1->data, page1_cookie);
    *ret_template = template_;
    return 0;
}

struct template *template_ref(struct template *template_)
{
    atomic_fetch_add_explicit(&template_->refs, 1, memory_order_relaxed);
    return template_;
}

static void destroy_caches(struct template *template_)
{
    for (size_t i = 0; i < loops_most; i++) {
        const struct template_cache *cache = &template_->caches[i];

        if (cache->cache != NULL) {
            cache->destroy(cache->cache);
        }
    }
}

/* A chain of templates is as long as somebody sealed clones of seals: let go of it in a loop. */
void template_unref(struct template *template_)
{
    while (template_ != NULL &&
           atomic_fetch_sub_explicit(&template_->refs, 1, memory_order_acq_rel) == 1) {
        struct template *base = template_->base;

        destroy_caches(template_);
        sweep_map(&template_->map, template_->owner);
        page_owner_unref(template_->owner);
        mem_free(template_);
        template_ = base;
    }
}

uint32_t template_page_count(const struct template *template_)
{
    return template_->map.pages;
}

uint32_t template_page_bytes(const struct template *template_)
{
    return template_->page_bytes;
}

void template_set_cache(struct template *template_, void *cache, void (*destroy)(void *cache))
{
    template_->caches[loop_number(loop_current())] =
        (struct template_cache){ .cache = cache, .destroy = destroy };
}

void *template_cache(const struct template *template_)
{
    return template_->caches[loop_number(loop_current())].cache;
}
