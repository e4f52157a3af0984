/* sql/sequence.h: sequences: rows of a table that pond keeps beside the client's, hidden from
 * clients.
 *
 * The table pond_sequence is made with the first sequence. A serial or identity column that is its
 * table's only primary key is SQLite's AUTOINCREMENT rowid instead; its sequence "t_id_seq" is
 * SQLite's own record of it. nextval() and setval() are transactional here: a rolled-back
 * transaction gives its numbers back, as all else that it did is gone (PostgreSQL leaves a gap;
 * nobody may rely on either). */
#pragma once

#include "base/failure.h"
#include "sql/plan.h"

struct sql_session;

/* Of pond_sequence only. May await. */
must_check int sequence_exists(struct sql_session *sql, const char *name, bool *ret_found,
                               struct failure *ret_failure);

struct sequence {
    int64_t start, increment, min, max;
    int64_t last;
    bool cycle;
    bool called; /* `last` was given out */
};
/* By CREATE SEQUENCE's options over *seq (as it is, or zeroed). 0 or FAILED. is_new: defaults
 * apply. */
must_check int sequence_options(struct sequence *seq, PgQuery__Node *const *options, size_t count,
                                bool is_new, struct failure *ret_failure);
must_check int sequence_create(struct sql_session *sql, const char *name,
                               const struct sequence *seq, const char *owner,
                               struct failure *ret_failure);
/* Those owned by the table go with it. */
must_check int sequences_drop_owned(struct sql_session *sql, const char *table,
                                    struct failure *ret_failure);

/* The table has another name now. */
must_check int sequences_rename_owner(struct sql_session *sql, const char *table, const char *name,
                                      struct failure *ret_failure);

must_check int sequences_restart_owned(struct sql_session *sql, const char *table,
                                       struct failure *ret_failure);

/* currval() and lastval() forget everything (DISCARD SEQUENCES). */
void sequences_discard(struct sql_session *sql);
