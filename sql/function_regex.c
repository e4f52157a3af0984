/* sql/function_regex.c: regular expressions (~, regexp_*, SIMILAR TO) on the C library's POSIX
 * ones: compiled, kept while the statement runs, and matched. Pattern and text are bounded, because
 * nobody can stop the library: see regex_weight.h. */
#include "sql/function_string.h"

#include "base/alloc.h"
#include "sql/regex_posix.h"
#include "sql/regex_weight.h"

#include <regex.h>

enum { regex_text_max = 1 << 20, regex_groups = 10 };

/* The library keeps every state that a text led it to, and a state costs the square of the weight
 * to find: so much work one text may be, and so much is kept before all is forgotten. */
static const size_t regex_work_max = 20000000;

struct regex {
    regex_t compiled;
    char *posix; /* owned */
    int flags;
    size_t weight;
    size_t work; /* since it was compiled */
};

static void regex_free(void *arg)
{
    struct regex *re = arg;

    regfree(&re->compiled);
    mem_free(re->posix);
    mem_free(re);
}

/* PostgreSQL's words for the library's codes. */
static const char *regex_error(int code)
{
    static const char *const words[] = {
        [REG_ECTYPE] = "invalid character class",
        [REG_EESCAPE] = "invalid escape \\ sequence",
        [REG_ESUBREG] = "invalid backreference number",
        [REG_EBRACK] = "brackets [] not balanced",
        [REG_EPAREN] = "parentheses () not balanced",
        [REG_EBRACE] = "braces {} not balanced",
        [REG_BADBR] = "invalid repetition count(s)",
        [REG_ERANGE] = "invalid character range",
        [REG_ESPACE] = "out of memory",
        [REG_BADRPT] = "quantifier operand invalid",
    };

    return code > 0 && code < (int)ARRAY_LEN(words) && words[code] != NULL ? words[code]
                                                                           : "invalid pattern";
}

static int compile_posix(struct regex *re)
{
    locale_t before = function_locale() == (locale_t)0 ? (locale_t)0 : uselocale(function_locale());
    int r = regcomp(&re->compiled, re->posix, re->flags);

    if (before != (locale_t)0) {
        uselocale(before);
    }
    return r;
}

/* False: refused, and the context says why. */
static bool weigh(sqlite3_context *c, struct view posix, size_t *ret_weight)
{
    switch (regex_weigh(posix, ret_weight)) {
    case REGEX_FITS:
        return true;
    case REGEX_BAD_REPEAT:
        fn_fail(c, "2201B", "invalid regular expression: invalid repetition count(s)");
        return false;
    case REGEX_BACK_REFERENCE:
        fn_fail(c, "0A000", "back-references in a regular expression are not supported by pond");
        return false;
    case REGEX_TOO_COMPLEX:
        break;
    }
    fn_fail(c, "2201B", "invalid regular expression: regular expression is too complex");
    return false;
}

static struct regex *compile(sqlite3_context *c, struct view pattern, bool ignore_case)
{
    cleanup(buf_finish) struct buf posix = { .max = function_pattern_max * 8 };
    size_t weight;

    if (pattern.len > function_pattern_max) {
        fn_fail(c, "54000", "regular expression is too long");
        return NULL;
    }
    int r = regex_to_posix(pattern, &posix);
    if (r == REGEX_NOT_IN_SET) {
        fn_fail(c, "0A000", "\\D, \\W and \\S inside of brackets are not supported by pond");
        return NULL;
    }
    if (r != 0) {
        sqlite3_result_error_nomem(c);
        return NULL;
    }
    if (!weigh(c, view_of(posix.data, posix.len - 1), &weight)) {
        return NULL;
    }
    struct regex *re = mem_zalloc(sizeof *re);
    char *kept = mem_strndup(posix.data, posix.len - 1);
    if (re == NULL || kept == NULL) {
        mem_free(kept);
        mem_free(re);
        sqlite3_result_error_nomem(c);
        return NULL;
    }
    *re = (struct regex){ .posix = kept,
                          .flags = REG_EXTENDED | (ignore_case ? REG_ICASE : 0),
                          .weight = weight };
    r = compile_posix(re);
    if (r != 0) {
        mem_free(re->posix);
        mem_free(re);
        fn_fail(c, "2201B", "invalid regular expression: %s", regex_error(r));
        return NULL;
    }
    return re;
}

