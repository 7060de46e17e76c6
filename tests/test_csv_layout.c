/* SPDX-License-Identifier: MIT */
/* How the layout of a CSV file is found: its first records, separator, comments and header. */
#include <criterion/criterion.h>

#include "host/base/text.h"
#include "host/data/csv_layout.h"
#include "host/data/csv_separator.h"
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
    cr_assert_eq(ls_csv_open(&o.reader, "text", o.stream, window, 0, &err), LS_OK, "%s",
                 err.message);
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

/* ---- Separators ------------------------------------------------------------------------------ */

/* A layout in one line: separator, columns, names or "-", number of rows in the sample; and notes.
 */
static ls_status layout_of(const char *text, const ls_read_request *request, size_t window,
                           char line[1024], ls_error *err)
{
    static const ls_read_request none;
    ls_csv_layout layout;
    ls_text out = {0};
    opened *o = open_text(text, window);
    ls_status status = ls_csv_find_layout(&o->reader, request ? request : &none, &layout, err);
    if (status == LS_OK) {
        ls_text_add(&out, "%s %zu ", ls_csv_separator_name(layout.separator).text, layout.columns);
        for (size_t j = 0; layout.name && j < layout.columns; j++)
            ls_text_add(&out, "%s%s", j ? "," : "", layout.name[j]);
        ls_text_add(&out, "%s %zu", layout.name ? "" : "-", layout.sample.rows - layout.rows_from);
        for (size_t i = 0; i < layout.notes; i++) ls_text_add(&out, "; %s", layout.note[i]);
        snprintf(line, 1024, "%s", out.text);
    }
    free(out.text);
    ls_csv_layout_free(&layout);
    close_text(o);
    return status;
}

typedef struct {
    const char *text, *line;
} layout_case;

static void expect_layouts(const layout_case *cases, size_t count, const ls_read_request *request)
{
    for (size_t k = 0; k < count; k++)
        for (size_t window = 0; window < 3; window++) {
            char line[1024] = "";
            ls_error err = {LS_OK, ""};
            cr_expect_eq(layout_of(cases[k].text, request, window, line, &err), LS_OK, "\"%s\": %s",
                         cases[k].text, err.message);
            cr_expect_str_eq(line, cases[k].line, "\"%s\" gives \"%s\"", cases[k].text, line);
        }
}

