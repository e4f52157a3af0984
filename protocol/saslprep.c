/* protocol/saslprep.c: GNU libidn has RFC 4013's tables.
 *
 * The RFC looks for prohibited characters and directions in what normalization has made of them,
 * PostgreSQL in what it has not: with it, the Hebrew U+FB43 and the symbol U+2135 have a prepared
 * form, and the accent U+0340 has none. A password must be the same on its two sides and on ours.
 */
#include "protocol/saslprep.h"

#include <errno.h>
#include <stdlib.h>
#include <stringprep.h>

static bool is_ascii(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static void forget(char *text)
{
    explicit_bzero(text, strlen(text));
    free(text);
}

enum { steps_most = 32 };

/* Those of the RFC without normalization. */
static void copy_steps(Stringprep_profile ret_steps[steps_most])
{
    size_t n = 0;

    for (const Stringprep_profile *step = stringprep_saslprep; step->operation != 0; step++) {
        if (step->operation != STRINGPREP_NFKC && n < steps_most - 1) {
            ret_steps[n++] = *step;
        }
    }
    ret_steps[n] = (Stringprep_profile){ .operation = 0 };
}

/* `text` is the password and its NUL, and becomes what is left of it: mapping never makes it
 * longer. */
static int prepare(struct view password, char *text, struct buf *out)
{
    Stringprep_profile steps[steps_most];

    copy_steps(steps);
    int answer = stringprep(text, password.len + 1, STRINGPREP_NO_UNASSIGNED, steps);
    if (answer == STRINGPREP_MALLOC_ERROR) {
        return -ENOMEM;
    }
    if (answer != STRINGPREP_OK || *text == '\0') {
        return buf_append_view(out, password);
    }
    char *prepared = stringprep_utf8_nfkc_normalize(text, -1);
    if (prepared == NULL) {
        return -ENOMEM;
    }
    int r = buf_append_str(out, prepared);
    forget(prepared);
    return r;
}

int saslprep(struct view password, struct buf *out)
{
    cleanup(buf_wipe) struct buf text = { 0 };

    if (is_ascii(password) || memchr(password.data, 0, password.len) != NULL) {
        return buf_append_view(out, password);
    }
    int r = buf_reserve(&text, password.len + 1);
    if (r == 0) {
        r = buf_append_view(&text, password);
    }
    if (r == 0) {
        r = buf_append_byte(&text, '\0');
    }
    return r == 0 ? prepare(password, (char *)text.data, out) : r;
}
