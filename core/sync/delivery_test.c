/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of delivery: a scripted target and a world of virtual time over the store in memory. */
#include "core/sync/delivery.h"

#include "core/sync/ask.h"
#include "core/sync/intake.h"
#include "core/sync/lane.h"
#include "core/sync/lifecycle.h"
#include "core/sync/pause.h"
#include "core/sync/privacy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OK(call) ck_assert_msg((call), "%s [%s]", error.text, error.code)
#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
/* 2026-03-01T12:00:00Z */
#define NOW 1772366400000LL

enum { RESOURCES_MOST = 700, TARGETS = 2 };

/* ---- a server ---- */

enum ill { /* what a write meets */
           WELL,
           LOST_DONE,   /* it acts, and its answer is lost */
           LOST_UNDONE, /* it doesn't, and nobody knows */
           LATE,        /* it acts later, after everybody gave up */
           FAILS,
           REFUSES,
           FORBIDS,
           TOO_LARGE,
           NOT_TOGETHER,
           BUSY,
           SAYS_DUPLICATE,
           BARE_DONE,     /* it acts, and says so without a version and without a body */
           BARE_UNDONE,   /* it says so, and doesn't act */
           SHOWS_ANOTHER, /* it doesn't act, and answers with somebody else's resource */
           SHOWS_OLD,     /* it doesn't act on an update, and answers with what it has */
           SAYS_CHANGED   /* it refuses the version that it shows */
};
struct held {
    char type[32], id[40], value[40], chart[16];
    char body[1200];
    int version;
    bool deleted;
    int64_t visible_ms; /* to searches */
};
struct server {
    const char *name;
    bool no_server, no_charts;
    struct held held[RESOURCES_MOST];
    size_t count;
    int ids;
    unsigned can;
    bool transaction, batch;
    enum ill ill;      /* of the next `ills` writes */
    int ills;          /* -1: of all */
    const char *sick;  /* writes that hold this text meet it alone; NULL: all */
    size_t most;       /* entries of a bundle, 0: any */
    size_t most_finds; /* searches at once, 0: any */
    size_t times_out_above;
    size_t slow_above; /* slow_ms is for bundles of more */
    int64_t retry_after_ms, lag_ms, slow_ms;
    bool bare;        /* what is found comes without its body */
    bool other_chart; /* of SHOWS_ANOTHER: it is in another chart, else it has another identifier */
    const char *chart;
    int chart_after;    /* matches after so many lead to another chart; 0: none do */
    bool strange_match; /* a search for the patient fails */
    bool denies_match;  /* ... is forbidden */
    bool refuses_us;    /* whatever is asked: HTTP 401 */
    struct held late;
    bool late_waits;
    /* what was asked */
    int finds, reads, writes, matches, bundles, learns, refused;
    size_t largest;
    char log[4000];
};
static struct server servers[TARGETS];

/* ---- the world ---- */

static int64_t steady, wall;
static struct world_call *first_call;

static int64_t world_wall(struct world *w) {
    (void)w;
    return wall;
}
static int64_t world_steady(struct world *w) {
    (void)w;
    return steady;
}
static bool world_random(struct world *w, void *out, size_t length) {
    (void)w;
    memset(out, 0, length);
    return true;
}
static bool world_connect(struct world *w, const struct iptfhir_http_settings *settings,
                          size_t threads, size_t *target, struct iptfhir_error *e) {
    (void)w, (void)threads, (void)e;
    *target = (size_t)(settings->base_url[0] - '0');
    return true;
}
static bool world_start(struct world *w, struct world_call *call, struct iptfhir_error *e) {
    (void)w, (void)e;
    struct world_call **at = &first_call;
    while (*at != NULL)
        at = &(*at)->next;
    call->next = NULL;
    *at = call;
    return true;
}
static struct world_call *world_done(struct world *w, int64_t wait_ms) {
    (void)w;
    struct world_call *call = first_call;
    if (call == NULL) {
        if (wait_ms > 0 && wait_ms < DAY)
            steady += wait_ms, wall += wait_ms;
        return NULL;
    }
    const struct server *s = &servers[call->target];
    const struct ask *ask = call->user;
    bool slow = ask->order.count > s->slow_above;
    steady += 10 + (slow ? s->slow_ms : 0);
    wall += 10 + (slow ? s->slow_ms : 0);
    first_call = call->next;
    call->answers = arena_zalloc(&call->arena, call->count * sizeof *call->answers);
    return call;
}
static struct world world = { NULL,          world_wall,  world_steady, world_random,
                              world_connect, world_start, world_done };

/* ---- the target plugin ---- */

static void log_line(struct server *s, const char *what, const char *of) {
    size_t n = strlen(s->log);
    if (n + 64 < sizeof s->log)
        snprintf(s->log + n, sizeof s->log - n, "%s %.8s;", what, of);
}

static void connection(void *self, struct iptfhir_http_settings *out) {
    static const char *const urls[] = { "0", "1" };
    struct server *s = self;
    out->base_url = s->no_server ? NULL : urls[s - servers];
    out->timeout_ms = 2 * SECOND;
}

static iptfhir_status target_ask(void *self, const struct iptfhir_order *order,
                                 struct iptfhir_request_sink *sink, struct iptfhir_error *e) {
    (void)order, (void)e;
    const struct iptfhir_http_request request = { .size = sizeof request,
                                                  .method = "GET",
                                                  .path = "/" };
    if (!((struct server *)self)->no_server)
        sink->request(sink, &request);
    return IPTFHIR_OK;
}

static void tell(struct iptfhir_evidence_sink *sink, size_t i, iptfhir_proof proof,
                 const struct server *s, const struct held *h) {
    char version[16] = "", body[1400];
    struct iptfhir_evidence e = {
        .size = sizeof e, .proof = proof, .code = "forbidden", .detail = "HTTP 422"
    };
    if (h != NULL) {
        snprintf(version, sizeof version, "%d", h->version);
        snprintf(body, sizeof body, "{\"id\":\"%s\",\"meta\":{\"versionId\":\"%s\"},%s", h->id,
                 version, h->body + 1);
        e.server_id = h->id;
        e.version = (s->can & IPTFHIR_HAS_VERSIONS) != 0 ? version : NULL;
        e.body = s->bare ? NULL : body;
        e.body_length = s->bare ? 0 : strlen(body);
    }
    sink->item(sink, i, &e);
}

static struct held *by_id(struct server *s, const char *type, const char *id) {
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->held[i].id, id) == 0 && strcmp(s->held[i].type, type) == 0)
            return &s->held[i];
    }
    return NULL;
}

static void learn_answer(struct server *s, struct iptfhir_evidence_sink *sink) {
    const struct iptfhir_ability types[] = { { IPTFHIR_ANY_TYPE, s->can }, { NULL, 0 } };
    const struct iptfhir_abilities all = { sizeof all, types, s->transaction, s->batch };
    s->learns++;
    sink->abilities(sink, &all);
}

static void match_answer(struct server *s, struct iptfhir_evidence_sink *sink) {
    static const struct iptfhir_identifier mrn[] = { { "urn:mrn", "4711" } };
    static const char *const families[] = { "Tester", NULL };
    static const char *const givens[] = { "Thea", NULL };
    bool another = s->chart_after > 0 && s->matches >= s->chart_after;
    const char *chart = another ? "c9" : s->chart;
    const struct iptfhir_candidate c = { .size = sizeof c,
                                         .server_id = chart,
                                         .active = true,
                                         .identifiers = mrn,
                                         .identifier_count = 1,
                                         .families = families,
                                         .givens = givens,
                                         .birth_date = "1980-05-06" };
    s->matches++;
    if (s->denies_match) {
        const struct iptfhir_evidence e = { .size = sizeof e,
                                            .proof = IPTFHIR_REFUSED,
                                            .code = "policy-denied",
                                            .detail = "HTTP 403" };
        sink->item(sink, 0, &e);
        return;
    }
    if (s->strange_match) {
        tell(sink, 0, IPTFHIR_FAILED, s, NULL);
        return;
    }
    tell(sink, 0, IPTFHIR_FOUND, s, NULL);
    sink->candidate(sink, &c);
}

static void find_answer(struct server *s, const struct iptfhir_order *order,
                        struct iptfhir_evidence_sink *sink) {
    s->finds++;
    for (size_t i = 0; i < order->count; i++) {
        bool found = false;
        if (s->most_finds != 0 && order->count > s->most_finds) {
            tell(sink, i, IPTFHIR_TOO_LARGE, s, NULL);
            continue;
        }
        log_line(s, "find", order->items[i].value);
        for (size_t k = 0; k < s->count; k++) {
            const struct held *h = &s->held[k];
            bool ours = strcmp(h->value, order->items[i].value) == 0 && !h->deleted;
            if (!ours || h->visible_ms > steady)
                continue;
            found = true;
            tell(sink, i, IPTFHIR_FOUND, s, h);
        }
        if (!found)
            tell(sink, i, IPTFHIR_ABSENT, s, NULL);
    }
}

static void read_answer(struct server *s, const struct iptfhir_order *order,
                        struct iptfhir_evidence_sink *sink) {
    s->reads++;
    for (size_t i = 0; i < order->count; i++) {
        const struct held *h = by_id(s, order->items[i].type, order->items[i].server_id);
        log_line(s, "read", order->items[i].server_id);
        if (h == NULL)
            tell(sink, i, IPTFHIR_ABSENT, s, NULL);
        else if (h->deleted)
            tell(sink, i, IPTFHIR_GONE, s, NULL);
        else
            tell(sink, i, IPTFHIR_FOUND, s, h);
    }
}

/* The body without its closing brace's id: as it stands. */
static void fill(struct held *h, const struct iptfhir_item *item, const char *chart) {
    snprintf(h->type, sizeof h->type, "%s", item->type);
    snprintf(h->value, sizeof h->value, "%s", item->value != NULL ? item->value : "");
    snprintf(h->chart, sizeof h->chart, "%s", chart != NULL ? chart : "");
    ck_assert_uint_lt(item->body_length, sizeof h->body);
    const char *id = strstr(item->body, "\"id\":\"");
    bool top = id != NULL && item->verb != IPTFHIR_CREATE && item->verb != IPTFHIR_CREATE_IF_NONE;
    if (!top) {
        memcpy(h->body, item->body, item->body_length);
        h->body[item->body_length] = '\0';
        return;
    }
    const char *after = strchr(id + 6, '"') + 1;
    bool last = *after == '}';
    int length = (int)(id - item->body) - (last ? 1 : 0); /* without the comma before it */
    snprintf(h->body, sizeof h->body, "%.*s%s", length, item->body, last ? after : after + 1);
}

