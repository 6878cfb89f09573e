/* SPDX-License-Identifier: Apache-2.0 */
/* The one patient of a change set: found by identifier, checked by birth date and family name,
 * remembered for ten minutes. */
#include "fhir.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A remembered match; `key` covers identifiers, family name and birth date, so a corrected record
 * is matched anew. */
struct patient_slot {
    uint64_t key;
    int64_t until;
    char ours[ID_SIZE], theirs[ID_SIZE];
};

/* Letters with marks, as ranges of code points, and what they are without. */
static const struct {
    unsigned low, high;
    const char *plain;
} folds[] = {
    { 0xc0, 0xc5, "a" },     { 0xc6, 0xc6, "ae" },   { 0xc7, 0xc7, "c" },   { 0xc8, 0xcb, "e" },
    { 0xcc, 0xcf, "i" },     { 0xd0, 0xd0, "d" },    { 0xd1, 0xd1, "n" },   { 0xd2, 0xd6, "o" },
    { 0xd8, 0xd8, "o" },     { 0xd9, 0xdc, "u" },    { 0xdd, 0xdd, "y" },   { 0xde, 0xde, "th" },
    { 0xdf, 0xdf, "ss" },    { 0xe0, 0xe5, "a" },    { 0xe6, 0xe6, "ae" },  { 0xe7, 0xe7, "c" },
    { 0xe8, 0xeb, "e" },     { 0xec, 0xef, "i" },    { 0xf0, 0xf0, "d" },   { 0xf1, 0xf1, "n" },
    { 0xf2, 0xf6, "o" },     { 0xf8, 0xf8, "o" },    { 0xf9, 0xfc, "u" },   { 0xfd, 0xfd, "y" },
    { 0xfe, 0xfe, "th" },    { 0xff, 0xff, "y" },    { 0x100, 0x105, "a" }, { 0x106, 0x10d, "c" },
    { 0x10e, 0x111, "d" },   { 0x112, 0x11b, "e" },  { 0x11c, 0x123, "g" }, { 0x124, 0x127, "h" },
    { 0x128, 0x131, "i" },   { 0x132, 0x133, "ij" }, { 0x134, 0x135, "j" }, { 0x136, 0x138, "k" },
    { 0x139, 0x142, "l" },   { 0x143, 0x14b, "n" },  { 0x14c, 0x151, "o" }, { 0x152, 0x153, "oe" },
    { 0x154, 0x159, "r" },   { 0x15a, 0x161, "s" },  { 0x162, 0x167, "t" }, { 0x168, 0x173, "u" },
    { 0x174, 0x175, "w" },   { 0x176, 0x178, "y" },  { 0x179, 0x17e, "z" }, { 0x17f, 0x17f, "s" },
    { 0x218, 0x219, "s" },   { 0x21a, 0x21b, "t" },  { 0x300, 0x36f, "" },  { 0x2018, 0x2019, "'" },
    { 0x2010, 0x2011, "-" }, { 0xa0, 0xa0, " " },
};

/* Reads one code point of UTF-8 (two and three bytes; others are taken byte by byte). */
static unsigned read_point(const char **p) {
    const unsigned char *s = (const unsigned char *)*p;
    if ((s[0] & 0xe0) == 0xc0 && (s[1] & 0xc0) == 0x80) {
        *p += 2;
        return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    }
    if ((s[0] & 0xf0) == 0xe0 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80) {
        *p += 3;
        return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    }
    *p += 1;
    return s[0] < 0x80 ? s[0] : 0x110000u + s[0];
}

