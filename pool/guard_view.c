/* pool/guard_view.c: how deep do views stand upon views?
 *
 * SQLite expands a view inside a view by recursion, asking nobody and knowing no limit. Every word
 * in a FROM clause (or after IN) that is a view's name counts as a use of it: rather too many than
 * too few. All views are looked at, since a new one may slip under others that named it before it
 * was there. */
#include "pool/guard.h"
#include "pool/session_state.h"
#include "pool/sqltext.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

enum { name_bytes = 256, views_most = 10000 };

struct view_node {
    char name[name_bytes];
    char *text;                   /* owned */
    struct sqltext_weight own;    /* of its text alone */
    size_t depth;                 /* views upon views */
    struct sqltext_weight weight; /* with all that it stands upon */
};

struct view_use {
    size_t by;
    size_t of;
};

struct view_nodes {
    struct view_node *nodes;
    size_t count;
    size_t cap;
    struct view_use *uses;
    size_t use_count;
    size_t use_cap;
};

static void nodes_finish(struct view_nodes *v)
{
    for (size_t i = 0; i < v->count; i++) {
        mem_free(v->nodes[i].text);
    }
    mem_free(v->nodes);
    mem_free(v->uses);
}

static int nodes_add(struct view_nodes *v, const char *name, struct view text)
{
    if (v->count == v->cap) {
        size_t cap = v->cap == 0 ? 16 : v->cap * 2;
        struct view_node *nodes = mem_realloc(v->nodes, cap * sizeof(*nodes));

        if (nodes == NULL) {
            return -ENOMEM;
        }
        v->nodes = nodes;
        v->cap = cap;
    }
    char *copy = mem_strndup(text.data, text.len);
    if (copy == NULL) {
        return -ENOMEM;
    }
    struct view_node *node = &v->nodes[v->count++];
    *node = (struct view_node){ .text = copy, .own = sqltext_weigh(text), .depth = 1 };
    node->own.nesting++;
    node->weight = node->own;
    strncat(node->name, name, sizeof(node->name) - 1);
    return 0;
}

static int compare_nodes(const void *a, const void *b)
{
    return strcasecmp(((const struct view_node *)a)->name, ((const struct view_node *)b)->name);
}

static int compare_to_name(const void *key, const void *node)
{
    return strcasecmp(key, ((const struct view_node *)node)->name);
}

static struct view_node *nodes_find(const struct view_nodes *v, const char *name)
{
    return bsearch(name, v->nodes, v->count, sizeof(*v->nodes), compare_to_name);
}

/* The name that a CREATE VIEW gives: the word before its column list or AS. */
static void created_name(struct view sql, char *name, size_t size)
{
    struct sqltext_token before = sqltext_next(&sql);
    struct sqltext_token token = sqltext_next(&sql);

    while (token.kind != SQLTEXT_END && !sqltext_is(&token, "AS") &&
           !sqltext_is_byte(&token, '(')) {
        before = token;
        token = sqltext_next(&sql);
    }
    sqltext_identifier(&before, name, size);
}

static int nodes_load(struct session *session, struct view_nodes *v)
{
    sqlite3_stmt *stmt = NULL;
    int r = 0;

    session->internal++;
    int rc =
        sqlite3_prepare_v2(session->db,
                           "SELECT name, sql FROM main.sqlite_schema WHERE type = 'view' UNION ALL "
                           "SELECT name, sql FROM temp.sqlite_schema WHERE type = 'view'",
                           -1, &stmt, NULL);
    while (rc == SQLITE_OK && r == 0 && sqlite3_step(stmt) == SQLITE_ROW && v->count < views_most) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        const char *text = (const char *)sqlite3_column_text(stmt, 1);

        r = name == NULL || text == NULL ? -ENOMEM : nodes_add(v, name, view_of_str(text));
    }
    if (sqlite3_finalize(stmt) != SQLITE_OK || rc != SQLITE_OK) {
        r = -ENOMEM;
    }
    session->internal--;
    return r;
}

static int uses_add(struct view_nodes *v, size_t by, size_t of)
{
    if (v->use_count == v->use_cap) {
        size_t cap = v->use_cap == 0 ? 64 : v->use_cap * 2;
        struct view_use *uses = mem_realloc(v->uses, cap * sizeof(*uses));

        if (uses == NULL) {
            return -ENOMEM;
        }
        v->uses = uses;
        v->use_cap = cap;
    }
    v->uses[v->use_count++] = (struct view_use){ .by = by, .of = of };
    return 0;
}

/* Is the scan inside a FROM clause? Parentheses bring back what was before them. */
struct from_scan {
    bool saved[128];
    size_t depth;
    bool from;
};

