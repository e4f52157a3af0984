/* sql/function_cursor.c: pond_cursors(): the session's portals as JSON, for pg_cursors. */
#include "sql/function_support.h"

#include "pool/names.h"
#include "sql/portal.h"

struct listing {
    struct buf json;
    int result;
};

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

static int append_made(struct buf *out, const struct portal *portal)
{
    static const struct value_style iso = { 0 };
    char text[datetime_bytes];
    int64_t us = portal->made_us != 0 ? portal->made_us : sql_now_us(portal->sql);

    us -= (int64_t)UNIX_TO_2000_S * USECS_PER_SEC;
    return append_escaped(out, view_of(text, timestamptz_write(us, &iso, text)));
}

/* Without the blanks in front, where the statement was not the first of its text. */
static struct view statement_of(const struct portal *portal)
{
    const struct plan *plan = portal->declared_by != NULL ? portal->declared_by : portal->plan;
    struct view text = plan_whole(plan)->text;

    while (text.len > 0 && strchr(" \t\r\n", text.data[0]) != NULL) {
        view_advance(&text, 1);
    }
    return text;
}

static int append_portal(struct buf *out, struct view name, const struct portal *portal)
{
    int r = buf_append_str(out, out->len > 1 ? ",{\"name\":" : "{\"name\":");

    if (r == 0) {
        r = append_escaped(out, name);
    }
    if (r == 0) {
        r = buf_append_str(out, ",\"statement\":");
    }
    if (r == 0) {
        r = append_escaped(out, statement_of(portal));
    }
    if (r == 0) {
        r = buf_printf(out,
                       ",\"is_holdable\":%d,\"is_binary\":%d,\"is_scrollable\":%d,"
                       "\"creation_time\":",
                       portal->holdable, portal->binary, portal->scrolls);
    }
    if (r == 0) {
        r = append_made(out, portal);
    }
    return r == 0 ? buf_append_byte(out, '}') : r;
}

/* The unnamed portal is only the statement that asks. */
static void list_portal(struct view name, void *object, void *arg)
{
    struct listing *listing = arg;

    if (listing->result == 0 && name.len > 0 && !portal_is_over(object)) {
        listing->result = append_portal(&listing->json, name, object);
    }
}

FN(cursors)
{
    struct listing listing = { 0 };

    (void)n;
    (void)v;
    buf_init(&listing.json, fn_result_max);
    listing.result = buf_append_byte(&listing.json, '[');
    names_each(fn_sql(c)->portals, list_portal, &listing);
    if (listing.result == 0) {
        listing.result = buf_append_byte(&listing.json, ']');
    }
    fn_result_buf(c, &listing.json, listing.result);
    buf_finish(&listing.json);
}

static const struct function rows[] = {
    { .name = "pond_cursors",
      .result = RESULT_FIXED,
      .oid = OID_TEXT,
      .flags = FUNCTION_VOLATILE | FUNCTION_INTERNAL,
      .call = cursors },
};

FUNCTION_TABLE(function_cursor_table, rows);
