/* daemon/seed.c: the file that a seed is: none, an SQLite file, which SQLite loads itself, or a
 * script. */
#include "daemon/seed_impl.h"

#include "base/buf.h"
#include "base/fd.h"
#include "pool/template.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const size_t script_bytes_max = (size_t)1 << 30;
static const char sqlite_magic[16] = "SQLite format 3";

static int read_error(const char *path, int error, struct failure *ret_failure)
{
    return failure_set(ret_failure, "58P01", "%s: %s", path, strerror(error));
}

/* The whole of a script, or of an SQLite file only its first bytes: that one SQLite reads itself.
 */
static int read_script(const char *path, struct buf *text, struct failure *ret_failure)
{
    cleanup(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return read_error(path, errno, ret_failure);
    }
    for (size_t step = sizeof(sqlite_magic);; step = 65536) {
        int r = buf_reserve(text, step);
        if (r == BUF_FULL) {
            return failure_set(ret_failure, "54000", "%s: longer than 1 GB", path);
        }
        if (r != 0) {
            return r;
        }
        ssize_t n = read(fd, text->data + text->len, step);
        if (n < 0) {
            return read_error(path, errno, ret_failure);
        }
        text->len += (size_t)n;
        if (n == 0 || (text->len == sizeof(sqlite_magic) &&
                       memcmp(text->data, sqlite_magic, sizeof(sqlite_magic)) == 0)) {
            return 0;
        }
    }
}

static int load(const struct seed_options *options, struct template **ret_template,
                struct failure *ret_failure)
{
    cleanup(buf_finish) struct buf text;
    buf_init(&text, script_bytes_max);

    if (*options->path == '\0') {
        return template_create_empty(ret_template);
    }
    int r = read_script(options->path, &text, ret_failure);
    if (r != 0) {
        return r;
    }
    if (view_equal(buf_view(&text), view_of(sqlite_magic, sizeof(sqlite_magic)))) {
        return template_load_file(options->path, options->stop, ret_template, ret_failure);
    }
    return seed_run_script(options, buf_view(&text), ret_template, ret_failure);
}

int seed_load(const struct seed_options *options, struct template **ret_template,
              struct failure *ret_failure)
{
    int r = load(options, ret_template, ret_failure);
    return r >= 0 ? r
                  : failure_set(ret_failure, r == -ENOMEM ? "53200" : "58030", "%s: %s",
                                options->path, strerror(-r));
}
