/* tls/ssl_context.c: see the header. */
#include "tls/ssl_context.h"

#include "tls/error.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct failure *ret_failure, const char *what, const char *file)
{
    char text[256];

    tls_error_text(text, sizeof(text));
    return failure_set(ret_failure, "F0000", "could not load %s \"%s\": %s", what, file, text);
}

int ssl_context_create(enum tls_side side, SSL_CTX **ret_context, struct failure *ret_failure)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(side == TLS_SERVER ? TLS_server_method() : TLS_client_method());

    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(context);
        ERR_clear_error();
        return failure_set(ret_failure, "53200", "out of memory for TLS");
    }
    /* A hang-up without a good-bye is a hang-up: the protocol above says where messages end. */
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    /* An idle connection keeps no buffers. */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1); /* one recv for a record, not two */
    *ret_context = context;
    return 0;
}

/* ---- certificate and key ---- */

/* As PostgreSQL: the key is root's, and at most its group may read it, or it is ours alone. */
static int check_key_owner(const struct stat *st, const char *file, struct failure *ret_failure)
{
    mode_t too_much = st->st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;

    if (st->st_uid != 0 && st->st_uid != geteuid() && geteuid() != 0) {
        return failure_set(ret_failure, "F0000",
                           "private key file \"%s\" must be owned by the user who reads it or by "
                           "root",
                           file);
    }
    if ((st->st_mode & too_much) != 0) {
        failure_set(ret_failure, "F0000", "private key file \"%s\" has group or world access",
                    file);
        failure_add(ret_failure, FIELD_DETAIL,
                    "File must have permissions u=rw (0600) or less if owned by the user who reads "
                    "it, or permissions u=rw,g=r (0640) or less if owned by root.");
        return FAILED;
    }
    return 0;
}

static int check_key_file(const char *file, struct failure *ret_failure)
{
    struct stat st;

    if (stat(file, &st) != 0) {
        return failure_set(ret_failure, "F0000", "could not access private key file \"%s\": %s",
                           file, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return failure_set(ret_failure, "F0000", "private key file \"%s\" is not a regular file",
                           file);
    }
    return check_key_owner(&st, file, ret_failure);
}

/* Without one, OpenSSL would ask at the terminal. */
static int give_password(char *at, int room, int for_writing, void *password)
{
    int len = password == NULL ? 0 : (int)strlen(password);

    (void)for_writing;
    if (len > room) {
        return -1;
    }
    memcpy(at, password == NULL ? "" : password, (size_t)len);
    return len;
}

static int load_key(SSL_CTX *context, const char *file, const char *password,
                    struct failure *ret_failure)
{
    int r = check_key_file(file, ret_failure);

    if (r != 0) {
        return r;
    }
    SSL_CTX_set_default_passwd_cb(context, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(context, (void *)(uintptr_t)password);
    bool loaded = SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    if (!loaded && ERR_GET_REASON(ERR_peek_error()) == ERR_R_UNSUPPORTED) {
        ERR_clear_error(); /* its decoders found nothing that they know */
        return failure_set(ret_failure, "F0000",
                           "could not load private key file \"%s\": there is no key in it", file);
    }
    return loaded ? 0 : fail(ret_failure, "private key file", file);
}

int ssl_context_identify(SSL_CTX *context, const char *cert_file, const char *key_file,
                         const char *password, struct failure *ret_failure)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1) {
        return fail(ret_failure, "certificate file", cert_file);
    }
    int r = load_key(context, key_file, password, ret_failure);
    if (r == 0 && SSL_CTX_check_private_key(context) != 1) {
        ERR_clear_error();
        return failure_set(ret_failure, "F0000",
                           "the private key \"%s\" does not belong to the certificate \"%s\"",
                           key_file, cert_file);
    }
    return r;
}

/* ---- trust ---- */

int ssl_context_trust(SSL_CTX *context, const char *ca_file, struct failure *ret_failure)
{
    ERR_clear_error();
    return SSL_CTX_load_verify_locations(context, ca_file, NULL) == 1
               ? 0
               : fail(ret_failure, "root certificate file", ca_file);
}

int ssl_context_name_trusted(SSL_CTX *context, const char *ca_file, struct failure *ret_failure)
{
    ERR_clear_error();
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca_file);

    if (names == NULL) {
        return fail(ret_failure, "root certificate file", ca_file);
    }
    SSL_CTX_set_client_CA_list(context, names); /* which owns them now */
    return 0;
}

int ssl_context_trust_system(SSL_CTX *context, struct failure *ret_failure)
{
    ERR_clear_error();
    return SSL_CTX_set_default_verify_paths(context) == 1
               ? 0
               : fail(ret_failure, "root certificates", "system");
}

int ssl_context_revoke(SSL_CTX *context, const char *crl_file, const char *crl_dir,
                       struct failure *ret_failure)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);

    ERR_clear_error();
    if (X509_STORE_load_locations(store, crl_file, crl_dir) != 1) {
        return fail(ret_failure, "certificate revocation list",
                    crl_file != NULL ? crl_file : crl_dir);
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return 0;
}

int ssl_context_cipher(SSL_CTX *context, const char *ciphers, struct failure *ret_failure)
{
    ERR_clear_error();
    if (SSL_CTX_set_cipher_list(context, ciphers) != 1) {
        ERR_clear_error();
        return failure_set(ret_failure, "F0000", "no cipher of OpenSSL is meant by \"%s\"",
                           ciphers);
    }
    return 0;
}
