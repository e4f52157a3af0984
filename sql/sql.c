/* sql/sql.c: a session's life, and the way from a text to a plan: literals out, cache, else grammar
 * and rewriting on the loop's big stack, then SQLite's own opinion. */
#include "sql/sequence.h"
#include "sql/session_state.h"

#include "async/task.h"
#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/names.h"
#include "pool/session.h"
#include "pool/template.h"
#include "pool/txn.h"
#include "sql/cast.h"
#include "sql/functions.h"
#include "sql/grammar.h"
#include "sql/lexer.h"
#include "sql/listening.h"
#include "sql/normal.h"
#include "sql/plan_cache.h"
#include "sql/portal.h"
#include "sql/rows_function.h"
#include "sql/series_table.h"
#include "sql/verb.h"

#include <sqlite3.h>

enum {
    shared_plans = 4096,
    shared_plan_bytes = 16 << 20,
    own_plans = 256,
    own_plan_bytes = 1 << 20,
};

/* ---- life ---- */

static void unref_plan(void *plan)
{
    sql_plan_unref(plan);
}

static void sql_closep(struct sql_session **sql)
{
    sql_close(*sql);
}

static bool is_registered(const struct sql_session *sql, unsigned what)
{
    return (session_registered(sql->session) & what) != 0;
}

static void set_registered(struct sql_session *sql, unsigned what)
{
    session_set_registered(sql->session, session_registered(sql->session) | what);
}

/* What the schema itself may name. */
static int names_ready(struct sql_session *sql)
{
    if (is_registered(sql, REGISTERED_NAMES)) {
        return 0;
    }
    int r = casts_open(sql);
    if (r == 0) {
        r = series_table_register(sql);
    }
    if (r == 0) {
        r = image_table_register(sql);
    }
    if (r == 0) {
        r = schema_table_register(sql);
    }
    if (r == 0) {
        set_registered(sql, REGISTERED_NAMES);
    }
    return r;
}

/* A fresh connection gets what the one before it had. */
static int equip(void *user, unsigned registered)
{
    struct sql_session *sql = user;
    int r = names_ready(sql);

    if (r == 0 && (registered & REGISTERED_CASTS) != 0) {
        r = sql_casts_ready(sql, NULL);
    }
    if (r == 0 && (registered & REGISTERED_FUNCTIONS) != 0) {
        r = sql_functions_ready(sql, NULL);
    }
    return r;
}

int sql_open(struct session *session, const struct host_ops *ops, void *host,
             struct sql_session **ret_sql, struct failure *ret_failure)
{
    struct sql_session *sql cleanup(sql_closep) = mem_zalloc(sizeof(*sql));

    if (sql == NULL) {
        return failure_set_nomem(ret_failure);
    }
    sql->session = session;
    session_set_user(session, sql, equip);
    sql->schema_version = session_schema_version(session);
    sql->ops = ops;
    sql->host = host;
    if (names_create(unref_plan, &sql->statements) != 0 ||
        names_create(portal_destroy, &sql->portals) != 0 || names_ready(sql) != 0) {
        return failure_set_nomem(ret_failure);
    }
    if (settings_create(sql, ret_failure) != 0) {
        return FAILED;
    }
    *ret_sql = take_ptr(sql);
    return 0;
}

void sql_close(struct sql_session *sql)
{
    if (sql == NULL) {
        return;
    }
    sql->running = NULL;
    listening_end(sql);
    portals_sweep(sql);
    names_destroy(sql->portals);
    names_destroy(sql->statements);
    plan_cache_destroy(sql->cache);
    settings_destroy(sql->settings);
    sequences_discard(sql);
    mem_free(sql);
}

const struct value_style *sql_value_style(const struct sql_session *sql)
{
    return &sql->style;
}

int64_t sql_now_us(struct sql_session *sql)
{
    if (sql->txn_start_us == 0) {
        sql->txn_start_us = sql->ops->wall_us(sql->host);
    }
    return sql->txn_start_us;
}

