/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin with every type of option, for the test of instances. Its init fails when `text` is
 * "refuse". */
#include "options.h"

#include <string.h>

#define AT(member) offsetof(struct options, member)
static const char *const choices[] = { "red", "green", "blue", NULL };
static const struct iptfhir_option options[] = {
    { "text", IPTFHIR_STRING, 0, AT(text), "as ever", 0, 0, NULL, "Any text." },
    { "needed", IPTFHIR_STRING, IPTFHIR_REQUIRED, AT(needed), NULL, 0, 0, NULL,
      "A text that must be there." },
    { "path", IPTFHIR_PATH, 0, AT(path), NULL, 0, 0, NULL, "Any path." },
    { "existing", IPTFHIR_PATH, IPTFHIR_MUST_EXIST, AT(existing), NULL, 0, 0, NULL,
      "A path that must be there." },
    { "secret", IPTFHIR_SECRET, 0, AT(secret), NULL, 0, 0, NULL, "The file of a key." },
    { "number", IPTFHIR_INTEGER, 0, AT(number), "7", 1, 9, NULL, "A whole number." },
    { "on_call", IPTFHIR_BOOLEAN, 0, AT(on_call), "true", 0, 0, NULL, "A switch." },
    { "choice", IPTFHIR_CHOICE, 0, AT(choice), "green", 0, 0, choices, "A colour." },
    { "list", IPTFHIR_LIST, 0, AT(list), NULL, 0, 0, NULL, "Some texts." },
    { "initial_list", IPTFHIR_LIST, 0, AT(initial_list), "a, b", 0, 0, NULL,
      "Texts with a default." },
    IPTFHIR_OPTIONS_END,
};

/* Count the starts, for the test to see. */
static iptfhir_status start(void *self, const struct iptfhir_host *host,
                            struct iptfhir_error *error) {
    struct options *o = self;
    o->host = host;
    o->inits++;
    if (!strcmp(o->text, "refuse"))
        return host->fail(host, error, IPTFHIR_FATAL, "refused", NULL, "told to refuse");
    return IPTFHIR_OK;
}

/* Say that it stopped, for the test to hear. */
static void stop(void *self) {
    struct options *o = self;
    o->host->log(o->host, IPTFHIR_INFO, "stopped");
}

/* A function, so that the plugin provides something. */
static bool say_yes(const char *input, const char *const *args, size_t count, char *out,
                    size_t size) {
    (void)input, (void)args, (void)count;
    if (size > 3)
        memcpy(out, "yes", 4);
    return size > 3;
}
static const struct iptfhir_function functions[] = { { "sayYes", 0, 0, say_yes },
                                                     { NULL, 0, 0, NULL } };

const struct iptfhir_descriptor iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof(struct iptfhir_descriptor),
    .name = "options",
    .version = "1",
    .summary = "Every type of option",
    .instance_size = sizeof(struct options),
    .options = options,
    .init = start,
    .fini = stop,
    .functions = functions,
};
