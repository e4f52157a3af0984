/* conf/ini.c: INI text, line by line. Each line is copied to a buffer of fixed size, trimmed, and
 * told apart by its first byte; the section's name is kept in a second such buffer. */
#include "conf/ini.h"

#include <ctype.h>
#include <string.h>

struct ini {
    const char *file;
    unsigned line;
    char text[ini_line_bytes + 1];
    char section[ini_line_bytes + 1];
    ini_fn *fn;
    void *arg;
};

static int bad_line(const struct ini *ini, struct failure *ret_failure, const char *what)
{
    return failure_set(ret_failure, "F0000", "%s:%u: %s", ini->file, ini->line, what);
}

/* Takes blanks off both ends, in place. */
static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t') {
        s++;
    }
    size_t len = strlen(s);
    while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t')) {
        len--;
    }
    s[len] = '\0';
    return s;
}

static int section_line(struct ini *ini, char *s, struct failure *ret_failure)
{
    size_t len = strlen(s);

    if (s[len - 1] != ']') {
        return bad_line(ini, ret_failure, "expected \"]\" at the end of a section's line");
    }
    s[len - 1] = '\0';
    const char *name = trim(s + 1);
    if (*name == '\0') {
        return bad_line(ini, ret_failure, "expected a name between \"[\" and \"]\"");
    }
    memmove(ini->section, name, strlen(name) + 1);
    struct ini_item item = { .section = ini->section, .line = ini->line };
    return ini->fn(ini->arg, &item, ret_failure);
}

static int option_line(struct ini *ini, char *s, struct failure *ret_failure)
{
    char *equals = strchr(s, '=');

    if (equals == NULL) {
        return bad_line(ini, ret_failure, "expected \"[section]\" or \"name = value\"");
    }
    *equals = '\0';
    struct ini_item item = {
        .section = ini->section, .name = trim(s), .value = trim(equals + 1), .line = ini->line
    };
    if (*item.name == '\0') {
        return bad_line(ini, ret_failure, "expected a name before \"=\"");
    }
    return ini->fn(ini->arg, &item, ret_failure);
}

static int one_line(struct ini *ini, struct view line, struct failure *ret_failure)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    if (line.len > ini_line_bytes) {
        return bad_line(ini, ret_failure, "the line is longer than 1024 bytes");
    }
    for (size_t i = 0; i < line.len; i++) {
        if (iscntrl(line.data[i]) && line.data[i] != '\t') {
            return bad_line(ini, ret_failure, "the line holds a control character");
        }
    }
    if (line.len > 0) {
        memcpy(ini->text, line.data, line.len);
    }
    ini->text[line.len] = '\0';
    char *s = trim(ini->text);
    if (*s == '\0' || *s == ';' || *s == '#') {
        return 0;
    }
    return *s == '[' ? section_line(ini, s, ret_failure) : option_line(ini, s, ret_failure);
}

int ini_parse(const char *file, struct view text, ini_fn *fn, void *arg,
              struct failure *ret_failure)
{
    struct ini ini = { .file = file, .fn = fn, .arg = arg };

    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);

        ini.line++;
        int r = one_line(&ini, view_of(text.data, len), ret_failure);
        if (r != 0) {
            return r;
        }
        view_advance(&text, end == NULL ? len : len + 1);
    }
    return 0;
}
