/* sql/dml_text.c: see dml_text.h. Keywords count where no parentheses are open. */
#include "sql/dml_text.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "pool/sqltext.h"
#include "sql/params.h"

#include <errno.h>
#include <stdio.h>

/* ---- parts ---- */

static struct view between(const uint8_t *from, struct view rest)
{
    return view_of(from, (size_t)(rest.data - from));
}

/* ON only with CONFLICT behind it (joins have others), FROM only without DISTINCT before it. */
static bool is_stop(const struct sqltext_token *token, const struct sqltext_token *before,
                    struct view behind, const char *const *stops)
{
    for (; *stops != NULL; stops++) {
        if (strcmp(*stops, "(") == 0 ? sqltext_is_byte(token, '(') : sqltext_is(token, *stops)) {
            struct sqltext_token next = sqltext_next(&behind);

            return (!sqltext_is(token, "ON") || sqltext_is(&next, "CONFLICT")) &&
                   (!sqltext_is(token, "FROM") || !sqltext_is(before, "DISTINCT"));
        }
    }
    return false;
}

/* What stands before the first of these keywords, with which the rest begins then. */
struct view dml_take_until(struct view *rest, const char *const *stops)
{
    struct sqltext_token token = { .kind = SQLTEXT_END };
    struct sqltext_token before = token;
    const uint8_t *from = rest->data;
    size_t depth = 0;

    for (;;) {
        struct view ahead = *rest;

        before = token;
        token = sqltext_next(&ahead);
        if (token.kind == SQLTEXT_END || (depth == 0 && is_stop(&token, &before, ahead, stops))) {
            break;
        }
        depth += sqltext_is_byte(&token, '(');
        depth -= sqltext_is_byte(&token, ')') && depth > 0;
        *rest = ahead;
    }
    return between(from, *rest);
}

/* Does it begin with this keyword? Then it is cut off. */
static bool take_word(struct view *rest, const char *word)
{
    struct view ahead = *rest;
    struct sqltext_token token = sqltext_next(&ahead);

    if (!sqltext_is(&token, word)) {
        return false;
    }
    *rest = ahead;
    return true;
}

static bool begins_with(struct view text, const char *word)
{
    return take_word(&text, word);
}

bool dml_parentheses(struct view *text, struct view *ret_inside)
{
    struct view rest = *text;
    struct sqltext_token token = sqltext_next(&rest);
    const uint8_t *from = rest.data;
    size_t depth = 1;

    if (!sqltext_is_byte(&token, '(')) {
        return false;
    }
    while (depth > 0 && (token = sqltext_next(&rest)).kind != SQLTEXT_END) {
        depth += sqltext_is_byte(&token, '(');
        depth -= sqltext_is_byte(&token, ')');
    }
    if (depth > 0) {
        return false;
    }
    *ret_inside = view_of(from, (size_t)(token.text.data - from));
    *text = rest;
    return true;
}

bool dml_list_next(struct view *list, struct view *ret_item)
{
    struct sqltext_token token;
    const uint8_t *from = list->data;
    size_t depth = 0;

    while ((token = sqltext_next(list)).kind != SQLTEXT_END) {
        depth += sqltext_is_byte(&token, '(');
        depth -= sqltext_is_byte(&token, ')') && depth > 0;
        if (depth == 0 && sqltext_is_byte(&token, ',')) {
            *ret_item = view_of(from, (size_t)(token.text.data - from));
            return true;
        }
    }
    *ret_item = between(from, *list);
    struct view blank = *ret_item;
    return sqltext_next(&blank).kind != SQLTEXT_END;
}

bool dml_assignment(struct view item, char *name, size_t size, struct view *ret_value)
{
    struct sqltext_token token = sqltext_next(&item);
    struct sqltext_token equals = sqltext_next(&item);

    if (token.kind != SQLTEXT_NAME || !sqltext_is_byte(&equals, '=')) {
        return false;
    }
    sqltext_identifier(&token, name, size);
    *ret_value = item;
    return true;
}

size_t dml_count_word(struct view text, const char *word)
{
    struct sqltext_token token;
    size_t count = 0;

    while ((token = sqltext_next(&text)).kind != SQLTEXT_END) {
        count += sqltext_is(&token, word);
    }
    return count;
}

/* ---- the three ---- */

/* "main"."t" AS "x". */
static void read_target(struct dml_text *text)
{
    struct view rest = text->target;
    struct sqltext_token token = sqltext_next(&rest);
    struct sqltext_token next = sqltext_next(&rest);

    if (sqltext_is_byte(&next, '.')) {
        token = sqltext_next(&rest);
        next = sqltext_next(&rest);
    }
    sqltext_identifier(&token, text->table, sizeof(text->table));
    if (sqltext_is(&next, "AS")) {
        token = sqltext_next(&rest);
    }
    sqltext_identifier(&token, text->alias, sizeof(text->alias));
}

