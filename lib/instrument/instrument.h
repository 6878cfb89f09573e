/* SPDX-License-Identifier: Apache-2.0 */
/* Instruments: what the files of mappings/instruments say, and the scores of measures by them. */
#ifndef INSTRUMENT_INSTRUMENT_H
#define INSTRUMENT_INSTRUMENT_H

#include "facts.h"

enum { INSTRUMENT_ITEMS = 40, INSTRUMENT_ANSWERS = 16, INSTRUMENT_BANDS = 12 };

/* An item with its answers as constant facts, one object an answer; facts get copies of them. */
struct instrument_item {
    const char *field;
    const char *code;
    size_t answer_count;
    int64_t values[INSTRUMENT_ANSWERS];
    /* {index, code, display, text, label, answer, answerDisplay, alert} */
    struct iptfhir_node *answers[INSTRUMENT_ANSWERS];
    struct iptfhir_node *missing; /* {index, code, display, text, absent} */
    const char *flag;             /* safety items: key of the Flag; NULL: no safety item */
    const char *label;            /* safety items: text of the Flag */
    int64_t above;                /* positive when the answer is above it */
};
struct instrument_band {
    int64_t low;
    int64_t high;
    struct iptfhir_node *facts; /* {code, display, text} */
};
/* Everything of one file. Texts and nodes live as long as the plugin instance; a rule that the file
 * doesn't have is 0. */
struct instrument {
    const char *name;
    const char *total_code;
    const char *missing;
    const struct iptfhir_node *document;
    const struct iptfhir_node *monitoring; /* {system, code, display} or NULL */
    /* {name, system, questionnaire, panel, total, low, high, range, count} */
    struct iptfhir_node *facts;
    int64_t low;
    int64_t high;
    struct instrument_item items[INSTRUMENT_ITEMS];
    struct instrument_item difficulty;
    size_t item_count;
    bool has_difficulty;
    struct instrument_band bands[INSTRUMENT_BANDS];
    size_t band_count;
    int64_t baseline_days;
    int64_t reliable_change;
    int64_t response_percent;
    int64_t response_from;
    int64_t recovered_below;
};
struct instruments {
    struct instrument *list;
    size_t count;
};

/* Reads all files of mappings/instruments. False and an error with file and position when one can't
 * be used. */
bool instruments_load(struct instruments *set, const struct iptfhir_host *host,
                      struct iptfhir_error *error);
void instruments_free(struct instruments *set);
/* By name or alias; by the code of its total. NULL when there is none. */
const struct instrument *instruments_find(const struct facts *f, const struct instruments *set,
                                          const char *name);
const struct instrument *instruments_find_total(const struct instruments *set, const char *code);

/* What a measure is worth. */
struct score {
    enum { SCORE_TOTAL, SCORE_INCOMPLETE, SCORE_HELD } state;
    bool has_items; /* false: only a total was recorded */
    int64_t
        total; /* SCORE_TOTAL: the sum of the items, or the recorded total when there are none */
    int8_t answers[INSTRUMENT_ITEMS]; /* index of the answer of each item, -1: missing */
    int8_t difficulty;                /* -1: not recorded */
    uint64_t positive; /* bit i: item i is a positive safety item, whatever the state */
    const char
        *code; /* SCORE_HELD: "total-mismatch", "out-of-range", "unknown-item", "empty-measure" */
    const char *member; /* SCORE_HELD: where in the measure: "total", "items/phq9_3" is member
                           "items" and field */
    const char *field, *why;
};
/* Scores a measure. Nothing is imputed: one missing item makes it incomplete; a recorded total that
 * isn't the sum holds it. */
void instrument_score(const struct facts *f, const struct instrument *instrument,
                      const struct iptfhir_node *measure, struct score *score);

/* The totals of an instrument in a record, by time. */
struct series_point {
    size_t index; /* of the measure */
    const struct iptfhir_node *measure;
    int64_t at;
    int64_t total;
};
struct series {
    struct series_point *points;
    size_t count;
    const struct series_point *baseline; /* NULL: none */
};
/* Collects them. The baseline is the first total within the instrument's baselineDays of the start
 * of the course. False when memory is out. series_free() it. */
bool series_of(const struct facts *f, const struct instrument *instrument,
               const struct instruments *set, const struct iptfhir_node *record,
               struct series *series);
void series_free(struct series *series);
#endif
