/* PostgreSQL's text in, SQLite's text, result types and parameter types out. Literals of these
 * texts have been taken out
 * (?1 ...) where the lexer may do so; types are oids. */
#include "tests/unit/sql/support_session.h"

#include "base/defs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char schema_t[] =
    "CREATE TABLE t (id integer COLLATE int4 PRIMARY KEY AUTOINCREMENT, a int4, b "
    "text, c bool, d date, n numeric(10,2),"
    " v varchar(5), ts timestamp, tz timestamptz, f float8, j "
    "json_text, jb jsonb_text, u uuid, by bytea)";
static const char schema_o[] = "CREATE TABLE o (id integer COLLATE int4 PRIMARY KEY AUTOINCREMENT, "
                               "t_id int4, q int4 NOT NULL, note text)";

static const struct {
    const char *text;
    const char *sqlite;
    const char *types;
    const char *params;
} cases[] = {
    { "SELECT 1", "SELECT ? AS \"?column?\"", "?column?:23", "" },
    { "SELECT id, a + 1 AS x FROM t",
      "SELECT \"id\" AS \"id\", pond_int4(\"a\" + ?) AS \"x\" FROM \"t\"", "id:23 x:23", "" },
    { "SELECT * FROM t JOIN o USING (id)",
      "SELECT \"id\" AS \"id\", \"t\".\"a\" AS \"a\", \"t\".\"b\" AS \"b\", \"t\".\"c\" AS \"c\", "
      "\"t\".\"d\" AS \"d\", \"t\".\"n\" AS \"n\", \"t\".\"v\" AS \"v\", \"t\".\"ts\" AS \"ts\", "
      "\"t\".\"tz\" AS \"tz\", \"t\".\"f\" AS \"f\", \"t\".\"j\" AS \"j\", \"t\".\"jb\" AS \"jb\", "
      "\"t\".\"u\" AS \"u\", \"t\".\"by\" AS \"by\", \"o\".\"t_id\" AS \"t_id\", \"o\".\"q\" AS "
      "\"q\", \"o\".\"note\" AS \"note\" FROM \"t\" JOIN \"o\" USING (\"id\")",
      "id:23 a:23 b:25 c:16 d:1082 n:1700 v:1043 ts:1114 tz:1184 f:701 j:114 jb:3802 u:2950 by:17 "
      "t_id:23 q:23 note:25",
      "" },
    { "SELECT a FROM t WHERE c = 'true' AND d > '2024-1-2' AND by = '\\x00ff'",
      "SELECT \"a\" AS \"a\" FROM \"t\" WHERE \"c\" = ? AND \"d\" > ? AND \"by\" = ?", "a:23", "" },
    { "SELECT a FROM t WHERE a = '12' AND u = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
      "SELECT \"a\" AS \"a\" FROM \"t\" WHERE \"a\" = ? AND \"u\" = ?", "a:23", "" },
    { "SELECT id FROM t ORDER BY a, b DESC, id",
      "SELECT \"id\" AS \"id\" FROM \"t\" ORDER BY \"a\" NULLS LAST, \"b\" DESC NULLS FIRST, 1",
      "id:23", "" },
    { "SELECT id FROM t WHERE b LIKE 'x%' OR b NOT LIKE 'y' ESCAPE '#'",
      "SELECT \"id\" AS \"id\" FROM \"t\" WHERE \"b\" LIKE 'x%' ESCAPE '\\' OR \"b\" NOT LIKE 'y' "
      "ESCAPE '#'",
      "id:23", "" },
    { "SELECT a::text, '5'::int, n::int, f::int, a::float8, n::numeric(5,1), c::int, a::boolean "
      "FROM t",
      "SELECT CAST(\"a\" AS TEXT) AS \"a\", ? AS \"int4\", pond_int4(\"n\") AS \"n\", "
      "pond_int4(\"f\", 1) AS \"f\", CAST(\"a\" AS REAL) AS \"a\", pond_numeric(\"n\", 327685) AS "
      "\"n\", \"c\" AS \"c\", \"a\" <> 0 AS \"a\" FROM \"t\"",
      "a:25 int4:23 n:23 f:23 a:701 n:1700 c:23 a:16", "" },
    { "SELECT CASE a WHEN 1 THEN 'one' ELSE b END, coalesce(b, 'q'), nullif(a, 2), greatest(a, n) "
      "FROM t",
      "SELECT CASE WHEN \"a\" = ? THEN ? ELSE \"b\" END AS \"b\", coalesce(\"b\", ?) AS "
      "\"coalesce\", nullif(\"a\", ?) AS \"nullif\", pond_greatest(\"a\", \"n\") AS \"greatest\" "
      "FROM \"t\"",
      "b:25 coalesce:25 nullif:23 greatest:1700", "" },
    { "SELECT a / b.q, a % 2, a / 2, n / 2 FROM t, o b",
      "SELECT pond_div(\"t\".\"a\", \"b\".\"q\") AS \"?column?\", \"t\".\"a\" % 2 AS \"?column?\", "
      "\"t\".\"a\" / 2 AS \"?column?\", pond_divide(\"t\".\"n\", 2) AS \"?column?\" FROM \"t\", "
      "\"o\" AS \"b\"",
      "?column?:23 ?column?:23 ?column?:23 ?column?:1700", "" },
    { "SELECT (SELECT max(q) FROM o WHERE t_id = t.id) FROM t",
      "SELECT (SELECT max(\"q\") AS \"max\" FROM \"o\" WHERE \"t_id\" = \"t\".\"id\") AS \"max\" "
      "FROM \"t\"",
      "max:23", "" },
    { "SELECT a FROM t WHERE (a, b) IN ((1, 'x'), (2, 'y'))",
      "SELECT \"a\" AS \"a\" FROM \"t\" WHERE (\"a\", \"b\") = (?, ?) OR (\"a\", \"b\") = (?, ?)",
      "a:23", "" },
    { "SELECT a FROM t WHERE a = ANY('{1,2,NULL}') AND b <> ALL(ARRAY['x','y'])",
      "SELECT \"a\" AS \"a\" FROM \"t\" WHERE \"a\" IN (1, 2, NULL) AND \"b\" NOT IN ('x', 'y')",
      "a:23", "" },
    { "SELECT a FROM t WHERE a BETWEEN 1 AND 5 AND a IS DISTINCT FROM 3",
      "SELECT \"a\" AS \"a\" FROM \"t\" WHERE (\"a\" >= ? AND \"a\" <= ?) AND \"a\" IS NOT 3",
      "a:23", "" },
    { "SELECT 1 UNION SELECT 2.5 ORDER BY 1 LIMIT 3",
      "SELECT ? AS \"?column?\" UNION SELECT ? AS \"?column?\" ORDER BY 1 NULLS LAST LIMIT ?",
      "?column?:1700", "" },
    { "SELECT 'a' UNION ALL (SELECT b FROM t ORDER BY b LIMIT 1)",
      "SELECT ? AS \"?column?\" UNION ALL SELECT * FROM (SELECT \"b\" AS \"b\" FROM \"t\" ORDER BY "
      "1 NULLS LAST LIMIT 1)",
      "?column?:25", "" },
    { "WITH w(x) AS (SELECT a FROM t) SELECT x FROM w",
      "WITH \"w\"(\"x\") AS (SELECT \"a\" AS \"x\" FROM \"t\") SELECT \"x\" AS \"x\" FROM \"w\"",
      "x:23", "" },
    { "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
      "WITH RECURSIVE \"r\"(\"n\") AS (SELECT 1 AS \"n\" UNION ALL SELECT pond_int4(\"n\" + 1) AS "
      "\"n\" FROM \"r\" WHERE \"n\" < 5) SELECT \"n\" AS \"n\" FROM \"r\"",
      "n:23", "" },
    { "SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS v(x, y)",
      "SELECT \"x\" AS \"x\", \"y\" AS \"y\" FROM (SELECT column1 AS \"x\", column2 AS \"y\" FROM "
      "(VALUES (?, ?), (?, NULL))) AS \"v\"",
      "x:23 y:25", "" },
    { "SELECT t.id FROM t LEFT JOIN o ON o.t_id = t.id ORDER BY o.id, t.id",
      "SELECT \"t\".\"id\" AS \"id\" FROM \"t\" LEFT JOIN \"o\" ON \"o\".\"t_id\" = \"t\".\"id\" "
      "ORDER BY \"o\".\"id\" NULLS LAST, \"t\".\"id\"",
      "id:23", "" },
    { "SELECT row_number() OVER (PARTITION BY c ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT "
      "ROW) FROM t",
      "SELECT row_number() OVER (PARTITION BY \"c\" ORDER BY \"id\" ROWS BETWEEN 1 PRECEDING AND "
      "CURRENT ROW) AS \"row_number\" FROM \"t\"",
      "row_number:20", "" },
    { "SELECT id FROM t FOR UPDATE", "SELECT \"id\" AS \"id\" FROM \"t\"", "id:23", "" },
    { "SELECT id FROM t LIMIT ALL OFFSET 2", "SELECT \"id\" AS \"id\" FROM \"t\" LIMIT -1 OFFSET ?",
      "id:23", "" },
    { "INSERT INTO t (a, n, v) VALUES (1, 1.005, 'x'), (2, DEFAULT, 'y')",
      "INSERT INTO \"t\" (\"a\", \"n\", \"v\") VALUES (?, pond_numeric(?, 655366), pond_cast(?, "
      "1043, 1043, 9, 0)), (?, NULL, pond_cast(?, 1043, 1043, 9, 0))",
      "", "" },
    { "INSERT INTO t (id, a) VALUES (DEFAULT, 1), (DEFAULT, 2) RETURNING *",
      "INSERT INTO \"t\" (\"a\") VALUES (?), (?) RETURNING \"id\" AS \"id\", \"a\" AS \"a\", \"b\" "
      "AS \"b\", \"c\" AS \"c\", \"d\" AS \"d\", \"n\" AS \"n\", \"v\" AS \"v\", \"ts\" AS \"ts\", "
      "\"tz\" AS \"tz\", \"f\" AS \"f\", \"j\" AS \"j\", \"jb\" AS \"jb\", \"u\" AS \"u\", \"by\" "
      "AS \"by\"",
      "id:23 a:23 b:25 c:16 d:1082 n:1700 v:1043 ts:1114 tz:1184 f:701 j:114 jb:3802 u:2950 by:17",
      "" },
    { "INSERT INTO t DEFAULT VALUES", "INSERT INTO \"t\" DEFAULT VALUES", "", "" },
    { "INSERT INTO o SELECT id, a, a, b FROM t ON CONFLICT (id) DO UPDATE SET q = excluded.q + o.q "
      "WHERE o.q > 1",
      "INSERT INTO \"o\" (\"id\", \"t_id\", \"q\", \"note\") SELECT * FROM (SELECT \"id\" AS "
      "\"id\", \"a\" AS \"a\", \"a\" AS \"a\", \"b\" AS \"b\" FROM \"t\") WHERE TRUE ON CONFLICT "
      "(\"id\") DO UPDATE SET \"q\" = pond_int4(\"excluded\".\"q\" + \"o\".\"q\") WHERE "
      "\"o\".\"q\" > ?",
      "", "" },
    { "UPDATE t AS x SET a = a + 1, b = upper(b) FROM o WHERE o.t_id = x.id RETURNING x.id",
      "UPDATE \"t\" AS \"x\" SET \"a\" = pond_int4(\"x\".\"a\" + ?), \"b\" = "
      "pond_upper(\"x\".\"b\") FROM \"o\" WHERE \"o\".\"t_id\" = \"x\".\"id\" RETURNING \"id\" AS "
      "\"id\"",
      "id:23", "" },
    { "UPDATE t SET (a, b) = (SELECT 1, 'x') WHERE id = 3",
      "UPDATE \"t\" SET (\"a\", \"b\") = (SELECT ? AS \"?column?\", ? AS \"?column?\") WHERE "
      "\"id\" = ?",
      "", "" },
    { "DELETE FROM o USING t WHERE o.t_id = t.id AND t.b = 'x'",
      "DELETE FROM \"o\" WHERE rowid IN (SELECT \"o\".rowid FROM \"o\", \"t\" WHERE \"o\".\"t_id\" "
      "= \"t\".\"id\" AND \"t\".\"b\" = ?)",
      "", "" },
    { "SELECT public.t.a FROM public.t", "SELECT \"t\".\"a\" AS \"a\" FROM \"t\"", "a:23", "" },
    { "SELECT b || a FROM t", "SELECT \"b\" || CAST(\"a\" AS TEXT) AS \"?column?\" FROM \"t\"",
      "?column?:25", "" },
    { "SELECT j -> 'a', jb ->> 'b', jb @> '{\"a\":1}' FROM t",
      "SELECT pond_json_get(\"j\", 'a') AS \"?column?\", pond_json_get_text(\"jb\", 'b') AS "
      "\"?column?\", pond_json_contains(\"jb\", '{\"a\": 1}') AS \"?column?\" FROM \"t\"",
      "?column?:114 ?column?:25 ?column?:16", "" },
    { "SELECT b ~ '^x', b !~* 'y', b ILIKE 'z' FROM t",
      "SELECT pond_regex_match(\"b\", '^x', 0) AS \"?column?\", NOT pond_regex_match(\"b\", 'y', "
      "1) AS \"?column?\", pond_ilike(\"b\", 'z', '\\') AS \"?column?\" FROM \"t\"",
      "?column?:16 ?column?:16 ?column?:16", "" },
    { "SELECT count(*), count(DISTINCT a), count(a) FILTER (WHERE a > 1) FROM t GROUP BY c HAVING "
      "count(*) > 1",
      "SELECT count(*) AS \"count\", count(DISTINCT \"a\") AS \"count\", count(\"a\") FILTER "
      "(WHERE \"a\" > ?) AS \"count\" FROM \"t\" GROUP BY \"c\" HAVING count(*) > ?",
      "count:20 count:20 count:20", "" },
    { "SELECT a FROM t WHERE a = $1 AND b = $2 LIMIT $3 OFFSET $4",
      "SELECT \"a\" AS \"a\" FROM \"t\" WHERE \"a\" = ? AND \"b\" = ? LIMIT coalesce(pond_limit(?, "
      "0), -1) OFFSET "
      "coalesce(pond_limit(?, 1), 0)",
      "a:23", "23 25 20 20" },
    { "INSERT INTO t (a, c, d, j, by) VALUES ($1, $2, $3, $4, $5)",
      "INSERT INTO \"t\" (\"a\", \"c\", \"d\", \"j\", \"by\") VALUES (?, ?, ?, ?, ?)", "",
      "23 16 1082 114 17" },
    { "UPDATE t SET n = $1, tz = $2 WHERE f > $3",
      "UPDATE \"t\" SET \"n\" = pond_numeric(?, 655366), \"tz\" = ? WHERE \"f\" > ?", "",
      "1700 1184 701" },
    { "SELECT $1::int8, $2, coalesce($3, 5), $4 || 'x', a + $5 FROM t",
      "SELECT ? AS \"int8\", ? AS \"?column?\", coalesce(?, 5) AS \"coalesce\", ? || 'x' AS "
      "\"?column?\", pond_int4(\"a\" + ?) AS \"?column?\" FROM \"t\"",
      "int8:20 ?column?:25 coalesce:23 ?column?:25 ?column?:23", "20 25 23 25 23" },
    { "SELECT a FROM t WHERE a IN ($1, $2) AND d BETWEEN $3 AND $4 AND b LIKE $5",
      "SELECT \"a\" AS \"a\" FROM \"t\" WHERE \"a\" IN (?, ?) AND (\"d\" >= ? AND \"d\" <= ?) AND "
      "\"b\" LIKE ? ESCAPE '\\'",
      "a:23", "23 23 1082 1082 25" },
    { "SELECT a FROM t WHERE a = ANY($1) AND ($2::bool OR u = $3)",
      "SELECT \"a\" AS \"a\" FROM \"t\" WHERE \"a\" IN (SELECT value FROM "
      "json_each(pond_array_json(?, 23))) AND (? OR \"u\" = ?)",
      "a:23", "1007 16 2950" },
    { "SELECT a FROM t WHERE (SELECT count(*) FROM o WHERE q = $1) > $2",
      "SELECT \"a\" AS \"a\" FROM \"t\" WHERE (SELECT count(*) AS \"count\" FROM \"o\" WHERE \"q\" "
      "= ?) > ?",
      "a:23", "23 20" },
    { "SELECT CASE WHEN $1 THEN a ELSE $2 END FROM t",
      "SELECT CASE WHEN ? THEN \"a\" ELSE ? END AS \"case\" FROM \"t\"", "case:23", "16 23" },
    { "SELECT a FROM t UNION SELECT $1",
      "SELECT \"a\" AS \"a\" FROM \"t\" UNION SELECT ? AS \"?column?\"", "a:23", "23" },
    { "SELECT o.*, 1 FROM o ORDER BY o.q DESC NULLS LAST",
      "SELECT \"id\" AS \"id\", \"t_id\" AS \"t_id\", \"q\" AS \"q\", \"note\" AS \"note\", ? AS "
      "\"?column?\" FROM \"o\" ORDER BY \"o\".\"q\" DESC NULLS LAST",
      "id:23 t_id:23 q:23 note:25 ?column?:23", "" },
    { "SELECT sum(a), avg(a), min(d), max(n), sum(n), sum(f) FROM t",
      "SELECT sum(\"a\") AS \"sum\", avg(\"a\") AS \"avg\", min(\"d\") AS \"min\", max(\"n\") AS "
      "\"max\", pond_sum(\"n\") AS \"sum\", sum(\"f\") AS \"sum\" FROM \"t\"",
      "sum:20 avg:1700 min:1082 max:1700 sum:1700 sum:701", "" },
    { "SELECT DISTINCT b AS \"B\" FROM t", "SELECT DISTINCT \"b\" AS \"B\" FROM \"t\"", "B:25",
      "" },
    { "SELECT t.a FROM t WHERE EXISTS (SELECT 1 FROM o WHERE o.t_id = t.id)",
      "SELECT \"t\".\"a\" AS \"a\" FROM \"t\" WHERE EXISTS (SELECT ? AS \"?column?\" FROM \"o\" "
      "WHERE \"o\".\"t_id\" = \"t\".\"id\")",
      "a:23", "" },
    { "SELECT DISTINCT ON (b) b, a FROM t ORDER BY b, a DESC LIMIT 3",
      "SELECT \"1\" AS \"b\", \"2\" AS \"a\" FROM (SELECT \"b\" AS \"1\", \"a\" AS \"2\", "
      "row_number() OVER (PARTITION BY \"b\" ORDER BY \"b\" NULLS LAST, \"a\" DESC NULLS FIRST) AS "
      "\"first\", row_number() OVER ( ORDER BY \"b\" NULLS LAST, \"a\" DESC NULLS FIRST) AS "
      "\"order\" FROM \"t\") WHERE \"first\" = 1 ORDER BY \"order\" LIMIT ?",
      "b:25 a:23", "" },
    { "SELECT g FROM generate_series(1, 3) AS g",
      "SELECT \"g\" AS \"g\" FROM (SELECT series_value AS \"g\" FROM pond_series(23, ?, ?, 1)) AS "
      "\"g\"",
      "g:23", "" },
    { "SELECT g FROM t, generate_series(t.id, 3) AS g",
      "SELECT \"g\".\"series_value\" AS \"g\" FROM \"t\", pond_series(23, \"t\".\"id\", ?, 1) AS "
      "\"g\"",
      "g:23", "" },
    { "SELECT b, count(*) FROM t GROUP BY b HAVING max(a) > 1 ORDER BY 2",
      "SELECT \"b\" AS \"b\", count(*) AS \"count\" FROM \"t\" GROUP BY \"b\" HAVING max(\"a\") > "
      "? ORDER BY 2",
      "b:25 count:20", "" },
    { "UPDATE t SET a = DEFAULT WHERE id = 1", "UPDATE \"t\" SET \"a\" = NULL WHERE \"id\" = ?", "",
      "" },
};

