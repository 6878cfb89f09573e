/* SPDX-License-Identifier: Apache-2.0 */
/* A FHIR R4 server as a target: its options, its life cycle, and which file answers which order. It
 * decides nothing and performs no HTTP; it remembers what the server can do and, between the rounds
 * of an order, how far that order is. */
#include "capability.h"
#include "find.h"
#include "match.h"
#include "read.h"
#include "write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One order between its rounds. */
struct under_way {
    struct under_way *next;
    uint64_t number;
    iptfhir_task task;
    struct match match; /* of MATCH; the other two likewise */
    struct find find;
    struct read read;
};
struct target {
    const char *url, *ca_file, *patient_system; /* options */
    bool insecure_loopback;
    int64_t timeout_ms, connect_timeout_ms, max_body, parallel;

    const struct iptfhir_host *host;
    char *base_url; /* url without slashes at its end */
    struct capability capability;
    bool post_refused;  /* found out since LEARN: searches go by GET */
    bool batch_refused; /* likewise: reads and searches go one by one */
    struct under_way *orders;
    struct iptfhir_text text; /* of requests; its memory is kept */
};

static const struct iptfhir_option options[] = {
    IPTFHIR_OPTION_STRING(struct target, url, "url", IPTFHIR_REQUIRED, NULL,
                          "Base address of the FHIR server: https://host[:port]/path."),
    IPTFHIR_OPTION_PATH(
        struct target, ca_file, "ca_file", IPTFHIR_MUST_EXIST, NULL,
        "PEM file of the CAs that may sign the server's certificate, instead of the "
        "system's."),
    IPTFHIR_OPTION_STRING(struct target, patient_system, "patient_system", IPTFHIR_REQUIRED, NULL,
                          "Identifier system by which patients are matched at this target."),
    IPTFHIR_OPTION_INTEGER(struct target, parallel, "parallel", 0, "8", 1, 64,
                           "Requests under way at once for one patient."),
    IPTFHIR_OPTION_INTEGER(struct target, timeout_ms, "timeout_ms", 0, "60000", 100, 3600000,
                           "Longest time of one request, in milliseconds."),
    IPTFHIR_OPTION_INTEGER(struct target, connect_timeout_ms, "connect_timeout_ms", 0, "10000", 100,
                           600000, "Longest time to connect, in milliseconds."),
    IPTFHIR_OPTION_INTEGER(struct target, max_body, "max_body", 0, "4194304", 65536, 268435456,
                           "Bytes of an answer that are taken."),
    IPTFHIR_OPTION_BOOLEAN(struct target, insecure_loopback, "insecure_loopback", 0, "false",
                           "Allow plain http to this machine, for tests."),
    IPTFHIR_OPTIONS_END,
};

/* Seconds since 1970. */
static int64_t now_seconds(void) {
    return (int64_t)time(NULL);
}

static iptfhir_status target_init(void *self, const struct iptfhir_host *host,
                                  struct iptfhir_error *error) {
    struct target *t = self;
    t->host = host;
    t->base_url = strdup(t->url);
    if (t->base_url == NULL)
        return host->fail(host, error, IPTFHIR_FATAL, "memory", "", "memory ran out");
    size_t length = strlen(t->base_url);
    while (length > 0 && t->base_url[length - 1] == '/')
        t->base_url[--length] = '\0';
    return IPTFHIR_OK;
}

/* Frees what an order kept. */
static void order_free(struct under_way *o) {
    match_free(&o->match);
    find_free(&o->find);
    read_free(&o->read);
    free(o);
}

/* Takes an order out of the list; NULL when it is not there. */
static struct under_way *order_take(struct target *t, uint64_t number) {
    for (struct under_way **at = &t->orders; *at != NULL; at = &(*at)->next) {
        struct under_way *o = *at;
        if (o->number == number) {
            *at = o->next;
            o->next = NULL;
            return o;
        }
    }
    return NULL;
}

/* Puts an order into the list. */
static void order_keep(struct target *t, struct under_way *o) {
    o->next = t->orders;
    t->orders = o;
}

static void target_fini(void *self) {
    struct target *t = self;
    while (t->orders != NULL)
        order_free(order_take(t, t->orders->number));
    capability_free(&t->capability);
    iptfhir_text_free(&t->text);
    free(t->base_url);
}

static void target_connection(void *self, struct iptfhir_http_settings *out) {
    const struct target *t = self;
    out->base_url = t->base_url;
    out->ca_file = t->ca_file;
    out->insecure_loopback = t->insecure_loopback;
    out->timeout_ms = t->timeout_ms;
    out->connect_timeout_ms = t->connect_timeout_ms;
    out->max_body = t->max_body;
    out->parallel = t->parallel;
}

/* Sets how the searches of an order go. */
static void set_ways(const struct target *t, struct searches *s) {
    s->base_url = t->base_url;
    s->by_get = t->post_refused;
    s->batch = t->capability.batch && !t->batch_refused;
}

/* Prepares an order; false when memory ran out. */
static bool order_begin(const struct target *t, struct under_way *o,
                        const struct iptfhir_order *order) {
    switch (order->task) {
    case IPTFHIR_MATCH:
        set_ways(t, &o->match.searches);
        o->match.searches.batch = false; /* it has few searches, and POST keeps them private */
        return match_begin(&o->match, order, t->patient_system);
    case IPTFHIR_FIND:
        set_ways(t, &o->find.searches);
        return find_begin(&o->find, order, &t->capability);
    case IPTFHIR_READ:
        o->read.batch = t->capability.batch && !t->batch_refused;
        return read_begin(&o->read, order);
    case IPTFHIR_LEARN:
    case IPTFHIR_WRITE: break;
    }
    return true;
}

