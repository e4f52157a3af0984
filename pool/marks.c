/* pool/marks.c: see the header. The clone does the work (pool/clone.h); here are names, the limit
 * and the writer's place around it. All is looked up once the place is taken: while one waits for
 * it, others of the clone may set marks, too. */
#include "pool/marks.h"

#include "pool/clone_impl.h"
#include "pool/page.h"
#include "pool/txn_sqlite.h"

#include <assert.h>
#include <errno.h>

enum { mark_name_most = 63 };

struct mark {
    LIST_ENTRY(mark) entry;
    struct clone_mark *root;
    char name[];
};

struct change {
    struct marks *marks;
    const char *name;
    size_t most;
};

typedef int change_fn(struct clone *clone, const struct change *change,
                      struct failure *ret_failure);

static struct mark *find(const struct marks *marks, const char *name)
{
    struct mark *mark;

    LIST_FOREACH (mark, &marks->list, entry) {
        if (strcmp(mark->name, name) == 0) {
            return mark;
        }
    }
    return NULL;
}

/* Charged to the clone: a mark outlives the session that sets it. */
static int add(struct marks *marks, struct clone *clone, const char *name, struct clone_mark *root)
{
    size_t len = strlen(name) + 1;
    struct mark *mark = page_owner_alloc(clone->owner, sizeof(*mark) + len);

    if (mark == NULL) {
        return -ENOMEM;
    }
    mark->root = root;
    memcpy(mark->name, name, len);
    LIST_INSERT_HEAD(&marks->list, mark, entry);
    marks->count++;
    return 0;
}

/* ---- what is done with the writer's place ---- */

static int fail_full(const struct marks *marks, struct failure *ret_failure)
{
    failure_set(ret_failure, "53400", "too many marks: there are %zu", marks->count);
    failure_add(ret_failure, FIELD_HINT,
                "Set one of them again, or raise max_marks of this database.");
    return FAILED;
}

static int set(struct clone *clone, const struct change *change, struct failure *ret_failure)
{
    struct marks *marks = change->marks;
    struct mark *mark = find(marks, change->name);
    struct clone_mark *root;

    if (strlen(change->name) > mark_name_most) {
        return failure_set(ret_failure, "42622", "the name of a mark has at most %d bytes",
                           mark_name_most);
    }
    if (mark == NULL && change->most != 0 && marks->count >= change->most) {
        return fail_full(marks, ret_failure);
    }
    if (clone_mark(clone, &root) != 0) {
        return failure_set_nomem(ret_failure);
    }
    if (mark != NULL) {
        clone_mark_destroy(mark->root);
        mark->root = root;
        return 0;
    }
    if (add(marks, clone, change->name, root) != 0) {
        clone_mark_destroy(root);
        return failure_set_nomem(ret_failure);
    }
    return 0;
}

/* Who writes has the place, so that the clone is never busy here. */
static int done(int r, struct failure *ret_failure)
{
    assert(r != -EBUSY);
    return r == 0 ? 0 : failure_set_nomem(ret_failure);
}

static int rewind_clone(struct clone *clone, const struct change *change,
                        struct failure *ret_failure)
{
    const struct mark *mark = find(change->marks, change->name);

    if (mark == NULL) {
        return failure_set(ret_failure, "42704", "mark \"%s\" does not exist", change->name);
    }
    return done(clone_rewind(clone, mark->root), ret_failure);
}

static int reset_clone(struct clone *clone, const struct change *change maybe_unused,
                       struct failure *ret_failure)
{
    if (clone->durable != NULL) {
        failure_set(ret_failure, "0A000", "a durable database has no template to go back to");
        failure_add(ret_failure, FIELD_HINT, "Set a mark by pond_mark() and rewind to that.");
        return FAILED;
    }
    return done(clone_reset(clone), ret_failure);
}

static int with_place(struct session *session, change_fn *fn, const struct change *change,
                      struct failure *ret_failure)
{
    uint64_t before = 0;
    uint64_t after = 0;

    session_enter(session);
    int r = txn_sqlite_take_place(session, ret_failure);
    if (r == 0) {
        before = session->clone->version;
        r = fn(session->clone, change, ret_failure);
        after = session->clone->version; /* to leave may make another one, when this one is lost */
        txn_leave(session);
    }
    if (r == 0 && after != before) {
        r = txn_sqlite_await_version(session, after, ret_failure);
    }
    session_leave(session);
    return r;
}

/* ---- marks ---- */

int marks_set(struct marks *marks, struct session *session, const char *name, size_t most,
              struct failure *ret_failure)
{
    const struct change change = { .marks = marks, .name = name, .most = most };

    return with_place(session, set, &change, ret_failure);
}

int marks_rewind(struct marks *marks, struct session *session, const char *name,
                 struct failure *ret_failure)
{
    const struct change change = { .marks = marks, .name = name };

    return with_place(session, rewind_clone, &change, ret_failure);
}

int marks_reset(struct session *session, struct failure *ret_failure)
{
    const struct change change = { .marks = NULL };

    return with_place(session, reset_clone, &change, ret_failure);
}

void marks_finish(struct marks *marks)
{
    struct mark *mark;

    while ((mark = LIST_FIRST(&marks->list)) != NULL) {
        LIST_REMOVE(mark, entry);
        clone_mark_destroy(mark->root);
        mem_free(mark);
    }
    marks->count = 0;
}
