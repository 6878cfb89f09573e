/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the FHIR XML reader, over a small shape of its own. */
#include "core/tree/xml.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct str out;
static struct iptfhir_error error;

static void teardown(void) {
    arena_free(&arena);
    str_free(&out);
}

/* A few elements of Patient, with every kind of child. */
static bool child(const char *type, const char *name, const char **child_type, bool *repeats,
                  enum tree_kind *kind) {
    static const struct {
        const char *type, *name, *child;
        bool repeats;
        enum tree_kind kind;
    } rows[] = {
        { "Patient", "id", "id", false, TREE_STRING },
        { "Patient", "active", "boolean", false, TREE_BOOLEAN },
        { "Patient", "multipleBirthInteger", "integer", false, TREE_NUMBER },
        { "Patient", "name", "HumanName", true, TREE_OBJECT },
        { "HumanName", "given", "string", true, TREE_STRING },
        { "HumanName", "family", "string", false, TREE_STRING },
        { "string", "extension", "Extension", true, TREE_OBJECT },
        { "Extension", "valueCode", "code", false, TREE_STRING },
        { "Patient", "contained", "Resource", true, TREE_OBJECT },
        { "Patient", "text", "Narrative", false, TREE_OBJECT },
        { "Narrative", "div", "xhtml", false, TREE_STRING },
        { "Organization", "id", "id", false, TREE_STRING },
        { "Patient", "extension", "Extension", true, TREE_OBJECT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].type, type) == 0 && strcmp(rows[i].name, name) == 0) {
            *child_type = rows[i].child;
            *repeats = rows[i].repeats;
            *kind = rows[i].kind;
            return true;
        }
    return false;
}

static struct tree *read_xml(const char *text) {
    static const struct xml_shape shape = { .child = child };
    error = (struct iptfhir_error)ERROR_INIT;
    return xml_read_resource(&arena, text, strlen(text), "p.xml", &shape, &error);
}

#define PATIENT(inner) "<Patient xmlns=\"http://hl7.org/fhir\">" inner "</Patient>"

static void reads_as(const char *xml, const char *json) {
    struct tree *node = read_xml(xml);
    ck_assert_msg(node != NULL, "%s: %s %s", xml, error.where, error.text);
    str_clear(&out);
    json_write(&out, node, JSON_COMPACT);
    ck_assert_str_eq(out.data, json);
}

START_TEST(a_resource_takes_the_shape_of_fhir_json) {
    reads_as(
        PATIENT("<id value=\"p\"/><active value=\"true\"/><multipleBirthInteger value=\"2\"/>"
                "<name><family value=\"&#233; &amp; &lt;\"/><given value=\"A\"/><given "
                "value=\"B\"/></name>"),
        "{\"resourceType\":\"Patient\",\"id\":\"p\",\"active\":true,\"multipleBirthInteger\":2,"
        "\"name\":[{\"family\":\"\xC3\xA9 & <\",\"given\":[\"A\",\"B\"]}]}");
    reads_as(PATIENT("<contained><Organization><id value=\"o\"/></Organization></contained>"),
             "{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Organization\","
             "\"id\":\"o\"}]}");
    reads_as(PATIENT("<extension url=\"http://u\"><valueCode value=\"c\"/></extension>"),
             "{\"resourceType\":\"Patient\",\"extension\":[{\"url\":\"http://"
             "u\",\"valueCode\":\"c\"}]}");
}
END_TEST

START_TEST(ids_and_extensions_of_primitives_go_beside_them) {
    const char ext[] = PATIENT("<name><given value=\"A\"/><given id=\"g\"><extension "
                               "url=\"u\"><valueCode value=\"x\"/></extension>"
                               "</given><given value=\"C\"/></name>");
    reads_as(ext, "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"A\",null,\"C\"],"
                  "\"_given\":[null,{\"id\":\"g\",\"extension\":[{\"url\":\"u\",\"valueCode\":"
                  "\"x\"}]},null]}]}");
    reads_as(
        PATIENT("<name><family id=\"f\" value=\"X\"/></name>"),
        "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"X\",\"_family\":{\"id\":\"f\"}}]}");
    reads_as(PATIENT("<name><given id=\"g\"/></name>"),
             "{\"resourceType\":\"Patient\",\"name\":[{\"_given\":[{\"id\":\"g\"}]}]}");
}
END_TEST

START_TEST(narrative_stays_text) {
    struct tree *node = read_xml(
        PATIENT("<text><div xmlns=\"http://www.w3.org/1999/xhtml\">a <b>b</b></div></text>"));
    ck_assert_ptr_nonnull(node);
    ck_assert_str_eq(tree_text(tree_get(node, "text"), "div"),
                     "<div xmlns=\"http://www.w3.org/1999/xhtml\">a <b>b</b></div>");
}
END_TEST

START_TEST(what_is_not_fhir_is_refused_with_its_line) {
    static const struct {
        const char *text, *where;
    } cases[] = {
        { "<Patient>", "p.xml:1" },
        { "", "p.xml:1" },
        { "<Patient/>", "p.xml:1" },
        { PATIENT("\n<unknown value=\"1\"/>"), "p.xml:2" },
        { PATIENT("<active value=\"yes\"/>"), "p.xml:1" },
        { PATIENT("<multipleBirthInteger value=\"01\"/>"), "p.xml:1" },
        { PATIENT("<multipleBirthInteger value=\"1.\"/>"), "p.xml:1" },
        { PATIENT("\n\n<active value=\"\"/>"), "p.xml:3" },
        { PATIENT("<active/>"), "p.xml:1" },
        { PATIENT("text"), "p.xml:1" },
        { PATIENT("<active value=\"true\"/><active value=\"true\"/>"), "p.xml:1" },
        { PATIENT("<active value=\"true\" other=\"x\"/>"), "p.xml:1" },
        { PATIENT("<contained/>"), "p.xml:1" },
        { PATIENT("<text><div>x</div></text>"), "p.xml:1" },
        { PATIENT("<x:active xmlns:x=\"urn:x\" value=\"true\"/>"), "p.xml:1" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(read_xml(cases[i].text) == NULL, "accepted: %s", cases[i].text);
        ck_assert_msg(strcmp(error.where, cases[i].where) == 0, "%s: %s", cases[i].text,
                      error.where);
        ck_assert_str_eq(error.code, "xml-invalid");
    }
}
END_TEST

START_TEST(a_document_type_declaration_is_refused_before_anything_expands) {
    ck_assert_ptr_null(
        read_xml("<!DOCTYPE Patient [<!ENTITY a SYSTEM \"file:///etc/hostname\">]>" PATIENT(
            "<id value=\"&a;\"/>")));
    ck_assert_ptr_nonnull(strstr(error.text, "document type declaration"));
}
END_TEST

/* Runs the suite. */
int main(void) {
    Suite *suite = suite_create("xml");
    TCase *tests = tcase_create("xml");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, a_resource_takes_the_shape_of_fhir_json);
    tcase_add_test(tests, ids_and_extensions_of_primitives_go_beside_them);
    tcase_add_test(tests, narrative_stays_text);
    tcase_add_test(tests, what_is_not_fhir_is_refused_with_its_line);
    tcase_add_test(tests, a_document_type_declaration_is_refused_before_anything_expands);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
