/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling the columns file: every fault is found, and told with its place. */
#include "columns.h"

#include "compile.h"
#include "dates.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tells of one fault at a JSON pointer of the document. */
void compile_fault(struct compiler *c, const char *pointer, const char *format, ...) {
    char where[256] = "";
    char text[400];
    char line[700];
    const struct iptfhir_host *host = c->columns->host;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!host->position(host, c->columns->document, pointer, where, sizeof where))
        snprintf(where, sizeof where, "%.200s", pointer);
    host->log(host, IPTFHIR_ERROR, "%s: %s", where, text);
    if (c->count++ == 0)
        snprintf(c->where, sizeof c->where, "%s", where);
    int n = snprintf(line, sizeof line, "%s%s: %s", c->faults.length ? "; " : "", where, text);
    if (n > 0)
        iptfhir_text_add(&c->faults, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

/* Allocates zeroed memory that is freed with the columns; a failure is a fault. */
void *compile_alloc(struct compiler *c, size_t size) {
    struct columns *columns = c->columns;
    void *memory = NULL;
    if (columns->owned_count == columns->owned_capacity) {
        size_t capacity = columns->owned_capacity ? columns->owned_capacity * 2 : 64;
        void **owned = realloc(columns->owned, capacity * sizeof *owned);
        if (owned) {
            columns->owned = owned;
            columns->owned_capacity = capacity;
        }
    }
    if (columns->owned_count < columns->owned_capacity && (memory = calloc(1, size ? size : 1)))
        columns->owned[columns->owned_count++] = memory;
    c->memory |= !memory;
    return memory;
}

/* Formats a text that lives with the columns; "" when memory is out. */
const char *compile_text(struct compiler *c, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : compile_alloc(c, (size_t)n + 1);
    if (text)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text ? text : "";
}

/* Tells of members that are not in the list (NULL-terminated). */
void compile_known(struct compiler *c, const struct iptfhir_node *object, const char *pointer,
                   const char *const *known) {
    for (const struct iptfhir_node *i = compile_first(c, object); i != NULL;
         i = compile_next(c, i)) {
        const char *key = compile_name(c, i);
        struct iptfhir_text all = { 0 };
        bool found = false;
        for (const char *const *k = known; *k; k++) {
            found |= strcmp(*k, key) == 0;
            iptfhir_text_add(&all, k == known ? "" : ", ", k == known ? 0 : 2);
            iptfhir_text_add(&all, *k, strlen(*k));
        }
        if (!found)
            compile_fault(c, compile_text(c, "%s/%s", pointer, key),
                          "unknown: expected one of %.*s", (int)all.length,
                          all.data ? all.data : "");
        iptfhir_text_free(&all);
    }
}

/* Reads a list of strings. */
struct names compile_names(struct compiler *c, const struct iptfhir_node *list,
                           const char *pointer) {
    struct names names = { 0 };
    if (!list)
        return names;
    if (compile_kind(c, list) != IPTFHIR_NODE_ARRAY) {
        compile_fault(c, pointer, "expected a list");
        return names;
    }
    names.of = compile_alloc(c, compile_count(c, list) * sizeof *names.of);
    for (size_t i = 0; names.of && i < compile_count(c, list); i++) {
        const char *text = compile_string(c, compile_at(c, list, i));
        if (text)
            names.of[names.count++] = text;
        else
            compile_fault(c, compile_text(c, "%s/%zu", pointer, i),
                          "expected a text: put it in quotes");
    }
    return names;
}

/* Tells whether a name is in a list. */
bool names_have(const struct names *names, const char *name, size_t length) {
    for (size_t i = 0; i < names->count; i++)
        if (strlen(names->of[i]) == length && memcmp(names->of[i], name, length) == 0)
            return true;
    return false;
}

/* The index of a column among those that are used. */
size_t compile_column(struct compiler *c, const char *name, size_t length, const char *pointer) {
    struct names *used = &c->columns->used;
    if (names_have(&c->columns->ignore, name, length) ||
        names_have(&c->columns->restricted, name, length))
        compile_fault(c, pointer, "the column %.*s is also listed under ignore or restricted",
                      (int)length, name);
    for (size_t i = 0; i < used->count; i++)
        if (strlen(used->of[i]) == length && memcmp(used->of[i], name, length) == 0)
            return i;
    const char **of = realloc(used->of, (used->count + 1) * sizeof *of);
    if (!of) {
        c->memory = true;
        return 0;
    }
    used->of = of;
    of[used->count] = compile_text(c, "%.*s", (int)length, name);
    return used->count++;
}

/* Reads a list of columns as indexes. */
size_t *compile_columns(struct compiler *c, const struct iptfhir_node *list, const char *pointer,
                        size_t *count) {
    struct names names = compile_names(c, list, pointer);
    size_t *indexes = compile_alloc(c, names.count * sizeof *indexes);
    for (size_t i = 0; indexes && i < names.count; i++)
        indexes[i] = compile_column(c, names.of[i], strlen(names.of[i]),
                                    compile_text(c, "%s/%zu", pointer, i));
    *count = indexes ? names.count : 0;
    return indexes;
}

/* Mixes bytes into a hash. */
uint64_t columns_hash(uint64_t seed, const char *bytes, size_t length) {
    uint64_t h = seed ^ (length * 0x9E3779B97F4A7C15u);
    while (length > 0) {
        size_t n = length < 8 ? length : 8;
        uint64_t w = 0;
        memcpy(&w, bytes, n);
        __extension__ unsigned __int128 product =
            (unsigned __int128)(h ^ w ^ 0xA0761D6478BD642Fu) * 0xE7037ED1A0B428DBu;
        h = (uint64_t)product ^ (uint64_t)(product >> 64);
        bytes += n;
        length -= n;
    }
    return h ^ h >> 29;
}

/* Tells of a text that is none of a few. */
static void choice_fault(struct compiler *c, const char *name, const char *const *choices) {
    struct iptfhir_text all = { 0 };
    for (int i = 0; choices[i] != NULL; i++) {
        iptfhir_text_puts(&all, i > 0 ? ", " : "");
        iptfhir_text_json(&all, choices[i], strlen(choices[i]));
    }
    compile_fault(c, compile_text(c, "/%s", name), "expected one of %s",
                  all.data != NULL ? all.data : "a few texts");
    iptfhir_text_free(&all);
}

/* Reads one of a few texts; returns its index, or `initial` when absent or wrong. */
static int choice(struct compiler *c, const struct iptfhir_node *object, const char *name,
                  const char *const *choices, int initial) {
    const struct iptfhir_node *member = compile_get(c, object, name);
    const char *text = compile_string(c, member);
    if (member == NULL)
        return initial;
    for (int i = 0; text != NULL && choices[i] != NULL; i++) {
        if (strcmp(text, choices[i]) == 0)
            return i;
    }
    choice_fault(c, name, choices);
    return initial;
}

/* Checks a fixed offset such as -05:00, of at most 14 hours. */
static bool is_offset(const char *text) {
    struct moment m;
    char whole[32];
    snprintf(whole, sizeof whole, "2000-01-01T00:00%.8s", text);
    return dates_read(whole, strlen(whole), ORDER_NONE, &m) && m.offset[0] != '\0';
}

/* Reads how the table is written. */
static void compile_table(struct compiler *c) {
    static const char *const separators[] = { ",", ";", "\t", NULL }, *const decimals[] = { ".",
                                                                                            ",",
                                                                                            NULL };
    static const char *const orders[] = { "ymd", "dmy", "mdy", NULL };
    struct columns *columns = c->columns;
    const struct iptfhir_node *d = columns->document;
    const struct iptfhir_node *zone = compile_get(c, d, "timezone");
    const struct iptfhir_node *redcap = compile_get(c, d, "redcap");
    columns->separator = separators[choice(c, d, "separator", separators, 0)][0];
    columns->decimal = decimals[choice(c, d, "decimal", decimals, 0)][0];
    columns->order = (enum date_order)(choice(c, d, "date_order", orders, -1) + 1);
    columns->timezone = compile_string(c, zone);
    if (zone && (!columns->timezone || !is_offset(columns->timezone)))
        compile_fault(c, "/timezone", "expected an offset in quotes such as \"-05:00\", or \"Z\"");
    if (redcap && compile_kind(c, redcap) != IPTFHIR_NODE_BOOLEAN)
        compile_fault(c, "/redcap", "expected true or false");
    columns->redcap = false;
    (void)compile_nodes(c)->boolean(redcap, &columns->redcap);
    columns->blank = compile_names(c, compile_get(c, d, "blank"), "/blank");
    columns->ignore = compile_names(c, compile_get(c, d, "ignore"), "/ignore");
    columns->restricted = compile_names(c, compile_get(c, d, "restricted"), "/restricted");
    columns->ignore_instruments =
        compile_names(c, compile_get(c, d, "ignore_instruments"), "/ignore_instruments");
    if (!columns->redcap && columns->ignore_instruments.count)
        compile_fault(c, "/ignore_instruments", "needs redcap: true");
}

/* Takes up REDCap's own columns: an export has them only when the project has events or repeating
 * instruments. */
static void compile_redcap(struct compiler *c) {
    struct columns *columns = c->columns;
    columns->optional_from = columns->used.count;
    if (!columns->redcap)
        return;
    columns->instrument_column = compile_column(c, "redcap_repeat_instrument", 24, "/redcap");
    (void)compile_column(c, "redcap_event_name", 17, "/redcap");
    (void)compile_column(c, "redcap_repeat_instance", 22, "/redcap");
}

/* Reads the key of a record. */
static void compile_key(struct compiler *c) {
    static const char *const known[] = { "key", NULL };
    const struct iptfhir_node *record = compile_get(c, c->columns->document, "record");
    compile_known(c, record, "/record", known);
    c->columns->key =
        compile_columns(c, compile_get(c, record, "key"), "/record/key", &c->columns->key_count);
    if (c->columns->key_count == 0)
        compile_fault(
            c, "/record",
            "expected key: [column, ...]: the columns whose values make one record of their rows");
}

/* Puts the faults into the error. */
static bool give_up(struct compiler *c, const char *path, struct iptfhir_error *error) {
    const struct iptfhir_host *host = c->columns->host;
    if (c->memory)
        host->fail(host, error, IPTFHIR_FATAL, "memory", path,
                   "there is no memory for the columns file");
    else
        host->fail(host, error, IPTFHIR_FATAL, "columns", c->where, "%zu fault%s: %.*s", c->count,
                   c->count == 1 ? "" : "s", (int)(c->faults.length < 470 ? c->faults.length : 470),
                   c->faults.data ? c->faults.data : "");
    return false;
}

/* Compiles the columns file. */
bool columns_compile(struct columns *columns, const struct iptfhir_host *host, const char *path,
                     struct iptfhir_error *error) {
    static const char *const known[] = { "separator",
                                         "decimal",
                                         "date_order",
                                         "timezone",
                                         "blank",
                                         "redcap",
                                         "ignore_instruments",
                                         "record",
                                         "set",
                                         "each",
                                         "ignore",
                                         "restricted",
                                         NULL };
    struct compiler c = { .columns = columns };
    *columns = (struct columns) { .host = host, .document = host->document(host, path, error) };
    if (!columns->document)
        return false;
    if (host->nodes->kind(columns->document) != IPTFHIR_NODE_OBJECT) {
        host->fail(host, error, IPTFHIR_FATAL, "columns", path,
                   "expected members: record, set, each, ...");
        return false;
    }
    size_t length = 0;
    const char *text = host->nodes->write(host->lasting, columns->document, &length);
    if (text != NULL)
        columns->hash = columns_hash(1, text, length);
    c.memory = text == NULL;
    compile_known(&c, columns->document, "", known);
    compile_table(&c);
    compile_key(&c);
    compile_set(&c);
    compile_each(&c);
    compile_redcap(&c);
    bool ok = c.count == 0 && !c.memory && !c.faults.failed;
    if (!ok)
        give_up(&c, path, error);
    iptfhir_text_free(&c.faults);
    if (!ok)
        columns_free(columns);
    return ok;
}

void columns_free(struct columns *c) {
    for (size_t i = 0; i < c->owned_count; i++)
        free(c->owned[i]);
    free(c->owned);
    free(c->values);
    free(c->used.of);
    *c = (struct columns) { 0 };
}
