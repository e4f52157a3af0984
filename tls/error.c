/* tls/error.c: the oldest error is the cause, what came after it only follows from it. */
#include "tls/error.h"

#include <stdio.h>
#include <string.h>

void tls_error_text(char *text, size_t size)
{
    unsigned long code = ERR_get_error();
    const char *reason = code == 0 ? "no error is reported" : ERR_reason_error_string(code);

    if (code != 0 && ERR_SYSTEM_ERROR(code)) {
        reason = strerror(ERR_GET_REASON(code));
    }
    if (reason == NULL) {
        snprintf(text, size, "error %08lX", code);
    } else {
        snprintf(text, size, "%s", reason);
    }
    ERR_clear_error();
}
