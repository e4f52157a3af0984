/* daemon/page.c: see the header. The file is part of the program: nothing is read at run time. */
#include "daemon/page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

__asm__(".section .rodata\n"
        "pond_page_begin: .incbin \"" POND_PAGE_FILE "\"\n"
        "pond_page_end:\n"
        ".previous\n");
extern const char pond_page_begin[] __attribute__((visibility("hidden")));
extern const char pond_page_end[] __attribute__((visibility("hidden")));

static const char mark[] = "@NONCE@";

/* 0 or -errno. */
static int draw_nonce(char text[static 33])
{
    uint8_t bytes[16];
    ssize_t got = getrandom(bytes, sizeof(bytes), 0);

    if (got != (ssize_t)sizeof(bytes)) {
        return got < 0 ? -errno : -EIO;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    return 0;
}

int page_write(const struct server *server, struct buf *out)
{
    const char *at = pond_page_begin;
    char nonce[33];
    int r = draw_nonce(nonce);

    (void)server;
    while (r == 0 && at < pond_page_end) {
        size_t left = (size_t)(pond_page_end - at);
        const char *next = memmem(at, left, mark, sizeof(mark) - 1);
        size_t len = next == NULL ? left : (size_t)(next - at);

        r = buf_append(out, at, len);
        if (r == 0 && next != NULL) {
            r = buf_append_str(out, nonce);
        }
        at += next == NULL ? len : len + sizeof(mark) - 1;
    }
    return r;
}
