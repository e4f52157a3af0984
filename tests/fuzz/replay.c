/* tests/fuzz/replay.c: a plain main that gives each file of a corpus folder to a fuzz target once,
 * and each of its truncations. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

enum { file_most_bytes = 1 << 20 };

static size_t read_file(const char *path, uint8_t *data)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        return 0;
    }
    size_t size = fread(data, 1, file_most_bytes, file);

    fclose(file);
    return size;
}

/* A block of just the size, so that a read behind it is seen. */
static void run_exactly(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);

    must(copy != NULL);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

int main(int argc, char **argv)
{
    static uint8_t data[file_most_bytes];
    size_t count = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;

    if (folder == NULL) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[4096];

        snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        if (entry->d_name[0] == '.') {
            continue;
        }
        size_t size = read_file(path, data);

        for (size_t len = size > 4096 ? size : 0; len <= size; len++) {
            run_exactly(data, len);
        }
        count++;
    }
    closedir(folder);
    printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;
}
