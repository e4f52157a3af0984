/* conf/hba.c: a file of rules. Each line is cut into fields and each field into words by
 * hba_words.c; a rule keeps its names as one text, each with its NUL. */
#include "conf/hba.h"

#include "base/alloc.h"
#include "conf/conf.h"
#include "conf/hba_address.h"
#include "conf/hba_words.h"

#include <errno.h>
#include <stdatomic.h>

enum hba_type { TYPE_LOCAL, TYPE_HOST, TYPE_HOSTSSL, TYPE_HOSTNOSSL };

static const char *const type_words[] = { "local", "host", "hostssl", "hostnossl" };
static const char *const method_words[] = {
    [HBA_TRUST] = "trust",         [HBA_REJECT] = "reject", [HBA_PEER] = "peer",
    [HBA_SCRAM] = "scram-sha-256", [HBA_CERT] = "cert",
};

struct hba_names {
    bool all;
    bool same_user;   /* the database that is called as the user */
    struct buf names; /* each with its NUL */
};

struct hba_rule {
    enum hba_type type;
    enum hba_method method;
    unsigned line;
    struct hba_names databases;
    struct hba_names users;
    struct hba_address address;
};

struct hba {
    atomic_size_t refs;
    struct hba_rule *rules;
    size_t count;
};

struct hba *hba_ref(struct hba *hba)
{
    if (hba != NULL) {
        atomic_fetch_add(&hba->refs, 1);
    }
    return hba;
}

void hba_unref(struct hba *hba)
{
    if (hba == NULL || atomic_fetch_sub(&hba->refs, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < hba->count; i++) {
        buf_finish(&hba->rules[i].databases.names);
        buf_finish(&hba->rules[i].users.names);
    }
    mem_free(hba->rules);
    mem_free(hba);
}

/* ---- reading a rule ---- */

/* The index of the word in the list; FAILED has said what was expected. */
static int take_choice(struct hba_words *words, const char *what, const char *const *list,
                       size_t count, int *ret_index, struct failure *f)
{
    int r = hba_words_one(words, what, f);

    for (size_t i = 0; r == 0 && i < count; i++) {
        if (strcmp(words->word[0].text, list[i]) == 0) {
            *ret_index = (int)i;
            return 0;
        }
    }
    return r != 0 ? r : HBA_NO_WORD;
}

static int take_type(struct hba_words *words, struct hba_rule *rule, struct failure *f)
{
    int index;
    int r = take_choice(words, "a type", type_words, ARRAY_LEN(type_words), &index, f);

    if (r == HBA_NO_WORD) {
        return hba_words_fail(words, f, "expected local, host, hostssl or hostnossl, not \"%s\"",
                              words->word[0].text);
    }
    rule->type = (enum hba_type)index;
    return r;
}

/* The console has two names: whoever is shut out of the one is not let in by the other. */
static const char *database_known_as(const char *name)
{
    return conf_is_console(name) ? "pond" : name;
}

static int append_name(struct buf *names, const char *name)
{
    return buf_append(names, name, strlen(name) + 1);
}

/* Words that mean more than a name in PostgreSQL, and nothing here. */
static int refuse_special(const struct hba_words *words, const struct hba_word *word,
                          struct failure *f)
{
    static const char *const roles[] = { "samerole", "samegroup" };

    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        if (strcmp(word->text, roles[i]) == 0) {
            return hba_words_fail(words, f, "%s is not supported: there are no roles", roles[i]);
        }
    }
    if (word->text[0] == '+') {
        return hba_words_fail(words, f, "\"%s\": groups are not supported: name the users",
                              word->text);
    }
    if (word->text[0] == '/') {
        return hba_words_fail(words, f, "\"%s\": regular expressions are not supported",
                              word->text);
    }
    return 0;
}

static int add_name(const struct hba_words *words, const struct hba_word *word, bool of_databases,
                    struct hba_names *names, struct failure *f)
{
    int r = word->quoted ? 0 : refuse_special(words, word, f);

    if (r != 0) {
        return r;
    }
    if (strlen(word->text) > conf_name_bytes_most) {
        return hba_words_fail(words, f, "a name has at most %d bytes: \"%s\"", conf_name_bytes_most,
                              word->text);
    }
    if (!word->quoted && strcmp(word->text, "all") == 0) {
        names->all = true;
    } else if (!word->quoted && of_databases && strcmp(word->text, "sameuser") == 0) {
        names->same_user = true;
    } else if (word->quoted || !of_databases || strcmp(word->text, "replication") != 0) {
        r = append_name(&names->names, of_databases ? database_known_as(word->text) : word->text);
    } /* nobody connects for replication: a rule for that fits nobody */
    return r;
}

static int take_names(struct hba_words *words, bool of_databases, struct hba_names *names,
                      struct failure *f)
{
    int r = hba_words_next(words, of_databases ? "databases" : "users", f);

    for (size_t i = 0; r == 0 && i < words->count; i++) {
        r = add_name(words, &words->word[i], of_databases, names, f);
    }
    return r;
}

static int take_address(struct hba_words *words, struct hba_rule *rule, struct failure *f)
{
    int r = hba_words_one(words, "an address", f);

    if (r == 0) {
        r = hba_address_parse(words, &rule->address, f);
    }
    if (r != HBA_NEEDS_MASK) {
        return r;
    }
    r = hba_words_one(words, "a mask", f);
    return r == 0 ? hba_address_parse_mask(words, &rule->address, f) : r;
}

