/* SPDX-License-Identifier: Apache-2.0 */
/* What a record's revision makes, against the rows that its former one left. */
#include "core/sync/intake_internal.h"

#include "core/base/alloc.h"
#include "core/sync/lifecycle.h"
#include "core/tree/tree.h"

#include <stdlib.h>
#include <string.h>

#define SET_COUNT 128       /* bodies that are written together at most */
#define SET_BYTES (1 << 20) /* and their bytes */

/* A resource beside the row that it has. */
struct pairing {
    const struct intake_resource *resource;
    struct store_said *row; /* NULL: new */
    unsigned char hash[STORE_HASH];
    bool twice;   /* another resource of the record has its identity */
    bool body;    /* its body must be written */
    bool changed; /* its row must be written */
    struct store_body_at at;
};
/* A record at work. */
struct work {
    struct intake *in;
    uint64_t patient;
    const struct store_record *record;
    bool clinic;              /* the work is on what is the clinic's: one row an identity */
    struct store_said **rows; /* all of the patient, by uuid */
    size_t row_count;
    bool *matched; /* by row */
    struct pairing *pairs;
    size_t count;
    bool changed;
};

static int by_uuid(const void *a, const void *b) {
    const struct store_said *const *x = a;
    const struct store_said *const *y = b;
    int order = memcmp((*x)->uuid, (*y)->uuid, STORE_UUID);
    if (order != 0)
        return order;
    return (*x)->ordinal < (*y)->ordinal ? -1 : 1;
}

/* The first of the rows with this uuid; count when there is none. */
static size_t first_with(struct store_said *const *rows, size_t count, const unsigned char *uuid) {
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(rows[middle]->uuid, uuid, STORE_UUID) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < count && memcmp(rows[low]->uuid, uuid, STORE_UUID) == 0;
    return found ? low : count;
}

/* True when a row after `at` has the same uuid. */
static bool follows(struct store_said *const *rows, size_t count, size_t at) {
    return at + 1 < count && memcmp(rows[at]->uuid, rows[at + 1]->uuid, STORE_UUID) == 0;
}

/* The record's own row with this uuid, NULL: none. What is the clinic's has one row for all. */
static struct store_said *own_row(struct work *w, const unsigned char *uuid) {
    size_t at = first_with(w->rows, w->row_count, uuid);
    if (at == w->row_count)
        return NULL;
    while (!w->clinic && w->rows[at]->record != w->record->no) {
        if (!follows(w->rows, w->row_count, at))
            return NULL;
        at++;
    }
    w->matched[at] = true;
    return w->rows[at];
}

/* ---- pairing ---- */

static bool same_text(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

/* True when the row says of the resource all that it says now. */
static bool row_says(const struct store_said *row, const struct pairing *pair) {
    const struct intake_resource *r = pair->resource;
    const char *code = pair->twice ? "duplicate-resource" : r->code;
    if (row->wanted != STORE_WANTED_BODY || row->as_of_ms != r->as_of_ms)
        return false;
    if (!same_text(row->type, r->type) || !same_text(row->data_class, r->data_class))
        return false;
    if (!same_text(row->system, r->system) || !same_text(row->value, r->value))
        return false;
    return same_text(row->code, code);
}

/* Decides what must be written of a pair. */
static void weigh(struct work *w, struct pairing *pair) {
    struct crypt_mac mac = w->in->mac;
    unsigned char full[32];
    struct store_bytes body = pair->resource->body;
    bool hashed = crypt_mac_add(&mac, body.data, body.length) && crypt_mac_end(&mac, full);
    if (!hashed) {
        intake_fault(w->in, "crypt", "a body could not be hashed: libcrypto refused");
        return;
    }
    memcpy(pair->hash, full, STORE_HASH);
    const struct store_said *row = pair->row;
    bool same_body = row != NULL && memcmp(row->hash, pair->hash, STORE_HASH) == 0;
    pair->body = !same_body;
    pair->changed = !same_body || !row_says(row, pair);
    if (same_body)
        pair->at = row->body;
    bool older = w->clinic && row != NULL && row->as_of_ms > pair->resource->as_of_ms;
    if (older)
        pair->body = pair->changed = false;
}

static int by_resource(const void *a, const void *b) {
    const struct pairing *x = a;
    const struct pairing *y = b;
    int order = memcmp(x->resource->uuid, y->resource->uuid, STORE_UUID);
    if (order != 0)
        return order;
    return x->resource < y->resource ? -1 : 1;
}

/* Finds resources of one identity within the record: one is kept, and held unless they agree. */
static void merge_twins(struct work *w) {
    qsort(w->pairs, w->count, sizeof *w->pairs, by_resource);
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct pairing *before = kept > 0 ? &w->pairs[kept - 1] : NULL;
        const struct intake_resource *r = w->pairs[i].resource;
        bool twin = before != NULL && memcmp(before->resource->uuid, r->uuid, STORE_UUID) == 0;
        if (!twin) {
            w->pairs[kept++] = w->pairs[i];
            continue;
        }
        struct store_bytes a = before->resource->body;
        bool agree = a.length == r->body.length && memcmp(a.data, r->body.data, a.length) == 0;
        before->twice = before->twice || !agree;
    }
    w->count = kept;
}

