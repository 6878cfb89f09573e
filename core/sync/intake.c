/* SPDX-License-Identifier: Apache-2.0 */
/* Intake: one poll of a job, collected in memory and stored in bounded transactions. */
#include "core/sync/intake_internal.h"

#include "core/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLUSH_ENTRIES 512      /* what is collected is stored at this count */
#define FLUSH_BYTES (4u << 20) /* or at this size */
#define POLL_BYTES 96
#define NAME_BYTES 320 /* of the names of facts */
#define REMAPPED " remapped"

/* ---- facts ---- */

/* What is kept of a job's polls: number, polling, when one last ended whole, its number. */
static void write_poll(char text[POLL_BYTES], int64_t begun, bool polling,
                       const struct intake_poll *last) {
    snprintf(text, POLL_BYTES, "%lld %d %lld %lld", (long long)begun, polling ? 1 : 0,
             (long long)last->confirmed_ms, (long long)last->number);
}

/* Reads it. */
static bool read_poll(struct store *store, const char *job, struct arena *a, int64_t *begun,
                      struct intake_poll *out, struct iptfhir_error *error) {
    char name[NAME_BYTES];
    struct store_bytes value = { NULL, 0 };
    snprintf(name, sizeof name, "poll %s", job);
    *out = (struct intake_poll) { 0 };
    *begun = 0;
    if (!store->calls->fact_get(store, name, a, &value, error))
        return false;
    if (value.data == NULL)
        return true;
    const char *text = arena_strndup(a, value.data, value.length);
    if (text == NULL)
        return error_set(error, "memory", NULL, "out of memory");
    long long number = 0;
    long long confirmed = 0;
    long long whole = 0;
    int polling = 0;
    if (sscanf(text, "%lld %d %lld %lld", &number, &polling, &confirmed, &whole) != 4)
        return error_set(error, "store-damaged", name, "the poll's row can't be read");
    *begun = number;
    *out = (struct intake_poll) { polling != 0, confirmed, whole, number };
    return true;
}

void intake_write_poll(struct intake *in, bool polling) {
    char name[NAME_BYTES];
    char text[POLL_BYTES];
    snprintf(name, sizeof name, "poll %s", in->settings->job);
    write_poll(text, in->poll, polling, &in->before);
    rows_set_fact(in, name, text);
}

bool intake_poll_of(struct store *store, const char *job, struct intake_poll *out,
                    struct iptfhir_error *error) {
    struct arena a = { 0 };
    int64_t begun;
    bool read = read_poll(store, job, &a, &begun, out, error);
    arena_free(&a);
    return read;
}

bool intake_cursor_get(struct store *store, const char *job, struct arena *a,
                       struct store_bytes *cursor, struct iptfhir_error *error) {
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "cursor %s", job);
    *cursor = (struct store_bytes) { NULL, 0 };
    return store->calls->fact_get(store, name, a, cursor, error);
}

struct open_polls {
    struct arena arena;
    struct open_poll {
        struct open_poll *next;
        const char *name, *value;
    } * list;
};

/* Notes an open poll with what its fact becomes. */
static bool on_poll(void *user, const char *name, struct store_bytes value) {
    struct open_polls *open = user;
    char *text = arena_strndup(&open->arena, value.data, value.length);
    char *polling = text != NULL ? strchr(text, ' ') : NULL;
    if (polling == NULL || polling[1] != '1')
        return text != NULL;
    polling[1] = '0';
    struct open_poll *p = arena_zalloc(&open->arena, sizeof *p);
    const char *kept = arena_strndup(&open->arena, name, strlen(name));
    if (p == NULL || kept == NULL)
        return false;
    *p = (struct open_poll) { open->list, kept, text };
    open->list = p;
    return true;
}

bool intake_abandon(struct store *store, struct iptfhir_error *error) {
    struct open_polls open = { .list = NULL };
    bool ok = store->calls->facts(store, "poll ", on_poll, &open, error);
    bool any = open.list != NULL;
    if (ok && any)
        ok = store->calls->begin(store, error);
    bool begun = ok && any;
    for (const struct open_poll *p = begun ? open.list : NULL; ok && p != NULL; p = p->next) {
        struct store_bytes value = { p->value, strlen(p->value) };
        ok = store->calls->fact_set(store, p->name, value, error);
    }
    if (begun && ok)
        ok = store->calls->commit(store, error);
    if (begun && !ok)
        store->calls->rollback(store);
    arena_free(&open.arena);
    return ok;
}

