/* client/cli/load_sql.c: a script, statement by statement, as psql reads it. */
#include "client/cli/load.h"
#include "client/cli/progress.h"
#include "client/cli/script.h"

#include <errno.h>
#include <string.h>

static int fail_here(const struct load *load, const char *what)
{
    progress_hide();
    cli_complain("%s, line %llu: %s", load->lines.name, (unsigned long long)load->lines.number,
                 what);
    return CLI_FAILED;
}

/* ---- COPY ---- */

/* "\." alone. */
static bool ends_rows(struct view line)
{
    while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r')) {
        line.len--;
    }
    return line.len == 2 && memcmp(line.data, "\\.", 2) == 0;
}

/* What reading said: 0, or below 0 when a message was given. */
static int send_rows(struct load_rows *rows, struct pond_error *error)
{
    struct view line;
    int more;

    while ((more = lines_next(&rows->load->lines, &line)) == LINES_LINE && !ends_rows(line)) {
        int r = load_rows_line(rows, line, error);
        if (r != 0) {
            return r;
        }
    }
    if (more < 0) {
        return pond_error_set(error, POND_APP, "the file could not be read");
    }
    return load_rows_end(rows, error);
}

static int run_copy(struct load *load, struct script *script)
{
    cleanup(load_rows_finish) struct load_rows rows = { 0 };
    const char *sql = (const char *)script->text.data;
    struct pond_error error = { 0 };
    int r = load_rows_begin(&rows, load, sql, &error);

    r = r == 0 ? send_rows(&rows, &error) : r;
    return r == 0          ? 0
           : r == POND_APP ? CLI_FAILED
                           : load_fail(load, script->first_line, sql, &error);
}

/* ---- transactions ---- */

enum own { OWN_NONE, OWN_BRACKET, OWN_ROLLBACK };

static bool is_word(const char *word, const char *other)
{
    return strcmp(word, other) == 0;
}

static enum own own_transaction(const struct script *s)
{
    const char *first = s->words[0], *second = s->words[1];

    if (is_word(first, "begin") || is_word(first, "commit") || is_word(first, "end") ||
        (is_word(first, "start") && is_word(second, "transaction"))) {
        return is_word(second, "prepared") ? OWN_NONE : OWN_BRACKET;
    }
    return is_word(first, "abort") || (is_word(first, "rollback") && !is_word(second, "to") &&
                                       !is_word(second, "prepared"))
               ? OWN_ROLLBACK
               : OWN_NONE;
}

/* ---- statements ---- */

static int run_plain(struct load *load, const struct script *script)
{
    static const struct pond_sink nothing = { 0 };
    const char *sql = (const char *)script->text.data;
    struct pond_error error = { 0 };

    return pond_stream(load->conn, sql, POND_NONE, &nothing, NULL, &error) == 0
               ? 0
               : load_fail(load, script->first_line, sql, &error);
}

static int run_statement(struct load *load, struct script *script)
{
    enum own own = load->one_transaction ? own_transaction(script) : OWN_NONE;

    if (own == OWN_ROLLBACK) {
        return fail_here(load, "the script rolls back: load it with --no-transaction");
    }
    return own == OWN_BRACKET ? 0
           : script->copies   ? run_copy(load, script)
                              : run_plain(load, script);
}

/* pg_dump's newer versions bracket what they write by these two. */
static int check_meta(const struct load *load, struct view line)
{
    static const char *const harmless[] = { "\\restrict ", "\\unrestrict " };

    for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
        size_t len = strlen(harmless[i]);

        if (line.len > len && memcmp(line.data, harmless[i], len) == 0) {
            return 0;
        }
    }
    return fail_here(load, "this is a command of psql's own; pond reads SQL only");
}

/* What stands behind a COPY in its line comes after the rows, whose lines take its place. */
static int keep(struct buf *kept, struct view *line)
{
    if (kept->data == NULL) {
        if (buf_append_view(kept, *line) != 0) {
            return -ENOMEM;
        }
        *line = buf_view(kept);
    }
    return 0;
}

static int run_line(struct load *load, struct script *script, struct view line)
{
    cleanup(buf_finish) struct buf kept = { 0 };
    const uint64_t number = load->lines.number;
    int r;

    if (memchr(line.data, '\0', line.len) != NULL) {
        return fail_here(load, "there is a NUL: this is no SQL script");
    }
    progress_add(line.len);
    while ((r = script_read(script, number, &line)) == SCRIPT_STATEMENT) {
        if (script->copies && (r = keep(&kept, &line)) != 0) {
            break;
        }
        int code = run_statement(load, script);
        if (code != 0) {
            return code;
        }
    }
    return r < 0 ? fail_here(load, "out of memory") : r == SCRIPT_META ? check_meta(load, line) : 0;
}

static int run_rest(struct load *load, struct script *script)
{
    const char *open = NULL;
    int r = script_end(script, &open);

    if (open != NULL) {
        progress_hide();
        cli_complain("%s: %s that begins after line %llu has no end", load->lines.name, open,
                     (unsigned long long)script->first_line);
        return CLI_FAILED;
    }
    return r < 0                   ? fail_here(load, "out of memory")
           : r == SCRIPT_STATEMENT ? run_statement(load, script)
                                   : 0;
}

int load_sql(struct load *load)
{
    cleanup(script_finish) struct script script = { 0 };
    struct view line;
    int code = 0;
    int more = 0;

    while (code == 0 && (more = lines_next(&load->lines, &line)) == LINES_LINE) {
        code = run_line(load, &script, line);
    }
    if (more < 0) {
        return CLI_FAILED;
    }
    return code == 0 ? run_rest(load, &script) : code;
}
