/* daemon/cancel.c: process numbers count up and start again at the first; one in use is passed
 * over.
 */
#include "daemon/cancel.h"

#include <errno.h>
#include <sys/random.h>

static size_t bucket_of(int32_t pid)
{
    return (uint32_t)pid % cancel_bucket_count;
}

struct cancel_key *cancel_key_of_pid(struct cancel_keys *keys, int32_t pid)
{
    struct cancel_key *key;

    if (pid < 1) {
        return NULL; /* keys in no table have number 0 */
    }

    LIST_FOREACH (key, &keys->buckets[bucket_of(pid)], entry) {
        if (key->pid == pid) {
            return key;
        }
    }
    return NULL;
}

static int32_t pid_take(struct cancel_keys *keys)
{
    int32_t pid;

    do {
        pid = keys->next_pid;
        keys->next_pid = pid > INT32_MAX - keys->step ? keys->first : pid + keys->step;
    } while (cancel_key_of_pid(keys, pid) != NULL);
    return pid;
}

void cancel_keys_init(struct cancel_keys *keys, int32_t first, int32_t step)
{
    *keys = (struct cancel_keys){ .next_pid = first, .first = first, .step = step };
}

int cancel_key_add(struct cancel_keys *keys, struct cancel_key *key)
{
    ssize_t got = getrandom(key->secret, sizeof(key->secret), 0);

    if (got != (ssize_t)sizeof(key->secret)) {
        return got < 0 ? -errno : -EIO;
    }
    key->pid = pid_take(keys);
    LIST_INSERT_HEAD(&keys->buckets[bucket_of(key->pid)], key, entry);
    return 0;
}

void cancel_key_remove(struct cancel_key *key)
{
    if (key->pid != 0) {
        LIST_REMOVE(key, entry);
        key->pid = 0;
    }
}

struct cancel_key *cancel_key_find(struct cancel_keys *keys, int32_t pid, struct view secret)
{
    struct cancel_key *key = cancel_key_of_pid(keys, pid);
    uint8_t different = 0;

    if (key == NULL || secret.len != sizeof(key->secret)) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(key->secret); i++) {
        different |= (uint8_t)(key->secret[i] ^ secret.data[i]);
    }
    return different == 0 ? key : NULL;
}