/* Opens one poll; what is kept of the last one stays. */
static bool open_poll(struct store *store, const char *job, struct arena *a,
                      struct iptfhir_error *error) {
    struct intake_poll poll;
    int64_t begun;
    char name[NAME_BYTES], text[POLL_BYTES];
    if (!read_poll(store, job, a, &begun, &poll, error))
        return false;
    snprintf(name, sizeof name, "poll %s", job);
    write_poll(text, begun, true, &poll);
    return store->calls->fact_set(store, name, (struct store_bytes) { text, strlen(text) }, error);
}

bool intake_expect(struct store *store, const char *const *jobs, struct iptfhir_error *error) {
    struct arena a = { 0 };
    if (jobs[0] == NULL)
        return true;
    if (!store->calls->begin(store, error))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && jobs[i] != NULL; i++)
        ok = open_poll(store, jobs[i], &a, error);
    ok = ok && store->calls->commit(store, error);
    if (!ok)
        store->calls->rollback(store);
    arena_free(&a);
    return ok;
}

bool intake_reread(struct store *store, const char *job, struct iptfhir_error *error) {
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "reread %s", job);
    return store->calls->fact_set(store, name, (struct store_bytes) { "1", 1 }, error);
}

/* ---- how the last poll went ---- */

/* Keeps what a poll counted. */
static void keep_counts(struct intake *in) {
    char name[NAME_BYTES];
    char text[160];
    const struct intake_counts *n = &in->counts;
    snprintf(name, sizeof name, "counts %s", in->settings->job);
    snprintf(text, sizeof text, "%llu %llu %llu %llu %llu", (unsigned long long)n->records,
             (unsigned long long)n->mapped, (unsigned long long)n->unchanged,
             (unsigned long long)n->stale, (unsigned long long)n->held);
    rows_set_fact(in, name, text);
}

bool intake_counts_of(struct store *store, const char *job, struct intake_counts *out,
                      struct iptfhir_error *error) {
    char name[NAME_BYTES];
    char text[160];
    struct arena a = { 0 };
    struct store_bytes value = { NULL, 0 };
    unsigned long long n[5] = { 0 };
    snprintf(name, sizeof name, "counts %s", job);
    *out = (struct intake_counts) { 0 };
    bool read = store->calls->fact_get(store, name, &a, &value, error);
    bool any = read && value.data != NULL;
    if (any) {
        snprintf(text, sizeof text, "%.*s", (int)value.length, value.data);
        int got = sscanf(text, "%llu %llu %llu %llu %llu", &n[0], &n[1], &n[2], &n[3], &n[4]);
        if (got != 5)
            read = error_set(error, "store-damaged", name, "the poll's counts can't be read");
    }
    out->records = n[0];
    out->mapped = n[1];
    out->unchanged = n[2];
    out->stale = n[3];
    out->held = n[4];
    arena_free(&a);
    return read;
}

/* ---- aliases ---- */

struct aliases {
    struct store *store;
    struct arena *a;
    bool (*each)(void *user, const char *local_id, const char *identity);
    void *user;
    struct iptfhir_error *error;
    bool failed;
};

static bool on_alias_fact(void *user, const char *name, struct store_bytes value) {
    struct aliases *al = user;
    struct store_patient patient = { 0 };
    bool found = false;
    const char *local_id = strchr(name, '\x1f');
    const char *number = arena_strndup(al->a, value.data, value.length);
    if (local_id == NULL)
        return true;
    bool read =
        number != NULL && al->store->calls->patient_get(al->store, strtoull(number, NULL, 10),
                                                        al->a, &patient, &found, al->error);
    al->failed = !read;
    return read && (!found || al->each(al->user, local_id + 1, patient.local_id));
}

bool intake_aliases(struct store *store, const char *clinic, struct arena *a,
                    bool (*each)(void *user, const char *local_id, const char *identity),
                    void *user, struct iptfhir_error *error) {
    char prefix[NAME_BYTES];
    struct aliases al = { store, a, each, user, error, false };
    snprintf(prefix, sizeof prefix, "alias %s\x1f", clinic);
    bool read = store->calls->facts(store, prefix, on_alias_fact, &al, error);
    if (read && al.failed)
        error_set(error, "memory", NULL, "out of memory");
    return read && !al.failed;
}

/* ---- beginning ---- */