static int check_method(const struct hba_words *words, const struct hba_rule *rule,
                        struct failure *f)
{
    if (rule->method == HBA_PEER && rule->type != TYPE_LOCAL) {
        return hba_words_fail(words, f, "peer is for local lines only");
    }
    if (rule->method == HBA_CERT && rule->type != TYPE_HOSTSSL) {
        return hba_words_fail(words, f, "cert is for hostssl lines only");
    }
    return 0;
}

static int take_method(struct hba_words *words, struct hba_rule *rule, struct failure *f)
{
    int index;
    int r = take_choice(words, "a method", method_words, ARRAY_LEN(method_words), &index, f);

    if (r == HBA_NO_WORD) {
        return hba_words_fail(words, f,
                              "expected trust, reject, peer, scram-sha-256 or cert, not \"%s\"",
                              words->word[0].text);
    }
    if (r != 0) {
        return r;
    }
    rule->method = (enum hba_method)index;
    return check_method(words, rule, f);
}

static int read_rule(struct hba_words *words, struct hba_rule *rule, struct failure *f)
{
    int r = take_type(words, rule, f);

    if (r == 0) {
        r = take_names(words, true, &rule->databases, f);
    }
    if (r == 0) {
        r = take_names(words, false, &rule->users, f);
    }
    if (r == 0 && rule->type != TYPE_LOCAL) {
        r = take_address(words, rule, f);
    }
    if (r == 0) {
        r = take_method(words, rule, f);
    }
    if (r == 0 && hba_words_left(words)) {
        r = hba_words_next(words, "an option", f);
        r = r != 0 ? r
                   : hba_words_fail(words, f, "\"%s\": options of methods are not supported",
                                    words->word[0].text);
    }
    return r;
}

/* ---- reading a file ---- */

static int add_rule(struct hba *hba, struct hba_words *words, struct failure *f)
{
    struct hba_rule *grown = mem_realloc(hba->rules, (hba->count + 1) * sizeof(*hba->rules));

    if (grown == NULL) {
        return -ENOMEM;
    }
    hba->rules = grown;
    grown[hba->count] = (struct hba_rule){ .line = words->line };
    return read_rule(words, &grown[hba->count++], f);
}

int hba_parse(const char *file, struct view text, struct hba **ret_hba, struct failure *ret_failure)
{
    cleanup(hba_words_finish) struct hba_words words = { .file = file, .text = text };
    struct hba *hba = mem_zalloc(sizeof(*hba));
    int r = hba == NULL ? -ENOMEM : 0;

    if (r == 0) {
        atomic_init(&hba->refs, 1);
    }

    while (r == 0 && (r = hba_words_line(&words, ret_failure)) == 0) {
        r = hba_words_left(&words) ? add_rule(hba, &words, ret_failure) : 0;
    }
    if (r != HBA_END) {
        hba_unref(hba);
        return r;
    }
    *ret_hba = hba;
    return 0;
}

unsigned hba_line_of(const struct hba *hba, enum hba_method method)
{
    for (size_t i = 0; i < hba->count; i++) {
        if (hba->rules[i].method == method) {
            return hba->rules[i].line;
        }
    }
    return 0;
}

/* ---- which rule? ---- */

/* Looks at all of them: a stranger's clock does not tell him that he has met a name. */
static bool is_in(const struct buf *names, const char *name, size_t len)
{
    bool found = false;

    for (size_t at = 0; at < names->len;) {
        const char *one = (const char *)names->data + at;
        size_t one_len = strlen(one);

        found |= one_len == len && memcmp(one, name, len) == 0;
        at += one_len + 1;
    }
    return found;
}

/* shop~a~b is a clone of shop~a, which is one of shop. */
static bool fits_database(const struct hba_names *names, const struct hba_client *client)
{
    const char *database = database_known_as(client->database);
    size_t len = strlen(database);

    if (names->all || (names->same_user && strcmp(client->database, client->user) == 0)) {
        return true;
    }
    while (!is_in(&names->names, database, len)) {
        const char *tilde = memrchr(database, '~', len);
        if (tilde == NULL) {
            return false;
        }
        len = (size_t)(tilde - database);
    }
    return true;
}

static bool fits_type(const struct hba_rule *rule, const struct hba_client *client)
{
    switch (rule->type) {
    case TYPE_LOCAL:
        return client->address == NULL;
    case TYPE_HOST:
        return client->address != NULL;
    case TYPE_HOSTSSL:
        return client->address != NULL && client->encrypted;
    case TYPE_HOSTNOSSL:
        return client->address != NULL && !client->encrypted;
    }
    return false;
}

static bool fits(const struct hba_rule *rule, const struct hba_client *client)
{
    return fits_type(rule, client) &&
           (rule->users.all || is_in(&rule->users.names, client->user, strlen(client->user))) &&
           fits_database(&rule->databases, client) &&
           (client->address == NULL || hba_address_has(&rule->address, client->address));
}

/* All are looked at here, too. */
bool hba_find(const struct hba *hba, const struct hba_client *client, enum hba_method *ret_method)
{
    const struct hba_rule *first = NULL;

    for (size_t i = hba == NULL ? 0 : hba->count; i > 0; i--) {
        first = fits(&hba->rules[i - 1], client) ? &hba->rules[i - 1] : first;
    }
    if (first != NULL) {
        *ret_method = first->method;
    }
    return first != NULL;
}
