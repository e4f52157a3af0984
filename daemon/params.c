/* daemon/params.c: the scratch buffer may move when it grows; cells that lie in it move along. */
#include "daemon/params.h"

#include "base/alloc.h"

#include <errno.h>
#include <string.h>

void params_finish(struct params *params)
{
    if (params->cells != params->few) {
        mem_free(params->cells);
    }
    buf_finish(&params->scratch);
    params->cells = NULL;
}

static int take_room(struct params *params, size_t count)
{
    params->count = count;
    params->cells = params->few;
    if (count > params_few) {
        params->cells = mem_alloc(count * sizeof(*params->cells));
    }
    return params->cells == NULL ? -ENOMEM : 0;
}

/* The first `count` cells follow the scratch buffer from where it was. */
static void follow(struct params *params, size_t count, uintptr_t old, size_t old_len)
{
    for (size_t i = 0; i < count; i++) {
        struct cell *cell = &params->cells[i];
        bool has_bytes = cell->kind == CELL_TEXT || cell->kind == CELL_BLOB;
        uintptr_t at = has_bytes ? (uintptr_t)cell->bytes.data : 0;

        if (has_bytes && at >= old && at - old < old_len) {
            cell->bytes.data = params->scratch.data + (at - old);
        }
    }
}

/* As PostgreSQL names the parameter; its settings for how much of it is shown say nothing here. */
static int at_param(const struct msg_bind *msg, const struct value_param *param, struct failure *f)
{
    const char *message = failure_get(f, FIELD_MESSAGE);
    bool shown = param->format == FORMAT_TEXT && strcmp(f->sqlstate, "22021") != 0;
    const char *value = shown ? " = '...'" : "";

    if (strcmp(message, "incorrect binary data format") == 0) {
        failure_set(f, f->sqlstate, "%s in bind parameter %d", message, param->index + 1);
    }
    if (msg->portal.len == 0) {
        failure_add(f, FIELD_WHERE, "unnamed portal parameter $%d%s", param->index + 1, value);
    } else {
        failure_add(f, FIELD_WHERE, "portal \"%.*s\" parameter $%d%s", (int)msg->portal.len,
                    (const char *)msg->portal.data, param->index + 1, value);
    }
    return FAILED;
}

static int decode_one(struct params *params, const struct value_param *param, uint32_t oid,
                      const struct value_style *style, struct failure *ret_failure)
{
    struct cell *cell = &params->cells[param->index];
    uintptr_t old = (uintptr_t)params->scratch.data;
    size_t old_len = params->scratch.len;

    if (param->is_null) {
        cell->kind = CELL_NULL;
        return 0;
    }
    int r = value_decode(oid, -1, param->format, param->bytes, style, &params->scratch, cell,
                         ret_failure);
    if (r == 0 && old != (uintptr_t)params->scratch.data) {
        follow(params, param->index, old, old_len);
    }
    return r;
}

int params_decode(struct params *params, const struct msg_bind *msg, const uint32_t *oids,
                  const struct value_style *style, struct failure *ret_failure)
{
    struct value_iter it = bind_params(msg);
    struct value_param param;
    int r = take_room(params, msg->param_count);

    while (r == 0 && value_next(&it, &param)) {
        r = decode_one(params, &param, oids[param.index], style, ret_failure);
        if (r == FAILED) {
            return at_param(msg, &param, ret_failure);
        }
    }
    return r == -ENOMEM ? failure_set_nomem(ret_failure) : r;
}
