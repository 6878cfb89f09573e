/* SPDX-License-Identifier: Apache-2.0 */
/* How every command prints its findings. */
#include "core/base/str.h"
#include "core/command/command.h"

#include <string.h>

static const char *const severities[] = { "error", "warning", "note" };

/* Prints findings as one JSON array. */
static void print_json(const struct report *report) {
    struct str out = { 0 };
    str_puts(&out, "[");
    for (size_t i = 0; i < report->count; i++) {
        const struct report_entry *e = &report->entries[i];
        str_printf(&out, "%s\n  {\"severity\": \"%s\", \"code\": ", i > 0 ? "," : "",
                   severities[e->severity]);
        str_json(&out, e->error.code, strlen(e->error.code));
        str_puts(&out, ", \"where\": ");
        str_json(&out, e->error.where, strlen(e->error.where));
        str_puts(&out, ", \"text\": ");
        str_json(&out, e->error.text, strlen(e->error.text));
        str_puts(&out, "}");
    }
    str_puts(&out, "\n]\n");
    if (!out.failed)
        fwrite(out.data, 1, out.length, stdout);
    str_free(&out);
}

void command_print_report(FILE *out, const struct report *report,
                          const struct command_options *options) {
    if (options->json) {
        print_json(report);
        return;
    }
    for (size_t i = 0; i < report->count; i++) {
        const struct iptfhir_error *e = &report->entries[i].error;
        const char *colon = e->where[0] != '\0' ? ": " : "";
        const char *severity = severities[report->entries[i].severity];
        fprintf(out, "%s%s%s: %s [%s]\n", e->where, colon, severity, e->text, e->code);
    }
    if (report->dropped > 0)
        fprintf(out, "and %zu more\n", report->dropped);
}
