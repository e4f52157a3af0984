/* sql/rewrite_system.c: relations of pg_catalog that are no tables: each is a subquery over a
 * function of pond's that gives its rows as JSON (sql/listing.h). */
#include "sql/expr.h"

struct system_column {
    const char *name;
    uint32_t oid;
};

/* In the order of the function's values. */
static const struct system_column cursor_columns[] = {
    { "name", OID_TEXT },      { "statement", OID_TEXT },     { "is_holdable", OID_BOOL },
    { "is_binary", OID_BOOL }, { "is_scrollable", OID_BOOL }, { "creation_time", OID_TIMESTAMPTZ },
};

static const struct system_column database_columns[] = {
    { "oid", OID_OID },
    { "datname", OID_NAME },
    { "datdba", OID_OID },
    { "encoding", OID_INT4 },
    { "datlocprovider", OID_CHAR },
    { "datistemplate", OID_BOOL },
    { "datallowconn", OID_BOOL },
    { "datconnlimit", OID_INT4 },
    { "datfrozenxid", OID_XID },
    { "datminmxid", OID_XID },
    { "dattablespace", OID_OID },
    { "datcollate", OID_TEXT },
    { "datctype", OID_TEXT },
    { "daticulocale", OID_TEXT },
    { "datcollversion", OID_TEXT },
    { "datacl", OID_ACLITEM_ARRAY },
};

static const struct system_column activity_columns[] = {
    { "datid", OID_OID },
    { "datname", OID_NAME },
    { "pid", OID_INT4 },
    { "leader_pid", OID_INT4 },
    { "usesysid", OID_OID },
    { "usename", OID_NAME },
    { "application_name", OID_TEXT },
    { "client_addr", OID_INET },
    { "client_hostname", OID_TEXT },
    { "client_port", OID_INT4 },
    { "backend_start", OID_TIMESTAMPTZ },
    { "xact_start", OID_TIMESTAMPTZ },
    { "query_start", OID_TIMESTAMPTZ },
    { "state_change", OID_TIMESTAMPTZ },
    { "wait_event_type", OID_TEXT },
    { "wait_event", OID_TEXT },
    { "state", OID_TEXT },
    { "backend_xid", OID_XID },
    { "backend_xmin", OID_XID },
    { "query_id", OID_INT8 },
    { "query", OID_TEXT },
    { "backend_type", OID_TEXT },
};

static const struct system_column lock_columns[] = {
    { "locktype", OID_TEXT },
    { "database", OID_OID },
    { "relation", OID_OID },
    { "page", OID_INT4 },
    { "tuple", OID_INT2 },
    { "virtualxid", OID_TEXT },
    { "transactionid", OID_XID },
    { "classid", OID_OID },
    { "objid", OID_OID },
    { "objsubid", OID_INT2 },
    { "virtualtransaction", OID_TEXT },
    { "pid", OID_INT4 },
    { "mode", OID_TEXT },
    { "granted", OID_BOOL },
    { "fastpath", OID_BOOL },
    { "waitstart", OID_TIMESTAMPTZ },
};

/* pond's own. */
static const struct system_column pool_columns[] = {
    { "datid", OID_OID },          { "datname", OID_NAME },         { "pool_size", OID_INT8 },
    { "min_pool_size", OID_INT8 }, { "in_use", OID_INT8 },          { "idle", OID_INT8 },
    { "waiting", OID_INT8 },       { "longest_wait_ms", OID_INT8 }, { "leases", OID_INT8 },
    { "created", OID_INT8 },       { "timed_out", OID_INT8 },       { "clones", OID_INT8 },
    { "clone_bytes", OID_INT8 },
};

/* What pg_database does not tell of pond's named clones. */
static const struct system_column clone_columns[] = {
    { "oid", OID_OID },
    { "name", OID_NAME },
    { "origin", OID_NAME },
    { "owner", OID_NAME },
    { "is_template", OID_BOOL },
    { "is_lasting", OID_BOOL },
    { "created", OID_TIMESTAMPTZ },
    { "bytes", OID_INT8 },
};

