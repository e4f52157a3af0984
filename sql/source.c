/* sql/source.c: see source.h. libpg_query prints a parse tree; in the comment a '%' and the '/' of
 * an end of comment stand as %25 and %2F. */
#include "sql/source.h"

#include "base/alloc.h"
#include "sql/expr.h"
#include "sql/source_impl.h"

#include <ctype.h>
#include <pg_query.h>
#include <stdlib.h>

enum { source_bytes_most = 64 * 1024, sum_digits = 8 };

static const char mark[] = "/*= ";

/* FNV-1a. */
static uint32_t check_sum(struct view text)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < text.len; i++) {
        sum = (sum ^ text.data[i]) * 16777619u;
    }
    return sum;
}

/* ---- from tree to text ---- */

static void free_deparsed(PgQueryDeparseResult *result)
{
    pg_query_free_deparse_result(*result);
}

/* libpg_query's memory is malloc's and freed before we return. NULL: it cannot print that. */
static const char *print_packed(struct rewriter *r, char *packed, size_t len)
{
    PgQueryProtobuf tree = { .len = len, .data = packed };
    PgQueryDeparseResult result cleanup(free_deparsed) = pg_query_deparse_protobuf(tree);

    return result.error != NULL || result.query == NULL ? NULL
                                                        : arena_strdup(r->arena, result.query);
}

static const char *print_select(struct rewriter *r, PgQuery__SelectStmt *select)
{
    PgQuery__Node node = PG_QUERY__NODE__INIT;
    PgQuery__RawStmt raw = PG_QUERY__RAW_STMT__INIT;
    PgQuery__RawStmt *raws[] = { &raw };
    PgQuery__ParseResult tree = PG_QUERY__PARSE_RESULT__INIT;

    node.node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
    node.select_stmt = select;
    raw.stmt = &node;
    tree.stmts = raws;
    tree.n_stmts = 1;
    size_t len = pg_query__parse_result__get_packed_size(&tree);
    cleanup(mem_freep) uint8_t *packed = len > source_bytes_most ? NULL : mem_alloc(len + 1);
    if (packed == NULL) {
        return NULL;
    }
    (void)pg_query__parse_result__pack(&tree, packed);
    return print_packed(r, (char *)packed, len);
}

/* "SELECT expression", without the word. */
static const char *print_expression(struct rewriter *r, const PgQuery__Node *expression)
{
    static const char word[] = "SELECT ";
    PgQuery__ResTarget target = PG_QUERY__RES_TARGET__INIT;
    PgQuery__Node target_node = PG_QUERY__NODE__INIT;
    PgQuery__Node *targets[] = { &target_node };
    PgQuery__SelectStmt select = PG_QUERY__SELECT_STMT__INIT;

    target.val = (PgQuery__Node *)(uintptr_t)expression; /* only read */
    target_node.node_case = PG_QUERY__NODE__NODE_RES_TARGET;
    target_node.res_target = &target;
    select.target_list = targets;
    select.n_target_list = 1;
    select.limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
    select.op = PG_QUERY__SET_OPERATION__SETOP_NONE;
    const char *text = print_select(r, &select);
    return text == NULL || strncmp(text, word, sizeof(word) - 1) != 0 ? NULL
                                                                      : text + sizeof(word) - 1;
}

/* ---- the comment ---- */

static bool is_filler(char c)
{
    return c == '"' || c == ' ' || c == '\n';
}

/* Are they the same but for quotes and blanks? */
static bool is_same(const char *text, struct view printed)
{
    size_t at = 0;

    for (;; text++, at++) {
        while (is_filler(*text)) {
            text++;
        }
        while (at < printed.len && is_filler((char)printed.data[at])) {
            at++;
        }
        if (*text == '\0' || at == printed.len) {
            return *text == '\0' && at == printed.len;
        }
        if ((uint8_t)*text != printed.data[at]) {
            return false;
        }
    }
}

static int append_escaped(struct buf *out, struct view text)
{
    int r = 0;

    for (size_t i = 0; i < text.len && r == 0; i++) {
        uint8_t c = text.data[i];

        r = c == '%'                                       ? buf_append_str(out, "%25")
            : c == '/' && i > 0 && text.data[i - 1] == '*' ? buf_append_str(out, "%2F")
                                                           : buf_append_byte(out, c);
    }
    return r;
}

int source_put_comment(struct buf *out, struct view text, struct view expression)
{
    int r = buf_printf(out, "%s%08x ", mark, check_sum(expression));

    r = r == 0 ? append_escaped(out, text) : r;
    return r == 0 ? buf_append_str(out, " */ ") : r;
}

