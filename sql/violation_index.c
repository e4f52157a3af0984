/* sql/violation_index.c: a unique index over rows of which some are alike: which key is there
 * twice. */
#include "sql/violation_impl.h"

#include "pool/sqltext.h"

#include <string.h>

static const char *question(struct violation *v, const struct violated_key *key)
{
    const char *parts = violation_parts(v, key, "", "", ", ");

    return violation_print(v,
                           "SELECT %s FROM (SELECT * FROM %s %s) WHERE %s GROUP BY %s "
                           "HAVING count(*) > 1 ORDER BY %s LIMIT 1",
                           parts, violation_name(v, v->dml.table), key->where,
                           violation_parts(v, key, "", " IS NOT NULL", " AND "), parts, parts);
}

/* CREATE UNIQUE INDEX "i" ON "t" ("a", "b") WHERE ... */
static void read_names(struct view text, char index[table_name_bytes], char table[table_name_bytes])
{
    struct sqltext_token token;
    struct sqltext_token name = { .kind = SQLTEXT_END };

    while ((token = sqltext_next(&text)).kind != SQLTEXT_END && !sqltext_is(&token, "ON")) {
        name = token;
    }
    sqltext_identifier(&name, index, table_name_bytes);
    token = sqltext_next(&text);
    sqltext_identifier(&token, table, table_name_bytes);
}

static void explain(struct sql_session *sql, struct view text, const char *table,
                    struct failure *failure)
{
    cleanup(violation_finish) struct violation v = { .sql = sql };
    struct violated_key key;
    const char *told;

    violation_stand_for(&v, DML_UPDATE, table);
    if (violation_load_table(&v) != 0 || !violation_key_read_index(&v, text, &key)) {
        return;
    }
    (void)!violation_ask_key(&v, question(&v, &key), &key, true, &told);
    if (told != NULL) {
        failure_add(failure, FIELD_DETAIL, "%s is duplicated.", told);
    }
}

int violation_index(struct sql_session *sql, struct view text, int result, struct failure *failure)
{
    char name[table_name_bytes], table[table_name_bytes];

    if (result != FAILED || strcmp(failure->sqlstate, "23505") != 0) {
        return result;
    }
    read_names(text, name, table);
    failure_set(failure, "23505", "could not create unique index \"%s\"", name);
    failure_add(failure, FIELD_SCHEMA, "public");
    failure_add(failure, FIELD_TABLE, "%s", table);
    failure_add(failure, FIELD_CONSTRAINT, "%s", name);
    explain(sql, text, table, failure);
    return FAILED;
}
