/* SPDX-License-Identifier: Apache-2.0 */
/* The reconcile table. */
#include "core/sync/reconcile.h"

#include <stddef.h>

enum { ANY_ATTEMPT = ATTEMPT_CREATE | ATTEMPT_UPDATE, SOME = WANTED_BODY | WANTED_WITHDRAWN };

/* clang-format off */
static const struct reconcile_row rows[] = {
    /* ---- an open attempt is looked for first, whatever the gate says */
    { .attempt = ATTEMPT_CREATE, .found = FOUND_UNASKED, .with = CAN_FIND, .without = CAN_CREATE_AT,
      .action = RECONCILE_FIND },
    { .attempt = ATTEMPT_CREATE, .found = FOUND_UNASKED, .with = CAN_CREATE_AT | CAN_READ,
      .action = RECONCILE_READ },
    { .attempt = ATTEMPT_CREATE, .found = FOUND_UNASKED, .with = CAN_FIND,
      .action = RECONCILE_FIND },
    { .attempt = ATTEMPT_CREATE, .found = FOUND_UNASKED,
      .action = RECONCILE_HOLD, .code = "unknown",
      .why = "an answer was lost and this target can't search for the resource: look for it there, then `iptfhir outbox resolve ID again` or `leave`" },
    { .attempt = ANY_ATTEMPT, .found = FOUND_SEVERAL,
      .action = RECONCILE_HOLD, .code = "duplicate-at-target",
      .why = "the target holds several resources with this identifier: merge or delete there, then retry" },
    { .attempt = ANY_ATTEMPT, .found = FOUND_STRANGER, .action = RECONCILE_RESET },
    { .attempt = ATTEMPT_CREATE, .found = FOUND_ONE, .look = LOOK_UNSEEN, .with = CAN_READ,
      .action = RECONCILE_READ },
    { .attempt = ATTEMPT_CREATE, .found = FOUND_ONE, .look = LOOK_UNSEEN,
      .action = RECONCILE_HOLD, .code = "unknown",
      .why = "an answer was lost and this target doesn't show what it found: compare there, then `iptfhir outbox resolve ID again` or `leave`" },
    { .attempt = ATTEMPT_CREATE, .found = FOUND_ONE, .look = LOOK_CHART,
      .action = RECONCILE_HOLD, .code = "patient-changed",
      .why = "it stands in another chart at the target: `iptfhir outbox resolve ID move`, `same` or `leave`" },
    { .attempt = ATTEMPT_CREATE, .found = FOUND_ONE, .look = LOOK_APART,
      .action = RECONCILE_DROP_ATTEMPT }, /* another's content: compared as what was never sent */
    { .attempt = ATTEMPT_CREATE, .found = FOUND_ONE, .action = RECONCILE_TAKE_ATTEMPT },
    { .attempt = ATTEMPT_CREATE, .found = FOUND_ABSENT, .without = IS_SETTLED,
      .action = RECONCILE_UNKNOWN },
    { .attempt = ATTEMPT_CREATE, .found = FOUND_ABSENT, .action = RECONCILE_DROP_ATTEMPT },
    { .attempt = ATTEMPT_CREATE, .found = FOUND_GONE,
      .action = RECONCILE_HOLD, .code = "gone",
      .why = "it was created and deleted at the target: `iptfhir outbox resolve ID again` creates it anew, `leave` doesn't" },
    { .attempt = ATTEMPT_UPDATE, .found = FOUND_UNASKED, .action = RECONCILE_READ },
    { .attempt = ATTEMPT_UPDATE, .found = FOUND_ABSENT | FOUND_GONE,
      .action = RECONCILE_HOLD, .code = "gone",
      .why = "it was deleted at the target: `iptfhir outbox resolve ID again` creates it anew, `leave` doesn't" },
    { .attempt = ATTEMPT_UPDATE, .found = FOUND_ONE, .look = LOOK_ATTEMPT | LOOK_WANTED,
      .action = RECONCILE_TAKE_ATTEMPT },
    { .attempt = ATTEMPT_UPDATE, .found = FOUND_ONE, .look = LOOK_CHART,
      .action = RECONCILE_HOLD, .code = "patient-changed",
      .why = "it stands in another chart at the target: `iptfhir outbox resolve ID move`, `same` or `leave`" },
    { .attempt = ATTEMPT_UPDATE, .found = FOUND_ONE, .look = LOOK_APART, .with = HAS_VERSIONS,
      .action = RECONCILE_DROP_ATTEMPT }, /* the version that it expected is gone */
    { .attempt = ATTEMPT_UPDATE, .found = FOUND_ONE, .without = IS_SETTLED,
      .action = RECONCILE_UNKNOWN },
    { .attempt = ATTEMPT_UPDATE, .found = FOUND_ONE, .action = RECONCILE_DROP_ATTEMPT },

    /* ---- nothing to do */
    { .wanted = WANTED_NOTHING, .action = RECONCILE_IN_STEP },
    { .with = IS_DECIDED, .action = RECONCILE_DECIDED },
    { .sent = SENT_WANTED, .found = ~(unsigned)FOUND_STRANGER, .without = STORE_IS_OLDER,
      .action = RECONCILE_IN_STEP },
    { .sent = SENT_WANTED, .found = FOUND_UNASKED, .without = CAN_READ,
      .action = RECONCILE_IN_STEP },
    { .wanted = WANTED_WITHDRAWN, .sent = SENT_NOTHING, .without = KNOWS_ID,
      .action = RECONCILE_IN_STEP },

    /* ---- what stands against it */
    { .found = FOUND_STRANGER, .action = RECONCILE_RESET },
    { .gate = GATE_SAYS_WAIT, .action = RECONCILE_WAIT },
    { .gate = GATE_SAYS_HOLD, .action = RECONCILE_HOLD },
    { .with = IS_HELD, .action = RECONCILE_STAY_HELD },
    { .wanted = WANTED_WITHDRAWN, .with = MILDER_LEAVE, .without = PERSON_SAYS,
      .action = RECONCILE_DECIDED },
    { .wanted = WANTED_WITHDRAWN, .with = MILDER_HOLD, .without = PERSON_SAYS,
      .action = RECONCILE_HOLD, .code = "withdraw-person",
      .why = "this target holds withdrawals: `iptfhir outbox resolve ID withdraw` marks it there, `leave` doesn't" },
    { .with = OUT_OF_TRIES,
      .action = RECONCILE_HOLD, .code = "server-error",
      .why = "the target failed on it, or didn't keep it, again and again: see its log, then retry" },

    /* ---- in step by a store that is older than what was sent: it is looked at once */
    { .sent = SENT_WANTED, .found = FOUND_UNASKED, .action = RECONCILE_READ },
    { .sent = SENT_WANTED, .found = FOUND_ONE, .look = LOOK_CHART,
      .action = RECONCILE_HOLD, .code = "patient-changed",
      .why = "it stands in another chart at the target: `iptfhir outbox resolve ID move`, `same` or `leave`" },
    { .sent = SENT_WANTED, .found = FOUND_ONE, .look = LOOK_WANTED | LOOK_SEEN,
      .action = RECONCILE_ADOPT },
    { .sent = SENT_WANTED, .found = FOUND_ONE, .look = LOOK_OVERLAP | LOOK_APART,
      .with = PREFERS_OURS | CAN_UPDATE | MAY_UPDATE, .action = RECONCILE_UPDATE },
    { .sent = SENT_WANTED, .found = FOUND_ONE, .with = PREFERS_THEIRS,
      .action = RECONCILE_KEEP_THEIRS },
    { .sent = SENT_WANTED, .found = FOUND_ONE | FOUND_ABSENT | FOUND_GONE,
      .action = RECONCILE_HOLD, .code = "store-older",
      .why = "the store is older than what this installation has sent: `iptfhir outbox resolve ID ours` or `theirs`" },

    /* ---- never sent from this store */
    { .wanted = WANTED_BODY, .found = FOUND_SEVERAL,
      .action = RECONCILE_HOLD, .code = "duplicate-at-target",
      .why = "the target holds several resources with this identifier: merge or delete there, then retry" },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .found = FOUND_GONE,
      .action = RECONCILE_HOLD, .code = "gone",
      .why = "it was deleted at the target: `iptfhir outbox resolve ID again` creates it anew, `leave` doesn't" },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .found = FOUND_ONE, .look = LOOK_CHART,
      .action = RECONCILE_HOLD, .code = "patient-changed",
      .why = "it stands in another chart at the target: `iptfhir outbox resolve ID move`, `same` or `leave`" },
    { .found = FOUND_ONE, .look = LOOK_UNSEEN, .with = CAN_READ, .action = RECONCILE_READ },
    { .found = FOUND_ONE, .look = LOOK_UNSEEN,
      .action = RECONCILE_HOLD, .code = "capability",
      .why = "this target has it and can't show it, so an update could overwrite another's change" },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .found = FOUND_ONE, .look = LOOK_WANTED,
      .action = RECONCILE_ADOPT },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .found = FOUND_ONE, .with = PREFERS_THEIRS,
      .action = RECONCILE_KEEP_THEIRS },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .found = FOUND_ONE,
      .with = PREFERS_OURS | CAN_UPDATE | MAY_UPDATE, .action = RECONCILE_UPDATE },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .found = FOUND_ONE,
      .with = KNOWS_ID | MUST_LOOK,
      .action = RECONCILE_HOLD, .code = "store-older",
      .why = "the store is older than what this installation has sent: `iptfhir outbox resolve ID ours` or `theirs`" },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .found = FOUND_ONE,
      .action = RECONCILE_HOLD, .code = "adopt",
      .why = "the target holds it with other content and this store doesn't know what was sent: `iptfhir outbox resolve ID ours` or `theirs`" },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .with = IS_DUPLICATE | CAN_FIND,
      .found = FOUND_UNASKED, .action = RECONCILE_FIND },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .with = IS_DUPLICATE, .found = FOUND_ABSENT,
      .action = RECONCILE_WAIT, .code = "duplicate-at-target",
      .why = "the target says that it has this resource, and a search doesn't find it yet" },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .found = FOUND_UNASKED,
      .with = CAN_CREATE_AT | CAN_READ, .without = KNOWS_ID, .action = RECONCILE_READ },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .with = IS_DUPLICATE, .found = FOUND_UNASKED,
      .without = KNOWS_ID, .action = RECONCILE_HOLD, .code = "duplicate-at-target",
      .why = "the target says that it has this resource and can't show it: look there, then retry" },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .found = FOUND_ABSENT, .with = CAN_CREATE_AT,
      .without = KNOWS_ID, .action = RECONCILE_CREATE_AT },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .found = FOUND_UNASKED,
      .with = CAN_CREATE_IF_NONE, .without = KNOWS_ID | MUST_LOOK,
      .action = RECONCILE_CREATE_IF_NONE },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .found = FOUND_UNASKED, .with = CAN_FIND,
      .without = KNOWS_ID, .action = RECONCILE_FIND },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .with = CAN_CREATE_IF_NONE, .without = KNOWS_ID,
      .action = RECONCILE_CREATE_IF_NONE },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .with = CAN_CREATE, .without = KNOWS_ID,
      .action = RECONCILE_CREATE },
    { .wanted = WANTED_BODY, .sent = SENT_NOTHING, .without = KNOWS_ID,
      .action = RECONCILE_HOLD, .code = "capability",
      .why = "this target takes no resource of this type" },

    /* ---- at the target: read, compare, write */
    { .wanted = SOME, .found = FOUND_UNASKED, .with = CAN_READ, .action = RECONCILE_READ },
    { .wanted = SOME, .found = FOUND_UNASKED,
      .action = RECONCILE_HOLD, .code = "capability",
      .why = "this target can't be read, so an update could overwrite another's change" },
    { .wanted = SOME, .found = FOUND_ABSENT | FOUND_GONE,
      .action = RECONCILE_HOLD, .code = "gone",
      .why = "it was deleted at the target: `iptfhir outbox resolve ID again` creates it anew, `leave` doesn't" },
    { .wanted = SOME, .found = FOUND_SEVERAL,
      .action = RECONCILE_HOLD, .code = "duplicate-at-target",
      .why = "the target holds several resources with this identifier: merge or delete there, then retry" },
    { .wanted = SOME, .look = LOOK_CHART,
      .action = RECONCILE_HOLD, .code = "patient-changed",
      .why = "it stands in another chart at the target: `iptfhir outbox resolve ID move`, `same` or `leave`" },
    { .wanted = SOME, .look = LOOK_WANTED, .action = RECONCILE_ADOPT },
    { .wanted = SOME, .look = LOOK_APART | LOOK_OVERLAP, .with = STORE_IS_OLDER,
      .without = PREFERS_OURS | PREFERS_THEIRS,
      .action = RECONCILE_HOLD, .code = "store-older",
      .why = "the store is older than what this installation has sent: `iptfhir outbox resolve ID ours` or `theirs`" },
    { .wanted = SOME, .without = CAN_UPDATE,
      .action = RECONCILE_HOLD, .code = "capability",
      .why = "this target takes no update of this type" },
    { .wanted = SOME, .without = MAY_UPDATE,
      .action = RECONCILE_HOLD, .code = "conflict",
      .why = "the target gives no version, so an update could overwrite another's: `update_without_version: true` allows it" },
    { .wanted = SOME, .look = LOOK_OVERLAP | LOOK_NONE, .with = PREFERS_THEIRS,
      .action = RECONCILE_KEEP_THEIRS },
    { .wanted = SOME, .look = LOOK_OVERLAP | LOOK_NONE, .without = PREFERS_OURS,
      .action = RECONCILE_HOLD, .code = "conflict",
      .why = "it was changed on both sides: `iptfhir outbox resolve ID ours` or `theirs`" },
    { .wanted = SOME, .action = RECONCILE_UPDATE },
    { .action = RECONCILE_WAIT },
};
/* clang-format on */

/* Whether a set of situations, 0 for any, holds this one. */
static bool holds(unsigned set, unsigned situation) {
    return set == 0 || (set & situation) != 0;
}

static bool fits(const struct reconcile_row *row, const struct reconcile_facts *f) {
    if (!holds(row->wanted, f->wanted) || !holds(row->sent, f->sent))
        return false;
    if (!holds(row->attempt, f->attempt) || !holds(row->gate, f->gate))
        return false;
    if (!holds(row->found, f->found) || !holds(row->look, f->look))
        return false;
    return (f->flags & row->with) == row->with && (f->flags & row->without) == 0;
}

const struct reconcile_row *reconcile(const struct reconcile_facts *facts) {
    const struct reconcile_row *row = rows;
    while (!fits(row, facts))
        row++;
    return row;
}

const struct reconcile_row *reconcile_rows(unsigned *count) {
    *count = sizeof rows / sizeof *rows;
    return rows;
}
