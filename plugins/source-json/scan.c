/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner: brackets and quotes are followed, all else of JSON is the core's to judge. */
#include "scan.h"

#include <string.h>

#define MAX_PADDING                                                                                \
    256 /* columns that are kept in front of a record, so that its positions stay true */

/* Keeps bytes of the record, up to its bound. */
static bool keep(struct scan *s, const char *bytes, size_t length) {
    if (length == 0)
        return true;
    if (s->too_large || length > s->max_bytes + MAX_PADDING - s->text.length) {
        s->too_large = true;
        return true;
    }
    iptfhir_text_add(&s->text, bytes, length);
    return !s->text.failed;
}

/* Begins a record at the current position. */
static bool begin(struct scan *s) {
    static const char spaces[MAX_PADDING + 1] =
        "                                                                "
        "                                                                                          "
        "      "
        "                                                                                          "
        "      ";
    s->record_line = s->line;
    s->record_column = s->column;
    iptfhir_text_clear(&s->text);
    s->depth = 0;
    s->in_string = s->escaped = s->too_large = s->mismatched = s->after_comma = false;
    s->state = SCAN_IN_RECORD;
    return s->column > MAX_PADDING || keep(s, spaces, s->column - 1);
}

/* Holds what begins at a line. */
static iptfhir_status hold(struct scan *s, int64_t line, const char *code, const char *why) {
    const struct iptfhir_origin origin = { sizeof origin, s->file, line };
    s->records++;
    iptfhir_status status = s->sink->hold(s->sink, &origin, code, why);
    return status == IPTFHIR_REJECT ? IPTFHIR_OK : status;
}

/* Hands the record over, or holds it when it can't be one. */
static iptfhir_status finish(struct scan *s) {
    const struct iptfhir_origin origin = { sizeof origin, s->file, s->record_line };
    s->state = SCAN_BETWEEN;
    while (s->text.length > 0 && strchr(" \t\r\n", s->text.data[s->text.length - 1]))
        s->text.length--;
    if (s->too_large)
        return hold(s, s->record_line, "record-too-large",
                    "the record that begins in this line is larger than max_record_bytes: split "
                    "it, or raise the option");
    if (s->mismatched)
        return hold(s, s->record_line, "json-invalid",
                    "brackets or quotes of the record that begins in this line don't match: "
                    "correct the file");
    s->records++;
    iptfhir_status status = s->sink->emit_text(s->sink, s->text.data, s->text.length, &origin);
    return status == IPTFHIR_REJECT ? IPTFHIR_OK
                                    : status; /* refused records are held by the core */
}

/* Closes a bracket: those that were left open inside are passed over. */
static void close_bracket(struct scan *s, unsigned char c) {
    unsigned char wanted = c == '}' ? '{' : '[';
    size_t depth = s->depth;
    while (depth > 0 && s->open[depth - 1] != wanted)
        depth--;
    s->mismatched |= depth != s->depth;
    s->depth = depth > 0 ? depth - 1 : s->depth;
}

enum step { STEP_KEEP, STEP_END_BEFORE, STEP_END_AFTER, STEP_END_ARRAY };

/* Looks at one byte of a record: does it belong to it, does it end it? */
static enum step look(struct scan *s, unsigned char c) {
    if (s->form == SCAN_LINES)
        return c == '\n' ? STEP_END_BEFORE : STEP_KEEP;
    if (s->in_string) {
        if (s->escaped)
            s->escaped = false;
        else if (c == '\\')
            s->escaped = true;
        else if (c == '"')
            s->in_string = false;
        else if (c == '\n') { /* a quote is missing: JSON has no line feed in a string */
            s->in_string = false;
            s->mismatched = true;
        }
        return STEP_KEEP;
    }
    switch (c) {
    case '"': s->in_string = true; return STEP_KEEP;
    case '{':
    case '[':
        if (s->depth < SCAN_NESTING)
            s->open[s->depth++] = c;
        else
            s->mismatched = true;
        return STEP_KEEP;
    case '}':
    case ']':
        if (s->in_array && c == ']' && (s->depth == 0 || !memchr(s->open, '[', s->depth))) {
            s->mismatched |= s->depth > 0;
            return STEP_END_ARRAY;
        }
        if (s->depth == 0) {
            s->mismatched = true;
            return STEP_KEEP;
        }
        close_bracket(s, c);
        return s->depth == 0 && !s->in_array ? STEP_END_AFTER : STEP_KEEP;
    case ',': return s->depth == 0 && s->in_array ? STEP_END_BEFORE : STEP_KEEP;
    case '\n': return s->depth == 0 && !s->in_array ? STEP_END_BEFORE : STEP_KEEP;
    default: return STEP_KEEP;
    }
}

