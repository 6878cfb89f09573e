/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's rules, and the facts they are asked of. */
#include "core/sync/gate.h"

#include "core/base/clock.h"

#include <string.h>

enum {
    DATE = 11,                       /* "YYYY-MM-DD" and NUL */
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

/* Keeps the day of a date or time; "" when there is none. */
static void take_day(char out[DATE], const char *text) {
    static const char form[] = "dddd-dd-dd";
    out[0] = '\0';
    for (size_t i = 0; i < sizeof form - 1; i++) {
        bool digit = text != NULL && text[i] >= '0' && text[i] <= '9';
        bool dash = text != NULL && text[i] == '-';
        if (form[i] == 'd' ? !digit : !dash)
            return;
    }
    memcpy(out, text, DATE - 1);
    out[DATE - 1] = '\0';
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
    for (size_t i = 0; status != NULL && i < sizeof words / sizeof *words; i++) {
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
    if (out[0] != '\0' || revision_ms == 0)
        return;
    char revision[25], day[DATE];
    take_day(out, tree_text(consent, "signedAt"));
    clock_format(revision_ms, revision);
    take_day(day, revision);
    if (strcmp(day, out) > 0)
        memcpy(out, day, DATE);
}

/* Reads one consent; false when it decides nothing. */
static bool read_consent(const struct tree *consent, int64_t revision_ms,
                         struct gate_decision *out) {
    *out = (struct gate_decision) { .permits = false };
    if (consent->kind != TREE_OBJECT)
        return true; /* nobody knows what it says: a refusal of all */
    enum word word = word_of(tree_text(consent, "status"));
    bool refuses = word == WORD_REFUSES;
    if (word == WORD_DECIDES_NOTHING)
        return false;
    const struct tree *part2 = tree_get(consent, "part2");
    *out = (struct gate_decision) { .permits = !refuses,
                                    .recipient = tree_text(consent, "recipient"),
                                    .classes = tree_get(consent, "dataClasses"),
                                    .excluded = tree_get(consent, "excludedClasses") };
    out->part2 = part2 != NULL && part2->kind == TREE_BOOLEAN && part2->boolean;
    if (refuses) {
        take_refusal_day(out->date, consent, revision_ms);
        return true;
    }
    take_day(out->date, tree_text(consent, "signedAt"));
    take_day(out->until, tree_text(consent, "expires"));
    bool begins = out->date[0] != '\0';
    bool ends_someday = tree_get(consent, "expires") != NULL && out->until[0] == '\0';
    return begins && !ends_someday; /* without dates that can be read it permits nothing */
}

static const char unreadable[] =
    "what is kept of this patient's consents can't be read: run `iptfhir sync --reread`";

/* Whether a member is true; one of another kind makes the facts unreadable. */
static bool flag(const struct tree *facts, const char *name, struct gate_patient *out) {
    const struct tree *value = tree_get(facts, name);
    if (value == NULL)
        return false;
    if (value->kind != TREE_BOOLEAN)
        out->unreadable = unreadable;
    return value->kind == TREE_BOOLEAN && value->boolean;
}

/* How many consents the facts hold. */
static size_t consents_in(const struct tree *facts) {
    const struct tree *list = facts != NULL ? tree_get(facts, "consents") : NULL;
    return list != NULL && list->kind == TREE_ARRAY ? list->length : 0;
}

/* The facts of revisions that are held; NULL: none. */
static const struct tree *held_in(const struct tree *facts) {
    const struct tree *held = facts != NULL ? tree_get(facts, "held") : NULL;
    bool listed = held != NULL && held->kind == TREE_ARRAY;
    return listed ? held->first : NULL;
}

/* How many consents the facts hold, those of held revisions included. */
static size_t all_consents_in(const struct tree *facts) {
    size_t count = consents_in(facts);
    for (const struct tree *h = held_in(facts); h != NULL; h = h->next)
        count += h->kind == TREE_OBJECT ? consents_in(h) : 0;
    return count;
}

/* Adds what one record's facts say. */
static void join_one(const struct tree *facts, int64_t revision_ms, struct gate_decision *decisions,
                     struct gate_patient *out) {
    const struct tree *consents = tree_get(facts, "consents");
    bool part2 = flag(facts, "part2", out), minor = flag(facts, "minor", out);
    out->part2 = out->part2 || part2;
    out->minor = out->minor || minor;
    if (consents == NULL)
        return;
    if (consents->kind != TREE_ARRAY) {
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
    if (says_who && revision_ms >= *newest) {
        out->identity = identity;
        *newest = revision_ms;
    }
}

/* Since when a record says who its patient is. One that names another patient by now has moved on
 * without saying it again: any other record knows better. */
static int64_t identity_since(const struct tree *facts, const struct store_record *record) {
    return tree_get(facts, "moved") != NULL ? INT64_MIN : record->revision_ms;
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

/* Whether a held revision is about the patient under whom its record stands. */
static bool names_same(const struct tree *facts, const struct tree *held) {
    const struct tree *ours = tree_get(facts, "patient");
    const struct tree *theirs = tree_get(held, "patient");
    const char *our_id = ours != NULL ? tree_text(ours, "localId") : NULL;
    const char *their_id = theirs != NULL ? tree_text(theirs, "localId") : NULL;
    return our_id == NULL || their_id == NULL || strcmp(our_id, their_id) == 0;
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

bool gate_join(struct arena *a, const struct store_record *records, size_t count,
               struct gate_patient *out) {
    const struct tree **facts = arena_zalloc(a, (count + 1) * sizeof *facts);
    size_t room = 0;
    int64_t newest = INT64_MIN;
    *out = (struct gate_patient) { 0 };
    if (facts == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (records[i].facts.length == 0)
            continue;
        struct iptfhir_error why = ERROR_INIT;
        facts[i] = json_read_copy(a, records[i].facts.data, records[i].facts.length, NULL, &why);
        if (facts[i] == NULL && strcmp(why.code, "memory") == 0)
            return false;
        if (facts[i] == NULL || facts[i]->kind != TREE_OBJECT) {
            facts[i] = NULL;
            out->unreadable = unreadable;
        }
        room += all_consents_in(facts[i]);
    }
    struct gate_decision *decisions = arena_zalloc(a, (room + 1) * sizeof *decisions);
    if (decisions == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (facts[i] == NULL || records[i].state == STORE_RECORD_ERROR)
            continue;
        size_t before = out->decision_count;
        join_one(facts[i], records[i].revision_ms, decisions, out);
        if (!permissions_count(&records[i]))
            drop_permissions(decisions, before, &out->decision_count);
        join_identity(facts[i], identity_since(facts[i], &records[i]), &newest, out);
        join_held(facts[i], &records[i], decisions, &newest, out);
    }
    out->decisions = decisions;
    return true;
}

/* ---- asking ---- */

static const struct gate_answer open_way = { .way = GATE_OPEN };

/* Holds for a person. */
static struct gate_answer holds(const char *code, const char *detail) {
    return (struct gate_answer) { .way = GATE_HOLDS, .code = code, .detail = detail };
}

/* Whether a list of texts has this one. */
static bool lists(const struct tree *list, const char *text) {
    if (list == NULL || list->kind != TREE_ARRAY)
        return false;
    for (const struct tree *item = list->first; item != NULL; item = item->next) {
        if (item->kind == TREE_STRING && strcmp(item->text, text) == 0)
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
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether two names are the same but for blanks and case; a name of blanks alone means anybody. */
static bool means_same(const char *a, const char *b) {
    a = skip_blanks(a);
    b = skip_blanks(b);
    if (*a == '\0')
        return true;
    while (*a != '\0' && *b != '\0') {
        bool blanks = is_blank(*a) && is_blank(*b);
        if (!blanks && folded(*a) != folded(*b))
            break;
        a = blanks ? skip_blanks(a) : a + 1;
        b = blanks ? skip_blanks(b) : b + 1;
    }
    return *skip_blanks(a) == '\0' && *skip_blanks(b) == '\0';
}

/* Whether a decision is about this recipient: a permission by the letter, a refusal also where it
 * is written a little differently. */
static bool concerns(const struct gate_decision *d, const char *recipient) {
    if (recipient == NULL)
        return true;
    if (d->permits)
        return d->recipient != NULL && strcmp(d->recipient, recipient) == 0;
    if (d->recipient == NULL)
        return true; /* a refusal without a recipient is meant for all */
    return means_same(d->recipient, recipient);
}

/* Whether a permission is in force on a day. */
static bool in_force(const struct gate_decision *d, const char *today) {
    bool begun = strcmp(d->date, today) <= 0;
    bool over = d->until[0] != '\0' && strcmp(d->until, today) < 0;
    return begun && !over;
}

/* Whether a refusal names classes, all of them known: else it is meant for all. */
static bool names_known_classes(const struct gate_decision *d, const struct privacy *privacy) {
    bool listed = d->classes != NULL && d->classes->kind == TREE_ARRAY;
    if (!listed || d->classes->length == 0)
        return false;
    for (const struct tree *c = d->classes->first; c != NULL; c = c->next) {
        bool known = c->kind == TREE_STRING && privacy_need_of(privacy, c->text) != PRIVACY_UNKNOWN;
        if (!known)
            return false;
    }
    return true;
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
    bool listed = d->classes != NULL && d->classes->kind == TREE_ARRAY;
    for (const struct tree *c = listed ? d->classes->first : NULL; c != NULL; c = c->next) {
        if (c->kind == TREE_STRING && !lists(d->excluded, c->text))
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

/* Among the decisions for the recipient the latest counts; on one day the refusal. A refusal counts
 * at once, also when it is dated ahead: its day may be over here and not yet there. `part2`: only
 * permissions that cover Part 2. */
static bool latest_permits(const struct gate_question *q, enum privacy_need need, bool part2,
                           const char *today, bool *refused) {
    const char *permitted_on = "", *refused_on = "";
    for (size_t i = 0; i < q->patient->decision_count; i++) {
        const struct gate_decision *d = &q->patient->decisions[i];
        bool ahead = strcmp(d->date, today) > 0;
        if (!concerns(d, q->recipient) || (ahead && d->permits))
            continue;
        const char *day = d->date[0] != '\0' ? d->date : today;
        if (refuses(d, q->privacy, q->data_class) && strcmp(day, refused_on) > 0)
            refused_on = day;
        bool covers = permits(d, need, q->data_class) && in_force(d, today);
        if (covers && (d->part2 || !part2) && strcmp(d->date, permitted_on) > 0)
            permitted_on = d->date;
    }
    *refused = refused_on[0] != '\0' && strcmp(refused_on, permitted_on) >= 0;
    return permitted_on[0] != '\0' && !*refused;
}

/* Whether a permission leaves any of its classes permitted by all that was decided since. */
static bool any_class_permitted(const struct gate_question *q, bool part2, const char *today) {
    for (size_t i = 0; i < q->patient->decision_count; i++) {
        const struct gate_decision *d = &q->patient->decisions[i];
        bool listed = d->permits && d->classes != NULL && d->classes->kind == TREE_ARRAY;
        for (const struct tree *c = listed ? d->classes->first : NULL; c != NULL; c = c->next) {
            struct gate_question one = *q;
            bool refused;
            one.data_class = c->kind == TREE_STRING ? c->text : "";
            if (latest_permits(&one, PRIVACY_NEEDS_CLASS, part2, today, &refused))
                return true;
        }
    }
    return false;
}

/* Whether the class may go. What speaks of consents itself goes while any class may. */
static bool is_permitted(const struct gate_question *q, enum privacy_need need, bool part2,
                         const char *today, bool *refused) {
    bool permitted = latest_permits(q, need, part2, today, refused);
    if (permitted && need == PRIVACY_NEEDS_ANY && !any_class_permitted(q, part2, today)) {
        *refused = true;
        return false;
    }
    return permitted;
}

/* Whether a permission that lacks today begins later: then the gate is asked again on that day. */
static int64_t begins_later(const struct gate_question *q, const char *today) {
    for (size_t i = 0; i < q->patient->decision_count; i++) {
        const struct gate_decision *d = &q->patient->decisions[i];
        if (d->permits && concerns(d, q->recipient) && strcmp(d->date, today) > 0)
            return q->now_ms + 3600 * 1000;
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

/* What stands against sending because of the record or of ingest. */
static struct gate_answer ask_record(const struct gate_question *q) {
    if (q->record_state == STORE_RECORD_HELD || q->record_state == STORE_RECORD_GONE)
        return holds(q->record_code, q->record_detail);
    if (q->said_code[0] != '\0')
        return holds(q->said_code, q->said_detail);
    return open_way;
}

/* Whether the record's job says that what it said still holds. */
static struct gate_answer ask_poll(const struct gate_question *q) {
    if (q->polling)
        return (struct gate_answer) { GATE_WAITS, "polling",
                                      "its job is being read; a later line may correct it", 0 };
    int64_t age = q->now_ms - q->confirmed_ms;
    bool believed = age <= q->max_age_ms && age >= -AHEAD_MOST_MS;
    if (q->confirmed_ms == 0 || !believed || q->record_poll > q->confirmed_poll)
        return (
            struct gate_answer) { GATE_WAITS, "unconfirmed",
                                  "its job was not read to the end within limits.max_age_hours: "
                                  "see why its source fails, then run sync",
                                  0 };
    return open_way;
}

/* Whether the patient agreed. */
static struct gate_answer ask_consent(const struct gate_question *q) {
    enum privacy_need need = privacy_need_of(q->privacy, q->data_class);
    char now[25], today[DATE];
    bool refused = false;
    if (need == PRIVACY_UNKNOWN)
        return holds("unknown-class", "its mapping declares no data class that "
                                      "privacy/classes.yaml knows: correct data_class there");
    if (need == PRIVACY_NEEDS_NOBODY)
        return holds("policy-denied", "its data class never leaves the clinic");
    clock_format(q->now_ms, now);
    take_day(today, now);
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

struct gate_answer gate_ask(const struct gate_question *q) {
    struct gate_answer answer = ask_route(q);
    if (answer.way == GATE_OPEN)
        answer = ask_record(q);
    if (answer.way == GATE_OPEN)
        answer = ask_poll(q);
    if (answer.way != GATE_OPEN || q->withdrawal)
        return answer;
    if (q->patient->unreadable != NULL)
        return holds("store-damaged", q->patient->unreadable);
    if (q->patient->minor)
        return holds("minor-policy", "the site's policy for minors holds this patient's data");
    return ask_consent(q);
}
