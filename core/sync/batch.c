/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting mapped records and storing them together. */
#include "core/sync/batch.h"

#include "core/base/clock.h"
#include "core/base/crypt.h"
#include "core/sync/policy.h"
#include "core/sync/references.h"

#include <string.h>

/* Copy a text into the batch; NULL stays NULL. */
static const char *keep(struct batch *b, const char *text, bool *ok) {
    const char *copy = text ? arena_strndup(&b->arena, text, strlen(text)) : NULL;
    *ok = *ok && (copy || !text);
    return copy;
}

/* Keep the parts of a record that policy looks at. */
static const struct tree *keep_consents(struct batch *b, const struct tree *record) {
    static const char *const names[] = { "consents", "diagnoses" };
    struct tree *kept = tree_new(&b->arena, TREE_OBJECT);
    for (int i = 0; kept && i < 2; i++) {
        const struct tree *part = tree_get(record, names[i]);
        struct tree *copy = part ? tree_copy(&b->arena, part) : NULL;
        if (copy)
            copy->name = NULL;
        if (part && !tree_add(&b->arena, kept, names[i], copy))
            return NULL;
    }
    return kept;
}

struct batch_record *batch_add_record(struct batch *b, const char *id, const char *hash,
                                      const char *lane, const char *patient,
                                      const struct tree *record) {
    bool ok = true;
    struct batch_record *r = arena_zalloc(&b->arena, sizeof *r);
    if (!r)
        return NULL;
    r->id = keep(b, id, &ok);
    r->hash = keep(b, hash, &ok);
    r->lane = keep(b, lane, &ok);
    r->patient = keep(b, patient, &ok);
    r->consenting = keep_consents(b, record);
    if (!ok || !r->consenting)
        return NULL;
    *(b->last ? &b->last->next : &b->first) = r;
    b->last = r;
    b->records++;
    return r;
}

void batch_drop_last(struct batch *b) {
    struct batch_record *dropped = b->last, *before = NULL;
    if (!dropped)
        return;
    for (struct batch_record *r = b->first; r != dropped; r = r->next)
        before = r;
    *(before ? &before->next : &b->first) = NULL;
    b->last = before;
    b->records--;
}

bool batch_add_resource(struct batch *b, struct batch_record *record,
                        const struct pipeline_resource *in) {
    static _Thread_local struct str body;
    bool ok = true;
    char hash[65];
    struct batch_resource *r = arena_zalloc(&b->arena, sizeof *r);
    str_clear(&body);
    json_write(&body, in->tree, JSON_COMPACT);
    if (!r || body.failed)
        return false;
    crypt_sha256_hex(body.data, body.length, hash);
    r->r = (struct store_resource) { .type = keep(b, in->type, &ok),
                                     .uuid = keep(b, in->uuid, &ok),
                                     .identifier_system = keep(b, in->identifier_system, &ok),
                                     .identifier_value = keep(b, in->identifier_value, &ok),
                                     .hash = keep(b, hash, &ok),
                                     .body = arena_strndup(&b->arena, body.data, body.length),
                                     .body_length = body.length };
    r->invalid = keep(b, in->invalid, &ok);
    r->data_class = policy_data_class(in->tree); /* a constant */
    if (!ok || !r->r.body)
        return false;
    *(record->last ? &record->last->next : &record->first) = r;
    record->last = r;
    record->count++;
    return true;
}

bool batch_add_hold(struct batch *b, const struct store_hold_in *in) {
    bool ok = true;
    struct batch_hold *h = arena_zalloc(&b->arena, sizeof *h);
    if (!h)
        return false;
    *h = (struct batch_hold) { .key = keep(b, in->key, &ok),
                               .file = keep(b, in->file, &ok),
                               .record_id = keep(b, in->record_id, &ok),
                               .where = keep(b, in->where, &ok),
                               .code = keep(b, in->code, &ok),
                               .detail = keep(b, in->detail, &ok) };
    *(b->last_hold ? &b->last_hold->next : &b->holds) = h;
    b->last_hold = h;
    return ok;
}