static void pair_all(struct work *w, const struct intake_record *reading) {
    w->pairs = intake_memory(w->in, reading->resource_count * sizeof *w->pairs);
    for (size_t i = 0; i < reading->resource_count && w->pairs != NULL; i++) {
        bool clinic = reading->resources[i].owner == INTAKE_CLINIC;
        if (clinic == w->clinic)
            w->pairs[w->count++].resource = &reading->resources[i];
    }
    merge_twins(w);
    for (size_t i = 0; i < w->count; i++) {
        w->pairs[i].row = own_row(w, w->pairs[i].resource->uuid);
        weigh(w, &w->pairs[i]);
    }
}

/* ---- writing ---- */

/* Bodies that are written together. */
struct body_set {
    struct store_bytes bodies[SET_COUNT];
    struct pairing *of[SET_COUNT];
    size_t count, bytes;
};

/* Writes a set, and notes where its bodies stand. */
static void write_set(struct work *w, struct body_set *set) {
    uint32_t sequence = 0;
    if (set->count == 0)
        return;
    if (!w->in->calls->bodies_put(w->in->store, w->patient, set->bodies, set->count, &sequence,
                                  &w->in->fault))
        intake_fault(w->in, "store", "bodies could not be written; run the command again");
    for (size_t i = 0; i < set->count; i++)
        set->of[i]->at = (struct store_body_at) { sequence, (uint32_t)i };
    set->count = set->bytes = 0;
}

/* Writes the bodies that changed, in sets. */
static void write_bodies(struct work *w) {
    struct body_set set = { .count = 0 };
    for (size_t i = 0; i < w->count && intake_ok(w->in); i++) {
        struct pairing *pair = &w->pairs[i];
        if (!pair->body)
            continue;
        set.of[set.count] = pair;
        set.bodies[set.count++] = pair->resource->body;
        set.bytes += pair->resource->body.length;
        bool full = set.count == SET_COUNT || set.bytes >= SET_BYTES;
        if (full)
            write_set(w, &set);
    }
    write_set(w, &set);
}

static void write_row(struct work *w, const struct pairing *pair) {
    const struct intake_resource *r = pair->resource;
    struct store_said said = { .patient = w->patient,
                               .ordinal = pair->row != NULL ? pair->row->ordinal : 0,
                               .record = w->record->no,
                               .type = r->type,
                               .system = r->system,
                               .value = r->value,
                               .data_class = r->data_class,
                               .wanted = STORE_WANTED_BODY,
                               .body = pair->at,
                               .as_of_ms = r->as_of_ms,
                               .code = pair->twice ? "duplicate-resource" : r->code,
                               .detail = pair->twice
                                             ? "two elements of the record make the same resource "
                                               "with different content: give them different ids"
                                             : r->detail,
                               .references = r->references,
                               .reference_count = r->reference_count };
    memcpy(said.uuid, r->uuid, STORE_UUID);
    memcpy(said.hash, pair->hash, STORE_HASH);
    rows_put_said(w->in, &said);
    w->in->counts.wanted++;
    w->changed = true;
}

