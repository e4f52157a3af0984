/* client/cli/suite_item.c: see suite_item.h. */
#include "client/cli/suite_item.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <string.h>

/* ---- lines ---- */

char **suite_lines(char *text, size_t *ret_count)
{
    size_t count = 1;

    for (const char *at = text; *at != '\0'; at++) {
        count += *at == '\n';
    }
    char **lines = mem_alloc((count + 1) * sizeof(*lines));
    if (lines == NULL) {
        return NULL;
    }
    count = 0;
    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        if (line[strspn(line, " \t\r")] != '\0') {
            lines[count++] = line;
        }
    }
    lines[count] = NULL;
    *ret_count = count;
    return lines;
}

/* ---- words ---- */

static int put_whole(struct buf *out, const char *word)
{
    return buf_append(out, word, strlen(word) + 1);
}

/* Each {} in `word` becomes the item; behind it a NUL. */
static int put_word(struct buf *out, const char *word, const char *item, bool *ret_replaced)
{
    const char *hole;
    int r = 0;

    while (r == 0 && (hole = strstr(word, "{}")) != NULL) {
        r = buf_append(out, word, (size_t)(hole - word));
        r = r != 0 ? r : buf_append_str(out, item);
        word = hole + 2;
        *ret_replaced = true;
    }
    return r != 0 ? r : put_whole(out, word);
}

static int put_command(struct buf *out, char *const *command, const char *item, size_t *count)
{
    bool replaced = false;
    int r = 0;

    for (; r == 0 && command[*count] != NULL; ++*count) {
        r = put_word(out, command[*count], item, &replaced);
    }
    if (r == 0 && !replaced) {
        ++*count;
        r = put_whole(out, item);
    }
    return r;
}

/* A file's name that has no slash would be looked up in PATH. */
static int put_itself(struct buf *out, const char *item, bool is_file, size_t *count)
{
    static const char shell[] = "sh\0-c";
    int r = is_file ? buf_append_str(out, strchr(item, '/') == NULL ? "./" : "")
                    : buf_append(out, shell, sizeof(shell));

    *count = is_file ? 1 : 3;
    return r != 0 ? r : put_whole(out, item);
}

char **suite_words(char *const *command, const char *item, bool is_file)
{
    cleanup(buf_finish) struct buf text = { 0 };
    bool has_command = command != NULL && command[0] != NULL;
    size_t count = 0;
    int r = has_command ? put_command(&text, command, item, &count)
                        : put_itself(&text, item, is_file, &count);
    char **words = r == 0 ? mem_alloc((count + 1) * sizeof(*words) + text.len) : NULL;

    if (words == NULL) {
        return NULL;
    }
    char *at = memcpy((char *)(words + count + 1), text.data, text.len);
    for (size_t i = 0; i < count; i++) {
        words[i] = at;
        at += strlen(at) + 1;
    }
    words[count] = NULL;
    return words;
}
