/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the registry of codes against the sources and the man page. With CODES_WRITE=1 in the
 * environment the man page's table is written instead of compared. */
#include "core/base/codes.h"
#include "core/base/file.h"
#include "core/base/str.h"

#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST (4u << 20)
#define CODES_MOST 400
#define MAN_BEGIN ".\\\" codes: written by core/base/codes_test, do not edit below\n"
#define MAN_END ".\\\" codes: end\n"

/* A function whose argument `argument` (from 0) is a code; `file` NULL: in every file. */
struct reporter {
    const char *name;
    int argument;
    const char *file;
};
static const struct reporter reporters[] = {
    { "error_set", 1, NULL },
    { "report_add", 2, NULL },
    { "config_fault", 2, NULL },
    { "fail", 3, NULL },
    { "fail_at", 2, NULL },
    { "fail_line", 2, NULL },
    { "parse_fault", 2, NULL },
    { "cells_fault", 1, NULL },
    { "fault", 2, "yaml.c" },
    { "fault", 2, "jobs.c" },
    { "fault", 2, "instance.c" },
    { "fault", 2, "compile.c" },
    { "fault", 2, "declare.c" },
    { "fault", 2, "holes.c" },
    { "hold", 1, "score.c" },
    { "hold", 2, "scan.c" },
    { "hold", 3, "source_csv.c" },
    { "hold", 2, "source_json.c" },
    { "hold", 2, "map_observation.c" },
    { "hold_part", 2, NULL },
    { "hold_whole", 4, NULL },
    { "hold_all", 1, NULL },
    { "settle_held", 2, NULL },
    { "stop_target", 1, NULL },
    { "alert", 2, NULL },
    { "refuse", 3, "loader.c" },
};

/* Words in the place of a code that are none: FHIR's own codes, kept by these files. */
static const char *const exempt_files[] = { "map_goal.c", "map_careplan.c", NULL };

struct scan {
    const char *file;
    size_t seen;
    struct str missing;    /* codes that the registry lacks, one a line */
    bool used[CODES_MOST]; /* codes of the registry that stand in a source, by their place */
};

/* Notes that a string literal may be a code. */
static void note_literal(struct scan *s, const char *text, size_t length) {
    char name[64];
    if (length >= sizeof name || strcmp(s->file, "codes.c") == 0)
        return;
    memcpy(name, text, length);
    name[length] = '\0';
    const struct code *code = code_find(name);
    if (code == NULL)
        return;
    size_t place = (size_t)(code - codes_all(NULL));
    ck_assert_uint_lt(place, CODES_MOST);
    s->used[place] = true;
}

static bool is_exempt(const char *file) {
    for (const char *const *f = exempt_files; *f != NULL; f++) {
        if (strcmp(*f, file) == 0)
            return true;
    }
    return false;
}

/* Notes a code that is used. */
static void note(struct scan *s, const char *text, size_t length) {
    char name[64];
    bool plausible = length > 0 && length < sizeof name && !is_exempt(s->file);
    for (size_t i = 0; i < length && plausible; i++)
        plausible =
            islower((unsigned char)text[i]) || isdigit((unsigned char)text[i]) || text[i] == '-';
    if (!plausible)
        return;
    memcpy(name, text, length);
    name[length] = '\0';
    s->seen++;
    if (code_find(name) == NULL)
        str_printf(&s->missing, "%s in %s\n", name, s->file);
}

/* Gives what follows a string literal or a comment at `p`, or `p` when none begins there. */
static const char *skip_opaque(const char *p) {
    if (p[0] == '/' && p[1] == '*') {
        const char *end = strstr(p + 2, "*/");
        return end != NULL ? end + 2 : p + strlen(p);
    }
    if (p[0] != '"' && p[0] != '\'')
        return p;
    char quote = *p++;
    while (*p != '\0' && *p != quote)
        p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
    return *p != '\0' ? p + 1 : p;
}

/* Notes the literals of one argument of a call, `p` standing behind its opening parenthesis. */
static void note_argument(struct scan *s, const char *p, int wanted) {
    int depth = 0, argument = 0;
    while (*p != '\0' && depth >= 0 && argument <= wanted) {
        const char *after = skip_opaque(p);
        if (after != p) {
            if (*p == '"' && argument == wanted)
                note(s, p + 1, (size_t)(after - p) - 2);
            p = after;
            continue;
        }
        if (*p == '(' || *p == '{' || *p == '[')
            depth++;
        else if (*p == ')' || *p == '}' || *p == ']')
            depth--;
        else if (*p == ',' && depth == 0)
            argument++;
        p++;
    }
}

