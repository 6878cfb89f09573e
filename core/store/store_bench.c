/* SPDX-License-Identifier: Apache-2.0 */
/* The store's benchmark: store_bench FOLDER RESOURCES.ndjson [RECORDS]. It takes resources in the
 * shape of weekly data through their whole life (wanted, attempt, settled) at one target, and
 * prints statements, bytes and CPU per resource as the store fills. */
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/store/conformance.h"
#include "core/store/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PER_RECORD = 12,
    PER_PATIENT = 10, /* records */
    RECORDS = 120000,
    BATCH = 200, /* records a transaction */
    SAMPLES = 4096
};
enum order { PATIENT_MAJOR, WEEK_MAJOR };

static const unsigned char key[32] = "a key of thirty-two bytes, so it";
static struct iptfhir_error error = ERROR_INIT;

/* The bodies of SAMPLES resources, one after another, as they were mapped. */
static struct store_bytes samples[SAMPLES];
static size_t sample_count;

static void stop(const char *what) {
    fprintf(stderr, "store_bench: %s: %s\n", what, error.text);
    exit(1);
}

static void must(bool ok, const char *what) {
    if (!ok)
        stop(what);
}

/* Reads the samples; `all` keeps their bytes. */
static void read_samples(struct str *all, const char *path) {
    must(file_read(all, path, (size_t)1 << 30, NULL), "cannot read the resources");
    char *line = all->data;
    while (line != NULL && *line != '\0' && sample_count < SAMPLES) {
        char *end = strchr(line, '\n');
        size_t length = end != NULL ? (size_t)(end - line) : strlen(line);
        samples[sample_count++] = (struct store_bytes) { line, length };
        line = end != NULL ? end + 1 : NULL;
    }
    must(sample_count >= PER_RECORD, "there are too few resources");
}

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t file_size(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Which patient and week the n-th record is of. */
static void place_of(enum order order, size_t records, size_t n, size_t *patient, size_t *week) {
    size_t patients = records / PER_PATIENT;
    *patient = order == PATIENT_MAJOR ? n / PER_PATIENT : n % patients;
    *week = order == PATIENT_MAJOR ? n % PER_PATIENT : n / patients;
}

static void random_bytes(uint64_t *seed, unsigned char *out, size_t length) {
    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = conformance_random(seed);
        memcpy(out + i, &word, 8);
    }
}

/* Writes a UUID as text. */
static void write_uuid(const unsigned char uuid[STORE_UUID], char out[37]) {
    for (int i = 0; i < STORE_UUID; i++) {
        bool hyphen = i == 4 || i == 6 || i == 8 || i == 10;
        out += sprintf(out, hyphen ? "-%02x" : "%02x", uuid[i]);
    }
}

/* What is kept of a record between its steps. */
struct in_hand {
    uint64_t patient;
    struct store_said said[PER_RECORD];
};

/* Writes what a record wants. */
static void want_resources(struct store *s, size_t n, uint64_t record, uint64_t *seed,
                           struct in_hand *hand) {
    char value[PER_RECORD][64];
    struct store_bytes bodies[PER_RECORD];
    struct store_reference reference = { "QuestionnaireResponse", { 0 } };
    uint32_t sequence;
    size_t first = n * PER_RECORD % (sample_count - PER_RECORD + 1);
    first -= first % PER_RECORD;
    for (size_t i = 0; i < PER_RECORD; i++)
        bodies[i] = samples[first + i];
    must(s->calls->bodies_put(s, hand->patient, bodies, PER_RECORD, &sequence, &error),
         "bodies_put");
    random_bytes(seed, reference.uuid, STORE_UUID);
    for (uint32_t i = 0; i < PER_RECORD; i++) {
        struct store_said *said = &hand->said[i];
        *said = (struct store_said) { .patient = hand->patient,
                                      .record = record,
                                      .type = i == 0 ? "QuestionnaireResponse" : "Observation",
                                      .system = "https://ipt.example.org/id/observation",
                                      .value = value[i],
                                      .data_class = "mental-health",
                                      .body = { sequence, i } };
        random_bytes(seed, said->uuid, STORE_UUID);
        random_bytes(seed, said->hash, STORE_HASH);
        write_uuid(said->uuid, value[i]); /* identity is what the id is made from */
        said->references = &reference;
        said->reference_count = i == 0 ? 0 : 1;
        must(s->calls->said_put(s, said, &error), "said_put");
        said->references = NULL;
        said->value = "";
    }
}

