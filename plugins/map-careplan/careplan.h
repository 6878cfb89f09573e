/* SPDX-License-Identifier: Apache-2.0 */
/* A plan in the making, and what is derived for it: states of phases, schedules, texts. */
#ifndef MAP_CAREPLAN_CAREPLAN_H
#define MAP_CAREPLAN_CAREPLAN_H

#include "lib/instrument/instrument.h"

#include <stdio.h>

struct mapper {
    const struct iptfhir_host *host;
    struct instruments instruments;
    const struct iptfhir_node *displays;
};

/* One record in hand. */
struct plan {
    const struct mapper *self;
    const struct iptfhir_record *record;
    struct facts *f;
    const struct iptfhir_node *node; /* of the record */
    const struct iptfhir_node *course;
    const struct instrument *instrument; /* that monitors the course; NULL: none or unknown */
    struct series series;                /* its totals */
};

/* The status of a phase's activity (R4 care-plan-activity-status). It depends on the record alone,
 * never on the day it is mapped: "now" is the latest day of which the record tells something (a
 * finished session, a measure, an assessment, a goal's status, the end). */
const char *plan_phase_status(const struct plan *p, const struct iptfhir_node *phase);
/* Sets name, text ("PHQ-9 monitoring at weeks 0, 4 and 8") and, when the weeks are evenly spaced,
 * period. */
void plan_schedule(const struct plan *p, const struct iptfhir_node *monitoring,
                   struct iptfhir_node *facts);
/* The UUID of the total or panel Observation of a point. */
struct iptfhir_node *plan_measure(const struct plan *p, const struct series_point *point,
                                  const char *which);
/* The latest assessment with a date, of two on one day the later in the list; NULL when there is
 * none. */
const struct iptfhir_node *plan_latest(const struct plan *p,
                                       const struct iptfhir_node *assessments);
/* Sets description, therapy and div (escaped XHTML): of codes and dates alone, no free text, no
 * scores. */
void plan_texts(const struct plan *p, struct iptfhir_node *facts);
#endif