Test(csv_layout, separator_is_the_one_of_equal_counts)
{
    static const layout_case cases[] = {
        {"a,b,k\n1,2,u\n3,4,v\n", "commas 3 a,b,k 2"},
        {"a;b;k\n1,5;2,5;u\n3,5;4,5;v\n", "semicolons 3 a,b,k 2"},
        {"1,5;2,5;0\n3,5;4,5;1\n", "semicolons 3 - 2"},
        {"a\tb\tk\n1,5\t2\tu\n3\t4,5\tv\n", "tabs 3 a,b,k 2"},
        {"a|b|k\n1|2|u\n3|4|v\n", "| 3 a,b,k 2"},
        {"a b k\n1 2 u\n3 4 v\n", "white space 3 a,b,k 2"},
        {"  a\t\tb  k \n 1   2 u\n3 4\tv\t\n", "white space 3 a,b,k 2"},
        /* UCI auto-mpg and seeds */
        {"18.0   8   307.0      130.0  1\t\"chevrolet chevelle malibu\"\n"
         "25.0   4   98.00      ?      1\t\"ford pinto\"\n",
         "white space 6 - 2"},
        {"15.26\t14.84\t0.871\t5.763\t1\n14.88\t14.57\t\t0.8811\t5.554\t\t1\n",
         "white space 5 - 2"},
        /* an empty cell between two tabs */
        {"a\tb\tk\n1\t\tu\n3\t4\tv\n", "tabs 3 a,b,k 2"},
        {"a\t\tk\n1\t\tu\n3\t\tv\n", "tabs 3 a,,k 2"},
        /* a blank in the same column of each record */
        {"full name\tx\ty\nJohn Smith\t1\tno\nAnn Lee\t1\tyes\n", "tabs 3 full name,x,y 2"},
        {"John Smith\t1\tno\nAnn Lee\t2\tyes\n", "tabs 3 - 2"},
        {"size\tlen 5\"\tkind\n0\" pipe\t0\ta\n1\" pipe\t2\tb\n", "tabs 3 size,len 5\",kind 2"},
        {"\"a \"\"b\"\"\" c\t1\n", "white space 3 - 1"},
        {"1 \t2 \tu\n3 \t4 \tv\n", "tabs 3 - 2"},
        {"ab  cd\t1\nef  gh\t2\n", "white space 3 - 2"},
        {"1 2\tu\n3 4\tv\n",
         "tabs 2 - 2; fields could be separated by tabs or by white space; the former are taken "
         "(--separator decides)"},
        /* blanks within texts */
        {"full name,a,k\nAda King,1,u\nTom Day,2,v\n", "commas 3 full name,a,k 2"},
        {"first name,last name,job title\nJohn A,Smith B,the baker\nJane A,Smyth C,the baker\n",
         "commas 3 first name,last name,job title 2; line 1 (\"first name\", \"last name\", "
         "\"job title\") is taken as the names of the columns; if it is a row, give --header no"},
        {"1 500,2 300,u\n2 500,1 300,v\n", "commas 3 - 2"},
        {"1,5 2,5 u\n2,5 3,5 v\n", "white space 3 - 2"},
        /* quotes */
        {"a;\"b;c\";k\n1;2;u\n3;4;v\n", "semicolons 3 a,b;c,k 2"},
        {"\"a,b\";\"c,d\"\n1;u\n2;v\n", "semicolons 2 a,b,c,d 2"},
        {"a,b\n1,\"x;y\"\n2,\"z;y\"\n", "commas 2 a,b 2"},
        {"diag 3\";w;k\n1;2;u\n3;4;v\n", "semicolons 3 diag 3\",w,k 2"},
        {"3\";2;u\n4\";4;v\n3\";2;u\n", "semicolons 3 - 3"},
        {"size,k\n3\",u\n4\",v\n", "commas 2 size,k 2"},
        /* padding by tabs */
        {"a\t,b\t,k\n1\t,2\t,u\n3\t,4\t,v\n", "commas 3 a,b,k 2"},
        /* a field that is one number in another spelling does not contain a separator */
        {"a;b\n1,234,567;u\n7,654,321;v\n", "semicolons 2 a,b 2"},
        /* two ways */
        {"a,b;c\nd,e;f\na,e;c\n",
         "commas 2 - 3; fields could be separated by commas or by semicolons; the former are "
         "taken (--separator decides); line 1 (\"a\", \"b;c\") is taken as a row; if it names "
         "the columns, give --header yes"},
        /* separators at the ends of the lines */
        {"a,b,k,\n1,2,u,\n3,4,v,\n", "commas 4 a,b,k, 2"},
        /* one record */
        {"1;2;3", "semicolons 3 - 1"},
        {"1 2", "white space 2 - 1"},
        /* line ends */
        {"a;b\r1;u\r2;v\r", "semicolons 2 a,b 2"},
        {"\xef\xbb\xbf\"a\";b\r\n\r\n1;u\r\n2;v", "semicolons 2 a,b 2"},
        /* no-break spaces around fields are blanks */
        {"\xc2\xa0 a\xc2\xa0,b\n1\xc2\xa0,\xc2\xa0\"u\"\xc2\xa0\n\xc2\xa0\n2,v\n",
         "commas 2 a,b 2"},
        {"a\xc2\xa0\xc2\xa0 b\n1\xc2\xa0u\n2 v\n", "white space 2 a,b 2"},
    };
    expect_layouts(cases, COUNT(cases), NULL);
}

