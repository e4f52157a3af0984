/* conf/conf_impl.h: what conf.c, which reads, shares with conf_change.c. */
#pragma once

#include "conf/conf.h"

/* One more database, with the presets; it is the last one then. The name is copied. 0 or -ENOMEM.
 */
must_check int conf_add(struct conf *conf, const char *name);
void conf_database_finish(struct conf_database *database);
