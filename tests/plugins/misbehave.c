/* SPDX-License-Identifier: Apache-2.0 */
/* Mappers that misbehave on one record, for the scenarios that show what they cost. HOW: 1 crash, 2
 * loop for ever, 3 swallow memory, 4 end the process as if all were well, 5 leave a child behind
 * and crash, 8 wait until the service stops and crash; or on every record, at their beginning: 6
 * never begin, 7 take two seconds to begin. */
#include <iptfhir/plugin.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct mapper {
    const struct iptfhir_host *host;
    const char *record;
};

static const struct iptfhir_option options[] = { { "record", IPTFHIR_STRING, IPTFHIR_REQUIRED,
                                                   offsetof(struct mapper, record), NULL, 0, 0,
                                                   NULL, "The recordId to misbehave on." },
                                                 IPTFHIR_OPTIONS_END };

static volatile char *volatile sink_hole; /* keeps the compiler from seeing through us */
static volatile int going = 1;

/* Waits until the service stops. */
static void wait_for_stop(const struct iptfhir_host *host) {
    const struct timespec pause = { 0, 10 * 1000 * 1000 };
    host->log(host, IPTFHIR_INFO, "waiting");
    while (!host->stopping(host))
        nanosleep(&pause, NULL);
    host->log(host, IPTFHIR_INFO, "heard that the service stops");
}

static iptfhir_status init(void *self, const struct iptfhir_host *host,
                           struct iptfhir_error *error) {
    (void)error;
    ((struct mapper *)self)->host = host;
    while (HOW == 6 && going)
        sleep(1);
    if (HOW == 7)
        sleep(2);
    return IPTFHIR_OK;
}

/* Misbehave on the record; do nothing with the others. */
static iptfhir_status map(const void *self, const struct iptfhir_record *record,
                          struct iptfhir_resource_sink *sink, struct iptfhir_error *error) {
    const struct mapper *m = self;
    (void)sink, (void)error;
    if (strcmp(record->id, m->record) != 0)
        return IPTFHIR_OK;
    m->host->log(m->host, IPTFHIR_INFO, "misbehaving");
    if (HOW == 8)
        wait_for_stop(m->host);
    if (HOW == 1 || HOW == 8)
        abort();
    while (HOW == 2 && going)
        ;
    if (HOW == 4)
        exit(0);
    if (HOW == 5) {
        if (fork() == 0) {
            while (going)
                sleep(1);
        }
        abort();
    }
    if (HOW == 3) {
        while (going) {
            char *more = malloc(1 << 20);
            if (more)
                memset(more, 1, 1 << 20);
            sink_hole = more; /* never freed, on purpose */
        }
    }
    return IPTFHIR_OK;
}

static const char *const emits[] = { "Observation", NULL };
static const struct iptfhir_mapper mapper = { sizeof mapper, emits, map };

const struct iptfhir_descriptor iptfhir_plugin = { .magic = IPTFHIR_MAGIC,
                                                   .abi = IPTFHIR_ABI,
                                                   .size = sizeof iptfhir_plugin,
                                                   .name = NAME,
                                                   .version = "1",
                                                   .summary = "misbehaves on one record",
                                                   .instance_size = sizeof(struct mapper),
                                                   .options = options,
                                                   .init = init,
                                                   .mapper = &mapper };
