/* sql/verb_database.c: CREATE, ALTER and DROP DATABASE. What can be told from the statement is
 * checked here; the rest is the host's, who knows which databases there are.
 *
 * None of it can be taken back, so none of it runs in a transaction. (PostgreSQL lets ALTER
 * DATABASE.) */
#include "sql/verb_support.h"

#include "protocol/utf8.h"
#include "sql/database_options.h"
#include "sql/lexer.h"
#include "sql/settings.h"

#include <stdio.h>

enum { name_bytes_most = 63 }; /* NAMEDATALEN - 1 */

/* ---- names ---- */

/* An identifier as the grammar has it before it cuts it: folded, or without its quotes. */
static int spell(const struct token *token, struct buf *out)
{
    bool quoted = token->kind == TOKEN_QUOTED_WORD;
    int r = 0;

    for (size_t i = quoted; i + quoted < token->text.len && r == 0; i++) {
        uint8_t c = token->text.data[i];

        c = !quoted && c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
        r = buf_append_byte(out, c);
        i += quoted && c == '"'; /* they come in twos */
    }
    return r;
}

static void notice_if_cut(struct sql_session *sql, const struct token *token)
{
    cleanup(buf_finish) struct buf name = { 0 };

    if (spell(token, &name) != 0 || name.len <= name_bytes_most) {
        return;
    }
    struct view kept = utf8_cut(buf_view(&name), name_bytes_most);
    verb_notice(sql, SEVERITY_NOTICE, "42622", "identifier \"%.*s\" will be truncated to \"%.*s\"",
                (int)name.len, (const char *)name.data, (int)kept.len, (const char *)kept.data);
}

/* The grammar cuts names that are too long without a word. */
static void notice_cut_names(const struct portal *portal)
{
    struct lexer lexer = lexer_over(plan_whole(portal->plan)->text);
    struct failure ignored;
    struct token token;

    while (lexer_next(&lexer, &token, &ignored) == 0 && token.kind != TOKEN_END) {
        if ((token.kind == TOKEN_WORD ||
             (token.kind == TOKEN_QUOTED_WORD && token.text.data[0] == '"')) &&
            token.text.len > name_bytes_most) {
            notice_if_cut(portal->sql, &token);
        }
    }
}

static int check_new_name(const char *name, struct failure *f)
{
    if (strchr(name, '~') == NULL) {
        return 0;
    }
    failure_set(f, "42602", "invalid database name: \"%s\"", name);
    failure_add(
        f, FIELD_DETAIL,
        "With a \"~\" in its name, a database is made when the first client connects to it, "
        "and goes with the last one.");
    return FAILED;
}

static bool is_own(const struct sql_session *sql, const char *name)
{
    return strcmp(sql->ops->database(sql->host), name) == 0;
}

static int begin(struct portal *portal, const char *what, struct failure *f)
{
    int r = verb_refuse_transaction(portal->sql, what, f);

    if (r == 0) {
        notice_cut_names(portal);
    }
    return r;
}

static int alter(struct sql_session *sql, const char *name, const struct database_change *change,
                 struct failure *f)
{
    return sql->ops->database_alter == NULL ? verb_unavailable("ALTER DATABASE", f)
                                            : sql->ops->database_alter(sql->host, name, change, f);
}

/* ---- CREATE ---- */

int create_database_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                        struct failure *f)
{
    const PgQuery__CreatedbStmt *stmt = verb_node(portal)->createdb_stmt;
    cleanup(arena_finish) struct arena arena = { 0 };
    struct sql_session *sql = portal->sql;
    struct database_options options;

    (void)sink;
    (void)max_rows;
    int r = begin(portal, "CREATE DATABASE", f);
    if (r == 0) {
        r = database_options_read(sql, plan_whole(portal->plan)->text, stmt->options,
                                  stmt->n_options, false, &arena, &options, f);
    }
    if (r == 0) {
        r = check_new_name(stmt->dbname, f);
    }
    if (r != 0) {
        return r;
    }
    struct database_request request = {
        .name = stmt->dbname,
        .template_name = options.template_name,
        .owner = options.owner,
        .is_template = options.room.is_template,
        .allows_connections = options.allows_connections == NULL || *options.allows_connections,
        .connection_limit = options.connection_limit == NULL ? -1 : *options.connection_limit,
    };
    return sql->ops->database_create == NULL ? verb_unavailable("CREATE DATABASE", f)
                                             : sql->ops->database_create(sql->host, &request, f);
}

/* ---- DROP ---- */

int drop_database_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                      struct failure *f)
{
    const PgQuery__DropdbStmt *stmt = verb_node(portal)->dropdb_stmt;
    struct sql_session *sql = portal->sql;
    bool force = verb_option(stmt->options, stmt->n_options, "force") != NULL;

    (void)sink;
    (void)max_rows;
    int r = begin(portal, "DROP DATABASE", f);
    if (r != 0) {
        return r;
    }
    if (is_own(sql, stmt->dbname)) {
        return failure_set(f, "55006", "cannot drop the currently open database");
    }
    if (sql->ops->database_drop == NULL) {
        return verb_unavailable("DROP DATABASE", f);
    }
    r = sql->ops->database_drop(sql->host, stmt->dbname, force, f);
    if (r == FAILED && stmt->missing_ok && strcmp(f->sqlstate, "3D000") == 0) {
        failure_clear(f);
        verb_notice(sql, SEVERITY_NOTICE, "00000", "database \"%s\" does not exist, skipping",
                    stmt->dbname);
        return 0;
    }
    return r;
}

