/* pool/sqlite_error.c: result codes to SQLSTATEs, and errors that SQL functions raise with one of
 * their own.
 *
 * A raised error travels through SQLite as the text "pond:SSSSS:message", its detail and hint
 * behind it, apart by unit separators: so it needs no place in the session, and comes out of
 * whatever statement called the function. */
#include "pool/sqlite_error.h"

#include "base/buf.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static const struct sqlite_code {
    int code;
    const char *sqlstate;
} codes[] = {
    { SQLITE_OK, "00000" },
    { SQLITE_ERROR, "42601" }, /* what the table of messages does not know is mostly about syntax */
    { SQLITE_INTERNAL, "XX000" },
    { SQLITE_PERM, "42501" },
    { SQLITE_ABORT, "40000" },
    { SQLITE_BUSY, "55P03" },
    { SQLITE_LOCKED, "55006" },
    { SQLITE_NOMEM, "53200" },
    { SQLITE_READONLY, "25006" },
    { SQLITE_INTERRUPT, "57014" },
    { SQLITE_IOERR, "58030" },
    { SQLITE_CORRUPT, "XX001" },
    { SQLITE_NOTFOUND, "XX000" },
    { SQLITE_FULL, "53100" },
    { SQLITE_CANTOPEN, "58P01" },
    { SQLITE_PROTOCOL, "55P03" },
    { SQLITE_EMPTY, "XX000" },
    { SQLITE_SCHEMA, "0A000" },
    { SQLITE_TOOBIG, "54000" },
    { SQLITE_CONSTRAINT, "23000" },
    { SQLITE_MISMATCH, "42804" },
    { SQLITE_MISUSE, "XX000" },
    { SQLITE_NOLFS, "58030" },
    { SQLITE_AUTH, "42501" },
    { SQLITE_FORMAT, "XX000" },
    { SQLITE_RANGE, "42P02" },
    { SQLITE_NOTADB, "XX001" },
    { SQLITE_NOTICE, "XX000" },
    { SQLITE_WARNING, "XX000" },
    { SQLITE_ROW, "XX000" },
    { SQLITE_DONE, "XX000" },
    { SQLITE_OK_LOAD_PERMANENTLY, "XX000" },
    { SQLITE_ERROR_MISSING_COLLSEQ, "42704" },
    { SQLITE_BUSY_RECOVERY, "55P03" },
    { SQLITE_LOCKED_SHAREDCACHE, "55006" },
    { SQLITE_READONLY_RECOVERY, "25006" },
    { SQLITE_IOERR_READ, "58030" },
    { SQLITE_CORRUPT_VTAB, "XX001" },
    { SQLITE_CANTOPEN_NOTEMPDIR, "58P01" },
    { SQLITE_CONSTRAINT_CHECK, "23514" },
    { SQLITE_AUTH_USER, "42501" },
    { SQLITE_NOTICE_RECOVER_WAL, "XX000" },
    { SQLITE_WARNING_AUTOINDEX, "XX000" },
    { SQLITE_OK_SYMLINK, "XX000" },
    { SQLITE_ERROR_RETRY, "XX000" },
    { SQLITE_ABORT_ROLLBACK, "40000" },
    { SQLITE_BUSY_SNAPSHOT, "40001" },
    { SQLITE_LOCKED_VTAB, "55006" },
    { SQLITE_READONLY_CANTLOCK, "25006" },
    { SQLITE_IOERR_SHORT_READ, "58030" },
    { SQLITE_CORRUPT_SEQUENCE, "XX001" },
    { SQLITE_CANTOPEN_ISDIR, "58P01" },
    { SQLITE_CONSTRAINT_COMMITHOOK, "23000" },
    { SQLITE_NOTICE_RECOVER_ROLLBACK, "XX000" },
    { SQLITE_ERROR_SNAPSHOT, "40001" },
    { SQLITE_BUSY_TIMEOUT, "55P03" },
    { SQLITE_READONLY_ROLLBACK, "25006" },
    { SQLITE_IOERR_WRITE, "58030" },
    { SQLITE_CORRUPT_INDEX, "XX002" },
    { SQLITE_CANTOPEN_FULLPATH, "58P01" },
    { SQLITE_CONSTRAINT_FOREIGNKEY, "23503" },
    { SQLITE_READONLY_DBMOVED, "25006" },
    { SQLITE_IOERR_FSYNC, "58030" },
    { SQLITE_CANTOPEN_CONVPATH, "58P01" },
    { SQLITE_CONSTRAINT_FUNCTION, "23000" },
    { SQLITE_READONLY_CANTINIT, "25006" },
    { SQLITE_IOERR_DIR_FSYNC, "58030" },
    { SQLITE_CANTOPEN_DIRTYWAL, "58P01" },
    { SQLITE_CONSTRAINT_NOTNULL, "23502" },
    { SQLITE_READONLY_DIRECTORY, "25006" },
    { SQLITE_IOERR_TRUNCATE, "58030" },
    { SQLITE_CANTOPEN_SYMLINK, "58P01" },
    { SQLITE_CONSTRAINT_PRIMARYKEY, "23505" },
    { SQLITE_IOERR_FSTAT, "58030" },
    { SQLITE_CONSTRAINT_TRIGGER, "P0001" },
    { SQLITE_IOERR_UNLOCK, "58030" },
    { SQLITE_CONSTRAINT_UNIQUE, "23505" },
    { SQLITE_IOERR_RDLOCK, "58030" },
    { SQLITE_CONSTRAINT_VTAB, "23000" },
    { SQLITE_IOERR_DELETE, "58030" },
    { SQLITE_CONSTRAINT_ROWID, "23505" },
    { SQLITE_IOERR_BLOCKED, "58030" },
    { SQLITE_CONSTRAINT_PINNED, "23000" },
    { SQLITE_IOERR_NOMEM, "53200" },
    { SQLITE_CONSTRAINT_DATATYPE, "42804" },
    { SQLITE_IOERR_ACCESS, "58030" },
    { SQLITE_IOERR_CHECKRESERVEDLOCK, "58030" },
    { SQLITE_IOERR_LOCK, "58030" },
    { SQLITE_IOERR_CLOSE, "58030" },
    { SQLITE_IOERR_DIR_CLOSE, "58030" },
    { SQLITE_IOERR_SHMOPEN, "58030" },
    { SQLITE_IOERR_SHMSIZE, "58030" },
    { SQLITE_IOERR_SHMLOCK, "58030" },
    { SQLITE_IOERR_SHMMAP, "58030" },
    { SQLITE_IOERR_SEEK, "58030" },
    { SQLITE_IOERR_DELETE_NOENT, "58030" },
    { SQLITE_IOERR_MMAP, "58030" },
    { SQLITE_IOERR_GETTEMPPATH, "58030" },
    { SQLITE_IOERR_CONVPATH, "58030" },
    { SQLITE_IOERR_VNODE, "58030" },
    { SQLITE_IOERR_AUTH, "58030" },
    { SQLITE_IOERR_BEGIN_ATOMIC, "58030" },
    { SQLITE_IOERR_COMMIT_ATOMIC, "58030" },
    { SQLITE_IOERR_ROLLBACK_ATOMIC, "58030" },
    { SQLITE_IOERR_DATA, "XX001" },
    { SQLITE_IOERR_CORRUPTFS, "58030" },
};

