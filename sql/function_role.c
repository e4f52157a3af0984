/* sql/function_role.c: pond_roles() and pond_users() for pg_roles and pg_user, pg_get_userbyid().
 */
#include "sql/role.h"

#include "sql/function_support.h"
#include "sql/listing.h"
#include "sql/scope.h"
#include "sql/session_state.h"

#include <stdio.h>

enum { pond_role_oid = 10 };

static const char pond_role[] = "pond";

uint32_t role_oid(const char *name)
{
    return name == NULL || strcmp(name, pond_role) == 0 ? (uint32_t)pond_role_oid
                                                        : table_oid_of_name(name);
}

/* ---- all that there are ---- */

struct roles {
    struct buf names; /* each with a NUL behind, none twice */
    int result;
};

static const char *next_name(const struct roles *roles, const char *name)
{
    const char *next = name == NULL ? (const char *)roles->names.data : name + strlen(name) + 1;

    return next == NULL || next == (const char *)roles->names.data + roles->names.len ? NULL : next;
}

static void add_role(struct roles *roles, const char *name)
{
    for (const char *at = next_name(roles, NULL); at != NULL; at = next_name(roles, at)) {
        if (strcmp(at, name) == 0) {
            return;
        }
    }
    if (roles->result == 0) {
        roles->result = buf_append(&roles->names, name, strlen(name) + 1);
    }
}

static void add_owner(void *arg, const struct database_row *row)
{
    add_role(arg, row->owner == NULL ? pond_role : row->owner);
}

static void add_user(void *arg, const struct backend_row *row)
{
    add_role(arg, row->user);
}

/* 0 or FAILED; roles->result tells of memory. */
static int collect(struct sql_session *sql, struct roles *roles, struct failure *f)
{
    int r = 0;

    add_role(roles, pond_role);
    add_role(roles, sql->ops->user(sql->host));
    if (sql->ops->each_database != NULL) {
        r = sql->ops->each_database(sql->host, add_owner, roles, f);
    }
    if (r == 0 && sql->ops->each_backend != NULL) {
        r = sql->ops->each_backend(sql->host, add_user, roles, f);
    }
    return r != 0 ? r : roles->result != 0 ? failure_set_nomem(f) : 0;
}

/* ---- the lists ---- */

static void list_role(struct listing *l, const char *name)
{
    listing_row(l);
    listing_str(l, name);
    for (int i = 0; i < 6; i++) { /* super, inherit, createrole, createdb, canlogin, replication */
        listing_bool(l, true);
    }
    listing_int(l, -1); /* connlimit */
    listing_str(l, "********");
    listing_null(l);       /* validuntil */
    listing_bool(l, true); /* bypassrls */
    listing_null(l);       /* config */
    listing_int(l, role_oid(name));
}

static void list_user(struct listing *l, const char *name)
{
    listing_row(l);
    listing_str(l, name);
    listing_int(l, role_oid(name));
    for (int i = 0; i < 4; i++) { /* createdb, super, repl, bypassrls */
        listing_bool(l, true);
    }
    listing_str(l, "********");
    listing_null(l); /* valuntil */
    listing_null(l); /* config */
}

static void list_all(sqlite3_context *c, void (*list)(struct listing *l, const char *name))
{
    struct roles roles = { 0 };
    struct failure failure = { 0 };
    struct listing listing;
    int r = collect(fn_sql(c), &roles, &failure);

    if (r == 0) {
        listing_begin(&listing);
        for (const char *at = next_name(&roles, NULL); at != NULL; at = next_name(&roles, at)) {
            list(&listing, at);
        }
        listing_end(&listing, c);
    } else {
        function_fail(c, &failure);
    }
    buf_finish(&roles.names);
}

FN(list_roles)
{
    (void)n;
    (void)v;
    list_all(c, list_role);
}

FN(list_users)
{
    (void)n;
    (void)v;
    list_all(c, list_user);
}

/* ---- one ---- */

static void result_of_oid(sqlite3_context *c, const struct roles *roles, uint32_t oid)
{
    char text[40];

    for (const char *at = next_name(roles, NULL); at != NULL; at = next_name(roles, at)) {
        if (role_oid(at) == oid) {
            fn_result_str(c, at);
            return;
        }
    }
    snprintf(text, sizeof(text), "unknown (OID=%u)", oid);
    fn_result_str(c, text);
}

/* Most databases are the asker's own or pond's; only for others all are looked through. */
FN(user_by_id)
{
    struct sql_session *sql = fn_sql(c);
    struct roles roles = { 0 };
    struct failure failure = { 0 };
    int r = 0;

    if (fn_any_null(n, v)) {
        return;
    }
    uint32_t oid = (uint32_t)sqlite3_value_int64(v[0]);
    const char *user = sql->ops->user(sql->host);
    if (oid == role_oid(user) || oid == pond_role_oid) {
        fn_result_str(c, oid == pond_role_oid ? pond_role : user);
        return;
    }
    r = collect(sql, &roles, &failure);
    if (r == 0) {
        result_of_oid(c, &roles, oid);
    } else {
        function_fail(c, &failure);
    }
    buf_finish(&roles.names);
}

#define LIST .result = RESULT_FIXED, .oid = OID_TEXT, .flags = FUNCTION_VOLATILE | FUNCTION_INTERNAL

static const struct function rows[] = {
    { .name = "pond_roles", LIST, .call = list_roles },
    { .name = "pond_users", LIST, .call = list_users },
    { .name = "pg_get_userbyid",
      .min_args = 1,
      .max_args = 1,
      .args = { OID_OID },
      .result = RESULT_FIXED,
      .oid = OID_NAME,
      .flags = FUNCTION_VOLATILE,
      .call = user_by_id },
};

FUNCTION_TABLE(function_role_table, rows);
