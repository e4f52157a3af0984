/* daemon/crowd.c: a hash table by address. An IPv4 address is the IPv6 one that stands for it, so
 * that nobody is two by the way he comes. */
#include "daemon/crowd.h"

#include "async/lock.h"
#include "base/alloc.h"
#include "daemon/address.h"
#include "pool/name_hash.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>

enum { bucket_count = 256 };

struct crowd_place {
    LIST_ENTRY(crowd_place) entry;
    struct in6_addr address;
    size_t count;
};

struct crowd {
    struct lock lock; /* over all below */
    LIST_HEAD(, crowd_place) buckets[bucket_count];
};

int crowd_create(struct crowd **ret_crowd)
{
    struct crowd *crowd = mem_zalloc(sizeof(*crowd));

    if (crowd == NULL) {
        return -ENOMEM;
    }
    lock_init(&crowd->lock);
    *ret_crowd = crowd;
    return 0;
}

void crowd_destroy(struct crowd *crowd)
{
    if (crowd == NULL) {
        return;
    }
    for (size_t i = 0; i < bucket_count; i++) {
        assert(LIST_EMPTY(&crowd->buckets[i]));
    }
    lock_finish(&crowd->lock);
    mem_free(crowd);
}

static struct in6_addr as_in6(const struct address *address)
{
    struct in6_addr in6 = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

    if (address->any.sa_family == AF_INET6) {
        return address->in6.sin6_addr;
    }
    memcpy(&in6.s6_addr[12], &address->in.sin_addr, sizeof(address->in.sin_addr));
    return in6;
}

static size_t bucket_of(const struct in6_addr *address)
{
    return name_hash(view_of(address->s6_addr, sizeof(address->s6_addr))) % bucket_count;
}

/* The place that is known, or *fresh, which is taken then; NULL: it is full. */
static struct crowd_place *count(struct crowd *crowd, struct crowd_place **fresh, size_t most)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&crowd->lock);
    size_t bucket = bucket_of(&(*fresh)->address);
    struct crowd_place *place;

    LIST_FOREACH (place, &crowd->buckets[bucket], entry) {
        if (memcmp(&place->address, &(*fresh)->address, sizeof(place->address)) == 0) {
            bool is_room = place->count < most;

            place->count += is_room;
            return is_room ? place : NULL;
        }
    }
    place = take_ptr(*fresh);
    place->count = 1;
    LIST_INSERT_HEAD(&crowd->buckets[bucket], place, entry);
    return place;
}

int crowd_enter(struct crowd *crowd, const struct address *from, size_t most,
                struct crowd_place **ret_place)
{
    struct account *was = account_swap(NULL); /* others from there will use it, too */
    cleanup(mem_freep) struct crowd_place *fresh = mem_zalloc(sizeof(*fresh));

    account_swap(was);
    if (fresh == NULL) {
        return -ENOMEM;
    }
    fresh->address = as_in6(from);
    struct crowd_place *place = count(crowd, &fresh, most);
    if (place == NULL) {
        return CROWD_FULL;
    }
    *ret_place = place;
    return 0;
}

/* Was it the last from there? Then the place is in the table no more. */
static bool leave(struct crowd *crowd, struct crowd_place *place)
{
    cleanup(lock_givep) maybe_unused struct lock *lock = lock_take(&crowd->lock);

    if (--place->count > 0) {
        return false;
    }
    LIST_REMOVE(place, entry);
    return true;
}

void crowd_leave(struct crowd *crowd, struct crowd_place *place)
{
    if (place != NULL && leave(crowd, place)) {
        mem_free(place);
    }
}
