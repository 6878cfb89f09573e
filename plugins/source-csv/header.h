/* SPDX-License-Identifier: Apache-2.0 */
/* The first row of a file: every column of it must be accounted for. */
#ifndef SOURCE_CSV_HEADER_H
#define SOURCE_CSV_HEADER_H

#include "columns.h"
#include "rows.h"

/* Fills at[] (one entry for each used column) with the places in a row, -1 for a column that may be
 * missing and is. False, and every fault as far as it fits in `why`: a column that is neither used
 * nor listed, one that stands twice, one that is missing. Texts of the row are quoted only when it
 * has at least half of the used columns, so that the values of a file without header don't show. */
bool header_read(const struct columns *c, const struct rows *row, ptrdiff_t *at, char *why,
                 size_t size);
#endif
