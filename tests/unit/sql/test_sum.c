/* Numerics look exact: what is shown behind the point, and sums that lose no cents. The results are
 * PostgreSQL 15's. */
#include "support_session.h"

#include "sql/function_tables.h"
#include "sql/literal.h"
#include "sql/session_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void prices(struct test_session *t)
{
    assert_true(run(t, "CREATE TABLE p (id int4 PRIMARY KEY, price numeric(10,2), n int4,"
                       " free numeric)"));
    assert_true(
        run(t, "INSERT INTO p VALUES (1, 19.5, 2, 1.250), (2, 0.1, 3, 7), (3, 0.2, 1, NULL)"));
}

static const struct {
    const char *expression, *result;
} shown_rows[] = {
    { "price", "19.50" },
    { "price + n", "21.50" },
    { "price * 1.125", "21.93750" },
    { "price - 0.5", "19.00" },
    { "-price", "-19.50" },
    { "abs(-price)", "19.50" },
    { "1.50", "1.50" },
    { "2 * 1.50", "3.00" },
    { "round(price, 1)", "19.5" },
    { "round(price * 3.333, 3)", "64.994" },
    { "round(price)", "20" },
    { "trunc(price, 1)", "19.5" },
    { "floor(price)", "19" },
    { "price::numeric(12,4)", "19.5000" },
    { "price::numeric", "19.50" },
    { "n::numeric", "2" },
    { "n::numeric(5,1)", "2.0" },
    { "coalesce(price, 0)", "19.50" },
    { "coalesce(price, 1.125)", "19.500" },
    { "greatest(price, 3)", "19.50" },
    { "nullif(price, 1)", "19.50" },
    { "CASE WHEN n = 2 THEN price ELSE 0 END", "19.50" },
    { "price % 2", "1.50" },
    { "price::text", "19.50" },
    { "price || ' EUR'", "19.50 EUR" },
    { "concat(price, '!')", "19.50!" },
    { "to_json(price)", "19.50" },
    { "(SELECT sum(price) FROM p)", "19.80" },
    { "free", "1.25" }, /* PostgreSQL keeps 1.250: pond does not know how it was written */
};

static void shown_body(struct test_session *t)
{
    char text[256], wanted[64];

    prices(t);
    for (size_t i = 0; i < ARRAY_LEN(shown_rows); i++) {
        snprintf(text, sizeof text, "SELECT %s FROM p WHERE id = 1", shown_rows[i].expression);
        snprintf(wanted, sizeof wanted, "%s\n", shown_rows[i].result);
        assert_string_equal(rows(t, text), wanted);
    }
}

static void carried_body(struct test_session *t)
{
    prices(t);
    assert_string_equal(
        rows(t, "WITH c AS (SELECT price * n AS v FROM p) SELECT sum(v), max(v), min(v) FROM c"),
        "39.50|39.00|0.20\n");
    assert_string_equal(
        rows(t, "SELECT v FROM (SELECT price AS v FROM p UNION SELECT 1) x ORDER BY v"),
        "0.10\n0.20\n1.00\n19.50\n");
    assert_true(run(t, "CREATE VIEW w AS SELECT sum(price) AS s FROM p"));
    assert_string_equal(rows(t, "SELECT s, s + 1 FROM w"), "19.80|20.80\n");
    assert_string_equal(rows(t, "SELECT round(2.5, 2)"), "2.50\n"); /* one plan each: */
    assert_string_equal(rows(t, "SELECT round(2.5, 1)"), "2.5\n");
    assert_string_equal(rows(t, "SELECT 2.5"), "2.5\n");
    assert_string_equal(rows(t, "SELECT 2.50"), "2.50\n");
    assert_string_equal(rows(t, "SELECT 1.5e3"), "1500\n");
}

static void sums_body(struct test_session *t)
{
    prices(t);
    assert_string_equal(rows(t, "SELECT sum(v), avg(v) FROM (VALUES (0.1), (0.2), (0.3)) x(v)"),
                        "0.6|0.2\n");
    assert_true(run(t, "CREATE TABLE many (v numeric(12,2))"));
    assert_true(
        run(t, "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 20000)"
               " INSERT INTO many SELECT 3031.61 + (n % 7) / 100.0 FROM i"));
    assert_string_equal(rows(t, "SELECT sum(v) FROM many"), "60632799.98\n");
    assert_string_equal(rows(t, "SELECT sum(v) = 60632799.98, sum(v) - 60632799.98 FROM many"),
                        "t|0.00\n");
    assert_string_equal(rows(t, "SELECT sum(v) FROM many WHERE v < 0"), "~\n");
    assert_string_equal(rows(t, "SELECT 0.1 + 0.2 = 0.3, 0.3 >= price + 0.2 FROM p WHERE id = 2"),
                        "t|t\n");
    assert_string_equal(rows(t, "SELECT sum(DISTINCT v) FROM (VALUES (0.1), (0.1), (0.25)) x(v)"),
                        "0.35\n");
    assert_string_equal(rows(t, "SELECT sum(v) FROM (VALUES (1e15), (0.25), (-1e15)) x(v)"),
                        "0.25\n");
}

