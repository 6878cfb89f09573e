/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a record against the compiled schema, and what the schema's rules say of several fields at
 * once. */
#include "core/record/schema.h"

#include "core/fhir/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOOM_BITS 4096u

struct checker {
    const struct record_schema *schema;
    const struct tree *root;
    const char *source;
    struct report *report;
    bool clean;
};

/* Tells whether a character may stand in a name that is shown. */
static bool is_name_part(char c) {
    static const char parts[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-$";
    return c != '\0' && strchr(parts, c) != NULL;
}

/* Writes a name when it looks like one: data in the place of a name isn't shown. */
const char *field_name_shown(const char *name, size_t length, char out[NAME_MAX_SHOWN + 1]) {
    if (length == 0 || length > NAME_MAX_SHOWN)
        return "(unusual-name)";
    for (size_t i = 0; i < length; i++)
        if (!is_name_part(name[i]))
            return "(unusual-name)";
    memcpy(out, name, length);
    out[length] = '\0';
    return out;
}

/* Writes the JSON pointer of a node, unusual names replaced. */
static size_t write_pointer(char *out, size_t size, const struct tree *node) {
    if (node->parent == NULL)
        return 0;
    size_t at = write_pointer(out, size, node->parent);
    if (at >= size)
        return at;
    char name[NAME_MAX_SHOWN + 1];
    int more = 0;
    if (node->parent->kind == TREE_ARRAY) {
        size_t index = 0;
        for (const struct tree *n = node->parent->first; n != node; n = n->next)
            index++;
        more = snprintf(out + at, size - at, "/%zu", index);
    } else {
        more = snprintf(out + at, size - at, "/%s",
                        field_name_shown(node->name, node->name_length, name));
    }
    return more < 0 ? at : at + (size_t)more;
}

/* Adds to a text as far as it has room; gives its new length. */
static size_t add_text(char *out, size_t size, size_t at, const char *more) {
    size_t length = strlen(more);
    size_t room = size - at - 1;
    if (length > room)
        length = room;
    memcpy(out + at, more, length);
    out[at + length] = '\0';
    return at + length;
}

/* Writes where a node, or its member `name`, stands: "source:line:column JSON-pointer". */
static void write_where(char *out, size_t size, const char *source, const struct tree *node,
                        const char *name) {
    char pointer[200] = "", position[32] = "", short_source[151];
    size_t at = 0;
    if (source != NULL) {
        snprintf(short_source, sizeof short_source, "%s", source);
        at = add_text(out, size, at, short_source);
    }
    if (node->line > 0) {
        snprintf(position, sizeof position, "%u:%u", node->line, node->column);
        if (at > 0)
            at = add_text(out, size, at, ":");
        at = add_text(out, size, at, position);
    }
    if (at > 0)
        at = add_text(out, size, at, " ");
    write_pointer(pointer, sizeof pointer, node);
    at = add_text(out, size, at, pointer);
    if (name != NULL) {
        at = add_text(out, size, at, "/");
        at = add_text(out, size, at, name);
    }
    out[at] = '\0';
}

/* Adds a finding at a node, or at its member `name` that isn't there. */
static void found(struct checker *c, enum report_severity severity, const struct tree *at,
                  const char *name, const char *format, ...) __attribute__((format(printf, 5, 6)));
static void found(struct checker *c, enum report_severity severity, const struct tree *at,
                  const char *name, const char *format, ...) {
    char where[256], text[512];
    write_where(where, sizeof where, c->source, at, name);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (severity == REPORT_ERROR)
        c->clean = false;
    report_add(c->report, severity, "record", where, "%s", text);
}

static bool all_digits(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return length > 0;
}

/* Checks ten digits whose last is the Luhn digit of 80840 and the other nine (CMS, NPI check
 * digit). */
static bool is_npi(const char *text, size_t length) {
    if (length != 10 || !all_digits(text, length))
        return false;
    int sum = 24; /* what 80840 adds */
    for (int i = 0; i < 10; i++) {
        int digit = text[i] - '0', twice = digit * 2;
        sum += i % 2 == 1 ? digit : twice > 9 ? twice - 9 : twice;
    }
    return sum % 10 == 0;
}

/* Tells whether a character is a digit or a capital letter. */
static bool is_capital_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

/* Checks letter, digit, alphanumeric, then a dot and one to four alphanumerics, if any. */
static bool is_icd10cm(const char *t, size_t length) {
    if (length < 3 || length == 4 || length > 8)
        return false;
    bool letter_first = t[0] >= 'A' && t[0] <= 'Z';
    if (!letter_first || !all_digits(t + 1, 1) || !is_capital_or_digit(t[2]))
        return false;
    if (length > 3 && t[3] != '.')
        return false;
    for (size_t i = 4; i < length; i++)
        if (!is_capital_or_digit(t[i]))
            return false;
    return true;
}

/* Checks one to seven digits, a dash and a digit. */
static bool is_loinc(const char *t, size_t length) {
    return length >= 3 && length <= 9 && t[length - 2] == '-' && all_digits(t, length - 2) &&
           all_digits(t + length - 1, 1);
}

/* Checks an absolute URI: a scheme, and no white space. */
static bool is_absolute_uri(const char *t, size_t length) {
    size_t scheme = strcspn(t, ":/?#");
    return format_check(FORMAT_URI, t, length) == NULL && scheme > 0 && t[scheme] == ':' &&
           t[scheme + 1] != '\0';
}

/* Checks a whole date. */
static bool is_whole_date(const char *t, size_t length) {
    return length == 10 && format_check(FORMAT_DATE, t, length) == NULL;
}

/* Checks a date that may lack its day or month. */
static bool is_partial_date(const char *t, size_t length) {
    return format_check(FORMAT_DATE, t, length) == NULL;
}

/* Checks a date and time with its offset. */
static bool is_instant(const char *t, size_t length) {
    return format_check(FORMAT_INSTANT, t, length) == NULL;
}

/* Checks a code. */
static bool is_code(const char *t, size_t length) {
    return format_check(FORMAT_CODE, t, length) == NULL;
}

/* Checks a SNOMED CT id. */
static bool is_sctid(const char *t, size_t length) {
    return length >= 6 && length <= 18 && all_digits(t, length);
}

/* How each format is checked, and what it expects. */
struct text_rule {
    bool (*fits)(const char *text, size_t length);
    const char *expected;
};
static const struct text_rule text_rules[] = {
    [TEXT_DATE] = { is_whole_date, "expected a date that exists: YYYY-MM-DD" },
    [TEXT_PARTIAL_DATE] = { is_partial_date,
                            "expected a date that exists: YYYY, YYYY-MM or YYYY-MM-DD" },
    [TEXT_DATETIME] = { is_instant, "expected date and time with seconds and offset: "
                                    "YYYY-MM-DDThh:mm:ss+hh:mm" },
    [TEXT_URI] = { is_absolute_uri, "expected an absolute URI, such as urn:oid:1.2.3" },
    [TEXT_CODE] = { is_code, "expected a code without white space at its ends" },
    [TEXT_NPI] = { is_npi, "expected an NPI: 10 digits, the last its check digit" },
    [TEXT_ICD10CM] = { is_icd10cm, "expected an ICD-10-CM code with its dot, such as F32.1" },
    [TEXT_LOINC] = { is_loinc, "expected a LOINC code, such as 44261-6" },
    [TEXT_SCTID] = { is_sctid, "expected a SNOMED CT id: 6 to 18 digits" },
    [TEXT_DIGITS] = { all_digits, "expected digits" },
};

/* Checks a text against a format. */
const char *text_format_check(enum text_format format, const char *t, size_t length) {
    size_t index = (size_t)format;
    if (index >= sizeof text_rules / sizeof text_rules[0] || text_rules[index].fits == NULL)
        return NULL;
    return text_rules[index].fits(t, length) ? NULL : text_rules[index].expected;
}

/* True when a text is in a NULL-terminated list. */
static bool is_among(const char *text, const char *const *list) {
    for (; list != NULL && *list != NULL; list++)
        if ((*list)[0] == text[0] && strcmp(*list, text) == 0)
            return true;
    return false;
}

/* Reports a value that isn't among the allowed ones. */
static void not_among(struct checker *c, const struct rule_node *node, const struct tree *at) {
    char list[400] = "";
    size_t used = 0;
    for (const char *const *t = node->texts; *t != NULL && used < sizeof list - 1; t++) {
        int more = snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "", *t);
        used += more < 0 ? 0 : (size_t)more;
    }
    found(c, REPORT_ERROR, at, NULL, "expected %s%s",
          node->texts[0] != NULL && node->texts[1] != NULL ? "one of: " : "", list);
}