/* Does one write; says what it proves. */
static iptfhir_proof act(struct server *s, const struct iptfhir_item *item, const char *chart,
                         struct held **out) {
    *out = NULL;
    if (item->verb == IPTFHIR_UPDATE) {
        struct held *h = by_id(s, item->type, item->server_id);
        if (h == NULL || h->deleted)
            return IPTFHIR_GONE;
        if (item->version != NULL && atoi(item->version) != h->version)
            return IPTFHIR_CHANGED;
        fill(h, item, chart);
        h->version++;
        *out = h;
        return IPTFHIR_WRITTEN;
    }
    for (size_t k = 0; k < s->count && item->verb == IPTFHIR_CREATE_IF_NONE; k++) {
        bool seen = s->held[k].visible_ms <= steady && !s->held[k].deleted;
        if (seen && strcmp(s->held[k].value, item->value) == 0) {
            *out = &s->held[k];
            return IPTFHIR_FOUND;
        }
    }
    if (item->verb == IPTFHIR_CREATE_AT && by_id(s, item->type, item->id) != NULL)
        return IPTFHIR_DUPLICATE;
    ck_assert_uint_lt(s->count, RESOURCES_MOST);
    struct held *h = &s->held[s->count++];
    *h = (struct held) { .version = 1, .visible_ms = steady + s->lag_ms };
    fill(h, item, chart);
    if (item->verb == IPTFHIR_CREATE_AT)
        snprintf(h->id, sizeof h->id, "%s", item->id);
    else
        snprintf(h->id, sizeof h->id, "%s-%d", s->name, ++s->ids);
    *out = h;
    return IPTFHIR_WRITTEN;
}

/* Says no more than that a write was done. */
static void tell_bare(struct iptfhir_evidence_sink *sink, size_t i, const char *id) {
    const struct iptfhir_evidence e = { .size = sizeof e,
                                        .proof = IPTFHIR_WRITTEN,
                                        .server_id = id };
    sink->item(sink, i, &e);
}

/* A resource with another identifier, and one in another chart. */
static const struct held somebody_elses[] = {
    { .id = "x-1",
      .version = 1,
      .body =
          "{\"resourceType\":\"Goal\",\"identifier\":[{\"system\":\"urn:x\",\"value\":\"other\"}],"
          "\"subject\":{\"reference\":\"Patient/c1\"}}" },
    { .id = "x-2",
      .version = 1,
      .body = "{\"resourceType\":\"Goal\",\"subject\":{\"reference\":\"Patient/c7\"}}" }
};

static void write_one(struct server *s, const struct iptfhir_order *order, size_t i, enum ill ill,
                      struct iptfhir_evidence_sink *sink) {
    const struct iptfhir_item *item = &order->items[i];
    struct held *h = NULL;
    char name[40];
    snprintf(name, sizeof name, "%.32s", item->value != NULL ? item->value : item->type);
    log_line(s, item->verb == IPTFHIR_UPDATE ? "update" : "create", name);
    switch (ill) {
    case WELL: {
        iptfhir_proof proof = act(s, item, order->chart, &h);
        tell(sink, i, proof, s, h);
        return;
    }
    case LOST_DONE:
        (void)act(s, item, order->chart, &h);
        tell(sink, i, IPTFHIR_LOST, s, NULL);
        return;
    case LOST_UNDONE: tell(sink, i, IPTFHIR_LOST, s, NULL); return;
    case LATE:
        s->late = (struct held) { .version = 1 };
        fill(&s->late, item, order->chart);
        snprintf(s->late.id, sizeof s->late.id, "%s-%d", s->name, ++s->ids);
        s->late_waits = true;
        tell(sink, i, IPTFHIR_LOST, s, NULL);
        return;
    case FAILS: tell(sink, i, IPTFHIR_FAILED, s, NULL); return;
    case REFUSES: tell(sink, i, IPTFHIR_REFUSED, s, NULL); return;
    case FORBIDS: {
        const struct iptfhir_evidence e = { .size = sizeof e,
                                            .proof = IPTFHIR_REFUSED,
                                            .code = "policy-denied",
                                            .detail = "HTTP 403" };
        sink->item(sink, i, &e);
        return;
    }
    case TOO_LARGE: tell(sink, i, IPTFHIR_TOO_LARGE, s, NULL); return;
    case NOT_TOGETHER: tell(sink, i, IPTFHIR_NOT_TOGETHER, s, NULL); return;
    case SAYS_DUPLICATE: tell(sink, i, IPTFHIR_DUPLICATE, s, NULL); return;
    case SAYS_CHANGED: tell(sink, i, IPTFHIR_CHANGED, s, NULL); return;
    case BARE_DONE:
        (void)act(s, item, order->chart, &h);
        tell_bare(sink, i, h->id);
        return;
    case BARE_UNDONE: tell_bare(sink, i, item->server_id != NULL ? item->server_id : "h-9"); return;
    case SHOWS_ANOTHER:
        tell(sink, i, IPTFHIR_WRITTEN, s, &somebody_elses[s->other_chart ? 1 : 0]);
        return;
    case SHOWS_OLD:
        tell(sink, i, IPTFHIR_WRITTEN, s, by_id(s, item->type, item->server_id));
        return;
    case BUSY: tell(sink, i, IPTFHIR_NOT_DONE, s, NULL); return;
    }
}

/* What a transaction does with references within it. */
static void resolve_urns(struct server *s) {
    for (size_t i = 0; i < s->count; i++) {
        char copy[sizeof s->held[i].body + 64], *urn = strstr(s->held[i].body, "urn:uuid:");
        for (size_t k = 0; urn != NULL && k < s->count; k++) {
            if (strncmp(urn + 9, s->held[k].value, 36) != 0)
                continue;
            snprintf(copy, sizeof copy, "%.*sGoal/%s%s", (int)(urn - s->held[i].body),
                     s->held[i].body, s->held[k].id, urn + 45);
            ck_assert_uint_lt(strlen(copy), sizeof s->held[i].body);
            strcpy(s->held[i].body, copy);
            urn = NULL;
        }
    }
}

static bool is_sick(const struct server *s, const struct iptfhir_item *item) {
    return s->sick == NULL || strstr(item->body, s->sick) != NULL;
}

static void write_answer(struct server *s, const struct iptfhir_order *order,
                         struct iptfhir_evidence_sink *sink) {
    bool together = order->together != IPTFHIR_SINGLY;
    bool any_sick = false;
    s->writes++;
    s->bundles += together ? 1 : 0;
    if (order->count > s->largest)
        s->largest = order->count;
    for (size_t i = 0; i < order->count; i++)
        any_sick = any_sick || is_sick(s, &order->items[i]);
    enum ill ill = s->ills != 0 && any_sick ? s->ill : WELL;
    if (ill != WELL && s->ills > 0)
        s->ills--;
    if (s->most != 0 && order->count > s->most)
        ill = TOO_LARGE;
    if (s->times_out_above != 0 && order->count > s->times_out_above)
        ill = LOST_UNDONE;
    if (ill == NOT_TOGETHER && !together)
        ill = WELL;
    if (ill == BUSY) {
        const struct iptfhir_pause pause = { .size = sizeof pause,
                                             .code = "target-busy",
                                             .detail = "HTTP 503",
                                             .retry_after_ms = s->retry_after_ms };
        sink->pause(sink, &pause);
    }
    for (size_t i = 0; i < order->count; i++) {
        bool mine = is_sick(s, &order->items[i]) || order->together == IPTFHIR_TRANSACTION;
        bool all = s->most != 0 || s->times_out_above != 0;
        write_one(s, order, i, mine || all ? ill : WELL, sink);
    }
    if (order->together == IPTFHIR_TRANSACTION)
        resolve_urns(s);
}

static iptfhir_answered target_answer(void *self, const struct iptfhir_order *order,
                                      const struct iptfhir_http_response *answers, size_t count,
                                      struct iptfhir_evidence_sink *sink) {
    struct server *s = self;
    (void)answers, (void)count;
    if (s->refuses_us) {
        const struct iptfhir_pause pause = { .size = sizeof pause,
                                             .code = "target-unauthorized",
                                             .detail = "HTTP 401",
                                             .person = true };
        s->refused++;
        for (size_t i = 0; i < order->count; i++)
            tell(sink, i, IPTFHIR_NOT_DONE, s, NULL);
        sink->pause(sink, &pause);
        return IPTFHIR_ANSWERED;
    }
    switch (order->task) {
    case IPTFHIR_LEARN: learn_answer(s, sink); break;
    case IPTFHIR_MATCH: match_answer(s, sink); break;
    case IPTFHIR_FIND: find_answer(s, order, sink); break;
    case IPTFHIR_READ: read_answer(s, order, sink); break;
    case IPTFHIR_WRITE: write_answer(s, order, sink); break;
    }
    return IPTFHIR_ANSWERED;
}
static const struct iptfhir_target calls = { sizeof calls, connection, target_ask, target_answer };

/* ---- the clinic ---- */

static struct store_medium *medium;
static struct store *store;
static struct iptfhir_error error;
static struct arena arena;
static struct privacy *privacy;
static struct lifecycle *lifecycle;
static struct delivery *delivery;
static struct delivery_target targets[TARGETS];
static struct delivery_settings settings;
static const unsigned char key[32] = "a key of exactly thirty-two byte";
static const char *const target_names[] = { "hospital", "registry", NULL };
static const char *const jobs[] = { "nightly", NULL };
static char folder[64];
static int64_t polls;
static bool refuses_consent;
static const char *birth_date;
/* The job whose record is read, and where its records go. */
static const char *reading_job;
static const char *const *reading_targets;

enum {
    EVERYTHING = IPTFHIR_CAN_CREATE | IPTFHIR_CAN_UPDATE | IPTFHIR_CAN_READ | IPTFHIR_CAN_FIND |
                 IPTFHIR_CAN_CREATE_IF_NONE | IPTFHIR_HAS_VERSIONS
};

static void write_rules(const char *file, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/privacy/%s", folder, file);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void forget_rules(const char *file) {
    char path[128];
    snprintf(path, sizeof path, "%s/privacy/%s", folder, file);
    unlink(path);
}

static void make_privacy(void) {
    char path[128];
    struct report report = { 0 };
    snprintf(folder, sizeof folder, "delivery_test.%d", (int)getpid());
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/privacy", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    write_rules("classes.yaml", "classes:\n  plan: {needs: class}\n");
    write_rules("part2.yaml", "part2: []\n");
    privacy = privacy_load(folder, &report);
    ck_assert_ptr_nonnull(privacy);
    forget_rules("classes.yaml");
    forget_rules("part2.yaml");
    snprintf(path, sizeof path, "%s/privacy", folder);
    rmdir(path);
    rmdir(folder);
}

static void make_lifecycle(void) {
    static const char rules[] = "types:\n"
                                "  Goal:\n"
                                "    absent: end\n"
                                "    error: {set: {lifecycleStatus: entered-in-error}}\n"
                                "    ended: {set: {lifecycleStatus: cancelled}}\n"
                                "    moved: {set: {lifecycleStatus: entered-in-error}}\n"
                                "  Provenance:\n"
                                "    error: leave\n"
                                "    moved: leave\n";
    struct report report = { 0 };
    lifecycle = lifecycle_read(rules, sizeof rules - 1, "rules", &report);
    if (lifecycle == NULL && report.count > 0)
        ck_abort_msg("%s", report.entries[0].error.text);
    ck_assert_ptr_nonnull(lifecycle);
}

