/* daemon/statement_log.c: what a statement is is known best by the tag it ended with; of one that
 * failed, by its first word. */
#include "daemon/statement_log.h"

#include "base/defs.h"
#include "daemon/log.h"
#include "protocol/utf8.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { level_ddl = 1, level_mod = 2, level_all = 3 };

enum { text_bytes = 1024, what_bytes = 160 };

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

static int level_of(struct view words)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t len = strlen(kinds[i].tag);

        if (words.len >= len && strncasecmp((const char *)words.data, kinds[i].tag, len) == 0) {
            return kinds[i].level;
        }
    }
    return level_all;
}

static struct view first_words(struct view text)
{
    while (text.len > 0 && strchr(" \t\r\n(", text.data[0]) != NULL && text.data[0] != '\0') {
        view_advance(&text, 1);
    }
    return text;
}

static int report_level(const struct statement_report *report)
{
    return level_of(report->tag != NULL ? view_of_str(report->tag) : first_words(report->text));
}

/* "statement", "execute "portal"", and in front of it that it failed. */
static void print_what(const struct statement_report *report, char what[static what_bytes])
{
    int used = 0;

    if (report->tag == NULL) {
        used = snprintf(what, what_bytes, "failed with %s  ", report->failure->sqlstate);
    }
    if (report->portal != NULL) {
        int shown = report->portal->len > 64 ? 64 : (int)report->portal->len;

        snprintf(what + used, (size_t)(what_bytes - used), "execute \"%.*s\"", shown,
                 (const char *)report->portal->data);
    } else {
        snprintf(what + used, (size_t)(what_bytes - used), "statement");
    }
}

void statement_log(const struct conf *conf, const struct log_about *about,
                   const struct statement_report *report)
{
    const char *chars = (const char *)report->text.data;
    int len = (int)utf8_cut(report->text, text_bytes).len;
    bool slow = statement_log_wants_time(conf) && report->took_us >= conf->log_min_duration_us;
    struct log_about entry = *about;
    char what[what_bytes];

    if (!slow && conf->log_statement < report_level(report)) {
        return;
    }
    entry.sqlstate = report->tag == NULL ? report->failure->sqlstate : NULL;
    entry.duration_us = report->took_us > 0 ? report->took_us : 0;
    print_what(report, what);
    if (slow) {
        log_about(LEVEL_LOG, &entry, "duration: %lld.%03d ms  %s: %.*s",
                  (long long)(report->took_us / 1000), (int)(report->took_us % 1000), what, len,
                  chars);
    } else {
        log_about(LEVEL_LOG, &entry, "%s: %.*s", what, len, chars);
    }
}
