/* SPDX-License-Identifier: MIT */
/* Prediction in blocks: whatever their size, rows are read and predicted as they are all at once.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/data/data.h"
#include "host/model/infer.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(predict, .init = enter, .fini = leave, .timeout = 300);

static const size_t sizes[] = {1, 7, 64, 257, 1000, 100000};

/* ---- Inference ------------------------------------------------------------------------------- */

static void expect_same(const float *a, const float *b, size_t count, const char *what, size_t size)
{
    cr_assert(!memcmp(a, b, count * sizeof *a), "%s: other bits in blocks of %zu rows", what, size);
}

/* Outputs of blocks of a size. */
static void infer_in_blocks(const ls_model *model, ls_device *device, const ls_data *data,
                            size_t size, float *out)
{
    ls_error err;
    ls_inference *inference;
    const size_t rows = ls_data_rows(data), outputs = ls_model_outputs(model);
    cr_assert_eq(ls_inference_open(model, device, size, &inference, &err), LS_OK, "%s",
                 err.message);
    for (size_t at = 0, count; at < rows; at += count) {
        count = rows - at < size ? rows - at : size;
        const ls_data block = ls_data_block(data, at, count);
        cr_assert_eq(ls_data_row_number(&block, count - 1), at + count - 1);
        cr_assert_eq(ls_inference_run(inference, &block, out + at * outputs, NULL, &err), LS_OK,
                     "%s", err.message);
    }
    ls_inference_close(inference);
}

Test(predict, blocks_change_no_bit)
{
    static const unsigned threads[] = {1, 2, 3, 0};
    static const char *const options[] = {
        "hidden 9,8,7 epochs 3", "hidden 16,16 batch-norm on batch 51 epochs 2",
        "hidden 200 activation tanh epochs 1 dropout 0.2", "output sigmoid epochs 2"};
    runs_device device[RUNS_DEVICES];
    size_t devices = runs_devices_open(device, threads);
    ls_data *data = runs_data("moons", 3001);
    for (size_t i = 0; i < RUNS_COUNT(options); i++) {
        runs_run run;
        runs_train(NULL, options[i], data, 0, &run);
        size_t count = ls_data_rows(data) * ls_model_outputs(run.model);
        float *whole = calloc(count, sizeof *whole), *out = calloc(count, sizeof *out);
        cr_assert(whole && out);
        cr_assert_eq(ls_model_predict_data(run.model, NULL, data, whole, NULL), LS_OK);
        for (size_t d = 0; d < devices; d++)
            for (size_t s = 0; s < RUNS_COUNT(sizes); s++) {
                if (sizes[s] < 64 && d >= 3)
                    continue; /* a device that computes each row takes long */
                memset(out, 0, count * sizeof *out);
                infer_in_blocks(run.model, device[d].device, data, sizes[s], out);
                expect_same(whole, out, count, device[d].label, sizes[s]);
            }
        free(whole);
        free(out);
        runs_free(&run);
    }
    ls_data_free(data);
    runs_devices_close(device, devices);
}

/* More rows than one block of an inference has, on threads that take whole blocks. */
Test(predict, many_rows_and_threads)
{
    enum { ROWS = 150000 };
    ls_data *data = runs_data("moons", ROWS);
    runs_run run;
    ls_device *device;
    runs_train(NULL, "hidden 12,5 epochs 1 batch 1000", data, 0, &run);
    size_t outputs = ls_model_outputs(run.model), count = ROWS * outputs;
    float *one = calloc(count, sizeof *one), *four = calloc(count, sizeof *four);
    cr_assert(one && four);
    cr_assert_eq(ls_model_predict_data(run.model, NULL, data, one, NULL), LS_OK);
    cr_assert_eq(ls_device_open("cpu", 4, 0, &device, NULL), LS_OK);
    cr_assert_eq(ls_model_predict_data(run.model, device, data, four, NULL), LS_OK);
    expect_same(one, four, count, "4 threads", ROWS);
    for (size_t r = 0; r < ROWS; r += 4999) {
        const ls_data row = ls_data_block(data, r, 1);
        cr_assert_eq(ls_model_predict_data(run.model, device, &row, four, NULL), LS_OK);
        expect_same(one + r * outputs, four, outputs, "a row alone", 1);
    }
    ls_device_close(device);
    free(one);
    free(four);
    runs_free(&run);
    ls_data_free(data);
}

/* ---- The reader ------------------------------------------------------------------------------ */

static ls_model *train_file(const char *path, const char *options)
{
    ls_data *data;
    ls_error err;
    runs_run run;
    cr_assert_eq(ls_data_read(path, NULL, &data, &err), LS_OK, "%s", err.message);
    runs_train(NULL, options, data, 0, &run);
    ls_data_free(data);
    ls_model *model = run.model;
    run.model = NULL;
    runs_free(&run);
    return model;
}