static void check_cases(struct test_session *t)
{
    raw(t, schema_t);
    raw(t, schema_o);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *sqlite = sqlite_text(t, cases[i].text);

        if (sqlite == NULL) {
            print_message("%s: %s\n", cases[i].text, failure_get(&t->failure, FIELD_MESSAGE));
        }
        assert_non_null(sqlite);
        assert_string_equal(sqlite, cases[i].sqlite);
        assert_string_equal(t->types, cases[i].types);
        assert_string_equal(t->params, cases[i].params);
    }
}

static void statements_become_sqlites(void **state)
{
    (void)state;
    with_session(check_cases);
}

static const struct {
    const char *text;
    const char *sqlstate;
    int32_t position;
    const char *message;
} failures[] = {
    { "SELECT x FROM t", "42703", 8, "column \"x\" does not exist" },
    { "SELECT é.x FROM t", "42P01", 8, "missing FROM-clause entry for table \"é\"" },
    { "SELECT 'é', z.id FROM t", "42P01", 13, "missing FROM-clause entry for table \"z\"" },
    { "SELECT t.x FROM t", "42703", 8, "column t.x does not exist" },
    { "SELECT * FROM nope", "42P01", 15, "relation \"nope\" does not exist" },
    { "SELECT id FROM t, o", "42702", 8, "column reference \"id\" is ambiguous" },
    { "SELECT 1 FROM t, t", "42712", 0, "table name \"t\" specified more than once" },
    { "SELECT 'a' + 'b'", "42725", 12, "operator is not unique: unknown + unknown" },
    { "SELECT a + b FROM t", "42883", 10, "operator does not exist: integer + text" },
    { "SELECT a FROM t WHERE b = 1", "42883", 25, "operator does not exist: text = integer" },
    { "SELECT a FROM t WHERE a", "42804", 23,
      "argument of WHERE must be type boolean, not type integer" },
    { "SELECT a FROM t WHERE a = 'x'", "22P02", 27,
      "invalid input syntax for type integer: \"x\"" },
    { "SELECT nope(1, 'x')", "42883", 8, "function nope(integer, unknown) does not exist" },
    { "SELECT true::date", "42846", 12, "cannot cast type boolean to date" },
    { "SELECT 1::nope", "42704", 11, "type \"nope\" does not exist" },
    { "SELECT CASE WHEN true THEN 1 ELSE b END FROM t", "42804", 35,
      "CASE types text and integer cannot be matched" },
    { "SELECT 1 UNION SELECT b FROM t", "42804", 0,
      "UNION types integer and text cannot be matched" },
    { "SELECT 1 UNION SELECT 1, 2", "42601", 0,
      "each UNION query must have the same number of columns" },
    { "SELECT id FROM t ORDER BY 2", "42P10", 27, "ORDER BY position 2 is not in select list" },
    { "SELECT (SELECT 1, 2)", "42601", 8, "subquery must return only one column" },
    { "SELECT a, count(*) FROM t", "42803", 8,
      "column \"t.a\" must appear in the GROUP BY clause or be used in an aggregate function" },
    { "SELECT b, a FROM t GROUP BY b", "42803", 11,
      "column \"t.a\" must appear in the GROUP BY clause or be used in an aggregate function" },
    { "SELECT a FROM t WHERE count(*) > 1", "42803", 23,
      "aggregate functions are not allowed in WHERE" },
    { "INSERT INTO t (nope) VALUES (1)", "42703", 16,
      "column \"nope\" of relation \"t\" does not exist" },
    { "INSERT INTO t (a, a) VALUES (1, 2)", "42701", 19, "column \"a\" specified more than once" },
    { "INSERT INTO t (a) VALUES (1, 2)", "42601", 30,
      "INSERT has more expressions than target columns" },
    { "INSERT INTO t (a, b) VALUES (1)", "42601", 19,
      "INSERT has more target columns than expressions" },
    { "INSERT INTO t (a) VALUES (true)", "42804", 27,
      "column \"a\" is of type integer but expression is of type boolean" },
    { "INSERT INTO t (a) VALUES ('x')", "22P02", 27,
      "invalid input syntax for type integer: \"x\"" },
    { "UPDATE t SET nope = 1", "42703", 14, "column \"nope\" of relation \"t\" does not exist" },
    { "SELECT 1 INTERSECT ALL SELECT 1", "0A000", 0, "INTERSECT ALL is not supported by pond yet" },
    { "SELECT t FROM t", "0A000", 8, "a reference to a whole row is not supported by pond yet" },
    { "SELECT * FROM t, LATERAL (SELECT 1) x", "0A000", 0, "LATERAL is not supported by pond yet" },
    { "SELECT other.f(1)", "3F000", 8, "schema \"other\" does not exist" },
    { "SELECT pond_cast(1, 23, 25, -1, 1)", "42883", 8,
      "function pond_cast(integer, integer, integer, integer, integer) does not exist" },
};

