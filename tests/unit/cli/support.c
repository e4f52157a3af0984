/* tests/unit/cli/support.c: see support.h. */
#include "support.h"

struct output test_out;

void out_begin(void)
{
    output_init(&test_out, -1, "memory");
}

const char *out_text(void)
{
    output_byte(&test_out, '\0');
    return test_out.data;
}
