/* async/offload.c: a few helper threads for the whole process and their line of jobs. The only file
 * that offloads.
 *
 * A job lies on the stack of the task that awaits it. Its end comes back as a message to the task's
 * loop. One that nobody awaits has a block of its own. */
#include "async/offload.h"

#include "async/await.h"
#include "async/loop_private.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>

struct job {
    STAILQ_ENTRY(job) entry;
    void (*fn)(void *arg);
    void *arg;
    struct account *account; /* what it allocates is charged as if the task had */
    struct task *task;       /* NULL: nobody awaits it */
    struct loop_message done;
};
STAILQ_HEAD(job_line, job);

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wanted; /* a job has come, or the threads shall end */
    struct job_line jobs;
    size_t waiting; /* jobs in the line */
    size_t idle;    /* threads that wait for one */
    size_t threads;
    pthread_t thread[offload_threads_most];
    size_t loops;  /* references */
    unsigned ends; /* counts the times that all threads were told to end */
} offload = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .wanted = PTHREAD_COND_INITIALIZER,
    .jobs = STAILQ_HEAD_INITIALIZER(offload.jobs),
};

static _Thread_local bool on_helper_thread;

static void unlock(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}

static pthread_mutex_t *locked(void)
{
    pthread_mutex_lock(&offload.lock);
    return &offload.lock;
}

static void job_is_done(struct loop *loop, struct loop_message *message)
{
    (void)loop;
    task_wake(container_of(message, struct job, done)->task, 0);
}

static void job_run(struct job *job)
{
    struct account *was = account_swap(job->account);

    job->fn(job->arg);
    account_swap(was);
    if (job->task == NULL) {
        mem_free(job);
        return;
    }
    loop_send(job->task->loop, &job->done); /* from here on the job is the loop's */
}

/* The next job, or NULL when the thread shall end. */
static struct job *job_take(unsigned ends)
{
    cleanup(unlock) pthread_mutex_t *lock = locked();

    offload.idle++;
    while (STAILQ_EMPTY(&offload.jobs) && offload.ends == ends) {
        pthread_cond_wait(&offload.wanted, lock);
    }
    offload.idle--;
    struct job *job = STAILQ_FIRST(&offload.jobs);
    if (job != NULL) {
        STAILQ_REMOVE_HEAD(&offload.jobs, entry);
        offload.waiting--;
    }
    return job;
}

static void *helper_main(void *arg)
{
    unsigned ends = (unsigned)(uintptr_t)arg;
    struct job *job;

    on_helper_thread = true;
    while ((job = job_take(ends)) != NULL) {
        job_run(job);
    }
    return NULL;
}

/* Signals are blocked: they are for the threads that called for help. */
static int helper_start(pthread_t *ret_thread)
{
    sigset_t all, was;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    int r = pthread_create(ret_thread, NULL, helper_main, (void *)(uintptr_t)offload.ends);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    return -r;
}

/* Puts the job into the line and sees to it that somebody will come for it. */
static int job_put(struct job *job)
{
    cleanup(unlock) maybe_unused pthread_mutex_t *lock = locked();
    int r = 0;

    if (offload.idle <= offload.waiting && offload.threads < offload_threads_most) {
        r = helper_start(&offload.thread[offload.threads]);
        offload.threads += r == 0;
    }
    if (offload.threads == 0) {
        return r;
    }
    STAILQ_INSERT_TAIL(&offload.jobs, job, entry);
    offload.waiting++;
    pthread_cond_signal(&offload.wanted);
    return 0;
}

int await_offload(void (*fn)(void *arg), void *arg)
{
    struct task *task = task_current();

    assert(task != NULL);
    if (on_helper_thread) {
        fn(arg); /* this thread may block, and waiting for another of so few could wait for ever */
        return 0;
    }
    struct job job = {
        .fn = fn,
        .arg = arg,
        .account = account_current(),
        .task = task,
        .done.run = job_is_done,
    };
    struct wait wait = { .firm = true };
    int r = job_put(&job);
    if (r < 0) {
        return r;
    }
    return task_park(task, DEADLINE_NONE, &wait);
}

static bool has_loops(void)
{
    cleanup(unlock) maybe_unused pthread_mutex_t *lock = locked();

    return offload.loops > 0;
}

int offload_later(void (*fn)(void *arg), void *arg)
{
    if (!has_loops()) {
        return -ENOTSUP;
    }
    struct account *was = account_swap(NULL);
    struct job *job = mem_alloc(sizeof(*job));
    account_swap(was);
    if (job == NULL) {
        return -ENOMEM;
    }
    *job = (struct job){ .fn = fn, .arg = arg };
    int r = job_put(job);
    if (r < 0) {
        mem_free(job);
    }
    return r;
}

void offload_ref(void)
{
    cleanup(unlock) maybe_unused pthread_mutex_t *lock = locked();

    offload.loops++;
}

/* The threads to join, which nobody else will join; they were told to end. */
static size_t threads_take(pthread_t *ret_threads)
{
    cleanup(unlock) maybe_unused pthread_mutex_t *lock = locked();

    if (--offload.loops > 0) {
        return 0;
    }
    size_t count = offload.threads;
    for (size_t i = 0; i < count; i++) {
        ret_threads[i] = offload.thread[i];
    }
    offload.threads = 0;
    offload.ends++;
    pthread_cond_broadcast(&offload.wanted);
    return count;
}

void offload_unref(void)
{
    pthread_t ended[offload_threads_most];
    size_t count = threads_take(ended);

    for (size_t i = 0; i < count; i++) {
        pthread_join(ended[i], NULL);
    }
}
