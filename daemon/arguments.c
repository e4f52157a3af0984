/* daemon/arguments.c: pondd's command line, one row per option; the help text is made of the same
 * rows. */
#include "daemon/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct argument {
    const char *brief; /* "-c", or NULL */
    const char *full;  /* "--config", or NULL */
    const char *value; /* what it takes, or NULL */
    const char *help;
    int (*take)(struct arguments *arguments, const char *value, struct failure *ret_failure);
};

static int take_file(struct arguments *arguments, const char *value, struct failure *ret_failure)
{
    if (arguments->file != NULL) {
        return failure_set(ret_failure, "22023", "-c is given twice");
    }
    arguments->file = value;
    return 0;
}

static int take_check(struct arguments *arguments, const char *value, struct failure *ret_failure)
{
    (void)value;
    (void)ret_failure;
    arguments->mode = MODE_CHECK;
    return 0;
}

static int take_override(struct arguments *arguments, const char *value,
                         struct failure *ret_failure)
{
    if (arguments->override_count == overrides_max) {
        return failure_set(ret_failure, "54000", "-o is given more than %d times", overrides_max);
    }
    arguments->overrides[arguments->override_count++] = value;
    return 0;
}

static int take_ready_fd(struct arguments *arguments, const char *value,
                         struct failure *ret_failure)
{
    char *end;
    long fd = strtol(value, &end, 10);

    if (end == value || *end != '\0' || fd < 0 || fd > 65535) {
        return failure_set(ret_failure, "22023",
                           "--ready-fd: expected the number of an open descriptor, not \"%s\"",
                           value);
    }
    arguments->ready_fd = (int)fd;
    return 0;
}

static int take_version(struct arguments *arguments, const char *value, struct failure *ret_failure)
{
    (void)value;
    (void)ret_failure;
    arguments->mode = MODE_VERSION;
    return 0;
}

static int take_help(struct arguments *arguments, const char *value, struct failure *ret_failure)
{
    (void)value;
    (void)ret_failure;
    arguments->mode = MODE_HELP;
    return 0;
}

static const struct argument argument_table[] = {
    { "-c", NULL, "FILE", "read this configuration file (required)", take_file },
    { "-t", NULL, NULL, "check the configuration and exit", take_check },
    { "-o", NULL, "OPTION=VALUE", "override an option: name=value or database.NAME.option=value",
      take_override },
    { NULL, "--ready-fd", "N", "once ready, write the addresses to descriptor N, and close it",
      take_ready_fd },
    { "-V", "--version", NULL, "print the version and exit", take_version },
    { "-h", "--help", NULL, "print this and exit", take_help },
};

static const struct argument *argument_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(argument_table); i++) {
        const struct argument *row = &argument_table[i];
        if ((row->brief != NULL && strlen(row->brief) == len &&
             strncmp(name, row->brief, len) == 0) ||
            (row->full != NULL && strlen(row->full) == len && strncmp(name, row->full, len) == 0)) {
            return row;
        }
    }
    return NULL;
}

/* Takes argv[*at] and what belongs to it: "-c FILE", "-cFILE", "--ready-fd N", "--ready-fd=N". */
static int take_one(int argc, char *const argv[], int *at, struct arguments *arguments,
                    struct failure *ret_failure)
{
    const char *text = argv[*at];
    bool full = strncmp(text, "--", 2) == 0;
    size_t len = full ? strcspn(text, "=") : (strlen(text) < 2 ? strlen(text) : 2);
    const struct argument *row = argument_find(text, len);
    const char *value = text[len] == '\0' ? NULL : text + len + (full ? 1 : 0);

    if (row == NULL || text[0] != '-') {
        return failure_set(ret_failure, "22023", "unknown argument \"%s\"; --help lists them",
                           text);
    }
    if (row->value == NULL && value != NULL) {
        return failure_set(ret_failure, "22023", "%.*s takes no value", (int)len, text);
    }
    if (row->value != NULL && value == NULL) {
        if (*at + 1 == argc) {
            return failure_set(ret_failure, "22023", "%s: expected %s", text, row->value);
        }
        value = argv[++*at];
    }
    return row->take(arguments, value, ret_failure);
}

int arguments_parse(int argc, char *const argv[], struct arguments *ret_arguments,
                    struct failure *ret_failure)
{
    struct arguments arguments = { .mode = MODE_RUN, .ready_fd = -1 };

    for (int at = 1; at < argc; at++) {
        int r = take_one(argc, argv, &at, &arguments, ret_failure);
        if (r != 0) {
            return r;
        }
    }
    if (arguments.file == NULL && arguments.mode <= MODE_CHECK) {
        return failure_set(ret_failure, "22023", "expected -c FILE; --help says more");
    }
    *ret_arguments = arguments;
    return 0;
}

const char *arguments_help(void)
{
    static char text[2048];
    size_t used =
        (size_t)snprintf(text, sizeof(text),
                         "pondd serves PostgreSQL clients, each on its own private copy of a "
                         "seeded database.\n\nUsage: pondd -c FILE [option ...]\n\n");

    for (size_t i = 0; i < ARRAY_LEN(argument_table) && used < sizeof(text); i++) {
        const struct argument *row = &argument_table[i];
        char names[64];
        snprintf(names, sizeof(names), "%s%s%s%s%s", row->brief == NULL ? "    " : row->brief,
                 row->brief != NULL && row->full != NULL ? ", " : "",
                 row->full == NULL ? "" : row->full, row->value == NULL ? "" : " ",
                 row->value == NULL ? "" : row->value);
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "  %-22s %s\n", names, row->help);
    }
    return text;
}