/* Reads a file in blocks and predicts it. Returns the rows before the end or an error. */
static size_t predict_blocks(const ls_model *model, const char *path, size_t size, float *out,
                             size_t most, ls_status *status, ls_error *err)
{
    const ls_read_options how = {.struct_size = sizeof how, .model = model};
    ls_reader *reader;
    size_t rows = 0;
    *status = ls_reader_open(path, &how, &reader, err);
    if (*status != LS_OK) return 0;
    for (;;) {
        ls_data *block;
        *status = ls_reader_next(reader, size, &block, err);
        if (*status != LS_OK || !block) break;
        size_t count = ls_data_rows(block);
        cr_assert(count > 0 && count <= size && rows + count <= most, "%zu rows", count);
        cr_assert_eq(ls_data_row_number(block, 0), rows);
        cr_assert_eq(ls_model_predict_data(model, NULL, block, out + rows * ls_model_outputs(model),
                                           err),
                     LS_OK, "%s", err->message);
        rows += count;
        ls_data_free(block);
    }
    ls_reader_close(reader);
    return rows;
}

/* Holds blocks of all sizes against the whole file. */
static void expect_file(const ls_model *model, const char *path, size_t rows)
{
    const ls_read_options how = {.struct_size = sizeof how, .model = model};
    const size_t outputs = ls_model_outputs(model);
    ls_data *data;
    ls_error err;
    ls_status status;
    cr_assert_eq(ls_data_read(path, &how, &data, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_data_rows(data), rows, "%s: %zu rows", path, ls_data_rows(data));
    float *whole = calloc(rows * outputs, sizeof *whole), *out = malloc(rows * outputs * 4);
    cr_assert(whole && out);
    cr_assert_eq(ls_model_predict_data(model, NULL, data, whole, &err), LS_OK, "%s", err.message);
    for (size_t s = 0; s < RUNS_COUNT(sizes); s++) {
        size_t got = predict_blocks(model, path, sizes[s], out, rows, &status, &err);
        cr_assert_eq(status, LS_OK, "%s: %s", path, err.message);
        cr_assert_eq(got, rows, "%s: %zu rows in blocks of %zu", path, got, sizes[s]);
        expect_same(whole, out, rows * outputs, path, sizes[s]);
    }
    free(whole);
    free(out);
    ls_data_free(data);
}

static const char *const colours[] = {"red", "\"light, blue\"", "\"two\nlines\"", "green", "?"};

/* Numbers, categories, missing values and quoted line ends. title: the first line, or "". */
static void write_mixed(const char *path, size_t rows, const char *title, bool classes,
                        const char *end)
{
    FILE *f = fopen(path, "w");
    cr_assert(f);
    fputs(title, f);
    for (size_t r = 0; r < rows; r++) {
        if (r % 11 == 3) fprintf(f, "?,%s", colours[r * r % 5]);
        else fprintf(f, "%.3f,%s", (double)(r * 37 % 101) / 7, colours[r * r % 5]);
        fprintf(f, ",%zu%s%s", r * 13 % 29, classes ? r % 3 ? ",yes" : ",no" : "", end);
    }
    cr_assert_eq(fclose(f), 0);
}

Test(predict, csv_in_blocks)
{
    write_mixed("train.csv", 300, "size,colour,count,kind\n", true, "\n");
    ls_model *model = train_file("train.csv", "hidden 6 epochs 4");
    write_mixed("new.csv", 2003, "size,colour,count\n", false, "\n");
    write_mixed("crlf.csv", 301, "size,colour,count\r\n", false, "\r\n");
    write_mixed("labelled.csv", 129, "size,colour,count,kind\n", true, "\n");
    write_mixed("bare.csv", 65, "", false, "\n");
    expect_file(model, "new.csv", 2003);
    expect_file(model, "crlf.csv", 301);
    expect_file(model, "labelled.csv", 129);
    expect_file(model, "bare.csv", 65);
    ls_model_free(model);
}

/* An IDX file of float32, big-endian, or an NPY file of float64. */
static void write_matrix(const char *path, bool idx, size_t rows, size_t columns, size_t bytes)
{
    FILE *f = fopen(path, "w");
    cr_assert(f);
    if (idx) {
        const size_t sizes_of[] = {rows, columns};
        fwrite("\0\0\x0d\2", 1, 4, f);
        for (size_t i = 0; i < 2; i++)
            for (int k = 24; k >= 0; k -= 8) putc((int)(sizes_of[i] >> k & 255), f);
    } else {
        char header[119];
        int length = snprintf(header, sizeof header,
                              "{'descr': '<f8', 'fortran_order': False, 'shape': (%zu, %zu), }",
                              rows, columns);
        memset(header + length, ' ', sizeof header - (size_t)length);
        header[117] = '\n';
        fwrite("\x93NUMPY\1\0\x76\0", 1, 10, f);
        fwrite(header, 1, 118, f);
    }
    for (size_t i = 0; i < rows * columns; i++) {
        double value = (double)(i * i % 97) / 8, last = (double)(i / columns % 2);
        if (i % columns == columns - 1) value = last;
        float narrow = (float)value;
        unsigned char word[8];
        memcpy(word, idx ? (void *)&narrow : (void *)&value, idx ? 4 : 8);
        for (size_t k = 0; k < (idx ? 4 : 8); k++) putc(word[idx ? 3 - k : k], f);
    }
    for (size_t i = 0; i < bytes; i++) putc(0, f);
    cr_assert_eq(fclose(f), 0);
}

static void cut(const char *path, size_t bytes)
{
    size_t size;
    char *text = runs_file_read(path, &size);
    runs_file_write(path, text, size - bytes);
    free(text);
}

Test(predict, matrices_in_blocks)
{
    static const char *const names[] = {"m.npy", "m.idx"};
    float out[4000];
    ls_error err;
    ls_status status;
    write_matrix("train.npy", false, 100, 4, 0);
    ls_model *model = train_file("train.npy", "hidden 5 epochs 3 output sigmoid");
    for (int idx = 0; idx < 2; idx++) {
        const char *path = names[idx];
        write_matrix(path, idx, 1501, 3, 0);
        expect_file(model, path, 1501);
        /* the rows before the end are predicted, and then it is an error */
        cut(path, 5);
        for (size_t s = 0; s < RUNS_COUNT(sizes); s++) {
            size_t rows = predict_blocks(model, path, sizes[s], out, 4000, &status, &err);
            cr_expect(rows == 1500 && status == LS_ERR_DATA && strstr(err.message, "cut short"),
                      "%s: %zu rows, %s", path, rows, err.message);
        }
        write_matrix(path, idx, 1501, 3, 1);
        size_t rows = predict_blocks(model, path, 100, out, 4000, &status, &err);
        cr_expect(rows == 1501 && status == LS_ERR_DATA && strstr(err.message, "more bytes"),
                  "%s: %zu rows, %s", path, rows, err.message);
    }
    ls_model_free(model);
}

/* A row that cannot be read: the rows before it come first, however they are read. */
Test(predict, rows_before_an_error)
{
    static const struct {
        const char *line, *words;
    } bad[] = {{"1,red", "line 152"},
               {"x,red,3", "line 152"},
               {"1e99,red,3", "line 152"},
               {"1,\"red,3", "line 152"}};
    float out[4000];
    ls_error err;
    ls_status status;
    FILE *f = fopen("train.csv", "w");
    cr_assert(f);
    fputs("a,b,c,class\n", f);
    for (int r = 0; r < 40; r++)
        fprintf(f, "%d,%s,%d,%d\n", r, r % 3 ? "red" : "blue", r % 7, r % 2);
    cr_assert_eq(fclose(f), 0);
    ls_model *model = train_file("train.csv", "hidden 4 epochs 2 output sigmoid");
    for (size_t i = 0; i < RUNS_COUNT(bad); i++) {
        f = fopen("new.csv", "w");
        cr_assert(f);
        fputs("a,b,c\n", f);
        for (int r = 0; r < 150; r++) fprintf(f, "%d,red,1\n", r);
        fprintf(f, "%s\n", bad[i].line);
        for (int r = 0; r < 150; r++) fprintf(f, "%d,red,1\n", r);
        cr_assert_eq(fclose(f), 0);
        for (size_t s = 0; s < RUNS_COUNT(sizes); s++) {
            size_t rows = predict_blocks(model, "new.csv", sizes[s], out, 4000, &status, &err);
            cr_expect_eq(rows, 150, "%s: %zu rows in blocks of %zu", bad[i].line, rows, sizes[s]);
            cr_expect(status == LS_ERR_DATA && strstr(err.message, bad[i].words), "%s: %s",
                      bad[i].line, err.message);
        }
    }
    ls_model_free(model);
}

Test(predict, wrong_calls_of_the_reader)
{
    ls_error err;
    ls_reader *reader;
    ls_data *data = runs_data("moons", 20), *block;
    runs_run run;
    runs_train(NULL, "epochs 1", data, 0, &run);
    ls_read_options how = {.struct_size = sizeof how};
    runs_file_write("m.csv", "1,2\n", 4);
    cr_expect_eq(ls_reader_open("m.csv", &how, &reader, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_reader_open("m.csv", NULL, &reader, &err), LS_ERR_ARGUMENT);
    how.model = run.model;
    cr_expect_eq(ls_reader_open(NULL, &how, &reader, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_reader_open("none.csv", &how, &reader, &err), LS_ERR_IO);
    how.sample = 3;
    cr_expect_eq(ls_reader_open("m.csv", &how, &reader, &err), LS_ERR_ARGUMENT);
    how.sample = 0;
    cr_assert_eq(ls_reader_open("m.csv", &how, &reader, &err), LS_OK, "%s", err.message);
    cr_expect_eq(ls_reader_next(reader, 0, &block, &err), LS_ERR_ARGUMENT);
    cr_assert_eq(ls_reader_next(reader, 5, &block, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_data_rows(block), 1);
    ls_data_free(block);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(ls_reader_next(reader, 5, &block, &err), LS_OK);
        cr_assert_null(block);
    }
    cr_expect_eq(ls_reader_share(reader), 1.0);
    ls_reader_close(reader);
    ls_reader_close(NULL);
    runs_free(&run);
    ls_data_free(data);
}
