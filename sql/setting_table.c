/* sql/setting_table.c: the settings, a row each, sorted by name in any case. Names, types, ranges
 * and messages are PostgreSQL 15's; what has no meaning here is kept so that clients can set and
 * read it. */
#include "sql/setting_check.h"

#include <strings.h>

static const char *const backslash_quote_values[] = { "safe_encoding",
                                                      "safe_encoding",
                                                      "on",
                                                      "on",
                                                      "off",
                                                      "off",
                                                      "~true",
                                                      "on",
                                                      "~false",
                                                      "off",
                                                      "~yes",
                                                      "on",
                                                      "~no",
                                                      "off",
                                                      "~1",
                                                      "on",
                                                      "~0",
                                                      "off",
                                                      NULL };
static const char *const bytea_output_values[] = { "escape", "escape", "hex", "hex", NULL };
static const char *const client_min_messages_values[] = {
    "debug5", "debug5", "debug4",  "debug4",  "debug3", "debug3", "debug2", "debug2",
    "debug1", "debug1", "~debug",  "debug2",  "log",    "log",    "~info",  "info",
    "notice", "notice", "warning", "warning", "error",  "error",  NULL
};
static const char *const constraint_exclusion_values[] = { "partition", "partition", "on",    "on",
                                                           "off",       "off",       "~true", "on",
                                                           "~false",    "off",       NULL };
static const char *const toast_values[] = { "pglz", "pglz", "lz4", "lz4", NULL };
static const char *const isolation_values[] = {
    "serializable",     "serializable",     "repeatable read",
    "repeatable read",  "read committed",   "read committed",
    "read uncommitted", "read uncommitted", NULL
};
static const char *const force_values[] = { "off", "off", "on", "on", "regress", "regress", NULL };
static const char *const intervalstyle_values[] = {
    "postgres",         "postgres",     "postgres_verbose",
    "postgres_verbose", "sql_standard", "sql_standard",
    "iso_8601",         "iso_8601",     NULL
};
static const char *const log_messages_values[] = {
    "debug5", "debug5", "debug4", "debug4", "debug3", "debug3", "debug2", "debug2",  "debug1",
    "debug1", "~debug", "debug2", "info",   "info",   "notice", "notice", "warning", "warning",
    "error",  "error",  "log",    "log",    "fatal",  "fatal",  "panic",  "panic",   NULL
};
static const char *const log_statement_values[] = { "none", "none", "ddl", "ddl", "mod",
                                                    "mod",  "all",  "all", NULL };
static const char *const plan_cache_values[] = { "auto",
                                                 "auto",
                                                 "force_generic_plan",
                                                 "force_generic_plan",
                                                 "force_custom_plan",
                                                 "force_custom_plan",
                                                 NULL };
static const char *const replication_role_values[] = { "origin", "origin", "replica", "replica",
                                                       "local",  "local",  NULL };
static const char *const sync_commit_values[] = {
    "local", "local", "remote_write", "remote_write", "remote_apply", "remote_apply", "on", "on",
    "off",   "off",   "~true",        "on",           "~false",       "off",          NULL
};
static const char *const wal_level_values[] = { "minimal", "minimal", "replica", "replica",
                                                "logical", "logical", NULL };
static const char *const xmlbinary_values[] = { "base64", "base64", "hex", "hex", NULL };
static const char *const xmloption_values[] = { "content", "content", "document", "document",
                                                NULL };

#define ROW(name_, type_, initial_, ...)                                         \
    {                                                                            \
        .name = name_, .type = SETTING_##type_, .initial = initial_, __VA_ARGS__ \
    }

