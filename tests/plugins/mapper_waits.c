/* SPDX-License-Identifier: Apache-2.0 */
/* A mapper that waits in its record until the service stops and then gives the record up, for the
 * test that shows that it hears of it. */
#include <iptfhir/plugin.h>

#include <time.h>

struct mapper {
    const struct iptfhir_host *host;
};

static iptfhir_status init(void *self, const struct iptfhir_host *host,
                           struct iptfhir_error *error) {
    struct mapper *mapper = self;
    (void)error;
    mapper->host = host;
    return IPTFHIR_OK;
}

static iptfhir_status map(const void *self, const struct iptfhir_record *record,
                          struct iptfhir_resource_sink *sink, struct iptfhir_error *error) {
    const struct iptfhir_host *host = ((const struct mapper *)self)->host;
    const struct timespec pause = { 0, 10 * 1000 * 1000 };
    (void)record, (void)sink;
    host->log(host, IPTFHIR_INFO, "waiting");
    while (!host->stopping(host))
        nanosleep(&pause, NULL);
    host->log(host, IPTFHIR_INFO, "heard that the service stops");
    return host->fail(host, error, IPTFHIR_RETRY, "stopping", NULL, "the service stops");
}

static const char *const emits[] = { "CarePlan", NULL };
static const struct iptfhir_mapper mapper = { sizeof mapper, emits, map };

const struct iptfhir_descriptor iptfhir_plugin = { .magic = IPTFHIR_MAGIC,
                                                   .abi = IPTFHIR_ABI,
                                                   .size = sizeof iptfhir_plugin,
                                                   .name = "mapper-waits",
                                                   .version = "1",
                                                   .summary = "waits until the service stops",
                                                   .instance_size = sizeof(struct mapper),
                                                   .init = init,
                                                   .mapper = &mapper };
