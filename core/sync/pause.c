/* SPDX-License-Identifier: Apache-2.0 */
/* A fact "pause TARGET": "UNTIL SET CODE", and " person" behind it. */
#include "core/sync/pause.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 300, TEXT_BYTES = 128 };

bool pause_waits_for_word(const char *code) {
    return strcmp(code, "target-reset") == 0;
}

bool pause_is_over(const struct pause_kept *kept, int64_t now_ms) {
    return !kept->person && kept->until_ms <= now_ms;
}

/* Reads the fact's text. */
static void read_text(const char *text, struct pause_kept *out) {
    long long until = 0, set = 0;
    char person[8] = "";
    int read = sscanf(text, "%lld %lld %31s %7s", &until, &set, out->code, person);
    if (read < 3) {
        out->code[0] = '\0';
        return;
    }
    out->until_ms = until;
    out->set_ms = set;
    out->person = person[0] != '\0' || pause_waits_for_word(out->code);
}

bool pause_read(struct store *store, const char *target, struct pause_kept *out,
                struct iptfhir_error *error) {
    char name[NAME_BYTES], text[TEXT_BYTES] = "";
    struct arena arena = { 0 };
    struct store_bytes value;
    *out = (struct pause_kept) { .code = "" };
    (void)snprintf(name, sizeof name, "pause %s", target);
    bool read = store->calls->fact_get(store, name, &arena, &value, error);
    if (read && value.data != NULL && value.length < sizeof text) {
        memcpy(text, value.data, value.length);
        read_text(text, out);
    }
    arena_free(&arena);
    return read;
}

bool pause_write(struct store *store, const char *target, const struct pause_kept *kept,
                 struct iptfhir_error *error) {
    char name[NAME_BYTES], text[TEXT_BYTES];
    struct store_bytes value = { NULL, 0 };
    (void)snprintf(name, sizeof name, "pause %s", target);
    if (kept->code[0] != '\0') {
        int length = snprintf(text, sizeof text, "%lld %lld %s%s", (long long)kept->until_ms,
                              (long long)kept->set_ms, kept->code, kept->person ? " person" : "");
        value = (struct store_bytes) { text, (size_t)length };
    }
    return store->calls->fact_set(store, name, value, error);
}
