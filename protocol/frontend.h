/* protocol/frontend.h: the messages that a client sends: parsed by a server, written by a client.
 *
 * Parsed structs lend views of the body, whose strings have their NUL in place behind the view (so
 * .data is a C string). frontend_read uses up the whole body or fails with 08P01; whether strings
 * are UTF-8 is the caller's question (protocol/utf8.h). Pure; any thread. */
#pragma once

#include "base/failure.h"
#include "protocol/frame.h"
#include "protocol/reader.h"
#include "protocol/value.h"
#include "protocol/writer.h"

struct msg_query {
    struct view text;
};

struct msg_parse {
    struct view name;
    struct view text;
    uint16_t type_count;
    struct view types; /* read by parse_type() */
};

/* Format codes: none means text for all, one is for all, else one each. */
struct format_codes {
    uint16_t count;
    struct view codes;
};

struct msg_bind {
    struct view portal;
    struct view statement;
    struct format_codes formats; /* as many as parameters, one or none: checked */
    uint16_t param_count;
    struct view params;                 /* walked by bind_params() */
    struct format_codes result_formats; /* the count is the caller's to check */
};

struct msg_target {
    char kind; /* 'S' statement, 'P' portal */
    struct view name;
};

struct msg_execute {
    struct view portal;
    int32_t max_rows; /* 0 or less: all */
};

struct msg_function_call {
    uint32_t function_oid;
    struct format_codes formats;
    uint16_t arg_count;
    struct view args; /* walked by function_args() */
    enum value_format result_format;
};

struct msg_sasl_initial {
    struct view mechanism;
    bool has_data;
    struct view data;
};

struct frontend_message {
    uint8_t type;
    union {
        struct msg_query query;                 /* Q */
        struct msg_parse parse;                 /* P */
        struct msg_bind bind;                   /* B */
        struct msg_target describe;             /* D */
        struct msg_target close;                /* C */
        struct msg_execute execute;             /* E */
        struct msg_function_call function_call; /* F */
        struct view copy_data;                  /* d */
        struct view copy_fail;                  /* f: the reason */
        struct view password; /* p: the raw body; what it is depends on the state */
    };                        /* H S X c: empty */
};

/* 0 or FAILED (08P01; 22023 for a format code that is neither text nor binary). */
must_check int frontend_read(const struct frame *frame, struct frontend_message *ret_message,
                             struct failure *ret_failure);

/* The three faces of 'p'. SASLResponse is the raw body itself. */
must_check int password_parse(struct view body, struct view *ret_password,
                              struct failure *ret_failure);
must_check int sasl_initial_parse(struct view body, struct msg_sasl_initial *ret_initial,
                                  struct failure *ret_failure);

/* Parse: the i-th parameter's type OID, 0: unspecified. i < type_count. */
uint32_t parse_type(const struct msg_parse *parse, size_t i);

/* The format of the i-th value. */
enum value_format format_of(const struct format_codes *formats, size_t i);

/* Walks values that were parsed already, so it cannot fail:
 *     struct value_iter it = bind_params(&bind);
 *     while (value_next(&it, &param)) ... */
struct value_iter {
    struct reader reader;
    const struct format_codes *formats;
    uint16_t index;
    uint16_t count;
};

struct value_param {
    uint16_t index;
    bool is_null;
    enum value_format format;
    struct view bytes;
};

struct value_iter bind_params(const struct msg_bind *bind);
struct value_iter function_args(const struct msg_function_call *call);
bool value_next(struct value_iter *it, struct value_param *ret_param);

/* ---- the client's side: each appends one message; see writer_result() ---- */

void frontend_query(struct writer *w, struct view text);
void frontend_parse(struct writer *w, struct view name, struct view text, const uint32_t *types,
                    uint16_t type_count);
/* Bind: the caller writes param_count values (writer_null, writer_value), then calls
 * frontend_bind_end. */
void frontend_bind(struct writer *w, struct view portal, struct view statement,
                   const int16_t *formats, uint16_t format_count, uint16_t param_count);
void frontend_bind_end(struct writer *w, const int16_t *result_formats, uint16_t count);
void frontend_describe(struct writer *w, char kind, struct view name);
void frontend_close(struct writer *w, char kind, struct view name);
void frontend_execute(struct writer *w, struct view portal, int32_t max_rows);
void frontend_flush(struct writer *w);
void frontend_sync(struct writer *w);
void frontend_terminate(struct writer *w);
void frontend_copy_data(struct writer *w, struct view data);
void frontend_copy_done(struct writer *w);
void frontend_copy_fail(struct writer *w, struct view reason);
/* FunctionCall: as Bind, arg_count values in between. */
void frontend_function_call(struct writer *w, uint32_t oid, const int16_t *formats,
                            uint16_t format_count, uint16_t arg_count);
void frontend_function_call_end(struct writer *w, enum value_format result_format);
void frontend_password(struct writer *w, struct view password);
void frontend_sasl_initial(struct writer *w, struct view mechanism, const struct view *data);
void frontend_sasl_response(struct writer *w, struct view data);
