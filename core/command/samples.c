/* SPDX-License-Identifier: Apache-2.0 */
/* check --samples: maps sample records through every job, and finds what nothing reads. */
#include "core/command/samples.h"

#include "core/base/crypt.h"
#include "core/base/file.h"
#include "core/sync/pipeline.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SAMPLE_BYTES = 64 << 20, /* the most of a file */
    AGAIN = 40,              /* samples that are mapped again for a field that no template reads */
    DEPTH = 2                /* folders within folders */
};

struct sample {
    char *path, *text;
    size_t length;
    char hash[65]; /* of what it became */
};
struct samples {
    struct sample *list;
    size_t count, room;
    struct report *report;
};

/* ---- the files ---- */

static void out_of_memory(struct report *report, const char *where) {
    report_add(report, REPORT_ERROR, "memory", where, "out of memory; run the check again");
}

static bool make_room(struct samples *s) {
    if (s->count < s->room)
        return true;
    size_t room = s->room == 0 ? 64 : s->room * 2;
    struct sample *more = realloc(s->list, room * sizeof *more);
    if (more == NULL)
        return false;
    s->list = more;
    s->room = room;
    return true;
}

/* Keeps a file's text, which is taken over. False: out of memory. */
static bool keep_sample(struct samples *s, const char *path, struct str *text) {
    struct sample one = { .path = strdup(path), .length = text->length };
    one.text = str_steal(text);
    bool whole = one.path != NULL && one.text != NULL && make_room(s);
    if (!whole) {
        free(one.path);
        free(one.text);
        return false;
    }
    s->list[s->count++] = one;
    return true;
}

static void add_sample(struct samples *s, const char *path) {
    struct str text = { 0 };
    char why[IPTFHIR_FILE_WHY];
    if (!file_read(&text, path, SAMPLE_BYTES, why))
        report_add(s->report, REPORT_ERROR, "missing-file", path, "cannot read this sample: %s",
                   why);
    else if (!keep_sample(s, path, &text))
        out_of_memory(s->report, path);
    str_free(&text);
}

static void free_samples(struct samples *s) {
    for (size_t i = 0; i < s->count; i++) {
        free(s->list[i].path);
        free(s->list[i].text);
    }
    free(s->list);
}

static void find_samples(struct samples *s, const char *folder, int depth);

static bool is_json(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot != NULL && strcmp(dot, ".json") == 0;
}

/* Looks at one entry of a folder. */
static void find_in(struct samples *s, const char *folder, const char *name, int depth) {
    struct str path = { 0 };
    struct stat st;
    if (name[0] == '.')
        return;
    str_printf(&path, "%s/%s", folder, name);
    if (path.failed || stat(path.data, &st) != 0)
        goto out;
    if (!S_ISDIR(st.st_mode)) {
        if (is_json(name))
            add_sample(s, path.data);
    } else if (depth < DEPTH) {
        find_samples(s, path.data, depth + 1);
    }
out:
    str_free(&path);
}

/* Finds *.json in a folder and in the folders in it. */
static void find_samples(struct samples *s, const char *folder, int depth) {
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0) {
        report_add(s->report, REPORT_ERROR, "missing-file", folder,
                   "cannot read this folder of samples: %s", strerror(errno));
        return;
    }
    for (int i = 0; i < n; i++) {
        find_in(s, folder, entries[i]->d_name, depth);
        free(entries[i]);
    }
    free(entries);
}

/* ---- mapping ---- */

/* Adds a resource to what a sample became. */
static bool add_resource(void *user, const struct tree *resource) {
    struct str *made = user;
    json_write(made, resource, JSON_COMPACT);
    return !made->failed;
}

/* Maps one text and hashes what it became, findings included; false when the record was refused. */
static bool map_text(struct pipeline *p, const char *text, size_t length, const char *source,
                     char hash[65], struct report *report) {
    struct str made = { 0 };
    bool taken = pipeline_map(p, text, length, source, add_resource, &made, report);
    for (size_t i = 0; i < report->count; i++)
        str_puts(&made, report->entries[i].error.text);
    hash[0] = '\0';
    const char *bytes = made.length > 0 ? made.data : "";
    bool hashed = !made.failed && crypt_sha256_hex(bytes, made.length, hash);
    if (!hashed)
        out_of_memory(report, source);
    str_free(&made);
    return taken && hashed;
}

/* ---- fields that nothing reads ---- */

static bool take_out(struct tree *node, const char *path);

/* Takes a field out of a member, whose name a path begins with. */
static bool take_out_of(struct tree *member, const char *path) {
    size_t length = member->name_length;
    if (strncmp(path, member->name, length) != 0)
        return false;
    if (path[length] == '.')
        return take_out(member, path + length + 1);
    if (path[length] != '\0')
        return false;
    tree_remove(member);
    return true;
}

