/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated EHR's resources: commits, undo of transactions, and what people at the EHR do. */
#include "tests/world/ehr_room.h"

#include "core/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ehr *ehr_new(const char *name, const struct ehr_knobs *knobs) {
    struct ehr *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->knobs = *knobs;
    e->next_id = 1;
    (void)snprintf(e->base, sizeof e->base, "https://%s.example/fhir", name);
    return e;
}

static void free_resource(struct ehr_resource *r) {
    free(r->body);
    free(r);
}

void ehr_reset(struct ehr *e) {
    for (size_t i = 0; i < e->count; i++)
        free_resource(e->list[i]);
    e->count = 0;
    e->next_id = 1;
    ehr_restart(e);
}

void ehr_restart(struct ehr *e) {
    memset(e->cache, 0, sizeof e->cache);
}

void ehr_free(struct ehr *e) {
    if (e == NULL)
        return;
    ehr_reset(e);
    free(e->list);
    free(e->undo);
    free(e);
}

const char *ehr_base(const struct ehr *e) {
    return e->base;
}

const struct ehr_knobs *ehr_knobs(const struct ehr *e) {
    return &e->knobs;
}

void ehr_observe(struct ehr *e, ehr_observer *observer, void *user) {
    e->observer = observer;
    e->user = user;
}

size_t ehr_count(const struct ehr *e) {
    return e->count;
}

const struct ehr_resource *ehr_at(const struct ehr *e, size_t index) {
    return e->list[index];
}

struct ehr_resource *ehr_look(const struct ehr *e, const char *type, const char *id) {
    for (size_t i = 0; i < e->count; i++) {
        struct ehr_resource *r = e->list[i];
        if (strcmp(r->id, id) == 0 && strcmp(r->type, type) == 0)
            return r;
    }
    return NULL;
}

const struct ehr_resource *ehr_find(const struct ehr *e, const char *type, const char *id) {
    return ehr_look(e, type, id);
}

void ehr_new_id(struct ehr *e, char out[EHR_ID]) {
    const char *prefix = e->knobs.numeric_ids ? "" : "e-";
    (void)snprintf(out, EHR_ID, "%s%u", prefix, 100 + e->next_id++);
}

bool ehr_set(struct arena *a, struct tree *object, const char *name, struct tree *value) {
    struct tree *old = tree_get(object, name);
    if (value == NULL)
        return false;
    if (old != NULL)
        tree_remove(old);
    return tree_add(a, object, name, value);
}

static struct tree *text_node(struct arena *a, const char *text) {
    return tree_string(a, text, strlen(text));
}

/* Writes an Identifier as "system|value". */
static void token_of(const struct tree *identifier, char out[EHR_TOKEN]) {
    const char *system = tree_text(identifier, "system");
    const char *value = tree_text(identifier, "value");
    (void)snprintf(out, EHR_TOKEN, "%s|%s", system != NULL ? system : "",
                   value != NULL ? value : "");
}

static void index_identifiers(struct ehr_resource *r, const struct tree *body) {
    const struct tree *list = tree_get(body, "identifier");
    r->identifier_count = 0;
    if (list == NULL)
        return;
    if (list->kind == TREE_OBJECT) {
        token_of(list, r->identifiers[r->identifier_count++]);
        return;
    }
    for (const struct tree *n = list->first; n != NULL; n = n->next) {
        const char *use = tree_text(n, "use");
        bool old = use != NULL && strcmp(use, "old") == 0;
        if (!old && r->identifier_count < EHR_TOKENS)
            token_of(n, r->identifiers[r->identifier_count++]);
    }
}

/* Notes what searches ask for. */
static void index_body(struct ehr_resource *r, const struct tree *body) {
    static const char prefix[] = "Patient/";
    const struct tree *subject = tree_get(body, "subject");
    if (subject == NULL)
        subject = tree_get(body, "patient");
    const char *reference = subject != NULL ? tree_text(subject, "reference") : NULL;
    r->patient[0] = '\0';
    if (reference != NULL && strncmp(reference, prefix, sizeof prefix - 1) == 0)
        (void)snprintf(r->patient, sizeof r->patient, "%s", reference + sizeof prefix - 1);
    const struct tree *code = tree_get(body, "code");
    const struct tree *codings = code != NULL ? tree_get(code, "coding") : NULL;
    const struct tree *coding = codings != NULL ? codings->first : NULL;
    const char *system = coding != NULL ? tree_text(coding, "system") : NULL;
    const char *value = coding != NULL ? tree_text(coding, "code") : NULL;
    r->code[0] = '\0';
    if (value != NULL)
        (void)snprintf(r->code, sizeof r->code, "%s|%s", system != NULL ? system : "", value);
    index_identifiers(r, body);
}