static void scan_step(struct from_scan *scan, const struct sqltext_token *token)
{
    static const char *const begins[] = { "FROM", "JOIN", "IN" };
    static const char *const ends[] = { "SELECT", "WHERE", "GROUP",  "HAVING",    "ORDER",
                                        "LIMIT",  "UNION", "EXCEPT", "INTERSECT", "WINDOW" };

    if (sqltext_is_byte(token, '(')) {
        scan->saved[scan->depth % ARRAY_LEN(scan->saved)] = scan->from;
        scan->depth++;
    } else if (sqltext_is_byte(token, ')') && scan->depth > 0) {
        scan->depth--;
        scan->from = scan->saved[scan->depth % ARRAY_LEN(scan->saved)];
    }
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        scan->from = scan->from || sqltext_is(token, begins[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        scan->from = scan->from && !sqltext_is(token, ends[i]);
    }
}

static int find_uses(struct view_nodes *v, size_t by)
{
    struct view text = view_of_str(v->nodes[by].text);
    struct from_scan scan = { .from = false };
    struct sqltext_token token;
    int r = 0;

    while (r == 0 && (token = sqltext_next(&text)).kind != SQLTEXT_END) {
        char name[name_bytes];

        scan_step(&scan, &token);
        if (!scan.from || token.kind == SQLTEXT_OTHER) {
            continue;
        }
        sqltext_identifier(&token, name, sizeof(name));
        const struct view_node *used = nodes_find(v, name);
        if (used != NULL && used != &v->nodes[by]) {
            r = uses_add(v, by, (size_t)(used - v->nodes));
        }
    }
    return r;
}

/* True when it rose. */
static bool raise_to(size_t *value, size_t least)
{
    bool rises = least > *value;

    *value = rises ? least : *value;
    return rises;
}

static bool deepen(const struct view_nodes *v, const struct view_use *use)
{
    const struct view_node *of = &v->nodes[use->of];
    struct view_node *by = &v->nodes[use->by];
    bool deeper = raise_to(&by->depth, of->depth + 1);

    deeper = raise_to(&by->weight.nesting, of->weight.nesting + by->own.nesting) || deeper;
    return raise_to(&by->weight.depth, of->weight.depth + by->own.depth) || deeper;
}

static bool node_too_deep(const struct view_node *node)
{
    return node->depth > guard_view_depth || node->weight.nesting > guard_view_nesting ||
           node->weight.depth > guard_view_text_depth;
}

/* Depths rise along the uses until nothing moves. A circle rises until it is too deep, which is
 * right: no statement could use it. */
static bool too_deep(const struct view_nodes *v)
{
    bool changed = true;

    for (size_t i = 0; i < v->count; i++) {
        if (node_too_deep(&v->nodes[i])) {
            return true;
        }
    }
    while (changed) {
        changed = false;
        for (size_t i = 0; i < v->use_count; i++) {
            changed = deepen(v, &v->uses[i]) || changed;
            if (node_too_deep(&v->nodes[v->uses[i].by])) {
                return true;
            }
        }
    }
    return false;
}

int guard_check_views(struct session *session, struct view sql, struct failure *ret_failure)
{
    struct view_nodes nodes cleanup(nodes_finish) = { .count = 0 };
    char name[name_bytes];
    int r = nodes_load(session, &nodes);

    created_name(sql, name, sizeof(name));
    if (r == 0) {
        r = nodes_add(&nodes, name, sql);
    }
    if (r < 0) {
        return failure_set_nomem(ret_failure);
    }
    qsort(nodes.nodes, nodes.count, sizeof(*nodes.nodes), compare_nodes);
    for (size_t i = 0; r == 0 && i < nodes.count; i++) {
        r = find_uses(&nodes, i);
    }
    if (r < 0) {
        return failure_set_nomem(ret_failure);
    }
    if (!too_deep(&nodes)) {
        return 0;
    }
    failure_set(ret_failure, "54001", "view \"%s\" is nested too deeply", name);
    failure_add(ret_failure, FIELD_DETAIL, "At most %d views may stand upon each other.",
                guard_view_depth);
    return FAILED;
}

/* ---- generated columns ---- */

/* ALTER TABLE [schema.]name ... */
static void altered_name(struct view sql, char *name, size_t size)
{
    (void)sqltext_next(&sql);
    (void)sqltext_next(&sql);
    struct sqltext_token token = sqltext_next(&sql);
    struct sqltext_token dot = sqltext_next(&sql);

    if (sqltext_is_byte(&dot, '.')) {
        token = sqltext_next(&sql);
    }
    sqltext_identifier(&token, name, size);
}

static size_t weigh_table(struct session *session, const char *name)
{
    sqlite3_stmt *stmt = NULL;
    size_t depth = 0;

    session->internal++;
    if (sqlite3_prepare_v2(
            session->db,
            "SELECT sql FROM main.sqlite_schema WHERE name = ?1 COLLATE NOCASE UNION ALL "
            "SELECT sql FROM temp.sqlite_schema WHERE name = ?1 COLLATE NOCASE",
            -1, &stmt, NULL) == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            size_t weight =
                sqltext_weigh(view_of_str((const char *)sqlite3_column_text(stmt, 0))).depth;

            depth = weight > depth ? weight : depth;
        }
    }
    if (sqlite3_finalize(stmt) != SQLITE_OK) {
        depth = SIZE_MAX / 2; /* not known: no memory */
    }
    session->internal--;
    return depth;
}

int guard_check_table(struct session *session, struct view sql, struct failure *ret_failure)
{
    char name[name_bytes];

    altered_name(sql, name, sizeof(name));
    if (weigh_table(session, name) + sqltext_weigh(sql).depth <= guard_statement_depth) {
        return 0;
    }
    return failure_set(ret_failure, "54001", "table \"%s\" has too many generated columns", name);
}
