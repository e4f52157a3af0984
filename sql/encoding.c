/* sql/encoding.c: see encoding.h. The numbers are pg_wchar.h's, of PostgreSQL 15. */
#include "sql/encoding.h"

#include "base/defs.h"

#include <ctype.h>
#include <string.h>

static const char *const names[] = {
    "SQL_ASCII", "EUC_JP",        "EUC_CN",     "EUC_KR",     "EUC_TW",     "EUC_JIS_2004",
    "UTF8",      "MULE_INTERNAL", "LATIN1",     "LATIN2",     "LATIN3",     "LATIN4",
    "LATIN5",    "LATIN6",        "LATIN7",     "LATIN8",     "LATIN9",     "LATIN10",
    "WIN1256",   "WIN1258",       "WIN866",     "WIN874",     "KOI8R",      "WIN1251",
    "WIN1252",   "ISO_8859_5",    "ISO_8859_6", "ISO_8859_7", "ISO_8859_8", "WIN1250",
    "WIN1253",   "WIN1254",       "WIN1255",    "WIN1257",    "KOI8U",      "SJIS",
    "BIG5",      "GBK",           "UHC",        "GB18030",    "JOHAB",      "SHIFT_JIS_2004",
};

/* What else clients call them. */
static const struct {
    const char *name;
    int number;
} aliases[] = {
    { "unicode", ENCODING_UTF8 }, { "iso88591", 8 },     { "iso88592", 9 },
    { "iso885915", 16 },          { "win", 23 },         { "windows1250", 29 },
    { "windows1251", 23 },        { "windows1252", 24 }, { "koi8", 22 },
    { "shiftjis", 35 },
};

const char *encoding_name(int64_t number)
{
    return number >= 0 && number < (int64_t)ARRAY_LEN(names) ? names[number] : NULL;
}

static size_t skip(struct view name, size_t at)
{
    while (at < name.len && !isalnum(name.data[at])) {
        at++;
    }
    return at;
}

static bool same(struct view a, const char *text)
{
    struct view b = view_of_str(text);
    size_t i = skip(a, 0);
    size_t k = skip(b, 0);

    while (i < a.len && k < b.len && tolower(a.data[i]) == tolower(b.data[k])) {
        i = skip(a, i + 1);
        k = skip(b, k + 1);
    }
    return i == a.len && k == b.len;
}

int encoding_number(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (same(name, names[i])) {
            return (int)i;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (same(name, aliases[i].name)) {
            return aliases[i].number;
        }
    }
    return -1;
}
