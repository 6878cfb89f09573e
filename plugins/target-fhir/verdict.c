/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verdicts, and the details that may be said of an answer. */
#include "verdict.h"

#include <stdio.h>
#include <string.h>

/* What a row asks of an answer beside its status. */
enum condition {
    ALWAYS,
    ISSUE,       /* an issue has this code, or a coding with it in its details */
    SAYS,        /* an issue says this in its text, in lower case */
    IS_HTML,     /* the body is a web page */
    IS_BROKEN,   /* the body is JSON that broke off: what the server says is not known */
    ASKS_TO_WAIT /* it has a Retry-After */
};
enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

/* A row; the first that fits decides. */
struct row {
    int low, high;
    unsigned operations;
    enum condition condition;
    const char *what;
    iptfhir_proof proof;
    const char *code;
    const char *pause;
    bool person;
    int64_t wait_ms; /* of the pause, when the server names none */
};

#define CREATE OPERATION_CREATE
#define UPDATE OPERATION_UPDATE
#define WRITES (OPERATION_CREATE | OPERATION_UPDATE)
#define ENTRIES (WRITES | OPERATION_READ | OPERATION_SEARCH)
#define READS (OPERATION_READ | OPERATION_SEARCH)
#define BUNDLES (OPERATION_READ_BUNDLE | OPERATION_WRITE_BUNDLE)
#define WRITE_BUNDLE OPERATION_WRITE_BUNDLE
#define LEARN OPERATION_LEARN
#define ANY OPERATION_ANY
#define CHANGES (WRITES | WRITE_BUNDLE)

