/* tests/fuzz/fuzz_scram.c: SCRAM's messages to a server and to a client, and verifiers. The first
 * byte says which. A server may never be content: the proof is of a password that nobody has. */
#include "fuzz.h"

#include "protocol/scram.h"

static const uint8_t random_bytes[scram_random_bytes];

static void judge(int r, const struct failure *f)
{
    must(r == 0 || r == SCRAM_WRONG || r == FAILED);
    must(r != FAILED || failure_get(f, FIELD_MESSAGE) != NULL);
}

/* Both messages, with a zero byte in between. */
static void fuzz_server(struct view in, bool plus)
{
    cleanup(scram_server_finish) struct scram_server s = { .plus = plus, .binding_len = plus };
    cleanup(buf_finish) struct buf out = { 0 };
    const uint8_t *zero = in.len == 0 ? NULL : memchr(in.data, 0, in.len);
    size_t len = zero == NULL ? in.len : (size_t)(zero - in.data);
    struct failure f;

    s.verifier = (struct scram_verifier){ .iterations = 1, .salt_len = 1 };
    int r = scram_server_first(&s, view_of(in.data, len), random_bytes, &out, &f);
    judge(r, &f);
    if (r == 0 && zero != NULL) {
        view_advance(&in, len + 1);
        r = scram_server_final(&s, in, &out, &f);
        judge(r, &f);
        must(r != 0);
    }
}

static void fuzz_client(struct view in)
{
    cleanup(scram_client_finish) struct scram_client c = { .flag = 'n' };
    cleanup(buf_finish) struct buf out = { 0 };
    uint8_t salted[scram_key_bytes] = { 0 };
    struct failure f;

    must(scram_client_first(&c, random_bytes, &out) == 0);
    int r = scram_client_challenge(&c, in, &f);
    judge(r, &f);
    if (r == 0) {
        must(c.salt_len > 0 && c.iterations > 0 && c.iterations <= scram_iterations_most);
        must(scram_client_final(&c, salted, &out) == 0);
    }
    judge(scram_client_verify(&c, in, &f), &f);
}

static void fuzz_verifier(struct view in)
{
    cleanup(buf_finish) struct buf out = { 0 };
    struct scram_verifier v;

    if (scram_verifier_parse(in, &v)) {
        must(scram_verifier_print(&v, &out) == 0);
        must(view_equal(buf_view(&out), in));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct view rest = view_of(data + 1, size - 1);

    switch (data[0] % 4) {
    case 0:
        fuzz_server(rest, false);
        break;
    case 1:
        fuzz_server(rest, true);
        break;
    case 2:
        fuzz_client(rest);
        break;
    default:
        fuzz_verifier(rest);
    }
    return 0;
}
