/* base/cell.h: one value on its way between the wire and SQLite, in its storage form.
 *
 * Storage forms of PostgreSQL's types: bool, int2, int4, int8, oid: CELL_INT · float4, float8:
 * CELL_REAL · numeric: CELL_INT or CELL_REAL · bytea: CELL_BLOB · all others: CELL_TEXT in
 * PostgreSQL's canonical ISO text (date 2024-01-31, timestamp 2024-01-31 10:00:00.5, timestamptz
 * the same in UTC with +00). */
#pragma once

#include "base/view.h"

enum cell_kind { CELL_NULL, CELL_INT, CELL_REAL, CELL_TEXT, CELL_BLOB };

struct cell {
    enum cell_kind kind;
    union {
        int64_t i;
        double r;
        struct view bytes; /* CELL_TEXT (UTF-8, no NUL at the end) and CELL_BLOB; owned by the row's
                              giver */
    };
};
