/* protocol/backend.h: the messages that a server sends: written by a server, parsed by a client.
 *
 * Writers append one whole message each unless they say otherwise; check writer_result() when done.
 * Parsed structs lend views of the body. Pure; any thread. */
#pragma once

#include "base/failure.h"
#include "protocol/frame.h"
#include "protocol/frontend.h"
#include "protocol/writer.h"

enum auth_kind {
    AUTH_OK = 0,
    AUTH_KERBEROS_V5 = 2,
    AUTH_CLEARTEXT = 3,
    AUTH_MD5 = 5,
    AUTH_GSS = 7,
    AUTH_GSS_CONTINUE = 8,
    AUTH_SSPI = 9,
    AUTH_SASL = 10,
    AUTH_SASL_CONTINUE = 11,
    AUTH_SASL_FINAL = 12,
};

struct row_field {
    struct view name;
    uint32_t table_oid; /* 0: not a table's column */
    int16_t attnum;
    uint32_t type_oid;
    int16_t type_len;
    int32_t typmod;
    int16_t format; /* enum value_format */
};

/* ---- the server's side ---- */

void backend_authentication_ok(struct writer *w);
void backend_authentication_cleartext(struct writer *w);
void backend_authentication_md5(struct writer *w, const uint8_t salt[4]);
void backend_authentication_sasl(struct writer *w, const char *const *mechanisms, size_t count);
void backend_authentication_sasl_continue(struct writer *w, struct view data);
void backend_authentication_sasl_final(struct writer *w, struct view data);
/* A kind with `data` behind it (may be empty): all the others. */
void backend_authentication(struct writer *w, enum auth_kind kind, struct view data);
void backend_key_data(struct writer *w, int32_t pid, struct view key);
void backend_parameter_status(struct writer *w, const char *name, const char *value);
void backend_negotiate_version(struct writer *w, uint16_t newest_minor, const struct view *options,
                               size_t count);

void backend_ready_for_query(struct writer *w, char status); /* 'I' 'T' 'E' */
void backend_empty_query(struct writer *w);
void backend_command_complete(struct writer *w, struct view tag);
void backend_parse_complete(struct writer *w);
void backend_bind_complete(struct writer *w);
void backend_close_complete(struct writer *w);
void backend_no_data(struct writer *w);
void backend_portal_suspended(struct writer *w);
void backend_parameter_description(struct writer *w, const uint32_t *types, uint16_t count);

/* RowDescription: then `count` backend_row_field()s, then writer_end(). */
void backend_row_description(struct writer *w, uint16_t count);
void backend_row_field(struct writer *w, const struct row_field *field);
/* DataRow: the cells, by `values` that write to `out`. Without a writer, as there are many. 0,
 * FAILED, BUF_FULL or -ENOMEM; then nothing is appended. */
must_check int backend_data_row(struct buf *out, const struct value_out *values,
                                const struct cell *cells, size_t count);

void backend_error(struct writer *w, const struct failure *failure);  /* ErrorResponse */
void backend_notice(struct writer *w, const struct failure *failure); /* NoticeResponse */
void backend_notification(struct writer *w, int32_t pid, struct view channel, struct view payload);
/* FunctionCallResponse: then one value, then writer_end(). */
void backend_function_result(struct writer *w);

/* One format code per column. kind: 'G' CopyInResponse, 'H' CopyOutResponse, 'W' CopyBothResponse.
 */
void backend_copy_response(struct writer *w, char kind, enum value_format format, uint16_t columns);
void backend_copy_data(struct writer *w, struct view data);
void backend_copy_done(struct writer *w);

/* ---- the client's side ---- */

struct msg_authentication {
    int32_t kind; /* enum auth_kind */
    struct view data;
};

struct msg_key_data {
    int32_t pid;
    struct view key;
};

struct msg_parameter_status {
    struct view name;
    struct view value;
};

struct msg_values {
    uint16_t count;
    struct view values; /* walked by row_values(); RowDescription: by row_fields() */
};

struct msg_parameter_description {
    uint16_t count;
    struct view types; /* walked with reader_u32() */
};

struct msg_notification {
    int32_t pid;
    struct view channel;
    struct view payload;
};

struct msg_copy_response {
    uint8_t format;
    struct format_codes formats;
};

struct msg_negotiate {
    int32_t newest_minor;
    uint32_t count;
    struct view options; /* so many NUL-terminated names */
};

struct backend_message {
    uint8_t type;
    union {
        struct msg_authentication authentication;               /* R */
        struct msg_key_data key_data;                           /* K */
        struct msg_parameter_status parameter_status;           /* S */
        struct msg_negotiate negotiate;                         /* v */
        char status;                                            /* Z */
        struct view tag;                                        /* C */
        struct msg_parameter_description parameter_description; /* t */
        struct msg_values row_description;                      /* T */
        struct msg_values data_row;                             /* D */
        struct view fields;                                     /* E N: see error_parse() */
        struct msg_notification notification;                   /* A */
        struct msg_values function_result;                      /* V: one value */
        struct msg_copy_response copy;                          /* G H W */
        struct view copy_data;                                  /* d */
    };                                                          /* I 1 2 3 n s c: empty */
};

/* 0 or FAILED (08P01). */
must_check int backend_read(const struct frame *frame, struct backend_message *ret_message,
                            struct failure *ret_failure);

/* E and N as a failure. Fields that a failure has no room for are dropped. */
void error_parse(struct view fields, struct failure *ret_failure);

struct value_iter row_values(const struct msg_values *row);
/* Walks a RowDescription: true and the next field, or false at its end. */
struct reader row_fields(const struct msg_values *description);
bool row_field_next(struct reader *r, struct row_field *ret_field);
