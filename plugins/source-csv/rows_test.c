/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and dates by themselves: cells however the bytes arrive, and every form of a date. */
#include "dates.c"
#include "rows.c"

#include <check.h>
#include <stdio.h>

/* A text that stands in a pipe, as a source reads it. */
static struct rows rows_of(const char *text, size_t max_bytes) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    close(ends[1]);
    return (struct rows) { .fd = ends[0], .separator = ',', .max_bytes = max_bytes };
}

/* All rows as one text: cells in brackets, rows with their lines; what can't be read by its kind.
 */
static const char *read_all(const char *text, size_t max_bytes) {
    static char out[1024];
    struct rows r = rows_of(text, max_bytes);
    enum rows_answer answer;
    size_t used = 0;
    out[0] = '\0';
    while ((answer = rows_next(&r)) != ROWS_END) {
        used += (size_t)snprintf(out + used, sizeof out - used, "%d:", (int)r.line);
        if (answer == ROWS_BAD_QUOTES)
            used += (size_t)snprintf(out + used, sizeof out - used, "bad ");
        if (answer == ROWS_TOO_LARGE)
            used += (size_t)snprintf(out + used, sizeof out - used, "long ");
        for (size_t i = 0; answer == ROWS_ROW && i < r.count; i++)
            used += (size_t)snprintf(out + used, sizeof out - used, "[%.*s]",
                                     (int)r.cells[i].length, r.cells[i].text);
    }
    rows_free(&r);
    close(r.fd);
    return out;
}

static const struct {
    const char *text, *rows;
} tables[] = {
    { "", "" },
    { "a,b\nc,d\n", "1:[a][b]2:[c][d]" },
    { "a,b\r\nc,d", "1:[a][b]2:[c][d]" },
    { "a\r", "1:[a]" },
    { "a\rb,c\n", "1:[a\rb][c]" },
    { ",\n", "1:[][]" },
    { "\"a\",\"\"\r\n", "1:[a][]" },
    { "\"a\"\r", "1:[a]" },
    { "\"x, \"\"y\"\"\nz\",w\nq\n", "1:[x, \"y\"\nz][w]3:[q]" },
    { "\"a\"b,c\nd\n", "1:bad 2:[d]" },
    { "\"a\"\rb\nd\n", "1:bad 2:[d]" },
    { "\"a\"\r,b\nd\n", "1:bad 2:[d]" },
    { "\"never\nclosed\n", "1:bad 2:[closed]" },
    { "\xEF\xBB\xBF"
      "a\n",
      "1:[a]" },
    { "0123456789,0123456789\nb\n", "1:long 2:[b]" },
};

START_TEST(cells_are_read_as_rfc_4180_has_them) {
    ck_assert_str_eq(read_all(tables[_i].text, 20), tables[_i].rows);
}
END_TEST

static const struct {
    const char *text;
    enum date_order order;
    const char *date; /* NULL: it is none */
    const char *time; /* with its offset; "" : none */
} dates[] = {
    { "2026-02-28", ORDER_NONE, "2026-02-28", "" },
    { "2026-2-28", ORDER_NONE, NULL, "" },
    { "2026/02/28", ORDER_NONE, NULL, "" },
    { "2026-02-29", ORDER_NONE, NULL, "" },
    { "26-02-28", ORDER_NONE, NULL, "" },
    { "2026-02-280", ORDER_NONE, NULL, "" },
    { "2026/2/8", ORDER_YMD, "2026-02-08", "" },
    { "2026-2-8", ORDER_YMD, NULL, "" },
    { "8.2.2026", ORDER_DMY, "2026-02-08", "" },
    { "8.2/2026", ORDER_DMY, NULL, "" },
    { "2-8-2026", ORDER_MDY, "2026-02-08", "" },
    { "13/1/2026", ORDER_MDY, NULL, "" },
    { "8.2.26", ORDER_DMY, NULL, "" },
    { "2026-02-28T9:05", ORDER_NONE, "2026-02-28", "09:05:00" },
    { "2026-02-28 23:59:58Z", ORDER_NONE, "2026-02-28", "23:59:58Z" },
    { "2026-02-28 00:00:00+14:00", ORDER_NONE, "2026-02-28", "00:00:00+14:00" },
    { "2026-02-28 00:00+14:30", ORDER_NONE, NULL, "" },
    { "2026-02-28 00:00-05", ORDER_NONE, NULL, "" },
    { "2026-02-28 24:00", ORDER_NONE, NULL, "" },
    { "2026-02-28  9:05", ORDER_NONE, NULL, "" },
    { "2026-02-28T", ORDER_NONE, NULL, "" },
    { "2026-02-28T09:05 ", ORDER_NONE, NULL, "" },
    { "", ORDER_DMY, NULL, "" },
    { "1799-01-01", ORDER_NONE, NULL, "" },
};

START_TEST(dates_are_read_in_their_declared_order_only) {
    struct moment m;
    char date[11];
    char time[32] = "";
    bool read = dates_read(dates[_i].text, strlen(dates[_i].text), dates[_i].order, &m);
    ck_assert_int_eq(read, dates[_i].date != NULL);
    if (!read)
        return;
    iptfhir_date_format(m.day, date);
    ck_assert_str_eq(date, dates[_i].date);
    if (m.has_time)
        snprintf(time, sizeof time, "%02d:%02d:%02d%s", m.hour, m.minute, m.second, m.offset);
    ck_assert_str_eq(time, dates[_i].time);
}
END_TEST

START_TEST(a_time_of_day_is_minutes) {
    ck_assert_int_eq(dates_minutes("12:30"), 750);
    ck_assert_int_eq(dates_minutes("9:30"), -1);
    ck_assert_int_eq(dates_minutes("24:00"), -1);
    ck_assert_int_eq(dates_minutes("12:30 "), -1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rows and dates");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, cells_are_read_as_rfc_4180_has_them, 0, sizeof tables / sizeof *tables);
    tcase_add_loop_test(c, dates_are_read_in_their_declared_order_only, 0,
                        sizeof dates / sizeof *dates);
    tcase_add_test(c, a_time_of_day_is_minutes);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