/* True when a list at the root has an item whose id is `text`. */
static bool is_listed(const struct checker *c, uint32_t list, const char *text, uint32_t length) {
    const struct field *f = field_find(c->schema->root, list);
    const struct tree *items = tree_get_symbol(c->root, list);
    uint32_t key = f != NULL ? f->node->unique_by : 0;
    if (items == NULL || items->kind != TREE_ARRAY || key == 0)
        return false;
    for (const struct tree *i = items->first; i != NULL; i = i->next) {
        const struct tree *id = i->kind == TREE_OBJECT ? tree_get_symbol(i, key) : NULL;
        if (id != NULL && id->kind == TREE_STRING && id->length == length &&
            memcmp(id->text, text, length) == 0)
            return true;
    }
    return false;
}

/* Checks a string. */
static void check_string(struct checker *c, const struct rule_node *node, const struct tree *at) {
    if (at->length < node->min_length)
        found(c, REPORT_ERROR, at, NULL,
              "expected text that is not empty: leave the field out, or null");
    else if (at->length > node->max_length)
        found(c, REPORT_ERROR, at, NULL, "expected at most %u bytes", node->max_length);
    if (node->texts != NULL && !is_among(at->text, node->texts))
        not_among(c, node, at);
    if (node->format != TEXT_ANY) {
        const char *expected =
            text_format_check((enum text_format)node->format, at->text, at->length);
        if (expected != NULL)
            found(c, REPORT_ERROR, at, NULL, "%s", expected);
    }
    if (node->refers_to != 0 && !is_among(at->text, node->or_texts) &&
        !is_listed(c, node->refers_to, at->text, at->length))
        found(c, REPORT_ERROR, at, NULL, "no entry of /%s has this id",
              symbol_name(node->refers_to));
}

