/* protocol/copyfmt.c */
#include "protocol/copyfmt.h"

#include "support.h"

#include <errno.h>
#include <stdio.h>

enum { room = 8 };

/* All rows of the data as text: fields in [], NULL as -, rows ended by ;. The data come in pieces
 * of `piece` bytes, each behind what was left. */
struct shown {
    struct buf text;
    struct failure failure;
    uint64_t line;
};

static void show_row(struct shown *s, const struct copy_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].is_null) {
            assert_int_equal(buf_append_str(&s->text, "-"), 0);
        } else {
            assert_int_equal(buf_printf(&s->text, "[%.*s]", (int)fields[i].bytes.len,
                                        (const char *)fields[i].bytes.data),
                             0);
        }
    }
    assert_int_equal(buf_append_byte(&s->text, ';'), 0);
}

static int next_row(struct copy_reader *r, struct view *data, bool at_end, struct shown *s)
{
    cleanup(buf_finish) struct buf scratch = { 0 };
    struct copy_field fields[room];
    struct view line;
    size_t count = 2;
    int result;

    if (r->style->format == COPY_BINARY) {
        result = copy_next_tuple(r, data, at_end, fields, count, &s->failure);
    } else {
        result = copy_next_line(r, data, at_end, &line, &s->failure);
        if (result == 0) {
            result = copy_split_line(r->style, line, &scratch, fields, room, &count, &s->failure);
        }
    }
    if (result == 0) {
        show_row(s, fields, count);
    }
    return result;
}

static int read_all(const struct copy_style *style, struct view data, size_t piece, struct shown *s)
{
    struct copy_reader reader = copy_reader_of(style);
    struct view ahead = view_of(data.data, 0);
    int r = COPY_MORE;

    *s = (struct shown){ 0 };
    while (r == 0 || r == COPY_MORE) {
        size_t used = (size_t)(ahead.data - data.data) + ahead.len;
        size_t more = data.len - used < piece ? data.len - used : piece;
        bool at_end = used == data.len;

        ahead.len += r == COPY_MORE ? more : 0;
        r = next_row(&reader, &ahead, at_end, s);
        if (r == COPY_MORE) {
            assert_false(at_end);
        }
    }
    s->line = reader.line;
    return r;
}

static const size_t pieces[] = { 1, 2, 3, 7, 1000 };

static void expect(const struct copy_style *style, struct view data, const char *rows)
{
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct shown s;

        assert_int_equal(read_all(style, data, pieces[i], &s), COPY_END);
        assert_int_equal(buf_append_byte(&s.text, 0), 0);
        assert_string_equal((const char *)s.text.data, rows);
        buf_finish(&s.text);
    }
}

static void expect_failure(const struct copy_style *style, struct view data, const char *message,
                           uint64_t line)
{
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct shown s;

        assert_int_equal(read_all(style, data, pieces[i], &s), FAILED);
        assert_string_equal(s.failure.sqlstate, "22P04");
        assert_string_equal(failure_get(&s.failure, FIELD_MESSAGE), message);
        assert_int_equal(s.line, line);
        buf_finish(&s.text);
    }
}

static void text_rows_come_whatever_the_pieces(void **state)
{
    struct copy_style text = copy_style_of(COPY_TEXT);

    (void)state;
    expect(&text, BYTES(""), "");
    expect(&text, BYTES("1\ta\n2\t\\N\n"), "[1][a];[2]-;");
    expect(&text, BYTES("\n\t\nx"), "[];[][];[x];");
    expect(&text, BYTES("a\r\nb\r\n\\.\r\nnot seen"), "[a];[b];");
    expect(&text, BYTES("a\rb\r"), "[a];[b];");
    expect(&text, BYTES("a\n\\.\nb\n"), "[a];");
    expect(&text, BYTES("\\b\\f\\n\\r\\t\\v\\\\\\x41\\101\\q\\\t|\tz\\\ny\n"),
           "[\b\f\n\r\t\v\\AAq\t|][z\ny];");
    expect(&text, BYTES("\\\\N\t\\x4\t\\7\t\\xg\n"), "[\\N][\4][\7][xg];");
    expect(&text, BYTES("end\\"), "[end];");
}