static int by_code(const struct tree *a, const struct tree *b) {
    const char *left = tree_text(a, "code");
    const char *right = tree_text(b, "code");
    return strcmp(left != NULL ? left : "", right != NULL ? right : "");
}

/* Orders a list of codings by code: servers that keep sets lose the order. */
static void sort_set(struct tree *list) {
    struct tree *sorted[16];
    size_t count = 0;
    if (list == NULL || list->kind != TREE_ARRAY || list->length > 16)
        return;
    while (list->first != NULL) {
        struct tree *node = list->first;
        tree_remove(node);
        size_t at = count++;
        for (; at > 0 && by_code(sorted[at - 1], node) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = node;
    }
    for (size_t i = 0; i < count; i++)
        tree_append(list, sorted[i]);
}

/* Adds what this server adds of its own. */
static bool decorate(struct ehr *e, struct tree *body, struct tree *meta, struct arena *a) {
    static const char text[] = "{\"status\":\"generated\",\"div\":\"<div "
                               "xmlns=\\\"http://www.w3.org/1999/xhtml\\\">made here</div>\"}";
    static const char extension[] =
        "[{\"url\":\"https://ehr.example/filed-by\",\"valueString\":\"interface\"}]";
    char time[25];
    clock_format(e->now_ms, time);
    bool good = ehr_set(a, meta, "lastUpdated", text_node(a, time));
    if (tree_get(body, "text") == NULL)
        good =
            ehr_set(a, body, "text", json_read_copy(a, text, sizeof text - 1, NULL, NULL)) && good;
    if (tree_get(body, "extension") == NULL)
        good = ehr_set(a, body, "extension",
                       json_read_copy(a, extension, sizeof extension - 1, NULL, NULL)) &&
               good;
    return good;
}

/* Makes a body what the server answers from now on. */
static bool dress(struct ehr *e, const struct ehr_resource *r, struct tree *body, struct arena *a) {
    struct tree *meta = tree_get(body, "meta");
    char version[16];
    if (meta == NULL) {
        meta = tree_new(a, TREE_OBJECT);
        if (meta == NULL || !tree_add(a, body, "meta", meta))
            return false;
    }
    if (!ehr_set(a, body, "id", text_node(a, r->id)))
        return false;
    (void)snprintf(version, sizeof version, "%u", r->version);
    if (e->knobs.versions && !ehr_set(a, meta, "versionId", text_node(a, version)))
        return false;
    struct tree *stale = tree_get(meta, "versionId");
    if (!e->knobs.versions && stale != NULL)
        tree_remove(stale);
    if (e->knobs.sets) {
        sort_set(tree_get(meta, "tag"));
        sort_set(tree_get(meta, "security"));
    }
    return !e->knobs.decorates || decorate(e, body, meta, a);
}

static struct ehr_resource *append(struct ehr *e, const char *type, const char *id) {
    if (e->count == e->capacity) {
        size_t capacity = e->capacity == 0 ? 64 : 2 * e->capacity;
        struct ehr_resource **list = realloc(e->list, capacity * sizeof(struct ehr_resource *));
        if (list == NULL)
            return NULL;
        e->list = list;
        e->capacity = capacity;
    }
    struct ehr_resource *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    (void)snprintf(r->type, sizeof r->type, "%s", type);
    (void)snprintf(r->id, sizeof r->id, "%s", id);
    e->list[e->count++] = r;
    return r;
}

/* Keeps what a failing transaction takes back. */
static void remember(struct ehr *e, size_t index, const struct ehr_resource *before, bool created) {
    if (e->undo_count == e->undo_capacity) {
        size_t capacity = e->undo_capacity == 0 ? 32 : 2 * e->undo_capacity;
        struct ehr_undo *undo = realloc(e->undo, capacity * sizeof *undo);
        if (undo == NULL)
            abort(); /* memory of a test program is out */
        e->undo = undo;
        e->undo_capacity = capacity;
    }
    struct ehr_undo *u = &e->undo[e->undo_count++];
    *u = (struct ehr_undo) { .index = index, .created = created };
    if (!created)
        u->before = *before;
}

static size_t index_of(const struct ehr *e, const struct ehr_resource *r) {
    size_t i = 0;
    while (e->list[i] != r)
        i++;
    return i;
}

void ehr_transaction_begin(struct ehr *e) {
    e->in_transaction = true;
    e->undo_count = 0;
}

/* Takes back one commit; those after it are taken back already. */
static void take_back(struct ehr *e, struct ehr_undo *u) {
    struct ehr_resource *r = e->list[u->index];
    if (u->created) {
        free_resource(r);
        e->count--;
        return;
    }
    free(r->body);
    *r = u->before;
}

void ehr_transaction_end(struct ehr *e, bool keep) {
    e->in_transaction = false;
    if (keep) {
        for (size_t i = 0; i < e->undo_count; i++) {
            struct ehr_undo *u = &e->undo[i];
            if (e->observer != NULL)
                e->observer(e->user, e, u->created ? NULL : &u->before, e->list[u->index], true);
            free(u->before.body);
        }
    } else {
        for (size_t i = e->undo_count; i > 0; i--)
            take_back(e, &e->undo[i - 1]);
    }
    e->undo_count = 0;
}

struct ehr_resource *ehr_commit(struct ehr *e, const char *type, const char *id, struct tree *body,
                                struct arena *a, bool client) {
    struct str text = { 0 };
    struct ehr_resource *r = ehr_look(e, type, id);
    bool created = r == NULL;
    if (created)
        r = append(e, type, id);
    if (r == NULL)
        abort();
    struct ehr_resource before = *r;
    r->version++;
    if (!dress(e, r, body, a))
        abort();
    json_write(&text, body, JSON_COMPACT);
    r->length = text.length;
    r->body = str_steal(&text);
    if (r->body == NULL)
        abort();
    r->deleted = false;
    if (created || before.deleted)
        r->visible_ms = e->now_ms + (client ? e->knobs.index_lag_ms : 0);
    index_body(r, body);
    if (e->in_transaction) {
        remember(e, index_of(e, r), &before, created);
        return r;
    }
    if (e->observer != NULL)
        e->observer(e->user, e, created ? NULL : &before, r, client);
    free(before.body);
    return r;
}

/* ---- people at the EHR ---- */

const struct ehr_resource *ehr_register(struct ehr *e, int64_t now_ms,
                                        const struct ehr_person *person) {
    struct arena a = { 0 };
    char id[EHR_ID];
    e->now_ms = now_ms;
    char *json = arena_printf(
        &a,
        "{\"resourceType\":\"Patient\",\"identifier\":[{\"system\":\"%s\",\"value\":\"%s\"}],"
        "\"active\":true,\"name\":[{\"family\":\"%s\",\"given\":[\"%s\"]}],\"gender\":\"%s\","
        "\"birthDate\":\"%s\"}",
        person->system, person->value, person->family, person->given, person->sex,
        person->birth_date);
    struct tree *body = json != NULL ? json_read_copy(&a, json, strlen(json), NULL, NULL) : NULL;
    if (body == NULL)
        abort();
    ehr_new_id(e, id);
    const struct ehr_resource *r = ehr_commit(e, "Patient", id, body, &a, false);
    arena_free(&a);
    return r;
}

const struct ehr_resource *ehr_patient_of(const struct ehr *e, const char *system,
                                          const char *value) {
    char token[EHR_TOKEN];
    (void)snprintf(token, sizeof token, "%s|%s", system, value);
    for (size_t i = 0; i < e->count; i++) {
        const struct ehr_resource *r = e->list[i];
        bool live = !r->deleted && strcmp(r->type, "Patient") == 0 &&
                    strstr(r->body, "\"active\":false") == NULL;
        for (size_t k = 0; live && k < r->identifier_count; k++)
            if (strcmp(r->identifiers[k], token) == 0)
                return r;
    }
    return NULL;
}

bool ehr_edit(struct ehr *e, int64_t now_ms, const struct ehr_resource *r, const char *name,
              const char *json) {
    struct arena a = { 0 };
    e->now_ms = now_ms;
    struct tree *body = json_read_copy(&a, r->body, r->length, NULL, NULL);
    bool good = body != NULL && !r->deleted;
    if (good && json != NULL) {
        good = ehr_set(&a, body, name, json_read_copy(&a, json, strlen(json), NULL, NULL));
    } else if (good) {
        struct tree *old = tree_get(body, name);
        good = old != NULL;
        if (good)
            tree_remove(old);
    }
    good = good && ehr_commit(e, r->type, r->id, body, &a, false) != NULL;
    arena_free(&a);
    return good;
}

bool ehr_delete(struct ehr *e, int64_t now_ms, const struct ehr_resource *r) {
    struct ehr_resource *mine = ehr_look(e, r->type, r->id);
    struct ehr_resource before;
    e->now_ms = now_ms;
    if (mine == NULL || mine->deleted)
        return false;
    before = *mine;
    mine->deleted = true;
    mine->version++;
    if (e->observer != NULL)
        e->observer(e->user, e, &before, mine, false);
    return true;
}

bool ehr_undelete(struct ehr *e, int64_t now_ms, const struct ehr_resource *r) {
    struct arena a = { 0 };
    e->now_ms = now_ms;
    struct tree *body = r->deleted ? json_read_copy(&a, r->body, r->length, NULL, NULL) : NULL;
    bool good = body != NULL && ehr_commit(e, r->type, r->id, body, &a, false) != NULL;
    arena_free(&a);
    return good;
}

/* Points what belongs to `from` at `to`. */
static void move_resources(struct ehr *e, const char *from, const char *to) {
    for (size_t i = 0; i < e->count; i++) {
        struct ehr_resource *r = e->list[i];
        struct arena a = { 0 };
        if (r->deleted || strcmp(r->patient, from) != 0)
            continue;
        struct tree *body = json_read_copy(&a, r->body, r->length, NULL, NULL);
        const char *name =
            body != NULL && tree_get(body, "patient") != NULL ? "patient" : "subject";
        struct tree *subject = tree_get(body, name);
        char *reference = arena_printf(&a, "Patient/%s", to);
        if (subject == NULL || reference == NULL ||
            !ehr_set(&a, subject, "reference", text_node(&a, reference)) ||
            ehr_commit(e, r->type, r->id, body, &a, false) == NULL)
            abort();
        arena_free(&a);
    }
}

/* Gives `to` the identifiers of `from` as well. */
static bool join_identifiers(struct arena *a, struct tree *from, struct tree *to) {
    struct tree *mine = tree_get(from, "identifier");
    struct tree *theirs = tree_get(to, "identifier");
    if (mine == NULL || theirs == NULL)
        return false;
    for (struct tree *n = mine->first; n != NULL; n = n->next)
        if (!tree_append(theirs, tree_copy(a, n)))
            return false;
    return true;
}

bool ehr_merge(struct ehr *e, int64_t now_ms, const char *from, const char *to) {
    struct arena a = { 0 };
    struct ehr_resource *old = ehr_look(e, "Patient", from);
    struct ehr_resource *stays = ehr_look(e, "Patient", to);
    bool possible = old != NULL && stays != NULL && old != stays && !old->deleted &&
                    !stays->deleted && strstr(old->body, "replaced-by") == NULL &&
                    strstr(stays->body, "replaced-by") == NULL;
    e->now_ms = now_ms;
    if (!possible)
        return false;
    struct tree *left = json_read_copy(&a, old->body, old->length, NULL, NULL);
    struct tree *right = json_read_copy(&a, stays->body, stays->length, NULL, NULL);
    char *link = arena_printf(&a,
                              "[{\"other\":{\"reference\":\"Patient/%s\"},"
                              "\"type\":\"replaced-by\"}]",
                              to);
    if (left == NULL || right == NULL || link == NULL || !join_identifiers(&a, left, right) ||
        !ehr_set(&a, left, "active", tree_boolean(&a, false)) ||
        !ehr_set(&a, left, "link", json_read_copy(&a, link, strlen(link), NULL, NULL)) ||
        ehr_commit(e, "Patient", from, left, &a, false) == NULL ||
        ehr_commit(e, "Patient", to, right, &a, false) == NULL)
        abort();
    arena_free(&a);
    move_resources(e, from, to);
    return true;
}