/* clang-format off */
static const struct row rows[] = {
    /* Epic: numbers in issue.details.coding */
    { 400, 599, CREATE,  ISSUE, "59141", IPTFHIR_DUPLICATE, NULL, NULL, false, 0 }, /* a duplicate */
    { 400, 599, WRITES,  ISSUE, "59187", IPTFHIR_REFUSED, "capability", NULL, false, 0 }, /* no flowsheet takes it */
    { 400, 599, WRITES,  ISSUE, "59188", IPTFHIR_REFUSED, "capability", NULL, false, 0 }, /* no flowsheet row is mapped */
    { 400, 599, WRITES,  ISSUE, "59189", IPTFHIR_REFUSED, "capability", NULL, false, 0 }, /* filing failed: a fault of the build */
    { 400, 599, WRITES,  ISSUE, "59102", IPTFHIR_REFUSED, "invalid", NULL, false, 0 },    /* the row wants another unit */
    { 400, 599, ENTRIES, ISSUE, "4130", IPTFHIR_REFUSED, "policy-denied", NULL, false, 0 }, /* break the glass */
    { 400, 599, ENTRIES, ISSUE, "4131", IPTFHIR_REFUSED, "policy-denied", NULL, false, 0 }, /* break the glass */
    { 400, 599, ANY,     ISSUE, "4135", IPTFHIR_NOT_DONE, NULL, "quota", false, DAY_MS }, /* try again tomorrow */
    /* HAPI says this of a numeric id that it does not have; the issue's code is only `processing` */
    { 400, 404, OPERATION_READ | UPDATE, SAYS, "hapi-0960", IPTFHIR_ABSENT, NULL, NULL, false, 0 },
    { 400, 400, OPERATION_READ, ISSUE, "not-found", IPTFHIR_ABSENT, NULL, NULL, false, 0 },

    /* too large */
    { 413, 413, CHANGES | BUNDLES, ALWAYS, NULL, IPTFHIR_TOO_LARGE, "too-large", NULL, false, 0 },
    { 400, 422, WRITE_BUNDLE, ISSUE, "too-costly", IPTFHIR_TOO_LARGE, "too-large", NULL, false, 0 },
    { 400, 422, WRITE_BUNDLE, ISSUE, "too-long", IPTFHIR_TOO_LARGE, "too-large", NULL, false, 0 },
    { 400, 422, WRITE_BUNDLE, SAYS, "too many", IPTFHIR_TOO_LARGE, "too-large", NULL, false, 0 },
    { 400, 422, WRITE_BUNDLE, SAYS, "more update operations than", IPTFHIR_TOO_LARGE, "too-large", NULL, false, 0 },
    { 400, 422, WRITE_BUNDLE, SAYS, "maximum number of entries", IPTFHIR_TOO_LARGE, "too-large", NULL, false, 0 },
    { 400, 422, WRITE_BUNDLE, SAYS, "bundle size", IPTFHIR_TOO_LARGE, "too-large", NULL, false, 0 },

    /* the whole target */
    { 100, 199, ANY, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, "target-answer", true, 0 },
    { 300, 399, ANY, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, "target-redirects", true, 0 },
    { 401, 401, ANY, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, "target-unauthorized", true, 0 },
    { 403, 403, LEARN, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, "target-forbidden", true, 0 },
    { 429, 429, ANY, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, "quota", false, 0 },
    { 400, 499, ANY, ISSUE, "throttled", IPTFHIR_NOT_DONE, NULL, "quota", false, 0 },
    /* a 503 that says when to come back refused before it began; another may have begun */
    { 503, 503, CHANGES, ASKS_TO_WAIT, NULL, IPTFHIR_NOT_DONE, NULL, "target-busy", false, 0 },
    { 503, 503, CHANGES, ALWAYS, NULL, IPTFHIR_FAILED, "server-error", "target-busy", false, 0 },
    { 503, 503, ANY, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, "target-busy", false, 0 },
    { 500, 599, LEARN, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, "target-busy", false, 0 },
    { 400, 499, LEARN, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, "target-answer", true, 0 },

    /* bundles as a whole */
    { 408, 408, WRITE_BUNDLE, ALWAYS, NULL, IPTFHIR_LOST, NULL, NULL, false, 0 },
    { 400, 499, BUNDLES, ALWAYS, NULL, IPTFHIR_NOT_TOGETHER, NULL, NULL, false, 0 },
    { 501, 501, BUNDLES, ALWAYS, NULL, IPTFHIR_NOT_TOGETHER, NULL, NULL, false, 0 },
    { 500, 599, BUNDLES, ALWAYS, NULL, IPTFHIR_FAILED, "server-error", NULL, false, 0 },

    /* one resource */
    { 408, 408, WRITES, ALWAYS, NULL, IPTFHIR_LOST, NULL, NULL, false, 0 },
    { 408, 408, READS, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, NULL, false, 0 },
    { 421, 421, ENTRIES, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, NULL, false, 0 }, /* misdirected */
    { 423, 423, ENTRIES, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, NULL, false, 0 }, /* locked */
    { 425, 425, ENTRIES, ALWAYS, NULL, IPTFHIR_NOT_DONE, NULL, NULL, false, 0 }, /* too early */
    { 403, 403, ENTRIES, ALWAYS, NULL, IPTFHIR_REFUSED, "policy-denied", NULL, false, 0 },
    { 404, 410, ENTRIES, IS_HTML, NULL, IPTFHIR_NOT_DONE, NULL, "target-answer", true, 0 }, /* a gateway's page */
    { 404, 404, OPERATION_READ | UPDATE, ISSUE, "deleted", IPTFHIR_GONE, NULL, NULL, false, 0 },
    { 404, 404, OPERATION_READ | UPDATE, ALWAYS, NULL, IPTFHIR_ABSENT, NULL, NULL, false, 0 },
    { 410, 410, OPERATION_READ | WRITES, ALWAYS, NULL, IPTFHIR_GONE, NULL, NULL, false, 0 },
    { 404, 404, CREATE, ISSUE, "not-found", IPTFHIR_REFUSED, "invalid", NULL, false, 0 }, /* what it refers to */
    { 404, 404, ENTRIES, ALWAYS, NULL, IPTFHIR_REFUSED, "capability", NULL, false, 0 },
    { 405, 406, ENTRIES, ALWAYS, NULL, IPTFHIR_REFUSED, "capability", NULL, false, 0 },
    { 415, 415, ENTRIES, ALWAYS, NULL, IPTFHIR_REFUSED, "capability", NULL, false, 0 },
    { 501, 501, ENTRIES, ALWAYS, NULL, IPTFHIR_REFUSED, "capability", NULL, false, 0 },
    { 400, 422, ENTRIES, ISSUE, "not-supported", IPTFHIR_REFUSED, "capability", NULL, false, 0 },
    { 409, 409, CREATE, ALWAYS, NULL, IPTFHIR_DUPLICATE, NULL, NULL, false, 0 },
    { 412, 412, CREATE, ALWAYS, NULL, IPTFHIR_DUPLICATE, NULL, NULL, false, 0 },
    { 409, 409, UPDATE, ALWAYS, NULL, IPTFHIR_CHANGED, NULL, NULL, false, 0 },
    { 412, 412, UPDATE, ALWAYS, NULL, IPTFHIR_CHANGED, NULL, NULL, false, 0 },
    { 400, 499, WRITES,  IS_BROKEN, NULL, IPTFHIR_LOST, NULL, NULL, false, 0 },
    { 400, 499, READS,   IS_BROKEN, NULL, IPTFHIR_NOT_DONE, NULL, NULL, false, 0 },
    /* R4's issue type `transient` and what it includes: the same content may be taken later */
    { 400, 499, ENTRIES, ISSUE, "transient", IPTFHIR_FAILED, "server-error", NULL, false, 0 },
    { 400, 499, ENTRIES, ISSUE, "lock-error", IPTFHIR_FAILED, "server-error", NULL, false, 0 },
    { 400, 499, ENTRIES, ISSUE, "no-store", IPTFHIR_FAILED, "server-error", NULL, false, 0 },
    { 400, 499, ENTRIES, ISSUE, "exception", IPTFHIR_FAILED, "server-error", NULL, false, 0 },
    { 400, 499, ENTRIES, ISSUE, "timeout", IPTFHIR_FAILED, "server-error", NULL, false, 0 },
    { 400, 499, ENTRIES, ISSUE, "incomplete", IPTFHIR_FAILED, "server-error", NULL, false, 0 },
    { 400, 499, ENTRIES, ALWAYS, NULL, IPTFHIR_REFUSED, "invalid", NULL, false, 0 },
    { 500, 599, ENTRIES, ALWAYS, NULL, IPTFHIR_FAILED, "server-error", NULL, false, 0 },

    /* no status of HTTP */
    { 0, 999, CHANGES, ALWAYS, NULL, IPTFHIR_LOST, NULL, "target-answer", true, 0 },
    { -999999, 999999, ANY, ALWAYS, NULL, IPTFHIR_FAILED, "target-answer", NULL, false, 0 },
};

