/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling one value of the columns file: where it comes from, and what may stand there. */
#include "compile.h"
#include "dates.h"

#include <string.h>

/* A value that is being compiled. */
struct making {
    struct compiler *c;
    struct value *v;
    const struct iptfhir_node *spec; /* its map; NULL: it is written as a scalar */
    const char *pointer;
};

static void wrong(const struct making *m, const char *what) {
    compile_fault(m->c, m->pointer, "%s", what);
}

static const struct iptfhir_node *member(const struct making *m, const char *name) {
    return compile_get(m->c, m->spec, name);
}

static size_t column_named(const struct making *m, const char *name) {
    return compile_column(m->c, name, strlen(name), m->pointer);
}

/* ---- scalars ---- */

/* Returns the node when it is a text, a whole number, true or false. */
static const struct iptfhir_node *scalar(struct compiler *c, const struct iptfhir_node *node,
                                         const char *pointer) {
    iptfhir_node_kind kind = compile_kind(c, node);
    int64_t whole = 0;
    bool plain = kind == IPTFHIR_NODE_STRING || kind == IPTFHIR_NODE_BOOLEAN;
    if (plain || compile_nodes(c)->integer(node, &whole))
        return node;
    compile_fault(c, pointer, "expected a text, a whole number, true or false");
    return NULL;
}

/* The JSON text of a scalar, by which equal ones are known. */
static const char *text_of(struct compiler *c, const struct iptfhir_node *node) {
    const char *text = compile_nodes(c)->write(c->columns->host->lasting, node, NULL);
    c->memory |= text == NULL;
    return text != NULL ? text : "";
}

static void compile_scalar(struct making *m, const struct iptfhir_node *node) {
    m->v->kind = VALUE_CONSTANT;
    m->v->constant = scalar(m->c, node, m->pointer);
}

/* ---- texts with columns in them ---- */

static void add_piece(struct value *v, struct piece piece) {
    v->pieces[v->count++] = piece;
}

/* Splits a text with {column} holes. */
static void compile_template(struct making *m, const char *text) {
    size_t most = 1;
    for (const char *p = text; *p != '\0'; p++)
        most += *p == '{' ? 2 : 0;
    m->v->kind = VALUE_TEMPLATE;
    m->v->pieces = compile_alloc(m->c, most * sizeof *m->v->pieces);
    while (m->v->pieces != NULL && *text != '\0') {
        size_t before = strcspn(text, "{");
        if (before > 0)
            add_piece(m->v, (struct piece) { .text = text, .length = before });
        text += before;
        if (*text == '\0')
            return;
        text++;
        size_t name = strcspn(text, "}");
        if (text[name] == '\0' || name == 0) {
            wrong(m, "expected {column}: a brace is not closed or empty");
            return;
        }
        size_t column = compile_column(m->c, text, name, m->pointer);
        add_piece(m->v, (struct piece) { .is_column = true, .column = column });
        text += name + 1;
    }
}

/* ---- codes ---- */

/* The index of the first code that means the same as the last one. */
static size_t meaning_of(struct compiler *c, const struct value *v) {
    size_t last = v->count - 1;
    const char *text = text_of(c, v->codes[last].to);
    size_t first = 0;
    while (first < last && strcmp(text_of(c, v->codes[first].to), text) != 0)
        first++;
    return first;
}

/* Reads a map of cell texts to codes. */
static void compile_codes(struct making *m) {
    const struct iptfhir_node *codes = member(m, "codes");
    struct compiler *c = m->c;
    bool is_map = compile_kind(c, codes) == IPTFHIR_NODE_OBJECT;
    if (!is_map || compile_count(c, codes) == 0) {
        wrong(m, "expected codes: {cell text: code, ...}");
        return;
    }
    m->v->codes = compile_alloc(c, compile_count(c, codes) * sizeof *m->v->codes);
    const struct iptfhir_node *i = m->v->codes != NULL ? compile_first(c, codes) : NULL;
    for (; i != NULL; i = compile_next(c, i)) {
        const char *place = compile_text(c, "%s/codes/%s", m->pointer, compile_name(c, i));
        struct code *code = &m->v->codes[m->v->count++];
        code->from = compile_name(c, i);
        code->from_length = strlen(code->from);
        code->to = scalar(c, i, place);
        if (code->to != NULL)
            code->meaning = meaning_of(c, m->v);
    }
}

/* ---- where a value comes from: the members, of which it has exactly one ---- */

static void compile_cell(struct making *m, const struct iptfhir_node *column) {
    const char *name = compile_string(m->c, column);
    m->v->kind = VALUE_COLUMN;
    if (name != NULL)
        m->v->column = column_named(m, name);
    else
        wrong(m, "column: expected a name in quotes");
    if (m->v->type == TYPE_CODE)
        compile_codes(m);
}

/* Each code names a column of the checkboxes. */
static void compile_checkboxes(struct making *m, const struct iptfhir_node *boxes) {
    const char *field = compile_string(m->c, boxes);
    m->v->kind = VALUE_CHECKBOXES;
    m->v->as = compile_string(m->c, member(m, "as"));
    if (field == NULL)
        wrong(m, "checkboxes: expected a name in quotes");
    compile_codes(m);
    for (size_t i = 0; i < m->v->count; i++) {
        struct code *code = &m->v->codes[i];
        const char *name = compile_text(m->c, "%s___%s", field != NULL ? field : "", code->from);
        code->column = column_named(m, name);
    }
}

