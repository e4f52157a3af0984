/* tests/unit/sql/support_host.c */
#include "tests/unit/sql/support_host.h"

#include "async/await.h"
#include "base/defs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct fake_host fake;

static void add(char *text, size_t room, const char *format, ...) printf_like(3, 4);

static void add(char *text, size_t room, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text + used, room - used, format, args);
    va_end(args);
}

#define LOG(...) add(fake.log, sizeof(fake.log), __VA_ARGS__)

static const char *take(char *text, size_t room)
{
    static char copy[4096];

    (void)snprintf(copy, sizeof(copy), "%s", text);
    memset(text, 0, room);
    return copy;
}

const char *fake_log(void)
{
    return take(fake.log, sizeof(fake.log));
}

const char *fake_notices(void)
{
    return take(fake.notices, sizeof(fake.notices));
}

static void notice(void *host, const struct failure *n)
{
    (void)host;
    add(fake.notices, sizeof(fake.notices), "%s %s %s; ", failure_severity_name(n), n->sqlstate,
        failure_get(n, FIELD_MESSAGE));
}

/* Every call that may await does. */
static int enter(struct failure *f)
{
    assert_int_equal(await_turn(), 0);
    return fake.sqlstate == NULL ? 0 : failure_set(f, fake.sqlstate, "told to fail");
}

static struct fake_database *find(const char *name)
{
    for (size_t i = 0; i < fake.count; i++) {
        if (strcmp(fake.databases[i].name, name) == 0) {
            return &fake.databases[i];
        }
    }
    return NULL;
}

static int not_there(const char *name, struct failure *f)
{
    return failure_set(f, "3D000", "database \"%s\" does not exist", name);
}

static void put(const char *name, const char *owner, struct database_row row)
{
    struct fake_database *d = &fake.databases[fake.count];

    assert_true(fake.count < ARRAY_LEN(fake.databases));
    (void)snprintf(d->name, sizeof(d->name), "%s", name);
    (void)snprintf(d->owner, sizeof(d->owner), "%s", owner == NULL ? "" : owner);
    row.name = d->name;
    row.owner = owner == NULL ? NULL : d->owner;
    row.oid = 20000 + (uint32_t)fake.count++;
    d->row = row;
}

static int create(void *host, const struct database_request *q, struct failure *f)
{
    (void)host;
    if (enter(f) != 0) {
        return FAILED;
    }
    if (find(q->name) != NULL) {
        return failure_set(f, "42P04", "database \"%s\" already exists", q->name);
    }
    LOG("create %s", q->name);
    LOG(" from %s owner %s", q->template_name == NULL ? "-" : q->template_name,
        q->owner == NULL ? "-" : q->owner);
    LOG(" %s%s%d; ", q->is_template ? "template " : "", q->allows_connections ? "" : "closed ",
        q->connection_limit);
    put(q->name, q->owner == NULL ? "tester" : q->owner,
        (struct database_row){ .is_template = q->is_template,
                               .allows_connections = q->allows_connections,
                               .connection_limit = q->connection_limit,
                               .bytes = 4096 });
    return 0;
}

static int drop(void *host, const char *name, bool force, struct failure *f)
{
    struct fake_database *d = find(name);

    (void)host;
    if (enter(f) != 0) {
        return FAILED;
    }
    if (d == NULL) {
        return not_there(name, f);
    }
    LOG("drop %s%s; ", name, force ? " force" : "");
    d->name[0] = '\0';
    return 0;
}

static int alter(void *host, const char *name, const struct database_change *change,
                 struct failure *f)
{
    struct fake_database *d = find(name);

    (void)host;
    if (enter(f) != 0) {
        return FAILED;
    }
    if (d == NULL) {
        return not_there(name, f);
    }
    LOG("alter %s", name);
    if (change->name != NULL) {
        LOG(" name %s", change->name);
    }
    if (change->owner != NULL) {
        LOG(" owner %s", change->owner);
    }
    if (change->is_template != NULL) {
        LOG(" template %d", *change->is_template);
    }
    if (change->allows_connections != NULL) {
        LOG(" open %d", *change->allows_connections);
    }
    if (change->connection_limit != NULL) {
        LOG(" limit %d", *change->connection_limit);
    }
    LOG("; ");
    return 0;
}

static int each_database(void *host, database_fn *fn, void *arg, struct failure *f)
{
    (void)host;
    if (enter(f) != 0) {
        return FAILED;
    }
    for (size_t i = 0; i < fake.count; i++) {
        if (fake.databases[i].name[0] != '\0') {
            fn(arg, &fake.databases[i].row);
        }
    }
    return 0;
}

