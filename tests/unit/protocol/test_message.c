#include "protocol/message.h"

#include "protocol/backend.h"
#include "protocol/frontend.h"
#include "support.h"

#include <string.h>

static void every_row_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < message_count; i++) {
        const struct message_row *row = &message_table[i];

        assert_non_null(row->name);
        assert_ptr_equal(message_find_name(row->side, row->name), row);
        assert_int_equal(strspn(row->body, "124sv*[]{}<>=;0123456789"), strlen(row->body));
        if (row->type != 0) {
            assert_int_equal(message_find(row->side, row->type)->type, row->type);
        }
    }
    assert_null(message_find(SIDE_FRONTEND, 0));
    assert_null(message_find(SIDE_FRONTEND, 'z'));
    assert_null(message_find_name(SIDE_BACKEND, "Query"));
}

static void the_whole_set_of_protocol_v3_is_there(void **state)
{
    static const char frontend[] = "BCDEFHPQSXcdfp";
    static const char backend[] = "123ACDEGHIKNRSTVWZcdnstv";
    int count[2] = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(frontend) - 1; i++) {
        assert_non_null(message_find(SIDE_FRONTEND, (uint8_t)frontend[i]));
    }
    for (size_t i = 0; i < sizeof(backend) - 1; i++) {
        assert_non_null(message_find(SIDE_BACKEND, (uint8_t)backend[i]));
    }
    for (int type = 1; type < 256; type++) {
        count[0] += message_find(SIDE_FRONTEND, (uint8_t)type) != NULL;
        count[1] += message_find(SIDE_BACKEND, (uint8_t)type) != NULL;
    }
    assert_int_equal(count[0], sizeof(frontend) - 1);
    assert_int_equal(count[1], sizeof(backend) - 1);
}

static bool fits(enum message_side side, const char *name, struct view body)
{
    return message_matches(message_find_name(side, name), body);
}

static void bodies_are_held_to_their_grammar(void **state)
{
    (void)state;
    assert_true(fits(SIDE_FRONTEND, "Query", BYTES("SELECT 1\0")));
    assert_false(fits(SIDE_FRONTEND, "Query", BYTES("SELECT 1")));
    assert_false(fits(SIDE_FRONTEND, "Query", BYTES("SELECT 1\0x")));
    assert_true(fits(SIDE_FRONTEND, "SSLRequest", BYTES("\x04\xd2\x16\x2f")));
    assert_false(fits(SIDE_FRONTEND, "SSLRequest", BYTES("\x04\xd2\x16\x30")));
    assert_true(fits(SIDE_FRONTEND, "StartupMessage", BYTES("\0\3\0\0user\0me\0\0")));
    assert_false(fits(SIDE_FRONTEND, "StartupMessage", BYTES("\0\3\0\0user\0me\0")));
    assert_true(fits(SIDE_BACKEND, "DataRow", BYTES("\0\2\xff\xff\xff\xff\0\0\0\1x")));
    assert_false(fits(SIDE_BACKEND, "DataRow", BYTES("\0\3\xff\xff\xff\xff\0\0\0\1x")));
    assert_false(fits(SIDE_BACKEND, "DataRow", BYTES("\0\1\xff\xff\xff\xfe")));
    assert_true(fits(SIDE_BACKEND, "NegotiateProtocolVersion", BYTES("\0\0\0\0\0\0\0\2a\0b\0")));
    assert_false(fits(SIDE_BACKEND, "NegotiateProtocolVersion", BYTES("\0\0\0\0\xff\xff\xff\xff")));
    assert_true(fits(SIDE_BACKEND, "ErrorResponse", BYTES("SERROR\0C42601\0\0")));
    assert_false(fits(SIDE_BACKEND, "ErrorResponse", BYTES("SERROR\0C42601\0")));
    assert_true(fits(SIDE_BACKEND, "AuthenticationOk", BYTES("\0\0\0\0")));
    assert_false(fits(SIDE_BACKEND, "AuthenticationOk", BYTES("\0\0\0\3")));
    assert_true(fits(SIDE_BACKEND, "AuthenticationMD5Password", BYTES("\0\0\0\5salt")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(the_whole_set_of_protocol_v3_is_there),
        cmocka_unit_test(bodies_are_held_to_their_grammar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
