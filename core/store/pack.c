/* SPDX-License-Identifier: Apache-2.0 */
/* Texts within rows. A text begins with a number: its kind in the lowest two bits, and above them
 * the length of a plain text, or whether a UUID is the row's own. */
#include "core/store/pack.h"

#include "core/base/uuid.h"

enum text_kind { PLAIN, UUID, URN_UUID, DECIMAL };
enum { MOST_DIGITS = 18, KIND_BITS = 2, KIND_MASK = 3, OWN = 1 };
static const char urn[] = "urn:uuid:";
enum { URN_LENGTH = sizeof urn - 1 };

/* Reads the text of a UUID in lower case; false when it is anything else. */
static bool read_uuid(const char *text, size_t length, unsigned char out[PACK_UUID]) {
    return length == UUID_TEXT && uuid_read(text, out);
}

/* Reads a number without leading zeros. */
static bool read_decimal(const char *text, size_t length, uint64_t *out) {
    if (length == 0 || length > MOST_DIGITS || (text[0] == '0' && length > 1))
        return false;
    *out = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(text[i] - '0');
    }
    return true;
}

/* Writes a UUID as the text of a kind. */
static void pack_uuid(struct packer *p, enum text_kind kind, const unsigned char uuid[PACK_UUID],
                      const unsigned char *own) {
    bool is_own = own != NULL && memcmp(uuid, own, PACK_UUID) == 0;
    pack_number(p, (is_own ? OWN << KIND_BITS : 0) | kind);
    if (!is_own)
        pack_bytes(p, uuid, PACK_UUID);
}

void pack_text(struct packer *p, const char *text, const unsigned char own[PACK_UUID]) {
    unsigned char uuid[PACK_UUID];
    uint64_t number;
    size_t length = text != NULL ? strlen(text) : 0;
    if (read_uuid(text, length, uuid)) {
        pack_uuid(p, UUID, uuid, own);
    } else if (length == URN_LENGTH + UUID_TEXT && memcmp(text, urn, URN_LENGTH) == 0 &&
               read_uuid(text + URN_LENGTH, UUID_TEXT, uuid)) {
        pack_uuid(p, URN_UUID, uuid, own);
    } else if (read_decimal(text, length, &number)) {
        pack_number(p, DECIMAL);
        pack_number(p, number);
    } else {
        pack_number(p, (uint64_t)length << KIND_BITS | PLAIN);
        pack_bytes(p, text, length);
    }
}

/* Notes that what is read is no row, and returns nothing. */
static uint64_t fail(struct unpacker *u) {
    u->failed = true;
    u->at = u->end;
    return 0;
}

uint64_t unpack_number(struct unpacker *u) {
    uint64_t number = 0;
    for (int shift = 0; shift < 64 && u->at < u->end; shift += 7) {
        unsigned char byte = *u->at++;
        number |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return number;
    }
    return fail(u);
}

int64_t unpack_signed(struct unpacker *u) {
    uint64_t bits = unpack_number(u);
    uint64_t value = bits >> 1;
    return (int64_t)((bits & 1) != 0 ? ~value : value);
}

const unsigned char *unpack_view(struct unpacker *u, size_t length) {
    const unsigned char *view = u->at;
    if (length > (size_t)(u->end - u->at)) {
        fail(u);
        return NULL;
    }
    u->at += length;
    return view;
}

void unpack_bytes(struct unpacker *u, void *out, size_t length) {
    const unsigned char *view = unpack_view(u, length);
    if (view != NULL)
        memcpy(out, view, length);
    else
        memset(out, 0, length);
}

/* Reads a UUID and gives its text after a prefix. */
static const char *unpack_uuid(struct unpacker *u, struct arena *a, bool is_own,
                               const unsigned char *own, size_t prefix) {
    unsigned char uuid[PACK_UUID] = { 0 };
    if (!is_own)
        unpack_bytes(u, uuid, PACK_UUID);
    else if (own != NULL)
        memcpy(uuid, own, PACK_UUID);
    else
        fail(u);
    char *text = arena_alloc(a, prefix + UUID_TEXT + 1);
    if (text == NULL)
        return NULL;
    memcpy(text, urn, prefix);
    uuid_write(uuid, text + prefix);
    text[prefix + UUID_TEXT] = '\0';
    return text;
}

/* Reads a plain text. */
static const char *unpack_plain(struct unpacker *u, struct arena *a, uint64_t length) {
    if (length == 0)
        return "";
    const unsigned char *view = length <= SIZE_MAX / 4 ? unpack_view(u, (size_t)length) : NULL;
    if (view == NULL) {
        fail(u);
        return "";
    }
    return arena_strndup(a, (const char *)view, (size_t)length);
}

const char *unpack_text(struct unpacker *u, struct arena *a, const unsigned char own[PACK_UUID]) {
    uint64_t head = unpack_number(u);
    uint64_t rest = head >> KIND_BITS;
    switch ((enum text_kind)(head & KIND_MASK)) {
    case UUID: return unpack_uuid(u, a, rest == OWN, own, 0);
    case URN_UUID: return unpack_uuid(u, a, rest == OWN, own, URN_LENGTH);
    case DECIMAL: return arena_printf(a, "%llu", (unsigned long long)unpack_number(u));
    case PLAIN: break;
    }
    return unpack_plain(u, a, rest);
}
