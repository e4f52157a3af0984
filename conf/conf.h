/* conf/conf.h: pond.conf as it was read: one [pond] section, any number of [database NAME],
 * and [users].
 *
 * Every option is a row of the table in conf/option.c: name, section, type, range, default, where
 * it is stored, and whether a running daemon may change it. One that is in use is never changed:
 * a reload, or SET, makes another one and puts it in its place (daemon/server.h says how). Times
 * are microseconds, sizes bytes. */
#pragma once

#include "base/defs.h"
#include "base/failure.h"

#include <stdbool.h>

enum auth_type { AUTH_TYPE_TRUST, AUTH_TYPE_PEER, AUTH_TYPE_SCRAM, AUTH_TYPE_CERT, AUTH_TYPE_HBA };

struct hba;
struct auth_file;
struct conf_user;
struct option;

/* The words of client_tls_sslmode ... */
enum conf_tls_mode {
    CONF_TLS_DISABLE,
    CONF_TLS_ALLOW,
    CONF_TLS_PREFER,
    CONF_TLS_REQUIRE,
    CONF_TLS_VERIFY_CA,
    CONF_TLS_VERIFY_FULL,
};

/* ... and of client_tls_protocols. */
enum conf_tls_protocols { CONF_TLS_SECURE, CONF_TLS_1_2, CONF_TLS_1_3 };

/* Of databases and users. PostgreSQL's: longer ones in a start-up packet are cut, so that a rule
 * for one would fit nobody. */
enum { conf_name_bytes_most = 63 };

struct conf_database {
    char *name;
    char *seed;          /* absolute path; empty: an empty template */
    char *file;          /* absolute path of a durable database; empty: it is a template */
    int64_t synchronous; /* 0 full, 1 normal, 2 off */
    bool builtin;        /* not in the file: postgres, template0, template1 */
    int64_t pool_size;
    int64_t min_pool_size; /* on each loop */
    int64_t max_waiters;
    int64_t query_wait_timeout_us;
    int64_t server_idle_timeout_us;
    int64_t server_lifetime_us;
    int64_t max_marks;
    int64_t max_result_size; /* bytes; 0: no limit */
    int64_t max_statement_size;
    int64_t linger_us;
    int64_t clone_memory;
    int64_t session_memory;
    int64_t work_mem;
    int64_t temp_file_limit; /* -1: none */
    int64_t lock_timeout_us;
    int64_t statement_timeout_us;
    int64_t idle_in_transaction_timeout_us;
};

struct conf {
    char *path;
    const char *const *overrides; /* borrowed: the command line's */
    size_t override_count;
    char *listen_addr; /* comma-separated; empty: no TCP */
    int64_t listen_port;
    char *unix_socket_dir; /* empty: no unix socket */
    char *http_listen;     /* ADDRESS:PORT of metrics and status page; empty: none */
    int64_t loops;         /* 0: one for each core */
    int64_t max_client_conn;
    int64_t max_client_conn_per_addr; /* 0: no limit */
    int64_t max_db_connections;
    int64_t max_user_connections;
    int64_t max_clones;
    int64_t max_templates;
    int64_t max_packet_size;
    int64_t output_buffer;
    int64_t time_slice_us;
    int64_t memory_limit;
    char *temp_dir;   /* empty: $TMPDIR, else /tmp */
    char *backup_dir; /* empty: there are no backups */
    int64_t client_login_timeout_us;
    int64_t client_idle_timeout_us;
    int64_t client_stall_timeout_us;
    int64_t shutdown_grace_us;
    int64_t tls_mode;   /* enum conf_tls_mode */
    char *tls_key_file; /* of these four, empty: none */
    char *tls_cert_file;
    char *tls_ca_file;
    char *tls_crl_file;
    int64_t tls_protocols;     /* enum conf_tls_protocols */
    char *tls_ciphers;         /* of TLS 1.2; "default": OpenSSL's */
    int64_t auth_type;         /* enum auth_type */
    char *auth_file;           /* empty: no users */
    char *auth_hba_file;       /* empty: none */
    int64_t auth_delay_us;     /* before a failed login is told */
    int64_t max_failed_logins; /* of one address in a minute; 0: no limit */
    char *admin_users; /* comma-separated: who may use the console; those of stats_users may look */
    char *stats_users;
    bool log_connections;
    bool log_disconnections;
    int64_t log_limit;           /* lines a minute; 0: no limit */
    int64_t log_statement;       /* 0 none, 1 ddl, 2 mod, 3 all */
    int64_t log_min_duration_us; /* -1: off */
    struct hba *hba;             /* of auth_type or auth_hba_file; never NULL */
    struct auth_file *users;     /* of auth_file; NULL: none */
    struct conf_user *user_rows; /* of [users], sorted by name */
    size_t user_count;
    struct conf_database *databases; /* the built-in ones last */
    size_t database_count;
    size_t builtin_count; /* of these */
};

/* Is that a name of the console, which no database may have? PgBouncer's is one, too: what looks at
 * a PgBouncer may know no other. */
bool conf_is_console(const char *database);

/* Reads a file and those that it names; overrides ("name=value" or "database.NAME.option=value")
 * win over it, and must live as long as what comes of it. 0 or FAILED, whose message names file,
 * line, option and what was expected. */
must_check int conf_read(const char *path, const char *const *overrides, size_t override_count,
                         struct conf **ret_conf, struct failure *ret_failure);
void conf_destroy(struct conf *conf);

const struct conf_database *conf_find(const struct conf *conf, const char *name); /* or NULL */

/* ---- conf_change.c: what a running daemon makes of another one ---- */

/* 0 or -ENOMEM. */
must_check int conf_copy(const struct conf *conf, struct conf **ret_copy);

/* Where `fresh` wants what needs a restart, it gets what `running` has, and `kept` is told: of an
 * option (of [pond] when there is no database), or of a durable database that is to come or to go
 * (without an option). 0 or -ENOMEM. */
typedef void conf_kept_fn(void *arg, const struct option *option,
                          const struct conf_database *database);
must_check int conf_keep(struct conf *fresh, const struct conf *running, conf_kept_fn *kept,
                         void *arg);

/* Sets an option of [pond] that needs no restart. 0; FAILED: 42704, 22023, or 55P02 when it does
 * need one; or -ENOMEM. */
must_check int conf_set(struct conf *conf, const char *name, const char *value,
                        struct failure *ret_failure);
