/* daemon/console_parse.c */
#include "daemon/console_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The words with a | between them, and a ! behind them when something there is none. */
static void assert_words(const char *text, const char *expected)
{
    struct console_words words;
    char got[console_words_most * (console_word_bytes + 1) + 2] = "";

    console_parse(view_of_str(text), &words);
    for (size_t i = 0; i < words.count; i++) {
        size_t len = strlen(got);

        snprintf(got + len, sizeof(got) - len, "%s%s", i == 0 ? "" : "|", words.word[i]);
    }
    strcat(got, words.broken ? "!" : "");
    assert_string_equal(got, expected);
}

static void words_are_between_blanks(void **state)
{
    (void)state;
    assert_words("SHOW POOLS", "SHOW|POOLS");
    assert_words(" \t\r\nshow\n  Pools \n", "show|Pools");
    assert_words("a b c", "a|b|c");
    assert_words("KILL shop~run-1.x_2", "KILL|shop~run-1.x_2");
    assert_words("pause b\xc3\xa4r", "pause|b\xc3\xa4r");
}

static void nothing_is_no_command(void **state)
{
    (void)state;
    assert_words("", "");
    assert_words(" \n", "");
    assert_words(" ; ", "");
}

static void one_semicolon_may_be_the_end(void **state)
{
    (void)state;
    assert_words("SHOW POOLS;", "SHOW|POOLS");
    assert_words("SHOW POOLS ; \n", "SHOW|POOLS");
    assert_words("SHOW POOLS;;", "SHOW|POOLS!");
    assert_words("SHOW POOLS; SHOW VERSION", "SHOW|POOLS!");
}

static void quotes_hold_everything(void **state)
{
    (void)state;
    assert_words("KILL \"a name; with 'all' of it\"", "KILL|a name; with 'all' of it");
    assert_words("KILL \"a\"\"b\";", "KILL|a\"b");
    assert_words("KILL \"\"\"\"", "KILL|\"");
    assert_words("KILL \"\"", "KILL!");
    assert_words("KILL \"a", "KILL!");
    assert_words("KILL \"a\"\"", "KILL!");
    assert_words("KILL \"", "KILL!");
    assert_words("\"a\"b", "a!");
    assert_words("a\"b\"", "a!");
}

static void what_is_no_word_is_told_with_those_before_it(void **state)
{
    (void)state;
    assert_words("SET x = 1", "SET|x!");
    assert_words("SHOW 'POOLS'", "SHOW!");
    assert_words("-- note", "--|note");
    assert_words("/* note */ SHOW", "!");
    assert_words("a b c d", "a|b|c!");
}

static void a_word_that_is_too_long_is_none(void **state)
{
    char text[80] = "K ";

    (void)state;
    memset(text + 2, 'x', 63);
    text[65] = '\0';
    assert_words(text, "K|xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    text[65] = 'x';
    text[66] = '\0';
    assert_words(text, "K!");
    memcpy(text + 2, "\"", 1);
    assert_words(text, "K!");
}

static void a_nul_is_none(void **state)
{
    struct console_words words;

    (void)state;
    console_parse(view_of("SHOW\0POOLS", 10), &words);
    assert_true(words.broken);
    console_parse(view_of("KILL \"a\0b\"", 10), &words);
    assert_true(words.broken);
    assert_int_equal(words.count, 1);
}

static void words_are_known_in_capitals_and_without(void **state)
{
    struct console_words words;

    (void)state;
    console_parse(view_of_str("Show POOLS"), &words);
    assert_true(console_word_is(&words, 0, "SHOW"));
    assert_true(console_word_is(&words, 1, "pools"));
    assert_false(console_word_is(&words, 1, "pool"));
    assert_false(console_word_is(&words, 2, ""));
}

/* ---- SET ---- */

static void assert_sets(const char *text, const char *name, const char *value)
{
    struct console_setting setting;

    assert_true(console_parse_set(view_of_str(text), &setting));
    assert_string_equal(setting.name, name);
    assert_string_equal(setting.value, value);
}

static void assert_sets_nothing(const char *text)
{
    struct console_setting setting = { .name = "as it was" };

    assert_false(console_parse_set(view_of_str(text), &setting));
    assert_string_equal(setting.name, "as it was");
}

static void a_setting_is_a_name_and_a_value(void **state)
{
    (void)state;
    assert_sets("SET a = 1", "a", "1");
    assert_sets(" set\na=1;", "a", "1");
    assert_sets("SET a TO 64kB ; ", "a", "64kB");
    assert_sets("SET a to 'x'", "a", "x");
    assert_sets("SET a = -1", "a", "-1");
    assert_sets("SET a = */x:y,z+0.5", "a", "*/x:y,z+0.5");
    assert_sets("SET a = 'me, you; and ''him'''", "a", "me, you; and 'him'");
    assert_sets("SET a = ''", "a", "");
    assert_sets("SET \"a b\" = 1", "a b", "1");
    assert_sets("SET a = b\xc3\xa4r", "a", "b\xc3\xa4r");
}

static void what_sets_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "SET",
        "SET a",
        "SET a =",
        "SET a = ;",
        "SET a 1",
        "SET = 1",
        "SET a = 1 2",
        "SET a = 1;;",
        "SET a = 'x",
        "SET a = '",
        "SET a = 'x'y",
        "SET a = \"x\"",
        "SETa = 1",
        "RESET a = 1",
        "SET a TOx",
        "SET a == 1",
        "SET a = 1; SET b = 2",
        "SET a TO",
        "SET a TO'x'",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        assert_sets_nothing(texts[i]);
    }
}

static void a_value_that_is_too_long_is_none(void **state)
{
    char text[console_value_bytes + 32];
    int len = console_value_bytes - 1;
    struct console_setting setting;

    (void)state;
    snprintf(text, sizeof(text), "SET a = '%0*d'", len, 7);
    assert_true(console_parse_set(view_of_str(text), &setting));
    assert_int_equal(strlen(setting.value), len);
    snprintf(text, sizeof(text), "SET a = %0*d", len + 1, 7);
    assert_sets_nothing(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_between_blanks),
        cmocka_unit_test(nothing_is_no_command),
        cmocka_unit_test(one_semicolon_may_be_the_end),
        cmocka_unit_test(quotes_hold_everything),
        cmocka_unit_test(what_is_no_word_is_told_with_those_before_it),
        cmocka_unit_test(a_word_that_is_too_long_is_none),
        cmocka_unit_test(a_setting_is_a_name_and_a_value),
        cmocka_unit_test(what_sets_nothing),
        cmocka_unit_test(a_value_that_is_too_long_is_none),
        cmocka_unit_test(a_nul_is_none),
        cmocka_unit_test(words_are_known_in_capitals_and_without),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
