/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the filter that takes the network from ingest. */
#include "core/sync/confine.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define X32_CALL 0x40000000 /* marks the calls of x86_64's second calling convention */

START_TEST(no_socket_can_be_opened) {
    struct iptfhir_error error = ERROR_INIT;
    ck_assert_msg(confine_network(&error), "%s", error.text);
    ck_assert_int_eq(socket(AF_INET, SOCK_STREAM, 0), -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(socket(AF_UNIX, SOCK_STREAM, 0), -1);
    ck_assert_int_eq(errno, EACCES);
}
END_TEST

#if defined __x86_64__
START_TEST(no_socket_can_be_opened_through_the_second_calling_convention) {
    struct iptfhir_error error = ERROR_INIT;
    ck_assert_msg(confine_network(&error), "%s", error.text);
    ck_assert_int_eq(syscall(X32_CALL | SYS_socket, AF_INET, SOCK_STREAM, 0), -1);
    ck_assert_int_eq(errno, EACCES); /* by the filter: a kernel without it says ENOSYS */
    ck_assert_int_gt(getpid(), 0);
}
END_TEST
#endif

int main(void) {
    Suite *suite = suite_create("taking the network away");
    TCase *c = tcase_create("calls");
    tcase_add_test(c, no_socket_can_be_opened);
#if defined __x86_64__
    tcase_add_test(c, no_socket_can_be_opened_through_the_second_calling_convention);
#endif
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
