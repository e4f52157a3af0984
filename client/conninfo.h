/* client/conninfo.h: where to connect and how, as libpq writes it.
 *
 * A conninfo is filled from several sources, the strongest first: what was given, a service file,
 * the environment, defaults. A setting that has a value is left alone. The
 * parsers are pure; conninfo_complete() and conninfo_password() alone look at the
 * environment and at files. */
#pragma once

#include "base/view.h"
#include "client/pond.h"

enum conninfo_key {
    KEY_HOST,
    KEY_HOSTADDR,
    KEY_PORT,
    KEY_DBNAME,
    KEY_USER,
    KEY_PASSWORD,
    KEY_PASSFILE,
    KEY_SERVICE,
    KEY_CONNECT_TIMEOUT,
    KEY_APPLICATION_NAME,
    KEY_FALLBACK_APPLICATION_NAME,
    KEY_CLIENT_ENCODING,
    KEY_OPTIONS,
    KEY_TARGET_SESSION_ATTRS,
    KEY_SSLMODE,
    KEY_SSLROOTCERT,
    KEY_SSLCERT,
    KEY_SSLKEY,
    KEY_SSLPASSWORD,
    KEY_SSLCRL,
    KEY_SSLCRLDIR,
    KEY_SSLSNI,
    KEY_SSL_MIN_PROTOCOL_VERSION,
    KEY_SSL_MAX_PROTOCOL_VERSION,
    KEY_GSSENCMODE,
    KEY_CHANNEL_BINDING,
    KEY_REQUIRE_AUTH,
    KEY_REQUIREPEER,
    KEY_REPLICATION,
    CONNINFO_KEYS,
};

enum { conninfo_text_bytes = 64 * 1024, conninfo_hosts_max = 64 };

/* Zero bytes are one that says nothing. */
struct conninfo {
    char *value[CONNINFO_KEYS]; /* NULL: not said */
};
void conninfo_finish(struct conninfo *info);

/* A URI or key=value words. 0 or a kind. */
must_check int conninfo_parse(struct conninfo *info, const char *text, struct pond_error *error);

/* Sets what has no value yet. Names are libpq's; those that change nothing here are taken. */
must_check int conninfo_set(struct conninfo *info, struct view name, struct view value,
                            struct pond_error *error);

/* getenv, so that tests can have their own. */
typedef const char *getenv_fn(void *arg, const char *name);

enum { SERVICE_NOT_FOUND = 1 };
/* The section of that name in a service file's text. 0, SERVICE_NOT_FOUND or a kind. */
must_check int conninfo_service(struct conninfo *info, struct view file, const char *service,
                                struct pond_error *error);

/* The password for a host: the one that was said, else the password file's. NULL: none; *ret_why
 * says why when a file was there that is not to be trusted (static). The caller's own, a secret. */
struct conninfo_host;
char *conninfo_password(const struct conninfo *info, const struct conninfo_host *host,
                        getenv_fn *env, void *env_arg, const char **ret_why);

/* The password for one server in a password file's text: true and appended to nothing but *ret. */
struct passfile_entry {
    const char *host;
    const char *port;
    const char *dbname;
    const char *user;
};
/* NULL: none, or no memory for it. The caller's own. */
char *passfile_find(struct view file, const struct passfile_entry *wanted);

/* Service, environment, defaults, then the checks: what is demanded and not to be had here. */
must_check int conninfo_complete(struct conninfo *info, getenv_fn *env, void *env_arg,
                                 struct pond_error *error);

/* One of the servers to try. */
struct conninfo_host {
    const char *host;     /* name, or folder of a socket */
    const char *hostaddr; /* number; empty: host is to be looked up */
    char port[8];
};
/* Lists as they stand in host, hostaddr and port; the strings are cut in place: once. */
must_check int conninfo_hosts(struct conninfo *info, struct conninfo_host *ret_hosts,
                              size_t *ret_count, struct pond_error *error);

/* ---- for the files of conninfo ---- */

struct conninfo_row {
    const char *name;
    int key;         /* enum conninfo_key; -1: is taken and changes nothing */
    const char *env; /* NULL: none */
};
extern const struct conninfo_row conninfo_rows[];
extern const size_t conninfo_row_count;

const char *conninfo_default_host(void);
/* POND_USAGE for what is demanded and not to be had. */
must_check int conninfo_refuse(const struct conninfo *info, struct pond_error *error);
