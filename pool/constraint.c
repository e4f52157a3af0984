/* pool/constraint.c: SQLITE_CONSTRAINT_* as PostgreSQL tells them: which constraint of which table.
 *
 * SQLite names columns ("UNIQUE constraint failed: t.a, t.b"), an index or a CHECK; the rest is
 * asked of the schema. Where the schema cannot tell (no memory, several foreign keys), the message
 * names less. */
#include "pool/sqlite_error.h"

#include "pool/sqltext.h"
#include "pool/table_text.h"

#include <sqlite3.h>
#include <stdio.h>
#include <strings.h>

enum { list_bytes = 512 };

/* ---- asking the schema ---- */

/* Calls fn for each row of a query with one text parameter; it ends early when fn says false. */
static void each_row(struct sqlite3 *db, const char *sql, const char *param,
                     bool (*fn)(sqlite3_stmt *, void *), void *arg)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, param, -1, SQLITE_STATIC);
        while (sqlite3_step(stmt) == SQLITE_ROW && fn(stmt, arg)) {
        }
    }
    sqlite3_finalize(stmt);
}

static const char *column_text(sqlite3_stmt *stmt, int i)
{
    const unsigned char *text = sqlite3_column_text(stmt, i);

    return text == NULL ? "" : (const char *)text;
}

/* Looks for the constraint of this kind on these columns in a table's text. */
struct name_search {
    enum table_constraint_kind kind;
    const char *columns; /* NULL: any */
    const char *name;    /* NULL: any */
    struct table_constraint found;
    bool is_found;
};

static bool search_text(sqlite3_stmt *stmt, void *arg)
{
    struct name_search *search = arg;
    struct table_text text;
    struct table_constraint constraint;

    table_text_init(&text, view_of_str(column_text(stmt, 0)));
    while (table_text_next(&text, &constraint)) {
        if (constraint.kind == search->kind &&
            (search->columns == NULL || strcasecmp(constraint.columns, search->columns) == 0) &&
            (search->name == NULL || strcasecmp(constraint.name, search->name) == 0)) {
            search->found = constraint;
            search->is_found = true;
            return false;
        }
    }
    return true;
}

static void search_table(struct sqlite3 *db, const char *table, struct name_search *search)
{
    each_row(db,
             "SELECT sql FROM temp.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE "
             "UNION ALL "
             "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
             table, search_text, search);
}

/* As PostgreSQL makes names up: orders_customer_id_fkey, t_a_b_key, t_pkey. */
static void make_name(const char *table, const char *columns, const char *suffix, char *name,
                      size_t size)
{
    size_t used = (size_t)snprintf(name, size, "%s_", table);

    for (const char *c = columns; *c != '\0' && used + 1 < size; c++) {
        if (*c == ',') {
            c++; /* ", " */
            name[used++] = '_';
        } else {
            name[used++] = *c;
        }
    }
    if (used < size) {
        snprintf(name + used, size - used, "%s%s", columns[0] == '\0' ? "" : "_", suffix);
    }
}

static void constraint_name(struct sqlite3 *db, const char *table, enum table_constraint_kind kind,
                            const char *columns, char *name, size_t size)
{
    static const char *const suffixes[] = {
        [TABLE_PRIMARY_KEY] = "pkey",
        [TABLE_UNIQUE] = "key",
        [TABLE_FOREIGN_KEY] = "fkey",
        [TABLE_CHECK] = "check",
    };
    struct name_search search = { .kind = kind,
                                  .columns = kind == TABLE_PRIMARY_KEY ? NULL : columns };

    search_table(db, table, &search);
    if (search.is_found && search.found.name[0] != '\0') {
        snprintf(name, size, "%s", search.found.name);
    } else {
        make_name(table, kind == TABLE_PRIMARY_KEY ? "" : columns, suffixes[kind], name, size);
    }
}

/* ---- fields ---- */

static void add_fields(struct failure *f, const char *table, const char *column,
                       const char *constraint)
{
    failure_add(f, FIELD_SCHEMA, "public");
    if (table[0] != '\0') {
        failure_add(f, FIELD_TABLE, "%s", table);
    }
    if (column != NULL) {
        failure_add(f, FIELD_COLUMN, "%s", column);
    }
    if (constraint != NULL) {
        failure_add(f, FIELD_CONSTRAINT, "%s", constraint);
    }
}

/* What stands behind "... constraint failed: ". */
static const char *subject_of(const char *message)
{
    const char *colon = strstr(message, ": ");

    return colon == NULL ? "" : colon + 2;
}

