/* sql/sequence.c: the table of sequences and their options; nextval() and its kin are in
 * function_sequence.c. */
#include "sql/sequence.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "sql/session_state.h"
#include "sql/ddl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static int have_table(struct sql_session *sql, bool *ret_have, struct failure *f)
{
    cleanup(mem_freep) char *found = NULL;
    int r = verb_query_text(sql, &found, f,
                            "SELECT name FROM sqlite_master WHERE name = 'pond_sequence'");

    *ret_have = found != NULL;
    return r;
}

static int quote(const char *name, struct buf *out, struct failure *f)
{
    return verb_quote(out, name) != 0 || buf_append_byte(out, 0) != 0 ? failure_set_nomem(f) : 0;
}

int sequence_exists(struct sql_session *sql, const char *name, bool *ret_found, struct failure *f)
{
    cleanup(mem_freep) char *found = NULL;
    cleanup(buf_finish) struct buf q = { 0 };
    bool have = false;

    *ret_found = false;
    int r = have_table(sql, &have, f);
    if (r != 0 || !have) {
        return r;
    }
    r = quote(name, &q, f);
    if (r == 0) {
        r = verb_query_text(sql, &found, f, "SELECT name FROM pond_sequence WHERE name = %s",
                            (const char *)q.data);
    }
    *ret_found = found != NULL;
    return r;
}

/* ---- options ---- */

static bool option_number(const PgQuery__DefElem *option, int64_t *ret_number)
{
    char number[32];
    const char *text = option == NULL ? NULL : verb_const_text(option->arg, number);

    if (text == NULL) {
        return false;
    }
    *ret_number = strtoll(text, NULL, 10);
    return true;
}

static int check_bounds(const struct sequence *s, struct failure *f)
{
    if (s->increment == 0) {
        return failure_set(f, "22023", "INCREMENT must not be zero");
    }
    if (s->min >= s->max) {
        return failure_set(f, "22023",
                           "MINVALUE (%" PRId64 ") must be less than MAXVALUE (%" PRId64 ")",
                           s->min, s->max);
    }
    if (s->start < s->min) {
        return failure_set(f, "22023",
                           "START value (%" PRId64 ") cannot be less than MINVALUE (%" PRId64 ")",
                           s->start, s->min);
    }
    if (s->start > s->max) {
        return failure_set(
            f, "22023", "START value (%" PRId64 ") cannot be greater than MAXVALUE (%" PRId64 ")",
            s->start, s->max);
    }
    return 0;
}

int sequence_options(struct sequence *s, PgQuery__Node *const *options, size_t count, bool is_new,
                     struct failure *f)
{
    const PgQuery__DefElem *as = verb_option(options, count, "as");
    const PgQuery__DefElem *cycle = verb_option(options, count, "cycle");
    const PgQuery__DefElem *restart = verb_option(options, count, "restart");
    struct type type = TYPE_OF(OID_INT8);
    int64_t number = 0;

    if (as != NULL && as->arg != NULL && as->arg->node_case == PG_QUERY__NODE__NODE_TYPE_NAME) {
        int r = type_of_name(as->arg->type_name, &type, f);
        if (r != 0) {
            return r;
        }
    }
    int64_t most = type.oid == OID_INT2 ? INT16_MAX : type.oid == OID_INT4 ? INT32_MAX : INT64_MAX;
    if (is_new) {
        *s = (struct sequence){ .increment = 1 };
    }
    (void)option_number(verb_option(options, count, "increment"), &s->increment);
    if (is_new) {
        s->min = s->increment > 0 ? 1 : -most - 1;
        s->max = s->increment > 0 ? most : -1;
    }
    (void)option_number(verb_option(options, count, "minvalue"), &s->min);
    (void)option_number(verb_option(options, count, "maxvalue"), &s->max);
    if (is_new) {
        s->start = s->increment > 0 ? s->min : s->max;
    }
    (void)option_number(verb_option(options, count, "start"), &s->start);
    if (cycle != NULL) {
        char text[32];
        const char *value = verb_const_text(cycle->arg, text);
        s->cycle = value == NULL || (strcmp(value, "0") != 0 && strcmp(value, "false") != 0);
        if (cycle->arg != NULL && cycle->arg->node_case == PG_QUERY__NODE__NODE_BOOLEAN) {
            s->cycle = cycle->arg->boolean->boolval;
        }
    }
    if (is_new || restart != NULL) {
        s->last = restart != NULL && option_number(restart, &number) ? number : s->start;
        s->called = false;
    }
    return check_bounds(s, f);
}

