/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the real world against a server on a loopback socket that answers when it is told to. */
#include "core/world/world.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG_MS 60000

static struct world *world;
static struct iptfhir_error error;
static struct {
    int listener, port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int waiting;  /* requests that came */
    int allowed;  /* requests that may be answered */
    int answered; /* its number stands in the headers of each answer */
} server;

/* Reads one request, waits for leave, answers and closes. */
static void *serve_one(void *user) {
    static const char form[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: W/\"7\"\r\n"
                               "Location: /x/%d\r\nRetry-After: %d\r\nDate: day %d\r\n"
                               "Content-Length: 5\r\nConnection: close\r\n\r\nhello";
    char answer[512];
    int fd = (int)(intptr_t)user;
    char bytes[4096];
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    pthread_mutex_lock(&server.lock);
    server.waiting++;
    pthread_cond_broadcast(&server.changed);
    while (got > 0 && server.allowed <= 0)
        pthread_cond_wait(&server.changed, &server.lock);
    server.allowed--;
    int n = ++server.answered;
    pthread_mutex_unlock(&server.lock);
    int length = snprintf(answer, sizeof answer, form, n, n, n);
    if (got > 0)
        send(fd, answer, (size_t)length, MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void *serve(void *user) {
    (void)user;
    for (;;) {
        int fd = accept(server.listener, NULL, NULL);
        pthread_t thread;
        if (fd < 0)
            return NULL;
        if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
    }
}

static void allow(int count) {
    pthread_mutex_lock(&server.lock);
    server.allowed += count;
    pthread_cond_broadcast(&server.changed);
    pthread_mutex_unlock(&server.lock);
}

static void await_requests(int count) {
    pthread_mutex_lock(&server.lock);
    while (server.waiting < count)
        pthread_cond_wait(&server.changed, &server.lock);
    pthread_mutex_unlock(&server.lock);
}

static void set_up(void) {
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t length = sizeof address;
    error = (struct iptfhir_error)ERROR_INIT;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(server.listener, 8), 0);
    getsockname(server.listener, (struct sockaddr *)&address, &length);
    server.port = ntohs(address.sin_port);
    server.waiting = server.allowed = server.answered = 0;
    pthread_mutex_init(&server.lock, NULL);
    pthread_cond_init(&server.changed, NULL);
    ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
    world = world_real_new(&error);
    ck_assert_ptr_nonnull(world);
}

static void tear_down(void) {
    world_real_free(world);
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.listener);
}

static size_t connect_to(int port, size_t threads) {
    char url[64];
    size_t target = 99;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    struct iptfhir_http_settings settings = { .size = sizeof settings,
                                              .base_url = url,
                                              .insecure_loopback = true };
    ck_assert_msg(world->connect(world, &settings, threads, &target, &error), "%s", error.text);
    return target;
}

static const struct iptfhir_http_request request = { .size = sizeof request,
                                                     .method = "GET",
                                                     .path = "/x" };

START_TEST(a_call_comes_back_with_its_answer) {
    struct world_call call = { .target = connect_to(server.port, 1),
                               .requests = &request,
                               .count = 1 };
    allow(1);
    ck_assert(world->start(world, &call, &error));
    struct world_call *back = world->done(world, LONG_MS);
    ck_assert_ptr_eq(back, &call);
    ck_assert_int_eq(call.answers[0].outcome, IPTFHIR_HTTP_ANSWERED);
    ck_assert_int_eq(call.answers[0].status, 200);
    ck_assert_str_eq(call.answers[0].body, "hello");
    ck_assert_str_eq(call.answers[0].etag, "W/\"7\"");
    arena_free(&call.arena);
}
END_TEST

START_TEST(an_answer_keeps_its_headers_when_the_next_call_is_made) {
    struct world_call calls[2];
    size_t target = connect_to(server.port, 1);
    memset(calls, 0, sizeof calls);
    allow(2);
    for (int i = 0; i < 2; i++) {
        calls[i].target = target;
        calls[i].requests = &request;
        calls[i].count = 1;
        ck_assert(world->start(world, &calls[i], &error));
        ck_assert_ptr_eq(world->done(world, LONG_MS), &calls[i]);
    }
    const struct iptfhir_http_response *first = &calls[0].answers[0];
    ck_assert_str_eq(first->location, "/x/1");
    ck_assert_str_eq(first->retry_after, "1");
    ck_assert_str_eq(first->content_type, "text/plain");
    ck_assert_str_eq(first->date, "day 1");
    for (int i = 0; i < 2; i++)
        arena_free(&calls[i].arena);
}
END_TEST

START_TEST(as_many_calls_are_under_way_as_there_are_threads) {
    size_t target = connect_to(server.port, 3);
    struct world_call calls[3];
    memset(calls, 0, sizeof calls);
    for (int i = 0; i < 3; i++) {
        calls[i].target = target;
        calls[i].requests = &request;
        calls[i].count = 1;
        ck_assert(world->start(world, &calls[i], &error));
    }
    await_requests(3);
    ck_assert_ptr_null(world->done(world, 0));
    allow(3);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(world->done(world, LONG_MS));
    ck_assert_ptr_null(world->done(world, 0));
    for (int i = 0; i < 3; i++)
        arena_free(&calls[i].arena);
}
END_TEST

START_TEST(where_nobody_listens_nothing_was_sent) {
    int port = server.port;
    int taken = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(taken, (struct sockaddr *)&address, sizeof address), 0);
    getsockname(taken, (struct sockaddr *)&address, &length);
    ck_assert_int_ne(port, ntohs(address.sin_port));
    struct world_call call = { .target = connect_to(ntohs(address.sin_port), 1),
                               .requests = &request,
                               .count = 1 };
    ck_assert(world->start(world, &call, &error));
    ck_assert_ptr_eq(world->done(world, LONG_MS), &call);
    ck_assert_int_eq(call.answers[0].outcome, IPTFHIR_HTTP_NOT_SENT);
    arena_free(&call.arena);
    close(taken);
}
END_TEST

START_TEST(a_watched_descriptor_ends_a_wait) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    world_real_watch(world, ends[0]);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    int64_t before = world->steady_ms(world);
    ck_assert_ptr_null(world->done(world, LONG_MS));
    ck_assert_int_lt(world->steady_ms(world) - before, LONG_MS);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(closing_waits_for_calls_under_way) {
    struct world_call call = { .target = connect_to(server.port, 1),
                               .requests = &request,
                               .count = 1 };
    ck_assert(world->start(world, &call, &error));
    await_requests(1);
    allow(1);
    world_real_free(world);
    world = NULL;
    ck_assert_int_eq(call.answers[0].status, 200);
    arena_free(&call.arena);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("the real world");
    TCase *c = tcase_create("calls");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_call_comes_back_with_its_answer);
    tcase_add_test(c, an_answer_keeps_its_headers_when_the_next_call_is_made);
    tcase_add_test(c, as_many_calls_are_under_way_as_there_are_threads);
    tcase_add_test(c, where_nobody_listens_nothing_was_sent);
    tcase_add_test(c, a_watched_descriptor_ends_a_wait);
    tcase_add_test(c, closing_waits_for_calls_under_way);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
