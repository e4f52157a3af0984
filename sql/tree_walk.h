/* sql/tree_walk.h: all messages of a parse tree, by the grammar's own descriptions of them: for
 * what is looked for wherever it stands. */
#pragma once

#include "sql/grammar.h"

/* True: its parts are wanted, too. */
typedef bool tree_visit_fn(void *arg, const ProtobufCMessage *message);

/* Calls visit for the message and, as it says, for its parts, from the outside to the inside. NULL
 * is fine. */
void tree_walk(const ProtobufCMessage *message, tree_visit_fn *visit, void *arg);

/* What a message is; NULL: something else. */
static inline const PgQuery__ColumnRef *tree_as_column_ref(const ProtobufCMessage *message)
{
    return message->descriptor == &pg_query__column_ref__descriptor
               ? (const PgQuery__ColumnRef *)(const void *)message
               : NULL;
}
