/* SPDX-License-Identifier: Apache-2.0 */
/* Words: texts that repeat in many rows (types, systems, codes, charts ...) stand once, and each
 * handle keeps some of those it has met. A word that is committed never changes, so what is kept
 * stays true. */
#include "core/store/sqlite.h"

#include "core/base/alloc.h"
#include "core/store/checksum.h"

#include <string.h>

enum { MOST_KEPT = 8192 };

struct word {
    uint32_t no;
    uint32_t length;
    char *text;
};
struct words {
    struct word *list;
    size_t count, capacity;
    uint32_t *by_text; /* open addressing: place in the list + 1, 0: free */
    uint32_t *by_no;   /* the same */
    size_t slots;      /* a power of two, more than twice `count` */
    bool added;        /* the transaction made new ones */
};

/* Puts a word of the list into one of the two tables. */
static void place_word(uint32_t *table, size_t slots, uint64_t hash, size_t at) {
    size_t slot = hash & (slots - 1);
    while (table[slot] != 0)
        slot = (slot + 1) & (slots - 1);
    table[slot] = (uint32_t)at + 1;
}

static uint64_t hash_no(uint64_t no) {
    return no * 0x9E3779B97F4A7C15u >> 20;
}

/* Makes both tables anew, with more slots. */
static bool grow_tables(struct words *w) {
    size_t slots = w->slots > 0 ? 4 * w->slots : 64;
    uint32_t *both = base_malloc(2 * slots * sizeof *both);
    if (both == NULL)
        return false;
    memset(both, 0, 2 * slots * sizeof *both);
    base_free(w->by_text);
    w->by_text = both;
    w->by_no = both + slots;
    w->slots = slots;
    for (size_t i = 0; i < w->count; i++) {
        const struct word *word = &w->list[i];
        place_word(w->by_text, slots, store_checksum(0, word->text, word->length), i);
        place_word(w->by_no, slots, hash_no(word->no), i);
    }
    return true;
}

/* Keeps a word. */
static bool keep_word(struct words *w, uint32_t no, const char *text, size_t length) {
    if (w->count == w->capacity) {
        size_t capacity = w->capacity > 0 ? 2 * w->capacity : 32;
        struct word *list = base_realloc(w->list, capacity * sizeof *list);
        if (list == NULL)
            return false;
        w->list = list;
        w->capacity = capacity;
    }
    if (2 * (w->count + 1) >= w->slots && !grow_tables(w))
        return false;
    char *copy = base_malloc(length + 1);
    if (copy == NULL)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    w->list[w->count] = (struct word) { no, (uint32_t)length, copy };
    place_word(w->by_text, w->slots, store_checksum(0, text, length), w->count);
    place_word(w->by_no, w->slots, hash_no(no), w->count);
    w->count++;
    return true;
}

/* The kept word of a text. */
static const struct word *find_text(const struct words *w, const char *text, size_t length) {
    if (w->slots == 0)
        return NULL;
    size_t slot = store_checksum(0, text, length) & (w->slots - 1);
    for (; w->by_text[slot] != 0; slot = (slot + 1) & (w->slots - 1)) {
        const struct word *word = &w->list[w->by_text[slot] - 1];
        if (word->length == length && memcmp(word->text, text, length) == 0)
            return word;
    }
    return NULL;
}

/* The kept word of a number. */
static const struct word *find_no(const struct words *w, uint64_t no) {
    if (w->slots == 0)
        return NULL;
    size_t slot = hash_no(no) & (w->slots - 1);
    for (; w->by_no[slot] != 0; slot = (slot + 1) & (w->slots - 1)) {
        const struct word *word = &w->list[w->by_no[slot] - 1];
        if (word->no == no)
            return word;
    }
    return NULL;
}

/* Forgets what is kept; it can be read again. */
static void forget_words(struct words *w) {
    for (size_t i = 0; i < w->count; i++)
        base_free(w->list[i].text);
    w->count = 0;
    if (w->slots > 0)
        memset(w->by_text, 0, 2 * w->slots * sizeof *w->by_text);
}

/* Makes the handle's list at its first use. */
static struct words *words_of(struct sqlite_store *s, struct iptfhir_error *error) {
    if (s->words != NULL)
        return s->words;
    struct words *w = base_malloc(sizeof *w);
    if (w == NULL) {
        sql_out_of_memory(error);
        return NULL;
    }
    memset(w, 0, sizeof *w);
    s->words = w;
    return w;
}

