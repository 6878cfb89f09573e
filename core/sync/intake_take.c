/* SPDX-License-Identifier: Apache-2.0 */
/* One reading of a record becomes rows: which revision counts, whose it is, and what is held. */
#include "core/sync/intake_internal.h"

#include <stdio.h>
#include <string.h>

#define FUTURE_MS (24 * 3600 * 1000LL) /* how far ahead of the clock a revision may be */

static const unsigned char no_content[STORE_HASH];

static bool same_text(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

static bool same_bytes(struct store_bytes a, struct store_bytes b) {
    bool equal_length = a.length == b.length;
    return equal_length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* ---- revisions ---- */

int take_compare(const struct intake_record *record, const struct store_record *row) {
    bool timed = record->revision_ms != 0 || row->revision_ms != 0;
    bool comparable = record->revision_ms != 0 && row->revision_ms != 0;
    int64_t a = timed ? record->revision_ms : record->order;
    int64_t b = timed ? row->revision_ms : row->order;
    if (timed && !comparable)
        return 0; /* one of them has no time: the order of arrival counts */
    return (a > b) - (a < b);
}

bool take_is_future(const struct intake_record *record, int64_t now_ms) {
    return record->revision_ms > now_ms + FUTURE_MS;
}

bool take_same_content(const struct intake_record *record, const struct store_record *row) {
    bool known = memcmp(row->content, no_content, STORE_HASH) != 0;
    return known && memcmp(record->content, row->content, STORE_HASH) == 0;
}

bool take_is_as_before(const struct intake *in, const struct intake_record *record,
                       const struct store_record *row) {
    bool settled = row->state == STORE_RECORD_LEFT || row->state == STORE_RECORD_ERROR;
    bool ours = same_text(row->job, in->settings->job);
    return ours && !settled && *row->decision == '\0' && take_same_content(record, row);
}

/* ---- holding ---- */

/* What a record that is held looks like; written only when something of it is new. */
static void put_held(struct intake *in, struct store_record *row, const char *code,
                     const char *detail, struct store_bytes facts) {
    bool held = row->no != 0 && row->state == STORE_RECORD_HELD;
    bool stands = held && same_text(row->code, code) && same_text(row->detail, detail) &&
                  same_bytes(row->facts, facts);
    row->state = STORE_RECORD_HELD;
    row->code = code;
    row->detail = detail;
    row->facts = facts;
    if (stands)
        return;
    row->poll = in->poll;
    rows_put_record(in, row);
    rows_put_lanes(in, row->patient);
}

/* Holds a record for what this reading of it says. A reading never makes permissions. */
static void hold_reading(struct intake *in, struct store_record *row,
                         const struct intake_record *record, const char *code, const char *detail,
                         int64_t now_ms) {
    const struct store_hold_key key = { in->settings->job, record->unit, record->id, "", code };
    bool again = row->state == STORE_RECORD_HELD && bits_have(&in->seen, row->no);
    struct store_bytes facts = facts_held(in, row->facts, again, &record->facts, 1);
    holds_say(in, &key, detail, now_ms);
    put_held(in, row, code, detail, facts);
    refusals_keep(in, row, record->local_id, record->facts, record->revision_ms);
    bits_set(in, &in->seen, row->no);
    in->counts.held++;
}

/* Two readings of one revision differ: neither counts, and both are read again next time. */
static void hold_duplicate(struct intake *in, struct store_record *row,
                           const struct intake_record *record, int64_t now_ms) {
    const char *detail = "the source gives two different contents for this record with the same "
                         "extractedAt: leave one, or give the later one a later time";
    const struct store_hold_key key = { in->settings->job, record->unit, record->id, "",
                                        "duplicate-record" };
    bool again = row->state == STORE_RECORD_HELD;
    struct store_bytes base = again ? row->facts : (struct store_bytes) { "{}", 2 };
    const struct store_bytes both[2] = { record->facts, row->facts };
    struct store_bytes facts = facts_held(in, base, again, both, again ? 1 : 2);
    bool must_forget = memcmp(row->content, no_content, STORE_HASH) != 0;
    memset(row->content, 0, STORE_HASH);
    if (must_forget)
        row->code = "";
    holds_say(in, &key, detail, now_ms);
    put_held(in, row, "duplicate-record", detail, facts);
    refusals_keep(in, row, record->local_id, record->facts, record->revision_ms);
    bits_set(in, &in->counted, row->no);
    in->counts.held++;
}

/* The record belongs to another job: its row stays as it is. */
static void hold_foreign(struct intake *in, const struct store_record *row,
                         const struct intake_record *record, int64_t now_ms) {
    char detail[512];
    const struct store_hold_key key = { in->settings->job, record->unit, record->id, "",
                                        "duplicate-record" };
    snprintf(detail, sizeof detail,
             "job %.200s has a record with this id and is configured, too: let only one of both "
             "jobs read it, or give the records ids of their own",
             row->job);
    holds_say(in, &key, detail, now_ms);
    in->counts.held++;
}

/* True when the row is the job's, also when it is so only from now on: a job that is configured no
 * more loses its records to the one that reads them. */
static bool take_over(struct intake *in, struct store_record *row) {
    if (same_text(row->job, in->settings->job))
        return true;
    if (rows_job_stands(in, row->job))
        return false;
    row->job = in->settings->job;
    row->poll = in->poll;
    rows_put_record(in, row);
    rows_put_lanes(in, row->patient);
    return true;
}

/* A row for a record that has none yet and is held. */
static bool new_row(struct intake *in, const char *id, const char *unit, const char *local_id,
                    struct store_record *row) {
    bool fresh;
    *row = (struct store_record) { .job = in->settings->job,
                                   .id = id,
                                   .unit = unit,
                                   .code = "",
                                   .detail = "",
                                   .decision = "",
                                   .poll = in->poll };
    row->patient = rows_patient(in, local_id, true, &fresh);
    return row->patient != 0;
}

/* ---- as it was ---- */

/* The record is as its rows say: a hold goes, the revision moves on. */
static void confirm(struct intake *in, const struct intake_record *record,
                    struct store_record *row) {
    bool newer = take_compare(record, row) > 0;
    bool elsewhere = !same_text(record->unit, row->unit);
    bool back = row->state != STORE_RECORD_LIVE;
    bits_set(in, &in->seen, row->no);
    bits_set(in, &in->counted, row->no);
    if (back) {
        refusals_forget(in, row);
        holds_release(in, row->id, row->code);
        row->state = STORE_RECORD_LIVE;
        row->code = row->detail = "";
        row->facts = facts_live(in, row->facts);
        row->poll = in->poll;
        rows_put_lanes(in, row->patient);
    }
    if (newer) {
        row->revision_ms = record->revision_ms;
        row->order = record->order;
    }
    row->unit = record->unit;
    if (newer || elsewhere || back)
        rows_put_record(in, row);
}

void take_confirmed(struct intake *in, const struct intake_record *record) {
    struct store_record row;
    bool usable = rows_record(in, record->id, &row) && take_is_as_before(in, record, &row) &&
                  take_compare(record, &row) >= 0;
    if (usable)
        confirm(in, record, &row);
}

/* ---- whose it is ---- */

/* Names both patients by hash. */
static const char *moved_detail(struct intake *in, const char *from, const char *to) {
    char old[17] = "";
    char new[17] = "";
    char *text = intake_memory(in, 256);
    bool named = crypt_log_name(in->settings->hash_key, from, old) &&
                 crypt_log_name(in->settings->hash_key, to, new);
    if (text == NULL || !named)
        return "";
    snprintf(text, 256,
             "what was sent of this record belongs to patient %s, and it now names patient %s: say "
             "move, same or leave",
             old, new);
    return text;
}

/* Keeps that a local id means a former patient, for later polls: the identities of this one were
 * made without knowing it. The next one reads everything, so that it meets all records of that id.
 */
static void add_alias(struct intake *in, const char *local_id, uint64_t patient) {
    size_t size = strlen(in->settings->clinic) + strlen(local_id) + strlen(in->settings->job) + 16;
    char *name = intake_memory(in, size);
    char number[24];
    if (name == NULL)
        return;
    snprintf(name, size, "alias %s\x1f%s", in->settings->clinic, local_id);
    snprintf(number, sizeof number, "%llu", (unsigned long long)patient);
    rows_set_fact(in, name, number);
    snprintf(name, size, "reread %s", in->settings->job);
    rows_set_fact(in, name, "1");
}

/* The record names another patient and something of it was sent: a person decides. */
static void hold_moved(struct intake *in, struct store_record *row,
                       const struct intake_record *record, int64_t now_ms) {
    const char *detail = moved_detail(in, rows_local_id(in, row->patient), record->local_id);
    if (take_compare(record, row) > 0) {
        row->revision_ms = record->revision_ms;
        row->order = record->order;
        row->code = ""; /* so that the row is written */
    }
    row->facts = facts_moved(in, row->facts);
    bits_set(in, &in->counted, row->no);
    hold_reading(in, row, record, "patient-changed", detail, now_ms);
}

/* A person said that both local ids are one patient. The reading in hand has identities of the new
 * id: the next one, made with those of the old, is taken. */
static void apply_same(struct intake *in, struct store_record *row,
                       const struct intake_record *record, int64_t now_ms) {
    add_alias(in, record->local_id, row->patient);
    memset(row->content, 0, STORE_HASH);
    row->decision = "";
    hold_reading(in, row, record, "patient-changed",
                 "the patient is known as the same now: the next reading is taken", now_ms);
}

/* Forgets a decision that was about another patient than the one that the record names by now. */
static void check_decision(struct intake *in, struct store_record *row,
                           const struct intake_record *record) {
    const char *named = facts_held_id(in, row->facts);
    if (named != NULL && !same_text(named, record->local_id))
        row->decision = "";
}

/* Takes the record away from its former patient. False: it stays held. */
static bool change_patient(struct intake *in, struct store_record *row,
                           const struct intake_record *record, uint64_t patient, int64_t now_ms) {
    check_decision(in, row, record);
    bool decided = *row->decision != '\0';
    bool touched = resources_touched(in, row);
    bool leave = decided && same_text(row->decision, "leave");
    if (touched && decided && same_text(row->decision, "same")) {
        apply_same(in, row, record, now_ms);
        return false;
    }
    if (touched && !leave && !(decided && same_text(row->decision, "move"))) {
        hold_moved(in, row, record, now_ms);
        return false;
    }
    resources_leave(in, row, leave ? STORE_WANTED_NOTHING : STORE_WANTED_MOVED);
    if (touched)
        row->moved_from = row->patient;
    row->patient = patient;
    return true;
}

/* ---- a reading that counts ---- */

static void say_parts(struct intake *in, const struct intake_record *record, int64_t now_ms) {
    for (size_t i = 0; i < record->part_count; i++) {
        const struct intake_part *part = &record->parts[i];
        const struct store_hold_key key = { in->settings->job, record->unit, record->id,
                                            part->place, part->code };
        holds_say(in, &key, part->detail, now_ms);
    }
}

/* Writes the record's row and what it makes. */
static void take_reading(struct intake *in, struct store_record *row,
                         const struct intake_record *record, bool rows_exist, int64_t now_ms) {
    bool was_live = row->no != 0 && row->state == STORE_RECORD_LIVE;
    bool same_facts = same_bytes(row->facts, record->facts);
    bool is_new = row->no == 0;
    row->unit = record->unit;
    row->revision_ms = record->revision_ms;
    row->order = record->order;
    row->state = STORE_RECORD_LIVE;
    row->code = row->detail = row->decision = "";
    row->facts = record->facts;
    row->poll = in->poll;
    memcpy(row->content, record->content, STORE_HASH);
    rows_put_record(in, row);
    bool changed = resources_take(in, row->patient, row, record, rows_exist && !is_new);
    if (changed || !was_live || !same_facts)
        rows_put_lanes(in, row->patient);
    holds_doubt(in, record->id);
    say_parts(in, record, now_ms);
    holds_release(in, record->id, NULL);
    bits_set(in, &in->seen, row->no);
    bits_set(in, &in->counted, row->no);
    in->counts.mapped++;
}

/* Takes a reading whose record has no row yet. */
static void take_new(struct intake *in, const struct intake_record *record, int64_t now_ms) {
    struct store_record row;
    if (new_row(in, record->id, record->unit, record->local_id, &row))
        take_reading(in, &row, record, false, now_ms);
}

/* Takes a reading that is no older than the row. */
static void take_newer(struct intake *in, struct store_record *row,
                       const struct intake_record *record, int64_t now_ms) {
    bool fresh;
    uint64_t before = row->patient;
    uint64_t patient = rows_patient(in, record->local_id, false, &fresh);
    bool moves = patient != before;
    if (moves && !change_patient(in, row, record, patient, now_ms))
        return;
    if (moves && patient == 0)
        row->patient = rows_patient(in, record->local_id, true, &fresh);
    if (row->state != STORE_RECORD_LIVE)
        refusals_forget(in, row);
    if (intake_ok(in))
        take_reading(in, row, record, !fresh, now_ms);
}

void take_record(struct intake *in, const struct intake_record *record, int64_t now_ms) {
    struct store_record row;
    bool found = rows_record(in, record->id, &row);
    bool future = take_is_future(record, now_ms);
    in->counts.records++;
    if (found && !take_over(in, &row)) {
        hold_foreign(in, &row, record, now_ms);
        return;
    }
    if (future && !found)
        found = new_row(in, record->id, record->unit, record->local_id, &row);
    if (future && found) {
        hold_reading(in, &row, record, "revision-future",
                     "its extractedAt is more than 24 hours ahead: correct the source's clock",
                     now_ms);
        return;
    }
    if (!found) {
        take_new(in, record, now_ms);
        return;
    }
    int order = take_compare(record, &row);
    bool again = bits_have(&in->counted, row.no) && order == 0;
    if (order < 0) {
        bits_set(in, &in->seen, row.no);
        in->counts.stale++;
    } else if (again && !take_same_content(record, &row)) {
        hold_duplicate(in, &row, record, now_ms);
    } else if (take_is_as_before(in, record, &row)) {
        confirm(in, record, &row);
        in->counts.unchanged++;
    } else {
        take_newer(in, &row, record, now_ms);
    }
}

/* ---- what could not become a record ---- */

void take_hidden(struct intake *in, struct store_record *row, int64_t now_ms) {
    static const char code[] = "record-hidden";
    static const char detail[] = "its file has a row that can't be read, and it isn't among the "
                                 "others: correct the row that is held beside it";
    const struct store_hold_key key = { in->settings->job, row->unit, row->id, "", code };
    holds_say(in, &key, detail, now_ms);
    put_held(in, row, code, detail, row->facts);
}

void take_unhidden(struct intake *in, struct store_record *row) {
    holds_release(in, row->id, row->code);
    row->state = STORE_RECORD_LIVE;
    row->code = row->detail = "";
    row->poll = in->poll;
    rows_put_record(in, row);
    rows_put_lanes(in, row->patient);
}

void take_hold(struct intake *in, const struct intake_entry *entry) {
    struct store_record row = { 0 };
    const char *id = entry->key.record;
    const char *local_id = facts_local_id(in, entry->facts);
    bool named = *id != '\0';
    in->counts.records++;
    in->counts.held++;
    holds_say(in, &entry->key, entry->detail, entry->now_ms);
    bool found = named && rows_record(in, id, &row);
    if (!named) {
        in->unreadable = true;
        (void)intake_set_add(in, &in->torn, intake_hash64(entry->key.unit));
        if (local_id != NULL)
            refusals_keep_nameless(in, entry->key.unit, local_id, entry->facts);
        return;
    }
    if (!found) {
        if (local_id == NULL || !new_row(in, id, entry->key.unit, local_id, &row))
            return;
    } else if (!take_over(in, &row)) {
        return;
    }
    bool again = found && row.state == STORE_RECORD_HELD && bits_have(&in->seen, row.no);
    bool readable = entry->facts.data != NULL;
    struct store_bytes facts = facts_held(in, row.facts, again, &entry->facts, readable ? 1 : 0);
    put_held(in, &row, entry->key.code, entry->detail, facts);
    if (local_id != NULL)
        refusals_keep(in, &row, local_id, entry->facts, row.revision_ms);
    bits_set(in, &in->seen, row.no);
}
