/* SPDX-License-Identifier: MIT */
/* Data: reading and writing CSV, generators, splitting, metrics, and the common functions they stand on. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../host/common.h"
#include "../host/csv_parse.h"
#include "../host/data.h"
#include "../host/metrics.h"
#include "../host/sha256.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Helpers -------------------------------------------------------------------------------------------------- */

/* Writes bytes to a new temporary file and leaves its path. */
static void write_temporary(char path[64], const char *bytes, size_t size)
{
    strcpy(path, "/tmp/lockstep-test-XXXXXX");
    int file = mkstemp(path);
    cr_assert(file >= 0, "no temporary file");
    cr_assert_eq(write(file, bytes, size), (ssize_t)size);
    cr_assert_eq(close(file), 0);
}

static ls_status read_bytes(const char *bytes, size_t size, const ls_csv_options *options, ls_data **out, ls_error *err)
{
    char path[64];
    write_temporary(path, bytes, size);
    ls_status status = ls_data_read_csv(path, options, out, err);
    unlink(path);
    return status;
}

/* Reads text that must be accepted. */
static ls_data *read_text(const char *text, const ls_csv_options *options)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    ls_status status = read_bytes(text, strlen(text), options, &data, &err);
    cr_assert_eq(status, LS_OK, "\"%s\" is refused: %s", text, err.message);
    cr_assert_not_null(data);
    return data;
}

static void assert_shape(const ls_data *data, size_t rows, size_t features, size_t classes)
{
    cr_assert_eq(ls_data_rows(data), rows, "%zu rows", ls_data_rows(data));
    cr_assert_eq(ls_data_features(data), features, "%zu features", ls_data_features(data));
    cr_assert_eq(ls_data_classes(data), classes, "%zu classes", ls_data_classes(data));
}

static ls_data *generate(const char *name, const ls_generate_options *options)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(ls_data_generate(name, options, &data, &err), LS_OK, "%s: %s", name, err.message);
    return data;
}

static ls_data *generate_seeded(const char *name, size_t rows, uint64_t seed)
{
    return generate(name, &(ls_generate_options){.rows = rows, .noise = -1, .overlap = -1, .seed = seed});
}

static void hash_u32(ls_sha256 *sha, uint32_t value)
{
    unsigned char bytes[4];
    for (unsigned i = 0; i < 4; i++) bytes[i] = (unsigned char)(value >> (8 * i));
    ls_sha256_update(sha, bytes, sizeof bytes);
}

/* SHA-256 of x and y as little-endian words. */
static void hash_data(const ls_data *data, char hex[65])
{
    ls_sha256 sha;
    ls_sha256_init(&sha);
    for (size_t k = 0; k < data->rows * data->features; k++) {
        uint32_t bits;
        memcpy(&bits, &data->x[k], sizeof bits);
        hash_u32(&sha, bits);
    }
    for (size_t i = 0; i < data->rows; i++) hash_u32(&sha, (uint32_t)data->y[i]);
    ls_sha256_final(&sha, hex);
}

/* ---- CSV that is accepted ------------------------------------------------------------------------------------- */

Test(data, csv_dialects_read_alike)
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
        cr_expect_str_eq(data->target_name, "kind");
        cr_expect_str_eq(ls_data_class_name(data, 0), "u");
        cr_expect_str_eq(ls_data_class_name(data, 1), "v");
        cr_expect(ls_data_y(data)[0] == 0 && ls_data_y(data)[1] == 1, "classes of text %zu", k);
        ls_data_free(data);
    }
}

Test(data, csv_quoted_separators_newlines_and_quotes)
{
    ls_data *data = read_text("\"x, left\",y,c\n1,2,\"a \"\"b\"\"\"\n3,4,\"two\nlines\"\n", NULL);
    assert_shape(data, 2, 2, 2);
    cr_expect_str_eq(ls_data_feature_name(data, 0), "x, left");
    cr_expect_str_eq(ls_data_class_name(data, 0), "a \"b\"");
    cr_expect_str_eq(ls_data_class_name(data, 1), "two\nlines");
    ls_data_free(data);
}

