/* sql/encoding.h: PostgreSQL's encodings by number and name. A database of pond's has UTF8, all
 * others are only told apart. Pure; any thread. */
#pragma once

#include "base/view.h"

enum { ENCODING_UTF8 = 6, encoding_last_of_servers = 34 /* those above are clients' only */ };

const char *encoding_name(int64_t number); /* NULL: none */
/* As PostgreSQL compares them: letters and digits count, in any case. -1: none. */
int encoding_number(struct view name);