Test(csv_layout, separator_that_is_declared)
{
    static const char *const starts[] = {"sep=;",   "SEP=;",     "\"sep=;\"", "\xef\xbb\xbfsep=;",
                                         "sep=;;;", "\"Sep=;\";"};
    for (size_t k = 0; k < COUNT(starts); k++)
        for (size_t e = 0; e < 3; e++) {
            static const char *const ends[] = {"\n", "\r\n", "\r"};
            char text[128], line[1024];
            ls_error err = {LS_OK, ""};
            snprintf(text, sizeof text, "%s%sa;b,c%s1,5;u%s2,5;v%s", starts[k], ends[e], ends[e],
                     ends[e], ends[e]);
            cr_expect_eq(layout_of(text, NULL, 1, line, &err), LS_OK, "%s", err.message);
            cr_expect_str_eq(line, "semicolons 2 a,b,c 2", "\"%s\" gives \"%s\"", text, line);
        }
    static const layout_case cases[] = {
        {"sep=,\na,b\n1,u\n2,v\n", "commas 2 a,b 2"},
        {"sep=\t\na\tb\n1\tu\n2\tv\n", "tabs 2 a,b 2"},
        {"sep=:\na:b\n1:u\n2:v\n", ": 2 a,b 2"},
        {"sep=x,b\n1,u\n2,v\n", "commas 2 sep=x,b 2"},
        {"sepal,b\n1,u\n2,v\n", "commas 2 sepal,b 2"},
    };
    expect_layouts(cases, COUNT(cases), NULL);
    const layout_case asked[] = {{"sep=,\na;b,c\n1;2,u\n", "semicolons 2 a,b,c 1"},
                                 {"a;b,c\n1;2,u\n", "semicolons 2 a,b,c 1"}};
    expect_layouts(asked, COUNT(asked), &(ls_read_request){.separator = ';'});
    const layout_case spaces[] = {{"a,b c\n1,2 u\n", "white space 2 a,b,c 1"}};
    expect_layouts(spaces, COUNT(spaces), &(ls_read_request){.separator = ' '});
}

Test(csv_layout, odd_records_are_reported_and_do_not_change_the_separator)
{
    static const layout_case cases[] = {
        {"a,b,k\n1,2,u\n3,4\n", "line 3: has 2 fields, but line 1 has 3; check its separators"},
        {"a,b,k\n1,2,u\n# note\n3,4,v\n",
         "line 3: has 1 field, but line 1 has 3; it begins with #, but comments stand above"},
        {"My table\na;b;k\n1;2;u\n", "line 2: has 3 fields, but line 1 has 1"},
        {"x y k\n1 0 5 u\n2 1 5 v\n",
         "line 2: has 4 fields, but line 1 has 3; if the first column has no name, begin"},
        /* one comma in each line, but these are records of tabs, of which one lacks a field */
        {"a\tb,c\td\n1\t2,x\t3\n1\t2,x\t3\n1\t2,x\n", "line 4: has 2 fields, but line 1 has 3"},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        char line[1024] = "", start[64];
        ls_error err = {LS_OK, ""};
        cr_expect_eq(layout_of(cases[k].text, NULL, 0, line, &err), LS_ERR_DATA, "\"%s\" gives %s",
                     cases[k].text, line);
        snprintf(start, sizeof start, "text, line");
        expect_message(err.message, start, cases[k].line);
    }
}

Test(csv_layout, long_records_are_read_ahead)
{
    ls_text text = {0};
    ls_text_add(&text, "\"%0700000d,\n%0700000d\";b\n1;u\n", 1, 2);
    for (size_t rows = 0; rows < 2; rows++) {
        ls_csv_layout layout;
        ls_error err = {LS_OK, ""};
        opened *o = open_text(text.text, 0);
        cr_assert_eq(ls_csv_find_layout(&o->reader, &(ls_read_request){0}, &layout, &err), LS_OK,
                     "%s", err.message);
        cr_expect(layout.separator == ';' && layout.columns == 2, "%c, %zu", layout.separator,
                  layout.columns);
        cr_expect_eq(layout.sample.rows, 2 + rows);
        ls_csv_layout_free(&layout);
        close_text(o);
        ls_text_add(&text, "2;v\n");
    }
    free(text.text);
}

/* ---- Headers --------------------------------------------------------------------------------- */

#define IS_ROW(first)                                                                              \
    "; line 1 (" first ") is taken as a row; if it names the columns, give --header yes"
#define IS_HEADER(first)                                                                           \
    "; line 1 (" first ") is taken as the names of the columns; if it is a row, give --header no"