/* ---- the table ---- */

int sequence_create(struct sql_session *sql, const char *name, const struct sequence *s,
                    const char *owner, struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };
    cleanup(buf_finish) struct buf o = { 0 };

    int r = verb_execute(
        sql, CURSOR_WRITES, f,
        "CREATE TABLE IF NOT EXISTS pond_sequence (name TEXT PRIMARY KEY, start INTEGER, "
        "increment INTEGER, min INTEGER, max INTEGER, cycle INTEGER, last INTEGER, "
        "called INTEGER, owner TEXT) WITHOUT ROWID");
    r = r == 0 ? quote(name, &q, f) : r;
    r = r == 0 && owner != NULL ? quote(owner, &o, f) : r;
    if (r != 0) {
        return r;
    }
    return verb_execute(sql, CURSOR_WRITES, f,
                        "INSERT OR REPLACE INTO pond_sequence VALUES (%s, %" PRId64 ", %" PRId64
                        ", %" PRId64 ", %" PRId64 ", %d, %" PRId64 ", %d, %s)",
                        (const char *)q.data, s->start, s->increment, s->min, s->max, s->cycle,
                        s->last, s->called, owner == NULL ? "NULL" : (const char *)o.data);
}

/* A statement with %s for the quoted owner, when there are sequences at all. */
static int for_owned(struct sql_session *sql, const char *table, const char *verb,
                     struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };
    bool have = false;
    int r = have_table(sql, &have, f);

    if (r != 0 || !have) {
        return r;
    }
    r = quote(table, &q, f);
    return r != 0 ? r
                  : verb_execute(sql, CURSOR_WRITES, f, "%s WHERE owner = %s", verb,
                                 (const char *)q.data);
}

int sequences_drop_owned(struct sql_session *sql, const char *table, struct failure *f)
{
    return for_owned(sql, table, "DELETE FROM pond_sequence", f);
}

int sequences_restart_owned(struct sql_session *sql, const char *table, struct failure *f)
{
    return for_owned(sql, table, "UPDATE pond_sequence SET last = start, called = 0", f);
}

int sequences_rename_owner(struct sql_session *sql, const char *table, const char *name,
                           struct failure *f)
{
    cleanup(buf_finish) struct buf verb = { 0 };
    int r = buf_append_str(&verb, "UPDATE pond_sequence SET owner = ");

    r = r == 0 ? verb_quote(&verb, name) : r;
    r = r == 0 ? buf_append_byte(&verb, 0) : r;
    return r == 0 ? for_owned(sql, table, (const char *)verb.data, f) : failure_set_nomem(f);
}

/* ---- CREATE and ALTER SEQUENCE ---- */

int create_sequence_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                        struct failure *f)
{
    const PgQuery__CreateSeqStmt *stmt = verb_node(portal)->create_seq_stmt;
    struct sql_session *sql = portal->sql;
    struct sequence s;
    bool skip = false;

    (void)sink;
    (void)max_rows;
    int r = ddl_begin(sql, f);
    r = r == 0 ? ddl_check_new(sql, stmt->sequence, stmt->if_not_exists, &skip, f) : r;
    if (r != 0 || skip) {
        return r;
    }
    r = sequence_options(&s, stmt->options, stmt->n_options, true, f);
    r = r == 0 ? sequence_create(sql, stmt->sequence->relname, &s, NULL, f) : r;
    sql_schema_changed(sql);
    return r;
}

