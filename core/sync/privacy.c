/* SPDX-License-Identifier: Apache-2.0 */
/* Reading mappings/privacy/, checked whole, and looking codes up in it. */
#include "core/sync/privacy.h"

#include "core/base/alloc.h"
#include "core/config/config.h"
#include "core/config/yaml.h"

#include <stdio.h>
#include <string.h>

enum { STEPS_MOST = 8 }; /* members on the way to a code */

struct data_class {
    const char *name;
    enum privacy_need need;
};
/* Codes of one place of a record that fall under Part 2. */
struct code_set {
    const char *steps[STEPS_MOST + 1]; /* members down to the code, NULL-terminated */
    const struct tree *begins;         /* arrays of texts; NULL: none */
    const struct tree *whole;
};
struct privacy {
    struct arena arena;
    struct data_class *classes;
    size_t class_count;
    const struct tree *part2; /* as the file has it */
    struct code_set *sets;
    size_t set_count;
};

/* A file that is read. */
struct reading {
    struct privacy *privacy;
    struct report *report;
    char path[4200];
};

/* Reports a fault at a node; NULL: of the file as a whole. Always false. */
static bool fault(struct reading *r, const struct tree *at, const char *text) {
    const char *where = r->path;
    if (at != NULL)
        where = config_where(&r->privacy->arena, r->path, at);
    report_add(r->report, REPORT_ERROR, "privacy", where, "%s", text);
    return false;
}

/* A node's only member, when it has this name; NULL: it has another, or more. */
static const struct tree *only_member(const struct tree *node, const char *name) {
    bool alone = node->kind == TREE_OBJECT && node->length == 1;
    return alone ? tree_get(node, name) : NULL;
}

/* Reads a file that holds one member; NULL when it holds anything else. */
static const struct tree *read_only_member(struct reading *r, const char *mappings,
                                           const char *file, const char *member,
                                           enum tree_kind kind, const char *wrong) {
    (void)snprintf(r->path, sizeof r->path, "%s/privacy/%s", mappings, file);
    const struct tree *root = yaml_read_file(&r->privacy->arena, r->path, r->report);
    if (root == NULL)
        return NULL;
    const struct tree *found = only_member(root, member);
    if (found != NULL && found->kind == kind)
        return found;
    fault(r, NULL, wrong);
    return NULL;
}

/* ---- data classes ---- */

static const char *const need_words[] = {
    [PRIVACY_NEEDS_CLASS] = "class", [PRIVACY_NEEDS_ANY] = "any", [PRIVACY_NEEDS_NOBODY] = "nobody"
};

/* What a word asks for. */
static enum privacy_need need_of_word(const char *word) {
    for (size_t i = 1; i < sizeof need_words / sizeof *need_words; i++) {
        if (strcmp(word, need_words[i]) == 0)
            return (enum privacy_need)i;
    }
    return PRIVACY_UNKNOWN;
}

/* Reads one class. */
static bool read_class(struct reading *r, const struct tree *rule, struct data_class *out) {
    const struct tree *needs = only_member(rule, "needs");
    bool says = needs != NULL && needs->kind == TREE_STRING;
    out->name = arena_strndup(&r->privacy->arena, rule->name, strlen(rule->name));
    out->need = says ? need_of_word(needs->text) : PRIVACY_UNKNOWN;
    if (out->need == PRIVACY_UNKNOWN)
        return fault(r, rule,
                     "a data class says {needs: class}, {needs: any} or {needs: nobody}, and "
                     "nothing else");
    return out->name != NULL;
}

static bool read_classes(struct reading *r, const char *mappings) {
    struct privacy *p = r->privacy;
    const struct tree *classes =
        read_only_member(r, mappings, "classes.yaml", "classes", TREE_OBJECT,
                         "the file holds one member, `classes:`, with the data classes by name");
    if (classes == NULL)
        return false;
    p->classes = arena_zalloc(&p->arena, (classes->length + 1) * sizeof *p->classes);
    if (p->classes == NULL)
        return false;
    bool good = true;
    for (const struct tree *rule = classes->first; rule != NULL; rule = rule->next) {
        if (!read_class(r, rule, &p->classes[p->class_count++]))
            good = false;
    }
    return good;
}

enum privacy_need privacy_need_of(const struct privacy *p, const char *data_class) {
    for (size_t i = 0; i < p->class_count; i++) {
        if (strcmp(p->classes[i].name, data_class) == 0)
            return p->classes[i].need;
    }
    return PRIVACY_UNKNOWN;
}

/* ---- Part 2 ---- */

/* Splits "diagnoses.icd10cm" into its members. */
static bool read_steps(struct reading *r, const char *text, struct code_set *out) {
    size_t count = 0;
    const char *rest = text;
    for (;;) {
        size_t length = strcspn(rest, ".");
        if (length == 0 || count == STEPS_MOST)
            return false;
        out->steps[count] = arena_strndup(&r->privacy->arena, rest, length);
        if (out->steps[count++] == NULL)
            return false;
        if (rest[length] == '\0')
            return true;
        rest += length + 1;
    }
}

/* Whether a text has anything that is compared. */
static bool names_a_code(const struct tree *node) {
    return node->kind == TREE_STRING && node->text[strspn(node->text, ". ")] != '\0';
}

