/* sql/database_options.c: the options of CREATE and ALTER DATABASE, a row each.
 * https://www.postgresql.org/docs/15/sql-createdatabase.html
 *
 * All databases of pond's are UTF8 and sort as the locale "C". Another encoding would be a lie, and
 * is refused. Another locale is so usual in scripts that it gets a warning. */
#include "sql/database_options.h"

#include "sql/encoding.h"
#include "sql/lexer.h"
#include "sql/verb_support.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

struct reading {
    struct sql_session *sql;
    struct view text;
    struct arena *arena;
    struct database_options *options;
    struct failure *failure;
    const char *locale_provider;
    const char *icu_locale;
};

static int fail_at(const struct reading *r, const PgQuery__DefElem *option, const char *sqlstate,
                   const char *format, ...) printf_like(4, 5);

static int fail_at(const struct reading *r, const PgQuery__DefElem *option, const char *sqlstate,
                   const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    failure_set(r->failure, sqlstate, "%s", text);
    if (option->location >= 0 && r->failure != NULL) {
        r->failure->position = text_position(r->text, (size_t)option->location);
    }
    return FAILED;
}

/* ---- values; DEFAULT has none, and is as if the option was not there ---- */

static int read_text(struct reading *r, const PgQuery__DefElem *option, const char **ret_text)
{
    char number[32];
    const char *text = verb_const_text(option->arg, number);

    *ret_text = text == NULL ? NULL : arena_strdup(r->arena, text);
    return text != NULL && *ret_text == NULL ? failure_set_nomem(r->failure) : 0;
}

static int read_number(struct reading *r, const PgQuery__DefElem *option, int32_t *ret_n)
{
    if (option->arg->node_case != PG_QUERY__NODE__NODE_INTEGER) {
        return fail_at(r, option, "42601", "%s requires an integer value", option->defname);
    }
    *ret_n = option->arg->integer->ival;
    return 0;
}

static int read_bool(struct reading *r, const PgQuery__DefElem *option, bool *room,
                     const bool **ret_truth)
{
    static const char *const words[] = { "0", "1", "false", "true", "off", "on" };
    char number[32];
    const char *text = verb_const_text(option->arg, number);

    for (size_t i = 0; text != NULL && i < ARRAY_LEN(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *room = i % 2 == 1;
            *ret_truth = room;
            return 0;
        }
    }
    return fail_at(r, option, "42601", "%s requires a Boolean value", option->defname);
}

/* ---- the options ---- */

static int take_template(struct reading *r, const PgQuery__DefElem *option)
{
    return read_text(r, option, &r->options->template_name);
}

static int take_owner(struct reading *r, const PgQuery__DefElem *option)
{
    return read_text(r, option, &r->options->owner);
}

static int take_is_template(struct reading *r, const PgQuery__DefElem *option)
{
    return read_bool(r, option, &r->options->room.is_template, &r->options->is_template);
}

static int take_allow_connections(struct reading *r, const PgQuery__DefElem *option)
{
    return read_bool(r, option, &r->options->room.allows_connections,
                     &r->options->allows_connections);
}

static int take_connection_limit(struct reading *r, const PgQuery__DefElem *option)
{
    int32_t *limit = &r->options->room.connection_limit;
    int result = read_number(r, option, limit);

    if (result == 0 && *limit < -1) {
        return failure_set(r->failure, "22023", "invalid connection limit: %d", *limit);
    }
    r->options->connection_limit = limit;
    return result;
}

static int take_encoding(struct reading *r, const PgQuery__DefElem *option)
{
    bool by_number = option->arg->node_case == PG_QUERY__NODE__NODE_INTEGER;
    const char *text = "";
    int result = read_text(r, option, &text);
    int number = by_number ? option->arg->integer->ival : encoding_number(view_of_str(text));

    if (result == 0 &&
        (number < 0 || number > encoding_last_of_servers || encoding_name(number) == NULL)) {
        return failure_set(r->failure, "42704", "%s is not a valid encoding %s", text,
                           by_number ? "code" : "name");
    }
    if (result == 0 && number != ENCODING_UTF8) {
        return failure_set(r->failure, "22023",
                           "new encoding (%s) is incompatible with the encoding of the template "
                           "database (UTF8)",
                           encoding_name(number));
    }
    return result;
}

