/* sql/function_database.c: databases: lists of them and of their pools for pg_catalog
 * (rewrite_system.c), and functions that ask and act.
 *
 * The host is asked inside of sqlite3_step(), and may give up the turn there: so all of these are
 * VOLATILE, for others SQLite would call when it prepares, too. */
#include "sql/function_support.h"

#include "sql/encoding.h"
#include "sql/listing.h"
#include "sql/role.h"
#include "sql/settings.h"
#include "sql/verb_support.h"

#include <stdio.h>

/* ---- pg_database ---- */

enum { default_tablespace_oid = 1663 };

static const char *initial(const char *setting)
{
    return setting_find(view_of_str(setting))->initial;
}

static void list_database(void *arg, const struct database_row *row)
{
    struct listing *l = arg;

    listing_row(l);
    listing_int(l, row->oid);
    listing_str(l, row->name);
    listing_int(l, role_oid(row->owner));
    listing_int(l, ENCODING_UTF8);
    listing_str(l, "c"); /* the locale's provider: libc */
    listing_bool(l, row->is_template);
    listing_bool(l, row->allows_connections);
    listing_int(l, row->connection_limit);
    listing_int(l, 1); /* datfrozenxid, datminmxid: nothing is ever frozen */
    listing_int(l, 1);
    listing_int(l, default_tablespace_oid);
    listing_str(l, initial("lc_collate"));
    listing_str(l, initial("lc_ctype"));
    listing_null(l); /* daticulocale, datcollversion, datacl */
    listing_null(l);
    listing_null(l);
}

static void list_each(sqlite3_context *c, database_fn *fn)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    struct listing listing;

    if (sql->ops->each_database == NULL) {
        fn_fail(c, "0A000", "a list of databases is not available here");
        return;
    }
    listing_begin(&listing);
    int r = sql->ops->each_database(sql->host, fn, &listing, &failure);
    listing_end(&listing, c);
    if (r != 0) {
        function_fail(c, &failure);
    }
}

FN(list_databases)
{
    (void)n;
    (void)v;
    list_each(c, list_database);
}

/* ---- pond_clones ---- */

static void list_clone(void *arg, const struct database_row *row)
{
    struct listing *l = arg;

    if (!row->is_clone) {
        return;
    }
    listing_row(l);
    listing_int(l, row->oid);
    listing_str(l, row->name);
    listing_str(l, row->origin);
    listing_str(l, row->owner);
    listing_bool(l, row->is_template);
    listing_bool(l, row->is_lasting);
    listing_time(l, row->created_us);
    listing_int(l, row->bytes);
}

FN(list_clones)
{
    (void)n;
    (void)v;
    list_each(c, list_clone);
}

/* ---- pg_database_size() ---- */

struct wanted {
    const char *name; /* NULL: by oid */
    uint32_t oid;
    int64_t bytes; /* -1: not found */
};

static void find_size(void *arg, const struct database_row *row)
{
    struct wanted *wanted = arg;
    bool found =
        wanted->name == NULL ? row->oid == wanted->oid : strcmp(row->name, wanted->name) == 0;

    if (found) {
        wanted->bytes = row->bytes;
    }
}

FN(database_size)
{
    struct sql_session *sql = fn_sql(c);
    struct wanted wanted = { .bytes = -1 };
    struct failure failure = { 0 };

    if (fn_any_null(n, v)) {
        return;
    }
    if (sqlite3_value_type(v[0]) == SQLITE_INTEGER) {
        wanted.oid = (uint32_t)sqlite3_value_int64(v[0]);
    } else {
        wanted.name = (const char *)sqlite3_value_text(v[0]);
    }
    if (sql->ops->each_database == NULL) {
        fn_fail(c, "0A000", "a list of databases is not available here");
    } else if (sql->ops->each_database(sql->host, find_size, &wanted, &failure) != 0) {
        function_fail(c, &failure);
    } else if (wanted.bytes >= 0) {
        sqlite3_result_int64(c, wanted.bytes);
    } else if (wanted.name != NULL) {
        fn_fail(c, "3D000", "database \"%s\" does not exist", wanted.name);
    }
}

static bool is_within(int64_t size, int64_t limit)
{
    return size > -limit && size < limit;
}

/* Of a size in bytes, at least ten of the unit. */
FN(size_pretty)
{
    static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB" };
    size_t unit = 0;
    char text[64];

    if (fn_any_null(n, v)) {
        return;
    }
    int64_t size = sqlite3_value_int64(v[0]);
    bool halves = false; /* the size is in halves of the unit, so that it can be rounded */
    int64_t limit = 10 * 1024;
    while (unit + 1 < ARRAY_LEN(units) && !is_within(size, limit)) {
        size /= halves ? 1024 : 512;
        halves = true;
        limit = 20 * 1024 - 1;
        unit++;
    }
    size = halves ? (size + (size < 0 ? -1 : 1)) / 2 : size;
    snprintf(text, sizeof(text), "%lld %s", (long long)size, units[unit]);
    fn_result_str(c, text);
}

/* ---- UPDATE pg_database ---- */