/* ---- ALTER ---- */

int alter_database_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                       struct failure *f)
{
    const PgQuery__AlterDatabaseStmt *stmt = verb_node(portal)->alter_database_stmt;
    cleanup(arena_finish) struct arena arena = { 0 };
    struct sql_session *sql = portal->sql;
    struct database_options options;

    (void)sink;
    (void)max_rows;
    int r = begin(portal, "ALTER DATABASE", f);
    if (r == 0) {
        r = database_options_read(sql, plan_whole(portal->plan)->text, stmt->options,
                                  stmt->n_options, true, &arena, &options, f);
    }
    if (r != 0) {
        return r;
    }
    if (options.allows_connections != NULL && !*options.allows_connections &&
        is_own(sql, stmt->dbname)) {
        return failure_set(f, "22023", "cannot disallow connections for current database");
    }
    struct database_change change = {
        .is_template = options.is_template,
        .allows_connections = options.allows_connections,
        .connection_limit = options.connection_limit,
    };
    return alter(sql, stmt->dbname, &change, f);
}

int database_rename_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                        struct failure *f)
{
    const PgQuery__RenameStmt *stmt = verb_node(portal)->rename_stmt;
    struct database_change change = { .name = stmt->newname };
    struct sql_session *sql = portal->sql;

    (void)sink;
    (void)max_rows;
    int r = begin(portal, "ALTER DATABASE", f);
    if (r == 0 && is_own(sql, stmt->subname)) {
        r = failure_set(f, "0A000", "current database cannot be renamed");
    }
    if (r == 0) {
        r = check_new_name(stmt->newname, f);
    }
    return r != 0 ? r : alter(sql, stmt->subname, &change, f);
}

int database_owner_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                       struct failure *f)
{
    const PgQuery__AlterOwnerStmt *stmt = verb_node(portal)->alter_owner_stmt;
    const PgQuery__RoleSpec *role = stmt->newowner;
    struct sql_session *sql = portal->sql;
    bool by_name = role->roletype == PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_CSTRING;
    struct database_change change = { .owner =
                                          by_name ? role->rolename : sql->ops->user(sql->host) };

    (void)sink;
    (void)max_rows;
    int r = begin(portal, "ALTER DATABASE", f);
    return r != 0 ? r : alter(sql, stmt->object->string->sval, &change, f);
}

/* ---- ALTER DATABASE ... SET ---- */

/* 55P02 and the like come from the settings themselves; what differs from the default, sessions
 * would not get. */
static int check_value(struct settings *settings, const PgQuery__VariableSetStmt *stmt,
                       const char *value, struct failure *f)
{
    struct view name = view_of_str(stmt->name);
    int r = settings_set(settings, name, value, SCOPE_SESSION, f);

    if (r != 0) {
        return r;
    }
    const struct setting_row *row = setting_find(name);
    const char *now = settings_get(settings, name);
    if (row == NULL || (now != NULL && strcmp(now, row->initial) != 0)) {
        return verb_unsupported("ALTER DATABASE ... SET to another value than the default", f);
    }
    return 0;
}

static void settings_destroyp(struct settings **settings)
{
    settings_destroy(*settings);
}

static int check_setting(struct sql_session *sql, const PgQuery__VariableSetStmt *stmt,
                         struct failure *f)
{
    cleanup(settings_destroyp) struct settings *settings = NULL;
    cleanup(buf_finish) struct buf text = { 0 };
    struct value_style style = { 0 };
    struct settings_host host = { .style = &style };
    const char *value = NULL;
    int r = 0;

    if (stmt->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL) {
        return 0;
    }
    if (settings_create_for(&host, &settings) != 0) {
        return failure_set_nomem(f);
    }
    if (stmt->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_CURRENT) {
        r = settings_show(sql->settings, view_of_str(stmt->name), NULL, &value, f);
    } else if (stmt->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE) {
        r = set_value_text(stmt, &text, f);
        if (r == 0 && buf_append_byte(&text, 0) != 0) {
            r = failure_set_nomem(f);
        }
        value = (const char *)text.data;
    }
    return r != 0 ? r : check_value(settings, stmt, value, f);
}

int alter_database_set_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                           struct failure *f)
{
    const PgQuery__AlterDatabaseSetStmt *stmt = verb_node(portal)->alter_database_set_stmt;
    struct database_change nothing = { 0 };
    struct sql_session *sql = portal->sql;

    (void)sink;
    (void)max_rows;
    int r = begin(portal, "ALTER DATABASE", f);
    if (r == 0) {
        r = alter(sql, stmt->dbname, &nothing, f); /* is it there? */
    }
    return r != 0 ? r : check_setting(sql, stmt->setstmt, f);
}

int alter_database_refresh_run(struct portal *portal, struct row_sink *sink, int64_t max_rows,
                               struct failure *f)
{
    const char *name = verb_node(portal)->alter_database_refresh_coll_stmt->dbname;
    struct database_change nothing = { 0 };
    struct sql_session *sql = portal->sql;

    (void)sink;
    (void)max_rows;
    int r = begin(portal, "ALTER DATABASE", f);
    if (r == 0) {
        r = alter(sql, name, &nothing, f);
    }
    if (r == 0) {
        verb_notice(sql, SEVERITY_NOTICE, "00000", "version has not changed");
    }
    return r;
}
