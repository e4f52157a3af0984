/* DDL: what tables, indexes, views and sequences become, what ALTER TABLE makes of them, and
 * PostgreSQL's errors. */
#include "base/alloc.h"
#include "sql/ddl.h"
#include "support_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void ok(struct test_session *t, const char *text)
{
    if (!run(t, text)) {
        print_error("%s: %s %s\n", text, t->failure.sqlstate,
                    failure_get(&t->failure, FIELD_MESSAGE));
        fail();
    }
}

static const char *constraint(struct test_session *t)
{
    const char *name = failure_get(&t->failure, FIELD_CONSTRAINT);

    return name == NULL ? "" : name;
}

struct wrong {
    const char *text, *sqlstate, *message;
};

static void refuse_all(struct test_session *t, const struct wrong *wrongs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *s = state(t, wrongs[i].text);
        if (strcmp(s, wrongs[i].sqlstate) != 0) {
            print_error("%s: %s %s\n", wrongs[i].text, s, failure_get(&t->failure, FIELD_MESSAGE));
        }
        assert_string_equal(s, wrongs[i].sqlstate);
        assert_string_equal(failure_get(&t->failure, FIELD_MESSAGE), wrongs[i].message);
    }
}

static void constraints_body(struct test_session *t)
{
    ok(t, "CREATE TABLE t (a int PRIMARY KEY, b text UNIQUE, c int CHECK (c > 0), d int REFERENCES "
          "t(a), "
          "CHECK (c < 5), e int, UNIQUE (c, e), FOREIGN KEY (e) REFERENCES t)");
    ok(t, "INSERT INTO t VALUES (1, 'x', 1, NULL, NULL)");
    static const char *const pairs[][3] = {
        { "INSERT INTO t VALUES (1, 'y', 1)", "23505", "t_pkey" },
        { "INSERT INTO t VALUES (2, 'x', 1)", "23505", "t_b_key" },
        { "INSERT INTO t VALUES (2, 'y', 0)", "23514", "t_c_check" },
        { "INSERT INTO t VALUES (2, 'y', 5)", "23514", "t_c_check1" },
        { "INSERT INTO t (a, d) VALUES (2, 9)", "23503", "t_d_fkey" },
        { "INSERT INTO t (a, e) VALUES (2, 9)", "23503", "t_e_fkey" },
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_string_equal(state(t, pairs[i][0]), pairs[i][1]);
        if (i < 4) { /* SQLite does not say which foreign key; pool/ finds it out where it can */
            assert_string_equal(constraint(t), pairs[i][2]);
        }
    }
    ok(t, "CREATE TABLE n (a text PRIMARY KEY, b int NOT NULL)");
    assert_string_equal(state(t, "INSERT INTO n VALUES (NULL, 1)"), "23502");
    assert_string_equal(state(t, "INSERT INTO n VALUES ('x', NULL)"), "23502");
}

