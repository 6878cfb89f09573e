/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated EHR's searches: identifier, patient, code; an index that lags; reuse; pages. */
#include "tests/world/ehr_room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUERY_MOST = 8, VALUE = 8192, HITS = 512 };

/* What a query asks for. */
struct query {
    char identifier[VALUE]; /* tokens, comma-separated */
    char patient[EHR_TOKEN], code[EHR_TOKEN], id[EHR_TOKEN];
    bool by_identifier;
    size_t count, offset;
};

static int hex(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes up to '&' or the end; returns where it stopped. */
static const char *decode(const char *p, char *out, size_t size) {
    size_t n = 0;
    while (*p != '\0' && *p != '&') {
        char c = *p++;
        bool escape = c == '%' && hex(p[0]) >= 0 && hex(p[1]) >= 0;
        if (escape) {
            c = (char)(hex(p[0]) * 16 + hex(p[1]));
            p += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (n + 1 < size)
            out[n++] = c;
    }
    out[n] = '\0';
    return *p == '&' ? p + 1 : p;
}

/* Returns the id behind "Patient/id" or "id". */
static const char *bare(const char *reference) {
    const char *slash = strrchr(reference, '/');
    return slash != NULL ? slash + 1 : reference;
}

static void take(struct query *q, const char *name, const char *value) {
    if (strcmp(name, "identifier") == 0) {
        q->by_identifier = true;
        (void)snprintf(q->identifier, sizeof q->identifier, "%s", value);
    } else if (strcmp(name, "patient") == 0 || strcmp(name, "subject") == 0) {
        (void)snprintf(q->patient, sizeof q->patient, "%.100s", bare(value));
    } else if (strcmp(name, "code") == 0) {
        (void)snprintf(q->code, sizeof q->code, "%.100s", value);
    } else if (strcmp(name, "_id") == 0) {
        (void)snprintf(q->id, sizeof q->id, "%.100s", value);
    } else if (strcmp(name, "_count") == 0) {
        q->count = (size_t)strtoul(value, NULL, 10);
    } else if (strcmp(name, "_offset") == 0) {
        q->offset = (size_t)strtoul(value, NULL, 10);
    }
}

static void parse(struct query *q, const char *text) {
    static _Thread_local char value[VALUE];
    char name[64];
    memset(q, 0, offsetof(struct query, by_identifier));
    q->by_identifier = false;
    q->count = q->offset = 0;
    while (*text != '\0') {
        size_t n = strcspn(text, "=&");
        (void)snprintf(name, sizeof name, "%.*s", (int)n, text);
        text += n;
        if (*text == '=')
            text++;
        text = decode(text, value, sizeof value);
        take(q, name, value);
    }
}

/* Tells whether one of the comma-separated tokens is among a resource's. */
static bool has_token(const struct ehr_resource *r, const char *tokens) {
    while (*tokens != '\0') {
        size_t n = strcspn(tokens, ",");
        for (size_t i = 0; i < r->identifier_count; i++) {
            const char *mine = r->identifiers[i];
            const char *value = strchr(mine, '|');
            bool whole = strlen(mine) == n && strncmp(mine, tokens, n) == 0;
            bool bare_value = memchr(tokens, '|', n) == NULL && strlen(value + 1) == n &&
                              strncmp(value + 1, tokens, n) == 0;
            if (whole || bare_value)
                return true;
        }
        tokens += n;
        if (*tokens == ',')
            tokens++;
    }
    return false;
}

static bool answers_to(const struct ehr *e, const struct ehr_resource *r, const struct query *q) {
    if (q->by_identifier && !has_token(r, q->identifier))
        return false;
    if (q->patient[0] != '\0' && strcmp(r->patient, q->patient) != 0)
        return false;
    if (q->id[0] != '\0' && strcmp(r->id, q->id) != 0)
        return false;
    const char *code = strchr(r->code, '|');
    bool bare_code = strchr(q->code, '|') == NULL && code != NULL && strcmp(code + 1, q->code) == 0;
    (void)e;
    return q->code[0] == '\0' || bare_code || strcmp(r->code, q->code) == 0;
}

static size_t collect(const struct ehr *e, const char *type, const struct query *q, bool fresh,
                      uint32_t *hits, size_t most) {
    size_t count = 0;
    for (size_t i = 0; i < e->count && count < most; i++) {
        const struct ehr_resource *r = e->list[i];
        bool shown = !r->deleted && (fresh || r->visible_ms <= e->now_ms);
        if (shown && strcmp(r->type, type) == 0 && answers_to(e, r, q))
            hits[count++] = (uint32_t)i;
    }
    return count;
}

size_t ehr_matches(const struct ehr *e, const char *type, const char *text, bool fresh,
                   uint32_t *hits, size_t most) {
    static _Thread_local struct query q;
    parse(&q, text);
    return collect(e, type, &q, fresh, hits, most);
}

static uint64_t mix(uint64_t h, const char *s) {
    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
    return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

/* Searches, or reuses what was found up to 60 s ago. */
static size_t find(struct ehr *e, const char *type, const char *text, const struct query *q,
                   bool no_cache, uint32_t *hits) {
    uint64_t key = mix(mix(UINT64_C(0xcbf29ce484222325), type), text);
    for (size_t i = 0; e->knobs.reuses_searches && !no_cache && i < EHR_CACHE; i++) {
        struct ehr_cached *c = &e->cache[i];
        bool usable = c->query == key && c->at_ms != 0 && e->now_ms - c->at_ms < EHR_CACHE_MS &&
                      e->now_ms >= c->at_ms;
        if (usable) {
            memcpy(hits, c->hits, c->count * sizeof *hits);
            return c->count;
        }
    }
    size_t count = collect(e, type, q, false, hits, HITS);
    if (e->knobs.reuses_searches && count <= EHR_CACHED) {
        struct ehr_cached *c = &e->cache[e->cache_next++ % EHR_CACHE];
        c->query = key;
        c->at_ms = e->now_ms;
        c->count = count;
        memcpy(c->hits, hits, count * sizeof *hits);
    }
    return count;
}

/* Answers for the one bad patient; true when this search is one for it. */
static bool bad_patient(const struct ehr *e, const struct query *q,
                        struct iptfhir_http_response *answer, bool *hangs) {
    static const char page[] = "<html><body>Internal error</body></html>";
    if (e->bad == EHR_GOOD || !q->by_identifier || strstr(q->identifier, e->bad_value) == NULL)
        return false;
    *hangs = e->bad == EHR_BAD_HANGS;
    answer->status = e->bad == EHR_BAD_HTML ? 200 : 500;
    answer->content_type = "text/html";
    answer->body = page;
    answer->body_length = sizeof page - 1;
    return true;
}

/* Writes one page of a searchset. */
static void write_page(const struct ehr *e, const char *type, const char *text,
                       const uint32_t *hits, size_t total, size_t from, size_t to,
                       struct str *out) {
    str_printf(out, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":%zu", total);
    if (to < total) {
        const char *offset = strstr(text, "&_offset=");
        int keep = (int)(offset != NULL ? (size_t)(offset - text) : strlen(text));
        str_puts(out, ",\"link\":[{\"relation\":\"next\",\"url\":\"");
        str_printf(out, "%s/%s?%.*s&_offset=%zu\"}]", e->base, type, keep, text, to);
    }
    if (to > from)
        str_puts(out, ",\"entry\":[");
    for (size_t i = from; i < to; i++) {
        const struct ehr_resource *r = e->list[hits[i]];
        str_printf(out, "%s{\"fullUrl\":\"%s/%s/%s\",\"resource\":", i > from ? "," : "", e->base,
                   type, r->id);
        str_add(out, r->body, r->length);
        str_puts(out, ",\"search\":{\"mode\":\"match\"}}");
    }
    str_puts(out, to > from ? "]}" : "}");
}

void ehr_search(struct ehr *e, const char *type, const char *text, bool no_cache, struct arena *a,
                struct iptfhir_http_response *answer, bool *hangs) {
    static _Thread_local struct query q;
    uint32_t hits[HITS];
    struct str out = { 0 };
    parse(&q, text);
    if (strcmp(type, "Patient") == 0 && bad_patient(e, &q, answer, hangs))
        return;
    bool wanted = strcmp(type, "Patient") == 0 || e->knobs.searches_by_identifier;
    if (q.by_identifier && !wanted) {
        ehr_outcome(a, answer, 400, "not-supported", "identifier is no search parameter here");
        return;
    }
    size_t total = find(e, type, text, &q, no_cache, hits);
    size_t live = 0;
    for (size_t i = 0; i < total; i++)
        if (hits[i] < e->count && !e->list[hits[i]]->deleted)
            hits[live++] = hits[i];
    size_t page = e->knobs.page != 0 ? e->knobs.page : live;
    if (q.count != 0 && q.count < page)
        page = q.count;
    size_t from = q.offset < live ? q.offset : live;
    size_t to = live - from < page ? live : from + page;
    write_page(e, type, text, hits, live, from, to, &out);
    answer->status = 200;
    answer->body = arena_strndup(a, out.data, out.length);
    answer->body_length = out.length;
    str_free(&out);
}
