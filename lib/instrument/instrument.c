/* SPDX-License-Identifier: Apache-2.0 */
/* Instrument files read into constant facts; nothing of a record here. */
#include "instrument.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is being read, for messages. */
struct reading {
    struct facts *f;
    const struct iptfhir_host *host;
    const struct iptfhir_node *document;
    const char *path;
    struct iptfhir_error *error;
};

/* Says what is wrong at a pointer of the file; always false. */
static bool wrong(struct reading *r, const char *pointer, const char *expected) {
    char where[256];
    if (!r->host->position(r->host, r->document, pointer, where, sizeof where))
        snprintf(where, sizeof where, "%.120s %.120s", r->path, pointer);
    r->host->fail(r->host, r->error, IPTFHIR_FATAL, "instrument", where, "expected %s", expected);
    return false;
}

/* Tells whether a member of an object is a text. */
static bool has_text(const struct reading *r, const struct iptfhir_node *object, const char *name) {
    return facts_text(r->f, object, name) != NULL;
}

/* Reads a whole number of at least `least`. */
static bool read_number(const struct reading *r, const struct iptfhir_node *object,
                        const char *name, int64_t least, int64_t *number) {
    return facts_number(r->f, object, name, number) && *number >= least;
}

/* Makes what all answers of an item share. */
static struct iptfhir_node *item_facts(struct facts *f, const struct iptfhir_node *from,
                                       size_t index) {
    struct iptfhir_node *o = facts_object(f);
    const char *display = facts_text(f, from, "display");
    const char *text = facts_text(f, from, "text");
    facts_set_number(f, o, "index", (int64_t)index);
    facts_set_text(f, o, "code", facts_text(f, from, "code"));
    facts_set_text(f, o, "display", display);
    facts_set_text(f, o, "text", text != NULL ? text : display);
    if (display == NULL) /* the text stands in for a display that isn't known */
        facts_set_text(f, o, "label", text);
    return o;
}

/* Reads one answer of an item. */
static bool read_answer(struct reading *r, struct instrument_item *item,
                        const struct iptfhir_node *from, const struct iptfhir_node *answer,
                        size_t index, const char *alert) {
    size_t n = item->answer_count;
    const char *code = facts_text(r->f, answer, "code");
    if (n == INSTRUMENT_ANSWERS || !code || !facts_number(r->f, answer, "value", &item->values[n]))
        return wrong(r, "/answers", "at most 16 answers, each with a whole value and a code");
    struct iptfhir_node *o = item_facts(r->f, from, index);
    bool positive = item->flag != NULL && item->values[n] > item->above;
    item->answers[n] = o;
    item->answer_count++;
    facts_set_text(r->f, o, "answer", code);
    facts_set_text(r->f, o, "answerDisplay", facts_text(r->f, answer, "display"));
    facts_set_text(r->f, o, "alert", positive ? alert : NULL);
    return true;
}

/* Reads the safety rule of an item, if it has one. */
static bool read_safety(struct reading *r, struct instrument_item *item,
                        const struct iptfhir_node *safety, const char *pointer) {
    if (safety == NULL)
        return true;
    item->flag = facts_text(r->f, safety, "flag");
    item->label = facts_text(r->f, safety, "label");
    bool worded = item->flag != NULL && item->label != NULL && has_text(r, safety, "text");
    if (worded && facts_number(r->f, safety, "above", &item->above))
        return true;
    return wrong(r, pointer, "a safety rule with above (a whole number), flag, text and label");
}

/* Reads an item, its answers and its safety rule. */
static bool read_item(struct reading *r, struct instrument_item *item,
                      const struct iptfhir_node *from, const struct iptfhir_node *shared,
                      size_t index, const char *missing, const char *pointer) {
    const struct iptfhir_node *own = facts_list(r->f, from, "answers");
    const struct iptfhir_node *safety = facts_get(r->f, from, "safety");
    const struct iptfhir_node *answer = facts_first(r->f, own != NULL ? own : shared);
    const char *alert = facts_text(r->f, safety, "text");
    item->field = facts_text(r->f, from, "field");
    item->code = facts_text(r->f, from, "code");
    bool worded = has_text(r, from, "display") || has_text(r, from, "text");
    if (item->code == NULL || !worded)
        return wrong(r, pointer, "a code, and a display or a text");
    if (!read_safety(r, item, safety, pointer))
        return false;
    for (; answer != NULL; answer = facts_next(r->f, answer)) {
        if (!read_answer(r, item, from, answer, index, alert))
            return false;
    }
    if (item->answer_count == 0)
        return wrong(r, pointer, "answers, of its own or of the instrument");
    item->missing = item_facts(r->f, from, index);
    facts_set_text(r->f, item->missing, "absent", missing);
    return true;
}

