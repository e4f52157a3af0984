/* client/cli/cmd_passwd.c: a line of pondd's auth_file: a user's name and the verifier of his
 * password, out of which nobody can read it. Needs no server. */
#include "client/cli/cmd.h"
#include "client/cli/output.h"
#include "client/cli/password.h"
#include "protocol/saslprep.h"
#include "protocol/scram.h"

#include <sys/random.h>
#include <unistd.h>

struct passwd_settings {
    long iterations; /* 0: the usual */
};

static const struct option_row options[] = {
    { "iterations", 'i', OPTION_NUMBER, offsetof(struct passwd_settings, iterations), "N",
      "how often it is hashed: what a guess costs, and a login (4096)" },
};

static int make(struct view password, uint32_t iterations, struct scram_verifier *ret_verifier)
{
    cleanup(buf_wipe) struct buf prepared = { 0 };
    uint8_t salt[scram_salt_bytes];
    int r = buf_reserve(&prepared, 3 * password.len); /* the most that it becomes, or nearly */

    if (r == 0) {
        r = saslprep(password, &prepared);
    }
    if (r == 0 && getrandom(salt, sizeof(salt), 0) != sizeof(salt)) {
        r = -1;
    }
    return r == 0 ? scram_verifier_make(buf_view(&prepared), view_of(salt, sizeof(salt)),
                                        iterations, ret_verifier)
                  : r;
}

static int print(const char *user, const struct scram_verifier *verifier)
{
    cleanup(buf_finish) struct buf text = { 0 };
    struct output out;

    if (scram_verifier_print(verifier, &text) != 0) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    output_init(&out, STDOUT_FILENO, "standard output");
    output_str(&out, "\"");
    for (; *user != '\0'; user++) {
        if (*user == '"') {
            output_byte(&out, '"');
        }
        output_byte(&out, *user);
    }
    output_printf(&out, "\" \"%.*s\"\n", (int)text.len, (const char *)text.data);
    return output_end(&out);
}

enum { user_bytes_most = 63 }; /* more of a start-up packet's is cut off */

static int check(const char *user, long iterations)
{
    if (*user == '\0' || strchr(user, '\n') != NULL) {
        return cli_usage("expected the name of a user, on one line");
    }
    if (strlen(user) > user_bytes_most) {
        return cli_usage("the name of a user has at most %d bytes", user_bytes_most);
    }
    if (iterations < 1 || iterations > scram_iterations_most) {
        return cli_usage("--iterations: expected 1 to %d, not %ld", scram_iterations_most,
                         iterations);
    }
    return 0;
}

static int run(struct cli *cli, void *arg, int argc, char **argv)
{
    const struct passwd_settings *settings = arg;
    long iterations = settings->iterations == 0 ? scram_iterations_preset : settings->iterations;
    cleanup(buf_wipe) struct buf password = { 0 };
    struct scram_verifier verifier;
    int r = check(argv[0], iterations);

    (void)cli, (void)argc;
    if (r == 0) {
        r = password_read(&password);
    }
    if (r != 0) {
        return r;
    }
    if (make(buf_view(&password), (uint32_t)iterations, &verifier) != 0) {
        cli_complain("out of memory");
        return CLI_FAILED;
    }
    return print(argv[0], &verifier);
}

const struct command cmd_passwd = {
    .name = "passwd",
    .arguments = "USER",
    .summary = "make a line of pondd's auth_file, with a password that is asked for",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .settings_bytes = sizeof(struct passwd_settings),
    .least = 1,
    .most = 1,
    .run = run,
};
