/* daemon/seed_host.c: what a script's statements ask of the daemon: nobody is told anything, and
 * the data of a COPY FROM STDIN are the script's next lines. */
#include "daemon/seed_impl.h"

#include "base/clock.h"

#include <stdlib.h>
#include <unistd.h>

static void ignore_status(void *host, const char *name, const char *value)
{
    (void)host;
    (void)name;
    (void)value;
}

static void ignore_notice(void *host, const struct failure *notice)
{
    (void)host;
    (void)notice;
}

static int32_t seed_pid(void *host)
{
    (void)host;
    return getpid();
}

static const char *seed_user(void *host)
{
    (void)host;
    return "pond";
}

static const char *seed_database(void *host)
{
    const struct seeding *seeding = host;
    return seeding->options->database;
}

static int64_t seed_wall_us(void *host)
{
    (void)host;
    return clock_wall_us(&clock_system);
}

static void seed_random(void *host, void *bytes, size_t len)
{
    (void)host;
    arc4random_buf(bytes, len);
}

/* ---- COPY FROM STDIN: its data are the script's next lines, up to one of \. as pg_dump and psql
 * have it ---- */

static int seed_copy_begin(void *host, bool binary, size_t columns, struct failure *ret_failure)
{
    struct seeding *seeding = host;

    (void)columns;
    if (binary) {
        return failure_set(ret_failure, "0A000", "a script cannot have the data of a binary COPY");
    }
    (void)seed_take_line(&seeding->rest); /* what is left of the statement's own */
    seeding->copy_told = false;
    return 0;
}

static bool is_end_of_data(struct view line)
{
    return view_equal_str(line, "\\.\n") || view_equal_str(line, "\\.\r\n") ||
           view_equal_str(line, "\\.");
}

static int seed_copy_read(void *host, struct view *ret_data, struct failure *ret_failure)
{
    struct seeding *seeding = host;
    const uint8_t *start = seeding->rest.data;
    const uint8_t *end = start;

    (void)ret_failure;
    if (seeding->copy_told) {
        return COPY_IN_DONE;
    }
    while (seeding->rest.len > 0 && !is_end_of_data(seed_take_line(&seeding->rest))) {
        end = seeding->rest.data;
    }
    seeding->copy_told = true;
    *ret_data = view_of(start, (size_t)(end - start));
    return 0;
}

static void seed_copy_end(void *host)
{
    (void)host;
}

const struct host_ops seed_host_ops = {
    .parameter_status = ignore_status,
    .notice = ignore_notice,
    .backend_pid = seed_pid,
    .user = seed_user,
    .database = seed_database,
    .wall_us = seed_wall_us,
    .random = seed_random,
    .copy_in_begin = seed_copy_begin,
    .copy_in_read = seed_copy_read,
    .copy_in_end = seed_copy_end,
};
