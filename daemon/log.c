/* daemon/log.c: one write(2) per line, so that lines of threads and processes never mix. */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { log_line_bytes = 2048 };

static const char *const level_names[] = {
    [LEVEL_LOG] = "LOG",
    [LEVEL_WARNING] = "WARNING",
    [LEVEL_ERROR] = "ERROR",
    [LEVEL_FATAL] = "FATAL",
};

/* "2026-11-23 20:43:17.123 UTC [4711] LOG: ". Gives its length. */
static size_t write_head(char *line, size_t size, enum log_level level)
{
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t used = strftime(line, size, "%F %T", &tm);
    int n = snprintf(line + used, size - used, ".%03ld UTC [%d] %s: ", now.tv_nsec / 1000000,
                     (int)getpid(), level_names[level]);
    return used + (size_t)n;
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[log_line_bytes];
    va_list args;

    size_t head = write_head(line, sizeof(line), level);
    va_start(args, format);
    vsnprintf(line + head, sizeof(line) - 1 - head, format, args);
    va_end(args);
    size_t len = strlen(line);
    for (size_t i = head; i < len; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) {
            line[i] = ' ';
        }
    }
    line[len++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, len); /* a full disk is no reason to stop */
    (void)written;
}

void log_failure(enum log_level level, const char *what, const struct failure *failure)
{
    const char *message = failure_get(failure, FIELD_MESSAGE);
    const char *detail = failure_get(failure, FIELD_DETAIL);

    log_line(level, "%s: %s %s%s%s%s", what, failure->sqlstate, message == NULL ? "" : message,
             detail == NULL ? "" : " (", detail == NULL ? "" : detail, detail == NULL ? "" : ")");
}
