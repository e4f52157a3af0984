/* tests/fuzz/fuzz_startup.c: the packets before the first message, their parameters and options. */
#include "fuzz.h"

#include "protocol/backend.h"
#include "protocol/startup.h"

#include <string.h>

static void walk_options(const char *text)
{
    struct buf scratch;
    const char *name;
    const char *value;
    struct failure f;
    int r;

    buf_init(&scratch, startup_packet_bytes);
    while ((r = startup_option_next(&text, &scratch, &name, &value, &f)) == 0) {
        must(*name != '\0' && strchr(name, '-') == NULL && strlen(value) < scratch.len);
    }
    must(r == STARTUP_END || (r == FAILED && strcmp(f.sqlstate, "42601") == 0));
    buf_finish(&scratch);
}

/* What is answered to the packet is a message that a client can read. */
static void check_negotiation(const struct startup *startup)
{
    struct buf out = { 0 };
    struct writer w = writer_over(&out);
    struct backend_message m;
    struct frame frame;
    struct failure f;

    startup_negotiate(&w, startup);
    must(writer_result(&w) == 0);
    struct view answer = buf_view(&out);

    if (answer.len > 0) {
        must(frame_next(&answer, SIDE_BACKEND, 1 << 20, &frame) == 0 && answer.len == 0);
        must(backend_read(&frame, &m, &f) == 0 && m.type == 'v');
    }
    buf_finish(&out);
}

static void check_message(const struct startup *startup)
{
    struct view iter = startup->params;
    const char *name;
    const char *value;

    while (startup_param_next(&iter, &name, &value)) {
        must(*name != '\0' && startup_param_find(startup, name) != NULL);
        walk_options(value);
    }
    must(iter.len == 0);
    check_negotiation(startup);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view in = view_of(data, size);
    struct startup startup;
    struct failure f;
    int r;

    while ((r = startup_next(&in, &startup, &f)) == 0) {
        if (startup.kind == STARTUP_MESSAGE) {
            must(startup.major == 3);
            check_message(&startup);
        } else if (startup.kind == STARTUP_CANCEL) {
            must(startup.cancel_key.len >= 4 && startup.cancel_key.len <= startup_key_max_bytes);
        }
    }
    must(r == STARTUP_MORE || (r == FAILED && f.severity == SEVERITY_FATAL));
    return 0;
}
