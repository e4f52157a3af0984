/* conf/option.c: the option table, and the parsers of its types. Each type knows how to say what it
 * expects. */
#include "conf/option.h"

#include "base/alloc.h"
#include "conf/conf.h"
#include "conf/conf_user.h"
#include "conf/quantity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define POND(f) OPTION_POND, offsetof(struct conf, f)
#define BASE(f) OPTION_DATABASE, offsetof(struct conf_database, f)
#define USER(f) OPTION_USER, offsetof(struct conf_user, f)

static const char *const auth_words[] = { "trust", "peer", "scram-sha-256", "cert", "hba", NULL };
static const char *const synchronous_words[] = { "full", "normal", "off", NULL };
static const char *const statement_words[] = { "none", "ddl", "mod", "all", NULL };

static const char *const tls_mode_words[] = { "disable",   "allow",       "prefer", "require",
                                              "verify-ca", "verify-full", NULL };
static const char *const tls_protocol_words[] = { "secure", "tlsv1.2", "tlsv1.3", NULL };

#define ROW(opt, where, kind, text, ...) ROW_(opt, where, kind, text, __VA_ARGS__)
#define ROW_(opt, in, at, kind, text, ...)                                                  \
    {                                                                                       \
        .name = opt, .section = in, .offset = at, .type = kind, .preset = text, __VA_ARGS__ \
    }

