#include "protocol/json.h"

#include "support.h"

#include <string.h>

static int check(const char *text)
{
    struct failure f;
    int r = json_check(view_of_str(text), &f);

    if (r != 0) {
        assert_string_equal(f.sqlstate, "22P02");
        assert_string_equal(failure_get(&f, FIELD_MESSAGE), "invalid input syntax for type json");
    }
    return r;
}

static void json_is_accepted(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        " [ ] ",
        "1",
        "-0.5e+10",
        "\"\"",
        "\"\\u00e9\\n\\\"\"",
        "true",
        "false",
        "null",
        "{\"a\":1,\"b\":[1,2,{\"c\":null}]}",
        "[[],[[]],{}]",
        "\t{ \"a\" : [ true , false ] }\r\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (check(good[i]) != 0) {
            fail_msg("refused: %s", good[i]);
        }
    }
}

static void what_is_not_json_is_refused(void **state)
{
    static const char *const bad[] = {
        "",      " ",     "tru",  "truex",     "01",        "1.",      ".5",       "-",
        "1e",    "+1",    "\"a",  "\"\\x\"",   "\"\\u12\"", "\"\t\"",  "{",        "}",
        "[",     "]",     "[1,]", "[,1]",      "[1 2]",     "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "{a:1}", "{1:2}", "[1}",  "{\"a\":1]", "1 2",       "{}x",     "'a'",      "NaN",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (check(bad[i]) == 0) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

static void every_truncation_is_refused(void **state)
{
    static const char whole[] = "{\"a\":[1.5e3,{\"b\":\"\\u00e9\"}]}";
    struct failure f;

    (void)state;
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        assert_int_equal(json_check(view_of(whole, len), &f), FAILED);
    }
    assert_int_equal(json_check(view_of(whole, sizeof(whole) - 1), &f), 0);
}

static void the_deepest_is_taken_and_one_more_is_not(void **state)
{
    static char text[4 * json_depth_max];
    struct failure f;

    (void)state;
    memset(text, '[', json_depth_max);
    memset(text + json_depth_max, ']', json_depth_max);
    assert_int_equal(json_check(view_of(text, 2 * json_depth_max), &f), 0);
    memset(text, '[', json_depth_max + 1);
    memset(text + json_depth_max + 1, ']', json_depth_max + 1);
    assert_int_equal(json_check(view_of(text, 2 * json_depth_max + 2), &f), FAILED);
    assert_string_equal(f.sqlstate, "54001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_accepted),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(the_deepest_is_taken_and_one_more_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
