/* sql/series_table.c: an eponymous virtual table, so that SQLite asks for one row at a time and
 * keeps none. What it is told of the values wanted (a join's other side, BETWEEN) it uses to skip
 * the others; SQLite looks at each row again all the same.
 * https://www.sqlite.org/vtab.html#table_valued_functions */
#include "sql/series_table.h"

#include "base/alloc.h"
#include "pool/session.h"
#include "sql/series.h"
#include "sql/session_state.h"
#include "sql/virtual_table.h"

#include <sqlite3.h>
#include <string.h>

struct series_table {
    sqlite3_vtab base;
    struct session *session; /* pool's */
};

struct series_cursor {
    sqlite3_vtab_cursor base; /* first, as in the table: sql/virtual_table.h */
    struct series series;
};

/* Names that no column of a client's has: arguments may name its columns without their table. */
static const char table_sql[] =
    "CREATE TABLE x(series_value, series_ordinality, series_type HIDDEN, series_start HIDDEN, "
    "series_stop HIDDEN, series_step HIDDEN)";

enum { column_value, column_ordinality, column_type, column_step = column_type + 3 };
enum { argument_count = 4 };
/* idxNum: which constraints on the value follow the four arguments, in this order */
enum { wanted_equal = 1 << 0, wanted_least = 1 << 1, wanted_most = 1 << 2, wanted_kinds = 3 };

/* ---- the table ---- */

static int on_connect(sqlite3 *db, void *session, int argc, const char *const *argv,
                      sqlite3_vtab **ret_table, char **ret_error)
{
    sqlite3_vtab *base;
    int rc = virtual_table_connect(db, table_sql, sizeof(struct series_table), &base);

    (void)argc, (void)argv, (void)ret_error;
    if (rc != SQLITE_OK) {
        return rc;
    }
    struct series_table *table = container_of(base, struct series_table, base);
    table->session = session;
    *ret_table = base;
    return SQLITE_OK;
}

/* ---- planning ---- */

static unsigned wanted_by(const struct sqlite3_index_constraint *constraint)
{
    switch (constraint->op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return wanted_equal;
    case SQLITE_INDEX_CONSTRAINT_GT:
    case SQLITE_INDEX_CONSTRAINT_GE:
        return wanted_least;
    case SQLITE_INDEX_CONSTRAINT_LT:
    case SQLITE_INDEX_CONSTRAINT_LE:
        return wanted_most;
    default:
        return 0;
    }
}

/* 0 when the four arguments are at hand. SQLITE_CONSTRAINT: not in this order of the join, or not
 * for one side of an OR alone, or there are none: SQLite takes another way, or says that there is
 * no solution. */
static int take_arguments(sqlite3_index_info *info)
{
    unsigned taken = 0;

    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        int argument = constraint->iColumn - column_type;

        if (argument < 0 || constraint->op != SQLITE_INDEX_CONSTRAINT_EQ) {
            continue;
        }
        if (!constraint->usable) {
            return SQLITE_CONSTRAINT;
        }
        info->aConstraintUsage[i].argvIndex = argument + 1;
        info->aConstraintUsage[i].omit = 1;
        taken |= 1u << argument;
    }
    return taken == (1u << argument_count) - 1 ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static void take_wanted(sqlite3_index_info *info)
{
    int next = argument_count + 1;

    for (unsigned kind = 1; kind < 1u << wanted_kinds; kind <<= 1) {
        for (int i = 0; i < info->nConstraint; i++) {
            const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];

            if (constraint->iColumn == column_value && constraint->usable &&
                wanted_by(constraint) == kind) {
                info->aConstraintUsage[i].argvIndex = next++;
                info->idxNum |= (int)kind;
                break;
            }
        }
    }
}

/* How long it will be is not known: as SQLite's own series, a thousand rows. */
static int on_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    int rc = take_arguments(info);

    (void)table;
    if (rc != SQLITE_OK) {
        return rc;
    }
    info->idxNum = 0;
    take_wanted(info);
    info->estimatedRows = (info->idxNum & wanted_equal) != 0 ? 1 : info->idxNum != 0 ? 250 : 1000;
    info->estimatedCost = (double)info->estimatedRows;
    return SQLITE_OK;
}

/* ---- the cursor ---- */

static int on_open(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
    (void)table;
    return virtual_table_open(sizeof(struct series_cursor), ret_cursor);
}

static int on_close(sqlite3_vtab_cursor *base)
{
    mem_free(container_of(base, struct series_cursor, base));
    return SQLITE_OK;
}

/* Only an integer says where an integer series may start and stop. */
static void clamp(struct series *series, unsigned kinds, sqlite3_value *const *values)
{
    for (unsigned kind = 1; kind < 1u << wanted_kinds; kind <<= 1) {
        if ((kinds & kind) == 0) {
            continue;
        }
        sqlite3_value *value = *values++;
        if (sqlite3_value_type(value) == SQLITE_INTEGER) {
            int64_t n = sqlite3_value_int64(value);

            series_clamp(series, kind != wanted_most ? n : INT64_MIN,
                         kind != wanted_least ? n : INT64_MAX);
        }
    }
}

static int on_filter(sqlite3_vtab_cursor *base, int kinds, const char *unused, int argc,
                     sqlite3_value **argv)
{
    struct series_cursor *cursor = container_of(base, struct series_cursor, base);
    struct series_table *table = container_of(base->pVtab, struct series_table, base);
    const struct sql_session *sql = session_user(table->session);
    struct failure failure;

    (void)unused, (void)argc;
    if (series_begin(&cursor->series, (uint32_t)sqlite3_value_int64(argv[0]), argv + 1, &sql->style,
                     &failure) != 0) {
        return virtual_table_fail(base->pVtab, &failure);
    }
    clamp(&cursor->series, (unsigned)kinds, argv + argument_count);
    return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *base)
{
    struct series_cursor *cursor = container_of(base, struct series_cursor, base);
    struct failure failure;

    return series_next(&cursor->series, &failure) == 0 ? SQLITE_OK
                                                       : virtual_table_fail(base->pVtab, &failure);
}

static int on_eof(sqlite3_vtab_cursor *base)
{
    return container_of(base, struct series_cursor, base)->series.done;
}

/* The arguments are never asked for: they are equal to what was passed. */
static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct series *series = &container_of(base, struct series_cursor, base)->series;

    if (column == column_value) {
        series_result(series, context);
    } else if (column == column_ordinality) {
        sqlite3_result_int64(context, series->number);
    }
    return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_rowid)
{
    *ret_rowid = container_of(base, struct series_cursor, base)->series.number;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .xConnect = on_connect,
    .xBestIndex = on_best_index,
    .xDisconnect = virtual_table_disconnect,
    .xOpen = on_open,
    .xClose = on_close,
    .xFilter = on_filter,
    .xNext = on_next,
    .xEof = on_eof,
    .xColumn = on_column,
    .xRowid = on_rowid,
};

int series_table_register(struct sql_session *sql)
{
    return virtual_table_register(sql->session, "pond_series", &module);
}

bool series_table_is_own(struct view text)
{
    static const char call[] = "pond_series(";

    return text.len >= sizeof(call) - 1 && memcmp(text.data, call, sizeof(call) - 1) == 0;
}