/* What a person does about a pause. */
static const struct {
    const char *code, *advice;
} pauses[] = {
    { "quota", "its limit is used up; it is asked again by itself" },
    { "target-busy", "it is busy; it is asked again by itself" },
    { "target-unreachable", "it is tried again by itself; check address, network and certificate if this lasts" },
    { "target-unauthorized", "it does not take our credentials: check the client's registration and keys there" },
    { "target-forbidden", "it does not show its /metadata to us: check the scopes that it grants" },
    { "target-redirects", "it redirects, which is never followed: give the address it redirects to as `url`" },
    { "target-answer", "this is not the FHIR that was asked for: check `url`, and whether a gateway or a sign-in page answers" },
};
/* clang-format on */

/* Tells whether a text is short and of some characters only. */
static bool is_plain(const char *text, const char *more, size_t most) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t length = 0;
    if (text == NULL)
        return false;
    for (; text[length] != '\0'; length++) {
        bool known = strchr(letters, text[length]) != NULL || strchr(more, text[length]) != NULL;
        if (!known || length >= most)
            return false;
    }
    return length > 0;
}

/* Tells whether a code may stand in a message. */
static bool is_code(const char *text) {
    return is_plain(text, ".-_", 40);
}

/* Tells whether an expression may stand in a message: a plain path, nothing with a value in it. */
static bool is_path(const char *text) {
    return is_plain(text, ".[]()_-:", 100);
}

/* Adds a text to a detail, whole or not at all. */
static void add(struct verdict *v, const char *text) {
    size_t used = strlen(v->detail);
    size_t length = strlen(text);
    if (used + length < sizeof v->detail)
        memcpy(v->detail + used, text, length + 1);
}

/* Adds a text with what stands before it, as far as there is room for both. */
static void say(struct verdict *v, const char *before, const char *what) {
    size_t whole = strlen(v->detail) + strlen(before) + strlen(what);
    if (whole >= sizeof v->detail)
        return;
    add(v, before);
    add(v, what);
}

