/* client/rows.h: a pond_rows from inside. For client/rows.c and client/rows_page.c. */
#pragma once

#include "client/connection.h"
#include "client/page.h"

struct pond_rows {
    struct pond_conn *conn;
    char portal[24];
    bool synced; /* in a transaction */
    struct pond_rows_options options;
    struct columns columns;
    struct pond_page pages[2];
    unsigned current;
    size_t next_row; /* of the current page */
    bool fetching;   /* the next page was asked for */
    bool ready;      /* it has been read */
    bool ended;      /* no page will come any more */
    int result;      /* why: 0 or what the next call is to say */
    struct pond_error error;
};

static inline struct pond_page *page_current(struct pond_rows *rows)
{
    return &rows->pages[rows->current];
}

static inline struct pond_page *page_other(struct pond_rows *rows)
{
    return &rows->pages[1 - rows->current];
}

/* All await, in the task of a call that has begun. The page's end is the statement's when
 * rows->ended; rows->result is the server's error. */
must_check int rows_ask_page(struct pond_rows *rows, struct writer *w, struct pond_error *error);
must_check int rows_read_page(struct pond_rows *rows, struct pond_page *page,
                              struct pond_error *error);
/* Asks for the page after the current one, unless there is none or it is not to be prefetched. */
must_check int rows_prefetch(struct pond_rows *rows, struct pond_error *error);
/* Makes the next page the current one. */
must_check int rows_turn_page(struct pond_rows *rows, struct pond_error *error);
/* Sends what was written and a Sync, and reads all up to its answer. `result` is an error that is
 * known already, which then is what is told. */
must_check int rows_finish(struct pond_rows *rows, struct writer *w, int result,
                           struct pond_error *error);
