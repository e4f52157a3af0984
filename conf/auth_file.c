/* conf/auth_file.c: one line after the other; the users are sorted by name afterwards. */
#include "conf/auth_file.h"

#include "base/alloc.h"
#include "conf/conf.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { users_most = 1000000 };

struct auth_user {
    char *name;
    unsigned line;
    struct scram_verifier verifier;
};

/* What a stranger sees of a verifier before he proves anything. */
struct auth_shape {
    uint32_t iterations;
    uint32_t salt_len;
};

struct auth_file {
    atomic_size_t refs;
    struct auth_user *users;
    size_t count;
    size_t room;
    struct scram_verifier first; /* the first line's */
    struct auth_shape *shapes;   /* of all users, sorted */
};

struct auth_reader {
    const char *file;
    unsigned line;
    struct auth_file *users;
    struct buf name;
    struct buf secret;
};

struct auth_file *auth_file_ref(struct auth_file *users)
{
    if (users != NULL) {
        atomic_fetch_add(&users->refs, 1);
    }
    return users;
}

void auth_file_unref(struct auth_file *users)
{
    if (users == NULL || atomic_fetch_sub(&users->refs, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < users->count; i++) {
        mem_free(users->users[i].name);
    }
    if (users->users != NULL) { /* whoever has a server's key can play the server */
        explicit_bzero(users->users, users->room * sizeof(*users->users));
    }
    mem_free(users->users);
    mem_free(users->shapes);
    explicit_bzero(users, sizeof(*users));
    mem_free(users);
}

static void auth_reader_finish(struct auth_reader *reader)
{
    auth_file_unref(reader->users);
    buf_finish(&reader->name);
    buf_wipe(&reader->secret);
}

static int bad(const struct auth_reader *reader, struct failure *f, const char *what)
{
    return failure_set(f, "F0000", "%s:%u: %s", reader->file, reader->line, what);
}

/* ---- one line ---- */

static void skip_blanks(struct view *in)
{
    while (in->len > 0 && (in->data[0] == ' ' || in->data[0] == '\t' || in->data[0] == '\r')) {
        view_advance(in, 1);
    }
}

/* 0, FAILED, or what the buffer says. */
static int take_quoted(const struct auth_reader *reader, struct view *in, struct buf *ret_text,
                       struct failure *f)
{
    int r = 0;

    buf_clear(ret_text);
    skip_blanks(in);
    if (in->len == 0 || in->data[0] != '"') {
        return bad(reader, f, "expected \"user\" \"SCRAM-SHA-256$...\", both in quotes");
    }
    view_advance(in, 1);
    while (r == 0 && in->len > 0 && (in->data[0] != '"' || (in->len > 1 && in->data[1] == '"'))) {
        size_t n = in->data[0] == '"' ? 2 : 1;

        r = in->data[0] == '\0' ? bad(reader, f, "the line holds a zero byte")
                                : buf_append_byte(ret_text, in->data[0]);
        view_advance(in, n);
    }
    if (r == 0 && in->len == 0) {
        return bad(reader, f, "a quote is open at the end of the line");
    }
    if (r == 0) {
        view_advance(in, 1);
    }
    return r == BUF_FULL ? bad(reader, f, "the name is too long") : r;
}

static bool begins_with(struct view text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

/* What it is instead; not a letter of it. */
static int refuse_secret(const struct auth_reader *reader, struct failure *f)
{
    struct view secret = buf_view(&reader->secret);
    const char *what = begins_with(secret, "SCRAM-SHA-256$")            ? "a broken verifier"
                       : begins_with(secret, "md5") && secret.len == 35 ? "an MD5 hash"
                       : secret.len == 0                                ? "nothing"
                                         : "a password in plain text";

    return failure_set(f, "F0000",
                       "%s:%u: expected a SCRAM-SHA-256 verifier for user \"%.*s\", not %s; "
                       "\"pond passwd\" makes one",
                       reader->file, reader->line, (int)reader->name.len,
                       (const char *)reader->name.data, what);
}

/* Leaves nothing behind, as realloc() would. */
static void move_users(struct auth_user *grown, struct auth_file *users)
{
    size_t bytes = users->count * sizeof(*grown);

    if (bytes > 0) {
        memcpy(grown, users->users, bytes);
        explicit_bzero(users->users, bytes);
    }
    mem_free(users->users);
}

static struct auth_user *add_user(struct auth_file *users)
{
    if (users->count == users->room) {
        size_t room = users->room == 0 ? 16 : 2 * users->room;
        struct auth_user *grown = mem_alloc(room * sizeof(*grown));

        if (grown == NULL) {
            return NULL;
        }
        move_users(grown, users);
        users->users = grown;
        users->room = room;
    }
    users->users[users->count] = (struct auth_user){ .name = NULL };
    return &users->users[users->count++];
}

static int keep_user(struct auth_reader *reader, struct failure *f)
{
    struct auth_file *users = reader->users;
    struct scram_verifier verifier;

    if (reader->name.len == 0) {
        return bad(reader, f, "expected the name of a user, not \"\"");
    }
    if (!scram_verifier_parse(buf_view(&reader->secret), &verifier)) {
        return refuse_secret(reader, f);
    }
    if (users->count == users_most) {
        return bad(reader, f, "more than 1000000 users");
    }
    struct auth_user *user = add_user(users);
    if (user == NULL) {
        return -ENOMEM;
    }
    user->line = reader->line;
    user->verifier = verifier;
    user->name = mem_strndup(reader->name.data, reader->name.len);
    return user->name == NULL ? -ENOMEM : 0;
}

static int take_line(struct auth_reader *reader, struct view line, struct failure *f)
{
    skip_blanks(&line);
    if (line.len == 0 || line.data[0] == ';' || line.data[0] == '#') {
        return 0;
    }
    int r = take_quoted(reader, &line, &reader->name, f);
    if (r == 0) {
        r = take_quoted(reader, &line, &reader->secret, f);
    }
    if (r != 0) {
        return r;
    }
    skip_blanks(&line);
    return line.len > 0 ? bad(reader, f, "expected nothing behind the verifier")
                        : keep_user(reader, f);
}

/* ---- the whole ---- */

static int take_lines(struct auth_reader *reader, struct view text, struct failure *f)
{
    int r = 0;

    while (r == 0 && text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);

        reader->line++;
        r = take_line(reader, view_of(text.data, len), f);
        view_advance(&text, end == NULL ? len : len + 1);
    }
    return r;
}

static int compare(const void *a, const void *b)
{
    const struct auth_user *left = a, *right = b;

    return strcmp(left->name, right->name);
}

/* Sorts them; which of two of one name was meant? */
static int settle(struct auth_reader *reader, struct failure *f)
{
    struct auth_file *users = reader->users;

    if (users->count == 0) {
        return 0;
    }
    users->first = users->users[0].verifier;
    qsort(users->users, users->count, sizeof(*users->users), compare);
    for (size_t i = 1; i < users->count; i++) {
        const struct auth_user *a = &users->users[i - 1], *b = &users->users[i];

        if (strcmp(a->name, b->name) == 0) {
            reader->line = a->line > b->line ? a->line : b->line;
            return failure_set(f, "F0000", "%s:%u: user \"%s\" is there twice", reader->file,
                               reader->line, a->name);
        }
    }
    return 0;
}

static uint64_t rank_of(const struct auth_shape *shape)
{
    return (uint64_t)shape->iterations << 32 | shape->salt_len;
}

static int compare_shapes(const void *a, const void *b)
{
    uint64_t left = rank_of(a), right = rank_of(b);

    return (left > right) - (left < right);
}

static int take_shapes(struct auth_file *users)
{
    users->shapes = mem_alloc(users->count * sizeof(*users->shapes));
    if (users->shapes == NULL) {
        return users->count == 0 ? 0 : -ENOMEM;
    }
    for (size_t i = 0; i < users->count; i++) {
        const struct scram_verifier *verifier = &users->users[i].verifier;

        users->shapes[i] =
            (struct auth_shape){ verifier->iterations, (uint32_t)verifier->salt_len };
    }
    qsort(users->shapes, users->count, sizeof(*users->shapes), compare_shapes);
    return 0;
}

int auth_file_parse(const char *file, struct view text, struct auth_file **ret_users,
                    struct failure *ret_failure)
{
    cleanup(auth_reader_finish) struct auth_reader reader = { .file = file };

    buf_init(&reader.name, conf_name_bytes_most);
    reader.users = mem_zalloc(sizeof(*reader.users));
    if (reader.users == NULL) {
        return -ENOMEM;
    }
    atomic_init(&reader.users->refs, 1);
    int r = take_lines(&reader, text, ret_failure);
    if (r == 0) {
        r = settle(&reader, ret_failure);
    }
    if (r == 0) {
        r = take_shapes(reader.users);
    }
    if (r == 0) {
        *ret_users = take_ptr(reader.users);
    }
    return r;
}

const struct scram_verifier *auth_file_find(const struct auth_file *users, const char *name)
{
    struct auth_user wanted = { .name = (char *)(uintptr_t)name };
    const struct auth_user *found =
        users == NULL || users->count == 0
            ? NULL
            : bsearch(&wanted, users->users, users->count, sizeof(wanted), compare);

    return found == NULL ? NULL : &found->verifier;
}

const struct scram_verifier *auth_file_usual(const struct auth_file *users)
{
    static const struct scram_verifier usual = { .iterations = scram_iterations_preset,
                                                 .salt_len = scram_salt_bytes };

    return users == NULL || users->count == 0 ? &usual : &users->first;
}

/* Sorted by what it chooses from: one user more moves each border by less than one place. */
void auth_file_disguise(const struct auth_file *users, struct scram_verifier *stranger)
{
    uint32_t number;

    if (users == NULL || users->count == 0) {
        return;
    }
    memcpy(&number, stranger->stored_key, sizeof(number));
    const struct auth_shape *shape = &users->shapes[(uint64_t)number * users->count >> 32];
    stranger->iterations = shape->iterations;
    stranger->salt_len = shape->salt_len;
}
