/* protocol/scram_impl.h: what both sides of SCRAM are made of. */
#pragma once

#include "protocol/scram.h"

/* HMAC-SHA-256 and SHA-256. 0 or -ENOMEM. */
must_check int scram_hmac(const uint8_t key[scram_key_bytes], struct view data,
                          uint8_t ret_hash[scram_key_bytes]);
must_check int scram_hash(struct view data, uint8_t ret_hash[scram_key_bytes]);

/* client_key ^ its signature, both ways. */
void scram_xor(uint8_t a[scram_key_bytes], const uint8_t b[scram_key_bytes]);

/* "X=value", with what stands behind it. False: that is not what comes next. The value ends at the
 * next comma, which is taken along. */
must_check bool scram_take(struct view *in, char name, struct view *ret_value);

/* Letters that a nonce may have: printable ASCII but for the comma; at least one. */
bool scram_nonce_is_good(struct view nonce);

/* Appends the value of c=: GS2 header and binding, in base 64. */
must_check int scram_put_binding(char flag, struct view binding, struct buf *out);

/* The GS2 header that goes with a flag. */
const char *scram_header(char flag);
