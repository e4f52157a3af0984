/* Transactions: PostgreSQL's blocks over a deferred BEGIN. Two sessions share a clone where others
 * matter. */
#include "support_session.h"

#include "async/await.h"
#include "pool/vfs.h"

#include <string.h>

static bool sqlite_in_transaction(struct session *session)
{
    return sqlite3_get_autocommit(session_sqlite(session)) == 0;
}

static void savepoint(struct session *session, const char *name)
{
    struct failure failure;

    assert_int_equal(txn_savepoint(session, view_of_str(name), &failure), 0);
}

static void rollback_to(struct session *session, const char *name)
{
    struct failure failure;

    assert_int_equal(txn_rollback_to(session, view_of_str(name), &failure), 0);
}

static void release(struct session *session, const char *name)
{
    struct failure failure;

    assert_int_equal(txn_release(session, view_of_str(name), &failure), 0);
}

/* ---- notes until the first write ---- */

static void notes(struct world *w)
{
    begin(w->session, TXN_READ_COMMITTED);
    savepoint(w->session, "a");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    rollback_to(w->session, "a");
    release(w->session, "a");
    assert_false(sqlite_in_transaction(w->session));
    assert_false(clone_has_writer(w->clone, w->session));
    assert_int_equal(txn_status(w->session), TXN_BLOCK);
    run(w->session, "DELETE FROM t WHERE id = 1");
    assert_true(sqlite_in_transaction(w->session));
    assert_true(clone_has_writer(w->clone, w->session));
    commit(w->session);
    assert_false(clone_has_writer(w->clone, w->session));
    assert_int_equal(txn_status(w->session), TXN_IDLE);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 999);
}

static void begins_only_with_the_first_write(void **state)
{
    in_task(*state, notes);
}

static void read_committed(struct world *w)
{
    struct session *other = session_on(w->clone, NULL);

    begin(w->session, TXN_READ_COMMITTED);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    run(other, "DELETE FROM t WHERE id = 1");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 999);
    run(w->session, "DELETE FROM t WHERE id = 2");
    assert_int_equal(query_int(other, "SELECT count(*) FROM t"), 999);
    commit(w->session);
    assert_int_equal(query_int(other, "SELECT count(*) FROM t"), 998);
    session_close(other);
}

static void sees_the_newest_before_each_statement(void **state)
{
    in_task(*state, read_committed);
}

/* ---- what a write is ---- */

static void temporary_table_writes(struct world *w)
{
    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "CREATE TEMP TABLE x(a)");
    assert_true(sqlite_in_transaction(w->session));
    run(w->session, "INSERT INTO x VALUES(1)");
    rollback(w->session);
    fails(w->session, "SELECT * FROM x", "42P01", "relation \"x\" does not exist");
}

static void temporary_tables_are_rolled_back(void **state)
{
    in_task(*state, temporary_table_writes);
}

static void locks(struct world *w)
{
    struct failure failure;

    begin(w->session, TXN_READ_COMMITTED);
    assert_int_equal(session_execute(w->session, view_of_str("SELECT * FROM t WHERE id = 1"), NULL,
                                     0, CURSOR_LOCKS, NULL, &failure),
                     0);
    assert_true(clone_has_writer(w->clone, w->session));
    rollback(w->session);
    assert_false(clone_has_writer(w->clone, w->session));
    run(w->session, "EXPLAIN UPDATE t SET n = 1");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t WHERE n = 1"), 0);
}

static void select_for_update_takes_the_place_and_explain_does_not(void **state)
{
    in_task(*state, locks);
}

static void lock_outside_of_a_block(struct world *w)
{
    struct failure failure;
    struct cursor *cursor;

    assert_int_equal(cursor_open(w->session, view_of_str("SELECT id FROM t"), NULL, 0, CURSOR_LOCKS,
                                 &cursor, &failure),
                     0);
    assert_int_equal(next_int(cursor), 1);
    assert_true(clone_has_writer(w->clone, w->session));
    cursor_close(cursor);
    assert_false(clone_has_writer(w->clone, w->session));
}

