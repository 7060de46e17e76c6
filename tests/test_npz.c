/* SPDX-License-Identifier: MIT */
/* NPZ files: their arrays by name, stored and deflated; archives that lie. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/little_endian.h"
#include "tests/support/program.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(npz, .init = enter, .fini = leave, .timeout = 300);

/* ---- Making archives ------------------------------------------------------------------------- */

typedef struct {
    char bytes[8192];
    size_t size;
} blob;

static void put(blob *b, const void *bytes, size_t size)
{
    cr_assert_leq(b->size + size, sizeof b->bytes);
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

static void put_number(blob *b, unsigned long value, int bytes)
{
    for (int i = 0; i < bytes; i++, value >>= 8) put(b, (char[]){(char)value}, 1);
}

static void put_text(blob *b, const char *text) { put(b, text, strlen(text)); }

/* An array of little-endian numbers. */
static blob npy(const char *type, const char *shape, const void *bytes, size_t size)
{
    blob b = {.size = 0};
    char head[256];
    put(&b, "\x93NUMPY\1\0v\0", 10);
    snprintf(head, sizeof head, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type,
             shape);
    put_text(&b, head);
    while (b.size < 127) put(&b, " ", 1);
    put(&b, "\n", 1);
    put(&b, bytes, size);
    return b;
}

static unsigned long crc_of(const blob *b)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < b->size; i++) {
        crc ^= (unsigned char)b->bytes[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return crc ^ 0xffffffff;
}

/* Deflate without compression: one block that is stored (RFC 1951, 3.2.4). */
static blob deflated(const blob *b)
{
    blob d = {.size = 0};
    put_number(&d, 1, 1);
    put_number(&d, b->size, 2);
    put_number(&d, ~b->size, 2);
    put(&d, b->bytes, b->size);
    return d;
}

/* What the headers of a member and of its entry in the directory have in common. */
static void put_about(blob *out, const char *name, const blob *b, const blob *packed, bool deflate)
{
    put_number(out, 20, 2);
    put_number(out, 0, 2);
    put_number(out, deflate ? 8 : 0, 2);
    put_number(out, 0, 4);
    put_number(out, crc_of(b), 4);
    put_number(out, packed->size, 4);
    put_number(out, b->size, 4);
    put_number(out, strlen(name), 2);
    put_number(out, 0, 2);
}

static blob zip(const char *const *names, const blob *const *arrays, size_t count, bool deflate)
{
    blob out = {.size = 0}, list = {.size = 0};
    for (size_t i = 0; i < count; i++) {
        blob packed = deflate ? deflated(arrays[i]) : *arrays[i];
        put(&list, "PK\1\2\x14\0", 6);
        put_about(&list, names[i], arrays[i], &packed, deflate);
        put_number(&list, 0, 10);
        put_number(&list, out.size, 4);
        put_text(&list, names[i]);
        put(&out, "PK\3\4", 4);
        put_about(&out, names[i], arrays[i], &packed, deflate);
        put_text(&out, names[i]);
        put(&out, packed.bytes, packed.size);
    }
    size_t at = out.size;
    put(&out, list.bytes, list.size);
    put(&out, "PK\5\6\0\0\0\0", 8);
    put_number(&out, count, 2);
    put_number(&out, count, 2);
    put_number(&out, list.size, 4);
    put_number(&out, at, 4);
    put_number(&out, 0, 2);
    return out;
}

enum { ROWS = 12 };

static blob rows_array(void)
{
    float x[ROWS][2];
    char bytes[sizeof x];
    for (int r = 0; r < ROWS; r++) x[r][0] = (float)(r % 5), x[r][1] = (float)(r * r % 7) + 0.5f;
    ls_copy_floats(bytes, &x[0][0], (size_t)ROWS * 2);
    return npy("<f4", "12, 2", bytes, sizeof bytes);
}

static blob classes_array(void)
{
    unsigned char y[ROWS];
    for (int r = 0; r < ROWS; r++) y[r] = (unsigned char)(r % 3 == 0);
    return npy("|u1", "12,", y, sizeof y);
}

static void write_pair(const char *path, const char *rows, const char *classes, bool deflate)
{
    const blob x = rows_array(), y = classes_array();
    const blob b = zip((const char *const[]){rows, classes}, (const blob *const[]){&x, &y}, 2,
                       deflate);
    runs_file_write(path, b.bytes, b.size);
}

static ls_data *read_file(const char *path)
{
    ls_data *data = NULL;
    ls_error err;
    cr_assert_eq(ls_data_read(path, NULL, &data, &err), LS_OK, "%s: %s", path, err.message);
    return data;
}

/* ---- Reading --------------------------------------------------------------------------------- */

Test(npz, arrays_are_found_by_name)
{
    static const char *const names[][2] = {{"x.npy", "y.npy"},
                                           {"X.npy", "y.npy"},
                                           {"y.npy", "x.npy"},
                                           {"data.npy", "labels.npy"},
                                           {"arr_0.npy", "arr_1.npy"}};
    for (size_t i = 0; i < RUNS_COUNT(names); i++)
        for (int deflate = 0; deflate < 2; deflate++) {
            bool turned = names[i][0][0] == 'y';
            const blob x = rows_array(), y = classes_array();
            const blob b = zip(names[i], (const blob *const[]){turned ? &y : &x, turned ? &x : &y},
                               2, deflate != 0);
            runs_file_write("a.npz", b.bytes, b.size);
            ls_data *data = read_file("a.npz");
            cr_assert(ls_data_rows(data) == ROWS && ls_data_columns(data) == 2 &&
                      ls_data_classes(data) == 2);
            for (int r = 0; r < ROWS; r++) {
                cr_expect_eq(ls_data_x(data)[2 * r], (float)(r % 5));
                cr_expect_eq(ls_data_x(data)[2 * r + 1], (float)(r * r % 7) + 0.5f);
                cr_expect_eq(ls_data_y(data)[r], r % 3 == 0);
            }
            ls_data_free(data);
        }
    const blob x = rows_array();
    const blob b = zip((const char *const[]){"anything.npy"}, (const blob *const[]){&x}, 1, true);
    runs_file_write("one.npz", b.bytes, b.size);
    ls_data *data = read_file("one.npz"); /* the last column is the target, as in NPY */
    cr_expect_eq(ls_data_columns(data), 1);
    ls_data_free(data);
}

static void expect_refused(const char *path, const char *words)
{
    ls_data *data = NULL;
    ls_error err;
    cr_assert_neq(ls_data_read(path, NULL, &data, &err), LS_OK, "%s", words);
    program_expect_words(path, err.message, words);
}

Test(npz, other_archives_are_refused)
{
    const blob x = rows_array(), y = classes_array();
    const blob many = zip((const char *const[]){"x_train.npy", "y_train.npy", "x_test.npy"},
                          (const blob *const[]){&x, &y, &x}, 3, false);
    runs_file_write("a.npz", many.bytes, many.size);
    expect_refused("a.npz", "a.npz x_train y_train x_test numpy.savez");
    const blob text = {"no array", 8};
    const blob wrong = zip((const char *const[]){"x.npy"}, (const blob *const[]){&text}, 1, false);
    runs_file_write("a.npz", wrong.bytes, wrong.size);
    expect_refused("a.npz", "no array");
    blob b = zip((const char *const[]){"x.npy"}, (const blob *const[]){&x}, 1, false);
    b.bytes[200] ^= 1; /* of the array */
    runs_file_write("a.npz", b.bytes, b.size);
    expect_refused("a.npz", "damaged checksum");
}

/* Every byte changed, and every length: an error or rows, and nothing else. */
Test(npz, archives_that_lie)
{
    static const unsigned char changes[] = {0x01, 0x80, 0xff};
    const blob x = rows_array(), y = classes_array();
    for (int deflate = 0; deflate < 2; deflate++) {
        const blob b = zip((const char *const[]){"x.npy", "y.npy"}, (const blob *const[]){&x, &y},
                           2, deflate != 0);
        size_t refused = 0;
        for (size_t at = 0; at < b.size * 4; at++) {
            blob bad = b;
            if (at < b.size) bad.size = at;
            else bad.bytes[at % b.size] ^= (char)changes[at / b.size - 1];
            runs_file_write("a.npz", bad.bytes, bad.size);
            ls_data *data = NULL;
            ls_error err = {LS_OK, ""};
            if (ls_data_read("a.npz", NULL, &data, &err) == LS_OK) ls_data_free(data);
            else refused += *err.message != 0;
        }
        cr_expect_gt(refused, 3 * b.size);
    }
}

#ifdef LS_PROGRAM
Test(npz, commands_read_them)
{
    write_pair("a.npz", "x.npy", "y.npy", true);
    program_do("train a.npz -o m.st --epochs 3 --device cpu -q");
    char *whole = runs_program_expect("predict m.st a.npz", 0);
    cr_expect_eq(program_count_lines(whole), ROWS + 1);
    cr_expect_eq(system("cat a.npz | " LS_PROGRAM
                        " predict m.st - > piped && gzip -k a.npz && " LS_PROGRAM
                        " predict m.st a.npz.gz | cmp - piped"),
                 0);
    char *piped = runs_file_read("piped", NULL);
    cr_expect_str_eq(whole, piped);
    free(whole);
    free(piped);
    program_do("evaluate m.st a.npz --device cpu -q");
}
#endif
