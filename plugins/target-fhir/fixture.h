/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of deliveries share: statements, answers, a goal and a plan that refers to it, and
 * the receipts that came. */
#ifndef TARGET_FHIR_FIXTURE_H
#define TARGET_FHIR_FIXTURE_H

#include "fhir.h"
#include "script_host.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct iptfhir_descriptor iptfhir_plugin;

#define U1 "00000000-0000-5000-8000-000000000001"
#define U2 "00000000-0000-5000-8000-000000000002"
#define U3 "00000000-0000-5000-8000-000000000003"
#define SEARCHES "\"searchParam\":[{\"name\":\"identifier\"},{\"name\":\"patient\"}]"
#define ALL                                                                                        \
    "\"interaction\":[{\"code\":\"create\"},{\"code\":\"update\"},{\"code\":\"read\"},{\"code\":"  \
    "\"search-type\"}]"
#define STATEMENT(system, conditional)                                                             \
    "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\",\"rest\":[{\"mode\":"     \
    "\"server\","                                                                                  \
    "\"interaction\":[" system                                                                     \
    "],\"resource\":[{\"type\":\"Patient\",\"interaction\":[{\"code\":\"search-type\"}]," SEARCHES \
    "},{\"type\":\"Goal\"," ALL ",\"conditionalCreate\":" conditional "," SEARCHES                 \
    "},{\"type\":\"CarePlan\"," ALL ",\"conditionalCreate\":" conditional "," SEARCHES "}]}]}"
#define SINGLE STATEMENT("", "true")
#define PLAIN STATEMENT("", "false")
#define TRANSACTIONS STATEMENT("{\"code\":\"transaction\"}", "true")
#define BATCHES STATEMENT("{\"code\":\"batch\"}", "true")
#define PATIENT(id, more)                                                                          \
    "{\"resourceType\":\"Patient\",\"id\":\"" id                                                   \
    "\",\"identifier\":[{\"system\":\"urn:mrn\",\"value\":\"77\"}],\"birthDate\":\"1970-02-03\","  \
    "\"name\":[{\"family\":\"M\u00dcLLER\"}]" more "}"
#define FOUND(resource)                                                                            \
    "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"entry\":[{\"resource\":" resource "}]}"
#define TWO(a, b)                                                                                  \
    "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"entry\":[{\"resource\":" a              \
    "},{\"resource\":" b "}]}"
#define NONE "{\"resourceType\":\"Bundle\",\"type\":\"searchset\"}"
#define GOAL(id, version, more)                                                                    \
    "{\"resourceType\":\"Goal\",\"id\":\"" id "\",\"meta\":{\"versionId\":\"" version              \
    "\"},\"identifier\":[{\"system\":\"urn:ipt\",\"value\":\"g1\"}],"                              \
    "\"subject\":{\"reference\":\"Patient/p9\"}" more "}"
#define METADATA(statement)                                                                        \
    { "GET /metadata", 200, statement, NULL, NULL, NULL }
#define THE_PATIENT                                                                                \
    { "POST /Patient/_search", 200, FOUND(PATIENT("p9", "")), NULL, NULL, NULL }
#define END                                                                                        \
    { NULL, 0, NULL, NULL, NULL, NULL }

static struct target *target;
static struct iptfhir_receipt got[8];
static char got_id[8][80], got_version[8][80], got_detail[8][512], got_code[8][40];
static struct iptfhir_change changes[3];
static struct iptfhir_reference refers;

/* Copies a receipt, whose texts live only as long as the call. */
static void keep(struct iptfhir_receipt_sink *sink, size_t i, const struct iptfhir_receipt *r) {
    (void)sink;
    got[i] = *r;
    (void)snprintf(got_id[i], sizeof got_id[i], "%s", r->server_id != NULL ? r->server_id : "");
    (void)snprintf(got_version[i], sizeof got_version[i], "%s",
                   r->version != NULL ? r->version : "");
    (void)snprintf(got_detail[i], sizeof got_detail[i], "%s", r->detail != NULL ? r->detail : "");
    (void)snprintf(got_code[i], sizeof got_code[i], "%s", r->code != NULL ? r->code : "");
}

/* A goal, and a plan that refers to it. */
static void set_up(void) {
    static const char goal[] = "{\"resourceType\":\"Goal\",\"id\":\"" U1
                               "\",\"identifier\":[{\"system\":\"urn:ipt\",\"value\":\"g1\"}],"
                               "\"subject\":{\"reference\":\"Patient/ours\"}}";
    static const char plan[] = "{\"resourceType\":\"CarePlan\",\"id\":\"" U2
                               "\",\"subject\":{\"reference\":\"Patient/ours\"},"
                               "\"goal\":[{\"reference\":\"Goal/" U1 "\"}]}";
    target = calloc(1, sizeof *target);
    ck_assert_ptr_nonnull(target);
    target->url = "https://ehr.example/fhir";
    target->patient_system = "urn:mrn";
    memset(got, 0, sizeof got);
    script_merge = NULL;
    refers = (struct iptfhir_reference) { "Goal", U1, "urn:ipt", "g1", NULL, 0, false };
    changes[0] = (struct iptfhir_change) { .size = sizeof *changes,
                                           .type = "Goal",
                                           .id = U1,
                                           .identifier_system = "urn:ipt",
                                           .identifier_value = "g1",
                                           .body = goal,
                                           .body_length = strlen(goal) };
    changes[1] = (struct iptfhir_change) { .size = sizeof *changes,
                                           .type = "CarePlan",
                                           .id = U2,
                                           .identifier_system = "urn:ipt",
                                           .identifier_value = "c1",
                                           .body = plan,
                                           .body_length = strlen(plan),
                                           .references = &refers,
                                           .reference_count = 1 };
    changes[2] = changes[0];
    changes[2].id = U3;
    changes[2].identifier_value = "g3";
    ck_assert_int_eq(iptfhir_plugin.init(target, &script_host, NULL), IPTFHIR_OK);
}

static void tear_down(void) {
    iptfhir_plugin.fini(target);
    free(target);
}

/* Delivers the first `count` changes against a script, which must be used up. */
static iptfhir_status deliver(const struct line *lines, size_t count) {
    static const struct iptfhir_identifier ids[] = { { "urn:other", "1" }, { "urn:mrn", "77" } };
    struct iptfhir_change_set set = { sizeof set,    ids,          2,       "ours",
                                      "m\u00fcller", "1970-02-03", changes, count };
    struct iptfhir_receipt_sink sink = { sizeof sink, NULL, keep };
    script_set(lines);
    iptfhir_status status = iptfhir_plugin.target->deliver(target, &set, &sink, &script_error);
    script_done();
    return status;
}

/* Asserts that a request that was sent has a part. */
#define SENT(n, part)                                                                              \
    ck_assert_msg(strstr(script_sent[n], part) != NULL, "no %s in %s", part, script_sent[n])
#define NOT_SENT(n, part)                                                                          \
    ck_assert_msg(strstr(script_sent[n], part) == NULL, "%s in %s", part, script_sent[n])

#define BASE "{\"resourceType\":\"Goal\",\"id\":\"" U1 "\",\"old\":true}"

/* Makes the first change known to the ledger. */
static void known(const char *version, const char *base) {
    changes[0].server_id = "g-5";
    changes[0].version = version;
    changes[0].base = base;
}
#endif
