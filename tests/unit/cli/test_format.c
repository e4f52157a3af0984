/* Rows in each format. */
#include "support.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "client/cli/format.h"
#include "client/page.h"
#include "protocol/pgtype.h"

#include <string.h>

enum { columns_most = 3 };

/* A page that the test fills, as if a server had sent it. */
static struct column list[columns_most];
static struct columns columns;
static struct pond_page page;
static struct buf got;
static struct output out;
static struct format format;
static struct pond_error error;

static void add_column(const char *name, uint32_t oid)
{
    list[columns.count] = (struct column){ .name_at = columns.names.len, .type_oid = oid };
    columns.list = list;
    columns.count++;
    assert_int_equal(buf_append(&columns.names, name, strlen(name) + 1), 0);
}

static void put_u32(struct buf *b, uint32_t n)
{
    const uint8_t bytes[] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                              (uint8_t)n };

    assert_int_equal(buf_append(b, bytes, 4), 0);
}

/* The row lies there until the next one. */
static struct pond_row row_of(const char *const *values)
{
    cleanup(buf_finish) struct buf body = { 0 };

    for (size_t i = 0; i < columns.count; i++) {
        put_u32(&body, values[i] == NULL ? UINT32_MAX : (uint32_t)strlen(values[i]));
        assert_int_equal(values[i] == NULL ? 0 : buf_append(&body, values[i], strlen(values[i])),
                         0);
    }
    page_clear(&page);
    const struct msg_values message = { .count = (uint16_t)columns.count,
                                        .values = buf_view(&body) };
    assert_int_equal(page_add_row(&page, &message, 1000000), 0);
    return (struct pond_row){ .page_ = &page };
}

static int put(const char *a, const char *b, const char *c)
{
    const char *const values[] = { a, b, c };

    return format_row(&format, row_of(values), &error);
}

static int begin(enum format_name name, const char *null)
{
    buf_clear(&got);
    output_init_memory(&out, &got);
    format_init(&format, name, &out, null);
    return format_begin(&format, (struct pond_row){ .page_ = &page }, &error);
}

static const char *written(void)
{
    output_byte(&out, '\0');
    output_flush(&out);
    return (const char *)got.data;
}

static const char *three_rows(enum format_name name, const char *null)
{
    assert_int_equal(begin(name, null), 0);
    assert_int_equal(put("1", "plain", "t"), 0);
    assert_int_equal(put("-22", "a,\"b\"\n\t\\", NULL), 0);
    assert_int_equal(put(NULL, "", "f"), 0);
    assert_int_equal(format_end(&format, &error), 0);
    return written();
}

static void each_format_has_its_rules(void **state)
{
    (void)state;
    assert_string_equal(three_rows(FORMAT_CSV, NULL),
                        "n,text,b\n1,plain,t\n-22,\"a,\"\"b\"\"\n\t\\\",\n,,f\n");
    assert_string_equal(three_rows(FORMAT_TSV, NULL),
                        "n\ttext\tb\n1\tplain\tt\n-22\ta,\"b\"\\n\\t\\\\\t\\N\n\\N\t\tf\n");
    assert_string_equal(three_rows(FORMAT_JSON, NULL),
                        "[\n{\"n\": 1, \"text\": \"plain\", \"b\": true},\n"
                        "{\"n\": -22, \"text\": \"a,\\\"b\\\"\\n\\t\\\\\", \"b\": null},\n"
                        "{\"n\": null, \"text\": \"\", \"b\": false}\n]\n");
    assert_string_equal(three_rows(FORMAT_JSONL, NULL),
                        "{\"n\": 1, \"text\": \"plain\", \"b\": true}\n"
                        "{\"n\": -22, \"text\": \"a,\\\"b\\\"\\n\\t\\\\\", \"b\": null}\n"
                        "{\"n\": null, \"text\": \"\", \"b\": false}\n");
    assert_string_equal(three_rows(FORMAT_TABLE, NULL), "  n  |    text    | b \n"
                                                        "-----+------------+---\n"
                                                        "   1 | plain      | t\n"
                                                        " -22 | a,\"b\"\\n\\t\\ | \n"
                                                        "     |            | f\n"
                                                        "(3 rows)\n\n");
}

