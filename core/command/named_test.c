/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that what the registry of codes, the messages and the manual tell an operator to type is
 * understood by the program: every command, option and decision that they name is tried out. */
#include "core/base/codes.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/command/exit.h"

#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_MOST = 4 << 20, WORDS_MOST = 24, WORD_MOST = 256 };

/* ---- running the program ---- */

struct words {
    char list[WORDS_MOST][WORD_MOST];
    size_t count;
};

static char printed[64]; /* the file that takes what the program prints */

static void set_up(void) {
    snprintf(printed, sizeof printed, "/tmp/iptfhir-named-XXXXXX");
    int fd = mkstemp(printed);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void tear_down(void) {
    unlink(printed);
}

static const char *from_environment(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value != NULL ? value : otherwise;
}

/* Becomes the program. Its configuration doesn't exist, so a command line that is understood ends
 * before it does anything. */
static void become(const struct words *w) {
    char *argv[WORDS_MOST + 4] = { 0 };
    size_t n = 0;
    argv[n++] = (char[]) { "iptfhir" };
    argv[n++] = (char[]) { "--config=/nowhere/iptfhir.yaml" };
    for (size_t i = 0; i < w->count; i++)
        argv[n++] = (char *)w->list[i];
    FILE *out = freopen(printed, "w", stdout);
    if (out == NULL || dup2(fileno(out), STDERR_FILENO) < 0)
        _exit(EXIT_FAULT);
    execv(from_environment("IPTFHIR", "./iptfhir"), argv);
    _exit(EXIT_FAULT);
}

/* Runs the program; its exit code, and all that it printed. */
static int run(const struct words *w, struct str *said) {
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        become(w);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    str_clear(said);
    ck_assert(file_read(said, printed, FILE_MOST, NULL));
    return WEXITSTATUS(status);
}

/* ---- from text to a command line ---- */

static bool is_placeholder(const char *word) {
    if (strchr(word, '%') != NULL)
        return true;
    for (const char *p = word; *p != '\0'; p++) {
        if (!isupper((unsigned char)*p))
            return false;
    }
    return true;
}

/* What a reader would write for a placeholder. A plugin's name does wherever any name does. */
static const char *example_of(const char *word) {
    bool is_id = strcmp(word, "ID") == 0 || strncmp(word, "r%", 2) == 0;
    return is_id ? "r1" : "target-file";
}

/* Takes the next word, with quotes as in a shell. Returns what follows it. */
static const char *next_word(const char *p, char *word) {
    size_t length = 0;
    char quote = '\0';
    for (; *p != '\0'; p++) {
        bool blank = isspace((unsigned char)*p) != 0;
        if (blank && quote == '\0')
            break;
        if (*p == quote)
            quote = '\0';
        else if (quote == '\0' && *p == '"')
            quote = '"';
        else if (length + 1 < WORD_MOST)
            word[length++] = *p;
    }
    word[length] = '\0';
    return p;
}

static void add_word(struct words *w, const char *word) {
    ck_assert_uint_lt(w->count, WORDS_MOST);
    snprintf(w->list[w->count], WORD_MOST, "%s", word);
    w->count++;
}

/* Reads what follows "iptfhir " up to a comment or a pipe; -c FILE is left out. */
static void read_words(const char *text, struct words *w) {
    char word[WORD_MOST];
    bool skip = false;
    w->count = 0;
    for (const char *p = text;;) {
        p += strspn(p, " ");
        p = next_word(p, word);
        char *dots = strstr(word, "...");
        bool ends = word[0] == '\0' || word[0] == '#' || strcmp(word, "|") == 0;
        if (ends)
            return;
        if (dots != NULL)
            *dots = '\0';
        if (skip || strcmp(word, "-c") == 0) {
            skip = !skip;
            continue;
        }
        /* The guides describe plugins of their own, which nobody has installed. */
        bool names_plugin = w->count > 0 && strcmp(w->list[w->count - 1], "--describe") == 0;
        bool replaced = names_plugin || is_placeholder(word);
        add_word(w, replaced ? example_of(word) : word);
    }
}

/* ---- what is wrong ---- */

struct search {
    const char *file;
    size_t seen;
    struct str wrong; /* a line each */
    struct str said;
    struct str help; /* of outbox */
};

static void begin_search(struct search *s) {
    struct words w = { 0 };
    *s = (struct search) { 0 };
    add_word(&w, "outbox");
    add_word(&w, "--help");
    ck_assert_int_eq(run(&w, &s->help), EXIT_SETTLED);
}

static void end_search(struct search *s, size_t least) {
    ck_assert_msg(s->wrong.length == 0, "named, but not understood:\n%s", s->wrong.data);
    ck_assert_uint_ge(s->seen, least);
    str_free(&s->wrong);
    str_free(&s->said);
    str_free(&s->help);
}

static bool is_decision(const struct search *s, const char *word) {
    char phrase[WORD_MOST + 2];
    const char *words = strstr(s->help.data, "WORD is one of");
    ck_assert_ptr_nonnull(words);
    for (const char *after = " ,"; *after != '\0'; after++) {
        snprintf(phrase, sizeof phrase, " %s%c", word, *after);
        if (strstr(words, phrase) != NULL)
            return true;
    }
    return false;
}

/* Whether a command that writes to the outbox says what it is about, and `resolve` a decision: the
 * word before the options, or behind an item's id. The store is what would refuse them otherwise,
 * and there is none. */
static bool says_enough(const struct search *s, const struct words *w) {
    if (strcmp(w->list[0], "outbox") != 0 || w->count < 2 || strcmp(w->list[1], "list") == 0)
        return true;
    if (w->count < 3)
        return false;
    if (strcmp(w->list[1], "resolve") != 0)
        return true;
    bool names_item = strcmp(w->list[2], "r1") == 0;
    if (names_item)
        return w->count > 3 && is_decision(s, w->list[3]);
    return w->count > 3 && is_decision(s, w->list[2]);
}

/* Tries what follows "iptfhir ". */
static void try_command(struct search *s, const char *text) {
    struct words w;
    read_words(text, &w);
    s->seen++;
    if (w.count > 0 && says_enough(s, &w) && run(&w, &s->said) != EXIT_WRONG_USE)
        return;
    str_printf(&s->wrong, "%s: iptfhir %s\n", s->file, text);
}

/* ---- spans between backticks ---- */

/* Takes the next span of a text; NULL: there is none. Returns what follows it. */
static const char *next_span(const char *text, struct str *span) {
    const char *begin = strchr(text, '`');
    if (begin == NULL)
        return NULL;
    const char *end = strchr(begin + 1, '`');
    if (end == NULL)
        return NULL;
    str_clear(span);
    str_add(span, begin + 1, (size_t)(end - begin) - 1);
    return end + 1;
}

static bool is_command(const char *text) {
    return strncmp(text, "iptfhir ", strlen("iptfhir ")) == 0;
}

static void try_spans(struct search *s, const char *text) {
    struct str span = { 0 };
    for (const char *p = text; (p = next_span(p, &span)) != NULL;) {
        if (is_command(span.data))
            try_command(s, span.data + strlen("iptfhir "));
    }
    str_free(&span);
}

/* ---- files ---- */

static void path_of(char *out, size_t size, const char *name) {
    snprintf(out, size, "%s/%s", from_environment("top_srcdir", "."), name);
}

static void read_source(struct str *text, const char *name) {
    char path[1024];
    path_of(path, sizeof path, name);
    ck_assert_msg(file_read(text, path, FILE_MOST, NULL), "%s", path);
}

/* A manual page as plain text; what is bold stands between backticks. */
static void without_roff(const struct str *page, struct str *out) {
    for (const char *p = page->data; *p != '\0'; p++) {
        if (*p != '\\') {
            str_putc(out, *p);
            continue;
        }
        p++;
        if (*p != 'f') {
            str_putc(out, *p);
            continue;
        }
        p++;
        if (*p != 'I')
            str_putc(out, '`');
    }
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), most = strlen(end);
    return length >= most && strcmp(text + length - most, end) == 0;
}

