/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the contract's tests share: the store at hand, and how they talk about it. */
#ifndef CORE_STORE_CONFORMANCE_AT_H
#define CORE_STORE_CONFORMANCE_AT_H

#include "core/store/conformance.h"

#define OK(call) ck_assert_msg((call), "%s [%s]", at.error.text, at.error.code)
#define BYTES(literal) ((struct store_bytes) { literal, sizeof literal - 1 })

/* Set up before each test, with an empty store. */
struct conformance_at {
    const struct conformance_factory *factory;
    struct store *store;
    const struct store_calls *calls;
    struct iptfhir_error error;
    struct arena arena;
};
extern struct conformance_at at;

/* Asserts that a call failed with a code and a sentence, and forgets the error. */
void conformance_expect(bool ok, const char *code);
/* All that is in the store, to be freed. */
char *conformance_text(struct store *s);
/* Adds a patient by number within the clinic. */
uint64_t conformance_patient(const char *local_id);
/* A row that is wanted, with the given ordinal. */
static inline struct store_said conformance_goal(uint64_t patient, uint32_t ordinal) {
    return (struct store_said) { .patient = patient, .ordinal = ordinal, .type = "Goal" };
}

/* The parts; each adds its tests. */
void conformance_add_whose(TCase *contract);
void conformance_add_wanted(TCase *contract);
void conformance_add_states(TCase *contract);
#endif