static void set_up(void) {
    error = (struct iptfhir_error)ERROR_INIT;
    steady = 5 * HOUR;
    wall = NOW;
    polls = NOW;
    first_call = NULL;
    reading_job = "nightly";
    reading_targets = target_names;
    refuses_consent = false;
    birth_date = "1980-05-06";
    memset(servers, 0, sizeof servers);
    memset(targets, 0, sizeof targets);
    for (size_t i = 0; i < TARGETS; i++) {
        servers[i].name = i == 0 ? "h" : "r";
        servers[i].can = EVERYTHING;
        servers[i].chart = "c1";
        targets[i] = (struct delivery_target) { .name = target_names[i],
                                                .calls = &calls,
                                                .instance = &servers[i],
                                                .jobs = jobs,
                                                .threads = 2,
                                                .consent_attested = true,
                                                .settle_ms = MINUTE };
    }
    make_privacy();
    make_lifecycle();
    medium = store_medium_new();
    store = store_open_memory(medium, &error);
    ck_assert_ptr_nonnull(store);
    settings = (struct delivery_settings) { .targets = targets,
                                            .target_count = 1,
                                            .jobs = jobs,
                                            .lifecycle = lifecycle,
                                            .privacy = privacy,
                                            .hash_key = key,
                                            .max_age_ms = 36 * HOUR };
}

static void tear_down(void) {
    delivery_close(delivery);
    delivery = NULL;
    store->calls->close(store);
    store_medium_free(medium);
    privacy_free(privacy);
    lifecycle_free(lifecycle);
    arena_free(&arena);
}

static void uuid_of(const char *name, const char *local_id, unsigned char uuid[STORE_UUID]) {
    memset(uuid, 0, STORE_UUID);
    snprintf((char *)uuid, STORE_UUID, "%s-%s", name, local_id);
}

/* One resource of a record: its name and content, and the name that it refers to. */
struct thing {
    const char *name, *content, *refers;
};

/* The type of a thing: that of one is never withdrawn, and nothing says how that of another is. */
static const char *type_of(const struct thing *t) {
    if (strcmp(t->name, "provenance") == 0)
        return "Provenance";
    return strcmp(t->name, "basic") == 0 ? "Basic" : "Goal";
}

static struct store_reference *references_of(const struct thing *t, const char *local_id) {
    struct store_reference *list = arena_zalloc(&arena, 2 * sizeof *list);
    list[0].type = "Patient";
    uuid_of("patient", local_id, list[0].uuid);
    if (t->refers != NULL) {
        list[1].type = "Goal";
        uuid_of(t->refers, local_id, list[1].uuid);
    }
    return list;
}

static struct intake_resource resource_of(const struct thing *t, const char *local_id) {
    char own[37], patient[37], other[37];
    struct intake_resource r = {
        .type = type_of(t), .system = "urn:ours", .data_class = "plan", .code = "", .detail = ""
    };
    struct store_reference *references = references_of(t, local_id);
    uuid_of(t->name, local_id, r.uuid);
    lane_uuid_text(r.uuid, own);
    lane_uuid_text(references[0].uuid, patient);
    lane_uuid_text(references[1].uuid, other);
    const char *more =
        t->refers != NULL
            ? arena_printf(&arena, ",\"addresses\":[{\"reference\":\"Goal/%s\"}]", other)
            : "";
    const char *body = arena_printf(
        &arena,
        "{\"resourceType\":\"%s\",\"identifier\":[{\"system\":\"urn:ours\",\"value\":\"%s\"}],"
        "\"lifecycleStatus\":\"active\",\"description\":{\"text\":\"%s\"},\"subject\":"
        "{\"reference\":\"Patient/%s\"}%s}",
        r.type, own, t->content, patient, more);
    r.value = arena_strndup(&arena, own, 36);
    r.body = (struct store_bytes) { body, strlen(body) };
    r.references = references;
    r.reference_count = t->refers != NULL ? 2 : 1;
    return r;
}

static const char *facts_of(const char *local_id) {
    unsigned char uuid[STORE_UUID];
    char id[37];
    uuid_of("patient", local_id, uuid);
    lane_uuid_text(uuid, id);
    return arena_printf(
        &arena,
        "{\"patient\":{\"id\":\"%s\",\"localId\":\"%s\",\"identifiers\":[{\"system\":\"urn:mrn\","
        "\"value\":\"4711\"}],\"family\":\"Tester\",\"given\":[\"Thea\"],\"birthDate\":\"%s\"},"
        "\"consents\":[%s]}",
        id, local_id, birth_date,
        refuses_consent ? "{\"status\":\"revoked\",\"revokedAt\":\"2026-02-01\"}" : "");
}

/* Reads one record of one patient; whole: the poll ends as it should. */
static void read_record(const char *local_id, const struct thing *things, size_t count, bool end) {
    struct intake_settings s = { .job = reading_job,
                                 .clinic = "north",
                                 .targets = reading_targets,
                                 .complete = INTAKE_RECORDS,
                                 .units_whole = true,
                                 .lifecycle = lifecycle,
                                 .hash_key = key };
    struct intake_resource *list = arena_zalloc(&arena, (count + 1) * sizeof *list);
    const char *facts = facts_of(local_id);
    unsigned long long hash = 1469598103934665603ULL;
    for (size_t i = 0; i < count; i++) {
        list[i] = resource_of(&things[i], local_id);
        for (size_t k = 0; k < list[i].body.length; k++)
            hash = (hash ^ (unsigned char)list[i].body.data[k]) * 1099511628211ULL;
    }
    for (const char *c = facts; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211ULL;
    const char *kind = strcmp(reading_job, "nightly") == 0 ? "rec" : reading_job;
    struct intake_record r = { .id = arena_printf(&arena, "%s-%s", kind, local_id),
                               .local_id = local_id,
                               .unit = local_id,
                               .revision_ms = wall,
                               .facts = { facts, strlen(facts) },
                               .resources = list,
                               .resource_count = count };
    memcpy(r.content, &hash, sizeof hash);
    wall++;
    polls = wall > polls ? wall : polls + 1;
    struct intake *in = intake_begin(store, &s, polls, &error);
    ck_assert_msg(in != NULL, "%s", error.text);
    OK(intake_record(in, &r, wall, &error));
    if (end)
        OK(intake_end(in, true, wall, &error));
    else
        OK(intake_flush(in, &error));
    intake_free(in);
    if (delivery != NULL)
        delivery_notice(delivery, 0);
}

#define READ(...) read_things((struct thing[]) { __VA_ARGS__, { NULL, NULL, NULL } })
static void read_things(const struct thing *things) {
    size_t count = 0;
    while (things[count].name != NULL)
        count++;
    read_record("p1", things, count, true);
}

static void open_delivery(void) {
    delivery = delivery_open(&world, store, &settings, &error);
    ck_assert_msg(delivery != NULL, "%s", error.text);
}

/* Steps until nothing moves, or until `for_ms` of virtual time have gone by. */
static enum delivery_moved run(int64_t for_ms) {
    int64_t end = steady + for_ms, wait = 0;
    enum delivery_moved moved = DELIVERY_MOVED;
    if (delivery == NULL)
        open_delivery();
    for (int i = 0; i < 20000; i++) {
        moved = delivery_step(delivery, 0, &wait, &error);
        ck_assert_msg(moved != DELIVERY_FAILED, "%s [%s]", error.text, error.code);
        if (moved == DELIVERY_MOVED)
            continue;
        if (moved == DELIVERY_IN_STEP || wait == INT64_MAX || steady + wait > end) {
            wall += end - steady;
            steady = end;
            return moved;
        }
        ck_assert_int_ge(wait, 0);
        steady += wait;
        wall += wait;
    }
    ck_abort_msg("delivery spins");
    return moved;
}

static void restart(void) {
    delivery_close(delivery);
    delivery = NULL;
    first_call = NULL;
}

static uint64_t patient_no(const char *local_id) {
    uint64_t no = 0;
    OK(store->calls->patient_find(store, "north", local_id, &no, &error));
    return no;
}

static struct store_state state_at(uint32_t target, const char *name) {
    struct lane lane;
    bool found = false;
    unsigned char uuid[STORE_UUID];
    OK(lane_load(store, target, jobs, patient_no("p1"), &arena, &lane, &found, &error));
    uuid_of(name, "p1", uuid);
    const struct lane_item *item = lane_find(&lane, uuid);
    ck_assert_msg(item != NULL, "no %s", name);
    return item->state;
}

/* The step and code of a resource at the first target: "held gone". */
static const char *state(const char *name) {
    struct store_state s = state_at(1, name);
    return arena_printf(&arena, "%s%s%s", store_step_name(s.step), s.code[0] != '\0' ? " " : "",
                        s.code);
}

static void decide(const char *name, const char *word) {
    struct store_state s = state_at(1, name);
    s.decision = word;
    OK(store->calls->begin(store, &error));
    OK(store->calls->state_put(store, &s, &error));
    OK(store->calls->lane_put(store, 1, patient_no("p1"), 0, &error));
    OK(store->calls->commit(store, &error));
    if (delivery != NULL)
        delivery_notice(delivery, 0);
}

static struct held *only(struct server *s) {
    ck_assert_msg(s->count == 1, "%zu resources: %s", s->count, s->log);
    return &s->held[0];
}

static bool says(const struct held *h, const char *text) {
    return strstr(h->body, text) != NULL;
}

#define STATE(name, expected)                                                                      \
    ck_assert_msg(strcmp(state(name), expected) == 0, "%s is %s (%s)", name, state(name),          \
                  servers[0].log)

/* ---- creating ---- */

START_TEST(what_is_wanted_is_created_and_then_costs_nothing) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(says(only(servers), "v1"));
    ck_assert(says(only(servers), "\"Patient/c1\""));
    STATE("a", "in-step");
    struct server before = servers[0];
    restart();
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_int_eq(servers[0].writes + servers[0].reads + servers[0].finds,
                     before.writes + before.reads + before.finds);
    ck_assert_int_eq(servers[0].matches, before.matches);
}
END_TEST

/* The ways in which a target creates. */
static const unsigned ways[] = { EVERYTHING, EVERYTHING & ~(unsigned)IPTFHIR_CAN_CREATE_IF_NONE,
                                 (EVERYTHING & ~(unsigned)IPTFHIR_CAN_CREATE_IF_NONE) |
                                     IPTFHIR_CAN_CREATE_AT };

START_TEST(a_lost_create_that_was_done_is_found) {
    servers[0].can = ways[_i];
    servers[0].ill = LOST_DONE;
    servers[0].ills = 1;
    servers[0].lag_ms = 10 * SECOND;
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    (void)only(servers);
    STATE("a", "in-step");
}
END_TEST

START_TEST(a_lost_create_that_was_not_done_is_done_again_after_it_has_settled) {
    servers[0].can = ways[_i];
    servers[0].ill = LOST_UNDONE;
    servers[0].ills = 1;
    READ({ "a", "v1", NULL });
    int64_t began = steady;
    (void)run(30 * SECOND);
    STATE("a", "unknown unknown");
    ck_assert_uint_eq(servers[0].count, 0);
    (void)run(MINUTE - SECOND - (steady - began));
    ck_assert_uint_eq(servers[0].count, 0);
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    (void)only(servers);
}
END_TEST

