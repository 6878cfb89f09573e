/* SPDX-License-Identifier: Apache-2.0 */
/* Search values in a growing text: FHIR tokens, percent-encoded. */
#ifndef TARGET_FHIR_TEXT_H
#define TARGET_FHIR_TEXT_H

#include <iptfhir/text.h>

/* Ends a string inside the text, so that another can follow. */
void text_end(struct iptfhir_text *t);
/* A FHIR token "system|value" as a search value: FHIR's own escapes (\ , $ |), then
 * percent-encoding. `strict` encodes everything but unreserved characters (query, form); otherwise
 * what a header line can carry stays readable. What comes out needs no JSON escape. */
void text_token(struct iptfhir_text *t, const char *system, const char *value, bool strict);
#endif