/* "t.a, t.b" -> "t" and "a, b". */
static void split_columns(const char *subject, char *table, size_t table_size, char *columns,
                          size_t columns_size)
{
    const char *dot = strchr(subject, '.');
    size_t prefix = dot == NULL ? 0 : (size_t)(dot - subject) + 1;
    size_t used = 0;

    snprintf(table, table_size, "%.*s", prefix == 0 ? 0 : (int)prefix - 1, subject);
    columns[0] = '\0';
    while (subject != NULL && strlen(subject) > prefix && used + 1 < columns_size) {
        const char *comma = strstr(subject, ", ");
        int len =
            comma == NULL ? (int)strlen(subject + prefix) : (int)(comma - subject) - (int)prefix;
        int n = snprintf(columns + used, columns_size - used, "%s%.*s", used == 0 ? "" : ", ",
                         len < 0 ? 0 : len, subject + prefix);

        used += (size_t)n;
        subject = comma == NULL ? NULL : comma + 2;
    }
}

/* ---- one translation per kind ---- */

static int translate_not_null(const struct sqlite_error *error, struct failure *f)
{
    char table[table_name_bytes];
    char column[list_bytes];

    split_columns(subject_of(error->message), table, sizeof(table), column, sizeof(column));
    failure_set(f, "23502",
                "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
                column, table);
    add_fields(f, table, column, NULL);
    return FAILED;
}

/* The unique index on exactly these columns. */
struct index_search {
    const char *columns;
    char name[table_name_bytes];
    char origin; /* 'c': CREATE UNIQUE INDEX, 'u': UNIQUE, 'p': PRIMARY KEY; 0: not found */
};

static bool search_index(sqlite3_stmt *stmt, void *arg)
{
    struct index_search *search = arg;

    if (strcasecmp(column_text(stmt, 2), search->columns) != 0) {
        return true;
    }
    snprintf(search->name, sizeof(search->name), "%s", column_text(stmt, 0));
    search->origin = column_text(stmt, 1)[0];
    return false;
}

static int set_duplicate(struct failure *f, const char *table, const char *name)
{
    failure_set(f, "23505", "duplicate key value violates unique constraint \"%s\"", name);
    add_fields(f, table, NULL, name);
    return FAILED;
}

static bool copy_first(sqlite3_stmt *stmt, void *arg)
{
    snprintf(arg, table_name_bytes, "%s", column_text(stmt, 0));
    return false;
}

/* An index on expressions is named, not its columns: "index 'name'". */
static int translate_index(const struct sqlite_error *error, const char *subject, struct failure *f)
{
    char name[table_name_bytes];
    char table[table_name_bytes] = "";
    struct view rest = view_of_str(subject);
    (void)sqltext_next(&rest);
    struct sqltext_token quoted = sqltext_next(&rest);

    sqltext_identifier(&quoted, name, sizeof(name));
    each_row(error->db,
             "SELECT tbl_name FROM main.sqlite_schema WHERE type = 'index' AND name = ?1", name,
             copy_first, table);
    return set_duplicate(f, table, name);
}

static int translate_unique(const struct sqlite_error *error, struct failure *f)
{
    const char *subject = subject_of(error->message);
    char table[table_name_bytes];
    char columns[list_bytes];
    char name[table_name_bytes * 2];
    struct index_search search = { .columns = columns };

    if (strncmp(subject, "index '", 7) == 0) {
        return translate_index(error, subject, f);
    }
    split_columns(subject, table, sizeof(table), columns, sizeof(columns));
    bool primary = error->code != SQLITE_CONSTRAINT_UNIQUE;
    if (!primary) {
        each_row(
            error->db,
            "SELECT il.name, il.origin, (SELECT group_concat(name, ', ') FROM (SELECT name FROM "
            "pragma_index_info(il.name) ORDER BY seqno)) FROM pragma_index_list(?1) AS il "
            "WHERE il.\"unique\" ORDER BY il.origin DESC",
            table, search_index, &search);
    }
    if (search.origin == 'c') {
        return set_duplicate(f, table, search.name);
    }
    primary = primary || search.origin == 'p';
    constraint_name(error->db, table, primary ? TABLE_PRIMARY_KEY : TABLE_UNIQUE, columns, name,
                    sizeof(name));
    return set_duplicate(f, table, name);
}

/* ---- which table does a statement change? ---- */

struct target {
    char verb[16];
    char table[table_name_bytes];
};

