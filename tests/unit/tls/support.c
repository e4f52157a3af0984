/* tests/unit/tls/support.c: see the header. */
#include "support.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

char folder[] = "/tmp/pond-tls.XXXXXX";

int certificates_setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    certificates_write_all(folder);
    return 0;
}

int certificates_teardown(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

const char *in_folder(const char *name)
{
    static char path[200];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

void sides_init(struct sides *sides, const char *server_cert)
{
    char cert[200];
    char key[200];
    struct failure f;

    *sides = (struct sides){ .server_fd = -1, .client_fd = -1 };
    assert_int_equal(ssl_context_create(TLS_SERVER, &sides->server_context, &f), 0);
    assert_int_equal(ssl_context_create(TLS_CLIENT, &sides->client_context, &f), 0);
    snprintf(cert, sizeof(cert), "%s/%s.crt", folder, server_cert);
    snprintf(key, sizeof(key), "%s/%s.key", folder, server_cert);
    assert_int_equal(ssl_context_identify(sides->server_context, cert, key, NULL, &f), 0);
}

void sides_connect(struct sides *sides)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    sides->server_fd = fds[0];
    sides->client_fd = fds[1];
    assert_int_equal(tls_create(sides->server_context, fds[0], view_of(NULL, 0), &sides->server),
                     0);
    assert_int_equal(tls_create(sides->client_context, fds[1], view_of(NULL, 0), &sides->client),
                     0);
    sides->server_answer = sides->client_answer = TLS_WANTS_READ;
}

static bool waits(int answer)
{
    return answer == TLS_WANTS_READ || answer == TLS_WANTS_WRITE;
}

void sides_shake(struct sides *sides)
{
    for (int i = 0; i < 20; i++) {
        if (waits(sides->client_answer)) {
            sides->client_answer = tls_connect(sides->client, &sides->client_failure);
        }
        if (waits(sides->server_answer)) {
            sides->server_answer = tls_accept(sides->server, &sides->server_failure);
        }
    }
}

void sides_finish(struct sides *sides)
{
    tls_destroy(sides->server);
    tls_destroy(sides->client);
    SSL_CTX_free(sides->server_context);
    SSL_CTX_free(sides->client_context);
    if (sides->server_fd >= 0) {
        close(sides->server_fd);
    }
    if (sides->client_fd >= 0) {
        close(sides->client_fd);
    }
}
