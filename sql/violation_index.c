/* sql/violation_index.c: a unique index over rows of which some are alike: which key is there
 * twice. */
#include "sql/violation_impl.h"

#include "pool/session.h"
#include "pool/sqltext.h"
#include "sql/verb_support.h"

#include <string.h>

static void violation_finish(struct violation *v)
{
    arena_finish(&v->arena);
}

static int put_names(struct buf *text, const struct violated_key *key, const char *between,
                     const char *behind)
{
    int r = 0;

    for (size_t i = 0; i < key->count && r == 0; i++) {
        r = i > 0 ? buf_append_str(text, between) : 0;
        r = r == 0 ? violation_print_part(key, i, "", text) : r;
        r = r == 0 ? buf_append_str(text, behind) : r;
    }
    return r;
}

static int print(struct buf *text, const char *table, const struct violated_key *key)
{
    int r = buf_append_str(text, "SELECT ");

    r = r == 0 ? put_names(text, key, ", ", "") : r;
    r = r == 0 ? buf_append_str(text, " FROM ") : r;
    r = r == 0 ? verb_ident(text, table) : r;
    r = r == 0 ? buf_append_str(text, " WHERE ") : r;
    r = r == 0 ? put_names(text, key, " AND ", " IS NOT NULL") : r;
    if (key->where.len > 0) {
        r = r == 0 ? buf_append_str(text, " AND (") : r;
        r = r == 0 ? buf_append_view(text, key->where) : r;
        r = r == 0 ? buf_append_byte(text, ')') : r;
    }
    r = r == 0 ? buf_append_str(text, " GROUP BY ") : r;
    r = r == 0 ? put_names(text, key, ", ", "") : r;
    r = r == 0 ? buf_append_str(text, " HAVING count(*) > 1 ORDER BY ") : r;
    r = r == 0 ? put_names(text, key, ", ", "") : r;
    return r == 0 ? buf_append_str(text, " LIMIT 1") : r;
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
    cleanup(buf_finish) struct buf text = { 0 };
    struct violated_key key = { .where = index->where };
    struct answer answer = { .key = &key, .failure = failure };

    if (violation_load_table(&v, index->table) == 0 &&
        violation_key_read(&v, index->columns, &key) && print(&text, index->table, &key) == 0) {
        (void)!violation_ask(&v, buf_view(&text), NULL, 0, tell, &answer);
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
