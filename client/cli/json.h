/* client/cli/json.h: values as JSON. Pure but for the output. */
#pragma once

#include "client/cli/output.h"

#include <stdint.h>

/* Quoted and escaped; what is not UTF-8 becomes U+FFFD. */
void json_put_string(struct output *out, const char *s, size_t len);

/* As its type wants it: numbers and booleans as such, json and jsonb as they are, without line
 * breaks; everything else, and what is none although its type says so, as a string. */
void json_put_value(struct output *out, uint32_t type_oid, const char *s, size_t len);

bool json_is_number(const char *s, size_t len);
/* One value and white space around it. What is nested more than json_depth_most deep is not. */
bool json_is_valid(const char *s, size_t len);
enum { json_depth_most = 512 };
