/* SPDX-License-Identifier: Apache-2.0 */
/* A target that keeps a FHIR R4 server in step: options, life cycle, receipts, and the order of a
 * delivery. */
#include "fhir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const conflicts[] = { "hold", "ehr-wins", "clinic-wins", NULL };
static const char *const transactions[] = { "auto", "never", NULL };
static const char *const label_uses[] = { "send", "omit", NULL };

#define AT(member) offsetof(struct target, member)
static const struct iptfhir_option options[] = {
    { "url", IPTFHIR_STRING, IPTFHIR_REQUIRED, AT(url), NULL, 0, 0, NULL,
      "Base address of the FHIR server: https://host[:port]/path." },
    { "ca_file", IPTFHIR_PATH, IPTFHIR_MUST_EXIST, AT(ca_file), NULL, 0, 0, NULL,
      "PEM file of the CAs that may sign the server's certificate, instead of the system's." },
    { "patient_system", IPTFHIR_STRING, IPTFHIR_REQUIRED, AT(patient_system), NULL, 0, 0, NULL,
      "Identifier system by which patients are matched at this target." },
    { "conflict", IPTFHIR_CHOICE, 0, AT(conflict), "hold", 0, 0, conflicts,
      "What happens when both sides changed the same element: a person decides, theirs stays, or "
      "ours is written." },
    { "transaction", IPTFHIR_CHOICE, 0, AT(transaction), "auto", 0, 0, transactions,
      "Whether bundles are used where the server offers them, or single calls always." },
    { "labels", IPTFHIR_CHOICE, 0, AT(labels), "send", 0, 0, label_uses,
      "Whether meta.security is sent or left out." },
    { "parallel", IPTFHIR_INTEGER, 0, AT(parallel), "8", 1, 64, NULL,
      "Requests under way at once for one patient." },
    { "max_entries", IPTFHIR_INTEGER, 0, AT(max_entries), "0", 0, 10000, NULL,
      "Entries of a bundle at most; 0: what the server turns out to take." },
    { "accept_without_version", IPTFHIR_BOOLEAN, 0, AT(accept_without_version), "false", 0, 0, NULL,
      "Update also where the server gives no version, so that a change made there meanwhile may be "
      "lost." },
    { "timeout_ms", IPTFHIR_INTEGER, 0, AT(timeout_ms), "60000", 100, 3600000, NULL,
      "Longest time of one request, in milliseconds." },
    { "connect_timeout_ms", IPTFHIR_INTEGER, 0, AT(connect_timeout_ms), "10000", 100, 600000, NULL,
      "Longest time to connect, in milliseconds." },
    { "max_body", IPTFHIR_INTEGER, 0, AT(max_body), "4194304", 65536, 268435456, NULL,
      "Bytes of an answer that are taken." },
    { "insecure_loopback", IPTFHIR_BOOLEAN, 0, AT(insecure_loopback), "false", 0, 0, NULL,
      "Allow plain http to this machine, for tests." },
    IPTFHIR_OPTIONS_END,
};

int64_t steady_ms(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool valid_id(const char *id, size_t length) {
    if (length == 0 || length >= ID_SIZE)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = id[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '.' || c == '_'))
            return false;
    }
    return true;
}

/* Ends an item with a receipt. */
static void receipt(struct delivery *d, struct item *it, enum item_state state,
                    const struct iptfhir_receipt *r) {
    it->state = state;
    d->sink->receipt(d->sink, (size_t)(it - d->items), r);
}

void settle_done(struct delivery *d, struct item *it, iptfhir_receipt_status status) {
    struct iptfhir_receipt r = { .size = sizeof r,
                                 .status = status,
                                 .server_id = it->id,
                                 .version = it->version[0] != '\0' ? it->version : NULL };
    receipt(d, it, ITEM_SETTLED, &r);
}

void settle_held(struct delivery *d, struct item *it, const char *code, const char *detail) {
    struct iptfhir_receipt r = { .size = sizeof r,
                                 .status = IPTFHIR_HELD,
                                 .code = code != NULL ? code : "invalid",
                                 .detail = detail };
    receipt(d, it, ITEM_HELD, &r);
}

void settle_later(struct delivery *d, struct item *it, int64_t retry_after_ms) {
    struct iptfhir_receipt r = { .size = sizeof r,
                                 .status = IPTFHIR_LATER,
                                 .retry_after_ms = retry_after_ms };
    receipt(d, it, ITEM_WAITS, &r);
}