static void cursor_closep(struct cursor **cursor)
{
    cursor_close(*cursor);
}

static int load(struct sql_session *sql, const char *name, struct sequence *s, struct failure *f)
{
    static const char query[] =
        "SELECT start, increment, min, max, cycle, last, called FROM pond_sequence "
        "WHERE name = ?1";
    struct cell param = { .kind = CELL_TEXT, .bytes = view_of_str(name) };
    cleanup(cursor_closep) struct cursor *cursor = NULL;
    const struct cell *c = NULL;

    int r = cursor_open(sql->session, view_of_str(query), &param, 1, 0, &cursor, f);
    r = r == 0 ? cursor_next(cursor, &c, f) : r;
    if (r == 0) {
        *s = (struct sequence){ .start = c[0].i,
                                .increment = c[1].i,
                                .min = c[2].i,
                                .max = c[3].i,
                                .cycle = c[4].i != 0,
                                .last = c[5].i,
                                .called = c[6].i != 0 };
    }
    return r;
}

/* OWNED BY t.c: the sequence goes with its table. */
static int set_owner(struct sql_session *sql, const PgQuery__DefElem *owned, const char *name,
                     struct failure *f)
{
    cleanup(buf_finish) struct buf q = { 0 };
    cleanup(buf_finish) struct buf o = { 0 };
    const PgQuery__List *list =
        owned->arg != NULL && owned->arg->node_case == PG_QUERY__NODE__NODE_LIST ? owned->arg->list
                                                                                 : NULL;
    int r = quote(name, &q, f);

    if (r == 0 && list != NULL && list->n_items >= 2) {
        r = quote(list->items[list->n_items - 2]->string->sval, &o, f);
    }
    return r != 0 ? r
                  : verb_execute(sql, CURSOR_WRITES, f,
                                 "UPDATE pond_sequence SET owner = %s WHERE name = %s",
                                 o.len == 0 ? "NULL" : (const char *)o.data, (const char *)q.data);
}

int alter_sequence_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                       struct failure *f)
{
    const PgQuery__AlterSeqStmt *stmt = verb_node(portal)->alter_seq_stmt;
    struct sql_session *sql = portal->sql;
    const char *name = stmt->sequence->relname;
    const PgQuery__DefElem *owned = verb_option(stmt->options, stmt->n_options, "owned_by");
    struct sequence s = { 0 };
    bool found = false;

    (void)sink;
    (void)max_rows;
    int r = ddl_begin(sql, f);
    r = r == 0 ? sequence_exists(sql, name, &found, f) : r;
    if (r == 0 && !found) {
        if (!stmt->missing_ok) {
            return failure_set(f, "42P01", "relation \"%s\" does not exist", name);
        }
        verb_notice(sql, SEVERITY_NOTICE, "00000", "relation \"%s\" does not exist, skipping",
                    name);
        return 0;
    }
    r = r == 0 ? load(sql, name, &s, f) : r;
    r = r == 0 ? sequence_options(&s, stmt->options, stmt->n_options, false, f) : r;
    if (r != 0) {
        return r;
    }
    cleanup(buf_finish) struct buf q = { 0 };
    r = quote(name, &q, f);
    r = r == 0 ? verb_execute(sql, CURSOR_WRITES, f,
                              "UPDATE pond_sequence SET start = %" PRId64 ", increment = %" PRId64
                              ", min = %" PRId64 ", max = %" PRId64 ", cycle = %d, last = %" PRId64
                              ", called = %d WHERE name = %s",
                              s.start, s.increment, s.min, s.max, s.cycle, s.last, s.called,
                              (const char *)q.data)
               : r;
    return r == 0 && owned != NULL ? set_owner(sql, owned, name, f) : r;
}
