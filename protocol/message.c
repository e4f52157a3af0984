/* protocol/message.c: the message table and a matcher of its body grammars. */
#include "protocol/message.h"

#include "protocol/reader.h"

#include <assert.h>

/* clang-format off */
/* Front-end rows first, the commonest first, since message_find() looks from the front. */
const struct message_row message_table[] = {
    /* name                       body              type  side        long */
    { "Bind",                     "ss[2][v][2]",    'B', SIDE_FRONTEND, true },
    { "Execute",                  "s4",             'E', SIDE_FRONTEND, false },
    { "Sync",                     "",               'S', SIDE_FRONTEND, false },
    { "Query",                    "s",              'Q', SIDE_FRONTEND, true },
    { "Parse",                    "ss[4]",          'P', SIDE_FRONTEND, true },
    { "Describe",                 "1s",             'D', SIDE_FRONTEND, false },
    { "Close",                    "1s",             'C', SIDE_FRONTEND, false },
    { "Flush",                    "",               'H', SIDE_FRONTEND, false },
    { "CopyData",                 "*",              'd', SIDE_FRONTEND, true },
    { "CopyDone",                 "",               'c', SIDE_FRONTEND, false },
    { "CopyFail",                 "s",              'f', SIDE_FRONTEND, false },
    { "FunctionCall",             "4[2][v]2",       'F', SIDE_FRONTEND, true },
    { "Terminate",                "",               'X', SIDE_FRONTEND, false },
    { "PasswordMessage",          "s",              'p', SIDE_FRONTEND, false },
    { "SASLInitialResponse",      "sv",             'p', SIDE_FRONTEND, false },
    { "SASLResponse",             "*",              'p', SIDE_FRONTEND, false },
    { "GSSResponse",              "*",              'p', SIDE_FRONTEND, false },
    { "StartupMessage",           "4{ss}",          0,   SIDE_FRONTEND, false },
    { "CancelRequest",            "=80877102;4*",   0,   SIDE_FRONTEND, false },
    { "SSLRequest",               "=80877103;",     0,   SIDE_FRONTEND, false },
    { "GSSENCRequest",            "=80877104;",     0,   SIDE_FRONTEND, false },
    { "DataRow",                  "[v]",            'D', SIDE_BACKEND, true },
    { "CommandComplete",          "s",              'C', SIDE_BACKEND, true },
    { "ReadyForQuery",            "1",              'Z', SIDE_BACKEND, false },
    { "ParseComplete",            "",               '1', SIDE_BACKEND, false },
    { "BindComplete",             "",               '2', SIDE_BACKEND, false },
    { "CloseComplete",            "",               '3', SIDE_BACKEND, false },
    { "RowDescription",           "[s424242]",      'T', SIDE_BACKEND, true },
    { "ParameterDescription",     "[4]",            't', SIDE_BACKEND, true },
    { "NoData",                   "",               'n', SIDE_BACKEND, false },
    { "PortalSuspended",          "",               's', SIDE_BACKEND, false },
    { "EmptyQueryResponse",       "",               'I', SIDE_BACKEND, false },
    { "ErrorResponse",            "{1s}",           'E', SIDE_BACKEND, true },
    { "NoticeResponse",           "{1s}",           'N', SIDE_BACKEND, true },
    { "NotificationResponse",     "4ss",            'A', SIDE_BACKEND, true },
    { "ParameterStatus",          "ss",             'S', SIDE_BACKEND, true },
    { "CopyData",                 "*",              'd', SIDE_BACKEND, true },
    { "CopyDone",                 "",               'c', SIDE_BACKEND, false },
    { "CopyInResponse",           "1[2]",           'G', SIDE_BACKEND, true },
    { "CopyOutResponse",          "1[2]",           'H', SIDE_BACKEND, true },
    { "CopyBothResponse",         "1[2]",           'W', SIDE_BACKEND, true },
    { "FunctionCallResponse",     "v",              'V', SIDE_BACKEND, true },
    { "BackendKeyData",           "4*",             'K', SIDE_BACKEND, false },
    { "NegotiateProtocolVersion", "4<s>",           'v', SIDE_BACKEND, false },
    { "AuthenticationOk",                "=0;",     'R', SIDE_BACKEND, false },
    { "AuthenticationKerberosV5",        "=2;",     'R', SIDE_BACKEND, false },
    { "AuthenticationCleartextPassword", "=3;",     'R', SIDE_BACKEND, false },
    { "AuthenticationMD5Password",       "=5;4",    'R', SIDE_BACKEND, false },
    { "AuthenticationGSS",               "=7;",     'R', SIDE_BACKEND, false },
    { "AuthenticationGSSContinue",       "=8;*",    'R', SIDE_BACKEND, false },
    { "AuthenticationSSPI",              "=9;",     'R', SIDE_BACKEND, false },
    { "AuthenticationSASL",              "=10;{s}", 'R', SIDE_BACKEND, false },
    { "AuthenticationSASLContinue",      "=11;*",   'R', SIDE_BACKEND, false },
    { "AuthenticationSASLFinal",         "=12;*",   'R', SIDE_BACKEND, false },
};
/* clang-format on */