/* Reads the items and the question about difficulty. */
static bool read_items(struct reading *r, struct instrument *in) {
    const struct iptfhir_node *items = facts_list(r->f, r->document, "items");
    const struct iptfhir_node *shared = facts_list(r->f, r->document, "answers");
    const struct iptfhir_node *difficulty = facts_get(r->f, r->document, "difficulty");
    size_t count = facts_count(r->f, items);
    char pointer[40];
    if (count < 1 || count > INSTRUMENT_ITEMS)
        return wrong(r, "/items", "1 to 40 items");
    const struct iptfhir_node *from = facts_first(r->f, items);
    for (; from != NULL; from = facts_next(r->f, from)) {
        struct instrument_item *item = &in->items[in->item_count];
        snprintf(pointer, sizeof pointer, "/items/%zu", in->item_count);
        if (!read_item(r, item, from, shared, in->item_count, in->missing, pointer))
            return false;
        if (item->field == NULL)
            return wrong(r, pointer, "a field: the item's name in measures[].items of a record");
        in->item_count++;
    }
    in->has_difficulty = difficulty != NULL;
    if (difficulty == NULL)
        return true;
    return read_item(r, &in->difficulty, difficulty, shared, in->item_count, in->missing,
                     "/difficulty");
}

/* Reads a band that begins at `low`. */
static bool read_band(struct reading *r, struct instrument *in, const struct iptfhir_node *from,
                      int64_t low) {
    struct instrument_band *band = &in->bands[in->band_count];
    const char *code = facts_text(r->f, from, "code");
    const char *text = facts_text(r->f, from, "text");
    if (in->band_count == INSTRUMENT_BANDS || code == NULL || text == NULL)
        return false;
    bool ranged = read_number(r, from, "low", low, &band->low) &&
                  read_number(r, from, "high", band->low, &band->high);
    if (!ranged || band->low != low)
        return false;
    in->band_count++;
    band->facts = facts_object(r->f);
    facts_set_text(r->f, band->facts, "code", code);
    facts_set_text(r->f, band->facts, "text", text);
    facts_set(r->f, band->facts, "display", facts_format(r->f, "%s %s", in->name, text));
    return true;
}

/* Reads the bands, which must fill the range without gaps; `range` gets them as a text. */
static bool read_bands(struct reading *r, struct instrument *in, char *range, size_t size) {
    const struct iptfhir_node *bands = facts_list(r->f, r->document, "bands");
    const struct iptfhir_node *from = facts_first(r->f, bands);
    int64_t next = in->low;
    size_t used = (size_t)snprintf(range, size, "%s possible range %lld-%lld", in->name,
                                   (long long)in->low, (long long)in->high);
    const char *between = "; ";
    for (; from != NULL; from = facts_next(r->f, from)) {
        if (!read_band(r, in, from, next))
            return wrong(
                r, "/bands",
                "at most 12 bands with low, high, code and text that fill the range in order");
        const struct instrument_band *band = &in->bands[in->band_count - 1];
        next = band->high + 1;
        if (used < size)
            used += (size_t)snprintf(range + used, size - used, "%s%lld-%lld %s", between,
                                     (long long)band->low, (long long)band->high,
                                     facts_text(r->f, from, "text"));
        between = ", ";
    }
    if (in->band_count == 0 || next == in->high + 1)
        return true;
    return wrong(r, "/bands", "bands up to the end of the range");
}

/* Reads the rules; what the file doesn't say stays 0 and is not applied. */
static bool read_rules(struct reading *r, struct instrument *in) {
    const struct iptfhir_node *rules = facts_get(r->f, r->document, "rules");
    const struct iptfhir_node *response = facts_get(r->f, rules, "response");
    const struct iptfhir_node *recovered = facts_get(r->f, rules, "recovered");
    const struct {
        const struct iptfhir_node *from;
        const char *name, *pointer;
        int64_t *to;
    } numbers[] = { { rules, "baselineDays", "/rules/baselineDays", &in->baseline_days },
                    { rules, "reliableChange", "/rules/reliableChange", &in->reliable_change },
                    { response, "percent", "/rules/response/percent", &in->response_percent },
                    { response, "baselineFrom", "/rules/response/baselineFrom",
                      &in->response_from },
                    { recovered, "below", "/rules/recovered/below", &in->recovered_below } };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct iptfhir_node *of = numbers[i].from;
        const char *name = numbers[i].name;
        bool absent = facts_get(r->f, of, name) == NULL;
        if (!absent && !read_number(r, of, name, 1, numbers[i].to))
            return wrong(r, numbers[i].pointer, "a whole number above 0");
    }
    return true;
}

