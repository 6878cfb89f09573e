/* SPDX-License-Identifier: Apache-2.0 */
/* What the core itself needs to know of a target, taken out of its options: one table of settings
 * that hold for every plugin. */
#include "core/config/reading.h"

#include <string.h>

/* EITHER: the second of two words, as a bool. */
enum target_type { TARGET_INTEGER, TARGET_CHOICE, TARGET_EITHER, TARGET_SWITCH, TARGET_TEXT };

/* One setting: its place in struct config_instance, and what it may be. */
struct target_setting {
    const char *name;
    enum target_type type;
    size_t offset;
    int64_t initial; /* a number, the index of a choice, or true */
    int64_t min, max;
    const char *const *choices;
    const char *meaning; /* said when the value is wrong */
};
static const char *const consents[] = { "record", "attested", NULL };
static const char *const conflicts[] = { "hold", "clinic-wins", "ehr-wins", NULL };
static const char *const withdrawals[] = { "mark", "hold", "leave", NULL };
static const char *const transactions[] = { "never", "auto", NULL };
static const char *const label_policies[] = { "omit", "send", NULL };
#define AT(member) offsetof(struct config_instance, member)
static const struct target_setting settings[] = {
    { "workers", TARGET_INTEGER, AT(workers), 4, 1, 64, NULL, NULL },
    { "recipient", TARGET_TEXT, AT(recipient), 0, 0, 0, NULL, "the recipient as consents name it" },
    { "consent", TARGET_EITHER, AT(consent_attested), false, 0, 0, consents,
      "`record`: each record carries its consents; `attested`: the clinic has them on file" },
    { "conflict", TARGET_CHOICE, AT(conflict), CONFIG_CONFLICT_HOLD, 0, 0, conflicts,
      "when both sides changed the same element" },
    { "withdraw", TARGET_CHOICE, AT(withdraw), CONFIG_WITHDRAW_MARK, 0, 0, withdrawals,
      "when a resource left the clinic's records" },
    { "transaction", TARGET_EITHER, AT(together), true, 0, 0, transactions,
      "whether bundles are used where the server offers them" },
    { "labels", TARGET_EITHER, AT(labels), true, 0, 0, label_policies,
      "whether meta.security is sent" },
    { "update_without_version", TARGET_SWITCH, AT(update_without_version), false, 0, 0, NULL,
      NULL },
    { "settle_seconds", TARGET_INTEGER, AT(settle_seconds), 90, 0, 86400, NULL, NULL },
    { "max_entries", TARGET_INTEGER, AT(max_entries), 0, 0, 10000, NULL, NULL },
};

/* Takes a whole number. */
static void take_integer(struct reading *r, const struct target_setting *s, const char *target,
                         const struct tree *value, void *out) {
    int64_t number;
    bool whole = value->kind == TREE_NUMBER && tree_to_int(value, &number);
    if (whole && number >= s->min && number <= s->max)
        *(int64_t *)out = number;
    else
        config_fault(r, value, "out-of-range",
                     "targets.%s.%s must be a whole number between %lld and %lld", target, s->name,
                     (long long)s->min, (long long)s->max);
}

/* The index of the word that a value is; -1, with a fault: it is none of those allowed. */
static int choice_of(struct reading *r, const struct target_setting *s, const char *target,
                     const struct tree *value) {
    int n = value->kind == TREE_STRING ? config_choice(value->text, s->choices) : -1;
    if (n < 0)
        config_fault(r, value, "wrong-value", "targets.%s.%s must be one of: %s (%s)", target,
                     s->name, config_words(r, s->choices), s->meaning);
    return n;
}

static void take_choice(struct reading *r, const struct target_setting *s, const char *target,
                        const struct tree *value, void *out) {
    int n = choice_of(r, s, target, value);
    if (n >= 0)
        *(int *)out = n;
}

static void take_either(struct reading *r, const struct target_setting *s, const char *target,
                        const struct tree *value, void *out) {
    int n = choice_of(r, s, target, value);
    if (n >= 0)
        *(bool *)out = n == 1;
}

static void take_switch(struct reading *r, const struct target_setting *s, const char *target,
                        const struct tree *value, void *out) {
    if (value->kind == TREE_BOOLEAN)
        *(bool *)out = value->boolean;
    else
        config_fault(r, value, "wrong-type", "targets.%s.%s must be true or false", target,
                     s->name);
}

static void take_text(struct reading *r, const struct target_setting *s, const char *target,
                      const struct tree *value, void *out) {
    if (value->kind == TREE_STRING)
        *(const char **)out = value->text;
    else
        config_fault(r, value, "wrong-type", "targets.%s.%s must be a text: %s", target, s->name,
                     s->meaning);
}

/* Takes one setting's value. */
static void take(struct reading *r, const struct target_setting *s, struct config_instance *i,
                 const struct tree *value) {
    typedef void take_value(struct reading *, const struct target_setting *, const char *target,
                            const struct tree *, void *out);
    static take_value *const takes[] = {
        [TARGET_INTEGER] = take_integer, [TARGET_CHOICE] = take_choice,
        [TARGET_EITHER] = take_either,   [TARGET_SWITCH] = take_switch,
        [TARGET_TEXT] = take_text,
    };
    takes[s->type](r, s, i->name, value, (char *)i + s->offset);
}

/* Sets what holds when the file does not say otherwise. */
static void set_initial(const struct target_setting *s, struct config_instance *i) {
    void *out = (char *)i + s->offset;
    switch (s->type) {
    case TARGET_INTEGER: *(int64_t *)out = s->initial; break;
    case TARGET_CHOICE: *(int *)out = (int)s->initial; break;
    case TARGET_EITHER:
    case TARGET_SWITCH: *(bool *)out = s->initial != 0; break;
    case TARGET_TEXT: break; /* the instance is zeroed: NULL */
    }
}

void config_read_target(struct reading *r, struct config_instance *i, const struct tree *at,
                        struct tree *options) {
    bool has_recipient = tree_get(options, "recipient") != NULL;
    const struct tree *settle = tree_get(options, "settle_seconds");
    i->settle_where = settle != NULL ? config_where(&r->c->arena, r->file, settle) : i->where;
    for (size_t n = 0; n < sizeof settings / sizeof *settings; n++) {
        const struct target_setting *s = &settings[n];
        struct tree *value = tree_get(options, s->name);
        set_initial(s, i);
        if (value == NULL)
            continue;
        if (value->kind != TREE_NULL)
            take(r, s, i, value);
        tree_remove(value);
    }
    if (!i->consent_attested && !has_recipient)
        config_fault(r, at, "missing",
                     "targets.%s must say whom consents name (recipient: NAME), or `consent: "
                     "attested` if the clinic has them on file",
                     i->name);
}
