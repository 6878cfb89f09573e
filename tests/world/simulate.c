/* SPDX-License-Identifier: Apache-2.0 */
/* make simulate SEEDS=N [FROM=K]: runs the histories of many seeds on all cores, counts what they
 * met, and shrinks the first that breaks a law to a short script. */
#include "tests/world/sim_run.h"

#include "core/fhir/r4.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS_MOST = 64, FAILURES_KEPT = 40, SEED_SECONDS_MOST = 10 };

struct failure {
    uint64_t seed;
    char broken[48], how[400];
    int64_t broken_ms;
};
/* What one worker has done; in memory that all processes share. */
struct board {
    uint64_t seed; /* under way */
    bool busy;
    uint64_t seeds, failed;
    struct sim_outcome sum;
    struct failure failures[FAILURES_KEPT];
};
struct options {
    uint64_t from, seeds, one;
    size_t workers;
    bool single, trace, shrink, list;
    const char *law; /* shown only when this one breaks; NULL: any */
};

/* ---- one seed ---- */

static void add(uint64_t *to, const uint64_t *from, size_t count) {
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

static void sum_up(struct sim_outcome *sum, const struct sim_outcome *o) {
    sum->steps += o->steps;
    sum->kills += o->kills;
    sum->requests += o->requests;
    sum->writes += o->writes;
    sum->withdrawals += o->withdrawals;
    sum->edits += o->edits;
    sum->races += o->races;
    sum->polls += o->polls;
    sum->clock_steps += o->clock_steps;
    sum->full += o->full;
    sum->restarts += o->restarts;
    sum->resets += o->resets;
    sum->merges += o->merges;
    sum->restores += o->restores;
    sum->deletes += o->deletes;
    sum->rest.in_step += o->rest.in_step;
    sum->rest.held += o->rest.held;
    sum->rest.decided += o->rest.decided;
    add(sum->faults, o->faults, SIM_FAULTS);
    add(sum->weathers, o->weathers, EHR_WEATHERS);
}

static void work(const struct options *options, const struct sim_shared *shared,
                 struct board *board, uint64_t first) {
    struct sim_script script;
    struct sim_outcome outcome;
    for (uint64_t seed = first; seed < options->from + options->seeds; seed += options->workers) {
        board->seed = seed;
        board->busy = true;
        (void)alarm(SEED_SECONDS_MOST);
        sim_script_of(seed, &script);
        sim_run(&script, shared, NULL, NULL, NULL, &outcome);
        sum_up(&board->sum, &outcome);
        board->seeds++;
        board->busy = false;
        if (outcome.broken[0] == '\0')
            continue;
        if (board->failed < FAILURES_KEPT) {
            struct failure *f = &board->failures[board->failed];
            f->seed = seed;
            f->broken_ms = outcome.broken_ms;
            memcpy(f->broken, outcome.broken, sizeof f->broken);
            memcpy(f->how, outcome.how, sizeof f->how);
        }
        board->failed++;
    }
}

/* ---- many seeds ---- */

static pid_t fork_worker(const struct options *options, const struct sim_shared *shared,
                         struct board *board, uint64_t first) {
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    work(options, shared, board, first);
    _exit(0);
}

/* A worker died over a seed: that is a breach as well, and the others of its share go on. */
static pid_t take_over(const struct options *options, const struct sim_shared *shared,
                       struct board *board, int status) {
    if (board->failed < FAILURES_KEPT) {
        struct failure *f = &board->failures[board->failed];
        bool late = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
        f->seed = board->seed;
        (void)snprintf(f->broken, sizeof f->broken, "%s", late ? "hangs" : "crash");
        (void)snprintf(f->how, sizeof f->how, "the worker ended with status %#x", (unsigned)status);
    }
    board->failed++;
    board->seeds++;
    return fork_worker(options, shared, board, board->seed + options->workers);
}

static void progress(const struct options *options, const struct board *boards, double seconds) {
    uint64_t done = 0, failed = 0;
    for (size_t i = 0; i < options->workers; i++) {
        done += boards[i].seeds;
        failed += boards[i].failed;
    }
    int filled = (int)(40 * done / (options->seeds > 0 ? options->seeds : 1));
    (void)fprintf(stderr, "\r[%-40.*s] %llu of %llu seeds, %.0f a second, %llu broken ", filled,
                  "########################################", (unsigned long long)done,
                  (unsigned long long)options->seeds, (double)done / (seconds + 0.001),
                  (unsigned long long)failed);
}

static double now_s(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run_workers(const struct options *options, const struct sim_shared *shared,
                        struct board *boards) {
    pid_t pids[WORKERS_MOST];
    size_t living = options->workers;
    double began = now_s();
    bool terminal = isatty(STDERR_FILENO) == 1;
    for (size_t i = 0; i < options->workers; i++)
        pids[i] = fork_worker(options, shared, &boards[i], options->from + i);
    while (living > 0) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, terminal ? WNOHANG : 0);
        if (terminal)
            progress(options, boards, now_s() - began);
        if (pid <= 0) {
            (void)usleep(200000);
            continue;
        }
        for (size_t i = 0; i < options->workers; i++) {
            if (pids[i] != pid)
                continue;
            bool died = status != 0 && boards[i].busy;
            pids[i] = died ? take_over(options, shared, &boards[i], status) : 0;
            living -= died ? 0 : 1;
        }
    }
    if (terminal)
        (void)fputc('\n', stderr);
}

