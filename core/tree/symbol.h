/* SPDX-License-Identifier: Apache-2.0 */
/* Names known at load time (FHIR elements, record fields, template names) as small numbers, so that
 * member look-up compares integers. Input never adds names: the table doesn't grow with what is
 * read. */
#ifndef CORE_TREE_SYMBOL_H
#define CORE_TREE_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

/* The number of a name, added if new; 0 when memory is out. Thread-safe (a lock while adding). */
uint32_t symbol_intern(const char *name, size_t length);
/* The number of a known name, 0 when unknown. Thread-safe, lock-free. */
uint32_t symbol_find(const char *name, size_t length);
/* The name behind a number; lives until exit. */
const char *symbol_name(uint32_t symbol);
/* Its length in bytes. */
size_t symbol_length(uint32_t symbol);
#endif