static void write_pairs(struct work *w) {
    write_bodies(w);
    for (size_t i = 0; i < w->count; i++) {
        if (w->pairs[i].changed)
            write_row(w, &w->pairs[i]);
    }
}

/* ---- what left ---- */

/* True when a state says that the target has, or may have, the resource. */
static bool is_touched(const struct store_state *state) {
    return state->sent || state->attempt != STORE_NO_ATTEMPT || *state->server_id != '\0';
}

/* The states of a patient at every target. */
struct all_states {
    size_t targets;
    struct store_state *list[INTAKE_TARGETS];
    size_t count[INTAKE_TARGETS];
};

/* True when any target has, or may have, what stands under an ordinal. */
static bool ordinal_touched(const struct all_states *states, uint32_t ordinal) {
    for (size_t t = 0; t < states->targets; t++) {
        const struct store_state *list = states->list[t];
        for (size_t i = 0; i < states->count[t]; i++)
            if (list[i].ordinal == ordinal && is_touched(&list[i]))
                return true;
    }
    return false;
}

/* True when the resource that the row at `at` says is touched at any target. Its state stands
 * under the lowest ordinal that has its identity. */
static bool row_touched(const struct all_states *states, struct store_said *const *rows,
                        size_t count, size_t at) {
    for (size_t n = first_with(rows, count, rows[at]->uuid); n < count; n++) {
        if (ordinal_touched(states, rows[n]->ordinal))
            return true;
        if (!follows(rows, count, n))
            break;
    }
    return false;
}

static struct all_states *read_states(struct intake *in, uint64_t patient) {
    struct all_states *all = intake_memory(in, sizeof *all);
    for (size_t t = 0; all != NULL && t < in->known_count; t++)
        all->list[t] = rows_states(in, in->known[t], patient, &all->count[t]);
    if (all != NULL)
        all->targets = in->known_count;
    return all;
}

/* True when another row says a body for the identity of the row at `at`. */
static bool said_by_another(struct store_said *const *rows, size_t count, size_t at) {
    for (size_t n = first_with(rows, count, rows[at]->uuid); n < count; n++) {
        if (n != at && rows[n]->wanted == STORE_WANTED_BODY)
            return true;
        if (!follows(rows, count, n))
            break;
    }
    return false;
}

/* Notes a withdrawal, for the decision at the end of the poll. */
static void note_withdrawn(struct intake *in, const struct store_said *row) {
    if (in->withdrawn_count == in->withdrawn_capacity) {
        size_t capacity = in->withdrawn_capacity > 0 ? in->withdrawn_capacity * 2 : 64;
        void *more = base_realloc(in->withdrawn, capacity * sizeof *in->withdrawn);
        if (more == NULL) {
            intake_fault(in, "memory", "out of memory");
            return;
        }
        in->withdrawn = more;
        in->withdrawn_capacity = capacity;
    }
    in->withdrawn[in->withdrawn_count++] = (struct intake_withdrawn) { row->patient, row->ordinal };
}

/* Whether only a person may withdraw what the row says: a positive safety answer. */
static bool needs_person(struct intake *in, const struct store_said *row) {
    const struct lifecycle *lifecycle = in->settings->lifecycle;
    struct iptfhir_error why = ERROR_INIT;
    struct store_bytes *bodies = NULL;
    const struct tree *body = NULL;
    size_t count = 0;
    if (!lifecycle_may_need_person(lifecycle, row->type))
        return false;
    bool read = in->calls->bodies_get(in->store, row->patient, row->body.sequence, &in->scratch,
                                      &bodies, &count, &why);
    if (read && row->body.index < count) {
        const struct store_bytes *one = &bodies[row->body.index];
        body = json_read_copy(&in->scratch, one->data, one->length, NULL, &why);
    }
    return lifecycle_needs_person(lifecycle, row->type, body);
}

