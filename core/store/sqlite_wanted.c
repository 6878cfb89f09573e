/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store's wanted rows. */
#include "core/store/sqlite.h"
#include "core/store/sqlite_calls.h"

#include <string.h>

/* What a row has besides UUID and hash. */
enum {
    HAS_IDENTIFIER = 1,
    HAS_CLASS = 2,
    HAS_AS_OF = 4,
    HAS_CODE = 8,
    HAS_DETAIL = 16,
    HAS_REFERENCES = 32,
    HAS_BODY = 64
};
enum { MOST_NUMBERS = 12, LEAST_REFERENCE = 1 + STORE_UUID };

/* The numbers that stand for the words of a row. */
struct said_words {
    uint32_t type, system, data_class, code;
};

static bool has_text(const char *text) {
    return text != NULL && text[0] != '\0';
}

/* Which of the parts a row has. */
static unsigned said_parts(const struct store_said *said) {
    unsigned parts = 0;
    if (has_text(said->system) || has_text(said->value))
        parts |= HAS_IDENTIFIER;
    if (has_text(said->data_class))
        parts |= HAS_CLASS;
    if (said->as_of_ms != 0)
        parts |= HAS_AS_OF;
    if (has_text(said->code))
        parts |= HAS_CODE;
    if (has_text(said->detail))
        parts |= HAS_DETAIL;
    if (said->reference_count > 0)
        parts |= HAS_REFERENCES;
    if (said->body.sequence != 0 || said->body.index != 0)
        parts |= HAS_BODY;
    return parts;
}

/* Finds or gives the numbers of a row's words. */
static bool find_words(struct sqlite_store *s, const struct store_said *said,
                       struct said_words *words, struct iptfhir_error *error) {
    return words_no(s, said->type, true, &words->type, error) &&
           words_no(s, said->system, true, &words->system, error) &&
           words_no(s, said->data_class, true, &words->data_class, error) &&
           words_no(s, said->code, true, &words->code, error);
}

/* Packs references: the number of the type, then the UUID. */
static bool pack_references(struct sqlite_store *s, const struct store_said *said, struct packer *p,
                            struct iptfhir_error *error) {
    pack_number(p, said->reference_count);
    for (size_t i = 0; i < said->reference_count; i++) {
        uint32_t type;
        if (!words_no(s, said->references[i].type, true, &type, error))
            return false;
        pack_number(p, type);
        pack_bytes(p, said->references[i].uuid, STORE_UUID);
    }
    return true;
}

/* Packs what has no column of its own. */
static bool pack_said(struct sqlite_store *s, const struct store_said *said,
                      const struct said_words *words, struct iptfhir_error *error) {
    struct packer p;
    unsigned parts = said_parts(said);
    size_t room = STORE_UUID + STORE_HASH + MOST_NUMBERS * PACK_NUMBER +
                  pack_text_room(said->value) + pack_text_room(said->detail) +
                  said->reference_count * (PACK_NUMBER + STORE_UUID);
    if (!sql_pack_start(s, room, &p, error))
        return false;
    pack_number(&p, parts);
    pack_bytes(&p, said->uuid, STORE_UUID);
    pack_bytes(&p, said->hash, STORE_HASH);
    if ((parts & HAS_BODY) != 0) {
        pack_number(&p, said->body.sequence);
        pack_number(&p, said->body.index);
    }
    if ((parts & HAS_IDENTIFIER) != 0) {
        pack_number(&p, words->system);
        pack_text(&p, said->value, said->uuid);
    }
    if ((parts & HAS_CLASS) != 0)
        pack_number(&p, words->data_class);
    if ((parts & HAS_AS_OF) != 0)
        pack_signed(&p, said->as_of_ms);
    if ((parts & HAS_CODE) != 0)
        pack_number(&p, words->code);
    if ((parts & HAS_DETAIL) != 0)
        pack_text(&p, said->detail, NULL);
    if ((parts & HAS_REFERENCES) != 0 && !pack_references(s, said, &p, error))
        return false;
    sql_pack_end(s, &p);
    return true;
}

/* What the sum of a row begins with: what stands outside its BLOB. */
static uint64_t said_seed(const uint64_t columns[4]) {
    return sql_sum_numbers(2, columns, 4);
}

/* The ordinal of a new row. */
static bool next_ordinal(struct sqlite_store *s, uint64_t patient, uint64_t *ordinal,
                         struct iptfhir_error *error) {
    if (s->last_said.patient != patient && batch_has_patient(s, BATCH_SAID, patient) &&
        !batch_flush(s, BATCH_SAID, error))
        return false;
    return sql_next_number(s, &s->last_said, SQL_SAID_LAST, patient, ORDINAL_BITS, "said", ordinal,
                           error);
}

bool sqlite_said_put(struct store *store, struct store_said *said, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    struct said_words words;
    sqlite3_int64 key;
    uint64_t ordinal = said->ordinal;
    if (!sql_may_write(s, error) || !find_words(s, said, &words, error) ||
        !pack_said(s, said, &words, error))
        return false;
    if (ordinal == 0 && !next_ordinal(s, said->patient, &ordinal, error))
        return false;
    if (!sql_key(0, said->patient, ordinal, ORDINAL_BITS, &key, error))
        return false;
    uint64_t columns[] = { (uint64_t)key, said->record, said->wanted, words.type };
    sql_end_row(s, said_seed(columns));
    if (!batch_add(s, BATCH_SAID, columns, error))
        return false;
    if (s->last_said.patient == said->patient && ordinal > s->last_said.number)
        s->last_said.number = ordinal;
    said->ordinal = (uint32_t)ordinal;
    return true;
}

