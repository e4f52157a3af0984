/* tls/certificate.c: see the header. */
#include "tls/certificate.h"

#include "base/alloc.h"
#include "tls/error.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

bool tls_certificate_hash(const X509 *certificate, uint8_t *ret_hash, size_t *ret_len)
{
    int algorithm = NID_undef;
    unsigned len = 0;

    static_assert(tls_hash_bytes_max >= EVP_MAX_MD_SIZE, "every hash must fit");
    if (X509_get_signature_info((X509 *)(uintptr_t)certificate, &algorithm, NULL, NULL, NULL) !=
        1) {
        ERR_clear_error();
        return false;
    }
    if (algorithm == NID_md5 || algorithm == NID_sha1) {
        algorithm = NID_sha256;
    }
    const EVP_MD *md = EVP_get_digestbynid(algorithm);
    if (md == NULL || X509_digest(certificate, md, ret_hash, &len) != 1) {
        ERR_clear_error();
        return false;
    }
    *ret_len = len;
    return true;
}

char *tls_certificate_name(const X509 *certificate)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *utf8 = NULL;
    char *name = NULL;

    if (at < 0) {
        return NULL;
    }
    int len =
        ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (len >= 0 && memchr(utf8, 0, (size_t)len) == NULL) {
        name = mem_strndup(utf8, (size_t)len);
    }
    OPENSSL_free(utf8);
    ERR_clear_error();
    return name;
}

/* ---- hosts ---- */

static bool has_number(X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
        found = sk_GENERAL_NAME_value(names, i)->type == GEN_IPADD;
    }
    GENERAL_NAMES_free(names);
    return found;
}

static bool is_number(const char *host)
{
    struct in6_addr address;

    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

bool tls_certificate_is_for(X509 *certificate, const char *host)
{
    unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    bool found = false;

    if (host[0] == '\0') {
        return false;
    }
    if (is_number(host)) {
        found = X509_check_ip_asc(certificate, host, 0) == 1;
        flags |= X509_CHECK_FLAG_NO_WILDCARDS;
        flags |= has_number(certificate) ? X509_CHECK_FLAG_NEVER_CHECK_SUBJECT : 0;
    }
    found = found || X509_check_host(certificate, host, 0, flags, NULL) == 1;
    ERR_clear_error();
    return found;
}
