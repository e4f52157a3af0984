/* Random sessions on one clone with many cursors: each must give, to its last row, what the session
 * saw when it was opened, whatever was written, changed, rolled back or committed meanwhile. The
 * reference is the same query, read to its end at once. */
#include "support_session.h"

#include "pool/clone.h"
#include "pool/sibling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { sessions = 3, cursors_most = 12, rows_most = 3000 };

struct seen {
    struct cursor *cursor; /* NULL: a free place */
    int64_t *rows;
    size_t count;
    size_t at;     /* the next row is this one */
    unsigned goes; /* CURSOR_SCROLL, CURSOR_REWINDS or 0: forward only */
    bool held;
    bool kept;
    bool over;
    size_t depth;
};

struct player {
    struct session *session;
    struct seen seen[cursors_most];
    bool block;
    size_t depth; /* savepoints */
};

struct game {
    struct player players[sessions];
    uint64_t random;
    unsigned siblings; /* so often was there one */
    unsigned files;
    unsigned gone;
};

static void fill(struct session *session, uint64_t *random)
{
    char sql[300];

    snprintf(sql, sizeof(sql),
             "INSERT INTO r(n, pad) WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c "
             "WHERE x<%u) SELECT x, hex(zeroblob(%u)) FROM c",
             1 + rnd_below(random, rows_most / 2), rnd_below(random, 60));
    run(session, sql);
}

/* ---- cursors ---- */

static const char *const queries[] = {
    "SELECT n FROM r ORDER BY id",
    "SELECT n + length(pad), pad FROM r ORDER BY n, id",
    "SELECT a.n, a.pad, b.pad FROM r AS a JOIN r AS b ON b.id = a.id + 1 ORDER BY a.id",
    "SELECT count(*), min(pad) FROM r GROUP BY n % 7 ORDER BY 1",
    "SELECT id, n, pad FROM r WHERE n < 40 ORDER BY id DESC",
};

static void note_rows(struct session *session, const char *sql, struct seen *seen)
{
    struct cursor *cursor = open_cursor(session, sql);
    int64_t value;

    seen->rows = malloc(rows_most * sizeof(*seen->rows));
    while ((value = next_int(cursor)) != -1 && seen->count < rows_most) {
        seen->rows[seen->count++] = value;
    }
    assert_int_equal(value, -1);
    cursor_close(cursor);
}

static void open_one(struct game *game, struct player *p)
{
    const char *sql = queries[rnd_below(&game->random, ARRAY_LEN(queries))];
    static const unsigned kinds[] = { 0, CURSOR_SCROLL, CURSOR_REWINDS };
    struct seen *seen = p->seen;
    struct failure f;

    while (seen < p->seen + cursors_most && seen->cursor != NULL) {
        seen++;
    }
    if (seen == p->seen + cursors_most) {
        return;
    }
    *seen = (struct seen){ .goes = kinds[rnd_below(&game->random, ARRAY_LEN(kinds))],
                           .held = !p->block || rnd_below(&game->random, 3) == 0,
                           .kept = !p->block,
                           .depth = p->depth };
    note_rows(p->session, sql, seen);
    assert_int_equal(cursor_open(p->session, view_of_str(sql), NULL, 0, CURSOR_PARKED | seen->goes,
                                 &seen->cursor, &f),
                     0);
    if (seen->held) {
        assert_int_equal(cursor_hold(seen->cursor, &f), 0);
    }
}

static void close_one(struct seen *seen)
{
    cursor_close(seen->cursor);
    free(seen->rows);
    *seen = (struct seen){ 0 };
}

static void fetch(struct game *game, struct seen *seen)
{
    uint32_t count = rnd_below(&game->random, 2) == 0 ? 3 : 800;

    if (seen->goes != 0 && seen->at > 0 && rnd_below(&game->random, 3) == 0) {
        struct failure f;

        assert_int_equal(cursor_keep_rows(seen->cursor, &f), 0);
        seen->at = rnd_below(&game->random, (uint32_t)seen->at + 1);
        cursor_seek(seen->cursor, seen->at);
    }
    for (uint32_t i = rnd_below(&game->random, count); i > 0; i--) {
        int64_t value = next_int(seen->cursor);

        assert_int_equal(value, seen->at < seen->count ? seen->rows[seen->at] : -1);
        if (value == -1) {
            break;
        }
        seen->at++;
    }
}

static void use_one(struct game *game, struct player *p)
{
    struct seen *seen = &p->seen[rnd_below(&game->random, cursors_most)];

    if (seen->cursor == NULL) {
        return;
    }
    assert_int_equal(cursor_is_gone(seen->cursor), seen->over);
    game->gone += seen->over;
    if (seen->over || rnd_below(&game->random, 12) == 0) {
        close_one(seen);
    } else {
        fetch(game, seen);
    }
}

/* ---- transactions ---- */

static void end(struct player *p, bool committed)
{
    for (struct seen *seen = p->seen; seen < p->seen + cursors_most; seen++) {
        seen->kept = seen->kept || (committed && seen->held && !seen->over);
        seen->over = seen->over || !seen->kept;
    }
    p->block = false;
    p->depth = 0;
}

