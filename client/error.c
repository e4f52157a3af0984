/* client/error.c: texts are cut where they do not fit, at a character boundary as base/failure.c
 * does. */
#include "client/error.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The length without a character that was cut in the middle. */
static size_t whole_characters(const char *text, size_t len)
{
    size_t back = 0;

    while (back < len && back < 4 && ((uint8_t)text[len - 1 - back] & 0xc0) == 0x80) {
        back++;
    }
    if (back == len) {
        return len;
    }
    uint8_t lead = (uint8_t)text[len - 1 - back];
    size_t wants = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;

    return wants > back + 1 ? len - 1 - back : len;
}

static void put_text(char *out, size_t room, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);

    if (len >= room) {
        len = whole_characters(text, room - 1);
    }
    memmove(out, text == NULL ? "" : text, len);
    out[len] = '\0';
}

static void put_message(struct pond_error *error, int kind, const char *sqlstate,
                        const char *format, va_list args)
{
    char text[sizeof(error->message) + 4]; /* the arguments may point into the error itself */

    vsnprintf(text, sizeof(text), format, args);
    *error = (struct pond_error){ .kind = kind };
    put_text(error->sqlstate, sizeof(error->sqlstate), sqlstate);
    put_text(error->severity, sizeof(error->severity), "ERROR");
    put_text(error->message, sizeof(error->message), text);
}

int error_set(struct pond_error *error, int kind, const char *sqlstate, const char *format, ...)
{
    va_list args;

    if (error != NULL) {
        va_start(args, format);
        put_message(error, kind, sqlstate, format, args);
        va_end(args);
    }
    return kind;
}

int pond_error_set(struct pond_error *error, int kind, const char *format, ...)
{
    va_list args;

    if (error != NULL) {
        va_start(args, format);
        put_message(error, kind, "", format, args);
        va_end(args);
    }
    return kind;
}

int error_nomem(struct pond_error *error)
{
    return error_set(error, POND_NOMEM, "53200", "out of memory");
}

int error_no_thread(struct pond_error *error)
{
    struct failure failure;

    (void)failure_set_no_thread(&failure);
    return error_of_failure(error, POND_NOMEM, &failure);
}

int error_of_buf(struct pond_error *error, int r, const char *what)
{
    if (r == BUF_FULL) {
        return error_set(error, POND_NOMEM, "54000", "%s is larger than the limit", what);
    }
    return error_nomem(error);
}

int error_of_failure(struct pond_error *error, int kind, const struct failure *failure)
{
    if (error == NULL) {
        return kind;
    }
    *error = (struct pond_error){ .kind = kind, .position = failure->position };
    put_text(error->sqlstate, sizeof(error->sqlstate), failure->sqlstate);
    put_text(error->severity, sizeof(error->severity), failure_severity_name(failure));
    put_text(error->message, sizeof(error->message), failure_get(failure, FIELD_MESSAGE));
    put_text(error->detail, sizeof(error->detail), failure_get(failure, FIELD_DETAIL));
    put_text(error->hint, sizeof(error->hint), failure_get(failure, FIELD_HINT));
    put_text(error->table, sizeof(error->table), failure_get(failure, FIELD_TABLE));
    put_text(error->column, sizeof(error->column), failure_get(failure, FIELD_COLUMN));
    put_text(error->constraint, sizeof(error->constraint), failure_get(failure, FIELD_CONSTRAINT));
    return kind;
}
