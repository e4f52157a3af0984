#include "conf/auth_file.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY         "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
#define VERIFIER(n) "SCRAM-SHA-256$" n ":W22ZaJ0SNY7soEsUEjb6gQ==$" KEY ":" KEY

static void destroy(struct auth_file **users)
{
    auth_file_unref(*users);
}

static struct auth_file *parsed(const char *text)
{
    struct auth_file *users = NULL;
    struct failure f = { 0 };

    if (auth_file_parse("F", view_of_str(text), &users, &f) != 0) {
        fail_msg("%s", failure_get(&f, FIELD_MESSAGE));
    }
    return users;
}

static void assert_iterations(const struct auth_file *users, const char *name, uint32_t n)
{
    const struct scram_verifier *verifier = auth_file_find(users, name);

    assert_non_null(verifier);
    assert_int_equal(verifier->iterations, n);
}

static void users_are_found_by_name(void **state)
{
    cleanup(destroy) struct auth_file *users = parsed(
        "; users\n"
        "# of pond\n"
        "\n"
        "\"bob\" \"" VERIFIER("4096") "\"\n"
                                      "\"alice\"\t\"" VERIFIER(
                                          "5000") "\"\r\n"
                                                  "  \"a \"\"b\"\"\" \"" VERIFIER("1") "\"  ");

    (void)state;
    assert_iterations(users, "bob", 4096);
    assert_iterations(users, "alice", 5000);
    assert_iterations(users, "a \"b\"", 1);
    assert_null(auth_file_find(users, "Alice"));
    assert_null(auth_file_find(users, ""));
    assert_int_equal(auth_file_usual(users)->iterations, 4096);
}

static void an_empty_file_has_nobody(void **state)
{
    cleanup(destroy) struct auth_file *users = parsed("");

    (void)state;
    assert_null(auth_file_find(users, "bob"));
    assert_null(auth_file_find(NULL, "bob"));
    assert_int_equal(auth_file_usual(users)->iterations, 4096);
    assert_int_equal(auth_file_usual(users)->salt_len, 16);
}

static void mistakes_are_refused_with_their_line(void **state)
{
#define EXPECTED "expected a SCRAM-SHA-256 verifier for user \"bob\", not "
#define HINT     "; \"pond passwd\" makes one"
    static const char *const rows[][2] = {
        { "\n\nbob x", "F:3: expected \"user\" \"SCRAM-SHA-256$...\", both in quotes" },
        { "\"bob\"", "F:1: expected \"user\" \"SCRAM-SHA-256$...\", both in quotes" },
        { "\"bob\" secret", "F:1: expected \"user\" \"SCRAM-SHA-256$...\", both in quotes" },
        { "\"bob", "F:1: a quote is open at the end of the line" },
        { "\"bob\" \"x\"\"", "F:1: a quote is open at the end of the line" },
        { "\"bob\" \"secret\"", "F:1: " EXPECTED "a password in plain text" HINT },
        { "\"bob\" \"\"", "F:1: " EXPECTED "nothing" HINT },
        { "\"bob\" \"md5aaaaaaaaaabbbbbbbbbbccccccccccdd\"", "F:1: " EXPECTED "an MD5 hash" HINT },
        { "\"bob\" \"SCRAM-SHA-256$4096:x$y:z\"", "F:1: " EXPECTED "a broken verifier" HINT },
        { "\"bob\" \"" VERIFIER("4096") "\" \"2027-01-01\"",
          "F:1: expected nothing behind the verifier" },
        { "\"\" \"" VERIFIER("4096") "\"", "F:1: expected the name of a user, not \"\"" },
        { "\"bob\" \"" VERIFIER("1") "\"\n\"al\" \"" VERIFIER("1") "\"\n\"bob\" \"" VERIFIER(
              "1") "\"",
          "F:3: user \"bob\" is there twice" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct auth_file *users = NULL;
        struct failure f = { 0 };

        assert_int_equal(auth_file_parse("F", view_of_str(rows[i][0]), &users, &f), FAILED);
        assert_null(users);
        assert_string_equal(failure_get(&f, FIELD_MESSAGE), rows[i][1]);
    }
}

/* A start-up packet's is cut after 63 bytes: he could never log in. */
static void a_name_that_is_too_long_is_refused(void **state)
{
    static const char name[] = "64 bytes ------------------------------------------------------+";
    char text[300];
    struct auth_file *users;
    struct failure f;

    (void)state;
    snprintf(text, sizeof(text), "\"%s\" \"" VERIFIER("1") "\"", name + 1);
    assert_int_equal(auth_file_parse("F", view_of_str(text), &users, &f), 0);
    assert_non_null(auth_file_find(users, name + 1));
    auth_file_unref(users);
    snprintf(text, sizeof(text), "\"%s\" \"" VERIFIER("1") "\"", name);
    assert_int_equal(auth_file_parse("F", view_of_str(text), &users, &f), FAILED);
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), "F:1: the name is too long");
}

