/* SPDX-License-Identifier: MIT */
/* --scaling robust: the values by which numbers are scaled, the smooth clipping, and what keeps
 * them; --scaling quantile: the knots, the scores, and what keeps them. Expected values are
 * computed here, by other formulas where there are others. */
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
#if __has_include(<jansson.h>)
#include "tests/support/model_file.h"
#endif

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

/* ---- Quantiles ------------------------------------------------------------------------------- */

/* The normal quantile of p, by bisection of the C library's error function, in long double. */
static long double normal_quantile(long double p)
{
    long double low = -20, high = 20;
    for (int i = 0; i < 80; i++) {
        long double z = (low + high) / 2;
        if (erfcl(-z / sqrtl(2)) / 2 < p) low = z;
        else high = z;
    }
    return low;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The score of a value among n training values (sorted), of which there are `knots` knots, straight
 * from the definition: those that equal a value say its score, or else its neighbours do. */
static double expected_score(const double *sorted, size_t n, size_t knots, double value)
{
    long double x0 = -INFINITY, x1 = INFINITY, first = 0, last = 0;
    bool equal = false;
    for (size_t k = 0; k < knots; k++) {
        long double at = (long double)(n - 1) * (long double)k / (long double)(knots - 1);
        size_t i = (size_t)at;
        long double x = sorted[i],
                    z = normal_quantile(((long double)k + 0.5L) / (long double)knots);
        if (i + 1 < n) x += (at - (long double)i) * ((long double)sorted[i + 1] - x);
        if (fabsl(x - (long double)value) < 1e-12L * (1 + fabsl(x))) {
            if (!equal) first = z;
            last = z, equal = true;
        }
        if (x < (long double)value) x0 = x;
        else if (x > (long double)value && x < x1) x1 = x;
    }
    if (equal) return (double)((first + last) / 2);
    if (isinf(x0)) return expected_score(sorted, n, knots, (double)x1);
    if (isinf(x1)) return expected_score(sorted, n, knots, (double)x0);
    long double z0 = expected_score(sorted, n, knots, (double)x0),
                z1 = expected_score(sorted, n, knots, (double)x1);
    return (double)(z0 + (z1 - z0) * ((long double)value - x0) / (x1 - x0));
}

Test(scaling, normal_scores)
{
    for (size_t n = 1; n <= LS_MOST_KNOTS; n += n < 20 ? 1 : 59) {
        double score[LS_MOST_KNOTS];
        ls_normal_scores(n, score);
        for (size_t k = 0; k < n; k++) {
            double should = (double)normal_quantile(((long double)k + 0.5L) / (long double)n);
            cr_expect(fabs(score[k] - should) < 1e-6, "%zu of %zu: %.9g, not %.9g", k, n, score[k],
                      should);
            cr_expect_eq(score[k], -score[n - 1 - k]);
            cr_expect(!k || score[k] > score[k - 1]);
        }
    }
}

/* Bits, not only about the right number. */
Test(scaling, bits_of_normal_scores)
{
    double score[LS_MOST_KNOTS];
    ls_normal_scores(LS_MOST_KNOTS, score);
    cr_expect_eq(score[0], -0x1.715c7cp+1, "%a", score[0]);
    cr_expect_eq(score[100], -0x1.1725fcp-2, "%a", score[100]);
}

Test(scaling, quantiles_of_known_values)
{
    float x[9 * COLUMNS], in[9 * COLUMNS];
    int32_t y[9];
    ls_data *data;
    for (size_t r = 0; r < 9; r++) {
        y[r] = r % 2;
        for (size_t c = 0; c < COLUMNS; c++) x[r * COLUMNS + c] = (float)columns[c].value[r];
    }
    cr_assert_eq(ls_data_from_arrays(x, y, 9, COLUMNS, 2, &data, NULL), LS_OK);
    ls_model *m = train("scaling quantile hidden 2 epochs 1", data);
    cr_assert(m->quantiles && m->clip == 0);
    cr_assert_eq(ls_model_inputs(m, data, in, NULL), LS_OK);
    for (size_t c = 0; c < COLUMNS; c++) {
        double sorted[9];
        for (size_t r = 0; r < 9; r++) sorted[r] = (double)x[r * COLUMNS + c];
        qsort(sorted, 9, sizeof *sorted, by_number);
        for (size_t r = 0; r < 9; r++) {
            double is = (double)in[r * COLUMNS + c],
                   should = expected_score(sorted, 9, 9, (double)x[r * COLUMNS + c]);
            cr_expect(fabs(is - should) < 1e-6, "%s, row %zu: %.9g, not %.9g", columns[c].name, r,
                      is, should);
        }
    }
    ls_model_free(m);
    ls_data_free(data);
}

/* More rows than knots, among them equal ones; then values between and beyond those of training. */
Test(scaling, quantiles_of_many_rows)
{
    enum { ROWS = 700, MORE = 90 };
    static float x[ROWS], in[ROWS], other[MORE];
    static int32_t y[ROWS];
    static double sorted[ROWS];
    ls_data *data, *rows;
    for (size_t r = 0; r < ROWS; r++) {
        size_t i = (r * 271 + 9) % ROWS;
        x[r] = i < 200 ? 3.0f : (float)i * (float)i / 1000.0f;
        sorted[r] = (double)x[r];
        y[r] = r % 2;
    }
    qsort(sorted, ROWS, sizeof *sorted, by_number);
    cr_assert_eq(ls_data_from_arrays(x, y, ROWS, 1, 2, &data, NULL), LS_OK);
    ls_model *m = train("scaling quantile hidden 2 epochs 1 patience 0", data);
    cr_assert_leq(m->quantiles->first[1], (size_t)LS_MOST_KNOTS);
    cr_assert_eq(ls_model_inputs(m, data, in, NULL), LS_OK);
    for (size_t r = 0; r < ROWS; r++) {
        double should = expected_score(sorted, ROWS, LS_MOST_KNOTS, (double)x[r]);
        cr_expect(fabs((double)in[r] - should) < 2e-6, "%g: %.9g, not %.9g", (double)x[r],
                  (double)in[r], should);
    }
    for (size_t r = 0; r < MORE; r++) other[r] = (float)r * 7 - 60;
    cr_assert_eq(ls_data_from_arrays(other, y, MORE, 1, 2, &rows, NULL), LS_OK);
    cr_assert_eq(ls_model_inputs(m, rows, in, NULL), LS_OK);
    for (size_t r = 0; r < MORE; r++) {
        double should = expected_score(sorted, ROWS, LS_MOST_KNOTS, (double)other[r]);
        cr_expect(fabs((double)in[r] - should) < 2e-6, "%g: %.9g, not %.9g", (double)other[r],
                  (double)in[r], should);
        cr_expect(!r || in[r] >= in[r - 1]);
    }
    ls_data_free(rows);
    ls_model_free(m);
    ls_data_free(data);
}

/* Values are filled in first; categories stay 0 and 1; a constant is 0. */
Test(scaling, quantiles_missing_values_and_categories)
{
    ls_data *data = read_text(mixed);
    ls_model *m = train("scaling quantile hidden 2 epochs 1", data);
    static const double sorted[] = {1, 2, 3, 4, 202, 1000};
    static const double size[] = {1, 202, 2, 3, 4, 1000};
    float in[6 * 6];
    cr_assert_eq(ls_model_inputs(m, data, in, NULL), LS_OK);
    for (size_t r = 0; r < 6; r++) {
        double should = expected_score(sorted, 6, 6, size[r]);
        cr_expect(fabs((double)in[r * 6] - should) < 1e-6, "row %zu: %g", r, (double)in[r * 6]);
        size_t ones = 0;
        for (size_t k = 1; k <= 4; k++) ones += in[r * 6 + k] == 1;
        cr_expect_eq(ones, 1);
        cr_expect_eq(in[r * 6 + 5], 0, "a constant");
    }
    ls_model_free(m);
    ls_data_free(data);
}

/* A value that is missing where none was in training: the middle. */
Test(scaling, quantiles_of_a_value_that_is_missing_later)
{
    ls_data *data = runs_data("moons", 60), *later;
    ls_model *m = train("scaling quantile hidden 2 epochs 1", data);
    float in[4];
    ls_error err;
    static const char gaps[] = "x1,x2,y\n?,0.5,0\n0.5,?,1\n";
    runs_file_write("later.csv", gaps, strlen(gaps));
    ls_read_options how = {.struct_size = sizeof how, .model = m};
    cr_assert_eq(ls_data_read("later.csv", &how, &later, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_inputs(m, later, in, &err), LS_OK, "%s", err.message);
    cr_expect_eq(in[0], 0);
    cr_expect_eq(in[3], 0);
    ls_model_free(m);
    ls_data_free(later);
    ls_data_free(data);
}

/* The order of values is all that counts: other units of the columns give the same inputs. */
Test(scaling, quantiles_have_no_unit)
{
    ls_data *data = runs_data("moons", 200);
    size_t n = ls_data_rows(data) * 2;
    float *x = malloc(n * sizeof *x), *in[2];
    cr_assert_not_null(x);
    for (int i = 0; i < 2; i++) {
        cr_assert_not_null(in[i] = malloc(n * sizeof *x));
        ls_data *unit;
        for (size_t k = 0; k < n; k++) x[k] = data->x[k] * (i ? 1024.0f : 1.0f);
        cr_assert_eq(ls_data_from_arrays(x, data->y, n / 2, 2, 2, &unit, NULL), LS_OK);
        ls_model *m = train("scaling quantile hidden 2 epochs 1", unit);
        cr_assert_eq(ls_model_inputs(m, unit, in[i], NULL), LS_OK);
        ls_model_free(m);
        ls_data_free(unit);
    }
    cr_expect_arr_eq(in[0], in[1], n * sizeof *x);
    free(x), free(in[0]), free(in[1]);
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
    cr_expect_eq(n->clip > 0 || n->quantiles, !same, "%s", b);
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
    expect_same_weights("epochs 2 hidden 3", "epochs 2 hidden 3 scaling quantile", moons, false);
    expect_same_weights("epochs 2 hidden 3 standardize off",
                        "epochs 2 hidden 3 standardize off scaling quantile", moons, true);
    expect_same_weights("epochs 1 shape 1x8x8 net flatten,dense",
                        "epochs 1 shape 1x8x8 net flatten,dense scaling quantile", digits, true);
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
        m = train("scaling quantile hidden 2 epochs 2", list[i]);
        expect_same_file(m, list[i]);
        bytes = runs_file_read("a", &size);
        cr_expect_not_null(memmem(bytes, size, "quantiles", 9));
        free(bytes);
        ls_model_free(m);
        m = train("hidden 2 epochs 2", list[i]);
        cr_expect_eq(m->clip, 0);
        expect_same_file(m, list[i]);
        bytes = runs_file_read("a", &size);
        cr_expect_null(memmem(bytes, size, "\\\"clip\\\":3", 10));
        cr_expect_null(memmem(bytes, size, "quantiles", 9));
        free(bytes);
        ls_model_free(m);
        ls_data_free(list[i]);
    }
}

static void expect_refused(const char *quantiles)
{
    file_parts p = file_take_apart("a.safetensors");
    json_t *of = json_object_get(p.meta, "standardize"),
           *value = quantiles ? json_loads(quantiles, JSON_DECODE_ANY, NULL) : NULL;
    cr_assert(!quantiles == !value, "%s", quantiles);
    if (value) json_object_set_new(of, "quantiles", value);
    else json_object_del(of, "quantiles");
    file_put_together("b.safetensors", &p, true);
    file_assert_refused("b.safetensors", LS_ERR_DATA, quantiles ? quantiles : "none");
    file_parts_free(&p);
}

/* What no training writes, with correct checksums; x1 and x2 are numbers. */
Test(scaling, damaged_quantiles)
{
    static const char *const lists[] = {"null",
                                        "[]",
                                        "{}",
                                        "3",
                                        "[[[0,1],[0,1]]]",
                                        "[[[0,1],[0,1]],null]",
                                        "[[[0,1],[0,1]],[[],[]]]",
                                        "[[[0,1],[0,1]],[[0],[0],[0]]]",
                                        "[[[0,1],[0,1]],[[0,1],[0]]]",
                                        "[[[0,1],[0,1]],[[0],[0,1]]]",
                                        "[[[0,1],[0,1]],[[1,0],[0,1]]]",
                                        "[[[0,1],[0,1]],[[0,0],[0,1]]]",
                                        "[[[0,1],[0,1]],[[0,1],[1,0]]]",
                                        "[[[0,1],[0,1]],[[0,1],[1,1]]]",
                                        "[[[0,1],[0,1]],[[0,1],[0,11]]]",
                                        "[[[0,1],[0,1]],[[0,\"1\"],[0,1]]]",
                                        "[[[0,1],[0,1]],[[0,null],[0,1]]]",
                                        "[[[0,1],[0,1]],[[0,1],[0,1]],[[0,1],[0,1]]]"};
    file_make("moons", "hidden 2 epochs 1 scaling quantile", "a.safetensors");
    for (size_t i = 0; i < RUNS_COUNT(lists); i++) expect_refused(lists[i]);
    expect_refused(NULL);
    char many[40000] = "[[[0,1],[0,1]],[[0", scores[20000] = ",[0";
    for (int i = 1; i <= LS_MOST_KNOTS; i++) {
        snprintf(many + strlen(many), 32, ",%d", i);
        snprintf(scores + strlen(scores), 32, ",%g", i / 100.0);
    }
    strcat(many, "]"), strcat(many, scores), strcat(many, "]]]");
    expect_refused(many);
    file_make("moons", "hidden 2 epochs 1", "a.safetensors");
    expect_refused("[[[0,1],[0,1]],[[0,1],[0,1]]]");
    file_make("moons", "hidden 2 epochs 1 scaling robust", "a.safetensors");
    expect_refused("[[[0,1],[0,1]],[[0,1],[0,1]]]");
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
    ls_model_free(from);
    from = train("scaling quantile hidden 3 epochs 2", data);
    control = (ls_train_control){.struct_size = sizeof control, .from = from};
    cr_expect_eq(ls_train_controlled(NULL, robust, other, &control, &m, &err), LS_ERR_ARGUMENT);
    cr_expect(strstr(err.message, "--scaling quantile") && strstr(err.message, "--refit"), "%s",
              err.message);
    cr_assert_eq(ls_options_set(robust, "scaling", "quantile", NULL), LS_OK);
    for (control.refit = 0; control.refit < 2; control.refit++) {
        cr_assert_eq(ls_train_controlled(NULL, robust, other, &control, &m, &err), LS_OK, "%s",
                     err.message);
        cr_assert_not_null(m->quantiles);
        bool same = m->quantiles->first[2] == from->quantiles->first[2] &&
                    !memcmp(m->quantiles->x, from->quantiles->x,
                            from->quantiles->first[2] * sizeof(double));
        cr_expect_eq(same, !control.refit);
        ls_model_free(m);
    }
    ls_options_free(robust);
    ls_options_free(standard);
    ls_model_free(from);
    ls_data_free(data);
    ls_data_free(other);
}
