/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the store in memory share: the medium, the handle, and the calls of store.h by
 * the file that implements them. */
#ifndef CORE_STORE_MEMORY_H
#define CORE_STORE_MEMORY_H

#include "core/store/memory_rows.h"
#include "core/store/store.h"

#include <string.h>

struct memory;
struct store_medium {
    struct memory_data data;
    struct memory *writer; /* the handle in a transaction, NULL: none */
    uint64_t commits;
    size_t shown; /* how many calls look at what was kept while the writer has changes */
    bool full;
};
struct memory {
    struct store base;
    struct store_medium *medium;
    uint64_t own_commits;
};

/* ---- memory.c ---- */

/* The handle behind the interface. */
static inline struct memory *memory_of(struct store *s) {
    return (struct memory *)(void *)s;
}
/* A key of text. */
static inline struct memory_key memory_text_key(const char *text) {
    return (struct memory_key) { .text = text, .length = strlen(text) };
}
/* Reports that memory ran out; false. */
bool memory_out(struct iptfhir_error *error);
/* Begins to read: shows a handle without transaction what was committed. */
const struct memory_data *memory_look(struct memory *m);
/* Ends what memory_look() began. */
void memory_look_away(struct memory *m);
/* The tables when this handle may write now, else NULL. */
struct memory_data *memory_writable(struct memory *m, struct iptfhir_error *error);
/* The number that a text leads to in a table, 0: none. */
uint64_t memory_number_of(const struct memory_data *data, enum memory_table_name name,
                          const struct memory_key *key);
/* Puts a value, or a number, under a key. */
bool memory_put_value(struct memory_data *data, enum memory_table_name name, struct memory_key key,
                      const void *value, struct iptfhir_error *error);
bool memory_put_number(struct memory_data *data, enum memory_table_name name, struct memory_key key,
                       uint64_t number, struct iptfhir_error *error);
/* Removes what stands under a key. */
bool memory_drop(struct memory_data *data, enum memory_table_name name, struct memory_key key,
                 struct iptfhir_error *error);
/* The number after the last in a table whose keys are numbers. */
uint64_t memory_next_number(const struct memory_table *table);
/* The number after the last that a patient has in a table (`b` of its keys). */
uint64_t memory_next_of_patient(const struct memory_table *table, uint64_t patient);
/* Copies the rows from one key up to, not including, another. */
bool memory_range_out(struct memory *m, enum memory_table_name name, struct memory_key from,
                      struct memory_key to, struct arena *a, void **list, size_t *count,
                      struct iptfhir_error *error);
/* Copies one row's value to `out`, which has `size` bytes. */
bool memory_row_out(struct memory *m, enum memory_table_name name, struct memory_key key,
                    struct arena *a, void *out, size_t size, bool *found,
                    struct iptfhir_error *error);

/* ---- the calls ---- */

bool memory_fact_get(struct store *s, const char *name, struct arena *a, struct store_bytes *value,
                     struct iptfhir_error *error);
bool memory_fact_set(struct store *s, const char *name, struct store_bytes value,
                     struct iptfhir_error *error);
bool memory_facts(struct store *s, const char *prefix,
                  bool (*each)(void *user, const char *name, struct store_bytes value), void *user,
                  struct iptfhir_error *error);
bool memory_target_no(struct store *s, const char *name, bool add, uint32_t *no,
                      struct iptfhir_error *error);
bool memory_patient_find(struct store *s, const char *clinic, const char *local_id, uint64_t *no,
                         struct iptfhir_error *error);
bool memory_patient_get(struct store *s, uint64_t no, struct arena *a, struct store_patient *out,
                        bool *found, struct iptfhir_error *error);
bool memory_patient_add(struct store *s, const char *clinic, const char *local_id, uint64_t *no,
                        struct iptfhir_error *error);
bool memory_patients(struct store *s, bool (*each)(void *user, const struct store_patient *patient),
                     void *user, struct iptfhir_error *error);
bool memory_record_get(struct store *s, uint64_t no, struct arena *a, struct store_record *out,
                       bool *found, struct iptfhir_error *error);
bool memory_record_find(struct store *s, const char *id, struct arena *a, struct store_record *out,
                        bool *found, struct iptfhir_error *error);
bool memory_record_put(struct store *s, struct store_record *record, struct iptfhir_error *error);
bool memory_records_of(struct store *s, uint64_t patient, struct arena *a,
                       struct store_record **list, size_t *count, struct iptfhir_error *error);
bool memory_records(struct store *s, const char *job,
                    bool (*each)(void *user, const struct store_record *record), void *user,
                    struct iptfhir_error *error);
bool memory_said_of(struct store *s, uint64_t patient, struct arena *a, struct store_said **list,
                    size_t *count, struct iptfhir_error *error);
bool memory_said_put(struct store *s, struct store_said *said, struct iptfhir_error *error);
bool memory_said_drop(struct store *s, uint64_t patient, uint32_t ordinal,
                      struct iptfhir_error *error);
bool memory_bodies_put(struct store *s, uint64_t patient, const struct store_bytes *bodies,
                       size_t count, uint32_t *sequence, struct iptfhir_error *error);
bool memory_bodies_get(struct store *s, uint64_t patient, uint32_t sequence, struct arena *a,
                       struct store_bytes **bodies, size_t *count, struct iptfhir_error *error);
bool memory_bodies_of(struct store *s, uint64_t patient, struct arena *a, uint32_t **sequences,
                      size_t *count, struct iptfhir_error *error);
bool memory_bodies_drop(struct store *s, uint64_t patient, uint32_t sequence,
                        struct iptfhir_error *error);
bool memory_states_of(struct store *s, uint32_t target, uint64_t patient, struct arena *a,
                      struct store_state **list, size_t *count, struct iptfhir_error *error);
bool memory_state_put(struct store *s, const struct store_state *state,
                      struct iptfhir_error *error);
bool memory_state_drop(struct store *s, uint32_t target, uint64_t patient, uint32_t ordinal,
                       struct iptfhir_error *error);
bool memory_lane_put(struct store *s, uint32_t target, uint64_t patient, int64_t due_ms,
                     struct iptfhir_error *error);
bool memory_lane_drop(struct store *s, uint32_t target, uint64_t patient,
                      struct iptfhir_error *error);
bool memory_lanes_due(struct store *s, uint32_t target, uint64_t after, int64_t now_ms, size_t most,
                      uint64_t *patients, size_t *count, int64_t *next_due,
                      struct iptfhir_error *error);
bool memory_hold_put(struct store *s, const struct store_hold *hold, struct iptfhir_error *error);
bool memory_hold_drop(struct store *s, int64_t no, struct iptfhir_error *error);
bool memory_holds(struct store *s, const char *job,
                  bool (*each)(void *user, const struct store_hold *hold), void *user,
                  struct iptfhir_error *error);
#endif
