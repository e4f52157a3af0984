/* Options out of rows. */
#include "support.h"

#include "base/alloc.h"
#include "client/cli/option.h"

#include <string.h>

struct settings {
    bool flag;
    const char *text;
    long number;
    int64_t ms;
    int choice;
    struct option_list list;
};

static const struct option_row rows[] = {
    { "flag", 'f', OPTION_FLAG, offsetof(struct settings, flag), NULL, "a flag" },
    { "text", 't', OPTION_TEXT, offsetof(struct settings, text), "TEXT", "a text" },
    { "number", 'n', OPTION_NUMBER, offsetof(struct settings, number), "N", "a number" },
    { "seconds", 0, OPTION_SECONDS, offsetof(struct settings, ms), "SECONDS", "some time" },
    { "choice", 'c', OPTION_CHOICE, offsetof(struct settings, choice), "one|two|three", "a word" },
    { "list", 'l', OPTION_LIST, offsetof(struct settings, list), "ITEM",
      "things, of which there may be many, so that the help is long" },
};

static struct settings settings;

/* The words of a line, read; gives options_read()'s answer. */
static int reads(const char *line, bool first_only, int *ret_first)
{
    static char copy[1000], *argv[100];
    const struct option_set set = { rows, ARRAY_LEN(rows), &settings };
    int argc = 0;

    options_finish(&set);
    settings = (struct settings){ 0 };
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    return options_read(argc, argv, &set, 1, first_only, ret_first);
}

static int read_all(const char *line)
{
    int first;

    return reads(line, false, &first);
}

static void each_kind_is_set(void **state)
{
    int first;

    (void)state;
    assert_int_equal(
        reads("x -f --text=a -n 12 --seconds 1.5 -c two -l a --list b word", false, &first), 0);
    assert_true(settings.flag);
    assert_string_equal(settings.text, "a");
    assert_int_equal(settings.number, 12);
    assert_int_equal(settings.ms, 1500);
    assert_int_equal(settings.choice, 1);
    assert_int_equal(settings.list.count, 2);
    assert_string_equal(settings.list.items[1], "b");
    assert_int_equal(first, 13);
    assert_int_equal(read_all("x"), 0);
}

static void arguments_may_stand_before_options_unless_told(void **state)
{
    int first;

    (void)state;
    assert_int_equal(reads("x word -f", false, &first), 0);
    assert_true(settings.flag);
    assert_int_equal(first, 2);
    assert_int_equal(reads("x word -f", true, &first), 0);
    assert_false(settings.flag);
    assert_int_equal(first, 1);
    assert_int_equal(reads("x -- -f", false, &first), 0);
    assert_false(settings.flag);
    assert_int_equal(first, 2);
}

static void help_and_version_are_told(void **state)
{
    (void)state;
    assert_int_equal(read_all("x --help --bogus"), OPTIONS_HELP);
    assert_int_equal(read_all("x -f --version"), OPTIONS_VERSION);
}

static void mistakes_are_refused(void **state)
{
    static const char *const lines[] = {
        "x --bogus",
        "x -x",
        "x --text",
        "x -n",
        "x -n 1x",
        "x -n -1",
        "x -n 99999999999999999999",
        "x --flag=1",
        "x --seconds -1",
        "x --seconds nan",
        "x --seconds 1e10",
        "x -c four",
        "x -c one|two",
        "x -c o",
        "x --seconds",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (read_all(lines[i]) != -1) {
            fail_msg("accepted: %s", lines[i]);
        }
    }
}

static void memory_for_a_list_may_run_out(void **state)
{
    (void)state;
    mem_fail_at(1, true);
    int r = read_all("x -l a");
    mem_fail_at(0, false);
    assert_int_equal(r, -1);
}

static void the_help_has_a_line_for_each(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);

    (void)state;
    options_print(file, rows, ARRAY_LEN(rows));
    fclose(file);
    assert_non_null(strstr(text, "  -f, --flag                  a flag\n"));
    assert_non_null(strstr(text, "      --seconds SECONDS       some time\n"));
    assert_non_null(
        strstr(text, "  -c, --choice one|two|three\n                              a word\n"));
    free(text);
}

static int finish(void **state)
{
    (void)state;
    options_finish(&(struct option_set){ rows, ARRAY_LEN(rows), &settings });
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_set),
        cmocka_unit_test(arguments_may_stand_before_options_unless_told),
        cmocka_unit_test(help_and_version_are_told),
        cmocka_unit_test(mistakes_are_refused),
        cmocka_unit_test(memory_for_a_list_may_run_out),
        cmocka_unit_test(the_help_has_a_line_for_each),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
