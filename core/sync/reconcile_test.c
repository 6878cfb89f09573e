/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the reconcile table: a case per row, and laws over all combinations of facts. */
#include "core/sync/reconcile.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANY_CREATE = CAN_CREATE | CAN_UPDATE | CAN_READ | CAN_FIND | MAY_UPDATE | HAS_VERSIONS,
    AT = ANY_CREATE | CAN_CREATE_AT,
    IF_NONE = ANY_CREATE | CAN_CREATE_IF_NONE
};

struct facts_case {
    const char *what;
    struct reconcile_facts facts;
    enum reconcile_action action;
    const char *code; /* NULL: none, or the gate's */
};

#define FACTS(w, s, a, g, f, l, flags)                                                             \
    { WANTED_##w, SENT_##s, ATTEMPT_##a, GATE_##g, FOUND_##f, LOOK_##l, flags }

/* clang-format off */
static const struct facts_case cases[] = {
    { "a lost create is searched for though the gate holds",
      FACTS(BODY, NOTHING, CREATE, SAYS_HOLD, UNASKED, NONE, IF_NONE), RECONCILE_FIND, NULL },
    { "a lost create under our own id is read",
      FACTS(BODY, NOTHING, CREATE, IS_OPEN, UNASKED, NONE, AT), RECONCILE_READ, NULL },
    { "a lost create under our own id is searched for where nothing can be read",
      FACTS(BODY, NOTHING, CREATE, IS_OPEN, UNASKED, NONE, CAN_CREATE_AT | CAN_FIND),
      RECONCILE_FIND, NULL },
    { "a lost create that can't be looked for is a person's",
      FACTS(BODY, NOTHING, CREATE, IS_OPEN, UNASKED, NONE, CAN_CREATE), RECONCILE_HOLD, "unknown" },
    { "a lost create found twice is held",
      FACTS(BODY, NOTHING, CREATE, IS_OPEN, SEVERAL, NONE, IF_NONE), RECONCILE_HOLD,
      "duplicate-at-target" },
    { "a stranger where our attempt should be is a reset",
      FACTS(BODY, OTHER, UPDATE, IS_OPEN, STRANGER, NONE, IF_NONE | KNOWS_ID), RECONCILE_RESET,
      NULL },
    { "a lost create that stands in another chart is not taken for ours",
      FACTS(BODY, NOTHING, CREATE, IS_OPEN, ONE, CHART, IF_NONE), RECONCILE_HOLD,
      "patient-changed" },
    { "a lost create that is found without its body is read",
      FACTS(BODY, NOTHING, CREATE, IS_OPEN, ONE, UNSEEN, IF_NONE), RECONCILE_READ, NULL },
    { "a lost create that is found and can't be shown is a person's",
      FACTS(BODY, NOTHING, CREATE, IS_OPEN, ONE, UNSEEN, CAN_CREATE | CAN_FIND), RECONCILE_HOLD,
      "unknown" },
    { "a lost create that is found as it was written is taken",
      FACTS(BODY, NOTHING, CREATE, SAYS_HOLD, ONE, ATTEMPT, IF_NONE), RECONCILE_TAKE_ATTEMPT,
      NULL },
    { "what is found with other content is not what the lost create wrote",
      FACTS(BODY, NOTHING, CREATE, IS_OPEN, ONE, APART, IF_NONE), RECONCILE_DROP_ATTEMPT, NULL },
    { "a lost create is not believed absent before it would show",
      FACTS(BODY, NOTHING, CREATE, IS_OPEN, ABSENT, NONE, IF_NONE), RECONCILE_UNKNOWN, NULL },
    { "a lost create that would show by now is absent",
      FACTS(WITHDRAWN, NOTHING, CREATE, IS_OPEN, ABSENT, NONE, IF_NONE | IS_SETTLED),
      RECONCILE_DROP_ATTEMPT, NULL },
    { "a lost create that was deleted there is held",
      FACTS(BODY, NOTHING, CREATE, IS_OPEN, GONE, NONE, AT), RECONCILE_HOLD, "gone" },
    { "a lost update is read", FACTS(BODY, OTHER, UPDATE, SAYS_WAIT, UNASKED, NONE,
      IF_NONE | KNOWS_ID), RECONCILE_READ, NULL },
    { "a lost update of what was deleted there is held",
      FACTS(BODY, OTHER, UPDATE, IS_OPEN, GONE, NONE, IF_NONE | KNOWS_ID), RECONCILE_HOLD, "gone" },
    { "a lost update that took effect is taken",
      FACTS(BODY, OTHER, UPDATE, IS_OPEN, ONE, ATTEMPT, IF_NONE | KNOWS_ID),
      RECONCILE_TAKE_ATTEMPT, NULL },
    { "a lost update that is found in another chart is a person's, also when the former is wanted",
      FACTS(BODY, WANTED, UPDATE, IS_OPEN, ONE, CHART, IF_NONE | KNOWS_ID | IS_SETTLED),
      RECONCILE_HOLD, "patient-changed" },
    { "a lost update that came too late for another's version is dropped at once",
      FACTS(BODY, OTHER, UPDATE, IS_OPEN, ONE, APART, IF_NONE | KNOWS_ID), RECONCILE_DROP_ATTEMPT,
      NULL },
    { "a lost update without versions may still come",
      FACTS(BODY, OTHER, UPDATE, IS_OPEN, ONE, APART, CAN_UPDATE | CAN_READ | KNOWS_ID),
      RECONCILE_UNKNOWN, NULL },
    { "a lost update without versions can't come any more",
      FACTS(BODY, OTHER, UPDATE, IS_OPEN, ONE, APART,
            CAN_UPDATE | CAN_READ | KNOWS_ID | IS_SETTLED), RECONCILE_DROP_ATTEMPT, NULL },
    { "what an older store says is in step is read",
      FACTS(BODY, WANTED, NONE, IS_OPEN, UNASKED, NONE, IF_NONE | KNOWS_ID | STORE_IS_OLDER),
      RECONCILE_READ, NULL },
    { "what an older store says is in step stays so where nothing can be read",
      FACTS(BODY, WANTED, NONE, IS_OPEN, UNASKED, NONE, CAN_UPDATE | KNOWS_ID | STORE_IS_OLDER),
      RECONCILE_IN_STEP, NULL },
    { "what an older store says is in step, and stands in another chart, is held",
      FACTS(BODY, WANTED, NONE, IS_OPEN, ONE, CHART, IF_NONE | KNOWS_ID | STORE_IS_OLDER),
      RECONCILE_HOLD, "patient-changed" },
    { "what an older store says is in step, and is, is adopted",
      FACTS(BODY, WANTED, NONE, IS_OPEN, ONE, WANTED, IF_NONE | KNOWS_ID | STORE_IS_OLDER),
      RECONCILE_ADOPT, NULL },
    { "what an older store says is in step, and isn't, is a person's",
      FACTS(BODY, WANTED, NONE, IS_OPEN, ONE, OVERLAP, IF_NONE | KNOWS_ID | STORE_IS_OLDER),
      RECONCILE_HOLD, "store-older" },
    { "what an older store says is in step is written where a person said ours",
      FACTS(BODY, WANTED, NONE, IS_OPEN, ONE, OVERLAP,
            IF_NONE | KNOWS_ID | STORE_IS_OLDER | PREFERS_OURS), RECONCILE_UPDATE, NULL },
    { "what an older store says is in step is left where a person said theirs",
      FACTS(BODY, WANTED, NONE, IS_OPEN, ONE, OVERLAP,
            IF_NONE | KNOWS_ID | STORE_IS_OLDER | PREFERS_THEIRS), RECONCILE_KEEP_THEIRS, NULL },
    { "what an older store didn't send is not called a stray",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, ONE, OVERLAP, IF_NONE | KNOWS_ID | MUST_LOOK),
      RECONCILE_HOLD, "store-older" },
    { "what nobody says and was never sent is in step",
      FACTS(NOTHING, NOTHING, NONE, IS_OPEN, UNASKED, NONE, IF_NONE), RECONCILE_IN_STEP, NULL },
    { "what a person decided stays decided",
      FACTS(BODY, OTHER, NONE, IS_OPEN, UNASKED, NONE, IF_NONE | KNOWS_ID | IS_DECIDED),
      RECONCILE_DECIDED, NULL },
    { "what was sent as wanted is in step",
      FACTS(BODY, WANTED, NONE, SAYS_HOLD, UNASKED, NONE, IF_NONE | KNOWS_ID), RECONCILE_IN_STEP,
      NULL },
    { "what is withdrawn before it was sent is in step",
      FACTS(WITHDRAWN, NOTHING, NONE, IS_OPEN, UNASKED, NONE, IF_NONE), RECONCILE_IN_STEP, NULL },
    { "a stranger under our id is a reset, and nothing is written",
      FACTS(BODY, OTHER, NONE, IS_OPEN, STRANGER, NONE, IF_NONE | KNOWS_ID), RECONCILE_RESET,
      NULL },
    { "the gate makes it wait",
      FACTS(BODY, NOTHING, NONE, SAYS_WAIT, UNASKED, NONE, IF_NONE), RECONCILE_WAIT, NULL },
    { "the gate holds it",
      FACTS(BODY, NOTHING, NONE, SAYS_HOLD, UNASKED, NONE, IF_NONE), RECONCILE_HOLD, NULL },
    { "what was held for this stays held",
      FACTS(BODY, OTHER, NONE, IS_OPEN, UNASKED, NONE, IF_NONE | KNOWS_ID | IS_HELD),
      RECONCILE_STAY_HELD, NULL },
    { "a target that leaves withdrawals is not written to",
      FACTS(WITHDRAWN, OTHER, NONE, IS_OPEN, UNASKED, NONE, IF_NONE | KNOWS_ID | MILDER_LEAVE),
      RECONCILE_DECIDED, NULL },
    { "a target that holds withdrawals holds them, also where ours is preferred by policy",
      FACTS(WITHDRAWN, OTHER, NONE, IS_OPEN, UNASKED, NONE,
            IF_NONE | KNOWS_ID | MILDER_HOLD | PREFERS_OURS), RECONCILE_HOLD, "withdraw-person" },
    { "a person's word withdraws at a target that holds withdrawals",
      FACTS(WITHDRAWN, OTHER, NONE, IS_OPEN, UNASKED, NONE,
            IF_NONE | KNOWS_ID | MILDER_HOLD | PREFERS_OURS | PERSON_SAYS), RECONCILE_READ, NULL },
    { "a person's move withdraws at a target that leaves withdrawals",
      FACTS(WITHDRAWN, OTHER, NONE, IS_OPEN, UNASKED, NONE,
            IF_NONE | KNOWS_ID | MILDER_LEAVE | PREFERS_OURS | PERSON_SAYS), RECONCILE_READ, NULL },
    { "what fails again and again is held",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, UNASKED, NONE, IF_NONE | OUT_OF_TRIES), RECONCILE_HOLD,
      "server-error" },
    { "what is there several times is held",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, SEVERAL, NONE, IF_NONE), RECONCILE_HOLD,
      "duplicate-at-target" },
    { "what was deleted there is not created again by itself",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, GONE, NONE, AT), RECONCILE_HOLD, "gone" },
    { "what stands in another chart is held",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, ONE, CHART, IF_NONE), RECONCILE_HOLD, "patient-changed" },
    { "what is found without its body is read",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, ONE, UNSEEN, IF_NONE | PREFERS_OURS), RECONCILE_READ,
      NULL },
    { "what is found and can't be shown is held",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, ONE, UNSEEN, CAN_CREATE | CAN_FIND | PREFERS_OURS),
      RECONCILE_HOLD, "capability" },
    { "what is found as wanted after a lost store is adopted",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, ONE, WANTED, IF_NONE), RECONCILE_ADOPT, NULL },
    { "theirs is kept where that is preferred",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, ONE, NONE, IF_NONE | PREFERS_THEIRS),
      RECONCILE_KEEP_THEIRS, NULL },
    { "ours is written where that is preferred",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, ONE, NONE, IF_NONE | PREFERS_OURS), RECONCILE_UPDATE,
      NULL },
    { "what is found otherwise after a lost store is held",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, ONE, NONE, IF_NONE), RECONCILE_HOLD, "adopt" },
    { "what the server says to have is searched for",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, UNASKED, NONE, IF_NONE | IS_DUPLICATE), RECONCILE_FIND,
      NULL },
    { "what the server says to have under our id is read where nothing can be searched",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, UNASKED, NONE,
            CAN_CREATE_AT | CAN_READ | IS_DUPLICATE), RECONCILE_READ, NULL },
    { "what the server says to have and can't show is held",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, UNASKED, NONE,
            CAN_CREATE_IF_NONE | CAN_READ | IS_DUPLICATE), RECONCILE_HOLD, "duplicate-at-target" },
    { "what the server says to have and a search doesn't find yet waits",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, ABSENT, NONE, IF_NONE | IS_DUPLICATE), RECONCILE_WAIT,
      "duplicate-at-target" },
    { "our own id is read before it is put",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, UNASKED, NONE, AT), RECONCILE_READ, NULL },
    { "an absent id is put", FACTS(BODY, NOTHING, NONE, IS_OPEN, ABSENT, NONE, AT),
      RECONCILE_CREATE_AT, NULL },
    { "a conditional create needs no search",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, UNASKED, NONE, IF_NONE), RECONCILE_CREATE_IF_NONE, NULL },
    { "without a conditional create it is searched first",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, UNASKED, NONE, ANY_CREATE), RECONCILE_FIND, NULL },
    { "an older store searches before a conditional create",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, UNASKED, NONE, IF_NONE | MUST_LOOK), RECONCILE_FIND,
      NULL },
    { "what a search didn't find is created conditionally",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, ABSENT, NONE, IF_NONE | MUST_LOOK),
      RECONCILE_CREATE_IF_NONE, NULL },
    { "what a search didn't find is created",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, ABSENT, NONE, ANY_CREATE), RECONCILE_CREATE, NULL },
    { "what the target doesn't take is held",
      FACTS(BODY, NOTHING, NONE, IS_OPEN, UNASKED, NONE, CAN_READ), RECONCILE_HOLD, "capability" },
    { "what changed is read before it is updated",
      FACTS(BODY, OTHER, NONE, IS_OPEN, UNASKED, NONE, IF_NONE | KNOWS_ID), RECONCILE_READ, NULL },
    { "what can't be read isn't updated",
      FACTS(BODY, OTHER, NONE, IS_OPEN, UNASKED, NONE, CAN_UPDATE | KNOWS_ID), RECONCILE_HOLD,
      "capability" },
    { "what was sent and deleted there is gone",
      FACTS(WITHDRAWN, OTHER, NONE, IS_OPEN, GONE, NONE, IF_NONE | KNOWS_ID), RECONCILE_HOLD,
      "gone" },
    { "what was sent and is there several times is held",
      FACTS(WITHDRAWN, OTHER, NONE, IS_OPEN, SEVERAL, NONE, IF_NONE | KNOWS_ID), RECONCILE_HOLD,
      "duplicate-at-target" },
    { "what was sent and stands in another chart now is held",
      FACTS(BODY, OTHER, NONE, IS_OPEN, ONE, CHART, IF_NONE | KNOWS_ID), RECONCILE_HOLD,
      "patient-changed" },
    { "what a clinician changed as we want it is adopted",
      FACTS(BODY, OTHER, NONE, IS_OPEN, ONE, WANTED, IF_NONE | KNOWS_ID), RECONCILE_ADOPT, NULL },
    { "an older store blames nobody",
      FACTS(BODY, OTHER, NONE, IS_OPEN, ONE, APART, IF_NONE | KNOWS_ID | STORE_IS_OLDER),
      RECONCILE_HOLD, "store-older" },
    { "a type that isn't updated there is held",
      FACTS(BODY, OTHER, NONE, IS_OPEN, ONE, SEEN, CAN_READ | MAY_UPDATE | KNOWS_ID),
      RECONCILE_HOLD, "capability" },
    { "an update without a version is held",
      FACTS(BODY, OTHER, NONE, IS_OPEN, ONE, SEEN, CAN_READ | CAN_UPDATE | KNOWS_ID),
      RECONCILE_HOLD, "conflict" },
    { "theirs is kept on an overlap where that is preferred",
      FACTS(BODY, OTHER, NONE, IS_OPEN, ONE, OVERLAP, IF_NONE | KNOWS_ID | PREFERS_THEIRS),
      RECONCILE_KEEP_THEIRS, NULL },
    { "an overlap is held",
      FACTS(BODY, OTHER, NONE, IS_OPEN, ONE, OVERLAP, IF_NONE | KNOWS_ID), RECONCILE_HOLD,
      "conflict" },
    { "changes apart from each other are merged",
      FACTS(BODY, OTHER, NONE, IS_OPEN, ONE, APART, IF_NONE | KNOWS_ID), RECONCILE_UPDATE, NULL },
    { "what nobody touched is updated",
      FACTS(WITHDRAWN, OTHER, NONE, IS_OPEN, ONE, SEEN, IF_NONE | KNOWS_ID), RECONCILE_UPDATE,
      NULL },
};
/* clang-format on */

