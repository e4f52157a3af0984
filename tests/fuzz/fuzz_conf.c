/* tests/fuzz/fuzz_conf.c: pond.conf, and what the command line says over it: the file up to the
 * first zero byte, then an override after each. No file that it names is read: the last overrides
 * take the names away.
 *
 * What was read must come back from its own printing, and must be what its copy is. */
#include "fuzz.h"

#include "base/alloc.h"
#include "base/fd.h"
#include "conf/conf.h"
#include "conf/conf_user.h"
#include "conf/option.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { overrides_most = 4, printed_bytes = 8192 };

static const char *const no_files[] = { "auth_type=trust", "auth_hba_file=", "auth_file=" };

/* ---- the input ---- */

struct input {
    char path[64]; /* of a file in memory */
    int fd;
    char *text; /* of the overrides */
    const char *override[overrides_most + ARRAY_LEN(no_files)];
    size_t override_count;
};

static void input_finish(struct input *in)
{
    close(in->fd);
    free(in->text);
}

static void input_init(struct input *in, const uint8_t *data, size_t size)
{
    const uint8_t *end = size == 0 ? NULL : memchr(data, 0, size);
    size_t len = end == NULL ? size : (size_t)(end - data);
    size_t at = 0, rest = end == NULL ? 0 : size - len - 1;

    *in = (struct input){ .fd = memfd_create("pond.conf", MFD_CLOEXEC), .text = malloc(rest + 1) };
    must(in->fd >= 0 && in->text != NULL && write(in->fd, data, len) == (ssize_t)len);
    snprintf(in->path, sizeof(in->path), "/proc/self/fd/%d", in->fd);
    if (rest > 0) {
        memcpy(in->text, end + 1, rest);
    }
    in->text[rest] = '\0';
    for (; at < rest && in->override_count < overrides_most; at += strlen(in->text + at) + 1) {
        in->override[in->override_count++] = in->text + at;
    }
    for (size_t i = 0; i < ARRAY_LEN(no_files); i++) {
        in->override[in->override_count++] = no_files[i];
    }
}

/* ---- what must be true of it ---- */

static void check_option(const struct option *option, const void *a, const void *copy, void *again)
{
    char text[printed_bytes];
    struct failure f;

    must(option_equal(option, a, copy));
    option_print(option, a, text, sizeof(text));
    must(option_set(option, again, text, "/", &f) == 0);
    must(option_equal(option, a, again));
}

static void check_section(enum option_section section, const void *a, const void *copy, void *again)
{
    for (size_t i = 0; i < option_count; i++) {
        if (option_table[i].section == section) {
            check_option(&option_table[i], a, copy, again);
        }
    }
    option_finish_all(section, again);
}

static void check_users(const struct conf *conf)
{
    for (size_t i = 0; i < conf->user_count; i++) {
        const struct conf_user *user = &conf->user_rows[i];
        bool some = *user->databases == '\0';

        must(conf_user_find(conf, user->name) == user);
        for (size_t j = 0; j < conf->database_count; j++) {
            some = conf_user_may_use(user, conf->databases[j].name) || some;
        }
        must(some || strspn(user->databases, ",") == strlen(user->databases));
    }
}

static void never_kept(void *arg, const struct option *option, const struct conf_database *database)
{
    (void)arg, (void)option, (void)database;
    must(false);
}

static void check_conf(const struct conf *conf)
{
    struct conf *copy = NULL, again = { 0 };

    must(conf_copy(conf, &copy) == 0);
    must(copy->database_count == conf->database_count && copy->user_count == conf->user_count);
    check_section(OPTION_POND, conf, copy, &again);
    for (size_t i = 0; i < conf->database_count; i++) {
        struct conf_database database = { 0 };

        must(conf_find(conf, conf->databases[i].name) == &conf->databases[i]);
        check_section(OPTION_DATABASE, &conf->databases[i], &copy->databases[i], &database);
    }
    for (size_t i = 0; i < conf->user_count; i++) {
        struct conf_user user = { 0 };

        check_section(OPTION_USER, &conf->user_rows[i], &copy->user_rows[i], &user);
    }
    check_users(conf);
    must(conf_keep(copy, conf, never_kept, NULL) == 0);
    conf_destroy(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup(input_finish) struct input in;
    struct conf *conf = NULL;
    struct failure f;

    input_init(&in, data, size);
    int r = conf_read(in.path, in.override, in.override_count, &conf, &f);
    must(r == 0 || r == FAILED);
    if (r == 0) {
        check_conf(conf);
    } else {
        const char *message = failure_get(&f, FIELD_MESSAGE);

        must(strncmp(message, in.path, strlen(in.path)) == 0 || strncmp(message, "-o ", 3) == 0);
    }
    conf_destroy(conf);
    return 0;
}