START_TEST(a_lost_create_survives_a_restart) {
    servers[0].can = ways[_i];
    servers[0].ill = LOST_DONE;
    servers[0].ills = 1;
    servers[0].lag_ms = 10 * SECOND;
    READ({ "a", "v1", NULL });
    (void)run(SECOND);
    restart();
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    (void)only(servers);
    STATE("a", "in-step");
}
END_TEST

START_TEST(what_was_withdrawn_while_its_create_was_unknown_is_dropped_when_absent) {
    servers[0].ill = LOST_UNDONE;
    servers[0].ills = 1;
    READ({ "a", "v1", NULL }, { "b", "v1", NULL });
    servers[0].sick = "v1";
    (void)run(SECOND);
    READ({ "b", "v1", NULL });
    (void)run(HOUR);
    for (size_t i = 0; i < servers[0].count; i++)
        ck_assert_msg(!says(&servers[0].held[i], "\"active\"") || servers[0].count == 1, "%s",
                      servers[0].log);
}
END_TEST

START_TEST(a_lost_create_is_found_though_consent_was_revoked_and_nothing_new_is_sent) {
    servers[0].ill = LOST_DONE;
    servers[0].ills = 1;
    READ({ "a", "v1", NULL });
    (void)run(SECOND);
    refuses_consent = true;
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    ck_assert(says(only(servers), "v1"));
    STATE("a", "held consent");
    ck_assert_int_eq(servers[0].writes, 1);
}
END_TEST

/* The store was lost: the target holds what an earlier one sent, and the answer is lost too. */
START_TEST(what_an_earlier_store_sent_is_not_taken_for_a_lost_create) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    restart();
    store->calls->close(store);
    store_medium_free(medium);
    medium = store_medium_new();
    store = store_open_memory(medium, &error);
    servers[0].ill = LOST_DONE;
    servers[0].ills = 1;
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    ck_assert(says(only(servers), "v1"));
    STATE("a", "held adopt");
    decide("a", "ours");
    (void)run(HOUR);
    ck_assert(says(only(servers), "v2"));
    STATE("a", "in-step");
}
END_TEST

START_TEST(three_of_one_identity_are_as_many_as_two) {
    servers[0].can = ways[1];
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    restart();
    for (int i = 1; i < 3; i++) {
        servers[0].held[i] = servers[0].held[0];
        snprintf(servers[0].held[i].id, sizeof servers[0].held[i].id, "twin-%d", i);
    }
    servers[0].count = 3;
    store->calls->close(store);
    store_medium_free(medium);
    medium = store_medium_new();
    store = store_open_memory(medium, &error);
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    STATE("a", "held duplicate-at-target");
    ck_assert_int_eq(servers[0].writes, 1);
}
END_TEST

START_TEST(what_is_found_without_its_body_is_never_overwritten) {
    targets[0].conflict = DELIVERY_OURS;
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    servers[0].bare = true;
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    ck_assert(says(only(servers), "v1"));
    servers[0].bare = false;
    (void)run(3 * HOUR);
    ck_assert(says(only(servers), "v2"));
}
END_TEST

START_TEST(a_duplicate_that_a_search_does_not_find_waits) {
    servers[0].ill = SAYS_DUPLICATE;
    servers[0].ills = -1;
    READ({ "a", "v1", NULL });
    (void)run(10 * MINUTE);
    STATE("a", "waiting duplicate-at-target");
    ck_assert_int_lt(servers[0].writes, 40);
}
END_TEST

/* ---- updating ---- */

START_TEST(a_change_is_written_over_what_was_sent) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    READ({ "a", "v2", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(says(only(servers), "v2"));
    ck_assert_int_eq(only(servers)->version, 2);
}
END_TEST

START_TEST(a_lost_update_is_read_and_done_once) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    servers[0].ill = _i == 0 ? LOST_DONE : LOST_UNDONE;
    servers[0].ills = 1;
    READ({ "a", "v2", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(says(only(servers), "v2"));
    ck_assert_int_eq(only(servers)->version, 2);
}
END_TEST

/* ---- counting ---- */

static void counted(uint64_t in_step, uint64_t held) {
    const struct delivery_counts *n = delivery_counts(delivery);
    ck_assert_uint_eq(n->in_step, in_step);
    ck_assert_uint_eq(n->held, held);
}

START_TEST(a_resource_is_counted_once_however_often_it_was_looked_at) {
    READ({ "a", "v1", NULL }, { "b", "sick", NULL });
    servers[0].sick = "sick";
    servers[0].ill = REFUSES;
    servers[0].ills = -1;
    for (int i = 0; i < 4; i++) {
        (void)run(HOUR);
        counted(1, 1);
        READ({ "a", "v1", NULL }, { "b", "sick", NULL });
        OK(store->calls->begin(store, &error));
        OK(store->calls->lane_put(store, 1, patient_no("p1"), 0, &error));
        OK(store->calls->commit(store, &error));
        delivery_notice(delivery, 0);
    }
    READ({ "a", "v2", NULL }, { "b", "well", NULL });
    (void)run(HOUR);
    counted(2, 0);
    restart();
    wall += SECOND;
    READ({ "a", "v2", NULL }, { "b", "sick again", NULL });
    (void)run(HOUR);
    counted(0, 1);
}
END_TEST

/* ---- successes that are none ---- */

START_TEST(a_success_that_shows_nothing_is_read_back_once) {
    servers[0].can = ways[_i];
    servers[0].ill = BARE_DONE;
    servers[0].ills = -1;
    READ({ "a", "v1", NULL });
    int looks = _i == 2 ? 1 : 0; /* under our id it is looked for first */
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_int_eq(servers[0].writes, 1);
    ck_assert_int_eq(servers[0].reads, 1 + looks);
    READ({ "a", "v2", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_int_eq(servers[0].writes, 2);
    ck_assert_int_eq(servers[0].reads, 3 + looks);
    ck_assert(says(only(servers), "v2"));
}
END_TEST

START_TEST(a_write_that_is_only_said_to_be_done_is_done_again_after_it_has_settled) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    servers[0].ill = _i == 0 ? BARE_UNDONE : SHOWS_OLD;
    servers[0].ills = 1;
    READ({ "a", "v2", NULL });
    (void)run(30 * SECOND);
    STATE("a", "unknown unknown");
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(says(only(servers), "v2"));
    ck_assert_int_eq(only(servers)->version, 2);
}
END_TEST

START_TEST(a_create_that_is_only_said_to_be_done_is_done_once_in_the_end) {
    servers[0].can = ways[_i];
    servers[0].ill = BARE_UNDONE;
    servers[0].ills = 1;
    READ({ "a", "v1", NULL });
    (void)run(30 * SECOND);
    STATE("a", "unknown unknown");
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    (void)only(servers);
}
END_TEST

START_TEST(a_create_answered_with_another_resource_is_looked_for_and_done) {
    servers[0].ill = SHOWS_ANOTHER;
    servers[0].other_chart = _i == 1;
    servers[0].ills = 1;
    READ({ "a", "v1", NULL });
    (void)run(30 * SECOND);
    STATE("a", "unknown unknown");
    ck_assert_str_eq(state_at(1, "a").server_id, "");
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_str_eq(state_at(1, "a").server_id, only(servers)->id);
}
END_TEST

START_TEST(a_target_that_never_does_what_it_says_is_held_with_a_reason) {
    static const enum ill ills[] = { BARE_UNDONE, SHOWS_OLD, SAYS_CHANGED };
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    servers[0].ill = ills[_i];
    servers[0].ills = -1;
    READ({ "a", "v2", NULL });
    (void)run(DAY);
    STATE("a", "held server-error");
    ck_assert_int_le(servers[0].writes, 8);
    ck_assert(says(only(servers), "v1"));
}
END_TEST

START_TEST(what_is_refused_as_old_again_and_again_waits_with_a_reason) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    servers[0].ill = SAYS_CHANGED;
    servers[0].ills = -1;
    targets[0].update_without_version = true;
    servers[0].can &= ~(unsigned)IPTFHIR_HAS_VERSIONS;
    restart();
    READ({ "a", "v2", NULL });
    (void)run(SECOND);
    STATE("a", "waiting conflict");
    servers[0].ills = 0;
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
}
END_TEST

START_TEST(what_is_found_without_the_patient_is_not_taken_for_ours) {
    servers[0].can = ways[1];
    servers[0].ill = LOST_DONE;
    servers[0].ills = 1;
    servers[0].lag_ms = 10 * SECOND;
    READ({ "a", "v1", NULL });
    (void)run(SECOND);
    char *subject = strstr(only(servers)->body, "\"reference\":\"Patient/c1\"");
    ck_assert_ptr_nonnull(subject);
    memcpy(subject, "\"display\"  :\"SomebodyEl\"", strlen("\"reference\":\"Patient/c1\""));
    (void)run(HOUR);
    STATE("a", "held patient-changed");
    (void)only(servers);
}
END_TEST

static void edit(struct held *h, const char *from, const char *to) {
    char copy[sizeof h->body], *at = strstr(h->body, from);
    ck_assert_ptr_nonnull(at);
    snprintf(copy, sizeof copy, "%.*s%s%s", (int)(at - h->body), h->body, to, at + strlen(from));
    memcpy(h->body, copy, sizeof copy);
    h->version++;
}

START_TEST(a_decision_is_carried_out_once_whatever_others_change_meanwhile) {
    int64_t wait;
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    edit(only(servers), "v1", "theirs");
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    STATE("a", "held conflict");
    decide("a", "ours");
    for (int i = 0; i < _i; i++)
        ck_assert_int_ne(delivery_step(delivery, 0, &wait, &error), DELIVERY_FAILED);
    delivery_notice(delivery, 0);
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    STATE("a", "in-step");
    ck_assert_str_eq(state_at(1, "a").decision, "");
    ck_assert(says(only(servers), "v2"));
    ck_assert_int_eq(only(servers)->version, 3);
}
END_TEST

START_TEST(what_a_clinician_changed_is_held_until_a_person_says_whose) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    edit(only(servers), "v1", "theirs");
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    STATE("a", "held conflict");
    ck_assert(says(only(servers), "theirs"));
    decide("a", _i == 0 ? "ours" : "theirs");
    (void)run(HOUR);
    ck_assert(says(only(servers), _i == 0 ? "v2" : "theirs"));
    STATE("a", _i == 0 ? "in-step" : "decided theirs");
    int writes = servers[0].writes;
    restart();
    (void)run(HOUR);
    ck_assert_int_eq(servers[0].writes, writes);
}
END_TEST

START_TEST(changes_apart_are_merged) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    edit(only(servers), "\"active\"", "\"on-hold\"");
    READ({ "a", "v2", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(says(only(servers), "on-hold") && says(only(servers), "v2"));
}
END_TEST

START_TEST(what_was_deleted_there_stays_deleted_until_a_person_says_again) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    only(servers)->deleted = true;
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    STATE("a", "held gone");
    ck_assert_uint_eq(servers[0].count, 1);
    decide("a", "again");
    (void)run(HOUR);
    STATE("a", "in-step");
    ck_assert_uint_eq(servers[0].count, 2);
    ck_assert_str_ne(servers[0].held[1].value, servers[0].held[0].value);
}
END_TEST

START_TEST(leave_and_discard_send_nothing_until_it_changes) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    edit(only(servers), "v1", "theirs");
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    decide("a", _i == 0 ? "leave" : "discard");
    (void)run(HOUR);
    STATE("a", _i == 0 ? "decided leave" : "decided discard");
    ck_assert(says(only(servers), "theirs"));
}
END_TEST