START_TEST(each_situation_leads_to_its_action) {
    const struct facts_case *c = &cases[_i];
    const struct reconcile_row *row = reconcile(&c->facts);
    ck_assert_msg(row->action == c->action, "%s: action %d instead of %d", c->what,
                  (int)row->action, (int)c->action);
    const char *code = row->code != NULL ? row->code : "";
    const char *expected = c->code != NULL ? c->code : "";
    ck_assert_msg(strcmp(code, expected) == 0, "%s: code \"%s\"", c->what, code);
}
END_TEST

/* The closing row is there so that reconcile() always ends; nothing should need it. */
START_TEST(each_row_but_the_last_decides_a_case) {
    unsigned count;
    const struct reconcile_row *rows = reconcile_rows(&count);
    for (unsigned i = 0; i + 1 < count; i++) {
        bool reached = false;
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
            reached = reached || reconcile(&cases[k].facts) == &rows[i];
        ck_assert_msg(reached, "row %u (%s) is never reached", i,
                      rows[i].code != NULL ? rows[i].code : "no code");
    }
}
END_TEST

START_TEST(each_hold_of_the_table_says_what_to_do) {
    unsigned count;
    const struct reconcile_row *rows = reconcile_rows(&count);
    for (unsigned i = 0; i < count; i++) {
        if (rows[i].code != NULL)
            ck_assert_msg(rows[i].why != NULL && strlen(rows[i].why) > 20, "row %u", i);
        else
            ck_assert_ptr_null(rows[i].why);
    }
}
END_TEST

