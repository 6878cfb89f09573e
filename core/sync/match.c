/* SPDX-License-Identifier: Apache-2.0 */
/* The patient match: names as they are compared, and the rules. */
#include "core/sync/match.h"

#include <string.h>

enum { NAME = 256 };

/* Letters with marks, as ranges of code points (Latin-1, Latin Extended-A and Additional, a few
 * more), and what they are without; marks and punctuation are nothing. */
static const struct fold {
    unsigned low, high;
    const char *plain;
} folds[] = {
    { 0xc0, 0xc5, "a" },     { 0xc6, 0xc6, "ae" },    { 0xc7, 0xc7, "c" },
    { 0xc8, 0xcb, "e" },     { 0xcc, 0xcf, "i" },     { 0xd0, 0xd0, "d" },
    { 0xd1, 0xd1, "n" },     { 0xd2, 0xd6, "o" },     { 0xd8, 0xd8, "o" },
    { 0xd9, 0xdc, "u" },     { 0xdd, 0xdd, "y" },     { 0xde, 0xde, "th" },
    { 0xdf, 0xdf, "ss" },    { 0xe0, 0xe5, "a" },     { 0xe6, 0xe6, "ae" },
    { 0xe7, 0xe7, "c" },     { 0xe8, 0xeb, "e" },     { 0xec, 0xef, "i" },
    { 0xf0, 0xf0, "d" },     { 0xf1, 0xf1, "n" },     { 0xf2, 0xf6, "o" },
    { 0xf8, 0xf8, "o" },     { 0xf9, 0xfc, "u" },     { 0xfd, 0xfd, "y" },
    { 0xfe, 0xfe, "th" },    { 0xff, 0xff, "y" },     { 0x100, 0x105, "a" },
    { 0x106, 0x10d, "c" },   { 0x10e, 0x111, "d" },   { 0x112, 0x11b, "e" },
    { 0x11c, 0x123, "g" },   { 0x124, 0x127, "h" },   { 0x128, 0x131, "i" },
    { 0x132, 0x133, "ij" },  { 0x134, 0x135, "j" },   { 0x136, 0x138, "k" },
    { 0x139, 0x142, "l" },   { 0x143, 0x14b, "n" },   { 0x14c, 0x151, "o" },
    { 0x152, 0x153, "oe" },  { 0x154, 0x159, "r" },   { 0x15a, 0x161, "s" },
    { 0x162, 0x167, "t" },   { 0x168, 0x173, "u" },   { 0x174, 0x175, "w" },
    { 0x176, 0x178, "y" },   { 0x179, 0x17e, "z" },   { 0x17f, 0x17f, "s" },
    { 0x218, 0x219, "s" },   { 0x21a, 0x21b, "t" },   { 0x300, 0x36f, "" },
    { 0x2010, 0x2019, "" },  { 0xa0, 0xa0, "" },      { 0x1e00, 0x1e01, "a" },
    { 0x1e02, 0x1e07, "b" }, { 0x1e08, 0x1e09, "c" }, { 0x1e0a, 0x1e13, "d" },
    { 0x1e14, 0x1e1d, "e" }, { 0x1e1e, 0x1e1f, "f" }, { 0x1e20, 0x1e21, "g" },
    { 0x1e22, 0x1e2b, "h" }, { 0x1e2c, 0x1e2f, "i" }, { 0x1e30, 0x1e35, "k" },
    { 0x1e36, 0x1e3d, "l" }, { 0x1e3e, 0x1e43, "m" }, { 0x1e44, 0x1e4b, "n" },
    { 0x1e4c, 0x1e53, "o" }, { 0x1e54, 0x1e57, "p" }, { 0x1e58, 0x1e5f, "r" },
    { 0x1e60, 0x1e69, "s" }, { 0x1e6a, 0x1e71, "t" }, { 0x1e72, 0x1e7b, "u" },
    { 0x1e7c, 0x1e7f, "v" }, { 0x1e80, 0x1e89, "w" }, { 0x1e8a, 0x1e8d, "x" },
    { 0x1e8e, 0x1e8f, "y" }, { 0x1e90, 0x1e95, "z" }, { 0x1e96, 0x1e96, "h" },
    { 0x1e97, 0x1e97, "t" }, { 0x1e98, 0x1e98, "w" }, { 0x1e99, 0x1e99, "y" },
    { 0x1e9a, 0x1e9a, "a" }, { 0x1e9b, 0x1e9b, "s" }, { 0x1e9e, 0x1e9e, "ss" },
    { 0x1ea0, 0x1eb7, "a" }, { 0x1eb8, 0x1ec7, "e" }, { 0x1ec8, 0x1ecb, "i" },
    { 0x1ecc, 0x1ee3, "o" }, { 0x1ee4, 0x1ef1, "u" }, { 0x1ef2, 0x1ef9, "y" },
    { 0x1a0, 0x1a1, "o" },   { 0x1af, 0x1b0, "u" },   { 0x2b0, 0x2ff, "" },
};

