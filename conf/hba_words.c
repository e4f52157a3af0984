/* conf/hba_words.c: see hba_words.h. */
#include "conf/hba_words.h"

#include <stdarg.h>
#include <stdio.h>

void hba_words_finish(struct hba_words *words)
{
    buf_finish(&words->open);
}

int hba_words_fail(const struct hba_words *words, struct failure *ret_failure, const char *format,
                   ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return failure_set(ret_failure, "F0000", "%s:%u: %s", words->file, words->line, text);
}

/* ---- lines ---- */

static int append_line(struct hba_words *words, struct view line, struct failure *f)
{
    if (line.len > 0 && memchr(line.data, 0, line.len) != NULL) {
        return hba_words_fail(words, f, "the line holds a zero byte");
    }
    int r = buf_append_view(&words->open, line);

    return r == BUF_FULL
               ? hba_words_fail(words, f, "the line is longer than %d bytes", hba_line_bytes)
               : r;
}

static struct view take_line(struct hba_words *words)
{
    const uint8_t *end = memchr(words->text.data, '\n', words->text.len);
    size_t len = end == NULL ? words->text.len : (size_t)(end - words->text.data);
    struct view line = view_of(words->text.data, len);

    view_advance(&words->text, end == NULL ? len : len + 1);
    words->next++;
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

int hba_words_line(struct hba_words *words, struct failure *ret_failure)
{
    bool joined = true;
    int r = 0;

    if (words->text.len == 0) {
        return HBA_END;
    }
    words->line = words->next + 1;
    words->open.max = hba_line_bytes;
    buf_clear(&words->open);
    while (r == 0 && joined && words->text.len > 0) {
        struct view line = take_line(words);

        joined = line.len > 0 && line.data[line.len - 1] == '\\';
        line.len -= joined;
        r = append_line(words, line, ret_failure);
    }
    if (r == 0) {
        r = append_line(words, view_of_str(" "), ret_failure); /* room for the NUL */
    }
    if (r == 0) {
        words->open.data[words->open.len - 1] = '\0';
        words->at = (char *)words->open.data;
    }
    return r;
}

/* ---- fields and words ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static void skip_blanks(struct hba_words *words)
{
    while (is_blank(*words->at)) {
        words->at++;
    }
}

bool hba_words_left(struct hba_words *words)
{
    skip_blanks(words);
    return *words->at != '\0' && *words->at != '#';
}

static bool ends_word(char c)
{
    return c == '\0' || c == ',' || c == '#' || is_blank(c);
}

/* Unquotes one word in place: what is written never overtakes what is read. *ret_end: what ended
 * it. False: a quote is open. */
static bool take_word(struct hba_words *words, struct hba_word *ret_word, char *ret_end)
{
    char *from = words->at, *to = words->at;
    bool quoted = false;

    *ret_word = (struct hba_word){ .text = to, .quoted = *from == '"' };
    while (quoted ? *from != '\0' : !ends_word(*from)) {
        if (*from != '"') {
            *to++ = *from++;
        } else if (quoted && from[1] == '"') {
            *to++ = '"';
            from += 2;
        } else {
            quoted = !quoted;
            from++;
        }
    }
    *ret_end = *from;
    words->at = *from == '\0' || *from == '#' ? from : from + 1;
    *to = '\0';
    return !quoted;
}

/* Checks a word and keeps it. */
static int keep_word(struct hba_words *words, struct hba_word word, struct failure *f)
{
    if (word.text[0] == '\0' && !word.quoted) {
        return hba_words_fail(words, f, "expected a name before the comma");
    }
    if (word.text[0] == '@' && !word.quoted) {
        return hba_words_fail(words, f, "\"%s\": included files are not supported", word.text);
    }
    if (words->count == hba_words_most) {
        return hba_words_fail(words, f, "more than %d names in one field", hba_words_most);
    }
    words->word[words->count++] = word;
    return 0;
}

int hba_words_next(struct hba_words *words, const char *what, struct failure *ret_failure)
{
    char end = ',';
    int r = 0;

    words->count = 0;
    while (r == 0 && end == ',') {
        struct hba_word word;

        if (!hba_words_left(words)) {
            return hba_words_fail(words, ret_failure, "expected %s at the end of the line", what);
        }
        if (!take_word(words, &word, &end)) {
            return hba_words_fail(words, ret_failure, "a quote is open at the end of the line");
        }
        r = keep_word(words, word, ret_failure);
    }
    return r;
}

int hba_words_one(struct hba_words *words, const char *what, struct failure *ret_failure)
{
    int r = hba_words_next(words, what, ret_failure);

    return r == 0 && words->count > 1
               ? hba_words_fail(words, ret_failure, "expected %s, not several", what)
               : r;
}