/* Makes an order new, or finds it again for its next round; NULL when memory ran out. */
static struct under_way *order_of(struct target *t, const struct iptfhir_order *order) {
    struct under_way *o = order_take(t, order->number);
    if (o != NULL && order->round > 0)
        return o;
    if (o != NULL)
        order_free(o); /* asked anew from the start */
    o = calloc(1, sizeof *o);
    if (o == NULL)
        return NULL;
    o->number = order->number;
    o->task = order->task;
    if (order_begin(t, o, order))
        return o;
    order_free(o);
    return NULL;
}

/* Adds the request for the statement. */
static void ask_statement(struct request_writer *w) {
    request_begin(w, "GET");
    iptfhir_text_puts(&w->text, "/metadata");
    request_header(w, "Accept: application/fhir+json");
    request_send(w);
}

/* Adds the requests of an order whose rounds are remembered; false when memory ran out. */
static bool ask_in_rounds(struct target *t, const struct iptfhir_order *order,
                          struct request_writer *w) {
    struct under_way *o = order_of(t, order);
    if (o == NULL)
        return false;
    if (order->task == IPTFHIR_MATCH)
        searches_ask(&o->match.searches, w);
    else if (order->task == IPTFHIR_FIND)
        searches_ask(&o->find.searches, w);
    else
        read_ask(&o->read, order, w);
    order_keep(t, o);
    return true;
}

static iptfhir_status target_ask(void *self, const struct iptfhir_order *order,
                                 struct iptfhir_request_sink *sink, struct iptfhir_error *error) {
    struct target *t = self;
    struct request_writer w = { .sink = sink, .text = t->text };
    bool good = true;
    if (order->task == IPTFHIR_LEARN)
        ask_statement(&w);
    else if (order->task == IPTFHIR_WRITE)
        write_ask(order, &w);
    else
        good = ask_in_rounds(t, order, &w);
    t->text = w.text;
    if (good && !w.failed)
        return IPTFHIR_OK;
    return t->host->fail(t->host, error, IPTFHIR_RETRY, "memory", "",
                         "memory ran out while requests were written: nothing of them is to be "
                         "sent, ask again");
}

/* Takes the statement in, or pauses the target. */
static void answer_statement(struct target *t, const struct iptfhir_http_response *response,
                             struct iptfhir_evidence_sink *sink) {
    struct verdict_pause pause = { 0 };
    struct verdict v;
    struct answer a;
    const char *wrong = NULL;
    answer_open(&a, response, now_seconds());
    if (answer_succeeded(&a)) {
        wrong = response->truncated ? "longer than max_body allows"
                                    : capability_read(&t->capability, &a);
        if (wrong != NULL) {
            size_t used;
            verdict_unusable(&a, OPERATION_LEARN, &v);
            used = strlen(v.detail);
            (void)snprintf(v.detail + used, sizeof v.detail - used, ", %s", wrong);
            verdict_pause_note(&pause, &v);
        } else {
            t->post_refused = false;
            t->batch_refused = false;
            capability_tell(&t->capability, sink);
        }
    } else {
        verdict_of(&a, OPERATION_LEARN, &v);
        verdict_pause_note(&pause, &v);
    }
    answer_close(&a);
    verdict_pause_tell(&pause, sink);
}

/* Remembers what the searches of an order found out. */
static void learn_ways(struct target *t, const struct searches *s) {
    t->post_refused |= s->post_refused;
}

/* Reads a round of an order. */
static iptfhir_answered answer_round(struct target *t, struct under_way *o,
                                     const struct iptfhir_order *order,
                                     const struct iptfhir_http_response *answers, size_t count,
                                     struct iptfhir_evidence_sink *sink) {
    int64_t now = now_seconds();
    iptfhir_answered answered;
    if (order->task == IPTFHIR_MATCH) {
        answered = match_answer(&o->match, order, answers, count, now, sink);
        learn_ways(t, &o->match.searches);
    } else if (order->task == IPTFHIR_FIND) {
        answered = find_answer(&o->find, order, answers, count, now, sink);
        learn_ways(t, &o->find.searches);
        t->batch_refused |= !o->find.searches.batch;
    } else {
        answered = read_answer(&o->read, order, answers, count, now, sink);
        t->batch_refused |= !o->read.batch;
    }
    return answered;
}

static iptfhir_answered target_answer(void *self, const struct iptfhir_order *order,
                                      const struct iptfhir_http_response *answers, size_t count,
                                      struct iptfhir_evidence_sink *sink) {
    struct target *t = self;
    if (order->task == IPTFHIR_LEARN) {
        if (count > 0)
            answer_statement(t, &answers[0], sink);
        return IPTFHIR_ANSWERED;
    }
    if (order->task == IPTFHIR_WRITE) {
        write_answer(order, answers, count, now_seconds(), sink);
        return IPTFHIR_ANSWERED;
    }
    struct under_way *o = order_take(t, order->number);
    if (o == NULL || o->task != order->task) {
        if (o != NULL)
            order_free(o);
        return IPTFHIR_ANSWERED; /* never asked: without evidence nothing was done */
    }
    iptfhir_answered answered = answer_round(t, o, order, answers, count, sink);
    if (answered == IPTFHIR_AGAIN)
        order_keep(t, o);
    else
        order_free(o);
    return answered;
}

static const struct iptfhir_target target = { sizeof target, target_connection, target_ask,
                                              target_answer };

const struct iptfhir_descriptor iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof(struct iptfhir_descriptor),
    .name = "target-fhir",
    .version = "2.0",
    .summary = "creates and updates resources of a FHIR R4 server over TLS",
    .instance_size = sizeof(struct target),
    .options = options,
    .init = target_init,
    .fini = target_fini,
    .target = &target,
};
