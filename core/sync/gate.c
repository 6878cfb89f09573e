/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's rules, and the facts they are asked of. */
#include "core/sync/gate.h"

#include "core/base/clock.h"

#include <string.h>

enum {
    DATE = 11, /* "YYYY-MM-DD" and NUL */
    ASK_AGAIN_MS = 3600 * 1000,
    AHEAD_MOST_MS = 24 * 3600 * 1000 /* the wall clock may have gone back by so much */
};

/* What one consent says, of the classes that it names. */
struct gate_decision {
    bool permits;
    char date[DATE];             /* of the decision */
    char until[DATE];            /* last day of a permission; "" without end */
    const char *recipient;       /* NULL: whoever */
    const struct tree *classes;  /* that it speaks of; NULL: of all */
    const struct tree *excluded; /* that it refuses whatever it permits; NULL: none */
    bool part2;
};

/* ---- joining ---- */

/* Whether a character is what the form of a date has there: a digit for a `d`. */
static bool fits(char c, char form) {
    if (form != 'd')
        return c == form;
    return c >= '0' && c <= '9';
}

/* Keeps the day of a date or time; "" when there is none. */
static void take_day(char out[DATE], const char *text) {
    static const char form[] = "dddd-dd-dd";
    out[0] = '\0';
    if (text == NULL)
        return;
    for (size_t i = 0; i < sizeof form - 1; i++) {
        if (!fits(text[i], form[i]))
            return;
    }
    memcpy(out, text, DATE - 1);
    out[DATE - 1] = '\0';
}

/* The day on which a time falls. */
static void take_day_of_ms(char out[DATE], int64_t ms) {
    char time[25];
    clock_format(ms, time);
    take_day(out, time);
}

static bool is_list(const struct tree *node) {
    return node != NULL && node->kind == TREE_ARRAY;
}

static bool is_text(const struct tree *node) {
    return node != NULL && node->kind == TREE_STRING;
}

static bool is_true(const struct tree *node) {
    bool flag = node != NULL && node->kind == TREE_BOOLEAN;
    return flag && node->boolean;
}

/* What a consent's status decides. */
enum word { WORD_PERMITS, WORD_REFUSES, WORD_DECIDES_NOTHING };

/* A status that isn't known, which only a held reading can have, refuses: it may have been meant
 * so. */
static enum word word_of(const char *status) {
    static const struct {
        const char *status;
        enum word word;
    } words[] = {
        { "active", WORD_PERMITS },           { "draft", WORD_DECIDES_NOTHING },
        { "proposed", WORD_DECIDES_NOTHING }, { "inactive", WORD_DECIDES_NOTHING },
        { "expired", WORD_DECIDES_NOTHING },  { "entered-in-error", WORD_DECIDES_NOTHING }
    };
    if (status == NULL)
        return WORD_REFUSES;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].status, status) == 0)
            return words[i].word;
    }
    return WORD_REFUSES;
}

/* The day of a refusal: as it says; else the later of its signature and of the day on which the
 * record that says so was made, since a revocation without a date must not lose to what it ends;
 * "", today, when nobody knows when that was. */
static void take_refusal_day(char out[DATE], const struct tree *consent, int64_t revision_ms) {
    take_day(out, tree_text(consent, "revokedAt"));
    bool says_when = out[0] != '\0';
    if (says_when || revision_ms == 0)
        return;
    char made[DATE];
    take_day(out, tree_text(consent, "signedAt"));
    take_day_of_ms(made, revision_ms);
    if (strcmp(made, out) > 0)
        memcpy(out, made, DATE);
}

/* Reads between which days a consent permits; one without dates that can be read permits nothing:
 * false. */
static bool read_permission_days(const struct tree *consent, struct gate_decision *out) {
    take_day(out->date, tree_text(consent, "signedAt"));
    take_day(out->until, tree_text(consent, "expires"));
    bool begins = out->date[0] != '\0';
    bool says_end = tree_get(consent, "expires") != NULL;
    bool ends = out->until[0] != '\0';
    return begins && ends == says_end;
}