static void check_failures(struct test_session *t)
{
    raw(t, schema_t);
    raw(t, schema_o);
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        const char *sqlite = sqlite_text(t, failures[i].text);

        if (sqlite != NULL) {
            print_message("%s: %s\n", failures[i].text, sqlite);
        }
        assert_null(sqlite);
        assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE), failures[i].message);
        assert_string_equal(t->failure.sqlstate, failures[i].sqlstate);
        assert_int_equal(t->failure.position, failures[i].position);
    }
}

static void mistakes_are_told_as_postgresql_tells_them(void **state)
{
    (void)state;
    with_session(check_failures);
}

static void check_groups(struct test_session *t)
{
    raw(t, schema_t);
    raw(t,
        "INSERT INTO t (id, a, b) VALUES (1, 1, 'x'), (2, 2, 'x'), (3, 5, 'y'), (4, NULL, NULL)");
    assert_string_equal(rows(t, "SELECT id, b FROM t GROUP BY id ORDER BY id LIMIT 1"), "1|x\n");
    assert_string_equal(rows(t, "SELECT b || '!', sum(a) FROM t GROUP BY b ORDER BY b"),
                        "x!|3\ny!|5\n~|~\n");
    assert_string_equal(rows(t, "SELECT upper(b) AS k, count(*) FROM t GROUP BY k ORDER BY 1"),
                        "X|2\nY|1\n~|1\n");
    assert_string_equal(rows(t, "SELECT a % 2, count(*) FROM t GROUP BY 1 ORDER BY 1"),
                        "0|1\n1|2\n~|1\n");
    assert_string_equal(rows(t, "SELECT DISTINCT ON (b) b, a FROM t ORDER BY b, a DESC"),
                        "x|2\ny|5\n~|~\n");
    assert_string_equal(rows(t, "SELECT g FROM generate_series(5, 1, -2) g"), "5\n3\n1\n");
    assert_string_equal(
        rows(t, "SELECT count(*) FROM generate_series(1, 100000) g WHERE g % 2 = 0"), "50000\n");
    (void)rows(t, "CREATE VIEW v AS SELECT b, count(*) AS n FROM t GROUP BY b");
    assert_string_equal(rows(t, "SELECT n + 1 FROM v WHERE b = 'x'"), "3\n");
    assert_string_equal(t->types, "?column?:20");
}