/* Takes a field (dotted path without indexes) out of a tree, wherever it stands; true when it did.
 */
static bool take_out(struct tree *node, const char *path) {
    bool taken = false;
    struct tree *next = NULL;
    if (node->kind < TREE_ARRAY)
        return false; /* it has no children */
    for (struct tree *child = node->first; child != NULL; child = next) {
        next = child->next;
        bool here = node->kind == TREE_ARRAY ? take_out(child, path) : take_out_of(child, path);
        taken = taken || here;
    }
    return taken;
}

/* Whether a sample becomes something else without a field. */
static bool changes_without(struct pipeline *p, const struct sample *sample, const char *field) {
    struct arena arena = { 0 };
    struct report report = { 0 };
    struct str text = { 0 };
    char hash[65];
    bool changed = false;
    struct tree *record = json_read_copy(&arena, sample->text, sample->length, NULL, NULL);
    if (record == NULL || !take_out(record, field))
        goto out;
    json_write(&text, record, JSON_COMPACT);
    bool mapped = !text.failed && map_text(p, text.data, text.length, sample->path, hash, &report);
    changed = !mapped || strcmp(hash, sample->hash) != 0;
out:
    str_free(&text);
    report_free(&report);
    arena_free(&arena);
    return changed;
}

/* True when taking a field out of some sample changes what it becomes: then a mapper reads it, in
 * C. */
static bool matters(struct pipeline *p, const struct samples *s, const char *field) {
    size_t count = s->count < AGAIN ? s->count : AGAIN;
    for (size_t i = 0; i < count; i++) {
        if (changes_without(p, &s->list[i], field))
            return true;
    }
    return false;
}

/* ---- one job, all jobs ---- */

static void take_finding(struct report *to, const struct report_entry *entry) {
    const struct iptfhir_error *e = &entry->error;
    report_add(to, entry->severity, e->code, e->where, "%s", e->text);
}

/* Maps every sample, with what is wrong with it. */
static void map_all(struct pipeline *p, struct samples *s) {
    for (size_t i = 0; i < s->count; i++) {
        struct sample *one = &s->list[i];
        struct report faults = { 0 };
        map_text(p, one->text, one->length, one->path, one->hash, &faults);
        for (size_t k = 0; k < faults.count; k++)
            take_finding(s->report, &faults.entries[k]);
        report_free(&faults);
    }
}

/* Maps all samples through one job; what nothing read goes to `unread`. */
static void map_samples(const struct config *config, const struct config_job *job,
                        struct samples *s, struct report *unread) {
    struct template_coverage *coverage = NULL;
    struct report covered = { 0 };
    struct pipeline *p = pipeline_open_config(config, job, NULL, s->report);
    if (p != NULL)
        coverage = template_coverage_new(pipeline_templates(p));
    if (coverage == NULL)
        goto out;
    pipeline_set_coverage(p, coverage);
    map_all(p, s);
    pipeline_set_coverage(p, NULL);
    template_coverage_report(coverage, NULL, &covered);
    for (size_t i = 0; i < covered.count; i++) {
        const struct iptfhir_error *e = &covered.entries[i].error;
        bool about_field = strcmp(e->code, "never-read") == 0;
        if (!about_field)
            take_finding(s->report, &covered.entries[i]);
        else if (!matters(p, s, e->where))
            take_finding(unread, &covered.entries[i]);
    }
out:
    report_free(&covered);
    template_coverage_free(coverage);
    pipeline_close(p);
}

/* How many findings from `from` on are about the field of the one at `place`. */
static size_t count_alike(const struct report *r, size_t place, size_t from) {
    size_t count = 0;
    for (size_t i = from; i < r->count; i++)
        count += strcmp(r->entries[i].error.where, r->entries[place].error.where) == 0;
    return count;
}

/* Reports the fields that no job read, each once. */
static void report_unread(const struct report *unread, size_t jobs, struct report *report) {
    for (size_t i = 0; i < unread->count; i++) {
        const struct iptfhir_error *e = &unread->entries[i].error;
        size_t all = count_alike(unread, i, 0);
        bool is_first = count_alike(unread, i, i) == all;
        if (is_first && all == jobs)
            report_add(report, REPORT_NOTE, "never-read", e->where, "%s", e->text);
    }
}

size_t samples_check(const struct config *config, const char *folder, struct report *report) {
    struct samples s = { .report = report };
    struct report unread = { 0 };
    find_samples(&s, folder, 0);
    if (s.count == 0)
        report_add(report, REPORT_ERROR, "missing-file", folder,
                   "there are no samples (*.json) in this folder");
    for (size_t i = 0; s.count > 0 && i < config->job_count; i++)
        map_samples(config, &config->jobs[i], &s, &unread);
    report_unread(&unread, config->job_count, report);
    free_samples(&s);
    report_free(&unread);
    return s.count;
}
