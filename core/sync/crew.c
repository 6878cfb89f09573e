/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and mapping the records of a batch on several threads. A record that was in hand when
 * ingest died is done alone; one that died alone is not done again. */
#include "core/sync/crew.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/uuid.h"
#include "core/fhir/r4.h"
#include "core/sync/facts.h"

#include <iptfhir/date.h>
#include <pthread.h>
#include <string.h>

struct crew {
    struct crew_settings settings;
    pthread_mutex_t lock;
    pthread_cond_t wake, finished;
    pthread_t threads[SHARED_THREADS];
    struct arena scratch[SHARED_THREADS]; /* what a thread needs while it maps a record */
    struct str text[SHARED_THREADS];      /* the JSON that a thread writes */
    size_t started;
    struct crew_batch *batch;
    void (*work)(struct crew *, size_t thread, struct slot *);
    size_t next, count; /* slot to be taken; of how many */
    size_t busy;        /* threads at work */
    uint64_t turn;      /* counts batches, so that a thread doesn't take one twice */
    bool ending;
};
/* A slot in a thread's hands, as the pipeline's events need it. */
struct hand {
    struct crew *crew;
    struct slot *slot;
    struct shared_mark *mark;
    struct str *text; /* of the thread */
};

void crew_slot_release(struct slot *s) {
    arena_free(&s->made);
    s->resource_count = 0;
    s->part_count = 0;
    s->told_count = 0;
}

void crew_batch_reset(struct crew_batch *b) {
    for (size_t i = 0; i < b->count; i++) {
        struct arena kept = b->slots[i].arena;
        crew_slot_release(&b->slots[i]);
        arena_reset(&kept);
        b->slots[i] = (struct slot) { .arena = kept };
    }
    b->count = b->bytes = b->asked = 0;
}

void crew_batch_free(struct crew_batch *b) {
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        arena_free(&b->slots[i].arena);
        arena_free(&b->slots[i].made);
    }
}

/* ---- one record ---- */

/* Remembers a fault of ours; the first counts. */
static bool fail(struct slot *s, const char *code, const char *text) {
    s->failed = true;
    return error_set(&s->error, code, NULL, "%s", text);
}

static const char *keep(struct slot *s, const char *text) {
    const char *copy = arena_strndup(&s->made, text, strlen(text));
    if (copy == NULL)
        fail(s, "memory", "out of memory");
    return copy != NULL ? copy : "";
}

/* Refuses the whole record. */
static void refuse(struct slot *s, const char *code, const char *where, const char *text) {
    s->refused = true;
    s->code = keep(s, *code != '\0' ? code : "record");
    s->detail = *where != '\0' ? arena_printf(&s->made, "%s: %s", where, text) : keep(s, text);
    if (s->detail == NULL)
        fail(s, "memory", "out of memory");
}

static void begin(struct hand *h) {
    h->mark->record = h->slot->mark;
    h->mark->plugin[0] = '\0';
    h->mark->since_ms = clock_steady_ms();
}

/* The local id that the identities of a record's patient are made with. */
static const char *made_with(const struct crew_settings *c, const char *local_id) {
    for (size_t i = 0; i < c->alias_count; i++)
        if (strcmp(c->aliases[i].local_id, local_id) == 0)
            return c->aliases[i].identity;
    return local_id;
}

/* Makes the record carry the local id of its identity: what is made of it then keeps what was made
 * before the patient was renumbered. */
static bool use_identity(struct slot *s, struct tree *patient, const char *identity) {
    struct tree *id = tree_get(patient, "localId");
    if (strcmp(id->text, identity) == 0)
        return true;
    tree_remove(id);
    return tree_add(&s->arena, patient, "localId",
                    tree_string(&s->arena, identity, strlen(identity)));
}

static int64_t order_of(const struct crew_settings *c, const char *unit) {
    const char *slash = strrchr(unit, '/');
    const char *name = slash != NULL ? slash + 1 : unit;
    for (size_t i = 0; c->order != NULL && c->order[i] != NULL; i++)
        if (strcmp(c->order[i], unit) == 0 || strcmp(c->order[i], name) == 0)
            return (int64_t)i + 1;
    return 0;
}

int64_t crew_revision(const struct tree *record) {
    const struct tree *source = tree_get(record, "source");
    const char *text = source != NULL ? tree_text(source, "extractedAt") : NULL;
    int64_t seconds = 0;
    bool readable = text != NULL && iptfhir_time_to_seconds(text, &seconds) && seconds > 0;
    return readable ? seconds * 1000 : 0;
}

