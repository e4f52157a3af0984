/* daemon/claims_circle.c: builders that wait for each other. Each waits for one builder at most, so
 * that following them is enough. */
#include "daemon/claims_impl.h"

#include <stdio.h>

/* NULL: he does not wait. */
static const struct claim_wait *wait_of(const struct claims *claims, int32_t pid)
{
    const struct claim_wait *wait;

    LIST_FOREACH (wait, &claims->waits, entry) {
        if (wait->pid == pid) {
            return wait;
        }
    }
    return NULL;
}

static void add_step(struct circle_text *text, const struct claim_wait *wait)
{
    size_t room = sizeof(text->text) - text->len;
    int len =
        snprintf(text->text + text->len, room,
                 "%sProcess %d waits for template \"%s\", which process %d builds.",
                 text->len == 0 ? "" : "\n", wait->pid, wait->claim->name, wait->claim->builder);

    text->len += len > 0 && (size_t)len < room ? (size_t)len : 0;
    text->text[text->len] = '\0';
}

enum circle claims_find_circle(const struct claims *claims, const struct claim_wait *first,
                               struct circle_text *ret_text)
{
    const struct claim_wait *wait = first;

    if (first->claim->builder == first->pid) {
        return OWN_CLAIM;
    }
    while (wait != NULL && wait->claim->builder != 0) {
        add_step(ret_text, wait);
        if (wait->claim->builder == first->pid) {
            return CIRCLE;
        }
        wait = wait_of(claims, wait->claim->builder);
    }
    return NO_CIRCLE;
}
