/* client/cli/private_server.c: see private_server.h.
 *
 * pond forks the guard and the guard starts pondd. pond holds the one end of a pipe of which the
 * guard has the other: its end of file means that pond is gone. */
#include "client/cli/private_server.h"

#include "base/fd.h"
#include "client/cli/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DATABASE "test"

static const char conf_text[] =
    "[pond]\nlisten_addr =\nlisten_port = 7432\nshutdown_grace = 0\nauth_type = trust\n"
    "[database " DATABASE "]\n";

enum { socket_name_bytes = 24, log_most_bytes = 64 * 1024 }; /* "/.s.PGSQL.7432.lock" and a NUL */

/* ---- the folder ---- */

/* $TMPDIR, unless the name of the socket would be too long for a socket there. */
static int make_folder(struct private_server *server)
{
    const char *parent = getenv("TMPDIR");

    if (parent == NULL || parent[0] != '/' ||
        strlen(parent) + sizeof("/pond.XXXXXX") + socket_name_bytes > sizeof(server->folder)) {
        parent = "/tmp";
    }
    snprintf(server->folder, sizeof(server->folder), "%s/pond.XXXXXX", parent);
    if (mkdtemp(server->folder) == NULL) {
        cli_complain("could not make a folder %s: %m", server->folder);
        server->folder[0] = '\0';
        return CLI_OWN;
    }
    return 0;
}

/* It holds files only. */
static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0); /* . and .. stay */
    }
    if (dir != NULL) {
        closedir(dir);
    }
    (void)rmdir(path);
}

static int write_conf(const struct private_server *server, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/pond.conf", server->folder);
    cleanup(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, conf_text, sizeof(conf_text) - 1) != (ssize_t)sizeof(conf_text) - 1) {
        cli_complain("could not write %s: %m", path);
        return CLI_OWN;
    }
    return 0;
}

/* ---- the program ---- */

static bool is_program(char path[PATH_MAX], const char *folder, const char *name)
{
    int len = snprintf(path, PATH_MAX, "%s/%s", folder, name);

    return len < PATH_MAX && access(path, X_OK) == 0;
}

static void find_pondd(char path[PATH_MAX])
{
    const char *given = getenv("POND_PONDD");
    char folder[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", folder, sizeof(folder) - 1);

    if (given != NULL && given[0] != '\0') {
        snprintf(path, PATH_MAX, "%s", given);
        return;
    }
    folder[len < 0 ? 0 : len] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (is_program(path, folder, "pondd") || is_program(path, folder, "../sbin/pondd")) {
            return;
        }
    }
    snprintf(path, PATH_MAX, "pondd"); /* wherever PATH has it */
}

/* ---- the guard ---- */

/* What it was made with, before the fork. */
struct guarding {
    const char *folder;
    char *const *argv;
    int life;  /* at its end of file pond is gone */
    int ready; /* for pondd alone */
    int log;
    int null;
};

