/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling the members set: and each: of the columns file: values, and where in the record they
 * go. */
#include "compile.h"
#include "dates.h"

#include <stdlib.h>
#include <string.h>

/* Finds or makes a child: by name in an object, by index in an array. */
static struct field *child_of(struct compiler *c, struct field *parent, const char *key,
                              size_t length, size_t index) {
    for (struct field *f = parent->first; f; f = f->next)
        if (key ? f->key_length == length && memcmp(f->key, key, length) == 0 : f->index == index)
            return f;
    struct field *f = compile_alloc(c, sizeof *f);
    if (!f)
        return NULL;
    f->key = key;
    f->key_length = length;
    f->index = index;
    if (key) {
        iptfhir_text_putc(&f->name, '"');
        iptfhir_text_add(&f->name, key, length);
        iptfhir_text_add(&f->name, "\":", 2);
        c->memory |= f->name.failed;
    }
    if (parent->last)
        parent->last->next = f;
    else
        parent->first = f;
    parent->last = f;
    return f;
}

/* Goes down one step of a path, making what is missing; *p moves on. NULL and a fault when the path
 * is wrong. */
static struct field *step(struct compiler *c, struct field *at, const char **p, const char *pointer,
                          bool *fresh) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    struct field *before = at->last, *f;
    enum field_kind parent_kind;
    if (**p == '[') {
        char *end;
        unsigned long index = strtoul(*p + 1, &end, 10);
        if (end == *p + 1 || *end != ']' || index > 99)
            goto wrong;
        parent_kind = FIELD_ARRAY;
        *p = end + 1;
        f = child_of(c, at, NULL, 0, index);
    } else {
        *p += **p == '.';
        size_t length = strspn(*p, letters);
        if (length == 0)
            goto wrong;
        parent_kind = FIELD_OBJECT;
        f = child_of(c, at, *p, length, 0);
        *p += length;
    }
    if (before && at->kind != parent_kind) {
        compile_fault(c, pointer, "the field is a list in one place and an object in another");
        return NULL;
    }
    at->kind = parent_kind;
    *fresh = f && at->last == f && f != before;
    if (**p == '\0' || **p == '.' || **p == '[')
        return f;
wrong:
    compile_fault(
        c, pointer,
        "expected a record field such as patient.localId or patient.identifiers[0].value");
    return NULL;
}

/* Makes the field of a path, of which no part may be a value already. */
static struct field *field_of(struct compiler *c, struct field *root, const char *path,
                              const char *pointer) {
    struct field *at = root;
    const char *p = path;
    bool fresh = true;
    do {
        if (at->kind == FIELD_VALUE || at->kind == FIELD_LIST) {
            compile_fault(c, pointer, "a part of this path already has a value");
            return NULL;
        }
        at = step(c, at, &p, pointer, &fresh);
    } while (at && *p);
    if (at && (!fresh || at->first)) {
        compile_fault(c, pointer, "the field already has a value or members");
        return NULL;
    }
    return at;
}

/* Makes a new value. */
static struct value *new_value(struct compiler *c) {
    struct columns *columns = c->columns;
    if (columns->value_count == columns->value_capacity) {
        size_t capacity = columns->value_capacity ? columns->value_capacity * 2 : 64;
        struct value *values = realloc(columns->values, capacity * sizeof *values);
        if (!values) {
            c->memory = true;
            return NULL;
        }
        columns->values = values;
        columns->value_capacity = capacity;
    }
    struct value *v = &columns->values[columns->value_count++];
    *v = (struct value) { .minute = -1 };
    return v;
}

/* Writes a scalar as JSON text. */
static void scalar(struct compiler *c, struct iptfhir_text *out, const struct iptfhir_node *node,
                   const char *pointer) {
    int64_t whole = 0;
    bool truth = false;
    const char *string = compile_string(c, node);
    if (string != NULL)
        iptfhir_text_json(out, string, strlen(string));
    else if (compile_nodes(c)->integer(node, &whole))
        iptfhir_text_puts(out, compile_nodes(c)->number(node));
    else if (compile_nodes(c)->boolean(node, &truth))
        iptfhir_text_puts(out, truth ? "true" : "false");
    else
        compile_fault(c, pointer, "expected a text, a whole number, true or false");
    c->memory |= out->failed;
}

