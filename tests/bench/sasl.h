/* tests/bench/sasl.h: logins by SCRAM-SHA-256 with a proof that is nonsense, message by message.
 * Each packet takes at most sasl_packet_bytes; what is returned is its length. */
#pragma once

#include <stddef.h>

enum { sasl_packet_bytes = 512 };

size_t sasl_first_packet(char *packet);
/* `challenge`: the server's first message, a C string. One without a nonce ends the program. */
size_t sasl_nonsense_packet(char *packet, const char *challenge);
