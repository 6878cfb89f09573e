/* SPDX-License-Identifier: Apache-2.0 */
/* Histories of the simulation in which our own code is refused memory, again and again, until the
 * faults end: no law breaks, nothing crashes, and at rest all is in step. The simulation itself
 * always gets memory: the linker (--wrap) puts a switch at every way from it into core and back. */
#include "core/base/alloc.h"
#include "tests/alloc/refusing.h"
#include "tests/world/sim_room.h"

#include <stdlib.h>
#include <string.h>

enum { HISTORIES = 400, GAPS_LEAST = 30, GAPS_MOST = 20000, MANY_MOST = 4 };

/* ---- the switch ---- */

static bool in_core;           /* core runs, and not the simulation */
static bool faults_go_on;      /* until the history comes to rest */
static bool refused_once;      /* to the process that lives */
static uint64_t gap, many;     /* until the next refusal; how many in a row are left */
static struct sim_random luck; /* when memory runs out */
static uint64_t calls, refusals, failures;
static int64_t gap_most;

static void draw_gap(void) {
    gap = (uint64_t)sim_between(&luck, 1, gap_most);
    many = sim_chance(&luck, 20) ? (uint64_t)sim_between(&luck, 2, MANY_MOST) : 1;
}

/* Counts one allocation of core. */
static bool refuse(void) {
    if (!in_core)
        return false;
    calls++;
    if (!faults_go_on || --gap > 0)
        return false;
    refused_once = true;
    refusals++;
    gap = 1; /* the next one too, while several are meant */
    if (--many == 0)
        draw_gap();
    return true;
}

#ifdef REFUSES_THROUGH_BASE
/* A sanitizer has its own allocator: what goes through the pointers of core/base is refused. */
static void *counted_malloc(size_t size) {
    return refuse() ? NULL : malloc(size);
}
static void *counted_realloc(void *memory, size_t size) {
    return refuse() ? NULL : realloc(memory, size);
}
static void take_allocator(void) {
    base_malloc = counted_malloc;
    base_realloc = counted_realloc;
}
#else
extern const char __executable_start, etext;
/* Everything in this program is ours, or harness that never runs while `in_core` is set. */
bool refusing_decide(const void *caller) {
    bool ours = (const char *)caller >= &__executable_start && (const char *)caller < &etext;
    return ours && refuse();
}
static void take_allocator(void) {}
#endif

/* ---- from the simulation into core ---- */

static bool enter(void) {
    bool before = in_core;
    in_core = true;
    return before;
}

/* A process that ran out of memory ends, as one does whose store is busy for too long. */
static void fail(struct iptfhir_error *error) {
    if (!refused_once)
        return; /* another fault: the simulation says so */
    failures++;
    refused_once = false; /* the process ends */
    *error = (struct iptfhir_error)ERROR_INIT;
    error_set(error, "store-busy", NULL, "memory was refused");
}

#define WRAP(type, name, failed, parameters, arguments)                                            \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        bool before = enter();                                                                     \
        type result = __real_##name arguments;                                                     \
        in_core = before;                                                                          \
        if (!before && result == (failed))                                                         \
            fail(error);                                                                           \
        return result;                                                                             \
    }
WRAP(struct delivery *, delivery_open, NULL,
     (struct world * world, struct store *store, const struct delivery_settings *settings,
      struct iptfhir_error *error),
     (world, store, settings, error))
WRAP(enum delivery_moved, delivery_step, DELIVERY_FAILED,
     (struct delivery * d, int64_t patience_ms, int64_t *wait_ms, struct iptfhir_error *error),
     (d, patience_ms, wait_ms, error))
WRAP(bool, intake_abandon, false, (struct store * store, struct iptfhir_error *error),
     (store, error))
WRAP(struct intake *, intake_begin, NULL,
     (struct store * store, const struct intake_settings *settings, int64_t now_ms,
      struct iptfhir_error *error),
     (store, settings, now_ms, error))
WRAP(bool, intake_record, false,
     (struct intake * in, const struct intake_record *record, int64_t now_ms,
      struct iptfhir_error *error),
     (in, record, now_ms, error))
WRAP(bool, intake_hold, false,
     (struct intake * in, const struct store_hold_key *key, const char *detail,
      const struct store_bytes *facts, int64_t now_ms, struct iptfhir_error *error),
     (in, key, detail, facts, now_ms, error))
WRAP(bool, intake_unchanged, false,
     (struct intake * in, const struct intake_record *records, size_t count, bool *same,
      struct iptfhir_error *error),
     (in, records, count, same, error))
WRAP(bool, intake_flush, false, (struct intake * in, struct iptfhir_error *error), (in, error))
WRAP(bool, intake_end, false,
     (struct intake * in, bool whole, int64_t now_ms, struct iptfhir_error *error),
     (in, whole, now_ms, error))

