/* PostgreSQL's tokens, statements cut at semicolons, depth. */
#include "sql/lexer.h"

#include "base/buf.h"
#include "base/defs.h"
#include "sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* "word:select integer:1" */
static const char *tokens(const char *text)
{
    static const char *const names[] = {
        [TOKEN_WORD] = "w",         [TOKEN_QUOTED_WORD] = "q", [TOKEN_STRING] = "s",
        [TOKEN_OTHER_STRING] = "x", [TOKEN_INTEGER] = "i",     [TOKEN_FLOAT] = "f",
        [TOKEN_PARAM] = "p",        [TOKEN_OPERATOR] = "o",    [TOKEN_SELF] = ".",
    };
    static char out[4096];
    struct lexer lexer = lexer_over(view_of_str(text));
    struct token token;
    size_t used = 0;

    out[0] = '\0';
    for (;;) {
        struct failure f;

        failure_clear(&f);
        if (lexer_next(&lexer, &token, &f) != 0) {
            (void)snprintf(out, sizeof(out), "%s@%d %s", f.sqlstate, f.position,
                           failure_get(&f, FIELD_MESSAGE));
            return out;
        }
        if (token.kind == TOKEN_END) {
            return out;
        }
        used +=
            (size_t)snprintf(out + used, sizeof(out) - used, "%s%s:%.*s", used > 0 ? " " : "",
                             names[token.kind], (int)token.text.len, (const char *)token.text.data);
    }
}

