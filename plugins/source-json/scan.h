/* SPDX-License-Identifier: Apache-2.0 */
/* Finds where records begin and end in a stream of JSON, without keeping more than one of them. */
#ifndef SOURCE_JSON_SCAN_H
#define SOURCE_JSON_SCAN_H

#include <iptfhir/plugin.h>
#include <iptfhir/text.h>

#define SCAN_NESTING 64

enum scan_form {
    SCAN_JSON,  /* one value, several values one after the other, or one array of records */
    SCAN_LINES, /* one record a line */
};

struct scan {
    struct iptfhir_record_sink *sink;
    const char *file;
    size_t max_bytes; /* of one record */
    enum scan_form form;
    /* The rest is the scanner's own. */
    enum { SCAN_START, SCAN_BETWEEN, SCAN_IN_RECORD, SCAN_REST, SCAN_DONE } state;
    bool in_array, after_comma, in_string, escaped, too_large, mismatched;
    unsigned char open[SCAN_NESTING]; /* the brackets that are open in the record */
    size_t depth;
    int64_t line, record_line;
    size_t column, record_column;
    struct iptfhir_text text; /* the record so far */
    size_t records;           /* handed over or held so far */
    size_t bom;               /* bytes of a byte order mark seen */
};

/* Lines when the first line is a whole value, else SCAN_JSON. */
enum scan_form scan_guess(const char *bytes, size_t length);
/* Takes the next bytes; a status other than OK ends the file and is the sink's. */
iptfhir_status scan_bytes(struct scan *s, const char *bytes, size_t length);
/* Takes the end of the file. */
iptfhir_status scan_end(struct scan *s);
void scan_free(struct scan *s);
#endif
