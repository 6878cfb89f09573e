/* SPDX-License-Identifier: Apache-2.0 */
/* Instrument files: what a whole one gives, and each fault that a file can have, told at its place.
 */
#include "instrument.h"

#include "tests/mock_host.h"

#include <check.h>
#undef fail /* the host has a member of this name */

static const char whole[] =
    "{\"instrument\":\"T-2\",\"title\":\"Two items\",\"aliases\":[\"t2\"],\"licence\":\"free\","
    "\"system\":\"urn:s\",\"panel\":{\"code\":\"P\"},\"total\":{\"code\":\"T\"},"
    "\"missing\":\"unknown\",\"range\":{\"low\":0,\"high\":4},"
    "\"answers\":[{\"value\":0,\"code\":\"A0\"},{\"value\":2,\"code\":\"A2\"}],"
    "\"items\":[{\"field\":\"t_1\",\"code\":\"I1\",\"text\":\"One\"},"
    "{\"field\":\"t_2\",\"code\":\"I2\",\"display\":\"Two\",\"safety\":"
    "{\"above\":0,\"flag\":\"f\",\"label\":\"l\",\"text\":\"look\"}}],"
    "\"bands\":[{\"low\":0,\"high\":1,\"code\":\"b0\",\"text\":\"low\"},"
    "{\"low\":2,\"high\":4,\"code\":\"b1\",\"text\":\"high\"}],"
    "\"rules\":{\"baselineDays\":14,\"recovered\":{\"below\":2}}}";

static struct mock_host host;
static struct iptfhir_error error;
static struct instruments set;
static char text[2048]; /* of the file */

static const struct iptfhir_node *give(const char *path, struct iptfhir_document *lasting) {
    ck_assert_str_eq(path, "instruments/t-2.yaml");
    return mock_read(lasting, text);
}

static const char *const *names(const char *folder, const char *suffix) {
    static const char *const all[] = { "t-2.yaml", NULL };
    (void)folder, (void)suffix;
    return all;
}

static void set_up(void) {
    mock_host_open(&host);
    host.document = give;
    host.list = names;
    error = (struct iptfhir_error) { .size = sizeof error };
}

static void tear_down(void) {
    instruments_free(&set);
    mock_host_close(&host);
}

START_TEST(a_whole_file_has_its_items_bands_and_rules) {
    strcpy(text, whole);
    ck_assert_msg(instruments_load(&set, &host.host, &error), "%s: %s", error.where, error.text);
    const struct facts f = { &host.host, mock_nodes(), host.host.lasting, false };
    const struct instrument *in = instruments_find(&f, &set, "t2");
    ck_assert_ptr_nonnull(in);
    ck_assert_ptr_eq(instruments_find_total(&set, "T"), in);
    ck_assert_ptr_null(instruments_find(&f, &set, "t3"));
    ck_assert_uint_eq(in->item_count, 2);
    ck_assert_ptr_null(in->items[0].flag);
    ck_assert_str_eq(mock_text_at(in->items[1].answers[1], "/alert"), "look");
    ck_assert_ptr_null(mock_text_at(in->items[1].answers[0], "/alert"));
    ck_assert_str_eq(mock_text_at(in->items[0].missing, "/absent"), "unknown");
    ck_assert_uint_eq(in->band_count, 2);
    ck_assert_str_eq(mock_text_at(in->bands[1].facts, "/display"), "T-2 high");
    ck_assert_str_eq(mock_text_at(in->facts, "/range"),
                     "T-2 possible range 0-4; 0-1 low, 2-4 high");
    ck_assert_int_eq(in->baseline_days, 14);
    ck_assert_int_eq(in->recovered_below, 2);
    ck_assert_int_eq(in->reliable_change, 0);
}
END_TEST

/* A part of the file, what stands there instead, and what is then told, with its place. */
static const struct {
    const char *part, *instead, *where, *expected;
} faults[] = {
    { "\"title\"", "\"heading\"", "", "instrument, title, licence and system" },
    { "\"panel\":{\"code\"", "\"panel\":{\"kode\"", "", "panel and total, each with a code" },
    { "\"missing\":\"unknown\"", "\"missing\":7", "", "missing: a code" },
    { "\"high\":4},", "\"high\":0},", "/range", "whole numbers" },
    { "\"low\":0,\"high\":4", "\"low\":0.5,\"high\":4", "/range", "whole numbers" },
    { "\"items\":[", "\"things\":[", "/items", "1 to 40 items" },
    { "\"field\":\"t_2\",", "", "/items/1", "a field" },
    { "\"text\":\"One\"", "\"test\":\"One\"", "/items/0", "a display or a text" },
    { "\"flag\":\"f\",", "", "/items/1", "a safety rule" },
    { "\"above\":0", "\"above\":\"0\"", "/items/1", "a safety rule" },
    { "\"answers\":[", "\"replies\":[", "/items/0", "answers, of its own" },
    { "\"value\":2,", "\"value\":2.5,", "/answers", "a whole value" },
    { "\"low\":2,\"high\":4", "\"low\":3,\"high\":4", "/bands", "fill the range in order" },
    { "\"low\":2,\"high\":4,\"code\"", "\"low\":2,\"high\":1,\"code\"", "/bands", "in order" },
    { "\"high\":4,\"code\"", "\"high\":3,\"code\"", "/bands", "up to the end of the range" },
    { "\"code\":\"b0\",", "", "/bands", "code and text" },
    { "\"below\":2", "\"below\":0", "/rules/recovered/below", "a whole number above 0" },
    { "\"baselineDays\":14", "\"baselineDays\":null", "/rules/baselineDays", "above 0" },
};

START_TEST(a_fault_is_told_with_its_place_and_what_was_expected) {
    char where[64];
    const char *part = strstr(whole, faults[_i].part);
    ck_assert_ptr_nonnull(part);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(part - whole), whole, faults[_i].instead,
             part + strlen(faults[_i].part));
    snprintf(where, sizeof where, "document:%s", faults[_i].where);
    ck_assert(!instruments_load(&set, &host.host, &error));
    ck_assert_str_eq(error.code, "instrument");
    ck_assert_str_eq(error.where, where);
    ck_assert_ptr_nonnull(strstr(error.text, faults[_i].expected));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("instruments");
    TCase *c = tcase_create("files");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_whole_file_has_its_items_bands_and_rules);
    tcase_add_loop_test(c, a_fault_is_told_with_its_place_and_what_was_expected, 0,
                        sizeof faults / sizeof *faults);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
