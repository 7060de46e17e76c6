/* SPDX-License-Identifier: MIT */
/* Reading and writing CSV, and data from arrays. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "host/base/file.h"
#include "host/base/text.h"
#include "host/data/csv.h"
#include "tests/support/data.h"

/* ---- CSV that is accepted -------------------------------------------------------------------- */

Test(csv, csv_dialects_read_alike)
{
    static const char *const texts[] = {
        "a,b,kind\n1,2.5,u\n-3,4e1,v\n",
        "a,b,kind\r\n1,2.5,u\r\n-3,4e1,v\r\n",
        "a,b,kind\r1,2.5,u\r-3,4e1,v\r",
        "a,b,kind\n1,2.5,u\n-3,4e1,v",
        "a;b;kind\n1;2.5;u\n-3;4e1;v\n",
        "a\tb\tkind\n1\t2.5\tu\n-3\t4e1\tv\n",
        "\xef\xbb\xbf\x61,b,kind\n1,2.5,u\n-3,4e1,v\n",
        "\n\n  \na,b,kind\n\n1,2.5,u\n\n-3,4e1,v\n\n\n",
        " a , b\t, kind \n 1 ,2.5\t, u\n-3 , 4e1,  v  \n",
        "\"a\",\"b\",\"kind\"\n\"1\",\"2.5\",\"u\"\n\"-3\",\"4e1\",\"v\"\n",
        "'a','b','kind'\n1,2.5,'u'\n-3,4e1,'v'\n",
        "a,b,kind\n+1,2.50,u\n-3.0,00040,v\n",
    };
    for (size_t k = 0; k < COUNT(texts); k++) {
        ls_data *data = read_text(texts[k], NULL);
        static const float x[] = {1, 2.5f, -3, 40};
        assert_shape(data, 2, 2, 2);
        cr_expect_arr_eq(ls_data_x(data), x, sizeof x, "values of text %zu", k);
        cr_expect_str_eq(ls_data_feature_name(data, 0), "a", "text %zu", k);
        cr_expect_str_eq(ls_data_feature_name(data, 1), "b", "text %zu", k);
        cr_expect_null(ls_data_feature_name(data, 2));
        cr_expect_str_eq(data->target->name, "kind");
        cr_expect_str_eq(ls_data_class_name(data, 0), "u");
        cr_expect_str_eq(ls_data_class_name(data, 1), "v");
        cr_expect(ls_data_y(data)[0] == 0 && ls_data_y(data)[1] == 1, "classes of text %zu", k);
        ls_data_free(data);
    }
}

Test(csv, csv_quoted_separators_newlines_and_quotes)
{
    ls_data *data = read_text("\"x, left\",y,c\n1,2,\"a \"\"b\"\"\"\n3,4,\"two\nlines\"\n", NULL);
    assert_shape(data, 2, 2, 2);
    cr_expect_str_eq(ls_data_feature_name(data, 0), "x, left");
    cr_expect_str_eq(ls_data_class_name(data, 0), "a \"b\"");
    cr_expect_str_eq(ls_data_class_name(data, 1), "two\nlines");
    ls_data_free(data);
}

Test(csv, csv_without_header)
{
    ls_data *data = read_text("1,2,0\n3,4,1\n5,6,1\n", NULL);
    assert_shape(data, 3, 2, 2);
    cr_expect_str_eq(ls_data_feature_name(data, 1), "x2");
    cr_expect_str_eq(data->target->name, "class");
    cr_expect_eq(ls_data_x(data)[0], 1.0f);
    ls_data_free(data);

    data = read_text("1,2,yes\n3,4,no\n5,6,yes\n", NULL); /* text classes do not make a header */
    assert_shape(data, 3, 2, 2);
    cr_expect_str_eq(ls_data_class_name(data, 0), "no");
    cr_expect_eq(ls_data_y(data)[0], 1);
    ls_data_free(data);

    data = read_text("1,2,0", NULL);
    assert_shape(data, 1, 2, 1);
    ls_data_free(data);
}

