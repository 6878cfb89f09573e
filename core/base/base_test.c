/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of buffers, errors, clocks, hashes and log lines. */
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/crypt.h"
#include "core/base/date.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/str.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(a_buffer_keeps_what_is_added_and_ends_with_nul) {
    struct str s = { 0 };
    for (int i = 0; i < 1000; i++)
        str_printf(&s, "%d,", i);
    ck_assert_uint_eq(s.length, 3890);
    ck_assert(strncmp(s.data, "0,1,2,", 6) == 0);
    ck_assert_int_eq(s.data[s.length], '\0');
    str_clear(&s);
    ck_assert_str_eq(s.data, "");
    str_putc(&s, 'x');
    char *stolen = str_steal(&s);
    ck_assert_str_eq(stolen, "x");
    ck_assert_ptr_null(s.data);
    base_free(stolen);
}
END_TEST

START_TEST(a_json_string_escapes_what_json_demands) {
    struct str s = { 0 };
    const char text[] = "plain text that is long \"quoted\" \\ \b\f\n\r\t\x01\x1f\x7f \xC3\xA9 "
                        "\xE2\x80\xA8 \xE2\x80\xA9 \xE2\x82\xAC";
    str_json(&s, text, sizeof text - 1);
    ck_assert_str_eq(s.data, "\"plain text that is long \\\"quoted\\\" \\\\ "
                             "\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f \xC3\xA9 "
                             "\\u2028 \\u2029 \xE2\x82\xAC\"");
    str_clear(&s);
    str_json(&s, "", 0);
    ck_assert_str_eq(s.data, "\"\"");
    str_free(&s);
}
END_TEST

START_TEST(every_position_of_a_special_byte_is_found) {
    for (size_t length = 1; length < 24; length++)
        for (size_t at = 0; at < length; at++) {
            char text[24];
            struct str s = { 0 };
            memset(text, 'a', sizeof text);
            text[at] = '"';
            str_json(&s, text, length);
            ck_assert_uint_eq(s.length, length + 3);
            ck_assert(memcmp(s.data + 1 + at, "\\\"", 2) == 0);
            str_free(&s);
        }
}
END_TEST

START_TEST(a_failed_allocation_marks_the_buffer_once_and_for_all) {
    struct str s = { 0 };
    str_puts(&s, "before");
    base_fail_at(1, false);
    for (int i = 0; i < 100; i++)
        str_puts(&s, "more than fits");
    bool refused = base_refused();
    base_fail_at(0, false);
    ck_assert(refused);
    ck_assert(s.failed);
    size_t length = s.length;
    str_puts(&s, "later");
    str_printf(&s, "%d", 1);
    str_json(&s, "x", 1);
    ck_assert_uint_eq(s.length, length);
    ck_assert_ptr_null(str_steal(&s));
    ck_assert_ptr_null(s.data);
}
END_TEST

START_TEST(the_first_error_wins) {
    struct iptfhir_error e = ERROR_INIT;
    ck_assert(!error_is_set(&e));
    ck_assert(!error_set(&e, "first", "a:1:1", "say %d", 1));
    ck_assert(!error_set(&e, "second", NULL, "say %d", 2));
    ck_assert_str_eq(e.code, "first");
    ck_assert_str_eq(e.where, "a:1:1");
    ck_assert_str_eq(e.text, "say 1");
    error_clear(&e);
    ck_assert(!error_is_set(&e));
    ck_assert_uint_eq(e.size, sizeof e);
    ck_assert(!error_set(NULL, "x", NULL, "x"));
}
END_TEST

START_TEST(a_text_cut_short_stays_utf8) {
    struct iptfhir_error e = ERROR_INIT;
    char text[600];
    memset(text, 'a', 510);
    strcpy(text + 510, "\xC3\xA9\xC3\xA9");
    error_set(&e, "long", NULL, "%s", text);
    ck_assert_uint_eq(strlen(e.text), 510);
    error_clear(&e);
    strcpy(text + 509, "\xC3\xA9\xC3\xA9");
    error_set(&e, "long", NULL, "%s", text);
    ck_assert_uint_eq(strlen(e.text), 511);
}
END_TEST

