/* client/cli/format_json.c: an array of objects for each result, or an object a line. */
#include "client/cli/format.h"
#include "client/cli/json.h"

static void put_object(struct format *f, struct pond_row row)
{
    output_byte(f->out, '{');
    for (size_t i = 0; i < f->columns; i++) {
        const char *name = pond_row_name(row, i), *text;
        size_t len;

        if (i > 0) {
            output_str(f->out, ", ");
        }
        json_put_string(f->out, name, strlen(name));
        output_str(f->out, ": ");
        if (pond_row_text(row, i, &text, &len) == 0) {
            json_put_value(f->out, pond_row_type(row, i), text, len);
        } else {
            output_str(f->out, f->null);
        }
    }
    output_byte(f->out, '}');
}

static int json_begin(struct format *f, struct pond_row columns, struct pond_error *error)
{
    (void)columns;
    (void)error;
    output_byte(f->out, '[');
    return 0;
}

static int json_row(struct format *f, struct pond_row row, struct pond_error *error)
{
    (void)error;
    output_str(f->out, f->rows == 1 ? "\n" : ",\n");
    put_object(f, row);
    return 0;
}

static int json_end(struct format *f, struct pond_error *error)
{
    (void)error;
    output_str(f->out, f->rows == 0 ? "]\n" : "\n]\n");
    return 0;
}

static int jsonl_begin(struct format *f, struct pond_row columns, struct pond_error *error)
{
    (void)f;
    (void)columns;
    (void)error;
    return 0;
}

static int jsonl_row(struct format *f, struct pond_row row, struct pond_error *error)
{
    (void)error;
    put_object(f, row);
    output_byte(f->out, '\n');
    return 0;
}

static int jsonl_end(struct format *f, struct pond_error *error)
{
    (void)f;
    (void)error;
    return 0;
}

const struct format_kind format_json = {
    .null = "null", .begin = json_begin, .row = json_row, .end = json_end
};
const struct format_kind format_jsonl = {
    .null = "null", .begin = jsonl_begin, .row = jsonl_row, .end = jsonl_end
};
