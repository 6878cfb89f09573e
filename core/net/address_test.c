/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of addresses: which ones are spoken to, and what the server is called. */
#include "core/net/address.h"

#include "core/base/error.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_server_is_named_as_its_certificate_must_name_it) {
    static const struct {
        const char *url, *host, *server;
    } list[] = { { "https://ehr.example/fhir", "ehr.example", "ehr.example:443" },
                 { "https://ehr.example.:8443", "ehr.example", "ehr.example.:8443" },
                 { "https://[2001:db8::1]:9/x/", "2001:db8::1", "[2001:db8::1]:9" },
                 { "https://192.0.2.7", "192.0.2.7", "192.0.2.7:443" } };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        const struct iptfhir_http_settings settings = { .base_url = list[i].url };
        struct address address = { 0 };
        struct iptfhir_error error = ERROR_INIT;
        ck_assert_msg(address_read(&address, &settings, &error), "%s: %s", list[i].url, error.text);
        ck_assert_str_eq(address.host, list[i].host);
        ck_assert_str_eq(address.server, list[i].server);
        address_free(&address);
    }
}
END_TEST

START_TEST(plain_http_goes_to_this_machine_only_and_when_it_is_allowed) {
    static const struct {
        const char *url;
        bool insecure_loopback, good;
    } list[] = { { "http://localhost:8080/fhir", true, true },
                 { "http://127.1.2.3", true, true },
                 { "http://[::1]:80", true, true },
                 { "http://localhost:8080/fhir", false, false },
                 { "http://128.0.0.1", true, false },
                 { "http://127.0.0.1.example", true, false },
                 { "http://ehr.example", true, false } };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        const struct iptfhir_http_settings settings = { .base_url = list[i].url,
                                                        .insecure_loopback =
                                                            list[i].insecure_loopback };
        struct address address = { 0 };
        struct iptfhir_error error = ERROR_INIT;
        ck_assert_msg(address_read(&address, &settings, &error) == list[i].good, "%s", list[i].url);
        ck_assert_str_eq(error.code, list[i].good ? "" : "net-url");
        address_free(&address);
    }
}
END_TEST

START_TEST(what_does_not_belong_into_an_address_is_refused) {
    static const char *const list[] = {
        NULL,
        "",
        "https://",
        "ehr.example/fhir?x",
        "https://user@ehr.example",
        "https://h/?q=1",
        "ftp://ehr.example",
        "https://h/#part",
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        const struct iptfhir_http_settings settings = { .base_url = list[i] };
        struct address address = { 0 };
        struct iptfhir_error error = ERROR_INIT;
        ck_assert(!address_read(&address, &settings, &error));
        ck_assert_str_eq(error.code, "net-url");
        address_free(&address);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("address");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_server_is_named_as_its_certificate_must_name_it);
    tcase_add_test(all, plain_http_goes_to_this_machine_only_and_when_it_is_allowed);
    tcase_add_test(all, what_does_not_belong_into_an_address_is_refused);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
