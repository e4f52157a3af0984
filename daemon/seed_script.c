/* daemon/seed_script.c: a seed's script, by the same path as a client's simple query: a clone of
 * the empty template, a session on it, the script's statements one after the other, and what the
 * clone then holds is sealed. What fails is told with its place in the file. */
#include "daemon/seed_impl.h"

#include "async/loop.h"
#include "async/task.h"
#include "pool/clone.h"
#include "pool/template.h"
#include "pool/txn.h"
#include "sql/sql.h"

#include <string.h>

enum { excerpt_bytes = 200 };

struct view seed_take_line(struct view *text)
{
    const uint8_t *newline = memchr(text->data, '\n', text->len);
    struct view line =
        view_of(text->data, newline == NULL ? text->len : (size_t)(newline - text->data) + 1);

    view_advance(text, line.len);
    return line;
}

static enum stop_reason seed_should_stop(void *owner)
{
    const struct seed_options *options = ((struct seeding *)owner)->options;
    return options->stop != NULL && atomic_load(options->stop) ? STOP_SHUTDOWN : STOP_NONE;
}

static int drop_row(struct row_sink *sink, const struct cell *cells, size_t count,
                    struct failure *ret_failure)
{
    (void)sink;
    (void)cells;
    (void)count;
    (void)ret_failure;
    return 0;
}

/* ---- saying where it went wrong ---- */

/* Where the statement's own text begins, behind blanks and line comments. */
static struct view skip_blanks(struct view text)
{
    while (text.len > 0) {
        if (text.len >= 2 && text.data[0] == '-' && text.data[1] == '-') {
            const uint8_t *end = memchr(text.data, '\n', text.len);
            view_advance(&text, end == NULL ? text.len : (size_t)(end - text.data));
        } else if (strchr(" \t\r\n\f", text.data[0]) != NULL && text.data[0] != '\0') {
            view_advance(&text, 1);
        } else {
            break;
        }
    }
    return text;
}

static unsigned line_of(struct view script, const uint8_t *at)
{
    unsigned line = 1;

    for (const uint8_t *p = script.data; p < at; p++) {
        line += *p == '\n';
    }
    return line;
}

/* Adds file, line and SQL to what the statement failed with. */
static int locate(struct seeding *seeding, struct view statement)
{
    struct failure *failure = seeding->ret_failure;
    struct failure inner = *failure;
    struct view own = skip_blanks(statement);
    const uint8_t *at = own.data;
    int32_t skip = inner.position > 1 ? inner.position - 1 : 0;

    for (const uint8_t *p = statement.data; skip > 0 && p < statement.data + statement.len; p++) {
        skip -= (*p & 0xc0) != 0x80; /* positions count characters */
        at = skip == 0 ? p + 1 : at;
    }
    const char *detail = failure_get(&inner, FIELD_DETAIL);
    const char *where = failure_get(&inner, FIELD_WHERE);
    failure_set(failure, inner.sqlstate, "%s:%u: %s%s%s%s%s", seeding->options->path,
                line_of(seeding->script, at), failure_get(&inner, FIELD_MESSAGE),
                detail == NULL ? "" : ": ", detail == NULL ? "" : detail, where == NULL ? "" : ", ",
                where == NULL ? "" : where);
    failure_add(failure, FIELD_DETAIL, "%.*s%s",
                (int)(own.len < excerpt_bytes ? own.len : excerpt_bytes), (const char *)own.data,
                own.len > excerpt_bytes ? " ..." : "");
    return FAILED;
}

/* ---- running ---- */

static void unref_plan(struct plan **plan)
{
    sql_plan_unref(*plan);
}

