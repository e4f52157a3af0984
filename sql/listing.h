/* sql/listing.h: rows on their way from a C function to a relation of pg_catalog
 * (rewrite_system.c): a JSON array of rows, each an array of its values in the order of the
 * relation's columns.
 *
 * Sticky: after the first append that fails all others do nothing. */
#pragma once

#include "base/buf.h"

struct sqlite3_context;

struct listing {
    struct buf json;
    int result; /* 0, BUF_FULL or -ENOMEM */
    bool open;  /* a row is */
};

void listing_begin(struct listing *listing);
/* Gives all as the function's result and frees it. */
void listing_end(struct listing *listing, struct sqlite3_context *context);

void listing_row(struct listing *listing); /* the next values are a new row's */
void listing_text(struct listing *listing, struct view text);
void listing_str(struct listing *listing, const char *text); /* NULL: null */
void listing_int(struct listing *listing, int64_t n);
void listing_bool(struct listing *listing, bool truth);
void listing_null(struct listing *listing);
void listing_time(struct listing *listing, int64_t unix_us); /* timestamptz; 0: null */
