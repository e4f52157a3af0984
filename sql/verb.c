/* sql/verb.c: the table of verbs. */
#include "sql/verb.h"

#include "sql/verb_support.h"

#define DDL .plan_flags = PLAN_CHANGES_SCHEMA
/* Databases are named anew each time: nobody will ask for such a plan again. */
#define ALONE .plan_flags = PLAN_ALONE | PLAN_UNCACHED
/* Their columns are those of what they name, which may be another one the next time. */
#define ANEW       (PLAN_UNCACHED | PLAN_MADE_ANEW)
#define NODE(name) .node = PG_QUERY__NODE__NODE_##name

static const struct verb verb_rows[] = {
    /* transactions and settings */
    { NODE(TRANSACTION_STMT), .plan_flags = PLAN_TXN_CONTROL, .plan = txn_plan, .run = txn_run },
    { NODE(VARIABLE_SET_STMT), .plan = set_plan, .run = set_run },
    { NODE(VARIABLE_SHOW_STMT), .tag = "SHOW", .plan = show_plan, .run = show_run },
    { NODE(CONSTRAINTS_SET_STMT), .tag = "SET CONSTRAINTS", .run = constraints_run },
    /* the session */
    { NODE(DISCARD_STMT), .plan = discard_plan, .run = discard_run },
    { NODE(CLOSE_PORTAL_STMT), .plan = close_plan, .run = close_run },
    { NODE(DECLARE_CURSOR_STMT), .tag = "DECLARE CURSOR", .plan = declare_plan,
      .run = declare_run },
    { NODE(FETCH_STMT), .plan_flags = ANEW, .plan = fetch_plan, .run = fetch_run },
    { NODE(LISTEN_STMT), .tag = "LISTEN", .run = listen_run },
    { NODE(NOTIFY_STMT), .tag = "NOTIFY", .run = notify_run },
    { NODE(UNLISTEN_STMT), .tag = "UNLISTEN", .run = unlisten_run },
    { NODE(LOCK_STMT), .tag = "LOCK TABLE", .run = lock_run },
    /* statements about statements */
    { NODE(PREPARE_STMT), .tag = "PREPARE", .plan = prepare_plan, .run = prepare_run },
    { NODE(EXECUTE_STMT), .plan_flags = ANEW, .plan = execute_plan, .run = execute_run,
      .pages = true },
    { NODE(DEALLOCATE_STMT), .plan = deallocate_plan, .run = deallocate_run },
    { NODE(EXPLAIN_STMT), .tag = "EXPLAIN", .plan = explain_plan, .run = explain_run },
    /* what pond has no need of */
    { NODE(VACUUM_STMT), .plan = vacuum_plan, .run = vacuum_run },
    { NODE(CHECK_POINT_STMT), .tag = "CHECKPOINT", .run = nothing_run },
    { NODE(REINDEX_STMT), .tag = "REINDEX", .run = reindex_run },
    { NODE(COMMENT_STMT), .tag = "COMMENT", .run = nothing_run },
    { NODE(GRANT_STMT), .plan = grant_plan, .run = nothing_run },
    { NODE(ALTER_OWNER_STMT), .plan = alter_owner_plan, .run = alter_owner_run },
    { NODE(ALTER_DEFAULT_PRIVILEGES_STMT), .tag = "ALTER DEFAULT PRIVILEGES", .run = nothing_run },
    { NODE(CREATE_EXTENSION_STMT), .tag = "CREATE EXTENSION", .run = create_extension_run },
    { NODE(CREATE_SCHEMA_STMT), .tag = "CREATE SCHEMA", .run = create_schema_run },
    { NODE(COPY_STMT), .plan = copy_plan, .run = copy_run },
    /* databases */
    { NODE(CREATEDB_STMT), .tag = "CREATE DATABASE", ALONE, .run = create_database_run },
    { NODE(DROPDB_STMT), .tag = "DROP DATABASE", ALONE, .run = drop_database_run },
    { NODE(ALTER_DATABASE_STMT), .tag = "ALTER DATABASE", ALONE, .run = alter_database_run },
    { NODE(ALTER_DATABASE_SET_STMT), .tag = "ALTER DATABASE", ALONE,
      .run = alter_database_set_run },
    { NODE(ALTER_DATABASE_REFRESH_COLL_STMT), .tag = "ALTER DATABASE", ALONE,
      .run = alter_database_refresh_run },
    /* the schema */
    { NODE(CREATE_STMT), .tag = "CREATE TABLE", DDL, .plan = ddl_plan, .run = create_table_run },
    { NODE(CREATE_TABLE_AS_STMT), DDL, .plan = create_table_as_plan, .run = create_table_as_run },
    { NODE(SELECT_STMT), DDL, .plan = select_into_plan, .run = select_into_run },
    { NODE(INDEX_STMT), .tag = "CREATE INDEX", DDL, .plan = ddl_plan, .run = create_index_run },
    { NODE(VIEW_STMT), .tag = "CREATE VIEW", DDL, .plan = ddl_plan, .run = create_view_run },
    { NODE(CREATE_SEQ_STMT), .tag = "CREATE SEQUENCE", DDL, .run = create_sequence_run },
    { NODE(ALTER_SEQ_STMT), .tag = "ALTER SEQUENCE", DDL, .run = alter_sequence_run },
    { NODE(ALTER_TABLE_STMT), DDL, .plan = alter_table_plan, .run = alter_table_run },
    { NODE(RENAME_STMT), DDL, .plan = rename_plan, .run = rename_run },
    { NODE(DROP_STMT), DDL, .plan = drop_plan, .run = drop_run },
    { NODE(TRUNCATE_STMT), .tag = "TRUNCATE TABLE", .run = truncate_run },
};

const struct verb *verb_find(PgQuery__Node__NodeCase node)
{
    for (size_t i = 0; i < ARRAY_LEN(verb_rows); i++) {
        if (verb_rows[i].node == node) {
            return &verb_rows[i];
        }
    }
    return NULL;
}