/* Whether a list has codes, and nothing else. */
static bool is_list_of_codes(const struct tree *list) {
    const struct tree *first = tree_at(list, 0);
    for (const struct tree *code = first; code != NULL; code = code->next) {
        if (!names_a_code(code))
            return false;
    }
    return first != NULL;
}

/* Reads a list of codes; absent: *out stays NULL. */
static bool read_codes(struct reading *r, const struct tree *set, const char *name,
                       const struct tree **out) {
    const struct tree *list = tree_get(set, name);
    *out = list;
    if (list == NULL || is_list_of_codes(list))
        return true;
    return fault(r, list, "`begins` and `is` are lists of codes, each a text in quotes");
}

static bool read_set(struct reading *r, const struct tree *set, struct code_set *out) {
    static const char wrong[] = "a set of codes says where they stand, {in: diagnoses.icd10cm}, "
                                "and which they are, {begins: [...]} or {is: [...]}, and nothing "
                                "else";
    const char *in = tree_text(set, "in");
    if (in == NULL || !read_steps(r, in, out))
        return fault(r, set, wrong);
    if (!read_codes(r, set, "begins", &out->begins))
        return false;
    if (!read_codes(r, set, "is", &out->whole))
        return false;
    size_t lists = (size_t)(out->begins != NULL) + (size_t)(out->whole != NULL);
    size_t known = lists + 1; /* with `in` */
    if (lists == 0 || set->length != known)
        return fault(r, set, wrong);
    return true;
}

static bool read_part2(struct reading *r, const char *mappings) {
    struct privacy *p = r->privacy;
    p->part2 = read_only_member(r, mappings, "part2.yaml", "part2", TREE_ARRAY,
                                "the file holds one member, `part2:`, a list of sets of codes");
    if (p->part2 == NULL)
        return false;
    p->sets = arena_zalloc(&p->arena, (p->part2->length + 1) * sizeof *p->sets);
    if (p->sets == NULL)
        return false;
    bool good = true;
    for (const struct tree *set = p->part2->first; set != NULL; set = set->next) {
        if (!read_set(r, set, &p->sets[p->set_count++]))
            good = false;
    }
    return good;
}

/* The next character that counts, in upper case; '\0' at the end. */
static char next_counting(const char **text) {
    *text += strspn(*text, ". ");
    char c = **text;
    if (c == '\0')
        return c;
    ++*text;
    bool small = c >= 'a' && c <= 'z';
    return small ? (char)(c - 'a' + 'A') : c;
}

/* What is left of a code behind the one with which it begins; NULL: it begins otherwise. */
static const char *behind(const char *code, const char *with) {
    for (;;) {
        char expected = next_counting(&with);
        if (expected == '\0')
            return code;
        if (next_counting(&code) != expected)
            return NULL;
    }
}

/* Whether a code begins with one of a list; NULL: none. */
static bool begins_with_one(const char *code, const struct tree *list) {
    for (const struct tree *n = tree_at(list, 0); n != NULL; n = n->next) {
        if (behind(code, n->text) != NULL)
            return true;
    }
    return false;
}

/* Whether a code is one of a list; NULL: none. */
static bool is_one(const char *code, const struct tree *list) {
    for (const struct tree *n = tree_at(list, 0); n != NULL; n = n->next) {
        const char *rest = behind(code, n->text);
        if (rest != NULL && next_counting(&rest) == '\0')
            return true;
    }
    return false;
}

/* Whether a node has a code of the set. */
static bool is_in_set(const struct code_set *set, const struct tree *node) {
    bool is_code = node->kind == TREE_STRING || node->kind == TREE_NUMBER;
    if (!is_code)
        return false;
    return begins_with_one(node->text, set->begins) || is_one(node->text, set->whole);
}

/* Whether a code of the set stands in a part of a record, at or below the steps that are left. */
static bool stands_in(const struct code_set *set, const struct tree *part,
                      const char *const *steps) {
    if (part == NULL)
        return false;
    if (part->kind == TREE_ARRAY) {
        for (const struct tree *n = part->first; n != NULL; n = n->next) {
            if (stands_in(set, n, steps))
                return true;
        }
        return false;
    }
    if (*steps != NULL)
        return stands_in(set, tree_get(part, *steps), steps + 1);
    return is_in_set(set, part);
}

bool privacy_is_part2(const struct privacy *p, const struct tree *record) {
    for (size_t i = 0; i < p->set_count; i++) {
        if (stands_in(&p->sets[i], record, p->sets[i].steps))
            return true;
    }
    return false;
}

void privacy_describe(const struct privacy *p, struct str *out) {
    json_write_canonical(out, p->part2);
}

/* ---- the whole ---- */

struct privacy *privacy_load(const char *mappings, struct report *report) {
    struct privacy *p = base_malloc(sizeof *p);
    if (p == NULL) {
        report_add(report, REPORT_ERROR, "memory", mappings, "out of memory");
        return NULL;
    }
    *p = (struct privacy) { .classes = NULL };
    struct reading r = { .privacy = p, .report = report };
    size_t errors = report->errors;
    bool classes = read_classes(&r, mappings);
    bool part2 = read_part2(&r, mappings);
    if (classes && part2)
        return p;
    if (report->errors == errors)
        report_add(report, REPORT_ERROR, "memory", mappings, "out of memory");
    privacy_free(p);
    return NULL;
}

void privacy_free(struct privacy *p) {
    if (p == NULL)
        return;
    arena_free(&p->arena);
    base_free(p);
}
