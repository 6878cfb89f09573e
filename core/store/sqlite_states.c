/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store's states. */
#include "core/store/sqlite.h"
#include "core/store/sqlite_calls.h"

#include <string.h>

/* What a row has. 16 is not used. */
enum {
    IS_SENT = 1,
    HAS_SENT = 2,
    HAS_ATTEMPT = 4,
    HAS_SERVER = 8,     /* id, version, chart */
    HAS_RARE = 32,      /* detail, decision, tries, generation, era */
    TRIED_IS_SENT = 64, /* the hash of an attempt that has ended is that of what was sent */
    HAS_TRIED = 128     /* it is another */
};
enum {
    MOST_NUMBERS = 16,
    STEP_ROW = 8,      /* rows are padded to multiples of it */
    MOST_PADDING = 128 /* an attempt that creates is padded to what the last answer needed, at most
                          this, so that noting the answer replaces it in place instead of
                          splitting its page */
};
static const unsigned char no_hash[STORE_HASH];

static bool has_text(const char *text) {
    return text != NULL && text[0] != '\0';
}
static bool has_hash(const unsigned char hash[STORE_HASH]) {
    return memcmp(hash, no_hash, STORE_HASH) != 0;
}
static bool has_body(struct store_body_at at) {
    return at.sequence != 0 || at.index != 0;
}

/* True when a state has more of an attempt than its hash. */
static bool has_attempt(const struct store_state *state) {
    return state->attempt != STORE_NO_ATTEMPT || state->attempt_wanted != 0 ||
           state->attempt_omitted != 0 || state->attempt_ms != 0 || has_body(state->attempt_body) ||
           has_text(state->attempt_version) || has_text(state->attempt_chart);
}

/* True when something of a state was sent. */
static bool has_sent(const struct store_state *state) {
    return state->sent || state->sent_wanted != 0 || state->omitted != 0 ||
           has_body(state->sent_body) || has_hash(state->sent_hash);
}

/* How the attempt of a state is kept. */
static unsigned attempt_part(const struct store_state *state) {
    if (has_attempt(state))
        return HAS_ATTEMPT;
    if (!has_hash(state->attempt_hash))
        return 0;
    bool same = memcmp(state->attempt_hash, state->sent_hash, STORE_HASH) == 0;
    return same ? TRIED_IS_SENT : HAS_TRIED;
}

/* Which of the parts a state has. */
static unsigned state_parts(const struct store_state *state) {
    unsigned parts = attempt_part(state);
    if (state->sent)
        parts |= IS_SENT;
    if (has_sent(state))
        parts |= HAS_SENT;
    if (has_text(state->server_id) || has_text(state->version) || has_text(state->chart))
        parts |= HAS_SERVER;
    if (has_text(state->detail) || has_text(state->decision) || state->tries != 0 ||
        state->generation != 0 || state->era != 0)
        parts |= HAS_RARE;
    return parts;
}

/* How much a state may take. */
static size_t state_room(const struct store_state *state) {
    return 2 * STORE_HASH + MOST_NUMBERS * PACK_NUMBER + pack_text_room(state->detail) +
           pack_text_room(state->decision) + pack_text_room(state->attempt_version) +
           pack_text_room(state->server_id) + pack_text_room(state->version) + MOST_PADDING +
           STEP_ROW;
}

static void pack_body_at(struct packer *p, struct store_body_at at) {
    pack_number(p, at.sequence);
    pack_number(p, at.index);
}

/* The words of a state: charts, since all states of a patient have the same. */
struct state_words {
    uint32_t code, attempt_chart, chart;
};

