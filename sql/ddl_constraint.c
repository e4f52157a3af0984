/* sql/ddl_constraint.c: a table's constraints, each with a name, its own or the one that PostgreSQL
 * would choose, behind the columns in the table's text. */
#include "sql/ddl.h"

#include "sql/expr.h"
#include "sql/grammar.h"
#include "sql/source.h"

#include <stdio.h>

/* ---- names of constraints ---- */

static bool name_taken(const struct ddl_table *t, const char *name)
{
    for (size_t i = 0; i < t->name_count; i++) {
        if (strcmp(t->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void ddl_take_name(struct ddl_table *t, const char *name)
{
    char(*names)[ddl_name_bytes] = arena_alloc(t->r->arena, (t->name_count + 1) * sizeof *names);

    if (names == NULL) {
        rewrite_fail_nomem(t->r);
        return;
    }
    if (t->name_count > 0) {
        memcpy(names, t->names, t->name_count * sizeof *names);
    }
    snprintf(names[t->name_count++], ddl_name_bytes, "%s", name);
    t->names = names;
}

void ddl_choose_name(struct ddl_table *t, const PgQuery__Constraint *k, const char *part,
                     const char *label, char out[ddl_name_bytes])
{
    if (k->conname[0] != '\0') {
        snprintf(out, ddl_name_bytes, "%s", k->conname);
        if (name_taken(t, out)) {
            rewrite_fail(t->r, -1, "42710", "constraint \"%s\" for relation \"%s\" already exists",
                         out, t->name);
        }
    } else {
        unsigned number = 0;
        do {
            ddl_object_name(out, t->name, part, label, number++);
        } while (name_taken(t, out));
    }
    ddl_take_name(t, out);
}

/* ---- lists of columns ---- */

static void print_columns(struct ddl_table *t, PgQuery__Node *const *keys, size_t count,
                          const char *column)
{
    rewrite_str(t->r, "(");
    if (count == 0 && column != NULL) {
        rewrite_ident(t->r, column);
    }
    for (size_t i = 0; i < count; i++) {
        rewrite_str(t->r, i > 0 ? ", " : "");
        rewrite_ident(t->r, node_string(keys[i]));
    }
    rewrite_str(t->r, ")");
}

static void check_columns(struct ddl_table *t, PgQuery__Node *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (relation_find(t->relation, node_string(keys[i])) == NULL) {
            rewrite_fail(t->r, -1, "42703", "column \"%s\" named in key does not exist",
                         node_string(keys[i]));
        }
    }
}

/* "a_b": the middle of a generated name. */
static const char *join_names(struct ddl_table *t, PgQuery__Node *const *keys, size_t count,
                              const char *column)
{
    const char *joined = count == 0 && column != NULL ? column : "";

    for (size_t i = 0; i < count; i++) {
        joined = i == 0 ? node_string(keys[i])
                        : rewrite_text(t->r, "%s_%s", joined, node_string(keys[i]));
    }
    return joined;
}

/* ---- constraints ---- */

static void deferrable(struct ddl_table *t, const PgQuery__Constraint *k)
{
    if (k->initdeferred) {
        rewrite_str(t->r, " DEFERRABLE INITIALLY DEFERRED");
    } else if (k->deferrable) {
        rewrite_str(t->r, " DEFERRABLE INITIALLY IMMEDIATE");
    }
}

/* SQLite cannot add a key to a table, but an index that does the same; the comment says what it
 * stands for. */
static void key_index(struct ddl_table *t, const PgQuery__Constraint *k, const char *name,
                      const char *column)
{
    struct buf saved = t->r->out;

    t->r->out = t->indexes;
    rewrite_str(t->r, "CREATE UNIQUE INDEX ");
    rewrite_ident(t->r, name);
    rewrite_str(t->r,
                k->contype == CONSTR(PRIMARY) ? " /* primary key */ ON " : " /* unique */ ON ");
    rewrite_ident(t->r, t->name);
    print_columns(t, k->keys, k->n_keys, column);
    if (!t->r->failed && buf_append_byte(&t->r->out, 0) != 0) {
        rewrite_fail_nomem(t->r);
    }
    t->indexes = t->r->out;
    t->r->out = saved;
}

static void key_constraint(struct ddl_table *t, const PgQuery__Constraint *k, const char *column)
{
    bool primary = k->contype == CONSTR(PRIMARY);
    char name[ddl_name_bytes];

    check_columns(t, k->keys, k->n_keys);
    if (primary && t->rowid != NULL) {
        return; /* in the column's own text */
    }
    ddl_choose_name(t, k, primary ? NULL : join_names(t, k->keys, k->n_keys, column),
                    primary ? "pkey" : "key", name);
    if (t->keys_as_indexes) {
        key_index(t, k, name, column);
        return;
    }
    rewrite_str(t->r, ",\n  CONSTRAINT ");
    rewrite_ident(t->r, name);
    rewrite_str(t->r, primary ? " PRIMARY KEY " : " UNIQUE ");
    print_columns(t, k->keys, k->n_keys, column);
}

struct only_column {
    const char *name;
    bool several;
};

static void note_column(void *arg, const char *name)
{
    struct only_column *only = arg;

    only->several |= only->name != NULL && strcmp(only->name, name) != 0;
    only->name = name;
}

static void check_constraint(struct ddl_table *t, const PgQuery__Constraint *k)
{
    struct only_column only = { 0 };
    char name[ddl_name_bytes];

    ddl_each_column(k->raw_expr, note_column, &only);
    ddl_choose_name(t, k, only.several ? NULL : only.name, "check", name);
    rewrite_str(t->r, ",\n  CONSTRAINT ");
    rewrite_ident(t->r, name);
    rewrite_str(t->r, " CHECK (");
    size_t from = t->r->out.len;
    rewrite_condition(t->r, k->raw_expr, "CHECK");
    source_note(t->r, from, k->raw_expr);
    rewrite_str(t->r, ")");
}

static const char *action_of(const char *letter)
{
    return letter[0] == 'r'   ? "RESTRICT"
           : letter[0] == 'c' ? "CASCADE"
           : letter[0] == 'n' ? "SET NULL"
           : letter[0] == 'd' ? "SET DEFAULT"
                              : "NO ACTION";
}

/* The referenced table's primary key, when the constraint names no columns. */
static void parent_key(struct ddl_table *t, const PgQuery__Constraint *k)
{
    const char *parent = k->pktable->relname;

    if (strcmp(parent, t->name) == 0 && t->primary != NULL) {
        print_columns(t, t->primary->keys, t->primary->n_keys,
                      t->relation->count > 0 && t->rowid != NULL ? t->rowid->colname : NULL);
        return;
    }
    const char *key = table_primary_key(t->r, parent);
    if (key == NULL) {
        rewrite_fail(t->r, -1, "42704", "there is no primary key for referenced table \"%s\"",
                     parent);
        return;
    }
    rewrite_printf(t->r, "(%s)", key);
}

static void foreign_constraint(struct ddl_table *t, const PgQuery__Constraint *k,
                               const char *column)
{
    char name[ddl_name_bytes];
    const char *parent = k->pktable->relname;

    for (size_t i = 0; i < k->n_fk_attrs; i++) {
        if (relation_find(t->relation, node_string(k->fk_attrs[i])) == NULL) {
            rewrite_fail(t->r, -1, "42703",
                         "column \"%s\" referenced in foreign key constraint does not exist",
                         node_string(k->fk_attrs[i]));
        }
    }
    if (strcmp(parent, t->name) != 0 && scope_table(t->r, parent) == NULL) {
        rewrite_fail(t->r, -1, "42P01", "relation \"%s\" does not exist", parent);
    }
    ddl_choose_name(t, k, join_names(t, k->fk_attrs, k->n_fk_attrs, column), "fkey", name);
    rewrite_str(t->r, ",\n  CONSTRAINT ");
    rewrite_ident(t->r, name);
    rewrite_str(t->r, " FOREIGN KEY ");
    print_columns(t, k->fk_attrs, k->n_fk_attrs, column);
    rewrite_str(t->r, " REFERENCES ");
    rewrite_ident(t->r, parent);
    rewrite_str(t->r, " ");
    if (k->n_pk_attrs > 0) {
        table_check_unique(t->r, parent, strcmp(parent, t->name) == 0, k->pk_attrs, k->n_pk_attrs);
        print_columns(t, k->pk_attrs, k->n_pk_attrs, NULL);
    } else {
        parent_key(t, k);
    }
    if (k->fk_upd_action[0] != '\0' && k->fk_upd_action[0] != 'a') {
        rewrite_printf(t->r, " ON UPDATE %s", action_of(k->fk_upd_action));
    }
    if (k->fk_del_action[0] != '\0' && k->fk_del_action[0] != 'a') {
        rewrite_printf(t->r, " ON DELETE %s", action_of(k->fk_del_action));
    }
    deferrable(t, k);
}

void ddl_constraint(struct ddl_table *t, const PgQuery__Constraint *k, const char *column)
{
    struct buf saved = t->r->out;

    t->r->out = t->constraints;
    switch (k->contype) {
    case CONSTR(PRIMARY):
    case CONSTR(UNIQUE):
        key_constraint(t, k, column);
        break;
    case CONSTR(CHECK):
        check_constraint(t, k);
        break;
    case CONSTR(FOREIGN):
        foreign_constraint(t, k, column);
        break;
    case CONSTR(EXCLUSION):
        rewrite_unsupported(t->r, -1, "an EXCLUDE constraint");
        break;
    default:
        break;
    }
    t->constraints = t->r->out;
    t->r->out = saved;
}
