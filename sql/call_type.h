/* sql/call_type.h: which type a call has. */
#pragma once

#include "sql/expr.h"
#include "sql/functions.h"

/* By the function's row and the arguments; `common` is what these have in common, where the row
 * asks for that. Of a numeric, also how many digits it shows behind the point. */
struct type call_type(const struct function *row, const struct expr *args, size_t count,
                      struct type common);