void settle_unknown(struct delivery *d, struct item *it) {
    struct iptfhir_receipt r = { .size = sizeof r,
                                 .status = IPTFHIR_UNKNOWN,
                                 .retry_after_ms = d->retry_after_ms };
    receipt(d, it, ITEM_WAITS, &r);
}

void stop_target(struct delivery *d, const char *code, const char *why) {
    d->stopped = true;
    d->status = d->t->host->fail(d->t->host, d->error, IPTFHIR_RETRY, code, d->t->url, "%s", why);
}

void stop_later(struct delivery *d, int64_t retry_after_ms) {
    d->stopped = true;
    if (retry_after_ms > d->retry_after_ms)
        d->retry_after_ms = retry_after_ms;
}

/* Opens the pool; nothing is sent yet. */
static iptfhir_status target_init(void *self, const struct iptfhir_host *host,
                                  struct iptfhir_error *error) {
    struct target *t = self;
    struct iptfhir_http_settings s = { .size = sizeof s,
                                       .base_url = t->url,
                                       .ca_file = t->ca_file,
                                       .insecure_loopback = t->insecure_loopback,
                                       .timeout_ms = t->timeout_ms,
                                       .connect_timeout_ms = t->connect_timeout_ms,
                                       .max_body = t->max_body,
                                       .parallel = t->parallel };
    t->host = host;
    t->http = host->http_open(host, &s, error);
    return t->http != NULL ? IPTFHIR_OK : IPTFHIR_FATAL;
}

/* Closes the pool and frees what deliveries kept. */
static void target_fini(void *self) {
    struct target *t = self;
    t->host->http_close(t->http);
    capability_free(&t->capability);
    call_free(&t->call);
    text_free(&t->mine);
    text_free(&t->base);
    text_free(&t->theirs);
    free(t->patients);
    free(t->items);
    free(t->list);
}

/* Reads /metadata unless it was read lately; false when the delivery is stopped. */
static bool learn_server(struct delivery *d) {
    struct target *t = d->t;
    struct capability *c = &t->capability;
    struct verdict v;
    if (c->read_ms != 0 && steady_ms() - c->read_ms < CACHE_MS)
        return true;
    call_clear(&t->call);
    (void)call_begin(&t->call, "GET");
    text_puts(&t->call.text, "/metadata");
    call_header(&t->call);
    text_puts(&t->call.text, "Accept: application/fhir+json");
    call_finish(&t->call);
    if (!call_perform(d, &t->call))
        return false;
    struct answer a = call_answer(&t->call, 0);
    outcome_judge(&a, OP_METADATA, &v);
    if (v.action == ACT_LATER) {
        stop_later(d, v.retry_after_ms);
    } else if (v.action != ACT_DONE) {
        stop_target(d, v.code != NULL ? v.code : "target-answer", v.detail);
    } else {
        const char *wrong = a.truncated ? "/metadata is longer than max_body allows"
                                        : capability_parse(c, a.body, a.body_length);
        if (wrong != NULL)
            stop_target(d, "target-metadata", wrong);
        else
            c->read_ms = steady_ms();
        t->limit_entries = t->limit_conditional =
            0; /* what was found out before may have changed with it */
    }
    return !d->stopped;
}

/* Sets an item's state by what the server takes of its type; what it does not take is held. */
static void plan_item(struct delivery *d, struct item *it) {
    char detail[DETAIL_SIZE];
    bool known = it->id[0] != '\0';
    unsigned need = known ? CAN_UPDATE : CAN_CREATE;
    it->flags = capability_flags(&d->t->capability, it->change->type);
    if ((it->flags & need) == 0) {
        (void)snprintf(detail, sizeof detail,
                       "%.60s: the target does not offer %s in its /metadata", it->change->type,
                       known ? "update" : "create");
        settle_held(d, it, "capability", detail);
    } else if (known) {
        bool look =
            it->change->unknown || (it->version[0] == '\0' && !d->t->accept_without_version);
        it->state = it->change->unknown ? ITEM_LOST : look ? ITEM_CONFLICT : ITEM_KNOWN;
    } else {
        it->state = it->change->unknown ? ITEM_LOST : ITEM_NEW;
    }
}

