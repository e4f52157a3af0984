#include "support.h"

#include "async/thread.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct note {
    struct loop_message message;
    size_t sender;
    size_t number;
};

static size_t next_number[8];
static size_t received;
static size_t expected;

static void receive(struct loop *loop, struct loop_message *message)
{
    struct note *note = container_of(message, struct note, message);

    assert_ptr_equal(loop, test_loop);
    assert_ptr_equal(loop_current(), test_loop);
    assert_null(task_current());
    assert_int_equal(note->number, next_number[note->sender]);
    next_number[note->sender]++;
    mem_free(note);
    if (++received == expected) {
        loop_stop(loop);
    }
}

static void post(size_t sender, size_t number)
{
    struct note *note = mem_alloc(sizeof(*note));

    if (note == NULL) {
        abort();
    }
    *note = (struct note){ .message.run = receive, .sender = sender, .number = number };
    loop_send(test_loop, &note->message);
}

static int setup(void **state)
{
    memset(next_number, 0, sizeof(next_number));
    received = expected = 0;
    return loop_setup(state);
}

static void messages_sent_by_the_loop_itself_come_in_order(void **state)
{
    (void)state;
    expected = 100;
    for (size_t i = 0; i < expected; i++) {
        post(0, i);
    }
    assert_int_equal(received, 0);
    assert_int_equal(loop_run(test_loop), 0);
    assert_int_equal(received, 100);
}

static void an_idle_loop_has_taken_its_messages(void **state)
{
    (void)state;
    post(0, 0);
    run();
    assert_int_equal(received, 1);
}

/* From many threads */

enum { sender_count = 4 };

static void send_many(void *arg)
{
    size_t count = rounds(20000) / sender_count;

    for (size_t i = 0; i < count; i++) {
        post(*(size_t *)arg, i);
    }
}

static void each_senders_messages_come_once_and_in_order(void **state)
{
    struct thread *threads[sender_count];
    size_t numbers[sender_count];

    (void)state;
    expected = rounds(20000) / sender_count * sender_count;
    for (size_t i = 0; i < sender_count; i++) {
        numbers[i] = i;
        assert_int_equal(thread_start("sender", send_many, &numbers[i], &threads[i]), 0);
    }
    assert_int_equal(loop_run(test_loop), 0);
    for (size_t i = 0; i < sender_count; i++) {
        thread_join(threads[i]);
    }
    assert_int_equal(received, expected);
}

/* A loop that ends as soon as it has the message, while its sender is still in the middle of waking
 * it. */

static void end_now(struct loop *loop, struct loop_message *message)
{
    (void)message;
    loop_stop(loop);
}

struct race {
    struct loop *loop;
    struct loop_message message;
};

static void send_one(void *arg)
{
    struct race *race = arg;

    loop_send(race->loop, &race->message);
}

static void a_loop_may_be_destroyed_right_after_a_message(void **state)
{
    size_t count = rounds(200) < 200 ? rounds(200) : 200;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct race race = { .message.run = end_now };
        struct thread *thread = NULL;

        assert_int_equal(loop_create(NULL, &race.loop), 0);
        assert_int_equal(thread_start("sender", send_one, &race, &thread), 0);
        assert_int_equal(loop_run(race.loop), 0);
        loop_destroy(race.loop);
        thread_join(thread);
    }
}

static void stop_it(void *arg)
{
    loop_stop(arg);
}

static void another_thread_may_stop_a_loop_that_waits(void **state)
{
    struct thread *thread = NULL;

    (void)state;
    assert_int_equal(thread_start("stopper", stop_it, test_loop, &thread), 0);
    assert_int_equal(loop_run(test_loop), 0);
    thread_join(thread);
}

/* Loops on threads of their own, which talk to each other. */

struct server {
    struct loop *loop;
    atomic_bool ready;
    struct race *client;
};

static void answer(struct loop *loop, struct loop_message *message)
{
    struct race *question = container_of(message, struct race, message);

    message->run = end_now;
    loop_send(question->loop, message);
    loop_stop(loop);
}

static void serve(void *arg)
{
    struct server *server = arg;

    server->client->message.run = answer;
    if (loop_create(NULL, &server->loop) != 0) {
        abort();
    }
    loop_send(server->loop, &server->client->message);
    if (loop_run(server->loop) != 0) {
        abort();
    }
    loop_destroy(server->loop);
}

static void a_loop_on_another_thread_answers(void **state)
{
    struct race question = { .loop = test_loop };
    struct server server = { .client = &question };
    struct thread *thread = NULL;

    (void)state;
    assert_int_equal(thread_start("server", serve, &server, &thread), 0);
    assert_int_equal(loop_run(test_loop), 0);
    thread_join(thread);
}

static void a_thread_without_memory_is_not_started(void **state)
{
    struct thread *thread = NULL;

    (void)state;
    mem_fail_at(1, false);
    assert_int_equal(thread_start("none", stop_it, test_loop, &thread), -ENOMEM);
    mem_fail_at(0, false);
    assert_null(thread);
    thread_join(NULL);
}

#define INBOX_TEST(test) cmocka_unit_test_setup_teardown(test, setup, loop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INBOX_TEST(messages_sent_by_the_loop_itself_come_in_order),
        INBOX_TEST(an_idle_loop_has_taken_its_messages),
        INBOX_TEST(each_senders_messages_come_once_and_in_order),
        INBOX_TEST(a_loop_may_be_destroyed_right_after_a_message),
        INBOX_TEST(another_thread_may_stop_a_loop_that_waits),
        INBOX_TEST(a_loop_on_another_thread_answers),
        INBOX_TEST(a_thread_without_memory_is_not_started),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