Test(csv_layout, header_is_found_by_the_records_below)
{
    static const layout_case cases[] = {
        /* words above numbers */
        {"name,age,class\nbob,,yes\nal,3,no\ncy,4,yes\n", "commas 3 name,age,class 3"},
        {"a,b\n1,2\n", "commas 2 a,b 1"},
        {"day,n,k\n2024-01-02,1,u\n2024-01-03,2,v\n", "commas 3 day,n,k 2"},
        {"price;k\n$5;u\n$6;v\n", "semicolons 2 price,k 2"},
        {"RI,Na,k\n1.5,13.6,1\n1.6,13.8,2\n", "commas 3 RI,Na,k 2"}, /* no mark */
        {"len,spam\n12,spam\n30,ham\n4,ham\n", "commas 2 - 4"}, /* a text that recurs is none */
        {"\"a\nb\",\"c\"\n1,u\n2,v\n", "commas 2 a\nb,c 2"},
        {"a,a,k\n1,2,u\n3,4,v\n", "commas 3 a,a,k 2"},
        {"a,,k\n1,2,u\n3,4,v\n", "commas 3 a,,k 2"},
        /* one odd field is a mistake in a row */
        {"1.5o,2,3,0\n1,2,3,1\n", "commas 4 - 2"},
        {"1,2,0\n3,4,1\n", "commas 3 - 2"},
        {"1,2,yes\n3,4,no\n5,6,yes\n", "commas 3 - 3"},
        {"1,2,yes\n3,4,no\n5,6,perhaps\n", "commas 3 - 3"},
        /* marks of missing values are no names */
        {"-,a\n1,b\n2,a\n3,b\n", "commas 2 - 4"},
        {"None,None,a\n1,2,b\n2,3,a\n", "commas 3 - 3"},
        {"#N/A,40\n2,30\n", "commas 2 - 2"},
        {"n.a.,x\n1,u\n2,v\n", "commas 2 - 3" IS_ROW("\"n.a.\", \"x\"")},
        {"**,<NA>,u\n1,2,v\n2,3,u\n", "commas 3 - 3"},
        {"a,b,NA,k\n1,2,3,u\n2,3,4,v\n",
         "commas 4 a,b,NA,k 2" IS_HEADER("\"a\", \"b\", \"NA\", ...")},
        /* an index without a name */
        {",a,k\n0,x,u\n1,y,v\n", "commas 3 ,a,k 2"},
        {"\"\",\"a\",\"k\"\n\"1\",\"x\",\"u\"\n\"2\",\"x\",\"v\"\n", "commas 3 ,a,k 2"},
        {",0,1\n0,5,9\n1,7,2\n", "commas 3 ,0,1 2"},
        {",5,a\n0,6,b\n1,9,a\n", "commas 3 - 3"},
        /* numbers for names */
        {"2019,2020,2021,class\n1.5,2.5,3.5,a\n2.5,1.5,0.5,b\n1.0,2.0,3.0,a\n",
         "commas 4 2019,2020,2021,class 3" IS_HEADER("\"2019\", \"2020\", \"2021\", ...")},
        {"0,1,2,3\n1.5,2.5,3.5,0\n2.5,1.5,0.5,1\n9,9,9,1\n",
         "commas 4 0,1,2,3 3" IS_HEADER("\"0\", \"1\", \"2\", ...")},
        {"0,1,2,3\n5,2,3,0\n2,5,6,1\n", "commas 4 0,1,2,3 2" IS_HEADER("\"0\", \"1\", \"2\", ...")},
        {"1,2,3,4\n5,2,3,0\n2,5,6,1\n", "commas 4 - 3" IS_ROW("\"1\", \"2\", \"3\", ...")},
        {"1,2,3,4\n5,2,3,0\n2,3,4,5\n", "commas 4 - 3"}, /* a row below is such a series, too */
        {"0,1,2\nrome,red,a\nparis,blue,b\n", "commas 3 0,1,2 2" IS_HEADER("\"0\", \"1\", \"2\"")},
        {"label,0,1,2\n7,0,255,0\n3,9,0,4\n", "commas 4 label,0,1,2 2"},
        {"0,1,target\n5,6,1\n7,8,0\n",
         "commas 3 0,1,target 2" IS_HEADER("\"0\", \"1\", \"target\"")},
        {"\"1990\",\"1991\",\"c\"\n5,6,a\n7,8,b\n", "commas 3 1990,1991,c 2"},
        {"\"1\",\"2\",\"3\"\n1.5,2.5,0\n2.5,1.5,1\n", "commas 3 1,2,3 2"},
        {"\"1\",\"u\"\n\"2\",\"v\"\n\"3\",\"u\"\n", "commas 2 - 3"},
        /* texts alone */
        {"vhigh,low,unacc\nlow,low,acc\nhigh,med,acc\nlow,high,unacc\n",
         "commas 3 - 4" IS_ROW("\"vhigh\", \"low\", \"unacc\"")},
        {"red,blue,y\nred,green,u\nblue,red,v\nred,blue,v\n",
         "commas 3 - 4" IS_ROW("\"red\", \"blue\", \"y\"")},
        {"x,x,x,o,yes\no,x,o,b,no\no,b,o,x,no\n",
         "commas 5 - 3" IS_ROW("\"x\", \"x\", \"x\", ...")},
        {"city,colour,class\nrome,red,a\nparis,blue,b\nrome,blue,a\nparis,red,b\n",
         "commas 3 city,colour,class 4" IS_HEADER("\"city\", \"colour\", \"class\"")},
        {"city,class\nrome,a\nparis,b\n", "commas 2 city,class 2" IS_HEADER("\"city\", \"class\"")},
        {"p,x,?\ne,b,c\ne,b,d\n", "commas 3 - 3" IS_ROW("\"p\", \"x\", \"?\"")},
        /* one record */
        {"a,b", "commas 2 a,b 0" IS_HEADER("\"a\", \"b\"")},
        {"a,1", "commas 2 - 1"},
        {"a,?", "commas 2 - 1"},
        /* joined files */
        {"a,b,k\n1,x,u\na,b,k\n2,x,v\n3,x,u\n4,y,v\n5,y,u\n6,y,u\n7,y,u\n8,y,u\n9,y,u\n0,y,u\n",
         "commas 3 a,b,k 11"},
    };
    expect_layouts(cases, COUNT(cases), NULL);
}

