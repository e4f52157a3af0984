/* sql/copy_from.c: COPY ... FROM STDIN: the stream is read piece by piece, and rows are taken from
 * it as they come. All are one transaction: the first that fails ends them all. What has come and
 * is no whole row yet is kept; no more than that. */
#include "sql/copy_row.h"
#include "sql/portal.h"
#include "sql/verb_support.h"
#include "sql/violation.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "pool/txn.h"

#include <errno.h>

static const size_t row_bytes_max = (size_t)64 << 20;

struct copy_from {
    struct copy_rows rows;
    struct buf pending; /* the part of a row that has come so far */
};

/* ---- the stream ---- */

static int append(struct copy_from *from, struct view data, struct failure *f)
{
    int r = buf_append_view(&from->pending, data);

    if (r == BUF_FULL) {
        from->rows.reader.line++; /* the one that has not come to its end */
        failure_set(f, "54000", "a row of COPY is longer than %zu bytes", row_bytes_max);
        return copy_rows_at(&from->rows, f);
    }
    return r == 0 ? 0 : failure_set_nomem(f);
}

/* Rows are taken from the new bytes where they lie, unless one began in those before. */
static int take_data(struct copy_from *from, struct view data, struct failure *f)
{
    bool fresh = from->pending.len == 0;
    int r = fresh ? 0 : append(from, data, f);
    struct view left = fresh ? data : buf_view(&from->pending);

    if (r == 0) {
        r = copy_rows_take(&from->rows, &left, false, f);
    }
    if (r != 0) {
        return r;
    }
    if (fresh) {
        return left.len > 0 ? append(from, left, f) : 0;
    }
    buf_consume(&from->pending, from->pending.len - left.len);
    return 0;
}

/* All that is left, now that no more will come. */
static int take_rest(struct copy_from *from, struct failure *f)
{
    struct view data = buf_view(&from->pending);
    int r = copy_rows_take(&from->rows, &data, true, f);

    return r == COPY_END ? 0 : r;
}

/* Behind the end marker all is read and dropped. */
static int take_stream(struct copy_from *from, struct failure *f)
{
    struct view data;
    bool ended = false;
    int r;

    while ((r = from->rows.sql->ops->copy_in_read(from->rows.sql->host, &data, f)) == 0) {
        if (!ended && (r = take_data(from, data, f)) != 0) {
            if (r != COPY_END) {
                return r;
            }
            ended = true;
        }
        r = session_breathe(from->rows.sql->session, f);
        if (r != 0) {
            return r;
        }
    }
    if (r == FAILED) {
        from->rows.reader.line++; /* the one that is awaited, or the end marker's */
        return copy_rows_at(&from->rows, f);
    }
    if (r == COPY_IN_DONE) {
        r = ended ? 0 : take_rest(from, f);
    }
    return r == 0 ? copy_rows_end(&from->rows, f) : r;
}

/* Keys that are INITIALLY DEFERRED may be violated even behind the COPY. 0 or FAILED. */
static int has_deferred_keys(const struct copy_from *from, bool *ret_has, struct failure *f)
{
    cleanup(mem_freep) char *name = NULL;
    cleanup(buf_finish) struct buf quoted = { 0 };
    int r = verb_quote(&quoted, from->rows.plan->table);

    if (r != 0 || buf_append_byte(&quoted, '\0') != 0) {
        return failure_set_nomem(f);
    }
    r = verb_query_text(from->rows.sql, &name, f,
                        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = %s "
                        "COLLATE nocase AND sql LIKE '%%INITIALLY DEFERRED%%'",
                        (const char *)quoted.data);
    *ret_has = name != NULL;
    return r;
}

static int take_all(struct copy_from *from, struct failure *f)
{
    bool deferred = false;
    int r = has_deferred_keys(from, &deferred, f);

    if (r != 0) {
        return r;
    }
    if (deferred || !txn_late_keys_begin(from->rows.sql->session)) {
        return take_stream(from, f);
    }
    r = take_stream(from, f);
    int late = txn_late_keys_end(from->rows.sql->session, r, f);
    if (r == 0 && late == FAILED) {
        violation_explain_rows(from->rows.sql, from->rows.plan->table, f);
    }
    return late;
}

/* ---- life ---- */

static void copy_from_finish(struct copy_from *from)
{
    copy_rows_finish(&from->rows);
    buf_finish(&from->pending);
}

int copy_from_run(struct portal *portal, const struct copy_plan *plan, struct failure *ret_failure)
{
    struct sql_session *sql = portal->sql;
    cleanup(copy_from_finish) struct copy_from from = { 0 };

    if (sql->ops->copy_in_begin == NULL) {
        return failure_set(ret_failure, "0A000", "there is nothing to COPY from");
    }
    if (txn_modes(sql->session).read_only) {
        return failure_set(ret_failure, "25006",
                           "cannot execute COPY FROM in a read-only transaction");
    }
    buf_init(&from.pending, row_bytes_max);
    if (copy_rows_init(&from.rows, portal, plan, ret_failure) != 0) {
        return FAILED;
    }
    txn_implicit_begin(sql->session);
    int r = txn_await_place(sql->session, ret_failure); /* before rows of another schema come */
    if (r == 0) {
        r = sql->ops->copy_in_begin(sql->host, plan->options.style.format == COPY_BINARY,
                                    plan->count, ret_failure);
    }
    if (r != 0) {
        return r;
    }
    r = take_all(&from, ret_failure);
    sql->ops->copy_in_end(sql->host);
    if (r == 0) {
        portal_set_tag(portal, "COPY %lld", (long long)from.rows.count);
    }
    return r;
}
