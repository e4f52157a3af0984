/* sql/plan_thin.c: a thin plan: a shared plan of a text without its literals, and this text's. */
#include "sql/session_state.h"

#include "base/alloc.h"
#include "sql/normal.h"
#include "sql/plan.h"

/* 'it''s' -> it's, into the arena. */
static struct view unquoted(struct arena *arena, struct view literal)
{
    uint8_t *text = arena_alloc(arena, literal.len + 1);
    size_t len = 0;

    for (size_t i = 1; text != NULL && i + 1 < literal.len; i++) {
        text[len++] = literal.data[i];
        i += literal.data[i] == '\'';
    }
    return view_of(text, len);
}

static int read_literal(struct sql_session *sql, struct plan *thin, struct view literal,
                        uint32_t oid, struct cell *ret_cell)
{
    struct buf scratch cleanup(buf_finish) = { 0 };
    struct view text = literal.data[0] == '\'' ? unquoted(&thin->arena, literal) : literal;
    struct cell cell;
    char *kept;

    if (oid == OID_TEXT && text.data != NULL) {
        *ret_cell = (struct cell){ .kind = CELL_TEXT, .bytes = text };
        return 0;
    }
    if (text.data == NULL ||
        value_decode(oid, -1, FORMAT_TEXT, text, &sql->style, &scratch, &cell, NULL) != 0) {
        return FAILED;
    }
    if (cell.kind >= CELL_TEXT) {
        kept = arena_strndup(&thin->arena, cell.bytes.data, cell.bytes.len);
        if (kept == NULL) {
            return FAILED;
        }
        cell.bytes.data = (const uint8_t *)kept;
    }
    *ret_cell = cell;
    return 0;
}

int plan_thin(struct sql_session *sql, struct plan *base, struct view text,
              const struct normal *normal, struct plan **ret_plan)
{
    struct plan *thin cleanup(plan_unrefp) = mem_zalloc(sizeof(*thin));

    if (thin == NULL) {
        return FAILED;
    }
    thin->refs = 1;
    thin->base = sql_plan_ref(base);
    thin->literals = arena_alloc(&thin->arena, normal->count * sizeof(*thin->literals));
    const char *kept = arena_strndup(&thin->arena, text.data, text.len);
    if (thin->literals == NULL || kept == NULL || base->param_count != normal->count) {
        return FAILED;
    }
    thin->text = view_of(kept, text.len);
    thin->literal_count = normal->count;
    for (size_t i = 0; i < normal->count; i++) {
        if (read_literal(sql, thin, normal->literals[i], base->param_oids[i], &thin->literals[i]) !=
            0) {
            return FAILED;
        }
    }
    *ret_plan = take_ptr(thin);
    return 0;
}
