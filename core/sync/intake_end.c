/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a poll: what a complete export no longer has, and whether the withdrawals are too
 * many. */
#include "core/sync/intake_internal.h"

#include "core/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MS (7 * 24 * 3600 * 1000LL) /* withdrawals within it count together */
#define FEW 20u                            /* so many pass always */
#define NAME_BYTES 320

static void *longer(struct intake *in, void *list, size_t *capacity, size_t count, size_t size) {
    if (count < *capacity)
        return list;
    size_t more = *capacity > 0 ? *capacity * 2 : 64;
    void *grown = base_realloc(list, more * size);
    if (grown == NULL) {
        intake_fault(in, "memory", "out of memory");
        return NULL;
    }
    *capacity = more;
    return grown;
}

/* ---- records that a complete export no longer has ---- */

struct absence {
    struct intake *in;
    uint64_t *gone;
    size_t count, capacity;
    uint64_t records; /* of the job that stood before the poll */
    bool any_present;
};

static bool on_record(void *user, const struct store_record *record) {
    struct absence *a = user;
    struct intake *in = a->in;
    bool stands = record->state == STORE_RECORD_LIVE || record->state == STORE_RECORD_HELD;
    bool present = bits_have(&in->seen, record->no) ||
                   intake_set_has(&in->present, intake_hash64(record->unit));
    a->records++;
    a->any_present = a->any_present || present;
    if (present || !stands)
        return true;
    uint64_t *list = longer(in, a->gone, &a->capacity, a->count, sizeof *list);
    if (list == NULL)
        return false;
    a->gone = list;
    a->gone[a->count++] = record->no;
    return true;
}

/* Holds a record that is gone; what was sent of it stays until a person decides. */
static void hold_gone(struct intake *in, uint64_t no, bool mass, int64_t now_ms) {
    struct store_record row;
    bool found = false;
    const char *code = mass ? "mass-withdrawal" : "record-gone";
    const char *detail =
        mass ? "many records at once, or all, are no longer in the export: look at the export, "
               "then say error or left"
             : "the export no longer has this record: say error when it was never true, or left";
    if (!in->calls->record_get(in->store, no, &in->scratch, &row, &found, &in->fault) || !found) {
        intake_fault(in, "store", "a record could not be read; run the command again");
        return;
    }
    const struct store_hold_key key = { in->settings->job, row.unit, row.id, "", code };
    holds_release(in, row.id, row.code);
    holds_say(in, &key, detail, now_ms);
    row.state = STORE_RECORD_GONE;
    row.code = code;
    row.detail = detail;
    row.poll = in->poll;
    rows_put_record(in, &row);
    rows_put_lanes(in, row.patient);
    in->counts.mass_held += mass;
    arena_reset(&in->scratch);
}

/* Finds the records that a complete export no longer has. A row that found no record could have
 * been any of them: then none is gone. */
static void settle_absences(struct intake *in, int64_t now_ms) {
    struct absence a = { .in = in };
    if (in->settings->complete != INTAKE_EXPORT || in->unreadable)
        return;
    bool read = in->calls->records(in->store, in->settings->job, on_record, &a, &in->fault);
    if (!read && intake_ok(in))
        intake_fault(in, "store", "the records could not be read; run the command again");
    uint64_t tenth = a.records / 10;
    uint64_t limit = tenth > FEW ? tenth : FEW;
    bool mass = !a.any_present || a.count > limit;
    for (size_t i = 0; i < a.count && intake_ok(in); i++)
        hold_gone(in, a.gone[i], mass, now_ms);
    base_free(a.gone);
}

/* ---- records that an unreadable row may be ---- */

struct hiding {
    struct intake *in;
    uint64_t *list; /* of records that are hidden now, or were and are no more */
    size_t count, capacity;
};

static bool is_hidden(const struct store_record *record) {
    return record->state == STORE_RECORD_HELD && strcmp(record->code, "record-hidden") == 0;
}

/* Whether a record's unit was read in this poll without showing it, and has an unreadable row. */
static bool is_torn(struct intake *in, const struct store_record *record) {
    return intake_set_has(&in->torn, intake_hash64(record->unit));
}

static bool on_hideable(void *user, const struct store_record *record) {
    struct hiding *h = user;
    struct intake *in = h->in;
    if (bits_have(&in->seen, record->no))
        return true;
    bool hides = record->state == STORE_RECORD_LIVE && is_torn(in, record);
    bool read = intake_set_has(&in->holds.units_read, intake_hash64(record->unit));
    bool shows = is_hidden(record) && read && !is_torn(in, record);
    if (!hides && !shows)
        return true;
    uint64_t *list = longer(in, h->list, &h->capacity, h->count, sizeof *list);
    if (list == NULL)
        return false;
    h->list = list;
    h->list[h->count++] = record->no;
    return true;
}

