/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of orders share: an instance against a mock host, an order that is asked and
 * answered round by round, and the answers that servers of several makers give. */
#ifndef TARGET_FHIR_FIXTURE_H
#define TARGET_FHIR_FIXTURE_H

#include "tests/mock_host.h"

#include <check.h>

extern const struct iptfhir_descriptor iptfhir_plugin;

#define U1 "00000000-0000-5000-8000-000000000001"
#define U2 "00000000-0000-5000-8000-000000000002"
#define U3 "00000000-0000-5000-8000-000000000003"

/* ---- statements ---- */
#define SEARCHES "\"searchParam\":[{\"name\":\"identifier\"},{\"name\":\"patient\"}]"
#define ALL                                                                                        \
    "\"interaction\":[{\"code\":\"create\"},{\"code\":\"update\"},{\"code\":\"read\"},{\"code\":"  \
    "\"search-type\"}]"
#define STATEMENT(system, resources)                                                               \
    "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\",\"rest\":[{\"mode\":"     \
    "\"server\",\"interaction\":[" system "],\"resource\":[" resources "]}]}"
#define RESOURCES                                                                                  \
    "{\"type\":\"Patient\",\"interaction\":[{\"code\":\"search-type\"}]," SEARCHES                 \
    "},{\"type\":\"Goal\"," ALL "," SEARCHES "},{\"type\":\"CarePlan\"," ALL "," SEARCHES "}"
#define SINGLE STATEMENT("", RESOURCES)
#define BATCHES STATEMENT("{\"code\":\"batch\"}", RESOURCES)
/* Oracle Health: an Observation is searched by patient and code, not by identifier. */
#define ORACLE                                                                                     \
    STATEMENT("", "{\"type\":\"Observation\"," ALL ",\"searchParam\":[{\"name\":\"patient\"},"     \
                  "{\"name\":\"code\"},{\"name\":\"category\"}]}")

/* ---- searchsets ---- */
#define SET(more, entries)                                                                         \
    "{\"resourceType\":\"Bundle\",\"type\":\"searchset\"" more ",\"entry\":[" entries "]}"
#define ENTRY(resource) "{\"resource\":" resource "}"
#define NONE "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":0}"
#define NEXT(url)                                                                                  \
    ",\"link\":[{\"relation\":\"self\",\"url\":\"x\"},{\"relation\":\"next\",\"url\":\"" url "\"}" \
    "]"
#define PATIENT(id, mrn, more)                                                                     \
    "{\"resourceType\":\"Patient\",\"id\":\"" id "\",\"identifier\":[{\"system\":\"urn:mrn\","     \
    "\"value\":\"" mrn "\"}]" more "}"
#define GOAL(id, version, value)                                                                   \
    "{\"resourceType\":\"Goal\",\"id\":\"" id "\",\"meta\":{\"versionId\":\"" version              \
    "\"},\"identifier\":[{\"system\":\"urn:ipt\",\"value\":\"" value "\"}]}"
#define RESPONSE_BUNDLE(type, entries)                                                             \
    "{\"resourceType\":\"Bundle\",\"type\":\"" type "-response\",\"entry\":[" entries "]}"
#define OUTCOME(severity, code, more)                                                              \
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"" severity                  \
    "\",\"code\":\"" code "\"" more "}]}"
#define ANSWERED(status, more) "{\"response\":{\"status\":\"" status "\"}" more "}"
#define PAGE "<!DOCTYPE html><html><body>Sign in</body></html>"

/* ---- the instance ---- */
static struct mock_host host;
static void *target;
static struct mock_requests requests;
static struct mock_evidence told;
static struct iptfhir_order order;
static struct iptfhir_item items[4];
static struct iptfhir_error error;

/* Sets a text option of the instance. */
MOCK_UNUSED static void set_option(const char *name, const char *value) {
    for (const struct iptfhir_option *o = iptfhir_plugin.options; o->name != NULL; o++) {
        if (strcmp(o->name, name) == 0)
            *(const char **)((char *)target + o->offset) = value;
    }
}

