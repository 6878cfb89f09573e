/* SPDX-License-Identifier: Apache-2.0 */
/* The formats that texts of a record may have. */
#include "core/record/schema.h"

#include "core/fhir/validate.h"

#include <string.h>

#define DIGITS "0123456789"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_digits(const char *text, size_t length) {
    return length > 0 && strspn(text, DIGITS) >= length;
}

/* Ten digits whose last is the Luhn digit of 80840 and the other nine (CMS, NPI check digit). */
static bool is_npi(const char *text, size_t length) {
    /* What a digit adds that Luhn doubles: the digits of its double. */
    static const int doubled[] = { 0, 2, 4, 6, 8, 1, 3, 5, 7, 9 };
    int sum = 24; /* what 80840 adds */
    if (length != 10 || !is_digits(text, length))
        return false;
    for (size_t i = 0; i < length; i += 2) {
        sum += doubled[text[i] - '0'];
        sum += text[i + 1] - '0';
    }
    return sum % 10 == 0;
}

/* Whether each character is of the class that a shape has in its place: A a capital, 9 a digit,
 * X either of them, anything else itself. A text may be shorter than its shape. */
static bool is_shaped(const char *text, size_t length, const char *shape) {
    static const char *const classes[128] = {
        ['A'] = CAPITALS,
        ['9'] = DIGITS,
        ['X'] = CAPITALS DIGITS,
    };
    if (length > strlen(shape))
        return false;
    for (size_t i = 0; i < length; i++) {
        const char one[] = { shape[i], '\0' };
        const char *class = classes[(unsigned char)shape[i]];
        if (strspn(text + i, class != NULL ? class : one) == 0)
            return false;
    }
    return true;
}

/* A letter, a digit, an alphanumeric, then perhaps a dot and one to four alphanumerics. */
static bool is_icd10cm(const char *t, size_t length) {
    bool ends_at_dot = length == strlen("F32.");
    if (length < strlen("F32") || ends_at_dot)
        return false;
    return is_shaped(t, length, "A9X.XXXX");
}

/* One to seven digits, a dash and a digit. */
static bool is_loinc(const char *t, size_t length) {
    size_t digits = strspn(t, DIGITS);
    if (digits == 0 || digits > 7)
        return false;
    return length == digits + 2 && is_shaped(t + digits, 2, "-9");
}

/* An absolute URI: a scheme, something behind it, and no white space. */
static bool is_absolute_uri(const char *t, size_t length) {
    size_t scheme = strcspn(t, ":/?#");
    if (scheme == 0 || t[scheme] != ':' || t[scheme + 1] == '\0')
        return false;
    return format_check(FORMAT_URI, t, length) == NULL;
}

static bool is_partial_date(const char *t, size_t length) {
    return format_check(FORMAT_DATE, t, length) == NULL;
}

static bool is_whole_date(const char *t, size_t length) {
    return length == strlen("YYYY-MM-DD") && is_partial_date(t, length);
}

static bool is_instant(const char *t, size_t length) {
    return format_check(FORMAT_INSTANT, t, length) == NULL;
}

static bool is_code(const char *t, size_t length) {
    return format_check(FORMAT_CODE, t, length) == NULL;
}

static bool is_sctid(const char *t, size_t length) {
    return length >= 6 && length <= 18 && is_digits(t, length);
}

struct text_rule {
    bool (*fits)(const char *text, size_t length); /* NULL: any text does */
    const char *expected;
};
static const struct text_rule rules[] = {
    [TEXT_ANY] = { NULL, NULL },
    [TEXT_DATE] = { is_whole_date, "expected a date that exists: YYYY-MM-DD" },
    [TEXT_PARTIAL_DATE] = { is_partial_date,
                            "expected a date that exists: YYYY, YYYY-MM or YYYY-MM-DD" },
    [TEXT_DATETIME] = { is_instant, "expected date and time with seconds and offset: "
                                    "YYYY-MM-DDThh:mm:ss+hh:mm" },
    [TEXT_URI] = { is_absolute_uri, "expected an absolute URI, such as urn:oid:1.2.3" },
    [TEXT_CODE] = { is_code, "expected a code without white space at its ends" },
    [TEXT_NPI] = { is_npi, "expected an NPI: 10 digits, the last its check digit" },
    [TEXT_ICD10CM] = { is_icd10cm, "expected an ICD-10-CM code with its dot, such as F32.1" },
    [TEXT_LOINC] = { is_loinc, "expected a LOINC code, such as 44261-6" },
    [TEXT_SCTID] = { is_sctid, "expected a SNOMED CT id: 6 to 18 digits" },
    [TEXT_DIGITS] = { is_digits, "expected digits" },
};

const char *text_format_check(enum text_format format, const char *text, size_t length) {
    const struct text_rule *rule = &rules[format];
    bool fits = rule->fits == NULL || rule->fits(text, length);
    return fits ? NULL : rule->expected;
}