/* Holds records that may be the row which can't be read, and lets go those that it hid before.
 * Where units are read in part, a record that isn't shown says nothing. */
static void settle_hidden(struct intake *in, int64_t now_ms) {
    struct hiding h = { .in = in };
    if (!in->settings->units_whole || !intake_ok(in))
        return;
    bool read = in->calls->records(in->store, in->settings->job, on_hideable, &h, &in->fault);
    if (!read && intake_ok(in))
        intake_fault(in, "store", "the records could not be read; run the command again");
    for (size_t i = 0; i < h.count && intake_ok(in); i++) {
        struct store_record row;
        bool found = false;
        read = in->calls->record_get(in->store, h.list[i], &in->scratch, &row, &found, &in->fault);
        if (!read || !found)
            intake_fault(in, "store", "a record could not be read; run the command again");
        else if (is_hidden(&row))
            take_unhidden(in, &row);
        else
            take_hidden(in, &row, now_ms);
        arena_reset(&in->scratch);
    }
    base_free(h.list);
}

/* ---- withdrawals ---- */

void end_keep_withdrawn(struct intake *in) {
    char name[NAME_BYTES];
    struct str list = { 0 };
    if (in->withdrawn_count == 0 || !intake_ok(in))
        return;
    for (size_t i = 0; i < in->withdrawn_count; i++)
        str_printf(&list, "%llu %u\n", (unsigned long long)in->withdrawn[i].patient,
                   (unsigned)in->withdrawn[i].ordinal);
    snprintf(name, sizeof name, "withdrawing %s %lld %u", in->settings->job, (long long)in->poll,
             (unsigned)in->withdrawn_part++);
    if (list.failed)
        intake_fault(in, "memory", "out of memory");
    else
        rows_set_fact(in, name, list.data);
    str_free(&list);
    in->withdrawn_count = 0;
}

/* Rows that wait for the decision, and facts that are to be forgotten. */
struct pending {
    struct intake *in;
    struct intake_withdrawn *rows;
    size_t count, capacity;
    char **names;
    size_t name_count, name_capacity;
    int64_t since_ms;   /* older facts are forgotten */
    uint64_t this_week; /* withdrawals of polls that have ended */
};

/* Remembers a fact to be forgotten: facts are not written while they are read. */
static bool forget_later(struct pending *p, const char *name) {
    char **list = longer(p->in, p->names, &p->name_capacity, p->name_count, sizeof *list);
    if (list == NULL)
        return false;
    p->names = list;
    size_t length = strlen(name) + 1;
    char *kept = base_malloc(length);
    if (kept == NULL) {
        intake_fault(p->in, "memory", "out of memory");
        return false;
    }
    p->names[p->name_count++] = memcpy(kept, name, length);
    return true;
}

static bool on_pending(void *user, const char *name, struct store_bytes value) {
    struct pending *p = user;
    const char *text = value.data;
    const char *end = value.data + value.length;
    while (text < end) {
        char line[64];
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((newline != NULL ? newline : end) - text);
        if (length >= sizeof line)
            break;
        memcpy(line, text, length);
        line[length] = '\0';
        text += length + 1;
        struct intake_withdrawn *rows =
            longer(p->in, p->rows, &p->capacity, p->count, sizeof *rows);
        if (rows == NULL)
            return false;
        p->rows = rows;
        char *rest = NULL;
        uint64_t patient = strtoull(line, &rest, 10);
        rows[p->count++] = (struct intake_withdrawn) { patient, (uint32_t)strtoul(rest, NULL, 10) };
    }
    return forget_later(p, name);
}

static bool on_withdrawn(void *user, const char *name, struct store_bytes value) {
    struct pending *p = user;
    char text[64] = "";
    size_t length = value.length < sizeof text - 1 ? value.length : sizeof text - 1;
    memcpy(text, value.data, length);
    char *rest = NULL;
    int64_t when_ms = strtoll(text, &rest, 10);
    if (when_ms < p->since_ms)
        return forget_later(p, name);
    p->this_week += strtoull(rest, NULL, 10);
    return true;
}

