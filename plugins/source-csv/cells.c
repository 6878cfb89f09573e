/* SPDX-License-Identifier: Apache-2.0 */
/* Reading cells. What is wrong is told by column and expectation, never with the cell's text. */
#include "cells.h"

#include "dates.h"

#include <iptfhir/date.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Says what is wrong. */
enum cells_answer cells_fault(struct build *b, const char *code, const char *format, ...) {
    va_list args;
    snprintf(b->code, sizeof b->code, "%s", code);
    va_start(args, format);
    vsnprintf(b->why, sizeof b->why, format, args);
    va_end(args);
    return CELLS_FAULT;
}

/* Reads a cell. */
struct cell cells_get(const struct build *b, size_t column) {
    ptrdiff_t at = b->at[column];
    if (at < 0)
        return (struct cell) { (char *)(uintptr_t) "", 0 };
    struct cell cell = b->rows->cells[at];
    while (cell.length > 0 &&
           (cell.text[cell.length - 1] == ' ' || cell.text[cell.length - 1] == '\t'))
        cell.length--;
    while (cell.length > 0 && (*cell.text == ' ' || *cell.text == '\t'))
        cell.text++, cell.length--;
    if (cell.length > 0 && b->columns->blank.count > 0 &&
        names_have(&b->columns->blank, cell.text, cell.length))
        cell.length = 0;
    return cell;
}

static const char *name_of(const struct build *b, size_t column) {
    return b->columns->used.of[column];
}

/* Appends text to the inside of a JSON string; false when it can't stand there. */
static bool put_text(struct iptfhir_text *out, const char *text, size_t length) {
    if (!iptfhir_utf8_valid(text, length) || memchr(text, '\0', length) != NULL)
        return false;
    iptfhir_text_json_part(out, text, length);
    return true;
}

/* Appends a JSON string. */
static enum cells_answer put_string(struct build *b, size_t column, struct cell cell,
                                    struct iptfhir_text *out) {
    iptfhir_text_putc(out, '"');
    if (!put_text(out, cell.text, cell.length))
        return cells_fault(b, "not-utf8",
                           "column %s: the text is not UTF-8: save the file as UTF-8",
                           name_of(b, column));
    iptfhir_text_putc(out, '"');
    return CELLS_VALUE;
}

/* Appends a number as it stands, but for leading zeros and the decimal mark. */
static enum cells_answer put_number(struct build *b, const struct value *v, struct cell cell,
                                    struct iptfhir_text *out) {
    const char *p = cell.text, *end = p + cell.length, *whole, *part = NULL;
    bool negative = *p == '-';
    p += negative;
    whole = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    const char *whole_end = p;
    if (v->type == TYPE_DECIMAL && p < end && *p == b->columns->decimal) {
        part = ++p;
        while (p < end && *p >= '0' && *p <= '9')
            p++;
    }
    if (p != end || (whole == whole_end && !part) || (part && part == end))
        return cells_fault(
            b, "bad-number",
            v->type == TYPE_INTEGER ? "column %s: expected a whole number"
            : b->columns->decimal == ','
                ? "column %s: expected a number with a decimal comma, without thousands marks"
                : "column %s: expected a number with a decimal point, without thousands marks",
            name_of(b, v->column));
    while (whole + 1 < whole_end && *whole == '0')
        whole++;
    if (negative)
        iptfhir_text_putc(out, '-');
    if (whole == whole_end)
        iptfhir_text_putc(out, '0');
    iptfhir_text_add(out, whole, (size_t)(whole_end - whole));
    if (part) {
        iptfhir_text_putc(out, '.');
        iptfhir_text_add(out, part, (size_t)(end - part));
    }
    return CELLS_VALUE;
}