Test(csv, csv_header_of_numbers_is_known_by_its_class_column)
{
    ls_data *data = read_text("0,1,target\n5,6,1\n7,8,0\n9,10,1\n", NULL);
    assert_shape(data, 3, 2, 2);
    cr_expect_str_eq(ls_data_feature_name(data, 0), "0");
    cr_expect_str_eq(data->target->name, "target");
    cr_expect_eq(ls_data_x(data)[0], 5.0f);
    cr_expect(ls_data_y(data)[0] == 1 && ls_data_y(data)[1] == 0 && ls_data_y(data)[2] == 1);
    ls_data_free(data);

    static const char *const names[] = {"no", "yes"};
    data = read_text("0,1,target\n5,6,yes\n",
                     &(ls_csv_options){.class_names = names, .classes = 2});
    assert_shape(data, 1, 2, 2);
    ls_data_free(data);

    data = read_text("\"1990\",\"1991\",\"c\"\n5,6,a\n7,8,b\n",
                     NULL); /* quoted numbers above plain ones */
    assert_shape(data, 2, 2, 2);
    cr_expect_str_eq(ls_data_feature_name(data, 0), "1990");
    ls_data_free(data);
}

Test(csv, csv_target_by_name_and_index)
{
    static const char text[] = "kind,a,b\nu,1,2\nv,3,4\n";
    static const char *const targets[] = {"kind", "0"};
    for (size_t k = 0; k < COUNT(targets); k++) {
        ls_data *data = read_text(text, &(ls_csv_options){.target = targets[k]});
        assert_shape(data, 2, 2, 2);
        cr_expect_str_eq(ls_data_feature_name(data, 0), "a");
        cr_expect_eq(ls_data_x(data)[2], 3.0f);
        cr_expect_str_eq(data->target->name, "kind");
        ls_data_free(data);
    }
    ls_data *data = read_text("1,0,5\n2,1,6\n", &(ls_csv_options){.target = "1"});
    assert_shape(data, 2, 2, 2);
    cr_expect_eq(ls_data_x(data)[1], 5.0f);
    ls_data_free(data);
}

Test(csv, csv_plain_whole_numbers_are_one_class_and_classes_sorted_by_value)
{
    ls_data *data = read_text("a,c\n1,10\n2,9\n3,1e1\n4,-1\n5,'-1'\n6,9.0\n7,0\n8,-0\n", NULL);
    static const char *const names[] = {"-1", "0", "9", "10", "1e1"};
    static const int32_t y[] = {3, 2, 4, 0, 0, 2, 1, 1};
    assert_shape(data, 8, 1, 5);
    for (size_t c = 0; c < 5; c++) cr_expect_str_eq(ls_data_class_name(data, c), names[c]);
    cr_expect_arr_eq(ls_data_y(data), y, sizeof y);
    ls_data_free(data);

    data = read_text("a,c\n1,10\n2,9\n3,x\n", NULL); /* one is text: all are, sorted by bytes */
    cr_expect_str_eq(ls_data_class_name(data, 0), "10");
    cr_expect_str_eq(ls_data_class_name(data, 1), "9");
    ls_data_free(data);
}

Test(csv, csv_known_classes_keep_their_order)
{
    static const char *const names[] = {"zebra", "ant", "1"};
    ls_csv_options options = {.class_names = names, .classes = 3, .features = 1};
    ls_data *data = read_text("a,c\n1,ant\n2,1.0\n", &options);
    assert_shape(data, 2, 1, 3);
    cr_expect_str_eq(ls_data_class_name(data, 0), "zebra");
    cr_expect(ls_data_y(data)[0] == 1 && ls_data_y(data)[1] == 2);
    ls_data_free(data);
}

