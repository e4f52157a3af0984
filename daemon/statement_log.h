/* daemon/statement_log.h: log_statement and log_min_duration_statement. */
#pragma once

#include "base/view.h"
#include "conf/conf.h"

static inline bool statement_log_is_on(const struct conf *conf)
{
    return conf->log_statement > 0 || conf->log_min_duration_us >= 0;
}

/* log_statement = all: the text of a Parse, which no Execute tells again. */
void statement_log_parse(const struct conf *conf, int32_t pid, struct view name, struct view text);

/* Writes the line that the options ask for, if any, about a statement that is complete. Its kind is
 * told by its tag. */
void statement_log(const struct conf *conf, int32_t pid, struct view text, const char *tag,
                   int64_t took_us);
