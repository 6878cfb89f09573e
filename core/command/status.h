/* SPDX-License-Identifier: Apache-2.0 */
/* What `status` prints, of a survey that was taken. */
#ifndef CORE_COMMAND_STATUS_H
#define CORE_COMMAND_STATUS_H

#include "core/base/str.h"
#include "core/sync/survey.h"

/* When it is printed, and how long a source's word counts. */
struct status_time {
    int64_t now_ms;     /* wall clock */
    int64_t max_age_ms; /* limits.max_age_hours */
};
/* For people. */
void status_text(const struct survey *s, const struct status_time *time, struct str *out);
/* For scripts: one JSON object; its members never change their meaning. */
void status_json(const struct survey *s, const struct status_time *time, struct str *out);
/* The exit code: that of the survey, or EXIT_LATER while a job's source doesn't speak. */
int status_exit(const struct survey *s, const struct status_time *time);
/* "3 h" since a moment, "-" for 0. */
const char *status_age(int64_t since_ms, int64_t now_ms, char out[32]);
#endif
