/* SPDX-License-Identifier: Apache-2.0 */
/* One answer as the rest of the plugin sees it. */
#include "answer.h"

#include <iptfhir/date.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *json_text(const json_t *object, const char *member) {
    return json_string_value(json_object_get(object, member));
}

const char *answer_type(const struct answer *a) {
    return json_text(a->json, "resourceType");
}

/* Finds the first byte that is no blank; NULL: there is none. */
static const char *first_byte(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (strchr(" \t\r\n", text[i]) == NULL)
            return text + i;
    }
    return NULL;
}

/* Tells whether a body is a web page. */
static bool is_html(const char *content_type, const char *from, size_t length) {
    if (content_type != NULL && strncasecmp(content_type, "text/html", 9) == 0)
        return true;
    if (length >= 5 && strncasecmp(from, "<html", 5) == 0)
        return true;
    return length >= 9 && strncasecmp(from, "<!doctype", 9) == 0;
}

/* Says what a JSON body is. */
static enum answer_body kind_of(const json_t *json) {
    const char *type = json_text(json, "resourceType");
    if (type == NULL)
        return ANSWER_JSON;
    return strcmp(type, "OperationOutcome") == 0 ? ANSWER_OUTCOME : ANSWER_RESOURCE;
}

/* Reads the body of an answer. */
static void read_body(struct answer *a, const struct iptfhir_http_response *response) {
    const char *from = NULL;
    if (response->body != NULL)
        from = first_byte(response->body, response->body_length);
    a->body = ANSWER_EMPTY;
    if (from == NULL)
        return;
    a->text = response->body;
    a->length = response->body_length;
    size_t left = response->body_length - (size_t)(from - response->body);
    a->body = is_html(response->content_type, from, left) ? ANSWER_HTML : ANSWER_OTHER;
    if (*from != '{')
        return;
    a->body = ANSWER_BROKEN;
    if (response->truncated)
        return;
    a->owned = json_loadb(a->text, a->length, JSON_REJECT_DUPLICATES, NULL);
    a->json = a->owned;
    if (a->json != NULL)
        a->body = kind_of(a->json);
    if (a->body == ANSWER_OUTCOME)
        a->issues = json_object_get(a->json, "issue");
}

void answer_open(struct answer *a, const struct iptfhir_http_response *response, int64_t now) {
    *a = (struct answer) { .outcome = response->outcome,
                           .status = response->status,
                           .etag = response->etag,
                           .location = response->location,
                           .retry_after = response->retry_after,
                           .content_type = response->content_type,
                           .error = response->error,
                           .came = now };
    int64_t date_ms;
    if (iptfhir_http_date(response->date, now * 1000, &date_ms))
        a->came = date_ms / 1000;
    read_body(a, response);
}

int64_t answer_wait_ms(const struct answer *a) {
    int64_t wait = iptfhir_retry_after(a->retry_after, a->came * 1000);
    if (wait < 0)
        return 0;
    return wait < ANSWER_WAIT_MOST_MS ? wait : ANSWER_WAIT_MOST_MS;
}

void answer_open_entry(struct answer *a, const json_t *entry, struct slice resource,
                       const struct answer *whole) {
    const json_t *response = json_object_get(entry, "response");
    const char *status = json_text(response, "status");
    *a = (struct answer) { .outcome = IPTFHIR_HTTP_ANSWERED,
                           .etag = json_text(response, "etag"),
                           .location = json_text(response, "location"),
                           .retry_after = whole->retry_after,
                           .came = whole->came };
    if (status != NULL && strlen(status) >= 3)
        a->status = (int)strtol(status, NULL, 10);
    a->json = json_object_get(entry, "resource");
    if (json_is_object(a->json)) {
        a->body = kind_of(a->json);
        a->text = resource.text;
        a->length = resource.length;
    }
    const json_t *outcome = json_object_get(response, "outcome");
    a->issues = json_object_get(outcome, "issue");
    if (a->issues == NULL && a->body == ANSWER_OUTCOME)
        a->issues = json_object_get(a->json, "issue");
}

void answer_close(struct answer *a) {
    json_decref(a->owned);
    a->owned = NULL;
    a->json = NULL;
    a->issues = NULL;
}

bool answer_succeeded(const struct answer *a) {
    return a->outcome == IPTFHIR_HTTP_ANSWERED && a->status >= 200 && a->status < 300;
}

bool answer_issue_counts(const json_t *issue) {
    const char *severity = json_text(issue, "severity");
    if (severity == NULL)
        return json_is_object(issue);
    return strcmp(severity, "error") == 0 || strcmp(severity, "fatal") == 0;
}

bool answer_has_error(const struct answer *a) {
    const json_t *issue;
    size_t i;
    json_array_foreach(a->issues, i, issue) {
        if (answer_issue_counts(issue))
            return true;
    }
    return false;
}
