/* client/cli/fail.c: messages on stderr, and what they make the exit code. */
#include "client/cli/cli.h"
#include "client/cli/text.h"

#include <stdarg.h>
#include <unistd.h>
#include <string.h>

static const char *command; /* NULL: none yet */

void cli_set_command(const char *name)
{
    command = name;
}

static void put_prefix(void)
{
    fprintf(stderr, "pond%s%s: ", command == NULL ? "" : " ", command == NULL ? "" : command);
}

/* What came from a server may have anything in it; only its line breaks are obeyed. */
void cli_put_text(const char *text)
{
    static struct output out;

    fflush(stderr);
    output_init(&out, STDERR_FILENO, "standard error");
    text_init();
    for (;;) {
        size_t len = strcspn(text, "\n");

        text_put(&out, text, len, 0);
        if (text[len] == '\0') {
            break;
        }
        output_byte(&out, '\n');
        text += len + 1;
    }
    output_flush(&out);
}

static void put_line(const char *name, const char *text)
{
    fputs(name, stderr);
    cli_put_text(text);
    fputc('\n', stderr);
}

void cli_complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_prefix();
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

int cli_usage(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_prefix();
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry 'pond%s%s --help'.\n", command == NULL ? "" : " ",
            command == NULL ? "" : command);
    return CLI_USAGE;
}

int cli_exit_code(const struct pond_error *error)
{
    switch (error->kind) {
    case 0:
        return CLI_OK;
    case POND_USAGE:
        return CLI_USAGE;
    case POND_CONNECT:
    case POND_PROTOCOL:
        return CLI_CONNECT;
    case POND_TIMEOUT:
        return CLI_TIMEOUT;
    default: /* after a FATAL the connection is gone */
        return strcmp(error->severity, "FATAL") == 0 ? CLI_CONNECT : CLI_FAILED;
    }
}

enum { shown_before = 160, shown_behind = 80 };

static bool is_continued(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The line that holds `at`, and a caret below; of a long one what is near. */
static void put_line_with_caret(const char *line, const char *at, int number)
{
    const char *from = at - line > shown_before ? at - shown_before : line;
    int indent = fprintf(stderr, "LINE %d: %s", number, from > line ? "..." : "");

    for (; is_continued(*from); from++) {
    }
    size_t len = strcspn(from, "\r\n"), most = (size_t)(at - from) + shown_behind;
    bool is_cut = len > most;
    for (len = is_cut ? most : len; is_cut && is_continued(from[len]); len--) {
    }
    fprintf(stderr, "%.*s%s\n%*s", (int)len, from, is_cut ? "..." : "", indent, "");
    for (const char *p = from; p < at; p++) {
        if (!is_continued(*p)) {
            fputc(*p == '\t' ? '\t' : ' ', stderr);
        }
    }
    fputs("^\n", stderr);
}

/* A 1-based position, in characters. */
static void put_position(const char *sql, int position)
{
    const char *at = sql, *line = sql;
    int number = 1;

    for (int i = 1; i < position && *at != '\0'; i++) {
        if (*at == '\n') {
            line = at + 1;
            number++;
        }
        do {
            at++;
        } while (is_continued(*at));
    }
    put_line_with_caret(line, at, number);
}

int cli_fail_in(const struct pond_error *error, const char *sql)
{
    put_prefix();
    if (error->kind == POND_SQL) {
        cli_put_text(error->severity);
        fputs(":  ", stderr);
    }
    cli_put_text(error->message);
    if (error->sqlstate[0] != '\0') {
        fputs(" (", stderr);
        cli_put_text(error->sqlstate);
        fputc(')', stderr);
    }
    fputc('\n', stderr);
    if (sql != NULL && error->position > 0) {
        put_position(sql, error->position);
    }
    if (error->detail[0] != '\0') {
        put_line("DETAIL:  ", error->detail);
    }
    if (error->hint[0] != '\0') {
        put_line("HINT:  ", error->hint);
    }
    return cli_exit_code(error);
}

int cli_fail(const struct pond_error *error)
{
    return cli_fail_in(error, NULL);
}