static void many_users_are_found(void **state)
{
    cleanup(buf_finish) struct buf text = { 0 };
    char name[16];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(
            buf_printf(&text, "\"u%d\" \"" VERIFIER("%d") "\"\n", i * 7 % 1000, i * 7 % 1000 + 1),
            0);
    }
    assert_int_equal(buf_append_byte(&text, '\0'), 0);
    cleanup(destroy) struct auth_file *users = parsed((const char *)text.data);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "u%d", i);
        assert_iterations(users, name, (uint32_t)i + 1);
    }
}

/* ---- strangers ---- */

static struct auth_file *users_of(int quick, int slow)
{
    cleanup(buf_finish) struct buf text = { 0 };

    for (int i = 0; i < quick + slow; i++) {
        const char *iterations = i % 2 == 0 && i / 2 < slow ? "9000" : "4096";

        assert_int_equal(buf_printf(&text, "\"u%d\" \"SCRAM-SHA-256$%s:", i, iterations), 0);
        assert_int_equal(buf_append_str(&text, "W22ZaJ0SNY7soEsUEjb6gQ==$" KEY ":" KEY "\"\n"), 0);
    }
    assert_int_equal(buf_append_byte(&text, '\0'), 0);
    return parsed((const char *)text.data);
}

/* One of many: as their keys are, evenly spread. */
static struct scram_verifier stranger(uint32_t i, uint32_t count)
{
    uint32_t number = (uint32_t)(((uint64_t)i << 32) / count);
    struct scram_verifier v = { .iterations = 1, .salt_len = 1 };

    memcpy(v.stored_key, &number, sizeof(number));
    return v;
}

static void strangers_have_iterations_as_often_as_users_do(void **state)
{
    cleanup(destroy) struct auth_file *users = users_of(30, 10);
    int slow = 0;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        struct scram_verifier v = stranger(i, 1000);

        auth_file_disguise(users, &v);
        assert_true(v.iterations == 4096 || v.iterations == 9000);
        assert_int_equal(v.salt_len, 16);
        slow += v.iterations == 9000;
    }
    assert_int_equal(slow, 250);
}

/* Who asks before and after would know for whom it was made up. */
static void another_user_changes_few_strangers(void **state)
{
    cleanup(destroy) struct auth_file *before = users_of(30, 10), *after = users_of(31, 10);
    int different = 0;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        struct scram_verifier v = stranger(i, 1000), w = v;

        auth_file_disguise(before, &v);
        auth_file_disguise(after, &w);
        different += v.iterations != w.iterations;
    }
    assert_in_range(different, 1, 10);
}

static void without_users_a_stranger_is_as_he_was_made(void **state)
{
    cleanup(destroy) struct auth_file *users = parsed("");
    struct scram_verifier v = stranger(1, 2);

    (void)state;
    auth_file_disguise(users, &v);
    auth_file_disguise(NULL, &v);
    assert_int_equal(v.iterations, 1);
    assert_int_equal(v.salt_len, 1);
}

static void out_of_memory_is_said(void **state)
{
    uint64_t n = 1;
    int r;

    (void)state;
    do {
        struct auth_file *users = NULL;
        struct failure f;

        mem_fail_at(n++, false);
        r = auth_file_parse("F", view_of_str("\"bob\" \"" VERIFIER("1") "\""), &users, &f);
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_int_equal(r, hit ? -ENOMEM : 0);
        auth_file_unref(users);
    } while (r != 0);
    assert_true(n > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_found_by_name),
        cmocka_unit_test(an_empty_file_has_nobody),
        cmocka_unit_test(mistakes_are_refused_with_their_line),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(many_users_are_found),
        cmocka_unit_test(strangers_have_iterations_as_often_as_users_do),
        cmocka_unit_test(another_user_changes_few_strangers),
        cmocka_unit_test(without_users_a_stranger_is_as_he_was_made),
        cmocka_unit_test(out_of_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
