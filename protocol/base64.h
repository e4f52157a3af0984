/* protocol/base64.h: base 64 as RFC 4648 has it: with padding, without blanks. Pure; any thread. */
#pragma once

#include "base/buf.h"

/* Appends. 0, BUF_FULL or -ENOMEM. */
must_check int base64_encode(struct buf *out, struct view bytes);

/* Strictly: no blanks, no other letters, padding where it must be, no bits beyond the last byte.
 * False also when there is no room; *ret_len is set on success only. */
must_check bool base64_decode(struct view text, uint8_t *bytes, size_t room, size_t *ret_len);