static void a_lock_outside_of_a_block_ends_with_its_statement(void **state)
{
    in_task(*state, lock_outside_of_a_block);
}

/* ---- portals leave, savepoints and constraints are replayed ---- */

static void replay(struct world *w)
{
    begin(w->session, TXN_READ_COMMITTED);
    savepoint(w->session, "a");
    savepoint(w->session, "b");
    run(w->session, "DELETE FROM t WHERE id = 1");
    savepoint(w->session, "a"); /* the same name again: the young one counts */
    run(w->session, "DELETE FROM t WHERE id = 2");
    rollback_to(w->session, "a");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 999);
    release(w->session, "a");
    run(w->session, "DELETE FROM t WHERE id = 3");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 998);
    rollback_to(w->session, "a"); /* the old one, from before the first write */
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    assert_false(clone_has_writer(w->clone, w->session));
    run(w->session, "DELETE FROM t WHERE id = 4");
    commit(w->session);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 999);
}

static void savepoints_are_replayed_at_the_first_write(void **state)
{
    in_task(*state, replay);
}

static void no_such_savepoint(struct world *w)
{
    struct failure f;

    assert_int_equal(txn_savepoint(w->session, view_of_str("x"), &f), FAILED);
    assert_string_equal(f.sqlstate, "25P01");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE),
                        "SAVEPOINT can only be used in transaction blocks");
    assert_int_equal(txn_release(w->session, view_of_str("x"), &f), FAILED);
    assert_string_equal(f.sqlstate, "25P01");
    begin(w->session, TXN_READ_COMMITTED);
    assert_int_equal(txn_rollback_to(w->session, view_of_str("x"), &f), FAILED);
    assert_string_equal(f.sqlstate, "3B001");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), "savepoint \"x\" does not exist");
    for (int i = 0; i < 4096; i++) {
        savepoint(w->session, "s");
    }
    assert_int_equal(txn_savepoint(w->session, view_of_str("s"), &f), FAILED);
    assert_string_equal(f.sqlstate, "54000");
    rollback(w->session);
}

static void savepoints_have_a_block_a_name_and_a_limit(void **state)
{
    in_task(*state, no_such_savepoint);
}

static void deferred(struct world *w)
{
    struct failure f;

    run(w->session,
        "CREATE TABLE strict_child(id INTEGER PRIMARY KEY, p INT REFERENCES parent(id))");
    fails(w->session, "INSERT INTO strict_child VALUES(1, 7)", "23503", NULL);
    begin(w->session, TXN_READ_COMMITTED);
    assert_int_equal(txn_defer_constraints(w->session, true, &f), 0);
    run(w->session, "INSERT INTO strict_child VALUES(1, 7)");
    assert_int_equal(txn_defer_constraints(w->session, false, &f), FAILED);
    assert_string_equal(f.sqlstate, "23503");
    run(w->session, "INSERT INTO parent VALUES(7)");
    assert_int_equal(txn_defer_constraints(w->session, false, &f), 0);
    commit(w->session);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM strict_child"), 1);
}

static void set_constraints_survives_the_deferred_begin(void **state)
{
    in_task(*state, deferred);
}

/* ---- the line ---- */

struct other {
    struct world *world;
    struct session *session;
    const char *sql;
    const char *sqlstate; /* expected, NULL: works */
    bool done;
    int order;
};

static void run_other(void *arg)
{
    struct other *other = arg;

    if (other->sqlstate == NULL) {
        run(other->session, other->sql);
    } else {
        fails(other->session, other->sql, other->sqlstate, NULL);
    }
    other->done = true;
}

static void turns(int count)
{
    for (int i = 0; i < count; i++) {
        assert_int_equal(await_turn(), 0);
    }
}