START_TEST(a_report_is_bounded_and_counts_what_it_drops) {
    struct report r = { 0 };
    for (int i = 0; i < REPORT_MAX + 7; i++)
        report_add(&r, i % 2 ? REPORT_WARNING : REPORT_ERROR, "code", "where", "finding %d", i);
    ck_assert_uint_eq(r.count, REPORT_MAX);
    ck_assert_uint_eq(r.dropped, 7);
    ck_assert_uint_eq(r.errors + r.warnings, REPORT_MAX + 7);
    ck_assert_str_eq(r.entries[499].error.text, "finding 499");
    report_free(&r);
    base_fail_at(1, true);
    report_add(&r, REPORT_ERROR, "code", NULL, "x");
    base_fail_at(0, false);
    ck_assert_uint_eq(r.dropped, 1);
    ck_assert_uint_eq(r.errors, 1);
    report_free(&r);
}
END_TEST

START_TEST(the_nearest_name_is_within_a_third_of_the_length) {
    const char *const names[] = { "identifier", "status", "subject", "code", NULL };
    ck_assert_str_eq(nearest_name("identifer", names), "identifier");
    ck_assert_str_eq(nearest_name("sbuject", names), "subject");
    ck_assert_str_eq(nearest_name("coed", names), "code");
    ck_assert_ptr_null(nearest_name("ab", names));
    ck_assert_ptr_null(nearest_name("organization", names));
    ck_assert_ptr_null(nearest_name("", names));
}
END_TEST

START_TEST(times_are_written_in_utc_with_milliseconds) {
    char out[25];
    iptfhir_time_format(0, out);
    ck_assert_str_eq(out, "1970-01-01T00:00:00.000Z");
    iptfhir_time_format(951782400123, out);
    ck_assert_str_eq(out, "2000-02-29T00:00:00.123Z");
    iptfhir_time_format(-1, out);
    ck_assert_str_eq(out, "1969-12-31T23:59:59.999Z");
    int64_t steady = clock_steady_ms();
    ck_assert_int_ge(clock_steady_ms(), steady);
    ck_assert_int_gt(clock_now_ms(), 1700000000000);
}
END_TEST

