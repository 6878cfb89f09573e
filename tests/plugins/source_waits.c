/* SPDX-License-Identifier: Apache-2.0 */
/* A source that has nothing to hand over and waits until the service stops, for the test that shows
 * that it hears of it. */
#include <iptfhir/plugin.h>

#include <time.h>

struct source {
    const struct iptfhir_host *host;
};

static const struct iptfhir_option options[] = { IPTFHIR_OPTIONS_END };

/* Keeps the host. */
static iptfhir_status init(void *self, const struct iptfhir_host *host,
                           struct iptfhir_error *error) {
    (void)error;
    ((struct source *)self)->host = host;
    return IPTFHIR_OK;
}

/* Waits until the service stops. */
static iptfhir_status poll_source(void *self, const char *cursor, struct iptfhir_record_sink *sink,
                                  struct iptfhir_error *error) {
    const struct iptfhir_host *host = ((struct source *)self)->host;
    const struct timespec pause = { 0, 10 * 1000 * 1000 };
    (void)cursor, (void)sink;
    host->log(host, IPTFHIR_INFO, "waiting");
    while (!host->stopping(host))
        nanosleep(&pause, NULL);
    host->log(host, IPTFHIR_INFO, "heard that the service stops");
    return host->fail(host, error, IPTFHIR_RETRY, "stopping", NULL, "the service stops");
}

static const struct iptfhir_source source = { .size = sizeof source, .poll = poll_source };

const struct iptfhir_descriptor iptfhir_plugin = { .magic = IPTFHIR_MAGIC,
                                                   .abi = IPTFHIR_ABI,
                                                   .size = sizeof iptfhir_plugin,
                                                   .name = "source-waits",
                                                   .version = "1",
                                                   .summary = "waits until the service stops",
                                                   .instance_size = sizeof(struct source),
                                                   .options = options,
                                                   .init = init,
                                                   .source = &source };
