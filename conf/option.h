/* conf/option.h: the option table: one row per option of pond.conf, and how the text of a value
 * becomes a value.
 *
 * A row that is added here also needs a field in conf/conf.h, a paragraph in conf/pond.conf.5 and a
 * line in conf/pond.conf.sample; the test layout.options fails when one is missing. */
#pragma once

#include "base/failure.h"

#include <stdbool.h>

enum option_section { OPTION_POND, OPTION_DATABASE };

enum option_type {
    OPTION_BOOL,    /* bool */
    OPTION_INT,     /* int64_t */
    OPTION_SIZE,    /* int64_t bytes: "64KiB", "16MB"; both count in 1024 as PostgreSQL's do */
    OPTION_SECONDS, /* int64_t microseconds: "5s", "1min"; a plain number is seconds, as in
                       pgbouncer.ini */
    OPTION_MILLIS,  /* int64_t microseconds: a plain number is milliseconds, as in postgresql.conf;
                       -1: off */
    OPTION_PATH, /* char *: made absolute from the folder of the file that says it; may be empty */
    OPTION_TEXT, /* char * */
    OPTION_WORD, /* int64_t: index in `words` */
};

struct option {
    const char *name;
    enum option_section section;
    enum option_type type;
    size_t offset; /* in struct conf or struct conf_database */
    const char *preset;
    int64_t min; /* in the field's unit; times in microseconds */
    int64_t max;
    const char *const *words; /* NULL at the end */
    bool needs_restart; /* what it says is done once, at the start: a reload and SET leave it alone
                         */
};

extern const struct option option_table[]; /* sorted by section, then as the manual has them */
extern const size_t option_count;

const struct option *option_find(enum option_section section, const char *name); /* NULL: unknown */
const struct option *option_nearest(enum option_section section,
                                    const char *name); /* NULL: none is close */
/* 42704: what is wrong with a name that the section does not have, and what may have been meant. */
int option_fail_unknown(enum option_section section, const char *name, struct failure *ret_failure);

/* Sets the row's field in `target` from text; an earlier string is freed. Relative paths start at
 * `folder`. 0, FAILED ("NAME: expected ..., not ...") or -ENOMEM. */
must_check int option_set(const struct option *option, void *target, const char *value,
                          const char *folder, struct failure *ret_failure);

/* The field's value as option_set() would read it again; cut when there is no room. */
void option_print(const struct option *option, const void *target, char *text, size_t size);

/* Sets all fields of a section to their presets; fields must be zero or set before. 0 or -ENOMEM.
 */
must_check int option_preset_all(enum option_section section, void *target);

/* Frees the strings of a section's fields. */
void option_finish_all(enum option_section section, void *target);

/* Have both the same value? */
bool option_equal(const struct option *option, const void *a, const void *b);
/* Gives `to` the value that `from` has; fields of `to` must be zero or set before. 0 or -ENOMEM: it
 * is as it was. */
must_check int option_copy(const struct option *option, void *to, const void *from);
must_check int option_copy_all(enum option_section section, void *to, const void *from);
