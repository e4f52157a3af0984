/* client/cli/option.c: see option.h. */
#include "client/cli/option.h"

#include "base/alloc.h"
#include "client/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    options_most = 64,
    number_of_help = 1, /* below all rows' numbers, which begin at number_of_rows */
    number_of_version,
    number_of_rows,
    help_indent = 28,
};

static const double seconds_most = 1e9;

/* ---- values ---- */

static int refuse(const struct option_row *row, const char *expected, const char *got)
{
    cli_complain("--%s: expected %s, not \"%s\"", row->name, expected, got);
    return -1;
}

static int set_number(const struct option_row *row, const char *text, long *ret_value)
{
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < 0) {
        return refuse(row, "a number", text);
    }
    *ret_value = value;
    return 0;
}

static int set_seconds(const struct option_row *row, const char *text, int64_t *ret_ms)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= seconds_most)) {
        return refuse(row, "a number of seconds", text);
    }
    *ret_ms = (int64_t)ceil(seconds * 1000);
    return 0;
}

static int set_choice(const struct option_row *row, const char *text, int *ret_index)
{
    size_t len = strlen(text);
    int index = 0;

    for (const char *word = row->value; word != NULL; index++) {
        const char *end = strchrnul(word, '|');

        if ((size_t)(end - word) == len && memcmp(word, text, len) == 0) {
            *ret_index = index;
            return 0;
        }
        word = *end == '\0' ? NULL : end + 1;
    }
    return refuse(row, row->value, text);
}

static int add_to_list(struct option_list *list, const char *text)
{
    const char **items = mem_realloc(list->items, (list->count + 1) * sizeof(*items));

    if (items == NULL) {
        cli_complain("out of memory");
        return -1;
    }
    items[list->count++] = text;
    list->items = items;
    return 0;
}

static int set_value(const struct option_row *row, void *into, const char *text)
{
    void *at = (char *)into + row->at;

    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)at = true;
        return 0;
    case OPTION_TEXT:
        *(const char **)at = text;
        return 0;
    case OPTION_NUMBER:
        return set_number(row, text, at);
    case OPTION_SECONDS:
        return set_seconds(row, text, at);
    case OPTION_CHOICE:
        return set_choice(row, text, at);
    case OPTION_LIST:
        return add_to_list(at, text);
    }
    return -1;
}

/* ---- getopt_long ---- */

struct reading {
    struct option longs[options_most + 1];
    char shorts[2 * options_most + 3];
    const struct option_row *rows[options_most];
    void *into[options_most];
    int count;
};

static void add_long(struct reading *r, const char *name, int has_value, int number)
{
    size_t i = 0;

    while (r->longs[i].name != NULL) {
        i++;
    }
    r->longs[i] = (struct option){ .name = name, .has_arg = has_value, .val = number };
}

static void add_row(struct reading *r, const struct option_row *row, void *into)
{
    size_t len = strlen(r->shorts);

    add_long(r, row->name, row->value == NULL ? no_argument : required_argument,
             number_of_rows + r->count);
    if (row->letter != 0) {
        r->shorts[len] = row->letter;
        r->shorts[len + 1] = row->value == NULL ? '\0' : ':';
    }
    r->rows[r->count] = row;
    r->into[r->count++] = into;
}

static void make_tables(struct reading *r, const struct option_set *sets, size_t set_count,
                        bool first_only)
{
    *r = (struct reading){ .shorts = ":" };
    if (first_only) {
        strcpy(r->shorts, "+:");
    }
    add_long(r, "help", no_argument, number_of_help);
    add_long(r, "version", no_argument, number_of_version);
    for (size_t i = 0; i < set_count; i++) {
        for (size_t j = 0; j < sets[i].count && r->count < options_most - 2; j++) {
            add_row(r, &sets[i].rows[j], sets[i].into);
        }
    }
}

/* The row that getopt's answer means; -1: none. */
static int row_of(const struct reading *r, int number)
{
    if (number >= number_of_rows && number < number_of_rows + r->count) {
        return number - number_of_rows;
    }
    for (int i = 0; i < r->count; i++) {
        if (r->rows[i]->letter != 0 && r->rows[i]->letter == number) {
            return i;
        }
    }
    return -1;
}

static int complain_about(const struct reading *r, int answer, char **argv)
{
    int row = row_of(r, optopt);

    if (answer == ':' && row >= 0) {
        cli_complain("%s: expected %s", argv[optind - 1], r->rows[row]->value);
    } else if (optopt != 0 && row < 0 && optopt >= ' ') {
        cli_complain("-%c: no such option", optopt);
    } else if (row >= 0 || optopt == number_of_help || optopt == number_of_version) {
        cli_complain("%s: takes no value", argv[optind - 1]);
    } else {
        cli_complain("%s: no such option", argv[optind - 1]);
    }
    return -1;
}

int options_read(int argc, char **argv, const struct option_set *sets, size_t set_count,
                 bool first_only, int *ret_first)
{
    struct reading r;
    int answer;

    make_tables(&r, sets, set_count, first_only);
    optind = 0; /* glibc: begin anew */
    while ((answer = getopt_long(argc, argv, r.shorts, r.longs, NULL)) != -1) {
        int row = row_of(&r, answer);

        if (answer == number_of_help) {
            return OPTIONS_HELP;
        }
        if (answer == number_of_version) {
            return OPTIONS_VERSION;
        }
        if (row < 0) {
            return complain_about(&r, answer, argv);
        }
        if (set_value(r.rows[row], r.into[row], optarg) != 0) {
            return -1;
        }
    }
    *ret_first = optind;
    return 0;
}

void options_finish(const struct option_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->rows[i].kind == OPTION_LIST) {
            struct option_list *list = (void *)((char *)set->into + set->rows[i].at);

            mem_free(list->items);
            *list = (struct option_list){ 0 };
        }
    }
}

/* ---- help ---- */

void options_print(FILE *out, const struct option_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char letter[8] = "    ", name[80];

        if (rows[i].letter != 0) {
            snprintf(letter, sizeof(letter), "-%c, ", rows[i].letter);
        }
        int len =
            snprintf(name, sizeof(name), "  %s--%s%s%s", letter, rows[i].name,
                     rows[i].value == NULL ? "" : " ", rows[i].value == NULL ? "" : rows[i].value);
        if (len < help_indent) {
            fprintf(out, "%-*s  %s\n", help_indent, name, rows[i].help);
        } else {
            fprintf(out, "%s\n%*s  %s\n", name, help_indent, "", rows[i].help);
        }
    }
}
