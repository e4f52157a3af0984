/* Values as JSON. */
#include "support.h"

#include "client/cli/json.h"
#include "protocol/pgtype.h"

#include <string.h>

static void written_as(uint32_t oid, const char *s, const char *expected)
{
    out_begin();
    json_put_value(&test_out, oid, s, strlen(s));
    assert_string_equal(out_text(), expected);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    written_as(OID_TEXT, "", "\"\"");
    written_as(OID_TEXT, "a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    written_as(OID_TEXT, "\b\t\n\v\f\r\x1f\x7f", "\"\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\"");
    written_as(OID_TEXT, "héllo 漢 😀", "\"héllo 漢 😀\"");
    written_as(OID_TEXT, "a\xff\xc3z", "\"a\xef\xbf\xbd\xef\xbf\xbdz\"");
}

static void types_decide_how_a_value_is_written(void **state)
{
    (void)state;
    written_as(OID_INT4, "-17", "-17");
    written_as(OID_FLOAT8, "1e+20", "1e+20");
    written_as(OID_FLOAT8, "NaN", "\"NaN\"");
    written_as(OID_FLOAT4, "-Infinity", "\"-Infinity\"");
    written_as(OID_NUMERIC, "123456789012345678901234567890.50",
               "123456789012345678901234567890.50");
    written_as(OID_BOOL, "t", "true");
    written_as(OID_BOOL, "f", "false");
    written_as(OID_BOOL, "true", "\"true\"");
    written_as(OID_TEXT, "17", "\"17\"");
    written_as(OID_DATE, "2026-01-02", "\"2026-01-02\"");
}

static void json_is_embedded_and_stays_on_its_line(void **state)
{
    (void)state;
    written_as(OID_JSON, "{\"a\":\n [1,\r\n2]}", "{\"a\":  [1,\r 2]}");
    written_as(OID_JSONB, "null", "null");
    written_as(OID_JSONB, "\"x\"", "\"x\"");
    written_as(OID_JSON, "{\"a\": 1", "\"{\\\"a\\\": 1\"");
}

static void numbers_are_those_of_json(void **state)
{
    static const char *const good[] = { "0", "-0", "10", "1.5", "-1.50e10", "1E-5", "0.1" };
    static const char *const bad[] = { "",    "-",   "01", "1.", ".5",       "+1",  "1e",
                                       "1e+", "0x1", "1 ", " 1", "Infinity", "1,2", "--1" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(json_is_number(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(json_is_number(bad[i], strlen(bad[i])));
    }
}

static void texts_are_judged_by_the_grammar(void **state)
{
    static const char *const good[] = {
        "1",
        " [ ] ",
        "{}",
        "[1,2,[3,{}],{\"a\":[]}]",
        "{\"a\":1,\"b\":{\"c\":null}}",
        "\"\\u00e9\\n\\\\\"",
        "true",
        "false",
        "\t\r\nnull\n",
        "[[[[[]]]]]",
        "\"é\"",
        "{\"\" : 0 }",
    };
    static const char *const bad[] = {
        "",
        " ",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "tru",
        "nul",
        "truex",
        "1 2",
        "\"",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12\"",
        "\"\xff\"",
        "[}",
        "{]",
        "[1}",
        "{\"a\":1]",
        "\"\\qtrue",
        "'a'",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
        "\"\\",
        "{\"a\" 1}",
        "01",
        "-",
        "[]]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (!json_is_valid(good[i], strlen(good[i]))) {
            fail_msg("refused: %s", good[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (json_is_valid(bad[i], strlen(bad[i]))) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static void depth_is_limited(void **state)
{
    char text[2 * json_depth_most + 2];

    (void)state;
    for (int depth = json_depth_most; depth <= json_depth_most + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        /* the innermost is empty and takes no place */
        assert_true(json_is_valid(text, 2 * (size_t)depth));
    }
    char deep[2 * json_depth_most + 8];
    memset(deep, '[', json_depth_most + 2);
    memset(deep + json_depth_most + 2, ']', json_depth_most + 2);
    assert_false(json_is_valid(deep, 2 * (json_depth_most + 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(types_decide_how_a_value_is_written),
        cmocka_unit_test(json_is_embedded_and_stays_on_its_line),
        cmocka_unit_test(numbers_are_those_of_json),
        cmocka_unit_test(texts_are_judged_by_the_grammar),
        cmocka_unit_test(depth_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
