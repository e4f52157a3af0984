/* sql/ddl_depend.h: what depends on a table: foreign keys of others, and views. */
#pragma once

#include "sql/ddl.h"

/* The names as one buffer, each with a NUL behind. */
must_check int depend_children(struct sql_session *sql, const char *table, struct buf *ret_names,
                               struct failure *ret_failure);
must_check int depend_views(struct sql_session *sql, const char *table, struct buf *ret_names,
                            struct failure *ret_failure);

/* Takes the foreign keys of `child` that refer to `parent` out of its text. ret_name: the (last)
 * constraint's name; without `apply` it only looks. */
must_check int depend_strip(struct sql_session *sql, const char *child, const char *parent,
                            bool apply, char ret_name[ddl_name_bytes], struct failure *ret_failure);

/* for (const char *name = depend_first(&b); name != NULL; name = depend_next(&b, name)) */
const char *depend_first(const struct buf *names);
const char *depend_next(const struct buf *names, const char *name);
