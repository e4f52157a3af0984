/* daemon/host.h: what a connection's statements may ask of the daemon: its host_ops (sql/host.h),
 * in files by subject. The host is the struct connection. */
#pragma once

#include "daemon/connection_impl.h"

/* Most of these are called from inside of sqlite3_step(), where the session pays. What outlives the
 * session is charged to the daemon: by a local with cleanup(account_restorep). */
static inline struct account *host_charge_daemon(const struct connection *conn)
{
    return account_swap(&conn->server->account);
}

/* ---- copy.c ---- */

must_check int copy_in_begin(void *host, bool binary, size_t columns, struct failure *ret_failure);
must_check int copy_in_read(void *host, struct view *ret_data, struct failure *ret_failure);
void copy_in_end(void *host);
must_check int copy_out_begin(void *host, bool binary, size_t columns);
must_check int copy_out_row(void *host, struct view row, struct failure *ret_failure);
must_check int copy_out_end(void *host);

/* ---- backup.c ---- */

int host_backup(void *host, const char *name, int64_t *ret_bytes, struct failure *ret_failure);

/* ---- host.c ---- */

extern const struct host_ops connection_host_ops;

/* ---- host_database.c ---- */

int host_database_create(void *host, const struct database_request *request,
                         struct failure *ret_failure);
int host_database_drop(void *host, const char *name, bool force, struct failure *ret_failure);
int host_database_alter(void *host, const char *name, const struct database_change *change,
                        struct failure *ret_failure);
int host_each_database(void *host, database_fn *fn, void *arg, struct failure *ret_failure);
int host_each_pool(void *host, pool_fn *fn, void *arg, struct failure *ret_failure);
int host_mark(void *host, enum mark_op op, const char *name, struct failure *ret_failure);
int host_keep(void *host, struct failure *ret_failure);
int host_template_claim(void *host, const char *name, const char *from, bool *ret_build,
                        struct failure *ret_failure);
int host_template_end(void *host, const char *name, bool ready, struct failure *ret_failure);

/* ---- host_backend.c ---- */

int host_each_backend(void *host, backend_fn *fn, void *arg, struct failure *ret_failure);
int host_backend_signal(void *host, int32_t pid, enum backend_signal signal, bool *ret_found,
                        struct failure *ret_failure);
