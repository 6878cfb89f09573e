/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs between their text, in lower case with hyphens, and their bytes. */
#ifndef CORE_BASE_UUID_H
#define CORE_BASE_UUID_H

#include <stdbool.h>

enum { UUID_BYTES = 16, UUID_TEXT = 36 /* characters, without NUL */ };

/* Reads a UUID; all 36 bytes of `text` must be readable. False for any other text; then `out` is
 * undefined. */
bool uuid_read(const char *text, unsigned char out[UUID_BYTES]);
/* Writes the 36 characters, without NUL. */
void uuid_write(const unsigned char uuid[UUID_BYTES], char *out);
#endif
