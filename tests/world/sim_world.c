/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual time, and requests on their way through it. */
#include "tests/world/sim_world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

uint64_t sim_next(struct sim_random *r) {
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t sim_between(struct sim_random *r, int64_t low, int64_t high) {
    return low + (int64_t)(sim_next(r) % (uint64_t)(high - low + 1));
}

bool sim_chance(struct sim_random *r, int percent) {
    return sim_between(r, 0, 99) < percent;
}

/* ---- requests on their way ---- */

enum leg { LEG_ARRIVES, LEG_RETURNS };
/* One request: it arrives, is served, and its answer returns. It outlives the process that sent it.
 */
struct sim_flight {
    int64_t at_ms;
    uint64_t sequence;
    enum leg leg;
    size_t ehr;
    int64_t deadline_ms;
    enum sim_fault fault; /* SIM_FAULTS: none */
    bool hangs;
    struct iptfhir_http_request request; /* a copy */
    struct iptfhir_http_response answer;
    struct world_call *call; /* NULL: nobody waits any more */
    size_t index;
    struct arena arena;
};

const char *sim_fault_name(enum sim_fault fault) {
    static const char *const names[SIM_FAULTS] = { "refused", "lost-before", "lost-after", "cut",
                                                   "half",    "late",        "slow" };
    return names[fault];
}

static bool earlier(const struct sim_flight *a, const struct sim_flight *b) {
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms;
    return a->sequence < b->sequence;
}

static void push(struct sim_world *w, struct sim_flight *f) {
    if (w->flight_count == w->flight_capacity) {
        size_t capacity = w->flight_capacity == 0 ? 64 : 2 * w->flight_capacity;
        struct sim_flight **list = realloc(w->flights, capacity * sizeof(struct sim_flight *));
        if (list == NULL)
            abort();
        w->flights = list;
        w->flight_capacity = capacity;
    }
    f->sequence = w->flight_sequence++;
    size_t i = w->flight_count++;
    for (; i > 0 && earlier(f, w->flights[(i - 1) / 2]); i = (i - 1) / 2)
        w->flights[i] = w->flights[(i - 1) / 2];
    w->flights[i] = f;
}

static struct sim_flight *pop(struct sim_world *w) {
    struct sim_flight *top = w->flights[0];
    struct sim_flight *last = w->flights[--w->flight_count];
    size_t i = 0;
    for (size_t child = 1; child < w->flight_count; child = 2 * i + 1) {
        bool right =
            child + 1 < w->flight_count && earlier(w->flights[child + 1], w->flights[child]);
        child += right ? 1 : 0;
        if (!earlier(w->flights[child], last))
            break;
        w->flights[i] = w->flights[child];
        i = child;
    }
    w->flights[i] = last;
    return top;
}

static void free_flight(struct sim_flight *f) {
    arena_free(&f->arena);
    free(f);
}

void sim_tell(struct sim_world *w, const char *format, ...) {
    va_list args;
    if (w->trace == NULL)
        return;
    (void)fprintf(w->trace, "%10.3f ", (double)w->now_ms / 1000);
    va_start(args, format);
    (void)vfprintf(w->trace, format, args);
    va_end(args);
    (void)fputc('\n', w->trace);
}

/* ---- clocks ---- */

static struct sim_world *world_of(struct world *world) {
    return world->self;
}

int64_t sim_wall_ms(const struct sim_world *w) {
    return w->now_ms + w->wall_offset_ms;
}

static int64_t wall(struct world *world) {
    return sim_wall_ms(world_of(world));
}

static int64_t steady(struct world *world) {
    return world_of(world)->now_ms;
}

void sim_clock_step(struct sim_world *w, int64_t by_ms) {
    w->wall_offset_ms += by_ms;
    w->clock_steps++;
    sim_tell(w, "the wall clock steps by %lld s", (long long)(by_ms / 1000));
}

static bool entropy(struct world *world, void *out, size_t length) {
    struct sim_world *w = world_of(world);
    unsigned char *bytes = out;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(sim_next(&w->entropy) >> 56);
    return true;
}

/* An EHR's own clock follows no step of ours. */
static int64_t ehr_clock(const struct sim_world *w) {
    return w->now_ms + (int64_t)SIM_EPOCH_S * 1000;
}

/* ---- sending ---- */

bool sim_tick(struct sim_world *w) {
    if (w->dies_in > 0 && --w->dies_in == 0) {
        sim_tell(w, "killed");
        sim_kill(w);
    }
    return w->dead;
}

static bool connect_to(struct world *world, const struct iptfhir_http_settings *settings,
                       size_t threads, size_t *target, struct iptfhir_error *error) {
    struct sim_world *w = world_of(world);
    (void)threads;
    if (sim_tick(w))
        return error_set(error, "killed", NULL, "the process was killed");
    for (size_t i = 0; i < w->ehr_count; i++) {
        if (settings->base_url == NULL || strcmp(settings->base_url, ehr_base(w->ehrs[i])) != 0)
            continue;
        *target = w->connection_count++;
        w->connections[*target].ehr = i;
        w->connections[*target].timeout_ms = settings->timeout_ms;
        return true;
    }
    return error_set(error, "config", NULL, "no simulated EHR has this address");
}

static bool is_write(const struct iptfhir_http_request *r) {
    static const char get[] = "\"method\":\"GET\"";
    bool search = strstr(r->path, "_search") != NULL;
    bool batch = r->body != NULL && memmem(r->body, r->body_length, get, sizeof get - 1) != NULL;
    return strcmp(r->method, "PUT") == 0 || (strcmp(r->method, "POST") == 0 && !search && !batch);
}

/* Takes the oldest plan that fits this request. */
static enum sim_fault draw_fault(struct sim_world *w, size_t ehr,
                                 const struct iptfhir_http_request *request) {
    enum sim_which kind = is_write(request) ? SIM_WRITES : SIM_READS;
    if (w->now_ms < w->down_until_ms[ehr])
        return SIM_REFUSED;
    for (size_t i = 0; i < w->plan_count; i++) {
        struct sim_plan *p = &w->plans[i];
        if (p->ehr != ehr || (p->which != SIM_ANY && p->which != kind))
            continue;
        enum sim_fault fault = p->fault;
        if (--p->count <= 0) {
            w->plan_count--;
            memmove(p, p + 1, (w->plan_count - i) * sizeof *p);
        }
        return fault;
    }
    return SIM_FAULTS;
}

static const char *keep(struct arena *a, const char *text) {
    char *copy = arena_strndup(a, text, strlen(text));
    if (copy == NULL)
        abort();
    return copy;
}

/* Copies a request into a flight: the sender may be gone when it arrives. */
static void copy_request(struct sim_flight *f, const struct iptfhir_http_request *r) {
    size_t count = 0;
    while (r->headers != NULL && r->headers[count] != NULL)
        count++;
    const char **headers = arena_zalloc(&f->arena, (count + 1) * sizeof *headers);
    if (headers == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        headers[i] = keep(&f->arena, r->headers[i]);
    f->request = *r;
    f->request.method = keep(&f->arena, r->method);
    f->request.path = keep(&f->arena, r->path);
    f->request.headers = headers;
    if (r->body != NULL)
        f->request.body = arena_strndup(&f->arena, r->body, r->body_length);
}

/* Sends one request on its way. */
static void send_request(struct sim_world *w, struct world_call *call, size_t index) {
    size_t ehr = w->connections[call->target].ehr;
    const struct iptfhir_http_request *request = &call->requests[index];
    struct sim_flight *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    int64_t timeout_ms = w->connections[call->target].timeout_ms;
    f->ehr = ehr;
    f->call = call;
    f->index = index;
    f->fault = draw_fault(w, ehr, request);
    f->deadline_ms = w->now_ms + timeout_ms;
    f->leg = LEG_ARRIVES;
    f->at_ms = w->now_ms + sim_between(&w->network, 2, 40);
    copy_request(f, request);
    w->requests++;
    if (f->fault != SIM_FAULTS)
        w->fault_counts[f->fault]++;
    if (f->fault == SIM_SLOW)
        f->at_ms = w->now_ms + sim_between(&w->network, timeout_ms / 4, timeout_ms / 2);
    if (f->fault == SIM_LOST_BEFORE || f->fault == SIM_REFUSED)
        f->leg = LEG_RETURNS;
    if (f->fault == SIM_LOST_BEFORE && sim_chance(&w->network, 50))
        f->at_ms = f->deadline_ms;
    push(w, f);
    if (f->fault == SIM_LATE) { /* the client gives up, the request goes on */
        struct sim_flight *late = calloc(1, sizeof *late);
        if (late == NULL)
            abort();
        *late = (struct sim_flight) { .ehr = ehr, .fault = SIM_LATE, .leg = LEG_ARRIVES };
        late->at_ms = f->deadline_ms + sim_between(&w->network, 1, w->late_most_ms);
        late->deadline_ms = INT64_MAX;
        copy_request(late, request);
        push(w, late);
        f->leg = LEG_RETURNS;
        f->at_ms = f->deadline_ms;
    }
}

static bool start(struct world *world, struct world_call *call, struct iptfhir_error *error) {
    struct sim_world *w = world_of(world);
    if (sim_tick(w))
        return error_set(error, "killed", NULL, "the process was killed");
    call->answers = arena_zalloc(&call->arena, (call->count + 1) * sizeof *call->answers);
    if (call->answers == NULL)
        abort();
    for (size_t i = 0; i < call->count; i++) {
        call->answers[i].outcome = (iptfhir_http_outcome)-1; /* none yet */
        if (w->leaves != NULL)
            w->leaves(w->user, w->connections[call->target].ehr, &call->requests[i]);
        send_request(w, call, i);
    }
    call->next = w->under_way;
    w->under_way = call;
    return true;
}

/* ---- answers ---- */

static const char *keep_or_null(struct arena *a, const char *text) {
    return text != NULL ? keep(a, text) : NULL;
}

/* Gives an answer to the call, and ends the call with its last. */
static void deliver(struct sim_world *w, struct world_call *call, size_t index,
                    const struct iptfhir_http_response *from) {
    struct iptfhir_http_response *to = &call->answers[index];
    *to = *from;
    to->size = sizeof *to;
    to->body = arena_strndup(&call->arena, from->body != NULL ? from->body : "", from->body_length);
    to->etag = keep_or_null(&call->arena, from->etag);
    to->location = keep_or_null(&call->arena, from->location);
    to->retry_after = keep_or_null(&call->arena, from->retry_after);
    to->content_type = keep_or_null(&call->arena, from->content_type);
    to->date = keep_or_null(&call->arena, from->date);
    for (size_t i = 0; i < call->count; i++)
        if (call->answers[i].outcome == (iptfhir_http_outcome)-1)
            return;
    for (struct world_call **p = &w->under_way; *p != NULL; p = &(*p)->next) {
        if (*p != call)
            continue;
        *p = call->next;
        break;
    }
    struct world_call **end = &w->finished;
    while (*end != NULL)
        end = &(*end)->next;
    call->next = NULL;
    *end = call;
}

static void trace_flight(struct sim_world *w, const struct sim_flight *f) {
    const char *fault = f->fault != SIM_FAULTS ? sim_fault_name(f->fault) : "";
    if (w->trace == NULL)
        return;
    sim_tell(w, "ehr%zu %s %s -> %d %s%s", f->ehr, f->request.method, f->request.path,
             f->answer.status, fault, f->call == NULL ? " (sender gone)" : "");
    if (f->request.body != NULL)
        (void)fprintf(w->trace, "           > %.*s\n",
                      (int)(f->request.body_length > 1500 ? 1500 : f->request.body_length),
                      f->request.body);
    if (f->answer.body_length > 0 && strstr(f->request.path, "metadata") == NULL)
        (void)fprintf(w->trace, "           < %.*s\n",
                      (int)(f->answer.body_length > 700 ? 700 : f->answer.body_length),
                      f->answer.body);
}

/* The request is at the EHR. */
static void arrive(struct sim_world *w, struct sim_flight *f) {
    if (w->now_ms < w->down_until_ms[f->ehr]) { /* it was in flight when the EHR went down */
        f->answer = (struct iptfhir_http_response) { .outcome = IPTFHIR_HTTP_LOST };
    } else {
        ehr_serve(w->ehrs[f->ehr], ehr_clock(w), &f->request, &f->arena, &f->answer, &f->hangs);
    }
    f->leg = LEG_RETURNS;
    f->at_ms = w->now_ms + sim_between(&w->network, 2, 40);
    bool unheard = f->hangs || f->fault == SIM_LOST_AFTER;
    if (unheard && (f->hangs || sim_chance(&w->network, 50)))
        f->at_ms = f->deadline_ms > f->at_ms ? f->deadline_ms : f->at_ms;
    if (unheard)
        f->answer = (struct iptfhir_http_response) { .outcome = IPTFHIR_HTTP_LOST };
    if (f->fault == SIM_CUT || f->fault == SIM_HALF) {
        f->answer.body_length /= 2;
        f->answer.truncated = f->fault == SIM_CUT && sim_chance(&w->network, 50);
    }
    if (f->fault == SIM_HALF)
        f->answer.outcome = IPTFHIR_HTTP_LOST;
    trace_flight(w, f);
}

/* The answer, or the news that there is none, is back. */
static void come_back(struct sim_world *w, struct sim_flight *f) {
    if (f->fault == SIM_REFUSED)
        f->answer.outcome = IPTFHIR_HTTP_NOT_SENT;
    if (f->fault == SIM_LOST_BEFORE || (f->fault == SIM_LATE && f->call != NULL))
        f->answer.outcome = IPTFHIR_HTTP_LOST;
    if (f->answer.outcome != IPTFHIR_HTTP_ANSWERED) {
        f->answer.error = "no answer";
        f->answer.body_length = 0;
    }
    if (f->answer.status == 0)
        trace_flight(w, f);
    if (f->call != NULL)
        deliver(w, f->call, f->index, &f->answer);
}

/* ---- time passes ---- */

void sim_advance(struct sim_world *w, int64_t until_ms) {
    while (w->finished == NULL) {
        int64_t flight_ms = w->flight_count > 0 ? w->flights[0]->at_ms : INT64_MAX;
        int64_t agenda_ms = w->agenda_next != NULL ? w->agenda_next(w->user) : INT64_MAX;
        int64_t next_ms = flight_ms < agenda_ms ? flight_ms : agenda_ms;
        if (next_ms > until_ms || next_ms == INT64_MAX) {
            if (until_ms != INT64_MAX && until_ms > w->now_ms)
                w->now_ms = until_ms;
            return;
        }
        if (next_ms > w->now_ms)
            w->now_ms = next_ms;
        if (agenda_ms <= flight_ms) {
            if (w->agenda_run(w->user))
                return;
            continue;
        }
        struct sim_flight *f = pop(w);
        if (f->leg == LEG_ARRIVES) {
            arrive(w, f);
            push(w, f);
        } else {
            come_back(w, f);
            free_flight(f);
        }
    }
}

static struct world_call *done(struct world *world, int64_t wait_ms) {
    struct sim_world *w = world_of(world);
    bool for_ever = wait_ms < 0 || wait_ms > INT64_MAX - w->now_ms;
    if (!sim_tick(w))
        sim_advance(w, for_ever ? INT64_MAX : w->now_ms + wait_ms);
    struct world_call *call = w->finished;
    if (call != NULL)
        w->finished = call->next;
    return call;
}

/* ---- life and death ---- */

void sim_kill(struct sim_world *w) {
    static const struct iptfhir_http_response nothing = { .outcome = IPTFHIR_HTTP_LOST };
    w->dead = true;
    w->dies_in = 0;
    for (size_t i = 0; i < w->flight_count; i++)
        w->flights[i]->call = NULL;
    while (w->under_way != NULL) { /* so that whoever cleans up gets its memory back */
        struct world_call *call = w->under_way;
        for (size_t i = 0; i < call->count && w->under_way == call; i++)
            if (call->answers[i].outcome == (iptfhir_http_outcome)-1)
                deliver(w, call, i, &nothing);
    }
}

void sim_revive(struct sim_world *w) {
    w->dead = false;
    w->dies_in = 0;
    w->under_way = w->finished = NULL;
    w->connection_count = 0;
    for (size_t i = 0; i < w->flight_count; i++)
        w->flights[i]->call = NULL;
}

void sim_plan(struct sim_world *w, struct sim_plan plan) {
    if (w->plan_count < SIM_PLANS)
        w->plans[w->plan_count++] = plan;
}

void sim_ehr_restarts(struct sim_world *w, size_t ehr, int64_t down_ms) {
    w->down_until_ms[ehr] = w->now_ms + down_ms;
    ehr_restart(w->ehrs[ehr]);
    for (size_t i = 0; i < w->flight_count; i++) {
        struct sim_flight *f = w->flights[i];
        bool returning = f->ehr == ehr && f->leg == LEG_RETURNS;
        if (returning && f->answer.outcome == IPTFHIR_HTTP_ANSWERED)
            f->answer = (struct iptfhir_http_response) { .outcome = IPTFHIR_HTTP_LOST };
    }
}

void sim_ehr_resets(struct sim_world *w, size_t ehr) {
    enum { DOWN_MS = 1000 };
    sim_ehr_restarts(w, ehr, DOWN_MS);
    for (size_t i = 0; i < w->flight_count; i++) {
        struct sim_flight *f = w->flights[i];
        if (f->ehr != ehr || f->leg != LEG_ARRIVES)
            continue;
        f->leg = LEG_RETURNS;
        f->answer = (struct iptfhir_http_response) { .outcome = IPTFHIR_HTTP_LOST };
    }
}

void sim_calm(struct sim_world *w) {
    w->plan_count = 0;
    for (size_t i = 0; i < w->ehr_count; i++) {
        w->down_until_ms[i] = 0;
        ehr_set_weather(w->ehrs[i], EHR_FAIR, 0, 0);
        ehr_set_bad_patient(w->ehrs[i], "", EHR_GOOD);
    }
}

void sim_world_init(struct sim_world *w, uint64_t seed) {
    *w = (struct sim_world) { .now_ms = 1 };
    w->base = (struct world) { w, wall, steady, entropy, connect_to, start, done };
    w->wall_offset_ms = (int64_t)SIM_EPOCH_S * 1000;
    w->network.state = seed ^ UINT64_C(0x6e6574776f726b);
    w->entropy.state = seed ^ UINT64_C(0x656e74726f7079);
    w->late_most_ms = 1000;
}

void sim_world_free(struct sim_world *w) {
    for (size_t i = 0; i < w->flight_count; i++)
        free_flight(w->flights[i]);
    free(w->flights);
    w->flights = NULL;
    w->flight_count = 0;
}
