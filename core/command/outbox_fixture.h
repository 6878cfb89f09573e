/* SPDX-License-Identifier: Apache-2.0 */
/* A store in memory with one patient, one record and one resource, for the tests of outbox. */
#ifndef CORE_COMMAND_OUTBOX_FIXTURE_H
#define CORE_COMMAND_OUTBOX_FIXTURE_H

#include "core/command/outbox.h"
#include "core/tree/tree.h"

#include <check.h>

#define OK(call) ck_assert_msg((call), "%s [%s]", f.error.text, f.error.code)
#define NOW 1700000000000LL

struct outbox_fixture {
    struct store_medium *medium;
    struct store *store;
    struct iptfhir_error error;
    struct arena arena;
    struct outbox o;
    uint32_t hospital;
    uint64_t patient;
    struct store_record record;
    struct store_said said;
};
extern struct outbox_fixture f;

void fixture_set_up(void);
void fixture_tear_down(void);
void fixture_begin(void);
void fixture_commit(void);

/* Writes the record, what is wanted of the resource, its state, a fact. there: the target has it.
 */
void fixture_record(enum store_record_state state, const char *code);
void fixture_said(enum store_wanted wanted, const char *code);
void fixture_state(enum store_step step, const char *code, bool there);
void fixture_fact(const char *name, const char *value);

/* Carries a verb out, on what a filter leaves or on one item; the exit code. */
int fixture_act(enum outbox_verb verb, const char *word, struct outbox_filter filter);
int fixture_one(enum outbox_verb verb, const char *word, const char *id);
/* Asserts that it was refused, and why. */
void fixture_refused(int code, const char *why);
/* What is listed, as JSON; the text is in f.o.out. */
struct tree *fixture_list(struct outbox_filter filter);

/* The ids of the resource and the record. */
const char *fixture_item(void);
const char *fixture_record_item(void);

/* What stands in the store now. */
struct store_state fixture_state_now(void);
struct store_said fixture_said_now(void);
struct store_record fixture_record_now(void);
bool fixture_has_lane(void);
bool fixture_has_fact(const char *name);
bool fixture_is_zero(const unsigned char hash[STORE_HASH]);
#endif