/* Appends a date, or a time of a day with its offset. */
static enum cells_answer put_day(struct build *b, const struct value *v, const struct moment *m,
                                 struct iptfhir_text *out) {
    char text[48], date[11];
    iptfhir_date_format(m->day, date);
    int n;
    if (v->type == TYPE_DATE) {
        if (m->has_time)
            return cells_fault(b, "bad-date", "column %s: expected a date without a time",
                               name_of(b, v->column));
        n = snprintf(text, sizeof text, "\"%s\"", date);
    } else {
        if (!m->has_time && v->minute < 0)
            return cells_fault(
                b, "bad-date",
                "column %s: expected a date and a time; declare default_time if there is none",
                name_of(b, v->column));
        int hour = m->has_time ? m->hour : v->minute / 60,
            minute = m->has_time ? m->minute : v->minute % 60;
        n = snprintf(text, sizeof text, "\"%sT%02d:%02d:%02d%s\"", date, hour, minute, m->second,
                     m->offset[0] ? m->offset : b->columns->timezone);
    }
    iptfhir_text_add(out, text, (size_t)n);
    return CELLS_VALUE;
}

/* Appends the date of a cell. */
static enum cells_answer put_date(struct build *b, const struct value *v, struct cell cell,
                                  struct iptfhir_text *out) {
    static const char *const forms[] = { "YYYY-MM-DD (declare date_order for any other form)",
                                         "year, month, day", "day, month, year",
                                         "month, day, year" };
    struct moment m;
    if (!dates_read(cell.text, cell.length, b->columns->order, &m))
        return cells_fault(b, "bad-date", "column %s: expected a date that exists, as %s",
                           name_of(b, v->column), forms[b->columns->order]);
    return put_day(b, v, &m, out);
}

/* Appends the code of a cell. */
static enum cells_answer put_code(struct build *b, const struct value *v, struct cell cell,
                                  struct iptfhir_text *out) {
    for (size_t i = 0; i < v->count; i++)
        if (v->codes[i].from_length == cell.length &&
            memcmp(v->codes[i].from, cell.text, cell.length) == 0) {
            iptfhir_text_add(out, v->codes[i].to.data, v->codes[i].to.length);
            return CELLS_VALUE;
        }
    return cells_fault(b, "unknown-code",
                       "column %s: the cell holds none of the codes that the columns file lists: "
                       "add it there or correct the cell",
                       name_of(b, v->column));
}

/* Appends true or false. */
static enum cells_answer put_boolean(struct build *b, const struct value *v, struct cell cell,
                                     struct iptfhir_text *out) {
    bool yes = (cell.length == 1 && *cell.text == '1') ||
               (cell.length == 4 && memcmp(cell.text, "true", 4) == 0);
    bool no = (cell.length == 1 && *cell.text == '0') ||
              (cell.length == 5 && memcmp(cell.text, "false", 5) == 0);
    if (!yes && !no)
        return cells_fault(
            b, "bad-boolean",
            "column %s: expected 1, 0, true or false; use type: code for other texts",
            name_of(b, v->column));
    iptfhir_text_add(out, yes ? "true" : "false", yes ? 4 : 5);
    return CELLS_VALUE;
}

/* Appends the value of one column. */
static enum cells_answer put_column(struct build *b, const struct value *v,
                                    struct iptfhir_text *out) {
    struct cell cell = cells_get(b, v->column);
    if (cell.length == 0)
        return CELLS_BLANK;
    switch (v->type) {
    case TYPE_STRING: return put_string(b, v->column, cell, out);
    case TYPE_INTEGER:
    case TYPE_DECIMAL: return put_number(b, v, cell, out);
    case TYPE_BOOLEAN: return put_boolean(b, v, cell, out);
    case TYPE_DATE:
    case TYPE_DATETIME: return put_date(b, v, cell, out);
    case TYPE_CODE: return put_code(b, v, cell, out);
    }
    return CELLS_BLANK;
}

