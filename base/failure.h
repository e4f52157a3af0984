/* base/failure.h: what went wrong, as a PostgreSQL client is told it: SQLSTATE, severity, message,
 * fields.
 *
 * A failure lives in its owner's memory (often a task's stack), never allocates, and so can report
 * that memory ran out. Texts that do not fit are cut at a character boundary. Fields:
 * https://www.postgresql.org/docs/15/protocol-error-fields.html SQLSTATEs:
 * https://www.postgresql.org/docs/15/errcodes-appendix.html */
#pragma once

#include "base/defs.h"
#include "base/view.h"

/* A documented answer of functions that fill a `struct failure *ret_failure`: it is set, tell the
 * client. */
enum { FAILED = 1 };

enum failure_severity {
    SEVERITY_ERROR, /* the statement is over; 0, so that a zeroed failure is an error */
    SEVERITY_FATAL, /* the connection is over */
    SEVERITY_PANIC,
    SEVERITY_WARNING,
    SEVERITY_NOTICE,
    SEVERITY_DEBUG,
    SEVERITY_INFO,
    SEVERITY_LOG,
};

enum failure_field {
    FIELD_MESSAGE,
    FIELD_DETAIL,
    FIELD_HINT,
    FIELD_WHERE,
    FIELD_SCHEMA,
    FIELD_TABLE,
    FIELD_COLUMN,
    FIELD_DATATYPE,
    FIELD_CONSTRAINT,
    FIELD_ROUTINE, /* only where drivers look at it */
    FAILURE_FIELDS,
};

enum { failure_text_bytes = 1536 };

struct failure {
    char sqlstate[6];               /* five characters and NUL; empty: nothing has failed */
    uint8_t severity;               /* enum failure_severity */
    uint16_t used;                  /* bytes of text in use */
    int32_t position;               /* 1-based, in characters of the query; 0: unknown */
    uint16_t field[FAILURE_FIELDS]; /* offset into text plus one; 0: absent */
    char text[failure_text_bytes];
};

/* Starts a failure anew with its SQLSTATE and message. Returns FAILED, so that a caller can
 * `return failure_set(ret_failure, "42601", "...")`. NULL is allowed and sets nothing. */
int failure_set(struct failure *f, const char *sqlstate, const char *format, ...) printf_like(3, 4);

/* Adds one more field to a set failure. */
void failure_add(struct failure *f, enum failure_field field, const char *format, ...)
    printf_like(3, 4);

void failure_clear(struct failure *f);
bool failure_is_set(const struct failure *f);

/* The field's text, or NULL when absent. Lives as long as the failure. */
const char *failure_get(const struct failure *f, enum failure_field field);

/* "ERROR", "FATAL", "WARNING" ... as PostgreSQL spells them. */
const char *failure_severity_name(const struct failure *f);

/* The code of an error of the system that has to do with files; 58030: none of its own. As
 * PostgreSQL's errcode_for_file_access(). */
const char *failure_errno_sqlstate(int error);

/* 53200, "out of memory". Returns FAILED. */
int failure_set_nomem(struct failure *f);

/* 53000, when the system has no thread for us: says what limits them. Returns FAILED. */
int failure_set_no_thread(struct failure *f);
