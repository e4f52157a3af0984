/* sql/rewrite.c: what all printers share: output, failures, names. */
#include "sql/rewrite.h"

#include "sql/expr.h"
#include "sql/grammar.h"
#include "sql/lexer.h"
#include "sql/session_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void rewriter_init(struct rewriter *r, struct sql_session *sql, struct arena *arena,
                   struct view text, struct failure *failure)
{
    *r = (struct rewriter){ .sql = sql, .arena = arena, .text = text, .failure = failure };
}

void rewriter_finish(struct rewriter *r)
{
    buf_finish(&r->out);
    mem_free(r->params);
    r->params = NULL;
}

/* ---- failures ---- */

void rewrite_fail(struct rewriter *r, int32_t location, const char *sqlstate, const char *format,
                  ...)
{
    char message[512];
    va_list args;

    if (r->failed) {
        return;
    }
    r->failed = true;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    (void)failure_set(r->failure, sqlstate, "%s", message);
    if (r->failure != NULL && location >= 0) {
        r->failure->position = text_position(r->text, (size_t)location);
    }
}

void rewrite_fail_nomem(struct rewriter *r)
{
    rewrite_fail(r, -1, "53200", "out of memory");
}

void rewrite_unsupported(struct rewriter *r, int32_t location, const char *what)
{
    rewrite_fail(r, location, "0A000", "%s is not supported by pond yet", what);
}

static void check(struct rewriter *r, int result)
{
    if (result != 0) {
        rewrite_fail(r, -1, result == BUF_FULL ? "54001" : "53200",
                     result == BUF_FULL ? "statement is too large" : "out of memory");
    }
}

/* ---- output ---- */

void rewrite_str(struct rewriter *r, const char *s)
{
    if (!r->failed) {
        check(r, buf_append_str(&r->out, s));
    }
}

void rewrite_printf(struct rewriter *r, const char *format, ...)
{
    va_list args;
    char *text;

    if (r->failed) {
        return;
    }
    va_start(args, format);
    text = NULL;
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
    }
    va_end(args);
    check(r, text == NULL ? -ENOMEM : buf_append_str(&r->out, text));
    free(text);
}

/* Most texts are short, and printing twice, to know how long they are, is what takes time. */
const char *rewrite_vtext(struct rewriter *r, const char *format, va_list args)
{
    char few[128];
    va_list again;

    if (r->failed) {
        return "";
    }
    va_copy(again, args);
    int len = vsnprintf(few, sizeof(few), format, args);
    char *text = len < 0 ? NULL : arena_alloc(r->arena, (size_t)len + 1);
    if (text == NULL) {
        check(r, -ENOMEM);
    } else if ((size_t)len < sizeof(few)) {
        memcpy(text, few, (size_t)len + 1);
    } else {
        (void)vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    return text == NULL ? "" : text;
}

const char *rewrite_text(struct rewriter *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *text = rewrite_vtext(r, format, args);
    va_end(args);
    return text;
}

const char *rewrite_fill(struct rewriter *r, const char *pattern, const char *first,
                         const char *second)
{
    struct buf saved = capture_begin(r);

    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at == '%' && (at[1] == '1' || at[1] == '2')) {
            rewrite_str(r, *++at == '1' ? first : second);
        } else {
            rewrite_printf(r, "%c", *at);
        }
    }
    return capture_end(r, &saved);
}

struct buf capture_begin(struct rewriter *r)
{
    struct buf saved = r->out;

    r->out = (struct buf){ 0 };
    return saved;
}

const char *capture_end(struct rewriter *r, struct buf *saved)
{
    const char *text = r->failed ? "" : arena_strndup(r->arena, r->out.data, r->out.len);

    buf_finish(&r->out);
    r->out = *saved;
    if (text == NULL) {
        check(r, -ENOMEM);
        return "";
    }
    return text;
}

/* `s` between two quotes of that kind, with those inside doubled. */
static const char *quoted_text(struct rewriter *r, const char *s, size_t len, char quote)
{
    char *text = r->failed ? NULL : arena_alloc(r->arena, 2 * len + 3);
    char *at = text;

    if (text == NULL) {
        check(r, -ENOMEM);
        return "";
    }
    *at++ = quote;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == quote) {
            *at++ = quote;
        }
        *at++ = s[i];
    }
    *at++ = quote;
    *at = '\0';
    return text;
}

const char *rewrite_ident_text(struct rewriter *r, const char *name)
{
    return quoted_text(r, name, strlen(name), '"');
}

const char *rewrite_quoted_text(struct rewriter *r, const char *s, size_t len)
{
    return quoted_text(r, s, len, '\'');
}

void rewrite_ident(struct rewriter *r, const char *name)
{
    rewrite_str(r, rewrite_ident_text(r, name));
}

void rewrite_quoted(struct rewriter *r, const char *s, size_t len)
{
    rewrite_str(r, rewrite_quoted_text(r, s, len));
}

static bool set(const char *s)
{
    return s != NULL && s[0] != '\0';
}

bool rewrite_knows_schema(const char *schema)
{
    return !set(schema) || strcmp(schema, "public") == 0 || strcmp(schema, "pg_catalog") == 0 ||
           strncmp(schema, "pg_temp", 7) == 0;
}

void rewrite_table(struct rewriter *r, const PgQuery__RangeVar *table)
{
    if (set(table->catalogname)) {
        rewrite_unsupported(r, table->location, "a table of another database");
        return;
    }
    if (!rewrite_knows_schema(table->schemaname)) {
        rewrite_fail(r, table->location, "42P01", "relation \"%s.%s\" does not exist",
                     table->schemaname, table->relname);
        return;
    }
    rewrite_ident(r, table->relname);
}

/* ---- expressions into the output ---- */

struct type rewrite_expr(struct rewriter *r, const PgQuery__Node *node, struct type want)
{
    struct expr e = expr_typed(r, node, want);

    rewrite_str(r, e.text);
    return e.type;
}

void rewrite_assigned(struct rewriter *r, const PgQuery__Node *node, struct type column,
                      const char *column_name)
{
    struct expr e = expr_assigned(r, node, column, column_name);

    rewrite_str(r, e.text);
}

void rewrite_condition(struct rewriter *r, const PgQuery__Node *node, const char *clause)
{
    rewrite_str(r, expr_condition(r, node, clause).text);
}

void rewrite_select(struct rewriter *r, const PgQuery__SelectStmt *select,
                    struct relation *ret_relation)
{
    rewrite_str(r, select_text(r, select, NULL, ret_relation));
}

void rewrite_view_body(struct rewriter *r, const PgQuery__SelectStmt *select,
                       struct relation *ret_relation)
{
    const char *text = select_text(r, select, NULL, ret_relation);

    rewrite_str(r, view_types_mark);
    for (size_t i = 0; i < ret_relation->count && !r->failed; i++) {
        rewrite_printf(r, "%s%u,%d", i > 0 ? ";" : "", type_code(ret_relation->columns[i].type),
                       ret_relation->columns[i].type.typmod);
    }
    rewrite_printf(r, " */ %s", text);
}
