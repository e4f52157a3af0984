/* The variables that lead a program to its database: what they hold, and how they are handed on. */
#include "client/cli/environment.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct place tcp = {
    .host = "127.0.0.1", .port = "7432", .user = "tester", .database = "shop~a1"
};
static const struct place local = {
    .host = "/tmp/x y", .port = "5432", .user = "me", .database = "shop"
};

static const char *value_of(const struct environment *environment, const char *name)
{
    for (size_t i = 0; i < environment->count; i++) {
        if (strcmp(environment->rows[i].name, name) == 0) {
            return environment->rows[i].value;
        }
    }
    return "no such row";
}

static void urls_are_encoded(void **state)
{
    static const struct {
        struct place place;
        const char *url;
    } rows[] = {
        { { .host = "127.0.0.1", .port = "7432", .user = "tester", .database = "shop~a1" },
          "postgresql://tester@127.0.0.1:7432/shop~a1" },
        { { .host = "::1", .port = "1", .user = "u", .database = "d" },
          "postgresql://u@[::1]:1/d" },
        { { .host = "db.example", .port = "1", .user = "a b@c", .database = "x/y?z#%" },
          "postgresql://a%20b%40c@db.example:1/x%2Fy%3Fz%23%25" },
        { { .host = "h", .port = "1", .user = "\xc3\xbc", .database = "'\"\\" },
          "postgresql://%C3%BC@h:1/%27%22%5C" },
        { { .host = "/tmp", .port = "7432", .user = "u", .database = "d" },
          "postgresql://u@/d?host=%2Ftmp&port=7432" },
        { { .host = "/a b&c=%", .port = "1", .user = "u", .database = "d" },
          "postgresql://u@/d?host=%2Fa%20b%26c%3D%25&port=1" },
        { { .host = "@abstract", .port = "1", .user = "", .database = "" },
          "postgresql://@/?host=%40abstract&port=1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup(buf_finish) struct buf url = { 0 };

        assert_int_equal(environment_url(&url, &rows[i].place), 0);
        assert_int_equal(url.len, strlen(rows[i].url));
        assert_memory_equal(url.data, rows[i].url, url.len);
    }
}

static void a_password_is_in_no_url(void **state)
{
    struct place place = tcp;
    struct environment environment;

    (void)state;
    assert_int_equal(environment_make(&place, &environment), 0);
    assert_string_equal(value_of(&environment, "PGPASSWORD"), "no such row"); /* stays as it is */
    environment_finish(&environment);
    place.password = "it's";
    assert_int_equal(environment_make(&place, &environment), 0);
    assert_string_equal(value_of(&environment, "PGPASSWORD"), "it's");
    assert_null(strstr(value_of(&environment, "DATABASE_URL"), "it"));
    assert_null(strstr(value_of(&environment, "JDBC_DATABASE_URL"), "it"));
    environment_finish(&environment);
}

static void jdbc_has_no_sockets(void **state)
{
    struct environment environment;

    (void)state;
    assert_int_equal(environment_make(&tcp, &environment), 0);
    assert_string_equal(value_of(&environment, "JDBC_DATABASE_URL"),
                        "jdbc:postgresql://127.0.0.1:7432/shop~a1?user=tester");
    assert_string_equal(value_of(&environment, "PGPORT"), "7432");
    assert_null(value_of(&environment, "PGSERVICE"));
    environment_finish(&environment);
    assert_int_equal(environment_make(&local, &environment), 0);
    assert_null(value_of(&environment, "JDBC_DATABASE_URL"));
    assert_string_equal(value_of(&environment, "PGHOST"), "/tmp/x y");
    environment_finish(&environment);
    environment_finish(&environment);
}

static void who_demanded_tls_hands_that_on(void **state)
{
    struct place place = tcp;
    struct environment environment;

    (void)state;
    place.sslrootcert = "/a b/root.crt"; /* nobody spoke of TLS: it is only where one would look */
    assert_int_equal(environment_make(&place, &environment), 0);
    assert_string_equal(value_of(&environment, "PGSSLROOTCERT"), "no such row");
    environment_finish(&environment);
    place.sslmode = "verify-full";
    place.sslkey = "/key";
    assert_int_equal(environment_make(&place, &environment), 0);
    assert_string_equal(value_of(&environment, "PGSSLMODE"), "verify-full");
    assert_string_equal(value_of(&environment, "PGSSLROOTCERT"), "/a b/root.crt");
    assert_string_equal(value_of(&environment, "PGSSLKEY"), "/key");
    assert_string_equal(value_of(&environment, "PGSSLCERT"), "no such row");
    assert_string_equal(value_of(&environment, "DATABASE_URL"),
                        "postgresql://tester@127.0.0.1:7432/"
                        "shop~a1?sslmode=verify-full&sslrootcert=%2Fa%20b%2Froot.crt");
    assert_string_equal(value_of(&environment, "JDBC_DATABASE_URL"),
                        "jdbc:postgresql://127.0.0.1:7432/"
                        "shop~a1?user=tester&sslmode=verify-full&sslrootcert=%2Fa%20b%2Froot.crt");
    environment_finish(&environment);
    place.host = "/tmp";
    assert_int_equal(environment_make(&place, &environment), 0);
    assert_string_equal(value_of(&environment, "PGSSLMODE"), "no such row");
    environment_finish(&environment);
}

static void a_program_gets_them_once_and_the_others_as_they_are(void **state)
{
    char *base[] = { "A=1",      "PGHOST=old", "PGHOSTS=other", "PGSERVICE=x", "odd",
                     "PGHOST=b", "=",          "PGHOSTADDR=y",  NULL };
    static const char *const expected[] = { "A=1", "PGHOSTS=other", "odd", "=", "PGHOST=/tmp/x y" };
    struct environment environment;

    (void)state;
    assert_int_equal(environment_make(&local, &environment), 0);
    char **made = environment_over(&environment, base);
    assert_non_null(made);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_string_equal(made[i], expected[i]);
    }
    assert_string_equal(made[8],
                        "DATABASE_URL=postgresql://me@/shop?host=%2Ftmp%2Fx%20y&port=5432");
    assert_null(made[9]);
    mem_free(made);
    environment_finish(&environment);
}

