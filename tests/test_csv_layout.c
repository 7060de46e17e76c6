/* SPDX-License-Identifier: MIT */
/* How the layout of a CSV file is found: its first records, separator, comments and header. */
#include <criterion/criterion.h>

#include "host/base/text.h"
#include "host/data/csv_sample.h"
#include "tests/support/data.h"

/* ---- The first records ----------------------------------------------------------------------- */

typedef struct {
    ls_stream *stream;
    ls_csv_reader reader;
} opened;

static opened *open_text(const char *text, size_t window)
{
    static opened o;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(ls_stream_of("text", text, strlen(text), &o.stream, &err), LS_OK);
    cr_assert_eq(ls_csv_open(&o.reader, "text", o.stream, window, &err), LS_OK, "%s", err.message);
    return &o;
}

static void close_text(opened *o)
{
    ls_csv_close(&o->reader);
    ls_stream_close(o->stream);
}

static ls_csv_sample sample_of(const char *text, char separator)
{
    ls_csv_sample sample;
    ls_error err = {LS_OK, ""};
    opened *o = open_text(text, 0);
    cr_assert_eq(ls_csv_sample_take(&o->reader, separator, &sample, &err), LS_OK, "%s",
                 err.message);
    close_text(o);
    return sample;
}

static const char *field_of(const ls_csv_sample *sample, size_t row, size_t column)
{
    const ls_csv_field *field = ls_csv_sample_field(sample, row, column);
    return field ? field->text : "(none)";
}

Test(csv_layout, sample_holds_the_first_records_and_outlives_the_reader)
{
    ls_csv_sample s = sample_of("#c\n\na,\" b \"\"q\"\"\nx\",c\n\n1, 2 ,3\n4\n", ',');
    cr_assert_eq(s.rows, 3);
    cr_expect_eq(s.columns, 3);
    cr_expect_not(s.equal);
    cr_expect(s.complete && !s.broken);
    cr_expect_str_eq(field_of(&s, 0, 1), " b \"q\"\nx");
    cr_expect(ls_csv_sample_field(&s, 0, 1)->quoted);
    cr_expect_str_eq(field_of(&s, 1, 1), "2");
    cr_expect_not(ls_csv_sample_field(&s, 1, 1)->quoted);
    cr_expect_str_eq(field_of(&s, 2, 0), "4");
    cr_expect_null(ls_csv_sample_field(&s, 2, 1));
    cr_expect(s.line[0] == 3 && s.line[1] == 6 && s.line[2] == 7);
    cr_expect_eq(s.comment_fields, 0); /* a blank line is between */
    ls_csv_sample_free(&s);

    s = sample_of("# a; \"b\";c\r\n1;2;3\r\n", ';');
    cr_assert_eq(s.comment_fields, 3);
    cr_expect_eq(s.comment_line, 1);
    cr_expect_str_eq(s.comment[0].text, "a");
    cr_expect_str_eq(s.comment[1].text, "b");
    cr_expect_eq(s.line[0], 2);
    ls_csv_sample_free(&s);

    s = sample_of("1,2\n3,\"4\n", ',');
    cr_expect(s.rows == 1 && s.broken && !s.complete);
    ls_csv_sample_free(&s);
}

Test(csv_layout, sample_reads_nothing_and_ends_after_1000_records_or_a_megabyte)
{
    ls_text text = {0};
    for (int i = 0; i < 1200; i++) ls_text_add(&text, "%d,%d\n", i, i);
    for (size_t window = 1; window < 4; window++) {
        bool found;
        ls_csv_sample s;
        opened *o = open_text(text.text, window);
        for (int times = 0; times < 2; times++) {
            cr_assert_eq(ls_csv_sample_take(&o->reader, ',', &s, NULL), LS_OK);
            cr_expect(s.rows == 1000 && s.equal && !s.complete && !s.broken);
            cr_expect_str_eq(field_of(&s, 999, 1), "999");
            ls_csv_sample_free(&s);
        }
        cr_assert_eq(ls_csv_next(&o->reader, &found, NULL), LS_OK);
        cr_expect(found && !strcmp(o->reader.fields[1].text, "0"));
        close_text(o);
    }
    free(text.text);

    text = (ls_text){0};
    for (int i = 0; i < 5; i++) ls_text_add(&text, "%0300000d,%d\n", i, i);
    ls_csv_sample s = sample_of(text.text, ',');
    cr_expect(s.rows == 3 && !s.complete && !s.broken, "%zu rows", s.rows);
    ls_csv_sample_free(&s);
    free(text.text);
}
