/* SPDX-License-Identifier: Apache-2.0 */
/* Which HTTP status, issue code or vendor code means what: one table, and what is read from an
 * OperationOutcome for it.
 */
#include "fhir.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A row: the first that fits decides. issue: an issue[].code, a code of issue[].details.coding, or
 * NULL for any; text: a part of the issue's text in lower case, or NULL. */
struct row {
    int low, high;
    unsigned operations;
    const char *issue, *text;
    enum action action;
    const char *code;
    int64_t wait_ms;
};

enum { WRITES = OP_CREATE | OP_UPDATE, DAY_MS = 24 * 3600 * 1000 };

static const struct row rows[] = {
    /* numeric codes that Epic puts into details.coding */
    { 400, 599, OP_CREATE, "59141", NULL, ACT_SEARCH, "conflict", 0 }, /* duplicate */
    { 400, 599, WRITES, "59187", NULL, ACT_HOLD, "capability", 0 },    /* no flowsheet takes it */
    { 400, 599, WRITES, "59188", NULL, ACT_HOLD, "capability", 0 }, /* no flowsheet row is mapped */
    { 400, 599, WRITES, "59189", NULL, ACT_HOLD, "capability",
      0 }, /* filing into the flowsheet failed */
    { 400, 599, OP_ANY & ~OP_METADATA, "4130", NULL, ACT_HOLD, "policy-denied",
      0 }, /* break the glass */
    { 400, 599, OP_ANY & ~OP_METADATA, "4131", NULL, ACT_HOLD, "policy-denied", 0 },
    { 400, 599, OP_ANY & ~OP_METADATA, "4135", NULL, ACT_LATER, "quota",
      DAY_MS }, /* try again tomorrow */
    /* bundles: too large, or refused as a whole */
    { 413, 413, OP_BUNDLE, NULL, NULL, ACT_SPLIT, NULL, 0 },
    { 400, 422, OP_BUNDLE, "too-costly", NULL, ACT_SPLIT, NULL, 0 },
    { 400, 422, OP_BUNDLE, "too-long", NULL, ACT_SPLIT, NULL, 0 },
    { 400, 422, OP_BUNDLE, NULL, "too many", ACT_SPLIT, NULL, 0 },
    { 400, 422, OP_BUNDLE, NULL, "more update operations than", ACT_SPLIT, NULL, 0 },
    { 400, 422, OP_BUNDLE, NULL, "maximum number of entries", ACT_SPLIT, NULL, 0 },
    { 400, 422, OP_BUNDLE, NULL, "bundle size", ACT_SPLIT, NULL, 0 },
    /* statuses */
    { 200, 299, OP_ANY, NULL, NULL, ACT_DONE, NULL, 0 },
    { 100, 399, OP_ANY, NULL, NULL, ACT_TARGET, "target-redirects", 0 },
    { 401, 401, OP_ANY, NULL, NULL, ACT_TARGET, "target-unauthorized", 0 },
    { 429, 429, OP_ANY, NULL, NULL, ACT_LATER, "quota", 0 },
    { 503, 503, OP_ANY, NULL, NULL, ACT_LATER, NULL, 0 },
    { 400, 499, OP_ANY, "throttled", NULL, ACT_LATER, "quota", 0 },
    { 421, 421, OP_ANY, NULL, NULL, ACT_LATER, NULL, 0 },
    { 423, 423, OP_ANY, NULL, NULL, ACT_LATER, NULL, 0 },
    { 425, 425, OP_ANY, NULL, NULL, ACT_LATER, NULL, 0 },
    { 408, 408, WRITES | OP_BUNDLE, NULL, NULL, ACT_LOST, NULL, 0 },
    { 501, 501, OP_BUNDLE, NULL, NULL, ACT_SINGLY, NULL, 0 },
    { 400, 499, OP_BUNDLE, NULL, NULL, ACT_SINGLY, NULL, 0 },
    { 403, 403, OP_METADATA, NULL, NULL, ACT_TARGET, "target-forbidden", 0 },
    { 403, 403, OP_ANY, NULL, NULL, ACT_HOLD, "policy-denied", 0 },
    { 404, 404, OP_UPDATE | OP_READ, NULL, NULL, ACT_HOLD, "gone", 0 },
    { 410, 410, OP_UPDATE | OP_READ, NULL, NULL, ACT_HOLD, "gone", 0 },
    { 404, 404, OP_CREATE, "not-found", NULL, ACT_HOLD, "invalid", 0 },
    { 404, 404, OP_CREATE | OP_SEARCH, NULL, NULL, ACT_HOLD, "capability", 0 },
    { 405, 406, OP_ANY & ~OP_METADATA, NULL, NULL, ACT_HOLD, "capability", 0 },
    { 415, 415, OP_ANY & ~OP_METADATA, NULL, NULL, ACT_HOLD, "capability", 0 },
    { 501, 501, OP_ANY & ~OP_METADATA, NULL, NULL, ACT_HOLD, "capability", 0 },
    { 400, 422, OP_ANY & ~OP_METADATA, "not-supported", NULL, ACT_HOLD, "capability", 0 },
    { 409, 409, OP_CREATE, NULL, NULL, ACT_SEARCH, "conflict", 0 },
    { 412, 412, OP_CREATE, NULL, NULL, ACT_SEARCH, "conflict", 0 },
    { 409, 409, OP_UPDATE, NULL, NULL, ACT_CONFLICT, "conflict", 0 },
    { 412, 412, OP_UPDATE, NULL, NULL, ACT_CONFLICT, "conflict", 0 },
    { 400, 499, WRITES | OP_READ | OP_SEARCH, NULL, NULL, ACT_HOLD, "invalid", 0 },
    { 500, 599, WRITES | OP_BUNDLE, NULL, NULL, ACT_LOST, NULL, 0 },
    { 500, 599, OP_READ | OP_SEARCH, NULL, NULL, ACT_LATER, NULL, 0 },
    { 0, 999, OP_ANY, NULL, NULL, ACT_TARGET, "target-answer", 0 },
};