static void put_in_front(struct rewriter *r, size_t from, const char *text)
{
    struct buf out = { 0 };
    struct view printed = view_of(r->out.data + from, r->out.len - from);
    int rc;

    if (text == NULL || strlen(text) > source_bytes_most || is_same(text, printed)) {
        return;
    }
    rc = buf_append(&out, r->out.data, from);
    rc = rc == 0 ? source_put_comment(&out, view_of_str(text), printed) : rc;
    rc = rc == 0 ? buf_append_view(&out, printed) : rc;
    if (rc != 0) {
        buf_finish(&out);
        rewrite_fail_nomem(r);
        return;
    }
    out.max = r->out.max;
    buf_finish(&r->out);
    r->out = out;
}

void source_note(struct rewriter *r, size_t from, const PgQuery__Node *expression)
{
    if (!r->failed) {
        put_in_front(r, from, print_expression(r, expression));
    }
}

static bool has_star(const PgQuery__SelectStmt *select)
{
    while (select->op != PG_QUERY__SET_OPERATION__SETOP_NONE) {
        select = select->larg;
    }
    for (size_t i = 0; i < select->n_target_list; i++) {
        const PgQuery__Node *val = select->target_list[i]->res_target->val;
        const PgQuery__ColumnRef *ref =
            val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF ? val->column_ref : NULL;

        if (ref != NULL &&
            ref->fields[ref->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR) {
            return true;
        }
    }
    return false;
}

/* Later its tables may have more columns, but not the view. */
static const char *spell_star_out(struct rewriter *r, const char *text, const char *const *names,
                                  size_t count)
{
    const char *list = "";

    for (size_t i = 0; i < count && !r->failed; i++) {
        list = rewrite_text(r, "%s%s%s", list, i > 0 ? ", " : "", rewrite_ident_text(r, names[i]));
    }
    return rewrite_text(r, "SELECT %s FROM (%s) AS \"view\"", list, text);
}

void source_note_view(struct rewriter *r, size_t from, const PgQuery__SelectStmt *select,
                      const char *const *names, size_t count)
{
    if (r->failed) {
        return;
    }
    const char *text = print_select(r, (PgQuery__SelectStmt *)(uintptr_t)select); /* only read */
    if (text != NULL && has_star(select)) {
        text = spell_star_out(r, text, names, count);
    }
    put_in_front(r, from, text);
}

/* ---- reading ---- */

static struct view trimmed(struct view text)
{
    while (text.len > 0 && isspace(text.data[0])) {
        view_advance(&text, 1);
    }
    while (text.len > 0 && isspace(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

static int append_unescaped(struct view text, struct buf *out)
{
    int r = 0;

    for (size_t i = 0; i < text.len && r == 0; i++) {
        bool escaped = text.data[i] == '%' && text.len - i >= 3;

        r = buf_append_byte(out, !escaped                                             ? text.data[i]
                                 : text.data[i + 1] == '2' && text.data[i + 2] == 'F' ? '/'
                                                                                      : '%');
        i += escaped ? 2 : 0;
    }
    return r;
}

/* Is there a comment, and what follows it what it was made for? */
static bool split(struct view text, struct view *ret_source, struct view *ret_rest)
{
    char digits[sum_digits + 1] = "";
    size_t head = sizeof(mark) - 1 + sum_digits + 1;
    const uint8_t *end;

    if (text.len < head || memcmp(text.data, mark, sizeof(mark) - 1) != 0) {
        *ret_rest = text;
        return false;
    }
    end = memmem(text.data + head, text.len - head, " */ ", 4);
    if (end == NULL) {
        *ret_rest = text;
        return false;
    }
    memcpy(digits, text.data + sizeof(mark) - 1, sum_digits);
    view_advance(&text, head);
    *ret_source = view_of(text.data, (size_t)(end - text.data));
    view_advance(&text, ret_source->len + 4);
    *ret_rest = text;
    return check_sum(text) == strtoul(digits, NULL, 16);
}

const uint8_t *source_find(struct view text)
{
    return memmem(text.data, text.len, mark, sizeof(mark) - 1);
}

bool source_is_believed(struct view text)
{
    struct view source;
    struct view rest;

    return split(text, &source, &rest);
}

int source_unescape(struct view comment, struct buf *out)
{
    struct view source = { 0 };
    struct view rest;

    (void)split(comment, &source, &rest);
    return append_unescaped(source, out);
}

int source_read(struct view text, struct buf *out, bool *ret_known)
{
    struct view source;
    struct view rest;

    text = trimmed(text);
    if (split(text, &source, &rest)) {
        *ret_known = true;
        return append_unescaped(source, out);
    }
    *ret_known = memmem(rest.data, rest.len, "pond_", 5) == NULL;
    return source_put_words(rest, out);
}