/* clang-format off */
const struct option option_table[] = {
    ROW("listen_addr", POND(listen_addr), OPTION_TEXT, "127.0.0.1", .needs_restart = true),
    ROW("listen_port", POND(listen_port), OPTION_INT, "7432", .min = 0, .max = 65535, .needs_restart = true),
    ROW("unix_socket_dir", POND(unix_socket_dir), OPTION_PATH, "/tmp", .needs_restart = true),
    ROW("http_listen", POND(http_listen), OPTION_TEXT, "", .needs_restart = true),
    ROW("loops", POND(loops), OPTION_INT, "0", .min = 0, .max = 64, .needs_restart = true),
    ROW("max_client_conn", POND(max_client_conn), OPTION_INT, "1000", .min = 1, .max = 1000000),
    ROW("max_client_conn_per_addr", POND(max_client_conn_per_addr), OPTION_INT, "0", .min = 0, .max = 1000000),
    ROW("max_db_connections", POND(max_db_connections), OPTION_INT, "0", .min = 0, .max = 1000000),
    ROW("max_user_connections", POND(max_user_connections), OPTION_INT, "0", .min = 0, .max = 1000000),
    ROW("max_clones", POND(max_clones), OPTION_INT, "10000", .min = 0, .max = 1000000),
    ROW("max_templates", POND(max_templates), OPTION_INT, "100", .min = 0, .max = 1000000),
    ROW("max_packet_size", POND(max_packet_size), OPTION_SIZE, "16MB", .min = 16 * KIB, .max = 1024 * MIB),
    ROW("output_buffer", POND(output_buffer), OPTION_SIZE, "64kB", .min = 4 * KIB, .max = 64 * MIB),
    ROW("time_slice", POND(time_slice_us), OPTION_MILLIS, "1ms", .min = 10, .max = SEC),
    ROW("memory_limit", POND(memory_limit), OPTION_SIZE, "0", .min = 0, .max = 16 * TIB),
    ROW("temp_dir", POND(temp_dir), OPTION_PATH, "", .needs_restart = true),
    ROW("backup_dir", POND(backup_dir), OPTION_PATH, "", 0),
    ROW("client_login_timeout", POND(client_login_timeout_us), OPTION_SECONDS, "60s", .min = 0, .max = DAY),
    ROW("client_idle_timeout", POND(client_idle_timeout_us), OPTION_SECONDS, "0", .min = 0, .max = 30 * DAY),
    ROW("client_stall_timeout", POND(client_stall_timeout_us), OPTION_SECONDS, "0", .min = 0, .max = DAY),
    ROW("shutdown_grace", POND(shutdown_grace_us), OPTION_SECONDS, "5s", .min = 0, .max = DAY),
    ROW("client_tls_sslmode", POND(tls_mode), OPTION_WORD, "disable", .words = tls_mode_words),
    ROW("client_tls_key_file", POND(tls_key_file), OPTION_PATH, "", 0),
    ROW("client_tls_cert_file", POND(tls_cert_file), OPTION_PATH, "", 0),
    ROW("client_tls_ca_file", POND(tls_ca_file), OPTION_PATH, "", 0),
    ROW("client_tls_crl_file", POND(tls_crl_file), OPTION_PATH, "", 0),
    ROW("client_tls_protocols", POND(tls_protocols), OPTION_WORD, "secure", .words = tls_protocol_words),
    ROW("client_tls_ciphers", POND(tls_ciphers), OPTION_TEXT, "default", 0),
    ROW("auth_type", POND(auth_type), OPTION_WORD, "peer", .words = auth_words),
    ROW("auth_file", POND(auth_file), OPTION_PATH, "", 0),
    ROW("auth_hba_file", POND(auth_hba_file), OPTION_PATH, "", 0),
    ROW("auth_delay", POND(auth_delay_us), OPTION_SECONDS, "1s", .min = 0, .max = 60 * SEC),
    ROW("max_failed_logins", POND(max_failed_logins), OPTION_INT, "20", .min = 0, .max = 1000000),
    ROW("admin_users", POND(admin_users), OPTION_TEXT, "", 0),
    ROW("stats_users", POND(stats_users), OPTION_TEXT, "", 0),
    ROW("log_connections", POND(log_connections), OPTION_BOOL, "off", 0),
    ROW("log_disconnections", POND(log_disconnections), OPTION_BOOL, "off", 0),
    ROW("log_limit", POND(log_limit), OPTION_INT, "6000", .min = 0, .max = 1000000000),
    ROW("log_statement", POND(log_statement), OPTION_WORD, "none", .words = statement_words),
    ROW("log_min_duration_statement", POND(log_min_duration_us), OPTION_MILLIS, "-1", .min = -1, .max = DAY),

    ROW("seed", BASE(seed), OPTION_PATH, "", 0),
    ROW("file", BASE(file), OPTION_PATH, "", .needs_restart = true),
    ROW("synchronous", BASE(synchronous), OPTION_WORD, "full", .words = synchronous_words, .needs_restart = true),
    ROW("pool_size", BASE(pool_size), OPTION_INT, "0", .min = 0, .max = 1000000),
    ROW("min_pool_size", BASE(min_pool_size), OPTION_INT, "0", .min = 0, .max = 10000),
    ROW("max_waiters", BASE(max_waiters), OPTION_INT, "1000", .min = 0, .max = 1000000),
    ROW("query_wait_timeout", BASE(query_wait_timeout_us), OPTION_SECONDS, "120s", .min = 0, .max = DAY),
    ROW("server_idle_timeout", BASE(server_idle_timeout_us), OPTION_SECONDS, "600s", .min = 0, .max = 30 * DAY),
    ROW("server_lifetime", BASE(server_lifetime_us), OPTION_SECONDS, "3600s", .min = 0, .max = 30 * DAY),
    ROW("max_marks", BASE(max_marks), OPTION_INT, "100", .min = 0, .max = 1000000),
    ROW("linger", BASE(linger_us), OPTION_SECONDS, "0", .min = 0, .max = 30 * DAY),
    ROW("max_result_size", BASE(max_result_size), OPTION_SIZE, "0", .min = 0, .max = 16 * TIB),
    ROW("max_statement_size", BASE(max_statement_size), OPTION_SIZE, "1MB", .min = KIB, .max = 512 * MIB),
    ROW("clone_memory", BASE(clone_memory), OPTION_SIZE, "256MB", .min = 0, .max = 16 * TIB),
    ROW("session_memory", BASE(session_memory), OPTION_SIZE, "64MB", .min = 0, .max = 16 * TIB),
    ROW("work_mem", BASE(work_mem), OPTION_SIZE, "4MB", .min = 64 * KIB, .max = TIB),
    ROW("temp_file_limit", BASE(temp_file_limit), OPTION_SIZE, "1GB", .min = -1, .max = 1024 * TIB),
    ROW("statement_timeout", BASE(statement_timeout_us), OPTION_MILLIS, "0", .min = 0, .max = 24 * DAY),
    ROW("lock_timeout", BASE(lock_timeout_us), OPTION_MILLIS, "0", .min = 0, .max = 24 * DAY),
    ROW("idle_in_transaction_session_timeout", BASE(idle_in_transaction_timeout_us), OPTION_MILLIS, "0",
        .min = 0, .max = 24 * DAY),

    ROW("databases", USER(databases), OPTION_TEXT, "", 0),
    ROW("createdb", USER(createdb), OPTION_BOOL, "on", 0),
    ROW("max_user_connections", USER(max_user_connections), OPTION_INT, "0", .min = 0, .max = 1000000),
    ROW("statement_timeout", USER(statement_timeout_us), OPTION_MILLIS, "0", .min = 0, .max = 24 * DAY),
};
/* clang-format on */
const size_t option_count = ARRAY_LEN(option_table);