/* Reads one consent; false when it decides nothing. */
static bool read_consent(const struct tree *consent, int64_t revision_ms,
                         struct gate_decision *out) {
    *out = (struct gate_decision) { .permits = false };
    if (consent->kind != TREE_OBJECT)
        return true; /* nobody knows what it says: a refusal of all */
    enum word word = word_of(tree_text(consent, "status"));
    if (word == WORD_DECIDES_NOTHING)
        return false;
    *out = (struct gate_decision) {
        .permits = word == WORD_PERMITS,
        .recipient = tree_text(consent, "recipient"),
        .classes = tree_get(consent, "dataClasses"),
        .excluded = tree_get(consent, "excludedClasses"),
        .part2 = is_true(tree_get(consent, "part2")),
    };
    if (out->permits)
        return read_permission_days(consent, out);
    take_refusal_day(out->date, consent, revision_ms);
    return true;
}

static const char unreadable[] =
    "what is kept of this patient's consents can't be read: run `iptfhir sync --reread`";

/* Whether a member is true; one of another kind makes the facts unreadable. */
static bool flag(const struct tree *facts, const char *name, struct gate_patient *out) {
    const struct tree *value = tree_get(facts, name);
    if (value == NULL)
        return false;
    if (value->kind == TREE_BOOLEAN)
        return value->boolean;
    out->unreadable = unreadable;
    return false;
}

/* How many consents the facts hold. */
static size_t consents_in(const struct tree *facts) {
    const struct tree *list = tree_get(facts, "consents");
    return is_list(list) ? list->length : 0;
}

/* The facts of the first revision that is held; NULL: none. */
static const struct tree *held_in(const struct tree *facts) {
    return tree_at(tree_get(facts, "held"), 0);
}

/* How many consents the facts hold, those of held revisions included. */
static size_t all_consents_in(const struct tree *facts) {
    size_t count = consents_in(facts);
    for (const struct tree *h = held_in(facts); h != NULL; h = h->next)
        count += consents_in(h);
    return count;
}

/* Adds what one record's facts say. */
static void join_one(const struct tree *facts, int64_t revision_ms, struct gate_decision *decisions,
                     struct gate_patient *out) {
    const struct tree *consents = tree_get(facts, "consents");
    out->part2 |= flag(facts, "part2", out);
    out->minor |= flag(facts, "minor", out);
    if (consents == NULL)
        return;
    if (!is_list(consents)) {
        out->unreadable = unreadable;
        return;
    }
    for (const struct tree *c = consents->first; c != NULL; c = c->next) {
        if (read_consent(c, revision_ms, &decisions[out->decision_count]))
            out->decision_count++;
    }
}

/* Who a record says that its patient is. */
static void join_identity(const struct tree *facts, int64_t revision_ms, int64_t *newest,
                          struct gate_patient *out) {
    const struct tree *identity = tree_get(facts, "patient");
    bool says_who = identity != NULL && identity->kind == TREE_OBJECT;
    if (!says_who || revision_ms < *newest)
        return;
    out->identity = identity;
    *newest = revision_ms;
}

/* Since when a record says who its patient is. One that names another patient by now has moved on
 * without saying it again: any other record knows better. */
static int64_t identity_since(const struct tree *facts, const struct store_record *record) {
    bool moved = tree_get(facts, "moved") != NULL;
    return moved ? INT64_MIN : record->revision_ms;
}

/* Whether what a record permits still counts: a refusal always does. */
static bool permissions_count(const struct store_record *record) {
    return record->state == STORE_RECORD_LIVE || record->state == STORE_RECORD_LEFT;
}