Test(csv_layout, header_can_be_said)
{
    const layout_case yes[] = {{"1,2\n3,4\n", "commas 2 1,2 1"},
                               {"a,b\n3,4\n", "commas 2 a,b 1"},
                               {"#x,y\na,b\n3,4\n", "commas 2 a,b 1"}};
    const layout_case no[] = {{"a,b\n3,4\n", "commas 2 - 2"},
                              {"a,b\na,c\n", "commas 2 - 2"},
                              {"# 4,y\n3,4\n",
                               "commas 2 - 1; line 1 begins with # and is left out "
                               "as a comment, although it has 2 fields as the records have; if it "
                               "is a record, quote its first field"}};
    expect_layouts(yes, COUNT(yes), &(ls_read_request){.header = LS_HEADER_YES});
    expect_layouts(no, COUNT(no), &(ls_read_request){.header = LS_HEADER_NO});
    const layout_case named[] = {{"low,unacc\nhigh,acc\nlow,unacc\n", "commas 2 low,unacc 2"}};
    expect_layouts(named, COUNT(named), &(ls_read_request){.target = "unacc"});
}

/* ---- Comments -------------------------------------------------------------------------------- */

Test(csv_layout, comments_stand_above_the_first_record)
{
    static const layout_case cases[] = {
        {"#x,y,class\n1,2,a\n2,3,b\n", "commas 3 x,y,class 2"},
        {"# made by hand\n## x,y,class\r\n1,2,a\r\n2,3,b\r\n", "commas 3 x,y,class 2"},
        {"#x\ty\n1\t2\n", "tabs 2 x,y 1"},
        {"# x y\n1 2\n3 4\n",
         "white space 2 x,y 2; line 1 begins with # and is taken as the names of the columns "
         "(\"x\", \"y\"); if it is a comment, give --header no"},
        {"#x   y\n\"3\"\t 1\n\"4\"\t 2\n",
         "white space 2 x,y 2; line 1 begins with # and is taken as the names of the columns "
         "(\"x\", \"y\"); if it is a comment, give --header no"},
        {"# made, by me\nx,y\n1,2\n", "commas 2 x,y 1"},
        {"# made by hand\n1,2\n", "commas 2 - 1"},
        {"#x,y,class\n\n1,2,a\n2,3,b\n", "commas 3 - 2"},
        {"#city,colour,class\nrome,red,a\nparis,blue,b\nrome,blue,a\nparis,red,b\n",
         "commas 3 city,colour,class 4; line 1 begins with # and is taken as the names of the "
         "columns (\"city\", \"colour\", \"class\"); if it is a comment, give --header no"},
        /* the text of a comment recurs in the first column */
        {"# by me\n#red,1\nblue,3\n#red,4\n", "commas 2 - 3"},
        {"#red,1\nc,x\nblue,3\n#red,4\n", "commas 2 c,x 2"},
        {"#rome,red,a\nparis,blue,b\nrome,blue,a\nparis,red,b\n",
         "commas 3 - 3; line 1 begins with # and is left out as a comment, although it has 3 "
         "fields "
         "as the records have; if it is a record, quote its first field; line 2 "
         "(\"paris\", \"blue\", \"b\") "
         "is taken as a row; if it names the columns, give --header yes"},
        {"code,n\n#ff0000,1\n#x,2\nred,3\n", "commas 2 code,n 3"},
        {"#ff0000,1\n#00ff00,2\nred,3\n", "commas 2 - 3"},
        {"#N/A;1\n2;3\n", "semicolons 2 - 2"},
    };
    expect_layouts(cases, COUNT(cases), NULL);
}

