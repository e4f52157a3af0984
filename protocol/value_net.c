/* protocol/value_net.c: inet, as text of one spelling: "10.1.2.3", "10.1.2.3/8", "fe80::1".
 * https://www.postgresql.org/docs/15/datatype-net-types.html; the binary form is network.c's
 * inet_send(). (PostgreSQL takes "10.1/16" too, and zeros before a number.) */
#include "protocol/value_impl.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    family_ip4 = 2, /* PGSQL_AF_INET, PGSQL_AF_INET6: the same on all systems */
    family_ip6 = 3,
    inet_text_bytes = INET6_ADDRSTRLEN + 4,
};

struct inet {
    bool ip4;
    uint8_t bits; /* of the net; all: it is a host */
    uint8_t address[16];
};

static size_t inet_bytes(const struct inet *inet)
{
    return inet->ip4 ? 4 : 16;
}

static int inet_family(const struct inet *inet)
{
    return inet->ip4 ? AF_INET : AF_INET6;
}

static size_t print(const struct inet *inet, char text[inet_text_bytes])
{
    (void)inet_ntop(inet_family(inet), inet->address, text, inet_text_bytes);
    size_t len = strlen(text);

    if (inet->bits == inet_bytes(inet) * 8) {
        return len;
    }
    return len + (size_t)snprintf(text + len, inet_text_bytes - len, "/%u", inet->bits);
}

static bool parse_bits(const char *text, struct inet *inet)
{
    char *end;
    unsigned long bits = strtoul(text, &end, 10);

    inet->bits = (uint8_t)bits;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && bits <= inet_bytes(inet) * 8;
}

static bool parse(struct view in, struct inet *inet)
{
    char text[inet_text_bytes];

    if (in.len >= sizeof(text) || memchr(in.data, 0, in.len) != NULL) {
        return false;
    }
    memcpy(text, in.data, in.len);
    text[in.len] = '\0';
    char *slash = strchr(text, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    inet->ip4 = strchr(text, ':') == NULL;
    inet->bits = (uint8_t)(inet_bytes(inet) * 8);
    return inet_pton(inet_family(inet), text, inet->address) == 1 &&
           (slash == NULL || parse_bits(slash + 1, inet));
}

static int keep(const struct value_call *call, const struct inet *inet, struct cell *ret_cell)
{
    char text[inet_text_bytes];

    return value_keep_text(call, text, print(inet, text), ret_cell);
}

int inet_decode_text(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct inet inet;

    return parse(in, &inet) ? keep(call, &inet, ret_cell) : value_bad_text(call, "22P02", in);
}

/* The part of a binary form's head that cannot be; NULL: none. A head that is cut short has zeros,
 * and is told by its end. */
static const char *wrong_part(uint8_t family, const struct inet *inet, size_t len)
{
    if (family != family_ip4 && family != family_ip6) {
        return "address family";
    }
    if (inet->bits > inet_bytes(inet) * 8) {
        return "bits";
    }
    return len != inet_bytes(inet) ? "length" : NULL;
}

int inet_decode_binary(const struct value_call *call, struct view in, struct cell *ret_cell)
{
    struct reader r = reader_over(in);
    uint8_t family = reader_u8(&r);
    struct inet inet = { .ip4 = family == family_ip4, .bits = reader_u8(&r) };

    (void)reader_u8(&r); /* is it a cidr? */
    size_t len = reader_u8(&r);
    const char *wrong = wrong_part(family, &inet, len);
    if (wrong != NULL && !r.failed) {
        return failure_set(call->failure, "22P03", "invalid %s in external \"inet\" value", wrong);
    }
    const uint8_t *address = reader_bytes(&r, len);
    if (!reader_done(&r)) {
        return r.failed ? value_no_byte(call) : value_bad_length(call, false);
    }
    memcpy(inet.address, address, len);
    return keep(call, &inet, ret_cell);
}

int inet_encode_binary(const struct value_call *call, const struct cell *cell)
{
    char room[value_text_bytes];
    struct view text = value_to_text(cell, room);
    struct inet inet;

    if (!parse(text, &inet)) {
        return value_bad_text(call, "22P02", text);
    }
    uint8_t family = inet.ip4 ? (uint8_t)family_ip4 : (uint8_t)family_ip6;
    uint8_t head[] = { family, inet.bits, 0, (uint8_t)inet_bytes(&inet) };
    int r = value_put(call, head, sizeof(head));
    return r != 0 ? r : value_put(call, inet.address, inet_bytes(&inet));
}
