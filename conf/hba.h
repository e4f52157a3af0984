/* conf/hba.h: who may connect from where to which database, and how he proves who he is: rules in
 * the syntax of pg_hba.conf (https://www.postgresql.org/docs/15/auth-pg-hba-conf.html), of which
 * the first that fits decides.
 *
 * What is not here is refused with its line, never overlooked: other methods, options behind a
 * method, host names, samehost and samenet, groups and roles, included files. A rule for a database
 * is also one for the clones that are named after it with a `~`; one for the console is one for
 * both its names. Immutable once made. */
#pragma once

#include "base/failure.h"

#include <sys/socket.h>

enum hba_method { HBA_TRUST, HBA_REJECT, HBA_PEER, HBA_SCRAM, HBA_CERT };

struct hba;

/* `file` is for messages. 0, FAILED ("FILE:LINE: ...") or -ENOMEM. */
must_check int hba_parse(const char *file, struct view text, struct hba **ret_hba,
                         struct failure *ret_failure);
/* Counted, for configurations that are alike; NULL is fine. Any thread. */
struct hba *hba_ref(struct hba *hba);
void hba_unref(struct hba *hba);

/* The first line with that method; 0: none. */
unsigned hba_line_of(const struct hba *hba, enum hba_method method);

struct hba_client {
    const struct sockaddr *address; /* NULL: by the unix socket */
    bool encrypted;
    const char *database;
    const char *user;
};

/* False: no rule fits, as none does of NULL. */
bool hba_find(const struct hba *hba, const struct hba_client *client, enum hba_method *ret_method);
