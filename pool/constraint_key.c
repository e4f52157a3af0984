/* pool/constraint_key.c: "FOREIGN KEY constraint failed" names nothing: the statement's table and
 * the schema say which keys come into question, and at COMMIT the rows that violate one. */
#include "pool/constraint_impl.h"

#include <stdio.h>
#include <string.h>

/* The foreign keys that come into question; only a single one can be named. */
struct foreign_keys {
    char child[table_name_bytes];
    char parent[table_name_bytes];
    char columns[constraint_list_bytes];
    size_t count;
};

static bool collect_key(sqlite3_stmt *stmt, void *arg)
{
    struct foreign_keys *keys = arg;

    snprintf(keys->child, sizeof(keys->child), "%s", schema_text(stmt, 0));
    snprintf(keys->parent, sizeof(keys->parent), "%s", schema_text(stmt, 1));
    snprintf(keys->columns, sizeof(keys->columns), "%s", schema_text(stmt, 2));
    keys->count++;
    return true;
}

#define KEY_COLUMNS "group_concat(k.\"from\", ', ')"

static void keys_of_child(struct sqlite3 *db, const char *table, struct foreign_keys *keys)
{
    schema_each_row(db,
                    "SELECT ?1, k.\"table\", " KEY_COLUMNS
                    " FROM (SELECT * FROM pragma_foreign_key_list(?1) ORDER BY seq) AS k "
                    "GROUP BY k.id",
                    table, collect_key, keys);
}

#define KEYS_OF_PARENT(action)                                                 \
    "SELECT m.name, k.\"table\", " KEY_COLUMNS                                 \
    " FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS k "          \
    "WHERE m.type = 'table' AND k.\"table\" = ?1 COLLATE NOCASE AND k." action \
    " IN ('NO ACTION', 'RESTRICT') GROUP BY m.name, k.id"

/* Those that refuse: what follows of others (CASCADE) violates keys of other tables. */
static void keys_of_parent(struct sqlite3 *db, const char *table, bool is_delete,
                           struct foreign_keys *keys)
{
    schema_each_row(db, is_delete ? KEYS_OF_PARENT("on_delete") : KEYS_OF_PARENT("on_update"),
                    table, collect_key, keys);
}

/* At COMMIT the rows that violate it are still there. */
static void keys_violated(struct sqlite3 *db, struct foreign_keys *keys)
{
    schema_each_row(
        db,
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
    constraint_add_fields(f, keys->child, NULL, name);
}

static void set_parent_violation(const struct foreign_keys *keys, const char *name,
                                 struct failure *f)
{
    failure_set(
        f, "23503",
        "update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"",
        keys->parent, name, keys->child);
    constraint_add_fields(f, keys->child, NULL, name);
}

void constraint_tell_foreign_key(struct sqlite3 *db, const char *child, const char *parent,
                                 const char *columns, bool of_child, struct failure *ret_failure)
{
    struct foreign_keys key = { .count = 1 };
    char name[constraint_name_bytes];

    snprintf(key.child, sizeof(key.child), "%s", child);
    snprintf(key.parent, sizeof(key.parent), "%s", parent);
    constraint_name(db, child, TABLE_FOREIGN_KEY, columns, name, sizeof(name));
    if (of_child) {
        set_child_violation(&key, name, ret_failure);
    } else {
        set_parent_violation(&key, name, ret_failure);
    }
}

int constraint_translate_foreign_key(const struct sqlite_error *error, struct failure *f)
{
    struct foreign_keys own = { .count = 0 };
    struct foreign_keys others = { .count = 0 };
    char name[constraint_name_bytes];
    struct constraint_target target;

    constraint_find_target(error->sql, &target);
    if (strcmp(target.verb, "COMMIT") == 0) {
        keys_violated(error->db, &own);
    } else if (strcmp(target.verb, "DELETE") != 0) {
        keys_of_child(error->db, target.table, &own);
    }
    if (strcmp(target.verb, "DELETE") == 0 || strcmp(target.verb, "UPDATE") == 0) {
        keys_of_parent(error->db, target.table, strcmp(target.verb, "DELETE") == 0, &others);
    }
    const struct foreign_keys *keys = own.count > 0 ? &own : &others;
    constraint_name(error->db, keys->child, TABLE_FOREIGN_KEY, keys->columns, name, sizeof(name));
    if (own.count + others.count != 1) {
        failure_set(f, "23503",
                    "insert, update or delete on table \"%s\" violates foreign key constraint",
                    target.table);
        constraint_add_fields(f, target.table, NULL, NULL);
    } else if (keys == &own) {
        set_child_violation(keys, name, f);
    } else {
        set_parent_violation(keys, name, f);
    }
    return FAILED;
}
