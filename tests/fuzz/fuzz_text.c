/* tests/fuzz/fuzz_text.c: any bytes, as a terminal and as JSON shows them.
 *
 * What comes out must be UTF-8 without control characters, as wide as was said; a value of type
 * json must come out as one line of valid JSON, whatever it was. */
#include "fuzz.h"

#include "base/buf.h"
#include "client/cli/json.h"
#include "client/cli/text.h"
#include "protocol/pgtype.h"

static struct output out;

/* What `out` has in its memory, checked. */
static void check_clean(struct buf *got)
{
    output_flush(&out);
    must(out.error == 0);
    for (size_t at = 0; at < got->len;) {
        uint32_t c;
        size_t n = text_decode((const char *)got->data + at, got->len - at, &c);

        must(n > 0);
        must(c >= ' ' && c != 0x7f && !(c >= 0x80 && c < 0xa0));
        at += n;
    }
    buf_clear(got);
}

static void check_text(const char *s, size_t len, int most, struct buf *got)
{
    int whole = text_width(s, len);
    int width = text_put(&out, s, len, most);

    must(most <= 0 ? width == whole : width <= most);
    must(most <= 0 || whole > most || width == whole);
    check_clean(got);
}

static void check_json(const char *s, size_t len, struct buf *got)
{
    json_put_string(&out, s, len);
    output_flush(&out);
    must(json_is_valid((const char *)got->data, got->len));
    buf_clear(got);
    json_put_value(&out, OID_JSON, s, len);
    output_flush(&out);
    must(json_is_valid((const char *)got->data, got->len));
    must(memchr(got->data, '\n', got->len) == NULL);
    buf_clear(got);
    json_put_value(&out, OID_NUMERIC, s, len);
    output_flush(&out);
    must(json_is_valid((const char *)got->data, got->len));
    buf_clear(got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup(buf_finish) struct buf got = { 0 };

    if (size == 0) {
        return 0;
    }
    text_init();
    output_init_memory(&out, &got);
    check_text((const char *)data + 1, size - 1, 0, &got);
    check_text((const char *)data + 1, size - 1, data[0], &got);
    check_json((const char *)data + 1, size - 1, &got);
    return 0;
}