static void csv_rows_come_whatever_the_pieces(void **state)
{
    struct copy_style csv = copy_style_of(COPY_CSV);

    (void)state;
    expect(&csv, BYTES("1,a\n2,\n3,\"\"\n"), "[1][a];[2]-;[3][];");
    expect(&csv, BYTES("\"a\"\"b\",\"c,d\"\n\"two\nlines\",x\"y\"z\n"),
           "[a\"b][c,d];[two\nlines][xyz];");
    expect(&csv, BYTES("a\\.b\n\\.x\n\\.\nnot seen"), "[a\\.b];[\\.x];");
    expect(&csv, BYTES("a\n\\."), "[a];[\\.];");
    csv.escape = '\\';
    expect(&csv, BYTES("\"a\\\"b\\\\\",\\n\n"), "[a\"b\\][\\n];");
    csv.null = view_of_str("nil");
    expect(&csv, BYTES("nil,\"nil\",\n"), "-[nil][];");
}

static void newlines_must_be_alike(void **state)
{
    struct copy_style text = copy_style_of(COPY_TEXT);
    struct copy_style csv = copy_style_of(COPY_CSV);

    (void)state;
    expect_failure(&text, BYTES("a\nb\r\n"), "literal carriage return found in data", 2);
    expect_failure(&text, BYTES("a\r\nb\nc\r\n"), "literal newline found in data", 2);
    expect_failure(&csv, BYTES("a\nb\rc\n"), "unquoted carriage return found in data", 2);
    expect_failure(&text, BYTES("a\n\\.b\n"), "end-of-copy marker corrupt", 2);
    expect_failure(&text, BYTES("a\n\\."), "end-of-copy marker corrupt", 2);
    expect_failure(&text, BYTES("a\r\n\\.\r"), "end-of-copy marker corrupt", 2);
    expect_failure(&text, BYTES("a\r\n\\.\n"),
                   "end-of-copy marker does not match previous newline style", 2);
    expect_failure(&csv, BYTES("a\n\"b\nc\nd\n"), "unterminated CSV quoted field", 5);
}

#define HEADER  "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define ROW     "\0\2\0\0\0\1a\377\377\377\377"
#define TRAILER "\377\377"

static void binary_rows_come_whatever_the_pieces(void **state)
{
    struct copy_style binary = copy_style_of(COPY_BINARY);

    (void)state;
    expect(&binary, BYTES(HEADER TRAILER), "");
    expect(&binary, BYTES(HEADER ROW ROW TRAILER), "[a]-;[a]-;");
    expect(&binary, BYTES(HEADER ROW), "[a]-;");
    expect(&binary, BYTES("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\3xyz" ROW TRAILER), "[a]-;");
}

