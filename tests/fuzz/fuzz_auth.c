/* tests/fuzz/fuzz_auth.c: files of rules and of users. The first byte says which. */
#include "fuzz.h"

#include "base/alloc.h"
#include "conf/auth_file.h"
#include "conf/hba.h"

#include <errno.h>
#include <string.h>

static void judge(int r, const struct failure *f)
{
    must(r == 0 || r == FAILED);
    must(r == 0 || strncmp(failure_get(f, FIELD_MESSAGE), "F:", 2) == 0);
}

static void ask(const struct hba *hba)
{
    struct sockaddr_storage address = { .ss_family = AF_INET };
    struct hba_client client = { .database = "shop~a~b", .user = "bob" };
    enum hba_method method;

    for (int i = 0; i < 3; i++) {
        bool found = hba_find(hba, &client, &method);
        must(!found || hba_line_of(hba, method) > 0);
        address.ss_family = i == 0 ? AF_INET : AF_INET6;
        client.address = (const struct sockaddr *)&address;
        client.encrypted = i > 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hba *hba = NULL;
    struct auth_file *users = NULL;
    struct failure f;

    if (size == 0) {
        return 0;
    }
    struct view text = view_of(data + 1, size - 1);
    if (data[0] % 2 == 0) {
        judge(hba_parse("F", text, &hba, &f), &f);
        ask(hba);
    } else {
        judge(auth_file_parse("F", text, &users, &f), &f);
        must(auth_file_find(users, "") == NULL);
        (void)auth_file_find(users, "bob");
    }
    hba_unref(hba);
    auth_file_unref(users);
    return 0;
}