/* Tells whether a code may stand in a message: short, and of letters, digits, dots and hyphens. */
static bool is_code(const char *s) {
    size_t n = s != NULL
                   ? strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")
                   : 0;
    return n > 0 && n <= 40 && s[n] == '\0';
}

/* Tells whether an expression may stand in a message: a plain path, nothing with a value in it. */
static bool is_path(const char *s) {
    size_t n =
        s != NULL
            ? strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.[]()_-:")
            : 0;
    return n > 0 && n <= 100 && s[n] == '\0';
}

/* Adds to the detail, as far as it has room. */
static void say(struct verdict *v, const char *before, const char *what) {
    size_t n = strlen(v->detail), more = strlen(before) + strlen(what);
    if (n + more >= sizeof v->detail)
        return;
    memcpy(v->detail + n, before, strlen(before));
    memcpy(v->detail + n + strlen(before), what, strlen(what) + 1);
}

/* Finds a part in a text whatever its case. */
static bool has_part(const json_t *text, const char *part) {
    return json_is_string(text) && strcasestr(json_string_value(text), part) != NULL;
}

/* Tells whether an issue is what a row asks for. */
static bool issue_fits(const json_t *issue, const struct row *row) {
    const json_t *details = json_object_get(issue, "details"), *coding;
    size_t i;
    if (row->text != NULL)
        return has_part(json_object_get(issue, "diagnostics"), row->text) ||
               has_part(json_object_get(details, "text"), row->text);
    const char *code = json_string_value(json_object_get(issue, "code"));
    if (code != NULL && strcmp(code, row->issue) == 0)
        return true;
    json_array_foreach(json_object_get(details, "coding"), i, coding) {
        code = json_string_value(json_object_get(coding, "code"));
        if (code != NULL && strcmp(code, row->issue) == 0)
            return true;
    }
    return false;
}

/* Tells whether a row fits a status and the issues that came with it. */
static bool row_fits(const struct row *row, int status, unsigned operation, const json_t *issues) {
    const json_t *issue;
    size_t i;
    if (status < row->low || status > row->high || (row->operations & operation) == 0)
        return false;
    if (row->issue == NULL && row->text == NULL)
        return true;
    json_array_foreach(issues, i, issue) {
        if (issue_fits(issue, row))
            return true;
    }
    return false;
}