START_TEST(an_element_that_left_is_withdrawn_as_its_type_says) {
    READ({ "a", "v1", NULL }, { "b", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    READ({ "b", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    int cancelled = 0;
    for (size_t i = 0; i < servers[0].count; i++)
        cancelled += says(&servers[0].held[i], "cancelled") ? 1 : 0;
    ck_assert_int_eq(cancelled, 1);
}
END_TEST

/* ---- moving ---- */

START_TEST(another_chart_is_a_persons_and_a_move_withdraws_and_creates) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    servers[0].chart = "c2";
    birth_date = "1980-05-06\",\"note\":\"x"; /* the identity is another: it is matched anew */
    READ({ "a", "v1", NULL });
    (void)run(HOUR);
    STATE("a", "held patient-changed");
    ck_assert_int_eq(only(servers)->version, 1);
    if (_i == 1)
        targets[0].withdraw = DELIVERY_WITHDRAW_LEAVE;
    decide("a", "move");
    (void)run(HOUR);
    STATE("a", "in-step");
    ck_assert_uint_eq(servers[0].count, 2);
    ck_assert(says(&servers[0].held[0], "entered-in-error"));
    ck_assert(says(&servers[0].held[1], "Patient/c2"));
}
END_TEST

/* How many resources at the target say both. */
static int count_of(const char *text, const char *other) {
    int count = 0;
    for (size_t i = 0; i < servers[0].count; i++)
        count += says(&servers[0].held[i], text) && says(&servers[0].held[i], other) ? 1 : 0;
    return count;
}

/* The patient's identity becomes another, and with it the chart. */
static void change_chart(const char *chart) {
    servers[0].chart = chart;
    birth_date = arena_printf(&arena, "1980-05-06\",\"note\":\"%s", chart);
}

START_TEST(a_move_ends_though_one_of_the_record_is_never_withdrawn) {
    READ({ "a", "v1", NULL }, { "provenance", "v1", "a" });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    change_chart("c2");
    READ({ "a", "v1", NULL }, { "provenance", "v1", "a" }, { "new", "v1", NULL });
    (void)run(HOUR);
    STATE("a", "held patient-changed");
    STATE("provenance", "held patient-changed");
    STATE("new", "held patient-changed");
    if (_i == 1)
        targets[0].withdraw = DELIVERY_WITHDRAW_LEAVE;
    decide("a", "move");
    decide("provenance", "move");
    decide("new", "move");
    restart();
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    STATE("a", "in-step");
    STATE("provenance", "in-step");
    STATE("new", "in-step");
    ck_assert_str_eq(state_at(1, "provenance").decision, "");
    ck_assert_int_eq(count_of("Provenance", "Patient/c1"), 1);
    ck_assert_int_eq(count_of("Provenance", "Patient/c2"), 1);
    ck_assert_int_eq(count_of("entered-in-error", "Patient/c1"), 1);
    READ({ "a", "v2", NULL }, { "provenance", "v2", "a" }, { "new", "v2", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].count, 5);
    ck_assert_int_eq(count_of("v2", "Patient/c2"), 3);
}
END_TEST

START_TEST(what_was_moved_is_not_held_beside_one_that_was_not) {
    READ({ "a", "v1", NULL }, { "b", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    change_chart("c2");
    READ({ "a", "v1", NULL }, { "b", "v1", NULL });
    (void)run(HOUR);
    decide("a", "move");
    if (_i == 1)
        decide("b", "leave");
    if (_i == 2)
        decide("b", "discard");
    (void)run(HOUR);
    STATE("a", "in-step");
    STATE("b", _i == 0 ? "held patient-changed" : _i == 1 ? "decided leave" : "decided discard");
    READ({ "a", "v2", NULL }, { "b", "v1", NULL });
    (void)run(HOUR);
    STATE("a", "in-step");
    ck_assert_int_eq(count_of("v2", "Patient/c2"), 1);
}
END_TEST

START_TEST(a_move_that_is_said_again_changes_nothing) {
    READ({ "a", "v1", NULL }, { "provenance", "v1", "a" });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    change_chart("c2");
    READ({ "a", "v1", NULL }, { "provenance", "v1", "a" });
    (void)run(HOUR);
    for (int i = 0; i < 3; i++) {
        decide("a", "move");
        decide("provenance", "move");
        ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
        if (_i == 1)
            restart();
    }
    ck_assert_uint_eq(servers[0].count, 4);
    ck_assert_int_eq(count_of("entered-in-error", "Patient/c1"), 1);
    ck_assert_int_eq(count_of("active", "Patient/c2"), 2);
    ck_assert_str_eq(state_at(1, "a").decision, "");
}
END_TEST

START_TEST(a_move_needs_no_withdrawal_of_what_was_withdrawn_or_deleted_there) {
    READ({ "a", "v1", NULL }, { "b", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    change_chart("c2");
    READ({ "a", "v1", NULL }, { "b", "v1", NULL });
    (void)run(HOUR);
    if (_i == 0)
        servers[0].held[0].deleted = true;
    if (_i == 1)
        edit(&servers[0].held[0], "\"active\"", "\"entered-in-error\"");
    if (_i == 2) {
        servers[0].ill = LOST_DONE;
        servers[0].ills = 2;
    }
    decide("a", "move");
    decide("b", "move");
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    STATE("a", "in-step");
    STATE("b", "in-step");
    ck_assert_int_eq(count_of("active", "Patient/c2"), 2);
    ck_assert_uint_eq(servers[0].count, 4);
}
END_TEST

START_TEST(what_a_person_withdrew_by_hand_is_moved_when_they_say_so) {
    READ({ "a", "v1", NULL }, { "basic", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    change_chart("c2");
    READ({ "a", "v1", NULL }, { "basic", "v1", NULL });
    (void)run(HOUR);
    decide("a", "move");
    decide("basic", "move");
    (void)run(HOUR);
    STATE("a", "in-step");
    STATE("basic", "held withdraw-person");
    decide("basic", _i == 0 ? "discard" : "leave");
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    STATE("basic", "in-step");
    ck_assert_int_eq(count_of("active", "Patient/c2"), 2);
}
END_TEST

START_TEST(what_somebody_moved_there_is_moved_back_when_a_person_says_so) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    char *chart = strstr(only(servers)->body, "Patient/c1");
    memcpy(chart, "Patient/c7", strlen("Patient/c7"));
    only(servers)->version++;
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    STATE("a", "held patient-changed");
    decide("a", "move");
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_int_eq(count_of("entered-in-error", "Patient/c7"), 1);
    ck_assert_int_eq(count_of("v2", "Patient/c1"), 1);
}
END_TEST

/* ---- bundles ---- */

START_TEST(references_within_a_transaction_are_made_together) {
    servers[0].transaction = true;
    targets[0].together = true;
    READ({ "a", "v1", NULL }, { "b", "v1", "a" }, { "c", "v1", "b" });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].count, 3);
    ck_assert_int_eq(servers[0].writes, 1);
    ck_assert(says(&servers[0].held[1], "Goal/h-1"));
}
END_TEST

START_TEST(references_go_in_their_order_where_nothing_goes_together) {
    READ({ "c", "v1", "b" }, { "b", "v1", "a" }, { "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].count, 3);
    ck_assert(says(&servers[0].held[1], "Goal/h-1"));
    ck_assert(says(&servers[0].held[2], "Goal/h-2"));
}
END_TEST

START_TEST(a_ring_of_references_is_broken_and_repaired) {
    READ({ "a", "v1", "b" }, { "b", "v1", "a" });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].count, 2);
    ck_assert_msg(says(&servers[0].held[0], "Goal/h-2"), "%s", servers[0].log);
    ck_assert(says(&servers[0].held[1], "Goal/h-1"));
}
END_TEST

START_TEST(a_reference_to_itself_is_repaired_too) {
    READ({ "a", "v1", "a" });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_msg(says(only(servers), "Goal/h-1"), "%s", servers[0].log);
}
END_TEST

static void read_many_as(size_t count, const char *content) {
    struct thing *things = arena_zalloc(&arena, count * sizeof *things);
    for (size_t i = 0; i < count; i++)
        things[i] = (struct thing) { arena_printf(&arena, "g%zu", i), content, NULL };
    read_record("p1", things, count, true);
}

static void read_many(size_t count) {
    read_many_as(count, "v1");
}

START_TEST(bundles_are_of_a_hundred_and_halved_when_too_large) {
    servers[0].transaction = true;
    servers[0].most = 30;
    targets[0].together = true;
    read_many(250);
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].count, 250);
    ck_assert_uint_eq(servers[0].largest, 100);
    ck_assert_int_lt(servers[0].writes, 20);
}
END_TEST

/* Delivers 200 that changed, and returns how large the largest bundle was. */
static size_t largest_of_the_next_run(const char *content) {
    restart();
    servers[0].largest = 0;
    read_many_as(200, content);
    ck_assert_int_eq(run(6 * HOUR), DELIVERY_IN_STEP);
    return servers[0].largest;
}

START_TEST(what_a_target_takes_at_once_is_remembered_by_the_next_runs) {
    servers[0].transaction = true;
    targets[0].together = true;
    servers[0].most = _i == 0 ? 30 : 0;
    servers[0].slow_ms = _i == 1 ? 11 * SECOND : 0;
    servers[0].slow_above = 30;
    read_many(200);
    ck_assert_int_eq(run(6 * HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].largest, 100);
    ck_assert_int_le(servers[0].writes, 2 + 8);
    ck_assert_uint_eq(largest_of_the_next_run("v2"), 25);
    wall += 3 * DAY; /* the target may take more by now */
    ck_assert_uint_eq(largest_of_the_next_run("v3"), 50);
}
END_TEST

START_TEST(a_target_that_does_not_answer_to_many_in_time_gets_fewer) {
    servers[0].transaction = true;
    targets[0].together = true;
    servers[0].times_out_above = 30;
    servers[0].slow_above = 30;
    servers[0].slow_ms = 2 * SECOND;
    read_many(500);
    ck_assert_int_eq(run(6 * HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].count, 500);
    ck_assert_int_le(servers[0].writes, 2 + 20);
}
END_TEST

START_TEST(no_bundle_has_more_entries_than_configured) {
    servers[0].transaction = true;
    targets[0].together = true;
    targets[0].max_entries = 40;
    read_many(200);
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].largest, 40);
}
END_TEST

START_TEST(searches_that_are_too_many_at_once_are_halved_and_writes_stay_together) {
    servers[0].transaction = true;
    targets[0].together = true;
    servers[0].ill = LOST_DONE;
    servers[0].ills = 1;
    servers[0].most_finds = 20;
    read_many(200);
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].count, 200);
    ck_assert_int_lt(servers[0].finds, 15);
    ck_assert_int_lt(servers[0].writes, 15);
}
END_TEST

