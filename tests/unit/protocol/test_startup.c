#include "protocol/startup.h"

#include "protocol/backend.h"
#include "support.h"

#include <errno.h>
#include <string.h>

static struct startup parsed(const struct buf *out)
{
    struct view in = buf_view(out);
    struct startup s;
    struct failure f;

    assert_int_equal(startup_next(&in, &s, &f), 0);
    assert_int_equal(in.len, 0);
    return s;
}

static const char *refusal(struct view in)
{
    static struct failure f;
    struct startup s;

    assert_int_equal(startup_next(&in, &s, &f), FAILED);
    assert_int_equal(f.severity, SEVERITY_FATAL);
    return f.sqlstate;
}

static void a_startup_message_comes_back_as_written(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    const char *name;
    const char *value;

    (void)state;
    startup_message(&w);
    startup_param(&w, "user", "me");
    startup_param(&w, "database", "shop");
    startup_param(&w, "user", "you");
    assert_int_equal(startup_message_end(&w), 0);
    struct startup s = parsed(&out);
    struct view iter = s.params;

    assert_int_equal(s.kind, STARTUP_MESSAGE);
    assert_int_equal(s.major, 3);
    assert_int_equal(s.minor, 0);
    assert_true(startup_param_next(&iter, &name, &value));
    assert_string_equal(name, "user");
    assert_string_equal(value, "me");
    assert_string_equal(startup_param_find(&s, "user"), "you");
    assert_string_equal(startup_param_find(&s, "database"), "shop");
    assert_null(startup_param_find(&s, "options"));
}

static void the_requests_are_told_apart(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };
    struct writer w = writer_over(&out);
    struct view in;
    struct startup s;
    struct failure f;

    (void)state;
    startup_ssl_request(&w);
    startup_gssenc_request(&w);
    startup_cancel_request(&w, 42, BYTES("\1\2\3\4"));
    in = buf_view(&out);
    assert_view_equal(view_of(in.data, 8), "\0\0\0\x08\x04\xd2\x16\x2f");
    assert_int_equal(startup_next(&in, &s, &f), 0);
    assert_int_equal(s.kind, STARTUP_SSL);
    assert_int_equal(startup_next(&in, &s, &f), 0);
    assert_int_equal(s.kind, STARTUP_GSSENC);
    assert_int_equal(startup_next(&in, &s, &f), 0);
    assert_int_equal(s.kind, STARTUP_CANCEL);
    assert_int_equal(s.cancel_pid, 42);
    assert_view_equal(s.cancel_key, "\1\2\3\4");
    assert_int_equal(in.len, 0);
}

static void every_truncation_asks_for_more(void **state)
{
    struct view whole = BYTES("\0\0\0\x11\0\3\0\0user\0me\0\0");
    struct startup s;
    struct failure f;

    (void)state;
    for (size_t len = 0; len < whole.len; len++) {
        struct view part = view_of(whole.data, len);

        assert_int_equal(startup_next(&part, &s, &f), STARTUP_MORE);
    }
    assert_int_equal(startup_next(&whole, &s, &f), 0);
}

static void bad_lengths_and_layouts_are_fatal(void **state)
{
    static uint8_t long_key[400] = { 0, 0, 1, 0x0d, 0x04, 0xd2, 0x16, 0x2e };

    (void)state;
    assert_string_equal(refusal(BYTES("\0\0\0\0")), "08P01");
    assert_string_equal(refusal(BYTES("\0\0\0\x07")), "08P01");
    assert_string_equal(refusal(BYTES("\xff\xff\xff\xff")), "08P01");
    assert_string_equal(refusal(BYTES("\0\0\x27\x15")), "08P01");       /* one over 10,000 */
    assert_string_equal(refusal(BYTES("\x16\x03\x01\x02\0")), "08P01"); /* a TLS ClientHello */
    assert_string_equal(refusal(BYTES("\0\0\0\x0d\0\3\0\0user\0")), "08P01");
    assert_string_equal(refusal(BYTES("\0\0\0\x0a\0\3\0\0\0x")), "08P01");
    assert_string_equal(refusal(BYTES("\0\0\0\x08\0\3\0\0")), "08P01");
    assert_string_equal(refusal(BYTES("\0\0\0\x09\x04\xd2\x16\x2fx")), "08P01");
    assert_string_equal(refusal(BYTES("\0\0\0\x0f\x04\xd2\x16\x2e\0\0\0\1abc")), "08P01");
    assert_string_equal(refusal(view_of(long_key, 0x10d)), "08P01"); /* a key of 257 bytes */
}

