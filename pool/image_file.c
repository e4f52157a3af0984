/* pool/image_file.c: see image_file.h. Everything is done relative to the folder, once it is open,
 * and no link is followed out of it. */
#include "pool/image_file.h"

#include "base/alloc.h"
#include "base/fd.h"
#include "pool/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct target {
    const char *folder;
    const char *name;
    char part[image_name_most + 32]; /* what it is called until it is whole */
    int dir;
    int fd;
};

/* ---- the name ---- */

static bool is_plain(struct view name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '/' || name.data[i] < 0x20 || name.data[i] == 0x7f) {
            return false;
        }
    }
    return name.data[0] != '.';
}

int image_check_name(struct view name, struct failure *ret_failure)
{
    if (name.len == 0) {
        return failure_set(ret_failure, "42602", "the name of a backup must not be empty");
    }
    if (name.len > image_name_most) {
        return failure_set(ret_failure, "42622", "the name of a backup has at most %d bytes",
                           image_name_most);
    }
    if (is_plain(name)) {
        return 0;
    }
    failure_set(ret_failure, "42602", "invalid name of a backup: \"%.*s\"", (int)name.len,
                (const char *)name.data);
    failure_add(ret_failure, FIELD_HINT,
                "It is the name of a file in backup_dir: without \"/\", and without \".\" at its "
                "beginning.");
    return FAILED;
}

/* ---- the file ---- */

static int fail(const struct target *target, int error, struct failure *ret_failure)
{
    const char *sqlstate = error == EEXIST                      ? "58P02"
                           : error == ENOSPC || error == EDQUOT ? "53100"
                           : error == EACCES || error == EPERM  ? "42501"
                                                                : "58030";

    if (error == EEXIST) {
        return failure_set(ret_failure, sqlstate, "backup \"%s\" already exists", target->name);
    }
    return failure_set(ret_failure, sqlstate, "could not write backup \"%s/%s\": %s",
                       target->folder, target->name, strerror(error));
}

/* 0 or an errno, as all below. */
static int write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno != EINTR) {
            return errno;
        }
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int write_pages(const struct image *image, int fd)
{
    size_t page_bytes = image_page_bytes(image);
    cleanup(mem_freep) uint8_t *zeroes = mem_zalloc(page_bytes);
    int error = zeroes == NULL ? ENOMEM : 0;

    for (uint32_t i = 1; i <= image_pages(image) && error == 0; i++) {
        const uint8_t *page = image_page(image, i);

        error = write_all(fd, page == NULL ? zeroes : page, page_bytes);
    }
    return error;
}

static int open_part(struct target *target)
{
    snprintf(target->part, sizeof(target->part), ".%s.%08x.part", target->name, arc4random());
    target->fd = openat(target->dir, target->part,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return target->fd < 0 ? errno : 0;
}

/* A link is made under the name only if nothing is there. */
static int finish_part(struct target *target)
{
    if (fsync(target->fd) != 0 ||
        linkat(target->dir, target->part, target->dir, target->name, 0) != 0 ||
        fsync(target->dir) != 0) {
        return errno;
    }
    return 0;
}

static int write_target(const struct image *image, struct target *target)
{
    int error = open_part(target);

    if (error != 0) {
        return error;
    }
    error = write_pages(image, target->fd);
    if (error == 0) {
        error = finish_part(target);
    }
    (void)unlinkat(target->dir, target->part, 0);
    return error;
}

int image_write_file(const struct image *image, const char *folder, const char *name,
                     int64_t *ret_bytes, struct failure *ret_failure)
{
    struct target target = { .folder = folder, .name = name, .dir = -1, .fd = -1 };
    struct stat there;
    int error;

    target.dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (target.dir < 0) {
        return fail(&target, errno, ret_failure);
    }
    error = fstatat(target.dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0
                ? EEXIST /* before all the work */
                : write_target(image, &target);
    fd_closep(&target.fd);
    fd_closep(&target.dir);
    *ret_bytes = (int64_t)image_pages(image) * image_page_bytes(image);
    return error == 0 ? 0 : fail(&target, error, ret_failure);
}