/* Reads a document; a manual page loses its markup. */
static void read_document(struct str *text, const char *name) {
    struct str page = { 0 };
    read_source(&page, name);
    if (ends_with(name, ".1") || ends_with(name, ".5"))
        without_roff(&page, text);
    else
        str_add(text, page.data, page.length);
    str_free(&page);
}

/* Whether a line begins or ends an example. */
static bool turns(const char *line) {
    return strncmp(line, "```", 3) == 0 || strcmp(line, ".nf") == 0 || strcmp(line, ".fi") == 0;
}

/* Tries the lines of examples, and what stands between backticks. */
static void try_document(struct search *s, const char *name) {
    struct str text = { 0 };
    bool example = false;
    char *rest = NULL;
    s->file = name;
    read_document(&text, name);
    for (char *line = strtok_r(text.data, "\n", &rest); line != NULL;) {
        size_t indent = strspn(line, " ");
        if (turns(line))
            example = !example;
        else if ((example || indent >= 4) && is_command(line + indent))
            try_command(s, line + indent + strlen("iptfhir "));
        else
            try_spans(s, line);
        line = strtok_r(NULL, "\n", &rest);
    }
    str_free(&text);
}

/* ---- messages ---- */

/* Appends a string literal; `p` stands on its opening quote. Returns what follows it. */
static const char *add_literal(struct str *out, const char *p) {
    for (p++; *p != '\0' && *p != '"'; p++) {
        if (*p == '\\')
            p++;
        str_putc(out, *p);
    }
    return *p == '"' ? p + 1 : p;
}

