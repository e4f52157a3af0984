/* pool/table_text.h: the constraints in the text of a CREATE TABLE, which is where SQLite keeps
 * their names. Pure. */
#pragma once

#include "base/view.h"

enum table_constraint_kind { TABLE_PRIMARY_KEY, TABLE_UNIQUE, TABLE_FOREIGN_KEY, TABLE_CHECK };

enum { table_name_bytes = 256 };

struct table_constraint {
    enum table_constraint_kind kind;
    char name[table_name_bytes];    /* "" when it has none */
    char columns[table_name_bytes]; /* "a, b"; cut when longer; of a CHECK: the column that it
                                       stands at, or "" */
};

struct table_text {
    struct view rest;
    size_t depth;
    bool at_start;  /* of a column or table constraint */
    bool in_column; /* else in a table constraint */
    char column[table_name_bytes];
    char pending[table_name_bytes]; /* after CONSTRAINT */
};

void table_text_init(struct table_text *text, struct view sql);

/* The next constraint; false at the end. */
bool table_text_next(struct table_text *text, struct table_constraint *ret_constraint);
