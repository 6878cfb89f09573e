/* SPDX-License-Identifier: Apache-2.0 */
/* Cells to JSON values, as the columns file says. */
#ifndef SOURCE_CSV_CELLS_H
#define SOURCE_CSV_CELLS_H

#include "build.h"

enum cells_answer { CELLS_BLANK, CELLS_VALUE, CELLS_FAULT };

/* A cell without the spaces around it; length 0 when it is blank or the file has no such column. */
struct cell cells_get(const struct build *b, size_t column);
/* Appends the JSON text of a value for the current row; CELLS_FAULT: b->code and b->why say what is
 * wrong. */
enum cells_answer cells_value(struct build *b, const struct value *v, struct iptfhir_text *out);
/* Says what is wrong with the row. */
enum cells_answer cells_fault(struct build *b, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#endif