static void create_errors_body(struct test_session *t)
{
    static const struct wrong wrongs[] = {
        { "CREATE TABLE t (a int)", "42P07", "relation \"t\" already exists" },
        { "CREATE TABLE u (a int, a int)", "42701", "column \"a\" specified more than once" },
        { "CREATE TABLE u (a int PRIMARY KEY, b int PRIMARY KEY)", "42P16",
          "multiple primary keys for table \"u\" are not allowed" },
        { "CREATE TABLE u (a int NULL NOT NULL)", "42601",
          "conflicting NULL/NOT NULL declarations for column \"a\" of table \"u\"" },
        { "CREATE TABLE u (a foo)", "42704", "type \"foo\" does not exist" },
        { "CREATE TABLE u (a int REFERENCES nope)", "42P01", "relation \"nope\" does not exist" },
        { "CREATE TABLE u (a int REFERENCES t(c))", "42830",
          "there is no unique constraint matching given keys for referenced table \"t\"" },
        { "CREATE TABLE u (a int, UNIQUE (b))", "42703",
          "column \"b\" named in key does not exist" },
        { "CREATE TABLE other.u (a int)", "3F000", "schema \"other\" does not exist" },
        { "CREATE INDEX x ON nope (a)", "42P01", "relation \"nope\" does not exist" },
        { "CREATE INDEX x ON t (nope)", "42703", "column \"nope\" does not exist" },
        { "CREATE VIEW t AS SELECT 1", "42P07", "relation \"t\" already exists" },
        { "CREATE OR REPLACE VIEW t AS SELECT 1", "42809", "\"t\" is not a view" },
        { "CREATE TABLE u (a int) INHERITS (t)", "0A000",
          "table inheritance is not supported by pond yet" },
        { "CREATE TABLE u (a int CONSTRAINT k CHECK (a > 0), CONSTRAINT k CHECK (a > 1))", "42710",
          "constraint \"k\" for relation \"u\" already exists" },
        { "DROP TABLE nope", "42P01", "table \"nope\" does not exist" },
        { "DROP VIEW t", "42809", "\"t\" is not a view" },
        { "DROP INDEX nope", "42704", "index \"nope\" does not exist" },
        { "DROP TYPE nope", "42704", "type \"nope\" does not exist" },
        { "TRUNCATE nope", "42P01", "relation \"nope\" does not exist" },
        { "ALTER TABLE nope ADD a int", "42P01", "relation \"nope\" does not exist" },
        { "ALTER TABLE t ADD a int", "42701", "column \"a\" of relation \"t\" already exists" },
        { "ALTER TABLE t DROP COLUMN nope", "42703",
          "column \"nope\" of relation \"t\" does not exist" },
        { "ALTER TABLE t RENAME nope TO x", "42703", "column \"nope\" does not exist" },
        { "ALTER TABLE t RENAME c TO a", "42701", "column \"a\" of relation \"t\" already exists" },
        { "ALTER TABLE t DROP CONSTRAINT nope", "42704",
          "constraint \"nope\" of relation \"t\" does not exist" },
        { "ALTER TABLE t ADD PRIMARY KEY (c)", "42P16",
          "multiple primary keys for table \"t\" are not allowed" },
    };

    ok(t, "CREATE TABLE t (a int PRIMARY KEY, c int)");
    refuse_all(t, wrongs, ARRAY_LEN(wrongs));
    ok(t, "CREATE TABLE IF NOT EXISTS t (z int); DROP TABLE IF EXISTS nope; DROP INDEX IF EXISTS "
          "nope");
}

static void defaults_body(struct test_session *t)
{
    ok(t, "CREATE TABLE d (a int DEFAULT 5 + 2, c bool DEFAULT true, d numeric(5,2) DEFAULT 1.239, "
          "e text DEFAULT 'it''s', f date DEFAULT '2024-01-01', i bytea DEFAULT '\\x00ff', "
          "g int GENERATED ALWAYS AS (a * 2) STORED)");
    ok(t, "INSERT INTO d DEFAULT VALUES");
    assert_string_equal(rows(t, "SELECT a, d, e, f, g, c AND true FROM d"),
                        "7|1.24|it's|2024-01-01|14|t\n");
    ok(t,
       "CREATE TABLE w (at timestamptz NOT NULL DEFAULT now(), id uuid DEFAULT gen_random_uuid())");
    ok(t, "INSERT INTO w DEFAULT VALUES");
    assert_string_equal(rows(t, "SELECT at = now() OR at < now(), length(id::text) FROM w"),
                        "t|36\n");
}