static void null_is_what_the_caller_wants(void **state)
{
    (void)state;
    assert_non_null(strstr(three_rows(FORMAT_CSV, "-"), "\n-,,f\n"));
    assert_non_null(strstr(three_rows(FORMAT_TSV, "null"), "\nnull\t\tf\n"));
    assert_non_null(strstr(three_rows(FORMAT_JSONL, "\"?\""), "{\"n\": \"?\","));
    assert_non_null(strstr(three_rows(FORMAT_TABLE, "(null)"), "| (null)\n"));
}

static void a_result_without_rows_has_its_frame(void **state)
{
    static const char *const expected[] = {
        [FORMAT_TABLE] = " n | text | b \n---+------+---\n(0 rows)\n\n",
        [FORMAT_CSV] = "n,text,b\n",
        [FORMAT_TSV] = "n\ttext\tb\n",
        [FORMAT_JSON] = "[]\n",
        [FORMAT_JSONL] = "",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_int_equal(begin((enum format_name)i, NULL), 0);
        assert_int_equal(format_end(&format, &error), 0);
        assert_string_equal(written(), expected[i]);
        format_finish(&format);
    }
}

static void a_table_is_laid_out_at_the_first_pause(void **state)
{
    (void)state;
    assert_int_equal(begin(FORMAT_TABLE, NULL), 0);
    format.terminal_width = 40;
    assert_int_equal(format_pause(&format, &error), 0); /* nothing is there: it may still grow */
    assert_int_equal(put("1", "four", "t"), 0);
    output_flush(&out);
    assert_int_equal(got.len, 0);
    assert_int_equal(format_pause(&format, &error), 0);
    assert_int_equal(put("22", "longer", "f"), 0);
    assert_int_equal(format_end(&format, &error), 0);
    assert_string_equal(written(), " n | text | b \n---+------+---\n 1 | four | t\n"
                                   " … | lon… | f\n(2 rows)\n\n");
}

static void the_first_page_is_limited(void **state)
{
    char large[600000];

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    assert_int_equal(begin(FORMAT_TABLE, NULL), 0);
    assert_int_equal(put("1", large, "t"), 0);
    output_flush(&out);
    assert_int_equal(got.len, 0);
    assert_int_equal(put("2", large, "t"), 0); /* over a megabyte: out with it */
    output_flush(&out);
    assert_true(got.len > 2 * sizeof(large));
    format_finish(&format);
    assert_int_equal(begin(FORMAT_TABLE, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        output_flush(&out);
        assert_int_equal(got.len, 0);
        assert_int_equal(put("1", "a", "t"), 0);
    }
    output_flush(&out);
    assert_true(got.len > 0);
    format_finish(&format);
}

static void memory_may_run_out_anywhere(void **state)
{
    int failed = 0;

    (void)state;
    for (uint64_t site = 1; site < 100; site++) {
        const char *const values[] = { "1", "text", "t" };
        struct pond_row row = row_of(values);

        output_init(&out, -1, "nowhere");
        format_init(&format, FORMAT_TABLE, &out, NULL);
        mem_fail_at(site, false);
        int r = format_begin(&format, row, &error);
        r = r != 0 ? r : format_row(&format, row, &error);
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        format_finish(&format);
        assert_int_equal(r, hit ? POND_NOMEM : 0);
        failed += r != 0;
        if (!hit) {
            break;
        }
    }
    assert_true(failed >= 8);
}

static int setup(void **state)
{
    (void)state;
    page.columns = &columns;
    add_column("n", OID_INT4);
    add_column("text", OID_TEXT);
    add_column("b", OID_BOOL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    page_finish(&page);
    buf_finish(&columns.names);
    buf_finish(&got);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_has_its_rules),
        cmocka_unit_test(null_is_what_the_caller_wants),
        cmocka_unit_test(a_result_without_rows_has_its_frame),
        cmocka_unit_test(a_table_is_laid_out_at_the_first_pause),
        cmocka_unit_test(the_first_page_is_limited),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