/* "C", "POSIX", or language_COUNTRY.codeset@modifier. */
static bool looks_like_a_locale(const char *name)
{
    size_t letters = strspn(name, "abcdefghijklmnopqrstuvwxyz");
    const char *at = name + letters;

    if (name[0] == 'C' || strncmp(name, "POSIX", 5) == 0) {
        at = name + (name[0] == 'C' ? 1 : 5);
    } else if ((letters != 2 && letters != 3) || *at != '_' || !isupper((unsigned char)at[1]) ||
               !isupper((unsigned char)at[2])) {
        return false;
    } else {
        at += 3;
    }
    at += *at == '.' ? 1 + strcspn(at + 1, "@") : 0;
    return *at == '\0' || *at == '@';
}

static bool is_plain_locale(const char *name)
{
    return name[0] == '\0' || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0 ||
           strncmp(name, "C.", 2) == 0;
}

static int take_locale(struct reading *r, const PgQuery__DefElem *option)
{
    const char *name = "";
    int result = read_text(r, option, &name);
    const char *codeset = result == 0 ? strchr(name, '.') : NULL;
    struct view encoding = view_of_str(codeset == NULL ? "utf8" : codeset + 1);

    if (result != 0) {
        return result;
    }
    if (name[0] != '\0' && !looks_like_a_locale(name)) {
        return failure_set(r->failure, "42809", "invalid locale name: \"%s\"", name);
    }
    encoding.len = strcspn((const char *)encoding.data, "@");
    if (encoding_number(encoding) != ENCODING_UTF8) {
        return failure_set(r->failure, "22023", "encoding \"UTF8\" does not match locale \"%s\"",
                           name);
    }
    if (!is_plain_locale(name)) {
        verb_notice(r->sql, SEVERITY_WARNING, "01000",
                    "pond sorts as the locale \"C\": \"%s\" has no effect", name);
    }
    return 0;
}

static int take_locale_provider(struct reading *r, const PgQuery__DefElem *option)
{
    int result = read_text(r, option, &r->locale_provider);

    if (result == 0 && strcasecmp(r->locale_provider, "icu") != 0 &&
        strcasecmp(r->locale_provider, "libc") != 0) {
        return failure_set(r->failure, "42P17", "unrecognized locale provider: %s",
                           r->locale_provider);
    }
    return result;
}

static int take_icu_locale(struct reading *r, const PgQuery__DefElem *option)
{
    return read_text(r, option, &r->icu_locale);
}

static int take_strategy(struct reading *r, const PgQuery__DefElem *option)
{
    const char *name = "";
    int result = read_text(r, option, &name);

    if (result == 0 && strcasecmp(name, "wal_log") != 0 && strcasecmp(name, "file_copy") != 0) {
        failure_set(r->failure, "22023", "invalid create database strategy \"%s\"", name);
        failure_add(r->failure, FIELD_HINT, "Valid strategies are \"wal_log\", and \"file_copy\".");
        return FAILED;
    }
    return result;
}

static int take_tablespace(struct reading *r, const PgQuery__DefElem *option)
{
    const char *name = "";
    int result = read_text(r, option, &name);

    if (result == 0 && strcmp(name, "pg_global") == 0) {
        return failure_set(r->failure, "22023", "pg_global cannot be used as default tablespace");
    }
    if (result == 0 && strcmp(name, "pg_default") != 0) {
        return failure_set(r->failure, "42704", "tablespace \"%s\" does not exist", name);
    }
    return result;
}