/* Forgets the permissions among the newest decisions, but not what they exclude. */
static void drop_permissions(struct gate_decision *decisions, size_t from, size_t *count) {
    size_t kept = from;
    for (size_t i = from; i < *count; i++) {
        struct gate_decision *d = &decisions[i];
        if (d->permits)
            d->classes = NULL; /* it permits none */
        if (!d->permits || d->excluded != NULL)
            decisions[kept++] = *d;
    }
    *count = kept;
}

/* The id under which a record's facts name its patient; NULL: none. */
static const char *local_id(const struct tree *facts) {
    return tree_text(tree_get(facts, "patient"), "localId");
}

/* Whether a held revision is about the patient under whom its record stands. */
static bool names_same(const struct tree *facts, const struct tree *held) {
    const char *ours = local_id(facts);
    const char *theirs = local_id(held);
    if (ours == NULL || theirs == NULL)
        return true;
    return strcmp(ours, theirs) == 0;
}

/* Adds what a record's held revisions refuse, and who they say that the patient is, unless they are
 * about another one. */
static void join_held(const struct tree *facts, const struct store_record *record,
                      struct gate_decision *decisions, int64_t *newest, struct gate_patient *out) {
    bool moved = strcmp(record->code, "patient-changed") == 0;
    for (const struct tree *h = held_in(facts); h != NULL; h = h->next) {
        size_t before = out->decision_count;
        if (h->kind != TREE_OBJECT)
            continue;
        join_one(h, 0, decisions, out); /* nobody knows when it was said: a refusal counts today */
        drop_permissions(decisions, before, &out->decision_count);
        if (!moved && names_same(facts, h))
            join_identity(h, record->revision_ms, newest, out);
    }
}

/* Adds all that one record says. */
static void join_record(const struct tree *facts, const struct store_record *record,
                        struct gate_decision *decisions, int64_t *newest,
                        struct gate_patient *out) {
    size_t before = out->decision_count;
    join_one(facts, record->revision_ms, decisions, out);
    if (!permissions_count(record))
        drop_permissions(decisions, before, &out->decision_count);
    join_identity(facts, identity_since(facts, record), newest, out);
    join_held(facts, record, decisions, newest, out);
}

/* Reads the facts of a record; *facts is NULL when it has none that can be read. False when memory
 * is out. */
static bool read_facts(struct arena *a, struct store_bytes text, const struct tree **facts,
                       struct gate_patient *out) {
    struct iptfhir_error why = ERROR_INIT;
    if (text.length == 0)
        return true;
    const struct tree *read = json_read_copy(a, text.data, text.length, NULL, &why);
    if (read != NULL && read->kind == TREE_OBJECT) {
        *facts = read;
        return true;
    }
    bool out_of_memory = read == NULL && strcmp(why.code, "memory") == 0;
    if (!out_of_memory)
        out->unreadable = unreadable;
    return !out_of_memory;
}

bool gate_join(struct arena *a, const struct store_record *records, size_t count,
               struct gate_patient *out) {
    const struct tree **facts = arena_zalloc(a, (count + 1) * sizeof *facts);
    size_t room = 0;
    int64_t newest = INT64_MIN;
    *out = (struct gate_patient) { 0 };
    if (facts == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!read_facts(a, records[i].facts, &facts[i], out))
            return false;
        room += all_consents_in(facts[i]);
    }
    struct gate_decision *decisions = arena_zalloc(a, (room + 1) * sizeof *decisions);
    if (decisions == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        bool was_never_true = records[i].state == STORE_RECORD_ERROR;
        if (facts[i] == NULL || was_never_true)
            continue;
        join_record(facts[i], &records[i], decisions, &newest, out);
    }
    out->decisions = decisions;
    return true;
}

/* ---- asking ---- */

static const struct gate_answer open_way = { .way = GATE_OPEN };

/* Waits for something that comes by itself. */
static struct gate_answer waits(const char *code, const char *detail) {
    return (struct gate_answer) { .way = GATE_WAITS, .code = code, .detail = detail };
}

/* Holds for a person. */
static struct gate_answer holds(const char *code, const char *detail) {
    return (struct gate_answer) { .way = GATE_HOLDS, .code = code, .detail = detail };
}

