/* SPDX-License-Identifier: MIT */
/* Reading gzip, IDX and NPY files, malformed ones included. */
#include <criterion/criterion.h>

#include <math.h>
#include <sys/stat.h>

#include "host/base/file.h"
#include "host/base/text.h"
#include "host/data/encoder.h"
#include "host/data/formats.h"
#include "tests/support/data.h"

static ls_status read_it(const char *bytes, size_t size, const ls_read_options *how, ls_data **out,
                         ls_error *err)
{
    char path[64];
    write_temporary(path, bytes, size);
    ls_status status = ls_data_read(path, how, out, err);
    unlink(path);
    return status;
}

typedef struct {
    const char *what, *bytes;
    size_t size;
    const char *says;
} bad_file;

#define FILE_OF(bytes) bytes, sizeof bytes - 1

static void expect_refused(const bad_file *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ls_data *data = NULL;
        ls_error err = {LS_OK, ""};
        ls_status status = read_it(list[i].bytes, list[i].size,
                                   &(ls_read_options){.missing = "error"}, &data, &err);
        cr_expect_eq(status, LS_ERR_DATA, "%s: %s: %s", list[i].what, ls_status_name(status),
                     err.message);
        cr_expect_null(data, "%s", list[i].what);
        expect_message(err.message, "/tmp/lockstep-test-", list[i].says);
    }
}

/* ---- Formats --------------------------------------------------------------------------------- */

Test(readers, formats_are_recognised_by_their_first_bytes)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *name;
    } files[] = {{"\0\0\x08\1", 4, "IDX"}, {"\x93NUMPY", 6, "NPY"}, {"a,b,c\n", 6, "CSV"},
                 {"\0\0\x08\0", 4, "CSV"}, {"\x93NUM", 4, "CSV"},   {"", 0, "CSV"}};
    for (size_t i = 0; i < COUNT(files); i++) {
        const ls_format *format;
        cr_assert_eq(ls_format_of("f", files[i].bytes, files[i].size, &format, NULL), LS_OK);
        cr_expect_str_eq(format->name, files[i].name);
    }
    cr_expect_str_eq(ls_matrix_formats().text, "IDX and NPY");
}

/* ---- IDX ------------------------------------------------------------------------------------- */

#define IDX_CUBE                                                                                   \
    "\0\0\x08\3\0\0\0\3\0\0\0\1\0\0\0\2"                                                           \
    "\1\2\3\4\xff\6"
#define IDX_LABELS                                                                                 \
    "\0\0\x08\1\0\0\0\3"                                                                           \
    "\7\0\7"

Test(readers, idx_with_its_labels_beside_it)
{
    char folder[64] = "/tmp/lockstep-idx-XXXXXX", path[128], labels[128];
    ls_data *data = NULL;
    ls_error err;
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a-images-idx3-ubyte", folder);
    snprintf(labels, sizeof labels, "%s/a-labels-idx1-ubyte", folder);
    cr_assert_eq(ls_write_file(path, FILE_OF(IDX_CUBE), &err), LS_OK);
    cr_expect_eq(ls_data_read(path, NULL, &data, &err), LS_ERR_DATA);
    expect_message(err.message, folder, "a-labels-idx1-ubyte|--labels");
    cr_assert_eq(ls_write_file(labels, FILE_OF(IDX_LABELS), &err), LS_OK);
    cr_assert_eq(ls_data_read(path, NULL, &data, &err), LS_OK, "%s", err.message);
    assert_shape(data, 3, 2, 2);
    static const float x[] = {1, 2, 3, 4, 255, 6};
    cr_expect_arr_eq(data->x, x, sizeof x);
    cr_expect(data->y[0] == 1 && data->y[1] == 0 && data->y[2] == 1);
    cr_expect_str_eq(data->class_names[1], "7");
    ls_data_free(data);
    cr_assert_eq(ls_data_read(path, &(ls_read_options){.labels = labels}, &data, &err), LS_OK);
    ls_data_free(data);
    cr_expect_eq(ls_data_read(path, &(ls_read_options){.labels = path}, &data, &err), LS_ERR_DATA);
    expect_message(err.message, folder, "one class per row");
    unlink(path);
    unlink(labels);
    rmdir(folder);
}