/* Packs the parts that a state has. */
static void pack_parts(struct packer *p, const struct store_state *state,
                       const struct state_words *words, unsigned parts) {
    pack_number(p, parts);
    if ((parts & HAS_SENT) != 0) {
        pack_number(p, state->sent_wanted);
        pack_bytes(p, state->sent_hash, STORE_HASH);
        pack_body_at(p, state->sent_body);
        pack_number(p, state->omitted);
    }
    if ((parts & HAS_ATTEMPT) != 0) {
        pack_number(p, state->attempt);
        pack_number(p, state->attempt_wanted);
        pack_bytes(p, state->attempt_hash, STORE_HASH);
        pack_body_at(p, state->attempt_body);
        pack_text(p, state->attempt_version, NULL);
        pack_number(p, words->attempt_chart);
        pack_number(p, state->attempt_omitted);
        pack_signed(p, (int64_t)((uint64_t)state->attempt_ms - (uint64_t)state->since_ms));
    }
    if ((parts & HAS_SERVER) != 0) {
        pack_text(p, state->server_id, NULL);
        pack_text(p, state->version, NULL);
        pack_number(p, words->chart);
    }
    if ((parts & HAS_RARE) != 0) {
        pack_text(p, state->detail, NULL);
        pack_text(p, state->decision, NULL);
        pack_signed(p, state->tries);
        pack_number(p, state->generation);
        pack_number(p, state->era);
    }
    if ((parts & HAS_TRIED) != 0)
        pack_bytes(p, state->attempt_hash, STORE_HASH);
}

/* Packs what has no column of its own. */
static bool pack_state(struct sqlite_store *s, const struct store_state *state,
                       const struct state_words *words, struct iptfhir_error *error) {
    struct packer p;
    unsigned parts = state_parts(state);
    if (!sql_pack_start(s, state_room(state), &p, error))
        return false;
    unsigned char *start = p.at;
    pack_parts(&p, state, words, parts);
    size_t length = (size_t)(p.at - start);
    size_t padded = (length + STEP_ROW - 1) / STEP_ROW * STEP_ROW;
    if ((parts & (HAS_SENT | HAS_ATTEMPT)) == HAS_SENT)
        s->settled_length = padded < MOST_PADDING ? padded : MOST_PADDING;
    if (state->attempt == STORE_CREATE && padded < s->settled_length)
        padded = s->settled_length;
    memset(p.at, 0, padded - length);
    p.at += padded - length;
    sql_pack_end(s, &p);
    return true;
}

/* What the sum of a row begins with: what stands outside its BLOB. */
static uint64_t state_seed(const uint64_t columns[4]) {
    return sql_sum_numbers(3, columns, 4);
}

bool sqlite_state_put(struct store *store, const struct store_state *state,
                      struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_int64 key;
    struct state_words words;
    if (!sql_may_write(s, error) ||
        !sql_key(state->target, state->patient, state->ordinal, ORDINAL_BITS, &key, error) ||
        !words_no(s, state->code, true, &words.code, error) ||
        !words_no(s, state->attempt_chart, true, &words.attempt_chart, error) ||
        !words_no(s, state->chart, true, &words.chart, error) ||
        !pack_state(s, state, &words, error))
        return false;
    uint64_t columns[] = { (uint64_t)key, state->step, words.code, (uint64_t)state->since_ms };
    sql_end_row(s, state_seed(columns));
    return batch_add(s, BATCH_STATE, columns, error);
}

bool sqlite_state_drop(struct store *store, uint32_t target, uint64_t patient, uint32_t ordinal,
                       struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_int64 key;
    sqlite3_stmt *drop = sql_write(s, SQL_STATE_DROP, error);
    if (drop == NULL || !batch_flush(s, BATCH_STATE, error) ||
        !sql_key(target, patient, ordinal, ORDINAL_BITS, &key, error))
        return false;
    sqlite3_bind_int64(drop, 1, key);
    return sql_run(s, drop, "state", (uint64_t)key, error);
}

static struct store_body_at unpack_body_at(struct unpacker *u) {
    struct store_body_at at;
    at.sequence = (uint32_t)unpack_number(u);
    at.index = (uint32_t)unpack_number(u);
    return at;
}

