/* tests/support/programs/slow_names.c: a library for LD_PRELOAD in which names of users are looked
 * up in a directory that hangs: each look-up adds a byte to the file $POND_NAMES_ASKED and waits
 * until the pipe $POND_NAMES can be opened, which is when somebody writes to it. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

typedef int look_up_fn(uid_t uid, struct passwd *user, char *text, size_t size,
                       struct passwd **ret_found);

look_up_fn getpwuid_r;

static void wait_for_directory(void)
{
    int asked = open(getenv("POND_NAMES_ASKED"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    if (asked < 0 || write(asked, "?", 1) != 1) {
        abort();
    }
    close(asked);
    close(open(getenv("POND_NAMES"), O_RDONLY | O_CLOEXEC));
}

int getpwuid_r(uid_t uid, struct passwd *user, char *text, size_t size, struct passwd **ret_found)
{
    look_up_fn *real = (look_up_fn *)dlsym(RTLD_NEXT, "getpwuid_r");

    wait_for_directory();
    return real(uid, user, text, size, ret_found);
}