Test(readers, idx_types)
{
    static const struct {
        const char *bytes;
        size_t size;
        float value;
    } files[] = {
        {FILE_OF("\0\0\x09\2\0\0\0\1\0\0\0\2\xfe\0"), -2},
        {FILE_OF("\0\0\x0b\2\0\0\0\1\0\0\0\2\xff\xfe\0\0"), -2},
        {FILE_OF("\0\0\x0c\2\0\0\0\1\0\0\0\2\0\1\0\0\0\0\0\0"), 65536},
        {FILE_OF("\0\0\x0d\2\0\0\0\1\0\0\0\2\x3f\xc0\0\0\0\0\0\0"), 1.5f},
        {FILE_OF("\0\0\x0e\2\0\0\0\1\0\0\0\2\x3f\xf8\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), 1.5f},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        ls_data *data = NULL;
        ls_error err = {LS_OK, ""};
        cr_assert_eq(read_it(files[i].bytes, files[i].size, &(ls_read_options){.target = "1"},
                             &data, &err),
                     LS_OK, "%zu: %s", i, err.message);
        cr_expect_eq(data->x[0], files[i].value, "%zu: %g", i, (double)data->x[0]);
        ls_data_free(data);
    }
}

Test(readers, idx_columns_may_have_categories)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    const char *name;
    size_t rows;
    ls_status status = read_it(FILE_OF("\0\0\x08\2\0\0\0\3\0\0\0\3"
                                       "\x0a\1\0"
                                       "\x09\2\1"
                                       "\x0a\3\0"),
                               &(ls_read_options){.categorical = "0"}, &data, &err);
    cr_assert_eq(status, LS_OK, "%s", err.message);
    cr_assert_eq(data->columns, 2);
    cr_expect_eq(data->features, 4, "two categories, others, and a number");
    cr_expect(data->x[0] == 1 && data->x[2] == 0 && data->x[4] == 1, "10 comes after 9");
    cr_assert_not_null(name = ls_data_category(data, 0, 1, &rows));
    cr_expect_str_eq(name, "10");
    cr_expect_eq(rows, 2);
    cr_expect_null(ls_data_category(data, 1, 0, NULL));
    ls_data_free(data);
}

Test(readers, idx_column_without_a_value_is_refused)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(read_it(FILE_OF("\0\0\x0d\2\0\0\0\2\0\0\0\3"
                                 "\x7f\xc0\0\0\x3f\x80\0\0\0\0\0\0"
                                 "\x7f\xc0\0\0\0\0\0\0\x3f\x80\0\0"),
                         &(ls_read_options){.missing = "mean"}, &data, &err),
                 LS_ERR_DATA);
    expect_message(err.message, "/tmp/", "column 0 (from 0): all of its values are missing");
}

