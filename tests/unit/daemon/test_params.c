/* Bind's parameters become cells. */
#include "daemon/params.h"

#include "base/alloc.h"
#include "protocol/pgtype.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct view no_name = { .data = (const uint8_t *)"", .len = 0 };
static const struct value_style style;

/* The message lies in `out`, which must live as long as the views in it. */
static void make_bind(struct buf *out, const char *const *values, uint16_t count,
                      struct msg_bind *ret_bind)
{
    struct writer w = writer_over(out);
    struct frontend_message message;
    struct failure failure;
    struct frame frame;

    frontend_bind(&w, no_name, no_name, NULL, 0, count);
    for (uint16_t i = 0; i < count; i++) {
        if (values[i] == NULL) {
            writer_null(&w);
        } else {
            writer_value(&w, view_of_str(values[i]));
        }
    }
    frontend_bind_end(&w, NULL, 0);
    assert_int_equal(writer_result(&w), 0);
    struct view in = buf_view(out);
    assert_int_equal(frame_next(&in, SIDE_FRONTEND, 1 << 20, &frame), 0);
    assert_int_equal(frontend_read(&frame, &message, &failure), 0);
    *ret_bind = message.bind;
}

static void each_value_is_decoded_by_its_own_type(void **state)
{
    static const uint32_t oids[] = { OID_INT4, OID_BOOL, OID_TEXT, OID_BYTEA, OID_INT4 };
    cleanup(buf_finish) struct buf out = { 0 };
    cleanup(params_finish) struct params params = { 0 };
    struct failure failure;
    struct msg_bind bind;

    (void)state;
    make_bind(&out, (const char *const[]){ "41", "true", "hello", "\\x00ff", NULL }, 5, &bind);
    assert_int_equal(params_decode(&params, &bind, oids, &style, &failure), 0);
    assert_int_equal(params.count, 5);
    assert_int_equal(params.cells[0].kind, CELL_INT);
    assert_int_equal(params.cells[0].i, 41);
    assert_int_equal(params.cells[1].i, 1);
    assert_true(view_equal_str(params.cells[2].bytes, "hello"));
    assert_int_equal(params.cells[3].kind, CELL_BLOB);
    assert_memory_equal(params.cells[3].bytes.data, "\0\xff", 2);
    assert_int_equal(params.cells[4].kind, CELL_NULL);
}

static void cells_follow_their_scratch_buffer_when_it_moves(void **state)
{
    enum { count = 500 };
    static uint32_t oids[count];
    static char texts[count][24];
    static const char *values[count];
    cleanup(buf_finish) struct buf out = { 0 };
    cleanup(params_finish) struct params params = { 0 };
    struct failure failure;
    struct msg_bind bind;

    (void)state;
    for (int i = 0; i < count; i++) {
        oids[i] = OID_BYTEA;
        snprintf(texts[i], sizeof(texts[i]), "\\x%08x", (unsigned)i);
        values[i] = texts[i];
    }
    make_bind(&out, values, count, &bind);
    assert_int_equal(params_decode(&params, &bind, oids, &style, &failure), 0);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *b = params.cells[i].bytes.data;

        assert_int_equal(params.cells[i].bytes.len, 4);
        assert_int_equal((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3],
                         i);
    }
}

static void a_bad_value_is_named(void **state)
{
    static const uint32_t oids[] = { OID_INT4 };
    cleanup(buf_finish) struct buf out = { 0 };
    cleanup(params_finish) struct params params = { 0 };
    struct failure failure;
    struct msg_bind bind;

    (void)state;
    make_bind(&out, (const char *const[]){ "4x" }, 1, &bind);
    assert_int_equal(params_decode(&params, &bind, oids, &style, &failure), FAILED);
    assert_string_equal(failure.sqlstate, "22P02");
    assert_string_equal(failure_get(&failure, FIELD_WHERE), "unnamed portal parameter $1 = '...'");
}

static void lack_of_memory_is_the_statements_failure(void **state)
{
    enum { count = 40 };
    uint32_t oids[count];
    const char *values[count];
    cleanup(buf_finish) struct buf out = { 0 };
    struct msg_bind bind;
    bool hit = true;

    (void)state;
    for (int i = 0; i < count; i++) {
        oids[i] = OID_BYTEA;
        values[i] = "\\x0102030405060708";
    }
    make_bind(&out, values, count, &bind);
    for (uint64_t n = 1; hit; n++) {
        struct params params = { 0 };
        struct failure failure = { 0 };

        mem_fail_at(n, false);
        int r = params_decode(&params, &bind, oids, &style, &failure);
        hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_int_equal(r, hit ? FAILED : 0);
        if (hit) {
            assert_string_equal(failure.sqlstate, "53200");
        }
        params_finish(&params);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_is_decoded_by_its_own_type),
        cmocka_unit_test(cells_follow_their_scratch_buffer_when_it_moves),
        cmocka_unit_test(a_bad_value_is_named),
        cmocka_unit_test(lack_of_memory_is_the_statements_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
