/* client/cli/format.h: rows as a table, CSV, TSV or JSON, written as they come.
 *
 * For each result: begin, rows, end; then the next. A kind is a row of functions, and what it has
 * to remember it keeps in `state`, which format_destroy() frees. */
#pragma once

#include "client/cli/output.h"
#include "client/pond.h"

struct format;

struct format_kind {
    const char *null; /* how a NULL is written when nothing else was said */
    /* 0 or a kind of error; columns has names and types, and lies there until this returns. */
    int (*begin)(struct format *format, struct pond_row columns, struct pond_error *error);
    int (*row)(struct format *format, struct pond_row row, struct pond_error *error);
    /* NULL: nothing to do. The answer pauses: what was held back is written now. */
    int (*pause)(struct format *format, struct pond_error *error);
    int (*end)(struct format *format, struct pond_error *error);
    void (*destroy)(struct format *format);
};

struct format {
    const struct format_kind *kind;
    struct output *out;
    const char *null;
    int terminal_width; /* that lines are to fit; 0: any length is fine */
    bool bare;          /* a table without the line that counts its rows */
    uint64_t rows;      /* of this result, so far */
    size_t columns;
    void *state;
};

/* In the order of --format. */
enum format_name { FORMAT_TABLE, FORMAT_CSV, FORMAT_TSV, FORMAT_JSON, FORMAT_JSONL };
#define FORMAT_NAMES "table|csv|tsv|json|jsonl"

/* null: NULL for what is usual. */
void format_init(struct format *format, enum format_name name, struct output *out,
                 const char *null);
void format_finish(struct format *format);

static inline int format_begin(struct format *f, struct pond_row columns, struct pond_error *error)
{
    f->rows = 0;
    f->columns = pond_row_columns(columns);
    return f->kind->begin(f, columns, error);
}

static inline int format_row(struct format *f, struct pond_row row, struct pond_error *error)
{
    f->rows++;
    return f->kind->row(f, row, error);
}

int format_pause(struct format *format, struct pond_error *error);

static inline int format_end(struct format *f, struct pond_error *error)
{
    return f->kind->end(f, error);
}

extern const struct format_kind format_table, format_csv, format_tsv, format_json, format_jsonl;