Test(csv_layout, comment_above_the_data_is_the_header_if_there_is_one)
{
    static const layout_case yes[] = {
        {"#x,y,class\n1,2,u\n3,4,v\n5,6,u\n", "commas 3 x,y,class 3"},
        {"# note\n# x, y\n1,2\n", "commas 2 x,y 1"},
        {"#x,y\na,b\n3,4\n", "commas 2 a,b 1"},
        {"#x\n1\n3\n", "commas 1 1 1"},
        {"#k,c\nrome,a\nrome,b\n",
         "commas 2 k,c 2; line 1 begins with # and is taken as the names of the columns (\"k\", "
         "\"c\"); if it is a comment, remove it"},
        {"#1,1\n1,2\n3,4\n", "commas 2 1,2 1"}, /* no names */
    };
    expect_layouts(yes, COUNT(yes), &(ls_read_request){.header = LS_HEADER_YES});
    static const char *const both[] = {"#k,c\nrome,a\nparis,b\n", "#2019,2020,k\n1,2,u\n",
                                       "#x,y\na,b\n"};
    for (size_t k = 0; k < COUNT(both); k++) {
        char line[1024] = "";
        ls_error err = {LS_OK, ""};
        cr_expect_eq(layout_of(both[k], &(ls_read_request){.header = LS_HEADER_YES}, 0, line, &err),
                     LS_ERR_DATA, "\"%s\" gives %s", both[k], line);
        expect_message(err.message, "text", "line 1, which begins with #, and line 2 may both");
    }
    /* an option names a column */
    static const layout_case named[] = {
        {"#k,c\nrome,a\nparis,b\n", "commas 2 k,c 2"},
        {"#k,c\nk,a\nparis,b\n", "commas 2 k,a 1"},
    };
    expect_layouts(named, COUNT(named), &(ls_read_request){.drop = "k"});
    expect_layouts(named, COUNT(named), &(ls_read_request){.header = LS_HEADER_YES, .drop = "k"});
}

Test(csv_layout, file_of_comments_is_refused)
{
    char line[1024] = "";
    ls_error err = {LS_OK, ""};
    cr_expect_eq(layout_of("# a,b\n\n#c\n", NULL, 0, line, &err), LS_ERR_DATA);
    expect_message(err.message, "text", "has only comments, which are lines that begin with #");
    cr_expect_eq(layout_of("\n \n", NULL, 0, line, &err), LS_ERR_DATA);
    expect_message(err.message, "text", "has only blank lines; give at least one row");
}

/* ---- Second files ---------------------------------------------------------------------------- */

