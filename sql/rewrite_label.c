/* sql/rewrite_label.c: the name of a result column that has no AS: PostgreSQL's FigureColname(). */
#include "sql/expr.h"

#include "sql/grammar.h"

/* A name and how sure it is: 0 none, 1 weak (a cast's type gives way to its argument's name), 2
 * sure. */
struct label {
    const char *name;
    int strength;
};

static struct label label_of(const PgQuery__Node *node, unsigned depth);

static struct label last_name(PgQuery__Node *const *names, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        if (names[i - 1]->node_case == PG_QUERY__NODE__NODE_STRING) {
            return (struct label){ names[i - 1]->string->sval, 2 };
        }
    }
    return (struct label){ NULL, 0 };
}

static struct label of_cast(const PgQuery__TypeCast *cast, unsigned depth)
{
    struct label label = label_of(cast->arg, depth);

    if (label.strength <= 1 && cast->type_name != NULL && cast->type_name->n_names > 0) {
        label =
            (struct label){ node_string(cast->type_name->names[cast->type_name->n_names - 1]), 1 };
    }
    return label;
}

static struct label of_case(const PgQuery__CaseExpr *c, unsigned depth)
{
    struct label label = label_of(c->defresult, depth);

    return label.strength <= 1 ? (struct label){ "case", 1 } : label;
}

static struct label of_sublink(const PgQuery__SubLink *s, unsigned depth)
{
    const PgQuery__SelectStmt *select;

    switch (s->sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
        return (struct label){ "exists", 2 };
    case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK:
        return (struct label){ "array", 2 };
    case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK:
        break;
    default:
        return (struct label){ NULL, 0 };
    }
    if (s->subselect == NULL || s->subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        return (struct label){ NULL, 0 };
    }
    select = s->subselect->select_stmt;
    while (select->larg != NULL) {
        select = select->larg;
    }
    if (select->n_target_list > 0) {
        const PgQuery__ResTarget *target = select->target_list[0]->res_target;

        return target->name != NULL && target->name[0] != '\0' ? (struct label){ target->name, 2 }
                                                               : label_of(target->val, depth);
    }
    return select->n_values_lists > 0 ? (struct label){ "column1", 2 } : (struct label){ NULL, 0 };
}

static struct label label_of(const PgQuery__Node *node, unsigned depth)
{
    if (node == NULL || depth > 100) {
        return (struct label){ NULL, 0 };
    }
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        return last_name(node->column_ref->fields, node->column_ref->n_fields);
    case PG_QUERY__NODE__NODE_A_INDIRECTION: {
        struct label label =
            last_name(node->a_indirection->indirection, node->a_indirection->n_indirection);

        return label.strength > 0 ? label : label_of(node->a_indirection->arg, depth + 1);
    }
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        return last_name(node->func_call->funcname, node->func_call->n_funcname);
    case PG_QUERY__NODE__NODE_A_EXPR:
        return node->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF
                   ? (struct label){ "nullif", 2 }
                   : (struct label){ NULL, 0 };
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        return of_cast(node->type_cast, depth + 1);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        return label_of(node->collate_clause->arg, depth + 1);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
        return (struct label){ "grouping", 2 };
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return of_sublink(node->sub_link, depth + 1);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        return of_case(node->case_expr, depth + 1);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
        return (struct label){ "array", 2 };
    case PG_QUERY__NODE__NODE_ROW_EXPR:
        return (struct label){ "row", 2 };
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return (struct label){ "coalesce", 2 };
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return (struct label){
            node->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least", 2
        };
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        return (struct label){ value_function_name(node->sqlvalue_function), 2 };
    default:
        return (struct label){ NULL, 0 };
    }
}

const char *select_label(const PgQuery__Node *node)
{
    struct label label = label_of(node, 0);

    return label.name != NULL && label.name[0] != '\0' ? label.name : "?column?";
}
