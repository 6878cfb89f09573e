/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of opening input files: only regular ones, and never a wait. */
#include "core/base/file.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[64], path[128];

/* Makes a folder of the test's own. */
static void set_up(void) {
    snprintf(folder, sizeof folder, "/tmp/file_test_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/input", folder);
}

/* Takes it away. */
static void tear_down(void) {
    (void)unlink(path);
    (void)rmdir(path);
    (void)rmdir(folder);
}

/* Writes the input. */
static void write_input(const char *text) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* Refuses what stands at `at`: with this errno, a text that has `part`, and what to do. */
static void refused(const char *at, int wanted, const char *part) {
    char why[IPTFHIR_FILE_WHY];
    errno = 0;
    ck_assert_int_eq(iptfhir_file_open(at, 1000, NULL, why), -1);
    ck_assert_int_eq(errno, wanted);
    ck_assert_msg(strstr(why, part) != NULL, "%s", why);
    ck_assert_int_eq(iptfhir_file_open(at, 1000, NULL, NULL), -1);
}

START_TEST(a_regular_file_is_read_to_its_last_byte) {
    struct str s = { 0 };
    write_input("12345");
    ck_assert(file_read(&s, path, 5, NULL));
    ck_assert_str_eq(s.data, "12345");
    ck_assert(file_read(&s, path, 100, NULL));
    ck_assert_str_eq(s.data, "1234512345");
    str_free(&s);
}
END_TEST

START_TEST(a_link_to_a_regular_file_is_one) {
    char target[160];
    struct stat st;
    snprintf(target, sizeof target, "%s.target", path);
    write_input("x");
    ck_assert_int_eq(rename(path, target), 0);
    ck_assert_int_eq(symlink(target, path), 0);
    int fd = iptfhir_file_open(path, 1, &st, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(st.st_size, 1);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
    unlink(target);
}
END_TEST

START_TEST(a_file_larger_than_allowed_is_refused_with_efbig) {
    char why[IPTFHIR_FILE_WHY];
    struct str s = { 0 };
    write_input("12345");
    errno = 0;
    ck_assert(!file_read(&s, path, 4, why));
    ck_assert_int_eq(errno, EFBIG);
    ck_assert_msg(strstr(why, "at most 4 bytes") != NULL, "%s", why);
    str_free(&s);
}
END_TEST

START_TEST(a_file_that_claims_no_size_is_still_bounded) {
    struct str s = { 0 };
    errno = 0;
    ck_assert(!file_read(&s, "/proc/self/maps", 10, NULL));
    ck_assert_int_eq(errno, EFBIG);
    str_free(&s);
}
END_TEST

START_TEST(a_fifo_is_refused_at_once) {
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refused(path, ENXIO, "a FIFO (named pipe), where a regular file is expected");
}
END_TEST

START_TEST(a_folder_is_refused) {
    ck_assert_int_eq(mkdir(path, 0700), 0);
    refused(path, EISDIR, "a folder, where a regular file is expected");
}
END_TEST

START_TEST(devices_are_refused) {
    refused("/dev/zero", ENXIO, "a device");
    refused("/dev/null", ENXIO, "a device");
}
END_TEST

START_TEST(a_socket_is_refused) {
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    snprintf(name.sun_path, sizeof name.sun_path, "%.100s", path);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_ge(s, 0);
    ck_assert_int_eq(bind(s, (const struct sockaddr *)&name, sizeof name), 0);
    refused(path, ENXIO, "");
    close(s);
}
END_TEST

START_TEST(what_is_not_there_says_to_check_the_path) {
    refused(path, ENOENT, "check the path");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("file");
    TCase *tests = tcase_create("file");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_regular_file_is_read_to_its_last_byte);
    tcase_add_test(tests, a_link_to_a_regular_file_is_one);
    tcase_add_test(tests, a_file_larger_than_allowed_is_refused_with_efbig);
    tcase_add_test(tests, a_file_that_claims_no_size_is_still_bounded);
    tcase_add_test(tests, a_fifo_is_refused_at_once);
    tcase_add_test(tests, a_folder_is_refused);
    tcase_add_test(tests, devices_are_refused);
    tcase_add_test(tests, a_socket_is_refused);
    tcase_add_test(tests, what_is_not_there_says_to_check_the_path);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