Test(data, csv_without_header)
{
    ls_data *data = read_text("1,2,0\n3,4,1\n5,6,1\n", NULL);
    assert_shape(data, 3, 2, 2);
    cr_expect_str_eq(ls_data_feature_name(data, 1), "x2");
    cr_expect_str_eq(data->target_name, "class");
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

Test(data, csv_header_of_numbers_is_known_by_its_class_column)
{
    ls_data *data = read_text("0,1,target\n5,6,1\n7,8,0\n9,10,1\n", NULL);
    assert_shape(data, 3, 2, 2);
    cr_expect_str_eq(ls_data_feature_name(data, 0), "0");
    cr_expect_str_eq(data->target_name, "target");
    cr_expect_eq(ls_data_x(data)[0], 5.0f);
    cr_expect(ls_data_y(data)[0] == 1 && ls_data_y(data)[1] == 0 && ls_data_y(data)[2] == 1);
    ls_data_free(data);

    static const char *const names[] = {"no", "yes"};
    data = read_text("0,1,target\n5,6,yes\n", &(ls_csv_options){.class_names = names, .classes = 2});
    assert_shape(data, 1, 2, 2);
    ls_data_free(data);

    data = read_text("\"1990\",\"1991\",\"c\"\n5,6,a\n7,8,b\n", NULL); /* quoted numbers above plain ones */
    assert_shape(data, 2, 2, 2);
    cr_expect_str_eq(ls_data_feature_name(data, 0), "1990");
    ls_data_free(data);
}

Test(data, csv_target_by_name_and_index)
{
    static const char text[] = "kind,a,b\nu,1,2\nv,3,4\n";
    static const char *const targets[] = {"kind", "0"};
    for (size_t k = 0; k < COUNT(targets); k++) {
        ls_data *data = read_text(text, &(ls_csv_options){.target = targets[k]});
        assert_shape(data, 2, 2, 2);
        cr_expect_str_eq(ls_data_feature_name(data, 0), "a");
        cr_expect_eq(ls_data_x(data)[2], 3.0f);
        cr_expect_str_eq(data->target_name, "kind");
        ls_data_free(data);
    }
    ls_data *data = read_text("1,0,5\n2,1,6\n", &(ls_csv_options){.target = "1"});
    assert_shape(data, 2, 2, 2);
    cr_expect_eq(ls_data_x(data)[1], 5.0f);
    ls_data_free(data);
}

Test(data, csv_numeric_classes_are_canonical_and_sorted_by_value)
{
    ls_data *data = read_text("a,c\n1,10\n2,9\n3,1e1\n4,-1\n5,'-1'\n6,9.0\n7,0\n8,-0\n", NULL);
    static const char *const names[] = {"-1", "0", "9", "10"};
    static const int32_t y[] = {3, 2, 3, 0, 0, 2, 1, 1};
    assert_shape(data, 8, 1, 4);
    for (size_t c = 0; c < 4; c++) cr_expect_str_eq(ls_data_class_name(data, c), names[c]);
    cr_expect_arr_eq(ls_data_y(data), y, sizeof y);
    ls_data_free(data);

    data = read_text("a,c\n1,10\n2,9\n3,x\n", NULL); /* one is text: all are, sorted by bytes */
    cr_expect_str_eq(ls_data_class_name(data, 0), "10");
    cr_expect_str_eq(ls_data_class_name(data, 1), "9");
    ls_data_free(data);
}

Test(data, csv_known_classes_keep_their_order)
{
    static const char *const names[] = {"zebra", "ant", "1"};
    ls_csv_options options = {.class_names = names, .classes = 3, .features = 1};
    ls_data *data = read_text("a,c\n1,ant\n2,1.0\n", &options);
    assert_shape(data, 2, 1, 3);
    cr_expect_str_eq(ls_data_class_name(data, 0), "zebra");
    cr_expect(ls_data_y(data)[0] == 1 && ls_data_y(data)[1] == 2);
    ls_data_free(data);
}

Test(data, csv_rows_without_classes)
{
    static const char *const targets[] = {NULL, "kind", "7"};
    for (size_t k = 0; k < COUNT(targets); k++) {
        ls_data *data = read_text("a,b\n1,2\n3,4\n", &(ls_csv_options){.features = 2, .target = targets[k]});
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

Test(data, csv_numbers_are_rounded_right)
{
    static const struct { const char *text; float value; } cases[] = {
        {"0.1", 0.1f}, {"16777217", 16777216.0f}, {"3.40282347e38", FLT_MAX}, {"1e-45", 0x1p-149f}, {"1e-400", 0.0f},
        {"-0", -0.0f}, {".5", 0.5f}, {"5.", 5.0f}, {"123456789012345678901234567890", 1.2345679e29f},
        {"0.30000001192092896", 0.3f}, {"1E+2", 100.0f}, {"1e-23", 1e-23f}, {"9007199254740993", 9007199254740992.0f},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        char text[128];
        snprintf(text, sizeof text, "a,c\n%s,0\n", cases[k].text);
        ls_data *data = read_text(text, NULL);
        cr_expect(memcmp(ls_data_x(data), &cases[k].value, sizeof(float)) == 0, "%s is read as %.9g", cases[k].text,
                  (double)ls_data_x(data)[0]);
        ls_data_free(data);
    }
}

Test(data, csv_number_agrees_with_strtod)
{
    for (uint32_t k = 0; k < 20000; k++) {
        char text[64];
        double value = 0, expected;
        int exponent = (int)(k * 2654435761u >> 24) % 60 - 30;
        unsigned whole = k * 2246822519u >> (k % 32), fraction = k * 3266489917u >> (k / 32 % 32);
        snprintf(text, sizeof text, "%s%u.%ue%d", k & 1 ? "-" : "", whole, fraction, exponent);
        expected = strtod(text, NULL);
        cr_assert(ls_csv_number(text, &value) && value == expected, "%s is read as %.17g, not %.17g", text, value,
                  expected);
    }
}

/* ---- CSV that is refused -------------------------------------------------------------------------------------- */

typedef struct {
    const char *text;
    ls_csv_options options;
    ls_status status;
    const char *says; /* in the message, behind the path; parts separated by '|' */
} refusal;

static const char *const known_classes[] = {"cat", "dog"};

static const refusal refusals[] = {
    {"", {0}, LS_ERR_DATA, "is empty|give a CSV file"},
    {"\n \r\n\n", {0}, LS_ERR_DATA, "only blank lines"},
    {"\xef\xbb\xbf", {0}, LS_ERR_DATA, "only blank lines"},
    {"a,b,c\n", {0}, LS_ERR_DATA, "a header but no rows|add at least one"},
    {"\x1f\x8b\x08zzz", {0}, LS_ERR_DATA, "gzip-compressed; unpack it first (gunzip -k /"},
    {"\xff\xfe\x61", {0}, LS_ERR_DATA, "UTF-16|save it as UTF-8"},
    {"a\n1\n2\n", {0}, LS_ERR_DATA, "line 1: has one column only|commas, semicolons or tabs"},
    {"1 2 3\n4 5 6\n", {0}, LS_ERR_DATA, "one column only"},
    {"a,b,c\n1,2,0\n1,2\n", {0}, LS_ERR_DATA, "line 3: has 2 fields, but line 1 has 3|separators"},
    {"a,b,c\n1,2,0\n1,2,0,9\n", {0}, LS_ERR_DATA, "line 3: has 4 fields, but line 1 has 3"},
    {"a,b,c\n1,2,0\n,,\n", {0}, LS_ERR_DATA, "line 3, column 1 (a): the value is missing;|drop the row"},
    {"a,b,c\n1,x,0\n", {0}, LS_ERR_DATA, "line 2, column 2 (b): \"x\" is not a finite number"},
    {"a,b,c\n\n\n1,2,0\n1,12o,0\n", {0}, LS_ERR_DATA, "line 5, column 2 (b): \"12o\""},
    {"a,b,c\n1,\"2\n\",0\n3,y,1\n", {0}, LS_ERR_DATA, "line 2, column 2 (b): \"2?\""},
    {"a,b,c\n1,,0\n", {0}, LS_ERR_DATA, "line 2, column 2 (b): the value is missing;"},
    {"a,b,c\n1,?,0\n", {0}, LS_ERR_DATA, "column 2 (b): the value is missing (\"?\")"},
    {"a,b,c\n1,2,0\n1,NA,0\n", {0}, LS_ERR_DATA, "line 3, column 2 (b): the value is missing (\"NA\")"},
    {"a,b,c\n1,nan,0\n", {0}, LS_ERR_DATA, "the value is missing (\"nan\")"},
    {"a,b,c\n1,inf,0\n", {0}, LS_ERR_DATA, "\"inf\" is not a finite number"},
    {"a,b,c\n1,0x10,0\n", {0}, LS_ERR_DATA, "\"0x10\" is not a finite number"},
    {"a,b,c\n1,1e39,0\n", {0}, LS_ERR_DATA, "\"1e39\" is too large for a 32-bit float|other units"},
    {"a,b,c\n1,-3.4028236e38,0\n", {0}, LS_ERR_DATA, "too large"},
    {"a,b,c\n1,1e999,0\n", {0}, LS_ERR_DATA, "\"1e999\" is not a finite number"},
    {"a;b;c\n1;2,5;0\n", {0}, LS_ERR_DATA, "\"2,5\" is not a finite number; write decimals with a point"},
    {"a,b,c\n1,2 3,0\n", {0}, LS_ERR_DATA, "\"2 3\" is not"},
    {"a,b,c\n1,1.2.3,0\n", {0}, LS_ERR_DATA, "\"1.2.3\" is not"},
    {"a,b,c\n1,1e,0\n", {0}, LS_ERR_DATA, "\"1e\" is not"},
    {"a,b,c\n1,abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij,0\n", {0}, LS_ERR_DATA,
     "\"abcdefghijabcdefghijabcdefghijabcdefg...\""},
    {"1.5o,2,3,0\n1,2,3,1\n", {0}, LS_ERR_DATA, "line 1, column 1: \"1.5o\"|if this line is a header"},
    {"a,b,c\n1,2,\n", {0}, LS_ERR_DATA, "line 2, column 3 (c): the class is missing"},
    {"a,b,c\n1,\"2,0\n1,2,0\n", {0}, LS_ERR_DATA, "line 2, column 2: a quote is opened and never closed"},
    {"a,b,c\n1,\"2\"x,0\n", {0}, LS_ERR_DATA, "line 2, column 2: \"x\" follows a closing quote"},
    {"a,b,c\n1,2,0\n", {.target = "color"}, LS_ERR_ARGUMENT, "no column is named \"color\"|last column is \"c\""},
    {"size,colour,c\n1,2,0\n", {.target = "color"}, LS_ERR_ARGUMENT, "did you mean \"colour\"?"},
    {"1,2,0\n1,2,1\n", {.target = "color"}, LS_ERR_ARGUMENT, "has no header|give the target's index, 0 to 2"},
    {"1,2,0\n1,2,1\n", {.target = "3"}, LS_ERR_ARGUMENT, "there is no column 3; the target's index must be 0 to 2"},
    {"a,b,c\n1,2,0\n", {.features = 5}, LS_ERR_DATA,
     "has 3 columns, so 2 features|5 are expected; give 6 columns, or 5"},
    {"a,b,c\n1,2,0\n", {.features = 3, .target = "c"}, LS_ERR_DATA, "2 features beside the class, but 3 are expected"},
    {"a,c\n1,cat\n2,cow\n", {.class_names = known_classes, .classes = 2}, LS_ERR_DATA,
     "line 3, column 2 (c): \"cow\" is not a known class; these are: cat, dog"},
};

/* Every part of `says` must be in the message, which must start with the path. */
static void expect_message(const char *message, const char *start, const char *says)
{
    char parts[256];
    cr_expect(strncmp(message, start, strlen(start)) == 0, "\"%s\" does not name the file", message);
    snprintf(parts, sizeof parts, "%s", says);
    for (char *part = strtok(parts, "|"); part; part = strtok(NULL, "|")) {
        cr_expect_not_null(strstr(message, part), "\"%s\" does not say \"%s\"", message, part);
    }
}

Test(data, csv_malformed_files_are_refused_with_a_message)
{
    for (size_t k = 0; k < COUNT(refusals); k++) {
        const refusal *one = &refusals[k];
        ls_data *data = NULL;
        ls_error err = {LS_OK, ""};
        ls_status status = read_bytes(one->text, strlen(one->text), &one->options, &data, &err);
        cr_expect_eq(status, one->status, "\"%s\" gives %s: %s", one->text, ls_status_name(status), err.message);
        cr_expect_eq(err.status, status);
        cr_expect_null(data, "\"%s\" leaves data", one->text);
        expect_message(err.message, "/tmp/lockstep-test-", one->says);
        cr_expect_eq(read_bytes(one->text, strlen(one->text), &one->options, &data, NULL), status);
    }
}

Test(data, csv_binary_missing_and_folder)
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

Test(data, csv_target_that_is_no_class)
{
    ls_error err;
    cr_expect_eq(read_targets("", 1000, &err), LS_OK);
    cr_expect_eq(read_targets("", 1001, &err), LS_ERR_DATA);
    expect_message(err.message, "/tmp/", "the target column 2 looks like a measurement, not a class (1001 distinct "
                   "values); name another with --target");
    cr_expect_eq(read_targets("half", 20, &err), LS_OK);
    cr_expect_eq(read_targets("half", 21, &err), LS_ERR_DATA);
    expect_message(err.message, "/tmp/", "measurement, not a class (21 distinct values)");
    cr_expect_eq(read_targets("id", 1000, &err), LS_OK);
    cr_expect_eq(read_targets("id", 1001, &err), LS_ERR_DATA);
    expect_message(err.message, "/tmp/", "free text or a key, not a class (1001 distinct values)");
    cr_expect_eq(read_targets("", 100000, &err), LS_ERR_DATA);
    expect_message(err.message, "/tmp/", "measurement, not a class (more than 4096 distinct values)");
}

/* ---- Writing and arrays --------------------------------------------------------------------------------------- */

Test(data, csv_written_is_read_back_bit_for_bit)
{
    /* The last one needs nine digits. */
    static const float x[] = {0.1f, -0.0f, FLT_MAX, 0x1p-149f, 16777216.0f, 1.0f / 3, -2.5e-7f, 11.3679905f};
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

Test(data, csv_floats_are_written_short)
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

Test(data, arrays_are_checked)
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

/* ---- Generators ----------------------------------------------------------------------------------------------- */

Test(data, generators_give_the_same_bits_everywhere)
{
    static const struct { const char *name, *sha256; } golden[] = {
        {"linear", "af32cb3cf7b10d9ae2424630bdaa310ba5c5f95ec8c33d2266fd397337062791"},
        {"quadratic", "d46bc95c08ddf644ccc61298de76f9dca0bff5627c0f22ed3c65f88bada2cbc9"},
        {"random", "d1306be407eef3c0f5f68fdbcec81ae253fb870189fc5bd413b9ffc55d0d62bc"},
        {"overlap", "3d87e40d19d8fa0601a791c5130b54d2a654bc0dfc44896855c5005e81366e55"},
        {"xor", "33bfe2d5dd8ce27e73049e8dd0e4755900a242e07cacab3b27ba76c3ac462251"},
        {"moons", "c1b26b774c24d76d597cfe738ae94639f2707e9238435fd597dd4c7d5bdb5e92"},
        {"circles", "0012bebad618759da6fd79f9652c48c9d641057e15d2668f578f05a35a51dd38"},
        {"spirals", "9535230b49c265659b17aef655a324531f185d9775eceffa570049eb170d48a3"},
        {"blobs", "b01e5c67b4d0a172539ab4eb5e2e48cf750002c8341a4a05d67459d33e1256fe"},
        {"checkerboard", "f9f265de07368420fb0de33582158fb53ec4f8f904fe83804b748658c02434b5"},
        {"classification", "39edbe7422ebedddee26b1ec60d75444d873ee4272d7f6b2c5cb93d0845fddc0"},
    };
    size_t listed = 0;
    while (ls_generator_at(listed, NULL)) listed++;
    cr_expect_eq(listed, COUNT(golden));
    for (size_t k = 0; k < COUNT(golden); k++) {
        char hex[65], other[65];
        const char *about = NULL;
        cr_expect_str_eq(ls_generator_at(k, &about), golden[k].name);
        cr_expect(about && strlen(about) > 10);
        ls_data *data = generate_seeded(golden[k].name, 0, 1);
        hash_data(data, hex);
        cr_expect_str_eq(hex, golden[k].sha256, "%s is %s", golden[k].name, hex);
        ls_data_free(data);
        data = generate_seeded(golden[k].name, 0, 2);
        hash_data(data, other);
        bool seedless = strcmp(golden[k].name, "xor") == 0;
        cr_expect_eq(strcmp(hex, other) == 0, seedless, "%s, another seed", golden[k].name);
        ls_data_free(data);
    }
}

Test(data, generator_xor_is_the_21_points)
{
    static const float x[21][2] = {
        {0, 0}, {0, 1}, {0.1f, 0.1f}, {0.1f, 0.9f}, {0.2f, 0.2f}, {0.2f, 0.8f}, {0.3f, 0.3f}, {0.3f, 0.7f},
        {0.4f, 0.4f}, {0.4f, 0.6f}, {0.5f, 0.5f}, {0.6f, 0.6f}, {0.6f, 0.4f}, {0.7f, 0.7f}, {0.7f, 0.3f},
        {0.8f, 0.8f}, {0.8f, 0.2f}, {0.9f, 0.9f}, {0.9f, 0.1f}, {1, 1}, {1, 0}};
    static const int32_t y[21] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
    ls_data *data = generate("xor", NULL);
    assert_shape(data, 21, 2, 2);
    cr_expect_arr_eq(data->x, x, sizeof x);
    cr_expect_arr_eq(data->y, y, sizeof y);
    ls_data_free(data);
}

Test(data, generator_labels_follow_their_rule)
{
    ls_data *linear = generate_seeded("linear", 5000, 3), *quadratic = generate_seeded("quadratic", 5000, 3);
    ls_data *board = generate_seeded("checkerboard", 5000, 3);
    for (size_t i = 0; i < 5000; i++) {
        const float *p = linear->x + 2 * i, *q = quadratic->x + 2 * i, *b = board->x + 2 * i;
        cr_assert(p[0] >= 0 && p[0] < 1 && p[1] >= 0 && p[1] < 1);
        cr_assert_eq(linear->y[i], p[0] > p[1], "linear, row %zu", i);
        double above = (double)q[1] - 6 * ((double)q[0] - 0.5) * ((double)q[0] - 0.5);
        if (fabs(above) > 1e-6) cr_assert_eq(quadratic->y[i], above > 0, "quadratic, row %zu", i);
        cr_assert_eq(board->y[i], ((int)floorf(b[0] * 4) + (int)floorf(b[1] * 4)) % 2, "checkerboard, row %zu", i);
    }
    ls_data_free(linear);
    ls_data_free(quadratic);
    ls_data_free(board);
}

Test(data, generator_curves_without_noise_lie_on_their_curves)
{
    ls_generate_options options = {.rows = 999, .noise = 0, .overlap = -1, .seed = 7};
    ls_data *moons = generate("moons", &options), *circles = generate("circles", &options);
    for (size_t i = 0; i < 999; i++) {
        const float *m = moons->x + 2 * i, *c = circles->x + 2 * i;
        double away = moons->y[i] ? hypot((double)m[0] - 1, (double)m[1] - 0.5) : hypot((double)m[0], (double)m[1]);
        cr_assert_float_eq(away, 1, 1e-6, "moons, row %zu", i);
        cr_assert(moons->y[i] ? m[1] <= 0.5f : m[1] >= 0);
        cr_assert_float_eq(hypot((double)c[0], (double)c[1]), circles->y[i] ? 0.5 : 1, 1e-6, "circles, row %zu", i);
    }
    ls_data_free(moons);
    ls_data_free(circles);
    options.classes = 3;
    ls_data *spirals = generate("spirals", &options);
    for (size_t i = 0; i < 999; i++) {
        const double pi = 3.14159265358979323846;
        const float *s = spirals->x + 2 * i;
        double radius = hypot((double)s[0], (double)s[1]), angle = pi * (3 * radius + 2.0 * spirals->y[i] / 3);
        cr_assert(hypot((double)s[0] - radius * cos(angle), (double)s[1] - radius * sin(angle)) < 1e-5, "row %zu", i);
    }
    ls_data_free(spirals);
}

Test(data, generator_overlap_is_separable_to_99_percent)
{
    const size_t rows = 100000;
    size_t right = 0;
    ls_data *data = generate_seeded("overlap", rows, 5);
    for (size_t i = 0; i < rows; i++) right += (data->x[2 * i] + data->x[2 * i + 1] > 0) == data->y[i];
    double accuracy = (double)right / (double)rows; /* expected 0.99079, deviation 0.0003 */
    cr_expect(accuracy > 0.989 && accuracy < 0.9925, "%g", accuracy);
    ls_data_free(data);
}

Test(data, generator_classes_are_balanced)
{
    static const struct { const char *name; double share; } cases[] = {
        {"linear", 0.5}, {"quadratic", 0.5443}, {"random", 0.5}, {"overlap", 0.5}, {"moons", 0.5}, {"circles", 0.5},
        {"checkerboard", 0.5}};
    for (size_t k = 0; k < COUNT(cases); k++) {
        size_t ones = 0;
        ls_data *data = generate_seeded(cases[k].name, 20000, 11);
        for (size_t i = 0; i < data->rows; i++) ones += data->y[i] == 1;
        cr_expect_float_eq((double)ones / 20000, cases[k].share, 0.02, "%s: %zu", cases[k].name, ones);
        ls_data_free(data);
    }
    ls_generate_options options = {.rows = 1000, .noise = -1, .overlap = -1, .classes = 10, .features = 7, .seed = 1};
    static const char *const several[] = {"blobs", "classification"};
    for (size_t k = 0; k < COUNT(several); k++) {
        size_t counts[10] = {0};
        ls_data *data = generate(several[k], &options);
        assert_shape(data, 1000, 7, 10);
        for (size_t i = 0; i < data->rows; i++) counts[data->y[i]]++;
        for (size_t c = 0; c < 10; c++) cr_expect_eq(counts[c], 100, "%s", several[k]);
        ls_data_free(data);
    }
}

Test(data, generator_shorter_set_is_the_start_of_a_longer_one)
{
    for (size_t k = 0; ls_generator_at(k, NULL); k++) {
        const char *name = ls_generator_at(k, NULL);
        if (strcmp(name, "xor") == 0) continue;
        ls_data *brief = generate_seeded(name, 50, 9), *more = generate_seeded(name, 500, 9);
        cr_expect_arr_eq(brief->x, more->x, 50 * brief->features * sizeof(float), "%s", name);
        cr_expect_arr_eq(brief->y, more->y, 50 * sizeof(int32_t), "%s", name);
        ls_data_free(brief);
        ls_data_free(more);
    }
}

Test(data, generator_classification_has_redundant_features)
{
    ls_generate_options options = {.rows = 300, .noise = 0, .overlap = -1, .classes = 2, .features = 2, .seed = 4};
    ls_data *data = generate("classification", &options); /* one informative feature, one a multiple of it */
    double slope = (double)data->x[1] / (double)data->x[0];
    for (size_t i = 0; i < data->rows; i++) {
        cr_assert_float_eq((double)data->x[2 * i + 1], slope * (double)data->x[2 * i], 1e-5);
    }
    ls_data_free(data);
}

Test(data, generator_options_are_checked)
{
    static const struct { const char *name; ls_generate_options options; const char *says; } cases[] = {
        {"moon", {0}, "did you mean \"moons\"?|linear, quadratic, random"},
        {"quux", {0}, "choose from: linear|classification"},
        {"", {0}, "choose from"},
        {"xor", {.rows = 20}, "exactly 21 rows, not 20"},
        {"moons", {.classes = 3}, "takes no number of classes; leave it out"},
        {"linear", {.features = 3}, "takes no number of features"},
        {"linear", {.noise = 0.1}, "takes no noise"},
        {"blobs", {.overlap = 0.1}, "takes no overlap"},
        {"blobs", {.rows = 4, .classes = 5}, "4 rows do not suffice for 5 classes"},
        {"blobs", {.classes = 1}, "cannot be 1; give 2 to 1000"},
        {"blobs", {.classes = 1001, .rows = 5000}, "cannot be 1001"},
        {"blobs", {.features = 10001}, "10001 features are too many; give at most 10000"},
        {"linear", {.rows = 100000001}, "100000001 rows are too many"},
        {"moons", {.noise = NAN}, "noise and overlap must be numbers"},
        {"moons", {.noise = INFINITY}, "noise and overlap must be numbers"},
        {"classification", {.classes = 9, .features = 3}, "9 classes need at least 4 features"},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        ls_data *data = NULL;
        ls_error err = {LS_OK, ""};
        cr_expect_eq(ls_data_generate(cases[k].name, &cases[k].options, &data, &err), LS_ERR_ARGUMENT, "case %zu", k);
        expect_message(err.message, "", cases[k].says);
        cr_expect_null(data);
    }
}

/* ---- Splitting ------------------------------------------------------------------------------------------------ */

/* 1000 rows whose feature is their number; classes of 700, 200 and 100 rows. */
static ls_data *numbered_rows(bool labelled)
{
    float x[1000];
    int32_t y[1000];
    ls_data *data = NULL;
    for (int i = 0; i < 1000; i++) {
        x[i] = (float)i;
        y[i] = i % 10 < 7 ? 0 : i % 10 < 9 ? 1 : 2;
    }
    cr_assert_eq(ls_data_from_arrays(x, labelled ? y : NULL, 1000, 1, labelled ? 3 : 0, &data, NULL), LS_OK);
    return data;
}

Test(data, split_is_disjoint_complete_ordered_and_stratified)
{
    ls_data *data = numbered_rows(true), *rest = NULL, *part = NULL;
    cr_assert_eq(ls_data_split(data, 0.25, 42, &rest, &part, NULL), LS_OK);
    assert_shape(part, 250, 1, 3);
    assert_shape(rest, 750, 1, 3);
    bool seen[1000] = {false};
    size_t counts[3] = {0};
    const ls_data *const both[] = {rest, part};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < both[k]->rows; i++) {
            size_t row = (size_t)both[k]->x[i];
            cr_assert(!seen[row], "row %zu is there twice", row);
            seen[row] = true;
            cr_assert_eq(both[k]->y[i], data->y[row]);
            cr_assert(i == 0 || both[k]->x[i - 1] < both[k]->x[i], "the order changed");
            if (k == 1) counts[both[k]->y[i]]++;
        }
    }
    cr_expect(counts[0] == 175 && counts[1] == 50 && counts[2] == 25);
    ls_data_free(data);
    ls_data_free(rest);
    ls_data_free(part);
}

Test(data, split_depends_on_the_seed_alone)
{
    ls_data *data = numbered_rows(true), *rest[3], *part[3];
    static const uint64_t seeds[] = {1, 1, 2};
    char hex[65];
    for (size_t k = 0; k < 3; k++) cr_assert_eq(ls_data_split(data, 0.2, seeds[k], &rest[k], &part[k], NULL), LS_OK);
    cr_expect_arr_eq(part[0]->x, part[1]->x, 200 * sizeof(float));
    cr_expect_arr_neq(part[0]->x, part[2]->x, 200 * sizeof(float));
    hash_data(part[0], hex);
    cr_expect_str_eq(hex, "689cfc26714a2b8dea53095899c44f37f642fc25144e675a0982b7ef753baf15", "the split is %s", hex);
    for (size_t k = 0; k < 3; k++) {
        ls_data_free(rest[k]);
        ls_data_free(part[k]);
    }
    ls_data_free(data);
}

Test(data, split_of_rows_without_classes_and_bad_fractions)
{
    ls_data *data = numbered_rows(false), *rest = NULL, *part = NULL;
    ls_error err;
    static const double bad[] = {0, 1, -0.5, 1.5, NAN, 0.0004, 0.9996};
    for (size_t k = 0; k < COUNT(bad); k++) {
        cr_expect_eq(ls_data_split(data, bad[k], 1, &rest, &part, &err), LS_ERR_ARGUMENT, "%g", bad[k]);
        cr_expect(rest == NULL && part == NULL);
    }
    expect_message(err.message, "a fraction of 0.9996 of 1000 rows", "use a smaller fraction");
    cr_assert_eq(ls_data_split(data, 0.3, 1, &rest, &part, &err), LS_OK);
    assert_shape(part, 300, 1, 0);
    cr_expect_null(ls_data_y(part));
    ls_data_free(data);
    ls_data_free(rest);
    ls_data_free(part);
}

/* ---- Metrics: the figures are those of scikit-learn 1.9.1, zero_division=0 ------------------------------------ */

static ls_metrics *measure(const float *outputs, size_t rows, size_t columns, const int32_t *y, size_t classes)
{
    ls_metrics *metrics = NULL;
    ls_error err;
    ls_status status = ls_metrics_compute(outputs, rows, columns, y, classes, NULL, &metrics, &err);
    cr_assert_eq(status, LS_OK, "%s", err.message);
    return metrics;
}

static void expect_figures(const ls_metrics *metrics, double accuracy, double precision, double recall, double f1)
{
    cr_expect_float_eq(metrics->accuracy, accuracy, 1e-15);
    cr_expect_float_eq(metrics->precision, precision, 1e-15);
    cr_expect_float_eq(metrics->recall, recall, 1e-15);
    cr_expect_float_eq(metrics->f1, f1, 1e-15);
}

Test(data, metrics_binary_with_ties)
{
    static const float scores[] = {0.1f, 0.4f, 0.35f, 0.8f, 0.5f, 0.5f, 0.7f, 0.2f, 0.5f, 0.9f};
    static const float loss[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    static const int32_t y[] = {0, 0, 1, 1, 0, 1, 1, 0, 0, 1};
    static const uint64_t confusion[] = {3, 2, 1, 4};
    float pairs[20];
    for (size_t i = 0; i < 10; i++) {
        pairs[2 * i] = 1 - scores[i]; /* exact around 0.5, so that ties stay ties: the first column then wins */
        pairs[2 * i + 1] = scores[i];
    }
    ls_metrics *one = NULL, *two = measure(pairs, 10, 2, y, 2);
    cr_assert_eq(ls_metrics_compute(scores, 10, 1, y, 2, loss, &one, NULL), LS_OK);
    expect_figures(one, 0.7, 0.6666666666666666, 0.8, 0.7272727272727273);
    cr_expect_float_eq(one->auc, 0.84, 1e-15);
    cr_expect_eq(two->auc, one->auc);
    cr_expect_arr_eq(one->confusion, confusion, sizeof confusion);
    cr_expect(two->confusion[0] == 5 && two->confusion[3] == 3);
    cr_expect_eq(one->undefined, 0);
    cr_expect(one->loss == 5.5 && one->loss_sum == 55.0 && isnan(two->loss));
    ls_metrics_free(one);
    ls_metrics_free(two);
}

Test(data, metrics_three_classes)
{
    static const float outputs[] = {0.5f, 0.3f, 0.2f, 0.1f, 0.6f, 0.3f, 0.2f, 0.2f, 0.6f, 0.4f, 0.4f, 0.2f,
                                    0.1f, 0.1f, 0.8f, 0.3f, 0.5f, 0.2f, 0.6f, 0.2f, 0.2f, 0.2f, 0.3f, 0.5f};
    static const int32_t y[] = {0, 1, 2, 1, 2, 0, 0, 1};
    static const uint64_t confusion[] = {2, 1, 0, 1, 1, 1, 0, 0, 2};
    ls_metrics *metrics = measure(outputs, 8, 3, y, 3);
    expect_figures(metrics, 0.625, 0.611111111111111, 0.6666666666666666, 0.6222222222222222);
    cr_expect_arr_eq(metrics->confusion, confusion, sizeof confusion);
    cr_expect_float_eq(metrics->class_precision[1], 0.5, 1e-15);
    cr_expect_float_eq(metrics->class_recall[1], 1.0 / 3, 1e-15);
    cr_expect_float_eq(metrics->class_f1[2], 0.8, 1e-15);
    cr_expect(isnan(metrics->auc));
    cr_expect_eq(metrics->undefined, 0);
    ls_metrics_free(metrics);
}

Test(data, metrics_count_what_is_undefined)
{
    /* Class 2 is neither there nor predicted, class 3 is never predicted. */
    static const float four[] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0};
    static const int32_t y4[] = {0, 1, 3, 1, 0}, y[] = {0, 0, 1}, none[] = {0, 0, 0};
    static const float low[] = {0.1f, 0.2f, 0.3f};
    ls_metrics *metrics = measure(four, 5, 4, y4, 4);
    expect_figures(metrics, 0.8, 0.41666666666666663, 0.5, 0.45);
    cr_expect_eq(metrics->undefined, 3); /* precision, recall and F1 of class 2 */
    ls_metrics_free(metrics);

    metrics = measure(low, 3, 1, y, 2); /* nothing is predicted positive */
    expect_figures(metrics, 0.6666666666666666, 0, 0, 0);
    cr_expect_eq(metrics->undefined, 1);
    cr_expect_eq(metrics->auc, 1.0);
    ls_metrics_free(metrics);

    metrics = measure(low, 3, 1, none, 2); /* and nothing is */
    expect_figures(metrics, 1, 0, 0, 0);
    cr_expect_eq(metrics->undefined, 4);
    cr_expect(isnan(metrics->auc));
    ls_metrics_free(metrics);

    metrics = measure(low, 0, 1, none, 2);
    expect_figures(metrics, 0, 0, 0, 0);
    cr_expect_eq(metrics->undefined, 5);
    ls_metrics_free(metrics);
}

Test(data, metrics_decide_and_check)
{
    static const float first_wins[] = {0.2f, 0.4f, 0.4f}, half = 0.5f, below = 0.49999997f;
    static const int32_t y[] = {2};
    ls_metrics *metrics = NULL;
    cr_expect_eq(ls_decide(first_wins, 3), 1);
    cr_expect(ls_decide(&half, 1) == 1 && ls_decide(&below, 1) == 0);
    cr_expect_eq(ls_metrics_compute(&half, 1, 1, y, 2, NULL, &metrics, NULL), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_metrics_compute(first_wins, 1, 3, y, 4, NULL, &metrics, NULL), LS_ERR_ARGUMENT);
    cr_expect_null(metrics);
    ls_metrics_free(NULL);
}

/* ---- Common functions ----------------------------------------------------------------------------------------- */

static void expect_sha256(const char *text, size_t times, const char *expected)
{
    ls_sha256 sha;
    char hex[65];
    ls_sha256_init(&sha);
    for (size_t i = 0; i < times; i++) ls_sha256_update(&sha, text, strlen(text));
    ls_sha256_final(&sha, hex);
    cr_expect_str_eq(hex, expected);
}

Test(data, sha256_known_answers) /* the examples to FIPS 180-4, and the empty message */
{
    expect_sha256("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_sha256("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect_sha256("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
                  "mnopqrstnopqrstu", 1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    expect_sha256("aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

Test(data, nearest_names)
{
    static const char *const names[] = {"moons", "circles", "classification", "learning-rate", "xor"};
    static const struct { const char *text, *near; } cases[] = {
        {"moon", "moons"}, {"mooons", "moons"}, {"omons", "moons"}, {"MOONS", "moons"}, {"class", "classification"},
        {"learnin-rate", "learning-rate"}, {"xro", "xor"}, {"quux", NULL}, {"", NULL}, {"lerning_rat", "learning-rate"},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        const char *near = ls_nearest(cases[k].text, names, COUNT(names));
        cr_expect_str_eq(near ? near : "(none)", cases[k].near ? cases[k].near : "(none)", "%s", cases[k].text);
    }
}

Test(data, numbers_parse_whole_or_not_at_all)
{
    static const char *const bad[] = {"", " ", "1x", "x1", "1 2", "0x1p3", "inf", "nan", "-infinity", "1e999", "--1",
                                      ".", "e5", "1,5", "1e"};
    double value = 7;
    uint64_t integer = 7;
    for (size_t k = 0; k < COUNT(bad); k++) cr_expect_not(ls_parse_double(bad[k], &value), "\"%s\"", bad[k]);
    cr_expect_eq(value, 7);
    cr_expect(ls_parse_double("  -1.5e-3\t", &value) && value == -1.5e-3);
    cr_expect(ls_parse_u64("18446744073709551615", &integer) && integer == UINT64_MAX);
    static const char *const bad_integers[] = {"",   "18446744073709551616", "-1", "+1", " 1",
                                               "1.0", "99999999999999999999"};
    for (size_t k = 0; k < COUNT(bad_integers); k++) {
        cr_expect_not(ls_parse_u64(bad_integers[k], &integer), "\"%s\"", bad_integers[k]);
    }
}

Test(data, locale_does_not_matter)
{
    /* Without such a locale installed this checks the default one. */
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) setlocale(LC_ALL, "");
    double value = 0;
    ls_text text = {0};
    ls_error err;
    cr_expect(ls_parse_double("1.5", &value) && value == 1.5);
    ls_text_add(&text, "%.9g", 0.25);
    cr_expect_str_eq(text.text, "0.25");
    cr_expect_eq(ls_fail(&err, LS_ERR_DATA, "%g", 0.5), LS_ERR_DATA);
    cr_expect_str_eq(err.message, "0.5");
    free(text.text);
}

Test(data, allocation_is_aligned_zeroed_and_checked)
{
    double *memory = NULL;
    ls_error err;
    cr_assert_eq(ls_alloc(&memory, 1001, sizeof *memory, "test", &err), LS_OK);
    cr_expect_eq((uintptr_t)memory % 64, 0);
    for (size_t i = 0; i < 1001; i++) cr_assert_eq(memory[i], 0);
    free(memory);
    cr_expect_eq(ls_alloc(&memory, SIZE_MAX / 4, sizeof *memory, "the test", &err), LS_ERR_MEMORY);
    cr_expect_null(memory);
    expect_message(err.message, "the test", "more than this machine can address");
    cr_assert_eq(ls_alloc(&memory, 0, sizeof *memory, "test", &err), LS_OK);
    cr_expect_not_null(memory);
    free(memory);
}

Test(data, text_grows)
{
    ls_text text = {0};
    for (int i = 0; i < 10000; i++) ls_text_add(&text, "%04d,", i);
    cr_assert_not(text.failed);
    cr_expect_eq(text.length, 50000);
    cr_expect_str_eq(text.text + 49990, "9998,9999,");
    free(text.text);
}

/* ---- Files ---------------------------------------------------------------------------------------------------- */

static void expect_contents(const char *path, const char *expected)
{
    char *bytes = NULL;
    size_t size = 0;
    cr_assert_eq(ls_read_file(path, &bytes, &size, NULL), LS_OK);
    cr_expect(size == strlen(expected) && strcmp(bytes, expected) == 0, "%s has \"%s\"", path, bytes);
    free(bytes);
}

Test(data, files_are_written_whole_and_keep_permissions)
{
    char folder[] = "/tmp/lockstep-test-XXXXXX", path[64], link[64];
    struct stat info;
    ls_error err;
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    umask(027);
    cr_assert_eq(ls_write_file(path, "one", 3, &err), LS_OK, "%s", err.message);
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_eq(info.st_mode & 0777, 0640);
    cr_assert_eq(chmod(path, 0600), 0);
    cr_assert_eq(symlink(path, link), 0);
    cr_assert_eq(ls_write_file(link, "two", 3, &err), LS_OK, "%s", err.message);
    expect_contents(path, "two");
    cr_assert_eq(lstat(link, &info), 0);
    cr_expect(S_ISLNK(info.st_mode), "the link was replaced");
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_eq(info.st_mode & 0777, 0600);
    unlink(link);
    unlink(path);
    cr_expect_eq(rmdir(folder), 0, "a temporary file was left");
}

Test(data, files_that_cannot_be_written_stay_as_they_were)
{
    ls_error err;
    cr_expect_eq(ls_write_file("/tmp/lockstep-no-such-folder/x", "a", 1, &err), LS_ERR_IO);
    expect_message(err.message, "/tmp/lockstep-no-such-folder/x: cannot", "create the folder first");
    cr_expect_eq(ls_write_file("/tmp", "a", 1, &err), LS_ERR_IO);
    cr_expect_eq(ls_write_file("", "a", 1, &err), LS_ERR_ARGUMENT);

    /* A limit on the size of files makes the write fail half way. */
    char folder[] = "/tmp/lockstep-test-XXXXXX", path[64];
    char *large = calloc(1, 100000);
    cr_assert_not_null(large);
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    cr_assert_eq(ls_write_file(path, "before", 6, &err), LS_OK);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {4096, 4096};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect_eq(ls_write_file(path, large, 100000, &err), LS_ERR_IO);
    expect_contents(path, "before");
    unlink(path);
    cr_expect_eq(rmdir(folder), 0, "a temporary file was left");
    free(large);
}

Test(data, pipes_are_written_to_and_not_replaced)
{
    char folder[] = "/tmp/lockstep-test-XXXXXX", path[64], got[8] = "";
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pipe", folder);
    cr_assert_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    cr_assert(reader >= 0);
    cr_expect_eq(ls_write_file(path, "abc", 3, NULL), LS_OK);
    cr_expect_eq(read(reader, got, sizeof got - 1), 3);
    cr_expect_str_eq(got, "abc");
    close(reader);
    unlink(path);
    rmdir(folder);
}

Test(data, version_and_status_names)
{
    cr_expect_str_eq(ls_version(), "0.1.0");
    cr_expect_str_eq(ls_status_name(LS_OK), "ok");
    cr_expect_str_eq(ls_status_name(LS_ERR_UNSUPPORTED), "unsupported");
    cr_expect_str_eq(ls_status_name((ls_status)99), "unknown");
}
