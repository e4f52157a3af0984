/* protocol/startup.h: the packets before the first message: StartupMessage, SSLRequest,
 * GSSENCRequest, CancelRequest.
 *
 * Parsed packets lend the input's bytes; parameter names and values are C strings in place. Pure;
 * any thread. */
#pragma once

#include "base/buf.h"
#include "base/failure.h"
#include "protocol/writer.h"

enum {
    STARTUP_MORE = 2, /* not all there yet (1 is FAILED) */
    STARTUP_END = 3,  /* no further option */
};

enum startup_kind { STARTUP_MESSAGE, STARTUP_SSL, STARTUP_GSSENC, STARTUP_CANCEL };

enum {
    startup_packet_bytes = 10000, /* PostgreSQL's MAX_STARTUP_PACKET_LENGTH */
    startup_newest_minor = 0,     /* of protocol 3 */
    startup_key_bytes = 4,        /* of BackendKeyData in protocol 3.0 */
    startup_key_max_bytes = 256,
};

struct startup {
    enum startup_kind kind;
    uint16_t major; /* STARTUP_MESSAGE: 3 */
    uint16_t minor;
    struct view params;     /* STARTUP_MESSAGE: walked by startup_param_next() */
    int32_t cancel_pid;     /* STARTUP_CANCEL */
    struct view cancel_key; /* 4 to 256 bytes */
};

/* Takes the next packet off the front of *in. 0, STARTUP_MORE, or FAILED with a FATAL failure:
 * 08P01 for bad lengths and layouts, 0A000 for another major version; the caller closes. */
must_check int startup_next(struct view *in, struct startup *ret_startup,
                            struct failure *ret_failure);

/* After STARTUP_MORE: how many bytes the packet has, or the 4 of its length when that is unknown.
 */
size_t startup_need(struct view in);

/* Walks the parameters: start with *iter = startup.params. False at the end. */
bool startup_param_next(struct view *iter, const char **ret_name, const char **ret_value);
/* A parameter's last value, or NULL. */
const char *startup_param_find(const struct startup *startup, const char *name);

/* Writes NegotiateProtocolVersion when the client asked for a newer minor or for _pq_. options (all
 * of which are unknown here and all listed), else nothing. */
void startup_negotiate(struct writer *w, const struct startup *startup);

/* Walks the `options` parameter: -c name=value, -cname=value, --name=value, blanks and backslashes
 * escaped by a backslash; dashes in names become underscores. Start with *iter = the text. Name and
 * value are put into `scratch` (cleared first). 0, STARTUP_END, FAILED (42601), BUF_FULL or
 * -ENOMEM. */
must_check int startup_option_next(const char **iter, struct buf *scratch, const char **ret_name,
                                   const char **ret_value, struct failure *ret_failure);

/* ---- the client's side ---- */

void startup_ssl_request(struct writer *w);
void startup_gssenc_request(struct writer *w);
void startup_cancel_request(struct writer *w, int32_t pid, struct view key);
/* StartupMessage 3.0: then startup_param()s, then startup_message_end(). */
void startup_message(struct writer *w);
void startup_param(struct writer *w, const char *name, const char *value);
int startup_message_end(struct writer *w);
