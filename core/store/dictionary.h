/* SPDX-License-Identifier: Apache-2.0 */
/* The dictionary that bodies are compressed with: core/store/store.dict, compiled in. It is trained
 * on our own resources by tools/store-dictionary.sh; a store keeps its id and sum. */
#ifndef CORE_STORE_DICTIONARY_H
#define CORE_STORE_DICTIONARY_H

#include <stddef.h>

extern const unsigned char store_dictionary[];
extern const size_t store_dictionary_length;
#endif
