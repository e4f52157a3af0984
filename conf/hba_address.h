/* conf/hba_address.h: the addresses of a rule: all, one with a length (10.0.0.0/8, ::1/128), or one
 * and its mask. */
#pragma once

#include "base/failure.h"

#include <sys/socket.h>

struct hba_words;

enum { HBA_NEEDS_MASK = 12 }; /* the next field is the mask */

struct hba_address {
    int family; /* AF_UNSPEC: all addresses */
    uint8_t bytes[16];
    uint8_t mask[16];
};

/* The first word of the field. 0, HBA_NEEDS_MASK or FAILED. */
must_check int hba_address_parse(const struct hba_words *words, struct hba_address *address,
                                 struct failure *ret_failure);
must_check int hba_address_parse_mask(const struct hba_words *words, struct hba_address *address,
                                      struct failure *ret_failure);

bool hba_address_has(const struct hba_address *address, const struct sockaddr *one);
