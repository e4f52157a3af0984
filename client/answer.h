/* client/answer.h: results, and what reads a whole answer into them. */
#pragma once

#include "client/connection.h"
#include "client/page.h"

struct pond_result {
    struct pond_result *next;
    char *tag; /* NULL until it is complete */
    struct columns columns;
    struct pond_page page;
};

/* What is to be done with an answer, and what became of it. */
struct answer {
    bool keep;       /* the results */
    bool extended;   /* parse, bind ... were sent */
    bool describing; /* columns without rows are wanted */
    struct pond_result *first;
    struct pond_result *last;
    size_t bytes; /* in all results */
    int result;   /* of the first error */
    uint16_t params;
    bool copying_out;
    const struct pond_sink *sink; /* NULL: nobody is told while it comes */
    void *sink_arg;
};

/* Reads up to ReadyForQuery. The first error of the server's; after a failure the results are gone.
 */
must_check int answer_read(struct pond_conn *conn, struct answer *answer, struct pond_error *error);

/* Notes the server's error unless one was noted already. */
void answer_fail(int *result, const struct backend_message *message, struct pond_error *error);