/* Steps over blanks and formats such as PRIu64 that join two literals. */
static const char *over_joint(const char *p) {
    for (;;) {
        p += strspn(p, " \n");
        if (strncmp(p, "PRI", 3) != 0)
            return p;
        while (isalnum((unsigned char)*p))
            p++;
    }
}

static const char *over_comment(const char *p) {
    const char *end = strstr(p + 2, "*/");
    return end != NULL ? end + 2 : p + strlen(p);
}

/* Gives the texts of a source, a line each. */
static void take_literals(const char *p, struct str *out) {
    while (*p != '\0') {
        if (strncmp(p, "/*", 2) == 0) {
            p = over_comment(p);
        } else if (strncmp(p, "'\"'", 3) == 0) {
            p += 3;
        } else if (*p == '"') {
            while (*p == '"')
                p = over_joint(add_literal(out, p));
            str_putc(out, '\n');
        } else {
            p++;
        }
    }
}

/* Whether a span begins with a command's name, which nobody can type so. */
static bool lacks_program(const char *span) {
    static const char *const commands[] = { "outbox ", "sync ", "check ", "map ", "who " };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strncmp(span, commands[i], strlen(commands[i])) == 0)
            return true;
    }
    return false;
}

/* Tries what a message tells to type. */
static void try_message(struct search *s, const char *text) {
    struct str span = { 0 };
    try_spans(s, text);
    for (const char *p = text; (p = next_span(p, &span)) != NULL;) {
        if (lacks_program(span.data))
            str_printf(&s->wrong, "%s: %s\n", s->file, span.data);
    }
    str_free(&span);
}

static void try_messages(struct search *s, const char *path) {
    struct str text = { 0 }, literals = { 0 };
    char *rest = NULL;
    s->file = path;
    ck_assert(file_read(&text, path, FILE_MOST, NULL));
    take_literals(text.data, &literals);
    if (literals.data != NULL) {
        for (char *line = strtok_r(literals.data, "\n", &rest); line != NULL;) {
            try_message(s, line);
            line = strtok_r(NULL, "\n", &rest);
        }
    }
    str_free(&literals);
    str_free(&text);
}

static bool is_source(const char *name) {
    return ends_with(name, ".c") && !ends_with(name, "_test.c");
}

static void try_folder(struct search *s, const char *folder) {
    DIR *dir = opendir(folder);
    ck_assert_msg(dir != NULL, "%s", folder);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[1024];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_type == DT_DIR)
            try_folder(s, path);
        else if (is_source(e->d_name))
            try_messages(s, path);
    }
    closedir(dir);
}

/* ---- the tests ---- */

/* Whether the manual of the configuration or the guide to mappings has a key. */
static bool is_setting(const char *name, const struct str *manual, const struct str *guide) {
    char key[WORD_MOST];
    const char *dot = strrchr(name, '.');
    snprintf(key, sizeof key, "%s", dot != NULL ? dot + 1 : name);
    char *colon = strchr(key, ':');
    if (colon != NULL)
        *colon = '\0';
    return strstr(manual->data, key) != NULL || strstr(guide->data, key) != NULL;
}