/* Splits a text with {column} holes. */
static void compile_template(struct compiler *c, struct value *v, const char *text,
                             const char *pointer) {
    size_t most = 1;
    for (const char *p = text; *p; p++)
        most += *p == '{' ? 2 : 0;
    v->kind = VALUE_TEMPLATE;
    v->pieces = compile_alloc(c, most * sizeof *v->pieces);
    while (v->pieces && *text) {
        size_t length = strcspn(text, "{");
        if (length > 0)
            v->pieces[v->count++] = (struct piece) { .text = text, .length = length };
        text += length;
        if (*text == '\0')
            break;
        length = strcspn(++text, "}");
        if (text[length] == '\0' || length == 0) {
            compile_fault(c, pointer, "expected {column}: a brace is not closed or empty");
            break;
        }
        v->pieces[v->count++] =
            (struct piece) { .is_column = true,
                             .column = compile_column(c, text, length, pointer) };
        text += length + 1;
    }
}

/* Reads a map of cell texts to codes; for checkboxes, each key names a column. */
static void compile_codes(struct compiler *c, struct value *v, const struct iptfhir_node *codes,
                          const char *pointer, const char *checkbox) {
    if (compile_kind(c, codes) != IPTFHIR_NODE_OBJECT || compile_count(c, codes) == 0) {
        compile_fault(c, pointer, "expected codes: {cell text: code, ...}");
        return;
    }
    v->codes = compile_alloc(c, compile_count(c, codes) * sizeof *v->codes);
    for (const struct iptfhir_node *i = compile_first(c, codes); i != NULL && v->codes;
         i = compile_next(c, i)) {
        struct code *code = &v->codes[v->count++];
        const char *place = compile_text(c, "%s/codes/%s", pointer, compile_name(c, i));
        code->from = compile_name(c, i);
        code->from_length = strlen(code->from);
        scalar(c, &code->to, i, place);
        if (checkbox) {
            const char *name = compile_text(c, "%s___%s", checkbox, code->from);
            code->column = compile_column(c, name, strlen(name), place);
        }
    }
}

/* Reads what a date without a time gets; required where `type` needs it. */
static void compile_moment(struct compiler *c, struct value *v, const struct iptfhir_node *spec,
                           const char *pointer) {
    const struct iptfhir_node *time = compile_get(c, spec, "default_time");
    if (v->type == TYPE_DATETIME && !c->columns->timezone)
        compile_fault(c, pointer,
                      "a datetime needs timezone: \"-05:00\" at the top of the file: local times "
                      "are never guessed");
    if (!time)
        return;
    v->minute =
        compile_kind(c, time) == IPTFHIR_NODE_STRING ? dates_minutes(compile_string(c, time)) : -1;
    if (v->minute < 0 || v->type != TYPE_DATETIME)
        compile_fault(c, pointer, "default_time: expected \"HH:MM\", with type: datetime");
}

/* Reads a date that is counted from a declared start. */
static void compile_date_from(struct compiler *c, struct value *v, const struct iptfhir_node *from,
                              const char *pointer) {
    static const char *const known[] = { "start", "weeks_column", "first_week", NULL };
    const char *start = compile_string(c, compile_get(c, from, "start")),
               *column = compile_string(c, compile_get(c, from, "weeks_column"));
    const struct iptfhir_node *first = compile_get(c, from, "first_week");
    struct moment m;
    v->kind = VALUE_DATE_FROM;
    compile_known(c, from, compile_text(c, "%s/date_from", pointer), known);
    if (!start || !dates_read(start, strlen(start), ORDER_NONE, &m) || m.has_time)
        compile_fault(c, pointer, "date_from: expected start: \"YYYY-MM-DD\"");
    else
        v->start_day = m.day;
    if (column)
        v->column = compile_column(c, column, strlen(column), pointer);
    else
        compile_fault(c, pointer,
                      "date_from: expected weeks_column: the column with the number of the week");
    if (first != NULL && !compile_nodes(c)->integer(first, &v->first_week))
        compile_fault(c, pointer,
                      "first_week: expected a whole number: the week that begins at start");
}

