/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of source-csv against a mock host and sink, with tables and columns files of their own and
 * with the shipped ones. */

#include "plugins/source-csv/build.c"
#include "plugins/source-csv/cells.c"
#include "plugins/source-csv/columns.c"
#include "plugins/source-csv/dates.c"
#include "plugins/source-csv/fields.c"
#include "plugins/source-csv/header.c"
#include "plugins/source-csv/rows.c"
#include "plugins/source-csv/source_csv.c"
#include "plugins/source-csv/values.c"
#include "tests/mock_yaml.h"

#include <check.h>
#include <fcntl.h>

static struct mock_host mock;
static struct mock_records records;
static struct iptfhir_error error;
static struct source_csv instance;
static const char *columns_text; /* what document() gives */
static char folder[64], path[128];

static const struct iptfhir_node *give_document(const char *name,
                                                struct iptfhir_document *lasting) {
    if (columns_text != NULL)
        return mock_read(lasting, columns_text);
    const struct iptfhir_node *document = mock_yaml(name, lasting);
    ck_assert_msg(document != NULL, "%s can't be read", name);
    return document;
}

static void setup(void) {
    strcpy(folder, "/tmp/source_csv_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/table.csv", folder);
    mock_host_open(&mock);
    mock.document = give_document;
    mock_records_open(&records);
    error = (struct iptfhir_error) { .size = sizeof error };
    columns_text = NULL;
}