START_TEST(a_single_one_that_is_too_large_is_held_and_the_others_go) {
    servers[0].transaction = _i == 0;
    targets[0].together = true;
    servers[0].ill = TOO_LARGE;
    servers[0].ills = -1;
    servers[0].sick = "huge";
    READ({ "a", "v1", NULL }, { "b", "huge", NULL }, { "c", "v1", NULL });
    (void)run(HOUR);
    STATE("b", "held too-large");
    ck_assert_uint_eq(servers[0].count, 2);
}
END_TEST

START_TEST(where_bundles_are_refused_they_go_singly) {
    servers[0].transaction = true;
    servers[0].batch = true;
    targets[0].together = true;
    servers[0].ill = NOT_TOGETHER;
    servers[0].ills = -1;
    READ({ "a", "v1", NULL }, { "b", "v1", "a" });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].count, 2);
    ck_assert_int_lt(servers[0].writes, 8);
}
END_TEST

START_TEST(a_lost_bundle_is_searched_for_and_nothing_is_doubled) {
    servers[0].transaction = true;
    targets[0].together = true;
    servers[0].ill = _i == 0 ? LOST_DONE : LOST_UNDONE;
    servers[0].ills = 1;
    servers[0].lag_ms = 5 * SECOND;
    read_many(40);
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].count, 40);
    ck_assert_int_lt(servers[0].finds, 10);
}
END_TEST

/* ---- bad days ---- */

START_TEST(retry_after_holds_across_steps_of_the_wall_clock) {
    servers[0].ill = BUSY;
    servers[0].ills = 1;
    servers[0].retry_after_ms = 10 * MINUTE;
    READ({ "a", "v1", NULL });
    (void)run(SECOND);
    ck_assert_int_eq(servers[0].writes, 1);
    wall += _i == 0 ? -HOUR : 365 * DAY;
    (void)run(8 * MINUTE);
    ck_assert_int_eq(servers[0].writes, 1);
    struct delivery_pause pause;
    ck_assert(delivery_paused(delivery, 0, &pause));
    ck_assert_str_eq(pause.code, "target-busy");
    if (_i == 1)
        wall -= 365 * DAY;
    (void)run(HOUR);
    ck_assert_int_eq(servers[0].writes, 2);
    STATE("a", "in-step");
}
END_TEST

START_TEST(a_pause_goes_on_after_a_restart_and_never_longer_than_it_was) {
    servers[0].ill = BUSY;
    servers[0].ills = 1;
    servers[0].retry_after_ms = 10 * MINUTE;
    READ({ "a", "v1", NULL });
    (void)run(SECOND);
    restart();
    wall -= HOUR; /* as if it had an hour more to go */
    (void)run(9 * MINUTE);
    ck_assert_int_eq(servers[0].writes, 1);
    (void)run(2 * MINUTE);
    ck_assert_int_eq(servers[0].writes, 2);
}
END_TEST

START_TEST(a_pause_that_is_over_is_forgotten_by_the_next_run) {
    struct pause_kept kept;
    servers[0].ill = BUSY;
    servers[0].ills = 1;
    servers[0].retry_after_ms = 10 * MINUTE;
    READ({ "a", "v1", NULL });
    (void)run(SECOND);
    OK(pause_read(store, "hospital", &kept, &error));
    ck_assert_str_eq(kept.code, "target-busy");
    wall += HOUR;
    restart();
    (void)run(MINUTE);
    STATE("a", "in-step");
    OK(pause_read(store, "hospital", &kept, &error));
    ck_assert_str_eq(kept.code, "");
}
END_TEST

START_TEST(one_that_always_fails_is_held_while_the_others_go) {
    servers[0].transaction = _i == 1;
    targets[0].together = true;
    servers[0].ill = FAILS;
    servers[0].ills = -1;
    servers[0].sick = "poison";
    READ({ "a", "v1", NULL }, { "b", "poison", NULL }, { "c", "v1", NULL });
    (void)run(6 * HOUR);
    STATE("a", "in-step");
    STATE("c", "in-step");
    STATE("b", "held server-error");
    READ({ "a", "v1", NULL }, { "b", "cured", NULL }, { "c", "v1", NULL });
    (void)run(6 * HOUR);
    STATE("b", "in-step");
}
END_TEST

START_TEST(a_refusal_holds_one_and_a_correction_goes) {
    servers[0].ill = REFUSES;
    servers[0].ills = -1;
    servers[0].sick = "bad";
    READ({ "a", "bad", NULL }, { "b", "v1", NULL });
    (void)run(HOUR);
    STATE("a", "held forbidden");
    STATE("b", "in-step");
    int writes = servers[0].writes;
    (void)run(DAY);
    ck_assert_int_eq(servers[0].writes, writes);
    READ({ "a", "good", NULL }, { "b", "v1", NULL });
    (void)run(HOUR);
    STATE("a", "in-step");
}
END_TEST

START_TEST(a_target_that_forbids_everything_is_one_cause) {
    servers[0].ill = FORBIDS;
    servers[0].ills = -1;
    read_many(50);
    (void)run(MINUTE);
    struct delivery_pause pause;
    ck_assert_int_lt(servers[0].writes, 20);
    for (size_t i = 0; i < 50; i++) {
        const char *name = arena_printf(&arena, "g%zu", i);
        ck_assert_msg(state_at(1, name).step == STORE_WAITING, "%s is %s", name, state(name));
    }
    ck_assert_msg(delivery_paused(delivery, 0, &pause), "%s", servers[0].log);
    ck_assert_str_eq(pause.code, "target-forbidden");
}
END_TEST

START_TEST(a_target_that_forbids_the_search_for_patients_is_named) {
    struct delivery_pause pause;
    const struct thing thing = { "a", "v1", NULL };
    servers[0].denies_match = true;
    READ({ "a", "v1", NULL }, { "b", "v1", NULL });
    (void)run(SECOND);
    STATE("a", "waiting patient-denied");
    STATE("b", "waiting patient-denied");
    ck_assert(!delivery_paused(delivery, 0, &pause));
    for (int i = 2; i < 8; i++)
        read_record(arena_printf(&arena, "p%d", i), &thing, 1, true);
    (void)run(SECOND);
    ck_assert(delivery_paused(delivery, 0, &pause));
    ck_assert_str_eq(pause.code, "target-forbidden");
    ck_assert_ptr_nonnull(strstr(pause.detail, "search patients"));
    servers[0].denies_match = false;
    (void)run(2 * HOUR);
    STATE("a", "in-step");
    STATE("b", "in-step");
}
END_TEST

START_TEST(one_patient_whose_search_is_forbidden_delays_nobody_and_is_named) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    servers[0].denies_match = true;
    const struct thing other = { "x", "v1", NULL };
    read_record("p2", &other, 1, true);
    (void)run(MINUTE);
    struct delivery_pause pause;
    ck_assert(!delivery_paused(delivery, 0, &pause));
    READ({ "a", "v2", NULL });
    (void)run(SECOND);
    STATE("a", "waiting patient-denied");
    servers[0].denies_match = false;
    (void)run(2 * HOUR);
    STATE("a", "in-step");
}
END_TEST

START_TEST(a_patient_whose_search_fails_delays_nobody_else) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    servers[0].strange_match = true;
    const struct thing other = { "x", "v1", NULL };
    read_record("p2", &other, 1, true);
    (void)run(MINUTE);
    ck_assert_int_lt(servers[0].matches, 12);
    ck_assert_uint_eq(servers[0].count, 1);
}
END_TEST

/* What is looked for in the chart of its attempt needs no match; what follows does. */
START_TEST(what_a_lost_create_did_not_do_is_not_done_without_a_chart) {
    servers[0].can = ways[_i];
    servers[0].ill = LOST_UNDONE;
    servers[0].ills = 1;
    READ({ "a", "v1", NULL }, { "b", "v1", NULL });
    (void)run(30 * SECOND);
    servers[0].strange_match = true;
    READ({ "a", "v2", NULL }, { "b", "v1", NULL }, { "c", "v1", NULL });
    (void)run(10 * MINUTE);
    for (size_t i = 0; i < servers[0].count; i++)
        ck_assert_msg(says(&servers[0].held[i], "Patient/c1"), "%s", servers[0].held[i].body);
    servers[0].strange_match = false;
    (void)run(2 * HOUR);
    ck_assert_uint_eq(servers[0].count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_msg(says(&servers[0].held[i], "Patient/c1"), "%s", servers[0].held[i].body);
    STATE("a", "in-step");
}
END_TEST

/* ---- who else is there ---- */

START_TEST(nothing_is_sent_while_its_job_is_read) {
    const struct thing thing = { "a", "v1", NULL };
    read_record("p1", &thing, 1, false);
    (void)run(HOUR);
    ck_assert_int_eq(servers[0].writes, 0);
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    ck_assert(says(only(servers), "v2"));
}
END_TEST

START_TEST(what_changes_before_the_socket_takes_the_order_back) {
    int64_t wait;
    READ({ "a", "v1", NULL });
    open_delivery();
    for (int i = 0; i < 200 && servers[0].matches == 0; i++)
        ck_assert_int_ne(delivery_step(delivery, 0, &wait, &error), DELIVERY_FAILED);
    READ({ "a", "v2", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(says(only(servers), "v2"));
    ck_assert_int_eq(only(servers)->version, 1);
}
END_TEST

START_TEST(at_every_step_a_notice_or_a_death_loses_and_doubles_nothing) {
    int64_t wait;
    servers[0].can = ways[_i % 3];
    servers[0].transaction = _i % 2 == 0;
    targets[0].together = true;
    READ({ "a", "v1", NULL }, { "b", "v1", "a" });
    open_delivery();
    for (int i = 0; i < _i / 2; i++)
        ck_assert_int_ne(delivery_step(delivery, 0, &wait, &error), DELIVERY_FAILED);
    if (_i % 2 == 0)
        restart();
    READ({ "a", "v2", NULL }, { "b", "v2", "a" });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_msg(servers[0].count == 2, "%zu: %s", servers[0].count, servers[0].log);
    for (size_t i = 0; i < 2; i++)
        ck_assert_msg(says(&servers[0].held[i], "v2"), "%s: %s, a %s, b %s",
                      servers[0].held[i].body, servers[0].log, state("a"), state("b"));
}
END_TEST

START_TEST(a_target_without_a_server_takes_everything_unmatched) {
    servers[0].no_server = true;
    servers[0].can = IPTFHIR_CAN_CREATE | IPTFHIR_CAN_UPDATE | IPTFHIR_CAN_READ | IPTFHIR_CAN_FIND;
    targets[0].update_without_version = true;
    READ({ "a", "v1", NULL }, { "b", "v1", "a" });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].count, 2);
    ck_assert_int_eq(servers[0].matches, 0);
}
END_TEST

START_TEST(one_target_that_is_away_does_not_delay_the_other) {
    settings.target_count = 2;
    servers[0].ill = BUSY;
    servers[0].ills = -1;
    servers[0].retry_after_ms = HOUR;
    READ({ "a", "v1", NULL });
    (void)run(MINUTE);
    ck_assert_uint_eq(servers[0].count, 0);
    ck_assert(says(only(&servers[1]), "v1"));
}
END_TEST

START_TEST(a_target_that_is_added_gets_everything) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    restart();
    settings.target_count = 2;
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(says(only(&servers[1]), "v1"));
}
END_TEST

