/* SPDX-License-Identifier: Apache-2.0 */
/* What `status` prints, of a survey that was taken. */
#ifndef CORE_COMMAND_STATUS_H
#define CORE_COMMAND_STATUS_H

#include "core/base/str.h"
#include "core/sync/survey.h"

/* For people. now_ms: the wall clock. */
void status_text(const struct survey *s, int64_t now_ms, struct str *out);
/* For scripts: one JSON object; its members never change their meaning. */
void status_json(const struct survey *s, struct str *out);
/* "3 h" since a moment, "-" for 0. */
const char *status_age(int64_t since_ms, int64_t now_ms, char out[32]);
#endif