/* Writes a name without case, marks and doubled blanks; false when it is too long to compare. */
static bool fold_name(const char *name, char *out, size_t size) {
    size_t n = 0;
    while (*name != '\0') {
        const char *from = name, *plain = NULL;
        unsigned point = read_point(&name);
        char ascii[2] = { 0, 0 };
        for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
            if (point >= folds[i].low && point <= folds[i].high)
                plain = folds[i].plain;
        if (point < 0x80) {
            ascii[0] = (char)(point >= 'A' && point <= 'Z' ? point + 32 : point);
            plain = ascii;
        }
        size_t length = plain != NULL ? strlen(plain) : (size_t)(name - from);
        if (n + length + 1 > size)
            return false;
        if (plain != NULL && *plain == ' ' && (n == 0 || out[n - 1] == ' '))
            continue;
        memcpy(out + n, plain != NULL ? plain : from, length);
        n += length;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    return true;
}

/* Tells whether one of a patient's names has this family name. */
static bool family_agrees(const json_t *patient, const char *family) {
    char ours[256], theirs[256];
    const json_t *name;
    size_t i;
    if (!fold_name(family, ours, sizeof ours) || ours[0] == '\0')
        return false;
    json_array_foreach(json_object_get(patient, "name"), i, name) {
        const char *its = json_string_value(json_object_get(name, "family"));
        if (its != NULL && fold_name(its, theirs, sizeof theirs) && strcmp(ours, theirs) == 0)
            return true;
    }
    return false;
}

/* Says why a hit is not to be trusted; NULL when it is the patient. */
static const char *mismatch(const struct iptfhir_change_set *set, const json_t *patient) {
    const char *born = json_string_value(json_object_get(patient, "birthDate"));
    const json_t *link;
    size_t i;
    if (json_is_false(json_object_get(patient, "active")))
        return "the patient with this identifier is inactive at the target: was the record merged "
               "there?";
    json_array_foreach(json_object_get(patient, "link"), i, link) {
        const char *type = json_string_value(json_object_get(link, "type"));
        if (type != NULL && strcmp(type, "replaced-by") == 0)
            return "the patient with this identifier was replaced by another at the target: "
                   "correct the identifier "
                   "here";
    }
    if (set->birth_date == NULL || set->family == NULL)
        return "the record has no birth date or no family name to check the match with";
    if (born == NULL || strcmp(born, set->birth_date) != 0)
        return "the identifier is found, but the birth date there is another or missing";
    if (!family_agrees(patient, set->family))
        return "the identifier is found, but the family name there is another or missing";
    return NULL;
}

/* Holds every change of the set. */
static bool hold_all(struct delivery *d, const char *code, const char *detail) {
    for (size_t i = 0; i < d->count; i++)
        if (d->items[i].state < ITEM_SETTLED)
            settle_held(d, &d->items[i], code, detail);
    return false;
}

/* Mixes a text into a hash (FNV-1a), with its end. */
static uint64_t mix(uint64_t h, const char *s) {
    for (; s != NULL && *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return (h ^ 0xffu) * 0x100000001b3u;
}

/* Finds the slot of this set's patient and the key that it must have. */
static struct patient_slot *slot_of(struct delivery *d, uint64_t *key) {
    const struct iptfhir_change_set *set = d->set;
    uint64_t h = mix(mix(mix(0xcbf29ce484222325u, set->patient_id), set->family), set->birth_date);
    for (size_t i = 0; i < set->patient_identifier_count; i++)
        h = mix(mix(h, set->patient_identifiers[i].system), set->patient_identifiers[i].value);
    *key = h;
    if (d->t->patients == NULL)
        d->t->patients = calloc(CACHE_SLOTS, sizeof *d->t->patients);
    return d->t->patients != NULL ? &d->t->patients[(h ^ h >> 32) % CACHE_SLOTS] : NULL;
}

void patient_forget(struct delivery *d) {
    uint64_t key;
    struct patient_slot *slot = slot_of(d, &key);
    if (slot != NULL && slot->key == key)
        slot->until = 0;
}

/* Writes the searches, one for each identifier of the configured system; returns how many. */
static size_t write_searches(struct delivery *d, struct call *c) {
    bool post = d->t->post_search != POST_SEARCH_REFUSED;
    size_t count = 0;
    call_clear(c);
    for (size_t i = 0; i < d->set->patient_identifier_count; i++) {
        const struct iptfhir_identifier *id = &d->set->patient_identifiers[i];
        if (id->system == NULL || id->value == NULL || id->value[0] == '\0' ||
            strcmp(id->system, d->t->patient_system) != 0)
            continue;
        if (!call_begin(c, post ? "POST" : "GET"))
            break;
        text_puts(&c->text, post ? "/Patient/_search" : "/Patient?identifier=");
        if (!post)
            text_token(&c->text, id->system, id->value, true);
        call_header(c);
        text_puts(&c->text, "Accept: application/fhir+json");
        if (post) {
            call_header(c);
            text_puts(&c->text, "Content-Type: application/x-www-form-urlencoded");
            call_body(c);
            text_puts(&c->text, "identifier=");
            text_token(&c->text, id->system, id->value, true);
        }
        call_finish(c);
        count++;
    }
    return count;
}

/* Stops or holds by the verdict of a search that failed. */
static bool give_up(struct delivery *d, const struct verdict *v) {
    if (v->action == ACT_HOLD)
        return hold_all(d, v->code, v->detail);
    if (v->action == ACT_LATER)
        stop_later(d, v->retry_after_ms);
    else
        stop_target(d, v->code != NULL ? v->code : "target-answer",
                    v->detail[0] != '\0' ? v->detail : "the patient search was not answered");
    return false;
}

/* Reads one searchset; false when the set is held or the target waits. */
static bool read_hit(struct delivery *d, const struct answer *a, const char *value) {
    const json_t *first = NULL;
    json_t *root = NULL;
    bool more = false, good = false;
    int count = search_matches(a, "Patient", d->t->patient_system, value, &root, &first, &more);
    const char *id = json_string_value(json_object_get(first, "id"));
    const char *why = count == 1 ? mismatch(d->set, first) : NULL;
    if (count < 0)
        stop_target(d, "target-answer",
                    "the patient search was answered with something that is no searchset");
    else if (count > 1 || (count == 1 && more) ||
             (count == 1 && d->patient[0] != '\0' && strcmp(d->patient, id) != 0))
        hold_all(d, "patient-ambiguous",
                 "more than one patient at the target has the identifiers of this record");
    else if (count == 0 && more)
        hold_all(d, "patient-ambiguous", "the target ignores the identifier that was searched for");
    else if (why != NULL)
        hold_all(d, "patient-mismatch", why);
    else
        good = true;
    if (good && count == 1)
        memcpy(d->patient, id, strlen(id) + 1);
    json_decref(root);
    return good;
}

/* Performs the searches, by GET when POST is not taken; false when there is nothing to read. */
static bool search(struct delivery *d, struct call *c) {
    for (;;) {
        struct verdict v;
        if (write_searches(d, c) == 0)
            return hold_all(d, "patient-not-found",
                            "the record has no identifier of the system that patient_system names");
        if (!call_perform(d, c))
            return false;
        struct answer a = call_answer(c, 0);
        outcome_judge(&a, OP_SEARCH, &v);
        if (v.action == ACT_DONE)
            break;
        bool refused = a.outcome == IPTFHIR_HTTP_ANSWERED && a.status >= 400 && a.status != 403 &&
                       (a.status < 500 || a.status == 501) && v.action == ACT_HOLD;
        if (!refused || d->t->post_search != POST_SEARCH_UNTRIED)
            return give_up(d, &v);
        d->t->post_search = POST_SEARCH_REFUSED;
    }
    if (d->t->post_search == POST_SEARCH_UNTRIED)
        d->t->post_search = POST_SEARCH_TAKEN;
    return true;
}

/* Returns the value of the n-th identifier of the configured system. */
static const char *nth_value(const struct delivery *d, size_t n) {
    for (size_t i = 0; i < d->set->patient_identifier_count; i++) {
        const struct iptfhir_identifier *id = &d->set->patient_identifiers[i];
        if (id->system != NULL && id->value != NULL && id->value[0] != '\0' &&
            strcmp(id->system, d->t->patient_system) == 0 && n-- == 0)
            return id->value;
    }
    return "";
}

bool patient_match(struct delivery *d) {
    struct call *c = &d->t->call;
    const char *ours = d->set->patient_id != NULL ? d->set->patient_id : "";
    uint64_t key;
    struct patient_slot *slot = slot_of(d, &key);
    if (slot != NULL && slot->key == key && slot->until > steady_ms() &&
        strcmp(slot->ours, ours) == 0) {
        memcpy(d->patient, slot->theirs, sizeof d->patient);
        return true;
    }
    unsigned flags = capability_flags(&d->t->capability, "Patient");
    if ((flags & CAN_SEARCH) == 0 || (flags & BY_IDENTIFIER) == 0)
        return hold_all(d, "capability", "Patient: the target offers no search by identifier");
    if (!search(d, c))
        return false;
    for (size_t i = 0; i < c->count; i++) {
        struct answer a = call_answer(c, i);
        struct verdict v;
        outcome_judge(&a, OP_SEARCH, &v);
        if (v.action != ACT_DONE)
            return give_up(d, &v);
        if (!read_hit(d, &a, nth_value(d, i)))
            return false;
    }
    if (d->patient[0] == '\0')
        return hold_all(d, "patient-not-found",
                        "no patient at the target has the identifier of this record");
    if (slot != NULL && strlen(ours) < sizeof slot->ours) {
        *slot = (struct patient_slot) { .key = key, .until = steady_ms() + CACHE_MS };
        memcpy(slot->ours, ours, strlen(ours) + 1);
        memcpy(slot->theirs, d->patient, sizeof slot->theirs);
    }
    return true;
}
