/* SPDX-License-Identifier: Apache-2.0 */
/* The real plugin target-fhir, linked into the simulation: an instance with its options, and a host
 * that keeps quiet. */
#ifndef TESTS_WORLD_SIM_TARGET_H
#define TESTS_WORLD_SIM_TARGET_H

#include <iptfhir/target.h>

struct sim_target {
    void *self;
    bool open;
};
/* False when the plugin refuses; `error` says why. `url` and `patient_system` are borrowed. */
bool sim_target_open(struct sim_target *t, const char *url, const char *patient_system,
                     struct iptfhir_error *error);
void sim_target_close(struct sim_target *t);
#endif
