/* daemon/claims_impl.h: what claims.c and claims_circle.c share. All is under the claims' lock. */
#pragma once

#include "async/gate.h"
#include "async/loop.h"
#include "daemon/claims.h"
#include "pool/named.h"

struct claim {
    LIST_ENTRY(claim) entry;
    struct server *server;
    struct budget budget; /* the right to build: one place */
    size_t refs;          /* the builder and all who wait */
    bool over;            /* the template is ready: not in the list any more */
    int32_t builder;      /* process number; 0: nobody has been given the right yet, or any more */
    uint32_t oid;         /* of the database that he builds */
    struct permit permit; /* the builder's */
    struct loop_message failing;
    char name[database_name_bytes];
};

/* One who waits for the right, in the stack of his task. */
struct claim_wait {
    LIST_ENTRY(claim_wait) entry;
    struct claim *claim;
    int32_t pid;
    struct permit permit; /* when he has got it */
};

enum circle { NO_CIRCLE, OWN_CLAIM, CIRCLE };

/* How the circle runs, for its DETAIL; cut when it is long. */
struct circle_text {
    char text[512];
    size_t len;
};

/* Would his wait close a circle? He is not in the list of waits yet. */
enum circle claims_find_circle(const struct claims *claims, const struct claim_wait *first,
                               struct circle_text *ret_text);
