/* SPDX-License-Identifier: Apache-2.0 */
/* YAML to the tree, by libyaml's events: strict scalars, positions, bounded aliases. */
#include "core/config/yaml.h"

#include "core/base/file.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define MAX_BYTES (4u << 20)
#define MAX_NODES 200000
#define MAX_ANCHORS 256
#define MAX_TEXT_BYTES (16u << 20) /* of all scalars, those that aliases repeat included */

/* What an alias may repeat, and what a repetition costs. */
struct anchor {
    const char *name;
    const struct tree *node;
    size_t nodes, bytes;
    int height; /* levels below its own */
};

struct reading {
    struct arena *arena;
    yaml_parser_t parser;
    const char *source;
    struct report *report;
    size_t nodes, bytes; /* as if every alias were written out */
    struct anchor anchors[MAX_ANCHORS];
    size_t anchor_count;
    bool stopped;
};

/* Reports a fault at a mark. */
static void fault(struct reading *r, yaml_mark_t at, const char *code, const char *text) {
    char where[512];
    const char *source = r->source != NULL ? r->source : "-";
    snprintf(where, sizeof where, "%s:%zu:%zu", source, at.line + 1, at.column + 1);
    report_add(r->report, REPORT_ERROR, code, where, "%s", text);
}

/* Reports a fault after which nothing more is read. */
static void stop(struct reading *r, yaml_mark_t at, const char *text) {
    fault(r, at, "yaml", text);
    r->stopped = true;
}

/* Gives the next event; false when the parser gives up. */
static bool next(struct reading *r, yaml_event_t *event) {
    char text[256];
    if (r->stopped)
        return false;
    if (yaml_parser_parse(&r->parser, event))
        return true;
    const char *problem = r->parser.problem;
    if (problem == NULL)
        problem = "the parser gave up";
    snprintf(text, sizeof text, "this is not YAML: %s", problem);
    stop(r, r->parser.problem_mark, text);
    return false;
}

/* ---- scalars ---- */

/* Steps over one or more digits; false when there are none. */
static bool take_digits(const char **s) {
    size_t count = strspn(*s, "0123456789");
    *s += count;
    return count > 0;
}

/* Steps over one of some characters, if it is there. */
static bool take_one(const char **s, const char *of) {
    bool there = **s != '\0' && strchr(of, **s) != NULL;
    if (there)
        (*s)++;
    return there;
}

/* Steps over an exponent, if there is one; false when it has no digits. */
static bool take_exponent(const char **s) {
    if (!take_one(s, "eE"))
        return true;
    take_one(s, "+-");
    return take_digits(s);
}

/* True when the text is a number as JSON writes it. */
static bool is_json_number(const char *s) {
    take_one(&s, "-");
    if (!take_one(&s, "0") && !take_digits(&s))
        return false;
    if (take_one(&s, ".") && !take_digits(&s))
        return false;
    return take_exponent(&s) && *s == '\0';
}

static bool is_among(const char *text, const char *const *words) {
    for (; *words != NULL; words++) {
        if (strcmp(*words, text) == 0)
            return true;
    }
    return false;
}

/* Whether some YAML reader takes a text for a number that JSON doesn't have: 007, +1, 1_000, 0x1f.
 */
static bool is_foreign_number(const char *s) {
    take_one(&s, "+-");
    bool begins = *s >= '0' && *s <= '9';
    if (!begins)
        return false;
    if (take_one(&s, "0") && take_one(&s, "xob"))
        return true;
    s += strspn(s, "0123456789_");
    return *s == '\0';
}

/* Why a plain scalar that is no word or number of JSON must be quoted; NULL: it need not. */
static const char *ambiguous(const char *s) {
    static const char *const words[] = { "yes",  "no",   "on",   "off",   "y",     "n",     "Yes",
                                         "No",   "On",   "Off",  "Y",     "N",     "YES",   "NO",
                                         "ON",   "OFF",  "True", "TRUE",  "False", "FALSE", "Null",
                                         "NULL", ".nan", ".inf", "-.inf", NULL };
    if (is_among(s, words))
        return "other YAML readers take this word for true, false, null or no number: write true, "
               "false or null, or quote it";
    if (is_foreign_number(s))
        return "a number with a leading zero, plus sign or underscore is read differently by YAML "
               "readers: write it as JSON does, or quote it";
    return NULL;
}