/* ---- from core into the simulation ---- */

static bool leave(void) {
    bool before = in_core;
    in_core = false;
    return before;
}

static bool (*real_connect)(struct world *, const struct iptfhir_http_settings *, size_t, size_t *,
                            struct iptfhir_error *);
static bool (*real_start)(struct world *, struct world_call *, struct iptfhir_error *);
static struct world_call *(*real_done)(struct world *, int64_t);

static bool connect_outside(struct world *w, const struct iptfhir_http_settings *settings,
                            size_t threads, size_t *target, struct iptfhir_error *error) {
    bool before = leave();
    bool good = real_connect(w, settings, threads, target, error);
    in_core = before;
    return good;
}

static bool start_outside(struct world *w, struct world_call *call, struct iptfhir_error *error) {
    bool before = leave();
    bool good = real_start(w, call, error);
    in_core = before;
    return good;
}

static struct world_call *done_outside(struct world *w, int64_t wait_ms) {
    bool before = leave();
    struct world_call *call = real_done(w, wait_ms);
    in_core = before;
    return call;
}

void __real_sim_world_init(struct sim_world *w, uint64_t seed);
void __wrap_sim_world_init(struct sim_world *w, uint64_t seed);
void __wrap_sim_world_init(struct sim_world *w, uint64_t seed) {
    __real_sim_world_init(w, seed);
    real_connect = w->base.connect;
    real_start = w->base.start;
    real_done = w->base.done;
    w->base.connect = connect_outside;
    w->base.start = start_outside;
    w->base.done = done_outside;
}

void __real_sim_between_calls(void *user);
void __wrap_sim_between_calls(void *user);
void __wrap_sim_between_calls(void *user) {
    bool before = leave();
    __real_sim_between_calls(user);
    in_core = before;
}

/* The history comes to rest: from here on there is memory. */
void __real_sim_calm(struct sim_world *w);
void __wrap_sim_calm(struct sim_world *w);
void __wrap_sim_calm(struct sim_world *w) {
    faults_go_on = false;
    __real_sim_calm(w);
}

/* ---- histories ---- */

/* Whether an event belongs to a history about memory: others have their own tests, and only make it
 * harder to see what memory did. */
static bool is_about_memory(enum sim_kind kind) {
    switch (kind) {
    case SIM_CLOCK:
    case SIM_BACKUP:
    case SIM_RESTORE:
    case SIM_RESET:
    case SIM_STEAL:
    case SIM_WEATHER:
    case SIM_FULL: return false;
    default: return true;
    }
}

static void choose_events(struct sim_script *script) {
    size_t kept = 0;
    for (size_t i = 0; i < script->count; i++) {
        if (is_about_memory(script->events[i].kind))
            script->events[kept++] = script->events[i];
    }
    script->count = kept;
}

/* Runs one history; false when a law broke. */
static bool run(uint64_t seed, const struct sim_shared *shared, bool refusing, FILE *trace) {
    struct sim_script script;
    struct sim_outcome outcome;
    sim_script_of(seed, &script);
    choose_events(&script);
    luck = (struct sim_random) { .state = seed ^ UINT64_C(0x616c6c6f63) };
    gap_most = sim_between(&luck, GAPS_LEAST, sim_chance(&luck, 50) ? GAPS_MOST / 20 : GAPS_MOST);
    draw_gap();
    faults_go_on = refusing;
    sim_run(&script, shared, trace, NULL, NULL, &outcome);
    faults_go_on = false;
    if (outcome.broken[0] == '\0')
        return true;
    printf("seed %llu%s breaks '%s' at %.3f s: %s\n", (unsigned long long)seed,
           refusing ? "" : ", with memory enough,", outcome.broken,
           (double)outcome.broken_ms / 1000, outcome.how);
    return false;
}

/* whole_syncs [FROM COUNT [trace]] */
int main(int argc, char **argv) {
    const char *source = getenv("top_srcdir");
    struct sim_shared *shared = sim_shared_load(source != NULL ? source : ".");
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : HISTORIES;
    bool good = shared != NULL;
    take_allocator();
    for (uint64_t seed = from; shared != NULL && seed < from + count; seed++)
        good = run(seed, shared, true, argc > 3 ? stdout : NULL) && good;
    if (good)
        printf("%llu histories, %llu allocations of our own code, %llu refused, %llu times the "
               "process ended of it; no law broke\n",
               (unsigned long long)count, (unsigned long long)calls, (unsigned long long)refusals,
               (unsigned long long)failures);
    bool enough = argc > 1 || (refusals > count && failures > count / 4);
    if (good && !enough)
        puts("too little was refused for this to say anything");
    sim_shared_free(shared);
    return good && enough ? EXIT_SUCCESS : EXIT_FAILURE;
}
