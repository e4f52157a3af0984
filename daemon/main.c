/* daemon/main.c: pondd. Reads the command line and the configuration, and leaves the rest to the
 * service. */
#include "conf/conf.h"
#include "daemon/arguments.h"
#include "daemon/log.h"
#include "daemon/service.h"

#include <stdio.h>

static int complain(const struct failure *failure)
{
    const char *message = failure_get(failure, FIELD_MESSAGE);

    if (log_is_journal()) {
        log_line(LEVEL_FATAL, "%s", message);
    } else {
        fprintf(stderr, "pondd: %s\n", message);
    }
    return 2;
}

int main(int argc, char *argv[])
{
    struct arguments arguments;
    struct failure failure = { 0 };
    struct conf *conf;

    log_open();
    if (arguments_parse(argc, argv, &arguments, &failure) != 0) {
        return complain(&failure);
    }
    if (arguments.mode == MODE_HELP || arguments.mode == MODE_VERSION) {
        fputs(arguments.mode == MODE_HELP ? arguments_help() : "pondd " POND_VERSION "\n", stdout);
        return 0;
    }
    if (arguments.mode == MODE_RUN) {
        service_hold_signals();
    }
    if (conf_read(arguments.file, arguments.overrides, arguments.override_count, &conf, &failure) !=
        0) {
        return complain(&failure);
    }
    int code = 0;
    if (arguments.mode == MODE_CHECK) {
        printf("%s is fine: %zu databases\n", arguments.file,
               conf->database_count - conf->builtin_count);
    } else {
        code = service_run(conf, arguments.ready_fd);
    }
    conf_destroy(conf);
    return code;
}