static int take_oid(struct reading *r, const PgQuery__DefElem *option)
{
    enum { first_free_oid = 16384 };

    if (option->arg->node_case != PG_QUERY__NODE__NODE_INTEGER) {
        return fail_at(r, option, "42601", "%s requires a numeric value", option->defname);
    }
    if (option->arg->integer->ival < first_free_oid) {
        return failure_set(r->failure, "22023", "OIDs less than %d are reserved for system objects",
                           first_free_oid);
    }
    return verb_unsupported("CREATE DATABASE ... OID", r->failure);
}

static int take_location(struct reading *r, const PgQuery__DefElem *option)
{
    (void)option;
    verb_notice(r->sql, SEVERITY_WARNING, "0A000", "LOCATION is not supported anymore");
    return 0;
}

static int take_nothing(struct reading *r, const PgQuery__DefElem *option)
{
    (void)r;
    (void)option;
    return 0;
}

static const struct option_row {
    const char *name;
    bool alter; /* ALTER DATABASE has it too */
    int (*take)(struct reading *r, const PgQuery__DefElem *option);
} option_rows[] = {
    { "allow_connections", true, take_allow_connections },
    { "collation_version", false, take_nothing },
    { "connection_limit", true, take_connection_limit },
    { "encoding", false, take_encoding },
    { "icu_locale", false, take_icu_locale },
    { "is_template", true, take_is_template },
    { "lc_collate", false, take_locale },
    { "lc_ctype", false, take_locale },
    { "locale", false, take_locale },
    { "locale_provider", false, take_locale_provider },
    { "location", false, take_location },
    { "oid", false, take_oid },
    { "owner", false, take_owner },
    { "strategy", false, take_strategy },
    { "tablespace", true, take_tablespace },
    { "template", false, take_template },
};

/* ---- all of them ---- */

static int find_row(const struct reading *r, const PgQuery__DefElem *option, bool alter,
                    size_t *ret_row)
{
    for (size_t i = 0; i < ARRAY_LEN(option_rows); i++) {
        if (strcmp(option_rows[i].name, option->defname) == 0 && (!alter || option_rows[i].alter)) {
            *ret_row = i;
            return 0;
        }
    }
    return fail_at(r, option, "42601", "option \"%s\" not recognized", option->defname);
}

static int check_icu(const struct reading *r)
{
    bool icu = r->locale_provider != NULL && strcasecmp(r->locale_provider, "icu") == 0;

    if (icu) {
        return failure_set(r->failure, "0A000", "ICU is not supported in this build");
    }
    if (r->icu_locale != NULL) {
        return failure_set(r->failure, "42P17",
                           "ICU locale cannot be specified unless locale provider is ICU");
    }
    return 0;
}

int database_options_read(struct sql_session *sql, struct view text, PgQuery__Node *const *nodes,
                          size_t count, bool alter, struct arena *arena,
                          struct database_options *ret_options, struct failure *f)
{
    struct reading r = {
        .sql = sql, .text = text, .arena = arena, .options = ret_options, .failure = f
    };
    uint32_t seen = 0;

    *ret_options = (struct database_options){ 0 };
    for (size_t i = 0; i < count; i++) {
        const PgQuery__DefElem *option = nodes[i]->def_elem;
        size_t row = 0;

        if (find_row(&r, option, alter, &row) != 0) {
            return FAILED;
        }
        if ((seen & 1u << row) != 0) {
            return fail_at(&r, option, "42601", "conflicting or redundant options");
        }
        if (alter && count > 1 && option_rows[row].take == take_tablespace) {
            return fail_at(&r, option, "0A000",
                           "option \"%s\" cannot be specified with other options", option->defname);
        }
        seen |= 1u << row;
        int result = option->arg == NULL ? 0 : option_rows[row].take(&r, option);
        if (result != 0) {
            return result;
        }
    }
    return check_icu(&r);
}
