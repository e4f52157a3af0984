/* base/fd.h: a descriptor that a local owns. An empty one is -1. */
#pragma once

#include "base/defs.h"

#include <unistd.h>

/* For cleanup(fd_closep) on a local descriptor. */
static inline void fd_closep(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

/* Moves a descriptor out of a local, as take_ptr() does a pointer. */
static inline int fd_take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}
