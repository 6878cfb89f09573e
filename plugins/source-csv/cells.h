/* SPDX-License-Identifier: Apache-2.0 */
/* Cells to values and values to nodes, as the columns file says. */
#ifndef SOURCE_CSV_CELLS_H
#define SOURCE_CSV_CELLS_H

#include "build.h"

enum cells_answer { CELLS_BLANK, CELLS_VALUE, CELLS_FAULT };

/* A cell without the spaces around it; length 0 when it is blank or the file has no such column. */
struct cell cells_get(const struct build *b, size_t column);
/* Appends what the current row gives for a value that comes from columns, in a form that is equal
 * for equal values: texts, numbers, "true" and "false" as they go into the record; for a code the
 * decimal index of the first code that means the same; for checkboxes a 1 or 0 for each. BLANK
 * appends nothing; FAULT: b->code and b->why say what is wrong. */
enum cells_answer cells_value(struct build *b, const struct value *v, struct iptfhir_text *out);
/* Makes the node of what cells_value() appended (NUL-terminated) in the sink's document; NULL when
 * there is no room. */
struct iptfhir_node *cells_node(struct build *b, const struct value *v, const char *text,
                                size_t length);
/* Copies a scalar of the columns file into the sink's document: it has no place in the table. */
struct iptfhir_node *cells_copy(struct build *b, const struct iptfhir_node *scalar);
/* Says what is wrong with the row. */
enum cells_answer cells_fault(struct build *b, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#endif