/* Says the codes and the places of one issue. */
static void say_issue(struct verdict *v, const json_t *issue, const char *before) {
    const json_t *details = json_object_get(issue, "details"), *one;
    const char *severity = json_text(issue, "severity");
    const char *code = json_text(issue, "code");
    size_t i;
    say(v, before, is_code(severity) ? severity : "error");
    say(v, " ", is_code(code) ? code : "unknown");
    json_array_foreach(json_object_get(details, "coding"), i, one) {
        const char *vendor = json_text(one, "code");
        if (i < 3 && is_code(vendor))
            say(v, " ", vendor);
    }
    json_array_foreach(json_object_get(issue, "expression"), i, one) {
        const char *path = json_string_value(one);
        if (i < 3 && is_path(path))
            say(v, i == 0 ? " at " : ", ", path);
    }
}

/* Says an OperationOutcome's issues: those that count, or all when none does. */
static void say_issues(struct verdict *v, const struct answer *a) {
    bool only_errors = answer_has_error(a);
    const json_t *issue;
    size_t i;
    size_t said = 0;
    json_array_foreach(a->issues, i, issue) {
        if (only_errors && !answer_issue_counts(issue))
            continue;
        say_issue(v, issue, said == 0 ? ": " : "; ");
        said++;
        if (said == 8)
            break;
    }
}

/* Says the code of an error that is no OperationOutcome: OAuth's, or Google's own. */
static void say_other(struct verdict *v, const json_t *json) {
    const json_t *error = json_object_get(json, "error");
    const char *word = json_string_value(error);
    if (word == NULL)
        word = json_text(error, "status");
    if (is_code(word))
        say(v, ": ", word);
}

/* Describes an answer. */
static void describe(struct verdict *v, const struct answer *a) {
    (void)snprintf(v->detail, sizeof v->detail, "HTTP %d", a->status);
    if (a->issues != NULL)
        say_issues(v, a);
    else if (a->body == ANSWER_JSON)
        say_other(v, a->json);
    else if (a->body == ANSWER_HTML)
        say(v, ": ", "a web page");
}

/* Tells whether a text has a part, whatever its case. */
static bool has_part(const json_t *text, const char *part) {
    const char *string = json_string_value(text);
    return string != NULL && strcasestr(string, part) != NULL;
}

/* Tells whether an issue has a code, its own or a vendor's. */
static bool has_code(const json_t *issue, const char *wanted) {
    const json_t *details = json_object_get(issue, "details"), *one;
    const char *code = json_text(issue, "code");
    size_t i;
    if (code != NULL && strcmp(code, wanted) == 0)
        return true;
    json_array_foreach(json_object_get(details, "coding"), i, one) {
        code = json_text(one, "code");
        if (code != NULL && strcmp(code, wanted) == 0)
            return true;
    }
    return false;
}

bool verdict_has_issue(const json_t *issues, const char *code) {
    const json_t *issue;
    size_t i;
    json_array_foreach(issues, i, issue) {
        if (has_code(issue, code))
            return true;
    }
    return false;
}

/* Tells whether an issue is what a row asks for. */
static bool issue_fits(const struct row *row, const json_t *issue) {
    if (row->condition == ISSUE)
        return has_code(issue, row->what);
    const json_t *details = json_object_get(issue, "details");
    return has_part(json_object_get(issue, "diagnostics"), row->what) ||
           has_part(json_object_get(details, "text"), row->what);
}

/* Tells whether one of the issues that count is what a row asks for. */
static bool issues_fit(const struct row *row, const struct answer *a) {
    bool only_errors = answer_has_error(a);
    const json_t *issue;
    size_t i;
    json_array_foreach(a->issues, i, issue) {
        bool counts = !only_errors || answer_issue_counts(issue);
        if (counts && issue_fits(row, issue))
            return true;
    }
    return false;
}

/* Tells whether a row fits. */
static bool row_fits(const struct row *row, const struct answer *a, int status,
                     enum operation operation) {
    if (status < row->low || status > row->high || (row->operations & operation) == 0)
        return false;
    switch (row->condition) {
    case ISSUE:
    case SAYS: return issues_fit(row, a);
    case IS_HTML: return a->body == ANSWER_HTML;
    case IS_BROKEN: return a->body == ANSWER_BROKEN;
    case ASKS_TO_WAIT: return answer_wait_ms(a) > 0;
    case ALWAYS: break;
    }
    return true;
}

