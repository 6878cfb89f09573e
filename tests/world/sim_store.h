/* SPDX-License-Identifier: Apache-2.0 */
/* A store as a living process holds it: every call is passed on until the process dies at one of
 * them, before or after it took effect; then the handle fails until it is closed, which closes the
 * one below in mid transaction. Between calls others may come in: a second handle's commands. */
#ifndef TESTS_WORLD_SIM_STORE_H
#define TESTS_WORLD_SIM_STORE_H

#include "core/store/store.h"
#include "tests/world/sim_world.h"

struct sim_store {
    struct store base; /* first */
    struct store *below;
    struct sim_world *world;
    bool in_transaction;
    uint64_t commits, calls;
    /* Called before calls that stand outside a transaction; may be NULL. */
    void (*between)(void *user);
    void *user;
};
/* NULL when the medium can't be opened. */
struct sim_store *sim_store_open(struct store_medium *medium, struct sim_world *world,
                                 struct iptfhir_error *error);
void sim_store_close(struct sim_store *s);
#endif
