/* daemon/descriptors.h: how many descriptors the process may have open. Shells and systemd start
 * their children with 1,024, and let them raise that. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>

/* Raises the limit as far as the kernel lets us, and logs a warning when so many clients cannot be
 * held even so. False: they cannot. */
bool descriptors_raise(int64_t max_client_conn, size_t loops);

/* So many sockets of clients may be open by the limit that holds now, those who are told that there
 * are too many included: some descriptors are kept for the daemon itself, of a low limit half. */
size_t descriptors_room(size_t loops);