static void waits_in_line(struct world *w)
{
    struct other other = { .world = w,
                           .session = session_on(w->clone, NULL),
                           .sql = "UPDATE t SET n = n + 1 WHERE id = 1" };

    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "UPDATE t SET n = 100 WHERE id = 1");
    start(w, run_other, &other);
    turns(3);
    assert_false(other.done);
    commit(w->session);
    turns(3);
    assert_true(other.done);
    assert_int_equal(query_int(w->session, "SELECT n FROM t WHERE id = 1"), 101);
    session_close(other.session);
}

static void a_writer_awaits_the_place(void **state)
{
    in_task(*state, waits_in_line);
}

static void lock_timeout(struct world *w)
{
    struct session_options options = { .lock_timeout_us = 5000 };
    struct other other = { .session = session_on(w->clone, &options),
                           .sql = "DELETE FROM t",
                           .sqlstate = "55P03" };

    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "UPDATE t SET n = 100 WHERE id = 1");
    start(w, run_other, &other);
    turns(3);
    clock_manual_advance(&w->clock, 4999);
    turns(3);
    assert_false(other.done);
    clock_manual_advance(&w->clock, 2);
    while (!other.done) {
        turns(1);
    }
    commit(w->session);
    run(other.session, "DELETE FROM t");
    session_close(other.session);
}

static void lock_timeout_ends_the_wait(void **state)
{
    in_task(*state, lock_timeout);
}

static void cancel_in_line(struct world *w)
{
    struct other other = { .session = session_on(w->clone, NULL),
                           .sql = "DELETE FROM t",
                           .sqlstate = "57014" };

    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "UPDATE t SET n = 100 WHERE id = 1");
    start(w, run_other, &other);
    turns(3);
    session_stop_statement(other.session, STOP_CANCEL);
    turns(3);
    assert_true(other.done);
    commit(w->session);
    session_statement_begin(other.session, DEADLINE_NONE);
    run(other.session, "DELETE FROM t");
    session_close(other.session);
}

static void a_cancel_ends_the_wait_and_not_the_task(void **state)
{
    in_task(*state, cancel_in_line);
}

/* ---- the end of blocks ---- */

static void cursors_end(struct world *w)
{
    struct failure f;
    const struct cell *cells;
    struct cursor *cursor;

    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "DELETE FROM t WHERE id = 1000");
    cursor = open_cursor(w->session, "SELECT id FROM t");
    assert_int_equal(next_int(cursor), 1);
    commit(w->session);
    assert_int_equal(cursor_next(cursor, &cells, &f), FAILED);
    assert_string_equal(f.sqlstate, "24000");
    cursor_close(cursor);
    /* nothing pins the old root */
    struct session *other = session_on(w->clone, NULL);
    run(other, "DELETE FROM t WHERE id = 999");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 998);
    session_close(other);
}

static void commit_ends_open_cursors_and_their_pins(void **state)
{
    in_task(*state, cursors_end);
}

/* ---- blocks that an error has ended ---- */

static void failed_block(struct world *w)
{
    struct failure f;
    bool rolled_back = false;

    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "DELETE FROM t WHERE id = 1");
    fails(w->session, "INSERT INTO t VALUES(2, 0, '')", "23505", NULL);
    assert_int_equal(txn_status(w->session), TXN_FAILED);
    assert_false(
        clone_has_writer(w->clone, w->session)); /* nobody waits for a block that is lost */
    assert_int_equal(txn_savepoint(w->session, view_of_str("a"), &f), FAILED);
    assert_string_equal(f.sqlstate, "25P02");
    assert_int_equal(txn_commit(w->session, &rolled_back, &f), 0);
    assert_true(rolled_back);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
}

static void commit_of_a_failed_block_rolls_back(void **state)
{
    in_task(*state, failed_block);
}