/* Whether a list of texts has this one. */
static bool lists(const struct tree *list, const char *text) {
    const struct tree *item = tree_at(list, 0);
    for (; item != NULL; item = item->next) {
        if (is_text(item) && strcmp(item->text, text) == 0)
            return true;
    }
    return false;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *text) {
    while (is_blank(*text))
        text++;
    return text;
}

static char folded(char c) {
    bool capital = c >= 'A' && c <= 'Z';
    return capital ? (char)(c - 'A' + 'a') : c;
}

/* Takes the next character as names are compared: small, blanks as one, and none at the end. */
static char next_compared(const char **text) {
    const char *rest = skip_blanks(*text);
    bool blanks = rest != *text;
    *text = rest;
    if (*rest == '\0')
        return '\0';
    if (blanks)
        return ' ';
    *text = rest + 1;
    return folded(*rest);
}

/* Whether two names are the same but for blanks and case; a name of blanks alone means anybody. */
static bool means_same(const char *a, const char *b) {
    char of_a, of_b;
    a = skip_blanks(a);
    b = skip_blanks(b);
    if (*a == '\0')
        return true;
    do {
        of_a = next_compared(&a);
        of_b = next_compared(&b);
    } while (of_a == of_b && of_a != '\0');
    return of_a == of_b;
}

/* Whether a permission is for this recipient: by the letter. */
static bool permits_to(const struct gate_decision *d, const char *recipient) {
    return d->recipient != NULL && strcmp(d->recipient, recipient) == 0;
}

/* Whether a refusal is for this recipient: also where it is written a little differently, and
 * without a recipient it is meant for all. */
static bool refuses_to(const struct gate_decision *d, const char *recipient) {
    return d->recipient == NULL || means_same(d->recipient, recipient);
}

/* Whether a decision is about this recipient; NULL: whoever. */
static bool concerns(const struct gate_decision *d, const char *recipient) {
    if (recipient == NULL)
        return true;
    if (d->permits)
        return permits_to(d, recipient);
    return refuses_to(d, recipient);
}

/* Whether a permission is in force on a day. */
static bool in_force(const struct gate_decision *d, const char *today) {
    bool begun = strcmp(d->date, today) <= 0;
    bool ends = d->until[0] != '\0';
    bool over = ends && strcmp(d->until, today) < 0;
    return begun && !over;
}

static bool is_known_class(const struct tree *name, const struct privacy *privacy) {
    return is_text(name) && privacy_need_of(privacy, name->text) != PRIVACY_UNKNOWN;
}

/* Whether a refusal names classes, all of them known: else it is meant for all. */
static bool names_known_classes(const struct gate_decision *d, const struct privacy *privacy) {
    const struct tree *first = tree_at(d->classes, 0);
    for (const struct tree *c = first; c != NULL; c = c->next) {
        if (!is_known_class(c, privacy))
            return false;
    }
    return first != NULL;
}

/* Whether a decision refuses a class: by its status, or by what it excludes. */
static bool refuses(const struct gate_decision *d, const struct privacy *privacy,
                    const char *data_class) {
    if (lists(d->excluded, data_class))
        return true;
    if (d->permits)
        return false;
    return !names_known_classes(d, privacy) || lists(d->classes, data_class);
}

/* Whether a permission leaves any of its classes permitted. */
static bool permits_any(const struct gate_decision *d) {
    const struct tree *c = tree_at(d->classes, 0);
    for (; c != NULL; c = c->next) {
        if (is_text(c) && !lists(d->excluded, c->text))
            return true;
    }
    return false;
}

/* Whether a decision permits what the need asks for. */
static bool permits(const struct gate_decision *d, enum privacy_need need, const char *data_class) {
    if (!d->permits)
        return false;
    if (need == PRIVACY_NEEDS_ANY)
        return permits_any(d);
    return lists(d->classes, data_class) && !lists(d->excluded, data_class);
}