/* Reads a date that is counted from a declared start. */
static void compile_date_from(struct making *m, const struct iptfhir_node *from) {
    static const char *const known[] = { "start", "weeks_column", "first_week", NULL };
    struct compiler *c = m->c;
    const char *start = compile_string(c, compile_get(c, from, "start"));
    const char *weeks = compile_string(c, compile_get(c, from, "weeks_column"));
    const struct iptfhir_node *first = compile_get(c, from, "first_week");
    struct moment moment;
    m->v->kind = VALUE_DATE_FROM;
    compile_known(c, from, compile_text(c, "%s/date_from", m->pointer), known);
    bool is_date =
        start != NULL && dates_read(start, strlen(start), ORDER_NONE, &moment) && !moment.has_time;
    if (is_date)
        m->v->start_day = moment.day;
    else
        wrong(m, "date_from: expected start: \"YYYY-MM-DD\"");
    if (weeks != NULL)
        m->v->column = column_named(m, weeks);
    else
        wrong(m, "date_from: expected weeks_column: the column with the number of the week");
    if (first != NULL && !compile_nodes(c)->integer(first, &m->v->first_week))
        wrong(m, "first_week: expected a whole number: the week that begins at start");
    if (m->v->type != TYPE_DATE && m->v->type != TYPE_DATETIME)
        wrong(m, "date_from gives a date or a datetime");
}

/* Reads one of the words of a list; `initial` when it is absent, and after a fault. */
static unsigned word(struct making *m, const struct iptfhir_node *node, const char *const *words,
                     unsigned initial, const char *expected) {
    const char *text = compile_string(m->c, node);
    if (node == NULL)
        return initial;
    for (unsigned i = 0; text != NULL && words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0)
            return i;
    }
    compile_fault(m->c, m->pointer, "expected %s", expected);
    return initial;
}

static void compile_file_time(struct making *m, const struct iptfhir_node *file) {
    static const char *const words[] = { "modified", NULL };
    m->v->kind = VALUE_FILE_TIME;
    (void)word(m, file, words, 0, "file: modified");
}

static const struct origin_member {
    const char *name;
    void (*compile)(struct making *m, const struct iptfhir_node *node);
} origins[] = {
    { "column", compile_cell },         { "checkboxes", compile_checkboxes },
    { "date_from", compile_date_from }, { "file", compile_file_time },
    { "constant", compile_scalar },
};
enum { ORIGINS = sizeof origins / sizeof *origins };

/* The member that says where the value comes from; NULL and a fault unless there is just one. */
static const struct origin_member *origin_of(const struct making *m) {
    const struct origin_member *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < ORIGINS; i++) {
        if (member(m, origins[i].name) == NULL)
            continue;
        found = &origins[i];
        count++;
    }
    if (count == 1)
        return found;
    wrong(m, "expected exactly one of column, checkboxes, date_from, file, constant");
    return NULL;
}

/* ---- what goes with it ---- */

/* Reads what a date without a time gets. */
static void compile_moment(struct making *m) {
    const struct iptfhir_node *time = member(m, "default_time");
    const char *text = compile_string(m->c, time);
    bool is_datetime = m->v->type == TYPE_DATETIME;
    if (is_datetime && m->c->columns->timezone == NULL)
        wrong(m, "a datetime needs timezone: \"-05:00\" at the top of the file: local times are "
                 "never guessed");
    if (time == NULL)
        return;
    m->v->minute = text != NULL ? dates_minutes(text) : -1;
    if (m->v->minute < 0 || !is_datetime)
        wrong(m, "default_time: expected \"HH:MM\", with type: datetime");
}

/* Refuses members that mean nothing here. */
static void check_company(const struct making *m) {
    bool boxes = member(m, "checkboxes") != NULL;
    bool takes_codes = boxes || m->v->type == TYPE_CODE;
    if (member(m, "codes") != NULL && !takes_codes)
        wrong(m, "codes needs type: code");
    if (member(m, "as") != NULL && !boxes)
        wrong(m, "as goes with checkboxes");
}

/* Compiles a value that is written as a map. */
static void compile_map(struct making *m) {
    static const char *const known[] = { "column",   "checkboxes",   "date_from", "file",
                                         "constant", "type",         "codes",     "as",
                                         "take",     "default_time", NULL };
    static const char *const types[] = {
        [TYPE_STRING] = "string",   [TYPE_INTEGER] = "integer", [TYPE_DECIMAL] = "decimal",
        [TYPE_BOOLEAN] = "boolean", [TYPE_DATE] = "date",       [TYPE_DATETIME] = "datetime",
        [TYPE_CODE] = "code",       [TYPE_CODE + 1] = NULL,
    };
    static const char *const takes[] = {
        [TAKE_SAME] = "same", [TAKE_FIRST] = "first", [TAKE_LAST] = "last", [TAKE_LAST + 1] = NULL
    };
    compile_known(m->c, m->spec, m->pointer, known);
    const struct origin_member *origin = origin_of(m);
    if (origin == NULL)
        return;
    unsigned usual = member(m, "date_from") != NULL ? TYPE_DATE : TYPE_STRING;
    m->v->type = word(m, member(m, "type"), types, usual,
                      "type: string, integer, decimal, boolean, date, datetime or code");
    m->v->take = word(m, member(m, "take"), takes, TAKE_SAME, "take: same, first or last");
    origin->compile(m, member(m, origin->name));
    check_company(m);
    compile_moment(m);
}

void compile_value(struct compiler *c, struct value *v, const struct iptfhir_node *spec,
                   const char *pointer) {
    struct making m = { .c = c, .v = v, .pointer = pointer };
    const char *text = compile_string(c, spec);
    if (compile_kind(c, spec) == IPTFHIR_NODE_OBJECT) {
        m.spec = spec;
        compile_map(&m);
    } else if (text != NULL && strchr(text, '{') != NULL) {
        compile_template(&m, text);
    } else {
        compile_scalar(&m, spec);
    }
}
