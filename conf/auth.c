/* conf/auth.c: see auth.h. auth_type is no more than a file of rules that needs not be written. */
#include "conf/auth.h"

#include "conf/auth_file.h"
#include "conf/conf.h"
#include "conf/file.h"
#include "conf/hba.h"

#include <string.h>

enum { hba_bytes_max = 1 << 20, users_bytes_max = 64 << 20 };

static const char *const rules[] = {
    [AUTH_TYPE_TRUST] = "local all all trust\nhost all all all trust\n",
    [AUTH_TYPE_PEER] = "local all all peer\n",
    [AUTH_TYPE_SCRAM] = "local all all scram-sha-256\nhost all all all scram-sha-256\n",
    [AUTH_TYPE_CERT] = "hostssl all all all cert\n",
};

static int read_rules(struct conf *conf, struct failure *ret_failure)
{
    cleanup(buf_finish) struct buf text = { .max = hba_bytes_max };

    if (conf->auth_type != AUTH_TYPE_HBA) {
        return hba_parse("auth_type", view_of_str(rules[conf->auth_type]), &conf->hba, ret_failure);
    }
    int r = conf_file_read(conf->auth_hba_file, &text, ret_failure);
    return r == 0 ? hba_parse(conf->auth_hba_file, buf_view(&text), &conf->hba, ret_failure) : r;
}

static int read_users(struct conf *conf, struct failure *ret_failure)
{
    cleanup(buf_wipe) struct buf text = { .max = users_bytes_max };

    if (*conf->auth_file == '\0') {
        return 0;
    }
    int r = conf_file_read(conf->auth_file, &text, ret_failure);
    return r == 0 ? auth_file_parse(conf->auth_file, buf_view(&text), &conf->users, ret_failure)
                  : r;
}

/* Whatever is said must be meant: a file that nobody reads is a mistake. */
static int check_files(const struct conf *conf, struct failure *ret_failure)
{
    bool has_file = *conf->auth_hba_file != '\0';

    if (has_file && conf->auth_type != AUTH_TYPE_HBA) {
        return failure_set(ret_failure, "F0000",
                           "%s: auth_hba_file is read with auth_type = hba only", conf->path);
    }
    if (!has_file && conf->auth_type == AUTH_TYPE_HBA) {
        return failure_set(ret_failure, "F0000", "%s: auth_type = hba needs auth_hba_file",
                           conf->path);
    }
    return 0;
}

static int check_users(const struct conf *conf, struct failure *ret_failure)
{
    unsigned line = hba_line_of(conf->hba, HBA_SCRAM);

    if (line == 0 || conf->users != NULL) {
        return 0;
    }
    if (conf->auth_type == AUTH_TYPE_HBA) {
        return failure_set(ret_failure, "F0000", "%s:%u: scram-sha-256 needs auth_file, in %s",
                           conf->auth_hba_file, line, conf->path);
    }
    return failure_set(ret_failure, "F0000", "%s: auth_type = scram-sha-256 needs auth_file",
                       conf->path);
}

/* Nobody checks certificates then. Without TLS a line in a file is like any hostssl. */
static int check_authorities(const struct conf *conf, struct failure *ret_failure)
{
    bool is_off = conf->tls_mode == CONF_TLS_DISABLE;
    unsigned line = hba_line_of(conf->hba, HBA_CERT);

    if (line == 0 || (*conf->tls_ca_file != '\0' && !is_off)) {
        return 0;
    }
    if (conf->auth_type == AUTH_TYPE_CERT) {
        return failure_set(ret_failure, "F0000",
                           "%s: auth_type = cert needs client_tls_sslmode and client_tls_ca_file",
                           conf->path);
    }
    return is_off ? 0
                  : failure_set(ret_failure, "F0000", "%s:%u: cert needs client_tls_ca_file, in %s",
                                conf->auth_hba_file, line, conf->path);
}

int conf_read_auth(struct conf *conf, struct failure *ret_failure)
{
    int r = check_files(conf, ret_failure);

    if (r == 0) {
        r = read_rules(conf, ret_failure);
    }
    if (r == 0) {
        r = read_users(conf, ret_failure);
    }
    if (r == 0) {
        r = check_users(conf, ret_failure);
    }
    return r == 0 ? check_authorities(conf, ret_failure) : r;
}

void conf_share_auth(struct conf *copy, const struct conf *conf)
{
    copy->hba = hba_ref(conf->hba);
    copy->users = auth_file_ref(conf->users);
}

bool conf_is_of_auth(const char *name)
{
    return strcmp(name, "auth_type") == 0 || strcmp(name, "auth_file") == 0 ||
           strcmp(name, "auth_hba_file") == 0;
}

void conf_finish_auth(struct conf *conf)
{
    hba_unref(conf->hba);
    auth_file_unref(conf->users);
}
