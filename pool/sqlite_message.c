/* pool/sqlite_message.c: SQLite's texts, a row each, and what PostgreSQL says in their place.
 *
 * In a pattern `%` stands for any text, which `%1` and `%2` of the answer put back; a NULL answer
 * keeps SQLite's words. The first row that fits is taken, so special ones stand before general
 * ones. */
#include "pool/sqlite_error.h"

#include <stdio.h>

static const struct message {
    const char *pattern;
    const char *sqlstate;
    const char *answer;
} messages[] = {
    /* names that are not there */
    { "error in view %: no such table: %", "42P01", "relation \"%2\" does not exist" },
    { "error in % after %", "2BP01", NULL },
    { "error in % %: %", "2BP01", NULL },
    { "no such table: %", "42P01", "relation \"%1\" does not exist" },
    { "no such view: %", "42P01", "view \"%1\" does not exist" },
    { "no such index: %", "42704", "index \"%1\" does not exist" },
    { "no such trigger: %", "42704", "trigger \"%1\" does not exist" },
    { "no such column: \"%\"", "42703", "column \"%1\" does not exist" },
    { "no such column: %.%", "42703", "column %1.%2 does not exist" },
    { "no such column: %", "42703", "column \"%1\" does not exist" },
    { "no such function: %", "42883", "function %1 does not exist" },
    { "no such module: %", "58P01", "module \"%1\" does not exist" },
    { "no such window: %", "42704", "window \"%1\" does not exist" },
    { "no such savepoint: %", "3B001", "savepoint \"%1\" does not exist" },
    { "no such collation sequence: %", "42704",
      "collation \"%1\" for encoding \"UTF8\" does not exist" },
    { "no such database: %", "3F000", "schema \"%1\" does not exist" },
    { "unknown database %", "3F000", "schema \"%1\" does not exist" },
    { "unknown or unsupported join type: %", "42601", NULL },
    { "table % has no column named %", "42703", "column \"%2\" of relation \"%1\" does not exist" },
    { "unknown column \"%\" in foreign key definition", "42703",
      "column \"%1\" referenced in foreign key constraint does not exist" },
    { "cannot join using column % - column not present in both tables", "42703",
      "column \"%1\" specified in USING clause does not exist in both tables" },
    { "'%' is not a function", "42883", "function %1 does not exist" },
    { "'%' is a view", "42809", "\"%1\" is a view" },

    /* syntax */
    { "near \"%\": syntax error", "42601", "syntax error at or near \"%1\"" },
    { "incomplete input", "42601", "syntax error at end of input" },
    { "unrecognized token: \"'%", "42601", "unterminated quoted string at or near \"'%1" },
    { "unrecognized token: \"%\"", "42601", "syntax error at or near \"%1\"" },
    { "parser stack overflow", "54001", "stack depth limit exceeded" },
    { "Expression tree is too large (maximum depth %)", "54001", "stack depth limit exceeded" },
    { "too many terms in compound SELECT", "54001", "stack depth limit exceeded" },
    { "too many levels of trigger recursion", "54001", "stack depth limit exceeded" },
    { "too many references to \"%\"%", "54001", NULL },
    { "row value misused", "42601", NULL },
    { "no tables specified", "42601", "SELECT * with no tables specified is not valid" },

    /* names that are there already, or twice */
    { "table % already exists", "42P07", "relation %q1 already exists" },
    { "view % already exists", "42P07", "relation %q1 already exists" },
    { "index % already exists", "42P07", "relation %q1 already exists" },
    { "there is already a table named %", "42P07", "relation %q1 already exists" },
    { "there is already an index named %", "42P07", "relation %q1 already exists" },
    { "there is already another table or index with this name: %", "42P07",
      "relation %q1 already exists" },
    { "trigger % already exists", "42710", "trigger %q1 already exists" },
    { "duplicate column name: %", "42701", "column %q1 specified more than once" },
    { "duplicate WITH table name: %", "42712", "WITH query name %q1 specified more than once" },
    { "ambiguous column name: %", "42702", "column reference \"%1\" is ambiguous" },
    { "object name reserved for internal use: %", "42939", "unacceptable name %q1" },
    { "table \"%\" has more than one primary key", "42P16",
      "multiple primary keys for table \"%1\" are not allowed" },

    /* counts that do not fit */
    { "wrong number of arguments to function %()", "42883",
      "function %1 with these arguments does not exist" },
    { "too many arguments on function %", "54023", "cannot pass so many arguments to function %1" },
    { "table % has % columns but % values were supplied", "42601",
      "INSERT has another number of expressions than relation \"%1\" has columns" },
    { "% values for % columns", "42601",
      "INSERT has another number of expressions than target columns" },
    { "% columns assigned % values", "42601", "number of columns does not match number of values" },
    { "sub-select returns % columns - expected 1", "42601",
      "subquery must return only one column" },
    { "sub-select returns % columns - expected %", "42601",
      "subquery has the wrong number of columns" },
    { "SELECTs to the left and right of % do not have the same number of result columns", "42601",
      "each %1 query must have the same number of columns" },
    { "all VALUES must have the same number of terms", "42601",
      "VALUES lists must all be the same length" },
    { "% ORDER BY term out of range - %", "42P10", "ORDER BY position is not in select list" },
    { "% GROUP BY term out of range - %", "42P10", "GROUP BY position is not in select list" },
    { "% ORDER BY term does not match any column in the result set", "42P10", NULL },
    { "expected % columns for '%' but got %", "42P10", NULL },
    { "table % has % values for % columns", "42P10", NULL },
    { "too many SQL variables", "54000", "too many parameters" },
    { "variable number must be between ?1 and ?%", "42P02", "there is no such parameter" },
    { "too many columns%", "54011", NULL },
    { "at most % tables in a join", "54000", NULL },
    { "too many FROM clause terms, max: %", "54000", NULL },
    { "LIKE or GLOB pattern too complex", "54000", NULL },
    { "string or blob too big", "54000", NULL },
    { "statement too long", "54000", "statement is too long" },

    /* where something may not stand */
    { "misuse of aggregate: %()", "42803", "aggregate functions are not allowed here" },
    { "misuse of aggregate function %()", "42803", "aggregate functions are not allowed here" },
    { "misuse of window function %()", "42P20", "window functions are not allowed here" },
    { "misuse of aliased aggregate %", "42803", "aggregate functions are not allowed here" },
    { "misuse of aliased window function %", "42P20", "window functions are not allowed here" },
    { "aggregate functions are not allowed in %", "42803", NULL },
    { "a GROUP BY clause is required before HAVING", "42803", NULL },
    { "HAVING clause on a non-aggregate query", "42803", NULL },
    { "non-deterministic %", "42P17", NULL },
    { "subqueries prohibited in %", "0A000", "cannot use subquery in %1" },
    { "parameters prohibited in %", "42P02", NULL },
    { "unsafe use of %", "42501", "permission denied for function %1" },
    { "% clause should come after % not before", "42601", NULL },
    { "recursive reference %", "42P19", NULL },
    { "multiple recursive references: %", "42P19", NULL },
    { "circular reference: %", "42P19", "recursive reference to query \"%1\" is circular" },
    { "view % is circularly defined", "42P17",
      "infinite recursion detected in rules for relation \"%1\"" },
    { "unable to use function % in the requested context", "0A000", NULL },
    { "ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint", "42P10",
      "there is no unique or exclusion constraint matching the ON CONFLICT specification" },
    { "foreign key mismatch - \"%\" referencing \"%\"", "42830",
      "there is no unique constraint matching given keys for referenced table \"%2\"" },
    { "foreign key on % should reference only one column of table %", "42830", NULL },
    { "number of columns in foreign key does not match%", "42830",
      "number of referencing and referenced columns for foreign key disagree" },
    { "AUTOINCREMENT is only allowed on an INTEGER PRIMARY KEY", "42P16", NULL },
    { "AUTOINCREMENT not allowed on WITHOUT ROWID tables", "42P16", NULL },
    { "PRIMARY KEY missing on table %", "42P16", NULL },
    { "default value of column [%] is not constant", "0A000",
      "cannot use column reference in DEFAULT expression" },
    { "generated column loop on \"%\"", "42P17", NULL },
    { "temporary table name must be unqualified", "42P16",
      "cannot create temporary relation in non-temporary schema" },
    { "unknown datatype for %: \"%\"", "42704", "type \"%2\" does not exist" },
    { "missing datatype for %", "42601", NULL },

    /* objects that cannot be used so */
    { "cannot modify % because it is a view", "55000", "cannot change view \"%1\"" },
    { "cannot UPSERT a view", "55000", NULL },
    { "table % may not be modified", "42501", "permission denied for table %1" },
    { "table % may not be dropped", "42501", "permission denied for table %1" },
    { "table % may not be altered", "42501", "permission denied for table %1" },
    { "table % may not be indexed", "42501", "permission denied for table %1" },
    { "view % may not be indexed", "42809", "cannot create index on view \"%1\"" },
    { "views may not be indexed", "42809", NULL },
    { "view % may not be altered", "42809", "\"%1\" is not a table" },
    { "virtual tables may not be %", "0A000", NULL },
    { "Cannot add a % to a view", "42809", NULL },
    { "access to % is prohibited", "42501", "permission denied for %1" },
    { "use DROP VIEW to delete view %", "42809", "\"%1\" is not a table" },
    { "use DROP TABLE to delete table %", "42809", "\"%1\" is not a view" },
    { "index associated with UNIQUE or PRIMARY KEY constraint cannot be dropped", "2BP01",
      "cannot drop index because a constraint requires it" },
    { "cannot drop % column: \"%\"", "2BP01",
      "cannot drop column \"%2\" because other objects depend on it" },
    { "cannot drop column \"%\": no other columns exist", "0A000", NULL },
    { "Cannot add a PRIMARY KEY column", "42P16", NULL },
    { "Cannot add a UNIQUE column", "0A000", NULL },
    { "Cannot add a NOT NULL column with default value NULL", "23502",
      "a column that may not be null needs a default value" },
    { "Cannot add a REFERENCES column with non-NULL default value", "0A000", NULL },
    { "Cannot add a column with non-constant default", "0A000", NULL },
    { "cannot add a STORED column", "0A000", NULL },
    { "cannot INSERT into generated column \"%\"", "428C9",
      "cannot insert a non-DEFAULT value into column \"%1\"" },
    { "cannot UPDATE generated column \"%\"", "428C9",
      "column \"%1\" can only be updated to DEFAULT" },
    { "cannot create % trigger on %", "42809", NULL },
    { "cannot VACUUM from within a transaction", "25001",
      "VACUUM cannot run inside a transaction block" },
    { "cannot VACUUM - SQL statements in progress", "55006", NULL },
    { "database table is locked%", "55006",
      "cannot change it because active queries of this session use it" },
    { "cannot start a transaction within a transaction", "25001",
      "there is already a transaction in progress" },
    { "cannot commit - no transaction is active", "25P01", "there is no transaction in progress" },
    { "cannot rollback - no transaction is active", "25P01",
      "there is no transaction in progress" },

    /* values */
    { "integer overflow", "22003", "bigint out of range" },
    { "datatype mismatch", "42804", NULL },
    { "malformed JSON", "22P02", "invalid input syntax for type json" },
    { "JSON cannot hold BLOB values", "22P02", NULL },
    { "JSON path error near '%'", "2201B", NULL },
    { "json_% must not be %", "22023", NULL },
    { "ESCAPE expression must be a single character", "22019", "invalid escape string" },
    { "argument of % must be %", "22023", NULL },
    { "% argument to % must be %", "22023", NULL },
    { "bad expression", "42601", NULL },
};

