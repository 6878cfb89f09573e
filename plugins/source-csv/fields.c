/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling the members set: and each: of the columns file: where in the record values go, and
 * which rows add to which list. */
#include "compile.h"

#include <stdlib.h>
#include <string.h>

/* ---- paths ---- */

enum { INDEX_MOST = 99 };

/* One step of a path: a name, or an index in brackets. */
struct step {
    const char *name; /* NULL: an index */
    size_t length;
    size_t index;
};

/* Reads an index in brackets; *p moves on. */
static bool read_index(const char **p, struct step *step) {
    const char *digits = *p + 1;
    char *end;
    unsigned long index = strtoul(digits, &end, 10);
    bool good = end != digits && *end == ']' && index <= INDEX_MOST;
    *step = (struct step) { .index = index };
    *p = end + good;
    return good;
}

/* Reads a name, with the point in front of it; *p moves on. */
static bool read_name(const char **p, struct step *step) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *name = *p + (**p == '.');
    *step = (struct step) { .name = name, .length = strspn(name, letters) };
    *p = name + step->length;
    return step->length > 0;
}

/* Reads one step; false when the path is wrong. */
static bool read_step(const char **p, struct step *step) {
    bool good = **p == '[' ? read_index(p, step) : read_name(p, step);
    return good && (**p == '\0' || **p == '.' || **p == '[');
}

static bool is_child(const struct field *f, const struct step *step) {
    if (step->name == NULL)
        return f->key == NULL && f->index == step->index;
    bool as_long = f->key != NULL && strlen(f->key) == step->length;
    return as_long && memcmp(f->key, step->name, step->length) == 0;
}

/* Finds a child; NULL: there is none. */
static struct field *find_child(const struct field *parent, const struct step *step) {
    struct field *f = parent->first;
    while (f != NULL && !is_child(f, step))
        f = f->next;
    return f;
}

/* Makes a child behind the others. */
static struct field *add_child(struct compiler *c, struct field *parent, const struct step *step) {
    struct field *f = compile_alloc(c, sizeof *f);
    if (f == NULL)
        return NULL;
    f->index = step->index;
    if (step->name != NULL)
        f->key = compile_text(c, "%.*s", (int)step->length, step->name);
    if (parent->last != NULL)
        parent->last->next = f;
    else
        parent->first = f;
    parent->last = f;
    return f;
}

/* Goes down one step, making what is missing. NULL and a fault when the path is wrong. */
static struct field *go_down(struct compiler *c, struct field *at, const char **p,
                             const char *pointer) {
    struct step step;
    if (!read_step(p, &step)) {
        compile_fault(
            c, pointer,
            "expected a record field such as patient.localId or patient.identifiers[0].value");
        return NULL;
    }
    enum field_kind kind = step.name != NULL ? FIELD_OBJECT : FIELD_ARRAY;
    if (at->first != NULL && at->kind != kind) {
        compile_fault(c, pointer, "the field is a list in one place and an object in another");
        return NULL;
    }
    at->kind = kind;
    struct field *child = find_child(at, &step);
    return child != NULL ? child : add_child(c, at, &step);
}

/* Makes the field of a path, of which no part may be a value already. NULL and a fault. */
static struct field *field_of(struct compiler *c, struct field *root, const char *path,
                              const char *pointer) {
    struct field *at = root;
    const char *p = path;
    do {
        if (at->kind == FIELD_VALUE || at->kind == FIELD_LIST) {
            compile_fault(c, pointer, "a part of this path already has a value");
            return NULL;
        }
        at = go_down(c, at, &p, pointer);
    } while (at != NULL && *p != '\0');
    if (at == NULL)
        return NULL;
    bool taken = at->kind == FIELD_VALUE || at->kind == FIELD_LIST || at->first != NULL;
    if (taken)
        compile_fault(c, pointer, "the field already has a value or members");
    return taken ? NULL : at;
}

/* ---- values ---- */

