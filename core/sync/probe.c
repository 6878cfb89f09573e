/* SPDX-License-Identifier: Apache-2.0 */
/* A delivery with nothing to deliver: it learns what a target can do, and that is all. */
#include "core/sync/probe.h"

#include "core/store/store.h"
#include "core/sync/delivery.h"

#include <string.h>

#define PATIENCE_MS 1000

/* Gives the target one lane without anything in it, so that it is asked. */
static bool add_lane(struct store *store, const char *name, struct iptfhir_error *error) {
    const struct store_calls *calls = store->calls;
    uint64_t patient;
    uint32_t no;
    if (!calls->begin(store, error))
        return false;
    bool good = calls->target_no(store, name, true, &no, error);
    good = good && calls->patient_add(store, "probe", "", &patient, error);
    good = good && calls->lane_put(store, no, patient, 0, error);
    if (good)
        return calls->commit(store, error);
    calls->rollback(store);
    return false;
}

/* Runs the delivery until the target has answered or pauses. */
static bool ask_target(struct delivery *d, struct iptfhir_error *error) {
    struct delivery_pause pause;
    enum delivery_moved moved = DELIVERY_MOVED;
    while (moved == DELIVERY_MOVED || moved == DELIVERY_AWAITS) {
        int64_t wait = 0;
        moved = delivery_step(d, PATIENCE_MS, &wait, error);
        if (moved == DELIVERY_FAILED)
            return false;
        if (delivery_paused(d, 0, &pause))
            return error_set(error, pause.code, NULL, "%s", pause.detail);
    }
    return true;
}

bool probe_target(const char *name, const struct iptfhir_target *calls, void *instance, bool ask,
                  struct iptfhir_error *error) {
    static const char *const no_jobs[] = { NULL };
    static const unsigned char no_key[32];
    struct delivery_target target = {
        .name = name, .calls = calls, .instance = instance, .threads = 1
    };
    const struct delivery_settings settings = {
        .targets = &target, .target_count = 1, .jobs = no_jobs, .hash_key = no_key
    };
    struct store_medium *medium = store_medium_new();
    struct store *store = medium != NULL ? store_open_memory(medium, error) : NULL;
    struct world *world = store != NULL ? world_real_new(error) : NULL;
    struct delivery *d = NULL;
    bool good = world != NULL;
    if (medium == NULL)
        error_set(error, "memory", NULL, "out of memory");
    if (good && ask)
        good = add_lane(store, name, error);
    if (good)
        d = delivery_open(world, store, &settings, error);
    good = good && d != NULL && (!ask || ask_target(d, error));
    delivery_close(d);
    if (world != NULL)
        world_real_free(world);
    if (store != NULL)
        store->calls->close(store);
    store_medium_free(medium);
    return good;
}