static void the_field_that_was_refused_is_known(void **state)
{
    struct copy_style binary = copy_style_of(COPY_BINARY);
    const struct {
        struct view data;
        size_t field;
        const char *sqlstate;
    } rows[] = {
        { BYTES(HEADER "\0\3"), 0, "22P04" },
        { BYTES(HEADER "\0\2\377\377\377\376"), 1, "22P04" },
        { BYTES(HEADER "\0\2\0\0\0\1a\0\0"), 2, "22P04" },
        { BYTES(HEADER "\0\2\0\0\0\1a\77\377\377\377"), 2, "54000" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct copy_reader reader = copy_reader_of(&binary);
        struct copy_field fields[room];
        struct view data = rows[i].data;
        struct failure f;

        assert_int_equal(copy_next_tuple(&reader, &data, true, fields, 2, &f), FAILED);
        assert_string_equal(f.sqlstate, rows[i].sqlstate);
        assert_int_equal(reader.field, rows[i].field);
    }
}

static void bad_binary_data_is_refused(void **state)
{
    struct copy_style binary = copy_style_of(COPY_BINARY);

    (void)state;
    expect_failure(&binary, BYTES("1\ta\n"), "COPY file signature not recognized", 0);
    expect_failure(&binary, BYTES(""), "COPY file signature not recognized", 0);
    expect_failure(&binary, BYTES("PGCOPY\n\377\r\n\0\0\0"),
                   "invalid COPY file header (missing flags)", 0);
    expect_failure(&binary, BYTES("PGCOPY\n\377\r\n\0\0\0\0\0\0"),
                   "invalid COPY file header (missing length)", 0);
    expect_failure(&binary, BYTES("PGCOPY\n\377\r\n\0\0\1\0\0\0\0\0\0"),
                   "invalid COPY file header (WITH OIDS)", 0);
    expect_failure(&binary, BYTES("PGCOPY\n\377\r\n\0\0\2\0\0\0\0\0\0"),
                   "unrecognized critical flags in COPY file header", 0);
    expect_failure(&binary, BYTES("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\5abc"),
                   "invalid COPY file header (wrong length)", 0);
    expect_failure(&binary, BYTES(HEADER ROW "\0\3"), "row field count is 3, expected 2", 2);
    expect_failure(&binary, BYTES(HEADER "\0\2\377\377\377\376"), "invalid field size", 1);
    expect_failure(&binary, BYTES(HEADER "\0\2\0\0\0\5ab"), "unexpected EOF in COPY data", 1);
    expect_failure(&binary, BYTES(HEADER ROW TRAILER "x"), "received copy data after EOF marker",
                   2);
}

static void what_is_written_is_read_again(void **state)
{
    static const char *const values[] = { "",           "a",    "\\N",  "\\.", "a\tb,c\"d\\e",
                                          "\n\r\b\f\v", "grüß", "\"\"", ",",   "null",
                                          "\177" };

    (void)state;
    for (enum copy_format format = COPY_TEXT; format <= COPY_CSV; format++) {
        struct copy_style style = copy_style_of(format);
        struct copy_writer w = copy_writer_of(&style);
        for (size_t i = 0; i < ARRAY_LEN(values); i++) {
            cleanup(buf_finish) struct buf out = { 0 };
            char rows[64];

            assert_int_equal(copy_write_field(&w, view_of_str(values[i]), false, true, &out), 0);
            assert_int_equal(buf_append_byte(&out, '\n'), 0);
            snprintf(rows, sizeof(rows), "[%s];", values[i]);
            expect(&style, buf_view(&out), rows);
        }
    }
}

static void csv_quotes_what_needs_it(void **state)
{
    cleanup(buf_finish) struct buf out = { 0 };
    struct copy_style csv = copy_style_of(COPY_CSV);
    struct copy_writer w = copy_writer_of(&csv);

    (void)state;
    assert_int_equal(copy_write_field(&w, BYTES("plain"), false, false, &out), 0);
    assert_int_equal(copy_write_field(&w, BYTES("plain"), true, false, &out), 0);
    assert_int_equal(copy_write_field(&w, BYTES(""), false, false, &out), 0);
    assert_int_equal(copy_write_field(&w, BYTES("a\"b"), false, false, &out), 0);
    assert_int_equal(copy_write_field(&w, BYTES("\\."), false, false, &out), 0);
    assert_view_equal(buf_view(&out), "plain\"plain\"\"\"\"a\"\"b\"\\.");
}

static void more_fields_than_there_is_room_for_are_counted(void **state)
{
    cleanup(buf_finish) struct buf scratch = { 0 };
    struct copy_style text = copy_style_of(COPY_TEXT);
    struct copy_field fields[2];
    size_t count = 0;

    (void)state;
    assert_int_equal(copy_split_line(&text, BYTES("a\tb\tc\td"), &scratch, fields, 2, &count, NULL),
                     0);
    assert_int_equal(count, 4);
    assert_view_equal(fields[1].bytes, "b");
}

static void a_full_buffer_and_no_memory_are_told(void **state)
{
    cleanup(buf_finish) struct buf small = { 0 };
    cleanup(buf_finish) struct buf none = { 0 };
    struct copy_style csv = copy_style_of(COPY_CSV);
    struct copy_writer w = copy_writer_of(&csv);
    struct copy_field field;
    size_t count;

    (void)state;
    buf_init(&small, 4);
    assert_int_equal(copy_write_field(&w, BYTES("a,b"), false, false, &small), BUF_FULL);
    assert_int_equal(copy_split_line(&csv, BYTES("longer"), &small, &field, 1, &count, NULL),
                     BUF_FULL);
    mem_fail_at(1, true);
    int written = copy_write_field(&w, BYTES("a,b"), false, false, &none);
    int split = copy_split_line(&csv, BYTES("x"), &none, &field, 1, &count, NULL);
    int header = copy_write_header(&none);
    mem_fail_at(0, false);
    assert_int_equal(written, -ENOMEM);
    assert_int_equal(split, -ENOMEM);
    assert_int_equal(header, -ENOMEM);
}

/* Bytes of all kinds, between others that stay as they are. */
static void fields_grow_where_they_lie(void **state)
{
    cleanup(buf_finish) struct buf out = { 0 };
    struct copy_style text = copy_style_of(COPY_TEXT);
    struct copy_style csv = copy_style_of(COPY_CSV);

    (void)state;
    csv.escape = '\\';
    struct copy_writer text_writer = copy_writer_of(&text);
    struct copy_writer csv_writer = copy_writer_of(&csv);

    assert_int_equal(buf_append_str(&out, "a\tb"), 0);
    assert_int_equal(copy_end_field(&text_writer, 2, false, false, &out), 0);
    assert_view_equal(buf_view(&out), "a\tb");
    assert_int_equal(buf_append_str(&out, "\t\\\n\r\b\f\vz"), 0);
    assert_int_equal(copy_end_field(&text_writer, 3, false, false, &out), 0);
    assert_view_equal(buf_view(&out), "a\tb\\t\\\\\\n\\r\\b\\f\\vz");
    buf_clear(&out);
    assert_int_equal(buf_append_str(&out, "x,\"\\\""), 0);
    assert_int_equal(copy_end_field(&csv_writer, 2, false, false, &out), 0);
    assert_view_equal(buf_view(&out), "x,\"\\\"\\\\\\\"\"");
    buf_clear(&out);
    assert_int_equal(copy_end_field(&csv_writer, 0, true, false, &out), 0);
    assert_view_equal(buf_view(&out), "\"\"");
}

static void a_field_that_cannot_grow_is_not_there(void **state)
{
    struct copy_style csv = copy_style_of(COPY_CSV);
    struct copy_writer w = copy_writer_of(&csv);

    (void)state;
    for (size_t max = 1; max <= 9; max++) { /* "a""b,"" is nine bytes */
        cleanup(buf_finish) struct buf out = { .max = max };

        assert_int_equal(copy_write_field(&w, BYTES("a\"b,\""), false, false, &out),
                         max < 9 ? BUF_FULL : 0);
        assert_int_equal(out.len, max < 9 ? 0 : 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_rows_come_whatever_the_pieces),
        cmocka_unit_test(csv_rows_come_whatever_the_pieces),
        cmocka_unit_test(newlines_must_be_alike),
        cmocka_unit_test(binary_rows_come_whatever_the_pieces),
        cmocka_unit_test(the_field_that_was_refused_is_known),
        cmocka_unit_test(bad_binary_data_is_refused),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(csv_quotes_what_needs_it),
        cmocka_unit_test(fields_grow_where_they_lie),
        cmocka_unit_test(a_field_that_cannot_grow_is_not_there),
        cmocka_unit_test(more_fields_than_there_is_room_for_are_counted),
        cmocka_unit_test(a_full_buffer_and_no_memory_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