static void serial_body(struct test_session *t)
{
    ok(t, "CREATE TABLE a (id serial PRIMARY KEY, v int); INSERT INTO a (v) VALUES (1), (2)");
    assert_string_equal(rows(t, "SELECT currval('a_id_seq'), nextval('a_id_seq')"), "2|3\n");
    assert_string_equal(rows(t, "INSERT INTO a (v) VALUES (3) RETURNING id"), "4\n");
    ok(t, "CREATE TABLE b (id bigserial, k int GENERATED BY DEFAULT AS IDENTITY, v int); INSERT "
          "INTO b (v) VALUES (1), (2)");
    assert_string_equal(rows(t, "SELECT id, k FROM b"), "1|1\n2|2\n");
    assert_string_equal(rows(t, "SELECT setval('b_id_seq', 10), nextval('b_id_seq')"), "10|11\n");
    assert_string_equal(state(t, "INSERT INTO b (id, v) VALUES (NULL, 1)"), "23502");
    ok(t, "TRUNCATE a, b RESTART IDENTITY; INSERT INTO a (v) VALUES (9); INSERT INTO b (v) VALUES "
          "(9)");
    assert_string_equal(rows(t, "SELECT a.id, b.id FROM a, b"), "1|1\n");
    ok(t, "DROP TABLE b");
    assert_string_equal(state(t, "SELECT nextval('b_id_seq')"), "42P01");
}

static void sequences_body(struct test_session *t)
{
    ok(t, "CREATE SEQUENCE s INCREMENT 5 START 100 MINVALUE 50 MAXVALUE 110 CYCLE; CREATE SEQUENCE "
          "u MAXVALUE 2");
    assert_string_equal(
        rows(t, "SELECT nextval('s'), nextval('public.s'), nextval('s'), nextval('s')"),
        "100|105|110|50\n");
    assert_string_equal(state(t, "SELECT currval('u')"), "55000");
    assert_string_equal(rows(t, "SELECT nextval('u'), nextval('u'), lastval()"), "1|2|2\n");
    assert_string_equal(state(t, "SELECT nextval('u')"), "2200H");
    ok(t, "ALTER SEQUENCE u RESTART WITH 2");
    assert_string_equal(rows(t, "SELECT nextval('u')"), "2\n");
    assert_string_equal(state(t, "CREATE SEQUENCE x INCREMENT 0"), "22023");
    assert_string_equal(state(t, "CREATE SEQUENCE x START 5 MINVALUE 10"), "22023");
    assert_string_equal(state(t, "SELECT setval('u', 3)"), "22003");
    ok(t, "BEGIN; SELECT nextval('s'); ROLLBACK; DROP SEQUENCE s, u");
    assert_string_equal(state(t, "SELECT nextval('s')"), "42P01");
}

static void indexes_body(struct test_session *t)
{
    ok(t, "CREATE TABLE t (a int, b text, c int)");
    ok(t, "CREATE INDEX ON t (b); CREATE INDEX ON t (b); CREATE INDEX ON t (lower(b), c); CREATE "
          "INDEX ON t ((c + 1))");
    ok(t, "CREATE UNIQUE INDEX u ON t USING btree (a DESC NULLS LAST) INCLUDE (b) WHERE c > 0");
    ok(t, "CREATE INDEX IF NOT EXISTS u ON t (a)");
    for (size_t i = 0; i < 2; i++) {
        static const char *const drops[] = {
            "DROP INDEX t_b_idx, t_b_idx1, t_lower_c_idx, t_expr_idx", "DROP INDEX u"
        };
        ok(t, drops[i]);
    }
}