/* Collect what differs from what the target is known to hold. */
static bool changed(struct store *store, const char *target, const struct batch_record *r,
                    struct batch_resource **out, size_t *count, struct iptfhir_error *error) {
    *count = 0;
    for (struct batch_resource *x = r->first; x; x = x->next) {
        char hash[65];
        if (!store_ledger_hash(store, target, x->r.uuid, hash, error))
            return false;
        if (strcmp(hash, x->r.hash))
            out[(*count)++] = x;
    }
    return true;
}

/* Why an entry is held from the start; NULL: it isn't. */
static const char *held_code(const struct config_instance *target, const struct batch_record *r,
                             const struct batch_resource *x, bool cyclic, const char **why) {
    char now[25];
    clock_format(clock_now_ms(), now);
    const char *code = policy_denies(target, r->consenting, x->data_class, now, why);
    if (code)
        return code;
    *why = x->invalid ? x->invalid : cyclic ? "its references form a cycle" : NULL;
    return *why ? "invalid" : NULL;
}

/* Store one record's change set for one target. */
static bool store_set(struct batch *b, struct store *store, const struct config_job *job,
                      const struct config_instance *to, const struct batch_record *r,
                      struct iptfhir_error *error) {
    const char *target = to->name;
    struct arena *a = &b->arena;
    struct batch_resource **todo = arena_alloc(a, (r->count + 1) * sizeof *todo);
    const char **bodies = arena_alloc(a, (r->count + 1) * sizeof *bodies),
               **uuids = arena_alloc(a, (r->count + 1) * sizeof *uuids);
    size_t *lengths = arena_alloc(a, (r->count + 1) * sizeof *lengths),
           *order = arena_alloc(a, (r->count + 1) * sizeof *order), count;
    if (!todo || !bodies || !uuids || !lengths || !order)
        return error_set(error, "memory", NULL, "out of memory");
    if (!store_supersede(store, job->name, target, r->id, error) ||
        !changed(store, target, r, todo, &count, error))
        return false;
    if (!count)
        return true;
    for (size_t i = 0; i < count; i++) {
        bodies[i] = todo[i]->r.body;
        lengths[i] = todo[i]->r.body_length;
        uuids[i] = todo[i]->r.uuid;
    }
    bool ok;
    int64_t set;
    size_t ordered = reference_order(bodies, lengths, uuids, count, order, a, &ok);
    if (!ok)
        return error_set(error, "memory", NULL, "out of memory");
    if (!store_add_set(store, job->name, target, r->id, r->lane, r->patient, &set, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct batch_resource *x = todo[order[i]];
        const char *why = NULL, *code = held_code(to, r, x, i >= ordered, &why);
        if (!store_add_entry(store, set, (int)i, &x->r, code, why, error))
            return false;
    }
    b->entries += count;
    return store_finish_set(store, set, error);
}

/* Store all records and holds; the caller's transaction. */
static bool store_all(struct batch *b, struct store *store, const struct config_job *job,
                      int64_t poll, struct iptfhir_error *error) {
    for (const struct batch_hold *h = b->holds; h; h = h->next) {
        struct store_hold_in in = { job->name, h->key,  h->file,   h->record_id,
                                    h->where,  h->code, h->detail, poll };
        if (!store_hold(store, &in, error))
            return false;
    }
    for (const struct batch_record *r = b->first; r; r = r->next) {
        for (size_t t = 0; t < job->target_count; t++)
            if (!store_set(b, store, job, job->targets[t], r, error))
                return false;
        if (!store_set_record(store, job->name, r->id, r->hash, error) ||
            !store_clear_holds(store, job->name, r->id, NULL, poll, error))
            return false;
    }
    return true;
}

bool batch_store(struct batch *b, struct store *store, const struct config_job *job,
                 const char *cursor, const char *done_file, int64_t poll,
                 struct iptfhir_error *error) {
    b->entries = 0;
    bool ok = true;
    if (b->first || b->holds || cursor || done_file) {
        ok = store_begin(store, error) && store_all(b, store, job, poll, error) &&
             (!done_file || store_clear_holds(store, job->name, NULL, done_file, poll, error)) &&
             (!cursor || store_set_cursor(store, job->name, cursor, error)) &&
             store_commit(store, error);
        if (!ok)
            store_rollback(store);
    }
    arena_reset(&b->arena);
    *b = (struct batch) { .arena = b->arena, .entries = b->entries };
    return ok;
}
