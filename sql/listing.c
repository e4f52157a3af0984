/* sql/listing.c: see listing.h. */
#include "sql/listing.h"

#include "sql/function_support.h"

#include <inttypes.h>

static void append(struct listing *listing, const char *text)
{
    if (listing->result == 0) {
        listing->result = buf_append_str(&listing->json, text);
    }
}

void listing_begin(struct listing *listing)
{
    *listing = (struct listing){ 0 };
    buf_init(&listing->json, fn_result_max);
    append(listing, "[");
}

void listing_end(struct listing *listing, sqlite3_context *context)
{
    append(listing, listing->open ? "]]" : "]");
    fn_result_buf(context, &listing->json, listing->result);
    buf_finish(&listing->json);
}

void listing_row(struct listing *listing)
{
    append(listing, listing->open ? "],[" : "[");
    listing->open = true;
}

/* The comma in front of every value but a row's first. */
static void next_value(struct listing *listing)
{
    const struct buf *json = &listing->json;

    if (listing->result == 0 && json->data[json->len - 1] != '[') {
        append(listing, ",");
    }
}

static int append_escaped(struct buf *out, struct view text)
{
    int r = buf_append_byte(out, '"');

    for (size_t i = 0; i < text.len && r == 0; i++) {
        uint8_t c = text.data[i];

        r = c < 0x20                ? buf_printf(out, "\\u%04x", c)
            : c == '"' || c == '\\' ? buf_printf(out, "\\%c", c)
                                    : buf_append_byte(out, c);
    }
    return r == 0 ? buf_append_byte(out, '"') : r;
}

void listing_text(struct listing *listing, struct view text)
{
    next_value(listing);
    if (listing->result == 0) {
        listing->result = append_escaped(&listing->json, text);
    }
}

void listing_str(struct listing *listing, const char *text)
{
    if (text == NULL) {
        listing_null(listing);
    } else {
        listing_text(listing, view_of_str(text));
    }
}

void listing_int(struct listing *listing, int64_t n)
{
    next_value(listing);
    if (listing->result == 0) {
        listing->result = buf_printf(&listing->json, "%" PRId64, n);
    }
}

void listing_bool(struct listing *listing, bool truth)
{
    next_value(listing);
    append(listing, truth ? "true" : "false");
}

void listing_null(struct listing *listing)
{
    next_value(listing);
    append(listing, "null");
}

void listing_time(struct listing *listing, int64_t unix_us)
{
    static const struct value_style iso = { 0 };
    char text[datetime_bytes];

    if (unix_us == 0) {
        listing_null(listing);
        return;
    }
    unix_us -= (int64_t)UNIX_TO_2000_S * USECS_PER_SEC;
    listing_text(listing, view_of(text, timestamptz_write(unix_us, &iso, text)));
}