static void alter_body(struct test_session *t)
{
    ok(t, "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (2, 'y')");
    ok(t, "ALTER TABLE t ADD COLUMN c int DEFAULT 5, ADD COLUMN d timestamptz DEFAULT now(), "
          "ADD e int GENERATED ALWAYS AS (a * 2) STORED");
    assert_string_equal(rows(t, "SELECT a, c, d IS NULL, e FROM t ORDER BY a"),
                        "1|5|f|2\n2|5|f|4\n");
    assert_string_equal(state(t, "ALTER TABLE t ADD f int NOT NULL"), "23502");
    ok(t, "ALTER TABLE t ADD f serial");
    assert_string_equal(rows(t, "SELECT f FROM t ORDER BY 1"), "1\n2\n");
    ok(t, "ALTER TABLE t ADD PRIMARY KEY (a)");
    assert_string_equal(state(t, "INSERT INTO t (a) VALUES (1)"), "23505");
    assert_string_equal(constraint(t), "t_pkey");
    assert_string_equal(state(t, "INSERT INTO t (a) VALUES (NULL)"), "23502");
    ok(t, "ALTER TABLE t ADD CONSTRAINT bk UNIQUE (b)");
    assert_string_equal(state(t, "INSERT INTO t (a, b) VALUES (3, 'x')"), "23505");
    assert_string_equal(constraint(t), "bk");
    assert_string_equal(state(t, "ALTER TABLE t ADD CONSTRAINT ck CHECK (a > 1)"), "23514");
    ok(t, "ALTER TABLE t ADD CONSTRAINT ck CHECK (a > 0)");
    assert_string_equal(state(t, "INSERT INTO t (a) VALUES (0)"), "23514");
    assert_string_equal(state(t, "ALTER TABLE t ADD CONSTRAINT ck CHECK (a > 0)"), "42710");
    ok(t, "ALTER TABLE t DROP CONSTRAINT ck, DROP CONSTRAINT bk; INSERT INTO t (a, b) VALUES (0, "
          "'x')");
    ok(t, "ALTER TABLE t ALTER b SET NOT NULL, ALTER c DROP DEFAULT, ALTER c TYPE text USING 'c' "
          "|| c");
    assert_string_equal(rows(t, "SELECT c FROM t WHERE a = 1"), "c5\n");
    assert_string_equal(state(t, "INSERT INTO t (a, b) VALUES (8, NULL)"), "23502");
    ok(t, "ALTER TABLE t ALTER b DROP NOT NULL; INSERT INTO t (a) VALUES (8)");
    assert_string_equal(rows(t, "SELECT c FROM t WHERE a = 8"), "~\n");
    ok(t, "CREATE INDEX ON t (c); ALTER TABLE t DROP COLUMN c; ALTER TABLE t RENAME b TO z; ALTER "
          "TABLE t RENAME TO y");
    assert_string_equal(rows(t, "SELECT z FROM y WHERE a = 1"), "x\n");
}

static void foreign_keys_body(struct test_session *t)
{
    ok(t, "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int, pid int); INSERT INTO c "
          "VALUES (1, 7)");
    assert_string_equal(state(t, "ALTER TABLE c ADD FOREIGN KEY (pid) REFERENCES p"), "23503");
    ok(t, "INSERT INTO p VALUES (7); ALTER TABLE c ADD FOREIGN KEY (pid) REFERENCES p ON DELETE "
          "CASCADE");
    assert_string_equal(state(t, "INSERT INTO c VALUES (2, 8)"), "23503");
    assert_string_equal(state(t, "DROP TABLE p"), "2BP01");
    assert_string_equal(failure_get(&t->failure, FIELD_DETAIL),
                        "constraint c_pid_fkey on table c depends on table p");
    assert_string_equal(state(t, "TRUNCATE p"), "0A000");
    ok(t, "DELETE FROM p");
    assert_string_equal(rows(t, "SELECT count(*) FROM c"), "0\n");
    ok(t, "TRUNCATE p CASCADE; DROP TABLE p CASCADE; INSERT INTO c VALUES (3, 99)");
    ok(t, "CREATE TABLE x (a int PRIMARY KEY); CREATE TABLE y (a int REFERENCES x); INSERT INTO x "
          "VALUES (1); "
          "INSERT INTO y VALUES (1); TRUNCATE x, y; INSERT INTO x VALUES (1); INSERT INTO y VALUES "
          "(1); DROP TABLE x, y");
}

