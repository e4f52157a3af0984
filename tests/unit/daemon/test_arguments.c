/* daemon/arguments.c */
#include "daemon/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *const *argv, struct arguments *arguments, struct failure *failure)
{
    int argc = 0;

    while (argv[argc] != NULL) {
        argc++;
    }
    memset(failure, 0, sizeof(*failure));
    return arguments_parse(argc, (char *const *)argv, arguments, failure);
}

#define PARSE(arguments, failure, ...) \
    parse((const char *const[]){ "pondd", __VA_ARGS__, NULL }, (arguments), (failure))

static void a_run_needs_only_a_file(void **state)
{
    struct arguments arguments;
    struct failure failure;

    (void)state;
    assert_int_equal(PARSE(&arguments, &failure, "-c", "x.conf"), 0);
    assert_int_equal(arguments.mode, MODE_RUN);
    assert_string_equal(arguments.file, "x.conf");
    assert_int_equal(arguments.ready_fd, -1);
    assert_int_equal(arguments.override_count, 0);
}

static void all_of_it_together(void **state)
{
    struct arguments arguments;
    struct failure failure;

    (void)state;
    assert_int_equal(
        PARSE(&arguments, &failure, "-o", "a=b", "-cx.conf", "-t", "--ready-fd=7", "-oc=d"), 0);
    assert_int_equal(arguments.mode, MODE_CHECK);
    assert_string_equal(arguments.file, "x.conf");
    assert_int_equal(arguments.ready_fd, 7);
    assert_int_equal(arguments.override_count, 2);
    assert_string_equal(arguments.overrides[0], "a=b");
    assert_string_equal(arguments.overrides[1], "c=d");
    assert_int_equal(PARSE(&arguments, &failure, "--ready-fd", "0", "-c", "x"), 0);
    assert_int_equal(arguments.ready_fd, 0);
}

static void version_and_help_need_no_file(void **state)
{
    struct arguments arguments;
    struct failure failure;

    (void)state;
    assert_int_equal(PARSE(&arguments, &failure, "-V"), 0);
    assert_int_equal(arguments.mode, MODE_VERSION);
    assert_int_equal(PARSE(&arguments, &failure, "--version"), 0);
    assert_int_equal(arguments.mode, MODE_VERSION);
    assert_int_equal(PARSE(&arguments, &failure, "--help"), 0);
    assert_int_equal(arguments.mode, MODE_HELP);
    assert_non_null(strstr(arguments_help(), "--ready-fd N"));
    assert_non_null(strstr(arguments_help(), "database.NAME.option=value"));
}

struct bad_case {
    const char *argv[5];
    const char *message;
};

static const struct bad_case bad_cases[] = {
    { { "pondd" }, "expected -c FILE; --help says more" },
    { { "pondd", "-t" }, "expected -c FILE; --help says more" },
    { { "pondd", "-c" }, "-c: expected FILE" },
    { { "pondd", "--ready-fd" }, "--ready-fd: expected N" },
    { { "pondd", "--ready-fd=x" },
      "--ready-fd: expected the number of an open descriptor, not \"x\"" },
    { { "pondd", "--ready-fd=-1" },
      "--ready-fd: expected the number of an open descriptor, not \"-1\"" },
    { { "pondd", "-c", "a", "-cb" }, "-c is given twice" },
    { { "pondd", "-tx" }, "-t takes no value" },
    { { "pondd", "--help=x" }, "--help takes no value" },
    { { "pondd", "x.conf" }, "unknown argument \"x.conf\"; --help lists them" },
    { { "pondd", "-x" }, "unknown argument \"-x\"; --help lists them" },
    { { "pondd", "-" }, "unknown argument \"-\"; --help lists them" },
    { { "pondd", "--" }, "unknown argument \"--\"; --help lists them" },
    { { "pondd", "" }, "unknown argument \"\"; --help lists them" },
};

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++) {
        struct arguments arguments;
        struct failure failure;
        assert_int_equal(parse(bad_cases[i].argv, &arguments, &failure), FAILED);
        assert_string_equal(failure_get(&failure, FIELD_MESSAGE), bad_cases[i].message);
    }
}

static void one_override_too_many_is_refused(void **state)
{
    static const char *argv[3 + 2 * (overrides_max + 1)] = { "pondd", "-cx" };
    struct arguments arguments;
    struct failure failure;

    (void)state;
    for (size_t i = 0; i < overrides_max; i++) {
        argv[2 + i] = "-oa=b";
    }
    assert_int_equal(parse(argv, &arguments, &failure), 0);
    assert_int_equal(arguments.override_count, overrides_max);
    argv[2 + overrides_max] = "-oa=b";
    assert_int_equal(parse(argv, &arguments, &failure), FAILED);
    assert_string_equal(failure_get(&failure, FIELD_MESSAGE), "-o is given more than 256 times");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_needs_only_a_file),          cmocka_unit_test(all_of_it_together),
        cmocka_unit_test(version_and_help_need_no_file),    cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(one_override_too_many_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