/* Makes the items of a delivery in memory that is kept. */
static bool make_items(struct delivery *d) {
    struct target *t = d->t;
    if (d->count > t->item_capacity) {
        struct item *items = realloc(t->items, d->count * sizeof *items);
        if (items != NULL)
            t->items = items;
        struct item **list = realloc(t->list, 2 * d->count * sizeof(struct item *));
        if (list != NULL)
            t->list = list;
        if (items == NULL || list == NULL)
            return false;
        t->item_capacity = d->count;
    }
    d->items = t->items;
    for (size_t i = 0; i < d->count; i++) {
        struct item *it = &d->items[i];
        memset(it, 0, sizeof *it);
        it->change = &d->set->changes[i];
        if (it->change->server_id != NULL &&
            valid_id(it->change->server_id, strlen(it->change->server_id)))
            (void)snprintf(it->id, sizeof it->id, "%s", it->change->server_id);
        if (it->id[0] != '\0' && it->change->version != NULL)
            (void)snprintf(it->version, sizeof it->version, "%s", it->change->version);
    }
    return true;
}

/* Looks for what an earlier delivery may have left at the target, before anything is sent. */
static void find_unknown(struct delivery *d) {
    struct item **lost = d->t->list + d->count;
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++)
        if (d->items[i].state == ITEM_LOST && d->items[i].id[0] == '\0')
            lost[count++] = &d->items[i];
    if (count > 0)
        search_items(d, lost, count, false);
}

/* Sends what is left, in the best way that the server has. */
static void send_all(struct delivery *d) {
    struct target *t = d->t;
    find_unknown(d);
    single_tidy(d, false);
    bool whole = !d->stopped && t->capability.transaction && t->transaction == TRANSACTION_AUTO &&
                 bundle_transactions(d);
    if (!whole)
        single_deliver(d);
    single_tidy(d, true);
}

/* Gives the rest its receipt: what may be there is unknown, what was not sent waits. */
static void finish(struct delivery *d) {
    for (size_t i = 0; i < d->count; i++) {
        struct item *it = &d->items[i];
        bool lost = it->state == ITEM_LOST || it->change->unknown ||
                    (it->state == ITEM_CONFLICT && it->change->server_id == NULL);
        if (it->state >= ITEM_SETTLED)
            continue;
        if (lost)
            settle_unknown(d, it);
        else
            settle_later(d, it, d->retry_after_ms);
    }
}

/* Delivers a change set: server, patient, capabilities, what was lost before, then the rest. */
static iptfhir_status target_deliver(void *self, const struct iptfhir_change_set *set,
                                     struct iptfhir_receipt_sink *sink,
                                     struct iptfhir_error *error) {
    struct target *t = self;
    struct delivery d = {
        .t = t, .set = set, .sink = sink, .error = error, .count = set->count, .status = IPTFHIR_OK
    };
    if (set->count == 0)
        return IPTFHIR_OK;
    if (!make_items(&d))
        return t->host->fail(t->host, error, IPTFHIR_RETRY, "target-memory", t->url,
                             "memory ran out before anything was sent");
    if (learn_server(&d) && patient_match(&d)) {
        for (size_t i = 0; i < d.count; i++)
            plan_item(&d, &d.items[i]);
        send_all(&d);
    }
    finish(&d);
    return d.status;
}

/* Reads /metadata anew: reachable, and a FHIR R4 server? */
static iptfhir_status target_probe(void *self, struct iptfhir_error *error) {
    struct target *t = self;
    struct delivery d = { .t = t, .error = error, .status = IPTFHIR_OK };
    t->capability.read_ms = 0;
    if (!learn_server(&d) && d.status == IPTFHIR_OK)
        d.status = t->host->fail(t->host, error, IPTFHIR_RETRY, "target-busy", t->url,
                                 "the server is there, but asks to come back later");
    return d.status;
}

static const struct iptfhir_target target = { sizeof target, target_deliver, target_probe };

extern const struct iptfhir_descriptor iptfhir_plugin;
IPTFHIR_PLUGIN_EXPORT const struct iptfhir_descriptor iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof(struct iptfhir_descriptor),
    .name = "target-fhir",
    .version = "1.0",
    .summary = "creates and updates resources of a FHIR R4 server over TLS",
    .instance_size = sizeof(struct target),
    .options = options,
    .init = target_init,
    .fini = target_fini,
    .target = &target,
};