static void groups_series_and_views_answer_as_postgresqls(void **state_)
{
    (void)state_;
    with_session(check_groups);
}

static char *chain(const char *head, const char *link, size_t times)
{
    char *text = malloc(strlen(head) + strlen(link) * times + 1);
    char *at = stpcpy(text, head);

    for (size_t i = 0; i < times; i++) {
        at = stpcpy(at, link);
    }
    return text;
}

/* "HEAD ITEM, ITEM ... TAIL", so many items. */
static char *listing(const char *head, const char *item, size_t times, const char *tail)
{
    size_t room = strlen(head) + (strlen(item) + 2) * times + strlen(tail) + 1;
    char *text = malloc(room);
    char *at = stpcpy(text, head);

    for (size_t i = 0; i < times; i++) {
        at = stpcpy(stpcpy(at, i > 0 ? ", " : ""), item);
    }
    (void)stpcpy(at, tail);
    return text;
}

/* What programs send, and what only somebody sends who wants the daemon to think for long. */
static const struct {
    const char *head;
    const char *item;
    size_t times;
    const char *tail;
    const char *sqlstate; /* NULL: it runs */
} lists[] = {
    { "SELECT id FROM t WHERE a IN (", "7", 20000, ")", NULL },
    { "SELECT id FROM t WHERE b IN (", "'some text'", 20000, ")", NULL },
    { "SELECT id FROM t WHERE (id, a) IN (", "(1, 2)", 4000, ")", NULL },
    { "SELECT id FROM t WHERE (id, a) IN (", "(1, 2)", 10001, ")", "54001" },
    { "INSERT INTO t (a, b) VALUES ", "(1, 'x')", 5000, "", NULL },
    { "SELECT ", "1", 1664, "", NULL },
    { "SELECT ", "1", 1665, "", "54011" },
    { "VALUES (", "1", 1665, ")", "54011" },
    { "SELECT 1 FROM t ORDER BY ", "id", 1665, "", "54011" },
    { "SELECT 1 FROM t GROUP BY ", "id", 1665, "", "54011" },
    { "SELECT DISTINCT ON (", "id", 1665, ") id FROM t", "54011" },
    { "DELETE FROM t RETURNING ", "id", 1665, "", "54011" },
    { "WITH ", "a AS (SELECT 1)", 201, " SELECT 1", "54000" },
    { "SELECT id FROM t WHERE a IN (", "1", 450000, ")", "54000" }, /* long as SQLite's text */
};