/* Until pond is gone, or pondd has ended by itself. */
static void await_either(int life, int pidfd)
{
    struct pollfd fds[] = { { .fd = life, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };

    while (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno == EINTR) {
    }
}

static no_return void guard(const struct guarding *g)
{
    const struct child_options options = { .argv = g->argv, .fd = { g->null, g->log, g->log } };
    struct child pondd = { 0 };

    setsid();                  /* what the terminal sends is for the command */
    unsetenv("NOTIFY_SOCKET"); /* whoever manages pond does not manage this pondd */
    for (int i = 0; i < 3; i++) {
        dup2(g->null, i); /* nobody waits for our end of pond's output */
    }
    int r = child_start(&options, &pondd);
    if (r != 0) {
        dprintf(g->log, "FATAL: could not start %s: %s\n", g->argv[0],
                strerror(r > 0 ? errno : -r));
    }
    close(g->ready); /* pond waits for its end of file */
    if (r == 0) {
        await_either(g->life, pondd.pidfd);
        child_signal(&pondd, SIGTERM);
        (void)!child_reap(&pondd);
    }
    remove_folder(g->folder);
    _exit(0);
}

/* ---- starting ---- */

static int fail(const char *what)
{
    cli_complain("%s: %m", what);
    return CLI_OWN;
}

/* A line of the log that says why it did not start, without what stands before; or NULL. */
static const char *cause_in(const char *line)
{
    return strncmp(line, "pondd: ", 7) == 0 ? line : strstr(line, "FATAL");
}

static void tell_log(int fd)
{
    char *text = calloc(1, log_most_bytes + 1);
    ssize_t n = text == NULL ? 0 : pread(fd, text, log_most_bytes, 0);
    bool told = false;
    char *rest = text;

    for (char *line; n > 0 && (line = strsep(&rest, "\n")) != NULL;) {
        const char *cause = cause_in(line);
        if (cause != NULL) {
            cli_complain("%s", cause);
            told = true;
        }
    }
    if (!told) {
        cli_complain("the private pondd did not start, and does not say why");
    }
    free(text);
}

/* The addresses come in one piece; end of file without them is a start that failed. */
static int await_ready(const struct private_server *server, int ready, int64_t timeout_ms)
{
    struct pollfd fds = { .fd = ready, .events = POLLIN };
    char address[512];
    int r;

    do {
        r = poll(&fds, 1, timeout_ms == 0 ? -1 : timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms);
    } while (r < 0 && errno == EINTR);
    if (r == 0) {
        cli_complain("the private pondd was not ready in time");
        return CLI_OWN;
    }
    if (read(ready, address, sizeof(address)) > 0) {
        return 0;
    }
    tell_log(server->log_fd);
    return CLI_OWN;
}

static void lead_to(struct cli *cli, const struct private_server *server)
{
    cli->common.host = server->folder;
    cli->common.port = "7432";
    unsetenv("PGHOSTADDR");
    unsetenv("PGSERVICE");
    unsetenv("PGSSLMODE"); /* psql minds it for no socket either */
}

static int launch(struct private_server *server, char *const *argv, int life[2], int ready[2],
                  int null)
{
    server->guard = fork();
    if (server->guard == 0) {
        close(life[1]);
        close(ready[0]);
        guard(&(struct guarding){ .folder = server->folder,
                                  .argv = argv,
                                  .life = life[0],
                                  .ready = ready[1],
                                  .log = server->log_fd,
                                  .null = null });
    }
    close(life[0]);
    close(ready[1]);
    server->life_fd = life[1];
    if (server->guard < 0) {
        server->guard = 0;
        close(ready[0]);
        return fail("could not start a process");
    }
    return 0;
}

static int start(struct cli *cli, const char *seed, struct private_server *server)
{
    char pondd[PATH_MAX], conf[PATH_MAX], folder_option[PATH_MAX], number[16];
    char seed_option[PATH_MAX + 64];
    int life[2], ready[2];

    if (make_folder(server) != 0 || write_conf(server, conf) != 0) {
        return CLI_OWN;
    }
    find_pondd(pondd);
    cleanup(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    server->log_fd = memfd_create("pondd log", MFD_CLOEXEC);
    if (null < 0 || server->log_fd < 0 || pipe2(life, O_CLOEXEC) != 0 || pipe(ready) != 0) {
        return fail("could not make a pipe");
    }
    fcntl(ready[0], F_SETFD, FD_CLOEXEC);
    snprintf(folder_option, sizeof(folder_option), "unix_socket_dir=%s", server->folder);
    snprintf(seed_option, sizeof(seed_option), "database." DATABASE ".seed=%s", seed);
    snprintf(number, sizeof(number), "%d", ready[1]);
    char *const argv[] = { pondd, "-c",        conf,         "-o",   folder_option,
                           "-o",  seed_option, "--ready-fd", number, NULL };
    int r = launch(server, argv, life, ready, null);
    if (r == 0) {
        r = await_ready(server, ready[0], cli->common.timeout_ms);
        close(ready[0]);
    }
    return r;
}

int private_server_start(struct cli *cli, const char *seed, struct private_server *server)
{
    if (access(seed, R_OK) != 0) {
        return fail(seed);
    }
    server->database = DATABASE;
    int r = start(cli, seed, server);
    if (r != 0) {
        private_server_stop(server);
        return r;
    }
    lead_to(cli, server);
    return 0;
}

void private_server_stop(struct private_server *server)
{
    if (server->life_fd >= 0) {
        close(fd_take(&server->life_fd));
    }
    if (server->guard > 0) {
        while (waitpid(server->guard, NULL, 0) < 0 && errno == EINTR) {
        }
        server->guard = 0;
    } else if (server->folder[0] != '\0') {
        remove_folder(server->folder);
    }
    server->folder[0] = '\0';
    if (server->log_fd >= 0) {
        close(fd_take(&server->log_fd));
    }
}
