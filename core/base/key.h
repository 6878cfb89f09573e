/* SPDX-License-Identifier: Apache-2.0 */
/* The installation's key: 32 random bytes in a file outside the store, from which the keys of
 * identities, bodies, hashes and names in logs are derived; and identities made under it. */
#ifndef CORE_BASE_KEY_H
#define CORE_BASE_KEY_H

#include "core/base/error.h"

#include <stdbool.h>

enum { KEY_BYTES = 32 };
/* Reads the key of a file: exactly 32 bytes, the caller's own, readable by nobody else. make: where
 * there is no file, one is made with mode 0600, durably. Error codes "key-missing", "key-file". */
bool key_load(const char *path, bool make, unsigned char key[KEY_BYTES],
              struct iptfhir_error *error);
/* Derives the key of one purpose ("bodies", "identity"): HMAC-SHA-256 of its name under the key. */
bool key_derive(const unsigned char key[KEY_BYTES], const char *purpose,
                unsigned char out[KEY_BYTES]);

/* The UUID of something of a patient of this clinic: crypt_identity() of the type and of the
 * patient's local id with the name. False when that is longer than 2000 bytes. */
bool identity_of(const unsigned char key[KEY_BYTES], const char *local_id, const char *type,
                 const char *name, char out[37]);
/* While this thread maps a record, what mappings and plugins ask for is made for its patient: `key`
 * and `local_id` are borrowed until identity_leave(). */
void identity_enter(const unsigned char *key, const char *local_id);
void identity_leave(void);
/* As identity_of() for the record that this thread maps; outside of one, crypt_uuid5() of `base`.
 */
bool identity_make(const char *base, const char *type, const char *name, char out[37]);
#endif
