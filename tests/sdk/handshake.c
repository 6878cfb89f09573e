/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins for the loader's test, one per way to get the handshake wrong (or right); FAULT chooses.
 */
#include <iptfhir/target.h>

#define FAULT_NONE 0
#define FAULT_MAGIC 1
#define FAULT_ABI 2
#define FAULT_SHORT 3
#define FAULT_OLDER 4
#define FAULT_PART 5
#define FAULT_NAME 6
#define FAULT_EMPTY 7
#define FAULT_SYMBOL 8
#define FAULT_OPTIONS 9
#define FAULT_POLL 10

/* A source that has nothing. */
static iptfhir_status poll_nothing(void *self, const char *cursor, struct iptfhir_record_sink *sink,
                                   struct iptfhir_error *error) {
    (void)self, (void)cursor, (void)sink, (void)error;
    return IPTFHIR_OK;
}

/* A target without a server, which is asked nothing and proves nothing. */
static void connect_nowhere(void *self, struct iptfhir_http_settings *out) {
    (void)self, (void)out;
}

static iptfhir_status ask_nothing(void *self, const struct iptfhir_order *order,
                                  struct iptfhir_request_sink *sink, struct iptfhir_error *error) {
    (void)self, (void)order, (void)sink, (void)error;
    return IPTFHIR_OK;
}

static iptfhir_answered prove_nothing(void *self, const struct iptfhir_order *order,
                                      const struct iptfhir_http_response *answers, size_t count,
                                      struct iptfhir_evidence_sink *sink) {
    (void)self, (void)order, (void)answers, (void)count, (void)sink;
    return IPTFHIR_ANSWERED;
}

/* A function that an older descriptor can't name. */
static bool say_no(const char *input, const char *const *args, size_t count, char *out,
                   size_t size) {
    (void)input, (void)args, (void)count, (void)out, (void)size;
    return false;
}

static const struct iptfhir_source source = {
    .size = FAULT == FAULT_PART ? sizeof(size_t) : sizeof source,
    .poll = FAULT == FAULT_POLL ? NULL : poll_nothing,
};
static const struct iptfhir_target target = { sizeof target, connect_nowhere, ask_nothing,
                                              prove_nothing };
static const struct iptfhir_function functions[] = { { "sayNo", 0, 0, say_no },
                                                     { NULL, 0, 0, NULL } };
static const struct iptfhir_option options[] = {
    { "beyond", IPTFHIR_INTEGER, 0, 4096, NULL, 0, 0, NULL, "Outside the instance." },
    IPTFHIR_OPTIONS_END,
};

#if FAULT == FAULT_SYMBOL
#define DESCRIPTOR some_other_name
extern IPTFHIR_PLUGIN_EXPORT const struct iptfhir_descriptor DESCRIPTOR;
#else
#define DESCRIPTOR iptfhir_plugin
#endif
const struct iptfhir_descriptor DESCRIPTOR = {
    .magic = FAULT == FAULT_MAGIC ? 0x7f454c46u : IPTFHIR_MAGIC,
    .abi = FAULT == FAULT_ABI ? IPTFHIR_ABI + 41 : IPTFHIR_ABI,
    .size = FAULT == FAULT_SHORT   ? offsetof(struct iptfhir_descriptor, init)
            : FAULT == FAULT_OLDER ? offsetof(struct iptfhir_descriptor, functions)
                                   : sizeof(struct iptfhir_descriptor),
    .name = FAULT == FAULT_NAME ? "somebody-else" : NAME,
    .version = "1",
    .summary = "A plugin for a test",
    .instance_size = 8,
    .options = FAULT == FAULT_OPTIONS ? options : NULL,
    .source = FAULT == FAULT_EMPTY ? NULL : &source,
    .target = FAULT == FAULT_OLDER || FAULT == FAULT_NONE ? &target : NULL,
    .functions = FAULT == FAULT_EMPTY ? NULL : functions,
};
