/* sql/json_text.h: JSON as text, walked over without a tree.
 *
 * A value was checked when it came in, so it is taken for granted that it is valid; whatever is no
 * JSON ends the walk. Views are into the text. Pure. */
#pragma once

#include "base/buf.h"

void json_skip_space(struct view *at);
void json_skip_string(struct view *at);
/* One value, whatever its kind: its bytes. */
struct view json_take_value(struct view *at);

/* The text that a JSON string stands for. 0, BUF_FULL or -ENOMEM. */
must_check int json_unquote(struct view s, struct buf *out);
/* Does it stand for this text; do both stand for the same? */
bool json_string_is(struct view json, struct view text);
bool json_strings_equal(struct view a, struct view b);

/* Into an object or array: `bracket` is '{' or '['. False: it is none. */
bool json_open(struct view *json, char bracket);
/* What comes next in it; false at the end. */
bool json_next_member(struct view *json, struct view *ret_name, struct view *ret_value);
bool json_next_item(struct view *json, struct view *ret_item);

/* The member of an object, by the text of its name or by a JSON string that stands for that; the
 * last of several, as jsonb has it. False: there is none. */
bool json_get_key(struct view json, struct view key, struct view *ret_value);
bool json_get_member(struct view json, struct view name, struct view *ret_value);
/* The item of an array; -1 is the last. False: there is none. */
bool json_get_index(struct view json, int64_t index, struct view *ret_value);
/* -1: it is no array. */
int64_t json_array_length(struct view json);
