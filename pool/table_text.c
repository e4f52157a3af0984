/* pool/table_text.c: walks over the definitions between the outer parentheses. SQLite has accepted
 * the text, so whatever is not understood is only passed over. */
#include "pool/table_text.h"

#include "pool/sqltext.h"

#include <stdio.h>

void table_text_init(struct table_text *text, struct view sql)
{
    *text = (struct table_text){ .rest = sql };
}

static struct sqltext_token peek(const struct table_text *text)
{
    struct view ahead = text->rest;

    return sqltext_next(&ahead);
}

/* "(a, b DESC)": the words after the opening parenthesis and after each comma. */
static void read_columns(struct table_text *text, char *columns, size_t size)
{
    struct sqltext_token token = sqltext_next(&text->rest);
    bool wanted = true;
    size_t used = 0;
    size_t depth = 1;

    while (depth > 0 && (token = sqltext_next(&text->rest)).kind != SQLTEXT_END) {
        depth += sqltext_is_byte(&token, '(');
        depth -= sqltext_is_byte(&token, ')');
        if (wanted && depth == 1 && token.kind != SQLTEXT_OTHER) {
            char name[table_name_bytes];

            sqltext_identifier(&token, name, sizeof(name));
            int n = snprintf(columns + used, size - used, "%s%s", used == 0 ? "" : ", ", name);
            used += (size_t)n < size - used ? (size_t)n : size - used - 1;
        }
        wanted = depth == 1 && sqltext_is_byte(&token, ',');
    }
}

static void fill(struct table_text *text, enum table_constraint_kind kind,
                 struct table_constraint *constraint)
{
    struct sqltext_token next = peek(text);

    *constraint = (struct table_constraint){ .kind = kind };
    memcpy(constraint->name, text->pending, sizeof(constraint->name));
    text->pending[0] = '\0';
    if (text->in_column) {
        memcpy(constraint->columns, text->column, sizeof(constraint->columns));
    } else if (kind != TABLE_CHECK && sqltext_is_byte(&next, '(')) {
        read_columns(text, constraint->columns, sizeof(constraint->columns));
    }
}

/* Does a constraint begin with this word? */
static bool begins(struct table_text *text, const struct sqltext_token *token,
                   struct table_constraint *constraint)
{
    enum table_constraint_kind kind;

    if (sqltext_is(token, "PRIMARY") || sqltext_is(token, "FOREIGN")) {
        (void)sqltext_next(&text->rest); /* KEY */
        kind = sqltext_is(token, "PRIMARY") ? TABLE_PRIMARY_KEY : TABLE_FOREIGN_KEY;
    } else if (sqltext_is(token, "UNIQUE")) {
        kind = TABLE_UNIQUE;
    } else if (sqltext_is(token, "CHECK")) {
        kind = TABLE_CHECK;
    } else if (sqltext_is(token, "REFERENCES") && text->in_column) {
        kind = TABLE_FOREIGN_KEY;
    } else {
        return false;
    }
    fill(text, kind, constraint);
    return true;
}

static bool is_table_constraint(const struct sqltext_token *token)
{
    return sqltext_is(token, "CONSTRAINT") || sqltext_is(token, "PRIMARY") ||
           sqltext_is(token, "UNIQUE") || sqltext_is(token, "CHECK") ||
           sqltext_is(token, "FOREIGN");
}

/* The first word of a definition: a column's name, or the beginning of a table constraint. True: it
 * was a name. */
static bool start_definition(struct table_text *text, const struct sqltext_token *token)
{
    text->at_start = false;
    text->in_column = !is_table_constraint(token);
    text->pending[0] = '\0';
    if (text->in_column) {
        sqltext_identifier(token, text->column, sizeof(text->column));
    }
    return text->in_column;
}

static bool at_top(struct table_text *text, const struct sqltext_token *token,
                   struct table_constraint *constraint)
{
    if (text->at_start && start_definition(text, token)) {
        return false;
    }
    if (sqltext_is_byte(token, ',')) {
        text->at_start = true;
        return false;
    }
    if (sqltext_is(token, "CONSTRAINT")) {
        struct sqltext_token name = sqltext_next(&text->rest);

        sqltext_identifier(&name, text->pending, sizeof(text->pending));
        return false;
    }
    return begins(text, token, constraint);
}

bool table_text_next(struct table_text *text, struct table_constraint *ret_constraint)
{
    struct sqltext_token token;

    while ((token = sqltext_next(&text->rest)).kind != SQLTEXT_END) {
        if (sqltext_is_byte(&token, '(')) {
            text->depth++;
            text->at_start = text->depth == 1;
        } else if (sqltext_is_byte(&token, ')')) {
            text->depth -= text->depth > 0;
        } else if (text->depth == 1 && at_top(text, &token, ret_constraint)) {
            return true;
        }
    }
    return false;
}