START_TEST(retry_after_takes_seconds_and_the_three_date_forms) {
    const int64_t at = 784111777000; /* 1994-11-06T08:49:37Z */
    ck_assert_int_eq(iptfhir_retry_after("120", 0), 120000);
    ck_assert_int_eq(iptfhir_retry_after(" 0 ", 0), 0);
    ck_assert_int_eq(iptfhir_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", at - 5000), 5000);
    ck_assert_int_eq(iptfhir_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", at - 5000), 5000);
    ck_assert_int_eq(iptfhir_retry_after("Sun Nov  6 08:49:37 1994", at - 5000), 5000);
    ck_assert_int_eq(iptfhir_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", at + 1), 0);
    ck_assert_int_gt(iptfhir_retry_after("99999999999999999999999", 0), 0);
    const char *const wrong[] = { "",
                                  "soon",
                                  "12 minutes",
                                  "-1",
                                  "1.5",
                                  "Sun, 31 Feb 1994 08:49:37 GMT",
                                  "Sun, 06 Nov 1994 25:49:37 GMT",
                                  "Sun, 06 Nov 1994 08:49:37 GMT+1",
                                  NULL };
    for (size_t i = 0; wrong[i]; i++)
        ck_assert_msg(iptfhir_retry_after(wrong[i], 0) == -1, "%s", wrong[i]);
    ck_assert_int_eq(iptfhir_retry_after(NULL, 0), -1);
}
END_TEST

START_TEST(every_day_of_ten_thousand_years_comes_back_from_its_number) {
    int64_t expected = iptfhir_date_to_days(0, 1, 1);
    ck_assert_int_eq(expected, -719528);
    ck_assert_int_eq(iptfhir_date_to_days(1970, 1, 1), 0);
    for (int year = 0; year <= 9999; year++)
        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= date_month_days(year, month); day++, expected++) {
                int y;
                int m;
                int d;
                bool same = iptfhir_date_to_days(year, month, day) == expected;
                date_from_days(expected, &y, &m, &d);
                same = same && y == year && m == month && d == day;
                if (!same)
                    ck_abort_msg("%04d-%02d-%02d", year, month, day);
            }
    ck_assert_int_eq(expected, 2932897);
}
END_TEST

START_TEST(a_date_number_is_written_as_a_date) {
    char out[11];
    iptfhir_date_format(0, out);
    ck_assert_str_eq(out, "1970-01-01");
    iptfhir_date_format(-1, out);
    ck_assert_str_eq(out, "1969-12-31");
    iptfhir_date_format(INT64_MAX / 2, out);
    ck_assert_str_eq(out, "9999-12-31");
}
END_TEST

START_TEST(fhir_dates_and_times_become_seconds) {
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {
        { "1970-01-01", 0 },
        { "1970-01-02T00:00:00Z", 86400 },
        { "1970-01-01T00:00:01.999Z", 1 },
        { "1969-12-31T19:00:00-05:00", 0 },
        { "1970-01-01T05:30:00+05:30", 0 },
        { "2024-02-29T12:00:00Z", 1709208000 },
    };
    static const char *const wrong[] = { "",
                                         "1970",
                                         "1970-01",
                                         "1970-13-01",
                                         "1970-02-29",
                                         "1970-01-01T",
                                         "1970-01-01T00:00",
                                         "1970-01-01T00:00:00",
                                         "1970-01-01T24:00:00Z",
                                         "1970-01-01T00:00:00Zx",
                                         "1970-01-01T00:00:00+5:00",
                                         "1970-01-01 00:00:00Z" };
    int64_t seconds = -1;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(iptfhir_time_to_seconds(good[i].text, &seconds), "%s", good[i].text);
        ck_assert_int_eq(seconds, good[i].seconds);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!iptfhir_time_to_seconds(wrong[i], &seconds), "%s", wrong[i]);
    ck_assert(!iptfhir_time_to_seconds(NULL, &seconds));
}
END_TEST

START_TEST(utf8_is_told_from_what_only_looks_like_it) {
    static const char *const good[] = {
        "", "plain", "\xC3\xA9", "\xE2\x82\xAC", "12345678\xF0\x9F\x98\x80", "\xED\x9F\xBF"
    };
    static const char *const wrong[] = { "\x80",
                                         "\xC0\x80",
                                         "\xC3",
                                         "\xE0\x80\x80",
                                         "\xED\xA0\x80",
                                         "\xF0\x80\x80\x80",
                                         "\xF4\x90\x80\x80",
                                         "\xFF",
                                         "12345678\xE2\x82" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(iptfhir_utf8_valid(good[i], strlen(good[i])), "%zu", i);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!iptfhir_utf8_valid(wrong[i], strlen(wrong[i])), "%zu", i);
}
END_TEST

START_TEST(only_dates_that_exist_are_valid) {
    ck_assert(iptfhir_date_exists(2024, 2, 29));
    ck_assert(iptfhir_date_exists(2000, 2, 29));
    ck_assert(!iptfhir_date_exists(1900, 2, 29));
    ck_assert(!iptfhir_date_exists(2026, 2, 29));
    ck_assert(!iptfhir_date_exists(2026, 13, 1));
    ck_assert(!iptfhir_date_exists(2026, 4, 31));
    ck_assert(!iptfhir_date_exists(2026, 1, 0));
}
END_TEST

START_TEST(hashes_agree_with_published_values) {
    char hex[65], uuid[37], name[17];
    crypt_sha256_hex("abc", 3, hex);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    /* From Python's uuid.uuid5(uuid.NAMESPACE_URL, "https://clinic.example/fhir/Patient/P-1"). */
    crypt_uuid5("https://clinic.example/fhir", "Patient", "P-1", uuid);
    ck_assert_str_eq(uuid, "58ea0452-da38-51ab-b4a6-7383b2abec2e");
    /* HMAC-SHA-256, key of 32 bytes 0..31, "R-1", from Python's hmac. */
    unsigned char key[32];
    for (unsigned i = 0; i < 32; i++)
        key[i] = (unsigned char)i;
    crypt_log_name(key, "R-1", name);
    ck_assert_str_eq(name, "1dfa36b296405e05");
}
END_TEST

static void *hash_many(void *context) {
    (void)context;
    char first[37], again[37];
    crypt_uuid5("b", "t", "k", first);
    for (int i = 0; i < 2000; i++) {
        crypt_uuid5("b", "t", "k", again);
        if (strcmp(first, again) != 0)
            return (void *)1;
    }
    return NULL;
}

START_TEST(threads_hash_side_by_side) {
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hash_many, NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

START_TEST(random_bytes_differ_and_secrets_are_wiped) {
    unsigned char a[32], b[32], zero[32] = { 0 };
    ck_assert(crypt_random(a, sizeof a));
    ck_assert(crypt_random(b, sizeof b));
    ck_assert(memcmp(a, b, sizeof a) != 0);
    crypt_wipe(a, sizeof a);
    ck_assert(memcmp(a, zero, sizeof a) == 0);
}
END_TEST

START_TEST(a_log_text_cannot_forge_a_line) {
    int pipes[2], saved = dup(STDERR_FILENO);
    char text[4096] = "", name[17];
    ck_assert_int_eq(pipe(pipes), 0);
    dup2(pipes[1], STDERR_FILENO);
    log_setup(IPTFHIR_INFO, "ingest");
    log_line(IPTFHIR_DEBUG, "not this");
    log_line(IPTFHIR_WARNING, "one\n2026-01-01 error: forged %s", "\x1b[1m");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipes[1]);
    ck_assert_int_gt(read(pipes[0], text, sizeof text - 1), 0);
    close(pipes[0]);
    ck_assert_ptr_nonnull(strstr(text, " warning: ingest: one 2026"));
    ck_assert_ptr_null(strchr(text, '\x1b'));
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
    ck_assert_str_eq(log_name("R-1", name), "----------------");
    const unsigned char key[32] = { 1 };
    log_set_key(key);
    ck_assert_uint_eq(strlen(log_name("R-1", name)), 16);
    ck_assert_ptr_null(strstr(name, "-"));
}
END_TEST

/* Runs the suite. */
int main(void) {
    Suite *suite = suite_create("base");
    TCase *tests = tcase_create("base");
    tcase_add_test(tests, a_buffer_keeps_what_is_added_and_ends_with_nul);
    tcase_add_test(tests, a_json_string_escapes_what_json_demands);
    tcase_add_test(tests, every_position_of_a_special_byte_is_found);
    tcase_add_test(tests, a_failed_allocation_marks_the_buffer_once_and_for_all);
    tcase_add_test(tests, the_first_error_wins);
    tcase_add_test(tests, a_text_cut_short_stays_utf8);
    tcase_add_test(tests, a_report_is_bounded_and_counts_what_it_drops);
    tcase_add_test(tests, the_nearest_name_is_within_a_third_of_the_length);
    tcase_add_test(tests, times_are_written_in_utc_with_milliseconds);
    tcase_add_test(tests, retry_after_takes_seconds_and_the_three_date_forms);
    tcase_add_test(tests, only_dates_that_exist_are_valid);
    tcase_add_test(tests, every_day_of_ten_thousand_years_comes_back_from_its_number);
    tcase_add_test(tests, a_date_number_is_written_as_a_date);
    tcase_add_test(tests, fhir_dates_and_times_become_seconds);
    tcase_add_test(tests, utf8_is_told_from_what_only_looks_like_it);
    tcase_add_test(tests, hashes_agree_with_published_values);
    tcase_add_test(tests, threads_hash_side_by_side);
    tcase_add_test(tests, random_bytes_differ_and_secrets_are_wiped);
    tcase_add_test(tests, a_log_text_cannot_forge_a_line);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
