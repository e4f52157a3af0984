/* sql/params.c: see params.h. */
#include "sql/params.h"

#include "pool/sqltext.h"

#include <stdlib.h>

size_t params_shorten(char *text, size_t len)
{
    size_t out = 0;
    unsigned long most = 0;
    char quote = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        text[out++] = c;
        if (quote != 0) {
            quote = c == quote ? 0 : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '?' && text[i + 1] >= '1' && text[i + 1] <= '9') {
            char *end = text + i + 1;
            unsigned long number = strtoul(text + i + 1, &end, 10);

            i = number == most + 1 ? (size_t)(end - text) - 1 : i;
            most = number > most ? number : most;
        }
    }
    text[out] = '\0';
    return out;
}

int params_number(struct view text, struct buf *out)
{
    const uint8_t *from = text.data;
    const uint8_t *end = text.data + text.len;
    struct sqltext_token token;
    unsigned long most = 0;
    int r = 0;

    while (r == 0 && (token = sqltext_next(&text)).kind != SQLTEXT_END) {
        unsigned long number = 0;

        if (!sqltext_is_byte(&token, '?')) {
            continue;
        }
        r = buf_append(out, from, (size_t)(token.text.data + 1 - from));
        from = token.text.data + 1;
        while (from < end && *from >= '0' && *from <= '9') {
            number = number * 10 + (unsigned long)(*from++ - '0');
        }
        number = number == 0 ? most + 1 : number;
        most = number > most ? number : most;
        r = r == 0 ? buf_printf(out, "%lu", number) : r;
    }
    return r == 0 ? buf_append(out, from, (size_t)(end - from)) : r;
}
