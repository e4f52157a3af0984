/* tests/support/programs/shift_clock.c: a library for LD_PRELOAD that sets a process's wall clock,
 * which nobody can do to the machine's: so many microseconds are added to it as the file
 * $POND_CLOCK_SHIFT holds (8 bytes, this machine's order), at any moment. The other clocks are left
 * alone, as settimeofday(2) leaves them. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now);
int gettimeofday(struct timeval *restrict now, void *restrict zone);
time_t time(time_t *ret_now);

static const volatile int64_t *shift_us;

__attribute__((constructor)) static void map_shift(void)
{
    int fd = open(getenv("POND_CLOCK_SHIFT"), O_RDONLY | O_CLOEXEC);
    void *mapped = mmap(NULL, sizeof(*shift_us), PROT_READ, MAP_SHARED, fd, 0);

    if (mapped == MAP_FAILED) {
        abort();
    }
    shift_us = mapped;
    close(fd);
}

static struct timespec wall_clock(void)
{
    struct timespec now;

    syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    int64_t us =
        (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + (shift_us == NULL ? 0 : *shift_us);
    return (struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE) {
        return (int)syscall(SYS_clock_gettime, id, now);
    }
    *now = wall_clock();
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    const struct timespec wall = wall_clock();

    (void)zone;
    *now = (struct timeval){ .tv_sec = wall.tv_sec, .tv_usec = wall.tv_nsec / 1000 };
    return 0;
}

time_t time(time_t *ret_now)
{
    const struct timespec wall = wall_clock();

    if (ret_now != NULL) {
        *ret_now = wall.tv_sec;
    }
    return wall.tv_sec;
}
