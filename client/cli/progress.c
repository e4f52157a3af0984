/* client/cli/progress.c: see progress.h. */
#include "client/cli/progress.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { first_after_ms = 1000, tick_ms = 250 };

static struct {
    bool active;
    bool shown;
    enum progress_unit unit;
    uint64_t done;
    uint64_t total;
    int64_t begin_ms;
    int64_t drawn_ms;
    const struct pond_loop *ticking; /* whose task draws */
} work;

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the line ---- */

/* With a comma after each three digits. */
static void write_count(char out[static 32], uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    char *end = out;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            *end++ = ',';
        }
        *end++ = digits[i];
    }
    *end = '\0';
}

static double megabytes(uint64_t n)
{
    return (double)n / 1e6;
}

void progress_write(char line[static progress_line_bytes], enum progress_unit unit, uint64_t done,
                    uint64_t total, int64_t ms)
{
    char count[32], all[32];
    long long seconds = (long long)ms / 1000;

    if (unit == PROGRESS_ROWS) {
        write_count(count, done);
        write_count(all, total);
        snprintf(line, progress_line_bytes, "%s%s%s rows in %lld s", count,
                 total == 0 ? "" : " of ", total == 0 ? "" : all, seconds);
    } else if (total == 0) {
        snprintf(line, progress_line_bytes, "%.1f MB in %lld s", megabytes(done), seconds);
    } else {
        snprintf(line, progress_line_bytes, "%.1f of %.1f MB in %lld s", megabytes(done),
                 megabytes(total), seconds);
    }
}

/* stderr of a terminal: a failure to write is nobody's concern. */
static void put(const char *text)
{
    maybe_unused ssize_t n = write(STDERR_FILENO, text, strlen(text));
}

static void draw(int64_t now)
{
    char line[progress_line_bytes], text[progress_line_bytes + 8];

    progress_write(line, work.unit, work.done, work.total, now - work.begin_ms);
    snprintf(text, sizeof(text), "\r%s\033[K", line);
    put(text);
    work.shown = true;
    work.drawn_ms = now;
}

static void draw_when_due(void)
{
    int64_t now = now_ms();

    if (now - work.begin_ms >= first_after_ms && now - work.drawn_ms >= tick_ms) {
        draw(now);
    }
}

/* ---- the work ---- */

static int tick(void *arg, struct pond_error *error)
{
    (void)arg;
    while (pond_sleep(tick_ms, error) == 0) {
        if (work.active) {
            draw_when_due();
        }
    }
    work.ticking = NULL;
    return 0;
}

void progress_begin(const struct cli *cli, enum progress_unit unit, uint64_t total)
{
    if (cli->common.quiet || !isatty(STDERR_FILENO)) {
        return;
    }
    work.active = true;
    work.unit = unit;
    work.done = 0;
    work.total = total;
    work.begin_ms = now_ms();
    if (work.ticking != cli->loop && pond_spawn(cli->loop, tick, NULL, NULL, NULL) == 0) {
        work.ticking = cli->loop;
    }
}

void progress_add(uint64_t count)
{
    if (work.active) {
        work.done += count;
        draw_when_due();
    }
}

void progress_hide(void)
{
    if (work.shown) {
        put("\r\033[K");
        work.shown = false;
    }
}

void progress_end(void)
{
    progress_hide();
    work.active = false;
}