static bool on_alias(void *user, const char *name, struct store_bytes value) {
    struct intake *in = user;
    const char *local_id = strchr(name, '\x1f');
    struct intake_alias *alias = arena_zalloc(&in->lasting, sizeof *alias);
    const char *number = arena_strndup(&in->lasting, value.data, value.length);
    if (local_id == NULL || alias == NULL || number == NULL)
        return local_id == NULL;
    alias->local_id = arena_strndup(&in->lasting, local_id + 1, strlen(local_id + 1));
    alias->patient = strtoull(number, NULL, 10);
    alias->next = in->aliases;
    in->aliases = alias;
    return alias->local_id != NULL;
}

/* A fact "served TARGET JOB": the job's patients have lanes at the target. */
static bool on_served(void *user, const char *name, struct store_bytes value) {
    struct intake *in = user;
    (void)value;
    uint32_t target = (uint32_t)strtoul(name + strlen("served "), NULL, 10);
    bool known = target == 0;
    for (size_t i = 0; i < in->known_count; i++)
        known = known || in->known[i] == target;
    if (!known && in->known_count < INTAKE_TARGETS)
        in->known[in->known_count++] = target;
    return true;
}

/* Reads what the whole poll needs. */
static void load(struct intake *in, int64_t poll) {
    char prefix[NAME_BYTES];
    int64_t begun = 0;
    const char *job = in->settings->job;
    bool ok = read_poll(in->store, job, &in->scratch, &begun, &in->before, &in->fault);
    in->poll = poll > begun ? poll : begun + 1;
    snprintf(prefix, sizeof prefix, "alias %s\x1f", in->settings->clinic);
    ok = ok && in->calls->facts(in->store, prefix, on_alias, in, &in->fault);
    ok = ok && in->calls->facts(in->store, "served ", on_served, in, &in->fault);
    if (!ok && intake_ok(in))
        intake_fault(in, "store", "the store could not be read; run the command again");
    if (intake_ok(in))
        holds_load(in);
}

static bool on_patient_of_record(void *user, const struct store_record *record) {
    struct intake *in = user;
    bits_set(in, &in->counted, record->patient);
    if (record->moved_from != 0)
        bits_set(in, &in->counted, record->moved_from); /* whose rows still say so */
    return intake_ok(in);
}

/* Gives every patient of the job a lane at a target. */
static void serve(struct intake *in, uint32_t target) {
    bool fresh;
    const char *job = in->settings->job;
    bool ok = in->calls->records(in->store, job, on_patient_of_record, in, &in->fault);
    uint64_t clinic = rows_patient(in, "", false, &fresh);
    if (clinic != 0)
        bits_set(in, &in->counted, clinic);
    for (uint64_t no = 1; ok && no < in->counted.words * 64; no++)
        if (bits_have(&in->counted, no))
            ok = in->calls->lane_put(in->store, target, no, 0, &in->fault);
    if (!ok && intake_ok(in))
        intake_fault(in, "store", "lanes could not be written; run the command again");
    if (in->counted.words > 0)
        memset(in->counted.bits, 0, in->counted.words * sizeof *in->counted.bits);
}

/* Notes with "0" that the job lists a target no more: its patients get their lanes there when it is
 * listed again. The fact stays, since what was sent there may have to be taken back. */
struct unlisting {
    struct intake *in;
    uint32_t targets[INTAKE_TARGETS];
    size_t count;
};
static bool on_served_by_us(void *user, const char *name, struct store_bytes value) {
    struct unlisting *u = user;
    char *job = NULL;
    uint32_t target = (uint32_t)strtoul(name + strlen("served "), &job, 10);
    bool ours = *job == ' ' && strcmp(job + 1, u->in->settings->job) == 0;
    bool listed = value.length == 1 && *value.data == '1';
    for (size_t i = 0; i < u->in->target_count; i++)
        ours = ours && u->in->targets[i] != target;
    if (ours && listed && u->count < INTAKE_TARGETS)
        u->targets[u->count++] = target;
    return true;
}

static void note_unlisted(struct intake *in) {
    struct unlisting u = { .in = in };
    if (!in->calls->facts(in->store, "served ", on_served_by_us, &u, &in->fault) && intake_ok(in))
        intake_fault(in, "store", "the store could not be read; run the command again");
    for (size_t i = 0; i < u.count && intake_ok(in); i++) {
        char fact[NAME_BYTES];
        snprintf(fact, sizeof fact, "served %u %s", (unsigned)u.targets[i], in->settings->job);
        rows_set_fact(in, fact, "0");
    }
}

