/* SPDX-License-Identifier: Apache-2.0 */
/* Renders mapping files as they are: a new resource type needs no C. */
#include <iptfhir/plugin.h>

struct mapper {
    const char *const *mappings;
    const struct iptfhir_host *host;
};

static const struct iptfhir_option options[] = {
    IPTFHIR_OPTION_LIST(struct mapper, mappings, "mappings", IPTFHIR_REQUIRED, NULL,
                        "Names of mapping files, without .yaml, that are rendered for every "
                        "record, in this order."),
    IPTFHIR_OPTIONS_END,
};

/* Keeps the host; an empty list is a mistake. */
static iptfhir_status mapper_init(void *self, const struct iptfhir_host *host,
                                  struct iptfhir_error *error) {
    struct mapper *m = self;
    m->host = host;
    if (m->mappings && m->mappings[0])
        return IPTFHIR_OK;
    return host->fail(host, error, IPTFHIR_FATAL, "mappings", NULL,
                      "the list is empty: name at least one mapping file, or leave the mapper out");
}

/* Renders each mapping file with the record alone. */
static iptfhir_status mapper_map(const void *self, const struct iptfhir_record *record,
                                 struct iptfhir_resource_sink *sink, struct iptfhir_error *error) {
    const struct mapper *m = self;
    iptfhir_status status = IPTFHIR_OK;
    (void)record;
    for (const char *const *name = m->mappings; status == IPTFHIR_OK && *name; name++)
        status = sink->render(sink, *name, NULL, error);
    return status;
}

static const char *const emits[] = {
    "Condition",           "CareTeam",       "Encounter", "Procedure",  "RelatedPerson",
    "MedicationStatement", "ServiceRequest", "Consent",   "Provenance", NULL
};
static const struct iptfhir_mapper mapper = { sizeof mapper, emits, mapper_map };

const struct iptfhir_descriptor iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof iptfhir_plugin,
    .name = "map-template",
    .version = "1",
    .summary = "Renders mapping files for every record, without C.",
    .instance_size = sizeof(struct mapper),
    .options = options,
    .init = mapper_init,
    .mapper = &mapper,
};