static int compare_code(const void *key, const void *row)
{
    int code = *(const int *)key;
    int other = ((const struct sqlite_code *)row)->code;

    return (code > other) - (code < other);
}

static const struct sqlite_code *find_code(int code)
{
    return bsearch(&code, codes, ARRAY_LEN(codes), sizeof(codes[0]), compare_code);
}

bool sqlite_error_has_row(int code)
{
    return find_code(code) != NULL;
}

const char *sqlite_error_sqlstate(int code)
{
    const struct sqlite_code *row = find_code(code);

    if (row == NULL) {
        row = find_code(code & 0xff); /* an extended code of a newer SQLite */
    }
    return row == NULL ? "XX000" : row->sqlstate;
}

/* ---- raised by SQL functions ---- */

static const char raised_mark[] = "pond:";
static const enum failure_field raised_fields[] = { FIELD_DETAIL, FIELD_HINT, FIELD_SCHEMA,
                                                    FIELD_TABLE, FIELD_COLUMN };
enum { raised_mark_len = 5, sqlstate_len = 5, separator = 0x1f };

void sqlite_error_print(const struct failure *failure, char text[sqlite_message_bytes])
{
    const char *message = failure_get(failure, FIELD_MESSAGE);
    size_t room = sqlite_message_bytes;
    size_t len = (size_t)snprintf(text, room, "%s%.5s:%s", raised_mark, failure->sqlstate,
                                  message == NULL ? "" : message);

    for (size_t i = 0; i < ARRAY_LEN(raised_fields) && len < room; i++) {
        const char *field = failure_get(failure, raised_fields[i]);

        len +=
            (size_t)snprintf(text + len, room - len, "%c%s", separator, field == NULL ? "" : field);
    }
}