Test(csv_layout, first_record_of_a_second_file)
{
    static char *names[] = {"len", "wid"};
    static const ls_target kind = {.name = "kind", .place = 2};
    static const ls_source with_header = {.columns = 3, .header = true},
                           without = {.columns = 3, .header = false},
                           said = {.columns = 3, .header_option = LS_HEADER_NO};
    ls_read_request request = {.expected = {.features = 2,
                                            .feature_names = names,
                                            .source = &with_header,
                                            .target = &kind,
                                            .targets = 1}};
    static const layout_case named[] = {
        {"len,wid\n1,2\n", "commas 2 len,wid 1"},
        {"wid,len,kind\n1,2,a\n", "commas 3 wid,len,kind 1"},
        {"len,kind\n1,a\n", "commas 2 len,kind 1"},
        {"Len,Wid\n1,2\n", "commas 2 Len,Wid 1"}, /* refused later: the names do not fit */
        {"1,2\n", "commas 2 - 1"},
        {"1,2,a\n", "commas 3 - 1"},
        {"abc,2\n1,2\n", "commas 2 - 2"},
        {"NA,?\n1,2\n", "commas 2 - 2"},
        {",\n", "commas 2 - 1"},
        {"1\t2", "tabs 2 - 1"},
        {"#len,wid\n1,2\n", "commas 2 len,wid 1"},
        {"#N/A,2\n", "commas 2 - 1"},
    };
    expect_layouts(named, COUNT(named), &request);
    static const layout_case nameless[] = {{"1,2\n", "commas 2 - 1"},
                                           {"abc,2\n1,2\n", "commas 2 - 2"},
                                           {"a,b\n1,2\n", "commas 2 a,b 1"}};
    request.expected.source = &without;
    expect_layouts(nameless, COUNT(nameless), &request);
    static const layout_case no[] = {{"len,wid\n1,2\n", "commas 2 - 2"}};
    request.expected.source = &said;
    expect_layouts(no, COUNT(no), &request);
}

Test(csv_layout, first_record_of_a_second_file_of_texts)
{
    static const ls_target kind = {.name = "kind", .place = 2};
    static char *colours[] = {"blue", "red"}, *towns[] = {"oslo", "rome"};
    static const ls_column columns[] = {
        {.name = "colour", .place = 0, .categorical = true, .categories = 2, .category = colours},
        {.name = "town", .place = 1, .categorical = true, .categories = 2, .category = towns}};
    static const ls_source source = {.columns = 3, .header = true};
    const ls_read_request request = {
        .expected = {
            .features = 2, .column = columns, .source = &source, .target = &kind, .targets = 1}};
    static const layout_case cases[] = {
        {"colour,town\nred,oslo\n", "commas 2 colour,town 1"},
        {"town,colour\noslo,red\n", "commas 2 town,colour 1"},
        {"red,oslo\n", "commas 2 - 1"},
        {"green,oslo,u\n", "commas 3 - 1"},
    };
    expect_layouts(cases, COUNT(cases), &request);
    char line[1024];
    ls_error err;
    cr_expect_eq(layout_of("green,paris\n", &request, 0, line, &err), LS_ERR_DATA);
    expect_message(err.message, "text, line 1", "\"green\" may be a row|--header yes or no");
}