/* ---- pond's functions, at their first use ---- */

struct sql_session *sql_of_function(struct sqlite3_context *context)
{
    return session_user(sqlite3_user_data(context));
}

int sql_casts_ready(struct sql_session *sql, struct failure *ret_failure)
{
    if (!is_registered(sql, REGISTERED_CASTS) && casts_register(sql, ret_failure) != 0) {
        return FAILED;
    }
    set_registered(sql, REGISTERED_CASTS);
    return 0;
}

int sql_functions_ready(struct sql_session *sql, struct failure *ret_failure)
{
    if (is_registered(sql, REGISTERED_FUNCTIONS)) {
        return 0;
    }
    if (sql_casts_ready(sql, ret_failure) != 0 || functions_register(sql, ret_failure) != 0) {
        return FAILED;
    }
    set_registered(sql, REGISTERED_FUNCTIONS);
    return 0;
}

int sql_plan_ready(struct sql_session *sql, const struct plan *plan, struct failure *ret_failure)
{
    if ((plan->flags & PLAN_FUNCTIONS) != 0) {
        return sql_functions_ready(sql, ret_failure);
    }
    return (plan->flags & PLAN_CASTS) != 0 ? sql_casts_ready(sql, ret_failure) : 0;
}

bool sql_functions_missing(struct sql_session *sql, const char *message)
{
    if (is_registered(sql, REGISTERED_FUNCTIONS) || message == NULL ||
        strstr(message, "function") == NULL) {
        return false;
    }
    return sql_functions_ready(sql, NULL) == 0;
}

/* ---- caches ---- */

void sql_schema_changed(struct sql_session *sql)
{
    sql->schema_changes++;
    if (sql->cache != NULL) {
        plan_cache_clear(sql->cache);
    }
}

/* Another session of the clone may have changed the schema, or somebody put another root in its
 * place. While a transaction still sees an old root, its plans are not kept for the next statement.
 */
static void follow_schema(struct sql_session *sql)
{
    uint32_t version;

    if (session_schema_version(sql->session) == sql->schema_version) {
        return;
    }
    sql_schema_changed(sql);
    if (session_read_schema(sql->session, &version, NULL) == 0) {
        sql->schema_version = version;
    }
}

static bool may_share(const struct sql_session *sql)
{
    return sql->schema_changes == 0 && !sql->has_temp &&
           clone_schema_is_templates(session_clone(sql->session));
}

static void destroy_cache(void *cache)
{
    plan_cache_destroy(cache);
}

/* What several sessions keep is charged to the daemon: it outlives the session that made it. */
static struct account *shared_account(const struct sql_session *sql)
{
    return session_options(sql->session)->parent;
}

/* The template's cache or the session's own; NULL: no memory, do without. */
static struct plan_cache *cache_of(struct sql_session *sql, bool shared)
{
    struct template *template = shared ? clone_template(session_clone(sql->session)) : NULL;
    struct plan_cache *cache = NULL;

    if (template == NULL) {
        if (sql->cache == NULL && plan_cache_create(own_plans, own_plan_bytes, &sql->cache) != 0) {
            return NULL;
        }
        return sql->cache;
    }
    cache = template_cache(template);
    if (cache == NULL && plan_cache_create(shared_plans, shared_plan_bytes, &cache) == 0) {
        template_set_cache(template, cache, destroy_cache);
    }
    return cache;
}

/* Literals of dates are converted by the session's style, which so is part of the key. Zones live
 * for ever. */
static uint64_t style_key(const struct sql_session *sql)
{
    return ((uint64_t)(uintptr_t)sql->style.zone << 3) ^ (uint64_t)sql->style.date_order;
}

/* ---- making a plan ---- */

struct making {
    struct planner planner;
    size_t literals;
    struct plan *plan;
    struct failure *failure;
    int result;
};

static void make_on_big_stack(void *arg)
{
    struct making *making = arg;

    making->result = plan_text(&making->planner, making->literals, &making->plan, making->failure);
}