/* Keeps the facts of what could be read of a record. */
static void take_facts(struct crew *crew, struct slot *s, struct tree *record) {
    const struct pipeline *pipeline = crew->settings.pipeline;
    struct str facts = { 0 };
    char uuid[37];
    struct tree *patient = tree_get(record, "patient");
    bool known = patient != NULL && patient->kind == TREE_OBJECT;
    const char *local_id = known ? tree_text(patient, "localId") : NULL;
    const char *identity = local_id != NULL ? made_with(&crew->settings, local_id) : NULL;
    if (identity != NULL)
        pipeline_identity(pipeline, identity, R4_PATIENT, identity, uuid);
    facts_write(pipeline_privacy(pipeline), record, identity != NULL ? uuid : NULL, &facts);
    const char *kept = facts.failed ? NULL : arena_strndup(&s->arena, facts.data, facts.length);
    s->out.facts = (struct store_bytes) { kept, facts.length };
    s->has_facts = true;
    if (kept == NULL)
        fail(s, "memory", "out of memory");
    str_free(&facts);
}

/* A record that isn't even JSON: who it is about is looked for in its text. */
static void glimpse(struct slot *s) {
    char local_id[256];
    struct str facts = { 0 };
    if (s->text == NULL)
        return;
    if (!facts_find_text(s->text, s->length, "recordId", s->id))
        s->id[0] = '\0';
    if (!facts_find_text(s->text, s->length, "localId", local_id))
        return;
    facts_glimpse(local_id, &facts);
    const char *kept = facts.failed ? NULL : arena_strndup(&s->arena, facts.data, facts.length);
    s->out.facts = (struct store_bytes) { kept, facts.length };
    s->has_facts = kept != NULL;
    if (kept == NULL)
        fail(s, "memory", "out of memory");
    str_free(&facts);
}

/* Reads the head of a record that is in order. */
static void take_head(struct crew *crew, struct slot *s) {
    const struct crew_settings *c = &crew->settings;
    struct tree *patient = tree_get(s->record, "patient");
    s->out.id = s->id;
    s->out.local_id = tree_text(patient, "localId");
    s->out.unit = s->unit;
    s->out.order = order_of(c, s->unit);
    s->out.revision_ms = crew_revision(s->record);
    if (!pipeline_content(c->pipeline, s->record, c->content_key, s->out.content))
        fail(s, "memory", "out of memory");
    if (!use_identity(s, patient, made_with(c, s->out.local_id)))
        fail(s, "memory", "out of memory");
}

static void read_slot(struct crew *crew, size_t thread, struct slot *s) {
    struct iptfhir_error why = ERROR_INIT;
    struct tree *readable = NULL;
    uint32_t line = (uint32_t)(s->line > 0 ? s->line : 1);
    struct hand h = { crew, s, &crew->settings.page->marks[thread], &crew->text[thread] };
    begin(&h);
    bool ok = s->built != NULL ? pipeline_read_built(crew->settings.pipeline, s->built, s->unit,
                                                     line, &readable, s->id, &why)
                               : pipeline_read(crew->settings.pipeline, &s->arena, s->text,
                                               s->length, s->unit, line, &readable, s->id, &why);
    if (readable != NULL && readable->kind == TREE_OBJECT)
        take_facts(crew, s, readable);
    else
        glimpse(s);
    s->record = readable;
    if (ok)
        take_head(crew, s);
    else if (strcmp(why.code, "memory") == 0)
        fail(s, "memory", "out of memory");
    else
        refuse(s, why.code, why.where, why.text);
    h.mark->since_ms = 0;
}

/* ---- what the pipeline tells of a record ---- */

/* Room for one more in a list of the slot's arena. */
static void *more(struct slot *s, void *list, size_t count, size_t *room, size_t size) {
    if (count < *room)
        return list;
    size_t larger = *room > 0 ? *room * 2 : 32;
    void *memory = arena_alloc(&s->made, larger * size);
    if (memory == NULL) {
        fail(s, "memory", "out of memory");
        return NULL;
    }
    if (count > 0)
        memcpy(memory, list, count * size);
    *room = larger;
    return memory;
}

/* Reads a UUID's text. */
static bool to_uuid(const char *text, unsigned char out[STORE_UUID]) {
    return strlen(text) == UUID_TEXT && uuid_read(text, out);
}

