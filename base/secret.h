/* base/secret.h: strings that are not to be found in memory once they are not needed any more. */
#pragma once

#include "base/alloc.h"

#include <string.h>

/* Overwrites and frees; NULL is fine. */
static inline void secret_free(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        mem_free(text);
    }
}