static const bad_file bad_idx[] = {
    {"an unknown type", FILE_OF("\0\0\x0a\1\0\0\0\1\0"), "unknown type (0x0a)"},
    {"a header alone", FILE_OF("\0\0\x08\1"), "cut short in its header"},
    {"half a header", FILE_OF("\0\0\x08\3\0\0\0\3\0\0"),
     "cut short in its header (10 bytes of 16)"},
    {"no rows", FILE_OF("\0\0\x08\2\0\0\0\0\0\0\0\2"), "dimension 1 is 0"},
    {"no columns", FILE_OF("\0\0\x08\2\0\0\0\2\0\0\0\0"), "dimension 2 is 0"},
    {"a byte short", FILE_OF("\0\0\x08\2\0\0\0\1\0\0\0\2\1"), "cut short or damaged"},
    {"a byte too many", FILE_OF("\0\0\x08\2\0\0\0\1\0\0\0\2\1\1\1"), "more bytes follow"},
    {"more than there are addresses",
     FILE_OF("\0\0\x0e\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "IDX"},
    {"one column", FILE_OF("\0\0\x08\1\0\0\0\2\1\2"), "one column only"},
    {"not a number", FILE_OF("\0\0\x0d\2\0\0\0\1\0\0\0\2\x7f\xc0\0\0\0\0\0\0"),
     "row 0, column 0|missing (NaN)"},
    {"infinite", FILE_OF("\0\0\x0d\2\0\0\0\1\0\0\0\2\x7f\x80\0\0\0\0\0\0"),
     "row 0, column 0|not finite"},
    {"a class that is none", FILE_OF("\0\0\x0d\2\0\0\0\1\0\0\0\2\0\0\0\0\x7f\xc0\0\0"),
     "row 0, column 1|missing"},
};

Test(readers, idx_malformed) { expect_refused(bad_idx, COUNT(bad_idx)); }

/* ---- NPY ------------------------------------------------------------------------------------- */

#define NPY(length, header) "\x93NUMPY\1\0" length "\0" header

Test(readers, npy_types_and_orders)
{
    static const struct {
        const char *bytes;
        size_t size;
    } files[] = {
        {FILE_OF(NPY(
            "@",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }     ") "\0\0\xc0\xbf\0\0\x80\x3f\0\0\0\x40\0\0\0\0")},
        {FILE_OF(NPY(
            "@",
            "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 2), }     ") "\xbf\xc0\0\0\x3f\x80\0\0\x40\0\0\0\0\0\0\0")},
        {FILE_OF(
            "\x93NUMPY\2\0@\0\0\0{'shape': (2, 2), 'fortran_order': False, 'descr': '<f4'}       \0\0\xc0\xbf\0\0\x80\x3f\0\0\0\x40\0\0\0\0")},
        {FILE_OF(NPY(
            "@",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }     ") "\0\0\0\0\0\0\xf8\xbf\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0\0")},
    };
    static const float x[] = {-1.5f, 2};
    for (size_t i = 0; i < COUNT(files); i++) {
        ls_data *data = NULL;
        ls_error err = {LS_OK, ""};
        cr_assert_eq(read_it(files[i].bytes, files[i].size, NULL, &data, &err), LS_OK, "%zu: %s", i,
                     err.message);
        assert_shape(data, 2, 1, 2);
        cr_expect_arr_eq(data->x, x, sizeof x, "file %zu", i);
        cr_expect(data->y[0] == 1 && data->y[1] == 0);
        ls_data_free(data);
    }
    ls_data *data = NULL;
    ls_error err;
    cr_assert_eq(
        read_it(
            FILE_OF(NPY(
                "@",
                "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 3), }     ") "\xff\5\x80"),
            &(ls_read_options){.target = "0"}, &data, &err),
        LS_OK, "%s", err.message);
    cr_expect(data->x[0] == 5 && data->x[1] == -128 && !strcmp(data->class_names[0], "-1"));
    ls_data_free(data);
}

static const bad_file bad_npy[] = {
    {"the magic alone", FILE_OF("\x93NUMPY"), "cut short in its header"},
    {"another version", FILE_OF("\x93NUMPY\7\0\0\0\0\0"), "of version 7"},
    {"a header beyond the file", FILE_OF("\x93NUMPY\1\0\xff\xff{}"), "cut short in its header"},
    {"an empty header", FILE_OF("\x93NUMPY\1\0\2\0{}  "), "unknown type"},
    {"half precision",
     FILE_OF(NPY("@",
                 "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 2), }     ") "12345678"),
     "type '<f2'|float32"},
    {"text", FILE_OF(NPY("@", "{'descr': '<U4', 'fortran_order': False, 'shape': (2, 2), }     ")),
     "type '<U4'"},
    {"records",
     FILE_OF(NPY("@", "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}")),
     "structured or unknown type"},
    {"Fortran order",
     FILE_OF(NPY(
         "@",
         "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }      ") "1234123412341234"),
     "Fortran order|C order"},
    {"no order",
     FILE_OF(NPY(
         "@",
         "{'descr': '<f4', 'shape': (2, 2), }                             ") "1234123412341234"),
     "lacks fortran_order"},
    {"no shape",
     FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, }                      ") "1234"),
     "no shape"},
    {"a scalar",
     FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, 'shape': (), }         ") "1234"),
     "single number"},
    {"no rows",
     FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2), }     ")),
     "without numbers"},
    {"a negative size",
     FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }    ")),
     "not readable"},
    {"a huge size",
     FILE_OF(NPY("@",
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 3)}")),
     "not readable"},
    {"a product too large",
     FILE_OF(NPY("@", "{'descr':'<f4','fortran_order':False,'shape':(999999999999,999999999999)}")),
     "NPY"},
    {"a byte short",
     FILE_OF(NPY("@",
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }     ") "1234123"),
     "7 bytes follow"},
    {"not a number",
     FILE_OF(NPY(
         "@",
         "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }     ") "\0\0\xc0\x7f\0\0\0\0"),
     "row 0, column 0|missing"},
};

Test(readers, npy_malformed) { expect_refused(bad_npy, COUNT(bad_npy)); }

/* ---- gzip ------------------------------------------------------------------------------------ */

/* "a,b,c\n1,2,0\n3,4,1\n", compressed by gzip -n as one member and as two members. */
#define PACKED                                                                                     \
    "\x1f\x8b\x08\0\0\0\0\0\0\3\x4b\xd4\x49\xd2\x49\xe6\x32\xd4\x31\xd2\x31\xe0\x32\xd6\x31\xd1\x31\xe4\2\0\x3f\xd9\x36\xa9\x12\0\0\0"

Test(readers, gzip_is_decompressed_whatever_its_name)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    ls_status status = read_it(FILE_OF(PACKED), NULL, &data, &err);
    if (status == LS_ERR_UNSUPPORTED) cr_skip_test("built without zlib");
    cr_assert_eq(status, LS_OK, "%s", err.message);
    assert_shape(data, 2, 2, 2);
    ls_data_free(data);
    cr_assert_eq(read_it(FILE_OF(PACKED "\0\0\0\0\0\0\0\0"), NULL, &data, &err), LS_OK,
                 "padded: %s", err.message);
    assert_shape(data, 2, 2, 2);
    ls_data_free(data);
    /* the header line of the second member is a row of text and refused, at line 4: after the rows
     * of the first member */
    cr_assert_eq(read_it(FILE_OF(PACKED PACKED), NULL, &data, &err), LS_ERR_DATA);
    expect_message(err.message, "/tmp/", "line 4");
}

static const bad_file bad_gzip[] = {
    {"the magic alone", FILE_OF("\x1f\x8b"), "cut short"},
    {"a header alone", FILE_OF("\x1f\x8b\x08\0\0\0\0\0\0\3"), "cut short"},
    {"cut in the data", PACKED, 20, "cut short"},
    {"cut before the checksum", PACKED, sizeof PACKED - 1 - 8, "cut short"},
    {"cut in the length", PACKED, sizeof PACKED - 1 - 2, "cut short"},
    {"another method", FILE_OF("\x1f\x8b\x07\0\0\0\0\0\0\3\x4b\xd4"), "damaged"},
    {"reserved flags", FILE_OF("\x1f\x8b\x08\xe0\0\0\0\0\0\3\x4b\xd4"), "damaged"},
    {"another checksum",
     FILE_OF(
         "\x1f\x8b\x08\0\0\0\0\0\0\3\x4b\xd4\x49\xd2\x49\xe6\x32\xd4\x31\xd2\x31\xe0\x32\xd6\x31\xd1\x31\xe4\2\0\1\2\3\4\x12\0\0\0"),
     "damaged"},
    {"nonsense inside", FILE_OF("\x1f\x8b\x08\0\0\0\0\0\0\3\xff\xff\xff\xff"), "damaged"},
    {"text behind it", FILE_OF(PACKED "and so on"), "bytes that are not gzip follow"},
    {"half a member behind it", FILE_OF(PACKED "\x1f\x8b\x08\0"), "cut short"},
    {"nothing inside", FILE_OF("\x1f\x8b\x08\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0"), "is empty"},
};

Test(readers, gzip_malformed)
{
    ls_data *data = NULL;
    if (read_it(FILE_OF(PACKED), NULL, &data, NULL) == LS_ERR_UNSUPPORTED)
        cr_skip_test("built without zlib");
    ls_data_free(data);
    expect_refused(bad_gzip, COUNT(bad_gzip));
}

/* ---- Categories and missing values ----------------------------------------------------------- */

static ls_data *read_mixed(const char *text, const ls_read_options *how)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(read_it(text, strlen(text), how, &data, &err), LS_OK, "\"%s\" is refused: %s",
                 text, err.message);
    return data;
}

