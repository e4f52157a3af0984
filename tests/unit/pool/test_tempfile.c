/* Nameless files: what they keep, the room's limits, and each way in which a disk says no. */
#include "pool/tempfile.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/pond-test-temp-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static size_t names_in_folder(void)
{
    DIR *dir = opendir(folder);
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count - 2; /* . and .. */
}

static struct tempfile *make(struct tempfile_room *room)
{
    struct tempfile *file = NULL;

    assert_int_equal(tempfile_create(room, &file), 0);
    return file;
}

static void bytes_come_back(void **state)
{
    struct tempfile_room room = { .dir = folder, .limit = 1000 };
    struct tempfile *file = make(&room);
    char read[8] = "";

    (void)state;
    assert_int_equal(tempfile_append(file, "abcdefgh", 8), 0);
    assert_int_equal(tempfile_append(file, "ijkl", 4), 0);
    assert_int_equal(tempfile_bytes(file), 12);
    assert_int_equal(tempfile_read(file, 6, read, 5), 0);
    assert_string_equal(read, "ghijk");
    assert_int_equal(names_in_folder(), 0);
    assert_int_equal(room.used, 12);
    tempfile_destroy(file);
    assert_int_equal(room.used, 0);
    tempfile_destroy(NULL);
}

static void the_limit_is_for_all_files_of_a_room(void **state)
{
    struct tempfile_room room = { .dir = folder, .limit = 2048 };
    struct tempfile *a = make(&room);
    struct tempfile *b = make(&room);
    struct failure f;
    char bytes[1500] = "";

    (void)state;
    assert_int_equal(tempfile_append(a, bytes, sizeof(bytes)), 0);
    assert_int_equal(tempfile_append(b, bytes, sizeof(bytes)), TEMPFILE_FULL);
    assert_int_equal(tempfile_bytes(b), 0);
    assert_int_equal(tempfile_append(b, bytes, 548), 0);
    assert_int_equal(tempfile_append(a, bytes, 1), TEMPFILE_FULL);
    assert_int_equal(tempfile_fail(&room, TEMPFILE_FULL, &f), FAILED);
    assert_string_equal(f.sqlstate, "53100");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE),
                        "temporary file size exceeds temp_file_limit (2kB)");
    assert_string_equal(failure_get(&f, FIELD_HINT), "Raise temp_file_limit of this database.");
    tempfile_destroy(a);
    assert_int_equal(tempfile_append(b, bytes, sizeof(bytes)), 0);
    tempfile_destroy(b);
}

static void a_room_has_so_many_files_at_most(void **state)
{
    struct tempfile_room room = { .dir = folder, .limit = 2048 };
    struct tempfile *files[tempfile_most];
    struct tempfile *more = NULL;
    struct failure f;

    (void)state;
    for (size_t i = 0; i < tempfile_most; i++) {
        files[i] = make(&room);
    }
    assert_int_equal(tempfile_create(&room, &more), TEMPFILE_MANY);
    (void)tempfile_fail(&room, TEMPFILE_MANY, &f);
    assert_string_equal(f.sqlstate, "53000");
    for (size_t i = 0; i < tempfile_most; i++) {
        tempfile_destroy(files[i]);
    }
    assert_int_equal(room.files, 0);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct tempfile_room room = { .dir = "/nowhere/at/all", .limit = 2048 };
    struct tempfile *file = NULL;
    struct failure f;

    (void)state;
    assert_int_equal(tempfile_create(&room, &file), -ENOENT);
    (void)tempfile_fail(&room, -ENOENT, &f);
    assert_string_equal(f.sqlstate, "58P01");
    assert_string_equal(
        failure_get(&f, FIELD_MESSAGE),
        "could not use a temporary file in \"/nowhere/at/all\": No such file or directory");
    assert_non_null(strstr(failure_get(&f, FIELD_HINT), "temp_dir"));
    assert_int_equal(room.files, 0);
}

static void without_a_folder_it_is_tmpdir(void **state)
{
    struct tempfile_room room = { .limit = 2048 };
    struct tempfile *file = NULL;

    (void)state;
    setenv("TMPDIR", "/nowhere", 1);
    assert_int_equal(tempfile_create(&room, &file), -ENOENT);
    room.dir = "";
    assert_int_equal(tempfile_create(&room, &file), -ENOENT);
    unsetenv("TMPDIR");
    tempfile_destroy(make(&room));
}

static void without_memory_there_is_no_file(void **state)
{
    struct tempfile_room room = { .dir = folder, .limit = 2048 };
    struct tempfile *file = NULL;

    (void)state;
    mem_fail_at(1, false);
    assert_int_equal(tempfile_create(&room, &file), -ENOMEM);
    mem_fail_at(0, false);
    assert_int_equal(room.files, 0);
}

static void a_failed_append_is_made_good_by_the_next(void **state)
{
    struct tempfile_room room = { .dir = folder, .limit = 2048 };
    struct tempfile *file = make(&room);
    struct failure f;
    char read[4] = "";

    (void)state;
    assert_int_equal(tempfile_append(file, "ab", 2), 0);
    (void)tempfile_fail_at(1, ENOSPC);
    assert_int_equal(tempfile_append(file, "xxxxxx", 6), -ENOSPC);
    assert_true(tempfile_fail_at(0, 0));
    assert_int_equal(room.used, 2);
    assert_int_equal(tempfile_append(file, "c", 1), 0);
    assert_int_equal(tempfile_read(file, 0, read, 3), 0);
    assert_string_equal(read, "abc");
    (void)tempfile_fail_at(1, EIO);
    assert_int_equal(tempfile_read(file, 0, read, 3), -EIO);
    assert_true(tempfile_fail_at(0, 0));
    (void)tempfile_fail(&room, -ENOSPC, &f);
    assert_string_equal(f.sqlstate, "53100");
    (void)tempfile_fail(&room, -EIO, &f);
    assert_string_equal(f.sqlstate, "58030");
    tempfile_destroy(file);
}

/* The process's limit for files, in a child: what a write is told, and that it lives. */
static int write_past_the_rlimit(void)
{
    struct rlimit limit = { .rlim_cur = 4096, .rlim_max = 4096 };
    struct tempfile_room room = { .dir = folder, .limit = 1 << 20 };
    struct tempfile *file = NULL;
    static char bytes[10000];

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || tempfile_create(&room, &file) != 0) {
        return 1;
    }
    if (tempfile_append(file, bytes, sizeof(bytes)) != -EFBIG || tempfile_bytes(file) != 0 ||
        room.used != 0) {
        return 2;
    }
    if (tempfile_append(file, bytes, 4096) != 0) {
        return 3;
    }
    tempfile_destroy(file);
    return 0;
}

static void a_write_that_ends_half_way_counts_nothing(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        _exit(write_past_the_rlimit());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back),
        cmocka_unit_test(the_limit_is_for_all_files_of_a_room),
        cmocka_unit_test(a_room_has_so_many_files_at_most),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
        cmocka_unit_test(without_a_folder_it_is_tmpdir),
        cmocka_unit_test(without_memory_there_is_no_file),
        cmocka_unit_test(a_failed_append_is_made_good_by_the_next),
        cmocka_unit_test(a_write_that_ends_half_way_counts_nothing),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
