/* SPDX-License-Identifier: Apache-2.0 */
/* From a claim to the change set that a target plugin gets. */
#include "core/sync/change_set.h"

#include "core/sync/references.h"
#include "core/tree/tree.h"

#include <stdlib.h>
#include <string.h>

/* Copy a text; NULL stays NULL. */
static const char *keep(struct arena *a, const char *text, bool *ok) {
    const char *copy = text ? arena_strndup(a, text, strlen(text)) : NULL;
    *ok = *ok && (copy || !text);
    return copy;
}

/* Copy a claim, which shares an arena with its neighbours, into the work's own. */
static bool copy_claim(struct work *w, const struct store_claim *from) {
    bool ok = true;
    struct arena *a = &w->arena;
    struct store_claim *c = arena_alloc(a, sizeof *c);
    struct store_entry *entries = arena_alloc(a, (from->count + 1) * sizeof *entries);
    if (!c || !entries)
        return false;
    *c = *from;
    c->job = keep(a, from->job, &ok);
    c->record_id = keep(a, from->record_id, &ok);
    c->lane = keep(a, from->lane, &ok);
    c->patient = keep(a, from->patient, &ok);
    c->entries = entries;
    for (size_t i = 0; i < from->count; i++) {
        struct store_entry *e = &entries[i];
        *e = from->entries[i];
        const char **texts[] = {
            &e->type, &e->uuid,      &e->identifier_system, &e->identifier_value,
            &e->hash, &e->server_id, &e->version,           &e->ledger_hash,
            &e->base
        };
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
            *texts[t] = keep(a, *texts[t], &ok);
        e->body = arena_strndup(a, e->body, e->body_length);
        ok = ok && e->body;
    }
    w->claim = c;
    return ok;
}

/* Read the patient's matching data. */
static bool read_patient(struct work *w, struct iptfhir_error *error) {
    struct tree *p =
        json_read_copy(&w->arena, w->claim->patient, strlen(w->claim->patient), NULL, error);
    struct tree *list = p ? tree_get(p, "identifiers") : NULL;
    if (!p)
        return false;
    struct iptfhir_identifier *ids =
        arena_zalloc(&w->arena, ((list ? list->length : 0) + 1) * sizeof *ids);
    if (!ids)
        return error_set(error, "memory", NULL, "out of memory");
    size_t n = 0;
    for (struct tree *i = list ? list->first : NULL; i; i = i->next)
        ids[n++] = (struct iptfhir_identifier) { tree_text(i, "system"), tree_text(i, "value") };
    w->set.patient_identifiers = ids;
    w->set.patient_identifier_count = n;
    w->set.patient_id = w->claim->lane;
    w->set.family = tree_text(p, "family");
    w->set.birth_date = tree_text(p, "birthDate");
    return true;
}

/* Index of the entry with this UUID, -1 when it is not in the set. */
static int64_t in_set(const struct work *w, const char *uuid) {
    for (size_t i = 0; i < w->claim->count; i++)
        if (!memcmp(w->claim->entries[i].uuid, uuid, 36))
            return (int64_t)i;
    return -1;
}

/* Fill what is known of one reference. */
static bool resolve(struct work *w, struct store *store, const char *target,
                    const struct reference_at *at, struct iptfhir_reference *r,
                    struct iptfhir_error *error) {
    char *uuid = arena_strndup(&w->arena, at->uuid, 36),
         *type = arena_strndup(&w->arena, at->type, at->type_length);
    if (!uuid || !type)
        return error_set(error, "memory", NULL, "out of memory");
    *r = (struct iptfhir_reference) { .type = type, .id = uuid, .change = in_set(w, uuid) };
    if (r->change >= 0) {
        const struct store_entry *e = &w->claim->entries[r->change];
        r->identifier_system = e->identifier_system;
        r->identifier_value = e->identifier_value;
        r->server_id = e->server_id;
        return true;
    }
    if (!strcmp(uuid, w->claim->lane))
        return true; /* the patient: the target matches it */
    struct store_known known;
    if (!store_reference(store, target, uuid, &w->arena, &known, error))
        return false;
    r->identifier_system = known.identifier_system;
    r->identifier_value = known.identifier_value;
    r->server_id = known.server_id;
    r->held = known.held || !known.type;
    return true;
}

/* List what one body refers to, each once. */
static bool list_references(struct work *w, struct store *store, const char *target,
                            const struct store_entry *e, struct iptfhir_change *c,
                            struct iptfhir_error *error) {
    size_t room = 0, count = 0, position = 0;
    struct iptfhir_reference *list = NULL;
    for (struct reference_at at; reference_next(e->body, e->body_length, &position, &at);) {
        bool seen = false;
        for (size_t i = 0; i < count && !seen; i++)
            seen = !memcmp(list[i].id, at.uuid, 36);
        if (seen)
            continue;
        if (count == room) {
            size_t more = room ? room * 2 : 8;
            struct iptfhir_reference *grown = arena_alloc(&w->arena, more * sizeof *grown);
            if (!grown)
                return error_set(error, "memory", NULL, "out of memory");
            if (count)
                memcpy(grown, list, count * sizeof *grown);
            list = grown;
            room = more;
        }
        if (!resolve(w, store, target, &at, &list[count++], error))
            return false;
    }
    c->references = list;
    c->reference_count = count;
    return true;
}

struct work *change_set_build(struct store *store, const char *target,
                              const struct store_claim *claim, struct iptfhir_error *error) {
    struct work *w = calloc(1, sizeof *w);
    if (!w || !copy_claim(w, claim) || !read_patient(w, error))
        goto failed;
    struct iptfhir_change *changes = arena_zalloc(&w->arena, (claim->count + 1) * sizeof *changes);
    w->receipts = arena_zalloc(&w->arena, (claim->count + 1) * sizeof *w->receipts);
    w->answered = arena_zalloc(&w->arena, claim->count + 1);
    if (!changes || !w->receipts || !w->answered)
        goto failed;
    w->set.size = sizeof w->set;
    w->set.changes = changes;
    w->set.count = claim->count;
    for (size_t i = 0; i < claim->count; i++) {
        const struct store_entry *e = &w->claim->entries[i];
        changes[i] = (struct iptfhir_change) { .size = sizeof *changes,
                                               .type = e->type,
                                               .id = e->uuid,
                                               .identifier_system = e->identifier_system,
                                               .identifier_value = e->identifier_value,
                                               .body = e->body,
                                               .body_length = e->body_length,
                                               .server_id = e->server_id,
                                               .version = e->version,
                                               .base = e->base,
                                               .unknown = e->state == STORE_UNKNOWN };
        w->receipts[i] = (struct store_receipt) { .entry = e->id, .state = STORE_UNKNOWN };
        if (!list_references(w, store, target, e, &changes[i], error))
            goto failed;
    }
    return w;
failed:
    error_set(error, "memory", NULL, "out of memory");
    work_free(w);
    return NULL;
}
