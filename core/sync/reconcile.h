/* SPDX-License-Identifier: Apache-2.0 */
/* What comes next for one resource at one target: a pure function from what is wanted, what was
 * sent, what may have been sent, what is seen and what the target can do. The same for every
 * target. The table in reconcile.c is read from the top; the first row that fits decides. */
#ifndef CORE_SYNC_RECONCILE_H
#define CORE_SYNC_RECONCILE_H

#include <stdbool.h>

/* Each situation is one bit, so that a row of the table can name several. */
enum reconcile_wanted {
    WANTED_NOTHING = 1, /* no record says it any more, or it was withdrawn before it was sent */
    WANTED_BODY = 2,
    WANTED_WITHDRAWN = 4
};
enum reconcile_sent {
    SENT_NOTHING = 1, /* this store never saw it taken */
    SENT_WANTED = 2,  /* the target took what is wanted, with all references that can be sent */
    SENT_OTHER = 4
};
enum reconcile_attempt {
    ATTEMPT_NONE = 1,
    ATTEMPT_CREATE = 2, /* an answer is missing */
    ATTEMPT_UPDATE = 4
};
enum reconcile_gate { GATE_IS_OPEN = 1, GATE_SAYS_WAIT = 2, GATE_SAYS_HOLD = 4 };
/* What the last look at the target showed, in this cycle. */
enum reconcile_found {
    FOUND_UNASKED = 1,
    FOUND_ABSENT = 2,
    FOUND_GONE = 4, /* deleted there */
    FOUND_ONE = 8,
    FOUND_SEVERAL = 16,
    FOUND_STRANGER = 32 /* our id there carries another identifier */
};
/* How the one found compares. */
enum reconcile_look {
    LOOK_NONE = 1,     /* nothing was found, or nothing to compare with */
    LOOK_WANTED = 2,   /* it holds what is wanted */
    LOOK_ATTEMPT = 4,  /* it holds what the attempt wrote */
    LOOK_SEEN = 8,     /* as it was last seen */
    LOOK_APART = 16,   /* somebody changed other elements than we do */
    LOOK_OVERLAP = 32, /* somebody changed the same elements */
    LOOK_CHART = 64,   /* it stands in another chart */
    LOOK_UNSEEN = 128  /* the answer didn't show it */
};
enum reconcile_flag {
    KNOWS_ID = 1,       /* the server's id is known */
    IS_SETTLED = 2,     /* what was lost would show by now */
    STORE_IS_OLDER = 4, /* the store is from before its last evidence */
    CAN_CREATE = 8,
    CAN_CREATE_IF_NONE = 16,
    CAN_CREATE_AT = 32,
    CAN_UPDATE = 64,
    CAN_FIND = 128,
    CAN_READ = 256,
    MAY_UPDATE = 512,    /* the target gives a version, or unversioned updates are allowed */
    PREFERS_OURS = 1024, /* the policy or a person: ours is written over theirs */
    PREFERS_THEIRS = 2048,
    OUT_OF_TRIES = 4096,
    IS_HELD = 8192,     /* held before for the same, and nothing has changed */
    IS_DECIDED = 16384, /* a person said that this is not sent */
    HAS_VERSIONS = 32768,
    IS_DUPLICATE = 65536,  /* the server said that it has one */
    MILDER_HOLD = 131072,  /* the target holds withdrawals */
    MILDER_LEAVE = 262144, /* the target leaves what is withdrawn as it is */
    MUST_LOOK = 524288,    /* a blind create is not to be trusted: look first */
    PERSON_SAYS = 1048576  /* PREFERS_OURS is a person's word on this one, not the policy's */
};
struct reconcile_facts {
    enum reconcile_wanted wanted;
    enum reconcile_sent sent;
    enum reconcile_attempt attempt;
    enum reconcile_gate gate;
    enum reconcile_found found;
    enum reconcile_look look;
    unsigned flags; /* of enum reconcile_flag */
};
enum reconcile_action {
    RECONCILE_IN_STEP,
    RECONCILE_DECIDED,
    RECONCILE_STAY_HELD, /* as it was */
    RECONCILE_HOLD,      /* under row.code, or the gate's */
    RECONCILE_WAIT,      /* for the gate, its turn or a retry */
    RECONCILE_UNKNOWN,   /* until what was lost would show */
    RECONCILE_FIND,      /* by identifier */
    RECONCILE_READ,      /* by id */
    RECONCILE_CREATE,
    RECONCILE_CREATE_IF_NONE,
    RECONCILE_CREATE_AT,
    RECONCILE_UPDATE,       /* ours merged with what is there; overlaps by ours */
    RECONCILE_ADOPT,        /* what is there counts as sent */
    RECONCILE_KEEP_THEIRS,  /* what is there stays, and what is wanted counts as decided */
    RECONCILE_TAKE_ATTEMPT, /* the attempt took effect: it is what was sent */
    RECONCILE_DROP_ATTEMPT, /* it didn't, and can't any more */
    RECONCILE_RESET         /* the target is not the one we knew: it pauses */
};
struct reconcile_row {
    unsigned wanted, sent, attempt, gate, found, look; /* 0: any */
    unsigned with, without;                            /* flags that must and must not be set */
    enum reconcile_action action;
    const char *code; /* of HOLD; NULL: the gate's */
    const char *why;  /* a sentence for people: what happened and what moves it on */
};
/* The row that decides; never NULL. */
const struct reconcile_row *reconcile(const struct reconcile_facts *facts);
/* For the test: all rows. */
const struct reconcile_row *reconcile_rows(unsigned *count);
#endif