/* Numbers the job's targets; one that it didn't list before gets all its patients. */
static void open_targets(struct intake *in) {
    const char *const *name = in->settings->targets;
    for (; *name != NULL && in->target_count < INTAKE_TARGETS && intake_ok(in); name++) {
        char fact[NAME_BYTES];
        struct store_bytes served = { NULL, 0 };
        uint32_t no = 0;
        bool ok = in->calls->target_no(in->store, *name, true, &no, &in->fault);
        snprintf(fact, sizeof fact, "served %u %s", (unsigned)no, in->settings->job);
        ok = ok && in->calls->fact_get(in->store, fact, &in->scratch, &served, &in->fault);
        if (!ok) {
            intake_fault(in, "store", "the targets could not be read; run the command again");
            return;
        }
        in->targets[in->target_count++] = no;
        (void)on_served(in, fact, served);
        bool listed_before = served.length == 1 && *served.data == '1';
        if (!listed_before) {
            serve(in, no);
            rows_set_fact(in, fact, "1");
        }
    }
}

/* A person asked for everything to be read: the source begins at its beginning. */
static void take_reread(struct intake *in) {
    char asked[NAME_BYTES];
    char cursor[NAME_BYTES];
    struct store_bytes value = { NULL, 0 };
    snprintf(asked, sizeof asked, "reread %s", in->settings->job);
    snprintf(cursor, sizeof cursor, "cursor %s", in->settings->job);
    if (!in->calls->fact_get(in->store, asked, &in->scratch, &value, &in->fault)) {
        intake_fault(in, "store", "the store could not be read; run the command again");
        return;
    }
    if (value.data == NULL)
        return;
    rows_set_fact(in, asked, NULL);
    rows_set_fact(in, cursor, NULL);
}

/* ---- what the records were mapped with ----
 * A fact "settings JOB" is the hash that the last whole poll was mapped with, with REMAPPED behind
 * it while a poll with another one has begun and none has ended whole. */

static void name_settings(const char *job, char name[NAME_BYTES]) {
    snprintf(name, NAME_BYTES, "settings %s", job);
}

/* Reads it, into the arena; *kept is NULL when there is none. */
static bool read_settings(struct store *store, const char *job, struct arena *a, const char **kept,
                          struct iptfhir_error *error) {
    char name[NAME_BYTES];
    struct store_bytes value = { NULL, 0 };
    name_settings(job, name);
    *kept = NULL;
    if (!store->calls->fact_get(store, name, a, &value, error))
        return false;
    if (value.data == NULL)
        return true;
    *kept = arena_strndup(a, value.data, value.length);
    return *kept != NULL || error_set(error, "memory", NULL, "out of memory");
}

bool intake_remapped(struct store *store, const char *job, const char *mapped_with, bool *remapped,
                     struct iptfhir_error *error) {
    struct arena a = { 0 };
    const char *kept = NULL;
    bool read = read_settings(store, job, &a, &kept, error);
    *remapped = kept != NULL && strcmp(kept, mapped_with) != 0;
    arena_free(&a);
    return read;
}

/* Finds whether the records are mapped otherwise than in the last whole poll, and keeps that they
 * are, also for a poll that is mapped as before: what it finds withdrawn was withdrawn between. */
static void compare_settings(struct intake *in) {
    char name[NAME_BYTES];
    const char *before = NULL;
    const char *job = in->settings->job;
    const char *now = in->settings->mapped_with;
    if (!read_settings(in->store, job, &in->scratch, &before, &in->fault)) {
        intake_fault(in, "store", "the store could not be read; run the command again");
        return;
    }
    in->remapped = now != NULL && before != NULL && strcmp(before, now) != 0;
    if (!in->remapped || strstr(before, REMAPPED) != NULL)
        return;
    const char *marked = arena_printf(&in->scratch, "%s" REMAPPED, before);
    if (marked == NULL)
        intake_fault(in, "memory", "out of memory");
    else {
        name_settings(job, name);
        rows_set_fact(in, name, marked);
    }
}

/* The poll has ended whole: the next one is compared with it. */
static void keep_settings(struct intake *in) {
    char name[NAME_BYTES];
    name_settings(in->settings->job, name);
    if (in->settings->mapped_with != NULL)
        rows_set_fact(in, name, in->settings->mapped_with);
}