/* INSERT [OR x] INTO t, UPDATE [OR x] t, DELETE FROM t; a schema's name before the table's is
 * skipped. */
static void find_target(struct view sql, struct target *target)
{
    struct sqltext_token token;
    bool found = false;

    *target = (struct target){ .verb = "" };
    sqltext_verb(sql, target->verb, sizeof(target->verb));
    const char *before = strcmp(target->verb, "INSERT") == 0   ? "INTO"
                         : strcmp(target->verb, "DELETE") == 0 ? "FROM"
                                                               : "UPDATE";
    while (!found && (token = sqltext_next(&sql)).kind != SQLTEXT_END) {
        found = sqltext_is(&token, before);
    }
    token = sqltext_next(&sql);
    if (sqltext_is(&token, "OR")) {
        (void)sqltext_next(&sql);
        token = sqltext_next(&sql);
    }
    struct sqltext_token dot = sqltext_next(&sql);
    if (sqltext_is_byte(&dot, '.')) {
        token = sqltext_next(&sql);
    }
    sqltext_identifier(&token, target->table, sizeof(target->table));
}

/* ---- CHECK ---- */

struct check_search {
    const char *text;               /* the constraint's name or its expression */
    char columns[table_name_bytes]; /* the one column that the expression names */
    size_t count;
};

static bool count_column(sqlite3_stmt *stmt, void *arg)
{
    struct check_search *search = arg;
    const char *column = column_text(stmt, 0);
    struct view text = view_of_str(search->text);
    struct sqltext_token token;

    while ((token = sqltext_next(&text)).kind != SQLTEXT_END) {
        char name[table_name_bytes];

        sqltext_identifier(&token, name, sizeof(name));
        if (token.kind != SQLTEXT_STRING && strcasecmp(name, column) == 0) {
            snprintf(search->columns, sizeof(search->columns), "%s", column);
            search->count++;
            return true;
        }
    }
    return true;
}

static bool contains_text(sqlite3_stmt *stmt, void *arg)
{
    struct check_search *search = arg;

    search->count = strstr(column_text(stmt, 0), search->text) != NULL;
    return false;
}

/* The target's CHECK with this name or this expression; false when it belongs to some other table
 * (a trigger's). */
static bool name_check(const struct sqlite_error *error, const char *table, const char *subject,
                       char *name, size_t size)
{
    struct name_search named = { .kind = TABLE_CHECK, .name = subject };
    struct check_search search = { .text = subject };

    search_table(error->db, table, &named);
    if (named.is_found) {
        snprintf(name, size, "%s", named.found.name);
        return true;
    }
    each_row(error->db,
             "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
             table, contains_text, &search);
    if (search.count == 0) {
        return false;
    }
    search.count = 0;
    each_row(error->db, "SELECT name FROM pragma_table_info(?1)", table, count_column, &search);
    make_name(table, search.count == 1 ? search.columns : "", "check", name, size);
    return true;
}

static int translate_check(const struct sqlite_error *error, struct failure *f)
{
    const char *subject = subject_of(error->message);
    char name[table_name_bytes * 2];
    struct target target;

    find_target(error->sql, &target);
    if (name_check(error, target.table, subject, name, sizeof(name))) {
        failure_set(f, "23514", "new row for relation \"%s\" violates check constraint \"%s\"",
                    target.table, name);
        add_fields(f, target.table, NULL, name);
    } else {
        failure_set(f, "23514", "new row violates check constraint \"%s\"", subject);
        add_fields(f, "", NULL, subject);
    }
    return FAILED;
}

/* ---- FOREIGN KEY ---- */

/* The foreign keys that come into question; only a single one can be named. */
struct foreign_keys {
    char child[table_name_bytes];
    char parent[table_name_bytes];
    char columns[list_bytes];
    size_t count;
};

static bool collect_key(sqlite3_stmt *stmt, void *arg)
{
    struct foreign_keys *keys = arg;

    snprintf(keys->child, sizeof(keys->child), "%s", column_text(stmt, 0));
    snprintf(keys->parent, sizeof(keys->parent), "%s", column_text(stmt, 1));
    snprintf(keys->columns, sizeof(keys->columns), "%s", column_text(stmt, 2));
    keys->count++;
    return true;
}

#define KEY_COLUMNS "group_concat(k.\"from\", ', ')"

static void keys_of_child(struct sqlite3 *db, const char *table, struct foreign_keys *keys)
{
    each_row(db,
             "SELECT ?1, k.\"table\", " KEY_COLUMNS
             " FROM (SELECT * FROM pragma_foreign_key_list(?1) ORDER BY seq) AS k "
             "GROUP BY k.id",
             table, collect_key, keys);
}