/* Reads one of the words of a list; -1 and a fault when it is none. */
static int word(struct compiler *c, const struct iptfhir_node *json, const char *const *words,
                const char *pointer, const char *expected) {
    const char *text = compile_string(c, json);
    for (int i = 0; text && words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    compile_fault(c, pointer, "expected %s", expected);
    return -1;
}

/* Compiles a value that is written as a map. */
static void compile_value_map(struct compiler *c, struct value *v, const struct iptfhir_node *spec,
                              const char *pointer) {
    static const char *const known[] = { "column",   "checkboxes",   "date_from", "file",
                                         "constant", "type",         "codes",     "as",
                                         "take",     "default_time", NULL };
    static const char *const types[] = { "string", "integer",  "decimal", "boolean",
                                         "date",   "datetime", "code",    NULL };
    static const char *const takes[] = { "same", "first", "last", NULL }, *const files[] = {
        "modified", NULL
    };
    const struct iptfhir_node *column = compile_get(c, spec, "column"),
                              *boxes = compile_get(c, spec, "checkboxes"),
                              *from = compile_get(c, spec, "date_from");
    const struct iptfhir_node *file = compile_get(c, spec, "file"),
                              *constant = compile_get(c, spec, "constant"),
                              *type = compile_get(c, spec, "type");
    const struct iptfhir_node *take = compile_get(c, spec, "take"),
                              *as = compile_get(c, spec, "as"),
                              *codes = compile_get(c, spec, "codes");
    compile_known(c, spec, pointer, known);
    if (!!column + !!boxes + !!from + !!file + !!constant != 1) {
        compile_fault(c, pointer,
                      "expected exactly one of column, checkboxes, date_from, file, constant");
        return;
    }
    int chosen = type   ? word(c, type, types, pointer,
                               "type: string, integer, decimal, boolean, date, datetime or code")
                 : from ? TYPE_DATE
                        : TYPE_STRING;
    v->type = (enum value_type)(chosen < 0 ? 0 : chosen);
    chosen = take ? word(c, take, takes, pointer, "take: same, first or last") : 0;
    v->take = (enum value_take)(chosen < 0 ? 0 : chosen);
    if (column) {
        const char *name = compile_string(c, column);
        v->kind = VALUE_COLUMN;
        if (name)
            v->column = compile_column(c, name, strlen(name), pointer);
        else
            compile_fault(c, pointer, "column: expected a name in quotes");
        if (v->type == TYPE_CODE)
            compile_codes(c, v, codes, pointer, NULL);
    } else if (boxes) {
        v->kind = VALUE_CHECKBOXES;
        v->as = compile_string(c, as);
        compile_codes(c, v, codes, pointer,
                      compile_kind(c, boxes) == IPTFHIR_NODE_STRING ? compile_string(c, boxes)
                                                                    : "");
    } else if (from) {
        compile_date_from(c, v, from, pointer);
    } else if (file) {
        v->kind = VALUE_FILE_TIME;
        (void)word(c, file, files, pointer, "file: modified");
    } else {
        scalar(c, &v->constant, constant, pointer);
    }
    if (codes && !boxes && v->type != TYPE_CODE)
        compile_fault(c, pointer, "codes needs type: code");
    if (as && !boxes)
        compile_fault(c, pointer, "as goes with checkboxes");
    if (from && v->type != TYPE_DATE && v->type != TYPE_DATETIME)
        compile_fault(c, pointer, "date_from gives a date or a datetime");
    compile_moment(c, v, spec, pointer);
}

/* Compiles the values of one map into a tree of fields. */
static void compile_values(struct compiler *c, struct field *root, const struct iptfhir_node *set,
                           const char *pointer) {
    for (const struct iptfhir_node *i = compile_first(c, set); i != NULL; i = compile_next(c, i)) {
        const char *path = compile_name(c, i), *place = compile_text(c, "%s/%s", pointer, path);
        const struct iptfhir_node *spec = i;
        struct field *f = field_of(c, root, path, place);
        size_t index = c->columns->value_count;
        struct value *v = f ? new_value(c) : NULL;
        if (!v)
            continue;
        f->kind = FIELD_VALUE;
        f->index = index;
        v->path = path;
        if (compile_kind(c, spec) == IPTFHIR_NODE_OBJECT)
            compile_value_map(c, v, spec, place);
        else if (compile_kind(c, spec) == IPTFHIR_NODE_STRING &&
                 strchr(compile_string(c, spec), '{'))
            compile_template(c, v, compile_string(c, spec), place);
        else
            scalar(c, &v->constant, spec, place);
    }
}

/* Compiles set: */
void compile_set(struct compiler *c) {
    const struct iptfhir_node *set = compile_get(c, c->columns->document, "set");
    if (compile_kind(c, set) != IPTFHIR_NODE_OBJECT || compile_count(c, set) == 0)
        compile_fault(c, "/set", "expected set: {record field: value, ...}");
    else
        compile_values(c, &c->columns->root, set, "/set");
    c->columns->set_count = c->columns->value_count;
}

/* Compiles a map of columns to the texts that count, from index `at` of the conditions. */
static void compile_conditions(struct compiler *c, struct list *list,
                               const struct iptfhir_node *map, const char *pointer) {
    if (map && compile_kind(c, map) != IPTFHIR_NODE_OBJECT)
        compile_fault(c, pointer, "expected {column: [text, ...], ...}");
    for (const struct iptfhir_node *i = compile_first(c, map); i != NULL; i = compile_next(c, i)) {
        const char *name = compile_name(c, i), *place = compile_text(c, "%s/%s", pointer, name);
        struct condition *condition = &list->conditions[list->condition_count++];
        condition->column = compile_column(c, name, strlen(name), place);
        condition->among = compile_names(c, i, place);
    }
}

/* Compiles when: */
static void compile_when(struct compiler *c, struct list *list, const struct iptfhir_node *when,
                         const char *pointer) {
    static const char *const known[] = { "filled", "any_filled", "events", "instrument",
                                         "equals", "status",     NULL };
    const struct iptfhir_node *events = compile_get(c, when, "events"),
                              *equals = compile_get(c, when, "equals"),
                              *status = compile_get(c, when, "status");
    const struct iptfhir_node *instrument = compile_get(c, when, "instrument");
    if (when && compile_kind(c, when) != IPTFHIR_NODE_OBJECT)
        compile_fault(c, pointer, "expected conditions");
    compile_known(c, when, pointer, known);
    list->filled = compile_columns(c, compile_get(c, when, "filled"),
                                   compile_text(c, "%s/filled", pointer), &list->filled_count);
    list->any_filled = compile_columns(c, compile_get(c, when, "any_filled"),
                                       compile_text(c, "%s/any_filled", pointer), &list->any_count);
    list->conditions = compile_alloc(c, (2 + compile_count(c, equals) + compile_count(c, status)) *
                                            sizeof *list->conditions);
    if (!list->conditions)
        return;
    if ((events || instrument) && !c->columns->redcap)
        compile_fault(c, pointer, "events and instrument need redcap: true");
    if (events) {
        struct condition *condition = &list->conditions[list->condition_count++];
        condition->column = compile_column(c, "redcap_event_name", 17, pointer);
        condition->among = compile_names(c, events, compile_text(c, "%s/events", pointer));
    }
    if (instrument) {
        list->instrument = compile_string(c, instrument);
        (void)compile_column(c, "redcap_repeat_instrument", 24, pointer);
        if (!list->instrument)
            compile_fault(c, pointer, "instrument: expected a name in quotes");
    }
    compile_conditions(c, list, equals, compile_text(c, "%s/equals", pointer));
    list->status_from = list->condition_count;
    compile_conditions(c, list, status, compile_text(c, "%s/status", pointer));
}

/* Compiles each: */
void compile_each(struct compiler *c) {
    static const char *const known[] = { "list", "when", "set", NULL };
    struct columns *columns = c->columns;
    const struct iptfhir_node *each = compile_get(c, columns->document, "each");
    const struct iptfhir_node *one = compile_first(c, each);
    if (each != NULL && compile_kind(c, each) != IPTFHIR_NODE_ARRAY) {
        compile_fault(c, "/each", "expected a list of {list, when, set}");
        return;
    }
    columns->lists = compile_alloc(c, compile_count(c, each) * sizeof *columns->lists);
    for (size_t i = 0; one != NULL; i++, one = compile_next(c, one)) {
        const char *pointer = compile_text(c, "/each/%zu", i),
                   *path = compile_string(c, compile_get(c, one, "list"));
        const struct iptfhir_node *set = compile_get(c, one, "set");
        if (!columns->lists)
            return;
        struct list *list = &columns->lists[columns->list_count++];
        compile_known(c, one, pointer, known);
        list->target = i;
        for (size_t j = i; path && j-- > 0;)
            if (columns->lists[j].path && strcmp(columns->lists[j].path, path) == 0)
                list->target = columns->lists[j].target;
        bool first = path && list->target == i;
        struct field *f =
            first ? field_of(c, &columns->root, path, compile_text(c, "%s/list", pointer)) : NULL;
        if (f) {
            f->kind = FIELD_LIST;
            f->index = i;
        }
        if (!path || compile_kind(c, set) != IPTFHIR_NODE_OBJECT || compile_count(c, set) == 0)
            compile_fault(c, pointer, "expected list: record field, and set: {field: value, ...}");
        list->path = path;
        list->first_value = columns->value_count;
        compile_when(c, list, compile_get(c, one, "when"), compile_text(c, "%s/when", pointer));
        compile_values(c, &list->root, set, compile_text(c, "%s/set", pointer));
        list->value_count = columns->value_count - list->first_value;
        list->id_value = SIZE_MAX;
        for (size_t j = list->first_value; j < columns->value_count; j++)
            if (strcmp(columns->values[j].path, "id") == 0)
                list->id_value = j;
    }
}
