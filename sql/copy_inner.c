/* sql/copy_inner.c: the statement inside the COPY of a table: SELECT of its columns, or the INSERT
 * of one row. COPY ... WHERE is the INSERT of a SELECT whose only row are the parameters, under the
 * table's name and with the client's own condition behind it. */
#include "sql/copy.h"
#include "sql/lexer.h"
#include "sql/verb_support.h"

static int print_names(const struct copying *c, struct buf *text)
{
    int r = 0;

    for (size_t i = 0; i < c->copy->count && r == 0; i++) {
        r = i > 0 ? buf_append_str(text, ", ") : 0;
        if (r == 0) {
            r = verb_ident(text, c->copy->columns[i].name);
        }
    }
    return r;
}

static int print_table(const struct copying *c, struct buf *text)
{
    const PgQuery__RangeVar *table = c->stmt->relation;
    int r = 0;

    if (table->schemaname[0] != '\0') {
        r = verb_ident(text, table->schemaname);
        if (r == 0) {
            r = buf_append_byte(text, '.');
        }
    }
    return r == 0 ? verb_ident(text, table->relname) : r;
}

static int print_select(const struct copying *c, struct buf *text)
{
    int r = buf_append_str(text, "SELECT ");

    if (r == 0) {
        r = print_names(c, text);
    }
    if (r == 0) {
        r = buf_append_str(text, " FROM ");
    }
    return r == 0 ? print_table(c, text) : r;
}

static int print_params(const struct copying *c, struct buf *text)
{
    int r = 0;

    for (size_t i = 0; i < c->copy->count && r == 0; i++) {
        r = buf_printf(text, "%s$%zu", i > 0 ? ", " : "", i + 1);
    }
    return r;
}

static int print_values(const struct copying *c, struct buf *text)
{
    int r = buf_append_str(text, "VALUES (");

    if (r == 0) {
        r = print_params(c, text);
    }
    return r == 0 ? buf_append_byte(text, ')') : r;
}

/* The condition is to follow. */
static int print_filter(const struct copying *c, struct buf *text)
{
    int r = buf_append_str(text, "SELECT * FROM (SELECT ");

    if (r == 0) {
        r = print_params(c, text);
    }
    if (r == 0) {
        r = buf_append_str(text, ") AS ");
    }
    if (r == 0) {
        r = verb_ident(text, c->stmt->relation->relname);
    }
    if (r == 0) {
        r = buf_append_str(text, " (");
    }
    if (r == 0) {
        r = print_names(c, text);
    }
    return r == 0 ? buf_append_str(text, ") WHERE ") : r;
}

static int print_insert(const struct copying *c, struct buf *text)
{
    int r = buf_append_str(text, "INSERT INTO ");

    if (r == 0) {
        r = print_table(c, text);
    }
    if (r == 0) {
        r = buf_append_str(text, " (");
    }
    if (r == 0) {
        r = print_names(c, text);
    }
    if (r == 0) {
        r = buf_append_str(text, ") OVERRIDING SYSTEM VALUE ");
    }
    if (r == 0) {
        r = c->stmt->where_clause == NULL ? print_values(c, text) : print_filter(c, text);
    }
    return r;
}

/* ---- WHERE ---- */

/* A parameter in the condition would be one of ours. */
static int refuse_params(const struct copying *c, struct lexer *lexer)
{
    struct token token = { 0 };

    do {
        if (lexer_next(lexer, &token, c->failure) != 0) {
            return FAILED;
        }
        if (token.kind == TOKEN_PARAM) {
            failure_set(c->failure, "42P02", "there is no parameter %.*s", (int)token.text.len,
                        (const char *)token.text.data);
            c->failure->position =
                text_position(c->planner->text, (size_t)(token.text.data - lexer->start));
            return FAILED;
        }
    } while (token.kind != TOKEN_END);
    return 0;
}

/* Where the client's condition begins: its keyword is the only one of the statement that stands
 * unquoted and outside of parentheses. 0 or FAILED. */
static int find_condition(const struct copying *c, size_t *ret_at)
{
    struct lexer lexer = lexer_over(c->planner->text);
    struct token token = { 0 };
    int depth = 0;

    do {
        if (lexer_next(&lexer, &token, c->failure) != 0) {
            return FAILED;
        }
        depth += view_equal_str(token.text, "(");
        depth -= view_equal_str(token.text, ")");
    } while (token.kind != TOKEN_END && (depth > 0 || !token_is_word(&token, "where")));
    *ret_at = (size_t)(lexer.at - lexer.start);
    return refuse_params(c, &lexer);
}

/* A position in the condition as the client counts. Elsewhere he has not seen the text. */
static void correct_position(const struct copying *c, struct view text, size_t condition_at,
                             size_t client_at)
{
    int32_t *position = &c->failure->position;
    int32_t from = text_position(text, condition_at);

    *position = condition_at > 0 && *position >= from
                    ? *position - from + text_position(c->planner->text, client_at)
                    : 0;
}

/* Appends the condition; where it begins in `text` and in the client's. 0, FAILED or -errno. */
static int print_condition(const struct copying *c, struct buf *text, size_t *ret_at,
                           size_t *ret_client_at)
{
    int r = find_condition(c, ret_client_at);

    *ret_at = text->len;
    return r != 0 ? r
                  : buf_append_view(text, view_of(c->planner->text.data + *ret_client_at,
                                                  c->planner->text.len - *ret_client_at));
}

/* ---- planning ---- */

int copy_plan_table(struct copying *c)
{
    cleanup(buf_finish) struct buf text = { 0 };
    uint32_t *oids = arena_alloc(&c->plan->arena, (c->copy->count + 1) * sizeof(*oids));
    struct planner inner = { .sql = c->planner->sql };
    size_t condition_at = 0;
    size_t client_at = 0;
    int r = c->stmt->is_from ? print_insert(c, &text) : print_select(c, &text);

    if (r == 0 && c->stmt->where_clause != NULL) {
        r = print_condition(c, &text, &condition_at, &client_at);
    }
    if (oids == NULL || r != 0) {
        return r == FAILED ? r : failure_set_nomem(c->failure);
    }
    for (size_t i = 0; i < c->copy->count && c->stmt->is_from; i++) {
        oids[i] = c->copy->columns[i].type.oid;
        inner.param_count = i + 1;
    }
    inner.param_oids = oids;
    inner.text = buf_view(&text);
    r = plan_text(&inner, 0, &c->copy->inner, c->failure);
    if (r != 0) {
        correct_position(c, buf_view(&text), condition_at, client_at);
    }
    return r;
}
