/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: the writing of a batch or transaction, and the reading of what came back, entry by
 * entry. */
#ifndef TARGET_FHIR_BUNDLE_H
#define TARGET_FHIR_BUNDLE_H

#include "answer.h"
#include "request.h"

/* Begins a request that is a bundle, of type "batch" or "transaction". */
void bundle_begin(struct request_writer *w, const char *type);
/* Begins an entry; `first`: nothing stands before it. Whoever calls writes its members. */
void bundle_entry(struct request_writer *w, bool first);
/* Ends the bundle and sends it. */
void bundle_send(struct request_writer *w);

/* The entries of a bundle that came. */
struct bundle {
    const json_t *entries;
    struct slices slices;
    size_t count;
};
/* Reads the entries of a bundle whose type ends in `kind`: "searchset", "response". False when it
 * is no such bundle, or memory ran out. It borrows from json and text, which must be the same. */
bool bundle_open(struct bundle *b, const json_t *json, struct slice text, const char *kind);
void bundle_close(struct bundle *b);
/* Marks the entries that the expressions of a failed bundle's issues name ("Bundle.entry[3]...").
 * Returns how many there are. */
size_t bundle_named(const json_t *issues, bool *named, size_t count);
#endif
