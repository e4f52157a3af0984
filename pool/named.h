/* pool/named.h: a named clone: a database that is shared by every connection that names it.
 *
 * It lives on the loop that made it, and all of its connections do; every function is for that loop
 * but where it says otherwise. Counted: the registry holds one reference while it knows the name,
 * each lease holds one; with the last one the clone and its marks go. */
#pragma once

#include "base/failure.h"

#include <stdbool.h>

struct account;
struct clone;
struct database;
struct marks;
struct named;
struct template;

enum { database_name_bytes = 64 }; /* a name and its NUL: PostgreSQL's NAMEDATALEN */

/* What ALTER DATABASE changes; under the registry's lock. */
struct named_attributes {
    char owner[database_name_bytes]; /* of whom pg_database tells */
    bool is_template;                /* DROP DATABASE refuses it */
    bool allows_connections;
    int32_t connection_limit; /* -1: none */
};

struct named_options {
    const char *name; /* copied */
    struct named_attributes attributes;
    struct database *database;  /* whose limits it has, and whose pool its sessions count in */
    struct template *template_; /* what it starts as; takes its own reference */
    struct clone *clone;        /* or it is there already: its reference is taken; NULL: no */
    struct account *parent;     /* charged with its pages: the daemon's */
    uint32_t oid;
    bool lasting; /* made by CREATE DATABASE: lives until DROP; else until its scope ends, unless
                     it is made lasting before */
};

/* With one reference, on the running loop, unknown to the registry. 0 or -ENOMEM. */
must_check int named_create(const struct named_options *options, struct named **ret_named);
struct named *named_ref(struct named *named);
void named_unref(struct named *named); /* NULL is fine */

/* What does not change: any thread that holds a reference. */
struct database *named_database(const struct named *named);
uint32_t named_oid(const struct named *named);
unsigned named_loop(const struct named *named);

/* Is it a database of the configuration that is kept in a file? */
bool named_is_durable(const struct named *named);

/* Does it live until it is dropped? */
bool named_is_lasting(const struct named *named);
void named_make_lasting(struct named *named);

const char *named_name(const struct named *named);
struct clone *named_clone(const struct named *named);
struct marks *named_marks(struct named *named);

/* Does the registry know it? It does until it is dropped. */
bool named_is_listed(const struct named *named);

/* Leases that are out, or about to be; and when the last one ended, by the loop's clock. */
size_t named_leases(const struct named *named);
int64_t named_left_us(const struct named *named);

/* Who keeps it while nobody uses it; NULL: nobody. */
void named_set_keeper(struct named *named, void *keeper);
void *named_keeper(const struct named *named);
