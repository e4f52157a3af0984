/* sql/violation_index.c: a unique index over rows of which some are alike: which key is there
 * twice. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"

#include <string.h>

static void violation_finish(struct violation *v)
{
    arena_finish(&v->arena);
}

static void put_question(struct violation_query *q, const char *table,
                         const struct violated_key *key)
{
    violation_put(q, "SELECT ");
    violation_put_parts(q, key, "", "", ", ");
    violation_put(q, " FROM ");
    violation_put_name(q, "", table);
    violation_put(q, " WHERE ");
    violation_put_parts(q, key, "", " IS NOT NULL", " AND ");
    if (key->where.len > 0) {
        violation_put(q, " AND (");
        violation_put_view(q, key->where);
        violation_put(q, ")");
    }
    violation_put(q, " GROUP BY ");
    violation_put_parts(q, key, "", "", ", ");
    violation_put(q, " HAVING count(*) > 1 ORDER BY ");
    violation_put_parts(q, key, "", "", ", ");
    violation_put(q, " LIMIT 1");
}

struct answer {
    const struct violated_key *key;
    struct failure *failure;
};

static int tell(struct violation *v, const struct cell *cells, void *arg)
{
    const struct answer *answer = arg;
    int r = violation_tell_key(v, answer->key, true, cells, "is duplicated.", answer->failure);

    return r == 0 ? CURSOR_END : r;
}

/* CREATE UNIQUE INDEX "i" ON "t" ("a", "b") WHERE ... */
struct index_text {
    char name[table_name_bytes];
    char table[table_name_bytes];
    struct view columns;
    struct view where;
};

static bool read_index(struct view text, struct index_text *ret_index)
{
    struct sqltext_token token;
    struct sqltext_token name = { .kind = SQLTEXT_END };

    while ((token = sqltext_next(&text)).kind != SQLTEXT_END && !sqltext_is(&token, "ON")) {
        name = token;
    }
    sqltext_identifier(&name, ret_index->name, sizeof(ret_index->name));
    token = sqltext_next(&text);
    sqltext_identifier(&token, ret_index->table, sizeof(ret_index->table));
    return violation_index_parts(text, &ret_index->columns, &ret_index->where);
}

static void explain(struct sql_session *sql, const struct index_text *index,
                    struct failure *failure)
{
    cleanup(violation_finish) struct violation v = { .sql = sql };
    struct violation_query q = { .r = 0 };
    struct violated_key key = { .where = index->where };
    struct answer answer = { .key = &key, .failure = failure };

    if (violation_load_table(&v, index->table) == 0 &&
        violation_key_read(&v, index->columns, &key)) {
        put_question(&q, index->table, &key);
        (void)!violation_run(&v, &q, tell, &answer);
    }
}

int violation_index(struct sql_session *sql, struct view text, int result, struct failure *failure)
{
    struct index_text index;

    if (result != FAILED || strcmp(failure->sqlstate, "23505") != 0 || !read_index(text, &index)) {
        return result;
    }
    failure_set(failure, "23505", "could not create unique index \"%s\"", index.name);
    failure_add(failure, FIELD_SCHEMA, "public");
    failure_add(failure, FIELD_TABLE, "%s", index.table);
    failure_add(failure, FIELD_CONSTRAINT, "%s", index.name);
    explain(sql, &index, failure);
    return FAILED;
}
