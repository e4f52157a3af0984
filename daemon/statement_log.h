/* daemon/statement_log.h: log_statement and log_min_duration_statement. */
#pragma once

#include "base/failure.h"
#include "base/view.h"
#include "conf/conf.h"

struct log_about;

/* A statement that has come to its end. */
struct statement_report {
    struct view text;
    const struct view *portal;     /* of an Execute; NULL: a simple query */
    const char *tag;               /* it ended with; NULL: it failed */
    const struct failure *failure; /* then */
    int64_t took_us;
};

static inline bool statement_log_wants_time(const struct conf *conf)
{
    return conf->log_min_duration_us >= 0;
}

static inline bool statement_log_is_on(const struct conf *conf)
{
    return conf->log_statement > 0 || conf->log_min_duration_us >= 0;
}

/* Writes the line that the options ask for, if any: its text, without the values of parameters. */
void statement_log(const struct conf *conf, const struct log_about *about,
                   const struct statement_report *report);