/* Makes a plain scalar, typed as in JSON. */
static struct tree *plain(struct reading *r, const yaml_event_t *e, const char *s, size_t length) {
    static const char *const nulls[] = { "", "~", "null", NULL };
    static const char *const booleans[] = { "true", "false", NULL };
    if (is_among(s, nulls))
        return tree_new(r->arena, TREE_NULL);
    if (is_among(s, booleans))
        return tree_boolean(r->arena, strcmp(s, "true") == 0);
    if (is_json_number(s))
        return tree_number(r->arena, s, length);
    const char *why = ambiguous(s);
    if (why != NULL)
        fault(r, e->start_mark, "yaml-ambiguous", why);
    return tree_string(r->arena, s, length);
}

static struct tree *scalar(struct reading *r, const yaml_event_t *e) {
    const char *s = (const char *)e->data.scalar.value;
    size_t length = e->data.scalar.length;
    if (strlen(s) != length) {
        fault(r, e->start_mark, "yaml", "a NUL character is not allowed");
        return tree_new(r->arena, TREE_NULL);
    }
    if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return plain(r, e, s, length);
    return tree_string(r->arena, s, length);
}

/* ---- groups and lists ---- */

static struct tree *node(struct reading *r, yaml_event_t *event, int depth);

/* The name that a key's event gives, in the arena; NULL, with a fault: it gives none. */
static const char *name_of(struct reading *r, const yaml_event_t *key) {
    if (key->type != YAML_SCALAR_EVENT) {
        stop(r, key->start_mark, "a key must be a text");
        return NULL;
    }
    const char *text = (const char *)key->data.scalar.value;
    bool plain_key = key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain_key && strcmp(text, "<<") == 0)
        fault(r, key->start_mark, "yaml", "merge keys are not supported: write the members out");
    const char *name = arena_strndup(r->arena, text, key->data.scalar.length);
    if (name == NULL)
        stop(r, key->start_mark, "memory ran out: the file is too large");
    return name;
}

/* The keys of a mapping, so that one that stands twice is found at its end. */
struct key {
    const char *name;
    yaml_mark_t at;
};
struct keys {
    struct key *list;
    size_t count, capacity;
};

static bool note_key(struct reading *r, struct keys *keys, const char *name, yaml_mark_t at) {
    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity > 0 ? keys->capacity * 2 : 16;
        struct key *list = arena_alloc(r->arena, capacity * sizeof *list);
        if (list == NULL)
            return false;
        if (keys->count > 0)
            memcpy(list, keys->list, keys->count * sizeof *list);
        keys->list = list;
        keys->capacity = capacity;
    }
    keys->list[keys->count++] = (struct key) { name, at };
    return true;
}

/* By name, and those of one name as they stand. */
static int by_name(const void *a, const void *b) {
    const struct key *x = a;
    const struct key *y = b;
    int order = strcmp(x->name, y->name);
    if (order != 0)
        return order;
    return (x->at.index > y->at.index) - (x->at.index < y->at.index);
}

static void find_twins(struct reading *r, struct keys *keys) {
    if (keys->count > 1)
        qsort(keys->list, keys->count, sizeof *keys->list, by_name);
    for (size_t i = 1; i < keys->count; i++) {
        if (strcmp(keys->list[i - 1].name, keys->list[i].name) == 0)
            fault(r, keys->list[i].at, "duplicate-key", "this key stands twice: keep one");
    }
}

/* Reads the value of a key. False: nothing more can be read. */
static bool member(struct reading *r, struct tree *object, const char *name, int depth) {
    yaml_event_t value;
    if (!next(r, &value))
        return false;
    struct tree *child = node(r, &value, depth);
    if (child == NULL)
        return false;
    return tree_add(r->arena, object, name, child);
}