static void take_references(struct slot *s, struct intake_resource *out,
                            const struct pipeline_resource *from) {
    struct store_reference *list = arena_zalloc(&s->made, from->reference_count * sizeof *list + 1);
    if (list == NULL) {
        fail(s, "memory", "out of memory");
        return;
    }
    for (size_t i = 0; i < from->reference_count; i++) {
        const struct resource_reference *r = &from->references[i];
        list[out->reference_count].type = keep(s, r->type);
        out->reference_count += to_uuid(r->uuid, list[out->reference_count].uuid);
    }
    out->references = list;
}

/* The compact JSON of a resource. */
static struct store_bytes body_of(struct hand *h, const struct tree *tree) {
    struct str *text = h->text;
    str_clear(text);
    json_write(text, tree, JSON_COMPACT);
    const char *kept = NULL;
    if (text->failed)
        str_free(text); /* a failed buffer stays failed */
    else
        kept = arena_strndup(&h->slot->made, text->data, text->length);
    struct store_bytes body = { kept != NULL ? kept : "", kept != NULL ? text->length : 0 };
    if (kept == NULL)
        fail(h->slot, "memory", "out of memory");
    return body;
}

static bool add_part(struct slot *s, const char *place, const char *code, const char *why) {
    struct intake_part *list = more(s, s->parts, s->part_count, &s->part_room, sizeof *list);
    if (list == NULL)
        return false;
    s->parts = list;
    list[s->part_count++] = (struct intake_part) { keep(s, place), keep(s, code), keep(s, why) };
    return !s->failed;
}

static const enum intake_owner owners[] = { [TEMPLATE_RECORD] = INTAKE_RECORD,
                                            [TEMPLATE_PATIENT] = INTAKE_PATIENT,
                                            [TEMPLATE_CLINIC] = INTAKE_CLINIC };

static bool on_resource(void *user, const struct pipeline_resource *from,
                        struct iptfhir_error *error) {
    struct hand *h = user;
    struct slot *s = h->slot;
    struct intake_resource *list =
        more(s, s->resources, s->resource_count, &s->resource_room, sizeof *list);
    if (list == NULL)
        return error_set(error, "memory", NULL, "out of memory");
    s->resources = list;
    struct intake_resource *out = &list[s->resource_count++];
    *out = (struct intake_resource) { .type = keep(s, from->type),
                                      .system = keep(s, from->identifier_system),
                                      .value = keep(s, from->identifier_value),
                                      .data_class = keep(s, from->data_class),
                                      .owner = owners[from->owner],
                                      .as_of_ms = from->as_of_ms,
                                      .code = from->invalid != NULL ? "invalid" : "",
                                      .detail = from->invalid != NULL ? keep(s, from->invalid) : "",
                                      .body = body_of(h, from->tree) };
    take_references(s, out, from);
    if (!to_uuid(from->uuid, out->uuid)) {
        s->resource_count--;
        return add_part(s, from->mapping, "invalid",
                        "the id of the resource is no UUID made by identity()");
    }
    return !s->failed || error_set(error, "memory", NULL, "out of memory");
}

/* Why a part is held, with the line of the source where it stands, as far as that is known. */
static const char *why_there(struct slot *s, const char *pointer, const char *why) {
    const struct tree *part = tree_pointer(s->record, pointer);
    const char *text = why;
    if (part != NULL && part->line > 0)
        text = arena_printf(&s->arena, "line %u, column %u: %s", part->line, part->column, why);
    else if (s->line > 0)
        text = arena_printf(&s->arena, "line %lld: %s", (long long)s->line, why);
    return text != NULL ? text : why;
}

static bool on_hold(void *user, const char *pointer, const char *code, const char *why,
                    struct iptfhir_error *error) {
    struct hand *h = user;
    why = why_there(h->slot, pointer, why);
    return add_part(h->slot, pointer, code, why) || error_set(error, "memory", NULL, "no memory");
}

/* Tells of a safety answer. */
static void tell_answer(struct hand *h, const char *pointer, const char *code) {
    char name[17];
    h->crew->settings.page->alerts++;
    log_line(IPTFHIR_WARNING,
             "safety: record %s %s: %s; see the record in the clinic's own system now",
             log_name(h->slot->id, name), pointer, code);
}