static void views_body(struct test_session *t)
{
    ok(t, "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'); CREATE VIEW v (k, l) AS "
          "SELECT a, b FROM t");
    assert_string_equal(rows(t, "SELECT k, l FROM v"), "1|x\n");
    assert_string_equal(state(t, "DROP TABLE t"), "2BP01");
    ok(t, "CREATE OR REPLACE VIEW v AS SELECT a + 1 AS k FROM t");
    assert_string_equal(rows(t, "SELECT k FROM v"), "2\n");
    ok(t, "DROP TABLE t CASCADE");
    assert_string_equal(state(t, "SELECT k FROM v"), "42P01");
}

/* What pg_dump writes for a table with a serial column, in its order. */
static void dumped_body(struct test_session *t)
{
    ok(t, "CREATE TABLE public.p (id integer NOT NULL, name character varying(20) NOT NULL); "
          "ALTER TABLE public.p OWNER TO postgres; "
          "CREATE SEQUENCE public.p_id_seq AS integer START WITH 1 INCREMENT BY 1 NO MINVALUE NO "
          "MAXVALUE CACHE 1; "
          "ALTER SEQUENCE public.p_id_seq OWNED BY public.p.id; "
          "ALTER TABLE ONLY public.p ALTER COLUMN id SET DEFAULT "
          "nextval('public.p_id_seq'::regclass); "
          "INSERT INTO public.p VALUES (1, 'a'); SELECT pg_catalog.setval('public.p_id_seq', 1, "
          "true); "
          "ALTER TABLE ONLY public.p ADD CONSTRAINT p_name_key UNIQUE (name); "
          "ALTER TABLE ONLY public.p ADD CONSTRAINT p_pkey PRIMARY KEY (id)");
    assert_string_equal(rows(t, "INSERT INTO p (name) VALUES ('b') RETURNING id"), "2\n");
    assert_string_equal(state(t, "INSERT INTO p VALUES (1, 'c')"), "23505");
    ok(t, "CREATE TABLE c (id int NOT NULL, pid int); ALTER TABLE public.c ALTER COLUMN id ADD "
          "GENERATED BY DEFAULT AS "
          "IDENTITY (SEQUENCE NAME public.c_id_seq START WITH 7 INCREMENT BY 1 NO MINVALUE NO "
          "MAXVALUE CACHE 1); "
          "ALTER TABLE ONLY public.c ADD CONSTRAINT c_pid_fkey FOREIGN KEY (pid) REFERENCES "
          "public.p(id) ON DELETE CASCADE");
    assert_string_equal(rows(t, "INSERT INTO c (pid) VALUES (1) RETURNING id"), "7\n");
    assert_string_equal(state(t, "INSERT INTO c (pid) VALUES (9)"), "23503");
}

static void made_by_query_body(struct test_session *t)
{
    ok(t, "CREATE TABLE a AS SELECT 1 AS x, 'y'::varchar(3) AS y; SELECT x + 1 AS z INTO b FROM a");
    assert_string_equal(t->tag, "SELECT 1");
    assert_string_equal(rows(t, "SELECT x, y, z FROM a, b"), "1|y|2\n");
    assert_string_equal(t->types, "x:23 y:1043 z:23");
    ok(t, "CREATE TABLE c (p, q) AS SELECT 1, 2 WITH NO DATA; CREATE TABLE IF NOT EXISTS a AS "
          "SELECT 5");
    assert_string_equal(t->tag, "CREATE TABLE AS");
    assert_string_equal(rows(t, "SELECT count(*) FROM c"), "0\n");
    assert_string_equal(state(t, "CREATE TABLE a AS SELECT 1"), "42P07");
}

