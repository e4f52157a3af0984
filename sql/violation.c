/* sql/violation.c: from a failed statement to its DETAIL; and rows that lack a value or fail a
 * CHECK. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"
#include "sql/functions.h"
#include "sql/session_state.h"

#include <strings.h>

/* ---- rows ---- */

/* Of several rows of an upsert, one before may have failed as it was changed. */
static bool is_known(const struct violation *v, struct view condition)
{
    const struct violated_column *c;

    if (v->dml.conflict.text.len == 0 || v->dml.one_row) {
        return true;
    }
    while ((c = violation_next_mentioned(v, &condition)) != NULL) {
        if (c->generated || !violation_conflict_leaves(v, c, true)) {
            return false;
        }
    }
    return true;
}

/* The first row that is so; whatever the order was, it violates the constraint. */
static int first_row(struct violation *v, const char *condition, struct failure *failure)
{
    if (!is_known(v, view_of_str(condition))) {
        return FAILED;
    }
    violation_want_all(v);
    const char *rows = violation_rows(v, violation_new, VIOLATION_NEW);
    const char *question = violation_print(v, "%s SELECT * FROM " violation_new " WHERE %s LIMIT 1",
                                           violation_with(v, rows), condition);
    return violation_ask_row(v, question, failure);
}

static int not_null(struct violation *v, struct failure *failure)
{
    const char *column = failure_get(failure, FIELD_COLUMN);

    return column == NULL
               ? CURSOR_END
               : first_row(v, violation_print(v, "%s IS NULL", violation_name(v, column)), failure);
}

/* CONSTRAINT "name" CHECK (...) in the table's text. */
static bool find_check(const struct violation *v, const char *name, struct view *ret_condition)
{
    struct table_text text;
    struct table_constraint c;

    table_text_init(&text, view_of_str(v->table_sql));
    while (table_text_next(&text, &c)) {
        if (c.kind == TABLE_CHECK && strcmp(c.name, name) == 0) {
            return dml_parentheses(&text.rest, ret_condition);
        }
    }
    return false;
}

static int check(struct violation *v, struct failure *failure)
{
    const char *name = failure_get(failure, FIELD_CONSTRAINT);
    struct view expression;

    return name == NULL || !find_check(v, name, &expression)
               ? CURSOR_END
               : first_row(v, violation_print(v, "NOT (%s)", violation_copy(v, expression)),
                           failure);
}

/* ---- a failed statement ---- */

/* Of which the session knows what they gave last. */
static bool allows_remembered(const char *function)
{
    return function_is_steady(function) || strcasecmp(function, "nextval") == 0 ||
           strcasecmp(function, "gen_random_uuid") == 0;
}

static size_t count_calls(const struct violation *v, const char *function)
{
    size_t calls =
        dml_count_word(v->dml.source, function) + dml_count_word(v->dml.conflict.text, function);

    for (size_t i = 0; i < v->count; i++) {
        if (v->columns[i].fallback != NULL) {
            calls += dml_count_word(view_of_str(v->columns[i].fallback), function);
        }
    }
    return calls;
}

/* SQLite's own number is looked at before all values are worked out, others behind that. */
static bool lacks_rowid(const struct violation *v, const struct failure *failure)
{
    const char *name = failure_get(failure, FIELD_COLUMN);
    const struct violated_column *column = name == NULL ? NULL : violation_column(v, name);

    return column != NULL && column->rowid;
}

/* What these gave last is what the row got from them, if it is the only one and has called them
 * once: there are no queries and no second call. */
static bool remembers(const struct violation *v, const struct failure *failure)
{
    return !lacks_rowid(v, failure) && v->dml.verb == DML_INSERT && v->dml.one_row &&
           count_calls(v, "SELECT") == 0 && count_calls(v, "NEXTVAL") <= 1 &&
           count_calls(v, "GEN_RANDOM_UUID") <= 1;
}

