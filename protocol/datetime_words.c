/* protocol/datetime_words.c: months, weekdays, halves of the day, eras and the commonest zones. */
#include "protocol/datetime_words.h"

#include <strings.h>

static const struct datetime_word words[] = {
    { "jan", WORD_MONTH, 1 },
    { "january", WORD_MONTH, 1 },
    { "feb", WORD_MONTH, 2 },
    { "february", WORD_MONTH, 2 },
    { "mar", WORD_MONTH, 3 },
    { "march", WORD_MONTH, 3 },
    { "apr", WORD_MONTH, 4 },
    { "april", WORD_MONTH, 4 },
    { "may", WORD_MONTH, 5 },
    { "jun", WORD_MONTH, 6 },
    { "june", WORD_MONTH, 6 },
    { "jul", WORD_MONTH, 7 },
    { "july", WORD_MONTH, 7 },
    { "aug", WORD_MONTH, 8 },
    { "august", WORD_MONTH, 8 },
    { "sep", WORD_MONTH, 9 },
    { "sept", WORD_MONTH, 9 },
    { "september", WORD_MONTH, 9 },
    { "oct", WORD_MONTH, 10 },
    { "october", WORD_MONTH, 10 },
    { "nov", WORD_MONTH, 11 },
    { "november", WORD_MONTH, 11 },
    { "dec", WORD_MONTH, 12 },
    { "december", WORD_MONTH, 12 },
    { "mon", WORD_IGNORED, 0 },
    { "monday", WORD_IGNORED, 0 },
    { "tue", WORD_IGNORED, 0 },
    { "tues", WORD_IGNORED, 0 },
    { "tuesday", WORD_IGNORED, 0 },
    { "wed", WORD_IGNORED, 0 },
    { "weds", WORD_IGNORED, 0 },
    { "wednesday", WORD_IGNORED, 0 },
    { "thu", WORD_IGNORED, 0 },
    { "thur", WORD_IGNORED, 0 },
    { "thurs", WORD_IGNORED, 0 },
    { "thursday", WORD_IGNORED, 0 },
    { "fri", WORD_IGNORED, 0 },
    { "friday", WORD_IGNORED, 0 },
    { "sat", WORD_IGNORED, 0 },
    { "saturday", WORD_IGNORED, 0 },
    { "sun", WORD_IGNORED, 0 },
    { "sunday", WORD_IGNORED, 0 },
    { "at", WORD_IGNORED, 0 },
    { "on", WORD_IGNORED, 0 },
    { "am", WORD_AM, 0 },
    { "pm", WORD_PM, 0 },
    { "ad", WORD_AD, 0 },
    { "bc", WORD_BC, 0 },
    { "z", WORD_ZONE, 0 },
    { "utc", WORD_ZONE, 0 },
    { "gmt", WORD_ZONE, 0 },
    { "zulu", WORD_ZONE, 0 },
    { "est", WORD_ZONE, -18000 },
    { "edt", WORD_ZONE, -14400 },
    { "cst", WORD_ZONE, -21600 },
    { "cdt", WORD_ZONE, -18000 },
    { "mst", WORD_ZONE, -25200 },
    { "mdt", WORD_ZONE, -21600 },
    { "pst", WORD_ZONE, -28800 },
    { "pdt", WORD_ZONE, -25200 },
    { "cet", WORD_ZONE, 3600 },
    { "cest", WORD_ZONE, 7200 },
    { "epoch", WORD_EPOCH, 0 },
    { "infinity", WORD_INFINITY, 1 },
    { "now", WORD_UNSUPPORTED, 0 },
    { "today", WORD_UNSUPPORTED, 0 },
    { "tomorrow", WORD_UNSUPPORTED, 0 },
    { "yesterday", WORD_UNSUPPORTED, 0 },
    { "allballs", WORD_UNSUPPORTED, 0 },
};

const struct datetime_word *datetime_word(struct view word)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strlen(words[i].text) == word.len &&
            strncasecmp(words[i].text, (const char *)word.data, word.len) == 0) {
            return &words[i];
        }
    }
    return NULL;
}