/* ---- shrinking ---- */

static bool still_breaks(const struct sim_script *script, const struct sim_shared *shared,
                         const char *law) {
    struct sim_outcome outcome;
    sim_run(script, shared, NULL, NULL, NULL, &outcome);
    return strcmp(outcome.broken, law) == 0;
}

static void drop_events(struct sim_script *script, size_t from, size_t count) {
    memmove(&script->events[from], &script->events[from + count],
            (script->count - from - count) * sizeof *script->events);
    script->count -= count;
}

/* Leaves out events, many and then few at a time, while the same law breaks. */
static void shrink(struct sim_script *script, const struct sim_shared *shared, const char *law) {
    for (size_t size = script->count / 2; size > 0; size = size > 1 ? size / 2 : 0) {
        bool again = true;
        while (again) {
            again = false;
            for (size_t from = 0; from + size <= script->count;) {
                struct sim_script shorter = *script;
                drop_events(&shorter, from, size);
                if (still_breaks(&shorter, shared, law)) {
                    *script = shorter;
                    again = true;
                } else {
                    from++;
                }
            }
        }
    }
}

static void print_script(const struct sim_script *script) {
    printf("    { .seed = %llu,\n      .events = {\n", (unsigned long long)script->config.seed);
    for (size_t i = 0; i < script->count; i++) {
        const struct sim_event *x = &script->events[i];
        printf("          { %lld, %s, %d, %d, %d, %d },\n", (long long)x->at_ms,
               sim_kind_constant(x->kind), x->a, x->b, x->c, x->d);
    }
    printf("      } },\n");
}

static void show_failure(const struct options *options, const struct sim_shared *shared,
                         const struct failure *f) {
    struct sim_script script;
    struct sim_outcome outcome;
    printf("seed %llu breaks '%s' at %.3f s: %s\n", (unsigned long long)f->seed, f->broken,
           (double)f->broken_ms / 1000, f->how);
    bool runs = strcmp(f->broken, "crash") != 0 && strcmp(f->broken, "hangs") != 0;
    if (!options->shrink || !runs)
        return;
    sim_script_of(f->seed, &script);
    shrink(&script, shared, f->broken);
    sim_run(&script, shared, NULL, NULL, NULL, &outcome);
    printf("the shortest script that breaks it (%s):\n", outcome.how);
    print_script(&script);
}

/* ---- the closing line ---- */

static void print_sum(const struct sim_outcome *s, uint64_t seeds, uint64_t failed,
                      double seconds) {
#define N(x) (unsigned long long)(x)
    printf("seeds %llu (%.0f a second), steps %llu, requests %llu, writes %llu, withdrawals %llu, "
           "polls %llu, kills %llu, edits there %llu, deletes %llu, merges %llu, resets %llu, "
           "restarts %llu, clock steps %llu, disk full %llu, commands %llu, old stores %llu; "
           "network:",
           N(seeds), (double)seeds / (seconds + 0.001), N(s->steps), N(s->requests), N(s->writes),
           N(s->withdrawals), N(s->polls), N(s->kills), N(s->edits), N(s->deletes), N(s->merges),
           N(s->resets), N(s->restarts), N(s->clock_steps), N(s->full), N(s->races),
           N(s->restores));
    for (int i = 0; i < SIM_FAULTS; i++)
        printf(" %s %llu", sim_fault_name((enum sim_fault)i), N(s->faults[i]));
    printf("; answers:");
    for (int i = 1; i < EHR_WEATHERS; i++)
        printf(" %s %llu", ehr_weather_name((enum ehr_weather)i), N(s->weathers[i]));
    printf("; at rest: in step %llu, held %llu, decided %llu; violations %llu\n",
           N(s->rest.in_step), N(s->rest.held), N(s->rest.decided), N(failed));
#undef N
}

