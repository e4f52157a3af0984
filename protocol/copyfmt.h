/* protocol/copyfmt.h: COPY's three formats: a stream of bytes cut into rows and fields, and fields
 * written as such a stream.
 *
 * A reader is pushed at: the caller shows it what has come and not yet been used; COPY_MORE asks
 * for more. What it gives lies in the caller's bytes or scratch. Pure; any thread. Rules:
 * https://www.postgresql.org/docs/15/sql-copy.html */
#pragma once

#include "base/buf.h"
#include "base/failure.h"

enum copy_format { COPY_TEXT, COPY_CSV, COPY_BINARY };

struct copy_style {
    enum copy_format format;
    uint8_t delimiter;
    uint8_t quote; /* quote and escape: COPY_CSV only */
    uint8_t escape;
    struct view null; /* what stands for NULL */
};

/* What the format means unless options say otherwise. */
struct copy_style copy_style_of(enum copy_format format);

enum { COPY_MORE = 2, COPY_END = 3 };

enum copy_newline { COPY_NEWLINE_UNKNOWN, COPY_NEWLINE_LF, COPY_NEWLINE_CR, COPY_NEWLINE_CRLF };

struct copy_reader {
    const struct copy_style *style;
    uint64_t line;   /* of the row given or refused last: 1 is the first; binary: rows */
    size_t field;    /* binary: the number of the field that was refused last; 0: it was the row */
    size_t scanned;  /* so many bytes of the row that comes were looked at */
    size_t embedded; /* newlines inside quotes of it */
    enum copy_newline newline;
    bool in_quote;
    bool after_escape;
    bool began;                /* binary: the file's header is read */
    bool ended;                /* the end marker came */
    bool marks[UINT8_MAX + 1]; /* bytes that may end a line, or keep it from ending */
};

struct copy_reader copy_reader_of(const struct copy_style *style);

struct copy_field {
    bool is_null;
    struct view bytes;
};

/* Text and CSV: takes the next line off the front of *data, without its newline. at_end: no more
 * will come. 0, COPY_MORE, COPY_END, or FAILED (22P04). */
must_check int copy_next_line(struct copy_reader *r, struct view *data, bool at_end,
                              struct view *ret_line, struct failure *ret_failure);

/* Text and CSV: a line's fields without quotes and escapes, in the line or in scratch (emptied
 * first). At most `room` are kept; *ret_count says how many there are. 0, FAILED (22P04), BUF_FULL
 * or -ENOMEM. */
must_check int copy_split_line(const struct copy_style *style, struct view line,
                               struct buf *scratch, struct copy_field *fields, size_t room,
                               size_t *ret_count, struct failure *ret_failure);

/* Binary: takes the next row of exactly `count` fields off the front. As copy_next_line(). */
must_check int copy_next_tuple(struct copy_reader *r, struct view *data, bool at_end,
                               struct copy_field *fields, size_t count,
                               struct failure *ret_failure);

/* ---- writing (protocol/copyfmt_write.c) ---- */

static const uint8_t copy_signature[11] = {
    'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0
};

struct copy_writer {
    const struct copy_style *style;
    bool marks[UINT8_MAX + 1]; /* bytes that do not stand for themselves */
};

struct copy_writer copy_writer_of(const struct copy_style *style);

/* Text and CSV: makes a field that is not null of what was appended to `out` from `at` on. single:
 * it is the row's only one. 0, BUF_FULL or -ENOMEM. */
must_check int copy_end_field(const struct copy_writer *w, size_t at, bool force_quote, bool single,
                              struct buf *out);
/* The same of bytes that are not there yet. On failure nothing is appended. */
must_check int copy_write_field(const struct copy_writer *w, struct view value, bool force_quote,
                                bool single, struct buf *out);

/* Binary: the file's header and its end. */
must_check int copy_write_header(struct buf *out);
must_check int copy_write_trailer(struct buf *out);