/* Takes one byte outside of records. */
static iptfhir_status between(struct scan *s, char c) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        return IPTFHIR_OK;
    if (s->in_array && c == ']' && s->state == SCAN_BETWEEN) {
        bool comma = s->after_comma;
        s->in_array = s->after_comma = false;
        s->state = SCAN_REST;
        return comma ? hold(s, s->line, "json-invalid",
                            "expected a record behind the comma: remove the comma")
                     : IPTFHIR_OK;
    }
    if (s->in_array && c == ',') {
        bool empty = s->after_comma || s->records == 0;
        s->after_comma = true;
        return empty ? hold(s, s->line, "json-invalid",
                            "expected a record in front of the comma: remove the comma")
                     : IPTFHIR_OK;
    }
    if (s->state == SCAN_REST) {
        s->state = SCAN_DONE;
        return hold(s, s->line, "json-invalid",
                    "expected the end of the file behind its array: all that follows is left out");
    }
    if (s->state == SCAN_DONE)
        return IPTFHIR_OK;
    return begin(s) ? IPTFHIR_OK : IPTFHIR_FATAL;
}

/* Ends the record as `step` says; the byte c may open what follows. */
static iptfhir_status end_record(struct scan *s, enum step step, char c) {
    if (step == STEP_END_AFTER && !keep(s, &c, 1))
        return IPTFHIR_FATAL;
    iptfhir_status status = finish(s);
    if (step == STEP_END_ARRAY) {
        s->in_array = false;
        s->state = SCAN_REST;
    } else if (step == STEP_END_BEFORE && c == ',') {
        s->after_comma = true;
    }
    return status;
}

/* Takes the bytes of a record up to its end or the end of the bytes. */
static iptfhir_status in_record(struct scan *s, const char **p, const char *end) {
    const char *start = *p;
    for (; *p < end; (*p)++) {
        char c = **p;
        enum step step = look(s, (unsigned char)c);
        if (step != STEP_KEEP) {
            if (!keep(s, start, (size_t)(*p - start)))
                return IPTFHIR_FATAL;
            iptfhir_status status = end_record(s, step, c);
            if (step == STEP_END_BEFORE && c == '\n')
                return status; /* the line feed is counted by the caller */
            s->column++;
            (*p)++;
            return status;
        }
        if (c == '\n') {
            s->line++;
            s->column = 1;
        } else {
            s->column++;
        }
    }
    return keep(s, start, (size_t)(end - start)) ? IPTFHIR_OK : IPTFHIR_FATAL;
}

/* Skips a byte order mark at the beginning; true when the byte is part of it. */
static bool skip_bom(struct scan *s, char c) {
    static const char mark[] = "\xEF\xBB\xBF";
    if (s->bom >= 3 || c != mark[s->bom])
        s->bom = 3;
    else
        return s->bom++, true;
    return false;
}

/* Decides at the first byte that counts what the file is. */
static iptfhir_status start(struct scan *s, char c) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        return IPTFHIR_OK;
    s->state = SCAN_BETWEEN;
    if (c == '[' && s->form != SCAN_LINES) {
        s->in_array = true;
        return IPTFHIR_OK;
    }
    return between(s, c);
}

/* Tells what a file is from its first bytes. */
enum scan_form scan_guess(const char *bytes, size_t length) {
    const char *p = bytes, *end = bytes + length;
    size_t depth = 0;
    bool in_string = false;
    if (length >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    while (p < end && strchr(" \t\r\n", *p))
        p++;
    if (p == end || *p == '[')
        return SCAN_JSON;
    for (; p < end && *p != '\n'; p++) {
        if (in_string && *p == '\\')
            p++;
        else if (*p == '"')
            in_string = !in_string;
        else if (!in_string && (*p == '{' || *p == '['))
            depth++;
        else if (!in_string && depth > 0 && (*p == '}' || *p == ']'))
            depth--;
    }
    return p < end && depth == 0 ? SCAN_LINES : SCAN_JSON;
}

/* Takes bytes. */
iptfhir_status scan_bytes(struct scan *s, const char *bytes, size_t length) {
    const char *p = bytes, *end = bytes + length;
    iptfhir_status status = IPTFHIR_OK;
    if (s->line == 0)
        s->line = 1, s->column = 1;
    while (p < end && status == IPTFHIR_OK) {
        if (s->state == SCAN_IN_RECORD) {
            status = in_record(s, &p, end);
            continue;
        }
        if (s->bom < 3 && skip_bom(s, *p)) {
            p++;
            continue;
        }
        status = s->state == SCAN_START ? start(s, *p) : between(s, *p);
        if (s->state == SCAN_IN_RECORD)
            continue; /* the record begins with this byte */
        if (*p == '\n') {
            s->line++;
            s->column = 1;
        } else {
            s->column++;
        }
        p++;
    }
    return status;
}

/* Takes the end. */
iptfhir_status scan_end(struct scan *s) {
    iptfhir_status status = IPTFHIR_OK;
    if (s->state == SCAN_IN_RECORD) {
        s->mismatched |= s->form != SCAN_LINES && s->in_array;
        status = finish(s);
    }
    if (s->in_array && status == IPTFHIR_OK)
        status = hold(s, s->line > 0 ? s->line : 1, "json-incomplete",
                      "the file ends inside its array: expected ]; was it copied whole?");
    s->in_array = false;
    return status;
}

/* Frees the text. */
void scan_free(struct scan *s) {
    iptfhir_text_free(&s->text);
}