START_TEST(two_patients_of_the_clinic_never_share_a_chart) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    const struct thing other = { "x", "v1", NULL };
    read_record("p2", &other, 1, true);
    (void)run(HOUR);
    (void)only(servers);
}
END_TEST

START_TEST(two_patients_who_come_at_once_never_share_a_chart) {
    const struct thing thing = { "x", "v1", NULL };
    read_record("p1", &thing, 1, true);
    read_record("p2", &thing, 1, true);
    (void)run(HOUR);
    ck_assert_msg(servers[0].count <= 1, "%zu: %s", servers[0].count, servers[0].log);
}
END_TEST

#define LOOPS(name, count) tcase_add_loop_test(all, name, 0, count)
START_TEST(a_match_is_made_anew_after_a_quarter_of_an_hour) {
    servers[0].slow_ms = 4 * MINUTE;
    targets[0].threads = 1;
    READ({ "a", "v1", NULL }, { "b", "v1", "a" }, { "c", "v1", "b" }, { "d", "v1", "c" },
         { "e", "v1", "d" }, { "f", "v1", "e" }, { "g", "v1", "f" }, { "h", "v1", "g" });
    ck_assert_int_eq(run(3 * HOUR), DELIVERY_IN_STEP);
    ck_assert_uint_eq(servers[0].count, 8);
    ck_assert_int_eq(servers[0].matches, 2); /* four writes by each of them */
}
END_TEST

START_TEST(a_patient_who_is_another_chart_s_by_then_gets_nothing_more_there) {
    servers[0].slow_ms = 4 * MINUTE;
    targets[0].threads = 1;
    READ({ "a", "v1", NULL }, { "b", "v1", "a" }, { "c", "v1", "b" }, { "d", "v1", "c" },
         { "e", "v1", "d" }, { "f", "v1", "e" }, { "g", "v1", "f" }, { "h", "v1", "g" });
    servers[0].chart_after = 1;
    (void)run(3 * HOUR);
    for (size_t i = 0; i < servers[0].count; i++)
        ck_assert_str_eq(servers[0].held[i].chart, "c1");
    ck_assert_uint_le(servers[0].count, 4);
    STATE("h", "held patient-changed");
}
END_TEST

/* ---- merged charts ---- */

/* The resource stands in another chart at the target, to which somebody moved it there. */
static void move_there(struct held *h) {
    char *chart = strstr(h->body, "Patient/c1");
    ck_assert_ptr_nonnull(chart);
    memcpy(chart, "Patient/c7", strlen("Patient/c7"));
    h->version++;
}

START_TEST(same_lifts_a_hold_for_another_chart_and_what_is_wanted_goes) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    move_there(only(&servers[0]));
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    STATE("a", "held patient-changed");
    int writes = servers[0].writes;
    (void)run(HOUR);
    ck_assert_int_eq(servers[0].writes, writes);
    decide("a", "same");
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    STATE("a", "in-step");
    ck_assert(says(only(&servers[0]), "v2"));
    ck_assert(says(only(&servers[0]), "Patient/c1"));
    ck_assert_str_eq(state_at(1, "a").decision, "");
}
END_TEST

START_TEST(same_is_said_of_what_stands_there_as_it_is_wanted) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    move_there(only(&servers[0]));
    READ({ "a", "v2", NULL });
    (void)run(HOUR);
    STATE("a", "held patient-changed");
    READ({ "a", "v1", NULL });
    decide("a", "same");
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    STATE("a", "in-step");
    ck_assert_str_eq(state_at(1, "a").decision, "");
}
END_TEST

/* ---- pauses that need a person ---- */

/* Records of several patients, of whom only the first can be matched: all ask who they are. */
static void read_patients(size_t count) {
    const struct thing thing = { "a", "v1", NULL };
    for (size_t i = 0; i < count; i++)
        read_record(arena_printf(&arena, "p%zu", i + 1), &thing, 1, true);
}

static bool needs_person(const char *code) {
    struct delivery_pause pause;
    return delivery_paused(delivery, 0, &pause) && strcmp(pause.code, code) == 0 &&
           pause.wait_ms == INT64_MAX;
}

START_TEST(a_target_that_refuses_us_gets_single_requests_at_growing_intervals_until_it_does_not) {
    servers[0].refuses_us = true;
    read_patients(12);
    (void)run(6 * HOUR);
    ck_assert(needs_person("target-unauthorized"));
    ck_assert_int_le(servers[0].refused, 40); /* 12 while it doubles, then four an hour */
    ck_assert_int_ge(servers[0].refused, 20);
    servers[0].refuses_us = false;
    (void)run(2 * HOUR);
    struct delivery_pause pause;
    ck_assert(!delivery_paused(delivery, 0, &pause));
    (void)only(&servers[0]); /* they all lead to one chart */
    ck_assert_int_ge(servers[0].matches, 12);
}
END_TEST