const size_t message_count = ARRAY_LEN(message_table);

const struct message_row *message_find(enum message_side side, uint8_t type)
{
    if (type == 0) {
        return NULL;
    }
    for (size_t i = 0; i < message_count; i++) {
        if (message_table[i].type == type && message_table[i].side == side) {
            return &message_table[i];
        }
    }
    return NULL;
}

const struct message_row *message_find_name(enum message_side side, const char *name)
{
    for (size_t i = 0; i < message_count; i++) {
        if (message_table[i].side == side && strcmp(message_table[i].name, name) == 0) {
            return &message_table[i];
        }
    }
    return NULL;
}

/* "=N;": gives where the grammar goes on. */
static const char *match_constant(const char *g, struct reader *r)
{
    uint32_t want = 0;

    for (; *g != ';'; g++) {
        want = want * 10 + (uint32_t)(*g - '0');
    }
    if (reader_u32(r) != want) {
        r->failed = true;
    }
    return g + 1;
}

static void match_field(char kind, struct reader *r)
{
    struct view value;

    switch (kind) {
    case '1':
        reader_u8(r);
        break;
    case '2':
        reader_u16(r);
        break;
    case '4':
        reader_u32(r);
        break;
    case 's':
        reader_cstr(r);
        break;
    case 'v':
        reader_value(r, &value);
        break;
    default:
        assert(kind == '*');
        reader_rest(r);
    }
}

static void match_fields(const char *g, const char *end, struct reader *r)
{
    for (; g < end && !r->failed; g++) {
        match_field(*g, r);
    }
}

static void match_counted(const char *g, const char *end, uint32_t count, struct reader *r)
{
    for (uint32_t i = 0; i < count && !r->failed; i++) {
        match_fields(g, end, r);
    }
}

static void match_until_zero(const char *g, const char *end, struct reader *r)
{
    while (!r->failed && reader_left(r) > 0 && *r->pos != 0) {
        match_fields(g, end, r);
    }
    reader_u8(r);
}

/* A bracketed group; gives where the grammar goes on. */
static const char *match_group(const char *g, struct reader *r)
{
    char open = *g++;
    const char *end = strchr(g, open == '[' ? ']' : open == '<' ? '>' : '}');

    if (open == '{') {
        match_until_zero(g, end, r);
    } else {
        match_counted(g, end, open == '[' ? reader_u16(r) : reader_u32(r), r);
    }
    return end + 1;
}

bool message_matches(const struct message_row *row, struct view body)
{
    struct reader r = reader_over(body);
    const char *g = row->body;

    while (*g != '\0' && !r.failed) {
        if (*g == '=') {
            g = match_constant(g + 1, &r);
        } else if (strchr("[<{", *g) != NULL) {
            g = match_group(g, &r);
        } else {
            match_field(*g++, &r);
        }
    }
    return reader_done(&r);
}
