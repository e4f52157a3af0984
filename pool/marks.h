/* pool/marks.h: remembered states of one clone, by name. Zero bytes are no marks. Clone's loop.
 *
 * Setting, going back and resetting take the writer's place of the clone for a moment, and so wait
 * for a transaction that has written. They are O(1). Other connections see the new state in their
 * next statement; transactions that began before it fail with 40001 (pool/txn.h). */
#pragma once

#include "base/failure.h"

#include <sys/queue.h>

struct mark;
struct session;

struct marks {
    LIST_HEAD(, mark) list;
    size_t count;
};

/* Remembers what is committed now; a mark of this name is moved. At most `most` marks (0: no
 * limit): 53400. 0 or FAILED (55P03, 57014; 42622: the name is longer than 63 bytes). */
must_check int marks_set(struct marks *marks, struct session *session, const char *name,
                         size_t most, struct failure *ret_failure);

/* Makes the clone as it was at the mark, which stays. 0 or FAILED (42704: no such mark). */
must_check int marks_rewind(struct marks *marks, struct session *session, const char *name,
                            struct failure *ret_failure);

/* Makes the clone as its template is. The marks stay. 0 or FAILED. */
must_check int marks_reset(struct session *session, struct failure *ret_failure);

void marks_finish(struct marks *marks);
