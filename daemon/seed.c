/* daemon/seed.c: seeds, by the same path as a client's simple query: a clone of the empty template,
 * a session on it, the script's statements one after the other, and what the clone then holds is
 * sealed. */
#include "daemon/seed.h"

#include "async/loop.h"
#include "async/task.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "pool/clone.h"
#include "pool/template.h"
#include "pool/txn.h"
#include "sql/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { excerpt_bytes = 200 };

static const size_t script_bytes_max = (size_t)1 << 30;
static const char sqlite_magic[16] = "SQLite format 3";

struct seeding {
    const struct seed_options *options;
    struct view script;
    struct view rest; /* of the script, behind the statement that runs */
    bool copy_told;   /* the data of the COPY that runs was given */
    struct session *session;
    struct sql_session *sql;
    struct template **ret_template;
    struct failure *ret_failure;
    int result;
};

/* ---- what the script's session asks of its host ---- */

static void ignore_status(void *host, const char *name, const char *value)
{
    (void)host;
    (void)name;
    (void)value;
}

static void ignore_notice(void *host, const struct failure *notice)
{
    (void)host;
    (void)notice;
}

static int32_t seed_pid(void *host)
{
    (void)host;
    return getpid();
}

static const char *seed_user(void *host)
{
    (void)host;
    return "pond";
}

static const char *seed_database(void *host)
{
    const struct seeding *seeding = host;
    return seeding->options->database;
}

static int64_t seed_wall_us(void *host)
{
    (void)host;
    return clock_wall_us(&clock_system);
}

static void seed_random(void *host, void *bytes, size_t len)
{
    (void)host;
    arc4random_buf(bytes, len);
}

/* ---- COPY FROM STDIN: its data are the script's next lines, up to one of \. as pg_dump and psql
 * have it ---- */

static int seed_copy_begin(void *host, bool binary, size_t columns, struct failure *ret_failure)
{
    struct seeding *seeding = host;
    const uint8_t *newline = memchr(seeding->rest.data, '\n', seeding->rest.len);

    (void)columns;
    if (binary) {
        return failure_set(ret_failure, "0A000", "a script cannot have the data of a binary COPY");
    }
    view_advance(&seeding->rest,
                 newline == NULL ? seeding->rest.len : (size_t)(newline - seeding->rest.data) + 1);
    seeding->copy_told = false;
    return 0;
}

static bool is_end_of_data(struct view line)
{
    return view_equal_str(line, "\\.\n") || view_equal_str(line, "\\.\r\n") ||
           view_equal_str(line, "\\.");
}

static struct view take_line(struct view *text)
{
    const uint8_t *newline = memchr(text->data, '\n', text->len);
    struct view line =
        view_of(text->data, newline == NULL ? text->len : (size_t)(newline - text->data) + 1);

    view_advance(text, line.len);
    return line;
}

static int seed_copy_read(void *host, struct view *ret_data, struct failure *ret_failure)
{
    struct seeding *seeding = host;
    const uint8_t *start = seeding->rest.data;
    const uint8_t *end = start;

    (void)ret_failure;
    if (seeding->copy_told) {
        return COPY_IN_DONE;
    }
    while (seeding->rest.len > 0 && !is_end_of_data(take_line(&seeding->rest))) {
        end = seeding->rest.data;
    }
    seeding->copy_told = true;
    *ret_data = view_of(start, (size_t)(end - start));
    return 0;
}

static void seed_copy_end(void *host)
{
    (void)host;
}

static const struct host_ops seed_host_ops = {
    .parameter_status = ignore_status,
    .notice = ignore_notice,
    .backend_pid = seed_pid,
    .user = seed_user,
    .database = seed_database,
    .wall_us = seed_wall_us,
    .random = seed_random,
    .copy_in_begin = seed_copy_begin,
    .copy_in_read = seed_copy_read,
    .copy_in_end = seed_copy_end,
};

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
    const char *where = failure_get(&inner, FIELD_WHERE);
    failure_set(failure, inner.sqlstate, "%s:%u: %s%s%s", seeding->options->path,
                line_of(seeding->script, at), failure_get(&inner, FIELD_MESSAGE),
                where == NULL ? "" : ", ", where == NULL ? "" : where);
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
            (void)take_line(&own);
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

static int load_script(const struct seed_options *options, struct view script,
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

/* ---- files ---- */

static int read_error(const char *path, int error, struct failure *ret_failure)
{
    return failure_set(ret_failure, "58P01", "%s: %s", path, strerror(error));
}

/* The whole of a script, or of an SQLite file only its first bytes: that one SQLite reads itself.
 */
static int read_script(const char *path, struct buf *text, struct failure *ret_failure)
{
    cleanup(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return read_error(path, errno, ret_failure);
    }
    for (size_t step = sizeof(sqlite_magic);; step = 65536) {
        int r = buf_reserve(text, step);
        if (r == BUF_FULL) {
            return failure_set(ret_failure, "54000", "%s: longer than 1 GB", path);
        }
        if (r != 0) {
            return r;
        }
        ssize_t n = read(fd, text->data + text->len, step);
        if (n < 0) {
            return read_error(path, errno, ret_failure);
        }
        text->len += (size_t)n;
        if (n == 0 || (text->len == sizeof(sqlite_magic) &&
                       memcmp(text->data, sqlite_magic, sizeof(sqlite_magic)) == 0)) {
            return 0;
        }
    }
}

static int load(const struct seed_options *options, struct template **ret_template,
                struct failure *ret_failure)
{
    cleanup(buf_finish) struct buf text;
    buf_init(&text, script_bytes_max);

    if (*options->path == '\0') {
        return template_create_empty(ret_template);
    }
    int r = read_script(options->path, &text, ret_failure);
    if (r != 0) {
        return r;
    }
    if (view_equal(buf_view(&text), view_of(sqlite_magic, sizeof(sqlite_magic)))) {
        return template_load_file(options->path, ret_template, ret_failure);
    }
    return load_script(options, buf_view(&text), ret_template, ret_failure);
}

int seed_load(const struct seed_options *options, struct template **ret_template,
              struct failure *ret_failure)
{
    int r = load(options, ret_template, ret_failure);
    return r >= 0 ? r
                  : failure_set(ret_failure, r == -ENOMEM ? "53200" : "58030", "%s: %s",
                                options->path, strerror(-r));
}
