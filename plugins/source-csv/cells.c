/* SPDX-License-Identifier: Apache-2.0 */
/* Reading cells. What is wrong is told by column and expectation, never with the cell's text. */
#include "cells.h"

#include "dates.h"

#include <iptfhir/date.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum cells_answer cells_fault(struct build *b, const char *code, const char *format, ...) {
    va_list args;
    snprintf(b->code, sizeof b->code, "%s", code);
    va_start(args, format);
    vsnprintf(b->why, sizeof b->why, format, args);
    va_end(args);
    return CELLS_FAULT;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

struct cell cells_get(const struct build *b, size_t column) {
    ptrdiff_t at = b->at[column];
    if (at < 0)
        return (struct cell) { (char *)(uintptr_t) "", 0 };
    struct cell cell = b->rows->cells[at];
    while (cell.length > 0 && is_space(cell.text[cell.length - 1]))
        cell.length--;
    while (cell.length > 0 && is_space(*cell.text)) {
        cell.text++;
        cell.length--;
    }
    if (cell.length > 0 && names_have(&b->columns->blank, cell.text, cell.length))
        cell.length = 0;
    return cell;
}

static const char *name_of(const struct build *b, size_t column) {
    return b->columns->used.of[column];
}

/* ---- texts ---- */

/* Appends a text of a column, which must be UTF-8 without NUL. */
static enum cells_answer put_text(struct build *b, size_t column, struct cell cell,
                                  struct iptfhir_text *out) {
    bool valid = iptfhir_utf8_valid(cell.text, cell.length);
    if (!valid || memchr(cell.text, '\0', cell.length) != NULL)
        return cells_fault(b, "not-utf8",
                           "column %s: the text is not UTF-8: save the file as UTF-8",
                           name_of(b, column));
    iptfhir_text_add(out, cell.text, cell.length);
    return CELLS_VALUE;
}

/* Appends a text with columns in it; one blank column makes it blank. */
static enum cells_answer put_template(struct build *b, const struct value *v,
                                      struct iptfhir_text *out) {
    for (size_t i = 0; i < v->count; i++) {
        const struct piece *piece = &v->pieces[i];
        if (!piece->is_column) {
            iptfhir_text_add(out, piece->text, piece->length);
            continue;
        }
        struct cell cell = cells_get(b, piece->column);
        if (cell.length == 0)
            return CELLS_BLANK;
        if (put_text(b, piece->column, cell, out) == CELLS_FAULT)
            return CELLS_FAULT;
    }
    return CELLS_VALUE;
}

/* ---- numbers ---- */

/* The parts of a number, each from a place to before another. */
struct number {
    bool negative;
    const char *whole;
    const char *whole_end;
    const char *part; /* behind the decimal mark; NULL: there is none */
    const char *end;
};