static const struct kind {
    const char *sqlstate;
    bool of_keys; /* which rows meet; else what one row has */
    int (*explain)(struct violation *v, struct failure *failure);
} kinds[] = {
    { "23502", false, not_null },
    { "23503", true, violation_foreign },
    { "23505", true, violation_unique },
    { "23514", false, check },
};

static const struct kind *find_kind(const struct failure *failure)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].sqlstate, failure->sqlstate) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* Of the one row of an upsert it must be known whether it was inserted; values that it lacks are
 * missed before that. */
static void explain_kind(struct violation *v, const struct kind *kind, struct failure *failure)
{
    bool upsert = v->dml.conflict.text.len > 0 && v->dml.one_row;
    int r = upsert && kind->of_keys ? CURSOR_END : kind->explain(v, failure);

    if (upsert && r == CURSOR_END && failure_get(failure, FIELD_DETAIL) == NULL &&
        violation_conflict_settle(v) == 0) {
        (void)!kind->explain(v, failure);
    }
}

/* SQLite's machine does so much in a fifth of a second. The statement may be one that would go on
 * for hours if it had not failed at its first row. */
enum { steps_most = 20000000 };

static void look_back(struct violation *v, const struct kind *kind, struct failure *failure)
{
    struct session *session = v->sql->session;

    v->sql->looks_back = true;
    session_limit_steps(session, steps_most);
    session_allow_functions(session,
                            remembers(v, failure) ? allows_remembered : function_is_steady);
    explain_kind(v, kind, failure);
    session_allow_functions(session, NULL);
    session_limit_steps(session, 0);
    v->sql->looks_back = false;
}

/* What one row that is written out has in its keys, it has whatever others commit. */
static bool has_own_keys(const struct violation *v, const struct kind *kind)
{
    return kind->of_keys && v->dml.one_row && v->dml.conflict.text.len == 0 &&
           count_calls(v, "SELECT") == 0;
}

/* Others may commit meanwhile, or have just done so, which readers of a durable database see a
 * little later: what is seen then is not what the statement saw. */
static void explain(struct violation *v, const struct kind *kind, struct failure *failure)
{
    /* a trigger may have written something else */
    static const char triggers[] = "SELECT 1 FROM " violation_schema " WHERE type = ?1";
    struct session *session = v->sql->session;
    struct failure told = *failure;
    uint64_t before, after;
    bool newest = session_sees_newest(session, &before);

    if (!violation_has_none(v, triggers, "trigger") || violation_load_table(v) != 0) {
        return;
    }
    bool own = has_own_keys(v, kind); /* now: an upsert may become an UPDATE */
    if (!newest && !own) {
        return;
    }
    look_back(v, kind, &told);
    if ((session_sees_newest(session, &after) && after == before) || own) {
        *failure = told;
    }
}

/* Of a foreign key the failure may name another table than the statement. */
static void explain_statement(struct violation *v, struct failure *failure)
{
    const struct kind *kind = find_kind(failure);
    const char *table = failure_get(failure, FIELD_TABLE);

    if (kind != NULL && table != NULL &&
        (kind->explain == violation_foreign || sqltext_names_equal(table, v->dml.table))) {
        explain(v, kind, failure);
    }
}

void violation_explain(struct sql_session *sql, struct view text, const struct cell *params,
                       size_t param_count, struct failure *failure)
{
    cleanup(violation_finish) struct violation v = {
        .sql = sql,
        .params = params,
        .param_count = param_count,
    };

    if (failure != NULL && find_kind(failure) != NULL &&
        failure_get(failure, FIELD_DETAIL) == NULL && dml_text_cut(text, &v.dml) == 0) {
        explain_statement(&v, failure);
    }
}

void violation_explain_rows(struct sql_session *sql, const char *table, struct failure *failure)
{
    cleanup(violation_finish) struct violation v = { .sql = sql, .standing = true };

    violation_stand_for(&v, DML_UPDATE, table);
    explain_statement(&v, failure);
}
