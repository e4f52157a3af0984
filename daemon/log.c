/* daemon/log.c: one write(2) per line, so that lines of threads and processes never mix; to the
 * journal one datagram. Neither waits for whoever should read them: what finds no room is counted
 * and told when there is some again. */
#include "daemon/log.h"

#include "base/clock.h"
#include "daemon/journal.h"
#include "daemon/log_limit.h"
#include "protocol/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { line_bytes = 2048, name_bytes = 64, entry_bytes = line_bytes + 512 };

struct level {
    const char *name;
    int priority; /* syslog(3) */
};

static const struct level levels[] = {
    [LEVEL_LOG] = { "LOG", 6 },
    [LEVEL_WARNING] = { "WARNING", 4 },
    [LEVEL_ERROR] = { "ERROR", 3 },
    [LEVEL_FATAL] = { "FATAL", 2 },
};

static bool journal_is_there; /* it reads our standard error */

static struct log_limit of_clients;
static struct log_limit of_the_daemon;

void log_open(void)
{
    journal_is_there = journal_reads(STDERR_FILENO);
    if (journal_is_there) {
        (void)!journal_open(NULL); /* without it there are priorities */
    }
}

bool log_is_journal(void)
{
    return journal_is_there;
}

void log_set_limit(uint64_t lines)
{
    atomic_store(&of_clients.most, lines);
    atomic_store(&of_the_daemon.most, lines);
}

static struct log_limit *limit_of(const struct log_about *about)
{
    return about->of_client ? &of_clients : &of_the_daemon;
}

/* ---- a text becomes a line ---- */

/* U+0080 to U+009F are controls, too: a terminal takes the two bytes for an ESC and a letter. */
static size_t control_bytes(const unsigned char *text)
{
    return *text < ' ' || *text == 0x7f                         ? 1
           : *text == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0 ? 2
                                                                : 0;
}

static void blank_controls(char *text)
{
    while (*text != '\0') {
        size_t controls = control_bytes((const unsigned char *)text);

        memset(text, ' ', controls);
        text += controls == 0 ? 1 : controls;
    }
}

/* "[7] text" into a line's rest. */
static void print_text(char *rest, size_t size, const struct log_about *about, const char *format,
                       va_list args)
{
    int used = about->connection != 0 ? snprintf(rest, size, "[%d] ", about->connection) : 0;

    if (vsnprintf(rest + used, size - (size_t)used, format, args) >= (int)size - used) {
        struct view text = view_of_str(rest);

        rest[utf8_cut(text, text.len - 1).len] = '\0'; /* not within a character */
    }
    blank_controls(rest);
}

/* ---- standard error ---- */

/* "2026-11-23 20:43:17.123 UTC [4711] LOG: ". Gives its length. */
static size_t print_head(char *line, size_t size, enum log_level level)
{
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t used = strftime(line, size, "%F %T", &tm);
    int n = snprintf(line + used, size - used, ".%03ld UTC [%d] %s: ", now.tv_nsec / 1000000,
                     (int)getpid(), levels[level].name);
    return used + (size_t)n;
}

/* A descriptor that is shared with others must not be made non-blocking. A pipe that poll(2) calls
 * writable has a page free: room for two of the longest lines, so that two loops that look at once
 * do not wait, either. */
static bool has_room(int fd)
{
    struct pollfd out = { .fd = fd, .events = POLLOUT };

    return poll(&out, 1, 0) != 0;
}

/* 0, or -errno. */
static int write_stderr(enum log_level level, const char *text)
{
    char line[line_bytes];
    size_t head = journal_is_there
                      ? (size_t)snprintf(line, sizeof(line), "<%d>", levels[level].priority)
                      : print_head(line, sizeof(line), level);

    struct view shown = utf8_cut(view_of_str(text), sizeof(line) - 2 - head);

    if (!has_room(STDERR_FILENO)) {
        return -EAGAIN;
    }
    memcpy(line + head, shown.data, shown.len);
    line[head + shown.len] = '\n';
    return write(STDERR_FILENO, line, head + shown.len + 1) < 0 ? -errno : 0;
}

