/* sql/function_string.h: string functions that have files of their own; for the table in
 * function_text.c. */
#pragma once

#include "sql/function_support.h"

#include <locale.h>

typedef void function_call(sqlite3_context *c, int n, sqlite3_value **v);

/* function_encode.c */
function_call function_to_hex, function_to_hex4, function_encode, function_decode, function_md5,
    function_quote_ident, function_quote_literal, function_quote_nullable, function_format;
/* A name as PostgreSQL prints it: quoted where it must be. 0, BUF_FULL or -ENOMEM. */
must_check int quote_append_ident(struct buf *out, struct view name);
/* function_text_make.c */
function_call function_lpad, function_rpad, function_repeat, function_reverse, function_concat,
    function_concat_ws;
/* function_letters.c */
function_call function_upper, function_lower, function_initcap, function_ascii, function_chr;
/* function_regex.c */
function_call function_regexp_replace, function_regexp_like, function_regexp_count,
    function_regexp_substr, function_regex_match, function_similar;
/* function_like.c */
function_call function_ilike;

enum { function_pattern_max = 2000 }; /* bytes of a regular expression or an ILIKE pattern */

/* C.UTF-8 (function_letters.c), for letters and regular expressions; 0: the machine has none. */
locale_t function_locale(void);