Test(csv, csv_rows_without_classes)
{
    static const char *const targets[] = {NULL, "kind", "7"};
    for (size_t k = 0; k < COUNT(targets); k++) {
        ls_data *data = read_text("a,b\n1,2\n3,4\n",
                                  &(ls_csv_options){.features = 2, .target = targets[k]});
        assert_shape(data, 2, 2, 0);
        cr_expect_null(ls_data_y(data));
        cr_expect_eq(ls_data_x(data)[3], 4.0f);
        ls_data_free(data);
    }
    ls_data *data = read_text("1\n2\n\n3\n", &(ls_csv_options){.features = 1});
    assert_shape(data, 3, 1, 0);
    ls_data_free(data);
    data = read_text("a,b,c\n1,2,0\n3,4,1\n", &(ls_csv_options){.features = 2});
    assert_shape(data, 2, 2, 2);
    ls_data_free(data);
}

Test(csv, csv_numbers_are_rounded_right)
{
    static const struct {
        const char *text;
        float value;
    } cases[] = {
        {"0.1", 0.1f},
        {"16777217", 16777216.0f},
        {"3.40282347e38", FLT_MAX},
        {"1e-45", 0x1p-149f},
        {"1e-400", 0.0f},
        {"-0", -0.0f},
        {".5", 0.5f},
        {"5.", 5.0f},
        {"123456789012345678901234567890", 1.2345679e29f},
        {"0.30000001192092896", 0.3f},
        {"1E+2", 100.0f},
        {"1e-23", 1e-23f},
        {"9007199254740993", 9007199254740992.0f},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        char text[128];
        snprintf(text, sizeof text, "a,c\n%s,0\n", cases[k].text);
        ls_data *data = read_text(text, NULL);
        cr_expect(memcmp(ls_data_x(data), &cases[k].value, sizeof(float)) == 0,
                  "%s is read as %.9g", cases[k].text, (double)ls_data_x(data)[0]);
        ls_data_free(data);
    }
}

Test(csv, csv_number_agrees_with_strtod)
{
    for (uint32_t k = 0; k < 20000; k++) {
        char text[64];
        double value = 0, expected;
        int exponent = (int)(k * 2654435761u >> 24) % 60 - 30;
        unsigned whole = k * 2246822519u >> (k % 32), fraction = k * 3266489917u >> (k / 32 % 32);
        snprintf(text, sizeof text, "%s%u.%ue%d", k & 1 ? "-" : "", whole, fraction, exponent);
        expected = strtod(text, NULL);
        cr_assert(ls_parse_number(text, &value) && value == expected,
                  "%s is read as %.17g, not %.17g", text, value, expected);
    }
}

/* ---- CSV that is refused --------------------------------------------------------------------- */

typedef struct {
    const char *text;
    ls_csv_options options;
    ls_status status;
    const char *says; /* parts of the message after the path, separated by '|' */
} refusal;

static const char *const known_classes[] = {"cat", "dog"};