/* ---- the journal ---- */

struct entry {
    char bytes[entry_bytes];
    size_t len;
};

static void add_field(struct entry *entry, const char *name, const char *value)
{
    char clean[name_bytes];
    size_t room = sizeof(entry->bytes) - entry->len;

    if (value != NULL) {
        snprintf(clean, sizeof(clean), "%s", value);
        blank_controls(clean); /* a line break would begin another field */
        int n = snprintf(entry->bytes + entry->len, room, "%s=%s\n", name, clean);
        entry->len += (size_t)n < room ? (size_t)n : 0;
    }
}

static void add_number(struct entry *entry, const char *name, int64_t value)
{
    char digits[32];

    if (value != 0) {
        snprintf(digits, sizeof(digits), "%" PRId64, value);
        add_field(entry, name, digits);
    }
}

static int send_entry(enum log_level level, const struct log_about *about, const char *text)
{
    struct entry entry;
    int n = snprintf(entry.bytes, sizeof(entry.bytes), "MESSAGE=%s\n", text);

    entry.len = (size_t)n;
    add_number(&entry, "PRIORITY", levels[level].priority);
    add_field(&entry, "SYSLOG_IDENTIFIER", "pondd");
    add_number(&entry, "POND_CONNECTION", about->connection);
    add_field(&entry, "POND_USER", about->user);
    add_field(&entry, "POND_DATABASE", about->database);
    add_field(&entry, "POND_SQLSTATE", about->sqlstate);
    add_number(&entry, "POND_DURATION_US", about->duration_us);
    return journal_send(entry.bytes, entry.len);
}

/* ---- lines ---- */

/* 0, or -errno: nobody takes it, or the disk is full, which is no reason to stop. A journal that
 * does not read would not read our standard error, either. */
static int put(enum log_level level, const struct log_about *about, const char *text)
{
    int r = journal_is_there ? send_entry(level, about, text) : -ENOTCONN;

    return r == 0 || r == -EAGAIN ? r : write_stderr(level, text);
}

static void tell_left_out(struct log_limit *limit, const char *whose, bool at_once)
{
    static const struct log_about none;
    uint64_t count = log_limit_take(limit, clock_now_us(&clock_system), at_once);
    char text[128];

    if (count == 0) {
        return;
    }
    snprintf(text, sizeof(text),
             "%" PRIu64 " lines %s were left out: over log_limit, or nobody took them", count,
             whose);
    if (put(LEVEL_WARNING, &none, text) != 0) {
        log_limit_lost(limit, count);
    }
}

void log_tell_left_out(bool at_once)
{
    tell_left_out(&of_clients, "of clients", at_once);
    tell_left_out(&of_the_daemon, "of the daemon itself", at_once);
}

static void log_va(enum log_level level, const struct log_about *about, const char *format,
                   va_list args)
{
    char text[line_bytes];

    log_tell_left_out(false);
    if (level != LEVEL_FATAL && !log_limit_admits(limit_of(about), clock_now_us(&clock_system))) {
        return;
    }
    print_text(text, sizeof(text), about, format, args);
    if (put(level, about, text) != 0) {
        log_limit_lost(limit_of(about), 1);
    }
}

void log_line(enum log_level level, const char *format, ...)
{
    static const struct log_about none;
    va_list args;

    va_start(args, format);
    log_va(level, &none, format, args);
    va_end(args);
}

void log_about(enum log_level level, const struct log_about *about, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_va(level, about, format, args);
    va_end(args);
}

void log_failure(enum log_level level, const char *what, const struct failure *failure)
{
    const char *message = failure_get(failure, FIELD_MESSAGE);
    const char *detail = failure_get(failure, FIELD_DETAIL);
    const struct log_about about = { .sqlstate = failure->sqlstate };

    log_about(level, &about, "%s: %s %s%s%s%s", what, failure->sqlstate,
              message == NULL ? "" : message, detail == NULL ? "" : " (",
              detail == NULL ? "" : detail, detail == NULL ? "" : ")");
}