static struct value *new_value(struct compiler *c) {
    struct columns *columns = c->columns;
    if (columns->value_count == columns->value_capacity) {
        size_t capacity = columns->value_capacity > 0 ? columns->value_capacity * 2 : 64;
        struct value *values = realloc(columns->values, capacity * sizeof *values);
        if (values == NULL) {
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

/* Compiles the values of one map into a tree of fields. */
static void compile_values(struct compiler *c, struct field *root, const struct iptfhir_node *set,
                           const char *pointer) {
    for (const struct iptfhir_node *i = compile_first(c, set); i != NULL; i = compile_next(c, i)) {
        const char *path = compile_name(c, i);
        const char *place = compile_text(c, "%s/%s", pointer, path);
        struct field *f = field_of(c, root, path, place);
        size_t index = c->columns->value_count;
        struct value *v = f != NULL ? new_value(c) : NULL;
        if (v == NULL)
            continue;
        f->kind = FIELD_VALUE;
        f->index = index;
        v->path = path;
        compile_value(c, v, i, place);
    }
}

static bool is_filled_map(const struct compiler *c, const struct iptfhir_node *node) {
    return compile_kind(c, node) == IPTFHIR_NODE_OBJECT && compile_count(c, node) > 0;
}

void compile_set(struct compiler *c) {
    const struct iptfhir_node *set = compile_get(c, c->columns->document, "set");
    if (is_filled_map(c, set))
        compile_values(c, &c->columns->root, set, "/set");
    else
        compile_fault(c, "/set", "expected set: {record field: value, ...}");
    c->columns->set_count = c->columns->value_count;
}

/* ---- conditions ---- */

/* Compiles a map of columns to the texts that count. */
static void compile_conditions(struct compiler *c, struct list *list,
                               const struct iptfhir_node *map, const char *pointer) {
    if (map != NULL && compile_kind(c, map) != IPTFHIR_NODE_OBJECT)
        compile_fault(c, pointer, "expected {column: [text, ...], ...}");
    for (const struct iptfhir_node *i = compile_first(c, map); i != NULL; i = compile_next(c, i)) {
        const char *name = compile_name(c, i);
        const char *place = compile_text(c, "%s/%s", pointer, name);
        struct condition *condition = &list->conditions[list->condition_count++];
        condition->column = compile_column(c, name, strlen(name), place);
        condition->among = compile_names(c, i, place);
    }
}

/* Compiles what is REDCap's own: events, and the repeating instrument. */
static void compile_redcap_conditions(struct compiler *c, struct list *list,
                                      const struct iptfhir_node *when, const char *pointer) {
    const struct iptfhir_node *events = compile_get(c, when, "events");
    const struct iptfhir_node *instrument = compile_get(c, when, "instrument");
    bool any = events != NULL || instrument != NULL;
    if (any && !c->columns->redcap)
        compile_fault(c, pointer, "events and instrument need redcap: true");
    if (events != NULL) {
        struct condition *condition = &list->conditions[list->condition_count++];
        condition->column = compile_column(c, "redcap_event_name", 17, pointer);
        condition->among = compile_names(c, events, compile_text(c, "%s/events", pointer));
    }
    if (instrument == NULL)
        return;
    list->instrument = compile_string(c, instrument);
    (void)compile_column(c, "redcap_repeat_instrument", 24, pointer);
    if (list->instrument == NULL)
        compile_fault(c, pointer, "instrument: expected a name in quotes");
}

static void compile_when(struct compiler *c, struct list *list, const struct iptfhir_node *when,
                         const char *pointer) {
    static const char *const known[] = { "filled", "any_filled", "events", "instrument",
                                         "equals", "status",     NULL };
    const struct iptfhir_node *equals = compile_get(c, when, "equals");
    const struct iptfhir_node *status = compile_get(c, when, "status");
    size_t most = 1 + compile_count(c, equals) + compile_count(c, status);
    if (when != NULL && compile_kind(c, when) != IPTFHIR_NODE_OBJECT)
        compile_fault(c, pointer, "expected conditions");
    compile_known(c, when, pointer, known);
    list->filled = compile_columns(c, compile_get(c, when, "filled"),
                                   compile_text(c, "%s/filled", pointer), &list->filled_count);
    list->any_filled = compile_columns(c, compile_get(c, when, "any_filled"),
                                       compile_text(c, "%s/any_filled", pointer), &list->any_count);
    list->conditions = compile_alloc(c, most * sizeof *list->conditions);
    if (list->conditions == NULL)
        return;
    compile_redcap_conditions(c, list, when, pointer);
    compile_conditions(c, list, equals, compile_text(c, "%s/equals", pointer));
    list->status_from = list->condition_count;
    compile_conditions(c, list, status, compile_text(c, "%s/status", pointer));
}

/* ---- lists ---- */

/* The index of the first list with a path, which takes the elements of all of them. */
static size_t target_of(const struct columns *columns, const char *path, size_t index) {
    size_t first = 0;
    while (first < index) {
        const char *its = columns->lists[first].path;
        if (path != NULL && its != NULL && strcmp(its, path) == 0)
            return first;
        first++;
    }
    return index;
}

/* The value that is the id of a list's elements; SIZE_MAX: none. */
static size_t id_value_of(const struct columns *columns, const struct list *list) {
    size_t id = SIZE_MAX;
    for (size_t i = list->first_value; i < columns->value_count; i++) {
        if (strcmp(columns->values[i].path, "id") == 0)
            id = i;
    }
    return id;
}

/* Compiles one list; `index`: which. */
static void compile_list(struct compiler *c, const struct iptfhir_node *one, size_t index) {
    static const char *const known[] = { "list", "when", "set", NULL };
    struct columns *columns = c->columns;
    struct list *list = &columns->lists[columns->list_count++];
    const char *pointer = compile_text(c, "/each/%zu", index);
    const struct iptfhir_node *set = compile_get(c, one, "set");
    compile_known(c, one, pointer, known);
    list->path = compile_string(c, compile_get(c, one, "list"));
    list->target = target_of(columns, list->path, index);
    struct field *f = NULL;
    if (list->path != NULL && list->target == index)
        f = field_of(c, &columns->root, list->path, compile_text(c, "%s/list", pointer));
    if (f != NULL) {
        f->kind = FIELD_LIST;
        f->index = index;
    }
    if (list->path == NULL || !is_filled_map(c, set))
        compile_fault(c, pointer, "expected list: record field, and set: {field: value, ...}");
    list->first_value = columns->value_count;
    compile_when(c, list, compile_get(c, one, "when"), compile_text(c, "%s/when", pointer));
    compile_values(c, &list->root, set, compile_text(c, "%s/set", pointer));
    list->value_count = columns->value_count - list->first_value;
    list->id_value = id_value_of(columns, list);
}

void compile_each(struct compiler *c) {
    const struct iptfhir_node *each = compile_get(c, c->columns->document, "each");
    if (each != NULL && compile_kind(c, each) != IPTFHIR_NODE_ARRAY) {
        compile_fault(c, "/each", "expected a list of {list, when, set}");
        return;
    }
    c->columns->lists = compile_alloc(c, compile_count(c, each) * sizeof *c->columns->lists);
    if (c->columns->lists == NULL)
        return;
    const struct iptfhir_node *one = compile_first(c, each);
    for (size_t i = 0; one != NULL; i++) {
        compile_list(c, one, i);
        one = compile_next(c, one);
    }
}