/* A goal as an item. */
MOCK_UNUSED static struct iptfhir_item goal(const char *id, const char *value) {
    static const char body[] = "{\"resourceType\":\"Goal\"}";
    return (struct iptfhir_item) { .size = sizeof(struct iptfhir_item),
                                   .type = "Goal",
                                   .id = id,
                                   .system = "urn:ipt",
                                   .value = value,
                                   .body = body,
                                   .body_length = sizeof body - 1 };
}

static void set_up(void) {
    mock_host_open(&host);
    mock_requests_open(&requests);
    mock_evidence_open(&told);
    target = calloc(1, iptfhir_plugin.instance_size);
    ck_assert_ptr_nonnull(target);
    set_option("url", "https://ehr.example/fhir/");
    set_option("patient_system", "urn:mrn");
    ck_assert_int_eq(iptfhir_plugin.init(target, &host.host, &error), IPTFHIR_OK);
    order = (struct iptfhir_order) {
        .size = sizeof order, .number = 1, .chart = "p9", .items = items, .count = 1
    };
    items[0] = goal(U1, "g1");
    items[1] = goal(U2, "g2");
    items[2] = goal(U3, "g3");
}

static void tear_down(void) {
    iptfhir_plugin.fini(target);
    free(target);
    mock_evidence_close(&told);
    mock_requests_close(&requests);
    mock_host_close(&host);
}

/* An answer with a status and a body. */
MOCK_UNUSED static struct iptfhir_http_response answer(int status, const char *body) {
    return (struct iptfhir_http_response) { .size = sizeof(struct iptfhir_http_response),
                                            .outcome = IPTFHIR_HTTP_ANSWERED,
                                            .status = status,
                                            .body = body,
                                            .body_length = strlen(body),
                                            .content_type = body[0] == '<'
                                                                ? "text/html; charset=utf-8"
                                                                : "application/fhir+json" };
}

/* Asks the order; the requests are in `requests`. */
MOCK_UNUSED static void ask(void) {
    mock_requests_close(&requests);
    ck_assert_int_eq(iptfhir_plugin.target->ask(target, &order, &requests.sink, &error),
                     IPTFHIR_OK);
}

/* Answers it, and checks that there is one answer a request. */
MOCK_UNUSED static iptfhir_answered answers(const struct iptfhir_http_response *list,
                                            size_t count) {
    ck_assert_uint_eq(requests.count, count);
    return iptfhir_plugin.target->answer(target, &order, count > 0 ? list : NULL, count,
                                         &told.sink);
}

/* One round with one request: asked and answered. */
MOCK_UNUSED static iptfhir_answered round_of(int status, const char *body) {
    const struct iptfhir_http_response one = answer(status, body);
    ask();
    iptfhir_answered answered = answers(&one, 1);
    order.round++;
    return answered;
}

/* Lets the instance learn a statement, and forgets what it told. */
MOCK_UNUSED static void learn(const char *statement) {
    struct iptfhir_order before = order;
    order = (struct iptfhir_order) { .size = sizeof order, .number = 99, .task = IPTFHIR_LEARN };
    ck_assert_int_eq(round_of(200, statement), IPTFHIR_ANSWERED);
    order = before;
    ck_assert_uint_eq(told.pause_count, 0);
    mock_evidence_close(&told);
    mock_evidence_open(&told);
}

/* Asserts the only proof of an item. */
MOCK_UNUSED static const struct mock_proof *proves(size_t index, iptfhir_proof proof) {
    const struct mock_proof *p = mock_proof_of(&told, index, 0);
    ck_assert_msg(p != NULL, "nothing was told of item %zu", index);
    ck_assert_msg(p->proof == proof, "item %zu: proof %d, not %d (%s %s)", index, (int)p->proof,
                  (int)proof, p->code, p->detail);
    ck_assert_ptr_null(mock_proof_of(&told, index, 1));
    return p;
}

/* A case of the suite, each of whose tests has an instance of its own. */
MOCK_UNUSED static TCase *case_of(Suite *suite, const char *name) {
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, set_up, tear_down);
    suite_add_tcase(suite, c);
    return c;
}

/* Runs the suite and frees it; returns the exit code of the test. */
MOCK_UNUSED static int run_suite(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif
