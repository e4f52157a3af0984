/* Where a script is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "client/cli/script.h"

/* What a script is cut into: the statements with their lines, "2:SELECT 1|", C for COPY, M for a
 * command of psql's; what has no end stands behind a "!". */
static const char *cut(const char *text)
{
    static char said[4096];
    struct script s = { 0 };
    struct view rest = view_of_str(text);
    const char *open = NULL;
    size_t used = 0;
    int r = 0;

    said[0] = '\0';
    for (uint64_t number = 1; rest.len > 0; number++) {
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        struct view line =
            view_of(rest.data, end == NULL ? rest.len : (size_t)(end - rest.data) + 1);
        view_advance(&rest, line.len);
        while ((r = script_read(&s, number, &line)) == SCRIPT_STATEMENT) {
            used += (size_t)snprintf(said + used, sizeof(said) - used, "%s%llu:%s|",
                                     s.copies ? "C" : "", (unsigned long long)s.first_line,
                                     (char *)s.text.data);
        }
        if (r == SCRIPT_META) {
            used += (size_t)snprintf(said + used, sizeof(said) - used, "M|");
        }
    }
    if (script_end(&s, &open) == SCRIPT_STATEMENT) {
        used += (size_t)snprintf(said + used, sizeof(said) - used, "%llu:%s|",
                                 (unsigned long long)s.first_line, (char *)s.text.data);
    }
    if (open != NULL) {
        snprintf(said + used, sizeof(said) - used, "!%s", open);
    }
    script_finish(&s);
    return said;
}

static const struct {
    const char *script;
    const char *said;
} scripts[] = {
    { "", "" },
    { " ;; \n;", "" },
    { "SELECT 1; SELECT 2", "1:SELECT 1|1:SELECT 2|" },
    { "SELECT 1\n;\n\n  SELECT\n2;", "1:SELECT 1\n|4:SELECT\n2|" },
    { "-- a; b\n/* c; /* d; */ ; */ SELECT 1; -- e\n", "2:SELECT 1|" },
    { "SELECT /* a; */ 1 -- b;\n+ 1;", "1:SELECT /* a; */ 1 -- b;\n+ 1|" },
    { "SELECT 'a;''b;\nc'; SELECT \"d;\"\"\";", "1:SELECT 'a;''b;\nc'|2:SELECT \"d;\"\"\"|" },
    { "SELECT E'a\\';b', 'c\\'; SELECT 2;", "1:SELECT E'a\\';b', 'c\\'|1:SELECT 2|" },
    { "SELECT E'a'';b\\\\'; x;", "1:SELECT E'a'';b\\\\'|1:x|" },
    { "SELECT type'a\\'; x", "1:SELECT type'a\\'|1:x|" },
    { "SELECT $$a;'$$; SELECT $x$b;$$;$x$;", "1:SELECT $$a;'$$|1:SELECT $x$b;$$;$x$|" },
    { "SELECT $1, a$1$; SELECT b$$;$1$;", "1:SELECT $1, a$1$|1:SELECT b$$|1:$1$|" },
    { "CREATE RULE r DO (a; b); x", "1:CREATE RULE r DO (a; b)|1:x|" },
    { "COPY t FROM stdin;", "C1:COPY t FROM stdin|" },
    { "copy \"from\" (stdin, from) From\nStdin WITH csv;",
      "C1:copy \"from\" (stdin, from) From\nStdin WITH csv|" },
    { "COPY (SELECT 1 FROM stdin) TO STDOUT; COPY t FROM 'stdin'; COPY \"from\" stdin",
      "1:COPY (SELECT 1 FROM stdin) TO STDOUT|1:COPY t FROM 'stdin'|1:COPY \"from\" stdin|" },
    { "SELECT 1 FROM stdin;", "1:SELECT 1 FROM stdin|" },
    { "\\connect x\nSELECT \\d;", "M|2:SELECT \\d|" },
    { "SELECT 'a\n", "1:SELECT 'a\n|!a quoted string" },
    { "SELECT $a$ $", "1:SELECT $a$ $|!a dollar quote" },
    { "/* a", "!a comment" },
    { "SELECT \"x", "1:SELECT \"x|!a quoted name" },
    { "SELECT 'gr\xc3\xbc\xc3\x9f';\xc3\xbc", "1:SELECT 'gr\xc3\xbc\xc3\x9f'|1:\xc3\xbc|" },
};

static void a_script_is_cut_as_psql_cuts_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        print_message("%s\n", scripts[i].script);
        assert_string_equal(cut(scripts[i].script), scripts[i].said);
    }
}

static void the_first_words_are_known(void **state)
{
    struct script s = { 0 };
    struct view line = view_of_str("/* x */ Start /* y */ TRANSACTION_that_is_very_long;");

    (void)state;
    assert_int_equal(script_read(&s, 1, &line), SCRIPT_STATEMENT);
    assert_string_equal(s.words[0], "start");
    assert_string_equal(s.words[1], "transaction_tha");
    script_finish(&s);
}

static void without_memory_it_says_so(void **state)
{
    struct script s = { 0 };
    struct view line = view_of_str("SELECT 1;");

    (void)state;
    mem_fail_at(1, false);
    assert_int_equal(script_read(&s, 1, &line), -12);
    mem_fail_at(0, false);
    script_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_is_cut_as_psql_cuts_it),
        cmocka_unit_test(the_first_words_are_known),
        cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