static void keys_of_parent(struct sqlite3 *db, const char *table, struct foreign_keys *keys)
{
    each_row(db,
             "SELECT m.name, k.\"table\", " KEY_COLUMNS
             " FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS k "
             "WHERE m.type = 'table' AND k.\"table\" = ?1 COLLATE NOCASE GROUP BY m.name, k.id",
             table, collect_key, keys);
}

/* At COMMIT the rows that violate it are still there. */
static void keys_violated(struct sqlite3 *db, struct foreign_keys *keys)
{
    each_row(db,
             "SELECT v.\"table\", v.parent, " KEY_COLUMNS
             " FROM (SELECT * FROM pragma_foreign_key_check LIMIT 1) AS v, "
             "pragma_foreign_key_list(v.\"table\") AS k WHERE k.id = v.fkid AND ?1 IS NOT NULL "
             "GROUP BY k.id",
             "", collect_key, keys);
}

static void set_child_violation(const struct foreign_keys *keys, const char *name,
                                struct failure *f)
{
    failure_set(f, "23503",
                "insert or update on table \"%s\" violates foreign key constraint \"%s\"",
                keys->child, name);
    add_fields(f, keys->child, NULL, name);
}

static void set_parent_violation(const struct foreign_keys *keys, const char *name,
                                 struct failure *f)
{
    failure_set(
        f, "23503",
        "update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"",
        keys->parent, name, keys->child);
    add_fields(f, keys->child, NULL, name);
}

static int translate_foreign_key(const struct sqlite_error *error, struct failure *f)
{
    struct foreign_keys own = { .count = 0 };
    struct foreign_keys others = { .count = 0 };
    char name[table_name_bytes * 2];
    struct target target;

    find_target(error->sql, &target);
    if (strcmp(target.verb, "COMMIT") == 0) {
        keys_violated(error->db, &own);
    } else if (strcmp(target.verb, "DELETE") != 0) {
        keys_of_child(error->db, target.table, &own);
    }
    if (strcmp(target.verb, "DELETE") == 0 || strcmp(target.verb, "UPDATE") == 0) {
        keys_of_parent(error->db, target.table, &others);
    }
    const struct foreign_keys *keys = own.count > 0 ? &own : &others;
    constraint_name(error->db, keys->child, TABLE_FOREIGN_KEY, keys->columns, name, sizeof(name));
    if (own.count + others.count != 1) {
        failure_set(f, "23503",
                    "insert, update or delete on table \"%s\" violates foreign key constraint",
                    target.table);
        add_fields(f, target.table, NULL, NULL);
    } else if (keys == &own) {
        set_child_violation(keys, name, f);
    } else {
        set_parent_violation(keys, name, f);
    }
    return FAILED;
}

/* STRICT tables: "cannot store TEXT value in INTEGER column t.c". */
static int translate_datatype(const struct sqlite_error *error, struct failure *f)
{
    char value[32];
    char type[32];
    char where[list_bytes];
    char table[table_name_bytes];
    char column[list_bytes];

    if (sscanf(error->message, "cannot store %31s value in %31s column %511s", value, type,
               where) != 3) {
        return failure_set(f, "42804", "%s", error->message);
    }
    split_columns(where, table, sizeof(table), column, sizeof(column));
    failure_set(f, "42804", "column \"%s\" is of type %s but expression is of type %s", column,
                type, value);
    add_fields(f, table, column, NULL);
    return FAILED;
}

int constraint_translate(const struct sqlite_error *error, struct failure *ret_failure)
{
    static const struct {
        int code;
        int (*translate)(const struct sqlite_error *error, struct failure *f);
    } kinds[] = {
        { SQLITE_CONSTRAINT_CHECK, translate_check },
        { SQLITE_CONSTRAINT_FOREIGNKEY, translate_foreign_key },
        { SQLITE_CONSTRAINT_NOTNULL, translate_not_null },
        { SQLITE_CONSTRAINT_PRIMARYKEY, translate_unique },
        { SQLITE_CONSTRAINT_UNIQUE, translate_unique },
        { SQLITE_CONSTRAINT_ROWID, translate_unique },
        { SQLITE_CONSTRAINT_DATATYPE, translate_datatype },
    };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].code == error->code) {
            return kinds[i].translate(error, ret_failure);
        }
    }
    return failure_set(ret_failure, sqlite_error_sqlstate(error->code), "%s", error->message);
}
