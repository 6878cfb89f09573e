/* SPDX-License-Identifier: Apache-2.0 */
/* A source that goes on whatever its sink says, for the test that shows what that costs. */
#include <iptfhir/plugin.h>

#include <stdio.h>
#include <string.h>

enum { RECORDS = 2000 };

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

/* Hands over records as texts and as nodes in turn, rows that can't be read, cursors and files. */
static iptfhir_status poll_source(void *self, const char *cursor, struct iptfhir_record_sink *sink,
                                  struct iptfhir_error *error) {
    iptfhir_nodes nodes = ((struct source *)self)->host->nodes;
    (void)cursor, (void)error;
    for (int i = 0; i < RECORDS; i++) {
        char text[64];
        const struct iptfhir_origin origin = { sizeof origin, "deaf", i + 1 };
        (void)snprintf(text, sizeof text, "{\"recordId\":\"REC-%d\"}", i);
        (void)sink->emit_text(sink, text, strlen(text), &origin);
        (void)sink->emit(sink, nodes->object(sink->document), &origin);
        (void)sink->hold(sink, &origin, "row", "the row can't be read");
        (void)sink->cursor(sink, text);
        (void)sink->present(sink, text);
    }
    return IPTFHIR_OK;
}

static const struct iptfhir_source source = { .size = sizeof source, .poll = poll_source };

const struct iptfhir_descriptor iptfhir_plugin = { .magic = IPTFHIR_MAGIC,
                                                   .abi = IPTFHIR_ABI,
                                                   .size = sizeof iptfhir_plugin,
                                                   .name = "source-deaf",
                                                   .version = "1",
                                                   .summary = "goes on whatever its sink says",
                                                   .instance_size = sizeof(struct source),
                                                   .options = options,
                                                   .init = init,
                                                   .source = &source };
