/* pool/guard.h: what statements may not do: reach outside of their clone, or recurse off their
 * task's stack.
 *
 * An authorizer (asked whenever SQLite prepares), SQLite's own limits, and a look at the text where
 * SQLite has no limit. pond's own statements (session->internal) pass. */
#pragma once

#include "base/failure.h"

struct session;

enum {
    guard_statement_bytes =
        1 << 20, /* longest statement, unless the session's options say otherwise */
    guard_expression_depth = 500,
    guard_compound_terms = 300,
    guard_pattern_bytes = 2000,
    guard_parameters = 65535,
    guard_view_depth = 100, /* views of views of ... */
    guard_nesting = 200,    /* common table expressions and nested sub-selects of one statement */
    guard_view_nesting =
        250, /* the same of a view and all that it is made of, the views counted too */
    /* one expression after SQLite has put sub-selects' columns in the place of their names: in a
     * statement, and in a view with all that it is made of; together they must fit behind the
     * authorizer's half of the stack */
    guard_statement_depth = 700,
    guard_view_text_depth = 400,
};

/* Sets limits and authorizer on a new connection. 0 or SQLite's code. */
must_check int guard_install(struct session *session);

/* Before a text is prepared. 0 or FAILED. */
must_check int guard_check_text(struct session *session, struct view sql,
                                struct failure *ret_failure);

/* Before an ALTER TABLE runs that may add a generated column: these may stand upon each other. 0 or
 * FAILED. */
must_check int guard_check_table(struct session *session, struct view sql,
                                 struct failure *ret_failure);

/* Before a CREATE VIEW runs: would any view be too deep then? 0 or FAILED. */
must_check int guard_check_views(struct session *session, struct view sql,
                                 struct failure *ret_failure);

/* guard_pragma.c: may a client use this pragma? `arg` NULL: it only asks. */
bool guard_pragma_allowed(const char *name, const char *arg);
