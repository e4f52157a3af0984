/* pool/clone.c: see clone.h.
 *
 * SQLite decides by two numbers of page 1 whether a connection's cached pages (change counter) and
 * its parsed schema (schema cookie) are still good. Publishing raises the counter by itself. A root
 * that is installed otherwise gets a counter above all that were ever seen, and a cookie above all,
 * unless no other cookie than the one that stands for its schema is the highest: then the next
 * change of schema makes a new one anyway. */
#include "pool/clone_impl.h"

#include "pool/durable.h"
#include "pool/page.h"
#include "pool/sweep.h"
#include "pool/template_impl.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct clone_mark {
    struct clone *clone;
    struct pagemap root;
    uint32_t cookie; /* the one that stands for its schema */
};

uint32_t page1_get(const uint8_t *page1, size_t offset)
{
    const uint8_t *at = page1 + offset;

    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void page1_set(uint8_t *page1, size_t offset, uint32_t value)
{
    uint8_t *at = page1 + offset;

    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

int clone_create(struct template *template_, const struct clone_limits *limits,
                 struct clone **ret_clone)
{
    static const struct clone_limits none;
    const struct clone_limits *l = limits == NULL ? &none : limits;
    struct page_owner *owner = NULL;

    if (page_owner_create(template_->page_bytes, l->memory, l->parent, &owner) < 0) {
        return -ENOMEM;
    }
    struct account *was = account_swap(l->parent);
    struct clone *clone = mem_alloc(sizeof(*clone));
    account_swap(was);
    if (clone == NULL) {
        page_owner_unref(owner);
        return -ENOMEM;
    }
    *clone = (struct clone){
        .refs = 1,
        .template_ = template_ref(template_),
        .owner = owner,
        .root = pagemap_borrow(&template_->map),
        .pristine = true,
        .counter_max = template_->counter,
        .cookie_max = template_->cookie,
        .cookie = template_->cookie,
        .template_cookie = template_->cookie,
    };
    *ret_clone = clone;
    return 0;
}

struct clone *clone_ref(struct clone *clone)
{
    clone->refs++;
    return clone;
}

void clone_unref(struct clone *clone)
{
    if (clone == NULL || --clone->refs > 0) {
        return;
    }
    assert(clone->files == 0 && line_is_empty(&clone->line) && clone->advisory == NULL &&
           LIST_EMPTY(&clone->listeners));
    durable_destroy(clone->durable);
    sweep_map(&clone->root, clone->owner);
    page_owner_unref(clone->owner);
    template_unref(clone->template_);
    mem_free(clone);
}

struct template *clone_template(const struct clone *clone)
{
    return clone->template_;
}

size_t clone_own_bytes(const struct clone *clone)
{
    return page_owner_used(clone->owner);
}

bool clone_schema_is_templates(const struct clone *clone)
{
    return clone->cookie == clone->template_cookie;
}

/* ---- the writer's place ---- */

int clone_await_writer(struct clone *clone, void *holder, int64_t deadline_us)
{
    assert(holder != NULL);
    if (clone->holder == holder) {
        return 0;
    }
    if (clone->holder != NULL) {
        int rc = await_line(&clone->line, holder, deadline_us);
        if (rc < 0) {
            return rc;
        }
    }
    clone->holder = holder;
    return 0;
}

void clone_release_writer(struct clone *clone, const void *holder)
{
    if (clone->holder != holder || holder == NULL) {
        return;
    }
    if (clone->durable != NULL) {
        durable_place_is_free(clone->durable);
    }
    /* Whom the line calls has the place from now on, though he runs later: nobody slips in between.
     */
    struct line_place *first = TAILQ_FIRST(&clone->line.places);
    void *next = line_is_empty(&clone->line) ? NULL : first->item;

    clone->holder = next;
    if (next != NULL) {
        line_call_first(&clone->line);
    }
}

bool clone_has_writer(const struct clone *clone, const void *holder)
{
    return holder != NULL && clone->holder == holder;
}

void *clone_holder(const struct clone *clone)
{
    return clone->holder;
}

const struct line *clone_writers(const struct clone *clone)
{
    return &clone->line;
}

/* ---- roots ---- */

static void root_replace(struct clone *clone, struct pagemap *map)
{
    struct pagemap old = clone->root;

    clone->root = *map;
    *map = (struct pagemap){ 0 };
    clone->version++;
    sweep_map(&old, clone->owner);
    if (clone->durable != NULL) {
        durable_published(clone->durable);
    }
}

const struct pagemap *clone_shown(const struct clone *clone, uint64_t *ret_version)
{
    if (clone->durable != NULL) {
        *ret_version = durable_version(clone->durable);
        return durable_root(clone->durable);
    }
    *ret_version = clone->version;
    return &clone->root;
}

void clone_publish(struct clone *clone, struct pagemap *map)
{
    const struct page *page1 = pagemap_get(map, 1);

    if (page1 != NULL) {
        uint32_t counter = page1_get(page1->data, page1_counter);

        clone->cookie = page1_get(page1->data, page1_cookie);
        clone->counter_max = counter > clone->counter_max ? counter : clone->counter_max;
        clone->cookie_max = clone->cookie > clone->cookie_max ? clone->cookie : clone->cookie_max;
    }
    clone->pristine = false;
    root_replace(clone, map);
}

/* Puts a page 1 with these two numbers into the map. An empty image has none, and needs none:
 * SQLite looks at its size. */
static int page1_patch(struct clone *clone, struct pagemap *map, uint32_t counter, uint32_t cookie)
{
    const struct page *old = pagemap_get(map, 1);
    struct page *page = old == NULL ? NULL : page_create(clone->owner);

    if (page == NULL) {
        return old == NULL ? 0 : -ENOMEM;
    }
    memcpy(page->data, old->data, clone->owner->page_bytes);
    page1_set(page->data, page1_counter, counter);
    page1_set(page->data, page1_valid_for, counter);
    page1_set(page->data, page1_cookie, cookie);
    if (pagemap_put(map, clone->owner, 1, page) < 0) {
        page_unref(page);
        return -ENOMEM;
    }
    return 0;
}

/* Makes `map` the newest root; takes it in every case. *cookie stands for its schema, before and
 * after. */
static int install(struct clone *clone, struct pagemap *map, uint32_t *cookie)
{
    uint32_t new_cookie = *cookie == clone->cookie_max ? *cookie : clone->cookie_max + 1;

    if (page1_patch(clone, map, clone->counter_max + 1, new_cookie) < 0) {
        pagemap_finish(map);
        return -ENOMEM;
    }
    clone->counter_max++;
    clone->cookie_max = new_cookie;
    clone->cookie = new_cookie;
    *cookie = new_cookie;
    root_replace(clone, map);
    return 0;
}

static uint32_t cookie_of(const struct pagemap *image)
{
    const struct page *page1 = pagemap_get(image, 1);

    return page1 == NULL ? 0 : page1_get(page1->data, page1_cookie);
}

int clone_install(struct clone *clone, const struct pagemap *image)
{
    struct pagemap map = pagemap_share(image);
    uint32_t cookie = cookie_of(image);

    return install(clone, &map, &cookie);
}

uint64_t clone_rewinds(const struct clone *clone)
{
    return clone->rewinds;
}

int clone_reset(struct clone *clone)
{
    struct pagemap map = pagemap_borrow(&clone->template_->map);

    if (clone->writer != NULL) {
        return -EBUSY;
    }
    if (clone->pristine) {
        return 0;
    }
    int rc = install(clone, &map, &clone->template_cookie);
    clone->pristine = rc == 0;
    clone->rewinds += rc == 0;
    return rc;
}

int clone_mark(struct clone *clone, struct clone_mark **ret_mark)
{
    struct clone_mark *mark = page_owner_alloc(clone->owner, sizeof(*mark));
    uint64_t version;
    const struct pagemap *shown = clone_shown(clone, &version);

    if (mark == NULL) {
        return -ENOMEM;
    }
    *mark = (struct clone_mark){
        .clone = clone_ref(clone),
        .root = pagemap_share(shown),
        .cookie = version == clone->version ? clone->cookie : cookie_of(shown),
    };
    *ret_mark = mark;
    return 0;
}

int clone_rewind(struct clone *clone, struct clone_mark *mark)
{
    struct pagemap map = pagemap_share(&mark->root);

    assert(mark->clone == clone);
    if (clone->writer != NULL) {
        pagemap_finish(&map);
        return -EBUSY;
    }
    int rc = install(clone, &map, &mark->cookie);
    clone->pristine = clone->pristine && rc < 0;
    clone->rewinds += rc == 0;
    return rc;
}

void clone_mark_destroy(struct clone_mark *mark)
{
    if (mark == NULL) {
        return;
    }
    struct clone *clone = mark->clone;

    sweep_map(&mark->root, clone->owner);
    mem_free(mark);
    clone_unref(clone);
}