/* A mapper tells of one; where it stands is kept, so that the scan doesn't tell of it again. */
static void on_alert(void *user, const char *pointer, const char *code) {
    struct hand *h = user;
    struct slot *s = h->slot;
    tell_answer(h, pointer, code);
    const char **list = more(s, s->told, s->told_count, &s->told_room, sizeof *list);
    if (list == NULL)
        return;
    s->told = list;
    list[s->told_count++] = keep(s, pointer);
}

/* Bytes of a pointer to the part of the record, "/measures/1", that it leads into. */
static size_t part_of(const char *pointer) {
    size_t length = 0;
    for (int names = 0; names < 2 && pointer[length] == '/'; names++)
        length += 1 + strcspn(pointer + length + 1, "/");
    return length;
}

/* Whether a mapper told of the part of the record that an answer stands in. */
static bool is_told(const struct slot *s, const char *pointer) {
    for (size_t i = 0; i < s->told_count; i++) {
        size_t length = part_of(s->told[i]);
        bool within = strncmp(s->told[i], pointer, length) == 0;
        if (within && (pointer[length] == '/' || pointer[length] == '\0'))
            return true;
    }
    return false;
}

static void on_found(void *user, const char *pointer, const char *code) {
    struct hand *h = user;
    if (!is_told(h->slot, pointer))
        tell_answer(h, pointer, code);
}

/* Looks for safety answers that no mapper told of: there may be no mapper for them, or it may not
 * have come to the end, or have heard an item that says no beside a measure that says yes. */
static void hear(struct hand *h) {
    struct slot *s = h->slot;
    if (s->heard || s->record == NULL)
        return;
    safety_scan(pipeline_safety(h->crew->settings.pipeline), s->record, on_found, h);
    s->heard = true;
}

static void on_mapper(void *user, const char *name) {
    struct hand *h = user;
    size_t length = strnlen(name, sizeof h->mark->plugin - 1);
    memcpy(h->mark->plugin, name, length);
    h->mark->plugin[length] = '\0';
}

static void map_slot(struct crew *crew, size_t thread, struct slot *s) {
    struct iptfhir_error why = ERROR_INIT;
    struct hand h = { crew, s, &crew->settings.page->marks[thread], &crew->text[thread] };
    struct arena *scratch = &crew->scratch[thread];
    const struct pipeline_events events = {
        .user = &h, .resource = on_resource, .hold = on_hold, .alert = on_alert, .mapper = on_mapper
    };
    begin(&h);
    enum pipeline_end end =
        pipeline_make(crew->settings.pipeline, scratch, s->record, s->id, &events, &why);
    h.mark->since_ms = 0;
    arena_reset(scratch);
    s->stopped = end == PIPELINE_STOPPED;
    if (!s->stopped)
        hear(&h);
    if (end == PIPELINE_FAILED)
        fail(s, why.code, why.text);
    if (end == PIPELINE_REFUSED)
        refuse(s, why.code, why.where, why.text);
    s->out.resources = s->resources;
    s->out.resource_count = s->resource_count;
    s->out.parts = s->parts;
    s->out.part_count = s->part_count;
}

/* ---- the threads ---- */

static bool is_to_read(const struct slot *s) {
    bool guilty = s->suspect != NULL && s->suspect->guilty;
    return s->kind == SLOT_RECORD && !(guilty && s->suspect->in_reading);
}

static bool is_to_map(const struct slot *s) {
    bool guilty = s->suspect != NULL && s->suspect->guilty;
    return s->kind == SLOT_RECORD && !s->refused && !s->failed && !s->same && !guilty;
}

/* Takes slots until there are none; called and returns with the lock held. */
static void take_slots(struct crew *crew, size_t thread) {
    bool (*wanted)(const struct slot *) = crew->work == read_slot ? is_to_read : is_to_map;
    while (crew->next < crew->count) {
        struct slot *s = &crew->batch->slots[crew->next++];
        if (s->suspect != NULL || !wanted(s))
            continue;
        pthread_mutex_unlock(&crew->lock);
        crew->work(crew, thread, s);
        pthread_mutex_lock(&crew->lock);
    }
}

struct member {
    struct crew *crew;
    size_t thread;
};

