/* tests/unit/tls/support.h: both sides of a TLS connection in one program, over a socketpair. */
#pragma once

#include "tests/support/certificates.h"
#include "tls/ssl_context.h"
#include "tls/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

extern char folder[]; /* of the certificates */

/* For cmocka_run_group_tests(): makes and removes them. */
int certificates_setup(void **state);
int certificates_teardown(void **state);

const char *in_folder(const char *name); /* its path; one at a time */

struct sides {
    SSL_CTX *server_context;
    SSL_CTX *client_context;
    int server_fd;
    int client_fd;
    struct tls *server;
    struct tls *client;
    int server_answer; /* of the last step of the hand-shake */
    int client_answer;
    struct failure server_failure;
    struct failure client_failure;
};

/* Contexts with that certificate; neither side asks for the other's. */
void sides_init(struct sides *sides, const char *server_cert);
void sides_connect(struct sides *sides); /* makes sockets and both ends, shakes no hands */
/* Until both are done, or one has failed. */
void sides_shake(struct sides *sides);
void sides_finish(struct sides *sides);