/* Reports a number outside its limits, as an error or a warning. */
static void check_limits(struct checker *c, const struct rule_node *node, const struct tree *at,
                         double value) {
    if (node->has_minimum && value < node->minimum)
        found(c, REPORT_ERROR, at, NULL, "expected at least %g", node->minimum);
    if (node->has_maximum && value > node->maximum)
        found(c, REPORT_ERROR, at, NULL, "expected at most %g", node->maximum);
    if (node->has_warn_minimum && value < node->warn_minimum)
        found(c, REPORT_WARNING, at, NULL, "usually at least %g", node->warn_minimum);
    if (node->has_warn_maximum && value > node->warn_maximum)
        found(c, REPORT_WARNING, at, NULL, "usually at most %g", node->warn_maximum);
}

/* Checks a number. */
static void check_number(struct checker *c, const struct rule_node *node, const struct tree *at) {
    int64_t whole = 0;
    if (!node->integer) {
        check_limits(c, node, at, strtod(at->text, NULL));
        return;
    }
    if (tree_to_int(at, &whole))
        check_limits(c, node, at, (double)whole);
    else
        found(c, REPORT_ERROR, at, NULL, "expected a whole number");
}

static void check_node(struct checker *c, const struct rule_node *node, const struct tree *at);

/* Reports an id that stands twice in a list. */
static void check_unique(struct checker *c, const struct rule_node *node, const struct tree *list) {
    uint64_t bloom[BLOOM_BITS / 64] = { 0 };
    for (const struct tree *i = list->first; i != NULL; i = i->next) {
        const struct tree *id = i->kind == TREE_OBJECT ? tree_get_symbol(i, node->unique_by) : NULL;
        if (id == NULL || id->kind != TREE_STRING)
            continue;
        uint32_t hash = 2166136261u;
        for (uint32_t b = 0; b < id->length; b++)
            hash = (hash ^ (uint8_t)id->text[b]) * 16777619u;
        hash %= BLOOM_BITS;
        bool maybe = (bloom[hash / 64] >> hash % 64 & 1) != 0;
        bloom[hash / 64] |= UINT64_C(1) << hash % 64;
        for (const struct tree *j = list->first; maybe && j != i; j = j->next) {
            const struct tree *other =
                j->kind == TREE_OBJECT ? tree_get_symbol(j, node->unique_by) : NULL;
            if (other != NULL && other->kind == TREE_STRING && other->length == id->length &&
                memcmp(other->text, id->text, id->length) == 0) {
                found(c, REPORT_ERROR, id, NULL,
                      "this id stands twice in the list: ids are unique within a list");
                break;
            }
        }
    }
}