/* ---- types ---- */

static bool set_bool(const struct option *option, void *field, const char *value)
{
    static const char *const words[] = { "off", "on", "false", "true", "no", "yes", "0", "1" };

    (void)option;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasecmp(value, words[i]) == 0) {
            *(bool *)field = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool set_number(const struct option *option, void *field, const char *value,
                       const struct unit *units, int64_t plain)
{
    int64_t number;

    if (option->min == -1 && strcmp(value, "-1") == 0) {
        *(int64_t *)field = -1; /* "off", whatever the unit */
        return true;
    }
    if (!quantity_parse(value, units, plain, &number) || number < option->min ||
        number > option->max || (option->min == -1 && number < 0)) {
        return false;
    }
    *(int64_t *)field = number;
    return true;
}

static bool set_int(const struct option *option, void *field, const char *value)
{
    return set_number(option, field, value, units_none, 1);
}

static bool set_size(const struct option *option, void *field, const char *value)
{
    return set_number(option, field, value, units_size, 1);
}

static bool set_seconds(const struct option *option, void *field, const char *value)
{
    return set_number(option, field, value, units_time, SEC);
}

static bool set_millis(const struct option *option, void *field, const char *value)
{
    return set_number(option, field, value, units_time, MSEC);
}

static bool set_word(const struct option *option, void *field, const char *value)
{
    for (int64_t i = 0; option->words[i] != NULL; i++) {
        if (strcmp(value, option->words[i]) == 0) {
            *(int64_t *)field = i;
            return true;
        }
    }
    return false;
}

struct option_kind {
    bool (*set)(const struct option *option, void *field, const char *value); /* NULL: a string */
    const char *noun;
    const struct unit *units;
};

static const struct option_kind option_kinds[] = {
    [OPTION_BOOL] = { set_bool, "on or off", NULL },
    [OPTION_INT] = { set_int, "a whole number", units_none },
    [OPTION_SIZE] = { set_size, "a size in bytes, kB, MB or GB", units_size },
    [OPTION_SECONDS] = { set_seconds, "a time in seconds, or with us, ms, s, min, h, d",
                         units_time },
    [OPTION_MILLIS] = { set_millis, "a time in milliseconds, or with us, ms, s, min, h, d",
                        units_time },
    [OPTION_PATH] = { NULL, "a path", NULL },
    [OPTION_TEXT] = { NULL, "a text", NULL },
    [OPTION_WORD] = { set_word, "one of", NULL },
};

static void *option_field(const struct option *option, void *target)
{
    return (char *)target + option->offset;
}

static int option_refuse(const struct option *option, const char *value,
                         struct failure *ret_failure)
{
    const struct option_kind *kind = &option_kinds[option->type];
    char range[128] = "";

    if (kind->units != NULL) {
        char min[32];
        char max[32];
        quantity_print(option->min, kind->units, min, sizeof(min));
        quantity_print(option->max, kind->units, max, sizeof(max));
        snprintf(range, sizeof(range), " from %s to %s", option->min == -1 ? "-1 (off)" : min, max);
    }
    for (size_t i = 0; option->words != NULL && option->words[i] != NULL; i++) {
        size_t used = strlen(range);
        snprintf(range + used, sizeof(range) - used, "%s%s", i == 0 ? " " : ", ", option->words[i]);
    }
    return failure_set(ret_failure, "22023", "%s: expected %s%s, not \"%s\"", option->name,
                       kind->noun, range, value);
}

static int set_string(const struct option *option, char **field, const char *value,
                      const char *folder)
{
    char *text;

    if (option->type == OPTION_PATH && *value != '\0' && *value != '/') {
        size_t size = strlen(folder) + strlen(value) + 2;
        text = mem_alloc(size);
        if (text != NULL) {
            snprintf(text, size, "%s/%s", folder, value);
        }
    } else {
        text = mem_strdup(value);
    }
    if (text == NULL) {
        return -ENOMEM;
    }
    mem_free(*field);
    *field = text;
    return 0;
}

int option_set(const struct option *option, void *target, const char *value, const char *folder,
               struct failure *ret_failure)
{
    const struct option_kind *kind = &option_kinds[option->type];
    void *field = option_field(option, target);

    if (kind->set == NULL) {
        return set_string(option, field, value, folder);
    }
    return kind->set(option, field, value) ? 0 : option_refuse(option, value, ret_failure);
}

void option_print(const struct option *option, const void *target, char *text, size_t size)
{
    const struct option_kind *kind = &option_kinds[option->type];
    const void *field = (const char *)target + option->offset;

    if (kind->set == NULL) {
        snprintf(text, size, "%s", *(char *const *)field);
    } else if (option->type == OPTION_BOOL) {
        snprintf(text, size, "%s", *(const bool *)field ? "on" : "off");
    } else if (option->type == OPTION_WORD) {
        snprintf(text, size, "%s", option->words[*(const int64_t *)field]);
    } else if (*(const int64_t *)field < 0) {
        snprintf(text, size, "-1"); /* off, whatever the unit */
    } else {
        quantity_print(*(const int64_t *)field, kind->units, text, size);
    }
}

int option_preset_all(enum option_section section, void *target)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];
        if (option->section == section) {
            int r = option_set(option, target, option->preset, "", NULL);
            if (r != 0) {
                return r;
            }
        }
    }
    return 0;
}

