/* SPDX-License-Identifier: Apache-2.0 */
/* Reading input files whole: configuration, mappings, schema, instruments, records, samples. */
#ifndef CORE_BASE_FILE_H
#define CORE_BASE_FILE_H

#include "core/base/str.h"

#include <iptfhir/files.h>

/* Appends a regular file of at most `max` bytes to `out`. False with `why` (as from
 * iptfhir_file_open(); may be NULL) and errno: EFBIG when it is larger, ENOMEM when memory is out.
 */
bool file_read(struct str *out, const char *path, size_t max, char why[IPTFHIR_FILE_WHY]);
/* Appends what standard input gives until its end, whatever it is, and waits for it: for the
 * commands whose FILE may be `-`. */
bool file_read_stdin(struct str *out, size_t max, char why[IPTFHIR_FILE_WHY]);
#endif
