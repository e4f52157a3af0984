/* daemon/seed_impl.h: what the files behind seed.h share: seed.c reads the file, seed_script.c runs
 * a script's statements, seed_host.c is what these ask of the daemon, seen from a script. */
#pragma once

#include "base/view.h"
#include "daemon/seed.h"
#include "sql/host.h"

struct session;
struct sql_session;

/* A script that runs. */
struct seeding {
    const struct seed_options *options;
    struct view script;
    struct view rest; /* of the script, behind the statement that runs */
    bool copy_told;   /* the data of the COPY that runs was given */
    struct session *session;
    struct sql_session *sql;
    struct template **ret_template;
    struct failure *ret_failure;
    int result;
};

/* The text's first line with its end, which is behind it then. */
struct view seed_take_line(struct view *text);

/* Theirs who are not connected to anything: a session's host is its struct seeding. */
extern const struct host_ops seed_host_ops;

/* On a loop of its own: blocks. 0, FAILED or -errno. */
must_check int seed_run_script(const struct seed_options *options, struct view script,
                               struct template **ret_template, struct failure *ret_failure);