/* Rows leave the frame again, and with the last of them all that they left behind. */
static void window_body(struct test_session *t)
{
    prices(t);
    assert_string_equal(rows(t, "SELECT sum(price) OVER (ORDER BY id ROWS 1 PRECEDING) FROM p"),
                        "19.50\n19.60\n0.30\n");
    assert_string_equal(
        rows(t, "SELECT avg(price) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND CURRENT ROW)"
                " FROM p"),
        "19.5\n0.1\n0.2\n");
    assert_string_equal(rows(t, "SELECT sum(v) OVER (ORDER BY o ROWS 1 PRECEDING) FROM"
                                " (VALUES (1, 'NaN'::numeric), (2, 1.5), (3, 2.5)) x(o, v)"),
                        "NaN\nNaN\n4\n");
}

static void overflow_body(struct test_session *t)
{
    assert_string_equal(state(t, "SELECT sum(v) FROM (VALUES (9223372036854775807), (1)) x(v)"),
                        "22003");
}

static void refused_body(struct test_session *t)
{
    assert_string_equal(state(t, "SELECT sum('a'::text)"), "42883");
    assert_string_equal(state(t, "SELECT avg(true)"), "42883");
    assert_string_equal(state(t, "SELECT sum(interval '1 day')"), "0A000");
    assert_string_equal(state(t, "SELECT 1 LIMIT -1"), "2201W");
    assert_string_equal(state(t, "SELECT 1 OFFSET 1 - 2"), "2201X");
    assert_string_equal(rows(t, "SELECT 1 LIMIT NULL"), "1\n");
    assert_true(run(t, "CREATE TABLE two (id int4 PRIMARY KEY, name text)"));
    assert_true(run(t, "INSERT INTO two VALUES (1, 'a'), (2, 'b')"));
    assert_string_equal(state(t, "SELECT (SELECT id FROM two)"), "21000");
    assert_string_equal(state(t, "SELECT 1 FROM two WHERE id = (SELECT id FROM two)"), "21000");
    assert_string_equal(rows(t, "SELECT (SELECT name FROM two t WHERE t.id = two.id + 1) FROM two"),
                        "b\n~\n");
    assert_string_equal(rows(t, "SELECT (SELECT name AS n FROM two ORDER BY n DESC LIMIT 1)"),
                        "b\n");
    assert_string_equal(state(t, "SELECT DISTINCT name FROM two ORDER BY id"), "42P10");
    assert_string_equal(
        rows(t, "SELECT DISTINCT name AS n, id FROM two t ORDER BY t.name DESC, n, 2"),
        "b|2\na|1\n");
}

static void what_postgresql_refuses_is_refused(void **state_)
{
    (void)state_;
    with_session(refused_body);
}

static void shows_what_postgresql_shows(void **state_)
{
    (void)state_;
    with_session(shown_body);
}

static void queries_views_and_plans_pass_the_scale_on(void **state_)
{
    (void)state_;
    with_session(carried_body);
}

static void sums_lose_no_cents(void **state_)
{
    (void)state_;
    with_session(sums_body);
}

static void window_sums_take_rows_back(void **state_)
{
    (void)state_;
    with_session(window_body);
}

static void sums_of_integers_overflow(void **state_)
{
    (void)state_;
    with_session(overflow_body);
}

static void types_travel_as_one_number(void **state_)
{
    (void)state_;
    for (int scale = -1; scale <= numeric_scale_max; scale += 77) {
        struct type type = type_of_code(type_code(type_numeric(scale)));

        assert_int_equal(type.oid, OID_NUMERIC);
        assert_int_equal(type_scale(type), scale);
    }
    assert_int_equal(type_scale(type_numeric(numeric_scale_max + 1)), -1);
    assert_int_equal(type_of_code(OID_TEXT).oid, OID_TEXT);
    assert_int_equal(type_of_code(UINT32_MAX).oid, UINT32_MAX);
    assert_int_equal(type_scale((struct type){ OID_NUMERIC, (10 << 16 | 2) + 4, 0 }), 2);
    assert_int_equal(literal_scale(view_of_str("1.50")), 2);
    assert_int_equal(literal_scale(view_of_str("1.")), 0);
    assert_int_equal(literal_scale(view_of_str("15")), 0);
    assert_int_equal(literal_scale(view_of_str("1.5e3")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_travel_as_one_number),
        cmocka_unit_test(shows_what_postgresql_shows),
        cmocka_unit_test(queries_views_and_plans_pass_the_scale_on),
        cmocka_unit_test(sums_lose_no_cents),
        cmocka_unit_test(window_sums_take_rows_back),
        cmocka_unit_test(sums_of_integers_overflow),
        cmocka_unit_test(what_postgresql_refuses_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