START_TEST(a_refusal_after_it_was_taken_before_is_probed_by_one_lane) {
    READ({ "a", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    servers[0].refuses_us = true;
    read_patients(12);
    READ({ "a", "v2", NULL });
    (void)run(SECOND);
    int at_once = servers[0].refused;
    ck_assert_int_le(at_once, 12);
    (void)run(6 * HOUR);
    ck_assert_int_le(servers[0].refused - at_once, 40);
    ck_assert(needs_person("target-unauthorized"));
}
END_TEST

START_TEST(a_target_that_refuses_us_still_does_after_a_restart) {
    servers[0].refuses_us = true;
    read_patients(12);
    (void)run(6 * HOUR);
    int before = servers[0].refused;
    restart();
    steady += DAY;
    wall += DAY;
    open_delivery();
    ck_assert(needs_person("target-unauthorized"));
    (void)run(500);
    ck_assert_int_le(servers[0].refused - before, 2);
    ck_assert(needs_person("target-unauthorized"));
}
END_TEST

START_TEST(a_search_that_is_answered_does_not_end_a_pause_for_writes_that_are_forbidden) {
    servers[0].ill = FORBIDS;
    servers[0].ills = -1;
    read_many(50);
    (void)run(12 * HOUR);
    ck_assert(needs_person("target-forbidden"));
    int writes = servers[0].writes;
    ck_assert_int_lt(writes, 20 + 12 * 4);
    (void)run(12 * HOUR);
    ck_assert_int_le(servers[0].writes - writes, 12 * 4);
    servers[0].ills = 0;
    (void)run(6 * HOUR);
    struct delivery_pause pause;
    ck_assert(!delivery_paused(delivery, 0, &pause));
    ck_assert_int_eq(state_at(1, "g0").step, STORE_IN_STEP);
    ck_assert_int_eq(state_at(1, "g49").step, STORE_IN_STEP);
}
END_TEST

/* Four resources that were there are gone: the target was reset. */
static void reset_target(void) {
    READ({ "a", "v1", NULL }, { "b", "v1", NULL }, { "c", "v1", NULL }, { "d", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    for (size_t i = 0; i < servers[0].count; i++)
        servers[0].held[i].deleted = true;
    READ({ "a", "v2", NULL }, { "b", "v2", NULL }, { "c", "v2", NULL }, { "d", "v2", NULL });
    (void)run(SECOND);
    ck_assert(needs_person("target-reset"));
}

static int requests_of(const struct server *s) {
    return s->learns + s->matches + s->finds + s->reads + s->writes;
}

START_TEST(after_a_reset_nothing_is_asked_for_days_also_after_a_restart) {
    reset_target();
    int requests = requests_of(&servers[0]);
    (void)run(3 * DAY);
    ck_assert_int_eq(requests_of(&servers[0]), requests);
    restart();
    steady += 3 * DAY;
    wall += 3 * DAY;
    (void)run(3 * DAY);
    ck_assert(needs_person("target-reset"));
    ck_assert_int_eq(requests_of(&servers[0]), requests);
}
END_TEST

START_TEST(a_person_ends_a_pause_while_delivery_runs) {
    static const struct pause_kept none = { .code = "" };
    servers[0].refuses_us = true;
    READ({ "a", "v1", NULL });
    (void)run(6 * HOUR);
    ck_assert(needs_person("target-unauthorized"));
    servers[0].refuses_us = false;
    struct store *other = store_open_memory(medium, &error);
    ck_assert_ptr_nonnull(other);
    OK(other->calls->begin(other, &error));
    OK(pause_write(other, "hospital", &none, &error));
    OK(other->calls->commit(other, &error));
    other->calls->close(other);
    ck_assert_int_eq(run(SECOND), DELIVERY_IN_STEP); /* without waiting for its time */
    STATE("a", "in-step");
}
END_TEST

/* ---- several jobs ---- */

static const char *const both_jobs[] = { "nightly", "weekly", NULL };
static const char *const weekly[] = { "weekly", NULL };
static const char *const to_hospital[] = { "hospital", NULL };
static const char *const to_registry[] = { "registry", NULL };

/* Job nightly goes to the hospital, job weekly to the registry. */
static void separate_jobs(void) {
    settings.target_count = 2;
    settings.jobs = both_jobs;
    targets[0].jobs = jobs;
    targets[1].jobs = weekly;
    reading_targets = to_hospital;
}

static void read_weekly(const struct thing *thing) {
    reading_job = "weekly";
    reading_targets = to_registry;
    read_record("p1", thing, 1, true);
    reading_job = "nightly";
    reading_targets = to_hospital;
}

START_TEST(records_of_a_job_never_go_to_the_target_of_another_job) {
    const struct thing other = { "b", "of weekly", NULL };
    separate_jobs();
    READ({ "a", "of nightly", NULL });
    read_weekly(&other);
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(says(only(&servers[0]), "of nightly"));
    ck_assert(says(only(&servers[1]), "of weekly"));
    READ({ "a", "of nightly, v2", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(says(only(&servers[0]), "v2"));
    ck_assert(says(only(&servers[1]), "of weekly"));
}
END_TEST

START_TEST(a_reference_to_what_goes_elsewhere_is_left_out) {
    const struct thing other = { "b", "of weekly", NULL };
    separate_jobs();
    READ({ "a", "of nightly", "b" });
    read_weekly(&other);
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(!says(only(&servers[0]), "addresses"));
    (void)only(&servers[1]);
}
END_TEST

START_TEST(a_job_that_leaves_a_target_writes_nothing_more_there_and_is_held_when_it_changes) {
    settings.jobs = both_jobs;
    targets[0].jobs = both_jobs;
    READ({ "a", "v1", NULL }, { "b", "v1", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    restart();
    targets[0].jobs = weekly;
    reading_targets = to_registry;
    READ({ "a", "v2", NULL }, { "b", "v1", NULL });
    int writes = servers[0].writes;
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_int_eq(servers[0].writes, writes);
    STATE("a", "held not-for-target");
    STATE("b", "in-step");
    decide("a", "discard");
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert_int_eq(servers[0].writes, writes);
    STATE("a", "decided discard");
}
END_TEST

START_TEST(a_consent_in_a_record_of_another_job_counts_at_once) {
    const struct thing other = { "b", "of weekly", NULL };
    separate_jobs();
    read_weekly(&other);
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    (void)only(&servers[1]);
    refuses_consent = true;
    READ({ "a", "of nightly", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    const struct thing changed = { "b", "v2 of weekly", NULL };
    refuses_consent = false;
    read_weekly(&changed);
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(!says(only(&servers[1]), "v2"));
    READ({ "a", "of nightly again", NULL });
    ck_assert_int_eq(run(HOUR), DELIVERY_IN_STEP);
    ck_assert(says(only(&servers[1]), "v2"));
}
END_TEST

/* ---- a store that others hold ---- */

static const struct store_calls *whole_calls;
static int busy_begins, busy_commits;

static bool begin_busily(struct store *s, struct iptfhir_error *e) {
    if (busy_begins-- > 0)
        return error_set(e, "store-busy", NULL, "another process is writing");
    return whole_calls->begin(s, e);
}

static bool commit_busily(struct store *s, struct iptfhir_error *e) {
    if (busy_commits-- > 0)
        return error_set(e, "store-busy", NULL, "another process is writing");
    return whole_calls->commit(s, e);
}

/* Delivers one resource; before its write the store refuses so many times. */
static void deliver_past(int begins, int commits, unsigned can) {
    struct store_calls busy;
    enum delivery_moved moved = DELIVERY_MOVED;
    int64_t wait;
    servers[0].can = can;
    READ({ "a", "v1", NULL });
    open_delivery();
    whole_calls = store->calls;
    busy = *whole_calls;
    busy.begin = begin_busily;
    busy.commit = commit_busily;
    busy_begins = busy_commits = 0;
    store->calls = &busy;
    bool armed = false;
    for (int i = 0; i < 200 && (moved == DELIVERY_MOVED || moved == DELIVERY_FAILED); i++) {
        if (!armed && servers[0].matches > 0) {
            busy_begins = begins;
            busy_commits = commits;
            armed = true;
        }
        moved = delivery_step(delivery, 0, &wait, &error);
        if (moved == DELIVERY_FAILED)
            ck_assert_str_eq(error.code, "store-busy");
        error_clear(&error);
    }
    store->calls = whole_calls;
    ck_assert_str_eq(state("a"), "in-step");
    ck_assert_int_eq(servers[0].writes, 1);
}

START_TEST(a_store_that_is_busy_before_a_write_makes_no_lost_answer) {
    deliver_past(1 + _i % 3, 0, _i < 3 ? EVERYTHING : IPTFHIR_CAN_CREATE);
}
END_TEST

START_TEST(what_could_not_be_committed_is_decided_anew) {
    deliver_past(0, 1 + _i % 3, _i < 3 ? EVERYTHING : IPTFHIR_CAN_CREATE);
}
END_TEST

static iptfhir_status ask_nothing(void *self, const struct iptfhir_order *order,
                                  struct iptfhir_request_sink *sink, struct iptfhir_error *e) {
    (void)self, (void)order, (void)sink;
    error_set(e, "target-broken", NULL, "it can't be asked at all");
    return IPTFHIR_FATAL;
}

START_TEST(a_target_that_cannot_even_be_asked_delays_no_other) {
    struct iptfhir_target broken = calls;
    broken.ask = ask_nothing;
    settings.target_count = 2;
    targets[1].calls = &broken;
    READ({ "a", "v1", NULL });
    open_delivery();
    (void)run(0);
    ck_assert_int_eq(servers[0].writes, 1);
    delivery_close(delivery);
    delivery = NULL;
}
END_TEST

int main(void) {
    Suite *suite = suite_create("delivery");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 120);
    tcase_add_test(all, what_is_wanted_is_created_and_then_costs_nothing);
    LOOPS(a_lost_create_that_was_done_is_found, 3);
    LOOPS(a_lost_create_that_was_not_done_is_done_again_after_it_has_settled, 3);
    LOOPS(a_lost_create_survives_a_restart, 3);
    tcase_add_test(all, what_was_withdrawn_while_its_create_was_unknown_is_dropped_when_absent);
    tcase_add_test(all, a_lost_create_is_found_though_consent_was_revoked_and_nothing_new_is_sent);
    tcase_add_test(all, what_an_earlier_store_sent_is_not_taken_for_a_lost_create);
    tcase_add_test(all, three_of_one_identity_are_as_many_as_two);
    tcase_add_test(all, what_is_found_without_its_body_is_never_overwritten);
    tcase_add_test(all, a_duplicate_that_a_search_does_not_find_waits);
    tcase_add_test(all, a_change_is_written_over_what_was_sent);
    LOOPS(a_lost_update_is_read_and_done_once, 2);
    tcase_add_test(all, a_resource_is_counted_once_however_often_it_was_looked_at);
    LOOPS(a_success_that_shows_nothing_is_read_back_once, 3);
    LOOPS(a_write_that_is_only_said_to_be_done_is_done_again_after_it_has_settled, 2);
    LOOPS(a_create_that_is_only_said_to_be_done_is_done_once_in_the_end, 3);
    LOOPS(a_create_answered_with_another_resource_is_looked_for_and_done, 2);
    LOOPS(a_target_that_never_does_what_it_says_is_held_with_a_reason, 3);
    tcase_add_test(all, what_is_refused_as_old_again_and_again_waits_with_a_reason);
    tcase_add_test(all, what_is_found_without_the_patient_is_not_taken_for_ours);
    LOOPS(a_decision_is_carried_out_once_whatever_others_change_meanwhile, 16);
    LOOPS(what_a_clinician_changed_is_held_until_a_person_says_whose, 2);
    tcase_add_test(all, changes_apart_are_merged);
    tcase_add_test(all, what_was_deleted_there_stays_deleted_until_a_person_says_again);
    LOOPS(leave_and_discard_send_nothing_until_it_changes, 2);
    tcase_add_test(all, an_element_that_left_is_withdrawn_as_its_type_says);
    LOOPS(another_chart_is_a_persons_and_a_move_withdraws_and_creates, 2);
    LOOPS(a_move_ends_though_one_of_the_record_is_never_withdrawn, 2);
    LOOPS(what_was_moved_is_not_held_beside_one_that_was_not, 3);
    LOOPS(a_move_that_is_said_again_changes_nothing, 2);
    LOOPS(a_move_needs_no_withdrawal_of_what_was_withdrawn_or_deleted_there, 3);
    LOOPS(what_a_person_withdrew_by_hand_is_moved_when_they_say_so, 2);
    tcase_add_test(all, what_somebody_moved_there_is_moved_back_when_a_person_says_so);
    tcase_add_test(all, references_within_a_transaction_are_made_together);
    tcase_add_test(all, references_go_in_their_order_where_nothing_goes_together);
    tcase_add_test(all, a_ring_of_references_is_broken_and_repaired);
    tcase_add_test(all, a_reference_to_itself_is_repaired_too);
    tcase_add_test(all, bundles_are_of_a_hundred_and_halved_when_too_large);
    LOOPS(what_a_target_takes_at_once_is_remembered_by_the_next_runs, 2);
    tcase_add_test(all, a_target_that_does_not_answer_to_many_in_time_gets_fewer);
    tcase_add_test(all, no_bundle_has_more_entries_than_configured);
    tcase_add_test(all, searches_that_are_too_many_at_once_are_halved_and_writes_stay_together);
    LOOPS(a_single_one_that_is_too_large_is_held_and_the_others_go, 2);
    tcase_add_test(all, where_bundles_are_refused_they_go_singly);
    LOOPS(a_lost_bundle_is_searched_for_and_nothing_is_doubled, 2);
    LOOPS(retry_after_holds_across_steps_of_the_wall_clock, 2);
    tcase_add_test(all, a_pause_goes_on_after_a_restart_and_never_longer_than_it_was);
    tcase_add_test(all, a_pause_that_is_over_is_forgotten_by_the_next_run);
    LOOPS(one_that_always_fails_is_held_while_the_others_go, 2);
    tcase_add_test(all, a_refusal_holds_one_and_a_correction_goes);
    tcase_add_test(all, a_target_that_forbids_everything_is_one_cause);
    tcase_add_test(all, a_target_that_forbids_the_search_for_patients_is_named);
    tcase_add_test(all, one_patient_whose_search_is_forbidden_delays_nobody_and_is_named);
    tcase_add_test(all, a_patient_whose_search_fails_delays_nobody_else);
    LOOPS(what_a_lost_create_did_not_do_is_not_done_without_a_chart, 3);
    tcase_add_test(all, nothing_is_sent_while_its_job_is_read);
    tcase_add_test(all, what_changes_before_the_socket_takes_the_order_back);
    LOOPS(at_every_step_a_notice_or_a_death_loses_and_doubles_nothing, 40);
    tcase_add_test(all, a_target_without_a_server_takes_everything_unmatched);
    tcase_add_test(all, one_target_that_is_away_does_not_delay_the_other);
    tcase_add_test(all, a_target_that_is_added_gets_everything);
    tcase_add_test(all, two_patients_of_the_clinic_never_share_a_chart);
    tcase_add_test(all, two_patients_who_come_at_once_never_share_a_chart);
    tcase_add_test(all, records_of_a_job_never_go_to_the_target_of_another_job);
    tcase_add_test(all, a_reference_to_what_goes_elsewhere_is_left_out);
    tcase_add_test(
        all, a_job_that_leaves_a_target_writes_nothing_more_there_and_is_held_when_it_changes);
    tcase_add_test(all, a_consent_in_a_record_of_another_job_counts_at_once);
    tcase_add_test(
        all, a_target_that_refuses_us_gets_single_requests_at_growing_intervals_until_it_does_not);
    tcase_add_test(all, a_refusal_after_it_was_taken_before_is_probed_by_one_lane);
    tcase_add_test(all, a_target_that_refuses_us_still_does_after_a_restart);
    tcase_add_test(all,
                   a_search_that_is_answered_does_not_end_a_pause_for_writes_that_are_forbidden);
    tcase_add_test(all, after_a_reset_nothing_is_asked_for_days_also_after_a_restart);
    tcase_add_test(all, a_person_ends_a_pause_while_delivery_runs);
    tcase_add_test(all, same_lifts_a_hold_for_another_chart_and_what_is_wanted_goes);
    tcase_add_test(all, same_is_said_of_what_stands_there_as_it_is_wanted);
    tcase_add_test(all, a_match_is_made_anew_after_a_quarter_of_an_hour);
    tcase_add_test(all, a_patient_who_is_another_chart_s_by_then_gets_nothing_more_there);
    LOOPS(a_store_that_is_busy_before_a_write_makes_no_lost_answer, 6);
    LOOPS(what_could_not_be_committed_is_decided_anew, 6);
    tcase_add_test(all, a_target_that_cannot_even_be_asked_delays_no_other);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