static void plan_unrefp(struct plan **plan)
{
    sql_plan_unref(*plan);
}

static void tree_destroyp(struct tree **tree)
{
    tree_destroy(*tree);
}

/* Lets SQLite prepare what we made: its errors belong to Parse, not to Execute. */
static int try_on_sqlite(struct sql_session *sql, const struct plan *plan,
                         struct failure *ret_failure)
{
    struct sqlite3_stmt *stmt = NULL;
    int result;

    if (plan->sql.len == 0 || plan->verb != NULL) {
        return 0;
    }
    if (sql_plan_ready(sql, plan, ret_failure) != 0) {
        return FAILED;
    }
    result = session_prepare(sql->session, plan->sql, &stmt, ret_failure);
    if (result == FAILED && sql_functions_missing(sql, failure_get(ret_failure, FIELD_MESSAGE))) {
        failure_clear(ret_failure);
        result = session_prepare(sql->session, plan->sql, &stmt, ret_failure);
    }
    if (result == 0) {
        session_release_soon(sql->session, stmt);
    }
    return result;
}

/* Where the session's plans are kept, until somebody else has had a turn. */
struct place {
    bool shared;
    struct plan_cache *cache; /* NULL: no memory for one */
};

static struct place place_of(struct sql_session *sql)
{
    follow_schema(sql);

    bool shared = may_share(sql);
    return (struct place){ .shared = shared, .cache = cache_of(sql, shared) };
}

/* `tree`: of the text, taken; NULL: not parsed yet. */
static int make_plan(struct sql_session *sql, const struct plan_key *key, size_t literals,
                     bool shared, struct tree **tree, struct plan **ret_plan,
                     struct failure *ret_failure)
{
    struct making making = {
        .planner = { .sql = sql,
                     .text = key->text,
                     .param_oids = key->oids,
                     .param_count = key->oid_count,
                     .tree = take_ptr(*tree) },
        .literals = literals,
        .failure = ret_failure,
    };
    struct plan *plan cleanup(plan_unrefp) = NULL;
    struct account *before = shared ? account_swap(shared_account(sql)) : account_current();

    task_call_on_loop_stack(make_on_big_stack, &making);
    (void)account_swap(before);
    tree_destroy(making.planner.tree);
    plan = making.plan;
    if (making.result != 0 || try_on_sqlite(sql, plan, ret_failure) != 0) {
        return FAILED;
    }
    plan->schema = sql->schema_changes;
    *ret_plan = take_ptr(plan);
    return 0;
}

static void remember(struct sql_session *sql, struct place place, const struct plan_key *key,
                     struct plan *plan)
{
    struct account *before = place.shared ? account_swap(shared_account(sql)) : account_current();

    if (place.cache != NULL && (plan == NULL || (plan->flags & PLAN_UNCACHED) == 0) &&
        plan_cache_put(place.cache, key, plan) != 0) {
        plan_cache_clear(place.cache); /* memory is short: caches go first */
    }
    (void)account_swap(before);
}

/* A plan may keep its tree. */
static int parse_aside(struct sql_session *sql, struct view text, bool shared,
                       struct tree **ret_tree, struct failure *ret_failure)
{
    struct account *before = shared ? account_swap(shared_account(sql)) : account_current();
    int r = await_grammar(text, ret_tree, ret_failure);

    (void)account_swap(before);
    return r;
}

/* A plan of exactly this text. Counted. */
static int whole_plan(struct sql_session *sql, const struct plan_key *key, size_t literals,
                      struct plan **ret_plan, struct failure *ret_failure)
{
    struct tree *tree cleanup(tree_destroyp) = NULL;
    struct plan *plan = NULL;
    struct place place = place_of(sql);

