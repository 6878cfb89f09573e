/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated EHR's HTTP: weather, /metadata, and single interactions. */
#include "tests/world/ehr_room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char fhir_json[] = "application/fhir+json;charset=UTF-8";

const char *ehr_weather_name(enum ehr_weather weather) {
    static const char *const names[EHR_WEATHERS] = { "fair",           "forbidden", "busy-seconds",
                                                     "busy-date",      "sign-in",   "outcome",
                                                     "other-resource", "fails",     "fails-after" };
    return names[weather];
}

void ehr_set_weather(struct ehr *e, enum ehr_weather weather, int64_t until_ms, int retry_after_s) {
    e->weather = weather;
    e->weather_until_ms = until_ms;
    e->retry_after_s = retry_after_s;
}

void ehr_set_bad_patient(struct ehr *e, const char *identifier_value, enum ehr_bad how) {
    e->bad = how;
    (void)snprintf(e->bad_value, sizeof e->bad_value, "%s", identifier_value);
}

void ehr_outcome(struct arena *a, struct iptfhir_http_response *answer, int status,
                 const char *code, const char *text) {
    char *body = arena_printf(a,
                              "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":"
                              "\"error\",\"code\":\"%s\",\"diagnostics\":\"%s\"}]}",
                              code, text);
    if (body == NULL)
        abort();
    answer->status = status;
    answer->body = body;
    answer->body_length = strlen(body);
}

/* ---- /metadata ---- */

static void write_type(const struct ehr *e, const char *type, struct str *out) {
    const struct ehr_knobs *k = &e->knobs;
    bool patient = strcmp(type, "Patient") == 0;
    str_printf(out,
               "{\"type\":\"%s\",\"interaction\":[{\"code\":\"read\"},"
               "{\"code\":\"search-type\"}",
               type);
    if (!patient)
        str_puts(out, ",{\"code\":\"create\"},{\"code\":\"update\"}");
    str_printf(out, "],\"versioning\":\"%s\"", k->versions ? "versioned-update" : "no-version");
    if (!patient && k->conditional_create)
        str_puts(out, ",\"conditionalCreate\":true");
    str_printf(out, ",\"updateCreate\":%s", !patient && k->client_ids ? "true" : "false");
    str_puts(out, ",\"searchParam\":[{\"name\":\"_id\",\"type\":\"token\"}");
    if (patient || k->searches_by_identifier)
        str_puts(out, ",{\"name\":\"identifier\",\"type\":\"token\"}");
    if (!patient)
        str_puts(out, ",{\"name\":\"patient\",\"type\":\"reference\"},"
                      "{\"name\":\"subject\",\"type\":\"reference\"},"
                      "{\"name\":\"code\",\"type\":\"token\"}");
    str_puts(out, "]}");
}

static void metadata(const struct ehr *e, struct arena *a, struct iptfhir_http_response *answer) {
    static const char *const types[] = { "Patient",     "CarePlan",  "Goal",
                                         "Observation", "Condition", "Consent" };
    struct str out = { 0 };
    str_puts(&out, "{\"resourceType\":\"CapabilityStatement\",\"status\":\"active\",\"kind\":"
                   "\"instance\",\"fhirVersion\":\"4.0.1\",\"format\":[\"json\"],\"rest\":[{"
                   "\"mode\":\"server\",\"resource\":[");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        str_puts(&out, i > 0 ? "," : "");
        write_type(e, types[i], &out);
    }
    str_puts(&out, "],\"interaction\":[{\"code\":\"search-system\"}");
    if (e->knobs.bundles != EHR_SINGLY)
        str_puts(&out, ",{\"code\":\"batch\"}");
    if (e->knobs.bundles == EHR_TRANSACTION)
        str_puts(&out, ",{\"code\":\"transaction\"}");
    str_puts(&out, "]}]}");
    answer->status = 200;
    answer->body = arena_strndup(a, out.data, out.length);
    answer->body_length = out.length;
    str_free(&out);
}

/* ---- answers that carry a resource ---- */