static void recover(struct world *w)
{
    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "DELETE FROM t WHERE id = 1");
    savepoint(w->session, "a");
    fails(w->session, "INSERT INTO t VALUES(2, 0, '')", "23505", NULL);
    assert_int_equal(txn_status(w->session), TXN_FAILED);
    rollback_to(w->session, "a");
    assert_int_equal(txn_status(w->session), TXN_BLOCK);
    run(w->session, "DELETE FROM t WHERE id = 3");
    commit(w->session);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 998);
}

static void rollback_to_heals_a_failed_block(void **state)
{
    in_task(*state, recover);
}

static enum stop_reason stop_at_once(void *owner)
{
    (void)owner;
    return STOP_CANCEL;
}

/* Each statement's time slice is over at once: the manual clock is moved by a function that SQL
 * calls. */
static void tick(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct world *w = sqlite3_user_data(context);

    (void)argc;
    clock_manual_advance(&w->clock, 10000);
    sqlite3_result_value(context, argv[0]);
}

static void stopped_write(struct world *w)
{
    struct session *session =
        session_on(w->clone, &(struct session_options){ .should_stop = stop_at_once });
    struct failure f;
    bool rolled_back = false;

    sqlite3_create_function(session_sqlite(session), "tick", 1, SQLITE_UTF8, w, tick, NULL, NULL);
    begin(session, TXN_READ_COMMITTED);
    run(session, "DELETE FROM t WHERE id = 1");
    savepoint(session, "a");
    fails(session, "UPDATE t SET n = tick(n)", "57014", "canceling statement due to user request");
    assert_int_equal(txn_rollback_to(session, view_of_str("a"), &f), FAILED);
    assert_string_equal(f.sqlstate, "25P02");
    assert_int_equal(txn_status(session), TXN_FAILED);
    assert_int_equal(txn_commit(session, &rolled_back, &f), 0);
    assert_true(rolled_back);
    assert_int_equal(query_int(session, "SELECT count(*) FROM t"), 1000);
    session_close(session);
}

static void a_stopped_write_loses_its_block(void **state)
{
    in_task(*state, stopped_write);
}

static void deferred_key(struct world *w)
{
    struct failure f;
    bool rolled_back = false;

    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "INSERT INTO child VALUES(1, 99)");
    assert_int_equal(txn_commit(w->session, &rolled_back, &f), FAILED);
    assert_string_equal(f.sqlstate, "23503");
    assert_string_equal(failure_get(&f, FIELD_MESSAGE),
                        "insert or update on table \"child\" violates foreign key constraint "
                        "\"child_parent_id_fkey\"");
    assert_int_equal(txn_status(w->session), TXN_IDLE);
    assert_false(sqlite_in_transaction(w->session));
    assert_false(clone_has_writer(w->clone, w->session));
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM child"), 0);
    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "INSERT INTO child VALUES(1, 99)");
    run(w->session, "INSERT INTO parent VALUES(99)");
    commit(w->session);
}

static void a_failed_deferred_key_rolls_the_block_back(void **state)
{
    in_task(*state, deferred_key);
}