static const refusal refusals[] = {
    {"", {0}, LS_ERR_DATA, "is empty|give a CSV file"},
    {"\n \r\n\n", {0}, LS_ERR_DATA, "only blank lines"},
    {"\xef\xbb\xbf", {0}, LS_ERR_DATA, "only blank lines"},
    {"a,b,c\n", {0}, LS_ERR_DATA, "a header but no rows|add at least one"},
    {"\x1f\x8b\x08zzz", {0}, LS_ERR_DATA, "the gzip file is damaged"},
    {"\xff\xfe\x61", {0}, LS_ERR_DATA, "UTF-16|save it as UTF-8"},
    {"a\n1\n2\n", {0}, LS_ERR_DATA, "line 1: has one column only|commas, semicolons or tabs"},
    {"a,b,c\n1,2,0\n1,2\n", {0}, LS_ERR_DATA, "line 3: has 2 fields, but line 1 has 3|separators"},
    {"a,b,c\n1,2,0\n1,2,0,9\n", {0}, LS_ERR_DATA, "line 3: has 4 fields, but line 1 has 3"},
    {"a,b,c\n1,2,0\n,,\n",
     {0},
     LS_ERR_DATA,
     "line 3, column 0 (from 0, a): the value is missing;|drop the row"},
    {"a,b,c\n1,x,0\n",
     {0},
     LS_ERR_DATA,
     "line 2, column 1 (from 0, b): \"x\" is not a finite number"},
    {"a,b,c\n\n\n1,2,0\n1,12o,0\n", {0}, LS_ERR_DATA, "line 5, column 1 (from 0, b): \"12o\""},
    {"a,b,c\n1,\"2\n3\",0\n3,y,1\n", {0}, LS_ERR_DATA, "line 2, column 1 (from 0, b): \"2?3\""},
    {"a,b,c\n1,,0\n", {0}, LS_ERR_DATA, "line 2, column 1 (from 0, b): the value is missing;"},
    {"a,b,c\n1,?,0\n", {0}, LS_ERR_DATA, "column 1 (from 0, b): the value is missing (\"?\")"},
    {"a,b,c\n1,2,0\n1,NA,0\n",
     {0},
     LS_ERR_DATA,
     "line 3, column 1 (from 0, b): the value is missing (\"NA\")"},
    {"a,b,c\n1,nan,0\n", {0}, LS_ERR_DATA, "the value is missing (\"nan\")"},
    {"a,b,c\n1,inf,0\n", {0}, LS_ERR_DATA, "\"inf\" is not a finite number"},
    {"a,b,c\n1,0x10,0\n", {0}, LS_ERR_DATA, "\"0x10\" is not a finite number"},
    {"a,b,c\n1,1e39,0\n", {0}, LS_ERR_DATA, "\"1e39\" is too large for a 32-bit float|other units"},
    {"a,b,c\n1,-3.4028236e38,0\n", {0}, LS_ERR_DATA, "too large"},
    {"a,b,c\n1,1e999,0\n", {0}, LS_ERR_DATA, "\"1e999\" is not a finite number"},
    {"a;b;c\n1;2,5;0\n",
     {0},
     LS_ERR_DATA,
     "\"2,5\" is not a finite number; write decimals with a point"},
    {"a,b,c\n1,2 3,0\n", {0}, LS_ERR_DATA, "\"2 3\" is not"},
    {"a,b,c\n1,1.2.3,0\n", {0}, LS_ERR_DATA, "\"1.2.3\" is not"},
    {"a,b,c\n1,1e,0\n", {0}, LS_ERR_DATA, "\"1e\" is not"},
    {"a,b,c\n1,abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij,0\n",
     {0},
     LS_ERR_DATA,
     "\"abcdefghijabcdefghijabcdefghijabcdefg...\""},
    {"1.5o,2,3,0\n1,2,3,1\n",
     {0},
     LS_ERR_DATA,
     "line 1, column 0 (from 0): \"1.5o\"|if this line is a header"},
    {"a,b,c\n1,2,\n", {0}, LS_ERR_DATA, "line 2, column 2 (from 0, c): the class is missing"},
    {"a,b,c\n1,\"2,0\n1,2,0\n",
     {0},
     LS_ERR_DATA,
     "line 2, column 1 (from 0): a quote is opened and never closed"},
    {"a,b,c\n1,\"2\"x,0\n",
     {0},
     LS_ERR_DATA,
     "line 2, column 1 (from 0): \"x\" follows a closing quote"},
    {"a,b,c\n1,2,0\n",
     {.target = "color"},
     LS_ERR_ARGUMENT,
     "there is no column \"color\"|last column is \"c\""},
    {"size,colour,c\n1,2,0\n", {.target = "color"}, LS_ERR_ARGUMENT, "did you mean \"colour\"?"},
    {"1,2,0\n1,2,1\n", {.target = "color"}, LS_ERR_ARGUMENT, "has no header|give indices, 0 to 2"},
    {"1,2,0\n1,2,1\n",
     {.target = "3"},
     LS_ERR_ARGUMENT,
     "--target: there is no column \"3\"; indices are from 0 to 2"},
    {"a,b,c\n1,2,0\n",
     {.features = 5},
     LS_ERR_DATA,
     "has 3 columns, so 2 features|5 are expected; give 6 columns, or 5"},
    {"a,b,c\n1,2,0\n",
     {.features = 3, .target = "c"},
     LS_ERR_DATA,
     "2 features beside the class, but 3 are expected"},
    {"a,c\n1,cat\n2,cow\n",
     {.class_names = known_classes, .classes = 2},
     LS_ERR_DATA,
     "line 3, column 1 (from 0, c): \"cow\" is not a known class; these are: cat, dog"},
};

