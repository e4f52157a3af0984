/* client/stream.c: answers that are passed on as they come. */
#include "client/answer.h"
#include "client/query.h"

struct streaming {
    struct pond_conn *conn;
    struct statement statement;
    struct answer answer;
};

static int send_statement(struct streaming *s, struct pond_error *error)
{
    struct pond_conn *conn = s->conn;
    struct writer w = conn_writer(conn);

    if (s->statement.count == 0) {
        frontend_query(&w, view_of_str(s->statement.sql));
        conn->owed++;
    } else {
        int r = statement_write(conn, &w, &s->statement, "", error);
        if (r != 0) {
            return r;
        }
        frontend_execute(&w, view_of_str(""), 0);
        conn_sync(conn, &w);
    }
    return conn_flush(conn, &w, error);
}

static int stream_run(void *arg, struct pond_error *error)
{
    struct streaming *s = arg;
    int r = conn_begin(s->conn, NULL, error);

    if (r != 0) {
        return r;
    }
    r = send_statement(s, error);
    if (r == 0) {
        r = answer_read(s->conn, &s->answer, error);
    }
    return conn_end(s->conn, r);
}

int pond_stream(struct pond_conn *conn, const char *sql, const struct pond_value *values,
                size_t count, const struct pond_sink *sink, void *arg, struct pond_error *error)
{
    struct streaming s = {
        .conn = conn,
        .statement = { .sql = sql, .values = values, .count = count },
        .answer = { .extended = count > 0, .sink = sink, .sink_arg = arg },
    };

    return client_call(conn->loop, stream_run, &s, error);
}