/* Does the text fit the pattern? Notes what the first two wildcards stand for. */
static bool match(const char *pattern, const char *text, struct view captures[2], size_t nth)
{
    while (*pattern != '\0' && *pattern != '%') {
        if (*pattern++ != *text++) {
            return false;
        }
    }
    if (*pattern == '\0') {
        return *text == '\0';
    }
    /* the shortest that lets the rest fit; a last wildcard takes all */
    for (size_t len = 0;; len++) {
        if (pattern[1] == '\0' ? text[len] == '\0'
                               : match(pattern + 1, text + len, captures, nth + 1)) {
            if (nth < 2) {
                captures[nth] = view_of(text, len);
            }
            return true;
        }
        if (text[len] == '\0') {
            return false;
        }
    }
}

static struct view unquoted(struct view name)
{
    if (name.len >= 2 && (name.data[0] == '"' || name.data[0] == '`' || name.data[0] == '[')) {
        return view_of(name.data + 1, name.len - 2);
    }
    return name;
}

static struct view without_schema(struct view name)
{
    return name.len > 5 && memcmp(name.data, "main.", 5) == 0 ? view_of(name.data + 5, name.len - 5)
                                                              : name;
}

static size_t put(char *out, size_t used, size_t size, struct view text)
{
    size_t room = size - 1 - used;
    size_t len = text.len < room ? text.len : room;

    if (len > 0) {
        memcpy(out + used, text.data, len);
    }
    return used + len;
}

