/* SPDX-License-Identifier: Apache-2.0 */
/* The fact "base" of a store: the identity.base that it was made under. */
#include "core/sync/identity_base.h"

#include <string.h>

static const char fact[] = "base";

/* Compares the base that the store keeps; *kept: it keeps one. */
static bool compare(struct store *store, const char *base, bool *kept,
                    struct iptfhir_error *error) {
    struct arena arena = { 0 };
    struct store_bytes value = { NULL, 0 };
    bool good = store->calls->fact_get(store, fact, &arena, &value, error);
    *kept = good && value.data != NULL;
    size_t length = strlen(base);
    bool same = *kept && value.length == length && memcmp(value.data, base, length) == 0;
    if (*kept && !same)
        good = error_set(error, "identity-base", NULL,
                         "identity.base is %s, but the store was made under %.*s: put that back "
                         "into the configuration. A new base needs a new store: name another file "
                         "in store.path",
                         base, (int)value.length, value.data);
    arena_free(&arena);
    return good;
}

/* Writes the fact. */
static bool keep(struct store *store, const char *base, struct iptfhir_error *error) {
    const struct store_bytes value = { base, strlen(base) };
    if (!store->calls->begin(store, error))
        return false;
    bool written =
        store->calls->fact_set(store, fact, value, error) && store->calls->commit(store, error);
    if (!written)
        store->calls->rollback(store);
    return written;
}

bool identity_base_check(struct store *store, const char *base, struct iptfhir_error *error) {
    bool kept;
    return compare(store, base, &kept, error);
}

bool identity_base_keep(struct store *store, const char *base, struct iptfhir_error *error) {
    bool kept;
    if (!compare(store, base, &kept, error))
        return false;
    return kept || keep(store, base, error);
}
