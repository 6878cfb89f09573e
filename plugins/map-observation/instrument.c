/* SPDX-License-Identifier: Apache-2.0 */
/* Instrument files read into constant facts; nothing of a record here. */
#include "instrument.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is being read, for messages. */
struct reading {
    const struct iptfhir_host *host;
    const json_t *document;
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

/* Makes what all answers of an item share. */
static json_t *item_facts(const json_t *from, size_t index) {
    json_t *o = json_object();
    const char *display = facts_text(from, "display"), *text = facts_text(from, "text");
    if (o && facts_set(o, "index", json_integer((json_int_t)index)) &&
        facts_set_text(o, "code", facts_text(from, "code")) &&
        facts_set_text(o, "display", display) && facts_set_text(o, "text", text ? text : display) &&
        facts_set_text(o, "label",
                       display ? NULL : text)) /* stands in for a display that isn't known */
        return o;
    json_decref(o);
    return NULL;
}

/* Reads one answer of an item. */
static bool read_answer(struct reading *r, struct instrument_item *item, const json_t *from,
                        const json_t *answer, size_t index, const char *alert) {
    size_t n = item->answer_count;
    const char *code = facts_text(answer, "code");
    if (n == INSTRUMENT_ANSWERS || !code || !facts_number(answer, "value", &item->values[n]))
        return wrong(r, "/answers", "at most 16 answers, each with a whole value and a code");
    json_t *o = item->answers[n] = item_facts(from, index);
    item->answer_count++;
    bool positive = item->flag && item->values[n] > item->above;
    return o && facts_set_text(o, "answer", code) &&
           facts_set_text(o, "answerDisplay", facts_text(answer, "display")) &&
           facts_set_text(o, "alert", positive ? alert : NULL);
}

/* Reads an item, its answers and its safety rule. */
static bool read_item(struct reading *r, struct instrument_item *item, const json_t *from,
                      const json_t *shared, size_t index, const char *missing,
                      const char *pointer) {
    const json_t *own = facts_list(from, "answers"), *answers = own ? own : shared,
                 *safety = json_object_get(from, "safety");
    const char *alert = facts_text(safety, "text");
    item->field = facts_text(from, "field");
    item->code = facts_text(from, "code");
    item->flag = facts_text(safety, "flag");
    item->label = facts_text(safety, "label");
    if (!item->code || (!facts_text(from, "display") && !facts_text(from, "text")))
        return wrong(r, pointer, "a code, and a display or a text");
    if (safety &&
        (!alert || !item->flag || !item->label || !facts_number(safety, "above", &item->above)))
        return wrong(r, pointer, "a safety rule with above (a whole number), flag, text and label");
    for (size_t i = 0; i < json_array_size(answers); i++)
        if (!read_answer(r, item, from, json_array_get(answers, i), index, alert))
            return false;
    if (item->answer_count == 0)
        return wrong(r, pointer, "answers, of its own or of the instrument");
    item->missing = item_facts(from, index);
    return item->missing && facts_set_text(item->missing, "absent", missing);
}

/* Reads the items and the question about difficulty. */
static bool read_items(struct reading *r, struct instrument *in) {
    const json_t *items = facts_list(r->document, "items"),
                 *shared = facts_list(r->document, "answers");
    const json_t *difficulty = json_object_get(r->document, "difficulty");
    char pointer[40];
    if (json_array_size(items) < 1 || json_array_size(items) > INSTRUMENT_ITEMS)
        return wrong(r, "/items", "1 to 40 items");
    for (; in->item_count < json_array_size(items); in->item_count++) {
        struct instrument_item *item = &in->items[in->item_count];
        snprintf(pointer, sizeof pointer, "/items/%zu", in->item_count);
        if (!read_item(r, item, json_array_get(items, in->item_count), shared, in->item_count,
                       in->missing, pointer))
            return false;
        if (!item->field)
            return wrong(r, pointer, "a field: the item's name in measures[].items of a record");
    }
    in->has_difficulty = difficulty != NULL;
    return !difficulty || read_item(r, &in->difficulty, difficulty, shared, in->item_count,
                                    in->missing, "/difficulty");
}

/* Reads the bands, which must fill the range without gaps. */
static bool read_bands(struct reading *r, struct instrument *in, char *range, size_t size) {
    const json_t *bands = facts_list(r->document, "bands");
    int64_t next = in->low;
    size_t used = (size_t)snprintf(range, size, "%s possible range %lld-%lld", in->name,
                                   (long long)in->low, (long long)in->high);
    for (size_t i = 0; i < json_array_size(bands); i++) {
        const json_t *from = json_array_get(bands, i);
        const char *code = facts_text(from, "code"), *text = facts_text(from, "text");
        struct instrument_band *band = &in->bands[in->band_count];
        if (i == INSTRUMENT_BANDS || !code || !text || !facts_number(from, "low", &band->low) ||
            !facts_number(from, "high", &band->high) || band->low != next || band->high < band->low)
            return wrong(
                r, "/bands",
                "at most 12 bands with low, high, code and text that fill the range in order");
        next = band->high + 1;
        band->facts = json_object();
        in->band_count++;
        if (!band->facts || !facts_set_text(band->facts, "code", code) ||
            !facts_set_text(band->facts, "text", text) ||
            !facts_set(band->facts, "display", facts_format("%s %s", in->name, text)))
            return false;
        if (used < size)
            used += (size_t)snprintf(range + used, size - used, "%s%lld-%lld %s", i ? ", " : "; ",
                                     (long long)band->low, (long long)band->high, text);
    }
    return in->band_count == 0 || next == in->high + 1 ||
           wrong(r, "/bands", "bands up to the end of the range");
}

/* Reads the rules; what the file doesn't say stays 0 and is not applied. */
static bool read_rules(struct reading *r, struct instrument *in) {
    const json_t *rules = json_object_get(r->document, "rules"),
                 *response = json_object_get(rules, "response");
    const json_t *recovered = json_object_get(rules, "recovered");
    const struct {
        const json_t *from;
        const char *name, *pointer;
        int64_t *to;
    } numbers[] = { { rules, "baselineDays", "/rules/baselineDays", &in->baseline_days },
                    { rules, "reliableChange", "/rules/reliableChange", &in->reliable_change },
                    { response, "percent", "/rules/response/percent", &in->response_percent },
                    { response, "baselineFrom", "/rules/response/baselineFrom",
                      &in->response_from },
                    { recovered, "below", "/rules/recovered/below", &in->recovered_below } };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (json_object_get(numbers[i].from, numbers[i].name) &&
            (!facts_number(numbers[i].from, numbers[i].name, numbers[i].to) || *numbers[i].to < 1))
            return wrong(r, numbers[i].pointer, "a whole number above 0");
    return true;
}

/* Makes the facts that all measures of an instrument share. */
static bool make_facts(struct instrument *in, const char *range) {
    const json_t *from = in->document;
    json_t *o = in->facts = json_object();
    return o && facts_set_text(o, "name", in->name) && facts_copy(o, "system", from, "system") &&
           facts_copy(o, "questionnaire", from, "questionnaire") &&
           facts_copy(o, "panel", from, "panel") && facts_copy(o, "total", from, "total") &&
           facts_set(o, "low", json_integer((json_int_t)in->low)) &&
           facts_set(o, "high", json_integer((json_int_t)in->high)) &&
           facts_set_text(o, "range", range) &&
           facts_set(o, "count", json_integer((json_int_t)in->item_count)) &&
           facts_set_text(o, "absent", in->missing);
}

/* Reads one file. */
static bool read_instrument(struct reading *r, struct instrument *in) {
    char range[512];
    const json_t *limits = json_object_get(r->document, "range");
    in->document = r->document;
    in->name = facts_text(r->document, "instrument");
    in->missing = facts_text(r->document, "missing");
    in->total_code = facts_text(json_object_get(r->document, "total"), "code");
    in->monitoring = json_object_get(r->document, "monitoring");
    if (!in->name || !facts_text(r->document, "system") || !facts_text(r->document, "licence") ||
        !facts_text(r->document, "title"))
        return wrong(r, "", "instrument, title, licence and system");
    if (!in->total_code || !facts_text(json_object_get(r->document, "panel"), "code"))
        return wrong(r, "", "panel and total, each with a code");
    if (!in->missing)
        return wrong(r, "", "missing: a code of data-absent-reason, such as unknown");
    if (!facts_number(limits, "low", &in->low) || !facts_number(limits, "high", &in->high) ||
        in->high <= in->low)
        return wrong(r, "/range", "range: {low, high}, whole numbers");
    return read_items(r, in) && read_bands(r, in, range, sizeof range) && read_rules(r, in) &&
           make_facts(in, range);
}

/* Frees what an item holds. */
static void free_item(struct instrument_item *item) {
    for (size_t i = 0; i < item->answer_count; i++)
        json_decref(item->answers[i]);
    json_decref(item->missing);
}

void instruments_free(struct instruments *set) {
    for (size_t n = 0; n < set->count; n++) {
        struct instrument *in = &set->list[n];
        for (size_t i = 0; i < INSTRUMENT_ITEMS; i++)
            free_item(&in->items[i]);
        free_item(&in->difficulty);
        for (size_t i = 0; i < in->band_count; i++)
            json_decref(in->bands[i].facts);
        json_decref(in->facts);
    }
    free(set->list);
    *set = (struct instruments) { 0 };
}

bool instruments_load(struct instruments *set, const struct iptfhir_host *host,
                      struct iptfhir_error *error) {
    const char *const *names = host->list(host, "instruments", ".yaml");
    size_t count = 0;
    while (names && names[count])
        count++;
    set->list = calloc(count + 1, sizeof *set->list);
    bool ok = set->list != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        char path[300];
        snprintf(path, sizeof path, "instruments/%s", names[i]);
        struct reading r = { host, host->document(host, path, error), path, error };
        ok = r.document && read_instrument(&r, &set->list[set->count++]);
    }
    if (!ok) {
        host->fail(host, error, IPTFHIR_FATAL, "instrument", "instruments",
                   "out of memory while instruments were read");
        instruments_free(set);
    }
    return ok;
}

const struct instrument *instruments_find(const struct instruments *set, const char *name) {
    for (size_t i = 0; name && i < set->count; i++)
        if (strcmp(set->list[i].name, name) == 0)
            return &set->list[i];
    for (size_t i = 0; name && i < set->count; i++)
        if (facts_lists(facts_list(set->list[i].document, "aliases"), name))
            return &set->list[i];
    return NULL;
}

const struct instrument *instruments_find_total(const struct instruments *set, const char *code) {
    for (size_t i = 0; code && i < set->count; i++)
        if (strcmp(set->list[i].total_code, code) == 0)
            return &set->list[i];
    return NULL;
}