static int by_seed(const void *left, const void *right) {
    const struct failure *a = left;
    const struct failure *b = right;
    return (a->seed > b->seed) - (a->seed < b->seed);
}

static int run_many(const struct options *options, const struct sim_shared *shared) {
    size_t size = options->workers * sizeof(struct board);
    struct board *boards =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct sim_outcome sum = { 0 };
    struct failure all[WORKERS_MOST * 2];
    uint64_t seeds = 0, failed = 0;
    size_t kept = 0;
    if (boards == MAP_FAILED)
        return EXIT_FAILURE;
    double began = now_s();
    run_workers(options, shared, boards);
    double seconds = now_s() - began;
    for (size_t i = 0; i < options->workers; i++) {
        const struct board *b = &boards[i];
        sum_up(&sum, &b->sum);
        seeds += b->seeds;
        failed += b->failed;
        for (size_t k = 0; k < b->failed && k < FAILURES_KEPT && kept < WORKERS_MOST * 2; k++)
            all[kept++] = b->failures[k];
    }
    qsort(all, kept, sizeof *all, by_seed);
    for (size_t i = 0; options->list && i < kept; i++)
        printf("seed %llu: %s: %s\n", (unsigned long long)all[i].seed, all[i].broken, all[i].how);
    if (kept > 0)
        show_failure(options, shared, &all[0]);
    print_sum(&sum, seeds, failed, seconds);
    (void)munmap(boards, size);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_one(const struct options *options, const struct sim_shared *shared) {
    struct sim_script script;
    struct sim_outcome outcome;
    sim_script_of(options->one, &script);
    sim_run(&script, shared, options->trace ? stdout : NULL, NULL, NULL, &outcome);
    if (outcome.broken[0] != '\0') {
        struct failure f = { .seed = options->one, .broken_ms = outcome.broken_ms };
        memcpy(f.broken, outcome.broken, sizeof f.broken);
        memcpy(f.how, outcome.how, sizeof f.how);
        show_failure(options, shared, &f);
    }
    print_sum(&outcome, 1, outcome.broken[0] != '\0', 0);
    return outcome.broken[0] == '\0' ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int usage(const char *program) {
    (void)fprintf(stderr,
                  "usage: %s [--seeds N] [--from K] [--workers W] [--list] [--no-shrink]\n"
                  "       %s --seed K [--trace] [--no-shrink]\n"
                  "SIM_IGNORE in the environment names laws that are not checked\n",
                  program, program);
    return 64;
}

static bool read_options(int argc, char **argv, struct options *o) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *o = (struct options) { .seeds = 300, .from = 1, .shrink = true };
    o->workers = cores > 0 && cores < WORKERS_MOST ? (size_t)cores : 2;
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--seeds") == 0 && more) {
            o->seeds = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--from") == 0 && more) {
            o->from = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && more) {
            o->one = strtoull(argv[++i], NULL, 10);
            o->single = true;
        } else if (strcmp(argv[i], "--workers") == 0 && more) {
            o->workers = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--trace") == 0) {
            o->trace = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            o->list = true;
        } else if (strcmp(argv[i], "--no-shrink") == 0) {
            o->shrink = false;
        } else {
            return false;
        }
    }
    return o->workers > 0 && o->workers <= WORKERS_MOST;
}

int main(int argc, char **argv) {
    struct options options;
    const char *source = getenv("top_srcdir");
    if (!read_options(argc, argv, &options))
        return usage(argv[0]);
    r4_setup();
    struct sim_shared *shared = sim_shared_load(source != NULL ? source : ".");
    if (shared == NULL)
        return EXIT_FAILURE;
    int status = options.single ? run_one(&options, shared) : run_many(&options, shared);
    sim_shared_free(shared);
    return status;
}
