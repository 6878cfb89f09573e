/* SPDX-License-Identifier: Apache-2.0 */
/* An example outside the tree: a source that reads a roster of courses, a mapper that makes an
 * EpisodeOfCare of each, and a function for mapping files. Built against what is installed. */
#include <iptfhir/date.h>
#include <iptfhir/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Both the source's and the mapper's: a plugin has one kind of instance. */
struct roster {
    const char *path;
    const char *patient_system;
    const struct iptfhir_host *host;
};

static const struct iptfhir_option options[] = {
    IPTFHIR_OPTION_PATH(struct roster, path, "path", 0, NULL,
                        "The roster, for a source: a line per course, patient;status;start."),
    IPTFHIR_OPTION_STRING(struct roster, patient_system, "patient_system", 0, "urn:oid:1.2.3.4",
                          "Identifier system of the roster's patients."),
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

/* Makes the patient of a record. */
static struct iptfhir_node *patient_of(const struct roster *r, struct iptfhir_document *d,
                                       const char *id) {
    iptfhir_nodes n = r->host->nodes;
    struct iptfhir_node *patient = n->object(d);
    struct iptfhir_node *identifiers = n->array(d);
    struct iptfhir_node *identifier = n->object(d);
    bool ok = iptfhir_set_text(n, d, identifier, "system", r->patient_system) &&
              iptfhir_set_text(n, d, identifier, "value", id) &&
              n->append(identifiers, identifier) &&
              iptfhir_set_text(n, d, patient, "localId", id) &&
              n->set(d, patient, "identifiers", identifiers);
    return ok ? patient : NULL;
}

/* Makes a record of the three cells of a line; NULL when memory is out or a cell is no UTF-8. */
static struct iptfhir_node *record_of(const struct roster *r, struct iptfhir_document *d,
                                      const char *id, const char *status, const char *start,
                                      const char *extracted) {
    iptfhir_nodes n = r->host->nodes;
    struct iptfhir_node *record = n->object(d);
    struct iptfhir_node *source = n->object(d);
    struct iptfhir_node *course = n->object(d);
    bool ok =
        iptfhir_set_text(n, d, record, "schemaVersion", "1.0") &&
        iptfhir_set_text(n, d, record, "recordId", id) &&
        iptfhir_set_text(n, d, source, "sourceId", id) &&
        iptfhir_set_text(n, d, source, "extractedAt", extracted) &&
        n->set(d, record, "source", source) && n->set(d, record, "patient", patient_of(r, d, id)) &&
        n->set(d, record, "therapist", n->object(d)) && iptfhir_set_text(n, d, course, "id", id) &&
        iptfhir_set_text(n, d, course, "status", status) &&
        iptfhir_set_text(n, d, course, "format", "individual") &&
        iptfhir_set_text(n, d, course, "start", start) && n->set(d, record, "course", course);
    return ok ? record : NULL;
}

/* Hands over one line. */
static iptfhir_status take_line(const struct roster *r, char *line, const char *extracted,
                                struct iptfhir_record_sink *sink,
                                const struct iptfhir_origin *origin) {
    char *rest = NULL;
    const char *patient = strtok_r(line, ";\n", &rest);
    const char *status = strtok_r(NULL, ";\n", &rest);
    const char *start = strtok_r(NULL, ";\n", &rest);
    struct iptfhir_node *record = NULL;
    if (patient != NULL && status != NULL && start != NULL)
        record = record_of(r, sink->document, patient, status, start, extracted);
    if (record == NULL)
        return sink->hold(sink, origin, "roster", "expected patient;status;start in UTF-8");
    return sink->emit(sink, record, origin);
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
    char extracted[25] = "";
    struct stat st;
    if (fstat(fileno(file), &st) == 0)
        iptfhir_time_format((int64_t)st.st_mtime * 1000, extracted);
    struct iptfhir_origin origin = { sizeof origin, r->path, 0 };
    while (status == IPTFHIR_OK && !r->host->stopping(r->host) && fgets(line, sizeof line, file)) {
        origin.line++;
        status = take_line(r, line, extracted, sink, &origin);
    }
    fclose(file);
    return status == IPTFHIR_OK ? sink->cursor(sink, "read") : status;
}
static const struct iptfhir_source source = { .size = sizeof source, .poll = roster_poll };

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

/* Makes an object with one text in it. */
static struct iptfhir_node *single(iptfhir_nodes n, struct iptfhir_document *d, const char *name,
                                   const char *text) {
    struct iptfhir_node *object = n->object(d);
    return iptfhir_set_text(n, d, object, name, text) ? object : NULL;
}

/* Makes one EpisodeOfCare of a record. The id comes from identity(), so the same record gives the
 * same resource. */
static iptfhir_status roster_map(const void *self, const struct iptfhir_record *record,
                                 struct iptfhir_resource_sink *sink, struct iptfhir_error *error) {
    const struct roster *r = self;
    const struct iptfhir_host *host = r->host;
    iptfhir_nodes n = host->nodes;
    struct iptfhir_document *d = sink->document;
    const struct iptfhir_node *course = n->get(record->node, "course");
    const char *local = iptfhir_get_text(n, n->get(record->node, "patient"), "localId");
    const char *status = iptfhir_get_text(n, course, "status");
    const char *start = iptfhir_get_text(n, course, "start");
    if (local == NULL || status == NULL || start == NULL)
        return host->fail(host, error, IPTFHIR_REJECT, "roster", "/course",
                          "the record has no course with a start");
    if (episode_status(status) == NULL)
        return sink->hold(sink, "/course/status", "roster",
                          "no EpisodeOfCare status for this course status");
    char id[37], patient[37], reference[64], urn[64];
    host->identity(host, "EpisodeOfCare", record->id, id);
    host->identity(host, "Patient", local, patient);
    snprintf(reference, sizeof reference, "Patient/%s", patient);
    snprintf(urn, sizeof urn, "urn:uuid:%s", id);
    struct iptfhir_node *resource = n->object(d);
    struct iptfhir_node *identifier = single(n, d, "system", "urn:ietf:rfc:3986");
    struct iptfhir_node *identifiers = n->array(d);
    bool ok = iptfhir_set_text(n, d, identifier, "value", urn) &&
              n->append(identifiers, identifier) &&
              iptfhir_set_text(n, d, resource, "resourceType", "EpisodeOfCare") &&
              iptfhir_set_text(n, d, resource, "id", id) &&
              n->set(d, resource, "identifier", identifiers) &&
              iptfhir_set_text(n, d, resource, "status", episode_status(status)) &&
              n->set(d, resource, "patient", single(n, d, "reference", reference)) &&
              n->set(d, resource, "period", single(n, d, "start", start));
    if (!ok)
        return host->fail(host, error, IPTFHIR_FATAL, "memory", NULL, "out of memory");
    return sink->emit(sink, resource, error);
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

const struct iptfhir_descriptor iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof(struct iptfhir_descriptor),
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