/* Adds a new word to the store. */
static bool add_word(struct sqlite_store *s, const char *text, uint32_t *no,
                     struct iptfhir_error *error) {
    sqlite3_stmt *add = sql_write(s, SQL_WORD_ADD, error);
    uint64_t next;
    if (add == NULL || !sql_next_no(s, SQL_WORD_LAST, "word", &next, error))
        return false;
    *no = (uint32_t)next;
    sqlite3_bind_int64(add, 1, *no);
    sql_text(add, 2, text);
    sqlite3_bind_int64(add, 3, (sqlite3_int64)sql_sum_text(*no, text));
    s->words->added = true;
    return sql_run(s, add, "word", *no, error);
}

/* Looks a text up in the store; *no is SQL_NO_WORD when it isn't there. */
static bool read_word_no(struct sqlite_store *s, const char *text, uint32_t *no,
                         struct iptfhir_error *error) {
    sqlite3_stmt *find = sql_start(s, SQL_WORD_NO, error);
    *no = SQL_NO_WORD;
    if (find == NULL)
        return false;
    sql_text(find, 1, text);
    int row = sql_step(s, find, "word", 0, error);
    if (row <= 0)
        return row == 0;
    *no = (uint32_t)sqlite3_column_int64(find, 0);
    bool good = (uint64_t)sqlite3_column_int64(find, 1) == sql_sum_text(*no, text);
    sqlite3_reset(find);
    return good || sql_damaged("word", *no, error);
}

bool words_no(struct sqlite_store *s, const char *text, bool add, uint32_t *no,
              struct iptfhir_error *error) {
    *no = 0;
    if (text == NULL || text[0] == '\0')
        return true;
    struct words *w = words_of(s, error);
    if (w == NULL)
        return false;
    if (w->count >= MOST_KEPT)
        forget_words(w);
    size_t length = strlen(text);
    const struct word *known = find_text(w, text, length);
    if (known != NULL) {
        *no = known->no;
        return true;
    }
    if (!read_word_no(s, text, no, error))
        return false;
    if (*no == SQL_NO_WORD && !add)
        return true;
    if (*no == SQL_NO_WORD && !add_word(s, text, no, error))
        return false;
    return keep_word(w, *no, text, length) || sql_out_of_memory(error);
}

/* Reads a word from the store and keeps it. */
static bool read_word_text(struct sqlite_store *s, struct words *w, uint64_t no,
                           struct iptfhir_error *error) {
    sqlite3_stmt *get = sql_start(s, SQL_WORD_TEXT, error);
    if (get == NULL)
        return false;
    sqlite3_bind_int64(get, 1, (sqlite3_int64)no);
    int row = sql_step(s, get, "word", no, error);
    if (row <= 0)
        return row == 0 && sql_damaged("word", no, error);
    const char *text = sql_column_text(get, 0);
    bool good = (uint64_t)sqlite3_column_int64(get, 1) == sql_sum_text(no, text);
    bool kept = good && keep_word(w, (uint32_t)no, text, strlen(text));
    sqlite3_reset(get);
    if (!good)
        return sql_damaged("word", no, error);
    return kept || sql_out_of_memory(error);
}

bool words_text(struct sqlite_store *s, uint64_t no, struct arena *a, const char **text,
                struct iptfhir_error *error) {
    *text = "";
    if (no == 0)
        return true;
    struct words *w = words_of(s, error);
    if (w == NULL)
        return false;
    const struct word *word = find_no(w, no);
    if (word == NULL && w->count >= MOST_KEPT)
        forget_words(w);
    if (word == NULL) {
        if (!read_word_text(s, w, no, error))
            return false;
        word = find_no(w, no);
    }
    if (word == NULL)
        return sql_out_of_memory(error);
    *text = arena_strndup(a, word->text, word->length);
    return *text != NULL || sql_out_of_memory(error);
}

void words_free(struct sqlite_store *s) {
    struct words *w = s->words;
    if (w == NULL)
        return;
    forget_words(w);
    base_free(w->list);
    base_free(w->by_text);
    base_free(w);
    s->words = NULL;
}

void words_commit(struct sqlite_store *s) {
    if (s->words != NULL)
        s->words->added = false;
}

void words_rollback(struct sqlite_store *s) {
    if (s->words != NULL && s->words->added)
        words_free(s);
}