static int each_pool(void *host, pool_fn *fn, void *arg, struct failure *f)
{
    (void)host;
    if (enter(f) != 0) {
        return FAILED;
    }
    fn(arg, &(struct pool_row){ .name = "empty", .oid = 20007, .longest_wait_us = -1 });
    fn(arg, &(struct pool_row){ .name = "shop",
                                .oid = 20000,
                                .pool_size = 8,
                                .min_pool_size = 1,
                                .in_use = 8,
                                .idle = 0,
                                .waiting = 3,
                                .longest_wait_us = 1234567,
                                .leases = 1000,
                                .created = 9,
                                .timed_out = 2,
                                .clones = 4,
                                .clone_bytes = INT64_C(5000000000) });
    return 0;
}

static int each_backend(void *host, backend_fn *fn, void *arg, struct failure *f)
{
    (void)host;
    if (enter(f) != 0) {
        return FAILED;
    }
    for (size_t i = 0; i < fake.backend_count; i++) {
        fn(arg, &fake.backends[i]);
    }
    return 0;
}

static int backend_signal(void *host, int32_t pid, enum backend_signal signal, bool *ret_found,
                          struct failure *f)
{
    (void)host;
    if (enter(f) != 0) {
        return FAILED;
    }
    *ret_found = false;
    for (size_t i = 0; i < fake.backend_count; i++) {
        *ret_found |= fake.backends[i].pid == pid;
    }
    LOG("%s %d; ", signal == BACKEND_CANCEL ? "cancel" : "terminate", pid);
    return 0;
}

static int mark(void *host, enum mark_op op, const char *name, struct failure *f)
{
    static const char *const words[] = {
        [MARK_SET] = "mark", [MARK_REWIND] = "rewind", [MARK_RESET] = "reset"
    };

    (void)host;
    if (enter(f) != 0) {
        return FAILED;
    }
    LOG("%s %s; ", words[op], name == NULL ? "-" : name);
    return 0;
}

static int keep(void *host, struct failure *f)
{
    (void)host;
    if (enter(f) != 0) {
        return FAILED;
    }
    LOG("keep; ");
    return 0;
}

static int template_claim(void *host, const char *name, const char *from, bool *ret_build,
                          struct failure *f)
{
    (void)host;
    if (enter(f) != 0) {
        return FAILED;
    }
    *ret_build = find(name) == NULL;
    LOG("claim %s from %s; ", name, from == NULL ? "-" : from);
    return 0;
}

static int template_end(void *host, const char *name, bool ready, struct failure *f)
{
    (void)host;
    if (enter(f) != 0) {
        return FAILED;
    }
    LOG("%s %s; ", ready ? "ready" : "failed", name);
    return 0;
}

static void put_backends(void)
{
    static const struct backend_row backends[] = {
        { .pid = 4711,
          .database = "tester",
          .database_oid = 20001,
          .user = "tester",
          .application_name = "psql",
          .client_port = -1,
          .state = BACKEND_ACTIVE,
          .backend_start_us = INT64_C(1700000000000000),
          .query_start_us = INT64_C(1700000001500000),
          .state_change_us = INT64_C(1700000001500000) },
        { .pid = 4712,
          .database = "mine",
          .database_oid = 20002,
          .user = "other",
          .application_name = "",
          .client_address = "127.0.0.1",
          .client_port = 5001,
          .state = BACKEND_IN_TRANSACTION,
          .backend_start_us = INT64_C(1700000000000000),
          .transaction_start_us = INT64_C(1700000000250000),
          .wait_event_type = "Client",
          .wait_event = "ClientRead" },
        { .pid = 4713, .user = "admin", .application_name = "", .client_port = -1 },
    };

    memcpy(fake.backends, backends, sizeof(backends));
    fake.backend_count = ARRAY_LEN(backends);
    fake.backends[0].query = view_of_str("SELECT \"x\"\n");
    fake.backends[1].query = view_of_str("BEGIN");
}

void fake_host_init(void)
{
    struct database_row row = { .allows_connections = true, .connection_limit = -1, .bytes = 8192 };

    fake = (struct fake_host){ .ops = test_host };
    fake.ops.notice = notice;
    fake.ops.database_create = create;
    fake.ops.database_drop = drop;
    fake.ops.database_alter = alter;
    fake.ops.each_database = each_database;
    fake.ops.each_pool = each_pool;
    fake.ops.each_backend = each_backend;
    fake.ops.backend_signal = backend_signal;
    fake.ops.mark = mark;
    fake.ops.keep = keep;
    fake.ops.template_claim = template_claim;
    fake.ops.template_end = template_end;
    row.is_template = true;
    put("shop", NULL, row);
    row.is_template = false;
    put("tester", "tester", row);
    put("mine", "other", row);
    put_backends();
}

void with_fake_host(void (*body)(struct test_session *t))
{
    fake_host_init();
    with_host(&fake.ops, body);
}
