/* sql/session_state.h: what sql/ keeps of one session; for the files of this folder only.
 *
 * settings.c implements sql_set_startup, sql_setting, sql_setting_us and sql_each_reported of
 * sql/sql.h. */
#pragma once

#include "pool/channels.h"
#include "protocol/value.h"
#include "sql/sql.h"

struct names;
struct plan_cache;
struct settings;
struct currval;

struct action;
STAILQ_HEAD(action_list, action);

/* sql/listening.c's. */
struct listening {
    struct channel_listener listener;
    struct action_list pending;
    struct names *said; /* of those, what NOTIFY is to say; NULL: nothing yet */
};

struct sql_session {
    struct session *session; /* pool's; outlives this */
    const struct host_ops *ops;
    void *host;
    struct settings *settings; /* settings_create/settings_destroy */
    struct value_style style;  /* kept up to date by settings */
    struct names *statements;  /* struct plan */
    struct names *portals;     /* struct portal */
    struct plan_cache
        *cache; /* this session's own plans and relations, once its schema is not the template's */
    uint64_t schema_changes; /* counts DDL run and DDL rolled back: own plans of an older count are
                                stale */
    uint32_t
        schema_version;  /* the clone's (session_schema_version()) that own plans are made for */
    uint64_t txn_number; /* counts transactions, so that portals know theirs */
    int64_t
        txn_start_us; /* wall clock at the transaction's first statement: now(); 0: not taken yet */
    int64_t statement_start_us;
    uint64_t txn_schema_changes; /* schema_changes when the transaction began */
    struct portal *running;      /* the portal whose sql_run() is under way */
    unsigned filling;            /* stores of portals that are being filled, one by the other */
    struct portal *doomed;       /* portals that closed themselves */
    struct currval *currvals;    /* what nextval() gave, the youngest first (sequences_discard) */
    struct listening listening;  /* LISTEN and NOTIFY */
    bool has_temp;               /* made temporary objects: shared plans may not be used */
    uint8_t last_uuid[16];       /* what gen_random_uuid() gave */
    bool looks_back;             /* a failed statement's rows are worked out (sql/violation.h) */
    bool txn_failed;             /* a statement failed since the transaction began */
};

/* sql.c: the transaction has ended, as far as sql/ keeps things of it but its portals. */
void sql_transaction_over(struct sql_session *sql, bool committed);

/* settings.c */
must_check int settings_create(struct sql_session *sql, struct failure *ret_failure);
void settings_destroy(struct settings *settings);
/* A transaction has ended: SET LOCAL goes, and SET of a rolled-back one too. */
void settings_transaction_ended(struct sql_session *sql, bool committed);

/* The wall clock at the start of the transaction and of the statement: now(),
 * statement_timestamp(). */
int64_t sql_now_us(struct sql_session *sql);

/* What is registered on the connection already (session_registered()); each at its first use. */
enum { REGISTERED_NAMES = 1 << 0, REGISTERED_CASTS = 1 << 1, REGISTERED_FUNCTIONS = 1 << 2 };

/* Whose call this is, in a function that was registered with the pool session as user data. */
struct sqlite3_context;
struct sql_session *sql_of_function(struct sqlite3_context *context);

/* Registers pond's functions on the session unless that has been done: most sessions never call
 * one, and they cost each 25 KiB. 0 or FAILED. */
must_check int sql_casts_ready(struct sql_session *sql, struct failure *ret_failure);
must_check int sql_functions_ready(struct sql_session *sql, struct failure *ret_failure);
/* Registers what this plan calls. */
must_check int sql_plan_ready(struct sql_session *sql, const struct plan *plan,
                              struct failure *ret_failure);
/* Was it that a statement could not be prepared for want of them? Then registers them: try again.
 */
bool sql_functions_missing(struct sql_session *sql, const char *message);

/* Cached plans and relations of this session are out of date (DDL has run, or was rolled back). */
void sql_schema_changed(struct sql_session *sql);