/* What is asked of the decisions for one question. */
struct asking {
    const struct gate_question *q;
    const char *data_class;
    const char *today;
    bool part2; /* only permissions that cover Part 2 count */
};

/* Whether a decision counts for the question. A refusal counts at once, also when it is dated
 * ahead: its day may be over here and not yet there. */
static bool counts(const struct asking *asking, const struct gate_decision *d) {
    bool ahead = strcmp(d->date, asking->today) > 0;
    if (d->permits && ahead)
        return false;
    return concerns(d, asking->q->recipient);
}

/* Whether a permission covers what the question is about. */
static bool covers(const struct asking *asking, enum privacy_need need,
                   const struct gate_decision *d) {
    if (asking->part2 && !d->part2)
        return false;
    return permits(d, need, asking->data_class) && in_force(d, asking->today);
}

/* Keeps the later one of two days. */
static void keep_later(const char **day, const char *other) {
    if (strcmp(other, *day) > 0)
        *day = other;
}

/* The day on which a refusal counts; one without a day counts from today on. */
static const char *refusal_day(const struct gate_decision *d, const char *today) {
    return d->date[0] != '\0' ? d->date : today;
}

/* Among the decisions for the recipient the latest counts; on one day the refusal. */
static bool latest_permits(const struct asking *asking, enum privacy_need need, bool *refused) {
    const struct gate_patient *patient = asking->q->patient;
    const char *permitted_on = "";
    const char *refused_on = "";
    for (size_t i = 0; i < patient->decision_count; i++) {
        const struct gate_decision *d = &patient->decisions[i];
        if (!counts(asking, d))
            continue;
        if (refuses(d, asking->q->privacy, asking->data_class))
            keep_later(&refused_on, refusal_day(d, asking->today));
        if (covers(asking, need, d))
            keep_later(&permitted_on, d->date);
    }
    bool permitted = permitted_on[0] != '\0';
    bool ever_refused = refused_on[0] != '\0';
    *refused = ever_refused && strcmp(refused_on, permitted_on) >= 0;
    return permitted && !*refused;
}

/* Whether one class of a permission is still permitted by all that was decided since. */
static bool class_permitted(const struct asking *asking, const struct gate_decision *d) {
    const struct tree *c = tree_at(d->classes, 0);
    for (; c != NULL; c = c->next) {
        struct asking of_class = *asking;
        bool refused;
        of_class.data_class = is_text(c) ? c->text : "";
        if (latest_permits(&of_class, PRIVACY_NEEDS_CLASS, &refused))
            return true;
    }
    return false;
}

/* Whether the permissions leave any class permitted. */
static bool any_class_permitted(const struct asking *asking) {
    const struct gate_patient *patient = asking->q->patient;
    for (size_t i = 0; i < patient->decision_count; i++) {
        const struct gate_decision *d = &patient->decisions[i];
        if (d->permits && class_permitted(asking, d))
            return true;
    }
    return false;
}

/* Whether the class may go. What speaks of consents itself goes while any class may. */
static bool is_permitted(const struct gate_question *q, enum privacy_need need, bool part2,
                         const char *today, bool *refused) {
    const struct asking asking = {
        .q = q, .data_class = q->data_class, .today = today, .part2 = part2
    };
    if (!latest_permits(&asking, need, refused))
        return false;
    if (need != PRIVACY_NEEDS_ANY)
        return true;
    *refused = !any_class_permitted(&asking);
    return !*refused;
}

/* When the gate is asked again since a permission that lacks today begins later; 0: none does. */
static int64_t begins_later(const struct gate_question *q, const char *today) {
    for (size_t i = 0; i < q->patient->decision_count; i++) {
        const struct gate_decision *d = &q->patient->decisions[i];
        bool ahead = strcmp(d->date, today) > 0;
        bool ours = d->permits && concerns(d, q->recipient);
        if (ours && ahead)
            return q->now_ms + ASK_AGAIN_MS;
    }
    return 0;
}

