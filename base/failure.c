/* base/failure.c: fields are NUL-terminated texts, one behind the other, in the failure's own
 * bytes. */
#include "base/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The most that one field may take, so that a long message leaves room for its detail and hint. */
enum { field_bytes = 1024 };

static const char *const severity_names[] = {
    [SEVERITY_ERROR] = "ERROR",     [SEVERITY_FATAL] = "FATAL",   [SEVERITY_PANIC] = "PANIC",
    [SEVERITY_WARNING] = "WARNING", [SEVERITY_NOTICE] = "NOTICE", [SEVERITY_DEBUG] = "DEBUG",
    [SEVERITY_INFO] = "INFO",       [SEVERITY_LOG] = "LOG",
};

/* The length of `text`, whose last character may have been cut in the middle, without that
 * character. */
static size_t whole_characters(const char *text, size_t len)
{
    size_t start = len;

    while (start > 0 && len - start < 4 && ((uint8_t)text[start - 1] & 0xc0) == 0x80) {
        start--; /* over continuation bytes */
    }
    if (start == 0) {
        return len;
    }
    uint8_t lead = (uint8_t)text[start - 1];
    size_t wants = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;

    return wants > len - start + 1 ? start - 1 : len;
}

/* Formats into at most `room` bytes, NUL included; gives the length of what was kept. */
static size_t format_text(char *text, size_t room, const char *format, va_list args)
{
    int len = vsnprintf(text, room, format, args);

    if (len < 0) {
        text[0] = '\0';
        return 0;
    }
    if ((size_t)len < room) {
        return (size_t)len;
    }
    size_t kept = whole_characters(text, room - 1);
    text[kept] = '\0';
    return kept;
}

int failure_set(struct failure *f, const char *sqlstate, const char *format, ...)
{
    char text[field_bytes]; /* the arguments may point into the failure itself */
    char state[sizeof(f->sqlstate)] = { 0 };
    va_list args;

    if (f == NULL) {
        return FAILED;
    }
    va_start(args, format);
    size_t len = format_text(text, sizeof(text), format, args);
    va_end(args);
    memcpy(state, sqlstate, strnlen(sqlstate, sizeof(state) - 1));

    failure_clear(f);
    memcpy(f->sqlstate, state, sizeof(state));
    memcpy(f->text, text, len + 1);
    f->field[FIELD_MESSAGE] = 1;
    f->used = (uint16_t)(len + 1);
    return FAILED;
}

void failure_add(struct failure *f, enum failure_field field, const char *format, ...)
{
    va_list args;

    if (f == NULL || f->used >= sizeof(f->text)) {
        return;
    }
    size_t room = sizeof(f->text) - f->used;
    va_start(args, format);
    size_t len =
        format_text(f->text + f->used, room < field_bytes ? room : field_bytes, format, args);
    va_end(args);

    f->field[field] = (uint16_t)(f->used + 1);
    f->used = (uint16_t)(f->used + len + 1);
}

void failure_clear(struct failure *f)
{
    f->sqlstate[0] = '\0';
    f->severity = SEVERITY_ERROR;
    f->used = 0;
    f->position = 0;
    memset(f->field, 0, sizeof(f->field));
}

bool failure_is_set(const struct failure *f)
{
    return f->sqlstate[0] != '\0';
}

const char *failure_get(const struct failure *f, enum failure_field field)
{
    return f->field[field] == 0 ? NULL : f->text + f->field[field] - 1;
}

const char *failure_severity_name(const struct failure *f)
{
    return f->severity < ARRAY_LEN(severity_names) ? severity_names[f->severity] : "ERROR";
}

const char *failure_errno_sqlstate(int error)
{
    static const struct {
        int error;
        const char *sqlstate;
    } rows[] = {
        { ENOSPC, "53100" }, { EDQUOT, "53100" }, { EFBIG, "53100" },   { EMFILE, "53000" },
        { ENFILE, "53000" }, { ENOENT, "58P01" }, { ENOTDIR, "58P01" }, { EISDIR, "42809" },
        { EACCES, "42501" }, { EPERM, "42501" },  { EROFS, "42501" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].error == error) {
            return rows[i].sqlstate;
        }
    }
    return "58030";
}

int failure_set_nomem(struct failure *f)
{
    return failure_set(f, "53200", "out of memory");
}

/* A detail, no hint: the log has it, too. */
int failure_set_no_thread(struct failure *f)
{
    failure_set(f, "53000", "could not start a thread: %s", strerror(EAGAIN));
    failure_add(f, FIELD_DETAIL,
                "TasksMax= and LimitNPROC= of a service, pids.max of a container and ulimit -u "
                "limit their number; so does the memory that is left.");
    return FAILED;
}
