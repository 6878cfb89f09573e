/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of rows and pages. It finds damage; it keeps no secret and stops no attacker. */
#ifndef CORE_STORE_CHECKSUM_H
#define CORE_STORE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* A checksum of `length` bytes that depends on `seed` (where they stand). */
uint64_t store_checksum(uint64_t seed, const void *data, size_t length);
#endif
