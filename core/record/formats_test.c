/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the formats of a record's texts. */
#include "core/fhir/r4.h"
#include "core/record/schema.h"

#include <check.h>
#include <string.h>

static bool fits(enum text_format format, const char *text) {
    return text_format_check(format, text, strlen(text)) == NULL;
}

struct example {
    enum text_format format;
    const char *right[4], *wrong[8];
};
static const struct example examples[] = {
    { TEXT_ANY, { "", "anything" }, { NULL } },
    { TEXT_DATE,
      { "2024-02-29", "1984-12-31" },
      { "2023-02-29", "2024-02", "2024", "2024-02-29T00:00:00Z", "29.02.2024", "" } },
    { TEXT_PARTIAL_DATE,
      { "2024", "2024-02", "2024-02-29" },
      { "2024-13", "24", "2024-2", "2024-02-30", "" } },
    { TEXT_DATETIME,
      { "2026-01-12T14:00:00-05:00", "2026-01-12T14:00:00Z" },
      { "2026-01-12T14:00:00", "2026-01-12T14:00Z", "2026-01-12", "2026-01-12T25:00:00Z" } },
    { TEXT_URI, { "urn:oid:1.2.3", "https://x.example/a" }, { "relative", ":x", "urn:", "a b:c" } },
    { TEXT_CODE, { "final", "two words" }, { " final", "final ", "" } },
    { TEXT_NPI, { "1234567893" }, { "1234567890", "123456789", "12345678933", "123456789X" } },
    { TEXT_ICD10CM,
      { "F32.1", "F33", "Z63.0", "S72.001A" },
      { "F3", "F321", "F32.", "f32.1", "332.1", "F32.12345", "FA2.1", "F32.a" } },
    { TEXT_LOINC, { "44261-6", "1-8" }, { "44261", "44261-", "-6", "4426a-6", "44261-66", "" } },
    { TEXT_SCTID, { "15639000", "123456" }, { "12345", "1234567890123456789", "1563900x" } },
    { TEXT_DIGITS, { "0", "007" }, { "", "1.0", "-1", "1 " } },
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

START_TEST(a_format_takes_what_it_says_and_nothing_else) {
    const struct example *e = &examples[_i];
    for (size_t i = 0; i < sizeof e->right / sizeof *e->right && e->right[i] != NULL; i++)
        ck_assert_msg(fits(e->format, e->right[i]), "'%s' is refused", e->right[i]);
    for (size_t i = 0; i < sizeof e->wrong / sizeof *e->wrong && e->wrong[i] != NULL; i++)
        ck_assert_msg(!fits(e->format, e->wrong[i]), "'%s' is taken", e->wrong[i]);
}
END_TEST

START_TEST(one_wrong_digit_of_an_npi_is_noticed) {
    char npi[] = "1234567893";
    for (size_t i = 0; npi[i] != '\0'; i++) {
        char was = npi[i];
        npi[i] = was == '9' ? '0' : (char)(was + 1);
        ck_assert_msg(!fits(TEXT_NPI, npi), "%s", npi);
        npi[i] = was;
    }
}
END_TEST

START_TEST(what_was_expected_never_shows_the_text) {
    for (int format = TEXT_DATE; format <= TEXT_DIGITS; format++) {
        const char *expected = text_format_check((enum text_format)format, " secret ", 8);
        ck_assert_ptr_nonnull(expected);
        ck_assert_ptr_nonnull(strstr(expected, "expected"));
        ck_assert_ptr_null(strstr(expected, "secret"));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("formats");
    TCase *tests = tcase_create("formats");
    r4_setup();
    tcase_add_loop_test(tests, a_format_takes_what_it_says_and_nothing_else, 0, EXAMPLES);
    tcase_add_test(tests, one_wrong_digit_of_an_npi_is_noticed);
    tcase_add_test(tests, what_was_expected_never_shows_the_text);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
