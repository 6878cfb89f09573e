/* SPDX-License-Identifier: Apache-2.0 */
/* One input of the fuzzing of answers: an order, a status, headers and a body. */
#ifndef TESTS_FUZZ_ANSWERS_H
#define TESTS_FUZZ_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

/* Carries out the order that an input names, answers every request with what it says, and aborts
 * when the evidence breaks a promise. An input is a line of text and a body:
 *   task      l m f r w   learn, match, find, read, write
 *   together  s b t       singly, batch, transaction
 *   statement - b o       what was learnt before: nothing, batches, Oracle's searches
 *   status    3 digits
 *   headers   the rest of the line: ETag, Location, Retry-After and Date at once */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#endif