static void a_word_is_quoted_for_a_shell(void **state)
{
    static const struct {
        const char *word, *quoted;
    } rows[] = {
        { "", "''" },
        { "a b", "'a b'" },
        { "it's", "'it'\\''s'" },
        { "\\\"$`", "'\\\"$`'" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup(buf_finish) struct buf out = { 0 };

        assert_int_equal(environment_quote(&out, rows[i].word), 0);
        assert_int_equal(out.len, strlen(rows[i].quoted));
        assert_memory_equal(out.data, rows[i].quoted, out.len);
    }
}

static void a_shell_gets_them_in_quotes(void **state)
{
    cleanup(buf_finish) struct buf out = { 0 };
    struct environment environment = { .count = 0 };
    static const char expected[] = "export A='it'\\''s $x `y`\n';\nunset B;\nexport C='';\n";

    (void)state;
    assert_int_equal(environment_add(&environment, "A", "it's $x `y`\n"), 0);
    assert_int_equal(environment_add(&environment, "B", NULL), 0);
    assert_int_equal(environment_add(&environment, "C", ""), 0);
    assert_int_equal(environment_exports(&environment, &out), 0);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data, expected, out.len);
    environment_finish(&environment);
}

/* At whatever allocation memory ends, nothing is left of it, and nothing is half made. */
static void without_memory_there_are_none(void **state)
{
    char *base[] = { "A=1", NULL };
    size_t refused = 0;

    (void)state;
    for (size_t limit = 1; limit < 1200; limit += 8) {
        struct account account = { .limit = limit };
        struct account *was = account_swap(&account);
        struct environment environment = { .count = 0 };
        int r = environment_make(&tcp, &environment);
        char **made = r == 0 ? environment_over(&environment, base) : NULL;

        assert_true(r == 0 || (r == -ENOMEM && environment.count == 0));
        refused += made == NULL;
        mem_free(made);
        environment_finish(&environment);
        account_swap(was);
        account_finish(&account);
    }
    assert_in_range(refused, 10, 149);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_encoded),
        cmocka_unit_test(a_password_is_in_no_url),
        cmocka_unit_test(jdbc_has_no_sockets),
        cmocka_unit_test(who_demanded_tls_hands_that_on),
        cmocka_unit_test(a_program_gets_them_once_and_the_others_as_they_are),
        cmocka_unit_test(a_word_is_quoted_for_a_shell),
        cmocka_unit_test(a_shell_gets_them_in_quotes),
        cmocka_unit_test(without_memory_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