static const char people[] =
    "# who lives where\nage, town ,floor,class\n20, Ulm,1,a\n?,Bonn,2,b\n40,\"Ulm\",1,a\n60,NA,,b\n";

Test(readers, columns_are_typed_by_looking)
{
    ls_data *data = read_mixed(people, NULL);
    ls_column_info age = LS_INIT(ls_column_info), town = LS_INIT(ls_column_info),
                   floor = LS_INIT(ls_column_info);
    size_t rows;
    assert_shape(data, 4, 5, 2);
    cr_assert(ls_data_columns(data) == 3 && ls_data_column(data, 0, &age, NULL) == LS_OK &&
              ls_data_column(data, 1, &town, NULL) == LS_OK &&
              ls_data_column(data, 2, &floor, NULL) == LS_OK);
    cr_expect(!age.categorical && age.missing == 1 && age.least == 20 && age.most == 60 &&
              age.mean == 40);
    cr_expect(town.categorical && town.missing == 1 && town.categories == 2 &&
              !strcmp(town.name, "town"));
    cr_expect(!floor.categorical && floor.missing == 1);
    cr_expect_str_eq(ls_data_category(data, 1, 1, &rows), "Ulm");
    cr_expect_eq(rows, 2);
    cr_expect_null(ls_data_category(data, 1, 2, NULL));
    cr_expect_str_eq(ls_data_feature_name(data, 1), "town=Bonn");
    cr_expect_str_eq(ls_data_feature_name(data, 3), "town=(other)");
    ls_data_free(data);
    data = read_mixed(people, &(ls_read_options){.categorical = "floor", .drop = "0"});
    assert_shape(data, 4, 6, 2);
    ls_data_free(data);
    data = read_mixed(people, &(ls_read_options){.columns = "age,2", .missing = "drop"});
    assert_shape(data, 2, 2, 2);
    cr_expect_eq(ls_data_dropped(data), 2);
    ls_data_free(data);
}