/* A fresh start when too many states have been kept. */
static int forget_states(struct regex *re, size_t work)
{
    re->work += work;
    if (re->work <= regex_work_max) {
        return 0;
    }
    re->work = work;
    regfree(&re->compiled);
    int r = compile_posix(re);
    if (r != 0) {
        re->compiled = (regex_t){ 0 };
        re->work = regex_work_max;
    }
    return r;
}

static int run(const struct regex *re, const char *text, regmatch_t *groups, size_t count,
               int flags)
{
    locale_t before = function_locale() == (locale_t)0 ? (locale_t)0 : uselocale(function_locale());
    int r = regexec(&re->compiled, text, count, groups, flags);

    if (before != (locale_t)0) {
        uselocale(before);
    }
    return r;
}

/* False: the text is too much for this pattern. */
static bool text_suits(sqlite3_context *c, struct regex *re, size_t len)
{
    size_t work = (len + 1) * (re->weight + 1) * (re->weight + 1);

    if (work > regex_work_max) {
        fn_fail(c, "54000", "text is too long for this regular expression");
        return false;
    }
    if (forget_states(re, work) != 0) {
        sqlite3_result_error_nomem(c);
        return false;
    }
    return true;
}

/* The compiled pattern of argument 1, kept for the statement when the pattern is constant. NULL:
 * failed, or too much for the text of argument 0. */
static const struct regex *get_regex(sqlite3_context *c, sqlite3_value **v, bool ignore_case)
{
    int flags = REG_EXTENDED | (ignore_case ? REG_ICASE : 0);
    struct regex *re = sqlite3_get_auxdata(c, 1);

    if (re == NULL || re->flags != flags) {
        re = compile(c, fn_text(v[1]), ignore_case);
        if (re == NULL) {
            return NULL;
        }
        sqlite3_set_auxdata(c, 1, re, regex_free);
        re = sqlite3_get_auxdata(c, 1); /* gone, when SQLite had no memory for it */
        if (re == NULL) {
            sqlite3_result_error_nomem(c);
            return NULL;
        }
    }
    return text_suits(c, re, fn_text(v[0]).len) ? re : NULL;
}

static bool text_fits(sqlite3_context *c, struct view text)
{
    if (text.len <= regex_text_max) {
        return true;
    }
    fn_fail(c, "54000", "text is too long for a regular expression");
    return false;
}

void function_regex_match(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (fn_any_null(n, v) || !text_fits(c, fn_text(v[0]))) {
        return;
    }
    const struct regex *re = get_regex(c, v, sqlite3_value_int(v[2]) != 0);
    if (re != NULL) {
        sqlite3_result_int(c, run(re, (const char *)fn_text(v[0]).data, NULL, 0, 0) == 0);
    }
}

static bool has_flag(int n, sqlite3_value **v, int arg, char flag)
{
    return n > arg && strchr((const char *)sqlite3_value_text(v[arg]), flag) != NULL;
}

void function_regexp_like(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (fn_any_null(n, v) || !text_fits(c, fn_text(v[0]))) {
        return;
    }
    const struct regex *re = get_regex(c, v, has_flag(n, v, 2, 'i'));
    if (re != NULL) {
        sqlite3_result_int(c, run(re, (const char *)fn_text(v[0]).data, NULL, 0, 0) == 0);
    }
}

void function_regexp_substr(sqlite3_context *c, int n, sqlite3_value **v)
{
    regmatch_t m[2];

    if (fn_any_null(n, v) || !text_fits(c, fn_text(v[0]))) {
        return;
    }
    const struct regex *re = get_regex(c, v, false);
    const char *text = (const char *)fn_text(v[0]).data;
    if (re != NULL && run(re, text, m, 2, 0) == 0) {
        const regmatch_t *group = re->compiled.re_nsub > 0
                                      ? &m[1]
                                      : &m[0]; /* a group, if there is one, is what is wanted */
        if (group->rm_so >= 0) {
            fn_result_text(c, text + group->rm_so, (size_t)(group->rm_eo - group->rm_so));
        }
    }
}