/* Reads the members of a mapping, after its start. */
static void members(struct reading *r, struct tree *object, int depth) {
    struct keys keys = { .list = NULL };
    bool more = true;
    while (more) {
        yaml_event_t key;
        if (!next(r, &key))
            return;
        const char *name = NULL;
        yaml_mark_t at = key.start_mark;
        if (key.type != YAML_MAPPING_END_EVENT)
            name = name_of(r, &key);
        yaml_event_delete(&key);
        more = name != NULL && note_key(r, &keys, name, at) && member(r, object, name, depth);
    }
    find_twins(r, &keys);
}

/* Reads the items of a sequence, after its start. */
static void items(struct reading *r, struct tree *array, int depth) {
    yaml_event_t e;
    while (next(r, &e)) {
        if (e.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&e);
            return;
        }
        if (!tree_append(array, node(r, &e, depth)))
            return;
    }
}

/* ---- anchors ---- */

/* The newest anchor of a name, NULL when there is none. */
static const struct anchor *anchor_find(const struct reading *r, const char *name) {
    for (size_t i = r->anchor_count; i > 0; i--) {
        if (strcmp(r->anchors[i - 1].name, name) == 0)
            return &r->anchors[i - 1];
    }
    return NULL;
}

/* True when the file stays within its bounds with the anchor written out once more at `depth`. */
static bool may_repeat(const struct reading *r, const struct anchor *a, int depth) {
    return a->nodes <= MAX_NODES - r->nodes && a->bytes <= MAX_TEXT_BYTES - r->bytes &&
           depth + a->height <= TREE_MAX_DEPTH;
}

/* Makes the node that an alias stands for, as a copy; bounds are checked before anything is
 * copied. */
static struct tree *alias(struct reading *r, const yaml_event_t *e, int depth) {
    const struct anchor *a = anchor_find(r, (const char *)e->data.alias.anchor);
    if (a == NULL) {
        fault(r, e->start_mark, "yaml", "this alias has no anchor before it");
        return tree_new(r->arena, TREE_NULL);
    }
    if (!may_repeat(r, a, depth)) {
        stop(r, e->start_mark,
             "this file grows too large or too deep by its aliases: write out what is needed, "
             "without aliases of aliases");
        return NULL;
    }
    r->nodes += a->nodes;
    r->bytes += a->bytes;
    struct tree *copy = tree_copy(r->arena, a->node);
    if (copy != NULL)
        copy->name = NULL;
    return copy;
}

/* The levels below a node. */
static int height_of(const struct tree *node) {
    int height = 0;
    if (node->kind != TREE_ARRAY && node->kind != TREE_OBJECT)
        return 0;
    for (const struct tree *child = node->first; child != NULL; child = child->next) {
        int below = 1 + height_of(child);
        if (below > height)
            height = below;
    }
    return height;
}

/* Remembers an anchored node and what was read since it began. */
static void anchor(struct reading *r, const yaml_event_t *e, const char *name,
                   const struct tree *made, size_t nodes_before, size_t bytes_before) {
    if (name == NULL || made == NULL)
        return;
    if (r->anchor_count == MAX_ANCHORS) {
        fault(r, e->start_mark, "yaml", "too many anchors");
        return;
    }
    r->anchors[r->anchor_count++] = (struct anchor) { .name = name,
                                                      .node = made,
                                                      .nodes = r->nodes - nodes_before,
                                                      .bytes = r->bytes - bytes_before,
                                                      .height = height_of(made) };
}

/* ---- nodes ---- */

/* What an event says of the node that it begins. */
struct opening {
    const char *tag, *anchor; /* NULL: none */
    bool quoted;              /* a scalar in quotes */
};

static bool is_quoted(yaml_scalar_style_t style) {
    return style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
}

/* Reads an event's tag, anchor and style. */
static struct opening opening_of(const yaml_event_t *e) {
    struct opening o = { 0 };
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        o.tag = (const char *)e->data.scalar.tag;
        o.anchor = (const char *)e->data.scalar.anchor;
        o.quoted = is_quoted(e->data.scalar.style);
        break;
    case YAML_MAPPING_START_EVENT:
        o.tag = (const char *)e->data.mapping_start.tag;
        o.anchor = (const char *)e->data.mapping_start.anchor;
        break;
    case YAML_SEQUENCE_START_EVENT:
        o.tag = (const char *)e->data.sequence_start.tag;
        o.anchor = (const char *)e->data.sequence_start.anchor;
        break;
    default: break;
    }
    return o;
}