/* Greek and Cyrillic letters with marks, and the small letters that they are without. */
static const struct {
    unsigned point, plain;
} letters[] = {
    { 0x386, 0x3b1 }, { 0x388, 0x3b5 }, { 0x389, 0x3b7 }, { 0x38a, 0x3b9 }, { 0x38c, 0x3bf },
    { 0x38e, 0x3c5 }, { 0x38f, 0x3c9 }, { 0x390, 0x3b9 }, { 0x3aa, 0x3b9 }, { 0x3ab, 0x3c5 },
    { 0x3ac, 0x3b1 }, { 0x3ad, 0x3b5 }, { 0x3ae, 0x3b7 }, { 0x3af, 0x3b9 }, { 0x3b0, 0x3c5 },
    { 0x3c2, 0x3c3 }, { 0x3ca, 0x3b9 }, { 0x3cb, 0x3c5 }, { 0x3cc, 0x3bf }, { 0x3cd, 0x3c5 },
    { 0x3ce, 0x3c9 }, { 0x401, 0x435 }, { 0x407, 0x456 }, { 0x419, 0x438 }, { 0x439, 0x438 },
    { 0x451, 0x435 }, { 0x457, 0x456 },
};

/* The small letter without marks of a Greek or Cyrillic one; any other point is itself. */
static unsigned small_letter(unsigned point) {
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (letters[i].point == point)
            return letters[i].plain;
    }
    bool greek = point >= 0x391 && point <= 0x3a9;
    bool cyrillic = point >= 0x410 && point <= 0x42f;
    if (greek || cyrillic)
        return point + 0x20;
    return point >= 0x400 && point <= 0x40f ? point + 0x50 : point;
}

/* Reads one code point of UTF-8; a byte that begins none counts as itself. */
static unsigned read_point(const char **text) {
    const unsigned char *s = (const unsigned char *)*text;
    if ((s[0] & 0xe0) == 0xc0 && (s[1] & 0xc0) == 0x80) {
        *text += 2;
        return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    }
    bool three = (s[0] & 0xf0) == 0xe0 && (s[1] & 0xc0) == 0x80;
    if (three && (s[2] & 0xc0) == 0x80) {
        *text += 3;
        return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    }
    *text += 1;
    return s[0];
}

/* The plain form of a code point; NULL: it stays as it is. */
static const char *fold_of(unsigned point) {
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
        if (point >= folds[i].low && point <= folds[i].high)
            return folds[i].plain;
    }
    return NULL;
}

/* The plain form of an ASCII character; '\0': it doesn't count in a name. */
static char fold_ascii(char c) {
    if (c >= 'A' && c <= 'Z')
        return (char)(c + 'a' - 'A');
    bool letter = c >= 'a' && c <= 'z';
    bool digit = c >= '0' && c <= '9';
    return letter || digit ? c : '\0';
}

