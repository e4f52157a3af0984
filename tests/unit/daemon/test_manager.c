/* daemon/manager.c: what a manager hears of a reload. The rest of it takes a daemon and is in
 * tests/integration/test_manager.py. */
#include "support_client.h"

#include "daemon/manager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

static const char more_time[] = "EXTEND_TIMEOUT_USEC=30000000";

/* The manager: a socket in a folder of its own. */
struct fixture {
    char folder[32];
    char path[64];
    int fd;
    char note[512];
};

static void listen_begin(struct fixture *f)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    strcpy(f->folder, "/tmp/pond-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/notify", f->folder);
    strcpy(address.sun_path, f->path);
    f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(f->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", f->path, 1);
    unsetenv("WATCHDOG_USEC"); /* of a service that runs the tests */
}

static void listen_end(struct fixture *f)
{
    unsetenv("NOTIFY_SOCKET");
    close(f->fd);
    unlink(f->path);
    rmdir(f->folder);
}

/* The next note, or "". */
static const char *note(struct fixture *f)
{
    ssize_t n = recv(f->fd, f->note, sizeof(f->note) - 1, 0);

    f->note[n < 0 ? 0 : n] = '\0';
    return f->note;
}

static void settle(void *arg)
{
    (void)arg; /* the task of the status has run before this one */
}

static void a_reload_is_told_with_its_begin_and_its_end(void **state)
{
    struct manager manager = { 0 };
    struct fixture f;

    (void)state;
    listen_begin(&f);
    assert_int_equal(manager_open(&manager, &test_server), 0);
    assert_string_equal(note(&f), more_time);
    manager_loads(&manager, "shop");
    assert_string_equal(note(&f), "STATUS=loading database shop");
    manager_is_ready(&manager);
    server_run(settle, NULL);
    assert_string_equal(note(&f), "READY=1");
    assert_memory_equal(note(&f), "STATUS=0 clients", 16);

    manager_reloads(&manager);
    assert_memory_equal(note(&f), "RELOADING=1\nMONOTONIC_USEC=", 27);
    assert_non_null(strstr(f.note, "\nSTATUS=reloading"));
    assert_string_equal(note(&f), more_time);
    manager_loads(&manager, "shop");
    assert_string_equal(note(&f), "STATUS=reloading: loading database shop");
    assert_string_equal(note(&f), "");
    manager_reloaded(&manager);
    server_run(settle, NULL);
    assert_string_equal(note(&f), "READY=1");
    assert_memory_equal(note(&f), "STATUS=0 clients", 16); /* again, though it is the same */
    manager_close(&manager);
    listen_end(&f);
}

static void a_stop_is_told_once(void **state)
{
    struct manager manager = { 0 };
    struct fixture f;

    (void)state;
    listen_begin(&f);
    assert_int_equal(manager_open(&manager, &test_server), 0);
    assert_string_equal(note(&f), more_time);
    manager_stops(&manager, 1000000);
    manager_stops(&manager, 1000000);
    assert_string_equal(note(&f), "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=16000000");
    manager_loads(&manager, "shop"); /* another loop's reload was about to */
    assert_string_equal(note(&f), "");
    manager_is_ready(&manager); /* too late to serve */
    server_run(settle, NULL);
    assert_string_equal(note(&f), "");
    manager_close(&manager);
    listen_end(&f);
}

static void one_that_was_not_opened_may_be_closed(void **state)
{
    struct manager manager = { 0 };

    (void)state;
    manager_close(&manager);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reload_is_told_with_its_begin_and_its_end),
        TEST(a_stop_is_told_once),
        cmocka_unit_test(one_that_was_not_opened_may_be_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