/* Says in the detail what an OperationOutcome's issues are, without their free text. */
static void describe(const json_t *issues, struct verdict *v) {
    const json_t *issue, *it;
    size_t i, k;
    json_array_foreach(issues, i, issue) {
        const json_t *details = json_object_get(issue, "details");
        const char *severity = json_string_value(json_object_get(issue, "severity"));
        const char *code = json_string_value(json_object_get(issue, "code"));
        if (i >= 8)
            break;
        say(v, i == 0 ? ": " : "; ", is_code(severity) ? severity : "error");
        say(v, " ", is_code(code) ? code : "unknown");
        if (code != NULL && strcmp(code, "not-found") == 0)
            v->reference = true;
        json_array_foreach(json_object_get(details, "coding"), k, it) {
            const char *vendor = json_string_value(json_object_get(it, "code"));
            if (k < 3 && is_code(vendor))
                say(v, " ", vendor);
        }
        json_array_foreach(json_object_get(issue, "expression"), k, it) {
            if (k < 3 && is_path(json_string_value(it)))
                say(v, k == 0 ? " at " : ", ", json_string_value(it));
        }
    }
}

/* Decides by the table. */
static void decide(const struct answer *a, enum operation operation, const json_t *issues,
                   struct verdict *out) {
    const struct row *row = rows;
    while (!row_fits(row, a->status, operation, issues))
        row++;
    out->action = row->action;
    out->code = row->code;
    (void)snprintf(out->detail, sizeof out->detail, "HTTP %d", a->status);
    describe(issues, out);
    out->retry_after_ms = outcome_retry_after(a->retry_after, (int64_t)time(NULL));
    if (out->retry_after_ms == 0)
        out->retry_after_ms = row->wait_ms;
}

void outcome_judge(const struct answer *a, enum operation operation, struct verdict *out) {
    json_t *parsed = NULL;
    const json_t *outcome = a->issues;
    out->code = NULL;
    out->reference = false;
    out->retry_after_ms = 0;
    out->detail[0] = '\0';
    out->action = ACT_DONE;
    if (a->outcome == IPTFHIR_HTTP_ANSWERED && a->status >= 200 && a->status < 300)
        return;
    if (a->outcome != IPTFHIR_HTTP_ANSWERED) {
        bool write = (operation & (WRITES | OP_BUNDLE)) != 0 && a->outcome == IPTFHIR_HTTP_LOST;
        out->action = write ? ACT_LOST : ACT_TARGET;
        out->code = "target-unreachable";
        (void)snprintf(out->detail, sizeof out->detail, "%s",
                       a->error != NULL ? a->error : "no answer");
        return;
    }
    if (outcome == NULL && a->body_length > 0 && !a->truncated)
        outcome = parsed = json_loadb(a->body, a->body_length, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(outcome, "resourceType"));
    bool is_outcome = type != NULL && strcmp(type, "OperationOutcome") == 0;
    decide(a, operation, is_outcome ? json_object_get(outcome, "issue") : NULL, out);
    json_decref(parsed);
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int month, int day) {
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t outcome_retry_after(const char *value, int64_t now) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char name[4];
    int day, year, hour, minute, second;
    int64_t wait = 0;
    if (value == NULL)
        return 0;
    if (value[0] >= '0' && value[0] <= '9') {
        wait = strtoll(value, NULL, 10);
    } else if (sscanf(value, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &day, name, &year, &hour, &minute,
                      &second) == 6) {
        const char *month = strlen(name) == 3 ? strstr(months, name) : NULL;
        if (month == NULL || (month - months) % 3 != 0)
            return 0;
        wait = days_of(year, (int)((month - months) / 3) + 1, day) * 86400 + hour * 3600 +
               minute * 60 + second - now;
    }
    if (wait <= 0)
        return 0;
    return wait > RETRY_MAX_MS / 1000 ? RETRY_MAX_MS : wait * 1000;
}