/* Copies the first failure out. */
static bool answer(struct intake *in, struct iptfhir_error *error) {
    if (intake_ok(in))
        return true;
    return error_set(error, in->fault.code, in->fault.where, "%s", in->fault.text);
}

/* Ends a transaction: keeps it when all went well. */
static bool close_tx(struct intake *in, struct iptfhir_error *error) {
    bool kept = intake_ok(in) && in->calls->commit(in->store, &in->fault);
    if (!kept) {
        if (intake_ok(in))
            intake_fault(in, "store", "the store could not be written; run the command again");
        in->calls->rollback(in->store);
    }
    arena_reset(&in->scratch);
    return answer(in, error);
}

struct intake *intake_begin(struct store *store, const struct intake_settings *settings,
                            int64_t poll, struct iptfhir_error *error) {
    struct intake *in = base_malloc(sizeof *in);
    if (in == NULL) {
        error_set(error, "memory", NULL, "out of memory");
        return NULL;
    }
    memset(in, 0, sizeof *in);
    in->store = store;
    in->calls = store->calls;
    in->settings = settings;
    in->fault.size = sizeof in->fault;
    if (!crypt_mac_start(&in->mac, settings->hash_key))
        intake_fault(in, "crypt", "libcrypto refused a key");
    if (intake_ok(in) && store->calls->begin(store, &in->fault)) {
        load(in, poll);
        if (intake_ok(in))
            open_targets(in);
        if (intake_ok(in))
            note_unlisted(in);
        if (intake_ok(in))
            take_reread(in);
        if (intake_ok(in))
            compare_settings(in);
        intake_write_poll(in, true);
        (void)close_tx(in, NULL);
    }
    if (answer(in, error))
        return in;
    intake_free(in);
    return NULL;
}

void intake_free(struct intake *in) {
    if (in == NULL)
        return;
    holds_free(&in->holds);
    base_free(in->present.slots);
    base_free(in->torn.slots);
    base_free(in->seen.bits);
    base_free(in->counted.bits);
    base_free(in->withdrawn);
    str_free(&in->cursor);
    arena_free(&in->lasting);
    arena_free(&in->buffer);
    arena_free(&in->scratch);
    crypt_wipe(&in->mac, sizeof in->mac);
    base_free(in);
}

/* ---- collecting ---- */

/* Copies into the buffer; a failure sticks. */
static void *copy(struct intake *in, const void *data, size_t length) {
    char *memory = arena_strndup(&in->buffer, data != NULL ? data : "", data != NULL ? length : 0);
    if (memory == NULL)
        intake_fault(in, "memory", "out of memory");
    return memory;
}

static const char *copy_text(struct intake *in, const char *text) {
    return copy(in, text, text != NULL ? strlen(text) : 0);
}

static struct store_bytes copy_bytes(struct intake *in, struct store_bytes bytes) {
    if (bytes.data == NULL)
        return bytes;
    return (struct store_bytes) { copy(in, bytes.data, bytes.length), bytes.length };
}

static void *room(struct intake *in, size_t count, size_t size) {
    void *memory = arena_zalloc(&in->buffer, count * size + 1);
    if (memory == NULL)
        intake_fault(in, "memory", "out of memory");
    return memory;
}

static struct intake_entry *add_entry(struct intake *in, enum intake_kind kind, int64_t now_ms) {
    struct intake_entry *entry = intake_ok(in) ? room(in, 1, sizeof *entry) : NULL;
    if (entry == NULL)
        return NULL;
    entry->kind = kind;
    entry->now_ms = now_ms;
    if (in->last != NULL)
        in->last->next = entry;
    else
        in->first = entry;
    in->last = entry;
    in->entries++;
    return entry;
}

/* Copies the head of a record: id to content. */
static void copy_head(struct intake *in, struct intake_record *to,
                      const struct intake_record *from) {
    *to = (struct intake_record) { .id = copy_text(in, from->id),
                                   .local_id = copy_text(in, from->local_id),
                                   .unit = copy_text(in, from->unit),
                                   .order = from->order,
                                   .revision_ms = from->revision_ms };
    memcpy(to->content, from->content, STORE_HASH);
}

static void copy_references(struct intake *in, struct intake_resource *r) {
    struct store_reference *list = room(in, r->reference_count, sizeof *list);
    for (size_t i = 0; list != NULL && i < r->reference_count; i++) {
        list[i] = r->references[i];
        list[i].type = copy_text(in, list[i].type);
    }
    r->references = list;
}

