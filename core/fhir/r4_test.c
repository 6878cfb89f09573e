/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the R4 tables and their look-ups. */
#include "core/fhir/r4.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* The element `name` of type `type`, with its actual type's name compared to `expected`. */
static const struct r4_element *element_of(const char *type, const char *name,
                                           const char *expected) {
    const struct r4_type *actual = NULL;
    const struct r4_element *element = r4_element(r4_type(type), name, &actual);
    ck_assert_msg(element != NULL, "%s.%s is unknown", type, name);
    if (expected == NULL)
        ck_assert_ptr_null(actual);
    else
        ck_assert_str_eq(actual->name, expected);
    return element;
}

START_TEST(types_are_found_by_name_with_their_kind) {
    ck_assert_int_eq(r4_type("Patient")->kind, R4_RESOURCE);
    ck_assert_int_eq(r4_type("HumanName")->kind, R4_DATATYPE);
    ck_assert_int_eq(r4_type("Patient.contact")->kind, R4_BACKBONE);
    ck_assert_int_eq(r4_type("code")->kind, R4_PRIMITIVE);
    ck_assert_ptr_null(r4_type("Patientt"));
    ck_assert_ptr_null(r4_type(""));
    ck_assert_ptr_null(r4_type(NULL));
    for (uint16_t i = 0; r4_type_at(i) != NULL; i++)
        ck_assert_ptr_eq(r4_type(r4_type_at(i)->name), r4_type_at(i));
}
END_TEST

START_TEST(types_derive_from_their_bases) {
    ck_assert(r4_is(r4_type("Patient"), r4_type("DomainResource")));
    ck_assert(r4_is(r4_type("Bundle"), r4_type("Resource")));
    ck_assert(!r4_is(r4_type("Bundle"), r4_type("DomainResource")));
    ck_assert(r4_is(r4_type("Age"), r4_type("Quantity")));
    ck_assert(r4_is(r4_type("code"), r4_type("string")));
    ck_assert(r4_is(r4_type("canonical"), r4_type("uri")));
    ck_assert(r4_is(r4_type("Observation.component"), r4_type("BackboneElement")));
    ck_assert(!r4_is(r4_type("Observation"), NULL));
}
END_TEST

START_TEST(elements_carry_cardinality_type_and_codes) {
    const struct r4_element *status = element_of("Observation", "status", "code");
    ck_assert_int_eq(status->min, 1);
    ck_assert_int_eq(status->max, 1);
    bool final = false;
    for (const char *const *c = status->codes; *c != NULL; c++)
        final = final || strcmp(*c, "final") == 0;
    ck_assert(final);
    ck_assert_int_eq(element_of("Patient", "name", "HumanName")->max, UINT16_MAX);
    ck_assert_ptr_null(element_of("Patient", "language", "code")->codes);
    element_of("Patient", "id", "id");
    element_of("HumanName", "id", "string");
    element_of("Extension", "url", "uri");
    element_of("Observation.component", "referenceRange", "Observation.referenceRange");
    element_of("Questionnaire.item", "item", "Questionnaire.item");
    element_of("Timing", "repeat", "Timing.repeat");
    ck_assert_ptr_null(r4_element(r4_type("Patient"), "nam", NULL));
    ck_assert_ptr_null(r4_element(r4_type("Patient"), "status", NULL));
}
END_TEST

START_TEST(choice_elements_are_found_in_both_forms) {
    const struct r4_element *plain = element_of("Observation", "value", NULL);
    ck_assert(plain->choice);
    ck_assert_ptr_eq(element_of("Observation", "valueQuantity", "Quantity"), plain);
    ck_assert_ptr_eq(element_of("Observation", "valueDateTime", "dateTime"), plain);
    ck_assert_ptr_null(r4_element(r4_type("Observation"), "valueAddress", NULL));
    element_of("Extension", "valueAddress", "Address");

    size_t state = 0, count = 0;
    uint32_t symbol = 0;
    const struct r4_type *actual = NULL;
    bool quantity = false;
    while (r4_choice(r4_type("Observation"), plain, &state, &symbol, &actual)) {
        const struct r4_type *again = NULL;
        ck_assert_ptr_eq(r4_element_symbol(r4_type("Observation"), symbol, &again), plain);
        ck_assert_ptr_eq(again, actual);
        quantity = quantity || strcmp(symbol_name(symbol), "valueQuantity") == 0;
        count++;
    }
    ck_assert_uint_eq(count, 11);
    ck_assert(quantity);
}
END_TEST

START_TEST(member_names_list_choices_in_their_json_form) {
    bool quantity = false, value = false, status = false;
    for (const char *const *n = r4_element_names(r4_type("Observation")); *n != NULL; n++) {
        quantity = quantity || strcmp(*n, "valueQuantity") == 0;
        value = value || strcmp(*n, "value") == 0;
        status = status || strcmp(*n, "status") == 0;
    }
    ck_assert(quantity && status && !value);
    ck_assert_str_eq(nearest_name("efectiveDateTime", r4_element_names(r4_type("Observation"))),
                     "effectiveDateTime");
}
END_TEST

START_TEST(the_xml_shape_tells_repetition_and_kind) {
    const char *type = NULL;
    bool repeats = false;
    enum tree_kind kind = TREE_NULL;
    ck_assert(r4_xml_shape.child("Patient", "name", &type, &repeats, &kind));
    ck_assert_str_eq(type, "HumanName");
    ck_assert(repeats);
    ck_assert(r4_xml_shape.child("Patient", "active", &type, &repeats, &kind));
    ck_assert(!repeats);
    ck_assert_int_eq(kind, TREE_BOOLEAN);
    ck_assert(r4_xml_shape.child("Quantity", "value", &type, &repeats, &kind));
    ck_assert_int_eq(kind, TREE_NUMBER);
    ck_assert(r4_xml_shape.child("Observation", "valueString", &type, &repeats, &kind));
    ck_assert_int_eq(kind, TREE_STRING);
    ck_assert(!r4_xml_shape.child("Observation", "value", &type, &repeats, &kind));
    ck_assert(!r4_xml_shape.child("Patient", "nickname", &type, &repeats, &kind));
    ck_assert(!r4_xml_shape.child("Nobody", "name", &type, &repeats, &kind));
}
END_TEST

/* Runs the tests; returns failure when one fails. */
int main(void) {
    r4_setup();
    Suite *suite = suite_create("r4");
    TCase *tests = tcase_create("tables");
    tcase_add_test(tests, types_are_found_by_name_with_their_kind);
    tcase_add_test(tests, types_derive_from_their_bases);
    tcase_add_test(tests, elements_carry_cardinality_type_and_codes);
    tcase_add_test(tests, choice_elements_are_found_in_both_forms);
    tcase_add_test(tests, member_names_list_choices_in_their_json_form);
    tcase_add_test(tests, the_xml_shape_tells_repetition_and_kind);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
