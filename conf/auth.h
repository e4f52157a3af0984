/* conf/auth.h: the rules and the users of a configuration, out of auth_type and the files that
 * auth_hba_file and auth_file name. */
#pragma once

#include "base/failure.h"

struct conf;

/* Sets conf->hba and conf->users. 0, FAILED or -ENOMEM. */
must_check int conf_read_auth(struct conf *conf, struct failure *ret_failure);
/* A copy has the same ones. */
void conf_share_auth(struct conf *copy, const struct conf *conf);
/* Is it an option that this is read by? */
bool conf_is_of_auth(const char *name);
void conf_finish_auth(struct conf *conf);
