/* client/query.c: statements whose whole result is wanted. */
#include "client/query.h"

#include "base/alloc.h"
#include "client/answer.h"
#include "client/error.h"
#include "protocol/number.h"
#include "protocol/pgtype.h"

#include <stdio.h>

enum { values_most = 65535 };

/* ---- parameters ---- */

static void write_value(struct writer *w, const struct pond_value *v)
{
    char number[number_float_bytes + number_int_bytes];

    switch (v->kind) {
    case POND_VALUE_NULL:
        writer_null(w);
        break;
    case POND_VALUE_INT:
        writer_value(w, view_of(number, number_write_int(v->i, number)));
        break;
    case POND_VALUE_DOUBLE:
        writer_value(w, view_of(number, number_write_double(v->d, number)));
        break;
    case POND_VALUE_BOOL:
        writer_value(w, view_of(v->i != 0 ? "t" : "f", 1));
        break;
    case POND_VALUE_TEXT:
    case POND_VALUE_BYTES:
        writer_value(w, view_of(v->data, v->len));
        break;
    }
}

static void write_parse(struct writer *w, const struct statement *s, const char *name,
                        uint32_t *types)
{
    for (size_t i = 0; i < s->count; i++) {
        types[i] = s->values[i].kind == POND_VALUE_BYTES ? OID_BYTEA : 0;
    }
    frontend_parse(w, view_of_str(name), view_of_str(s->sql), types, (uint16_t)s->count);
}

static void write_bind(struct writer *w, const struct statement *s, const char *portal,
                       const char *name, int16_t *formats)
{
    for (size_t i = 0; i < s->count; i++) {
        formats[i] = s->values[i].kind == POND_VALUE_BYTES ? FORMAT_BINARY : FORMAT_TEXT;
    }
    frontend_bind(w, view_of_str(portal), view_of_str(name), formats, (uint16_t)s->count,
                  (uint16_t)s->count);
    for (size_t i = 0; i < s->count; i++) {
        write_value(w, &s->values[i]);
    }
    frontend_bind_end(w, NULL, 0);
}

int statement_write(struct pond_conn *conn, struct writer *w, const struct statement *s,
                    const char *portal, struct pond_error *error)
{
    if (s->count > values_most) {
        return error_set(error, POND_USAGE, "54000", "more than %d parameters", values_most);
    }
    cleanup(mem_freep) uint32_t *types = mem_alloc(s->count * sizeof(*types));
    cleanup(mem_freep) int16_t *formats = mem_alloc(s->count * sizeof(*formats));
    if (types == NULL || formats == NULL) {
        return error_nomem(error);
    }
    if (s->sql != NULL) {
        write_parse(w, s, "", types);
    }
    write_bind(w, s, portal, s->sql != NULL ? "" : s->stmt->name, formats);
    frontend_describe(w, 'P', view_of_str(portal));
    conn->in_extended = true;
    return 0;
}

/* ---- calls ---- */

struct query {
    struct pond_conn *conn;
    struct statement statement;
    struct answer answer;
};

int query_run(struct pond_conn *conn, const char *sql, struct pond_result **ret_result,
              struct pond_error *error)
{
    struct writer w = conn_writer(conn);
    struct answer answer = { .keep = ret_result != NULL };

    frontend_query(&w, view_of_str(sql));
    conn->owed++;
    int r = conn_flush(conn, &w, error);
    if (r == 0) {
        r = answer_read(conn, &answer, error);
    }
    if (r == 0 && ret_result != NULL) {
        *ret_result = answer.first;
    }
    return r;
}

static int exec_run(void *arg, struct pond_error *error)
{
    struct query *q = arg;
    int r = conn_begin(q->conn, NULL, error);

    if (r != 0) {
        return r;
    }
    r = query_run(q->conn, q->statement.sql, q->answer.keep ? &q->answer.first : NULL, error);
    return conn_end(q->conn, r);
}

static int ask(struct query *q, struct pond_error *error)
{
    struct writer w = conn_writer(q->conn);
    int r = statement_write(q->conn, &w, &q->statement, "", error);

    if (r != 0) {
        return r;
    }
    frontend_execute(&w, view_of_str(""), 0);
    conn_sync(q->conn, &w);
    r = conn_flush(q->conn, &w, error);
    return r == 0 ? answer_read(q->conn, &q->answer, error) : r;
}

static int ask_run(void *arg, struct pond_error *error)
{
    struct query *q = arg;
    int r = conn_begin(q->conn, NULL, error);

    return r == 0 ? conn_end(q->conn, ask(q, error)) : r;
}

static int call_query(struct query *q, pond_fn *fn, struct pond_result **ret_result,
                      struct pond_error *error)
{
    q->answer.keep = ret_result != NULL;
    int r = client_call(q->conn->loop, fn, q, error);
    if (r == 0 && ret_result != NULL) {
        *ret_result = q->answer.first;
    }
    return r;
}