/* What a row becomes whose element left a wholly mapped record. */
static void element_left(struct work *w, struct store_said *row) {
    struct intake *in = w->in;
    bool error = in->settings->removed_is_error;
    bool ends = error || lifecycle_ends(in->settings->lifecycle, row->type);
    if (!ends || needs_person(in, row)) {
        row->code = "element-gone";
        row->detail = "its element left the record: say withdraw when it was never true, or leave";
        rows_put_said(in, row);
        return;
    }
    row->wanted = error ? STORE_WANTED_ERROR : STORE_WANTED_ENDED;
    row->code = "mass-withdrawal"; /* until the end of the poll finds that it is none */
    row->detail = in->remapped
                      ? "the mappings or mappers changed, and this is no longer made: put them "
                        "back, or say withdraw or leave"
                      : "more withdrawals at once than usual: look at the export, then say "
                        "withdraw or leave";
    rows_put_said(in, row);
    note_withdrawn(in, row);
    in->counts.wanted++;
    in->counts.withdrawn++;
}

/* Nothing is said by the row any more; its identity stays for the states. */
static void say_nothing(struct intake *in, struct store_said *row) {
    row->wanted = STORE_WANTED_NOTHING;
    row->code = row->detail = "";
    rows_put_said(in, row);
    in->counts.wanted++;
}

/* Decides the rows of the record that its revision doesn't say. */
static void settle_left(struct work *w) {
    struct all_states *states = NULL;
    for (size_t i = 0; i < w->row_count && intake_ok(w->in); i++) {
        struct store_said *row = w->rows[i];
        bool open = row->record == w->record->no && !w->matched[i];
        bool said = row->wanted == STORE_WANTED_BODY && strcmp(row->code, "element-gone") != 0;
        if (!open || !said)
            continue;
        if (states == NULL)
            states = read_states(w->in, w->patient);
        if (states == NULL)
            return;
        w->changed = true;
        if (!row_touched(states, w->rows, w->row_count, i))
            rows_drop_said(w->in, row);
        else if (said_by_another(w->rows, w->row_count, i))
            say_nothing(w->in, row);
        else
            element_left(w, row);
    }
}

/* ---- the whole ---- */

/* Reads the rows of the patient, unless the record is new and can have none. */
static bool open_work(struct work *w, bool rows_exist) {
    if (rows_exist)
        w->rows = rows_said(w->in, w->patient, &w->row_count);
    if (w->row_count > 1)
        qsort(w->rows, w->row_count, sizeof *w->rows, by_uuid);
    w->matched = intake_memory(w->in, w->row_count + 1);
    return intake_ok(w->in);
}

/* Takes what is the clinic's: nothing of it leaves by absence. */
static bool take_clinic(struct intake *in, const struct store_record *record,
                        const struct intake_record *reading) {
    bool any = false;
    bool fresh = false;
    for (size_t i = 0; i < reading->resource_count; i++)
        any = any || reading->resources[i].owner == INTAKE_CLINIC;
    if (!any)
        return false;
    struct work w = { .in = in, .record = record, .clinic = true };
    w.patient = rows_patient(in, "", true, &fresh);
    if (!open_work(&w, !fresh))
        return false;
    pair_all(&w, reading);
    write_pairs(&w);
    if (w.changed) {
        rows_put_lanes(in, w.patient);
        resources_sweep(in, w.patient);
    }
    return w.changed;
}

bool resources_take(struct intake *in, uint64_t patient, const struct store_record *record,
                    const struct intake_record *reading, bool rows_exist) {
    struct work w = { .in = in, .patient = patient, .record = record };
    bool elements = in->settings->complete >= INTAKE_RECORDS;
    bool whole = reading->part_count == 0;
    if (!open_work(&w, rows_exist))
        return false;
    pair_all(&w, reading);
    write_pairs(&w);
    if (elements && whole)
        settle_left(&w);
    bool clinic = take_clinic(in, record, reading);
    if (w.changed && rows_exist)
        resources_sweep(in, patient);
    return w.changed || clinic;
}

