/* sql/rewrite_window.c: what a window function sees: PARTITION BY, ORDER BY and the frame. */
#include "sql/expr.h"

enum frame_bits { /* parsenodes.h: FRAMEOPTION_* */
                  FRAME_NONDEFAULT = 0x00001,
                  FRAME_RANGE = 0x00002,
                  FRAME_ROWS = 0x00004,
                  FRAME_GROUPS = 0x00008,
                  FRAME_BETWEEN = 0x00010,
                  FRAME_START_UNBOUNDED_PRECEDING = 0x00020,
                  FRAME_END_UNBOUNDED_FOLLOWING = 0x00100,
                  FRAME_START_CURRENT_ROW = 0x00200,
                  FRAME_END_CURRENT_ROW = 0x00400,
                  FRAME_START_OFFSET_PRECEDING = 0x00800,
                  FRAME_END_OFFSET_PRECEDING = 0x01000,
                  FRAME_START_OFFSET_FOLLOWING = 0x02000,
                  FRAME_END_OFFSET_FOLLOWING = 0x04000,
                  FRAME_EXCLUDE_CURRENT_ROW = 0x08000,
                  FRAME_EXCLUDE_GROUP = 0x10000,
                  FRAME_EXCLUDE_TIES = 0x20000,
};

static void frame_bound(struct rewriter *r, int32_t options, const PgQuery__Node *offset,
                        bool start)
{
    if (offset != NULL) {
        rewrite_str(r, expr_typed(r, offset, TYPE_OF(OID_INT8)).text);
        rewrite_str(
            r, (options & (start ? FRAME_START_OFFSET_PRECEDING : FRAME_END_OFFSET_PRECEDING)) != 0
                   ? " PRECEDING"
                   : " FOLLOWING");
    } else if ((options & (start ? FRAME_START_CURRENT_ROW : FRAME_END_CURRENT_ROW)) != 0) {
        rewrite_str(r, "CURRENT ROW");
    } else {
        rewrite_str(r, start ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING");
    }
}

static void frame(struct rewriter *r, const PgQuery__WindowDef *w)
{
    int32_t options = w->frame_options;

    if ((options & FRAME_NONDEFAULT) == 0) {
        return;
    }
    rewrite_str(r, (options & FRAME_ROWS) != 0     ? " ROWS"
                   : (options & FRAME_GROUPS) != 0 ? " GROUPS"
                                                   : " RANGE");
    rewrite_str(r, " BETWEEN ");
    frame_bound(r, options, w->start_offset, true);
    rewrite_str(r, " AND ");
    frame_bound(r, options, w->end_offset, false);
    if ((options & FRAME_EXCLUDE_CURRENT_ROW) != 0) {
        rewrite_str(r, " EXCLUDE CURRENT ROW");
    } else if ((options & FRAME_EXCLUDE_GROUP) != 0) {
        rewrite_str(r, " EXCLUDE GROUP");
    } else if ((options & FRAME_EXCLUDE_TIES) != 0) {
        rewrite_str(r, " EXCLUDE TIES");
    }
}

/* "(PARTITION BY ... ORDER BY ... ROWS ...)" */
const char *window_text(struct rewriter *r, const PgQuery__WindowDef *w)
{
    struct buf saved = capture_begin(r);

    rewrite_str(r, "(");
    if (w->refname != NULL && w->refname[0] != '\0') {
        rewrite_ident(r, w->refname);
    }
    for (size_t i = 0; i < w->n_partition_clause && !r->failed; i++) {
        rewrite_str(r, i == 0 ? "PARTITION BY " : ", ");
        rewrite_str(r, expr_typed(r, w->partition_clause[i], TYPE_NONE).text);
    }
    select_order(r, w->order_clause, w->n_order_clause, NULL);
    frame(r, w);
    rewrite_str(r, ")");
    return capture_end(r, &saved);
}
