/* tests/unit/sql/support_session.c */
#include "tests/unit/sql/support_session.h"

#include "async/loop.h"
#include "async/task.h"
#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/session.h"
#include "pool/sqlite_setup.h"
#include "pool/template.h"
#include "pool/txn.h"
#include "protocol/value.h"
#include "sql/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static int64_t host_wall_us(void *host)
{
    (void)host;
    return 1700000000000000; /* 2023-11-14 22:13:20 */
}

static void host_random(void *host, void *bytes, size_t len)
{
    (void)host;
    memset(bytes, 7, len);
}

static const char *host_name(void *host)
{
    (void)host;
    return "tester";
}

static int32_t host_pid(void *host)
{
    (void)host;
    return 4711;
}

static void host_status(void *host, const char *name, const char *value)
{
    (void)host;
    (void)name;
    (void)value;
}

static void host_notice(void *host, const struct failure *notice)
{
    (void)host;
    (void)notice;
}

const struct host_ops test_host = {
    .parameter_status = host_status,
    .notice = host_notice,
    .backend_pid = host_pid,
    .user = host_name,
    .database = host_name,
    .wall_us = host_wall_us,
    .random = host_random,
};

struct sink {
    struct row_sink sink;
    struct test_session *t;
    struct plan *plan;
    size_t used;
};

static void put(struct sink *sink, const void *data, size_t len)
{
    size_t room = sizeof(sink->t->rows) - 1 - sink->used;

    len = len > room ? room : len;
    if (len == 0) {
        return;
    }
    memcpy(sink->t->rows + sink->used, data, len);
    sink->used += len;
    sink->t->rows[sink->used] = '\0';
}

static int sink_row(struct row_sink *row_sink, const struct cell *cells, size_t count,
                    struct failure *f)
{
    struct sink *sink = (struct sink *)row_sink;
    const struct column *columns;
    size_t column_count = sql_plan_columns(sink->plan, &columns);

    assert_true(count <= column_count || column_count == 0);
    for (size_t i = 0; i < count; i++) {
        struct buf text cleanup(buf_finish) = { 0 };
        int result = 0;

        put(sink, "|", i > 0);
        if (cells[i].kind == CELL_NULL) {
            put(sink, "~", 1);
            continue;
        }
        result = value_encode(columns[i].type_oid, sql_column_typmod(&columns[i]), FORMAT_TEXT,
                              &cells[i], sql_value_style(sink->t->sql), &text, f);
        if (result != 0) {
            return result == FAILED ? FAILED : failure_set_nomem(f);
        }
        put(sink, text.data, text.len);
    }
    put(sink, "\n", 1);
    return 0;
}

static void describe(struct test_session *t, const struct plan *plan)
{
    const struct column *columns;
    const uint32_t *oids;
    size_t count = sql_plan_columns(plan, &columns);
    size_t used = 0;

    t->types[0] = '\0';
    t->params[0] = '\0';
    for (size_t i = 0; i < count && used < sizeof(t->types); i++) {
        used += (size_t)snprintf(t->types + used, sizeof(t->types) - used, "%s%s:%u",
                                 i > 0 ? " " : "", columns[i].name, columns[i].type_oid);
    }
    count = sql_plan_params(plan, &oids);
    used = 0;
    for (size_t i = 0; i < count && used < sizeof(t->params); i++) {
        used += (size_t)snprintf(t->params + used, sizeof(t->params) - used, "%s%u",
                                 i > 0 ? " " : "", oids[i]);
    }
}

static int run_one(struct test_session *t, struct view statement)
{
    struct plan *plan = NULL;
    struct portal *portal = NULL;
    struct sink sink = { .sink.row = sink_row, .t = t };
    int result = sql_prepare(t->sql, statement, NULL, 0, &plan, &t->failure);

    if (result != 0) {
        return result;
    }
    describe(t, plan);
    sink.plan = plan;
    t->rows[0] = '\0';
    t->tag[0] = '\0';
    result = sql_bind(t->sql, view_of("", 0), plan, NULL, 0, &portal, &t->failure);
    if (result == 0 && txn_status(t->session) == TXN_FAILED && !sql_plan_allowed_in_failed(plan)) {
        result = failure_set(&t->failure, "25P02", "aborted");
    }
    if (result == 0) {
        result = sql_run(portal, &sink.sink, 0, &t->failure);
    }
    if (result == 0) {
        (void)snprintf(t->tag, sizeof(t->tag), "%s", sql_tag(portal));
    }
    sql_plan_unref(plan);
    return result;
}