/* ---- CSV read in pieces ---------------------------------------------------------------------- */

static ls_status read_pieces(const char *text, size_t window, ls_missing missing, ls_data **out,
                             ls_error *err)
{
    ls_stream *stream;
    const ls_read_request request = {.window = window, .missing = missing};
    ls_status status = ls_stream_of("text", text, strlen(text), &stream, err);
    if (status != LS_OK) return status;
    status = ls_read_csv("text", stream, &request, out, err);
    ls_stream_close(stream);
    return status;
}

static void expect_same_in_pieces(const char *text, ls_missing missing)
{
    ls_data *whole = NULL;
    ls_error err = {LS_OK, ""}, other;
    ls_status status = read_pieces(text, 0, missing, &whole, &err);
    for (size_t window = 1; window < 24; window++) {
        ls_data *data = NULL;
        cr_assert_eq(read_pieces(text, window, missing, &data, &other), status,
                     "\"%s\", %zu bytes at a time: %s", text, window, other.message);
        if (status != LS_OK)
            cr_expect_str_eq(other.message, err.message, "\"%s\", %zu bytes at a time", text,
                             window);
        if (status != LS_OK) continue;
        assert_shape(data, whole->rows, whole->features, whole->classes);
        cr_expect_arr_eq(data->x, whole->x, whole->rows * whole->columns * sizeof *data->x,
                         "\"%s\", %zu bytes at a time", text, window);
        cr_expect_arr_eq(data->y, whole->y, whole->rows * sizeof *data->y);
        cr_expect_str_eq(data->target->name, whole->target->name);
        for (size_t i = 0; i < whole->features; i++)
            cr_expect_str_eq(data->feature_names[i], whole->feature_names[i]);
        for (size_t i = 0; i < whole->classes; i++)
            cr_expect_str_eq(data->class_names[i], whole->class_names[i]);
        ls_data_free(data);
    }
    ls_data_free(whole);
}

Test(csv, csv_in_pieces_reads_as_in_one)
{
    static const char *const texts[] = {
        "a,b,kind\r\n1,2.5,u\r\n-3,4e1,v\r\n",
        "a,b,kind\r1,2.5,u\r\r\n-3,4e1,v\r",
        "\xef\xbb\xbf\x61;b;kind\n1;2.5;u\n-3;4e1;v",
        "\"x, left\",y,c\n1,2,\"a \"\"b\"\"\"\n3,4,\"two\r\nlines\"\n",
        "# a comment, with a comma\r\n\n  \n a ,b\t, kind \n#\n 1 ,2.5\t, u\n-3 , 4e1,  v  \n# end",
        "'a','b','kind'\n1,2.5,'u'\n-3,4e1,'v'",
        "town,n,c\nUlm,1,a\n\"Bonn, am Rhein\",?,b\n,3,a\n",
        "1,2,0\n3,4,1\n5,,0\n",
        "a,b,c\n1,\"2\" \t,0\n1,\"2\"x,0\n",
        "\xef\xbb\xbf",
        "\n\r\n",
        "a,b\n1,2020-01-31\n",
        "1,2,3,\n4,5,6,\n",
    };
    for (size_t k = 0; k < COUNT(texts); k++) expect_same_in_pieces(texts[k], LS_MISSING_MEAN);
    for (size_t k = 0; k < COUNT(refusals); k++)
        expect_same_in_pieces(refusals[k].text, k % 2 ? LS_MISSING_ERROR : LS_MISSING_MEAN);
}

Test(csv, csv_of_many_rows_grows)
{
    enum { ROWS = 3000 };
    ls_text text = {0};
    for (int r = 0; r < ROWS; r++) ls_text_add(&text, "%d,%d,%d\n", r, -r, r % 3);
    ls_data *data = read_text(text.text, NULL);
    assert_shape(data, ROWS, 2, 3);
    for (int r = 0; r < ROWS; r++)
        cr_assert(data->x[2 * r] == (float)r && data->x[2 * r + 1] == (float)-r &&
                      data->y[r] == r % 3,
                  "row %d", r);
    ls_data_free(data);
    free(text.text);
}