/* Checks a list. */
static void check_list(struct checker *c, const struct rule_node *node, const struct tree *at) {
    if (at->length < node->min_items)
        found(c, REPORT_ERROR, at, NULL, "expected at least %u entries", node->min_items);
    if (node->items != NULL)
        for (const struct tree *i = at->first; i != NULL; i = i->next)
            check_node(c, node->items, i);
    if (node->unique_by != 0 && at->length > 1)
        check_unique(c, node, at);
}

/* Reports a field that the schema doesn't have. */
static void unknown_field(struct checker *c, const struct rule_node *node, const struct tree *at) {
    const char *near = at->name != NULL ? nearest_name(at->name, node->names) : NULL;
    found(c, REPORT_ERROR, at, NULL, "unknown field%s%s%s", near != NULL ? "; did you mean '" : "",
          near != NULL ? near : "", near != NULL ? "'?" : "");
}

/* True when an end is before its start: same-precision dates as text, complete times as instants.
 */
static bool is_before(const char *end, const char *start) {
    int64_t a = 0, b = 0;
    if (instant_seconds(start, &a) && instant_seconds(end, &b))
        return b < a;
    size_t length = strlen(end) < strlen(start) ? strlen(end) : strlen(start);
    return strncmp(end, start, length < 10 ? length : 10) < 0;
}

/* Checks that a field isn't before its sibling. */
static void check_order(struct checker *c, const struct rule_node *node, const struct tree *object,
                        const struct tree *at) {
    const struct tree *start = tree_get_symbol(object, node->not_before);
    if (start != NULL && start->kind == TREE_STRING && at->kind == TREE_STRING &&
        start->length >= 4 && at->length >= 4 && is_before(at->text, start->text))
        found(c, REPORT_ERROR, at, NULL, "is before %s", symbol_name(node->not_before));
}

/* Checks an object. */
static void check_object(struct checker *c, const struct rule_node *node, const struct tree *at) {
    uint64_t seen = 0;
    for (const struct tree *m = at->first; m != NULL; m = m->next) {
        uint32_t symbol = m->symbol != 0 ? m->symbol : symbol_find(m->name, m->name_length);
        const struct field *f = field_find(node, symbol);
        if (f == NULL) {
            if (node->others != NULL)
                check_node(c, node->others, m);
            else if (!node->open)
                unknown_field(c, node, m);
            continue;
        }
        if (seen >> f->index & 1)
            found(c, REPORT_ERROR, m, NULL, "this field stands twice");
        seen |= UINT64_C(1) << f->index;
        check_node(c, f->node, m);
        if (f->node->not_before != 0)
            check_order(c, f->node, at, m);
    }
    uint64_t missing = node->required & ~seen;
    for (uint32_t i = 0; missing != 0 && i < node->field_count; i++)
        if (missing >> i & 1)
            found(c, REPORT_ERROR, at, node->names[i], "required, but missing");
}

/* Writes what kinds a node takes: "a string or null". */
static const char *kinds_of(const struct rule_node *node, char out[100]) {
    static const char *const names[] = { "null",     "true or false", "a number",
                                         "a string", "a list",        "an object" };
    size_t used = 0;
    out[0] = '\0';
    for (int kind = TREE_OBJECT; kind >= TREE_NULL; kind--)
        if (node->kinds >> kind & 1) {
            int more =
                snprintf(out + used, 100 - used, "%s%s", used > 0 ? " or " : "", names[kind]);
            used += more < 0 ? 0 : (size_t)more;
        }
    return out;
}

/* Checks one node and all below it. */
static void check_node(struct checker *c, const struct rule_node *node, const struct tree *at) {
    char kinds[100];
    if (node->kinds != 0 && (node->kinds >> at->kind & 1) == 0) {
        found(c, REPORT_ERROR, at, NULL, "expected %s", kinds_of(node, kinds));
        return;
    }
    switch (at->kind) {
    case TREE_STRING: check_string(c, node, at); break;
    case TREE_NUMBER: check_number(c, node, at); break;
    case TREE_ARRAY: check_list(c, node, at); break;
    case TREE_OBJECT: check_object(c, node, at); break;
    default: break;
    }
}

/* Checks a record. */
bool record_check(const struct record_schema *schema, const struct tree *record, const char *source,
                  struct report *report) {
    struct checker c = {
        .schema = schema, .root = record, .source = source, .report = report, .clean = true
    };
    check_node(&c, schema->root, record);
    return c.clean;
}
