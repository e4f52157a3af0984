/* pool/bulk.h: one write that is run for many rows: COPY FROM. What a cursor does for each of its
 * runs (statement, transaction, writer's place) is done once.
 *
 * Belongs to the session's task. From open to close the session runs nothing else, and a
 * transaction is open around it (txn_implicit_begin() or BEGIN): it keeps the writer's place. Rows
 * that the statement gives (RETURNING) are dropped. */
#pragma once

#include "pool/session.h"

struct bulk;

/* May await (the writer's line). 0 or FAILED. */
must_check int bulk_open(struct session *session, struct view sql, struct bulk **ret_bulk,
                         struct failure *ret_failure);

/* Runs it with these parameters, whose bytes are read during the call; how many rows it changed.
 * After FAILED only close it. May await. */
must_check int bulk_run(struct bulk *bulk, const struct cell *params, size_t count,
                        int64_t *ret_changes, struct failure *ret_failure);

void bulk_close(struct bulk *bulk); /* NULL is fine */