Test(csv, csv_malformed_files_are_refused_with_a_message)
{
    for (size_t k = 0; k < COUNT(refusals); k++) {
        const refusal *one = &refusals[k];
        ls_data *data = NULL;
        ls_error err = {LS_OK, ""};
        ls_status status = read_bytes(one->text, strlen(one->text), &one->options, &data, &err);
        cr_expect_eq(status, one->status, "\"%s\" gives %s: %s", one->text, ls_status_name(status),
                     err.message);
        cr_expect_eq(err.status, (int)status);
        cr_expect_null(data, "\"%s\" leaves data", one->text);
        expect_message(err.message, "/tmp/lockstep-test-", one->says);
        cr_expect_eq(read_bytes(one->text, strlen(one->text), &one->options, &data, NULL), status);
    }
}

Test(csv, csv_binary_missing_and_folder)
{
    ls_data *data = NULL;
    ls_error err;
    cr_expect_eq(read_bytes("a,b\n1,\0\n", 8, NULL, &data, &err), LS_ERR_DATA);
    expect_message(err.message, "/tmp/lockstep-test-", "line 2: has a NUL byte");
    cr_expect_eq(ls_data_read_csv("/nonexistent/x.csv", NULL, &data, &err), LS_ERR_IO);
    expect_message(err.message, "/nonexistent/x.csv: cannot open", "check the path");
    cr_expect_eq(ls_data_read_csv("/tmp", NULL, &data, &err), LS_ERR_IO);
    expect_message(err.message, "/tmp: is a folder", "name a file in it");
    cr_expect_null(data);
}

/* A file of `rows` lines "0,<format of the row number>". */
static ls_status read_targets(const char *format, int rows, ls_error *err)
{
    ls_text text = {0};
    for (int i = 0; i < rows; i++) {
        ls_text_add(&text, "0,");
        if (strcmp(format, "half") == 0) ls_text_add(&text, "%d.5\n", i);
        else ls_text_add(&text, "%s%d\n", format, i);
    }
    cr_assert_not(text.failed);
    ls_data *data = NULL;
    ls_status status = read_bytes(text.text, text.length, NULL, &data, err);
    ls_data_free(data);
    free(text.text);
    return status;
}

/* What is typed in a terminal ends once: reading on would wait for more, as a pipe does that has
 * got a new writer. */