bool sqlite_said_drop(struct store *store, uint64_t patient, uint32_t ordinal,
                      struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_int64 key;
    sqlite3_stmt *states = sql_write(s, SQL_STATE_DROP_ALL, error);
    sqlite3_stmt *said = states != NULL ? sql_write(s, SQL_SAID_DROP, error) : NULL;
    if (said == NULL || !sql_key(0, patient, ordinal, ORDINAL_BITS, &key, error) ||
        !batch_flush(s, BATCH_SAID, error) || !batch_flush(s, BATCH_STATE, error))
        return false;
    s->last_said.patient = 0;
    sqlite3_bind_int64(states, 1, key);
    sqlite3_bind_int64(said, 1, key);
    return sql_run(s, states, "state", (uint64_t)key, error) &&
           sql_run(s, said, "said", (uint64_t)key, error);
}

/* Reads references into the arena; false without an error when they make no sense. */
static bool unpack_references(struct sqlite_store *s, struct unpacker *u, struct arena *a,
                              struct store_said *out, struct iptfhir_error *error) {
    uint64_t count = unpack_number(u);
    if (count > (uint64_t)(u->end - u->at) / LEAST_REFERENCE) {
        u->failed = true;
        return false;
    }
    struct store_reference *list = arena_alloc(a, (size_t)count * sizeof *list);
    if (list == NULL)
        return sql_out_of_memory(error);
    for (size_t i = 0; i < count; i++) {
        uint64_t type = unpack_number(u);
        unpack_bytes(u, list[i].uuid, STORE_UUID);
        if (u->failed || !words_text(s, type, a, &list[i].type, error))
            return false;
    }
    out->references = list;
    out->reference_count = (size_t)count;
    return true;
}

/* Reads what has no column of its own; false without an error when it makes no sense. */
static bool unpack_said(struct sqlite_store *s, struct unpacker *u, struct arena *a,
                        struct store_said *out, struct iptfhir_error *error) {
    uint64_t parts = unpack_number(u);
    uint64_t system = 0;
    uint64_t data_class = 0;
    uint64_t code = 0;
    unpack_bytes(u, out->uuid, STORE_UUID);
    unpack_bytes(u, out->hash, STORE_HASH);
    if ((parts & HAS_BODY) != 0) {
        out->body.sequence = (uint32_t)unpack_number(u);
        out->body.index = (uint32_t)unpack_number(u);
    }
    out->value = out->detail = "";
    if ((parts & HAS_IDENTIFIER) != 0) {
        system = unpack_number(u);
        out->value = unpack_text(u, a, out->uuid);
    }
    if ((parts & HAS_CLASS) != 0)
        data_class = unpack_number(u);
    if ((parts & HAS_AS_OF) != 0)
        out->as_of_ms = unpack_signed(u);
    if ((parts & HAS_CODE) != 0)
        code = unpack_number(u);
    if ((parts & HAS_DETAIL) != 0)
        out->detail = unpack_text(u, a, NULL);
    if (out->value == NULL || out->detail == NULL)
        return sql_out_of_memory(error);
    if ((parts & HAS_REFERENCES) != 0 && !unpack_references(s, u, a, out, error))
        return false;
    return !u->failed && words_text(s, system, a, &out->system, error) &&
           words_text(s, data_class, a, &out->data_class, error) &&
           words_text(s, code, a, &out->code, error);
}

/* Reads the row that a statement stands on. */
static bool read_said(struct sqlite_store *s, sqlite3_stmt *row, uint64_t patient, struct arena *a,
                      struct store_said *out, struct iptfhir_error *error) {
    struct unpacker u;
    uint64_t columns[4];
    for (int i = 0; i < 4; i++)
        columns[i] = (uint64_t)sqlite3_column_int64(row, i);
    uint64_t key = columns[0];
    memset(out, 0, sizeof *out);
    out->patient = patient;
    out->ordinal = (uint32_t)(key & ((1u << ORDINAL_BITS) - 1));
    out->record = columns[1];
    out->wanted = (enum store_wanted)columns[2];
    if (!sql_open_row(row, 4, said_seed(columns), &u))
        return sql_damaged("said", key, error);
    if (!unpack_said(s, &u, a, out, error))
        return u.failed ? sql_damaged("said", key, error) : false;
    return words_text(s, columns[3], a, &out->type, error);
}

bool sqlite_said_of(struct store *store, uint64_t patient, struct arena *a,
                    struct store_said **list, size_t *count, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *get = sql_start(s, SQL_SAID_OF, error);
    void *rows = NULL;
    size_t read = 0;
    int row = -1;
    *list = NULL;
    *count = 0;
    if (get == NULL || !batch_flush(s, BATCH_SAID, error) ||
        !sql_bind_range(get, 0, patient, ORDINAL_BITS, error))
        return false;
    while ((row = sql_step(s, get, "said of patient", patient, error)) == 1) {
        if (!sql_list_room(s, (read + 1) * sizeof **list, error) ||
            !read_said(s, get, patient, a, (struct store_said *)s->list + read, error))
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