/* Notes the literals of what is assigned to something called `code`, but for those inside calls. */
static void note_assigned(struct scan *s, const char *p) {
    int depth = 0;
    p += strspn(p, " \n");
    if (p[0] != '=' || p[1] == '=')
        return;
    while (*p != '\0' && *p != ';' && *p != '}' && !(*p == ',' && depth == 0)) {
        const char *after = skip_opaque(p);
        if (*p == '"' && depth == 0)
            note(s, p + 1, (size_t)(after - p) - 2);
        depth += (*p == '(') - (*p == ')');
        p = after != p ? after : p + 1;
    }
}

/* Notes the code that follows an action in a table of answers: ACT_HOLD, "gone". */
static void note_action(struct scan *s, const char *p) {
    p += strspn(p, " ,\n");
    if (*p == '"')
        note(s, p + 1, (size_t)(skip_opaque(p) - p) - 2);
}

/* Tells whether a word begins a call of a reporter. */
static bool is_call(const struct scan *s, const struct reporter *r, const char *word,
                    size_t length) {
    if (r->file != NULL && strcmp(r->file, s->file) != 0)
        return false;
    return strlen(r->name) == length && memcmp(word, r->name, length) == 0 && word[length] == '(';
}

/* Looks at one word of a source. */
static void look_at_word(struct scan *s, const char *word, size_t length) {
    const char *after = word + length;
    for (size_t i = 0; i < sizeof reporters / sizeof reporters[0]; i++)
        if (is_call(s, &reporters[i], word, length))
            note_argument(s, after + 1, reporters[i].argument);
    if (length == 4 && memcmp(word, "code", 4) == 0)
        note_assigned(s, after);
    if (length > 4 && memcmp(word, "ACT_", 4) == 0)
        note_action(s, after);
}

/* Looks through a source file. */
static void scan_text(struct scan *s, const char *text) {
    const char *p = text;
    while (*p != '\0') {
        const char *after = skip_opaque(p);
        if (*p == '"')
            note_literal(s, p + 1, (size_t)(after - p) - 2);
        if (after != p) {
            p = after;
            continue;
        }
        if (!isalpha((unsigned char)*p) && *p != '_') {
            p++;
            continue;
        }
        const char *word = p;
        while (isalnum((unsigned char)*p) || *p == '_')
            p++;
        look_at_word(s, word, (size_t)(p - word));
    }
}

/* Tells whether a file is looked at: C sources, but for tests. */
static bool is_source(const char *name) {
    size_t length = strlen(name);
    if (length < 3 || strcmp(name + length - 2, ".c") != 0)
        return false;
    return length < 8 || strcmp(name + length - 7, "_test.c") != 0;
}

/* Looks through a folder and the folders in it. */
static void scan_folder(struct scan *s, const char *folder) {
    DIR *dir = opendir(folder);
    ck_assert_msg(dir != NULL, "%s", folder);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[1024];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_type == DT_DIR) {
            scan_folder(s, path);
            continue;
        }
        if (!is_source(e->d_name))
            continue;
        struct str text = { 0 };
        ck_assert(file_read(&text, path, FILE_MOST, NULL));
        s->file = e->d_name;
        scan_text(s, text.data);
        str_free(&text);
    }
    closedir(dir);
}

/* The root of the sources. */
static const char *source_root(void) {
    const char *root = getenv("top_srcdir");
    return root != NULL ? root : ".";
}

/* Looks through all sources. */
static void scan_all(struct scan *s) {
    static const char *const folders[] = { "core", "plugins", "lib" };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", source_root(), folders[i]);
        scan_folder(s, path);
    }
}

START_TEST(every_code_that_the_sources_use_is_in_the_registry) {
    struct scan s = { 0 };
    scan_all(&s);
    ck_assert_msg(s.missing.length == 0, "add these to core/base/codes.c:\n%s", s.missing.data);
    ck_assert_uint_gt(s.seen, 200);
    str_free(&s.missing);
}
END_TEST

START_TEST(every_code_of_the_registry_stands_in_a_source) {
    struct scan s = { 0 };
    struct str unused = { 0 };
    size_t count;
    const struct code *all = codes_all(&count);
    scan_all(&s);
    for (size_t i = 0; i < count; i++) {
        if (!s.used[i])
            str_printf(&unused, "%s\n", all[i].name);
    }
    ck_assert_msg(unused.length == 0, "nothing gives these codes:\n%s", unused.data);
    str_free(&unused);
    str_free(&s.missing);
}
END_TEST

