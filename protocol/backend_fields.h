/* protocol/backend_fields.h: the fields of ErrorResponse and NoticeResponse, for their writer and
 * their reader. */
#pragma once

#include "protocol/backend.h"

/* The fields that a failure holds, in PostgreSQL's order. */
struct field_row {
    uint8_t code;
    uint8_t field; /* enum failure_field */
};

enum { field_row_count = 10 };
extern const struct field_row field_rows[field_row_count];