bool match_fold(const char *name, char *out, size_t size) {
    size_t n = 0;
    while (*name != '\0') {
        const char *from = name;
        unsigned point = read_point(&name);
        char ascii[2] = { 0 };
        const char *plain = fold_of(point);
        size_t length = plain != NULL ? strlen(plain) : (size_t)(name - from);
        if (point < 0x80) {
            ascii[0] = fold_ascii((char)point);
            plain = ascii;
            length = strlen(ascii);
        }
        char other[2];
        unsigned small = small_letter(point);
        if (plain == NULL && small != point) { /* both are of two bytes */
            other[0] = (char)(0xc0 | small >> 6);
            other[1] = (char)(0x80 | (small & 0x3f));
            plain = other;
        }
        if (n + length + 1 > size)
            return false;
        memcpy(out + n, plain != NULL ? plain : from, length);
        n += length;
    }
    out[n] = '\0';
    return true;
}

/* Whether a name is one of a list's. */
static bool among(const char *name, const char *const *list) {
    char ours[NAME], theirs[NAME];
    if (!match_fold(name, ours, sizeof ours) || ours[0] == '\0')
        return false;
    for (size_t i = 0; list[i] != NULL; i++) {
        if (match_fold(list[i], theirs, sizeof theirs) && strcmp(ours, theirs) == 0)
            return true;
    }
    return false;
}

/* Whether one of the record's identifiers is in a list. */
static bool shares_identifier(const struct tree *identity, const struct iptfhir_identifier *list,
                              size_t count) {
    const struct tree *ours = tree_get(identity, "identifiers");
    if (ours == NULL || ours->kind != TREE_ARRAY)
        return false;
    for (const struct tree *o = ours->first; o != NULL; o = o->next) {
        const char *system = tree_text(o, "system"), *value = tree_text(o, "value");
        for (size_t i = 0; system != NULL && value != NULL && i < count; i++) {
            bool same_system = strcmp(list[i].system, system) == 0;
            if (same_system && value[0] != '\0' && strcmp(list[i].value, value) == 0)
                return true;
        }
    }
    return false;
}

/* The first given name of the record; NULL: none. */
static const char *given_name(const struct tree *identity) {
    const struct tree *given = tree_get(identity, "given");
    const struct tree *first = given != NULL && given->kind == TREE_ARRAY ? given->first : NULL;
    return first != NULL && first->kind == TREE_STRING ? first->text : NULL;
}

static const struct match_refusal not_found = {
    "patient-not-found",
    "no patient at the target has an identifier of this record: register the patient there or "
    "correct the identifier"
};
static const struct match_refusal ambiguous = {
    "patient-ambiguous",
    "several patients at the target have the identifiers of this record: merge or correct them "
    "there"
};
static const struct match_refusal merged = {
    "patient-merged",
    "the patient with this identifier is inactive at the target or was merged into another: "
    "correct the identifier here"
};
static const struct match_refusal former = {
    "patient-former", "this identifier is no longer in use at the target: correct it here"
};
static const struct match_refusal no_birth_date = {
    "patient-birthdate",
    "the record or the target has no whole birth date or no family name to check the match with: "
    "add it"
};
static const struct match_refusal other_birth_date = {
    "patient-mismatch",
    "the identifier is found, but the birth date there is another: compare both sides"
};
static const struct match_refusal other_family = {
    "patient-mismatch",
    "the identifier is found, but the family name there is another: compare both sides"
};
static const struct match_refusal other_given = {
    "patient-mismatch",
    "the identifier is found, but the given name there is another: compare both sides"
};
static const struct match_refusal other_sex = {
    "patient-mismatch", "the identifier is found, but the sex there is another: compare both sides"
};

/* Whether a date is one of a day: less can't tell one patient from another. */
static bool is_day(const char *date) {
    return date != NULL && strlen(date) == strlen("YYYY-MM-DD");
}