/* Appends a text with columns in it; one blank column makes it blank. */
static enum cells_answer put_template(struct build *b, const struct value *v,
                                      struct iptfhir_text *out) {
    iptfhir_text_putc(out, '"');
    for (size_t i = 0; i < v->count; i++) {
        const struct piece *piece = &v->pieces[i];
        struct cell cell = piece->is_column
                               ? cells_get(b, piece->column)
                               : (struct cell) { (char *)(uintptr_t)piece->text, piece->length };
        if (cell.length == 0)
            return CELLS_BLANK;
        if (!put_text(out, cell.text, cell.length))
            return cells_fault(b, "not-utf8",
                               "column %s: the text is not UTF-8: save the file as UTF-8",
                               piece->is_column ? name_of(b, piece->column) : "");
    }
    iptfhir_text_putc(out, '"');
    return CELLS_VALUE;
}

/* Tells whether a checkbox is checked; false with *wrong set when it is neither. */
static bool is_checked(struct cell cell, bool *wrong) {
    bool yes = (cell.length == 1 && *cell.text == '1') ||
               (cell.length == 7 && memcmp(cell.text, "Checked", 7) == 0);
    bool no = cell.length == 0 || (cell.length == 1 && *cell.text == '0') ||
              (cell.length == 9 && memcmp(cell.text, "Unchecked", 9) == 0);
    *wrong = !yes && !no;
    return yes;
}

/* Appends the list of what is checked. */
static enum cells_answer put_checkboxes(struct build *b, const struct value *v,
                                        struct iptfhir_text *out) {
    size_t count = 0;
    for (size_t i = 0; i < v->count; i++) {
        bool wrong;
        bool checked = is_checked(cells_get(b, v->codes[i].column), &wrong);
        if (wrong)
            return cells_fault(b, "bad-checkbox", "column %s: expected 1 or 0",
                               name_of(b, v->codes[i].column));
        if (!checked)
            continue;
        iptfhir_text_putc(out, count++ ? ',' : '[');
        if (v->as) {
            iptfhir_text_add(out, "{\"", 2);
            iptfhir_text_json_part(out, v->as, strlen(v->as));
            iptfhir_text_add(out, "\":", 2);
        }
        iptfhir_text_add(out, v->codes[i].to.data, v->codes[i].to.length);
        if (v->as)
            iptfhir_text_putc(out, '}');
    }
    if (count == 0)
        return CELLS_BLANK;
    iptfhir_text_putc(out, ']');
    return CELLS_VALUE;
}

/* Appends a date counted in weeks from a declared start. */
static enum cells_answer put_date_from(struct build *b, const struct value *v,
                                       struct iptfhir_text *out) {
    struct cell cell = cells_get(b, v->column);
    struct moment m = { 0 };
    int64_t weeks = 0;
    if (cell.length == 0)
        return CELLS_BLANK;
    for (size_t i = 0; i < cell.length; i++) {
        if (cell.text[i] < '0' || cell.text[i] > '9' || cell.length > 4)
            return cells_fault(b, "bad-number", "column %s: expected the number of a week",
                               name_of(b, v->column));
        weeks = weeks * 10 + (cell.text[i] - '0');
    }
    m.day = v->start_day + 7 * (weeks - v->first_week);
    return put_day(b, v, &m, out);
}

/* Appends a value. */
enum cells_answer cells_value(struct build *b, const struct value *v, struct iptfhir_text *out) {
    size_t before = out->length;
    enum cells_answer answer = CELLS_VALUE;
    switch (v->kind) {
    case VALUE_CONSTANT: iptfhir_text_add(out, v->constant.data, v->constant.length); break;
    case VALUE_FILE_TIME: iptfhir_text_add(out, b->file_time, strlen(b->file_time)); break;
    case VALUE_COLUMN: answer = put_column(b, v, out); break;
    case VALUE_TEMPLATE: answer = put_template(b, v, out); break;
    case VALUE_CHECKBOXES: answer = put_checkboxes(b, v, out); break;
    case VALUE_DATE_FROM: answer = put_date_from(b, v, out); break;
    }
    if (answer != CELLS_VALUE)
        out->length = before;
    return answer;
}