/* Writes one record and what it wants. */
static void want(struct store *s, enum order order, size_t records, size_t n, uint64_t *seed,
                 struct in_hand *hand) {
    size_t patient, week;
    char local[24], id[64];
    struct arena a = { 0 };
    struct store_record found;
    bool known;
    place_of(order, records, n, &patient, &week);
    snprintf(local, sizeof local, "%zu", 31970 + patient);
    snprintf(id, sizeof id, "WEEKLY-%zu-W%zu", 31970 + patient, week + 1);
    must(s->calls->record_find(s, id, &a, &found, &known, &error), "record_find");
    must(s->calls->patient_find(s, "clinic", local, &hand->patient, &error), "patient_find");
    if (hand->patient == 0)
        must(s->calls->patient_add(s, "clinic", local, &hand->patient, &error), "patient_add");
    struct store_record record = { .patient = hand->patient,
                                   .job = "weekly",
                                   .id = id,
                                   .unit = "weekly.csv",
                                   .order = 1,
                                   .poll = 1795000000000,
                                   .facts = { "{\"birthDate\":\"1980-01-01\"}", 26 } };
    random_bytes(seed, record.content, STORE_HASH);
    must(s->calls->record_put(s, &record, &error), "record_put");
    want_resources(s, n, record.no, seed, hand);
    arena_free(&a);
}

/* Notes the attempts of a record, or how they ended. */
static void write_states(struct store *s, uint32_t target, const struct in_hand *hand,
                         bool settled) {
    for (size_t i = 0; i < PER_RECORD; i++) {
        const struct store_said *said = &hand->said[i];
        char server_id[24];
        snprintf(server_id, sizeof server_id, "%llu",
                 (unsigned long long)(hand->patient * 1000 + said->ordinal));
        struct store_state state = { .target = target,
                                     .patient = hand->patient,
                                     .ordinal = said->ordinal,
                                     .step = STORE_UNKNOWN,
                                     .since_ms = 1795000000000,
                                     .chart = "" };
        if (settled) {
            state.step = STORE_IN_STEP;
            state.sent = true;
            state.sent_body = said->body;
            memcpy(state.sent_hash, said->hash, STORE_HASH);
            memcpy(state.attempt_hash, said->hash, STORE_HASH);
            state.server_id = server_id;
            state.version = "1";
            state.chart = "8e1f6ac2-4c1e-5b7a-9b0e-0123456789ab";
        } else {
            state.attempt = STORE_CREATE;
            state.attempt_body = said->body;
            memcpy(state.attempt_hash, said->hash, STORE_HASH);
            state.attempt_chart = "8e1f6ac2-4c1e-5b7a-9b0e-0123456789ab";
            state.attempt_ms = 1795000000000;
        }
        must(s->calls->state_put(s, &state, &error), "state_put");
    }
}

struct totals {
    double cpu, wanted, attempt, settle;
    uint64_t statements;
    int64_t began_ms;
};

/* Prints what a stretch of the fill cost. */
static void print_stretch(const char *path, size_t done, size_t records, size_t stretch,
                          const struct totals *now, const struct totals *before,
                          uint64_t statements) {
    double resources = (double)(stretch * PER_RECORD);
    char wal[256];
    snprintf(wal, sizeof wal, "%s-wal", path);
    double seconds = (double)(clock_steady_ms() - before->began_ms) / 1000;
    printf("  %3.0f %%: %5.2f us CPU (want %.2f, attempt %.2f, settle %.2f), %.2f statements, "
           "%.0f bytes a resource so far, wal %.1f MB, %.0f resources/s\n",
           100.0 * (double)done / (double)records, 1e6 * (now->cpu - before->cpu) / resources,
           1e6 * (now->wanted - before->wanted) / resources,
           1e6 * (now->attempt - before->attempt) / resources,
           1e6 * (now->settle - before->settle) / resources,
           (double)(statements - before->statements) / resources,
           (double)file_size(path) / (double)(done * PER_RECORD), (double)file_size(wal) / 1e6,
           resources / seconds);
    fflush(stdout);
}

/* Takes a batch of records through its life, in three transactions. */
static void run_batch(struct store *s, enum order order, size_t records, size_t n, size_t count,
                      uint32_t target, uint64_t *seed, struct in_hand *hands, struct totals *now) {
    double *parts[] = { &now->wanted, &now->attempt, &now->settle };
    for (int step = 0; step < 3; step++) {
        double started = cpu_seconds();
        must(s->calls->begin(s, &error), "begin");
        for (size_t i = 0; i < count; i++) {
            if (step == 0)
                want(s, order, records, n + i, seed, &hands[i]);
            else
                write_states(s, target, &hands[i], step == 2);
        }
        must(s->calls->commit(s, &error), "commit");
        *parts[step] += cpu_seconds() - started;
    }
    now->cpu = now->wanted + now->attempt + now->settle;
}