    if (place.cache != NULL && plan_cache_find(place.cache, key, &plan)) {
        if (plan == NULL) {
            return FAILED; /* known not to work with its literals taken out */
        }
        *ret_plan = sql_plan_ref(plan);
        return 0;
    }
    if (parse_aside(sql, key->text, place.shared, &tree, ret_failure) != 0) {
        return FAILED;
    }
    place = tree == NULL ? place : place_of(sql);
    if (make_plan(sql, key, literals, place.shared, &tree, &plan, ret_failure) != 0) {
        if (literals > 0) {
            remember(sql, place, key, NULL);
        }
        return FAILED;
    }
    remember(sql, place, key, plan);
    *ret_plan = plan;
    return 0;
}

/* ---- thin plans: a shared plan and this text's literals ---- */

/* 'it''s' -> it's, into the arena. */
static struct view unquoted(struct arena *arena, struct view literal)
{
    uint8_t *text = arena_alloc(arena, literal.len + 1);
    size_t len = 0;

    for (size_t i = 1; text != NULL && i + 1 < literal.len; i++) {
        text[len++] = literal.data[i];
        i += literal.data[i] == '\'';
    }
    return view_of(text, len);
}

static int read_literal(struct sql_session *sql, struct plan *thin, struct view literal,
                        uint32_t oid, struct cell *ret_cell)
{
    struct buf scratch cleanup(buf_finish) = { 0 };
    struct view text = literal.data[0] == '\'' ? unquoted(&thin->arena, literal) : literal;
    struct cell cell;
    char *kept;

    if (oid == OID_TEXT && text.data != NULL) {
        *ret_cell = (struct cell){ .kind = CELL_TEXT, .bytes = text };
        return 0;
    }
    if (text.data == NULL ||
        value_decode(oid, -1, FORMAT_TEXT, text, &sql->style, &scratch, &cell, NULL) != 0) {
        return FAILED;
    }
    if (cell.kind >= CELL_TEXT) {
        kept = arena_strndup(&thin->arena, cell.bytes.data, cell.bytes.len);
        if (kept == NULL) {
            return FAILED;
        }
        cell.bytes.data = (const uint8_t *)kept;
    }
    *ret_cell = cell;
    return 0;
}

/* 0, or FAILED without a failure: the text is then taken as it is, and says what is wrong. */
static int thin_plan(struct sql_session *sql, struct plan *base, const struct normal *normal,
                     struct plan **ret_plan)
{
    struct plan *thin cleanup(plan_unrefp) = mem_zalloc(sizeof(*thin));

    if (thin == NULL) {
        return FAILED;
    }
    thin->refs = 1;
    thin->base = sql_plan_ref(base);
    thin->literals = arena_alloc(&thin->arena, normal->count * sizeof(*thin->literals));
    if (thin->literals == NULL || base->param_count != normal->count) {
        return FAILED;
    }
    thin->literal_count = normal->count;
    for (size_t i = 0; i < normal->count; i++) {
        if (read_literal(sql, thin, normal->literals[i], base->param_oids[i], &thin->literals[i]) !=
            0) {
            return FAILED;
        }
    }
    *ret_plan = take_ptr(thin);
    return 0;
}

/* 0, or FAILED: take the text as it is. */
static int prepare_normal(struct sql_session *sql, const struct normal *normal,
                          struct plan **ret_plan)
{
    struct plan_key key = {
        .text = view_of(normal->text, normal->len),
        .oids = normal->oids,
        .oid_count = normal->count,
        .style = style_key(sql),
    };
    struct plan *base cleanup(plan_unrefp) = NULL;
    struct failure failure;

    failure_clear(&failure);
    return whole_plan(sql, &key, normal->count, &base, &failure) != 0
               ? FAILED
               : thin_plan(sql, base, normal, ret_plan);
}

/* ---- preparing ---- */

int sql_prepare(struct sql_session *sql, struct view statement, const uint32_t *param_oids,
                size_t param_count, struct plan **ret_plan, struct failure *ret_failure)
{
    struct plan_key key = {
        .text = statement, .oids = param_oids, .oid_count = param_count, .style = style_key(sql)
    };
    struct normal normal;
    int result;

    if (param_count == 0 && normal_take(statement, &normal) &&
        prepare_normal(sql, &normal, ret_plan) == 0) {
        return 0;
    }
    result = whole_plan(sql, &key, 0, ret_plan, ret_failure);
    sql->txn_failed = sql->txn_failed || result != 0;
    return result;
}

