/* sql/cast.h: the functions that casts become, under SQLite. NULL in, NULL out.
 *
 *   pond_cast(value, from oid, to oid, typmod, explicit)   by the types' text forms; oid 0: by what
 * the value is pond_int2(n), pond_int4(n), pond_int8(n)   rounded (halves away from zero; with a
 * second argument: to even); 22003 pond_numeric(n, typmod)                    rounded to its scale;
 * 22003 pond_greatest(...), pond_least(...)        pass over NULLs
 *   pond_limit(n, is_offset)                         2201W, 2201X when it is negative
 *   pond_not_null(value, column, table)              23502 when it is NULL */
#pragma once

#include "base/failure.h"

struct sql_session;

/* The collations int2, int4 and int8, made when SQLite asks for one. 0 or -ENOMEM. */
must_check int casts_open(struct sql_session *sql);
/* Is the function whose name starts here (behind "pond_") one of these? */
bool cast_is_own(struct view name);
must_check int casts_register(struct sql_session *sql, struct failure *ret_failure);
