/* sql/grammar.c: text -> protobuf -> typed tree, which lives in one arena. libpg_query's own memory
 * is malloc's and freed before we return; what it may be is counted meanwhile. */
#include "sql/grammar.h"

#include "async/await.h"
#include "async/task.h"
#include "base/alloc.h"
#include "sql/arena.h"
#include "sql/lexer.h"

#include <pg_query.h>

/* What libpg_query takes, measured: "a,a,a" is 1 kB of it for each 2.5 bytes. */
enum { parser_token_bytes = 400, parser_text_factor = 4 };

struct tree {
    struct arena arena;
    PgQuery__ParseResult *result;
};

static void *tree_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void tree_free(void *arena, void *block)
{
    (void)arena; /* all at once, by tree_destroy */
    (void)block;
}

static const struct {
    const char *text;
    const char *sqlstate;
} message_states[] = {
    { "stack depth limit exceeded", "54001" },
    { "out of memory", "53200" },
    { "not supported", "0A000" },
    { "not yet supported", "0A000" },
    { "not implemented", "0A000" },
    { "nvalid Unicode", "22025" },
    { "is out of range", "22003" },
    { "specified more than once", "42601" },
};

static int fail_parse(const PgQueryError *error, struct failure *ret_failure)
{
    const char *sqlstate = "42601";

    for (size_t i = 0; i < ARRAY_LEN(message_states); i++) {
        if (strstr(error->message, message_states[i].text) != NULL) {
            sqlstate = message_states[i].sqlstate;
            break;
        }
    }
    (void)failure_set(ret_failure, sqlstate, "%s", error->message);
    if (ret_failure != NULL) {
        ret_failure->position = error->cursorpos;
    }
    return FAILED;
}

static void free_parsed(PgQueryProtobufParseResult *parsed)
{
    pg_query_free_protobuf_parse_result(*parsed);
}

static int parse_text(const char *text, struct tree *tree, struct failure *ret_failure)
{
    ProtobufCAllocator allocator = { tree_alloc, tree_free, &tree->arena };
    PgQueryProtobufParseResult parsed cleanup(free_parsed) = pg_query_parse_protobuf(text);

    if (parsed.error != NULL) {
        return fail_parse(parsed.error, ret_failure);
    }
    tree->result = pg_query__parse_result__unpack(&allocator, parsed.parse_tree.len,
                                                  (const uint8_t *)parsed.parse_tree.data);
    return tree->result == NULL ? failure_set_nomem(ret_failure) : 0;
}

static void destroy_treep(struct tree **tree)
{
    tree_destroy(*tree);
}

static int fail_depth(struct failure *ret_failure)
{
    (void)failure_set(ret_failure, "54001", "stack depth limit exceeded");
    failure_add(ret_failure, FIELD_HINT,
                "Write the statement with less nesting (at most %d levels).", grammar_depth_max);
    return FAILED;
}

static int make_tree(struct view text, struct tree **ret_tree, struct failure *ret_failure)
{
    struct tree *tree cleanup(destroy_treep) = mem_zalloc(sizeof(*tree));
    char *copy = tree == NULL ? NULL : arena_strndup(&tree->arena, text.data, text.len);

    if (copy == NULL) {
        return failure_set_nomem(ret_failure);
    }
    if (parse_text(copy, tree, ret_failure) != 0) {
        return FAILED;
    }
    *ret_tree = take_ptr(tree);
    return 0;
}

/* Nobody's working memory, but the daemon's for a moment: only what all share can be too little. */
static int make_tree_of(struct view text, size_t tokens, struct tree **ret_tree,
                        struct failure *ret_failure)
{
    size_t bytes = tokens * parser_token_bytes + text.len * parser_text_factor;
    struct account *was = account_swap(account_top(account_current()));
    struct account *charged = NULL;
    int r = account_reserve(bytes, &charged);

    account_swap(was);
    if (r != 0) {
        return failure_set_nomem(ret_failure);
    }
    r = make_tree(text, ret_tree, ret_failure);
    account_unreserve(charged, bytes);
    return r;
}

int grammar_parse(struct view text, struct tree **ret_tree, struct failure *ret_failure)
{
    struct lexer_weight weight;

    if (lexer_weigh(text, &weight, ret_failure) != 0) {
        return FAILED;
    }
    return weight.depth > grammar_depth_max
               ? fail_depth(ret_failure)
               : make_tree_of(text, weight.tokens, ret_tree, ret_failure);
}

/* ---- aside ---- */

struct parsing {
    struct view text;
    struct tree *tree;
    struct failure *failure;
    int result;
};

/* What is too deep for this thread is left to the loop's. */
static void parse_aside(void *arg)
{
    struct parsing *parsing = arg;
    struct lexer_weight weight;

    parsing->result = lexer_weigh(parsing->text, &weight, parsing->failure);
    if (parsing->result == 0 && weight.depth <= grammar_aside_depth) {
        parsing->result =
            make_tree_of(parsing->text, weight.tokens, &parsing->tree, parsing->failure);
    }
}

int await_grammar(struct view text, struct tree **ret_tree, struct failure *ret_failure)
{
    struct parsing parsing = { .text = text, .failure = ret_failure };

    *ret_tree = NULL;
    if (text.len < grammar_long_bytes || task_stack_used() == 0) {
        return 0;
    }
    if (await_offload(parse_aside, &parsing) != 0) {
        return failure_set_no_thread(ret_failure);
    }
    *ret_tree = parsing.tree;
    return parsing.result;
}

const PgQuery__Node *tree_statement(const struct tree *tree)
{
    return tree->result->n_stmts == 0 ? NULL : tree->result->stmts[0]->stmt;
}

size_t tree_bytes(const struct tree *tree)
{
    return sizeof(*tree) + tree->arena.total;
}

void tree_destroy(struct tree *tree)
{
    if (tree != NULL) {
        arena_finish(&tree->arena);
        mem_free(tree);
    }
}

const char *node_string(const PgQuery__Node *node)
{
    return node != NULL && node->node_case == PG_QUERY__NODE__NODE_STRING &&
                   node->string->sval != NULL
               ? node->string->sval
               : "";
}
