/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile answers to target-fhir: whatever a server says, evidence keeps its promises. */
#include "tests/fuzz/answers.h"

#include <iptfhir/target.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 4, ROUNDS = 6, HEAD = 6, HEADERS_MOST = 500 };
static const char types[ITEMS][16] = { "Goal", "Goal", "CarePlan", "Observation" };
static const char uuids[ITEMS][40] = { "00000000-0000-5000-8000-000000000001",
                                       "00000000-0000-5000-8000-000000000002",
                                       "00000000-0000-5000-8000-000000000003",
                                       "00000000-0000-5000-8000-000000000004" };
static const char values[ITEMS][4] = { "g1", "g2", "c1", "o1" };
static const char server_ids[ITEMS][4] = { "s1", "s2", "s3", "s4" };
static const char body[] = "{\"resourceType\":\"Goal\",\"code\":{\"coding\":[{\"code\":\"x\"}]}}";

#define SEARCHED "\"interaction\":[{\"code\":\"search-type\"},{\"code\":\"read\"}],\"searchParam\":"
#define STATEMENT(system, types)                                                                   \
    "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\",\"rest\":[{\"mode\":"     \
    "\"server\",\"interaction\":[" system "],\"resource\":[" types "]}]}"
static const char batches[] =
    STATEMENT("{\"code\":\"batch\"}",
              "{\"type\":\"Goal\"," SEARCHED "[{\"name\":\"identifier\"},{\"name\":\"patient\"}]},"
              "{\"type\":\"CarePlan\"," SEARCHED "[{\"name\":\"identifier\"}]}");
static const char oracle[] =
    STATEMENT("", "{\"type\":\"Observation\"," SEARCHED "[{\"name\":\"patient\"},{\"name\":"
                  "\"code\"}]},{\"type\":\"Goal\"," SEARCHED "[{\"name\":\"subject\"}]}");

/* Ends the run: a promise was broken. */
static void broken(const char *promise) {
    fprintf(stderr, "broken: %s\n", promise);
    abort();
}

static void host_log(const struct iptfhir_host *host, iptfhir_level level, const char *format,
                     ...) {
    (void)host, (void)level, (void)format;
}

static iptfhir_status host_fail(const struct iptfhir_host *host, struct iptfhir_error *error,
                                iptfhir_status status, const char *code, const char *where,
                                const char *format, ...) {
    (void)host, (void)error, (void)code, (void)where, (void)format;
    return status;
}

static const struct iptfhir_host host = { .size = sizeof host, .log = host_log, .fail = host_fail };

/* ---- what is asked ---- */
static size_t asked;

/* Tells whether a request stays on its line and below the target's address. */
static void take_request(struct iptfhir_request_sink *sink,
                         const struct iptfhir_http_request *request) {
    (void)sink;
    asked++;
    const char *path = request->path;
    if (path[0] != '\0' && path[0] != '/' && path[0] != '?')
        broken("a path begins with / or ?");
    if (strpbrk(path, " \r\n\t\\#") != NULL)
        broken("a path is of one word");
    const char *climbs = strstr(path, "/..");
    if (climbs != NULL && climbs < path + strcspn(path, "?"))
        broken("a path does not climb");
    for (size_t i = 0; request->headers[i] != NULL; i++) {
        if (strpbrk(request->headers[i], "\r\n") != NULL)
            broken("a header is one line");
    }
}

/* ---- what is proved ---- */
/* Tells whether a text can be an id. */
static bool is_id(const char *id) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    size_t length = strspn(id, letters);
    return length > 0 && length <= 64 && id[length] == '\0';
}

static void take_item(struct iptfhir_evidence_sink *sink, size_t index,
                      const struct iptfhir_evidence *e) {
    (void)sink;
    bool placed = e->proof == IPTFHIR_WRITTEN || e->proof == IPTFHIR_FOUND;
    if (index >= ITEMS)
        broken("evidence is of an item");
    if (e->detail != NULL && (strlen(e->detail) > 500 || strstr(e->detail, "Mrs Canary") != NULL))
        broken("a detail is short and says no free text");
    if (e->server_id != NULL && !is_id(e->server_id))
        broken("an id is one");
    if (e->proof == IPTFHIR_WRITTEN && e->server_id == NULL)
        broken("what was written has an id");
    if (e->version != NULL && strpbrk(e->version, "\"\r\n \\") != NULL)
        broken("a version can stand in a header");
    if (e->body == NULL)
        return;
    json_t *json = json_loadb(e->body, e->body_length, 0, NULL);
    const char *type = json_string_value(json_object_get(json, "resourceType"));
    if (!placed || type == NULL || strcmp(type, types[index]) != 0)
        broken("a body is a resource of the item's type");
    json_decref(json);
}

static void take_candidate(struct iptfhir_evidence_sink *sink, const struct iptfhir_candidate *c) {
    (void)sink;
    if (!is_id(c->server_id) || c->families == NULL || c->givens == NULL)
        broken("a candidate is whole");
}

static void take_abilities(struct iptfhir_evidence_sink *sink, const struct iptfhir_abilities *a) {
    (void)sink;
    for (const struct iptfhir_ability *t = a->types; t->type != NULL; t++) {
        if (t[1].type != NULL && strcmp(t->type, t[1].type) >= 0)
            broken("a type stands once");
    }
}