void sqlite_error_raise(struct sqlite3_context *context, const struct failure *failure)
{
    char text[sqlite_message_bytes];

    sqlite_error_print(failure, text);
    sqlite3_result_error(context, text, -1);
}

static struct view cut(struct view *text)
{
    const uint8_t *end = text->len == 0 ? NULL : memchr(text->data, separator, text->len);
    struct view part = view_of(text->data, end == NULL ? text->len : (size_t)(end - text->data));

    view_advance(text, end == NULL ? part.len : part.len + 1);
    return part;
}

static bool translate_raised(const char *message, struct failure *ret_failure)
{
    struct view text = view_of_str(message);
    char sqlstate[sqlstate_len + 1] = "";

    if (strncmp(message, raised_mark, raised_mark_len) != 0 ||
        text.len < raised_mark_len + sqlstate_len + 1 ||
        message[raised_mark_len + sqlstate_len] != ':') {
        return false;
    }
    memcpy(sqlstate, message + raised_mark_len, sqlstate_len);
    view_advance(&text, raised_mark_len + sqlstate_len + 1);
    struct view part = cut(&text);
    failure_set(ret_failure, sqlstate, "%.*s", (int)part.len, (const char *)part.data);
    for (size_t i = 0; i < ARRAY_LEN(raised_fields); i++) {
        part = cut(&text);
        if (part.len > 0) {
            failure_add(ret_failure, raised_fields[i], "%.*s", (int)part.len,
                        (const char *)part.data);
        }
    }
    return true;
}

/* ---- translation ---- */

/* SQLite counts bytes from 0, PostgreSQL characters from 1. */
static int32_t position_of(struct view sql, int offset)
{
    int32_t position = 1;

    if (offset < 0 || (size_t)offset > sql.len) {
        return 0;
    }
    for (int i = 0; i < offset; i++) {
        position += (sql.data[i] & 0xc0) != 0x80;
    }
    return position;
}

static int translate_full(struct failure *ret_failure)
{
    failure_set(ret_failure, "53100", "the clone is full");
    failure_add(ret_failure, FIELD_HINT, "Raise clone_memory of this database.");
    return FAILED;
}

int sqlite_error_translate(const struct sqlite_error *error, struct failure *ret_failure)
{
    if (ret_failure == NULL) {
        return FAILED;
    }
    if (translate_raised(error->message, ret_failure)) {
        return FAILED;
    }
    switch (error->code & 0xff) {
    case SQLITE_CONSTRAINT:
        return constraint_translate(error, ret_failure);
    case SQLITE_FULL:
        return translate_full(ret_failure);
    case SQLITE_NOMEM:
        return failure_set_nomem(ret_failure);
    default:
        break;
    }
    if (error->code == SQLITE_BUSY_SNAPSHOT) {
        return failure_set(ret_failure, "40001",
                           "could not serialize access due to concurrent update");
    }
    if (!sqlite_message_translate(error->message, ret_failure)) {
        failure_set(ret_failure, sqlite_error_sqlstate(error->code), "%s", error->message);
    }
    ret_failure->position = position_of(error->sql, error->offset);
    return FAILED;
}