int pond_exec(struct pond_conn *conn, const char *sql, struct pond_result **ret_result,
              struct pond_error *error)
{
    struct query q = { .conn = conn, .statement = { .sql = sql } };

    return call_query(&q, exec_run, ret_result, error);
}

int pond_query(struct pond_conn *conn, const char *sql, const struct pond_value *values,
               size_t count, struct pond_result **ret_result, struct pond_error *error)
{
    struct query q = { .conn = conn,
                       .statement = { .sql = sql, .values = values, .count = count },
                       .answer = { .extended = true } };

    return call_query(&q, ask_run, ret_result, error);
}

int pond_stmt_query(struct pond_stmt *stmt, const struct pond_value *values, size_t count,
                    struct pond_result **ret_result, struct pond_error *error)
{
    struct query q = { .conn = stmt->conn,
                       .statement = { .stmt = stmt, .values = values, .count = count },
                       .answer = { .extended = true } };

    return call_query(&q, ask_run, ret_result, error);
}

static int clean_up_run(void *arg, struct pond_error *error)
{
    struct query *q = arg;
    int reason;
    int r = conn_begin_cleanup(q->conn, NULL, &reason, error);

    if (r != 0) {
        return r;
    }
    r = query_run(q->conn, q->statement.sql, NULL, error);
    return conn_end_cleanup(q->conn, r, reason);
}

int query_clean_up(struct pond_conn *conn, const char *sql, struct pond_error *error)
{
    struct query q = { .conn = conn, .statement = { .sql = sql } };

    return conn->fd < 0 ? 0 : client_call(conn->loop, clean_up_run, &q, error);
}

/* ---- prepared statements ---- */

struct preparation {
    struct pond_stmt *stmt;
    const char *sql;
};

static int prepare(struct preparation *p, struct pond_error *error)
{
    struct pond_conn *conn = p->stmt->conn;
    struct writer w = conn_writer(conn);
    struct answer answer = { .extended = true, .describing = true, .keep = true };

    frontend_parse(&w, view_of_str(p->stmt->name), view_of_str(p->sql), NULL, 0);
    frontend_describe(&w, 'S', view_of_str(p->stmt->name));
    conn_sync(conn, &w);
    int r = conn_flush(conn, &w, error);
    if (r == 0) {
        r = answer_read(conn, &answer, error);
    }
    p->stmt->params = answer.params;
    pond_result_destroy(answer.first);
    return r;
}

static int prepare_run(void *arg, struct pond_error *error)
{
    struct preparation *p = arg;
    struct pond_conn *conn = p->stmt->conn;
    int r = conn_begin(conn, NULL, error);

    if (r != 0) {
        return r;
    }
    snprintf(p->stmt->name, sizeof(p->stmt->name), "pond_%u", ++conn->names);
    return conn_end(conn, prepare(p, error));
}

static void stmt_free(struct pond_stmt *stmt)
{
    conn_unref(stmt->conn);
    mem_free(stmt);
}

int pond_stmt_prepare(struct pond_conn *conn, const char *sql, struct pond_stmt **ret_stmt,
                      struct pond_error *error)
{
    struct pond_stmt *stmt = mem_zalloc(sizeof(*stmt));
    struct preparation p = { .stmt = stmt, .sql = sql };

    if (stmt == NULL) {
        return error_nomem(error);
    }
    stmt->conn = conn_ref(conn);
    int r = client_call(conn->loop, prepare_run, &p, error);
    if (r != 0) {
        stmt_free(stmt);
        return r;
    }
    *ret_stmt = stmt;
    return 0;
}

size_t pond_stmt_params(const struct pond_stmt *stmt)
{
    return stmt->params;
}

static int stmt_close_run(void *arg, struct pond_error *error)
{
    struct pond_stmt *stmt = arg;
    struct pond_conn *conn = stmt->conn;
    struct answer answer = { .extended = true };
    int reason;
    int r = conn_begin_cleanup(conn, NULL, &reason, error);

    if (r != 0) {
        return r;
    }
    struct writer w = conn_writer(conn);
    frontend_close(&w, 'S', view_of_str(stmt->name));
    conn_sync(conn, &w);
    r = conn_flush(conn, &w, error);
    if (r == 0) {
        r = answer_read(conn, &answer, error);
    }
    return conn_end_cleanup(conn, r, reason);
}

/* With its connection it is gone anyway. */
int pond_stmt_close(struct pond_stmt *stmt, struct pond_error *error)
{
    int r = 0;

    if (stmt == NULL) {
        return 0;
    }
    if (stmt->conn->fd >= 0) {
        r = client_call(stmt->conn->loop, stmt_close_run, stmt, error);
    }
    stmt_free(stmt);
    return r;
}