/* ---- laws over all combinations ---- */

static bool creates(enum reconcile_action a) {
    return a == RECONCILE_CREATE || a == RECONCILE_CREATE_IF_NONE || a == RECONCILE_CREATE_AT;
}

static bool writes(enum reconcile_action a) {
    return creates(a) || a == RECONCILE_UPDATE;
}

static bool asks(enum reconcile_action a) {
    return writes(a) || a == RECONCILE_FIND || a == RECONCILE_READ;
}

/* A law that one decision breaks; NULL: none. */
static const char *broken(const struct reconcile_facts *f, const struct reconcile_row *row) {
    enum reconcile_action a = row->action;
    bool open = f->attempt != ATTEMPT_NONE;
    if (open && writes(a))
        return "an open attempt is settled before anything is written";
    if (open && (a == RECONCILE_IN_STEP || a == RECONCILE_DECIDED || a == RECONCILE_ADOPT))
        return "an open attempt is never forgotten";
    if (!open && f->gate != GATE_IS_OPEN && asks(a) && (f->flags & STORE_IS_OLDER) == 0)
        return "what the gate stops is neither asked about nor written";
    if (!open && f->gate != GATE_IS_OPEN && writes(a))
        return "what the gate stops is not written";
    if ((f->found & (FOUND_GONE | FOUND_SEVERAL | FOUND_STRANGER)) != 0 && writes(a))
        return "what is gone, there several times or another's is not written";
    bool lost = f->attempt == ATTEMPT_CREATE && f->found == FOUND_ABSENT;
    if (lost && (f->flags & IS_SETTLED) == 0 && a != RECONCILE_UNKNOWN)
        return "a lost create is waited for";
    if (f->wanted == WANTED_NOTHING && !open && a != RECONCILE_IN_STEP)
        return "what nobody wants is in step";
    bool held = (f->flags & IS_HELD) != 0 && f->gate == GATE_IS_OPEN && f->sent == SENT_OTHER;
    if (held && !open && asks(a))
        return "what is held stays held";
    if (f->wanted == WANTED_WITHDRAWN && creates(a))
        return "a withdrawal creates nothing";
    if (creates(a) && ((f->flags & KNOWS_ID) != 0 || f->sent != SENT_NOTHING))
        return "what is there is not created again";
    if (a == RECONCILE_UPDATE && (f->flags & CAN_UPDATE) == 0)
        return "only what can be updated is updated";
    if (a == RECONCILE_UPDATE && (f->found != FOUND_ONE || f->look == LOOK_UNSEEN))
        return "what was not seen is not overwritten";
    if (writes(a) && f->found == FOUND_ONE && f->look == LOOK_CHART)
        return "nothing is written into another chart";
    bool overlaps = f->look == LOOK_OVERLAP && (f->flags & PREFERS_OURS) == 0;
    if (a == RECONCILE_UPDATE && overlaps)
        return "another's change is not overwritten unasked";
    if (a == RECONCILE_HOLD && row->code == NULL && (open || f->gate != GATE_SAYS_HOLD))
        return "a hold has a code";
    if (a == RECONCILE_FIND && (f->flags & CAN_FIND) == 0)
        return "only what can be searched is searched";
    bool reread = f->found != FOUND_UNASKED && f->look != LOOK_UNSEEN;
    if ((a == RECONCILE_FIND || a == RECONCILE_READ) && reread)
        return "what was looked at is not looked at again";
    return NULL;
}

