/* daemon/statement_log.c: what a statement is is known best by the tag it ended with. */
#include "daemon/statement_log.h"

#include "base/defs.h"
#include "daemon/log.h"

#include <string.h>

enum { level_ddl = 1, level_mod = 2, level_all = 3 };

enum { text_bytes = 1024 };

struct kind {
    const char *tag; /* how it begins */
    int level;       /* the least log_statement that shows it */
};

static const struct kind kinds[] = {
    { "ALTER", level_ddl },    { "COMMENT", level_ddl }, { "COPY", level_mod },
    { "CREATE", level_ddl },   { "DELETE", level_mod },  { "DROP", level_ddl },
    { "GRANT", level_ddl },    { "INSERT", level_mod },  { "REVOKE", level_ddl },
    { "TRUNCATE", level_mod }, { "UPDATE", level_mod },
};

static int level_of(const char *tag)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strncmp(tag, kinds[i].tag, strlen(kinds[i].tag)) == 0) {
            return kinds[i].level;
        }
    }
    return level_all;
}

static int shown(struct view text)
{
    return text.len > text_bytes ? text_bytes : (int)text.len;
}

void statement_log_parse(const struct conf *conf, int32_t pid, struct view name, struct view text)
{
    if (conf->log_statement == level_all) {
        log_line(LEVEL_LOG, "[%d] parse \"%.*s\": %.*s", pid, shown(name), name.data, shown(text),
                 text.data);
    }
}

void statement_log(const struct conf *conf, int32_t pid, struct view text, const char *tag,
                   int64_t took_us)
{
    const char *chars = (const char *)text.data;
    int len = shown(text);

    if (conf->log_min_duration_us >= 0 && took_us >= conf->log_min_duration_us) {
        log_line(LEVEL_LOG, "[%d] duration: %lld.%03d ms  statement: %.*s", pid,
                 (long long)(took_us / 1000), (int)(took_us % 1000), len, chars);
    } else if (conf->log_statement >= level_of(tag == NULL ? "" : tag)) {
        log_line(LEVEL_LOG, "[%d] statement: %.*s", pid, len, chars);
    }
}