/* Whether a row is the record's own, and says something that hasn't left already. */
static bool is_present(const struct work *w, const struct store_said *row) {
    if (row->record != w->record->no)
        return false;
    return row->wanted != STORE_WANTED_NOTHING && row->wanted != STORE_WANTED_MOVED;
}

bool resources_touched(struct intake *in, const struct store_record *record) {
    struct work w = { .in = in, .patient = record->patient, .record = record };
    if (!open_work(&w, true))
        return false;
    const struct all_states *states = read_states(in, record->patient);
    if (states == NULL)
        return false;
    for (size_t i = 0; i < w.row_count; i++) {
        if (is_present(&w, w.rows[i]) && row_touched(states, w.rows, w.row_count, i))
            return true;
    }
    return false;
}

/* What one row of a record that leaves becomes. */
static void row_leaves(struct work *w, const struct all_states *states, size_t at,
                       enum store_wanted wanted) {
    struct intake *in = w->in;
    struct store_said *row = w->rows[at];
    if (!row_touched(states, w->rows, w->row_count, at)) {
        rows_drop_said(in, row);
        return;
    }
    bool stays = wanted == STORE_WANTED_NOTHING || said_by_another(w->rows, w->row_count, at);
    if (stays) {
        say_nothing(in, row);
        return;
    }
    row->wanted = wanted;
    row->code = row->detail = "";
    rows_put_said(in, row);
    in->counts.wanted++;
    in->counts.withdrawn++;
}

void resources_leave(struct intake *in, const struct store_record *record,
                     enum store_wanted wanted) {
    struct work w = { .in = in, .patient = record->patient, .record = record };
    if (!open_work(&w, true))
        return;
    const struct all_states *states = read_states(in, record->patient);
    if (states == NULL)
        return;
    for (size_t i = 0; i < w.row_count && intake_ok(in); i++) {
        if (is_present(&w, w.rows[i]))
            row_leaves(&w, states, i, wanted);
    }
    rows_put_lanes(in, record->patient);
    resources_sweep(in, record->patient);
}

/* ---- bodies that nothing refers to ---- */

/* The numbers of the sets that a patient's rows and states refer to. */
struct used {
    uint32_t *list;
    size_t count;
};

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* How many states a patient has at all targets. */
static size_t count_states(const struct all_states *states) {
    size_t count = 0;
    for (size_t t = 0; t < states->targets; t++)
        count += states->count[t];
    return count;
}

/* Adds what the targets still need. */
static void add_states(struct used *used, const struct all_states *states) {
    for (size_t t = 0; t < states->targets; t++) {
        for (size_t i = 0; i < states->count[t]; i++) {
            used->list[used->count++] = states->list[t][i].sent_body.sequence;
            used->list[used->count++] = states->list[t][i].attempt_body.sequence;
        }
    }
}

/* Collects what is used, sorted; false after a fault. */
static bool collect_used(struct intake *in, uint64_t patient, struct used *used) {
    size_t count;
    struct store_said **rows = rows_said(in, patient, &count);
    const struct all_states *states = read_states(in, patient);
    if (states == NULL)
        return false;
    size_t most = count + 2 * count_states(states);
    used->list = intake_memory(in, most * sizeof *used->list);
    if (used->list == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        used->list[used->count++] = rows[i]->body.sequence;
    add_states(used, states);
    qsort(used->list, used->count, sizeof *used->list, by_number);
    return true;
}

static bool is_used(const struct used *used, uint32_t number) {
    return bsearch(&number, used->list, used->count, sizeof *used->list, by_number) != NULL;
}

void resources_sweep(struct intake *in, uint64_t patient) {
    struct used used = { NULL, 0 };
    size_t count;
    const uint32_t *sets = rows_body_sets(in, patient, &count);
    if (count < 2 || !collect_used(in, patient, &used))
        return;
    for (size_t i = 0; i + 1 < count; i++) {
        if (!is_used(&used, sets[i]))
            rows_drop_bodies(in, patient, sets[i]);
    }
}
