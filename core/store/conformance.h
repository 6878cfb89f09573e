/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every store, whatever it is made of; and random work on a store, with a dump of
 * all that is in it, for tests that compare two of them. */
#ifndef CORE_STORE_CONFORMANCE_H
#define CORE_STORE_CONFORMANCE_H

#include "core/base/str.h"
#include "core/store/store.h"

#include <check.h>

/* How a test gets at an implementation. */
struct conformance_factory {
    const char *name;
    void (*set_up)(void);        /* makes an empty medium */
    void (*tear_down)(void);     /* removes it; all handles are closed */
    struct store *(*open)(void); /* a handle; its begin() does not wait longer than a second */
    void (*set_full)(bool full); /* NULL: can't be simulated */
};
Suite *conformance_suite(const struct conformance_factory *factory);

/* The next number of a sequence that `seed` determines. */
uint64_t conformance_random(uint64_t *seed);
/* One random write, whole, within a transaction; the same seed does the same on stores with the
 * same content. False when the store failed. */
bool conformance_write(struct store *s, uint64_t *seed, struct iptfhir_error *error);
/* Appends all that is in the store as text, in one order. */
bool conformance_dump(struct store *s, struct str *out, struct iptfhir_error *error);
void conformance_say_record(struct str *out, const struct store_record *record);
void conformance_say_said(struct str *out, const struct store_said *said);
void conformance_say_state(struct str *out, const struct store_state *state);
#endif
