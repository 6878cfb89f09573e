/* SPDX-License-Identifier: Apache-2.0 */
/* What `outbox` does on an open store: lists what is not in step, shows one item of it, and carries
 * out what a person decides. An item is a resource at a target ("12-3@hospital": patient 12, its
 * resource 3), a record ("r7") or a row or part of a source that is held ("h4"). */
#ifndef CORE_COMMAND_OUTBOX_H
#define CORE_COMMAND_OUTBOX_H

#include "core/base/str.h"
#include "core/sync/survey.h"

#include <stdio.h>

/* Which items are meant; NULL: any. */
struct outbox_filter {
    const char *id, *job, *target, *state, *code;
    bool all;
};
struct outbox {
    struct store *store;
    const struct survey_route *routes;
    size_t route_count;
    int64_t now_ms; /* wall clock */
    bool json;
    struct str out; /* results */
    struct str err; /* what could not be done, why, and what to do instead */
};

enum outbox_kind { OUTBOX_RESOURCE, OUTBOX_RECORD, OUTBOX_ROW };
struct outbox_id {
    enum outbox_kind kind;
    uint64_t no; /* of the patient, record or hold */
    uint32_t ordinal;
    const char *target; /* borrowed from the text */
};
/* Reads an item's id; false when the text is none. */
bool outbox_id_read(const char *text, struct outbox_id *out);
/* Says that a text is no item's id. Returns an exit code. */
int outbox_refuse_id(struct outbox *o, const char *text);
/* Whether a job of the configuration has a target of that name. */
bool outbox_knows_target(const struct outbox *o, const char *target);

/* Lists what the filter leaves; without a state, what is in step or decided is left out. Returns an
 * exit code; `error` holds a fault of the store. */
int outbox_list(struct outbox *o, const struct outbox_filter *filter, struct iptfhir_error *error);
/* Shows one item with all that is known of it, patient data too. */
int outbox_show(struct outbox *o, const char *id, struct iptfhir_error *error);

/* A verb is carried out on each item that the filter leaves, in short transactions. `word`: of
 * RESOLVE, what was decided. Returns EXIT_WRONG_USE when the item that was named can't be treated
 * so, or the filter names nothing. */
enum outbox_verb { OUTBOX_RETRY, OUTBOX_RESOLVE, OUTBOX_DISCARD, OUTBOX_RESTORE };
int outbox_act(struct outbox *o, enum outbox_verb verb, const char *word,
               const struct outbox_filter *filter, struct iptfhir_error *error);
#endif
