/* sql/schema_sequence.c: sequences and their values. */
#include "sql/schema_list.h"

#include "sql/ddl.h"
#include "sql/verb_support.h"

#include <inttypes.h>

static bool is_implied(const struct schema_list *list, const char *name)
{
    for (const struct schema_row *row = list->implied; row != NULL; row = row->next) {
        if (strcmp(row->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_default(const struct schema_sequence *s)
{
    return s->start == 1 && s->increment == 1 && s->min == 1 && s->max == INT64_MAX && !s->cycle;
}

static int print_options(const struct schema_sequence *s, struct buf *out)
{
    return buf_printf(out,
                      " INCREMENT BY %" PRId64 " MINVALUE %" PRId64 " MAXVALUE %" PRId64
                      " START WITH %" PRId64 "%s;",
                      s->increment, s->min, s->max, s->start, s->cycle ? " CYCLE" : "");
}

/* ALTER SEQUENCE sets options of one that is there. */
static void add_definition(struct schema_list *list, const struct schema_sequence *s, bool implied)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = buf_append_str(&out, implied ? "ALTER SEQUENCE " : "CREATE SEQUENCE ");

    r = r == 0 ? verb_ident(&out, s->name) : r;
    r = r == 0 ? print_options(s, &out) : r;
    schema_list_add(list, implied ? SCHEMA_SEQUENCE_OWNER : SCHEMA_SEQUENCE, s->name, s->owner,
                    &out, r, true);
}

/* '"s"', as an argument of setval(). */
static int print_name(const char *name, struct buf *out)
{
    cleanup(buf_finish) struct buf quoted = { 0 };
    int r = verb_ident(&quoted, name);

    r = r == 0 ? buf_append_byte(&quoted, 0) : r;
    return r == 0 ? verb_quote(out, (const char *)quoted.data) : r;
}

static void add_value(struct schema_list *list, const char *name, const char *table, int64_t last,
                      bool called)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = buf_append_str(&out, "SELECT pg_catalog.setval(");

    r = r == 0 ? print_name(name, &out) : r;
    r = r == 0 ? buf_printf(&out, ", %" PRId64 ", %s);", last, called ? "true" : "false") : r;
    schema_list_add(list, SCHEMA_SEQUENCE_VALUE, name, table, &out, r, true);
}

/* pond remembers the table alone; PostgreSQL asks for a column, too. */
static void add_owner(struct schema_list *list, const struct schema_sequence *s)
{
    cleanup(buf_finish) struct buf out = { 0 };
    int r = buf_append_str(&out, "ALTER SEQUENCE ");

    r = r == 0 ? verb_ident(&out, s->name) : r;
    r = r == 0 ? buf_append_str(&out, " OWNED BY ") : r;
    r = r == 0 ? verb_ident(&out, s->owner) : r;
    r = r == 0 ? buf_append_byte(&out, '.') : r;
    r = r == 0 ? verb_ident(&out, s->owner_column) : r;
    r = r == 0 ? buf_append_byte(&out, ';') : r;
    schema_list_add(list, SCHEMA_SEQUENCE_OWNER, s->name, s->owner, &out, r, true);
}

void schema_add_sequence(struct schema_list *list, const struct schema_sequence *s)
{
    bool implied = is_implied(list, s->name);

    if (!implied || !is_default(s)) {
        add_definition(list, s, implied);
    }
    if (!implied && s->owner != NULL && s->owner_column != NULL) {
        add_owner(list, s);
    }
    add_value(list, s->name, s->owner, s->last, s->called);
}

void schema_add_rowid(struct schema_list *list, const char *table, const char *column, int64_t last)
{
    char name[ddl_name_bytes];

    ddl_object_name(name, table, column, "seq", 0);
    add_value(list, name, table, last, true);
}
