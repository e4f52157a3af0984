/* daemon/service_reload.c: SIGHUP. A signal that comes while the file is read asks for it to be
 * read once more, however many come; one during the start is remembered. */
#include "daemon/service_impl.h"

#include "async/task.h"
#include "daemon/log.h"
#include "daemon/reload.h"

static void reload_once(struct service *service)
{
    cleanup(buf_finish) struct buf kept = { 0 };
    struct failure failure;
    struct permit turn;
    int r = reload_begin(&service->server, &turn, &failure);

    if (r == 0) {
        (void)!reload_file(&service->server, &kept, &failure); /* has told the log */
        reload_end(&turn);
        return;
    }
    if (r == FAILED) {
        log_failure(LEVEL_ERROR, "cannot reload", &failure);
    }
    manager_does_not_reload(&service->manager);
}

static void reload_task(void *arg)
{
    struct service *service = arg;

    do {
        service->reload_wanted = false;
        reload_once(service);
    } while (service->reload_wanted);
    service->reloads = false;
}

void service_told(struct server *server, enum server_news news, const char *database)
{
    struct manager *manager = &container_of(server, struct service, server)->manager;

    switch (news) {
    case SERVER_RELOADS:
        manager_reloads(manager);
        break;
    case SERVER_LOADS:
        manager_loads(manager, database);
        break;
    case SERVER_RELOADED:
        manager_reloaded(manager);
        break;
    }
}

void service_reload_if_wanted(struct service *service)
{
    if (!service->reload_wanted || service->reloads || service->starting != NULL) {
        return;
    }
    service->reloads = task_spawn(service_loop(service), "reload", reload_task, service, NULL) == 0;
    if (!service->reloads) {
        log_line(LEVEL_ERROR, "no memory to reload");
        manager_does_not_reload(&service->manager);
    }
}

void service_want_reload(struct service *service)
{
    if (service->stops > 0) {
        log_line(LEVEL_LOG, "no reload: pondd stops");
        manager_does_not_reload(&service->manager);
        return;
    }
    service->reload_wanted = true;
    service_reload_if_wanted(service);
}
