/* SPDX-License-Identifier: Apache-2.0 */
/* Scores of measures and their series over a course: totals are always recomputed, nothing is
 * imputed. */
#include "instrument.h"

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

/* Reads the answers; returns how many items have one, and counts the members that were looked at.
 */
static size_t read_answers(const struct instrument *in, const json_t *items, struct score *s,
                           size_t *members) {
    size_t answered = 0;
    for (size_t i = 0; i < in->item_count; i++) {
        const struct instrument_item *item = &in->items[i];
        const json_t *value = json_object_get(items, item->field);
        int64_t number = 0;
        s->answers[i] = -1;
        *members += value != NULL;
        if (!value || json_is_null(value))
            continue;
        answered++;
        bool whole = facts_number(items, item->field, &number);
        if (item->flag &&
            (whole ? number > item->above : json_number_value(value) > (double)item->above))
            s->positive |= UINT64_C(1) << i;
        s->answers[i] = whole ? answer_of(item, number) : -1;
        if (s->answers[i] < 0)
            hold(s, "out-of-range", "items", item->field,
                 "the answer is none of the instrument's; correct it at the source");
        s->total += number;
    }
    return answered;
}

/* Notes a positive safety item that is recorded only as such, without answers. */
static void read_safety(const struct instrument *in, const json_t *measure, struct score *s) {
    const json_t *safety = json_object_get(measure, "safety");
    for (size_t i = 0; i < in->item_count; i++)
        if (in->items[i].flag && s->answers[i] < 0 &&
            (json_is_true(json_object_get(safety, "positive")) ||
             json_number_value(json_object_get(safety, "item9")) > (double)in->items[i].above))
            s->positive |= UINT64_C(1) << i;
}

/* Takes the recorded total of a measure without items. */
static void take_total(const struct instrument *in, const json_t *measure, struct score *s) {
    const json_t *total = json_object_get(measure, "total");
    if (!total || json_is_null(total))
        hold(s, "empty-measure", "items", NULL, "the measure has neither answers nor a total");
    else if (!facts_number(measure, "total", &s->total) || s->total < in->low ||
             s->total > in->high)
        hold(s, "out-of-range", "total", NULL,
             "the total is outside the instrument's range; correct it at the source");
}

void instrument_score(const struct instrument *in, const json_t *measure, struct score *s) {
    json_t *items = json_object_get(measure, "items");
    const json_t *recorded = json_object_get(measure, "total");
    size_t members = 0;
    int64_t total = 0, difficulty = 0;
    *s = (struct score) { .difficulty = -1 };
    size_t answered = read_answers(in, items, s, &members);
    read_safety(in, measure, s);
    s->has_items = answered > 0;
    if (members < json_object_size(items))
        hold(s, "unknown-item", "items", NULL,
             "an answer has a name that the instrument doesn't have; correct the name or the "
             "instrument file");
    if (!json_is_null(json_object_get(measure, "functionalDifficulty")) &&
        json_object_get(measure, "functionalDifficulty")) {
        if (in->has_difficulty && facts_number(measure, "functionalDifficulty", &difficulty))
            s->difficulty = answer_of(&in->difficulty, difficulty);
        if (in->has_difficulty && s->difficulty < 0)
            hold(s, "out-of-range", "functionalDifficulty", NULL,
                 "the answer is none of the instrument's; correct it at the source");
    }
    if (!s->has_items) {
        take_total(in, measure, s);
        return;
    }
    if (s->state != SCORE_HELD && answered < in->item_count)
        s->state = SCORE_INCOMPLETE;
    if (s->state == SCORE_TOTAL && recorded && !json_is_null(recorded) &&
        (!facts_number(measure, "total", &total) || total != s->total))
        hold(s, "total-mismatch", "total", NULL,
             "the recorded total is not the sum of the items; find out at the source which is "
             "right");
}

/* Orders by time, then by place in the record. */
static int by_time(const void *left, const void *right) {
    const struct series_point *a = left, *b = right;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

bool series_of(const struct instrument *in, const struct instruments *set, const json_t *record,
               struct series *series) {
    const json_t *measures = facts_list(record, "measures");
    int64_t start = 0;
    *series =
        (struct series) { .points = calloc(json_array_size(measures) + 1, sizeof *series->points) };
    if (!series->points)
        return false;
    for (size_t i = 0; i < json_array_size(measures); i++) {
        const json_t *measure = json_array_get(measures, i);
        struct series_point *point = &series->points[series->count];
        struct score score;
        if (instruments_find(set, facts_text(measure, "instrument")) != in ||
            !facts_seconds(facts_text(measure, "administeredAt"), &point->at))
            continue;
        instrument_score(in, measure, &score);
        point->index = i;
        point->total = score.total;
        series->count += score.state == SCORE_TOTAL;
    }
    qsort(series->points, series->count, sizeof *series->points, by_time);
    if (!facts_seconds(facts_text(json_object_get(record, "course"), "start"), &start))
        return true;
    int64_t window = in->baseline_days * 86400;
    for (size_t i = 0; i < series->count && !series->baseline; i++) /* a day counts to its end */
        if (series->points[i].at >= start - window && series->points[i].at < start + window + 86400)
            series->baseline = &series->points[i];
    return true;
}

void series_free(struct series *series) {
    free(series->points);
    *series = (struct series) { 0 };
}
