/* client/cli/format.c: which formats there are. */
#include "client/cli/format.h"

static const struct format_kind *const kinds[] = {
    [FORMAT_TABLE] = &format_table, [FORMAT_CSV] = &format_csv,     [FORMAT_TSV] = &format_tsv,
    [FORMAT_JSON] = &format_json,   [FORMAT_JSONL] = &format_jsonl,
};

void format_init(struct format *format, enum format_name name, struct output *out, const char *null)
{
    *format = (struct format){ .kind = kinds[name], .out = out };
    format->null = null == NULL ? kinds[name]->null : null;
}

void format_finish(struct format *format)
{
    if (format->kind != NULL && format->kind->destroy != NULL) {
        format->kind->destroy(format);
    }
}

int format_pause(struct format *format, struct pond_error *error)
{
    return format->kind->pause == NULL ? 0 : format->kind->pause(format, error);
}
