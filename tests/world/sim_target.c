/* SPDX-License-Identifier: Apache-2.0 */
/* The host of target-fhir in the simulation. */
#include "tests/world/sim_target.h"

#include "core/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void
quiet(const struct iptfhir_host *host, iptfhir_level level, const char *format, ...) {
    (void)host;
    (void)level;
    (void)format;
}

__attribute__((format(printf, 6, 7))) static iptfhir_status
fail(const struct iptfhir_host *host, struct iptfhir_error *error, iptfhir_status status,
     const char *code, const char *where, const char *format, ...) {
    char text[512];
    va_list args;
    (void)host;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error_set(error, code, where, "%s", text);
    return status;
}

static bool never(const struct iptfhir_host *host) {
    (void)host;
    return false;
}

static const struct iptfhir_host host = {
    .size = sizeof host, .log = quiet, .fail = fail, .stopping = never
};

/* Sets one option in its instance, from its default or from what is asked for. */
static void apply(void *self, const struct iptfhir_option *o, const char *text) {
    void *member = (char *)self + o->offset;
    if (text == NULL)
        return;
    switch (o->type) {
    case IPTFHIR_INTEGER: *(int64_t *)member = strtoll(text, NULL, 10); break;
    case IPTFHIR_BOOLEAN: *(bool *)member = strcmp(text, "true") == 0; break;
    case IPTFHIR_CHOICE:
        for (int i = 0; o->choices[i] != NULL; i++)
            if (strcmp(o->choices[i], text) == 0)
                *(int *)member = i;
        break;
    case IPTFHIR_LIST: break;
    default: *(const char **)member = text; break;
    }
}

bool sim_target_open(struct sim_target *t, const char *url, const char *patient_system,
                     struct iptfhir_error *error) {
    const struct iptfhir_descriptor *plugin = &iptfhir_plugin;
    t->open = false;
    t->self = calloc(1, plugin->instance_size);
    if (t->self == NULL)
        abort();
    for (const struct iptfhir_option *o = plugin->options; o->name != NULL; o++) {
        const char *text = o->initial;
        if (strcmp(o->name, "url") == 0)
            text = url;
        if (strcmp(o->name, "patient_system") == 0)
            text = patient_system;
        apply(t->self, o, text);
    }
    t->open = plugin->init == NULL || plugin->init(t->self, &host, error) == IPTFHIR_OK;
    if (!t->open)
        sim_target_close(t);
    return t->open;
}

void sim_target_close(struct sim_target *t) {
    if (t->open && iptfhir_plugin.fini != NULL)
        iptfhir_plugin.fini(t->self);
    free(t->self);
    *t = (struct sim_target) { 0 };
}