/* Makes the facts that all measures of an instrument share. */
static void make_facts(struct facts *f, struct instrument *in, const char *range) {
    static const char *const copied[] = { "system", "questionnaire", "panel", "total" };
    struct iptfhir_node *o = facts_object(f);
    in->facts = o;
    facts_set_text(f, o, "name", in->name);
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
        facts_copy(f, o, copied[i], in->document, copied[i]);
    facts_set_number(f, o, "low", in->low);
    facts_set_number(f, o, "high", in->high);
    facts_set_text(f, o, "range", range);
    facts_set_number(f, o, "count", (int64_t)in->item_count);
    facts_set_text(f, o, "absent", in->missing);
}

/* Texts that every instrument has. */
static const struct {
    const char *parent; /* NULL: the file itself */
    const char *member;
    const char *expected;
} required_texts[] = {
    { NULL, "instrument", "instrument, title, licence and system" },
    { NULL, "system", "instrument, title, licence and system" },
    { NULL, "licence", "instrument, title, licence and system" },
    { NULL, "title", "instrument, title, licence and system" },
    { "total", "code", "panel and total, each with a code" },
    { "panel", "code", "panel and total, each with a code" },
    { NULL, "missing", "missing: a code of data-absent-reason, such as unknown" },
};
enum { REQUIRED_TEXTS = sizeof required_texts / sizeof *required_texts };

static bool check_texts(struct reading *r) {
    for (size_t i = 0; i < REQUIRED_TEXTS; i++) {
        const struct iptfhir_node *of = r->document;
        if (required_texts[i].parent != NULL)
            of = facts_get(r->f, of, required_texts[i].parent);
        if (!has_text(r, of, required_texts[i].member))
            return wrong(r, "", required_texts[i].expected);
    }
    return true;
}

/* Reads one file. */
static bool read_instrument(struct reading *r, struct instrument *in) {
    char range[512];
    const struct iptfhir_node *limits = facts_get(r->f, r->document, "range");
    if (!check_texts(r))
        return false;
    in->document = r->document;
    in->name = facts_text(r->f, r->document, "instrument");
    in->missing = facts_text(r->f, r->document, "missing");
    in->total_code = facts_text(r->f, facts_get(r->f, r->document, "total"), "code");
    in->monitoring = facts_get(r->f, r->document, "monitoring");
    bool ranged = read_number(r, limits, "low", INT64_MIN, &in->low) &&
                  read_number(r, limits, "high", in->low, &in->high);
    if (!ranged || in->high == in->low)
        return wrong(r, "/range", "range: {low, high}, whole numbers");
    if (!read_items(r, in) || !read_bands(r, in, range, sizeof range) || !read_rules(r, in))
        return false;
    make_facts(r->f, in, range);
    return !r->f->failed;
}

void instruments_free(struct instruments *set) {
    free(set->list);
    *set = (struct instruments) { 0 };
}

bool instruments_load(struct instruments *set, const struct iptfhir_host *host,
                      struct iptfhir_error *error) {
    struct facts lasting = { host, host->nodes, host->lasting, false };
    const char *const *names = host->list(host, "instruments", ".yaml");
    size_t count = 0;
    while (names && names[count])
        count++;
    set->list = calloc(count + 1, sizeof *set->list);
    bool ok = set->list != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        char path[300];
        snprintf(path, sizeof path, "instruments/%s", names[i]);
        struct reading r = { &lasting, host, host->document(host, path, error), path, error };
        ok = r.document && read_instrument(&r, &set->list[set->count++]);
    }
    if (!ok) {
        host->fail(host, error, IPTFHIR_FATAL, "instrument", "instruments",
                   "out of memory while instruments were read");
        instruments_free(set);
    }
    return ok;
}

const struct instrument *instruments_find(const struct facts *f, const struct instruments *set,
                                          const char *name) {
    for (size_t i = 0; name && i < set->count; i++)
        if (strcmp(set->list[i].name, name) == 0)
            return &set->list[i];
    for (size_t i = 0; name && i < set->count; i++)
        if (facts_lists(f, facts_list(f, set->list[i].document, "aliases"), name))
            return &set->list[i];
    return NULL;
}

const struct instrument *instruments_find_total(const struct instruments *set, const char *code) {
    for (size_t i = 0; code && i < set->count; i++)
        if (strcmp(set->list[i].total_code, code) == 0)
            return &set->list[i];
    return NULL;
}
