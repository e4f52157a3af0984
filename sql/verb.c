/* sql/verb.c: the table of verbs. */
#include "sql/verb.h"

static const struct verb *const verb_rows[] = { NULL };

const struct verb *verb_find(PgQuery__Node__NodeCase node)
{
    for (size_t i = 0; i < ARRAY_LEN(verb_rows); i++) {
        if (verb_rows[i] != NULL && verb_rows[i]->node == node) {
            return verb_rows[i];
        }
    }
    return NULL;
}
