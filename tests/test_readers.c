/* SPDX-License-Identifier: MIT */
/* gzip, IDX and NPY: what is read of them, and what is said of malformed ones. */
#include <criterion/criterion.h>

#include <math.h>
#include <sys/stat.h>

#include "support_data.h"

static ls_status read_it(const char *bytes, size_t size, const ls_read_options *how, ls_data **out, ls_error *err)
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
        ls_status status = read_it(list[i].bytes, list[i].size, NULL, &data, &err);
        cr_expect_eq(status, LS_ERR_DATA, "%s: %s: %s", list[i].what, ls_status_name(status), err.message);
        cr_expect_null(data, "%s", list[i].what);
        expect_message(err.message, "/tmp/lockstep-test-", list[i].says);
    }
}

/* ---- IDX -------------------------------------------------------------------------------------------------------- */

#define IDX_CUBE "\0\0\x08\3\0\0\0\3\0\0\0\1\0\0\0\2" "\1\2\3\4\xff\6"
#define IDX_LABELS "\0\0\x08\1\0\0\0\3" "\7\0\7"

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
    expect_message(err.message, folder, "one class a row");
    unlink(path);
    unlink(labels);
    rmdir(folder);
}

Test(readers, idx_types)
{
    static const struct { const char *bytes; size_t size; float value; } files[] = {
        {FILE_OF("\0\0\x09\2\0\0\0\1\0\0\0\2\xfe\0"), -2}, {FILE_OF("\0\0\x0b\2\0\0\0\1\0\0\0\2\xff\xfe\0\0"), -2},
        {FILE_OF("\0\0\x0c\2\0\0\0\1\0\0\0\2\0\1\0\0\0\0\0\0"), 65536}, {FILE_OF("\0\0\x0d\2\0\0\0\1\0\0\0\2\x3f\xc0\0\0\0\0\0\0"), 1.5f},
        {FILE_OF("\0\0\x0e\2\0\0\0\1\0\0\0\2\x3f\xf8\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), 1.5f},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        ls_data *data = NULL;
        ls_error err = {LS_OK, ""};
        cr_assert_eq(read_it(files[i].bytes, files[i].size, &(ls_read_options){.target = "1"}, &data, &err), LS_OK, "%zu: %s", i, err.message);
        cr_expect_eq(data->x[0], files[i].value, "%zu: %g", i, (double)data->x[0]);
        ls_data_free(data);
    }
}

static const bad_file bad_idx[] = {
    {"an unknown type", FILE_OF("\0\0\x0a\1\0\0\0\1\0"), "unknown type (0x0a)"},
    {"a header alone", FILE_OF("\0\0\x08\1"), "cut short in its header"},
    {"half a header", FILE_OF("\0\0\x08\3\0\0\0\3\0\0"), "cut short in its header (10 bytes of 16)"},
    {"no rows", FILE_OF("\0\0\x08\2\0\0\0\0\0\0\0\2"), "dimension 1 is 0"},
    {"no columns", FILE_OF("\0\0\x08\2\0\0\0\2\0\0\0\0"), "dimension 2 is 0"},
    {"a byte short", FILE_OF("\0\0\x08\2\0\0\0\1\0\0\0\2\1"), "cut short or damaged"},
    {"a byte too many", FILE_OF("\0\0\x08\2\0\0\0\1\0\0\0\2\1\1\1"), "3 bytes follow"},
    {"more than there are addresses", FILE_OF("\0\0\x0e\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "IDX"},
    {"one column", FILE_OF("\0\0\x08\1\0\0\0\2\1\2"), "one column only"},
    {"not a number", FILE_OF("\0\0\x0d\2\0\0\0\1\0\0\0\2\x7f\xc0\0\0\0\0\0\0"), "row 0, column 0|missing (NaN)"},
    {"infinite", FILE_OF("\0\0\x0d\2\0\0\0\1\0\0\0\2\x7f\x80\0\0\0\0\0\0"), "row 0, column 0|not finite"},
    {"a class that is none", FILE_OF("\0\0\x0d\2\0\0\0\1\0\0\0\2\0\0\0\0\x7f\xc0\0\0"), "row 0, column 1|missing"},
};

Test(readers, idx_malformed) { expect_refused(bad_idx, COUNT(bad_idx)); }

/* ---- NPY -------------------------------------------------------------------------------------------------------- */

#define NPY(length, header) "\x93NUMPY\1\0" length "\0" header

Test(readers, npy_types_and_orders)
{
    static const struct { const char *bytes; size_t size; } files[] = {
        {FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }     ") "\0\0\xc0\xbf\0\0\x80\x3f\0\0\0\x40\0\0\0\0")},
        {FILE_OF(NPY("@", "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 2), }     ") "\xbf\xc0\0\0\x3f\x80\0\0\x40\0\0\0\0\0\0\0")},
        {FILE_OF("\x93NUMPY\2\0@\0\0\0{'shape': (2, 2), 'fortran_order': False, 'descr': '<f4'}       \0\0\xc0\xbf\0\0\x80\x3f\0\0\0\x40\0\0\0\0")},
        {FILE_OF(NPY("@", "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }     ")
                 "\0\0\0\0\0\0\xf8\xbf\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0\0")},
    };
    static const float x[] = {-1.5f, 2};
    for (size_t i = 0; i < COUNT(files); i++) {
        ls_data *data = NULL;
        ls_error err = {LS_OK, ""};
        cr_assert_eq(read_it(files[i].bytes, files[i].size, NULL, &data, &err), LS_OK, "%zu: %s", i, err.message);
        assert_shape(data, 2, 1, 2);
        cr_expect_arr_eq(data->x, x, sizeof x, "file %zu", i);
        cr_expect(data->y[0] == 1 && data->y[1] == 0);
        ls_data_free(data);
    }
    ls_data *data = NULL;
    ls_error err;
    cr_assert_eq(read_it(FILE_OF(NPY("@", "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 3), }     ") "\xff\5\x80"),
                         &(ls_read_options){.target = "0"}, &data, &err), LS_OK, "%s", err.message);
    cr_expect(data->x[0] == 5 && data->x[1] == -128 && !strcmp(data->class_names[0], "-1"));
    ls_data_free(data);
}

static const bad_file bad_npy[] = {
    {"the magic alone", FILE_OF("\x93NUMPY"), "cut short in its header"},
    {"another version", FILE_OF("\x93NUMPY\7\0\0\0\0\0"), "of version 7"},
    {"a header beyond the file", FILE_OF("\x93NUMPY\1\0\xff\xff{}"), "cut short in its header"},
    {"an empty header", FILE_OF("\x93NUMPY\1\0\2\0{}  "), "unknown type"},
    {"half precision", FILE_OF(NPY("@", "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 2), }     ") "12345678"), "type '<f2'|float32"},
    {"text", FILE_OF(NPY("@", "{'descr': '<U4', 'fortran_order': False, 'shape': (2, 2), }     ")), "type '<U4'"},
    {"records", FILE_OF(NPY("@", "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}")), "structured or unknown type"},
    {"Fortran order", FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }      ") "1234123412341234"), "Fortran order|C order"},
    {"no order", FILE_OF(NPY("@", "{'descr': '<f4', 'shape': (2, 2), }                             ") "1234123412341234"), "does not tell its order"},
    {"no shape", FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, }                      ") "1234"), "no shape"},
    {"a scalar", FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, 'shape': (), }         ") "1234"), "single number"},
    {"no rows", FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2), }     ")), "without numbers"},
    {"a negative size", FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }    ")), "not readable"},
    {"a huge size", FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 3)}")), "not readable"},
    {"a product too large", FILE_OF(NPY("@", "{'descr':'<f4','fortran_order':False,'shape':(999999999999,999999999999)}")), "NPY"},
    {"a byte short", FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }     ") "1234123"), "7 bytes follow"},
    {"not a number", FILE_OF(NPY("@", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }     ") "\0\0\xc0\x7f\0\0\0\0"), "row 0, column 0|missing"},
};

Test(readers, npy_malformed) { expect_refused(bad_npy, COUNT(bad_npy)); }

/* ---- gzip ------------------------------------------------------------------------------------------------------- */

/* "a,b,c\n1,2,0\n3,4,1\n", packed by gzip -n, and the same in two members. */
#define PACKED "\x1f\x8b\x08\0\0\0\0\0\0\3\x4b\xd4\x49\xd2\x49\xe6\x32\xd4\x31\xd2\x31\xe0\x32\xd6\x31\xd1\x31\xe4\2\0\x3f\xd9\x36\xa9\x12\0\0\0"

Test(readers, gzip_is_unpacked_whatever_its_name)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    ls_status status = read_it(FILE_OF(PACKED), NULL, &data, &err);
    if (status == LS_ERR_UNSUPPORTED) cr_skip_test("built without zlib");
    cr_assert_eq(status, LS_OK, "%s", err.message);
    assert_shape(data, 2, 2, 2);
    ls_data_free(data);
    cr_assert_eq(read_it(FILE_OF(PACKED "\0\0\0\0\0\0\0\0"), NULL, &data, &err), LS_OK, "padded: %s", err.message);
    assert_shape(data, 2, 2, 2);
    ls_data_free(data);
    /* the second member's header line is a row of text, so the file is refused: but at line 4, behind the first member */
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
    {"another checksum", FILE_OF("\x1f\x8b\x08\0\0\0\0\0\0\3\x4b\xd4\x49\xd2\x49\xe6\x32\xd4\x31\xd2\x31\xe0\x32\xd6\x31\xd1\x31\xe4\2\0\1\2\3\4\x12\0\0\0"), "damaged"},
    {"nonsense inside", FILE_OF("\x1f\x8b\x08\0\0\0\0\0\0\3\xff\xff\xff\xff"), "damaged"},
    {"text behind it", FILE_OF(PACKED "and so on"), "9 bytes that are not gzip follow"},
    {"half a member behind it", FILE_OF(PACKED "\x1f\x8b\x08\0"), "cut short"},
    {"nothing inside", FILE_OF("\x1f\x8b\x08\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0"), "is empty"},
};

Test(readers, gzip_malformed)
{
    ls_data *data = NULL;
    if (read_it(FILE_OF(PACKED), NULL, &data, NULL) == LS_ERR_UNSUPPORTED) cr_skip_test("built without zlib");
    ls_data_free(data);
    expect_refused(bad_gzip, COUNT(bad_gzip));
}
