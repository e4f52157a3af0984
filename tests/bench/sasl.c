/* tests/bench/sasl.c: see sasl.h. */
#include "sasl.h"

#include "raw.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

static size_t finish(char *packet, size_t body_len)
{
    packet[0] = 'p';
    put_length(packet + 1, body_len + 4);
    return body_len + 5;
}

size_t sasl_first_packet(char *packet)
{
    static const char mechanism[] = "SCRAM-SHA-256";
    static const char first[] = "n,,n=,r=0123456789abcdefghijklmn";
    char *body = packet + 5;

    memcpy(body, mechanism, sizeof(mechanism));
    put_length(body + sizeof(mechanism), strlen(first));
    memcpy(body + sizeof(mechanism) + 4, first, strlen(first));
    return finish(packet, sizeof(mechanism) + 4 + strlen(first));
}

/* The server's nonce stands between r= and the next comma. */
size_t sasl_nonsense_packet(char *packet, const char *challenge)
{
    const char *nonce = strstr(challenge, "r=");
    int len = nonce == NULL ? 0 : (int)strcspn(nonce, ",");

    if (len == 0) {
        errx(1, "no nonce in %s", challenge);
    }
    len = snprintf(packet + 5, sasl_packet_bytes - 5,
                   "c=biws,%.*s,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", len, nonce);
    return finish(packet, (size_t)len);
}
