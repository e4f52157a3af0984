/* client/cli/environment.h: the variables by which a program finds its database: those of libpq,
 * and the URLs that others look for. Pure; only whoever exports them looks at the environment. */
#pragma once

#include "base/buf.h"

/* Whom to connect to, in the words of a connection string. */
struct place {
    const char *host; /* the folder of a socket begins with a slash */
    const char *port;
    const char *user;
    const char *database;
    const char *sslmode; /* NULL: not said, and nor are the others */
    const char *sslrootcert;
    const char *sslcert;
    const char *sslkey;
    const char *sslcrl;
    const char *password; /* NULL: whoever connects finds it as we did */
};

/* postgresql://..., with all that needs it percent-encoded; of a unix socket the folder is a
 * parameter, which more drivers know than a host that is encoded. 0, or what buf_append() says. */
must_check int environment_url(struct buf *out, const struct place *place);

struct variable {
    const char *name;
    char *value; /* NULL: to be unset */
};

enum { variables_most = 20 };

/* Zero bytes are an empty one. */
struct environment {
    struct variable rows[variables_most];
    size_t count;
};

/* PGHOST, PGPORT, PGUSER, PGDATABASE, DATABASE_URL and JDBC_DATABASE_URL, which is unset for a unix
 * socket: JDBC knows none; PGPASSWORD when there is one: URLs, which are shown, have none.
 * PGHOSTADDR and PGSERVICE, which would lead elsewhere, are unset. Whoever demanded TLS hands that
 * on: PGSSLMODE and the files, and both in the URLs. 0 or -ENOMEM. */
must_check int environment_make(const struct place *place, struct environment *ret_environment);
/* One more; the value is copied. 0 or -ENOMEM. */
must_check int environment_add(struct environment *environment, const char *name,
                               const char *value);
void environment_finish(struct environment *environment);

/* What an exec takes: `base` with the variables set, or unset. It lives as long as both; mem_free()
 * the array alone. NULL: no memory. */
must_check char **environment_over(const struct environment *environment, char *const *base);

/* As one word of a shell, in single quotes. 0, or what buf_append() says. */
must_check int environment_quote(struct buf *out, const char *value);

/* Lines for a shell's eval: export NAME='value', or unset NAME. */
must_check int environment_exports(const struct environment *environment, struct buf *out);
