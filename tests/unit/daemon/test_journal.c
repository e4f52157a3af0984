/* daemon/journal.c, and daemon/log.c when the journal reads standard error. */
#include "daemon/journal.h"
#include "daemon/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A journal of our own: a socket in a folder of its own, and a pipe that is standard error. */
struct fixture {
    char folder[32];
    char path[64];
    int fd;
    int saved_stderr;
    int pipe[2];
    char got[8192];
};

static void listen_at(struct fixture *f)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    strcpy(address.sun_path, f->path);
    f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(f->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
}

static void take_stderr(struct fixture *f)
{
    struct stat status;
    char stream[64];

    assert_int_equal(pipe(f->pipe), 0);
    f->saved_stderr = dup(STDERR_FILENO);
    dup2(f->pipe[1], STDERR_FILENO);
    close(f->pipe[1]);
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    strcpy(f->folder, "/tmp/pond-test-XXXXXX");
    *state = f;
    if (mkdtemp(f->folder) == NULL) {
        return -1;
    }
    snprintf(f->path, sizeof(f->path), "%s/journal", f->folder);
    listen_at(f);
    take_stderr(f);
    log_set_limit(0);
    log_open();
    return journal_open(f->path); /* never the system's */
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    dup2(f->saved_stderr, STDERR_FILENO);
    close(f->saved_stderr);
    close(f->pipe[0]);
    close(f->fd);
    unlink(f->path);
    int r = rmdir(f->folder);
    free(f);
    return r;
}

/* The next entry, or "". */
static const char *entry(struct fixture *f)
{
    ssize_t n = recv(f->fd, f->got, sizeof(f->got) - 1, 0);

    f->got[n < 0 ? 0 : n] = '\0';
    return f->got;
}

/* What has come to standard error, which is given back. */
static const char *written(struct fixture *f)
{
    dup2(f->saved_stderr, STDERR_FILENO);
    ssize_t n = read(f->pipe[0], f->got, sizeof(f->got) - 1);

    f->got[n < 0 ? 0 : n] = '\0';
    return f->got;
}

static void only_the_named_stream_is_the_journals(void **state)
{
    (void)state;
    assert_true(journal_reads(STDERR_FILENO));
    assert_true(log_is_journal());
    assert_false(journal_reads(STDIN_FILENO));
    setenv("JOURNAL_STREAM", "12:x", 1);
    assert_false(journal_reads(STDERR_FILENO));
    unsetenv("JOURNAL_STREAM");
    assert_false(journal_reads(STDERR_FILENO));
}

static void a_line_is_an_entry_with_its_priority(void **state)
{
    struct fixture *f = *state;

    log_line(LEVEL_LOG, "%d frogs", 3);
    assert_string_equal(entry(f), "MESSAGE=3 frogs\nPRIORITY=6\nSYSLOG_IDENTIFIER=pondd\n");
    log_line(LEVEL_WARNING, "w");
    assert_non_null(strstr(entry(f), "\nPRIORITY=4\n"));
    log_line(LEVEL_ERROR, "e");
    assert_non_null(strstr(entry(f), "\nPRIORITY=3\n"));
    log_line(LEVEL_FATAL, "f");
    assert_non_null(strstr(entry(f), "\nPRIORITY=2\n"));
    assert_string_equal(written(f), "");
}

static void what_it_is_about_are_fields(void **state)
{
    struct fixture *f = *state;
    const struct log_about about = {
        .connection = 7,
        .user = "me",
        .database = "shop~1",
        .sqlstate = "42P01",
        .duration_us = 1500,
    };

    log_about(LEVEL_LOG, &about, "text");
    assert_string_equal(entry(f), "MESSAGE=[7] text\nPRIORITY=6\nSYSLOG_IDENTIFIER=pondd\n"
                                  "POND_CONNECTION=7\nPOND_USER=me\nPOND_DATABASE=shop~1\n"
                                  "POND_SQLSTATE=42P01\nPOND_DURATION_US=1500\n");
}

static void a_client_cannot_forge_a_field(void **state)
{
    struct fixture *f = *state;
    const struct log_about about = { .connection = 7, .user = "me\nPRIORITY=0" };

    log_about(LEVEL_LOG, &about, "%s", "one\nPRIORITY=0");
    assert_string_equal(entry(f), "MESSAGE=[7] one PRIORITY=0\nPRIORITY=6\n"
                                  "SYSLOG_IDENTIFIER=pondd\nPOND_CONNECTION=7\n"
                                  "POND_USER=me PRIORITY=0\n");
}

static void what_is_too_long_is_cut_between_characters_and_keeps_its_fields(void **state)
{
    struct fixture *f = *state;
    static char text[6001];
    char name[301];
    struct log_about about = { .connection = 7, .user = name, .database = name };

    for (size_t i = 0; i + 3 <= sizeof(text) - 1; i += 3) {
        memcpy(text + i, "\xe2\x82\xac", 3);
    }
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    log_about(LEVEL_LOG, &about, "%s", text);
    const char *got = entry(f);
    const char *end = strchr(got, '\n');
    assert_memory_equal(end - 3, "\xe2\x82\xac", 3);
    assert_true(end - got > 2000 && end - got < 2100);
    assert_non_null(strstr(got, "\nPOND_DATABASE=xxx"));
}

static void without_a_journal_lines_have_their_priority_before_them(void **state)
{
    struct fixture *f = *state;

    close(f->fd);
    unlink(f->path);
    log_line(LEVEL_WARNING, "gone");
    const struct log_about about = { .connection = 7 };
    log_about(LEVEL_LOG, &about, "still");
    assert_string_equal(written(f), "<4>gone\n<6>[7] still\n");
    listen_at(f);
    log_line(LEVEL_LOG, "back");
    assert_non_null(strstr(entry(f), "MESSAGE=back\n"));
}

static void a_journal_that_does_not_keep_up_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    size_t count = 0;

    while (journal_send("MESSAGE=x\n", 10) == 0) {
        count++;
    }
    assert_int_equal(journal_send("MESSAGE=x\n", 10), -EAGAIN);
    log_line(LEVEL_LOG, "lost");
    log_line(LEVEL_LOG, "lost");
    log_tell_left_out(true); /* in vain: it may not be forgotten for that */
    while (count-- > 0) {
        assert_string_equal(entry(f), "MESSAGE=x\n");
    }
    log_tell_left_out(true);
    assert_non_null(strstr(entry(f), "MESSAGE=2 lines of the daemon itself were left out"));
    assert_string_equal(written(f), "");
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    char path[200];

    (void)state;
    memset(path, '/', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(journal_open(path), -ENAMETOOLONG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(only_the_named_stream_is_the_journals),
        TEST(a_line_is_an_entry_with_its_priority),
        TEST(what_it_is_about_are_fields),
        TEST(a_client_cannot_forge_a_field),
        TEST(what_is_too_long_is_cut_between_characters_and_keeps_its_fields),
        TEST(without_a_journal_lines_have_their_priority_before_them),
        TEST(a_journal_that_does_not_keep_up_is_not_waited_for),
        TEST(a_path_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
