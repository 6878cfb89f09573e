/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of the SQLite store, which store.h describes, by the file that implements them. */
#ifndef CORE_STORE_SQLITE_CALLS_H
#define CORE_STORE_SQLITE_CALLS_H

#include "core/store/store.h"

bool sqlite_fact_get(struct store *s, const char *name, struct arena *a, struct store_bytes *value,
                     struct iptfhir_error *error);
bool sqlite_fact_set(struct store *s, const char *name, struct store_bytes value,
                     struct iptfhir_error *error);
bool sqlite_facts(struct store *s, const char *prefix,
                  bool (*each)(void *user, const char *name, struct store_bytes value), void *user,
                  struct iptfhir_error *error);
bool sqlite_target_no(struct store *s, const char *name, bool add, uint32_t *no,
                      struct iptfhir_error *error);
bool sqlite_patient_find(struct store *s, const char *clinic, const char *local_id, uint64_t *no,
                         struct iptfhir_error *error);
bool sqlite_patient_get(struct store *s, uint64_t no, struct arena *a, struct store_patient *out,
                        bool *found, struct iptfhir_error *error);
bool sqlite_patient_add(struct store *s, const char *clinic, const char *local_id, uint64_t *no,
                        struct iptfhir_error *error);
bool sqlite_record_find(struct store *s, const char *id, struct arena *a, struct store_record *out,
                        bool *found, struct iptfhir_error *error);
bool sqlite_record_get(struct store *s, uint64_t no, struct arena *a, struct store_record *out,
                       bool *found, struct iptfhir_error *error);
bool sqlite_record_put(struct store *s, struct store_record *record, struct iptfhir_error *error);
bool sqlite_records_of(struct store *s, uint64_t patient, struct arena *a,
                       struct store_record **list, size_t *count, struct iptfhir_error *error);
bool sqlite_records(struct store *s, const char *job,
                    bool (*each)(void *user, const struct store_record *record), void *user,
                    struct iptfhir_error *error);
bool sqlite_said_of(struct store *s, uint64_t patient, struct arena *a, struct store_said **list,
                    size_t *count, struct iptfhir_error *error);
bool sqlite_said_put(struct store *s, struct store_said *said, struct iptfhir_error *error);
bool sqlite_said_drop(struct store *s, uint64_t patient, uint32_t ordinal,
                      struct iptfhir_error *error);
bool sqlite_bodies_put(struct store *s, uint64_t patient, const struct store_bytes *bodies,
                       size_t count, uint32_t *sequence, struct iptfhir_error *error);
bool sqlite_bodies_get(struct store *s, uint64_t patient, uint32_t sequence, struct arena *a,
                       struct store_bytes **bodies, size_t *count, struct iptfhir_error *error);
bool sqlite_bodies_of(struct store *s, uint64_t patient, struct arena *a, uint32_t **sequences,
                      size_t *count, struct iptfhir_error *error);
bool sqlite_bodies_drop(struct store *s, uint64_t patient, uint32_t sequence,
                        struct iptfhir_error *error);
bool sqlite_states_of(struct store *s, uint32_t target, uint64_t patient, struct arena *a,
                      struct store_state **list, size_t *count, struct iptfhir_error *error);
bool sqlite_state_put(struct store *s, const struct store_state *state,
                      struct iptfhir_error *error);
bool sqlite_state_drop(struct store *s, uint32_t target, uint64_t patient, uint32_t ordinal,
                       struct iptfhir_error *error);
bool sqlite_lane_put(struct store *s, uint32_t target, uint64_t patient, int64_t due_ms,
                     struct iptfhir_error *error);
bool sqlite_lane_drop(struct store *s, uint32_t target, uint64_t patient,
                      struct iptfhir_error *error);
bool sqlite_lanes_due(struct store *s, uint32_t target, uint64_t after, int64_t now_ms, size_t most,
                      uint64_t *patients, size_t *count, int64_t *next_due,
                      struct iptfhir_error *error);
bool sqlite_hold_put(struct store *s, const struct store_hold *hold, struct iptfhir_error *error);
bool sqlite_hold_drop(struct store *s, int64_t no, struct iptfhir_error *error);
bool sqlite_holds(struct store *s, const char *job,
                  bool (*each)(void *user, const struct store_hold *hold), void *user,
                  struct iptfhir_error *error);
bool sqlite_patients(struct store *s, bool (*each)(void *user, const struct store_patient *patient),
                     void *user, struct iptfhir_error *error);
#endif
