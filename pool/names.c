/* pool/names.c: a hash table by name with chains; it doubles when it is full. */
#include "pool/names.h"

#include "pool/name_hash.h"

#include "base/alloc.h"

#include <errno.h>

enum { first_buckets = 8, names_most = 1 << 16 };

struct entry {
    struct entry *next;
    void *object;
    uint32_t hash;
    uint32_t len;
    uint8_t name[];
};

struct names {
    void (*destroy)(void *object);
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
};

static struct entry **bucket_of(const struct names *names, uint32_t hash)
{
    return &names->buckets[hash & (names->bucket_count - 1)];
}

/* Where the name hangs, or the end of its chain. */
static struct entry **find_link(const struct names *names, struct view name)
{
    uint32_t hash = name_hash(name);
    struct entry **link = bucket_of(names, hash);

    while (*link != NULL &&
           ((*link)->hash != hash || !view_equal(name, view_of((*link)->name, (*link)->len)))) {
        link = &(*link)->next;
    }
    return link;
}

static void end_object(const struct names *names, void *object)
{
    if (names->destroy != NULL) {
        names->destroy(object);
    }
}

int names_create(void (*destroy)(void *object), struct names **ret_names)
{
    struct names *names = mem_zalloc(sizeof(*names));
    struct entry **buckets = mem_zalloc(first_buckets * sizeof(struct entry *));

    if (names == NULL || buckets == NULL) {
        mem_free(names);
        mem_free(buckets);
        return -ENOMEM;
    }
    *names =
        (struct names){ .destroy = destroy, .buckets = buckets, .bucket_count = first_buckets };
    *ret_names = names;
    return 0;
}

void names_destroy(struct names *names)
{
    if (names == NULL) {
        return;
    }
    names_clear(names);
    mem_free(names->buckets);
    mem_free(names);
}

/* Without memory the chains grow longer, which is no failure. */
static void grow(struct names *names)
{
    size_t count = names->bucket_count * 2;
    struct entry **old = names->buckets;
    struct entry **buckets = mem_zalloc(count * sizeof(struct entry *));

    if (buckets == NULL) {
        return;
    }
    size_t old_count = names->bucket_count;
    names->buckets = buckets;
    names->bucket_count = count;
    for (size_t i = 0; i < old_count; i++) {
        struct entry *entry = old[i];

        while (entry != NULL) {
            struct entry *next = entry->next;
            struct entry **link = bucket_of(names, entry->hash);

            entry->next = *link;
            *link = entry;
            entry = next;
        }
    }
    mem_free(old);
}

static struct entry *entry_new(struct view name, void *object)
{
    struct entry *entry = mem_alloc(sizeof(*entry) + name.len);

    if (entry == NULL) {
        return NULL;
    }
    *entry = (struct entry){ .object = object, .hash = name_hash(name), .len = (uint32_t)name.len };
    if (name.len > 0) {
        memcpy(entry->name, name.data, name.len);
    }
    return entry;
}

int names_put(struct names *names, struct view name, void *object)
{
    struct entry **link = find_link(names, name);

    if (*link != NULL && name.len > 0) {
        return NAMES_TAKEN;
    }
    if (*link != NULL) { /* the unnamed one */
        void *old = (*link)->object;

        (*link)->object = object;
        end_object(names, old);
        return 0;
    }
    struct entry *entry = names->count < names_most ? entry_new(name, object) : NULL;
    if (entry == NULL) {
        return -ENOMEM;
    }
    *link = entry;
    names->count++;
    if (names->count > names->bucket_count) {
        grow(names);
    }
    return 0;
}

void *names_find(const struct names *names, struct view name)
{
    struct entry *entry = *find_link(names, name);

    return entry == NULL ? NULL : entry->object;
}

bool names_remove(struct names *names, struct view name)
{
    struct entry **link = find_link(names, name);
    struct entry *entry = *link;

    if (entry == NULL) {
        return false;
    }
    *link = entry->next;
    names->count--;
    end_object(names, entry->object);
    mem_free(entry);
    return true;
}

void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->bucket_count; i++) {
        struct entry *entry;

        while ((entry = names->buckets[i]) != NULL) {
            names->buckets[i] = entry->next;
            names->count--;
            end_object(names, entry->object);
            mem_free(entry);
        }
    }
}

void names_each(const struct names *names, void (*fn)(struct view name, void *object, void *arg),
                void *arg)
{
    for (size_t i = 0; i < names->bucket_count; i++) {
        for (struct entry *entry = names->buckets[i]; entry != NULL; entry = entry->next) {
            fn(view_of(entry->name, entry->len), entry->object, arg);
        }
    }
}

size_t names_count(const struct names *names)
{
    return names->count;
}

void names_sweep(struct names *names, bool (*is_over)(void *object, void *arg), void *arg)
{
    for (size_t i = 0; i < names->bucket_count; i++) {
        struct entry **link = &names->buckets[i];

        while (*link != NULL) {
            struct entry *entry = *link;

            if (!is_over(entry->object, arg)) {
                link = &entry->next;
                continue;
            }
            *link = entry->next;
            names->count--;
            end_object(names, entry->object);
            mem_free(entry);
        }
    }
}