static int run_statement(struct seeding *seeding, struct view statement)
{
    struct failure *failure = seeding->ret_failure;
    struct row_sink sink = { .row = drop_row };
    cleanup(unref_plan) struct plan *plan = NULL;
    struct portal *portal;

    session_statement_begin(seeding->session, DEADLINE_NONE);
    int r = sql_prepare(seeding->sql, statement, NULL, 0, &plan, failure);
    if (r != 0 || sql_plan_is_empty(plan)) {
        return r;
    }
    if (!sql_plan_is_txn_control(plan)) {
        txn_implicit_begin(seeding->session);
    }
    r = sql_bind(seeding->sql, view_of_str(""), plan, NULL, 0, &portal, failure);
    if (r == 0) {
        r = sql_run(portal, &sink, 0, failure);
        sql_portal_close(seeding->sql, view_of_str(""));
    }
    return r;
}

static int end_script(struct seeding *seeding)
{
    int r = sql_implicit_end(seeding->sql, seeding->ret_failure);

    if (r == 0 && txn_is_explicit(seeding->session)) {
        r = failure_set(seeding->ret_failure, "25000",
                        "%s: the script ends inside a transaction: expected COMMIT",
                        seeding->options->path);
    }
    sql_transaction_ended(seeding->sql);
    return r;
}

/* \restrict and \unrestrict, which pg_dump writes for psql around its statements. */
static void skip_restrict(struct view *rest)
{
    struct view own = skip_blanks(*rest);
    static const char *const words[] = { "\\restrict ", "\\unrestrict " };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t len = strlen(words[i]);

        if (own.len >= len && memcmp(own.data, words[i], len) == 0) {
            (void)seed_take_line(&own);
            *rest = own;
        }
    }
}

static int run_script(struct seeding *seeding)
{
    seeding->rest = seeding->script;
    for (;;) {
        skip_restrict(&seeding->rest);
        struct view statement = seeding->rest;
        int r = sql_next_statement(&seeding->rest, &statement, seeding->ret_failure);
        if (r == SQL_END) {
            return end_script(seeding);
        }
        if (r == 0) {
            r = run_statement(seeding, statement);
        }
        if (r != 0) {
            txn_failed(seeding->session);
            return r == FAILED ? locate(seeding, statement)
                               : failure_set_nomem(seeding->ret_failure);
        }
    }
}

static int run_session(struct seeding *seeding, struct clone *clone)
{
    struct session_options options = { .parent = seeding->options->parent,
                                       .work_mem = seeding->options->work_mem,
                                       .temp_file_limit = seeding->options->temp_file_limit,
                                       .temp_dir = seeding->options->temp_dir,
                                       .should_stop = seed_should_stop,
                                       .owner = seeding };

    int r = session_open(clone, &options, &seeding->session, seeding->ret_failure);
    if (r == 0) {
        r = sql_open(seeding->session, &seed_host_ops, seeding, &seeding->sql,
                     seeding->ret_failure);
    }
    if (r == 0) {
        r = run_script(seeding);
    }
    sql_close(seeding->sql);
    session_close(seeding->session);
    return r;
}

static int run_clone(struct seeding *seeding)
{
    struct clone_limits limits = { 0 };
    struct template *empty = NULL;
    struct clone *clone = NULL;

    int r = template_create_empty(&empty);
    if (r == 0) {
        r = clone_create(empty, &limits, &clone);
    }
    if (r == 0) {
        r = run_session(seeding, clone);
    }
    if (r == 0) {
        r = template_seal(clone, seeding->ret_template);
    }
    clone_unref(clone);
    template_unref(empty);
    return r;
}

static void seed_task(void *arg)
{
    struct seeding *seeding = arg;
    seeding->result = run_clone(seeding);
}

int seed_run_script(const struct seed_options *options, struct view script,
                    struct template **ret_template, struct failure *ret_failure)
{
    struct seeding seeding = { .options = options,
                               .script = script,
                               .ret_template = ret_template,
                               .ret_failure = ret_failure };
    struct loop_options loop_options = { 0 };
    struct loop *loop;

    int r = loop_create(&loop_options, &loop);
    if (r != 0) {
        return r;
    }
    r = task_spawn(loop, "seed", seed_task, &seeding, NULL);
    if (r == 0) {
        r = loop_run_until_idle(loop);
    }
    loop_destroy(loop);
    return r == 0 ? seeding.result : r;
}