Test(csv, stream_of_a_pipe_ends_once, .timeout = 10)
{
    static const char text[] = "length,kind\n1,u\n2,v\n";
    char path[64], got[64];
    ls_stream *stream = NULL;
    ls_error err = {LS_OK, ""};
    size_t count;
    write_temporary(path, "", 0);
    cr_assert(unlink(path) == 0 && mkfifo(path, 0600) == 0);
    int writer = open(path, O_RDWR);
    cr_assert_eq(write(writer, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(ls_stream_open(path, &stream, &err), LS_OK, "%s", err.message);
    close(writer);
    do cr_assert_eq(ls_stream_read(stream, got, sizeof got, &count, &err), LS_OK);
    while (count);
    writer = open(path, O_RDWR);
    cr_assert_eq(ls_stream_read(stream, got, sizeof got, &count, &err), LS_OK);
    cr_expect_eq(count, 0);
    close(writer);
    ls_stream_close(stream);
    unlink(path);
}

Test(csv, csv_target_that_is_no_class)
{
    ls_error err;
    cr_expect_eq(read_targets("", 1000, &err), LS_OK);
    cr_expect_eq(read_targets("", 1001, &err), LS_ERR_DATA);
    expect_message(
        err.message, "/tmp/",
        "the target column 1 (from 0) looks like a measurement, not a class (1001 distinct "
        "values); name another with --target");
    cr_expect_eq(read_targets("half", 1000, &err), LS_OK);
    cr_expect_eq(read_targets("half", 1001, &err), LS_ERR_DATA);
    expect_message(err.message, "/tmp/", "measurement, not a class (1001 distinct values)");
    cr_expect_eq(read_targets("id", 1000, &err), LS_OK);
    cr_expect_eq(read_targets("id", 1001, &err), LS_ERR_DATA);
    expect_message(err.message, "/tmp/", "free text or a key, not a class (1001 distinct values)");
    cr_expect_eq(read_targets("", 100000, &err), LS_ERR_DATA);
    expect_message(err.message, "/tmp/",
                   "measurement, not a class (more than 4096 distinct values)");
}

/* ---- Writing and arrays ---------------------------------------------------------------------- */

Test(csv, csv_written_is_read_back_bit_for_bit)
{
    /* The last number needs nine digits. */
    static const float x[] = {0.1f,        -0.0f,    FLT_MAX,  0x1p-149f,
                              16777216.0f, 1.0f / 3, -2.5e-7f, 11.3679905f};
    static const int32_t y[] = {2, 0, 1, 3};
    static const char *const names[] = {"a,\"b\"", " blank ", "NA", "it's"};
    ls_data *data = NULL, *back = NULL;
    ls_error err;
    char path[64];
    cr_assert_eq(ls_data_from_arrays(x, y, 4, 2, 4, &data, &err), LS_OK);
    for (size_t c = 0; c < 4; c++) {
        free(data->class_names[c]);
        data->class_names[c] = ls_strdup(names[c]);
    }
    free(data->feature_names[0]);
    data->feature_names[0] = ls_strdup("1990");
    write_temporary(path, "", 0);
    cr_assert_eq(ls_data_write_csv(data, path, &err), LS_OK, "%s", err.message);
    ls_csv_options options = {.class_names = names, .classes = 4};
    cr_assert_eq(ls_data_read_csv(path, &options, &back, &err), LS_OK, "%s", err.message);
    assert_shape(back, 4, 2, 4);
    cr_expect_arr_eq(back->x, x, sizeof x);
    cr_expect_arr_eq(back->y, y, sizeof y);
    cr_expect_str_eq(back->feature_names[0], "1990");
    unlink(path);
    ls_data_free(data);
    ls_data_free(back);
}

Test(csv, csv_floats_are_written_short)
{
    static const float x[] = {0.1f, 0.3f, 1.0f, 1.0f / 3, -1e-10f};
    ls_data *data = NULL;
    ls_error err;
    char path[64], *text = NULL;
    size_t size = 0;
    cr_assert_eq(ls_data_from_arrays(x, NULL, 1, 5, 0, &data, &err), LS_OK);
    write_temporary(path, "", 0);
    cr_assert_eq(ls_data_write_csv(data, path, &err), LS_OK);
    cr_assert_eq(ls_read_file(path, &text, &size, &err), LS_OK);
    cr_expect_str_eq(text, "x1,x2,x3,x4,x5\n0.1,0.3,1,0.33333334,-1e-10\n");
    unlink(path);
    free(text);
    ls_data_free(data);
}

Test(csv, arrays_are_checked)
{
    static const float x[] = {1, 2, NAN, 4};
    static const int32_t y[] = {0, 2};
    ls_data *data = NULL;
    ls_error err;
    cr_expect_eq(ls_data_from_arrays(x, NULL, 2, 2, 0, &data, &err), LS_ERR_ARGUMENT);
    expect_message(err.message, "row 1, feature 0", "not finite");
    cr_expect_eq(ls_data_from_arrays(x, y, 2, 1, 2, &data, &err), LS_ERR_ARGUMENT);
    expect_message(err.message, "row 1", "class 2; classes go from 0 to 1");
    cr_expect_eq(ls_data_from_arrays(x, y, 0, 1, 2, &data, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_data_from_arrays(x, y, 2, 1, 0, &data, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_data_from_arrays(x, NULL, SIZE_MAX / 2, 3, 0, &data, &err), LS_ERR_MEMORY);
    cr_expect_null(data);
}