static float encoded(const ls_encoder *e, const ls_data *data, size_t row, size_t input)
{
    float to[64];
    ls_error err;
    cr_assert_eq(ls_encode(e, &(ls_number_scaling){0}, e->inputs, data, to, &err), LS_OK, "%s",
                 err.message);
    return to[row * e->inputs + input];
}

Test(readers, gaps_are_filled_as_asked)
{
    static const struct {
        const char *how;
        float age, other, ulm;
    } cases[] = {
        {"mean", 40, 1, 0}, {"median", 40, 1, 0}, {"most-frequent", 20, 0, 1}, {"drop", 40, 1, 0}};
    for (size_t i = 0; i < 3; i++) {
        ls_data *data = read_mixed(people, &(ls_read_options){.missing = cases[i].how});
        ls_encoder *e;
        cr_assert_eq(ls_encoder_fit(data, &e, NULL), LS_OK);
        cr_expect_eq(encoded(e, data, 1, 0), cases[i].age, "%s: %g", cases[i].how,
                     (double)encoded(e, data, 1, 0));
        cr_expect_eq(encoded(e, data, 3, 3), cases[i].other, "%s", cases[i].how);
        cr_expect_eq(encoded(e, data, 3, 2), cases[i].ulm, "%s", cases[i].how);
        /* categories that training has not seen count as other values, which mean something only if
         * training had some */
        ls_data *later = read_mixed("age,town,floor,class\n20,Kiel,1,a\n1,Ulm,1,b\n",
                                    &(ls_read_options){.like = data});
        cr_expect(encoded(e, later, 0, 1) == 0 && encoded(e, later, 0, 2) == 0 &&
                  encoded(e, later, 1, 2) == 1);
        cr_expect_eq(encoded(e, later, 0, 3), cases[i].other, "%s", cases[i].how);
        ls_encoder_free(e);
        ls_data_free(later);
        ls_data_free(data);
    }
}