static int by_patient(const void *a, const void *b) {
    const struct intake_withdrawn *x = a;
    const struct intake_withdrawn *y = b;
    if (x->patient != y->patient)
        return x->patient < y->patient ? -1 : 1;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

/* The row, when it still waits for the decision; NULL otherwise. */
static struct store_said *waiting_row(struct store_said **rows, size_t count, uint32_t ordinal) {
    for (size_t i = 0; i < count; i++) {
        struct store_said *row = rows[i];
        bool withdrawn = row->wanted != STORE_WANTED_BODY && row->wanted != STORE_WANTED_NOTHING;
        if (row->ordinal == ordinal && withdrawn && strcmp(row->code, "mass-withdrawal") == 0)
            return row;
    }
    return NULL;
}

/* Walks the rows that wait: counts them, and lets them pass when told so. */
static uint64_t walk_pending(struct pending *p, bool pass) {
    struct intake *in = p->in;
    struct store_said **rows = NULL;
    size_t count = 0;
    uint64_t waiting = 0;
    for (size_t i = 0; i < p->count && intake_ok(in); i++) {
        bool same = i > 0 && p->rows[i].patient == p->rows[i - 1].patient;
        bool twice = same && p->rows[i].ordinal == p->rows[i - 1].ordinal;
        if (!same) {
            arena_reset(&in->scratch);
            rows = rows_said(in, p->rows[i].patient, &count);
        }
        struct store_said *row = twice ? NULL : waiting_row(rows, count, p->rows[i].ordinal);
        if (row == NULL)
            continue;
        waiting++;
        if (pass) {
            row->code = row->detail = "";
            rows_put_said(in, row);
            rows_put_lanes(in, row->patient);
        }
    }
    arena_reset(&in->scratch);
    return waiting;
}

struct census {
    struct intake *in;
    struct intake_bits records;
    struct intake_bits patients;
};
static bool on_counted(void *user, const struct store_record *record) {
    struct census *c = user;
    bits_set(c->in, &c->records, record->no);
    bits_set(c->in, &c->patients, record->patient);
    return intake_ok(c->in);
}

/* How many resources the job's records say. */
static uint64_t count_resources(struct intake *in) {
    struct census c = { .in = in };
    uint64_t resources = 0;
    bool read = in->calls->records(in->store, in->settings->job, on_counted, &c, &in->fault);
    if (!read && intake_ok(in))
        intake_fault(in, "store", "the records could not be read; run the command again");
    for (uint64_t no = 1; no < c.patients.words * 64 && intake_ok(in); no++) {
        size_t count = 0;
        if (!bits_have(&c.patients, no))
            continue;
        struct store_said **rows = rows_said(in, no, &count);
        for (size_t i = 0; i < count; i++) {
            bool said = rows[i]->wanted != STORE_WANTED_NOTHING;
            resources += said && bits_have(&c.records, rows[i]->record);
        }
        arena_reset(&in->scratch);
    }
    base_free(c.records.bits);
    base_free(c.patients.bits);
    return resources;
}

/* True when so many withdrawals within the window are no accident of one record, and where any may
 * be one of the mappings: what left may still stand in its record. */
static bool is_mass(struct intake *in, uint64_t withdrawals) {
    if (in->remapped)
        return true;
    if (withdrawals <= FEW)
        return false;
    return withdrawals > count_resources(in) / 10;
}

/* Keeps that withdrawals were decided, and forgets what is no longer needed. */
static void keep_decided(struct pending *p, uint64_t count, int64_t now_ms) {
    char name[NAME_BYTES];
    char text[64];
    struct intake *in = p->in;
    for (size_t i = 0; i < p->name_count; i++)
        rows_set_fact(in, p->names[i], NULL);
    if (count == 0)
        return;
    snprintf(name, sizeof name, "withdrawn %s %lld", in->settings->job, (long long)in->poll);
    snprintf(text, sizeof text, "%lld %llu", (long long)now_ms, (unsigned long long)count);
    rows_set_fact(in, name, text);
}

/* Lets the withdrawals of the poll pass, unless they are too many. */
static void settle_withdrawals(struct intake *in, int64_t now_ms) {
    char prefix[NAME_BYTES];
    struct pending p = { .in = in, .since_ms = now_ms - WINDOW_MS };
    snprintf(prefix, sizeof prefix, "withdrawing %s ", in->settings->job);
    bool read = in->calls->facts(in->store, prefix, on_pending, &p, &in->fault);
    snprintf(prefix, sizeof prefix, "withdrawn %s ", in->settings->job);
    read = read && in->calls->facts(in->store, prefix, on_withdrawn, &p, &in->fault);
    if (!read && intake_ok(in))
        intake_fault(in, "store", "the facts could not be read; run the command again");
    if (p.count > 1)
        qsort(p.rows, p.count, sizeof *p.rows, by_patient);
    uint64_t waiting = walk_pending(&p, false);
    bool mass = waiting > 0 && is_mass(in, p.this_week + waiting);
    if (mass)
        in->counts.mass_held += waiting;
    else
        (void)walk_pending(&p, true);
    uint64_t by_records = in->remapped ? 0 : waiting; /* those of the week that say something */
    keep_decided(&p, by_records, now_ms);
    for (size_t i = 0; i < p.name_count; i++)
        base_free(p.names[i]);
    base_free(p.names);
    base_free(p.rows);
}

void end_settle(struct intake *in, int64_t now_ms) {
    settle_absences(in, now_ms);
    settle_hidden(in, now_ms);
    refusals_settle(in);
    settle_withdrawals(in, now_ms);
    if (intake_ok(in))
        holds_settle(in);
}
