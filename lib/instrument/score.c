/* SPDX-License-Identifier: Apache-2.0 */
/* Scores of measures and their series over a course: totals are always recomputed, nothing is
 * imputed. */
#include "instrument.h"

#include <iptfhir/date.h>
#include <stdlib.h>
#include <string.h>

/* Marks a score as held. */
static void hold(struct score *s, const char *code, const char *member, const char *field,
                 const char *why) {
    if (s->state == SCORE_HELD)
        return;
    s->state = SCORE_HELD;
    s->code = code;
    s->member = member;
    s->field = field;
    s->why = why;
}

/* The index of an item's answer, -1: the value is none of its answers. */
static int8_t answer_of(const struct instrument_item *item, int64_t value) {
    for (size_t i = 0; i < item->answer_count; i++)
        if (item->values[i] == value)
            return (int8_t)i;
    return -1;
}

/* True when an answer is above what its item's safety rule allows. */
static bool is_positive(const struct facts *f, const struct instrument_item *item,
                        const struct iptfhir_node *object, const char *name) {
    double number = 0;
    return item->flag != NULL && facts_real(f, object, name, &number) &&
           number > (double)item->above;
}

/* Reads the answers; returns how many items have one, and counts the members that were looked at.
 */
static size_t read_answers(const struct facts *f, const struct instrument *in,
                           const struct iptfhir_node *items, struct score *s, size_t *members) {
    size_t answered = 0;
    for (size_t i = 0; i < in->item_count; i++) {
        const struct instrument_item *item = &in->items[i];
        int64_t number = 0;
        s->answers[i] = -1;
        *members += facts_get(f, items, item->field) != NULL;
        if (!facts_has(f, items, item->field))
            continue;
        answered++;
        if (is_positive(f, item, items, item->field))
            s->positive |= UINT64_C(1) << i;
        if (facts_number(f, items, item->field, &number))
            s->answers[i] = answer_of(item, number);
        if (s->answers[i] < 0)
            hold(s, "out-of-range", "items", item->field,
                 "the answer is none of the instrument's; correct it at the source");
        s->total += number;
    }
    return answered;
}

/* Notes a positive safety item that is recorded only as such, without answers. */
static void read_safety(const struct facts *f, const struct instrument *in,
                        const struct iptfhir_node *measure, struct score *s) {
    const struct iptfhir_node *safety = facts_get(f, measure, "safety");
    bool positive = iptfhir_get_true(f->nodes, safety, "positive");
    for (size_t i = 0; i < in->item_count; i++) {
        const struct instrument_item *item = &in->items[i];
        if (item->flag == NULL || s->answers[i] >= 0)
            continue;
        if (positive || is_positive(f, item, safety, "item9"))
            s->positive |= UINT64_C(1) << i;
    }
}

/* Takes the recorded total of a measure without items. */
static void take_total(const struct facts *f, const struct instrument *in,
                       const struct iptfhir_node *measure, struct score *s) {
    if (!facts_has(f, measure, "total"))
        hold(s, "empty-measure", "items", NULL, "the measure has neither answers nor a total");
    else if (!facts_number(f, measure, "total", &s->total) || s->total < in->low ||
             s->total > in->high)
        hold(s, "out-of-range", "total", NULL,
             "the total is outside the instrument's range; correct it at the source");
}

/* Reads the answer to the question about difficulty. */
static void read_difficulty(const struct facts *f, const struct instrument *in,
                            const struct iptfhir_node *measure, struct score *s) {
    static const char member[] = "functionalDifficulty";
    int64_t difficulty = 0;
    if (!in->has_difficulty || !facts_has(f, measure, member))
        return;
    if (facts_number(f, measure, member, &difficulty))
        s->difficulty = answer_of(&in->difficulty, difficulty);
    if (s->difficulty < 0)
        hold(s, "out-of-range", member, NULL,
             "the answer is none of the instrument's; correct it at the source");
}

void instrument_score(const struct facts *f, const struct instrument *in,
                      const struct iptfhir_node *measure, struct score *s) {
    const struct iptfhir_node *items = facts_get(f, measure, "items");
    size_t members = 0;
    *s = (struct score) { .difficulty = -1 };
    size_t answered = read_answers(f, in, items, s, &members);
    read_safety(f, in, measure, s);
    s->has_items = answered > 0;
    if (members < facts_count(f, items))
        hold(s, "unknown-item", "items", NULL,
             "an answer has a name that the instrument doesn't have; correct the name or the "
             "instrument file");
    read_difficulty(f, in, measure, s);
    if (!s->has_items) {
        take_total(f, in, measure, s);
        return;
    }
    if (s->state != SCORE_HELD && answered < in->item_count)
        s->state = SCORE_INCOMPLETE;
    if (s->state != SCORE_TOTAL || !facts_has(f, measure, "total"))
        return;
    int64_t recorded = 0;
    if (!facts_number(f, measure, "total", &recorded) || recorded != s->total)
        hold(s, "total-mismatch", "total", NULL,
             "the recorded total is not the sum of the items; find out at the source which is "
             "right");
}

/* Orders by time, then by place in the record. */
static int by_time(const void *left, const void *right) {
    const struct series_point *a = left;
    const struct series_point *b = right;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

bool series_of(const struct facts *f, const struct instrument *in, const struct instruments *set,
               const struct iptfhir_node *record, struct series *series) {
    const struct iptfhir_node *measures = facts_list(f, record, "measures");
    *series =
        (struct series) { .points = calloc(facts_count(f, measures) + 1, sizeof *series->points) };
    if (series->points == NULL)
        return false;
    size_t index = 0;
    const struct iptfhir_node *measure = facts_first(f, measures);
    for (; measure != NULL; measure = facts_next(f, measure), index++) {
        struct series_point *point = &series->points[series->count];
        struct score score;
        if (instruments_find(f, set, facts_text(f, measure, "instrument")) != in ||
            !iptfhir_time_to_seconds(facts_text(f, measure, "administeredAt"), &point->at))
            continue;
        instrument_score(f, in, measure, &score);
        point->index = index;
        point->measure = measure;
        point->total = score.total;
        series->count += score.state == SCORE_TOTAL;
    }
    qsort(series->points, series->count, sizeof *series->points, by_time);
    int64_t start = 0;
    if (!iptfhir_time_to_seconds(facts_text(f, facts_get(f, record, "course"), "start"), &start))
        return true;
    int64_t window = in->baseline_days * 86400;
    int64_t end = start + window + 86400; /* a day counts to its end */
    for (size_t i = 0; i < series->count && series->baseline == NULL; i++)
        if (series->points[i].at >= start - window && series->points[i].at < end)
            series->baseline = &series->points[i];
    return true;
}

void series_free(struct series *series) {
    free(series->points);
    *series = (struct series) { 0 };
}