START_TEST(a_code_that_nobody_registered_is_noticed) {
    struct scan s = { .file = "x.c" };
    scan_text(&s, "f() { /* error_set(e, \"in-a-comment\") */ error_set(e, a ? \"gone\" : "
                  "\"no-such-a\", NULL); x->code = b ? \"no-such-b\" : \"gone\"; { 400, ACT_HOLD, "
                  "\"no-such-c\", 0 } host->fail(host, f(a, b), s, \"no-such-d\", 0); }");
    ck_assert_str_eq(s.missing.data, "no-such-a in x.c\nno-such-b in x.c\nno-such-c in x.c\n"
                                     "no-such-d in x.c\n");
    str_free(&s.missing);
}
END_TEST

START_TEST(codes_are_in_order_short_and_say_what_to_do) {
    size_t count;
    const struct code *all = codes_all(&count);
    for (size_t i = 0; i < count; i++) {
        const struct code *c = &all[i];
        ck_assert_uint_lt(strlen(c->name), 32); /* struct iptfhir_error */
        ck_assert_ptr_eq(code_find(c->name), c);
        ck_assert_msg(strlen(c->meaning) > 10 && strlen(c->next) > 4, "%s", c->name);
        ck_assert_msg(c->meaning[strlen(c->meaning) - 1] != '.', "%s", c->name);
        if (i == 0)
            continue;
        const struct code *before = &all[i - 1];
        ck_assert_msg(before->kind < c->kind ||
                          (before->kind == c->kind && strcmp(before->name, c->name) < 0),
                      "%s stands before %s", before->name, c->name);
    }
    ck_assert_ptr_null(code_find("no-such-code"));
}
END_TEST

/* Appends a text for roff: hyphens, backslashes and quoted commands. */
static void add_roff(struct str *out, const char *text) {
    bool in_command = false;
    for (; *text != '\0'; text++) {
        if (*text == '`') {
            in_command = !in_command;
            str_puts(out, in_command ? "\\fB" : "\\fR");
        } else if (*text == '-') {
            str_puts(out, "\\-");
        } else {
            str_putc(out, *text);
        }
    }
}

/* Writes the man page's table. */
static void write_table(struct str *out) {
    size_t count;
    const struct code *all = codes_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || all[i - 1].kind != all[i].kind) {
            str_puts(out, ".SS ");
            add_roff(out, code_kind_title(all[i].kind));
            str_puts(out, "\n");
        }
        str_puts(out, ".TP\n.B ");
        add_roff(out, all[i].name);
        str_puts(out, "\n");
        add_roff(out, all[i].meaning);
        str_puts(out, ":\n");
        add_roff(out, all[i].next);
        str_puts(out, "\n");
    }
}

/* Writes the page with another table. */
static void rewrite_page(const char *path, const struct str *page, const char *begin,
                         const char *end, const struct str *table) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fwrite(page->data, 1, (size_t)(begin - page->data), f);
    fwrite(table->data, 1, table->length, f);
    fputs(end, f);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(the_man_page_has_the_table_of_the_registry) {
    char path[1024];
    struct str page = { 0 }, table = { 0 };
    snprintf(path, sizeof path, "%s/doc/iptfhir.1", source_root());
    ck_assert(file_read(&page, path, FILE_MOST, NULL));
    write_table(&table);
    const char *begin = strstr(page.data, MAN_BEGIN);
    const char *end = begin != NULL ? strstr(begin, MAN_END) : NULL;
    ck_assert_msg(end != NULL, "doc/iptfhir.1 has no place for the table of codes");
    begin += strlen(MAN_BEGIN);
    if (getenv("CODES_WRITE") != NULL) {
        rewrite_page(path, &page, begin, end, &table);
    } else {
        bool same =
            (size_t)(end - begin) == table.length && memcmp(begin, table.data, table.length) == 0;
        ck_assert_msg(same, "doc/iptfhir.1 differs from core/base/codes.c: run CODES_WRITE=1 make "
                            "check TESTS=core/base/codes_test");
    }
    str_free(&table);
    str_free(&page);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("codes");
    TCase *tests = tcase_create("codes");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_code_that_the_sources_use_is_in_the_registry);
    tcase_add_test(tests, every_code_of_the_registry_stands_in_a_source);
    tcase_add_test(tests, a_code_that_nobody_registered_is_noticed);
    tcase_add_test(tests, codes_are_in_order_short_and_say_what_to_do);
    tcase_add_test(tests, the_man_page_has_the_table_of_the_registry);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