static void copy_resource(struct intake *in, struct intake_resource *to,
                          const struct intake_resource *from) {
    *to = *from;
    to->type = copy_text(in, from->type);
    to->system = copy_text(in, from->system);
    to->value = copy_text(in, from->value);
    to->data_class = copy_text(in, from->data_class);
    to->body = copy_bytes(in, from->body);
    to->code = copy_text(in, from->code);
    to->detail = copy_text(in, from->detail);
    copy_references(in, to);
}

static void copy_record(struct intake *in, struct intake_record *to,
                        const struct intake_record *from) {
    copy_head(in, to, from);
    to->facts = copy_bytes(in, from->facts);
    struct intake_resource *resources = room(in, from->resource_count, sizeof *resources);
    struct intake_part *parts = room(in, from->part_count, sizeof *parts);
    if (resources == NULL || parts == NULL)
        return;
    for (size_t i = 0; i < from->resource_count; i++)
        copy_resource(in, &resources[i], &from->resources[i]);
    for (size_t i = 0; i < from->part_count; i++) {
        const struct intake_part *part = &from->parts[i];
        parts[i] = (struct intake_part) { copy_text(in, part->place), copy_text(in, part->code),
                                          copy_text(in, part->detail) };
    }
    to->resources = resources;
    to->resource_count = from->resource_count;
    to->parts = parts;
    to->part_count = from->part_count;
}

/* Stores what is collected when it is much. */
static bool flush_when_full(struct intake *in, struct iptfhir_error *error) {
    bool full = in->entries >= FLUSH_ENTRIES || in->buffer.used >= FLUSH_BYTES;
    if (!intake_ok(in) || !full)
        return answer(in, error);
    return intake_flush(in, error);
}

bool intake_record(struct intake *in, const struct intake_record *record, int64_t now_ms,
                   struct iptfhir_error *error) {
    struct intake_entry *entry = add_entry(in, INTAKE_TAKE, now_ms);
    if (entry != NULL) {
        copy_record(in, &entry->record, record);
        holds_read_unit(in, record->unit);
    }
    return flush_when_full(in, error);
}

bool intake_hold(struct intake *in, const struct store_hold_key *key, const char *detail,
                 const struct store_bytes *facts, int64_t now_ms, struct iptfhir_error *error) {
    struct intake_entry *entry = add_entry(in, INTAKE_REFUSE, now_ms);
    if (entry != NULL) {
        entry->key =
            (struct store_hold_key) { in->settings->job, copy_text(in, key->unit),
                                      copy_text(in, key->record), copy_text(in, key->place),
                                      copy_text(in, key->code) };
        entry->detail = copy_text(in, detail);
        if (facts != NULL)
            entry->facts = copy_bytes(in, *facts);
        holds_read_unit(in, key->unit);
    }
    return flush_when_full(in, error);
}

/* True when an entry that waits for the flush is of this record. */
static bool is_waiting(const struct intake *in, const char *id) {
    for (const struct intake_entry *e = in->first; e != NULL; e = e->next) {
        const char *other = e->kind == INTAKE_REFUSE ? e->key.record : e->record.id;
        if (other != NULL && strcmp(other, id) == 0)
            return true;
    }
    return false;
}

/* Writes a content hash as hex. */
static void content_hex(const unsigned char *content, char out[2 * STORE_HASH + 1]) {
    for (size_t i = 0; i < STORE_HASH; i++)
        snprintf(out + 2 * i, 3, "%02x", content[i]);
}

/* Notes that a record whose row is as it should be needs nothing but what its revision moves. */
static void keep_confirmed(struct intake *in, const struct intake_record *record,
                           const struct store_record *row) {
    bool newer = take_compare(record, row) > 0;
    bool moved = strcmp(record->unit, row->unit) != 0;
    bool back = row->state != STORE_RECORD_LIVE;
    bits_set(in, &in->seen, row->no);
    bits_set(in, &in->counted, row->no);
    in->counts.unchanged++;
    if (!newer && !moved && !back)
        return;
    struct intake_entry *entry = add_entry(in, INTAKE_CONFIRM, 0);
    if (entry != NULL)
        copy_head(in, &entry->record, record);
}

