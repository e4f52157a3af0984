/* sql/role.h: pond has no table of roles: whoever connects or owns a database is one, a superuser,
 * and so is pond itself, who owns what nobody made. */
#pragma once

#include <stdint.h>

/* The same for one name everywhere; NULL: pond's, which is that of PostgreSQL's first superuser. */
uint32_t role_oid(const char *name);
