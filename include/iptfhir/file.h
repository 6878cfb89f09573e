/* SPDX-License-Identifier: Apache-2.0 */
/* Opening input files: regular files only, so that no input makes the service wait. Core and
 * plugins open every file of an input through this; what is linked has no state. */
#ifndef IPTFHIR_FILE_H
#define IPTFHIR_FILE_H

#include <iptfhir/text.h>
#include <stdint.h>
#include <sys/stat.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a refusal's text, its NUL included. */
#define IPTFHIR_FILE_WHY 200

/* Opens `path` for reading when it is a regular file (or a link to one) of at most `max_bytes`
 * bytes; nothing else is waited for or read. Returns a descriptor, which the caller closes, and
 * fills `state`. Otherwise -1, with `why` saying what stands there, what was expected and what to
 * do (no name of the file), and errno: EISDIR for a folder, ENXIO for a FIFO, socket or device,
 * EFBIG when it is too large, or what open(2) said. `state` and `why` may be NULL. Thread-safe. */
IPTFHIR_API int iptfhir_file_open(const char *path, uint64_t max_bytes, struct stat *state,
                                  char why[IPTFHIR_FILE_WHY]);

#ifdef __cplusplus
}
#endif
#endif
