/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of a mapping file and the expressions in them: "{{ e }}" and "{[ e ]}". */
#include "core/template/compile.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The place of a byte of a text. */
static struct place place_in(const struct tree *text, size_t offset) {
    struct place at = { text->line, text->column + (uint32_t)offset };
    for (size_t i = 0; i < offset && i < text->length; i++) {
        if (text->text[i] != '\n')
            continue;
        at.line++;
        at.column = (uint32_t)(offset - i);
    }
    return at;
}

/* Makes room for one more hole in the list of the set. */
static bool grow_holes(struct template_set *set) {
    size_t room = set->hole_room > 0 ? set->hole_room * 2 : 256;
    struct hole **list = arena_alloc(&set->arena, room * sizeof *list);
    if (list == NULL)
        return false;
    if (set->holes > 0)
        memcpy(list, set->hole_list, set->holes * sizeof *list);
    set->hole_list = list;
    set->hole_room = room;
    return true;
}

/* Numbers a hole, for coverage. */
static bool number_hole(struct template_set *set, struct hole *h) {
    if (set->holes == set->hole_room && !grow_holes(set))
        return false;
    h->number = set->holes;
    set->hole_list[set->holes++] = h;
    return true;
}

/* Reports a fault that FHIRPath found in an expression, which begins at a place. */
static void fault_inside(struct compiling *c, struct place begin,
                         const struct iptfhir_error *error) {
    unsigned line = 1;
    unsigned column = 1;
    sscanf(error->where, "%u:%u", &line, &column);
    struct place at = { begin.line + line - 1, column };
    if (line == 1)
        at.column = begin.column + column - 1;
    fault(c, at, error->code, "%s", error->text);
}

/* Compiles an expression; NULL with a fault. */
static struct fhirpath_program *compile_program(struct compiling *c, struct place at,
                                                const char *text, size_t length) {
    const struct fhirpath_scope scope = { .variables = c->names,
                                          .variable_count = c->scope,
                                          .functions = c->set->functions,
                                          .function_count = c->set->function_count };
    struct iptfhir_error error = ERROR_INIT;
    struct fhirpath_program *program = fhirpath_compile(text, length, &scope, &error);
    if (program == NULL)
        fault_inside(c, at, &error);
    return program;
}

/* Makes the hole of a program, which it owns from then on; NULL when memory is out. */
static struct hole *make_hole(struct compiling *c, struct fhirpath_program *program,
                              struct place at, const char *text, size_t length) {
    struct arena *a = &c->set->arena;
    struct hole *h = arena_zalloc(a, sizeof *h);
    if (h == NULL || !number_hole(c->set, h)) {
        fhirpath_free(program);
        fault_memory(c);
        return NULL;
    }
    h->program = program;
    h->text = arena_strndup(a, text, length);
    h->where = arena_printf(a, "%s:%u:%u", c->t->file, at.line, at.column);
    if (h->text != NULL && h->where != NULL)
        return h;
    fault_memory(c);
    return NULL;
}

struct hole *compile_hole(struct compiling *c, const struct tree *text, size_t from, size_t to) {
    while (from < to && isspace((unsigned char)text->text[from]))
        from++;
    while (to > from && isspace((unsigned char)text->text[to - 1]))
        to--;
    struct place at = place_in(text, from);
    if (from == to) {
        fault(c, at, "template", "an expression is expected here");
        return NULL;
    }
    const char *expression = text->text + from;
    struct fhirpath_program *program = compile_program(c, at, expression, to - from);
    return program != NULL ? make_hole(c, program, at, expression, to - from) : NULL;
}

/* The offset of a mark of two characters at or behind `from`; the length when there is none. */
static size_t find(const struct tree *text, size_t from, const char *mark) {
    const char *at = memmem(text->text + from, text->length - from, mark, 2);
    return at != NULL ? (size_t)(at - text->text) : text->length;
}

/* The same for the mark that closes an expression: texts in quotes are passed over. */
static size_t find_closing(const struct tree *text, size_t from, const char *mark) {
    char quote = '\0';
    for (size_t i = from; i + 1 < text->length; i++) {
        char c = text->text[i];
        bool quoted = quote != '\0';
        if (quoted && c == '\\')
            i++;
        else if (quoted && c == quote)
            quote = '\0';
        else if (!quoted && (c == '\'' || c == '`'))
            quote = c;
        else if (!quoted && memcmp(text->text + i, mark, 2) == 0)
            return i;
    }
    return text->length;
}

/* A part of a text without holes. */
static struct node *literal(struct compiling *c, const struct tree *text, size_t from, size_t to) {
    struct node *part = make(c, NODE_CONSTANT);
    part->text = arena_strndup(&c->set->arena, text->text + from, to - from);
    part->length = to - from;
    if (part->text == NULL)
        fault_memory(c);
    return part;
}

/* A text with holes; one hole alone keeps its type. */
static struct node *text_with_holes(struct compiling *c, const struct tree *text) {
    struct node *n = make(c, NODE_TEXT);
    struct node **end = &n->first;
    size_t at = 0;
    while (at < text->length) {
        size_t open = find(text, at, "{{");
        if (open > at)
            end = append(c, end, literal(c, text, at, open));
        if (open == text->length)
            break;
        size_t close = find_closing(text, open + 2, "}}");
        if (close == text->length) {
            fault(c, place_in(text, open), "template", "this {{ has no }}");
            return NULL;
        }
        struct node *part = make(c, NODE_HOLE);
        part->hole = compile_hole(c, text, open + 2, close);
        end = append(c, end, part);
        at = close + 2;
    }
    const struct node *only = n->first;
    bool alone = only != NULL && only->kind == NODE_HOLE && only->next == NULL;
    return alone ? n->first : n;
}

/* Tells whether a text is a list of values: "{[ e ]}". */
static bool is_list(const struct tree *text) {
    size_t length = text->length;
    if (length <= 4 || strncmp(text->text, "{[", 2) != 0)
        return false;
    return memcmp(text->text + length - 2, "]}", 2) == 0;
}

struct node *compile_text(struct compiling *c, const struct tree *text) {
    if (is_list(text)) {
        struct node *n = make(c, NODE_LIST);
        n->hole = compile_hole(c, text, 2, text->length - 2);
        return n;
    }
    size_t directive = find(text, 0, "{%");
    if (directive < text->length)
        fault(c, place_in(text, directive), "template", "{%% %%} stands in a key, not in a value");
    if (find(text, 0, "{{") == text->length)
        return make_constant(c, text);
    return text_with_holes(c, text);
}