static void resource_answer(const struct ehr *e, const struct ehr_resource *r, int status,
                            bool minimal, struct arena *a, struct iptfhir_http_response *answer) {
    answer->status = status;
    if (e->knobs.versions) {
        answer->etag = arena_printf(a, "W/\"%u\"", r->version);
        answer->location =
            arena_printf(a, "%s/%s/%s/_history/%u", e->base, r->type, r->id, r->version);
    } else {
        answer->location = arena_printf(a, "%s/%s/%s", e->base, r->type, r->id);
    }
    if (minimal && e->knobs.honours_prefer) {
        answer->body = "";
        answer->body_length = 0;
        return;
    }
    answer->body = arena_strndup(a, r->body, r->length);
    answer->body_length = r->length;
}

static void missing(const struct ehr *e, const struct ehr_resource *r, struct arena *a,
                    struct iptfhir_http_response *answer) {
    if (r != NULL && r->deleted)
        ehr_outcome(a, answer, e->knobs.gone_status, "deleted", "Resource was deleted");
    else if (e->knobs.unknown_status == 400)
        ehr_outcome(a, answer, 400, "processing", "HAPI-0960: Resource is not known");
    else
        ehr_outcome(a, answer, 404, "not-found", "Resource is not known");
}

/* ---- references ---- */

static bool held_here(const struct ehr *e, const char *reference) {
    char type[EHR_TYPE];
    const char *slash = strchr(reference, '/');
    if (slash == NULL || strchr(reference, ':') != NULL ||
        (size_t)(slash - reference) >= sizeof type)
        return false;
    (void)snprintf(type, sizeof type, "%.*s", (int)(slash - reference), reference);
    const struct ehr_resource *r = ehr_look(e, type, slash + 1);
    return r != NULL && !r->deleted;
}

/* Finds a reference that leads nowhere; NULL when all are good. */
static const char *dangling(const struct ehr *e, const struct tree *node) {
    if (node->kind != TREE_OBJECT && node->kind != TREE_ARRAY)
        return NULL;
    for (const struct tree *n = node->first; n != NULL; n = n->next) {
        bool reference =
            n->kind == TREE_STRING && n->name != NULL && strcmp(n->name, "reference") == 0;
        if (reference && !held_here(e, n->text))
            return n->text;
        const char *below = dangling(e, n);
        if (below != NULL)
            return below;
    }
    return NULL;
}

/* ---- interactions ---- */

/* Splits "/Type/id"; false when there is more or less. */
static bool split(const char *path, char type[EHR_TYPE], char id[EHR_ID]) {
    const char *name = path + 1;
    size_t n = strcspn(name, "/");
    if (path[0] != '/' || n == 0 || n >= EHR_TYPE)
        return false;
    (void)snprintf(type, EHR_TYPE, "%.*s", (int)n, name);
    id[0] = '\0';
    if (name[n] == '\0')
        return true;
    const char *rest = name + n + 1;
    (void)snprintf(id, EHR_ID, "%s", rest);
    return strlen(rest) < EHR_ID && strchr(rest, '/') == NULL;
}

static bool usable(const struct ehr *e, const struct ehr_call *c, const char *type, struct arena *a,
                   struct iptfhir_http_response *answer) {
    const char *its_type = c->body != NULL ? tree_text(c->body, "resourceType") : NULL;
    if (its_type == NULL || strcmp(its_type, type) != 0) {
        ehr_outcome(a, answer, 400, "structure", "body is no resource of this type");
        return false;
    }
    if (strcmp(type, "Patient") == 0) {
        ehr_outcome(a, answer, 405, "not-supported", "patients are registered at the desk");
        return false;
    }
    const char *bad = e->knobs.checks_references ? dangling(e, c->body) : NULL;
    if (bad != NULL) {
        ehr_outcome(a, answer, 400, "processing", "HAPI-1094: reference not found");
        return false;
    }
    return true;
}