/* ---- named statements ---- */

int sql_statement_put(struct sql_session *sql, struct view name, struct plan *plan,
                      struct failure *ret_failure)
{
    int result = names_put(sql->statements, name, plan);

    if (result == NAMES_TAKEN) {
        return failure_set(ret_failure, "42P05", "prepared statement \"%.*s\" already exists",
                           (int)name.len, (const char *)name.data);
    }
    if (result != 0) {
        return failure_set_nomem(ret_failure);
    }
    (void)sql_plan_ref(plan);
    return 0;
}

static bool same_columns(const struct plan *a, const struct plan *b)
{
    if (a->column_count != b->column_count) {
        return false;
    }
    for (size_t i = 0; i < a->column_count; i++) {
        if (a->columns[i].type_oid != b->columns[i].type_oid ||
            strcmp(a->columns[i].name, b->columns[i].name) != 0) {
            return false;
        }
    }
    return true;
}

/* The schema has changed under a named statement: plans it again. */
static int renew(struct sql_session *sql, struct view name, struct plan **plan,
                 struct failure *ret_failure)
{
    const struct plan *old = plan_whole(*plan);
    struct plan *fresh cleanup(plan_unrefp) = NULL;
    struct plan_key key = { .text = old->text,
                            .oids = old->given_oids,
                            .oid_count = old->given_count,
                            .style = style_key(sql) };

    if (whole_plan(sql, &key, 0, &fresh, ret_failure) != 0) {
        return FAILED;
    }
    if ((old->flags & PLAN_MADE_ANEW) == 0 && !same_columns(old, fresh)) {
        return cursor_fail_stale(ret_failure);
    }
    (void)names_remove(sql->statements, name);
    if (names_put(sql->statements, name, fresh) != 0) {
        return failure_set_nomem(ret_failure);
    }
    *plan = take_ptr(fresh);
    return 0;
}

int sql_statement_get(struct sql_session *sql, struct view name, struct plan **ret_plan,
                      struct failure *ret_failure)
{
    struct plan *plan = names_find(sql->statements, name);

    if (plan == NULL) {
        return failure_set(ret_failure, "26000",
                           name.len == 0 ? "unnamed prepared statement does not exist"
                                         : "prepared statement \"%.*s\" does not exist",
                           (int)name.len, (const char *)name.data);
    }
    follow_schema(sql);
    bool stale = plan->base == NULL && plan->verb == NULL && plan->text.len > 0 &&
                 plan->schema != sql->schema_changes;
    if ((stale || (plan->flags & PLAN_MADE_ANEW) != 0) &&
        renew(sql, name, &plan, ret_failure) != 0) {
        return FAILED;
    }
    *ret_plan = plan;
    return 0;
}

void sql_statement_close(struct sql_session *sql, struct view name)
{
    (void)names_remove(sql->statements, name);
}

/* ---- the end of a transaction ---- */

void sql_transaction_over(struct sql_session *sql, bool committed)
{
    settings_transaction_ended(sql, committed);
    listening_transaction_ended(sql, committed);
    if (!committed && sql->schema_changes != sql->txn_schema_changes) {
        sql_schema_changed(sql);
    }
    sql->txn_schema_changes = sql->schema_changes;
    sql->txn_failed = false;
    sql->txn_number++;
    sql->txn_start_us = 0;
}

int sql_implicit_end(struct sql_session *sql, struct failure *ret_failure)
{
    int r = txn_implicit_end(sql->session, ret_failure);

    sql->txn_failed = sql->txn_failed || r != 0;
    return r;
}

void sql_transaction_ended(struct sql_session *sql)
{
    portals_sweep(sql);
    if (txn_is_explicit(sql->session)) {
        return;
    }
    sql_transaction_over(sql, !sql->txn_failed);
    portals_end(sql);
}