static void teardown(void) {
    char command[96];
    iptfhir_plugin.fini(&instance);
    mock_records_close(&records);
    mock_host_close(&mock);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Writes the table and makes it old. */
static void put(const char *text, size_t length) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
    fclose(file);
    struct timespec times[2] = { { 1767225600, 0 }, { 1767225600, 0 } }; /* 2026-01-01T00:00:00Z */
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static iptfhir_status compile(const char *columns) {
    iptfhir_plugin.fini(&instance);
    columns_text = columns;
    error = (struct iptfhir_error) { .size = sizeof error };
    instance =
        (struct source_csv) { .path = path, .columns_path = "columns.yaml", .max_row_bytes = 1000 };
    return iptfhir_plugin.init(&instance, &mock.host, &error);
}

static iptfhir_status poll_from(const char *cursor) {
    mock_records_close(&records);
    mock_records_open(&records);
    return iptfhir_plugin.source->poll(&instance, cursor, &records.sink, &error);
}

static void read_table_text(const char *columns, const char *text) {
    ck_assert_msg(compile(columns) == IPTFHIR_OK, "%s: %s", error.where, error.text);
    put(text, strlen(text));
    ck_assert_int_eq(poll_from(NULL), IPTFHIR_OK);
}

static void record_is(size_t n, int64_t line, const char *text) {
    const struct mock_event *e = mock_event(&records, MOCK_RECORD, n);
    const struct mock_event *h = mock_event(&records, MOCK_HOLD, 0);
    ck_assert_msg(e != NULL, "record %zu is missing; held: %s", n, h ? h->text : "nothing");
    ck_assert_str_eq(e->text, text);
    ck_assert_int_eq(e->line, line);
}

static const char *hold_is(size_t n, int64_t line, const char *code) {
    const struct mock_event *e = mock_event(&records, MOCK_HOLD, n);
    ck_assert_msg(e != NULL, "hold %zu is missing", n);
    ck_assert_str_eq(e->code, code);
    ck_assert_int_eq(e->line, line);
    return e->text;
}

#define KEYED "\"record\":{\"key\":[\"id\"]},"

START_TEST(cells_become_values_of_their_types) {
    read_table_text(
        "{\"separator\":\";\",\"decimal\":\",\",\"date_order\":\"dmy\",\"timezone\":\"-05:00\","
        "\"blank\":["
        "\"n/a\"]," KEYED
        "\"set\":{\"v\":\"1.0\",\"n\":7,\"yes\":true,\"id\":{\"column\":\"id\"},\"t\":\"<"
        "{id}/{s}>\",\"s\":{\"column\":\"s\"},"
        "\"i\":{\"column\":\"i\",\"type\":\"integer\"},\"d\":{\"column\":\"d\",\"type\":"
        "\"decimal\"},\"b\":"
        "{\"column\":\"b\",\"type\":\"boolean\"},"
        "\"day\":{\"column\":\"day\",\"type\":\"date\"},\"at\":{\"column\":\"at\",\"type\":"
        "\"datetime\"},"
        "\"noon\":{\"column\":\"day\",\"type\":\"datetime\",\"default_time\":\"12:00\"},"
        "\"c\":{\"column\":\"c\",\"type\":\"code\",\"codes\":{\"1\":\"one\",\"2\":2}},\"x.y[0].z\":"
        "{"
        "\"column\":\"s\"},\"f\":{\"file\":\"modified\"}}}",
        "\xEF\xBB\xBFid;s;i;d;b;day;at;c\r\n"
        "A; \"q ;007;-01,50;1;1/2/2026;03.02.2026 4:05;1\r\n"
        "\r\n"
        "B;\"two\r\nlines; \"\"q\"\" \\\";0;,5;false;29-02-2024;01/01/2026T23:59:58+01:00;2\r\n"
        "C;n/a;;;; ;;");
    record_is(0, 2,
              "{\"v\":\"1.0\",\"n\":7,\"yes\":true,\"id\":\"A\",\"t\":\"<A/"
              "\\\"q>\",\"s\":\"\\\"q\",\"i\":7,\"d\":-1.50,\"b\":true,\"day\":\"2026-02-01\","
              "\"at\":\"2026-02-03T04:05:00-05:00\",\"noon\":\"2026-02-01T12:00:00-05:00\",\"c\":"
              "\"one\",\"x\":{\"y\":["
              "{\"z\":\"\\\"q\"}]},\"f\":\"2026-01-01T00:00:00Z\"}");
    record_is(1, 4,
              "{\"v\":\"1.0\",\"n\":7,\"yes\":true,\"id\":\"B\",\"t\":\"<B/two\\r\\nlines; "
              "\\\"q\\\" "
              "\\\\>\",\"s\":\"two\\r\\nlines; \\\"q\\\" \\\\\","
              "\"i\":0,\"d\":0.5,\"b\":false,\"day\":\"2024-02-29\",\"at\":\"2026-01-01T23:59:58+"
              "01:00\",\"noon\":"
              "\"2024-02-29T12:00:00-05:00\",\"c\":2,"
              "\"x\":{\"y\":[{\"z\":\"two\\r\\nlines; \\\"q\\\" "
              "\\\\\"}]},\"f\":\"2026-01-01T00:00:00Z\"}");
    record_is(
        2, 6,
        "{\"v\":\"1.0\",\"n\":7,\"yes\":true,\"id\":\"C\",\"f\":\"2026-01-01T00:00:00Z\"}"); /* blank
                                                                                                cells
                                                                                                are
                                                                                                absent
                                                                                              */
    ck_assert_uint_eq(records.holds, 0);
}
END_TEST

#define TYPED                                                                                      \
    "{" KEYED "\"timezone\":\"Z\",\"set\":{\"id\":{\"column\":\"id\"},\"i\":{\"column\":\"i\","    \
    "\"type\":\"integer\"},"                                                                       \
    "\"d\":{\"column\":\"d\",\"type\":\"decimal\"},\"b\":{\"column\":\"b\",\"type\":\"boolean\"}," \
    "\"day\":{\"column\":"                                                                         \
    "\"day\",\"type\":\"date\"},"                                                                  \
    "\"at\":{\"column\":\"at\",\"type\":\"datetime\"},\"c\":{\"column\":\"c\",\"type\":\"code\","  \
    "\"codes\":{\"1\":"                                                                            \
    "\"one\"}},\"s\":{\"column\":\"s\"},"                                                          \
    "\"w\":{\"date_from\":{\"start\":\"2020-01-06\",\"weeks_column\":\"w\",\"first_week\":1}},"    \
    "\"boxes\":{"                                                                                  \
    "\"checkboxes\":\"k\",\"codes\":{\"1\":\"a\",\"2\":\"b\"}}}}"
#define TYPED_HEADER "id,i,d,b,day,at,c,s,w,k___1,k___2\n"

START_TEST(a_bad_cell_holds_its_row_and_is_not_quoted) {
    static const struct {
        const char *row, *code, *column;
    } cases[] = {
        { "7771,7.5,,,,,,,,,", "bad-number", "column i:" },
        { "7771,+777,,,,,,,,,", "bad-number", "column i:" },
        { "7771,-,,,,,,,,,", "bad-number", "column i:" },
        { "7771,77 7,,,,,,,,,", "bad-number", "column i:" },
        { "7771,,777.,,,,,,,,", "bad-number", "column d:" },
        { "7771,,\"7,77\",,,,,,,,", "bad-number", "column d:" },
        { "7771,,7e7,,,,,,,,", "bad-number", "column d:" },
        { "7771,,,777,,,,,,,", "bad-boolean", "column b:" },
        { "7771,,,,2026-02-30,,,,,,", "bad-date", "column day:" },
        { "7771,,,,07/07/2077,,,,,,", "bad-date", "column day:" },
        { "7771,,,,2026-7-7,,,,,,", "bad-date", "column day:" },
        { "7771,,,,2026-07-07 10:00,,,,,,", "bad-date", "column day:" },
        { "7771,,,,,2026-07-07,,,,,", "bad-date", "column at:" },
        { "7771,,,,,2026-07-07 25:00,,,,,", "bad-date", "column at:" },
        { "7771,,,,,2026-07-07 10:00 PM,,,,,", "bad-date", "column at:" },
        { "7771,,,,,,777,,,,", "unknown-code", "column c:" },
        { "7771,,,,,,,\xFF"
          "777,,,",
          "not-utf8", "column s:" },
        { "7771,,,,,,,\xED\xA0\x80,,,", "not-utf8", "column s:" },
        { "7771,,,,,,,,7x7,,", "bad-number", "column w:" },
        { "7771,,,,,,,,,777,", "bad-checkbox", "column k___1:" },
        { ",,,,,,,,,,", "no-key", "column id:" },
        { "7771,,", "cell-count", "3 cells" },
        { "7771,,,,,,,,,,,", "cell-count", "12 cells" },
        { "7771,,,,,,,\"777\"7,,,", "bad-quotes", "quote" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char table[400];
        snprintf(table, sizeof table,
                 TYPED_HEADER
                 "A,1,0.10,1,2026-01-02,2026-01-02T03:04:05Z,1,x,1,0,1\n%s\nB,,,,,,,,3,1,Checked\n",
                 cases[i].row);
        read_table_text(TYPED, table);
        ck_assert_msg(records.records == 2 && records.holds == 1, "%s: %zu records, %zu holds",
                      cases[i].row, records.records, records.holds);
        const char *why = hold_is(0, 3, cases[i].code);
        ck_assert_msg(strstr(why, cases[i].column) != NULL, "%s", why);
        ck_assert_msg(strstr(why, "77") == NULL, "quoted: %s", why);
        record_is(0, 2,
                  "{\"id\":\"A\",\"i\":1,\"d\":0.10,\"b\":true,\"day\":\"2026-01-02\",\"at\":"
                  "\"2026-01-02T03:04:05Z\","
                  "\"c\":\"one\",\"s\":\"x\","
                  "\"w\":\"2020-01-06\",\"boxes\":[\"b\"]}");
        record_is(1, 4, "{\"id\":\"B\",\"w\":\"2020-01-20\",\"boxes\":[\"a\",\"b\"]}");
    }
}
END_TEST

#define TWO "{" KEYED "\"set\":{\"id\":{\"column\":\"id\"},\"s\":{\"column\":\"s\"}}}"

START_TEST(a_quote_that_never_closes_holds_one_row) {
    read_table_text(TWO, "id,s\nA,\"open\nB,b\nC,c\n");
    ck_assert_uint_eq(records.records, 2);
    hold_is(0, 2, "bad-quotes");
    record_is(0, 3, "{\"id\":\"B\",\"s\":\"b\"}");
    record_is(1, 4, "{\"id\":\"C\",\"s\":\"c\"}");
}
END_TEST

START_TEST(a_row_that_is_too_large_is_held_and_the_rest_goes_on) {
    char text[4000] = "id,s\nA,";
    size_t n = strlen(text);
    memset(text + n, 'x', 3000);
    strcpy(text + n + 3000, "\nB,b\n");
    read_table_text(TWO, text);
    hold_is(0, 2, "row-too-large");
    record_is(0, 3, "{\"id\":\"B\",\"s\":\"b\"}");
}
END_TEST

START_TEST(many_rows_pass_through_one_buffer) {
    struct iptfhir_text all = { 0 };
    iptfhir_text_add(&all, "id,s\n", 5);
    for (int i = 0; i < 60000; i++) {
        char row[64];
        int n = snprintf(row, sizeof row, "%d,\"line\n\"\"%d\"\"\"\n", i, i);
        iptfhir_text_add(&all, row, (size_t)n);
    }
    ck_assert_int_eq(compile(TWO), IPTFHIR_OK);
    put(all.data, all.length);
    ck_assert_int_eq(poll_from(NULL), IPTFHIR_OK);
    ck_assert_uint_eq(records.records, 60000);
    ck_assert_uint_eq(records.holds, 0);
    record_is(59999, 2 + 2 * 59999, "{\"id\":\"59999\",\"s\":\"line\\n\\\"59999\\\"\"}");
    ck_assert_uint_eq(records.done, all.length);
    ck_assert_uint_gt(records.cursors, 50);
    iptfhir_text_free(&all);
}
END_TEST

START_TEST(rows_of_one_key_make_one_record) {
    const char columns[] =
        "{\"record\":{\"key\":[\"a\",\"b\"]},\"set\":{\"k\":\"{a}-{b}\",\"s\":{\"column\":\"s\"},"
        "\"first\":{\"column\":"
        "\"x\",\"take\":\"first\"},"
        "\"last\":{\"column\":\"x\",\"take\":\"last\"}},\"each\":[{\"list\":\"l\",\"when\":{"
        "\"filled\":[\"x\"]},"
        "\"set\":{\"id\":\"L{x}\",\"deep.x\":{\"column\":\"x\",\"type\":\"integer\"}}}]}";
    read_table_text(columns, "a,b,s,x\n1,1,,1\n1,1,s,2\n1,1,,\n1,2,,3\n1,1,,4\n1,1,,5\n2,1,,6\n");
    record_is(0, 2,
              "{\"k\":\"1-1\",\"s\":\"s\",\"first\":\"1\",\"last\":\"2\",\"l\":[{\"id\":\"L1\","
              "\"deep\":{\"x\":1}},{"
              "\"id\":\"L2\",\"deep\":{\"x\":2}}]}");
    record_is(1, 5,
              "{\"k\":\"1-2\",\"first\":\"3\",\"last\":\"3\",\"l\":[{\"id\":\"L3\",\"deep\":{\"x\":"
              "3}}]}");
    record_is(2, 8,
              "{\"k\":\"2-1\",\"first\":\"6\",\"last\":\"6\",\"l\":[{\"id\":\"L6\",\"deep\":{\"x\":"
              "6}}]}");
    ck_assert_uint_eq(records.holds, 2); /* the key 1-1 came back: both rows are told */
    ck_assert_ptr_nonnull(strstr(hold_is(0, 6, "key-returned"), "sort the file"));
    hold_is(1, 7, "key-returned");
    read_table_text(columns, "a,b,s,x\n1,1,s,1\n1,1,other,2\n1,1,s,1\n1,1,s,no\n1,1,,9\n");
    record_is(0, 2,
              "{\"k\":\"1-1\",\"s\":\"s\",\"first\":\"1\",\"last\":\"9\",\"l\":[{\"id\":\"L1\","
              "\"deep\":{\"x\":1}},{"
              "\"id\":\"L9\",\"deep\":{\"x\":9}}]}");
    hold_is(0, 3, "rows-differ");
    hold_is(1, 4, "id-twice");
    hold_is(2, 5, "bad-number"); /* and nothing of that row got into the record */
}
END_TEST

START_TEST(a_list_element_without_any_cell_is_left_out) {
    read_table_text("{" KEYED
                    "\"set\":{\"id\":{\"column\":\"id\"},\"l[0].system\":\"const\",\"l[0].value\":{"
                    "\"column\":\"s\"},\"m[0].only\":\"const\"}}",
                    "id,s\nA,\nB,b\n");
    record_is(0, 2, "{\"id\":\"A\",\"m\":[{\"only\":\"const\"}]}");
    record_is(1, 3,
              "{\"id\":\"B\",\"l\":[{\"system\":\"const\",\"value\":\"b\"}],\"m\":[{\"only\":"
              "\"const\"}]}");
}
END_TEST

START_TEST(every_column_must_be_accounted_for) {
    const char columns[] =
        "{" KEYED "\"set\":{\"id\":{\"column\":\"id\"},\"s\":{\"column\":\"s\"}},\"ignore\":["
        "\"skip\"],\"restricted\":[\"secret\"]}";
    read_table_text(columns, "secret,id,skip,s\nRESTRICTED,A,SKIPPED,a\n");
    record_is(0, 2, "{\"id\":\"A\",\"s\":\"a\"}");
    read_table_text(columns, "id,s,extra,id\nA,a,x,y\n");
    ck_assert_uint_eq(records.records, 0);
    const char *why = hold_is(0, 1, "columns");
    ck_assert_ptr_nonnull(strstr(why, "column 3 (extra) is neither read nor listed"));
    ck_assert_ptr_nonnull(strstr(why, "column 4 (id) has the name of column 1"));
    ck_assert_str_eq(mock_event(&records, MOCK_CURSOR, 0)->text +
                         strcspn(mock_event(&records, MOCK_CURSOR, 0)->text, "\n"),
                     "\n"); /* read again */
    read_table_text(columns, "id,skip\nA,x\n");
    ck_assert_ptr_nonnull(strstr(hold_is(0, 1, "columns"), "the column s is missing"));
    read_table_text(columns, "Smith,1980-01-01\nJones,1981-01-01\n");
    why = hold_is(0, 1, "columns");
    ck_assert_ptr_null(strstr(why, "Smith"));
    ck_assert_ptr_nonnull(strstr(why, "is the first row a header"));
}
END_TEST

START_TEST(files_that_are_no_csv_are_held_whole) {
    ck_assert_int_eq(compile(TWO), IPTFHIR_OK);
    put("\xFF\xFEi\0d\0,\0s\0\n\0", 12);
    ck_assert_int_eq(poll_from(NULL), IPTFHIR_OK);
    hold_is(0, 1, "not-utf8");
    put("", 0);
    ck_assert_int_eq(poll_from(NULL), IPTFHIR_OK);
    hold_is(0, 1, "no-header");
    ck_assert_uint_eq(records.records, 0);
}
END_TEST

#define REDCAP                                                                                     \
    "{\"redcap\":true,\"timezone\":\"-05:00\",\"record\":{\"key\":[\"rid\"]},\"ignore_"            \
    "instruments\":[\"session\"],"                                                                 \
    "\"ignore\":[\"redcap_data_access_group\"],"                                                   \
    "\"set\":{\"id\":{\"column\":\"rid\"},\"areas\":{\"checkboxes\":\"area\",\"as\":\"code\","     \
    "\"codes\":{\"1\":"                                                                            \
    "\"grief\",\"2\":\"role-dispute\"}}},"                                                         \
    "\"each\":[{\"list\":\"measures\",\"when\":{\"events\":[\"base\",\"w4\"],\"any_filled\":["     \
    "\"q1\",\"q2\"],"                                                                              \
    "\"status\":{\"q_complete\":[\"2\"]}},"                                                        \
    "\"set\":{\"id\":\"M-{redcap_event_name}\",\"week\":{\"column\":\"redcap_event_name\","        \
    "\"type\":\"code\","                                                                           \
    "\"codes\":{\"base\":0,\"w4\":4}},"                                                            \
    "\"items.q1\":{\"column\":\"q1\",\"type\":\"integer\"},\"items.q2\":{\"column\":\"q2\","       \
    "\"type\":\"integer\"}}},"                                                                     \
    "{\"list\":\"meds\",\"when\":{\"instrument\":\"med\"},\"set\":{\"id\":\"D-{redcap_repeat_"     \
    "instance}\",\"name\":{"                                                                       \
    "\"column\":\"drug\"}}}]}"
#define REDCAP_HEADER                                                                              \
    "rid,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_"    \
    "group,area___1,area___"                                                                       \
    "2,q1,q2,drug,q_complete\n"

START_TEST(a_redcap_export_is_read_by_event_instrument_and_status) {
    read_table_text(REDCAP, REDCAP_HEADER
                    "1,base,,,dag,0,1,1,,,2\n1,w4,,,dag,,,2,3,,1\n1,base,session,1,dag,,,,,,\n1,"
                    "base,med,1,dag,,,,,A,\n1,base,med,2,dag,,,,,B,\n"
                    "1,w4,other,1,dag,,,,,,\n2,w9,,,dag,1,1,1,1,,2\n");
    record_is(0, 2,
              "{\"id\":\"1\",\"areas\":[{\"code\":\"role-dispute\"}],\"measures\":[{\"id\":\"M-"
              "base\",\"week\":0,"
              "\"items\":{\"q1\":1}}],"
              "\"meds\":[{\"id\":\"D-1\",\"name\":\"A\"},{\"id\":\"D-2\",\"name\":\"B\"}]}");
    record_is(1, 8, "{\"id\":\"2\",\"areas\":[{\"code\":\"grief\"},{\"code\":\"role-dispute\"}]}");
    hold_is(0, 7, "unknown-instrument");
    ck_assert_uint_eq(records.holds, 1);
    ck_assert_ptr_nonnull(strstr(mock.log, "1 list elements left out because of their status"));
    read_table_text("{\"redcap\":true," KEYED "\"set\":{\"id\":{\"column\":\"id\"}}}",
                    "id\nA\n"); /* no events, no repeats: a simple project */
    record_is(0, 2, "{\"id\":\"A\"}");
    read_table_text(
        REDCAP,
        "rid,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_"
        "group,area___1,area___3,q1,q2,drug,q_complete\n");
    const char *why = hold_is(0, 1, "columns");
    ck_assert_ptr_nonnull(strstr(why, "area___2 is missing"));
    ck_assert_ptr_nonnull(strstr(why, "area___3"));
}
END_TEST

START_TEST(every_fault_of_the_columns_file_is_told_with_its_place) {
    static const char wrong[] = "{\"separator\":\"|\",\"date_order\":\"mixed\",\"timezone\":"
                                "\"EST\",\"recrod\":{},\"record\":{\"key\":[]},"
                                "\"decimal\":1,"
                                "\"ignore_instruments\":[\"x\"],\"set\":{\"a.b\":{\"column\":\"x\","
                                "\"type\":\"numbr\"},\"a.b.c\":{\"column\":"
                                "\"x\"},\"a[0]\":{\"column\":\"x\"},\"q..\":\"z\","
                                "\"t\":\"x{open\",\"d\":{\"column\":\"z\",\"type\":\"datetime\"},"
                                "\"e\":{\"column\":\"z\",\"checkboxes\":\"k\"},"
                                "\"f\":{\"column\":\"ig\"},"
                                "\"g\":{\"column\":\"z\",\"type\":\"code\"},\"h\":{\"column\":"
                                "\"z\",\"colour\":\"red\"},\"i\":{\"date_from\":{"
                                "\"start\":\"6.1.2020\"}},\"j\":1.5,"
                                "\"k\":{\"column\":\"z\",\"take\":\"any\"},\"l\":{\"column\":\"z\","
                                "\"default_time\":\"12:00\"}},"
                                "\"each\":[{\"list\":\"m\",\"whem\":{},\"set\":{}},{\"list\":\"n\","
                                "\"when\":{\"events\":[\"x\"]},\"set\":{"
                                "\"id\":\"x\"}}],\"ignore\":[\"ig\",7]}";
    static const char *const places[] = {
        "document:/separator: ",
        "document:/date_order: ",
        "document:/decimal: ",
        "document:/timezone: ",
        "document:/recrod: unknown",
        "document:/record: ",
        "document:/ignore_instruments: ",
        "document:/set/a.b: expected type",
        "document:/set/a.b.c: ",
        "document:/set/a[0]: ",
        "document:/set/q..: ",
        "document:/set/t: ",
        "document:/set/e: expected exactly one",
        "document:/set/f: the column ig",
        "document:/set/g: expected codes",
        "document:/set/h/colour: unknown",
        "document:/set/i: date_from: expected start",
        "document:/set/i: date_from: expected weeks_column",
        "document:/set/j: ",
        "document:/set/k: expected take",
        "document:/set/l: default_time",
        "document:/each/0/whem: unknown",
        "document:/each/0: expected list",
        "document:/each/1/when: events",
        "document:/ignore/1: ",
        NULL,
    };
    ck_assert_int_eq(compile(wrong), IPTFHIR_FATAL);
    for (size_t i = 0; places[i]; i++)
        ck_assert_msg(strstr(mock.log, places[i]) != NULL, "%s is missing in\n%s", places[i],
                      mock.log);
    ck_assert_str_eq(error.code, "columns");
    ck_assert_ptr_nonnull(strstr(error.text, "document:/separator"));
    ck_assert_int_eq(compile("[]"), IPTFHIR_FATAL);
    ck_assert_int_eq(compile("{" KEYED "\"set\":{\"d\":{\"column\":\"z\",\"type\":\"datetime\"}}}"),
                     IPTFHIR_FATAL);
    ck_assert_ptr_nonnull(strstr(error.text, "needs timezone"));
}
END_TEST

START_TEST(unchanged_files_are_skipped_until_the_columns_change) {
    read_table_text(TWO, "id,s\nA,a\n");
    ck_assert_uint_eq(records.records, 1);
    char *cursor = strdup(mock_event(&records, MOCK_CURSOR, 0)->text);
    ck_assert_int_eq(poll_from(cursor), IPTFHIR_OK);
    ck_assert_uint_eq(records.records, 0);
    ck_assert_int_eq(
        compile("{" KEYED "\"set\":{\"id\":{\"column\":\"id\"},\"other\":{\"column\":\"s\"}}}"),
        IPTFHIR_OK);
    ck_assert_int_eq(poll_from(cursor), IPTFHIR_OK);
    ck_assert_uint_eq(records.records, 1);
    free(cursor);
}
END_TEST

START_TEST(a_stopping_service_leaves_the_file_unread_in_the_cursor) {
    struct iptfhir_text all = { 0 };
    iptfhir_text_add(&all, "id,s\n", 5);
    for (int i = 0; i < 2000; i++) {
        char row[32];
        iptfhir_text_add(&all, row, (size_t)snprintf(row, sizeof row, "%d,x\n", i));
    }
    ck_assert_int_eq(compile(TWO), IPTFHIR_OK);
    put(all.data, all.length);
    iptfhir_text_free(&all);
    ck_assert_int_eq(poll_from(NULL), IPTFHIR_OK);
    ck_assert_uint_eq(records.cursors, 2);
    ck_assert_ptr_null(strstr(mock_event(&records, MOCK_CURSOR, 0)->text, "table.csv"));
    ck_assert_ptr_nonnull(strstr(mock_event(&records, MOCK_CURSOR, 1)->text, "table.csv"));
    mock.stop = true;
    ck_assert_int_eq(poll_from(NULL), IPTFHIR_RETRY);
    ck_assert_uint_eq(records.cursors, 0);
}
END_TEST

/* Reads a table with a shipped columns file; the path of the folder comes from make. */
static void read_with_shipped(const char *name, const char *text) {
    const char *top = getenv("top_srcdir");
    char columns[512];
    snprintf(columns, sizeof columns, "%s/mappings/columns/%s", top ? top : ".", name);
    columns_text = NULL;
    instance = (struct source_csv) { .path = path, .columns_path = columns, .max_row_bytes = 4000 };
    ck_assert_msg(iptfhir_plugin.init(&instance, &mock.host, &error) == IPTFHIR_OK, "%s", mock.log);
    put(text, strlen(text));
    ck_assert_int_eq(poll_from(NULL), IPTFHIR_OK);
    ck_assert_msg(records.holds == 0, "%s",
                  records.holds ? mock_event(&records, MOCK_HOLD, 0)->text : "");
    ck_assert_uint_ge(records.records, 1);
}

/* Checks one place of the first record. */
static void first_has(const char *text) {
    const struct mock_event *e = mock_event(&records, MOCK_RECORD, 0);
    (void)mock_read(records.sink.document, e->text);
    ck_assert_msg(strstr(e->text, text) != NULL, "%s is missing in %s", text, e->text);
}

START_TEST(the_shipped_columns_file_reads_a_redcap_project) {
    read_with_shipped("redcap-ipt.yaml",
                      "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,"
                      "redcap_data_access_group,mrn,dob,"
                      "ipt_start,ipt_problem_area___1,"
                      "ipt_problem_area___2,ipt_problem_area___3,ipt_problem_area___4,ipt_format,"
                      "phq9_date,phq9_1,phq9_2,phq9_3,phq9_"
                      "4,phq9_5,phq9_6,phq9_7,phq9_8,"
                      "phq9_9,phq9_diff,phq9_total,phq_9_complete\n"
                      "7,baseline_arm_1,,,north,MRN7,1979-03-04,2026-01-05,1,0,0,1,2,2026-01-05 "
                      "10:30,1,1,,1,1,1,1,1,0,1,,1\n"
                      "7,week_4_arm_1,,,north,,,,,,,,,2026-02-02 10:30,0,0,0,0,0,0,0,0,0,0,0,2\n");
    first_has("\"problemAreas\":[{\"code\":\"grief\"},{\"code\":\"interpersonal-deficits\"}]");
    first_has("\"format\":\"group\"");
    first_has("\"timepointWeek\":0,\"administeredAt\":\"2026-01-05T10:30:00-05:00\"");
    first_has("\"items\":{\"phq9_1\":1,\"phq9_2\":1,\"phq9_4\":1");
}
END_TEST

START_TEST(the_shipped_columns_file_reads_a_clinics_sheet) {
    read_with_shipped(
        "clinic-spreadsheet.yaml",
        "Client ID;Visit date;Session #;Focus;PHQ9 "
        "Q1;Q2;Q3;Q4;Q5;Q6;Q7;Q8;Q9;PHQ9;GAD7;Technique;Support person;Comment\n"
        "P-7;02/03/2026;1;Grief;1;1;1;1;1;1;1;1;1;9;5;x;SECRET NAME;\"SECRET; text\"\n");
    first_has("\"start\":\"2026-03-02\"");
    first_has("{\"id\":\"M-GAD7-S1\",\"instrument\":\"GAD-7\"");
    ck_assert_ptr_null(strstr(mock_event(&records, MOCK_RECORD, 0)->text, "SECRET"));
}
END_TEST

START_TEST(the_shipped_columns_files_read_the_public_tables) {
    read_with_shipped("weekly-phq9.yaml",
                      "Patient_Identifier,Week,DPQ1,DPQ2,DPQ3,DPQ4,DPQ5,DPQ6,DPQ7,DPQ8,DPQ9,DPQ10,"
                      "PHQ9_Score\n5,1,0,1,0,0,1,1,0,0,0,0,3\n5,12,0,0,1,0,0,0,1,1,0,0,3\n");
    ck_assert_uint_eq(records.records, 1);
    first_has("\"administeredAt\":\"2020-03-23T12:00:00Z\"");
    iptfhir_plugin.fini(&instance);
    read_with_shipped(
        "phq9-items-chiu.yaml",
        "\"ObservationID\",\"Item1_num\",\"Item2_num\",\"Item3_num\",\"Item4_num\",\"Item5_num\","
        "\"Item6_"
        "num\",\"Item7_num\",\"Item8_num\","
        "\"Item9_num\",\"SumScore\",\"Item1\",\"Item2\",\"Item3\",\"Item4\",\"Item5\",\"Item6\","
        "\"Item7\",\"Item8\",\"Item9\"\n"
        "9,0,1,2,3,0,0,0,0,0,6,\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"\n");
    first_has("\"total\":6");
}
END_TEST

/* Runs the suite. */
int main(void) {
    Suite *suite = suite_create("source-csv");
    TCase *tests = tcase_create("source-csv");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, cells_become_values_of_their_types);
    tcase_add_test(tests, a_bad_cell_holds_its_row_and_is_not_quoted);
    tcase_add_test(tests, a_quote_that_never_closes_holds_one_row);
    tcase_add_test(tests, a_row_that_is_too_large_is_held_and_the_rest_goes_on);
    tcase_add_test(tests, many_rows_pass_through_one_buffer);
    tcase_add_test(tests, rows_of_one_key_make_one_record);
    tcase_add_test(tests, a_list_element_without_any_cell_is_left_out);
    tcase_add_test(tests, every_column_must_be_accounted_for);
    tcase_add_test(tests, files_that_are_no_csv_are_held_whole);
    tcase_add_test(tests, a_redcap_export_is_read_by_event_instrument_and_status);
    tcase_add_test(tests, every_fault_of_the_columns_file_is_told_with_its_place);
    tcase_add_test(tests, unchanged_files_are_skipped_until_the_columns_change);
    tcase_add_test(tests, a_stopping_service_leaves_the_file_unread_in_the_cursor);
    tcase_add_test(tests, the_shipped_columns_file_reads_a_redcap_project);
    tcase_add_test(tests, the_shipped_columns_file_reads_a_clinics_sheet);
    tcase_add_test(tests, the_shipped_columns_files_read_the_public_tables);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
