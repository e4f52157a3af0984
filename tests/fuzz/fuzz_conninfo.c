/* tests/fuzz/fuzz_conninfo.c: connection strings, service files and password files. The first byte
 * says which. */
#include "fuzz.h"

#include "base/alloc.h"
#include "client/conninfo.h"

static void fuzz_string(char *text)
{
    cleanup(conninfo_finish) struct conninfo info = { 0 };
    struct conninfo_host hosts[conninfo_hosts_max];
    struct pond_error error = { 0 };
    size_t count = 0;
    int r = conninfo_parse(&info, text, &error);

    must(r == 0 || r == POND_USAGE);
    must(r == 0 || error.message[0] != '\0');
    if (r == 0 && conninfo_hosts(&info, hosts, &count, &error) == 0) {
        must(count <= conninfo_hosts_max);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct view rest = view_of(data + 1, size - 1);
    cleanup(conninfo_finish) struct conninfo info = { 0 };
    struct pond_error error;

    if (data[0] % 3 == 0) {
        cleanup(mem_freep) char *text = mem_strndup(rest.data, rest.len);
        fuzz_string(text);
    } else if (data[0] % 3 == 1) {
        int r = conninfo_service(&info, rest, "s", &error);
        must(r == 0 || r == SERVICE_NOT_FOUND || r == POND_USAGE);
    } else {
        mem_free(passfile_find(rest, &(struct passfile_entry){
                                         .host = "h", .port = "1", .dbname = "d", .user = "u" }));
    }
    return 0;
}