/* Answers for one record. */
static bool is_same(struct intake *in, const struct intake_record *record) {
    struct store_record row;
    char hex[2 * STORE_HASH + 1];
    bool found = rows_record(in, record->id, &row);
    bool ours = found && strcmp(row.job, in->settings->job) == 0;
    content_hex(record->content, hex);
    if (holds_confirm(in, record->id, "plugin-crash", hex)) {
        if (ours)
            bits_set(in, &in->seen, row.no);
        in->counts.held++;
        return true;
    }
    if (!ours)
        return false;
    int order = take_compare(record, &row);
    if (order < 0) {
        bits_set(in, &in->seen, row.no);
        in->counts.stale++;
        return true;
    }
    if (take_is_future(record, in->poll) || !take_is_as_before(in, record, &row))
        return false;
    keep_confirmed(in, record, &row);
    return true;
}

bool intake_unchanged(struct intake *in, const struct intake_record *records, size_t count,
                      bool *same, struct iptfhir_error *error) {
    if (!flush_when_full(in, error))
        return false;
    for (size_t i = in->answered; i < count; i++) {
        in->answered = i;
        if (is_waiting(in, records[i].id) && !intake_flush(in, error))
            return false;
        same[i] = is_same(in, &records[i]);
        in->counts.records += same[i];
        if (same[i])
            holds_read_unit(in, records[i].unit);
        arena_reset(&in->scratch);
    }
    in->answered = 0;
    return answer(in, error);
}

bool intake_present(struct intake *in, const char *unit, struct iptfhir_error *error) {
    if (in->settings->complete == INTAKE_EXPORT)
        (void)intake_set_add(in, &in->present, intake_hash64(unit));
    return answer(in, error);
}

bool intake_cursor(struct intake *in, const char *cursor, struct iptfhir_error *error) {
    str_clear(&in->cursor);
    str_puts(&in->cursor, cursor);
    in->has_cursor = true;
    if (in->cursor.failed)
        intake_fault(in, "memory", "out of memory");
    return answer(in, error);
}

/* ---- storing ---- */

static void apply(struct intake *in, const struct intake_entry *entry) {
    switch (entry->kind) {
    case INTAKE_TAKE: take_record(in, &entry->record, entry->now_ms); break;
    case INTAKE_REFUSE: take_hold(in, entry); break;
    case INTAKE_CONFIRM: take_confirmed(in, &entry->record); break;
    }
    arena_reset(&in->scratch);
}

/* Keeps the cursor. That of a complete export is kept when the poll has ended whole, since what it
 * would skip after a crash could not be told from what is absent. */
static void keep_cursor(struct intake *in, bool ended) {
    char name[NAME_BYTES];
    bool may = ended || in->settings->complete != INTAKE_EXPORT;
    if (!in->has_cursor || !may)
        return;
    snprintf(name, sizeof name, "cursor %s", in->settings->job);
    rows_set_fact(in, name, in->cursor.data != NULL ? in->cursor.data : "");
    in->has_cursor = false;
}

/* Begins a transaction; what waits stays when the store is busy. */
static bool open_tx(struct intake *in, struct iptfhir_error *error) {
    if (!answer(in, error))
        return false;
    in->lane_last = 0;
    return in->calls->begin(in->store, error);
}

bool intake_flush(struct intake *in, struct iptfhir_error *error) {
    bool cursor = in->has_cursor && in->settings->complete != INTAKE_EXPORT;
    if (in->first == NULL && !cursor)
        return answer(in, error);
    if (!open_tx(in, error))
        return false;
    for (const struct intake_entry *e = in->first; e != NULL && intake_ok(in); e = e->next)
        apply(in, e);
    end_keep_withdrawn(in);
    keep_cursor(in, false);
    bool kept = close_tx(in, error);
    in->first = in->last = NULL;
    in->entries = 0;
    arena_reset(&in->buffer);
    return kept;
}

bool intake_end(struct intake *in, bool whole, int64_t now_ms, struct iptfhir_error *error) {
    if (!intake_flush(in, error) || !open_tx(in, error))
        return false;
    if (whole) {
        end_settle(in, now_ms);
        keep_settings(in);
        in->before.confirmed_ms = now_ms;
        in->before.number = in->poll;
        keep_cursor(in, true);
    }
    intake_write_poll(in, false);
    keep_counts(in);
    return close_tx(in, error);
}

const struct intake_counts *intake_counts(const struct intake *in) {
    return &in->counts;
}