void function_regexp_count(sqlite3_context *c, int n, sqlite3_value **v)
{
    regmatch_t m[1];
    int64_t count = 0;

    if (fn_any_null(n, v) || !text_fits(c, fn_text(v[0]))) {
        return;
    }
    const struct regex *re = get_regex(c, v, false);
    const char *text = (const char *)fn_text(v[0]).data;
    if (re == NULL) {
        return;
    }
    for (int flags = 0; run(re, text, m, 1, flags) == 0; flags = REG_NOTBOL) {
        count++;
        text += m[0].rm_eo + (m[0].rm_eo == m[0].rm_so);
        if (text[-(m[0].rm_eo == m[0].rm_so)] == '\0') {
            break;
        }
    }
    sqlite3_result_int64(c, count);
}

/* \1 .. \9 and \& of the replacement. */
static int append_replacement(struct buf *out, struct view with, const char *text,
                              const regmatch_t *m)
{
    int r = 0;

    for (size_t i = 0; i < with.len && r == 0; i++) {
        uint8_t ch = with.data[i];
        if (ch != '\\' || i + 1 == with.len) {
            r = buf_append_byte(out, ch);
            continue;
        }
        ch = with.data[++i];
        size_t group = ch == '&' ? 0 : (size_t)(ch - '0');
        if (ch == '&' || (ch >= '1' && ch <= '9')) {
            if (m[group].rm_so >= 0) {
                r = buf_append(out, text + m[group].rm_so,
                               (size_t)(m[group].rm_eo - m[group].rm_so));
            }
        } else {
            r = buf_append_byte(out, ch);
        }
    }
    return r;
}

static int replace_all(const struct regex *re, struct view s, struct view with, bool global,
                       struct buf *out)
{
    const char *text = (const char *)s.data, *end = text + s.len;
    regmatch_t m[regex_groups];
    int r = 0;

    for (int flags = 0; r == 0 && text <= end && run(re, text, m, regex_groups, flags) == 0;
         flags = REG_NOTBOL) {
        r = buf_append(out, text, (size_t)m[0].rm_so);
        r = r == 0 ? append_replacement(out, with, text, m) : r;
        bool empty = m[0].rm_eo == m[0].rm_so;
        text += m[0].rm_eo;
        if (empty && text < end && global) {
            size_t step = utf8_step(view_of(text, (size_t)(end - text)), 0);
            r = r == 0 ? buf_append(out, text, step) : r;
            text += step;
        } else if (empty && global) {
            break;
        }
        if (!global) {
            break;
        }
    }
    return r == 0 && text < end ? buf_append(out, text, (size_t)(end - text)) : r;
}

void function_regexp_replace(sqlite3_context *c, int n, sqlite3_value **v)
{
    cleanup(buf_finish) struct buf out = { .max = fn_result_max };

    if (fn_any_null(n, v) || !text_fits(c, fn_text(v[0]))) {
        return;
    }
    const struct regex *re = get_regex(c, v, has_flag(n, v, 3, 'i'));
    if (re != NULL) {
        fn_result_buf(c, &out,
                      replace_all(re, fn_text(v[0]), fn_text(v[2]), has_flag(n, v, 3, 'g'), &out));
    }
}

/* ---- SIMILAR TO ---- */

void function_similar(sqlite3_context *c, int n, sqlite3_value **v)
{
    cleanup(buf_finish) struct buf posix = { .max = function_pattern_max };

    if (fn_any_null(n, v) || !text_fits(c, fn_text(v[0]))) {
        return;
    }
    struct view escape = n > 2 ? fn_text(v[2]) : view_of_str("\\");
    struct regex *re = sqlite3_get_auxdata(c, 1);
    if (re == NULL) {
        int r = regex_similar_to_posix(fn_text(v[1]), escape.len == 0 ? 0 : escape.data[0], &posix);
        if (r != 0) {
            fn_result_buf(c, &posix, r);
            return;
        }
        re = compile(c, buf_view(&posix), false);
        if (re == NULL) {
            return;
        }
        sqlite3_set_auxdata(c, 1, re, regex_free);
        re = sqlite3_get_auxdata(c, 1);
        if (re == NULL) {
            sqlite3_result_error_nomem(c);
            return;
        }
    }
    if (text_suits(c, re, fn_text(v[0]).len)) {
        sqlite3_result_int(c, run(re, (const char *)fn_text(v[0]).data, NULL, 0, 0) == 0);
    }
}
