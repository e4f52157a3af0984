/* sql/schema_list.c: see schema_list.h. */
#include "sql/schema_list.h"

#include "pool/sqltext.h"
#include "sql/lexer.h"

#include <string.h>

void schema_list_finish(struct schema_list *list)
{
    arena_finish(&list->arena);
    *list = (struct schema_list){ 0 };
}

const char *schema_part_section(enum schema_part part)
{
    return part < SCHEMA_ROWS ? "pre-data" : part <= SCHEMA_SEQUENCE_VALUE ? "data" : "post-data";
}

/* ---- adding ---- */

/* How many parentheses are open behind it; below 0: it cannot stand there. */
static int depth_behind(const struct token *token, int depth)
{
    switch (token->kind == TOKEN_SELF ? token->text.data[0] : 0) {
    case '(':
        return depth + 1;
    case ')':
        return depth - 1;
    case ';':
        return depth == 0 ? 0 : -1;
    default:
        return depth;
    }
}

bool schema_is_statement(struct view text)
{
    struct lexer lexer = lexer_over(text);
    struct failure unheard = { 0 };
    struct token token;
    bool ended = false;
    int depth = 0;

    while (lexer_next(&lexer, &token, &unheard) == 0 && token.kind != TOKEN_END) {
        depth = depth_behind(&token, depth);
        if (ended || depth < 0) {
            return false;
        }
        ended = token.kind == TOKEN_SELF && token.text.data[0] == ';';
    }
    return ended && token.kind == TOKEN_END;
}

static void append(struct schema_list *list, enum schema_part part, struct schema_row *row)
{
    if (list->last[part] == NULL) {
        list->last[part] = &list->first[part];
    }
    *list->last[part] = row;
    list->last[part] = &row->next;
}

static void add(struct schema_list *list, enum schema_part part, const char *name,
                const char *table, const struct buf *definition, int r, bool known)
{
    struct schema_row *row = arena_alloc(&list->arena, sizeof(*row));

    list->failed = list->failed || r != 0 || row == NULL;
    if (list->failed) {
        return;
    }
    *row = (struct schema_row){
        .name = arena_strdup(&list->arena, name),
        .table = table == NULL ? NULL : arena_strdup(&list->arena, table),
        .definition = arena_strndup(&list->arena, definition->data, definition->len),
        .known = known,
    };
    list->failed =
        row->name == NULL || row->definition == NULL || (table != NULL && row->table == NULL);
    if (!list->failed) {
        append(list, part, row);
    }
}

void schema_list_leave_out(struct schema_list *list, const char *type, const char *name,
                           const char *table)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = buf_printf(&out, "-- left out: the %s ", type);

    for (const char *c = name; *c != '\0' && r == 0; c++) { /* a comment is one line */
        r = buf_append_byte(&out, (uint8_t)(*c == '\n' || *c == '\r' ? ' ' : *c));
    }
    add(list, SCHEMA_OTHER, name, table, &out, r, false);
}

static const char *type_of_part(enum schema_part part)
{
    return part == SCHEMA_TABLE         ? "table"
           : part == SCHEMA_VIEW        ? "view"
           : part == SCHEMA_FOREIGN_KEY ? "foreign key of"
                                        : "index";
}

void schema_list_add(struct schema_list *list, enum schema_part part, const char *name,
                     const char *table, const struct buf *definition, int r, bool known)
{
    if (r == 0 && !schema_is_statement(buf_view(definition))) {
        schema_list_leave_out(list, type_of_part(part), name, table);
    } else {
        add(list, part, name, table, definition, r, known);
    }
}

void schema_list_imply(struct schema_list *list, const char *sequence)
{
    struct schema_row *row = arena_alloc(&list->arena, sizeof(*row));

    list->failed = list->failed || row == NULL;
    if (list->failed) {
        return;
    }
    row->name = arena_strdup(&list->arena, sequence);
    row->next = list->implied;
    list->failed = row->name == NULL;
    list->implied = list->failed ? list->implied : row;
}

/* ---- views ---- */

static bool mentions(const struct schema_row *view, const char *name)
{
    struct view rest = view_of_str(view->definition);
    char word[256];

    for (struct sqltext_token token = sqltext_next(&rest); token.kind != SQLTEXT_END;
         token = sqltext_next(&rest)) {
        if (token.kind == SQLTEXT_WORD || token.kind == SQLTEXT_NAME) {
            sqltext_identifier(&token, word, sizeof(word));
            if (sqltext_names_equal(word, name)) {
                return true;
            }
        }
    }
    return false;
}

/* Is it made of one that is still to come? */
static bool must_wait(const struct schema_row *view, const struct schema_row *others)
{
    for (; others != NULL; others = others->next) {
        if (others != view && mentions(view, others->name)) {
            return true;
        }
    }
    return false;
}

/* A name may be a column's as well: when all seem to wait for each other the first one goes. */
static struct schema_row **next_view(struct schema_row **views)
{
    for (struct schema_row **at = views; *at != NULL; at = &(*at)->next) {
        if (!must_wait(*at, *views)) {
            return at;
        }
    }
    return views;
}

void schema_sort_views(struct schema_list *list)
{
    struct schema_row *left = list->first[SCHEMA_VIEW];

    list->first[SCHEMA_VIEW] = NULL;
    list->last[SCHEMA_VIEW] = NULL;
    while (left != NULL) {
        struct schema_row **at = next_view(&left);
        struct schema_row *view = *at;

        *at = view->next;
        view->next = NULL;
        append(list, SCHEMA_VIEW, view);
    }
}
