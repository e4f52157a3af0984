/* protocol/saslprep.c: GNU libidn has RFC 4013's tables. */
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

/* `text` is the password and its NUL. */
static int prepare(struct view password, const char *text, struct buf *out)
{
    char *prepared = NULL;
    int answer = stringprep_profile(text, &prepared, "SASLprep", STRINGPREP_NO_UNASSIGNED);

    if (answer == STRINGPREP_MALLOC_ERROR) {
        return -ENOMEM;
    }
    if (answer != STRINGPREP_OK) {
        return buf_append_view(out, password);
    }
    int r = *prepared == '\0' ? buf_append_view(out, password) : buf_append_str(out, prepared);
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
    return r == 0 ? prepare(password, (const char *)text.data, out) : r;
}
