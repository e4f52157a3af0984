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
    bool of_child; /* a row of it has no parent; else rows refer to one that goes */
    size_t count;
};

static bool collect_key(sqlite3_stmt *stmt, void *arg)
{
    struct foreign_keys *keys = arg;

    snprintf(keys->child, sizeof(keys->child), "%s", schema_text(stmt, 0));
    snprintf(keys->parent, sizeof(keys->parent), "%s", schema_text(stmt, 1));
    snprintf(keys->columns, sizeof(keys->columns), "%s", schema_text(stmt, 2));
    keys->of_child = sqlite3_column_int(stmt, 3) != 0;
    keys->count++;
    return true;
}

#define KEY "k.\"table\", group_concat(k.\"from\", ', ')"

#define KEYS_OF_CHILD                                                                           \
    "SELECT ?1, " KEY ", 1 FROM (SELECT * FROM pragma_foreign_key_list(?1) ORDER BY seq) AS k " \
    "GROUP BY k.id"

/* Those that refuse: what follows of others (CASCADE) violates keys of other tables. */
#define KEYS_OF_PARENT(action)                                                                 \
    "SELECT m.name, " KEY ", 0 FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS k " \
    "WHERE m.type = 'table' AND k.\"table\" = ?1 COLLATE NOCASE AND k." action                 \
    " IN ('NO ACTION', 'RESTRICT') GROUP BY m.name, k.id"

/* At COMMIT the rows that violate it are still there. */
#define KEYS_VIOLATED                                                                             \
    "SELECT v.\"table\", " KEY ", 1 FROM (SELECT * FROM pragma_foreign_key_check LIMIT 1) AS v, " \
    "pragma_foreign_key_list(v.\"table\") AS k WHERE k.id = v.fkid AND ?1 IS NOT NULL "           \
    "GROUP BY k.id"

static const char *question_of(const char *verb)
{
    static const struct {
        const char *verb, *question;
    } questions[] = {
        { "COMMIT", KEYS_VIOLATED },
        { "DELETE", KEYS_OF_PARENT("on_delete") },
        { "UPDATE", KEYS_OF_CHILD " UNION ALL " KEYS_OF_PARENT("on_update") },
    };

    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        if (strcmp(questions[i].verb, verb) == 0) {
            return questions[i].question;
        }
    }
    return KEYS_OF_CHILD;
}

void constraint_tell_foreign_key(struct sqlite3 *db, const char *child, const char *parent,
                                 const char *columns, bool of_child, struct failure *ret_failure)
{
    char name[constraint_name_bytes];

    constraint_name(db, child, TABLE_FOREIGN_KEY, columns, name, sizeof(name));
    if (of_child) {
        failure_set(ret_failure, "23503",
                    "insert or update on table \"%s\" violates foreign key constraint \"%s\"",
                    child, name);
    } else {
        failure_set(ret_failure, "23503",
                    "update or delete on table \"%s\" violates foreign key constraint \"%s\" on "
                    "table \"%s\"",
                    parent, name, child);
    }
    constraint_add_fields(ret_failure, child, NULL, name);
}

int constraint_translate_foreign_key(const struct sqlite_error *error, struct failure *f)
{
    struct foreign_keys keys = { .count = 0 };
    struct constraint_target target;

    constraint_find_target(error->sql, &target);
    schema_each_row(error->db, question_of(target.verb), target.table, collect_key, &keys);
    if (keys.count == 1) {
        constraint_tell_foreign_key(error->db, keys.child, keys.parent, keys.columns, keys.of_child,
                                    f);
    } else {
        failure_set(f, "23503",
                    "insert, update or delete on table \"%s\" violates foreign key constraint",
                    target.table);
        constraint_add_fields(f, target.table, NULL, NULL);
    }
    return FAILED;
}