/* The flags that are walked together; the others are walked one at a time beside them. */
static const unsigned walked[] = { KNOWS_ID,      IS_SETTLED,   CAN_CREATE,     CAN_CREATE_IF_NONE,
                                   CAN_CREATE_AT, CAN_UPDATE,   CAN_FIND,       CAN_READ,
                                   MAY_UPDATE,    PREFERS_OURS, PREFERS_THEIRS, IS_HELD,
                                   IS_DUPLICATE };
static const unsigned beside[] = {
    0,           STORE_IS_OLDER, OUT_OF_TRIES, IS_DECIDED, HAS_VERSIONS,
    MILDER_HOLD, MILDER_LEAVE,   MUST_LOOK,    PERSON_SAYS
};

static void walk_flags(struct reconcile_facts *f) {
    size_t count = sizeof walked / sizeof *walked;
    for (unsigned bits = 0; bits < 1u << count; bits++) {
        unsigned flags = 0;
        for (size_t i = 0; i < count; i++)
            flags |= (bits >> i & 1u) != 0 ? walked[i] : 0;
        for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
            f->flags = flags | beside[i];
            const char *law = broken(f, reconcile(f));
            if (law != NULL)
                ck_abort_msg("%s: wanted %d sent %d attempt %d gate %d found %d look %d flags %x "
                             "-> %d",
                             law, (int)f->wanted, (int)f->sent, (int)f->attempt, (int)f->gate,
                             (int)f->found, (int)f->look, f->flags, (int)reconcile(f)->action);
        }
    }
}