static void late_keys(struct world *w)
{
    struct failure f;

    run(w->session, "CREATE TABLE tree(id INTEGER PRIMARY KEY, up INT REFERENCES tree(id))");
    assert_false(txn_late_keys_begin(w->session)); /* outside of a transaction */
    begin(w->session, TXN_READ_COMMITTED);
    assert_true(txn_late_keys_begin(w->session));
    run(w->session, "INSERT INTO tree VALUES(1, 2)");
    run(w->session, "INSERT INTO tree VALUES(2, NULL)");
    assert_int_equal(txn_late_keys_end(w->session, 0, &f), 0);
    fails(w->session, "INSERT INTO tree VALUES(3, 7)", "23503", NULL); /* as ever */
    rollback(w->session);

    begin(w->session, TXN_READ_COMMITTED);
    savepoint(w->session, "s");
    assert_true(txn_late_keys_begin(w->session));
    run(w->session, "INSERT INTO tree VALUES(1, 2)");
    assert_int_equal(txn_late_keys_end(w->session, 0, &f), FAILED);
    assert_string_equal(f.sqlstate, "23503");
    rollback_to(w->session, "s");
    assert_true(txn_late_keys_begin(w->session));
    run(w->session, "INSERT INTO tree VALUES(1, 2)");
    failure_set(&f, "22P02", "something else");
    assert_int_equal(txn_late_keys_end(w->session, FAILED, &f), FAILED);
    assert_string_equal(f.sqlstate, "22P02");
    rollback(w->session);

    begin(w->session, TXN_READ_COMMITTED);
    run(w->session, "INSERT INTO child VALUES(1, 99)"); /* INITIALLY DEFERRED: still open */
    assert_false(txn_late_keys_begin(w->session));
    rollback(w->session);
    begin(w->session, TXN_READ_COMMITTED);
    assert_int_equal(txn_defer_constraints(w->session, true, &f), 0);
    assert_false(txn_late_keys_begin(w->session));
    rollback(w->session);
}

static void keys_may_be_looked_at_behind_several_statements(void **state)
{
    in_task(*state, late_keys);
}

/* ---- REPEATABLE READ, SERIALIZABLE ---- */

static void repeatable(struct world *w)
{
    struct session *other = session_on(w->clone, NULL);

    begin(w->session, TXN_REPEATABLE_READ);
    run(other, "DELETE FROM t WHERE id = 1"); /* before the first statement: seen */
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 999);
    run(other, "DELETE FROM t WHERE id = 2");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 999);
    fails(w->session, "DELETE FROM t WHERE id = 3", "40001",
          "could not serialize access due to concurrent update");
    assert_int_equal(txn_status(w->session), TXN_FAILED);
    rollback(w->session);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 998);
    begin(w->session, TXN_SERIALIZABLE);
    run(w->session, "DELETE FROM t WHERE id = 3"); /* first: it sees the newest */
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 997);
    commit(w->session);
    session_close(other);
}

static void repeatable_read_keeps_its_root_and_cannot_write_from_an_old_one(void **state)
{
    in_task(*state, repeatable);
}

/* ---- modes ---- */

static void read_only(struct world *w)
{
    struct failure f;
    struct txn_modes modes = { .read_only = true };

    assert_int_equal(txn_begin(w->session, modes, &f), 0);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    fails(w->session, "INSERT INTO t VALUES(0, 0, '')", "25006",
          "cannot execute INSERT in a read-only transaction");
    rollback(w->session);
    assert_int_equal(txn_begin(w->session, modes, &f), 0);
    fails(w->session, "CREATE TABLE u(a)", "25006",
          "cannot execute CREATE TABLE in a read-only transaction");
    rollback(w->session);
    assert_int_equal(txn_begin(w->session, modes, &f), 0);
    assert_int_equal(query_int(w->session, "SELECT 1"), 1);
    assert_int_equal(txn_set_modes(w->session, (struct txn_modes){ .read_only = false }, &f),
                     FAILED);
    assert_string_equal(f.sqlstate, "25001");
    modes.isolation = TXN_SERIALIZABLE;
    assert_int_equal(txn_set_modes(w->session, modes, &f), FAILED);
    assert_string_equal(failure_get(&f, FIELD_MESSAGE),
                        "SET TRANSACTION ISOLATION LEVEL must be called before any query");
    rollback(w->session);
}

static void read_only_blocks_refuse_writes(void **state)
{
    in_task(*state, read_only);
}

