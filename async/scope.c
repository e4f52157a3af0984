/* async/scope.c: a singly linked stack of notes. */
#include "async/scope.h"

#include "base/alloc.h"

#include <errno.h>

struct scope_item {
    struct scope_item *below;
    scope_fn *fn;
    void *arg;
};

int scope_defer(struct scope *scope, scope_fn *fn, void *arg)
{
    /* Charged to nobody: what a clean-up releases may be the current account itself. */
    struct account *was = account_swap(NULL);
    struct scope_item *item = mem_alloc(sizeof(*item));

    account_swap(was);
    if (item == NULL) {
        fn(arg);
        return -ENOMEM;
    }
    *item = (struct scope_item){ .below = scope->top, .fn = fn, .arg = arg };
    scope->top = item;
    return 0;
}

void scope_forget(struct scope *scope, scope_fn *fn, void *arg)
{
    for (struct scope_item **link = &scope->top; *link != NULL; link = &(*link)->below) {
        struct scope_item *item = *link;

        if (item->fn == fn && item->arg == arg) {
            *link = item->below;
            mem_free(item);
            return;
        }
    }
}

void scope_finish(struct scope *scope)
{
    while (scope->top != NULL) {
        struct scope_item *item = scope->top;
        scope_fn *fn = item->fn;
        void *arg = item->arg;

        scope->top = item->below;
        mem_free(item);
        fn(arg);
    }
}
