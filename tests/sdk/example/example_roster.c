/* SPDX-License-Identifier: Apache-2.0 */
/* An example outside the tree: a source that reads a roster of courses, a mapper that makes an
 * EpisodeOfCare of each, and a function for mapping files. Built against the installed header
 * alone. */
#include <iptfhir/plugin.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Both the source's and the mapper's: a plugin has one kind of instance. */
struct roster {
    const char *path;
    const char *patient_system;
    const struct iptfhir_host *host;
};

static const struct iptfhir_option options[] = {
    { "path", IPTFHIR_PATH, 0, offsetof(struct roster, path), NULL, 0, 0, NULL,
      "The roster, for a source: a line per course, patient;status;start." },
    { "patient_system", IPTFHIR_STRING, 0, offsetof(struct roster, patient_system),
      "urn:oid:1.2.3.4", 0, 0, NULL, "Identifier system of the roster's patients." },
    IPTFHIR_OPTIONS_END,
};

static iptfhir_status roster_init(void *self, const struct iptfhir_host *host,
                                  struct iptfhir_error *error) {
    struct roster *r = self;
    (void)error;
    r->host = host;
    return IPTFHIR_OK;
}

/* ---- the source ---- */

/* Makes a record of a line; NULL when the line is none. */
static json_t *record_of(const struct roster *r, char *line, const char *extracted) {
    char *rest = NULL;
    const char *patient = strtok_r(line, ";\n", &rest), *status = strtok_r(NULL, ";\n", &rest),
               *start = strtok_r(NULL, ";\n", &rest);
    if (!patient || !status || !start)
        return NULL;
    return json_pack(
        "{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:[{s:s, s:s}]}, s:{}, s:{s:s, s:s, s:s, s:s}}",
        "schemaVersion", "1.0", "recordId", patient, "source", "sourceId", patient, "extractedAt",
        extracted, "patient", "localId", patient, "identifiers", "system", r->patient_system,
        "value", patient, "therapist", "course", "id", patient, "status", status, "format",
        "individual", "start", start);
}

/* Hands over every line; one that can't be used is held under its number, and the rest goes on. */
static iptfhir_status roster_poll(void *self, const char *cursor, struct iptfhir_record_sink *sink,
                                  struct iptfhir_error *error) {
    struct roster *r = self;
    char line[1024];
    iptfhir_status status = IPTFHIR_OK;
    (void)cursor; /* the file is small: it is read whole, and what didn't change isn't sent again */
    FILE *file = r->path ? fopen(r->path, "r") : NULL;
    if (!file)
        return r->host->fail(r->host, error, IPTFHIR_FATAL, "missing-file", r->path,
                             "the roster cannot be read: set `path`");
    char extracted[32] = "";
    struct stat st;
    struct tm utc;
    if (fstat(fileno(file), &st) == 0 && gmtime_r(&st.st_mtime, &utc))
        strftime(extracted, sizeof extracted, "%Y-%m-%dT%H:%M:%SZ", &utc);
    struct iptfhir_origin origin = { sizeof origin, r->path, 0 };
    while (status == IPTFHIR_OK && !r->host->stopping(r->host) && fgets(line, sizeof line, file)) {
        origin.line++;
        json_t *record = record_of(r, line, extracted);
        status = record ? sink->emit(sink, record, &origin)
                        : sink->hold(sink, &origin, "roster", "expected patient;status;start");
    }
    fclose(file);
    return status == IPTFHIR_OK ? sink->cursor(sink, "read") : status;
}
static const struct iptfhir_source source = { sizeof source, roster_poll };

/* ---- the mapper ---- */

/* Turns the status of a course into one of an EpisodeOfCare. */
static const char *episode_status(const char *course) {
    static const char *const codes[][2] = { { "draft", "planned" },
                                            { "active", "active" },
                                            { "on-hold", "onhold" },
                                            { "completed", "finished" },
                                            { "revoked", "cancelled" } };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (!strcmp(codes[i][0], course))
            return codes[i][1];
    return NULL;
}

/* Makes one EpisodeOfCare of a record. The id comes from identity(), so the same record gives the
 * same resource. */
static iptfhir_status roster_map(const void *self, const struct iptfhir_record *record,
                                 struct iptfhir_resource_sink *sink, struct iptfhir_error *error) {
    const struct roster *r = self;
    char id[37], patient[37], reference[64], urn[64];
    const char *local, *status, *start;
    if (json_unpack((json_t *)(uintptr_t)record->json(record), "{s:{s:s}, s:{s:s, s:s}}", "patient",
                    "localId", &local, "course", "status", &status, "start", &start) != 0)
        return r->host->fail(r->host, error, IPTFHIR_REJECT, "roster", "/course",
                             "the record has no course with a start");
    if (!episode_status(status))
        return sink->hold(sink, "/course/status", "roster",
                          "no EpisodeOfCare status for this course status");
    r->host->identity(r->host, "EpisodeOfCare", record->id, id);
    r->host->identity(r->host, "Patient", local, patient);
    snprintf(reference, sizeof reference, "Patient/%s", patient);
    snprintf(urn, sizeof urn, "urn:uuid:%s", id);
    json_t *resource = json_pack(
        "{s:s, s:s, s:[{s:s, s:s}], s:s, s:{s:s}, s:{s:s}}", "resourceType", "EpisodeOfCare", "id",
        id, "identifier", "system", "urn:ietf:rfc:3986", "value", urn, "status",
        episode_status(status), "patient", "reference", reference, "period", "start", start);
    if (!resource)
        return r->host->fail(r->host, error, IPTFHIR_FATAL, "memory", NULL, "out of memory");
    return sink->emit(sink, resource, error); /* consumed, whatever it returns */
}
static const char *const emits[] = { "EpisodeOfCare", NULL };
static const struct iptfhir_mapper mapper = { sizeof mapper, emits, roster_map };

/* ---- a function ---- */

/* {{ %s.number.ordinal() }}: 1 -> "1st"; empty for what is no whole number. */
static bool ordinal(const char *input, const char *const *args, size_t count, char *out,
                    size_t size) {
    char *end;
    long n = strtol(input, &end, 10);
    (void)args, (void)count;
    if (end == input || *end || n < 0)
        return false;
    const char *tail = n / 10 % 10 == 1 ? "th"
                       : n % 10 == 1    ? "st"
                       : n % 10 == 2    ? "nd"
                       : n % 10 == 3    ? "rd"
                                        : "th";
    return (size_t)snprintf(out, size, "%ld%s", n, tail) < size;
}
static const struct iptfhir_function functions[] = { { "ordinal", 0, 0, ordinal },
                                                     { NULL, 0, 0, NULL } };

const struct iptfhir_plugin iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof(struct iptfhir_plugin),
    .name = "example-roster",
    .version = "1",
    .summary = "A roster of courses to EpisodeOfCare: an example",
    .instance_size = sizeof(struct roster),
    .options = options,
    .init = roster_init,
    .source = &source,
    .mapper = &mapper,
    .functions = functions,
};
