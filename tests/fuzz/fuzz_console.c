/* tests/fuzz/fuzz_console.c: commands of the console. */
#include "fuzz.h"

#include "daemon/console_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct console_words words;
    struct console_setting setting;

    console_parse(view_of(data, size), &words);
    must(words.count <= console_words_most);
    for (size_t i = 0; i < words.count; i++) {
        size_t len = strnlen(words.word[i], console_word_bytes);

        must(len > 0 && len < console_word_bytes && len <= size);
    }
    (void)console_word_is(&words, 0, "SHOW");
    if (console_parse_set(view_of(data, size), &setting)) {
        size_t len = strnlen(setting.name, console_word_bytes);

        must(len > 0 && len < console_word_bytes && len <= size);
        len = strnlen(setting.value, console_value_bytes);
        must(len < console_value_bytes && len <= size);
    }
    return 0;
}