Test(csv_layout, separator_of_a_second_file_gives_as_many_columns_as_are_expected)
{
    static char *names[] = {"a", "b", "c", "d"};
    static const ls_target last = {.name = "k", .place = 4}, second = {.name = "k", .place = 1};
    static const ls_source source = {.columns = 5, .header = true};
    const ls_read_request request = {.expected = {.features = 4,
                                                  .feature_names = names,
                                                  .source = &source,
                                                  .target = &last,
                                                  .targets = 1}};
    static const layout_case cases[] = {
        {"14.88\t14.57\t\t0.8811\t5.554\t\t1\n", "white space 5 - 1"},
        {"14.88\t14.57\t\t5.554\n", "tabs 4 - 1"},
        {"a b\t1\t2\t3\n", "tabs 4 - 1"},
    };
    expect_layouts(cases, COUNT(cases), &request);

    static char *towns[] = {"New York", "Rome"};
    static const ls_column town = {.name = "town",
                                   .categorical = true,
                                   .categories = 2,
                                   .category = towns},
                           comma = {.name = "x", .format = {.decimal = ','}};
    static const ls_source two = {.columns = 2, .header = true};
    const layout_case texts[] = {{"New York\n", "commas 1 - 1"},
                                 {"New York\nLos Angeles\n", "commas 1 - 2"},
                                 {"\"New York\" u\n", "white space 2 - 1"},
                                 {"Rome u\n", "white space 2 - 1"},
                                 {"New York\nRome u\n", "commas 1 - 2"},
                                 {"New York,u\n", "commas 2 - 1"}};
    expect_layouts(texts, COUNT(texts),
                   &(ls_read_request){.expected = {.features = 1,
                                                   .column = &town,
                                                   .source = &two,
                                                   .target = &second,
                                                   .targets = 1}});
    const layout_case numbers[] = {
        {"1,5\n",
         "semicolons 1 - 1; fields could be separated by semicolons or by commas; the former are "
         "taken (--separator decides)"},
        {"5,u\n", "commas 2 - 1"},
        {"\",5\"\tu\n", "tabs 2 - 1"}, /* a number, no name */
        {"\"1,5\",6\n", "commas 2 - 1"},
        {"1,5;u\n", "semicolons 2 - 1"}};
    expect_layouts(numbers, COUNT(numbers),
                   &(ls_read_request){.expected = {.features = 1,
                                                   .column = &comma,
                                                   .source = &two,
                                                   .target = &second,
                                                   .targets = 1}});

    /* None of these categories contains a blank, so that blanks separate. */
    static char *colours[] = {"blue", "red"};
    static const ls_column colour = {
        .name = "colour", .categorical = true, .categories = 2, .category = colours};
    const layout_case blanks[] = {{"blue  2\nred  1\n", "white space 2 - 2"},
                                  {"blue 2\n", "white space 2 - 1"},
                                  {"colour k\ngreen 2\n", "white space 2 colour,k 1"},
                                  {"blue\n", "commas 1 - 1"},
                                  {"red\ndark blue\n", "commas 1 - 2"}};
    expect_layouts(blanks, COUNT(blanks),
                   &(ls_read_request){.expected = {.features = 1,
                                                   .column = &colour,
                                                   .source = &two,
                                                   .target = &second,
                                                   .targets = 1}});
}

Test(csv_layout, comment_of_a_second_file)
{
    static char *colours[] = {"#red", "blue"};
    static const char *const classes[] = {"no", "yes"};
    static const ls_column columns[] = {
        {.name = "c", .place = 0, .categorical = true, .categories = 2, .category = colours},
        {.name = "x", .place = 1}};
    static const ls_target target = {.name = "y", .place = 2};
    static const ls_source source = {.columns = 3, .header = true};
    const ls_read_request request = {.expected = {.features = 2,
                                                  .column = columns,
                                                  .source = &source,
                                                  .class_names = classes,
                                                  .classes = 2,
                                                  .target = &target,
                                                  .targets = 1}};
    static const layout_case cases[] = {
        /* the expected names in any order, with and without the class */
        {"#c,x,y\nblue,1,no\n", "commas 3 c,x,y 1"},
        {"# made\n#x;c\n1;blue\n", "semicolons 2 x,c 1"},
        {"#y\tx\tc\n?\t?\tgreen\n", "tabs 3 y,x,c 1"},
        {"#c,x\nc,x\nblue,1\n", "commas 2 c,x 1"},
        /* rows */
        {"#red,1\nblue,3\n#blue,4\n", "commas 2 - 3"},
        {"# note\n#red,1\n#blue,3\n", "commas 2 - 2"},
        {"#red,1\n", "commas 2 - 1"},
        {"#blue,1,yes\n", "commas 3 - 1"},
        /* comments */
        {"# a, b, c, d\nblue,3\n", "commas 2 - 1"},
        {"#green,1\nx,c\n1,blue\n", "commas 2 x,c 1"},
        {"#red,x1\nblue,3\n",
         "commas 2 - 1; line 1 begins with # and is left out as a comment, although it has 2 "
         "fields "
         "as the records have; if it is a record, quote its first field"},
    };
    expect_layouts(cases, COUNT(cases), &request);
    char line[1024] = "";
    ls_error err = {LS_OK, ""};
    cr_expect_eq(layout_of("#green,1\nblue,3\n", &request, 0, line, &err), LS_ERR_DATA, "%s", line);
    expect_message(err.message, "text, line 1",
                   "begins with # and may be a comment or a row; remove it");
    cr_expect_eq(layout_of("#note,a\n", &request, 0, line, &err), LS_ERR_DATA, "%s", line);
    expect_message(err.message, "text", "has only comments");
}