static const struct system_column role_columns[] = {
    { "rolname", OID_NAME },
    { "rolsuper", OID_BOOL },
    { "rolinherit", OID_BOOL },
    { "rolcreaterole", OID_BOOL },
    { "rolcreatedb", OID_BOOL },
    { "rolcanlogin", OID_BOOL },
    { "rolreplication", OID_BOOL },
    { "rolconnlimit", OID_INT4 },
    { "rolpassword", OID_TEXT },
    { "rolvaliduntil", OID_TIMESTAMPTZ },
    { "rolbypassrls", OID_BOOL },
    { "rolconfig", OID_TEXT_ARRAY },
    { "oid", OID_OID },
};

static const struct system_column user_columns[] = {
    { "usename", OID_NAME },  { "usesysid", OID_OID },         { "usecreatedb", OID_BOOL },
    { "usesuper", OID_BOOL }, { "userepl", OID_BOOL },         { "usebypassrls", OID_BOOL },
    { "passwd", OID_TEXT },   { "valuntil", OID_TIMESTAMPTZ }, { "useconfig", OID_TEXT_ARRAY },
};

static const struct system_column tablespace_columns[] = {
    { "oid", OID_OID },
    { "spcname", OID_NAME },
    { "spcowner", OID_OID },
    { "spcacl", OID_ACLITEM_ARRAY },
    { "spcoptions", OID_TEXT_ARRAY },
};

#define ROW(name, rows, columns)                \
    {                                           \
        name, rows, columns, ARRAY_LEN(columns) \
    }

static const struct system_relation {
    const char *name;
    const char *rows; /* an expression */
    const struct system_column *columns;
    size_t count;
} system_relations[] = {
    ROW("pg_cursors", "pond_cursors()", cursor_columns),
    ROW("pg_database", "pond_databases()", database_columns),
    ROW("pg_locks", "pond_locks()", lock_columns),
    ROW("pg_roles", "pond_roles()", role_columns),
    ROW("pg_stat_activity", "pond_backends()", activity_columns),
    ROW("pg_tablespace", "'[[1663,\"pg_default\",10,null,null],[1664,\"pg_global\",10,null,null]]'",
        tablespace_columns),
    ROW("pg_user", "pond_users()", user_columns),
    ROW("pond_clones", "pond_list_clones()", clone_columns),
    ROW("pond_pools", "pond_pool_rows()", pool_columns),
};

static const struct system_relation *find_system(const PgQuery__RangeVar *table)
{
    bool has_schema = table->schemaname != NULL && table->schemaname[0] != '\0';

    if (has_schema && strcmp(table->schemaname, "pg_catalog") != 0) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(system_relations); i++) {
        if (strcmp(system_relations[i].name, table->relname) == 0) {
            return &system_relations[i];
        }
    }
    return NULL;
}

/* AS c(a, b): names for the first columns. */
static const char *column_name(const struct system_relation *row, const PgQuery__Alias *alias,
                               size_t i)
{
    return alias != NULL && i < alias->n_colnames ? alias->colnames[i]->string->sval
                                                  : row->columns[i].name;
}

struct relation *from_system(struct rewriter *r, const PgQuery__RangeVar *table)
{
    const struct system_relation *row = find_system(table);
    struct relation *relation =
        row == NULL ? NULL
                    : relation_new(r, table->alias != NULL ? table->alias->aliasname : row->name);

    if (relation == NULL) {
        return NULL;
    }
    rewrite_str(r, "(SELECT ");
    for (size_t i = 0; i < row->count; i++) {
        const char *name = column_name(row, table->alias, i);

        rewrite_printf(r, "%svalue->>%zu AS ", i > 0 ? ", " : "", i);
        rewrite_ident(r, name);
        (void)relation_add(r, relation, name, TYPE_OF(row->columns[i].oid));
    }
    rewrite_printf(r, " FROM json_each(%s)) AS ", row->rows);
    rewrite_ident(r, relation->name);
    return relation;
}
