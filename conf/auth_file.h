/* conf/auth_file.h: users and what the daemon keeps of their passwords, in the form of PgBouncer's
 * auth_file: one user a line, "name" "SCRAM-SHA-256$...", a quote in them doubled; lines that begin
 * with ; or # are comments.
 *
 * Verifiers only: a password in plain text or by MD5 is refused with its line, and never shown.
 * Immutable once made. */
#pragma once

#include "base/failure.h"
#include "protocol/scram.h"

struct auth_file;

/* `file` is for messages. 0, FAILED ("FILE:LINE: ...") or -ENOMEM. */
must_check int auth_file_parse(const char *file, struct view text, struct auth_file **ret_users,
                               struct failure *ret_failure);
/* Counted, for configurations that are alike; NULL is fine. Any thread. */
struct auth_file *auth_file_ref(struct auth_file *users);
void auth_file_unref(struct auth_file *users);

/* NULL: nobody of that name. `users` may be NULL. */
const struct scram_verifier *auth_file_find(const struct auth_file *users, const char *name);

/* ---- strangers: those who are not in it, which nobody shall be able to tell ---- */

/* What their verifiers are made like (scram_verifier_mock()): the first line's, or one of nobody.
 */
const struct scram_verifier *auth_file_usual(const struct auth_file *users);

/* Gives such a verifier iterations and a length of salt as users have them, each as often as they
 * do. Which, hangs on its key: a stranger keeps his, but for few when users come and go. */
void auth_file_disguise(const struct auth_file *users, struct scram_verifier *stranger);
