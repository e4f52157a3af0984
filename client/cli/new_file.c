/* client/cli/new_file.c: see new_file.h. */
#include "client/cli/new_file.h"

#include "base/alloc.h"
#include "client/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain(const char *what, const char *path)
{
    cli_complain("could not %s \"%s\": %s", what, path, strerror(errno));
    return CLI_FAILED;
}

static bool is_written_directly(const char *path)
{
    struct stat there;

    return stat(path, &there) == 0 && !S_ISREG(there.st_mode);
}

/* With the rights that open() would have given it. */
static int open_temporary(struct new_file *file)
{
    mode_t mask = umask(0);

    umask(mask);
    size_t size = strlen(file->path) + sizeof(".XXXXXX");
    file->temporary = mem_alloc(size);
    if (file->temporary == NULL) {
        errno = ENOMEM;
        return -1;
    }
    snprintf(file->temporary, size, "%s.XXXXXX", file->path);
    int fd = mkostemp(file->temporary, O_CLOEXEC);
    if (fd < 0) {
        mem_free(take_ptr(file->temporary));
    } else {
        (void)fchmod(fd, 0666 & ~mask);
    }
    return fd;
}

int new_file_open(struct new_file *file, const char *path)
{
    bool is_stdout = strcmp(path, "-") == 0;
    int fd;

    *file = (struct new_file){ .path = mem_strdup(is_stdout ? "standard output" : path) };
    if (file->path == NULL) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    fd = is_stdout                   ? STDOUT_FILENO
         : is_written_directly(path) ? open(path, O_WRONLY | O_CLOEXEC)
                                     : open_temporary(file);
    if (fd < 0) {
        int code = complain("create", path);
        mem_free(take_ptr(file->path));
        return code;
    }
    output_init(&file->out, fd, file->path);
    return 0;
}

/* Not every file can be synced: a pipe, for one. */
static int sync_file(const struct new_file *file)
{
    return fsync(file->out.fd) != 0 && errno != EINVAL && errno != EROFS
               ? complain("sync", file->path)
               : 0;
}

int new_file_commit(struct new_file *file)
{
    int code = output_end(&file->out);

    if (code != 0 || file->temporary == NULL) {
        return code;
    }
    code = sync_file(file);
    if (code == 0 && rename(file->temporary, file->path) != 0) {
        code = complain("rename the new file to", file->path);
    }
    if (code == 0) {
        mem_free(take_ptr(file->temporary));
    }
    return code;
}

void new_file_finish(struct new_file *file)
{
    if (file->path == NULL) {
        return;
    }
    if (file->temporary != NULL) {
        (void)unlink(file->temporary);
    }
    if (file->out.fd != STDOUT_FILENO) {
        close(file->out.fd);
    }
    mem_free(file->temporary);
    mem_free(file->path);
    file->path = file->temporary = NULL;
}
