/* sql/schema_column.h: a column of a CREATE TABLE as SQLite keeps it, taken to pieces. Pure. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

enum { schema_text_bytes = 256 };

/* What pond noted behind a column that makes its values by itself (ddl_create.c). */
enum schema_note {
    SCHEMA_NOTE_NONE,
    SCHEMA_NOTE_SERIAL,
    SCHEMA_NOTE_ALWAYS,
    SCHEMA_NOTE_BY_DEFAULT,
};

/* Views into the text; data is NULL where it has no such part. */
struct schema_column {
    char name[schema_text_bytes];
    char collation[schema_text_bytes];
    char primary_name[schema_text_bytes]; /* of the constraint; empty: it has none */
    struct view declared;                 /* type */
    struct view default_;
    struct view generated;
    struct view foreign; /* what stands behind REFERENCES */
    struct buf checks;   /* " CONSTRAINT a CHECK (b)", in PostgreSQL's words */
    enum schema_note note;
    bool not_null;
    bool primary;
    bool counts; /* AUTOINCREMENT */
    bool unique;
};

/* False in *ret_known: a check in it is not known in PostgreSQL's words. 0 or -ENOMEM. */
must_check int schema_column_read(struct view element, struct schema_column *ret_column,
                                  bool *ret_known);
void schema_column_finish(struct schema_column *column);

/* ---- for constraints, too ---- */

struct view schema_trim(struct view text);
/* The inside of the parentheses that come next; without data when none do. */
struct view schema_take_group(struct view *rest);