/* Whether a look goes with what was found: one that was found is compared, all else isn't. */
static bool fits(enum reconcile_found found, enum reconcile_look look) {
    return found == FOUND_ONE || look == LOOK_NONE;
}

/* _i: the combination of wanted, sent and attempt, three each. */
START_TEST(no_combination_of_facts_breaks_a_law) {
    struct reconcile_facts f;
    f.wanted = (enum reconcile_wanted)(1 << _i % 3);
    f.sent = (enum reconcile_sent)(1 << _i / 3 % 3);
    f.attempt = (enum reconcile_attempt)(1 << _i / 9);
    for (int gate = 1; gate <= GATE_SAYS_HOLD; gate *= 2) {
        for (int found = 1; found <= FOUND_STRANGER; found *= 2) {
            for (int look = 1; look <= LOOK_UNSEEN; look *= 2) {
                f.gate = (enum reconcile_gate)gate;
                f.found = (enum reconcile_found)found;
                f.look = (enum reconcile_look)look;
                if (fits(f.found, f.look))
                    walk_flags(&f);
            }
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("reconcile");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 300);
    tcase_add_loop_test(all, each_situation_leads_to_its_action, 0,
                        (int)(sizeof cases / sizeof *cases));
    tcase_add_test(all, each_row_but_the_last_decides_a_case);
    tcase_add_test(all, each_hold_of_the_table_says_what_to_do);
    tcase_add_loop_test(all, no_combination_of_facts_breaks_a_law, 0, 27);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
