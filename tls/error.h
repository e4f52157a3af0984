/* tls/error.h: OpenSSL's errors in words. */
#pragma once

#include "base/defs.h"

#include <openssl/err.h>

/* The first error in this thread's queue, without OpenSSL's file names and numbers; the queue is
 * empty afterwards. */
void tls_error_text(char *text, size_t size);