static void keys_of_up_to_256_bytes_are_taken(void **state)
{
    static uint8_t packet[400] = { 0, 0, 1, 0x0c, 0x04, 0xd2, 0x16, 0x2e };
    struct view in = view_of(packet, 0x10c);
    struct startup s;
    struct failure f;

    (void)state;
    assert_int_equal(startup_next(&in, &s, &f), 0);
    assert_int_equal(s.cancel_key.len, 256);
}

static void another_major_version_is_0A000(void **state)
{
    (void)state;
    assert_string_equal(refusal(BYTES("\0\0\0\x09\0\2\0\0\0")), "0A000");
    assert_string_equal(refusal(BYTES("\0\0\0\x09\0\4\0\0\0")), "0A000");
}

static size_t negotiated(struct view packet, struct buf *out)
{
    struct writer w = writer_over(out);
    struct startup s;
    struct failure f;

    assert_int_equal(startup_next(&packet, &s, &f), 0);
    buf_clear(out);
    startup_negotiate(&w, &s);
    assert_int_equal(writer_result(&w), 0);
    return out->len;
}

static void newer_minors_and_protocol_options_are_negotiated(void **state)
{
    cleanup(finish_buf) struct buf out = { 0 };

    (void)state;
    assert_int_equal(negotiated(BYTES("\0\0\0\x09\0\3\0\0\0"), &out), 0);
    negotiated(BYTES("\0\0\0\x09\0\3\0\2\0"), &out);
    assert_view_equal(buf_view(&out), "v\0\0\0\x0c\0\3\0\0\0\0\0\0");
    negotiated(BYTES("\0\0\0\x1e\0\3\0\0_pq_.a\0\x31\0x\0y\0_pq_.b\0\0\0"), &out);
    assert_view_equal(buf_view(&out), "v\0\0\0\x1a\0\3\0\0\0\0\0\2_pq_.a\0_pq_.b\0");
}

/* "name=value;" for all options of the text, or the SQLSTATE. */
static const char *options(const char *text)
{
    static char all[256];
    cleanup(finish_buf) struct buf scratch = { 0 };
    const char *name;
    const char *value;
    struct failure f;
    int r;

    all[0] = '\0';
    while ((r = startup_option_next(&text, &scratch, &name, &value, &f)) == 0) {
        strcat(strcat(strcat(strcat(all, name), "="), value), ";");
    }
    if (r == FAILED) {
        strcpy(all, f.sqlstate);
    }
    return all;
}

static void options_are_parsed_as_postgres_does(void **state)
{
    (void)state;
    assert_string_equal(options(""), "");
    assert_string_equal(options("  "), "");
    assert_string_equal(options("-c a=b"), "a=b;");
    assert_string_equal(options("-ca=b  -c c=d"), "a=b;c=d;");
    assert_string_equal(options("--statement-timeout=5s"), "statement_timeout=5s;");
    assert_string_equal(options("-c search_path=a,\\ b\\\\c"), "search_path=a, b\\c;");
    assert_string_equal(options("-c x=a=b"), "x=a=b;");
    assert_string_equal(options("-c x="), "x=;");
    assert_string_equal(options("-c"), "42601");
    assert_string_equal(options("-c a"), "42601");
    assert_string_equal(options("--a"), "42601");
    assert_string_equal(options("-c =b"), "42601");
    assert_string_equal(options("-x"), "42601");
    assert_string_equal(options("word"), "42601");
    assert_string_equal(options("-c a=b\\"), "a=b;");
}

static int options_without_memory(void)
{
    cleanup(finish_buf) struct buf scratch = { 0 };
    const char *text = "-c a=b";
    const char *name;
    const char *value;
    struct failure f;

    return startup_option_next(&text, &scratch, &name, &value, &f);
}

static void options_answer_no_memory_and_a_full_buffer(void **state)
{
    struct buf scratch;
    const char *text = "-c abcdefgh=b";
    const char *name;
    const char *value;
    struct failure f;

    (void)state;
    for_each_failed_allocation(options_without_memory);
    buf_init(&scratch, 4);
    assert_int_equal(startup_option_next(&text, &scratch, &name, &value, &f), BUF_FULL);
    buf_finish(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_startup_message_comes_back_as_written),
        cmocka_unit_test(the_requests_are_told_apart),
        cmocka_unit_test(every_truncation_asks_for_more),
        cmocka_unit_test(bad_lengths_and_layouts_are_fatal),
        cmocka_unit_test(keys_of_up_to_256_bytes_are_taken),
        cmocka_unit_test(another_major_version_is_0A000),
        cmocka_unit_test(newer_minors_and_protocol_options_are_negotiated),
        cmocka_unit_test(options_are_parsed_as_postgres_does),
        cmocka_unit_test(options_answer_no_memory_and_a_full_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