/* Why a candidate with our identifier is not our patient; NULL: it is. */
static const struct match_refusal *mismatch(const struct tree *identity,
                                            const struct match_candidate *c) {
    const char *born = tree_text(identity, "birthDate"), *family = tree_text(identity, "family");
    const char *given = given_name(identity), *sex = tree_text(identity, "sex");
    if (!c->active || c->replaced_by != NULL)
        return &merged;
    if (!is_day(born) || !is_day(c->birth_date))
        return &no_birth_date;
    if (family == NULL || c->families[0] == NULL)
        return &no_birth_date;
    if (strcmp(born, c->birth_date) != 0)
        return &other_birth_date;
    if (!among(family, c->families))
        return &other_family;
    if (given != NULL && c->givens[0] != NULL && !among(given, c->givens))
        return &other_given;
    bool both_sexes = sex != NULL && c->sex != NULL;
    bool known = both_sexes && strcmp(sex, "unknown") != 0 && strcmp(c->sex, "unknown") != 0;
    if (known && strcmp(sex, c->sex) != 0)
        return &other_sex;
    return NULL;
}

const struct match_candidate *match_patient(const struct tree *identity,
                                            const struct match_candidate *candidates, size_t count,
                                            struct match_refusal *why) {
    const struct match_candidate *only = NULL;
    *why = not_found;
    if (identity == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const struct match_candidate *c = &candidates[i];
        if (!shares_identifier(identity, c->identifiers, c->identifier_count)) {
            if (only == NULL && shares_identifier(identity, c->former, c->former_count))
                *why = former;
            continue;
        }
        if (only != NULL && strcmp(only->server_id, c->server_id) != 0) {
            *why = ambiguous;
            return NULL;
        }
        only = c;
    }
    if (only == NULL)
        return NULL;
    const struct match_refusal *refusal = mismatch(identity, only);
    if (refusal == NULL)
        return only;
    *why = *refusal;
    return NULL;
}

/* ---- keeping evidence ---- */

/* Copies a text; NULL stays NULL. */
static const char *keep(struct arena *a, const char *text, bool *ok) {
    const char *copy = text != NULL ? arena_strndup(a, text, strlen(text)) : NULL;
    *ok = *ok && (copy != NULL || text == NULL);
    return copy;
}

static const struct iptfhir_identifier *
keep_identifiers(struct arena *a, const struct iptfhir_identifier *list, size_t count, bool *ok) {
    struct iptfhir_identifier *copy = arena_zalloc(a, (count + 1) * sizeof *copy);
    *ok = *ok && copy != NULL;
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i].system = keep(a, list[i].system != NULL ? list[i].system : "", ok);
        copy[i].value = keep(a, list[i].value != NULL ? list[i].value : "", ok);
    }
    return copy;
}

static const char *const *keep_names(struct arena *a, const char *const *list, bool *ok) {
    size_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    const char **copy = arena_zalloc(a, (count + 1) * sizeof *copy);
    *ok = *ok && copy != NULL;
    for (size_t i = 0; copy != NULL && i < count; i++)
        copy[i] = keep(a, list[i], ok);
    return copy;
}

struct match_candidate *match_keep(struct arena *a, const struct iptfhir_candidate *from) {
    bool ok = true;
    struct match_candidate *c = arena_zalloc(a, sizeof *c);
    if (c == NULL || from->server_id == NULL)
        return NULL;
    c->server_id = keep(a, from->server_id, &ok);
    c->active = from->active;
    c->replaced_by = keep(a, from->replaced_by, &ok);
    c->identifiers = keep_identifiers(a, from->identifiers, from->identifier_count, &ok);
    c->identifier_count = from->identifier_count;
    c->former = keep_identifiers(a, from->former, from->former_count, &ok);
    c->former_count = from->former_count;
    c->families = keep_names(a, from->families, &ok);
    c->givens = keep_names(a, from->givens, &ok);
    c->birth_date = keep(a, from->birth_date, &ok);
    c->sex = keep(a, from->sex, &ok);
    return ok ? c : NULL;
}
