/* sql/verb_support.c: what the verbs share. */
#include "sql/verb_support.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "pool/txn.h"
#include "sql/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

const PgQuery__Node *verb_node(const struct portal *portal)
{
    return plan_whole(portal->plan)->node;
}

/* Where a severity stands among client_min_messages' values. */
static int rank_of(const char *level)
{
    static const char *const levels[] = { "debug5", "debug4", "debug3",  "debug2", "debug1",
                                          "log",    "notice", "warning", "error" };

    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (strcmp(levels[i], level) == 0) {
            return (int)i;
        }
    }
    return 0;
}

void verb_notice(struct sql_session *sql, enum failure_severity severity, const char *sqlstate,
                 const char *format, ...)
{
    char text[512];
    struct failure notice;
    const char *level = sql_setting(sql, "client_min_messages");
    va_list args;

    if (sql->ops->notice == NULL || level == NULL ||
        rank_of(severity == SEVERITY_WARNING ? "warning" : "notice") < rank_of(level)) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    failure_set(&notice, sqlstate, "%s", text);
    notice.severity = (uint8_t)severity;
    sql->ops->notice(sql->host, &notice);
}

int verb_needs_block(const char *what, struct failure *f)
{
    return failure_set(f, "25P01", "%s can only be used in transaction blocks", what);
}

int verb_stand_alone(struct sql_session *sql, const char *what, struct failure *f)
{
    return txn_stand_alone(sql->session, what, f);
}

int verb_refuse_transaction(struct sql_session *sql, const char *what, struct failure *f)
{
    if (verb_stand_alone(sql, what, f) != 0) {
        return FAILED;
    }
    if (txn_is_open(sql->session)) {
        return failure_set(f, "25001", "%s cannot run inside a transaction block", what);
    }
    if (settings_bool(sql->settings, "default_transaction_read_only")) {
        return failure_set(f, "25006", "cannot execute %s in a read-only transaction", what);
    }
    return 0;
}

int verb_unavailable(const char *what, struct failure *f)
{
    return failure_set(f, "0A000", "%s is not available here", what);
}

int verb_unsupported(const char *what, struct failure *f)
{
    return failure_set(f, "0A000", "%s is not supported by pond yet", what);
}

/* ---- statements of pond's own ---- */

static int print_text(struct buf *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0 || buf_reserve(text, (size_t)len + 1) != 0) {
        return -ENOMEM;
    }
    vsnprintf((char *)text->data, (size_t)len + 1, format, args);
    text->len = (size_t)len;
    return 0;
}

int verb_execute_buf(struct sql_session *sql, const struct buf *text, unsigned flags,
                     int64_t *ret_changes, struct failure *f)
{
    return session_execute(sql->session, buf_view(text), NULL, 0, flags, ret_changes, f);
}

int verb_execute(struct sql_session *sql, unsigned flags, struct failure *f, const char *format,
                 ...)
{
    cleanup(buf_finish) struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    int r = print_text(&text, format, args);
    va_end(args);
    return r != 0 ? failure_set_nomem(f) : verb_execute_buf(sql, &text, flags, NULL, f);
}

static void cursor_closep(struct cursor **cursor)
{
    cursor_close(*cursor);
}

int verb_query_text(struct sql_session *sql, char **ret_text, struct failure *f, const char *format,
                    ...)
{
    cleanup(buf_finish) struct buf text = { 0 };
    cleanup(cursor_closep) struct cursor *cursor = NULL;
    const struct cell *cells = NULL;
    va_list args;

    va_start(args, format);
    int r = print_text(&text, format, args);
    va_end(args);
    if (r != 0) {
        return failure_set_nomem(f);
    }
    r = cursor_open(sql->session, buf_view(&text), NULL, 0, 0, &cursor, f);
    if (r == 0) {
        r = cursor_next(cursor, &cells, f);
    }
    if (r == CURSOR_END || (r == 0 && cells[0].kind != CELL_TEXT)) {
        *ret_text = NULL;
        return 0;
    }
    if (r != 0) {
        return r;
    }
    *ret_text = mem_strndup(cells[0].bytes.data, cells[0].bytes.len);
    return *ret_text != NULL ? 0 : failure_set_nomem(f);
}

int verb_row(struct portal *portal, struct row_sink *sink, const char *const *texts, size_t count,
             struct failure *f)
{
    struct cell cells[8];

    for (size_t i = 0; i < count && i < ARRAY_LEN(cells); i++) {
        cells[i] = (struct cell){ .kind = texts[i] == NULL ? CELL_NULL : CELL_TEXT,
                                  .bytes = view_of_str(texts[i]) };
    }
    portal->rows++;
    return sink->row(sink, cells, count, f);
}

static int quoted(struct buf *out, const char *text, uint8_t quote)
{
    int r = buf_append_byte(out, quote);

    for (; *text != '\0' && r == 0; text++) {
        r = buf_append_byte(out, (uint8_t)*text);
        if (r == 0 && (uint8_t)*text == quote) {
            r = buf_append_byte(out, quote);
        }
    }
    return r == 0 ? buf_append_byte(out, quote) : r;
}

int verb_ident(struct buf *out, const char *name)
{
    return quoted(out, name, '"');
}

int verb_quote(struct buf *out, const char *text)
{
    return quoted(out, text, '\'');
}

/* ---- parts of the tree ---- */

const char *verb_const_text(const PgQuery__Node *node, char number[32])
{
    if (node == NULL) {
        return NULL;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_STRING) {
        return node->string->sval;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_INTEGER) {
        snprintf(number, 32, "%d", node->integer->ival);
        return number;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_FLOAT) {
        return node->float_->fval;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
        return verb_const_text(node->type_cast->arg, number);
    }
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST || node->a_const->isnull) {
        return NULL;
    }
    const PgQuery__AConst *c = node->a_const;
    switch (c->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        snprintf(number, 32, "%d", c->ival->ival);
        return number;
    case PG_QUERY__A__CONST__VAL_FVAL:
        return c->fval->fval;
    case PG_QUERY__A__CONST__VAL_SVAL:
        return c->sval->sval;
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        return c->boolval->boolval ? "true" : "false";
    default:
        return NULL;
    }
}

const PgQuery__DefElem *verb_option(PgQuery__Node *const *options, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i]->node_case == PG_QUERY__NODE__NODE_DEF_ELEM &&
            strcmp(options[i]->def_elem->defname, name) == 0) {
            return options[i]->def_elem;
        }
    }
    return NULL;
}