START_TEST(every_command_of_the_registry_is_one) {
    struct search s;
    struct str span = { 0 }, manual = { 0 }, guide = { 0 };
    size_t count;
    const struct code *codes = codes_all(&count);
    begin_search(&s);
    read_document(&manual, "doc/iptfhir.yaml.5");
    read_document(&guide, "doc/mapping-guide.md");
    for (size_t i = 0; i < count; i++) {
        struct str both = { 0 };
        s.file = codes[i].name;
        str_printf(&both, "%s: %s", codes[i].meaning, codes[i].next);
        for (const char *p = both.data; (p = next_span(p, &span)) != NULL;) {
            if (is_command(span.data))
                try_command(&s, span.data + strlen("iptfhir "));
            else if (!is_decision(&s, span.data) && !is_setting(span.data, &manual, &guide))
                str_printf(&s.wrong, "%s: %s\n", s.file, span.data);
        }
        str_free(&both);
    }
    end_search(&s, 40);
    str_free(&span);
    str_free(&manual);
    str_free(&guide);
}
END_TEST

START_TEST(every_command_of_the_manual_and_the_guides_is_one) {
    static const char *const documents[] = {
        "README.md",           "NEWS.md",
        "SECURITY.md",         "CONTRIBUTING.md",
        "doc/iptfhir.1",       "doc/iptfhir.yaml.5",
        "doc/architecture.md", "doc/mapping-guide.md",
        "doc/plugin-guide.md", "conf/iptfhir.yaml",
    };
    struct search s;
    begin_search(&s);
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
        try_document(&s, documents[i]);
    end_search(&s, 40);
}
END_TEST

START_TEST(every_command_of_a_message_is_one) {
    static const char *const folders[] = { "core", "plugins", "lib" };
    struct search s;
    begin_search(&s);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[1024];
        path_of(path, sizeof path, folders[i]);
        try_folder(&s, path);
    }
    end_search(&s, 50);
}
END_TEST

/* Tries each option of a line such as `check [--samples DIR] [--probe]`. */
static void try_options(struct search *s, const char *line) {
    const char *p = line;
    while ((p = strstr(p, "--")) != NULL) {
        struct words w = { 0 };
        char option[WORD_MOST] = "";
        size_t length = 2 + strspn(p + 2, "abcdefghijklmnopqrstuvwxyz-");
        snprintf(option, sizeof option, "%.*s", (int)length, p);
        p += length;
        add_word(&w, strncmp(line, "outbox", 6) == 0 ? "outbox" : line);
        w.list[0][strcspn(w.list[0], " ")] = '\0';
        add_word(&w, option);
        add_word(&w, "target-file");
        run(&w, &s->said);
        s->seen++;
        if (strstr(s->said.data, "unrecognized option") != NULL)
            str_printf(&s->wrong, "%s of %s\n", option, w.list[0]);
    }
}

START_TEST(every_option_of_the_manuals_headings_is_one) {
    struct search s;
    struct str text = { 0 };
    char *rest = NULL;
    bool commands = false;
    begin_search(&s);
    read_document(&text, "doc/iptfhir.1");
    for (char *line = strtok_r(text.data, "\n", &rest); line != NULL;) {
        if (strncmp(line, ".SH ", 4) == 0)
            commands = strcmp(line, ".SH COMMANDS") == 0;
        if (commands && strncmp(line, ".BR ", 4) == 0)
            try_options(&s, line + 4 + strspn(line + 4, "\""));
        line = strtok_r(NULL, "\n", &rest);
    }
    str_free(&text);
    end_search(&s, 15);
}
END_TEST

START_TEST(what_is_no_command_option_or_decision_is_noticed) {
    static const char *const wrong[] = {
        "store restore",        "verify",       "outbox resolve ID perhaps",
        "outbox resolve ours",  "outbox retry", "outbox resolve --code gone",
        "outbox list --colour", "sync --again",
    };
    struct search s;
    begin_search(&s);
    s.file = "here";
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        try_command(&s, wrong[i]);
        ck_assert_msg(s.wrong.data != NULL && strstr(s.wrong.data, wrong[i]) != NULL, "%s",
                      wrong[i]);
    }
    try_options(&s, "check [--samples DIR] [--colour]");
    ck_assert_ptr_nonnull(strstr(s.wrong.data, "--colour of check"));
    ck_assert_ptr_null(strstr(s.wrong.data, "--samples"));
    str_clear(&s.wrong);
    try_command(&s, "-c FILE outbox resolve ID ours");
    end_search(&s, 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("named");
    TCase *tests = tcase_create("named");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, every_command_of_the_registry_is_one);
    tcase_add_test(tests, every_command_of_the_manual_and_the_guides_is_one);
    tcase_add_test(tests, every_command_of_a_message_is_one);
    tcase_add_test(tests, every_option_of_the_manuals_headings_is_one);
    tcase_add_test(tests, what_is_no_command_option_or_decision_is_noticed);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