/* Decides by the table. */
static void decide(const struct answer *a, int status, enum operation operation,
                   struct verdict *out) {
    const struct row *row = rows;
    while (!row_fits(row, a, status, operation))
        row++;
    out->proof = row->proof;
    out->code = row->code;
    out->pause = row->pause;
    out->person = row->person;
    out->retry_after_ms = 0;
    if (row->pause != NULL && !row->person)
        out->retry_after_ms = answer_wait_ms(a);
    if (out->retry_after_ms == 0)
        out->retry_after_ms = row->wait_ms;
}

/* Tells whether an operation changes something at the server. */
static bool is_write(enum operation operation) {
    return (operation & CHANGES) != 0;
}

/* Judges an answer that broke off. A status that came before it did says whether the target waits,
 * but proves nothing of a write. */
static void judge_lost(const struct answer *a, enum operation operation, struct verdict *out) {
    if (a->status >= 400)
        decide(a, a->status, OPERATION_SEARCH, out);
    out->proof = is_write(operation) ? IPTFHIR_LOST : IPTFHIR_NOT_DONE;
    out->code = NULL;
    if (operation == OPERATION_LEARN && out->pause == NULL)
        out->pause = "target-unreachable";
    if (a->status > 0)
        (void)snprintf(out->detail, sizeof out->detail, "HTTP %d, then ", a->status);
    say(out, "", a->error != NULL ? a->error : "no complete answer");
}

void verdict_of(const struct answer *a, enum operation operation, struct verdict *out) {
    *out = (struct verdict) { .proof = IPTFHIR_NOT_DONE };
    if (a->outcome == IPTFHIR_HTTP_NOT_SENT) {
        out->pause = "target-unreachable";
        say(out, "", a->error != NULL ? a->error : "no connection");
    } else if (a->outcome == IPTFHIR_HTTP_LOST) {
        judge_lost(a, operation, out);
    } else {
        decide(a, a->status, operation, out);
        describe(out, a);
    }
}

/* Says a media type, without its parameters. */
static void say_media_type(struct verdict *v, const char *content_type) {
    char media[60];
    size_t length = content_type != NULL ? strcspn(content_type, "; ") : 0;
    if (length == 0 || length >= sizeof media)
        return;
    memcpy(media, content_type, length);
    media[length] = '\0';
    if (is_plain(media, "/.+-", sizeof media))
        say(v, " ", media);
}

void verdict_unusable(const struct answer *a, enum operation operation, struct verdict *out) {
    *out = (struct verdict) { .proof = IPTFHIR_LOST };
    describe(out, a);
    if ((operation & WRITES) != 0 && answer_has_error(a)) {
        decide(a, 422, operation, out);
        return;
    }
    say_media_type(out, a->content_type);
    if (operation == OPERATION_LEARN) {
        out->proof = IPTFHIR_NOT_DONE;
        out->pause = "target-answer";
        out->person = true;
    } else if (!is_write(operation)) {
        out->proof = IPTFHIR_FAILED;
        out->code = "target-answer";
    }
}

void verdict_tell(const struct verdict *v, struct iptfhir_evidence_sink *sink, size_t index) {
    struct iptfhir_evidence evidence = { .size = sizeof evidence,
                                         .proof = v->proof,
                                         .code = v->code,
                                         .detail = v->detail[0] != '\0' ? v->detail : NULL };
    sink->item(sink, index, &evidence);
}

void verdict_pause_note(struct verdict_pause *p, const struct verdict *v) {
    if (v->pause == NULL)
        return;
    bool longer = v->retry_after_ms > p->worst.retry_after_ms;
    bool graver = v->person ? !p->worst.person : longer && !p->worst.person;
    if (!p->wanted || graver)
        p->worst = *v;
    p->wanted = true;
}

void verdict_pause_tell(const struct verdict_pause *p, struct iptfhir_evidence_sink *sink) {
    char detail[VERDICT_DETAIL + 200];
    const char *advice = "look at its log";
    if (!p->wanted)
        return;
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        if (strcmp(pauses[i].code, p->worst.pause) == 0)
            advice = pauses[i].advice;
    }
    (void)snprintf(detail, sizeof detail, "%s: %s", p->worst.detail, advice);
    struct iptfhir_pause pause = { .size = sizeof pause,
                                   .code = p->worst.pause,
                                   .detail = detail,
                                   .retry_after_ms = p->worst.retry_after_ms,
                                   .person = p->worst.person };
    sink->pause(sink, &pause);
}
