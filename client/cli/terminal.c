/* client/cli/terminal.c: see terminal.h. */
#include "client/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

int terminal_width(void)
{
    enum { usual = 80 };
    struct winsize size = { 0 };

    if (!isatty(STDOUT_FILENO)) {
        return 0;
    }
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}
