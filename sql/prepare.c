/* sql/prepare.c: the way from a text to a plan: literals out, cache, else grammar and rewriting on
 * the loop's big stack, then SQLite's own opinion; and the plans that have names. */
#include "sql/session_state.h"

#include "async/task.h"
#include "base/alloc.h"
#include "pool/clone.h"
#include "pool/names.h"
#include "pool/session.h"
#include "pool/template.h"
#include "sql/grammar.h"
#include "sql/normal.h"
#include "sql/plan_cache.h"

enum {
    shared_plans = 4096,
    shared_plan_bytes = 16 << 20,
    own_plans = 256,
    own_plan_bytes = 1 << 20,
};

/* ---- caches ---- */

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

/* ---- preparing ---- */

/* 0, or FAILED: take the text as it is. */
static int prepare_normal(struct sql_session *sql, struct view statement,
                          const struct normal *normal, struct plan **ret_plan)
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
               : plan_thin(sql, base, statement, normal, ret_plan);
}

static int prepare(struct sql_session *sql, struct view statement, const uint32_t *param_oids,
                   size_t param_count, struct plan **ret_plan, struct failure *ret_failure)
{
    struct plan_key key = {
        .text = statement, .oids = param_oids, .oid_count = param_count, .style = style_key(sql)
    };
    struct normal normal;

    if (param_count == 0 && normal_take(statement, &normal) &&
        prepare_normal(sql, statement, &normal, ret_plan) == 0) {
        return 0;
    }
    return whole_plan(sql, &key, 0, ret_plan, ret_failure);
}

int sql_prepare(struct sql_session *sql, struct view statement, const uint32_t *param_oids,
                size_t param_count, struct plan **ret_plan, struct failure *ret_failure)
{
    int result = prepare(sql, statement, param_oids, param_count, ret_plan, ret_failure);

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

int plan_make_again(struct sql_session *sql, const struct plan *old, struct plan **ret_plan,
                    struct failure *ret_failure)
{
    struct plan *made cleanup(plan_unrefp) = NULL;
    bool typed = old->base == NULL && old->param_count > 0;

    if (prepare(sql, old->text, typed ? old->param_oids : old->given_oids,
                typed ? old->param_count : old->given_count, &made, ret_failure) != 0) {
        return FAILED;
    }
    *ret_plan = (old->flags & PLAN_OF_PREPARE) != 0 ? sql_plan_ref(made->extra) : take_ptr(made);
    return 0;
}

/* The schema has changed under a named statement: plans it again. */
static int renew(struct sql_session *sql, struct view name, struct plan **plan,
                 struct failure *ret_failure)
{
    const struct plan *old = plan_whole(*plan);
    struct plan *fresh cleanup(plan_unrefp) = NULL;

    if (plan_make_again(sql, *plan, &fresh, ret_failure) != 0) {
        return FAILED;
    }
    if ((old->flags & PLAN_MADE_ANEW) == 0 && !same_columns(old, plan_whole(fresh))) {
        return cursor_fail_stale(ret_failure);
    }
    (void)names_remove(sql->statements, name);
    if (names_put(sql->statements, name, fresh) != 0) {
        return failure_set_nomem(ret_failure);
    }
    *plan = take_ptr(fresh);
    return 0;
}

/* Of verbs, those whose plan has more in it than their own words. */
static bool is_stale(const struct sql_session *sql, const struct plan *plan)
{
    const struct plan *whole = plan_whole(plan);

    return whole->schema != sql->schema_changes && plan->text.len > 0 &&
           (whole->verb == NULL || whole->extra != NULL);
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
    if ((is_stale(sql, plan) || (plan->flags & PLAN_MADE_ANEW) != 0) &&
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