static int run_next(struct test_session *t, struct view *rest, bool several)
{
    struct failure end;
    struct view statement;
    int result = sql_next_statement(rest, &statement, &t->failure);

    if (result == SQL_END) {
        return SQL_END;
    }
    failure_clear(&end);
    if (result == 0) {
        if (several) {
            txn_implicit_begin(t->session);
        }
        result = run_one(t, statement);
    }
    if (result != 0) {
        txn_failed(t->session);
    }
    if (sql_implicit_end(t->sql, &end) != 0 && result == 0) {
        t->failure = end;
        result = FAILED;
    }
    sql_transaction_ended(t->sql);
    return result;
}

static bool has_several(struct view text)
{
    struct failure ignored;
    struct view statement;

    return sql_next_statement(&text, &statement, &ignored) == 0 &&
           sql_next_statement(&text, &statement, &ignored) == 0;
}

bool run(struct test_session *t, const char *text)
{
    struct view rest = view_of_str(text);
    bool several = has_several(rest);
    int result = 0;

    failure_clear(&t->failure);
    while (result == 0) {
        result = run_next(t, &rest, several);
    }
    return result == SQL_END;
}

void raw(struct test_session *t, const char *sqlite)
{
    struct failure f;

    failure_clear(&f);
    if (session_execute(t->session, view_of_str(sqlite), NULL, 0, CURSOR_WRITES, NULL, &f) != 0) {
        print_message("%s\n  %s\n", sqlite, failure_get(&f, FIELD_MESSAGE));
        fail();
    }
}

const char *rows(struct test_session *t, const char *text)
{
    if (!run(t, text)) {
        print_message("%s\n  %s %s\n", text, t->failure.sqlstate,
                      failure_get(&t->failure, FIELD_MESSAGE));
        fail();
    }
    return t->rows;
}

const char *state(struct test_session *t, const char *text)
{
    if (run(t, text)) {
        print_message("%s\n  succeeded\n", text);
        fail();
    }
    return t->failure.sqlstate;
}

const char *sqlite_text(struct test_session *t, const char *text)
{
    static char copy[8192];
    struct plan *plan = NULL;

    failure_clear(&t->failure);
    if (sql_prepare(t->sql, view_of_str(text), NULL, 0, &plan, &t->failure) != 0) {
        return NULL;
    }
    describe(t, plan);
    (void)snprintf(copy, sizeof(copy), "%.*s", (int)plan_whole(plan)->sql.len,
                   (const char *)plan_whole(plan)->sql.data);
    sql_plan_unref(plan);
    return copy;
}

/* ---- set-up ---- */

static void open_on(struct clone *clone, struct test_session *t)
{
    struct session_options options = { 0 };
    struct failure f;

    failure_clear(&f);
    assert_int_equal(session_open(clone, &options, &t->session, &f), 0);
    assert_int_equal(sql_open(t->session, t->ops, t, &t->sql, &f), 0);
}

static void open_session(struct template *template, struct test_session *t)
{
    struct clone_limits limits = { 0 };
    struct clone *clone = NULL;

    assert_int_equal(clone_create(template, &limits, &clone), 0);
    open_on(clone, t);
    clone_unref(clone);
}

static void close_session(struct test_session *t)
{
    sql_close(t->sql);
    session_close(t->session);
}

struct test_session *second_session(struct test_session *t)
{
    struct test_session *second = calloc(1, sizeof(*second));

    assert_non_null(second);
    second->ops = t->ops;
    open_session(clone_template(session_clone(t->session)), second);
    return second;
}

struct test_session *neighbour_session(struct test_session *t)
{
    struct test_session *second = calloc(1, sizeof(*second));

    assert_non_null(second);
    second->ops = t->ops;
    open_on(session_clone(t->session), second);
    return second;
}

void second_session_close(struct test_session *second)
{
    close_session(second);
    free(second);
}

struct body {
    void (*run)(struct test_session *t);
    const struct host_ops *ops;
};

static void task_body(void *arg)
{
    const struct body *body = arg;
    struct test_session *t = calloc(1, sizeof(*t));
    struct template *template = NULL;

    assert_non_null(t);
    t->ops = body->ops;
    assert_int_equal(template_create_empty(&template), 0);
    open_session(template, t);
    body->run(t);
    close_session(t);
    template_unref(template);
    free(t);
}

void with_host(const struct host_ops *ops, void (*run_body)(struct test_session *t))
{
    struct body body = { .run = run_body, .ops = ops };
    struct loop *loop = NULL;

    assert_int_equal(sqlite_setup(), 0);
    assert_int_equal(loop_create(NULL, &loop), 0);
    assert_int_equal(task_spawn(loop, "test", task_body, &body, NULL), 0);
    assert_int_equal(loop_run_until_idle(loop), 0);
    loop_destroy(loop);
}

void with_session(void (*body)(struct test_session *t))
{
    with_host(&test_host, body);
}