static const char *skip_digits(const char *p, const char *end) {
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* Takes a cell apart; false when it is no number. `mark`: of decimals; '\0': none are allowed. */
static bool split_number(struct cell cell, char mark, struct number *n) {
    const char *end = cell.text + cell.length;
    n->negative = *cell.text == '-';
    n->whole = cell.text + n->negative;
    n->whole_end = skip_digits(n->whole, end);
    n->part = NULL;
    n->end = n->whole_end;
    if (mark != '\0' && n->end < end && *n->end == mark) {
        n->part = n->end + 1;
        n->end = skip_digits(n->part, end);
    }
    bool has_digits = n->part != NULL ? n->part < n->end : n->whole < n->whole_end;
    return n->end == end && has_digits;
}

static const char *number_wanted(const struct build *b, const struct value *v) {
    if (v->type == TYPE_INTEGER)
        return "a whole number";
    return b->columns->decimal == ',' ? "a number with a decimal comma, without thousands marks"
                                      : "a number with a decimal point, without thousands marks";
}

/* Appends a number as it stands, but for leading zeros and the decimal mark. */
static enum cells_answer put_number(struct build *b, const struct value *v, struct cell cell,
                                    struct iptfhir_text *out) {
    struct number n;
    char mark = v->type == TYPE_DECIMAL ? b->columns->decimal : '\0';
    if (!split_number(cell, mark, &n))
        return cells_fault(b, "bad-number", "column %s: expected %s", name_of(b, v->column),
                           number_wanted(b, v));
    while (n.whole + 1 < n.whole_end && *n.whole == '0')
        n.whole++;
    if (n.negative)
        iptfhir_text_putc(out, '-');
    if (n.whole == n.whole_end)
        iptfhir_text_putc(out, '0');
    iptfhir_text_add(out, n.whole, (size_t)(n.whole_end - n.whole));
    if (n.part == NULL)
        return CELLS_VALUE;
    iptfhir_text_putc(out, '.');
    iptfhir_text_add(out, n.part, (size_t)(n.end - n.part));
    return CELLS_VALUE;
}

/* ---- words ---- */

/* A text that stands for yes or for no. */
struct word {
    const char *text;
    bool yes;
};
static const struct word boolean_words[] = {
    { "1", true }, { "true", true }, { "0", false }, { "false", false }, { NULL, false }
};
static const struct word box_words[] = { { "1", true },  { "Checked", true },    { "", false },
                                         { "0", false }, { "Unchecked", false }, { NULL, false } };

/* The word that a cell is; one with a NULL text when it is none of them. */
static const struct word *find_word(const struct word *words, struct cell cell) {
    const struct word *word = words;
    for (; word->text != NULL; word++) {
        bool as_long = strlen(word->text) == cell.length;
        if (as_long && memcmp(word->text, cell.text, cell.length) == 0)
            break;
    }
    return word;
}

static enum cells_answer put_boolean(struct build *b, const struct value *v, struct cell cell,
                                     struct iptfhir_text *out) {
    const struct word *word = find_word(boolean_words, cell);
    if (word->text == NULL)
        return cells_fault(
            b, "bad-boolean",
            "column %s: expected 1, 0, true or false; use type: code for other texts",
            name_of(b, v->column));
    iptfhir_text_puts(out, word->yes ? "true" : "false");
    return CELLS_VALUE;
}

static enum cells_answer put_code(struct build *b, const struct value *v, struct cell cell,
                                  struct iptfhir_text *out) {
    for (size_t i = 0; i < v->count; i++) {
        const struct code *code = &v->codes[i];
        bool as_long = code->from_length == cell.length;
        if (!as_long || memcmp(code->from, cell.text, cell.length) != 0)
            continue;
        iptfhir_text_printf(out, "%zu", code->meaning);
        return CELLS_VALUE;
    }
    return cells_fault(b, "unknown-code",
                       "column %s: the cell holds none of the codes that the columns file lists: "
                       "add it there or correct the cell",
                       name_of(b, v->column));
}

/* Appends which boxes are checked; none is blank. */
static enum cells_answer put_checkboxes(struct build *b, const struct value *v,
                                        struct iptfhir_text *out) {
    size_t checked = 0;
    for (size_t i = 0; i < v->count; i++) {
        size_t column = v->codes[i].column;
        const struct word *word = find_word(box_words, cells_get(b, column));
        if (word->text == NULL)
            return cells_fault(b, "bad-checkbox", "column %s: expected 1 or 0", name_of(b, column));
        iptfhir_text_putc(out, word->yes ? '1' : '0');
        checked += word->yes;
    }
    return checked > 0 ? CELLS_VALUE : CELLS_BLANK;
}

/* ---- dates ---- */

/* Appends a date, or a time of a day with its offset. */
static enum cells_answer put_day(struct build *b, const struct value *v, const struct moment *m,
                                 struct iptfhir_text *out) {
    char date[11];
    bool wants_time = v->type == TYPE_DATETIME;
    iptfhir_date_format(m->day, date);
    if (!wants_time && m->has_time)
        return cells_fault(b, "bad-date", "column %s: expected a date without a time",
                           name_of(b, v->column));
    if (wants_time && !m->has_time && v->minute < 0)
        return cells_fault(
            b, "bad-date",
            "column %s: expected a date and a time; declare default_time if there is none",
            name_of(b, v->column));
    iptfhir_text_add(out, date, 10);
    if (!wants_time)
        return CELLS_VALUE;
    int minutes = m->has_time ? m->hour * 60 + m->minute : v->minute;
    const char *offset = m->offset[0] != '\0' ? m->offset : b->columns->timezone;
    iptfhir_text_printf(out, "T%02d:%02d:%02d%s", minutes / 60, minutes % 60, m->second, offset);
    return CELLS_VALUE;
}

static enum cells_answer put_date(struct build *b, const struct value *v, struct cell cell,
                                  struct iptfhir_text *out) {
    static const char *const forms[] = {
        [ORDER_NONE] = "YYYY-MM-DD (declare date_order for any other form)",
        [ORDER_YMD] = "year, month, day",
        [ORDER_DMY] = "day, month, year",
        [ORDER_MDY] = "month, day, year",
    };
    struct moment m;
    if (!dates_read(cell.text, cell.length, b->columns->order, &m))
        return cells_fault(b, "bad-date", "column %s: expected a date that exists, as %s",
                           name_of(b, v->column), forms[b->columns->order]);
    return put_day(b, v, &m, out);
}

/* Appends a date counted in weeks from a declared start. */
static enum cells_answer put_date_from(struct build *b, const struct value *v,
                                       struct iptfhir_text *out) {
    struct cell cell = cells_get(b, v->column);
    struct moment m = { 0 };
    int64_t weeks = 0;
    if (cell.length == 0)
        return CELLS_BLANK;
    const char *end = cell.text + cell.length;
    if (cell.length > 4 || skip_digits(cell.text, end) != end)
        return cells_fault(b, "bad-number", "column %s: expected the number of a week",
                           name_of(b, v->column));
    for (const char *p = cell.text; p < end; p++)
        weeks = weeks * 10 + (*p - '0');
    m.day = v->start_day + 7 * (weeks - v->first_week);
    return put_day(b, v, &m, out);
}

/* ---- values ---- */

static enum cells_answer put_string(struct build *b, const struct value *v, struct cell cell,
                                    struct iptfhir_text *out) {
    return put_text(b, v->column, cell, out);
}

static enum cells_answer put_column(struct build *b, const struct value *v,
                                    struct iptfhir_text *out) {
    static enum cells_answer (*const puts[])(struct build *, const struct value *, struct cell,
                                             struct iptfhir_text *) = {
        [TYPE_STRING] = put_string,   [TYPE_INTEGER] = put_number, [TYPE_DECIMAL] = put_number,
        [TYPE_BOOLEAN] = put_boolean, [TYPE_DATE] = put_date,      [TYPE_DATETIME] = put_date,
        [TYPE_CODE] = put_code,
    };
    struct cell cell = cells_get(b, v->column);
    return cell.length > 0 ? puts[v->type](b, v, cell, out) : CELLS_BLANK;
}

/* What needs no column. */
static enum cells_answer put_nothing(struct build *b, const struct value *v,
                                     struct iptfhir_text *out) {
    (void)b, (void)v, (void)out;
    return CELLS_BLANK;
}

enum cells_answer cells_value(struct build *b, const struct value *v, struct iptfhir_text *out) {
    static enum cells_answer (*const puts[])(struct build *, const struct value *,
                                             struct iptfhir_text *) = {
        [VALUE_CONSTANT] = put_nothing,      [VALUE_FILE_TIME] = put_nothing,
        [VALUE_COLUMN] = put_column,         [VALUE_TEMPLATE] = put_template,
        [VALUE_CHECKBOXES] = put_checkboxes, [VALUE_DATE_FROM] = put_date_from,
    };
    size_t before = out->length;
    enum cells_answer answer = puts[v->kind](b, v, out);
    if (answer != CELLS_VALUE)
        out->length = before;
    return answer;
}

/* ---- nodes ---- */

struct iptfhir_node *cells_copy(struct build *b, const struct iptfhir_node *scalar) {
    struct iptfhir_node *copy = b->nodes->copy(b->sink->document, scalar);
    b->nodes->place(copy, 0, 0);
    return copy;
}

static struct iptfhir_node *code_node(struct build *b, const struct value *v, size_t index) {
    return cells_copy(b, v->codes[index].to);
}

/* The list of what is checked: codes, or objects that have them as a member. */
static struct iptfhir_node *checkboxes_node(struct build *b, const struct value *v,
                                            const char *text) {
    struct iptfhir_document *document = b->sink->document;
    struct iptfhir_node *list = b->nodes->array(document);
    bool good = list != NULL;
    for (size_t i = 0; i < v->count && good; i++) {
        if (text[i] != '1')
            continue;
        struct iptfhir_node *element = code_node(b, v, i);
        if (v->as != NULL) {
            struct iptfhir_node *object = b->nodes->object(document);
            good = b->nodes->set(document, object, v->as, element);
            element = object;
        }
        good = b->nodes->append(list, element) && good;
    }
    return good ? list : NULL;
}

static struct iptfhir_node *column_node(struct build *b, const struct value *v, const char *text,
                                        size_t length) {
    struct iptfhir_document *document = b->sink->document;
    switch (v->type) {
    case TYPE_INTEGER:
    case TYPE_DECIMAL: return b->nodes->number_text(document, text);
    case TYPE_BOOLEAN: return b->nodes->truth(document, *text == 't');
    case TYPE_CODE: return code_node(b, v, strtoul(text, NULL, 10));
    case TYPE_STRING:
    case TYPE_DATE:
    case TYPE_DATETIME: break;
    }
    return b->nodes->string(document, text, length);
}

struct iptfhir_node *cells_node(struct build *b, const struct value *v, const char *text,
                                size_t length) {
    if (v->kind == VALUE_CHECKBOXES)
        return checkboxes_node(b, v, text);
    if (v->kind == VALUE_COLUMN)
        return column_node(b, v, text, length);
    return b->nodes->string(b->sink->document, text, length);
}