/* Whether its job sends to this target. What never should have stood there is taken back also
 * after the job has ceased to. */
static struct gate_answer ask_route(const struct gate_question *q) {
    if (q->routed || q->withdrawal)
        return open_way;
    return holds("not-for-target", "its job doesn't list this target any more: list it under the "
                                   "job's targets, or `iptfhir outbox discard ID`");
}

static bool is_held(enum store_record_state state) {
    return state == STORE_RECORD_HELD || state == STORE_RECORD_GONE;
}

/* What stands against sending because of the record or of ingest. */
static struct gate_answer ask_record(const struct gate_question *q) {
    if (is_held(q->record_state))
        return holds(q->record_code, q->record_detail);
    if (q->said_code[0] != '\0')
        return holds(q->said_code, q->said_detail);
    return open_way;
}

/* Whether the record's job was read to the end, not too long ago, and since the record was. */
static bool is_confirmed(const struct gate_question *q) {
    int64_t age = q->now_ms - q->confirmed_ms;
    bool ever = q->confirmed_ms != 0;
    bool believed = age <= q->max_age_ms && age >= -AHEAD_MOST_MS;
    bool since_record = q->record_poll <= q->confirmed_poll;
    return ever && believed && since_record;
}

/* Whether the record's job says that what it said still holds. */
static struct gate_answer ask_poll(const struct gate_question *q) {
    if (q->polling)
        return waits("polling", "its job is being read; a later line may correct it");
    if (is_confirmed(q))
        return open_way;
    return waits("unconfirmed", "its job was not read to the end within limits.max_age_hours: "
                                "see why its source fails, then run sync");
}

/* What stands against sending whatever the patient agreed to. */
static struct gate_answer ask_patient(const struct gate_question *q) {
    if (q->patient->unreadable != NULL)
        return holds("store-damaged", q->patient->unreadable);
    if (q->patient->minor)
        return holds("minor-policy", "the site's policy for minors holds this patient's data");
    return open_way;
}

/* Whether the patient agreed. */
static struct gate_answer ask_consent(const struct gate_question *q) {
    enum privacy_need need = privacy_need_of(q->privacy, q->data_class);
    char today[DATE];
    bool refused = false;
    if (need == PRIVACY_UNKNOWN)
        return holds("unknown-class", "its mapping declares no data class that "
                                      "privacy/classes.yaml knows: correct data_class there");
    if (need == PRIVACY_NEEDS_NOBODY)
        return holds("policy-denied", "its data class never leaves the clinic");
    take_day_of_ms(today, q->now_ms);
    if (q->patient->part2 && !is_permitted(q, need, true, today, &refused))
        return holds("part2", "the record holds data under 42 CFR Part 2 and no consent in force "
                              "with part2: true for this recipient");
    bool permitted = is_permitted(q, need, false, today, &refused);
    if (refused)
        return holds("consent", "the patient refused this class to this recipient, or a "
                                "record of theirs that is held may say so");
    if (permitted || q->attested)
        return open_way;
    struct gate_answer answer =
        holds("consent", "no consent in force for this recipient and data class: add it to the "
                         "record, or say `consent: attested` at the target if the clinic has it "
                         "on file");
    answer.until_ms = begins_later(q, today);
    return answer;
}

/* The rules in the order in which they are asked. What takes something back passes without those
 * that ask what the patient agreed to. */
static const struct {
    struct gate_answer (*ask)(const struct gate_question *q);
    bool of_withdrawals;
} rules[] = {
    { ask_route, true },    { ask_record, true },   { ask_poll, true },
    { ask_patient, false }, { ask_consent, false },
};

struct gate_answer gate_ask(const struct gate_question *q) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (q->withdrawal && !rules[i].of_withdrawals)
            continue;
        struct gate_answer answer = rules[i].ask(q);
        if (answer.way != GATE_OPEN)
            return answer;
    }
    return open_way;
}