static void begin_or_end(struct game *game, struct player *p)
{
    if (!p->block) {
        begin(p->session,
              rnd_below(&game->random, 2) == 0 ? TXN_READ_COMMITTED : TXN_REPEATABLE_READ);
        p->block = true;
    } else if (rnd_below(&game->random, 2) == 0) {
        commit(p->session);
        end(p, true);
    } else {
        rollback(p->session);
        end(p, false);
    }
}

static void savepoint(struct game *game, struct player *p)
{
    struct failure f;
    char name[24];

    if (!p->block) {
        return;
    }
    uint32_t dice = rnd_below(&game->random, 3);
    if (dice == 0 || p->depth == 0) {
        snprintf(name, sizeof(name), "s%zu", p->depth++);
        assert_int_equal(txn_savepoint(p->session, view_of_str(name), &f), 0);
        return;
    }
    size_t number = rnd_below(&game->random, (uint32_t)p->depth);
    snprintf(name, sizeof(name), "s%zu", number);
    if (dice == 1) {
        assert_int_equal(txn_rollback_to(p->session, view_of_str(name), &f), 0);
        p->depth = number + 1;
    } else {
        assert_int_equal(txn_release(p->session, view_of_str(name), &f), 0);
        p->depth = number;
    }
    for (struct seen *seen = p->seen; seen < p->seen + cursors_most; seen++) {
        if (dice == 1 && !seen->kept && seen->depth > number) {
            seen->over = true;
        } else if (dice == 2 && seen->depth > number) {
            seen->depth = number;
        }
    }
}

/* All of them are one task: nobody may have to wait for the writer's place. */
static bool another_writes(const struct game *game, const struct player *p)
{
    for (int i = 0; i < sessions; i++) {
        const struct session *session = game->players[i].session;

        if (session != p->session && clone_has_writer(session_clone(session), session)) {
            return true;
        }
    }
    return false;
}

static void write_something(struct game *game, struct player *p)
{
    static const char *const writes[] = {
        "UPDATE r SET n = n + 1 WHERE id % 3 = 0",
        "UPDATE r SET pad = pad || 'x', n = abs(n - 5)",
        "DELETE FROM r WHERE id % 5 = 1",
        "DELETE FROM r",
        "CREATE INDEX IF NOT EXISTS r_n ON r(n)",
        "DROP INDEX IF EXISTS r_n",
        "ALTER TABLE r ADD COLUMN more",
        "ALTER TABLE r DROP COLUMN more",
        "CREATE TABLE IF NOT EXISTS side AS SELECT * FROM r",
        "DROP TABLE IF EXISTS side",
    };
    struct failure f = { .sqlstate = "" };

    if (another_writes(game, p)) {
        return;
    }
    if (query_int(p->session, "SELECT count(*) < 100 FROM r") == 1 &&
        txn_modes(p->session).isolation == TXN_READ_COMMITTED) {
        fill(p->session, &game->random);
        return;
    }
    if (try(p->session, writes[rnd_below(&game->random, ARRAY_LEN(writes))], &f) != 0) {
        assert_true(strcmp(f.sqlstate, "40001") == 0 || strncmp(f.sqlstate, "42", 2) == 0);
        rollback(p->session);
        end(p, false);
    }
}

static void step(struct game *game)
{
    struct player *p = &game->players[rnd_below(&game->random, sessions)];
    uint32_t dice = rnd_below(&game->random, 100);

    if (dice < 15) {
        open_one(game, p);
    } else if (dice < 70) {
        use_one(game, p);
    } else if (dice < 85) {
        write_something(game, p);
    } else if (dice < 92) {
        begin_or_end(game, p);
    } else {
        savepoint(game, p);
    }
    game->siblings += p->session->siblings;
    game->files += p->session->temp.files;
}

static void play(struct world *w, struct game *game)
{
    run(w->session, "CREATE TABLE r(id INTEGER PRIMARY KEY, n INT, pad TEXT)");
    fill(w->session, &game->random);
    for (int i = 0; i < sessions; i++) {
        game->players[i].session = session_on(
            w->clone, &(struct session_options){ .work_mem = (size_t)4096 << (4 * (i % 2)),
                                                 .temp_file_limit = i == 2 ? 0 : 64 << 20 });
        game->players[i].session->options.work_mem =
            i == 2 ? 16 << 20 : game->players[i].session->options.work_mem;
    }
    for (int i = 0; i < 1500; i++) {
        step(game);
    }
    for (int i = 0; i < sessions; i++) {
        struct player *p = &game->players[i];

        for (int n = 0; n < cursors_most; n++) {
            close_one(&p->seen[n]);
        }
        assert_int_equal(p->session->siblings, 0);
        assert_int_equal(p->session->temp.files, 0);
        session_close(p->session);
    }
    run(w->session, "DROP TABLE r");
    run(w->session, "DROP TABLE IF EXISTS side");
}

static void games(struct world *w)
{
    uint64_t seed = test_seed();

    for (unsigned i = 0; i < test_rounds(4); i++) {
        struct game game = { .random = seed + i };

        play(w, &game);
        assert_true(game.siblings > 0 && game.files > 0 && game.gone > 0);
    }
    assert_integrity(session_sqlite(w->session));
}

static void random_cursors_give_what_was_seen(void **state)
{
    in_task(*state, games);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_cursors_give_what_was_seen, setup_world,
                                        teardown_world),
    };

    return cmocka_run_group_tests(tests, setup_sqlite, NULL);
}