static void create(struct ehr *e, const struct ehr_call *c, const char *type, struct arena *a,
                   struct iptfhir_http_response *answer) {
    char id[EHR_ID];
    uint32_t hits[4];
    if (!usable(e, c, type, a, answer))
        return;
    if (c->if_none_exist != NULL && e->knobs.conditional_create) {
        size_t count = ehr_matches(e, type, c->if_none_exist, e->knobs.conditional_fresh, hits, 4);
        if (count > 1) {
            ehr_outcome(a, answer, 412, "multiple-matches", "several resources match");
            return;
        }
        if (count == 1) {
            resource_answer(e, e->list[hits[0]], 200, c->minimal, a, answer);
            return;
        }
    }
    if (c->given_id != NULL)
        (void)snprintf(id, sizeof id, "%s", c->given_id);
    else
        ehr_new_id(e, id);
    struct ehr_resource *r = ehr_commit(e, type, id, c->body, a, true);
    resource_answer(e, r, 201, c->minimal, a, answer);
}

/* Tells whether If-Match names the version that is there. */
static bool version_agrees(const struct ehr *e, const struct ehr_call *c,
                           const struct ehr_resource *r) {
    char etag[32];
    if (c->if_match == NULL || !e->knobs.versions)
        return true;
    (void)snprintf(etag, sizeof etag, "\"%u\"", r != NULL ? r->version : 0);
    return strstr(c->if_match, etag) != NULL;
}

static void update(struct ehr *e, const struct ehr_call *c, const char *type, const char *id,
                   struct arena *a, struct iptfhir_http_response *answer) {
    struct ehr_resource *r = ehr_look(e, type, id);
    bool live = r != NULL && !r->deleted;
    if (!usable(e, c, type, a, answer))
        return;
    const char *its_id = tree_text(c->body, "id");
    if (its_id == NULL || strcmp(its_id, id) != 0) {
        ehr_outcome(a, answer, 400, "invalid", "id in the body is not the id in the address");
        return;
    }
    if (!live && !e->knobs.client_ids) {
        missing(e, r, a, answer);
        return;
    }
    if (live && c->if_none_match != NULL && e->knobs.none_match) {
        ehr_outcome(a, answer, 412, "conflict", "there is one already");
        return;
    }
    if (!version_agrees(e, c, r)) {
        ehr_outcome(a, answer, e->knobs.conflict_status, "conflict", "version is not current");
        return;
    }
    struct ehr_resource *after = ehr_commit(e, type, id, c->body, a, true);
    resource_answer(e, after, live ? 200 : 201, c->minimal, a, answer);
}

void ehr_single(struct ehr *e, const struct ehr_call *c, struct arena *a,
                struct iptfhir_http_response *answer, bool *hangs) {
    char type[EHR_TYPE], id[EHR_ID];
    if (strcmp(c->path, "/metadata") == 0) {
        metadata(e, a, answer);
        return;
    }
    if (!split(c->path, type, id)) {
        ehr_outcome(a, answer, 404, "not-found", "no such address");
        return;
    }
    bool post = strcmp(c->method, "POST") == 0;
    bool get = strcmp(c->method, "GET") == 0;
    if (post && strcmp(id, "_search") == 0) {
        ehr_search(e, type, c->form != NULL ? c->form : "", c->no_cache, a, answer, hangs);
    } else if (get && id[0] == '\0') {
        ehr_search(e, type, c->query, c->no_cache, a, answer, hangs);
    } else if (get) {
        const struct ehr_resource *r = ehr_look(e, type, id);
        if (r != NULL && !r->deleted)
            resource_answer(e, r, 200, false, a, answer);
        else
            missing(e, r, a, answer);
    } else if (post && id[0] == '\0') {
        create(e, c, type, a, answer);
    } else if (strcmp(c->method, "PUT") == 0 && id[0] != '\0') {
        update(e, c, type, id, a, answer);
    } else {
        ehr_outcome(a, answer, 405, "not-supported", "no such interaction");
    }
}

/* ---- the whole server ---- */

/* An HTTP-date of the EHR's own clock. */
static const char *http_date(int64_t ms, struct arena *a) {
    time_t at = (time_t)(ms / 1000);
    struct tm parts;
    char text[64];
    (void)gmtime_r(&at, &parts);
    (void)strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return arena_strndup(a, text, strlen(text));
}

