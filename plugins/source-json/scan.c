/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner: brackets and quotes are followed, all else of JSON is the core's to judge. */
#include "scan.h"

#include <string.h>

#define MAX_PADDING                                                                                \
    256 /* columns that are kept in front of a record, so that its positions stay true */

static bool is_blank(char c) {
    return c != '\0' && strchr(" \t\r\n", c) != NULL;
}

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
    while (s->text.length > 0 && is_blank(s->text.data[s->text.length - 1]))
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

/* ---- one byte of a record: does it belong to it, does it end it? ---- */

enum step { STEP_KEEP, STEP_END_BEFORE, STEP_END_AFTER, STEP_END_ARRAY };

/* Follows a string. A line feed ends it, since JSON has none there: a quote is missing. */
static void look_in_string(struct scan *s, char c) {
    bool plain = s->escaped || (c != '\\' && c != '"' && c != '\n');
    s->escaped = !s->escaped && c == '\\';
    if (plain || s->escaped)
        return;
    s->in_string = false;
    s->mismatched |= c == '\n';
}

static void open_bracket(struct scan *s, char c) {
    bool fits = s->depth < SCAN_NESTING;
    s->mismatched |= !fits;
    if (fits)
        s->open[s->depth++] = (unsigned char)c;
}

static bool has_open(const struct scan *s, char bracket) {
    return s->depth > 0 && memchr(s->open, bracket, s->depth) != NULL;
}

/* Closes a bracket: those that were left open inside are passed over. */
static void pass_brackets(struct scan *s, char c) {
    unsigned char wanted = c == '}' ? '{' : '[';
    size_t depth = s->depth;
    while (depth > 0 && s->open[depth - 1] != wanted)
        depth--;
    s->mismatched |= depth != s->depth;
    s->depth = depth > 0 ? depth - 1 : s->depth;
}

static enum step close_bracket(struct scan *s, char c) {
    bool ends_array = s->in_array && c == ']' && !has_open(s, '[');
    bool outermost = s->depth == 0;
    bool fits = outermost == ends_array; /* what closes the array stands outside of its records */
    s->mismatched |= !fits;
    if (ends_array)
        return STEP_END_ARRAY;
    if (outermost)
        return STEP_KEEP;
    pass_brackets(s, c);
    return s->depth == 0 && !s->in_array ? STEP_END_AFTER : STEP_KEEP;
}

static enum step look(struct scan *s, char c) {
    char separator = s->in_array ? ',' : '\n';
    if (s->in_string) {
        look_in_string(s, c);
        return STEP_KEEP;
    }
    if (c == separator && s->depth == 0)
        return STEP_END_BEFORE;
    switch (c) {
    case '"': s->in_string = true; break;
    case '{':
    case '[': open_bracket(s, c); break;
    case '}':
    case ']': return close_bracket(s, c);
    default: break;
    }
    return STEP_KEEP;
}

/* ---- bytes outside of records ---- */

/* The array ends. */
static iptfhir_status leave_array(struct scan *s) {
    bool comma = s->after_comma;
    s->in_array = false;
    s->after_comma = false;
    s->state = SCAN_REST;
    if (!comma)
        return IPTFHIR_OK;
    return hold(s, s->line, "json-invalid", "expected a record behind the comma: remove the comma");
}

/* A comma between the records of an array. */
static iptfhir_status pass_comma(struct scan *s) {
    bool has_record = !s->after_comma && s->records > 0;
    s->after_comma = true;
    if (has_record)
        return IPTFHIR_OK;
    return hold(s, s->line, "json-invalid",
                "expected a record in front of the comma: remove the comma");
}

/* Takes one byte outside of records. */
static iptfhir_status between(struct scan *s, char c) {
    if (is_blank(c) || s->state == SCAN_DONE)
        return IPTFHIR_OK;
    if (s->state == SCAN_REST) {
        s->state = SCAN_DONE;
        return hold(s, s->line, "json-invalid",
                    "expected the end of the file behind its array: all that follows is left out");
    }
    if (s->in_array && c == ']')
        return leave_array(s);
    if (s->in_array && c == ',')
        return pass_comma(s);
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

/* Counts lines and columns. */
static void count_byte(struct scan *s, char c) {
    bool feed = c == '\n';
    s->line += feed;
    s->column = feed ? 1 : s->column + 1;
}

/* In a file of one record a line, only its line feed ends a record. */
static enum step look_at(struct scan *s, char c) {
    if (s->form == SCAN_LINES)
        return c == '\n' ? STEP_END_BEFORE : STEP_KEEP;
    return look(s, c);
}

/* Takes the bytes of a record up to its end or the end of the bytes. */
static iptfhir_status in_record(struct scan *s, const char **p, const char *end) {
    const char *start = *p;
    for (; *p < end; (*p)++) {
        char c = **p;
        enum step step = look_at(s, c);
        if (step == STEP_KEEP) {
            count_byte(s, c);
            continue;
        }
        if (!keep(s, start, (size_t)(*p - start)))
            return IPTFHIR_FATAL;
        iptfhir_status status = end_record(s, step, c);
        if (c == '\n')
            return status; /* the line feed is counted by the caller */
        count_byte(s, c);
        (*p)++;
        return status;
    }
    return keep(s, start, (size_t)(end - start)) ? IPTFHIR_OK : IPTFHIR_FATAL;
}

/* Skips a byte order mark at the beginning; true when the byte is part of it. */
static bool skip_bom(struct scan *s, char c) {
    static const char mark[] = "\xEF\xBB\xBF";
    bool part = s->bom < 3 && c == mark[s->bom];
    s->bom = part ? s->bom + 1 : 3;
    return part;
}

/* Decides at the first byte that counts what the file is. */
static iptfhir_status start(struct scan *s, char c) {
    if (is_blank(c))
        return IPTFHIR_OK;
    s->state = SCAN_BETWEEN;
    s->in_array = c == '[' && s->form != SCAN_LINES;
    return s->in_array ? IPTFHIR_OK : between(s, c);
}

enum scan_form scan_guess(const char *bytes, size_t length) {
    struct scan line = { .form = SCAN_JSON };
    const char *p = bytes;
    const char *end = bytes + length;
    if (length >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    while (p < end && is_blank(*p))
        p++;
    if (p < end && *p == '[')
        return SCAN_JSON;
    for (; p < end && *p != '\n'; p++)
        (void)look(&line, *p);
    bool is_whole = p < end && line.depth == 0;
    return is_whole ? SCAN_LINES : SCAN_JSON;
}

/* Takes one byte outside of records; true when a record begins with it. */
static bool take_byte(struct scan *s, char c, iptfhir_status *status) {
    if (s->bom < 3 && skip_bom(s, c))
        return false;
    *status = s->state == SCAN_START ? start(s, c) : between(s, c);
    if (s->state == SCAN_IN_RECORD)
        return true;
    count_byte(s, c);
    return false;
}

iptfhir_status scan_bytes(struct scan *s, const char *bytes, size_t length) {
    const char *p = bytes;
    const char *end = bytes + length;
    iptfhir_status status = IPTFHIR_OK;
    if (s->line == 0) {
        s->line = 1;
        s->column = 1;
    }
    while (p < end && status == IPTFHIR_OK) {
        if (s->state == SCAN_IN_RECORD)
            status = in_record(s, &p, end);
        else if (!take_byte(s, *p, &status))
            p++;
    }
    return status;
}

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

void scan_free(struct scan *s) {
    iptfhir_text_free(&s->text);
}