static void check_lists(struct test_session *t)
{
    raw(t, schema_t);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        char *text = listing(lists[i].head, lists[i].item, lists[i].times, lists[i].tail);

        if (lists[i].sqlstate == NULL) {
            (void)rows(t, text);
        } else {
            assert_string_equal(state(t, text), lists[i].sqlstate);
        }
        free(text);
    }
    assert_string_equal(failure_get(&t->failure, FIELD_HINT),
                        "Split it into several statements, send rows by COPY, or put long lists "
                        "into a temporary table.");
}

static void long_lists_run_or_are_refused(void **state_)
{
    (void)state_;
    with_session(check_lists);
}

static void check_terms(struct test_session *t)
{
    char *most = chain("SELECT 1 WHERE false", " OR 1=2", 9999);
    char *more = chain("SELECT 1 WHERE false", " OR 1=2", 10000);
    char *mixed = chain("SELECT 1 WHERE (1=1 AND 1=2)", " OR (1=1 AND 1=2)", 4000);

    assert_string_equal(rows(t, most), "");
    assert_string_equal(state(t, more), "54001");
    assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE),
                        "statement has more than 10000 terms of AND and OR");
    assert_string_equal(failure_get(&t->failure, FIELD_HINT),
                        "Ask for the values with IN (...) or = ANY (...), or join with VALUES or "
                        "with a table of them.");
    assert_string_equal(state(t, mixed), "54001"); /* all of them count */
    free(most);
    free(more);
    free(mixed);
}