/* Counts for rewrite_database.c: 1 for each that was changed. */
FN(alter_database)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    bool is_template = sqlite3_value_int(v[1]) != 0;
    bool allows_connections = sqlite3_value_int(v[2]) != 0;
    int32_t connection_limit = sqlite3_value_int(v[3]);
    struct database_change change = {
        .is_template = sqlite3_value_type(v[1]) == SQLITE_NULL ? NULL : &is_template,
        .allows_connections = sqlite3_value_type(v[2]) == SQLITE_NULL ? NULL : &allows_connections,
        .connection_limit = sqlite3_value_type(v[3]) == SQLITE_NULL ? NULL : &connection_limit,
    };

    (void)n;
    int r = verb_refuse_transaction(sql, "UPDATE of pg_database", &failure);
    if (r == 0 && sql->ops->database_alter == NULL) {
        r = verb_unavailable("UPDATE of pg_database", &failure);
    }
    if (r == 0) {
        const char *name = (const char *)sqlite3_value_text(v[0]);

        r = sql->ops->database_alter(sql->host, name, &change, &failure);
    }
    if (r == 0) {
        sqlite3_result_int(c, 1);
    } else {
        function_fail(c, &failure);
    }
}

/* ---- pond_pools ---- */

static void list_pool(void *arg, const struct pool_row *row)
{
    struct listing *l = arg;

    listing_row(l);
    listing_int(l, row->oid);
    listing_str(l, row->name);
    listing_int(l, (int64_t)row->pool_size);
    listing_int(l, (int64_t)row->min_pool_size);
    listing_int(l, (int64_t)row->in_use);
    listing_int(l, (int64_t)row->idle);
    listing_int(l, (int64_t)row->waiting);
    if (row->longest_wait_us < 0) {
        listing_null(l);
    } else {
        listing_int(l, row->longest_wait_us / 1000);
    }
    listing_int(l, (int64_t)row->leases);
    listing_int(l, (int64_t)row->created);
    listing_int(l, (int64_t)row->timed_out);
    listing_int(l, (int64_t)row->clones);
    listing_int(l, (int64_t)row->clone_bytes);
}

FN(list_pools)
{
    struct sql_session *sql = fn_sql(c);
    struct failure failure = { 0 };
    struct listing listing;

    (void)n;
    (void)v;
    if (sql->ops->each_pool == NULL) {
        fn_fail(c, "0A000", "a list of pools is not available here");
        return;
    }
    listing_begin(&listing);
    int r = sql->ops->each_pool(sql->host, list_pool, &listing, &failure);
    listing_end(&listing, c);
    if (r != 0) {
        function_fail(c, &failure);
    }
}

/* Of the whole daemon. */
FN(memory_used)
{
    (void)n;
    (void)v;
    sqlite3_result_int64(c, (int64_t)mem_used_total());
}

/* ---- encodings ---- */

FN(encoding_to_char)
{
    if (!fn_any_null(n, v)) {
        const char *name = encoding_name(sqlite3_value_int64(v[0]));

        fn_result_str(c, name == NULL ? "" : name);
    }
}

FN(char_to_encoding)
{
    if (!fn_any_null(n, v)) {
        sqlite3_result_int(c, encoding_number(fn_text(v[0])));
    }
}

FN(database_encoding)
{
    (void)n;
    (void)v;
    fn_result_str(c, encoding_name(ENCODING_UTF8));
}

/* clang-format off */
#define VO FUNCTION_VOLATILE
#define LIST (FUNCTION_VOLATILE | FUNCTION_INTERNAL)
static const struct function rows[] = {
    { "pond_databases", 0, 0, { 0 }, RESULT_FIXED, OID_TEXT, LIST, NULL, list_databases, NULL, NULL },
    { "pond_list_clones", 0, 0, { 0 }, RESULT_FIXED, OID_TEXT, LIST, NULL, list_clones, NULL, NULL },
    { "pond_pool_rows", 0, 0, { 0 }, RESULT_FIXED, OID_TEXT, LIST, NULL, list_pools, NULL, NULL },
    { "pond_memory", 0, 0, { 0 }, RESULT_FIXED, OID_INT8, VO, NULL, memory_used, NULL, NULL },
    { "pond_alter_database", 4, 4, { 0 }, RESULT_FIXED, OID_INT4, LIST, NULL, alter_database, NULL, NULL },
    { "pg_database_size", 1, 1, { OID_NAME }, RESULT_FIXED, OID_INT8, VO, NULL, database_size, NULL, NULL },
    { "pg_database_size", 1, 1, { OID_OID }, RESULT_FIXED, OID_INT8, VO, NULL, NULL, NULL, NULL },
    { "pg_size_pretty", 1, 1, { OID_INT8 }, RESULT_FIXED, OID_TEXT, 0, NULL, size_pretty, NULL, NULL },
    { "pg_encoding_to_char", 1, 1, { OID_INT4 }, RESULT_FIXED, OID_NAME, 0, NULL, encoding_to_char, NULL, NULL },
    { "pg_char_to_encoding", 1, 1, { OID_NAME }, RESULT_FIXED, OID_INT4, 0, NULL, char_to_encoding, NULL, NULL },
    { "getdatabaseencoding", 0, 0, { 0 }, RESULT_FIXED, OID_NAME, 0, NULL, database_encoding, NULL, NULL },
};
/* clang-format on */

FUNCTION_TABLE(function_database_table, rows);