static void defaults(struct world *w)
{
    struct failure f;

    txn_set_default_modes(w->session, (struct txn_modes){ .read_only = true });
    fails(w->session, "DELETE FROM t", "25006", "cannot execute DELETE in a read-only transaction");
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);
    assert_int_equal(txn_begin(w->session, (struct txn_modes){ 0 }, &f), 0);
    txn_set_default_modes(w->session, (struct txn_modes){ 0 });
    txn_set_default_modes(w->session, txn_default_modes(w->session));
    run(w->session, "DELETE FROM t WHERE id = 1");
    txn_set_default_modes(w->session, (struct txn_modes){ .read_only = true });
    run(w->session, "DELETE FROM t WHERE id = 2"); /* they are the next one's */
    commit(w->session);
    fails(w->session, "DELETE FROM t", "25006", "cannot execute DELETE in a read-only transaction");
}

static void statements_outside_of_blocks_have_the_default_modes(void **state)
{
    in_task(*state, defaults);
}

static void vacuum(struct world *w)
{
    run(w->session, "DELETE FROM t WHERE id > 10");
    begin(w->session, TXN_READ_COMMITTED);
    fails(w->session, "VACUUM", "25001", "VACUUM cannot run inside a transaction block");
    rollback(w->session);
    txn_implicit_begin(w->session);
    run(w->session, "VACUUM");
    struct failure f;
    assert_int_equal(txn_implicit_end(w->session, &f), 0);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 10);
}

static void vacuum_runs_outside_of_blocks_only(void **state)
{
    in_task(*state, vacuum);
}

/* ---- implicit transactions ---- */

static void implicit(struct world *w)
{
    struct failure f;

    txn_implicit_begin(w->session);
    run(w->session, "DELETE FROM t WHERE id = 1");
    txn_implicit_begin(w->session);
    assert_int_equal(txn_status(w->session), TXN_IDLE);
    fails(w->session, "SELECT nosuch", "42703", NULL);
    assert_int_equal(txn_implicit_end(w->session, &f), 0);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);

    txn_implicit_begin(w->session);
    run(w->session, "DELETE FROM t WHERE id = 1");
    begin(w->session, TXN_READ_COMMITTED); /* takes what was done into the block */
    assert_int_equal(txn_implicit_end(w->session, &f), 0);
    assert_int_equal(txn_status(w->session), TXN_BLOCK);
    rollback(w->session);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 1000);

    txn_implicit_begin(w->session);
    run(w->session, "DELETE FROM t WHERE id = 1");
    run(w->session, "DELETE FROM t WHERE id = 2");
    assert_int_equal(txn_implicit_end(w->session, &f), 0);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 998);
}

static void an_implicit_transaction_is_all_or_nothing(void **state)
{
    in_task(*state, implicit);
}

static void commit_in_implicit(struct world *w)
{
    struct failure f;
    bool rolled_back = true;

    txn_implicit_begin(w->session);
    run(w->session, "DELETE FROM t WHERE id = 1");
    assert_int_equal(txn_commit(w->session, &rolled_back, &f), 0);
    assert_false(rolled_back);
    assert_false(txn_is_open(w->session));
    txn_implicit_begin(w->session);
    run(w->session, "DELETE FROM t WHERE id = 2");
    fails(w->session, "SELECT nosuch", "42703", NULL);
    assert_int_equal(txn_implicit_end(w->session, &f), 0);
    assert_int_equal(query_int(w->session, "SELECT count(*) FROM t"), 999);
}

static void commit_ends_an_implicit_transaction_too(void **state)
{
    in_task(*state, commit_in_implicit);
}