static void terms_of_and_and_or_are_counted(void **state_)
{
    (void)state_;
    with_session(check_terms);
}

static void check_depth(struct test_session *t)
{
    char *sum = chain("SELECT 1", "+1", 450);
    char *too_deep = chain("SELECT 1", "+1", 5000);
    char *ors = chain("SELECT 1 WHERE false", " OR 1=2", 2000);
    char *unions = chain("SELECT 1", " UNION ALL SELECT 1", 299);
    char *too_many = chain("SELECT 1", " UNION ALL SELECT 1", 600);

    assert_string_equal(rows(t, sum), "451\n");
    assert_string_equal(rows(t, ors), "");
    (void)rows(t, unions);
    assert_string_equal(t->tag, "SELECT 300");
    assert_string_equal(state(t, too_deep), "54001");
    assert_string_equal(state(t, too_many), "54001");
    free(sum);
    free(too_deep);
    free(ors);
    free(unions);
    free(too_many);
}

static void long_and_deep_statements_run_or_are_refused(void **state_)
{
    (void)state_;
    with_session(check_depth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_become_sqlites),
        cmocka_unit_test(mistakes_are_told_as_postgresql_tells_them),
        cmocka_unit_test(groups_series_and_views_answer_as_postgresqls),
        cmocka_unit_test(long_and_deep_statements_run_or_are_refused),
        cmocka_unit_test(long_lists_run_or_are_refused),
        cmocka_unit_test(terms_of_and_and_or_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
