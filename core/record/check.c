/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a record against the compiled schema, and what the schema's rules say of several fields at
 * once. */
#include "core/record/schema.h"

#include "core/fhir/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct checker {
    const struct record_schema *schema;
    const struct tree *root;
    const char *source;
    struct report *report;
    bool clean;
};

/* ---- findings ---- */

/* Adds a finding at a node, or at its member `name` that isn't there. */
static void add_finding(struct checker *c, enum report_severity severity, const struct tree *at,
                        const char *name, const char *format, va_list args)
    __attribute__((format(printf, 5, 0)));
static void add_finding(struct checker *c, enum report_severity severity, const struct tree *at,
                        const char *name, const char *format, va_list args) {
    char where[WHERE_MAX], text[512];
    where_write(where, c->source, at, name);
    vsnprintf(text, sizeof text, format, args);
    report_add(c->report, severity, "record", where, "%s", text);
}

static void fault(struct checker *c, const struct tree *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fault(struct checker *c, const struct tree *at, const char *format, ...) {
    va_list args;
    c->clean = false;
    va_start(args, format);
    add_finding(c, REPORT_ERROR, at, NULL, format, args);
    va_end(args);
}

static void warning(struct checker *c, const struct tree *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void warning(struct checker *c, const struct tree *at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add_finding(c, REPORT_WARNING, at, NULL, format, args);
    va_end(args);
}

/* Reports a member that isn't there. */
static void missing(struct checker *c, const struct tree *object, const char *name) {
    char where[WHERE_MAX];
    c->clean = false;
    where_write(where, c->source, object, name);
    report_add(c->report, REPORT_ERROR, "record", where, "required, but missing");
}

/* ---- texts ---- */

static bool is_among(const char *text, const char *const *list) {
    if (list == NULL)
        return false;
    for (; *list != NULL; list++) {
        if (strcmp(*list, text) == 0)
            return true;
    }
    return false;
}

/* Reports a value that isn't among the allowed ones. */
static void not_among(struct checker *c, const struct rule_node *node, const struct tree *at) {
    char list[400] = "";
    bool several = node->texts[0] != NULL && node->texts[1] != NULL;
    const char *before = several ? "one of: " : "";
    size_t used = 0;
    for (const char *const *t = node->texts; *t != NULL && used < sizeof list; t++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", before, *t);
        before = ", ";
    }
    fault(c, at, "expected %s", list);
}

/* The id by which an item of a list is told from others; NULL when it has none. */
static const struct tree *id_of(const struct tree *item, uint32_t key) {
    if (item->kind != TREE_OBJECT)
        return NULL;
    const struct tree *id = tree_get_symbol(item, key);
    if (id == NULL || id->kind != TREE_STRING)
        return NULL;
    return id;
}

static bool same_text(const struct tree *a, const struct tree *b) {
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/* Whether an item of a list has an id; `end`: only those before this item, NULL: any. */
static bool has_id(const struct tree *list, const struct tree *end, uint32_t key,
                   const struct tree *id) {
    for (const struct tree *i = list->first; i != end; i = i->next) {
        const struct tree *other = id_of(i, key);
        if (other != NULL && same_text(other, id))
            return true;
    }
    return false;
}

/* Whether an item of a list at the root has the id that a text names. */
static bool is_listed(const struct checker *c, uint32_t list, const struct tree *text) {
    const struct field *f = field_find(c->schema->root, list);
    const struct tree *items = tree_get_symbol(c->root, list);
    if (f == NULL || f->node->unique_by == 0)
        return false;
    if (items == NULL || items->kind != TREE_ARRAY)
        return false;
    return has_id(items, NULL, f->node->unique_by, text);
}

static void check_reference(struct checker *c, const struct rule_node *node,
                            const struct tree *at) {
    if (is_among(at->text, node->or_texts) || is_listed(c, node->refers_to, at))
        return;
    fault(c, at, "no entry of /%s has this id", symbol_name(node->refers_to));
}

static void check_length(struct checker *c, const struct rule_node *node, const struct tree *at) {
    if (at->length < node->min_length)
        fault(c, at, "expected text that is not empty: leave the field out, or null");
    if (at->length > node->max_length)
        fault(c, at, "expected at most %u bytes", node->max_length);
}

static void check_string(struct checker *c, const struct rule_node *node, const struct tree *at) {
    const enum text_format format = (enum text_format)node->format;
    const char *expected = text_format_check(format, at->text, at->length);
    check_length(c, node, at);
    if (node->texts != NULL && !is_among(at->text, node->texts))
        not_among(c, node, at);
    if (expected != NULL)
        fault(c, at, "%s", expected);
    if (node->refers_to != 0)
        check_reference(c, node, at);
}

/* ---- numbers ---- */

/* Whether a value is beyond a bound. */
static bool is_beyond(const struct limit *limit, bool upper, double value) {
    if (!limit->is_set)
        return false;
    return upper ? value > limit->value : value < limit->value;
}

/* Reports a number outside its limits, as an error or a warning. */
static void check_limits(struct checker *c, const struct rule_node *node, const struct tree *at,
                         double value) {
    static const struct {
        bool upper;
        void (*report)(struct checker *c, const struct tree *at, const char *format, ...);
        const char *text;
    } bounds[LIMITS] = {
        [LIMIT_MINIMUM] = { false, fault, "expected at least" },
        [LIMIT_MAXIMUM] = { true, fault, "expected at most" },
        [LIMIT_WARN_MINIMUM] = { false, warning, "usually at least" },
        [LIMIT_WARN_MAXIMUM] = { true, warning, "usually at most" },
    };
    for (size_t i = 0; i < LIMITS; i++) {
        const struct limit *limit = &node->limits[i];
        if (is_beyond(limit, bounds[i].upper, value))
            bounds[i].report(c, at, "%s %g", bounds[i].text, limit->value);
    }
}

static void check_number(struct checker *c, const struct rule_node *node, const struct tree *at) {
    int64_t whole = 0;
    if (!node->integer) {
        check_limits(c, node, at, strtod(at->text, NULL));
        return;
    }
    if (tree_to_int(at, &whole))
        check_limits(c, node, at, (double)whole);
    else
        fault(c, at, "expected a whole number");
}

static void check_node(struct checker *c, const struct rule_node *node, const struct tree *at);

/* ---- lists ---- */

enum { SEEN_BITS = 4096 };
/* Hashes of the ids met so far: one that is new is mostly known to be without a search. */
struct seen {
    uint64_t bits[SEEN_BITS / 64];
};

/* Notes an id. Returns false when it is surely new. */
static bool may_be_seen(struct seen *seen, const struct tree *id) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (uint32_t i = 0; i < id->length; i++)
        hash = (hash ^ (uint8_t)id->text[i]) * 16777619u;
    uint64_t *word = &seen->bits[hash % SEEN_BITS / 64];
    uint64_t bit = UINT64_C(1) << hash % 64;
    bool noted = (*word & bit) != 0;
    *word |= bit;
    return noted;
}

/* Reports each id that stood in the list before. */
static void check_unique(struct checker *c, uint32_t key, const struct tree *list) {
    struct seen seen = { 0 };
    for (const struct tree *i = list->first; i != NULL; i = i->next) {
        const struct tree *id = id_of(i, key);
        if (id == NULL || !may_be_seen(&seen, id))
            continue;
        if (has_id(list, i, key, id))
            fault(c, id, "this id stands twice in the list: ids are unique within a list");
    }
}

static void check_list(struct checker *c, const struct rule_node *node, const struct tree *at) {
    if (at->length < node->min_items)
        fault(c, at, "expected at least %u entries", node->min_items);
    if (node->items != NULL) {
        for (const struct tree *i = at->first; i != NULL; i = i->next)
            check_node(c, node->items, i);
    }
    if (node->unique_by != 0)
        check_unique(c, node->unique_by, at);
}

/* ---- objects ---- */

/* Checks a field that the schema doesn't name. */
static void check_other(struct checker *c, const struct rule_node *node, const struct tree *at) {
    char hint[NEAREST_HINT];
    if (node->others != NULL)
        check_node(c, node->others, at);
    else if (!node->open)
        fault(c, at, "unknown field%s", nearest_hint(at->name, node->names, hint));
}

/* Whether an end is before its start: complete times as instants, else the dates as far as both
 * go. */
static bool is_before(const char *end, const char *start) {
    enum { DATE = 10 };
    int64_t a = 0, b = 0;
    if (instant_seconds(start, &a) && instant_seconds(end, &b))
        return b < a;
    size_t length = DATE;
    if (strlen(end) < length)
        length = strlen(end);
    if (strlen(start) < length)
        length = strlen(start);
    return strncmp(end, start, length) < 0;
}

/* Whether a node may be a date: what it lacks of one is reported elsewhere. */
static bool has_year(const struct tree *node) {
    return node != NULL && node->kind == TREE_STRING && node->length >= 4;
}

/* Checks that a field isn't before its sibling. */
static void check_order(struct checker *c, uint32_t not_before, const struct tree *object,
                        const struct tree *at) {
    const struct tree *start = tree_get_symbol(object, not_before);
    if (!has_year(start) || !has_year(at))
        return;
    if (is_before(at->text, start->text))
        fault(c, at, "is before %s", symbol_name(not_before));
}

static void check_field(struct checker *c, const struct field *f, const struct tree *object,
                        const struct tree *at) {
    check_node(c, f->node, at);
    if (f->node->not_before != 0)
        check_order(c, f->node->not_before, object, at);
}

static void check_required(struct checker *c, const struct rule_node *node, uint64_t seen,
                           const struct tree *at) {
    uint64_t lacking = node->required & ~seen;
    for (uint32_t i = 0; lacking != 0; i++, lacking >>= 1) {
        if ((lacking & 1) != 0)
            missing(c, at, node->names[i]);
    }
}

static void check_object(struct checker *c, const struct rule_node *node, const struct tree *at) {
    uint64_t seen = 0; /* a bit a field */
    for (const struct tree *m = at->first; m != NULL; m = m->next) {
        const struct field *f = field_find(node, member_symbol(m));
        if (f == NULL) {
            check_other(c, node, m);
            continue;
        }
        uint64_t bit = UINT64_C(1) << f->index;
        if ((seen & bit) != 0)
            fault(c, m, "this field stands twice");
        seen |= bit;
        check_field(c, f, at, m);
    }
    check_required(c, node, seen, at);
}

/* ---- one node ---- */

static bool takes(const struct rule_node *node, int kind) {
    return (node->kinds >> kind & 1) != 0;
}

/* Reports a node of a wrong kind: "expected a string or null". */
static void wrong_kind(struct checker *c, const struct rule_node *node, const struct tree *at) {
    static const char *const names[] = { "null",     "true or false", "a number",
                                         "a string", "a list",        "an object" };
    char kinds[100] = "";
    size_t used = 0;
    for (int kind = TREE_OBJECT; kind >= TREE_NULL; kind--) {
        const char *before = used > 0 ? " or " : "";
        if (takes(node, kind))
            used +=
                (size_t)snprintf(kinds + used, sizeof kinds - used, "%s%s", before, names[kind]);
    }
    fault(c, at, "expected %s", kinds);
}

/* Checks one node and all below it. */
static void check_node(struct checker *c, const struct rule_node *node, const struct tree *at) {
    typedef void check_kind(struct checker *, const struct rule_node *, const struct tree *);
    static check_kind *const checks[] = {
        [TREE_NULL] = NULL,           [TREE_BOOLEAN] = NULL,     [TREE_NUMBER] = check_number,
        [TREE_STRING] = check_string, [TREE_ARRAY] = check_list, [TREE_OBJECT] = check_object,
    };
    if (node->kinds != 0 && !takes(node, at->kind))
        wrong_kind(c, node, at);
    else if (checks[at->kind] != NULL)
        checks[at->kind](c, node, at);
}

bool record_check(const struct record_schema *schema, const struct tree *record, const char *source,
                  struct report *report) {
    struct checker c = {
        .schema = schema, .root = record, .source = source, .report = report, .clean = true
    };
    check_node(&c, schema->root, record);
    return c.clean;
}