static void take_pause(struct iptfhir_evidence_sink *sink, const struct iptfhir_pause *p) {
    (void)sink;
    bool in_range = p->retry_after_ms >= 0 && p->retry_after_ms <= 24 * 3600 * 1000;
    if (!in_range || strstr(p->detail, "Mrs Canary") != NULL)
        broken("a pause is at most a day and says no free text");
}

/* ---- the order ---- */
/* Returns the place of a letter in a list, 0 when it is not there. */
static int choose(const char *letters, uint8_t letter) {
    const char *at = letter != '\0' ? strchr(letters, letter) : NULL;
    return at != NULL ? (int)(at - letters) : 0;
}

/* Makes the items, with each verb once. */
static void make_items(struct iptfhir_item *items) {
    for (int i = 0; i < ITEMS; i++)
        items[i] = (struct iptfhir_item) { .size = sizeof *items,
                                           .type = types[i],
                                           .id = uuids[i],
                                           .system = "urn:ipt",
                                           .value = values[i],
                                           .server_id = server_ids[i],
                                           .verb = (iptfhir_verb)i,
                                           .body = body,
                                           .body_length = sizeof body - 1 };
}

/* Asks and answers an order, round after round, with the same answer to each request. */
static void carry_out(void *self, struct iptfhir_order *order,
                      const struct iptfhir_http_response *answer,
                      struct iptfhir_evidence_sink *sink) {
    struct iptfhir_request_sink requests = { sizeof requests, NULL, take_request };
    struct iptfhir_http_response answers[2 * ITEMS];
    iptfhir_answered answered = IPTFHIR_AGAIN;
    for (; answered == IPTFHIR_AGAIN && order->round < ROUNDS; order->round++) {
        asked = 0;
        if (iptfhir_plugin.target->ask(self, order, &requests, NULL) != IPTFHIR_OK)
            return;
        if (asked > 2 * ITEMS)
            broken("an order has as many requests as items");
        for (size_t i = 0; i < asked; i++)
            answers[i] = *answer;
        answered =
            iptfhir_plugin.target->answer(self, order, asked > 0 ? answers : NULL, asked, sink);
    }
}

/* Sets a text option. */
static void set_option(char *self, const char *name, const char *value) {
    for (const struct iptfhir_option *o = iptfhir_plugin.options; o->name != NULL; o++) {
        if (strcmp(o->name, name) == 0)
            *(const char **)(void *)(self + o->offset) = value;
    }
}

/* Lets the instance learn a statement of ours. */
static void learn(void *self, uint8_t which, struct iptfhir_evidence_sink *sink) {
    const char *statements[] = { NULL, batches, oracle };
    const char *text = statements[choose("-bo", which)];
    struct iptfhir_order order = { .size = sizeof order, .number = 1, .task = IPTFHIR_LEARN };
    if (text == NULL)
        return;
    const struct iptfhir_http_response response = {
        .size = sizeof response, .status = 200, .body = text, .body_length = strlen(text)
    };
    carry_out(self, &order, &response, sink);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct iptfhir_identifier ids[] = { { "urn:mrn", "77" }, { "urn:mrn", "78" } };
    char head[HEADERS_MOST + 1], *text = NULL;
    struct iptfhir_item items[ITEMS];
    struct iptfhir_evidence_sink sink = { sizeof sink,    NULL,           take_item,
                                          take_candidate, take_abilities, take_pause };
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    if (line == NULL || line - data < HEAD || line - data > HEADERS_MOST)
        return 0;
    size_t length = (size_t)(line - data);
    memcpy(head, data, length);
    head[length] = '\0';
    size_t body_length = size - length - 1;
    text = malloc(body_length + 1); /* of its own, so that reading past its end is seen */
    char *self = calloc(1, iptfhir_plugin.instance_size);
    if (text == NULL || self == NULL)
        abort();
    memcpy(text, line + 1, body_length);
    set_option(self, "url", "https://ehr.example/fhir");
    set_option(self, "patient_system", "urn:mrn");
    if (iptfhir_plugin.init(self, &host, NULL) != IPTFHIR_OK)
        abort();
    const char *headers = length > HEAD ? head + HEAD : NULL;
    struct iptfhir_http_response response = { .size = sizeof response,
                                              .status = atoi(
                                                  (char[]) { head[3], head[4], head[5], '\0' }),
                                              .body = text,
                                              .body_length = body_length,
                                              .etag = headers,
                                              .location = headers,
                                              .retry_after = headers,
                                              .date = headers,
                                              .content_type = headers };
    if (response.status == 0)
        response.outcome = IPTFHIR_HTTP_LOST;
    make_items(items);
    learn(self, data[2], &sink);
    struct iptfhir_order order = { .size = sizeof order,
                                   .number = 2,
                                   .task = (iptfhir_task)choose("lmfrw", data[0]),
                                   .together = (iptfhir_together)choose("sbt", data[1]),
                                   .chart = "p9",
                                   .identifiers = ids,
                                   .identifier_count = 2,
                                   .items = items,
                                   .count = ITEMS };
    carry_out(self, &order, &response, &sink);
    iptfhir_plugin.fini(self);
    free(self);
    free(text);
    return 0;
}
