/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest by itself, for the bench: ingest CONFIG.yaml JOB. The process of ingest runs as it does in
 * a sync, from the source to the pipe, on all its threads; here delivery's place is taken by one
 * who knows no record and throws away what comes. Prints how many records and resources came, and
 * the CPU seconds of ingest, user and system. */
#include "core/sync/ingest.h"
#include "core/config/config.h"
#include "core/sync/pipe.h"
#include "core/sync/shared.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 600000, FAULT = 70 };

struct counts {
    size_t records, resources;
    bool ended;
};

/* Answers that no record of a question is known. */
static bool answer(struct pipe *p, const struct pipe_message *question, struct arena *a,
                   struct iptfhir_error *error) {
    const bool *same = arena_zalloc(a, question->count + 1);
    const struct pipe_message message = { .type = PIPE_ANSWER,
                                          .same = same,
                                          .count = question->count };
    return same != NULL && pipe_put(p, &message, error);
}

/* Takes one message. */
static bool take(struct pipe *p, const struct pipe_message *m, struct arena *a, struct counts *c,
                 struct iptfhir_error *error) {
    const struct pipe_message welcome = { .type = PIPE_WELCOME, .version = PIPE_VERSION };
    switch (m->type) {
    case PIPE_HELLO: return pipe_put(p, &welcome, error);
    case PIPE_ASK: return answer(p, m, a, error);
    case PIPE_RECORD:
        c->records++;
        c->resources += m->records->resource_count;
        return true;
    case PIPE_END: c->ended = m->whole; return true;
    default: return true;
    }
}

/* Takes messages until ingest has ended. */
static bool take_all(int descriptor, struct counts *c, struct iptfhir_error *error) {
    struct pipe p;
    struct arena a = { 0 };
    bool good = true;
    pipe_open(&p, descriptor);
    while (good && !p.ended) {
        struct pipe_message m;
        bool got = false;
        arena_reset(&a);
        good = pipe_get(&p, WAIT_MS, &a, &m, &got, error);
        if (good && got)
            good = take(&p, &m, &a, c, error) && pipe_push(&p, SIZE_MAX, 0, error);
    }
    pipe_close(&p);
    arena_free(&a);
    return good && c->ended;
}

static const struct config_job *find_job(const struct config *config, const char *name) {
    for (size_t i = 0; i < config->job_count; i++) {
        if (strcmp(config->jobs[i].name, name) == 0)
            return &config->jobs[i];
    }
    return NULL;
}

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void print_counts(const struct counts *c) {
    struct rusage usage = { 0 };
    (void)getrusage(RUSAGE_CHILDREN, &usage);
    printf("%zu %zu %.3f %.3f\n", c->records, c->resources, seconds_of(usage.ru_utime),
           seconds_of(usage.ru_stime));
}

int main(int argc, char **argv) {
    static const unsigned char key[32] = "a key of thirty-two bytes, so it";
    struct report report = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    struct counts counts = { 0 };
    int ends[2];
    struct config *config = argc == 3 ? config_load(argv[1], &report) : NULL;
    const struct config_job *job = config != NULL ? find_job(config, argv[2]) : NULL;
    struct shared *page = shared_new();
    if (job == NULL || page == NULL || !pipe_pair(ends, &error)) {
        fputs("usage: ingest CONFIG.yaml JOB\n", stderr);
        return 64;
    }
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[1]);
        _exit(ingest_run(config, job, page, key, ends[0]));
    }
    (void)close(ends[0]);
    bool good = child > 0 && take_all(ends[1], &counts, &error);
    if (child > 0)
        (void)waitpid(child, NULL, 0);
    print_counts(&counts);
    if (!good)
        fprintf(stderr, "ingest: %s [%s]\n", error.text, error.code);
    shared_free(page);
    config_free(config);
    return good ? 0 : FAULT;
}