/* Answers as the weather has it; true when nothing else is done. */
static bool weathered(const struct ehr *e, struct arena *a, struct iptfhir_http_response *answer) {
    static const char page[] = "<!doctype html><html><body><form>Sign in</form></body></html>";
    static const char other[] = "{\"resourceType\":\"Basic\",\"id\":\"x\",\"code\":{}}";
    switch (e->weather) {
    case EHR_FORBIDDEN: ehr_outcome(a, answer, 403, "forbidden", "no"); return true;
    case EHR_BUSY_SECONDS:
        ehr_outcome(a, answer, 429, "throttled", "later");
        answer->retry_after = arena_printf(a, "%d", e->retry_after_s);
        return true;
    case EHR_BUSY_DATE:
        ehr_outcome(a, answer, 503, "transient", "later");
        answer->retry_after = http_date(e->now_ms + (int64_t)e->retry_after_s * 1000, a);
        answer->date = http_date(e->now_ms, a);
        return true;
    case EHR_SIGN_IN:
        answer->status = 200;
        answer->content_type = "text/html";
        answer->body = page;
        answer->body_length = sizeof page - 1;
        return true;
    case EHR_OUTCOME: ehr_outcome(a, answer, 200, "exception", "failed"); return true;
    case EHR_OTHER_RESOURCE:
        answer->status = 200;
        answer->body = other;
        answer->body_length = sizeof other - 1;
        return true;
    case EHR_FAILS: ehr_outcome(a, answer, 500, "exception", "failed"); return true;
    default: return false;
    }
}

/* The value of a header, NULL when it isn't there. */
static const char *header(const struct iptfhir_http_request *request, const char *name) {
    size_t n = strlen(name);
    for (const char *const *h = request->headers; h != NULL && *h != NULL; h++) {
        if (strncasecmp(*h, name, n) != 0 || (*h)[n] != ':')
            continue;
        const char *value = *h + n + 1;
        while (*value == ' ')
            value++;
        return value;
    }
    return NULL;
}

static void read_call(const struct iptfhir_http_request *request, struct arena *a,
                      struct ehr_call *c) {
    size_t cut = strcspn(request->path, "?");
    const char *cache = header(request, "Cache-Control");
    const char *prefer = header(request, "Prefer");
    const char *type = header(request, "Content-Type");
    bool form = type != NULL && strstr(type, "form-urlencoded") != NULL;
    *c = (struct ehr_call) { .method = request->method,
                             .path = arena_strndup(a, request->path, cut),
                             .query = request->path[cut] == '?' ? request->path + cut + 1 : "",
                             .if_match = header(request, "If-Match"),
                             .if_none_match = header(request, "If-None-Match"),
                             .if_none_exist = header(request, "If-None-Exist"),
                             .no_cache = cache != NULL && strstr(cache, "no-cache") != NULL,
                             .minimal = prefer != NULL && strstr(prefer, "minimal") != NULL };
    if (request->body == NULL)
        return;
    if (form)
        c->form = arena_strndup(a, request->body, request->body_length);
    else
        c->body = json_read_copy(a, request->body, request->body_length, NULL, NULL);
}

void ehr_serve(struct ehr *e, int64_t now_ms, const struct iptfhir_http_request *request,
               struct arena *a, struct iptfhir_http_response *answer, bool *hangs) {
    struct ehr_call c;
    *hangs = false;
    *answer = (struct iptfhir_http_response) { .size = sizeof *answer,
                                               .outcome = IPTFHIR_HTTP_ANSWERED,
                                               .body = "",
                                               .content_type = fhir_json };
    e->now_ms = now_ms;
    if (now_ms >= e->weather_until_ms)
        e->weather = EHR_FAIR;
    if (weathered(e, a, answer))
        return;
    if (e->knobs.most_bytes != 0 && request->body_length > e->knobs.most_bytes) {
        ehr_outcome(a, answer, 413, "too-long", "request entity too large");
        return;
    }
    read_call(request, a, &c);
    bool at_root = c.path[0] == '\0' || strcmp(c.path, "/") == 0;
    if (at_root && c.body != NULL && strcmp(c.method, "POST") == 0)
        ehr_bundle(e, c.body, request->body_length, a, answer);
    else
        ehr_single(e, &c, a, answer, hangs);
    if (e->weather == EHR_FAILS_AFTER)
        ehr_outcome(a, answer, 500, "exception", "failed");
}
