/* SPDX-License-Identifier: Apache-2.0 */
/* The patient match: names as they are compared, and the rules. */
#include "core/sync/match.h"

#include <string.h>

enum {
    NAME = 256, /* bytes of a name, NUL included */
    POINT = 4   /* bytes of a code point, as read or as compared, at most */
};

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

/* Capitals of these scripts, and how far behind them their small letters stand. */
static const struct {
    unsigned low, high, distance;
} capitals[] = {
    { 0x391, 0x3a9, 0x20 }, /* Greek */
    { 0x400, 0x40f, 0x50 }, /* Cyrillic beside Russian */
    { 0x410, 0x42f, 0x20 }, /* Russian */
};

static bool is_within(unsigned point, unsigned low, unsigned high) {
    return low <= point && point <= high;
}

/* The small letter without marks of a Greek or Cyrillic one; any other point is itself. */
static unsigned small_letter(unsigned point) {
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (letters[i].point == point)
            return letters[i].plain;
    }
    for (size_t i = 0; i < sizeof capitals / sizeof *capitals; i++) {
        if (is_within(point, capitals[i].low, capitals[i].high))
            return point + capitals[i].distance;
    }
    return point;
}

/* The bytes of UTF-8 that begin a code point of two or of three, and the one that goes on. */
static bool begins_two(unsigned char byte) {
    return (byte & 0xe0) == 0xc0;
}

static bool begins_three(unsigned char byte) {
    return (byte & 0xf0) == 0xe0;
}

static bool goes_on(unsigned char byte) {
    return (byte & 0xc0) == 0x80;
}

/* Reads one code point of UTF-8; a byte that begins none counts as itself. */
static unsigned read_point(const char **text) {
    const unsigned char *s = (const unsigned char *)*text;
    *text += 1;
    if (!goes_on(s[1]))
        return s[0];
    if (begins_two(s[0])) {
        *text += 1;
        return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    }
    if (begins_three(s[0]) && goes_on(s[2])) {
        *text += 2;
        unsigned high = (s[0] & 0x0fu) << 12;
        unsigned middle = (s[1] & 0x3fu) << 6;
        return high | middle | (s[2] & 0x3fu);
    }
    return s[0];
}

/* The plain form of a code point; NULL: it stays as it is. */
static const char *fold_of(unsigned point) {
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
        if (is_within(point, folds[i].low, folds[i].high))
            return folds[i].plain;
    }
    return NULL;
}

/* Writes an ASCII character as it is compared; punctuation and blanks are nothing. */
static size_t write_ascii(unsigned point, char *out) {
    bool capital = is_within(point, 'A', 'Z');
    bool small = is_within(point, 'a', 'z');
    bool digit = is_within(point, '0', '9');
    if (!capital && !small && !digit)
        return 0;
    *out = (char)(capital ? point + 'a' - 'A' : point);
    return 1;
}

/* Writes a code point as it is compared, and gives the bytes; one that has no plain form stays as
 * it was read. */
static size_t write_point(unsigned point, const char *read, size_t length, char out[POINT]) {
    if (point < 0x80)
        return write_ascii(point, out);
    const char *plain = fold_of(point);
    if (plain != NULL) {
        size_t plain_length = strlen(plain);
        memcpy(out, plain, plain_length);
        return plain_length;
    }
    unsigned small = small_letter(point);
    if (small == point) {
        memcpy(out, read, length);
        return length;
    }
    out[0] = (char)(0xc0 | small >> 6); /* the letters of the tables are all of two bytes */
    out[1] = (char)(0x80 | (small & 0x3f));
    return 2;
}

bool match_fold(const char *name, char *out, size_t size) {
    size_t n = 0;
    while (*name != '\0') {
        const char *from = name;
        unsigned point = read_point(&name);
        char plain[POINT];
        size_t length = write_point(point, from, (size_t)(name - from), plain);
        if (n + length + 1 > size)
            return false;
        memcpy(out + n, plain, length);
        n += length;
    }
    out[n] = '\0';
    return true;
}

/* Whether a name is this one, which is folded already. */
static bool is_name(const char *name, const char *folded) {
    char other[NAME];
    if (!match_fold(name, other, sizeof other))
        return false;
    return strcmp(other, folded) == 0;
}

/* Whether a name is one of a list's; a name of which nothing is compared is nobody's. */
static bool among(const char *name, const char *const *list) {
    char folded[NAME];
    if (!match_fold(name, folded, sizeof folded))
        return false;
    if (folded[0] == '\0')
        return false;
    for (size_t i = 0; list[i] != NULL; i++) {
        if (is_name(list[i], folded))
            return true;
    }
    return false;
}

/* Whether a list has an identifier of the record; one without a value identifies nobody. */
static bool lists(const struct iptfhir_identifier *list, size_t count,
                  const struct tree *identifier) {
    const char *system = tree_text(identifier, "system");
    const char *value = tree_text(identifier, "value");
    if (system == NULL || value == NULL)
        return false;
    if (value[0] == '\0')
        return false;
    for (size_t i = 0; i < count; i++) {
        bool same_system = strcmp(list[i].system, system) == 0;
        bool same_value = strcmp(list[i].value, value) == 0;
        if (same_system && same_value)
            return true;
    }
    return false;
}

/* Whether one of the record's identifiers is in a list. */
static bool shares_identifier(const struct tree *identity, const struct iptfhir_identifier *list,
                              size_t count) {
    const struct tree *own = tree_at(tree_get(identity, "identifiers"), 0);
    for (; own != NULL; own = own->next) {
        if (lists(list, count, own))
            return true;
    }
    return false;
}

static bool has_now(const struct match_candidate *c, const struct tree *identity) {
    return shares_identifier(identity, c->identifiers, c->identifier_count);
}

