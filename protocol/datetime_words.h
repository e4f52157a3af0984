/* protocol/datetime_words.h: the words that a date/time text may hold. For
 * protocol/datetime_parse.c. */
#pragma once

#include "protocol/datetime.h"

enum word_kind {
    WORD_MONTH,
    WORD_IGNORED,
    WORD_AM,
    WORD_PM,
    WORD_AD,
    WORD_BC,
    WORD_ZONE,
    WORD_EPOCH,
    WORD_INFINITY,
    WORD_UNSUPPORTED,
};

struct datetime_word {
    const char *text;
    uint8_t kind;  /* enum word_kind */
    int32_t value; /* month, or seconds east of UTC */
};

/* In any case; NULL: unknown. */
const struct datetime_word *datetime_word(struct view word);
