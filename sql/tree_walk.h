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
#define TREE_AS(name, type)                                                   \
    static inline const type *tree_as_##name(const ProtobufCMessage *message) \
    {                                                                         \
        return message->descriptor == &pg_query__##name##__descriptor         \
                   ? (const type *)(const void *)message                      \
                   : NULL;                                                    \
    }
TREE_AS(column_ref, PgQuery__ColumnRef)
TREE_AS(func_call, PgQuery__FuncCall)
TREE_AS(sub_link, PgQuery__SubLink)
#undef TREE_AS