static bool had_once(const struct match_candidate *c, const struct tree *identity) {
    return shares_identifier(identity, c->former, c->former_count);
}

/* The first given name of the record; NULL: none. */
static const char *given_name(const struct tree *identity) {
    const struct tree *first = tree_at(tree_get(identity, "given"), 0);
    bool is_text = first != NULL && first->kind == TREE_STRING;
    return is_text ? first->text : NULL;
}

/* ---- why a candidate with our identifier is not our patient ---- */

static bool is_gone(const struct tree *identity, const struct match_candidate *c) {
    (void)identity;
    return !c->active || c->replaced_by != NULL;
}

/* Whether a date is one of a day: less can't tell one patient from another. */
static bool is_day(const char *date) {
    return date != NULL && strlen(date) == strlen("YYYY-MM-DD");
}

static bool lacks_birth_date(const struct tree *identity, const struct match_candidate *c) {
    bool both = is_day(tree_text(identity, "birthDate")) && is_day(c->birth_date);
    return !both;
}

static bool lacks_family(const struct tree *identity, const struct match_candidate *c) {
    return tree_text(identity, "family") == NULL || c->families[0] == NULL;
}

static bool has_other_birth_date(const struct tree *identity, const struct match_candidate *c) {
    return strcmp(tree_text(identity, "birthDate"), c->birth_date) != 0;
}

static bool has_other_family(const struct tree *identity, const struct match_candidate *c) {
    return !among(tree_text(identity, "family"), c->families);
}

/* A given name that one side lacks tells nothing. */
static bool has_other_given(const struct tree *identity, const struct match_candidate *c) {
    const char *given = given_name(identity);
    if (given == NULL || c->givens[0] == NULL)
        return false;
    return !among(given, c->givens);
}

static bool is_known_sex(const char *sex) {
    return sex != NULL && strcmp(sex, "unknown") != 0;
}

static bool has_other_sex(const struct tree *identity, const struct match_candidate *c) {
    const char *sex = tree_text(identity, "sex");
    if (!is_known_sex(sex) || !is_known_sex(c->sex))
        return false;
    return strcmp(sex, c->sex) != 0;
}

static const char no_birth_date[] =
    "the record or the target has no whole birth date or no family name to check the match with: "
    "add it";

/* The first check that a candidate fails refuses it; each relies on those before it. */
static const struct {
    bool (*fails)(const struct tree *identity, const struct match_candidate *c);
    struct match_refusal refusal;
} checks[] = {
    { is_gone,
      { "patient-merged",
        "the patient with this identifier is inactive at the target or was merged into another: "
        "correct the identifier here" } },
    { lacks_birth_date, { "patient-birthdate", no_birth_date } },
    { lacks_family, { "patient-birthdate", no_birth_date } },
    { has_other_birth_date,
      { "patient-mismatch",
        "the identifier is found, but the birth date there is another: compare both sides" } },
    { has_other_family,
      { "patient-mismatch",
        "the identifier is found, but the family name there is another: compare both sides" } },
    { has_other_given,
      { "patient-mismatch",
        "the identifier is found, but the given name there is another: compare both sides" } },
    { has_other_sex,
      { "patient-mismatch",
        "the identifier is found, but the sex there is another: compare both sides" } },
};

/* Why a candidate with our identifier is not our patient; NULL: it is. */
static const struct match_refusal *mismatch(const struct tree *identity,
                                            const struct match_candidate *c) {
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (checks[i].fails(identity, c))
            return &checks[i].refusal;
    }
    return NULL;
}

/* ---- which candidate is ours ---- */

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
static const struct match_refusal former = {
    "patient-former", "this identifier is no longer in use at the target: correct it here"
};

/* The one candidate with an identifier of ours; NULL: none or several, and *why. */
static const struct match_candidate *find_only(const struct tree *identity,
                                               const struct match_candidate *candidates,
                                               size_t count, struct match_refusal *why) {
    const struct match_candidate *only = NULL;
    *why = not_found;
    for (size_t i = 0; i < count; i++) {
        const struct match_candidate *c = &candidates[i];
        bool has = has_now(c, identity);
        if (!has && had_once(c, identity))
            *why = former;
        if (!has)
            continue;
        bool another = only != NULL && strcmp(only->server_id, c->server_id) != 0;
        if (another) {
            *why = ambiguous;
            return NULL;
        }
        only = c;
    }
    return only;
}

const struct match_candidate *match_patient(const struct tree *identity,
                                            const struct match_candidate *candidates, size_t count,
                                            struct match_refusal *why) {
    const struct match_candidate *only = find_only(identity, candidates, count, why);
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
    if (text == NULL)
        return NULL;
    const char *copy = arena_strndup(a, text, strlen(text));
    if (copy == NULL)
        *ok = false;
    return copy;
}

/* Copies a text; NULL becomes an empty one. */
static const char *keep_or_empty(struct arena *a, const char *text, bool *ok) {
    return keep(a, text != NULL ? text : "", ok);
}

static const struct iptfhir_identifier *
keep_identifiers(struct arena *a, const struct iptfhir_identifier *list, size_t count, bool *ok) {
    struct iptfhir_identifier *copy = arena_zalloc(a, (count + 1) * sizeof *copy);
    if (copy == NULL) {
        *ok = false;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        copy[i].system = keep_or_empty(a, list[i].system, ok);
        copy[i].value = keep_or_empty(a, list[i].value, ok);
    }
    return copy;
}

/* Copies a list that NULL ends; NULL is an empty one. */
static const char *const *keep_names(struct arena *a, const char *const *list, bool *ok) {
    size_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    const char **copy = arena_zalloc(a, (count + 1) * sizeof *copy);
    if (copy == NULL) {
        *ok = false;
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
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
