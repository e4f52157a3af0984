/* daemon/activation.h: sockets that the service manager listens on for us, so that clients wait in
 * them, and are not refused, while the daemon is restarted. sd_listen_fds(3), systemd.socket(5)
 *
 * Once, at the start, on the main thread, before the listeners open. */
#pragma once

#include "base/failure.h"

#include <stdbool.h>

enum { activation_sockets_max = 16 };

/* One of them, as clients name it. */
struct given_socket {
    int fd; /* listening, non-blocking, close-on-exec */
    bool is_unix;
    char host[108]; /* an address; of a unix socket the folder */
    uint16_t port;
    char name[64]; /* that the manager gave it (FileDescriptorName=) */
};

struct activation {
    struct given_socket sockets[activation_sockets_max];
    size_t count; /* 0: started without any */
};

/* Takes what was given, so that no one else does. The descriptors are then the caller's. 0, FAILED
 * (names the socket that is of no use, and why) or -errno; the process is to end then. */
must_check int activation_take(struct activation *ret_activation, struct failure *ret_failure);

/* Is there one of that kind? */
bool activation_has(const struct activation *activation, bool is_unix);