Test(readers, columns_are_found_by_name_or_place)
{
    ls_data *data = read_mixed(people, &(ls_read_options){.drop = "floor"});
    static const char *const texts[] = {"town,x,age,class\nUlm,9,7,a\nBonn,9,8,b\n",
                                        "7,Ulm,3,a\n8,Bonn,3,b\n", "7,Ulm,a\n8,Bonn,b\n",
                                        "7,Ulm\n8,Bonn\n", "age,town\n7,Ulm\n8,Bonn\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        /* three columns could also be those of the training file without its class */
        ls_data *later = read_mixed(texts[i], &(ls_read_options){.like = data,
                                                                 .target = i == 2 ? "2" : NULL});
        assert_shape(later, 2, 4, i < 3 ? 2 : 0);
        cr_expect(later->x[0] == 7 && later->x[3] == 0 && later->x[1] == 1, "text %zu", i);
        ls_data_free(later);
    }
    ls_data_free(data);
}

static const struct {
    const char *text;
    ls_read_options how;
    ls_status status;
    const char *says;
} bad_csv[] = {
    {"a,b,c\n1,2,x\n3,2024-03-31,y\n",
     {0},
     LS_ERR_DATA,
     "line 3, column 1 (from 0, b)|is a date|--drop"},
    {"a,when,c\n1,31.3.2024 12:00,x\n3,1.4.2024,y\n",
     {0},
     LS_ERR_DATA,
     "line 2, column 1 (from 0, when)|is a date"},
    {"a,b,c\n1,2,x\n3,4,x\n5,4o,y\n",
     {0},
     LS_ERR_DATA,
     "line 4, column 1 (from 0, b): \"4o\"|2 other values|--categorical"},
    {"a,b,c\n1,,x\n3,NA,y\n",
     {0},
     LS_ERR_DATA,
     "column 1 (from 0, b)|all of its values are missing"},
    {"a,b,c\n1,2,x\n3,,y\n",
     {.missing = "error"},
     LS_ERR_DATA,
     "line 3, column 1 (from 0, b)|missing"},
    {"a,b,c\n1,,x\n3,,y\n", {.missing = "drop"}, LS_ERR_DATA, "missing"},
    {"a,b,c\n1,2,x\n", {.missing = "meen"}, LS_ERR_ARGUMENT, "did you mean 'mean'"},
    {"width,b,c\n1,2,x\n", {.drop = "widht"}, LS_ERR_ARGUMENT, "--drop|did you mean \"width\""},
    {"a,b,c\n1,2,x\n", {.columns = "a,7777"}, LS_ERR_ARGUMENT, "--columns|\"7777\"|0 to 2"},
    {"a,b,c\n1,2,x\n", {.drop = "c"}, LS_ERR_ARGUMENT, "--drop names the target column"},
    {"a,b,c\n1,2,x\n", {.drop = "a,b"}, LS_ERR_ARGUMENT, "leave no column"},
    {"a,b,c\n1,2,x\n", {.labels = "x"}, LS_ERR_ARGUMENT, "--labels is for IDX and NPY"},
};

Test(readers, csv_that_makes_no_sense)
{
    for (size_t i = 0; i < COUNT(bad_csv); i++) {
        ls_data *data = NULL;
        ls_error err = {LS_OK, ""};
        cr_expect_eq(read_it(bad_csv[i].text, strlen(bad_csv[i].text), &bad_csv[i].how, &data,
                             &err),
                     bad_csv[i].status, "%zu: %s", i, err.message);
        cr_expect_null(data);
        expect_message(err.message, "", bad_csv[i].says);
    }
}

Test(readers, mixed_columns_and_keys)
{
    ls_data *data = read_mixed("grade,c\n11th,0\n7,1\n9th,1\n",
                               NULL); /* numbers among texts are categories */
    assert_shape(data, 3, 4, 2);
    ls_data_free(data);
    ls_text text = {0};
    ls_error err;
    ls_text_add(&text, "id,c\n");
    for (int i = 0; i < 120; i++) ls_text_add(&text, "key%d,%d\n", i, i % 2);
    cr_expect_eq(read_it(text.text, text.length, NULL, &data, &err), LS_ERR_DATA);
    expect_message(err.message, "/tmp/", "column 0 (from 0, id)|free text or a key|--drop");
    free(text.text);
}
