/* conf/hba_address.c: see hba_address.h. */
#include "conf/hba_address.h"

#include "conf/hba_words.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static size_t bytes_of(int family)
{
    return family == AF_INET ? 4 : 16;
}

static bool parse_number(const char *text, int *ret_family, uint8_t bytes[16])
{
    *ret_family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
    return inet_pton(*ret_family, text, bytes) == 1;
}

/* /8: so many leading ones. */
static bool parse_length(const char *text, struct hba_address *address)
{
    size_t most = bytes_of(address->family) * 8;
    size_t n = 0;

    if (*text == '\0' || strlen(text) > 3) {
        return false;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        n = n * 10 + (size_t)(*text - '0');
    }
    if (*text != '\0' || n > most) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        address->mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
    }
    return true;
}

/* ::ffff:10.1.2.3, as no client's is (daemon/address.h). */
static bool is_mapped(const struct hba_address *address)
{
    struct in6_addr in6;

    memcpy(&in6, address->bytes, sizeof(in6));
    return address->family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6);
}

static int refuse_word(const struct hba_words *words, struct failure *f)
{
    const char *word = words->word[0].text;

    if (strcmp(word, "samehost") == 0 || strcmp(word, "samenet") == 0) {
        return hba_words_fail(words, f, "%s is not supported: write the addresses", word);
    }
    return hba_words_fail(
        words, f, "expected all or an IP address, not \"%s\": host names are not supported", word);
}

/* The number before the slash, if there is one. */
static bool parse_before(char *slash, const char *text, struct hba_address *address)
{
    if (slash == NULL) {
        return parse_number(text, &address->family, address->bytes);
    }
    *slash = '\0';
    bool good = parse_number(text, &address->family, address->bytes);
    *slash = '/';
    return good;
}

int hba_address_parse(const struct hba_words *words, struct hba_address *address,
                      struct failure *ret_failure)
{
    struct hba_word word = words->word[0];
    char *slash = strchr(word.text, '/');

    if (!word.quoted && strcmp(word.text, "all") == 0) {
        return 0;
    }
    if (!parse_before(slash, word.text, address)) {
        return refuse_word(words, ret_failure);
    }
    if (is_mapped(address)) {
        return hba_words_fail(words, ret_failure,
                              "\"%s\" fits nobody: write the address as one of IPv4", word.text);
    }
    if (slash == NULL) {
        return HBA_NEEDS_MASK;
    }
    return parse_length(slash + 1, address)
               ? 0
               : hba_words_fail(words, ret_failure, "invalid CIDR mask in address \"%s\"",
                                word.text);
}

int hba_address_parse_mask(const struct hba_words *words, struct hba_address *address,
                           struct failure *ret_failure)
{
    int family;

    if (!parse_number(words->word[0].text, &family, address->mask)) {
        return hba_words_fail(words, ret_failure, "invalid IP mask \"%s\"", words->word[0].text);
    }
    return family == address->family
               ? 0
               : hba_words_fail(words, ret_failure, "IP address and mask do not match");
}

/* NULL: of no family that a rule can have. */
static const uint8_t *bytes_in(const struct sockaddr *one)
{
    return one->sa_family == AF_INET ? (const uint8_t *)&((const struct sockaddr_in *)one)->sin_addr
           : one->sa_family == AF_INET6
               ? (const uint8_t *)&((const struct sockaddr_in6 *)one)->sin6_addr
               : NULL;
}

bool hba_address_has(const struct hba_address *address, const struct sockaddr *one)
{
    const uint8_t *bytes = bytes_in(one);

    if (address->family == AF_UNSPEC) {
        return true;
    }
    if (bytes == NULL || one->sa_family != address->family) {
        return false;
    }
    for (size_t i = 0; i < bytes_of(address->family); i++) {
        if (((bytes[i] ^ address->bytes[i]) & address->mask[i]) != 0) {
            return false;
        }
    }
    return true;
}
