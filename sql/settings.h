/* sql/settings.h: the session's settings (PostgreSQL calls them GUCs): SET, SHOW, RESET, undone
 * with the transaction.
 *
 * The table of them is sql/setting_table.c, a row each, sorted. A session keeps only those that
 * differ from their default. A value has up to three layers: LOCAL over SESSION over the start-up
 * value over the table's default. A LOCAL one ends with the transaction; a rolled-back transaction
 * or savepoint takes all that it set with it. Loop's thread; nothing awaits. */
#pragma once

#include "base/failure.h"
#include "protocol/value.h"

struct settings;

enum setting_type { SETTING_BOOL, SETTING_INT, SETTING_REAL, SETTING_ENUM, SETTING_STRING };
enum setting_unit { UNIT_NONE, UNIT_MS, UNIT_S, UNIT_KB, UNIT_8KB };

enum setting_flags {
    SETTING_REPORTED = 1 << 0,   /* told by ParameterStatus */
    SETTING_FIXED = 1 << 1,      /* "cannot be changed" */
    SETTING_AT_RESTART = 1 << 2, /* "cannot be changed without restarting the server" */
    SETTING_NOT_NOW = 1 << 3,    /* "cannot be changed now" */
    SETTING_STYLE = 1 << 4,      /* part of value_style */
    SETTING_LIVE = 1 << 5,       /* the host knows the value: the transaction's modes, the user */
    SETTING_LIST = 1 << 6,       /* SET takes a list of values */
    SETTING_NO_RESET_ALL = 1 << 7,
    SETTING_AT_STARTUP = 1 << 8, /* "cannot be set after connection start" */
};

struct setting_row {
    const char *name; /* as SHOW ALL prints it; found in any case */
    enum setting_type type;
    uint16_t flags;
    enum setting_unit unit;
    const char *initial;       /* as SHOW prints it */
    double min, max;           /* SETTING_INT, SETTING_REAL */
    const char *const *values; /* SETTING_ENUM: pairs of spelling and canonical value, then NULL;
                                  hidden ones have '~' */
    /* Checks and writes the canonical form; NULL: by type. 0, FAILED or -ENOMEM. */
    int (*check)(const struct setting_row *row, const char *value, const char *current,
                 struct buf *canonical, struct failure *ret_failure);
    const char *about;
};

const struct setting_row *setting_find(struct view name); /* NULL: none */
extern const struct setting_row setting_table[];
extern const size_t setting_count;

enum setting_scope { SCOPE_SESSION, SCOPE_LOCAL, SCOPE_STARTUP };

/* What settings need of their surroundings. get and set are for SETTING_LIVE rows. */
struct settings_host {
    void *arg;
    struct value_style *style; /* kept up to date */
    void (*changed)(void *arg, const struct setting_row *row, const char *value);
    const char *(*get)(void *arg, const char *name); /* NULL: the table's value */
    int (*set)(void *arg, const char *name, const char *value, struct failure *ret_failure);
};

/* (settings_create() of session_state.h makes those of a session.) 0 or -ENOMEM. */
must_check int settings_create_for(const struct settings_host *host,
                                   struct settings **ret_settings);
void settings_destroy(struct settings *settings);

/* SET. `value` is text as SET gives it; NULL: TO DEFAULT. 0 or FAILED (42704, 22023, 55P02, 42602,
 * 53400). */
must_check int settings_set(struct settings *settings, struct view name, const char *value,
                            enum setting_scope scope, struct failure *ret_failure);
/* RESET ALL. */
must_check int settings_reset_all(struct settings *settings, struct failure *ret_failure);

/* As SHOW prints it; NULL: no such setting. Lives until the next change. */
const char *settings_get(const struct settings *settings, struct view name);
/* The same, or FAILED with 42704. ret_name is the canonical name; both may be NULL. */
must_check int settings_show(const struct settings *settings, struct view name,
                             const char **ret_name, const char **ret_value,
                             struct failure *ret_failure);
/* A time in microseconds (0: off), a boolean. */
int64_t settings_us(const struct settings *settings, const char *name);
int64_t settings_bytes(const struct settings *settings, const char *name); /* of a UNIT_KB one */
bool settings_bool(const struct settings *settings, const char *name);

/* Every setting, sorted by name. `about` may be empty. A fn that says other than 0 ends it and is
 * passed up. */
typedef int settings_fn(void *arg, const char *name, const char *value, const char *about);
must_check int settings_each(const struct settings *settings, settings_fn *fn, void *arg);
void settings_each_reported(const struct settings *settings,
                            void (*fn)(void *arg, const char *name, const char *value), void *arg);

/* ---- the transaction's hold on them ---- */

/* The end of a transaction, implicit ones included: keeps or undoes what was SET, ends what was SET
 * LOCAL. */
void settings_end(struct settings *settings, bool committed);
/* Names as the transaction has them; unknown ones do nothing. */
must_check int settings_savepoint(struct settings *settings, struct view name,
                                  struct failure *ret_failure);
void settings_release(struct settings *settings, struct view name);
void settings_rollback_to(struct settings *settings, struct view name);
