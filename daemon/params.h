/* daemon/params.h: Bind's parameters in their storage forms, for the length of one Bind. */
#pragma once

#include "base/buf.h"
#include "base/cell.h"
#include "protocol/frontend.h"

enum { params_few = 16 };

struct params {
    struct cell *cells; /* `few`, or allocated */
    size_t count;
    struct buf scratch; /* what the cells' bytes need that are not in the message itself */
    struct cell few[params_few];
};

/* Decodes by the plan's types, as many as the message has parameters. 0 or FAILED. */
must_check int params_decode(struct params *params, const struct msg_bind *msg,
                             const uint32_t *oids, const struct value_style *style,
                             struct failure *ret_failure);
void params_finish(struct params *params);
