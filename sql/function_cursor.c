/* sql/function_cursor.c: pond_cursors(): the session's portals, for pg_cursors. */
#include "sql/function_support.h"

#include "pool/names.h"
#include "sql/listing.h"
#include "sql/portal.h"

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

/* The unnamed portal is only the statement that asks. */
static void list_portal(struct view name, void *object, void *arg)
{
    const struct portal *portal = object;
    struct listing *listing = arg;

    if (name.len == 0 || portal_is_over(portal)) {
        return;
    }
    listing_row(listing);
    listing_text(listing, name);
    listing_text(listing, statement_of(portal));
    listing_bool(listing, portal->holdable);
    listing_bool(listing, portal->binary);
    listing_bool(listing, portal->scrolls);
    listing_time(listing, portal->made_us != 0 ? portal->made_us : sql_now_us(portal->sql));
}

FN(cursors)
{
    struct listing listing;

    (void)n;
    (void)v;
    listing_begin(&listing);
    names_each(fn_sql(c)->portals, list_portal, &listing);
    listing_end(&listing, c);
}

static const struct function rows[] = {
    { .name = "pond_cursors",
      .result = RESULT_FIXED,
      .oid = OID_TEXT,
      .flags = FUNCTION_VOLATILE | FUNCTION_INTERNAL,
      .call = cursors },
};

FUNCTION_TABLE(function_cursor_table, rows);