/* Reads the parts that a row has; its words are left as numbers. */
static void unpack_parts(struct unpacker *u, struct arena *a, struct store_state *out,
                         struct state_words *words) {
    uint64_t parts = unpack_number(u);
    out->sent = (parts & IS_SENT) != 0;
    if ((parts & HAS_SENT) != 0) {
        out->sent_wanted = (enum store_wanted)unpack_number(u);
        unpack_bytes(u, out->sent_hash, STORE_HASH);
        out->sent_body = unpack_body_at(u);
        out->omitted = (uint32_t)unpack_number(u);
    }
    if ((parts & HAS_ATTEMPT) != 0) {
        out->attempt = (enum store_verb)unpack_number(u);
        out->attempt_wanted = (enum store_wanted)unpack_number(u);
        unpack_bytes(u, out->attempt_hash, STORE_HASH);
        out->attempt_body = unpack_body_at(u);
        out->attempt_version = unpack_text(u, a, NULL);
        words->attempt_chart = (uint32_t)unpack_number(u);
        out->attempt_omitted = (uint32_t)unpack_number(u);
        out->attempt_ms = (int64_t)((uint64_t)unpack_signed(u) + (uint64_t)out->since_ms);
    }
    if ((parts & HAS_SERVER) != 0) {
        out->server_id = unpack_text(u, a, NULL);
        out->version = unpack_text(u, a, NULL);
        words->chart = (uint32_t)unpack_number(u);
    }
    if ((parts & HAS_RARE) != 0) {
        out->detail = unpack_text(u, a, NULL);
        out->decision = unpack_text(u, a, NULL);
        out->tries = (int32_t)unpack_signed(u);
        out->generation = (uint32_t)unpack_number(u);
        out->era = (uint32_t)unpack_number(u);
    }
    if ((parts & TRIED_IS_SENT) != 0)
        memcpy(out->attempt_hash, out->sent_hash, STORE_HASH);
    else if ((parts & HAS_TRIED) != 0)
        unpack_bytes(u, out->attempt_hash, STORE_HASH);
}

/* True when no text of a state is missing for want of memory. */
static bool all_texts(const struct store_state *state) {
    return state->detail != NULL && state->decision != NULL && state->attempt_version != NULL &&
           state->server_id != NULL && state->version != NULL;
}

/* Reads the row that a statement stands on. */
static bool read_state(struct sqlite_store *s, sqlite3_stmt *row, struct arena *a,
                       struct store_state *out, struct iptfhir_error *error) {
    struct unpacker u;
    struct state_words words = { 0, 0, 0 };
    uint64_t columns[4];
    for (int i = 0; i < 4; i++)
        columns[i] = (uint64_t)sqlite3_column_int64(row, i);
    uint64_t key = columns[0];
    memset(out, 0, sizeof *out);
    out->target = (uint32_t)(key >> (PATIENT_BITS + ORDINAL_BITS));
    out->patient = key >> ORDINAL_BITS & (((uint64_t)1 << PATIENT_BITS) - 1);
    out->ordinal = (uint32_t)(key & ((1u << ORDINAL_BITS) - 1));
    out->step = (enum store_step)columns[1];
    out->since_ms = (int64_t)columns[3];
    out->detail = out->decision = out->attempt_version = out->server_id = out->version = "";
    if (!sql_open_row(row, 4, state_seed(columns), &u))
        return sql_damaged("state", key, error);
    unpack_parts(&u, a, out, &words);
    if (u.failed)
        return sql_damaged("state", key, error);
    if (!all_texts(out))
        return sql_out_of_memory(error);
    return words_text(s, columns[2], a, &out->code, error) &&
           words_text(s, words.attempt_chart, a, &out->attempt_chart, error) &&
           words_text(s, words.chart, a, &out->chart, error);
}

bool sqlite_states_of(struct store *store, uint32_t target, uint64_t patient, struct arena *a,
                      struct store_state **list, size_t *count, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *get = sql_start(s, SQL_STATES_OF, error);
    void *rows = NULL;
    size_t read = 0;
    int row = -1;
    *list = NULL;
    *count = 0;
    if (get == NULL || !batch_flush(s, BATCH_STATE, error) ||
        !sql_bind_range(get, target, patient, ORDINAL_BITS, error))
        return false;
    while ((row = sql_step(s, get, "state of patient", patient, error)) == 1) {
        if (!sql_list_room(s, (read + 1) * sizeof **list, error) ||
            !read_state(s, get, a, (struct store_state *)s->list + read, error))
            break;
        read++;
    }
    sqlite3_reset(get);
    if (row != 0 || !sql_list_out(s, read, sizeof **list, a, &rows, error))
        return false;
    *list = rows;
    *count = read;
    return true;
}