/* clang-format off */
const struct setting_row setting_table[] = {
    ROW("application_name", STRING, "", .flags = SETTING_REPORTED, .check = setting_check_printable, .about = "Sets the application name to be reported in statistics and logs."),
    ROW("array_nulls", BOOL, "on"),
    ROW("autovacuum", BOOL, "off", .flags = SETTING_NOT_NOW),
    ROW("backslash_quote", ENUM, "safe_encoding", .values = backslash_quote_values),
    ROW("block_size", INT, "8192", .flags = SETTING_FIXED, .min = 8192, .max = 8192),
    ROW("bytea_output", ENUM, "hex", .flags = SETTING_STYLE, .values = bytea_output_values, .about = "Sets the output format for bytea."),
    ROW("check_function_bodies", BOOL, "on"),
    ROW("client_connection_check_interval", INT, "0", .unit = UNIT_MS, .min = 0, .max = 2147483647),
    ROW("client_encoding", STRING, "UTF8", .flags = SETTING_REPORTED, .check = setting_check_encoding, .about = "Sets the client's character set encoding."),
    ROW("client_min_messages", ENUM, "notice", .values = client_min_messages_values, .about = "Sets the message levels that are sent to the client."),
    ROW("cluster_name", STRING, "", .flags = SETTING_AT_RESTART),
    ROW("constraint_exclusion", ENUM, "partition", .values = constraint_exclusion_values),
    ROW("cpu_index_tuple_cost", REAL, "0.005", .min = 0, .max = 1.79769e308),
    ROW("cpu_operator_cost", REAL, "0.0025", .min = 0, .max = 1.79769e308),
    ROW("cpu_tuple_cost", REAL, "0.01", .min = 0, .max = 1.79769e308),
    ROW("cursor_tuple_fraction", REAL, "0.1", .min = 0, .max = 1),
    ROW("data_checksums", BOOL, "off", .flags = SETTING_FIXED),
    ROW("DateStyle", STRING, "ISO, MDY", .flags = SETTING_REPORTED | SETTING_STYLE | SETTING_LIST, .check = setting_check_datestyle, .about = "Sets the display format for date and time values."),
    ROW("deadlock_timeout", INT, "1s", .unit = UNIT_MS, .min = 1, .max = 2147483647),
    ROW("debug_assertions", BOOL, "off", .flags = SETTING_FIXED),
    ROW("default_statistics_target", INT, "100", .min = 1, .max = 10000),
    ROW("default_table_access_method", STRING, "heap"),
    ROW("default_tablespace", STRING, ""),
    ROW("default_text_search_config", STRING, "pg_catalog.english"),
    ROW("default_toast_compression", ENUM, "pglz", .values = toast_values),
    ROW("default_transaction_deferrable", BOOL, "off"),
    ROW("default_transaction_isolation", ENUM, "read committed", .values = isolation_values, .about = "Sets the transaction isolation level of each new transaction."),
    ROW("default_transaction_read_only", BOOL, "off", .flags = SETTING_REPORTED, .about = "Sets the default read-only status of new transactions."),
    ROW("effective_cache_size", INT, "4GB", .unit = UNIT_8KB, .min = 1, .max = 2147483647),
    ROW("enable_bitmapscan", BOOL, "on"),
    ROW("enable_gathermerge", BOOL, "on"),
    ROW("enable_hashagg", BOOL, "on"),
    ROW("enable_hashjoin", BOOL, "on"),
    ROW("enable_incremental_sort", BOOL, "on"),
    ROW("enable_indexonlyscan", BOOL, "on"),
    ROW("enable_indexscan", BOOL, "on"),
    ROW("enable_material", BOOL, "on"),
    ROW("enable_memoize", BOOL, "on"),
    ROW("enable_mergejoin", BOOL, "on"),
    ROW("enable_nestloop", BOOL, "on"),
    ROW("enable_parallel_append", BOOL, "on"),
    ROW("enable_parallel_hash", BOOL, "on"),
    ROW("enable_partition_pruning", BOOL, "on"),
    ROW("enable_seqscan", BOOL, "on"),
    ROW("enable_sort", BOOL, "on"),
    ROW("enable_tidscan", BOOL, "on"),
    ROW("escape_string_warning", BOOL, "on"),
    ROW("extra_float_digits", INT, "1", .flags = SETTING_STYLE, .min = -15, .max = 3, .about = "Sets the number of digits displayed for floating-point values."),
    ROW("force_parallel_mode", ENUM, "off", .values = force_values),
    ROW("from_collapse_limit", INT, "8", .min = 1, .max = 2147483647),
    ROW("fsync", BOOL, "off", .flags = SETTING_NOT_NOW),
    ROW("geqo", BOOL, "on"),
    ROW("hot_standby", BOOL, "off", .flags = SETTING_AT_RESTART),
    ROW("idle_in_transaction_session_timeout", INT, "0", .unit = UNIT_MS, .min = 0, .max = 2147483647, .about = "Sets the maximum allowed idle time between queries, when in a transaction."),
    ROW("idle_session_timeout", INT, "0", .unit = UNIT_MS, .min = 0, .max = 2147483647),
    ROW("in_hot_standby", BOOL, "off", .flags = SETTING_REPORTED | SETTING_FIXED, .about = "Shows whether hot standby is currently active."),
    ROW("integer_datetimes", BOOL, "on", .flags = SETTING_REPORTED | SETTING_FIXED),
    ROW("IntervalStyle", ENUM, "postgres", .flags = SETTING_REPORTED | SETTING_STYLE, .values = intervalstyle_values, .about = "Sets the display format for interval values."),
    ROW("is_superuser", BOOL, "on", .flags = SETTING_REPORTED | SETTING_FIXED),
    ROW("jit", BOOL, "off", .about = "Allow JIT compilation."),
    ROW("join_collapse_limit", INT, "8", .min = 1, .max = 2147483647),
    ROW("lc_collate", STRING, "C", .flags = SETTING_FIXED),
    ROW("lc_ctype", STRING, "C.UTF-8", .flags = SETTING_FIXED),
    ROW("lc_messages", STRING, "C"),
    ROW("lc_monetary", STRING, "C"),
    ROW("lc_numeric", STRING, "C"),
    ROW("lc_time", STRING, "C"),
    ROW("listen_addresses", STRING, "", .flags = SETTING_AT_RESTART),
    ROW("lo_compat_privileges", BOOL, "off"),
    ROW("lock_timeout", INT, "0", .unit = UNIT_MS, .min = 0, .max = 2147483647, .about = "Sets the maximum allowed duration of any wait for a lock."),
    ROW("log_duration", BOOL, "off"),
    ROW("log_min_duration_statement", INT, "-1", .unit = UNIT_MS, .min = -1, .max = 2147483647),
    ROW("log_min_error_statement", ENUM, "error", .values = log_messages_values),
    ROW("log_min_messages", ENUM, "warning", .values = log_messages_values),
    ROW("log_statement", ENUM, "none", .values = log_statement_values),
    ROW("maintenance_work_mem", INT, "64MB", .unit = UNIT_KB, .min = 1024, .max = 2147483647),
    ROW("max_connections", INT, "100", .flags = SETTING_AT_RESTART, .min = 1, .max = 262143),
    ROW("max_function_args", INT, "100", .flags = SETTING_FIXED, .min = 100, .max = 100),
    ROW("max_identifier_length", INT, "63", .flags = SETTING_FIXED, .min = 63, .max = 63, .about = "Shows the maximum identifier length."),
    ROW("max_index_keys", INT, "32", .flags = SETTING_FIXED, .min = 32, .max = 32, .about = "Shows the maximum number of index keys."),
    ROW("max_parallel_maintenance_workers", INT, "2", .min = 0, .max = 1024),
    ROW("max_parallel_workers", INT, "8", .min = 0, .max = 1024),
    ROW("max_parallel_workers_per_gather", INT, "2", .min = 0, .max = 1024),
    ROW("max_prepared_transactions", INT, "0", .flags = SETTING_AT_RESTART, .min = 0, .max = 262143),
    ROW("parallel_setup_cost", REAL, "1000", .min = 0, .max = 1.79769e308),
    ROW("parallel_tuple_cost", REAL, "0.1", .min = 0, .max = 1.79769e308),
    ROW("plan_cache_mode", ENUM, "auto", .values = plan_cache_values),
    ROW("pond.owner", BOOL, "off", .flags = SETTING_AT_STARTUP, .about = "The named database that this connection made ends with it."),
    ROW("port", INT, "7432", .flags = SETTING_AT_RESTART, .min = 1, .max = 65535),
    ROW("quote_all_identifiers", BOOL, "off"),
    ROW("random_page_cost", REAL, "4", .min = 0, .max = 1.79769e308),
    ROW("restrict_nonsystem_relation_kind", STRING, ""),
    ROW("role", STRING, "none", .flags = SETTING_LIVE | SETTING_NO_RESET_ALL),
    ROW("row_security", BOOL, "on"),
    ROW("search_path", STRING, "\"$user\", public", .flags = SETTING_LIST, .about = "Sets the schema search order for names that are not schema-qualified."),
    ROW("segment_size", STRING, "1GB", .flags = SETTING_FIXED),
    ROW("seq_page_cost", REAL, "1", .min = 0, .max = 1.79769e308),
    ROW("server_encoding", STRING, "UTF8", .flags = SETTING_REPORTED | SETTING_FIXED, .about = "Shows the server (database) character set encoding."),
    ROW("server_version", STRING, "15.8 (pond " POND_VERSION ")", .flags = SETTING_REPORTED | SETTING_FIXED, .about = "Shows the server version."),
    ROW("server_version_num", INT, "150008", .flags = SETTING_FIXED, .min = 150008, .max = 150008, .about = "Shows the server version as an integer."),
    ROW("session_authorization", STRING, "", .flags = SETTING_REPORTED | SETTING_LIVE | SETTING_NO_RESET_ALL),
    ROW("session_replication_role", ENUM, "origin", .values = replication_role_values),
    ROW("shared_buffers", INT, "128MB", .flags = SETTING_AT_RESTART, .unit = UNIT_8KB, .min = 16, .max = 1073741823),
    ROW("ssl", BOOL, "off", .flags = SETTING_NOT_NOW),
    ROW("standard_conforming_strings", BOOL, "on", .flags = SETTING_REPORTED, .check = setting_check_on, .about = "Causes '...' strings to treat backslashes literally."),
    ROW("statement_timeout", INT, "0", .unit = UNIT_MS, .min = 0, .max = 2147483647, .about = "Sets the maximum allowed duration of any statement."),
    ROW("synchronize_seqscans", BOOL, "on"),
    ROW("synchronous_commit", ENUM, "on", .values = sync_commit_values),
    ROW("tcp_keepalives_count", INT, "0", .min = 0, .max = 2147483647),
    ROW("tcp_keepalives_idle", INT, "0", .unit = UNIT_S, .min = 0, .max = 2147483647),
    ROW("tcp_keepalives_interval", INT, "0", .unit = UNIT_S, .min = 0, .max = 2147483647),
    ROW("tcp_user_timeout", INT, "0", .unit = UNIT_MS, .min = 0, .max = 2147483647),
    ROW("temp_buffers", INT, "8MB", .unit = UNIT_8KB, .min = 100, .max = 1073741823),
    ROW("temp_tablespaces", STRING, "", .flags = SETTING_LIST),
    ROW("TimeZone", STRING, "UTC", .flags = SETTING_REPORTED | SETTING_STYLE, .check = setting_check_timezone, .about = "Sets the time zone for displaying and interpreting time stamps."),
    ROW("timezone_abbreviations", STRING, "Default"),
    ROW("track_activities", BOOL, "on"),
    ROW("transaction_deferrable", BOOL, "off", .flags = SETTING_LIVE | SETTING_NO_RESET_ALL),
    ROW("transaction_isolation", ENUM, "read committed", .flags = SETTING_LIVE | SETTING_NO_RESET_ALL, .values = isolation_values, .about = "Sets the current transaction's isolation level."),
    ROW("transaction_read_only", BOOL, "off", .flags = SETTING_LIVE | SETTING_NO_RESET_ALL, .about = "Sets the current transaction's read-only status."),
    ROW("transform_null_equals", BOOL, "off"),
    ROW("vacuum_cost_delay", REAL, "0", .unit = UNIT_MS, .min = 0, .max = 100),
    ROW("wal_level", ENUM, "minimal", .flags = SETTING_AT_RESTART, .values = wal_level_values),
    ROW("work_mem", INT, "4MB", .unit = UNIT_KB, .min = 64, .max = 2147483647),
    ROW("xmlbinary", ENUM, "base64", .values = xmlbinary_values),
    ROW("xmloption", ENUM, "content", .values = xmloption_values),
};
/* clang-format on */

const size_t setting_count = ARRAY_LEN(setting_table);

static int compare(struct view name, const char *row)
{
    size_t len = strlen(row);
    size_t shorter = name.len < len ? name.len : len;
    int r = shorter == 0 ? 0 : strncasecmp((const char *)name.data, row, shorter);

    return r != 0 ? r : (name.len > len) - (name.len < len);
}

const struct setting_row *setting_find(struct view name)
{
    size_t low = 0, high = setting_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int r = compare(name, setting_table[mid].name);
        if (r == 0) {
            return &setting_table[mid];
        }
        if (r < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}
