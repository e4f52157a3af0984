/* sql/function_tables.h: the tables of functions, one per theme; for functions.c and those files.
 */
#pragma once

#include "sql/functions.h"

struct function_table {
    const struct function *rows;
    size_t count;
};

extern const struct function_table function_text_table, function_math_table, function_date_table,
    function_interval_table, function_json_table, function_json_build_table, function_system_table,
    function_sequence_table, function_aggregate_table, function_sqlite_table, function_cursor_table,
    function_database_table, function_backend_table, function_role_table, function_array_table,
    function_pond_table, function_lock_table;

/* Those that are window functions as well: pond_sum and pond_avg; and pond_exact(). */
must_check int functions_register_sums(struct sql_session *sql, struct failure *ret_failure);

#define FUNCTION_TABLE(name, rows_) \
    const struct function_table name = { .rows = rows_, .count = ARRAY_LEN(rows_) }