static void tokens_are_postgresqls(void **state)
{
    static const char *const cases[][2] = {
        { "select 1", "w:select i:1" },
        { "a.b,c", "w:a .:. w:b .:, w:c" },
        { "'it''s' 'a\\'", "s:'it''s' s:'a\\'" },
        { "E'a\\'b' e''", "x:E'a\\'b' x:e''" },
        { "U&'x' u&\"y\" B'1' X'f' N'n'", "x:U&'x' q:u&\"y\" x:B'1' x:X'f' x:N'n'" },
        { "$$a'b$$ $t$ $$ $t$", "x:$$a'b$$ x:$t$ $$ $t$" },
        { "\"a\"\"b\"", "q:\"a\"\"b\"" },
        { "$1::int $12", "p:$1 .::: w:int p:$12" },
        { "1.5 .5 5. 1e5 1.5e-3 1..2", "f:1.5 f:.5 f:5. f:1e5 f:1.5e-3 i:1 .:.. i:2" },
        { "a+-b", "w:a o:+ o:- w:b" },
        { "a @-b", "w:a o:@- w:b" },
        { "a->>'b'#>c", "w:a o:->> s:'b' o:#> w:c" },
        { "1 -- c\n2", "i:1 i:2" },
        { "1/* a /* b */ c */2", "i:1 i:2" },
        { "a<--x\nb", "w:a o:< w:b" },
        { "a*/**/b", "w:a o:* w:b" },
        { "tab$x _y é", "w:tab$x w:_y w:é" },
        { "", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(tokens(cases[i][0]), cases[i][1]);
    }
}

static void what_is_cut_short_fails_where_it_began(void **state)
{
    static const char *const cases[][2] = {
        { "é 'abc", "42601@3 unterminated quoted string at or near \"'abc\"" },
        { "x \"abc", "42601@3 unterminated quoted identifier at or near \"\"abc\"" },
        { "\"\"", "42601@1 zero-length delimited identifier at or near \"\"\"\"" },
        { "1 /* /* */", "42601@3 unterminated /* comment at or near \"/* /* */\"" },
        { "$a$ b", "42601@1 unterminated dollar-quoted string at or near \"$a$ b\"" },
        { "12ab", "42601@1 trailing junk after numeric literal at or near \"12ab\"" },
        { "a $", "42601@3 syntax error at or near \"$\"" },
        { "a \\ b", "42601@3 syntax error at or near \"\\ b\"" },
        { "E'a\\'", "42601@1 unterminated quoted string at or near \"E'a\\'\"" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(tokens(cases[i][0]), cases[i][1]);
    }
}

static void statements_are_cut_at_semicolons(void **state)
{
    static const char text[] =
        "select ';' ; ;-- x;\n select $$;$$; /* ; */ select 3 -- end\n; -- nothing\n";
    static const char *const wanted[] = { "select ';' ", "-- x;\n select $$;$$",
                                          " /* ; */ select 3 -- end\n" };
    struct view rest = view_of_str(text);
    struct view statement;
    struct failure f;

    (void)state;
    failure_clear(&f);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        assert_int_equal(sql_next_statement(&rest, &statement, &f), 0);
        assert_int_equal(statement.len, strlen(wanted[i]));
        assert_memory_equal(statement.data, wanted[i], statement.len);
    }
    assert_int_equal(sql_next_statement(&rest, &statement, &f), SQL_END);
    rest = view_of_str("select 'x");
    assert_int_equal(sql_next_statement(&rest, &statement, &f), FAILED);
}

static size_t depth_of(const char *text)
{
    struct failure f;
    struct lexer_weight weight = { 0 };

    failure_clear(&f);
    assert_int_equal(lexer_weigh(view_of_str(text), &weight, &f), 0);
    return weight.depth;
}

static void tokens_are_counted_without_what_is_between_them(void **state)
{
    struct failure f;
    struct lexer_weight weight = { 0 };

    (void)state;
    assert_int_equal(lexer_weigh(view_of_str("select 'a b', /* c d */ x"), &weight, &f), 0);
    assert_int_equal(weight.tokens, 4);
    assert_int_equal(lexer_weigh(view_of_str(" -- x"), &weight, &f), 0);
    assert_int_equal(weight.tokens, 0);
}

static char *repeated(const char *part, size_t times)
{
    size_t len = strlen(part);
    char *text = malloc(len * times + 1);

    assert_non_null(text);
    for (size_t i = 0; i < times; i++) {
        memcpy(text + i * len, part, len);
    }
    text[len * times] = '\0';
    return text;
}

static void depth_counts_nesting_and_chains_but_not_lists(void **state)
{
    static const struct {
        const char *part;
        size_t least;
        size_t most;
    } cases[] = {
        { "(", 5000, 5000 },
        { "1+", 5000, 5000 },
        { "not ", 5000, 5000 },
        { "case when ", 5000, 5000 },
        { "(1),", 1, 3 },
        { "a and b or ", 0, 2 },
        { "select 1 union ", 5000, 5000 },
        { "a::int", 5000, 5000 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = repeated(cases[i].part, 5000);
        size_t depth = depth_of(text);

        free(text);
        assert_in_range(depth, cases[i].least, cases[i].most);
    }
}

/* Any bytes end in a token, an error or the end, and tokens follow each other inside the text. */
static void random_bytes_never_leave_the_text(void **state)
{
    const char *rounds = getenv("POND_TEST_ROUNDS");
    unsigned long count = rounds != NULL ? strtoul(rounds, NULL, 10) * 1000 : 20000;
    unsigned seed = 20231;
    static const char alphabet[] = "abE$1.'\"-/*+;:()[] \n<>=~@eéu&x\\";

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (unsigned long i = 0; i < count; i++) {
        size_t len = (size_t)rand() % 24;
        char *text = malloc(len + 1);
        struct lexer lexer;
        struct token token = { .kind = TOKEN_SELF };
        const uint8_t *at;

        assert_non_null(text);
        for (size_t k = 0; k < len; k++) {
            text[k] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
        }
        lexer = lexer_over(view_of(text, len));
        at = lexer.start;
        while (token.kind != TOKEN_END && lexer_next(&lexer, &token, NULL) == 0) {
            assert_true(token.text.data >= at && token.text.data + token.text.len <= lexer.end);
            assert_true(token.kind == TOKEN_END || token.text.len > 0);
            at = token.text.data + token.text.len;
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_postgresqls),
        cmocka_unit_test(what_is_cut_short_fails_where_it_began),
        cmocka_unit_test(statements_are_cut_at_semicolons),
        cmocka_unit_test(tokens_are_counted_without_what_is_between_them),
        cmocka_unit_test(depth_counts_nesting_and_chains_but_not_lists),
        cmocka_unit_test(random_bytes_never_leave_the_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
