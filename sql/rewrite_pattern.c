/* sql/rewrite_pattern.c: operators of strings and JSON: ||, LIKE, SIMILAR TO, regular expressions,
 * -> and its kin. */
#include "sql/rewrite_op.h"

#include "sql/grammar.h"

struct expr op_concat(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                      struct expr left, struct expr right)
{
    if (left.type.oid == OID_BYTEA && (right.type.oid == OID_BYTEA || right.untyped != NULL)) {
        right = expr_resolve(r, right, TYPE_OF(OID_BYTEA));
        return expr_make(r, TYPE_OF(OID_BYTEA), PREC_PRIMARY, "CAST(%s || %s AS BLOB)",
                         expr_in(r, &left, PREC_CONCAT), expr_in(r, &right, PREC_COLLATE));
    }
    if (type_element(left.type.oid) != 0 || type_element(right.type.oid) != 0 ||
        left.type.oid == OID_JSONB) {
        rewrite_unsupported(r, node->location, "|| of arrays and jsonb");
        return expr_none();
    }
    left = expr_resolve(r, left, TYPE_OF(OID_TEXT));
    right = expr_resolve(r, right, TYPE_OF(OID_TEXT));
    if (!r->failed && left.type.oid != 0 && right.type.oid != 0 && !type_is_string(left.type.oid) &&
        !type_is_string(right.type.oid)) {
        return op_missing(r, op, left, right, node->location);
    }
    left = expr_cast(r, left, TYPE_OF(OID_TEXT), CAST_EXPLICIT, -1);
    right = expr_cast(r, right, TYPE_OF(OID_TEXT), CAST_EXPLICIT, -1);
    return op_infix(r, TYPE_OF(OID_TEXT), PREC_CONCAT, "||", left, right);
}

static bool both_text(struct rewriter *r, struct expr *left, struct expr *right)
{
    *left = expr_resolve(r, *left, TYPE_OF(OID_TEXT));
    *right = expr_resolve(r, *right, TYPE_OF(OID_TEXT));
    return !r->failed && (type_is_string(left->type.oid) || left->type.oid == 0) &&
           (type_is_string(right->type.oid) || right->type.oid == 0);
}

struct expr op_regex(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                     struct expr left, struct expr right)
{
    bool negated = op[0] == '!';

    if (!both_text(r, &left, &right)) {
        return r->failed ? expr_none() : op_missing(r, op, left, right, node->location);
    }
    return expr_make(r, TYPE_OF(OID_BOOL), negated ? PREC_NOT : PREC_PRIMARY,
                     "%spond_regex_match(%s, %s, %d)", negated ? "NOT " : "", left.text, right.text,
                     op[strlen(op) - 1] == '*');
}

static const char *const json_names[][3] = {
    { "->", "pond_json_get", "json" },      { "->>", "pond_json_get_text", "text" },
    { "#>", "pond_json_path", "json" },     { "#>>", "pond_json_path_text", "text" },
    { "@>", "pond_json_contains", "bool" }, { "<@", "pond_json_contains", "bool" },
    { "?", "pond_json_exists", "bool" },
};

struct expr op_json(struct rewriter *r, const PgQuery__AExpr *node, const char *op,
                    struct expr left, struct expr right)
{
    bool containment = strcmp(op, "@>") == 0 || strcmp(op, "<@") == 0;

    if (left.untyped != NULL) {
        left = expr_resolve(r, left, containment ? TYPE_OF(OID_JSONB) : TYPE_NONE);
    }
    if (left.type.oid != OID_JSON && left.type.oid != OID_JSONB && left.type.oid != 0) {
        right = expr_resolve(r, right, TYPE_OF(left.type.oid));
        return op_missing(r, op, left, right, node->location);
    }
    right = expr_resolve(r, right, TYPE_OF(containment ? OID_JSONB : OID_TEXT));
    for (size_t i = 0; i < ARRAY_LEN(json_names) && !r->failed; i++) {
        if (strcmp(json_names[i][0], op) == 0) {
            char kind = json_names[i][2][0];
            struct type type =
                kind == 'j' ? TYPE_OF(left.type.oid) : TYPE_OF(kind == 't' ? OID_TEXT : OID_BOOL);
            bool turned = op[0] == '<';

            return expr_make(r, type, PREC_PRIMARY, "%s(%s, %s)", json_names[i][1],
                             turned ? right.text : left.text, turned ? left.text : right.text);
        }
    }
    return expr_none();
}

static const char *like_escape(struct rewriter *r, const PgQuery__Node **pattern)
{
    const PgQuery__FuncCall *call;

    if ((*pattern)->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) {
        return "'\\'";
    }
    call = (*pattern)->func_call;
    if (strcmp(node_string(call->funcname[call->n_funcname - 1]), "like_escape") != 0 &&
        strcmp(node_string(call->funcname[call->n_funcname - 1]), "similar_to_escape") != 0) {
        return "'\\'";
    }
    *pattern = call->args[0];
    return call->n_args > 1 ? expr_typed(r, call->args[1], TYPE_OF(OID_TEXT)).text : "'\\'";
}

struct expr op_like(struct rewriter *r, const PgQuery__AExpr *node, const char *op)
{
    const PgQuery__Node *pattern = node->rexpr;
    const char *escape = like_escape(r, &pattern);
    struct expr left = expr_of(r, node->lexpr);
    struct expr right = expr_of(r, pattern);
    const char *not_ = op[0] == '!' ? "NOT " : "";

    if (!both_text(r, &left, &right)) {
        return r->failed ? expr_none() : op_missing(r, op, left, right, node->location);
    }
    if (node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR) {
        return expr_make(r, TYPE_OF(OID_BOOL), PREC_NOT, "%spond_similar(%s, %s, %s)", not_,
                         left.text, right.text, escape);
    }
    if (op[strlen(op) - 1] == '*') {
        return expr_make(r, TYPE_OF(OID_BOOL), PREC_NOT, "%spond_ilike(%s, %s, %s)", not_,
                         left.text, right.text, escape);
    }
    if (escape[0] == '\'' && escape[1] == '\'') {
        return op_infix(r, TYPE_OF(OID_BOOL), PREC_EQUAL, op[0] == '!' ? "NOT LIKE" : "LIKE", left,
                        right);
    }
    return expr_make(r, TYPE_OF(OID_BOOL), PREC_EQUAL, "%s %sLIKE %s ESCAPE %s",
                     expr_in(r, &left, PREC_COMPARE), not_, expr_in(r, &right, PREC_COMPARE),
                     escape);
}