/* Counts a node; false, with a fault, when the file is nested too deeply or too large. */
static bool count_node(struct reading *r, const yaml_event_t *e, int depth) {
    if (e->type != YAML_ALIAS_EVENT)
        r->nodes++;
    if (e->type == YAML_SCALAR_EVENT)
        r->bytes += e->data.scalar.length;
    bool too_large = r->nodes > MAX_NODES || r->bytes > MAX_TEXT_BYTES;
    if (!too_large && depth <= TREE_MAX_DEPTH)
        return true;
    stop(r, e->start_mark, "this file is nested too deeply, or too large");
    return false;
}

/* Makes the node that an event begins, without what is in it. */
static struct tree *make_node(struct reading *r, const yaml_event_t *e, int depth) {
    switch (e->type) {
    case YAML_SCALAR_EVENT: return scalar(r, e);
    case YAML_ALIAS_EVENT: return alias(r, e, depth);
    case YAML_MAPPING_START_EVENT: return tree_new(r->arena, TREE_OBJECT);
    default: return tree_new(r->arena, TREE_ARRAY);
    }
}

/* Reads one node from its first event, which is consumed. */
static struct tree *node(struct reading *r, yaml_event_t *e, int depth) {
    struct tree *made = NULL;
    const char *name = NULL;
    struct opening o = opening_of(e);
    size_t nodes_before = r->nodes, bytes_before = r->bytes;
    if (o.tag != NULL)
        fault(r, e->start_mark, "yaml", "tags are not supported");
    if (!count_node(r, e, depth))
        goto out;
    if (o.anchor != NULL)
        name = arena_strndup(r->arena, o.anchor, strlen(o.anchor));
    made = make_node(r, e, depth);
    if (made == NULL)
        goto out;
    made->line = (uint32_t)e->start_mark.line + 1;
    made->column = (uint32_t)e->start_mark.column + 1 + o.quoted;
    if (e->type == YAML_MAPPING_START_EVENT)
        members(r, made, depth + 1);
    else if (e->type == YAML_SEQUENCE_START_EVENT)
        items(r, made, depth + 1);
    anchor(r, e, name, made, nodes_before, bytes_before);
out:
    yaml_event_delete(e);
    return made;
}

/* Reads the one document of a stream. */
static struct tree *document(struct reading *r) {
    struct tree *root = NULL;
    bool ended = false;
    yaml_event_t e;
    while (!ended && next(r, &e)) {
        switch (e.type) {
        case YAML_STREAM_END_EVENT: ended = true; break;
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT: break;
        case YAML_DOCUMENT_START_EVENT:
            if (root != NULL)
                stop(r, e.start_mark, "a file holds one document: take the second `---` away");
            break;
        default: root = node(r, &e, 0); continue; /* which takes the event */
        }
        yaml_event_delete(&e);
    }
    return root;
}

struct tree *yaml_read(struct arena *a, const char *text, size_t length, const char *source,
                       struct report *report) {
    struct reading r = { .arena = a, .source = source, .report = report };
    size_t errors = report->errors;
    if (!yaml_parser_initialize(&r.parser)) {
        report_add(report, REPORT_ERROR, "memory", source, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, length);
    struct tree *root = document(&r);
    yaml_parser_delete(&r.parser);
    if (root == NULL && report->errors == errors)
        report_add(report, REPORT_ERROR, "yaml", source, "this file is empty");
    return report->errors == errors ? root : NULL;
}

struct tree *yaml_read_file(struct arena *a, const char *path, struct report *report) {
    struct str text = { 0 };
    char why[IPTFHIR_FILE_WHY];
    if (!file_read(&text, path, MAX_BYTES, why)) {
        report_add(report, REPORT_ERROR, "missing-file", path, "%s", why);
        str_free(&text);
        return NULL;
    }
    struct tree *root = yaml_read(a, text.data != NULL ? text.data : "", text.length, path, report);
    str_free(&text);
    return root;
}