static void stands_alone(struct world *w)
{
    struct failure f;

    assert_int_equal(txn_stand_alone(w->session, "X", &f), 0);
    assert_true(txn_stands_alone(w->session));
    assert_int_equal(txn_implicit_end(w->session, &f), 0);
    assert_false(txn_stands_alone(w->session));

    txn_implicit_begin(w->session); /* the first of a pipeline */
    assert_false(txn_is_block(w->session));
    assert_int_equal(txn_stand_alone(w->session, "X", &f), 0);
    txn_failed(w->session);
    assert_false(txn_stands_alone(w->session));
    txn_implicit_begin(w->session);
    txn_pipelined(w->session);
    assert_int_equal(txn_stand_alone(w->session, "X", &f), FAILED);
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), "X cannot be executed within a pipeline");
    assert_int_equal(txn_implicit_end(w->session, &f), 0);
    assert_int_equal(txn_stand_alone(w->session, "X", &f), 0);

    txn_implicit_begin_several(w->session);
    assert_true(txn_is_block(w->session));
    assert_int_equal(txn_stand_alone(w->session, "X", &f), FAILED);
    assert_string_equal(f.sqlstate, "25001");
    assert_int_equal(txn_implicit_end(w->session, &f), 0);
    assert_false(txn_is_block(w->session));
    begin(w->session, TXN_READ_COMMITTED);
    assert_int_equal(txn_stand_alone(w->session, "X", &f), FAILED);
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), "X cannot run inside a transaction block");
    rollback(w->session);
}

static void what_stands_alone_is_first_and_in_no_block(void **state)
{
    in_task(*state, stands_alone);
}

/* ---- no memory for the way back ---- */

static void rollback_without_memory(struct world *w)
{
    for (uint64_t n = 1; n < 60; n++) {
        begin(w->session, TXN_READ_COMMITTED);
        run(w->session, "CREATE TABLE gone(a)");
        run(w->session, "UPDATE t SET s = s || 'x'");
        mem_fail_at(n, true);
        rollback(w->session);
        mem_fail_at(0, false);
        assert_int_equal(txn_status(w->session), TXN_IDLE);
        assert_int_equal(query_int(w->session, "SELECT count(*) FROM t WHERE s LIKE '%x'"), 0);
        assert_false(clone_has_writer(w->clone, w->session));
        fails(w->session, "SELECT * FROM gone", "42P01", NULL);
    }
}

static void a_rollback_without_memory_is_made_good(void **state)
{
    in_task(*state, rollback_without_memory);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_world, teardown_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(begins_only_with_the_first_write),
        WORLD_TEST(sees_the_newest_before_each_statement),
        WORLD_TEST(temporary_tables_are_rolled_back),
        WORLD_TEST(select_for_update_takes_the_place_and_explain_does_not),
        WORLD_TEST(a_lock_outside_of_a_block_ends_with_its_statement),
        WORLD_TEST(savepoints_are_replayed_at_the_first_write),
        WORLD_TEST(savepoints_have_a_block_a_name_and_a_limit),
        WORLD_TEST(set_constraints_survives_the_deferred_begin),
        WORLD_TEST(a_writer_awaits_the_place),
        WORLD_TEST(lock_timeout_ends_the_wait),
        WORLD_TEST(a_cancel_ends_the_wait_and_not_the_task),
        WORLD_TEST(commit_ends_open_cursors_and_their_pins),
        WORLD_TEST(commit_of_a_failed_block_rolls_back),
        WORLD_TEST(rollback_to_heals_a_failed_block),
        WORLD_TEST(a_stopped_write_loses_its_block),
        WORLD_TEST(a_failed_deferred_key_rolls_the_block_back),
        WORLD_TEST(keys_may_be_looked_at_behind_several_statements),
        WORLD_TEST(repeatable_read_keeps_its_root_and_cannot_write_from_an_old_one),
        WORLD_TEST(read_only_blocks_refuse_writes),
        WORLD_TEST(statements_outside_of_blocks_have_the_default_modes),
        WORLD_TEST(vacuum_runs_outside_of_blocks_only),
        WORLD_TEST(an_implicit_transaction_is_all_or_nothing),
        WORLD_TEST(commit_ends_an_implicit_transaction_too),
        WORLD_TEST(what_stands_alone_is_first_and_in_no_block),
        WORLD_TEST(a_rollback_without_memory_is_made_good),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