static void *crew_main(void *user) {
    struct member me = *(struct member *)user;
    struct crew *crew = me.crew;
    base_free(user);
    uint64_t turn = 0;
    pthread_mutex_lock(&crew->lock);
    while (!crew->ending) {
        if (crew->turn == turn) {
            pthread_cond_wait(&crew->wake, &crew->lock);
            continue;
        }
        turn = crew->turn;
        crew->busy++;
        take_slots(crew, me.thread);
        crew->busy--;
        pthread_cond_signal(&crew->finished);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* Some slots of a batch. */
struct stretch {
    struct crew_batch *batch;
    size_t from, to;
};

/* Does the work on slots: with all threads, then on suspects one by one. */
static void run(struct crew *crew, struct stretch s,
                void (*work)(struct crew *, size_t, struct slot *)) {
    struct crew_batch *b = s.batch;
    pthread_mutex_lock(&crew->lock);
    crew->batch = b;
    crew->work = work;
    crew->next = s.from;
    crew->count = s.to;
    crew->turn++;
    pthread_cond_broadcast(&crew->wake);
    take_slots(crew, 0);
    while (crew->busy > 0)
        pthread_cond_wait(&crew->finished, &crew->lock);
    crew->count = 0;
    pthread_mutex_unlock(&crew->lock);
    bool (*wanted)(const struct slot *) = work == read_slot ? is_to_read : is_to_map;
    crew->settings.page->alone = true;
    for (size_t i = s.from; i < s.to; i++)
        if (b->slots[i].suspect != NULL && wanted(&b->slots[i]))
            work(crew, 0, &b->slots[i]);
    crew->settings.page->alone = false;
}

/* Holds records that died alone. */
static void hold_guilty(struct stretch stretch, bool reading) {
    for (size_t i = stretch.from; i < stretch.to; i++) {
        struct slot *s = &stretch.batch->slots[i];
        bool guilty = s->suspect != NULL && s->suspect->guilty && !s->refused && !s->same;
        if (guilty && s->suspect->in_reading == reading)
            refuse(s, "plugin-crash", "", s->suspect->how);
    }
}

/* Looks for safety answers in what was refused: no mapper tells of them. */
static void hear_refused(struct crew *crew, struct stretch stretch) {
    for (size_t i = stretch.from; i < stretch.to; i++) {
        struct slot *s = &stretch.batch->slots[i];
        struct hand h = { .crew = crew, .slot = s };
        if (s->refused)
            hear(&h);
    }
}

void crew_read(struct crew *crew, struct crew_batch *b) {
    const struct stretch whole = { b, 0, b->count };
    run(crew, whole, read_slot);
    hold_guilty(whole, true);
    hear_refused(crew, whole);
}

size_t crew_map(struct crew *crew, struct crew_batch *b, size_t from) {
    struct stretch some = { b, from, from };
    size_t bytes = 0;
    while (some.to < b->count && (some.to == from || bytes < CREW_MAPPED_BYTES)) {
        bytes += b->slots[some.to].arena.used;
        some.to++;
    }
    run(crew, some, map_slot);
    hold_guilty(some, false);
    hear_refused(crew, some);
    return some.to;
}

struct crew *crew_new(const struct crew_settings *settings, struct iptfhir_error *error) {
    struct crew *crew = base_malloc(sizeof *crew);
    if (crew == NULL) {
        error_set(error, "memory", NULL, "out of memory");
        return NULL;
    }
    *crew = (struct crew) { .settings = *settings };
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->wake, NULL);
    pthread_cond_init(&crew->finished, NULL);
    for (size_t i = 1; i < settings->threads && i < SHARED_THREADS; i++) {
        struct member *member = base_malloc(sizeof *member);
        if (member != NULL)
            *member = (struct member) { crew, i };
        bool failed =
            member == NULL || pthread_create(&crew->threads[i], NULL, crew_main, member) != 0;
        if (failed) {
            base_free(member);
            crew_free(crew);
            error_set(error, "thread", NULL, "cannot start a thread");
            return NULL;
        }
        crew->started++;
    }
    return crew;
}

void crew_free(struct crew *crew) {
    if (crew == NULL)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->ending = true;
    pthread_cond_broadcast(&crew->wake);
    pthread_mutex_unlock(&crew->lock);
    for (size_t i = 1; i <= crew->started; i++)
        pthread_join(crew->threads[i], NULL);
    for (size_t i = 0; i < SHARED_THREADS; i++) {
        arena_free(&crew->scratch[i]);
        str_free(&crew->text[i]);
    }
    pthread_cond_destroy(&crew->wake);
    pthread_cond_destroy(&crew->finished);
    pthread_mutex_destroy(&crew->lock);
    base_free(crew);
}
