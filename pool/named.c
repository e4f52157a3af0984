/* pool/named.c: see named.h. */
#include "pool/named_impl.h"

#include "async/loop.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "pool/clone_impl.h"
#include "pool/database.h"
#include "pool/template.h"

#include <errno.h>

static void named_destroy(struct named *named)
{
    marks_finish(&named->marks);
    template_unref(named->frozen);
    clone_unref(named->clone);
    mem_free(named->name);
    mem_free(named);
}

static int create(const struct named_options *options, struct named **ret_named)
{
    const struct clone_limits limits = {
        .memory = database_options(options->database)->clone_memory,
        .parent = options->parent,
    };
    struct named *named = mem_zalloc(sizeof(*named));

    if (named == NULL) {
        return -ENOMEM;
    }
    named->refs = 1;
    named->oid = options->oid;
    named->loop = loop_number(loop_current());
    named->lasting = options->lasting;
    named->created_us = clock_wall_us(loop_clock(loop_current()));
    named->database = options->database;
    named->name = mem_strdup(options->name);
    named->attributes = options->attributes;
    if (named->name == NULL ||
        (options->clone == NULL && clone_create(options->template_, &limits, &named->clone) != 0)) {
        named_destroy(named);
        return -ENOMEM;
    }
    if (options->clone != NULL) {
        named->clone = options->clone;
    }
    *ret_named = named;
    return 0;
}

/* It outlives whoever makes it: a session, when it is made for a function of SQL. */
int named_create(const struct named_options *options, struct named **ret_named)
{
    struct account *was = account_swap(options->parent);
    int r = create(options, ret_named);

    account_swap(was);
    return r;
}

struct named *named_ref(struct named *named)
{
    named->refs++;
    return named;
}

void named_unref(struct named *named)
{
    if (named != NULL && --named->refs == 0) {
        named_destroy(named);
    }
}

struct database *named_database(const struct named *named)
{
    return named->database;
}

uint32_t named_oid(const struct named *named)
{
    return named->oid;
}

unsigned named_loop(const struct named *named)
{
    return named->loop;
}

bool named_is_durable(const struct named *named)
{
    return named->clone->durable != NULL;
}

bool named_is_lasting(const struct named *named)
{
    return named->lasting;
}

void named_make_lasting(struct named *named)
{
    named->lasting = true;
}

const char *named_name(const struct named *named)
{
    return named->name;
}

struct clone *named_clone(const struct named *named)
{
    return named->clone;
}

struct marks *named_marks(struct named *named)
{
    return &named->marks;
}

size_t named_leases(const struct named *named)
{
    return named->leases;
}

int64_t named_left_us(const struct named *named)
{
    return named->left_us;
}

bool named_is_listed(const struct named *named)
{
    return named->listed;
}

void named_set_keeper(struct named *named, void *keeper)
{
    named->keeper = keeper;
}

void *named_keeper(const struct named *named)
{
    return named->keeper;
}
