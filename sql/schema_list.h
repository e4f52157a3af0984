/* sql/schema_list.h: the statements that make a database's schema anew, in the order that loads.
 *
 * They are collected from the texts that SQLite keeps, in any order, and come out by their parts.
 * Sticky: after a failure (no memory) nothing is added. All memory is the list's arena. */
#pragma once

#include "base/buf.h"
#include "sql/arena.h"

#include <stdbool.h>

/* Foreign keys come behind the rows, so that tables may be filled in any order, and the views
 * behind the keys, which GROUP BY may stand upon. */
enum schema_part {
    SCHEMA_SEQUENCE,
    SCHEMA_TABLE,
    SCHEMA_SEQUENCE_OWNER,
    SCHEMA_ROWS, /* COPY ... FROM stdin */
    SCHEMA_SEQUENCE_VALUE,
    SCHEMA_KEY,
    SCHEMA_INDEX,
    SCHEMA_FOREIGN_KEY,
    SCHEMA_VIEW,
    SCHEMA_OTHER, /* a comment in the place of what PostgreSQL has not */
    SCHEMA_PARTS
};

struct schema_row {
    const char *name;
    const char *table; /* that it belongs to; NULL: none */
    const char *definition;
    bool known; /* false: it is only how SQLite has it, or a comment; it will not load */
    struct schema_row *next;
};

struct schema_list {
    struct arena arena;
    struct schema_row *first[SCHEMA_PARTS];
    struct schema_row **last[SCHEMA_PARTS]; /* NULL: there is no first */
    struct schema_row *implied; /* sequences that come with a serial or identity column */
    bool failed;
};

void schema_list_finish(struct schema_list *list);

/* "pre-data", "data", "post-data", as pg_dump's sections. */
const char *schema_part_section(enum schema_part part);

/* ---- schema_list.c: adding; r is what the appends to the definition said ---- */

/* What is not one statement to PostgreSQL's lexer is left out: the texts of an SQLite file are
 * anyone's, and where SQLite sees a quoted name, psql may see a command of its own, \! for one. */
void schema_list_add(struct schema_list *list, enum schema_part part, const char *name,
                     const char *table, const struct buf *definition, int r, bool known);
/* A comment in its place. */
void schema_list_leave_out(struct schema_list *list, const char *type, const char *name,
                           const char *table);
/* Is it one statement up to a semicolon, and nothing behind that? */
bool schema_is_statement(struct view text);

void schema_list_imply(struct schema_list *list, const char *sequence);

/* ---- schema_text.c and schema_index.c: from SQLite's texts ---- */

void schema_add_table(struct schema_list *list, const char *name, const char *sql);
void schema_add_index(struct schema_list *list, const char *name, const char *table,
                      const char *sql);
void schema_add_view(struct schema_list *list, const char *name, const char *sql);
/* When all are there: those that others are made of come first. */
void schema_sort_views(struct schema_list *list);

/* ---- schema_sequence.c ---- */

struct schema_sequence {
    const char *name;
    const char *owner; /* a table, or NULL */
    const char *owner_column;
    int64_t start, increment, min, max, last;
    bool cycle, called;
};
/* After the tables, whose serial and identity columns make sequences by themselves. */
void schema_add_sequence(struct schema_list *list, const struct schema_sequence *sequence);
/* That of a rowid: all that there is to it is its last value. */
void schema_add_rowid(struct schema_list *list, const char *table, const char *column,
                      int64_t last);
