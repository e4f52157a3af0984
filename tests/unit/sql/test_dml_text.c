/* Statements cut into their parts. */
#include "sql/dml_text.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void say(char *out, size_t size, const char *name, struct view part)
{
    size_t used = strlen(out);

    while (part.len > 0 && part.data[part.len - 1] == ' ') {
        part.len--;
    }
    while (part.len > 0 && part.data[0] == ' ') {
        view_advance(&part, 1);
    }
    if (part.len > 0) {
        (void)snprintf(out + used, size - used, "%s%s<%.*s>", used > 0 ? " " : "", name,
                       (int)part.len, (const char *)part.data);
    }
}

/* "table/alias with<...> ..." */
static const char *parts(const char *sql)
{
    static char out[2048];
    struct dml_text text;
    int r = dml_text_cut(view_of_str(sql), &text);

    if (r != 0) {
        return r == DML_OTHER ? "other" : "memory";
    }
    (void)snprintf(out, sizeof(out), "%s/%s%s", text.table, text.alias,
                   text.one_row  ? " one"
                   : text.values ? " many"
                                 : "");
    say(out, sizeof(out), "with", text.with);
    say(out, sizeof(out), "cols", text.columns);
    say(out, sizeof(out), "source", text.source);
    say(out, sizeof(out), "set", text.set);
    say(out, sizeof(out), "from", text.from);
    say(out, sizeof(out), "where", text.where);
    say(out, sizeof(out), "conflict", text.conflict.text);
    say(out, sizeof(out), text.conflict.partial ? "partial" : "target", text.conflict.target);
    say(out, sizeof(out), "update", text.conflict.set);
    say(out, sizeof(out), "whose", text.conflict.where);
    dml_text_finish(&text);
    return out;
}

static void statements_have_parts(void **state)
{
    static const char *const cases[][2] = {
        { "INSERT INTO \"t\" (\"a\", \"b\") VALUES (?, ?)",
          "t/t one cols<\"a\", \"b\"> source<VALUES (?1, ?2)>" },
        { "INSERT INTO \"t\" (\"a\") VALUES (?), (?) RETURNING \"a\"",
          "t/t many cols<\"a\"> source<VALUES (?1), (?2)>" },
        { "INSERT INTO \"t\" DEFAULT VALUES", "t/t one source<DEFAULT VALUES>" },
        { "INSERT INTO \"t\" AS \"x\" (\"a\") SELECT \"b\" FROM \"u\" JOIN \"v\" ON 1 ON CONFLICT "
          "(\"a\") DO NOTHING",
          "t/x cols<\"a\"> source<SELECT \"b\" FROM \"u\" JOIN \"v\" ON 1> conflict<ON CONFLICT "
          "(\"a\") DO NOTHING> target<\"a\">" },
        { "INSERT INTO \"t\" (\"a\") VALUES (1) ON CONFLICT (\"a\", \"b\") WHERE (\"c\" > 1) DO "
          "UPDATE SET \"a\" = (SELECT 1 WHERE 2), \"b\" = 3 WHERE \"a\" = 4 RETURNING 5",
          "t/t one cols<\"a\"> source<VALUES (1)> conflict<ON CONFLICT (\"a\", \"b\") WHERE (\"c\" "
          "> "
          "1) DO UPDATE SET \"a\" = (SELECT 1 WHERE 2), \"b\" = 3 WHERE \"a\" = 4> partial<\"a\", "
          "\"b\"> update<\"a\" = (SELECT 1 WHERE 2), \"b\" = 3> whose<WHERE \"a\" = 4>" },
        { "INSERT INTO \"t\" DEFAULT VALUES ON CONFLICT DO NOTHING",
          "t/t one source<DEFAULT VALUES> conflict<ON CONFLICT DO NOTHING>" },
        { "WITH \"w\" AS (DELETE FROM x) INSERT INTO \"main\".\"t\" (\"a\") SELECT ?2, ? FROM w",
          "t/t with<WITH \"w\" AS (DELETE FROM x)> cols<\"a\"> source<SELECT ?2, ?3 FROM w>" },
        { "UPDATE \"t\" AS \"x\" SET \"a\" = \"b\" IS NOT DISTINCT FROM ?, \"c\" = (SELECT 1 FROM "
          "u) "
          "FROM \"u\" WHERE \"x\".\"a\" = ? RETURNING 1",
          "t/x set<\"a\" = \"b\" IS NOT DISTINCT FROM ?1, \"c\" = (SELECT 1 FROM u)> from<\"u\"> "
          "where<WHERE \"x\".\"a\" = ?2>" },
        { "DELETE FROM \"t\" WHERE \"a\" = ' WHERE ? '", "t/t where<WHERE \"a\" = ' WHERE ? '>" },
        { "DELETE FROM \"se\"\"t\"", "se\"t/se\"t" },
        { "SELECT 1", "other" },
        { "", "other" },
        { "INSERT", "other" },
        { "UPDATE \"t\"", "other" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(parts(cases[i][0]), cases[i][1]);
    }
}

/* No text's end is passed, wherever it is. */
static void cut_off_texts_end_where_they_end(void **state)
{
    static const char sql[] =
        "WITH w AS (SELECT 'x') INSERT INTO \"t\" AS \"y\" (\"a\", \"b\") VALUES "
        "(?, (?)), (?3, ?) ON CONFLICT (\"a\") DO UPDATE SET \"b\" = 1 WHERE "
        "\"b\" = 2 RETURNING 1";

    (void)state;
    for (size_t len = 0; len < sizeof(sql); len++) {
        char *copy = mem_alloc(len + 1);
        struct dml_text text;

        memcpy(copy, sql, len);
        int r = dml_text_cut(view_of(copy, len), &text);
        assert_true(r == 0 || r == DML_OTHER);
        if (r == 0) {
            dml_text_finish(&text);
        }
        mem_free(copy);
    }
}

static void names_too_long_are_cut(void **state)
{
    char sql[1000];
    struct dml_text text;

    (void)state;
    (void)snprintf(sql, sizeof(sql), "DELETE FROM \"%0600d\"", 7);
    assert_int_equal(dml_text_cut(view_of_str(sql), &text), 0);
    assert_int_equal(strlen(text.table), table_name_bytes - 1);
    dml_text_finish(&text);
}

static void lists_have_items(void **state)
{
    struct view list = view_of_str("\"a\" = f(1, 2), (\"b\", \"c\") = (SELECT 1, 2) , \"d\" = ','");
    struct view item, value;
    char name[8];

    (void)state;
    assert_true(dml_list_next(&list, &item));
    assert_true(dml_assignment(item, name, sizeof(name), &value));
    assert_string_equal(name, "a");
    assert_true(view_equal_str(value, " f(1, 2)"));
    assert_true(dml_list_next(&list, &item));
    assert_false(dml_assignment(item, name, sizeof(name), &value));
    assert_true(dml_list_next(&list, &item));
    assert_true(dml_assignment(item, name, sizeof(name), &value));
    assert_true(view_equal_str(value, " ','"));
    assert_false(dml_list_next(&list, &item));
}

static void memory_may_be_short(void **state)
{
    struct dml_text text;

    (void)state;
    (void)mem_fail_at(1, false);
    assert_int_equal(dml_text_cut(view_of_str("DELETE FROM \"t\""), &text), -ENOMEM);
    (void)mem_fail_at(0, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_have_parts),
        cmocka_unit_test(cut_off_texts_end_where_they_end),
        cmocka_unit_test(names_too_long_are_cut),
        cmocka_unit_test(lists_have_items),
        cmocka_unit_test(memory_may_be_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
