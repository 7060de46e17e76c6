/* SPDX-License-Identifier: MIT */
/* --scaling robust: the values by which numbers are scaled, the smooth clipping, and what keeps
 * them. Expected values are computed here, by other formulas where there are others. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/data/encoder.h"
#include "host/model/model.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(scaling, .init = enter, .fini = leave, .timeout = 120);

static ls_model *train(const char *text, const ls_data *data)
{
    ls_options *options = runs_options(text);
    ls_model *model;
    ls_error err;
    cr_assert_eq(ls_train(NULL, options, data, NULL, NULL, &model, &err), LS_OK, "%s: %s", text,
                 err.message);
    ls_options_free(options);
    return model;
}

static ls_data *read_text(const char *text)
{
    ls_data *data;
    ls_error err;
    runs_file_write("x.csv", text, strlen(text));
    cr_assert_eq(ls_data_read("x.csv", NULL, &data, &err), LS_OK, "%s", err.message);
    return data;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* The input of the network that a value becomes: z·c/√(c² + z²), in more digits than a double. */
static float clipped(double x, double mean, double scale)
{
    long double z = (long double)((x - mean) * scale), c = 3;
    return (float)(z * c / sqrtl(c * c + z * z));
}

/* Nine rows. Quartiles of nine values are the third, fifth and seventh in order. */
static const struct {
    const char *name;
    double value[9]; /* NAN: missing */
    double median, width;
} columns[] = {
    {"even", {9, 1, 8, 2, 7, 3, 6, 4, 5}, 5, 4},
    {"tail", {1, 2, 3, 4, 5, 6, 7, 8, 1e30}, 5, 4},
    {"tails", {-1e30, 2, 3, 4, 5, 6, 7, 8, 1e30}, 5, 4},
    {"mostly", {0, 0, 0, 0, 10, 0, 0, 0, 0}, 0, 5}, /* half of 10 - 0 */
    {"constant", {7, 7, 7, 7, 7, 7, 7, 7, 7}, 7, 1},
    {"negative", {-1, -2, -3, -4, -5, -6, -7, -8, -9}, -5, 4},
    {"two", {-1, 1, -1, 1, -1, 1, -1, 1, -1}, -1, 2},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

Test(scaling, known_values)
{
    float x[9 * COLUMNS], in[9 * COLUMNS];
    int32_t y[9];
    ls_data *data;
    for (size_t r = 0; r < 9; r++) {
        y[r] = r % 2;
        for (size_t c = 0; c < COLUMNS; c++) x[r * COLUMNS + c] = (float)columns[c].value[r];
    }
    cr_assert_eq(ls_data_from_arrays(x, y, 9, COLUMNS, 2, &data, NULL), LS_OK);
    ls_model *m = train("scaling robust hidden 2 epochs 1", data);
    cr_expect_eq(m->clip, 3);
    cr_assert_eq(ls_model_inputs(m, data, in, NULL), LS_OK);
    for (size_t c = 0; c < COLUMNS; c++) {
        cr_expect_eq(m->mean[c], columns[c].median, "%s: %g", columns[c].name, m->mean[c]);
        cr_expect_eq(m->scale[c], 1 / columns[c].width, "%s: %g", columns[c].name, m->scale[c]);
        for (size_t r = 0; r < 9; r++) {
            float is = in[r * COLUMNS + c],
                  should = clipped((double)x[r * COLUMNS + c], columns[c].median,
                                   1 / columns[c].width);
            cr_expect_eq(is, should, "%s, row %zu: %.9g, not %.9g", columns[c].name, r, (double)is,
                         (double)should);
            cr_expect_leq(fabsf(is), 3.0f);
        }
    }
    ls_model_free(m);
    ls_data_free(data);
}

/* Quartiles between two values: at 0.25·(n - 1) and so on of the sorted ones. */
Test(scaling, quartiles_of_any_number_of_rows)
{
    for (size_t n = 2; n <= 40; n++) {
        float x[40];
        int32_t y[40];
        double sorted[40];
        ls_data *data;
        for (size_t i = 0; i < n; i++) {
            x[i] = (float)((i * 17 + 3) % n * ((i * 17 + 3) % n)); /* distinct squares */
            y[i] = i % 2;
        }
        if (n % 17 == 0) continue; /* these are not distinct */
        for (size_t i = 0; i < n; i++) sorted[i] = (double)(i * i);
        double at[3];
        for (size_t q = 0; q < 3; q++) { /* in fourths: exact */
            size_t place = (q + 1) * (n - 1), below = place / 4, rest = place % 4;
            at[q] = sorted[below];
            if (rest)
                at[q] = ((double)(4 - rest) * sorted[below] + (double)rest * sorted[below + 1]) / 4;
        }
        cr_assert_eq(ls_data_from_arrays(x, y, n, 1, 2, &data, NULL), LS_OK);
        double mean, scale;
        cr_assert_eq(ls_encoder_robust(NULL, data, &mean, &scale, NULL), LS_OK);
        cr_expect_eq(mean, at[1], "%zu rows: %g, not %g", n, mean, at[1]);
        cr_expect_eq(scale, 1 / (at[2] - at[0]), "%zu rows: %g", n, scale);
        ls_data_free(data);
    }
}

static const char mixed[] = "size,town,same,class\n1,Ulm,4,a\n?,Bonn,4,b\n2,Kiel,4,a\n3,,4,b\n"
                            "4,Ulm,4,a\n1000,Bonn,4,b\n";

/* A missing number is filled in first, with the mean of the others, 202; inputs of categories stay
 * 0 and 1. */
Test(scaling, missing_values_and_categories)
{
    ls_data *data = read_text(mixed);
    ls_model *m = train("scaling robust hidden 2 epochs 1", data);
    static const float size[] = {1, 202, 2, 3, 4, 1000};
    float in[6 * 6];
    cr_assert_eq(m->network.inputs, 6); /* size; Bonn, Kiel, Ulm, other; same */
    cr_assert_eq(ls_model_inputs(m, data, in, NULL), LS_OK);
    /* sorted: 1 2 3 4 202 1000; at 1.25, 2.5 and 3.75 */
    cr_expect_eq(m->mean[0], 3.5);
    cr_expect_eq(m->scale[0], 1 / (4 + 0.75 * 198 - 2.25));
    for (size_t r = 0; r < 6; r++) {
        cr_expect_eq(in[r * 6], clipped((double)size[r], 3.5, m->scale[0]), "row %zu", r);
        size_t ones = 0;
        for (size_t k = 1; k <= 4; k++) {
            cr_expect(in[r * 6 + k] == 0 || in[r * 6 + k] == 1, "row %zu: %g", r,
                      (double)in[r * 6 + k]);
            ones += in[r * 6 + k] == 1;
        }
        cr_expect_eq(ones, 1);
        cr_expect_eq(in[r * 6 + 5], 0, "a constant");
    }
    ls_model_free(m);
    ls_data_free(data);
}

/* Rows that training has not seen are scaled by what it saw. */
Test(scaling, of_other_rows)
{
    ls_data *data = runs_data("moons", 60);
    ls_model *m = train("scaling robust hidden 2 epochs 1", data);
    const float far[4] = {1e30f, -1e30f, 0, FLT_MAX};
    float in[4], out[2];
    const int32_t y[2] = {0, 1};
    ls_data *rows;
    cr_assert_eq(ls_data_from_arrays(far, y, 2, 2, 2, &rows, NULL), LS_OK);
    cr_assert_eq(ls_model_inputs(m, rows, in, NULL), LS_OK);
    cr_expect(in[0] == 3 && in[1] == -3 && in[3] == 3);
    cr_assert_eq(ls_model_predict(m, NULL, far, 2, out, NULL), LS_OK);
    cr_expect(isfinite(out[0]) && isfinite(out[1]));
    ls_data_free(rows);
    ls_model_free(m);
    ls_data_free(data);
}

/* ---- Where it has no effect ------------------------------------------------------------------ */

static void expect_same_weights(const char *a, const char *b, const ls_data *data, bool same)
{
    char hex[2][65];
    ls_model *m = train(a, data), *n = train(b, data);
    ls_model_weights_sha256(m, hex[0]);
    ls_model_weights_sha256(n, hex[1]);
    cr_expect_eq(!strcmp(hex[0], hex[1]), same, "%s and %s", a, b);
    cr_expect_eq(n->clip > 0, !same, "%s", b);
    ls_model_free(m);
    ls_model_free(n);
}

Test(scaling, images_and_raw_numbers_are_not_clipped)
{
    ls_data *moons = runs_data("moons", 60), *digits = runs_data_file("digits.csv");
    expect_same_weights("epochs 2 hidden 3", "epochs 2 hidden 3 scaling robust", moons, false);
    expect_same_weights("epochs 2 hidden 3 standardize off",
                        "epochs 2 hidden 3 standardize off scaling robust", moons, true);
    expect_same_weights("epochs 1 shape 1x8x8 net flatten,dense",
                        "epochs 1 shape 1x8x8 net flatten,dense scaling robust", digits, true);
    ls_data_free(moons);
    ls_data_free(digits);
}

/* ---- What keeps it --------------------------------------------------------------------------- */

#if __has_include(<jansson.h>)
static void expect_same_file(ls_model *m, const ls_data *data)
{
    char a[65], b[65];
    ls_model *back;
    size_t size = ls_data_rows(data) * m->network.inputs;
    float *x = malloc(size * sizeof *x), *y = malloc(size * sizeof *y);
    cr_assert(x && y);
    cr_assert_eq(ls_model_save(m, "a", NULL), LS_OK);
    cr_assert_eq(ls_model_load("a", &back, NULL), LS_OK);
    cr_assert_eq(ls_model_save(back, "b", NULL), LS_OK);
    runs_file_sha256("a", a);
    runs_file_sha256("b", b);
    cr_expect_str_eq(a, b);
    cr_expect_eq(back->clip, m->clip);
    cr_assert_eq(ls_model_inputs(m, data, x, NULL), LS_OK);
    cr_assert_eq(ls_model_inputs(back, data, y, NULL), LS_OK);
    cr_expect_arr_eq(x, y, size * sizeof *x);
    free(x);
    free(y);
    ls_model_free(back);
}

Test(scaling, model_files)
{
    ls_data *list[] = {runs_data("moons", 40), read_text(mixed), runs_data("numbers:2", 40)};
    for (size_t i = 0; i < 3; i++) {
        size_t size;
        ls_model *m = train("scaling robust hidden 2 epochs 2", list[i]);
        expect_same_file(m, list[i]);
        char *bytes = runs_file_read("a", &size);
        cr_expect_not_null(memmem(bytes, size, "\\\"clip\\\":3", 10));
        free(bytes);
        ls_model_free(m);
        m = train("hidden 2 epochs 2", list[i]);
        cr_expect_eq(m->clip, 0);
        expect_same_file(m, list[i]);
        bytes = runs_file_read("a", &size);
        cr_expect_null(memmem(bytes, size, "\\\"clip\\\":3", 10));
        free(bytes);
        ls_model_free(m);
        ls_data_free(list[i]);
    }
}
#endif

/* A training that goes on from a model keeps its scaling, and says so if another one is asked for.
 */
Test(scaling, of_a_model_to_start_from)
{
    ls_data *data = runs_data("moons", 60), *other = runs_data("moons", 80);
    ls_model *from = train("scaling robust hidden 3 epochs 2", data), *m = NULL;
    ls_error err;
    ls_options *robust = runs_options("scaling robust hidden 3 epochs 2"),
               *standard = runs_options("hidden 3 epochs 2");
    ls_train_control control = {.struct_size = sizeof control, .from = from};
    cr_assert_eq(ls_train_controlled(NULL, robust, other, &control, &m, &err), LS_OK, "%s",
                 err.message);
    cr_expect(m->clip == from->clip && m->mean[0] == from->mean[0] &&
              m->scale[1] == from->scale[1]);
    ls_model_free(m);
    m = NULL;
    cr_expect_eq(ls_train_controlled(NULL, standard, other, &control, &m, &err), LS_ERR_ARGUMENT);
    cr_expect(strstr(err.message, "--scaling robust") && strstr(err.message, "--refit"), "%s",
              err.message);
    cr_expect_null(m);
    control.refit = 1;
    cr_assert_eq(ls_train_controlled(NULL, standard, other, &control, &m, &err), LS_OK, "%s",
                 err.message);
    cr_expect_eq(m->clip, 0);
    ls_model_free(m);
    ls_options_free(robust);
    ls_options_free(standard);
    ls_model_free(from);
    ls_data_free(data);
    ls_data_free(other);
}
