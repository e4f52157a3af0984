/* async/await_private.h: how every await begins. Private to async/. */
#pragma once

#include "async/task.h"

/* -ECANCELED or -ETIMEDOUT when the await is over before it began, else 0. */
must_check int await_begin(const struct task *task, int64_t deadline_us);
