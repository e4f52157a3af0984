/* Names of constraints out of CREATE TABLE texts. */
#include "pool/table_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static const char text[] =
    "CREATE TABLE \"the (table)\" (id INT CONSTRAINT pk PRIMARY KEY, -- CONSTRAINT no UNIQUE\n"
    " \"odd, name\" TEXT DEFAULT 'UNIQUE (x)' UNIQUE CHECK (length(a) > (1)),"
    " p INT CONSTRAINT nn NOT NULL CONSTRAINT \"to p\" REFERENCES parent(id),"
    " UNIQUE (a, [b] DESC), CONSTRAINT chk CHECK (a < b), CONSTRAINT u2 UNIQUE (c COLLATE nocase),"
    " FOREIGN KEY (x, y) REFERENCES q(x, y) ON DELETE CASCADE) STRICT";

static const struct table_constraint wanted[] = {
    { TABLE_PRIMARY_KEY, "pk", "id" }, { TABLE_UNIQUE, "", "odd, name" },
    { TABLE_CHECK, "", "odd, name" },  { TABLE_FOREIGN_KEY, "to p", "p" },
    { TABLE_UNIQUE, "", "a, b" },      { TABLE_CHECK, "chk", "" },
    { TABLE_UNIQUE, "u2", "c" },       { TABLE_FOREIGN_KEY, "", "x, y" },
};

static void constraints_come_in_order(void **state)
{
    struct table_text t;
    struct table_constraint c;

    (void)state;
    table_text_init(&t, view_of_str(text));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        assert_true(table_text_next(&t, &c));
        assert_int_equal(c.kind, wanted[i].kind);
        assert_string_equal(c.columns, wanted[i].columns);
        assert_string_equal(c.name, wanted[i].name);
    }
    assert_false(table_text_next(&t, &c));
}

static void truncated_texts_end_early(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(text); len++) {
        char *copy = malloc(len == 0 ? 1 : len);
        struct table_text t;
        struct table_constraint c;
        size_t count = 0;

        memcpy(copy, text, len);
        table_text_init(&t, view_of(copy, len));
        while (table_text_next(&t, &c)) {
            count++;
        }
        assert_true(count <= ARRAY_LEN(wanted));
        free(copy);
    }
}

static void long_names_are_cut(void **state)
{
    char *sql = malloc(4096);
    struct table_text t;
    struct table_constraint c;
    char *at = sql;

    (void)state;
    at = stpcpy(at, "CREATE TABLE t(UNIQUE (");
    for (int i = 0; i < 200; i++) {
        at = stpcpy(at, "column_name, ");
    }
    strcpy(at, "z))");
    table_text_init(&t, view_of_str(sql));
    assert_true(table_text_next(&t, &c));
    assert_true(strlen(c.columns) == table_name_bytes - 1);
    free(sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constraints_come_in_order),
        cmocka_unit_test(truncated_texts_end_early),
        cmocka_unit_test(long_names_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