/* %1, %2: a capture; %q1: the same as a quoted name. */
static void fill_in(const char *answer, const struct view captures[2], char *out, size_t size)
{
    size_t used = 0;

    for (const char *p = answer; *p != '\0'; p++) {
        if (*p != '%') {
            used = put(out, used, size, view_of(p, 1));
            continue;
        }
        bool quote = p[1] == 'q';

        p += quote ? 2 : 1;
        struct view name = without_schema(captures[*p - '1']);
        used = put(out, used, size, view_of_str(quote ? "\"" : ""));
        used = put(out, used, size, quote ? unquoted(name) : name);
        used = put(out, used, size, view_of_str(quote ? "\"" : ""));
    }
    out[used] = '\0';
}

bool sqlite_message_translate(const char *message, struct failure *ret_failure)
{
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        struct view captures[2] = { { .len = 0 }, { .len = 0 } };
        char text[1024];

        if (!match(messages[i].pattern, message, captures, 0)) {
            continue;
        }
        if (messages[i].answer == NULL) {
            failure_set(ret_failure, messages[i].sqlstate, "%s", message);
        } else {
            fill_in(messages[i].answer, captures, text, sizeof(text));
            failure_set(ret_failure, messages[i].sqlstate, "%s", text);
        }
        return true;
    }
    return false;
}