/* A change of the text that is rolled back is seen by nobody. */
static void rollback_body(struct test_session *t)
{
    ok(t, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    assert_string_equal(rows(t, "SELECT * FROM t"), "1\n");
    ok(t,
       "BEGIN; ALTER TABLE t ADD b int DEFAULT 3, ADD CHECK (a < 5); INSERT INTO t VALUES (2, 4)");
    assert_string_equal(rows(t, "SELECT * FROM t"), "1|3\n2|4\n");
    ok(t, "ROLLBACK");
    assert_string_equal(rows(t, "SELECT * FROM t"), "1\n");
    ok(t, "INSERT INTO t VALUES (9)");
    ok(t, "BEGIN; SAVEPOINT s; ALTER TABLE t ALTER a SET NOT NULL; ROLLBACK TO s; INSERT INTO t "
          "VALUES (NULL); COMMIT");
    assert_string_equal(rows(t, "SELECT count(*) FROM t"), "3\n");
}

/* Each allocation of an ALTER TABLE fails once: the statement ends with 53200 or works, the table
 * is whole. */
static void memory_body(struct test_session *t)
{
    ok(t, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    for (uint64_t n = 1; n < 400; n += 3) {
        ok(t, "BEGIN");
        mem_fail_at(n, false);
        bool worked = run(t, "ALTER TABLE t ADD b int DEFAULT 3");
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        if (!worked) {
            assert_string_equal(t->failure.sqlstate, "53200");
        }
        ok(t, "ROLLBACK");
        assert_string_equal(rows(t, "SELECT * FROM t"), "1\n");
        if (!hit) {
            return;
        }
    }
}

static void test_object_names_are_cut_as_postgresql_cuts(void **state)
{
    char out[ddl_name_bytes];

    (void)state;
    ddl_object_name(out, "t", "a", "idx", 0);
    assert_string_equal(out, "t_a_idx");
    ddl_object_name(out, "t", NULL, "pkey", 2);
    assert_string_equal(out, "t_pkey2");
    ddl_object_name(out, "a_table_whose_name_is_forty_letters_long_",
                    "a_column_whose_name_is_fifty_letters_long_and_m", "key", 0);
    assert_int_equal(strlen(out), 63);
    assert_string_equal(out, "a_table_whose_name_is_forty_l_a_column_whose_name_is_fifty__key");
}

static void test_elements_are_cut_into_parts(void **state)
{
    static const struct {
        const char *element, *type, *not_null, *dflt;
    } rows_[] = {
        { "\"a\" int4", " int4", "", "" },
        { "\"a\" numeric(10,2) NOT NULL DEFAULT (1 + (2))", " numeric(10,2)", "NOT NULL",
          "DEFAULT (1 + (2))" },
        { "a DEFAULT -5 NOT NULL", "", "NOT NULL", "DEFAULT -5" },
        { "a DEFAULT 'not null' CHECK (a NOT NULL)", "", "", "DEFAULT 'not null'" },
        { "\"a", "", "", "" },
        { "a varchar(", " varchar(", "", "" },
        { "", "", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows_); i++) {
        struct view e = view_of_str(rows_[i].element);
        struct view type = element_part(e, PART_TYPE);
        assert_true(view_equal_str(element_part(e, PART_NOT_NULL), rows_[i].not_null) ||
                    element_part(e, PART_NOT_NULL).len == 0);
        assert_int_equal(element_part(e, PART_NOT_NULL).len, strlen(rows_[i].not_null));
        assert_int_equal(element_part(e, PART_DEFAULT).len, strlen(rows_[i].dflt));
        if (rows_[i].type[0] != '\0') {
            assert_true(view_equal_str(type, rows_[i].type));
        }
    }
}

#define BODY(name)                        \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        with_session(name##_body);        \
    }

BODY(constraints)
BODY(create_errors)
BODY(defaults)
BODY(serial)
BODY(sequences)
BODY(indexes)
BODY(alter)
BODY(foreign_keys)
BODY(views)
BODY(dumped)
BODY(made_by_query)
BODY(rollback)
BODY(memory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constraints),
        cmocka_unit_test(test_create_errors),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_serial),
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_indexes),
        cmocka_unit_test(test_alter),
        cmocka_unit_test(test_foreign_keys),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_dumped),
        cmocka_unit_test(test_made_by_query),
        cmocka_unit_test(test_rollback),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_object_names_are_cut_as_postgresql_cuts),
        cmocka_unit_test(test_elements_are_cut_into_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
