/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer proves: one table from status, kind of request, issue code and vendor code. */
#ifndef TARGET_FHIR_VERDICT_H
#define TARGET_FHIR_VERDICT_H

#include "answer.h"

enum operation {
    OPERATION_LEARN = 1,
    OPERATION_SEARCH = 2,
    OPERATION_READ = 4,
    OPERATION_CREATE = 8, /* POST, conditional or not, and PUT under our own id */
    OPERATION_UPDATE = 16,
    OPERATION_READ_BUNDLE = 32,  /* a bundle of searches or reads, as a whole */
    OPERATION_WRITE_BUNDLE = 64, /* a bundle of writes, as a whole */
    OPERATION_ANY = 127
};
enum { VERDICT_DETAIL = 400 };
struct verdict {
    iptfhir_proof proof;
    const char *code;  /* NULL: none */
    const char *pause; /* the code of a pause of the whole target; NULL: it goes on */
    bool person;
    int64_t retry_after_ms;
    char detail[VERDICT_DETAIL]; /* status, issue codes, expressions, vendor codes: never texts */
};
/* Judges an answer that is no 2xx, or none at all. */
void verdict_of(const struct answer *a, enum operation operation, struct verdict *out);
/* Judges a 2xx whose content is not what was asked for: a readable error in it is judged as a 422
 * would be, anything else proves nothing (LOST) of a write and FAILED of a read. */
void verdict_unusable(const struct answer *a, enum operation operation, struct verdict *out);

/* True when one of the issues has this code, its own or a vendor's, whatever its severity. */
bool verdict_has_issue(const json_t *issues, const char *code);
/* Tells the sink the proof of an item. */
void verdict_tell(const struct verdict *v, struct iptfhir_evidence_sink *sink, size_t index);
/* The pause that several verdicts ask for together: the longest, a person's before all. */
struct verdict_pause {
    bool wanted;
    struct verdict worst;
};
void verdict_pause_note(struct verdict_pause *p, const struct verdict *v);
/* Tells the sink, when a pause was noted. */
void verdict_pause_tell(const struct verdict_pause *p, struct iptfhir_evidence_sink *sink);
#endif