void option_finish_all(enum option_section section, void *target)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];
        if (option->section == section && option_kinds[option->type].set == NULL) {
            char **field = option_field(option, target);
            mem_free(*field);
            *field = NULL;
        }
    }
}

/* ---- the same value elsewhere ---- */

static bool is_string(const struct option *option)
{
    return option_kinds[option->type].set == NULL;
}

static size_t field_bytes(const struct option *option)
{
    return option->type == OPTION_BOOL ? sizeof(bool) : sizeof(int64_t);
}

bool option_equal(const struct option *option, const void *a, const void *b)
{
    const void *left = (const char *)a + option->offset;
    const void *right = (const char *)b + option->offset;

    return is_string(option) ? strcmp(*(char *const *)left, *(char *const *)right) == 0
                             : memcmp(left, right, field_bytes(option)) == 0;
}

int option_copy(const struct option *option, void *to, const void *from)
{
    const void *field = (const char *)from + option->offset;

    if (is_string(option)) {
        /* a path is absolute already, or empty */
        return set_string(option, option_field(option, to), *(char *const *)field, "");
    }
    memcpy(option_field(option, to), field, field_bytes(option));
    return 0;
}

int option_copy_all(enum option_section section, void *to, const void *from)
{
    int r = 0;

    for (size_t i = 0; i < option_count && r == 0; i++) {
        r = option_table[i].section == section ? option_copy(&option_table[i], to, from) : 0;
    }
    return r;
}

/* ---- names ---- */

const struct option *option_find(enum option_section section, const char *name)
{
    for (size_t i = 0; i < option_count; i++) {
        if (option_table[i].section == section && strcmp(option_table[i].name, name) == 0) {
            return &option_table[i];
        }
    }
    return NULL;
}

/* How many letters must be added, dropped or changed to make one word of the other; words of more
 * than 63 bytes are far from everything. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[64];
    size_t len = strlen(b);

    if (len > 63 || strlen(a) > 63) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= len; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < len; j++) {
            size_t changed = diagonal + (a[i] != b[j]);
            size_t moved = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = changed < moved ? changed : moved;
        }
    }
    return row[len];
}

const struct option *option_nearest(enum option_section section, const char *name)
{
    const struct option *best = NULL;
    size_t best_distance = 1 + (strlen(name) > 5 ? 3 : 1); /* further away is another word */

    for (size_t i = 0; i < option_count; i++) {
        size_t distance = edit_distance(name, option_table[i].name);
        if (option_table[i].section == section && distance < best_distance) {
            best = &option_table[i];
            best_distance = distance;
        }
    }
    return best;
}

int option_fail_unknown(enum option_section section, const char *name, struct failure *ret_failure)
{
    bool elsewhere =
        option_find(section == OPTION_POND ? OPTION_DATABASE : OPTION_POND, name) != NULL;
    const struct option *near = option_nearest(section, name);

    if (elsewhere) {
        return failure_set(ret_failure, "42704", "%s: this option belongs in a [%s] section", name,
                           section == OPTION_POND ? "database NAME" : "pond");
    }
    if (near != NULL) {
        return failure_set(ret_failure, "42704", "%s: no such option; did you mean %s?", name,
                           near->name);
    }
    return failure_set(ret_failure, "42704", "%s: no such option in a [%s] section", name,
                       section == OPTION_POND ? "pond" : "database NAME");
}
