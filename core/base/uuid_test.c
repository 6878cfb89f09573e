/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of UUIDs as text. */
#include "core/base/uuid.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char sample[] = "00f18ba3-1fe2-5c9a-8b7d-0123456789ab";

START_TEST(a_uuid_is_the_same_after_reading_and_writing) {
    unsigned char bytes[UUID_BYTES];
    char text[UUID_TEXT + 1] = "";
    ck_assert(uuid_read(sample, bytes));
    ck_assert_int_eq(bytes[0], 0);
    ck_assert_int_eq(bytes[1], 0xf1);
    ck_assert_int_eq(bytes[4], 0x1f);
    ck_assert_int_eq(bytes[15], 0xab);
    uuid_write(bytes, text);
    ck_assert_str_eq(text, sample);
}
END_TEST

START_TEST(any_other_character_at_any_place_is_refused) {
    static const char others[] = "gG A/:`\x7f\xff-0";
    unsigned char bytes[UUID_BYTES];
    for (size_t i = 0; i < UUID_TEXT; i++) {
        for (const char *c = others; *c != '\0'; c++) {
            char text[UUID_TEXT + 1];
            memcpy(text, sample, sizeof text);
            bool hyphen = sample[i] == '-';
            text[i] = *c;
            bool right = hyphen ? *c == '-' : *c == '0';
            ck_assert_int_eq(uuid_read(text, bytes), right);
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("uuid");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_uuid_is_the_same_after_reading_and_writing);
    tcase_add_test(all, any_other_character_at_any_place_is_refused);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