static bool has_one_row(struct view source)
{
    struct view row;

    return take_word(&source, "VALUES") && dml_list_next(&source, &row) &&
           !dml_list_next(&source, &row);
}

static void cut_conflict(struct dml_conflict *conflict, struct view *rest)
{
    static const char *const behind_action[] = { "RETURNING", NULL };
    static const char *const behind_target[] = { "DO", NULL };
    static const char *const behind_set[] = { "WHERE", NULL };

    conflict->text = dml_take_until(rest, behind_action);
    struct view text = conflict->text;
    (void)take_word(&text, "ON");
    (void)take_word(&text, "CONFLICT");
    (void)dml_parentheses(&text, &conflict->target);
    struct view where = dml_take_until(&text, behind_target);
    conflict->partial = begins_with(where, "WHERE");
    (void)take_word(&text, "DO");
    conflict->updates = take_word(&text, "UPDATE") && take_word(&text, "SET");
    if (conflict->updates) {
        conflict->set = dml_take_until(&text, behind_set);
        conflict->where = text;
    }
}

static bool cut_insert(struct dml_text *text, struct view *rest)
{
    static const char *const behind_table[] = { "(", "VALUES", "SELECT", "DEFAULT", "WITH", NULL };
    static const char *const behind_source[] = { "ON", "RETURNING", NULL };

    if (!take_word(rest, "INTO")) {
        return false;
    }
    text->target = dml_take_until(rest, behind_table);
    (void)dml_parentheses(rest, &text->columns);
    text->source = dml_take_until(rest, behind_source);
    text->defaults = begins_with(text->source, "DEFAULT");
    text->values = begins_with(text->source, "VALUES");
    text->one_row = text->defaults || has_one_row(text->source);
    if (begins_with(*rest, "ON")) {
        cut_conflict(&text->conflict, rest);
    }
    return true;
}

static void cut_where(struct dml_text *text, struct view *rest)
{
    static const char *const behind[] = { "RETURNING", NULL };

    if (begins_with(*rest, "WHERE")) {
        text->where = dml_take_until(rest, behind);
    }
}

static bool cut_update(struct dml_text *text, struct view *rest)
{
    static const char *const behind_table[] = { "SET", NULL };
    static const char *const behind_set[] = { "FROM", "WHERE", "RETURNING", NULL };
    static const char *const behind_from[] = { "WHERE", "RETURNING", NULL };

    text->target = dml_take_until(rest, behind_table);
    if (!take_word(rest, "SET")) {
        return false;
    }
    text->set = dml_take_until(rest, behind_set);
    if (take_word(rest, "FROM")) {
        text->from = dml_take_until(rest, behind_from);
    }
    cut_where(text, rest);
    return true;
}

static bool cut_delete(struct dml_text *text, struct view *rest)
{
    static const char *const behind_table[] = { "WHERE", "RETURNING", NULL };

    if (!take_word(rest, "FROM")) {
        return false;
    }
    text->target = dml_take_until(rest, behind_table);
    cut_where(text, rest);
    return true;
}

static bool cut(struct dml_text *text, struct view rest)
{
    static const struct {
        const char *word;
        enum dml_verb verb;
        bool (*cut)(struct dml_text *text, struct view *rest);
    } verbs[] = {
        { "INSERT", DML_INSERT, cut_insert },
        { "UPDATE", DML_UPDATE, cut_update },
        { "DELETE", DML_DELETE, cut_delete },
    };
    static const char *const words[] = { "INSERT", "UPDATE", "DELETE", NULL };

    text->with = dml_take_until(&rest, words);
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (take_word(&rest, verbs[i].word)) {
            text->verb = verbs[i].verb;
            if (!verbs[i].cut(text, &rest)) {
                return false;
            }
            read_target(text);
            return true;
        }
    }
    return false;
}

/* ---- life ---- */

int dml_text_cut(struct view sql, struct dml_text *ret_text)
{
    cleanup(buf_finish) struct buf numbered = { 0 };
    struct dml_text text = { .owned = NULL };

    if (params_number(sql, &numbered) != 0) {
        return -ENOMEM;
    }
    size_t len = numbered.len;
    text.owned = buf_take_str(&numbered);
    if (text.owned == NULL) {
        return -ENOMEM;
    }
    if (!cut(&text, view_of(text.owned, len))) {
        dml_text_finish(&text);
        return DML_OTHER;
    }
    *ret_text = text;
    return 0;
}

void dml_text_finish(struct dml_text *text)
{
    mem_free(text->owned);
    text->owned = NULL;
}