/* Opens an empty store that compresses at a level. */
static struct store *open_empty(const char *path, int level, uint32_t *target) {
    char command[512];
    snprintf(command, sizeof command, "rm -f '%s' '%s-wal' '%s-shm'", path, path, path);
    must(system(command) == 0, "cannot begin");
    struct store *s = store_open_sqlite(path, true, key, &error);
    must(s != NULL, "open");
    must(codec_set_level(sqlite_of(s), level, &error), "level");
    must(s->calls->begin(s, &error), "begin");
    must(s->calls->target_no(s, "sink", true, target, &error), "target");
    must(s->calls->commit(s, &error), "commit");
    return s;
}

/* Takes all records through their life and prints what it costs at 10, 50 and 100 %. */
static void fill(const char *folder, enum order order, int level, size_t records) {
    char path[128];
    uint64_t seed = 1;
    uint32_t target;
    struct in_hand *hands = malloc(BATCH * sizeof *hands);
    must(hands != NULL, "memory");
    snprintf(path, sizeof path, "%s/bench.db", folder);
    struct store *s = open_empty(path, level, &target);
    printf("%s, zstd %d, %zu resources\n",
           order == PATIENT_MAJOR ? "patient by patient" : "week by week", level,
           records * PER_RECORD);
    struct totals now = { 0 };
    struct totals before = { .statements = sqlite_of(s)->ran, .began_ms = clock_steady_ms() };
    size_t stretch = 0;
    double started = cpu_seconds();
    for (size_t n = 0; n < records; n += BATCH) {
        size_t count = records - n < BATCH ? records - n : BATCH;
        run_batch(s, order, records, n, count, target, &seed, hands, &now);
        stretch += count;
        size_t done = n + count;
        size_t tenth = done * 10 / records;
        if (tenth == n * 10 / records)
            continue;
        if (tenth == 1 || tenth == 5 || tenth == 10)
            print_stretch(path, done, records, stretch, &now, &before, sqlite_of(s)->ran);
        before = now;
        before.statements = sqlite_of(s)->ran;
        before.began_ms = clock_steady_ms();
        stretch = 0;
    }
    s->calls->close(s);
    free(hands);
    printf("  whole: %.2f us CPU a resource; file %.0f MB, %.1f bytes a resource\n",
           1e6 * (cpu_seconds() - started) / (double)(records * PER_RECORD),
           (double)file_size(path) / 1e6, (double)file_size(path) / (double)(records * PER_RECORD));
}

static bool count_row(void *user, const struct store_patient *patient) {
    (void)patient;
    ++*(uint64_t *)user;
    return true;
}

/* Times what status does: walk all rows and states. */
static void walk(const char *folder) {
    char path[128];
    uint64_t patients = 0, rows = 0;
    struct arena a = { 0 };
    snprintf(path, sizeof path, "%s/bench.db", folder);
    struct store *s = store_open_sqlite(path, false, key, &error);
    must(s != NULL, "open");
    double started = cpu_seconds();
    must(s->calls->patients(s, count_row, &patients, &error), "patients");
    for (uint64_t p = 1; p <= patients; p++) {
        struct store_said *said;
        struct store_state *states;
        size_t count, state_count;
        must(s->calls->said_of(s, p, &a, &said, &count, &error), "said_of");
        must(s->calls->states_of(s, 1, p, &a, &states, &state_count, &error), "states_of");
        rows += count + state_count;
        arena_reset(&a);
    }
    printf("walk: %llu rows of %llu patients, %.2f us CPU a row\n", (unsigned long long)rows,
           (unsigned long long)patients, 1e6 * (cpu_seconds() - started) / (double)rows);
    arena_free(&a);
    s->calls->close(s);
}

int main(int argc, char **argv) {
    struct str all = { 0 };
    if (argc < 3) {
        fputs("usage: store_bench FOLDER RESOURCES.ndjson [RECORDS]\n", stderr);
        return 64;
    }
    size_t records = argc > 3 ? strtoul(argv[3], NULL, 10) : RECORDS;
    read_samples(&all, argv[2]);
    fill(argv[1], PATIENT_MAJOR, 3, records);
    fill(argv[1], PATIENT_MAJOR, 1, records);
    fill(argv[1], WEEK_MAJOR, 1, records);
    fill(argv[1], WEEK_MAJOR, 3, records);
    walk(argv[1]);
    str_free(&all);
    return 0;
}
