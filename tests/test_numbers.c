/* SPDX-License-Identifier: MIT */
/* Targets that are numbers or labels, and weights of rows, through the public interface. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/data.h"
#include "host/model/model.h"
#include "host/training/rows.h"
#include "tests/support/runs.h"

TestSuite(numbers, .timeout = 120);

static ls_model *train_with(ls_options *o, const char *options, const ls_data *data)
{
    ls_model *model = NULL;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(ls_train(NULL, o, data, NULL, NULL, &model, &err), LS_OK, "%s: %s", options,
                 err.message);
    ls_options_free(o);
    return model;
}

static ls_model *train(const char *options, const ls_data *data)
{
    return train_with(runs_options(options), options, data);
}

static ls_model *train_default(const char *options, const ls_data *data)
{
    return train_with(runs_defaults(options), options, data);
}

static ls_metrics *evaluate(const ls_model *model, const ls_data *data)
{
    ls_metrics *m = NULL;
    ls_error err;
    cr_assert_eq(ls_model_evaluate(model, NULL, data, &m, &err), LS_OK, "%s", err.message);
    return m;
}

static ls_data *from_targets(const float *x, const double *values, size_t rows, size_t features,
                             size_t targets, ls_task task)
{
    ls_data *data = NULL;
    ls_error err;
    cr_assert_eq(ls_data_from_targets(x, values, rows, features, targets, task, &data, &err), LS_OK,
                 "%s", err.message);
    return data;
}

static void expect_same_weights(const ls_model *a, const ls_model *b, const char *what)
{
    char left[65], right[65];
    ls_model_weights_sha256(a, left);
    ls_model_weights_sha256(b, right);
    cr_expect_str_eq(left, right, "%s", what);
}

/* ---- Data ------------------------------------------------------------------------------------ */

Test(numbers, data_from_targets)
{
    const float x[] = {1, 2, 3, 4, 5, 6};
    const double values[] = {1e300, -2.5, 3, 0.1, 7, 1e-300}, weights[] = {0, 2.5, 1};
    ls_error err;
    ls_data *d = from_targets(x, values, 3, 2, 2, LS_TASK_REGRESSION);
    cr_expect(ls_data_task(d) == LS_TASK_REGRESSION && ls_data_targets(d) == 2);
    cr_expect(ls_data_rows(d) == 3 && ls_data_features(d) == 2 && ls_data_classes(d) == 0 &&
              !ls_data_y(d));
    cr_expect_eq(memcmp(ls_data_values(d), values, sizeof values), 0);
    cr_expect_str_eq(ls_data_target_at(d, 0), "y1");
    cr_expect_str_eq(ls_data_target_at(d, 1), "y2");
    cr_expect_str_eq(ls_data_target_name(d), "y1");
    cr_expect_null(ls_data_target_at(d, 2));
    cr_expect_null(ls_data_weights(d));
    cr_assert_eq(ls_data_set_weights(d, weights, &err), LS_OK);
    cr_expect_eq(memcmp(ls_data_weights(d), weights, sizeof weights), 0);
    cr_assert_eq(ls_data_set_weights(d, NULL, &err), LS_OK);
    cr_expect_null(ls_data_weights(d));
    ls_data_free(d);
    d = from_targets(x, NULL, 6, 1, 1, LS_TASK_MULTILABEL);
    cr_expect_null(ls_data_values(d));
    cr_expect_str_eq(ls_data_target_at(d, 0), "y");
    ls_data_free(d);
    cr_assert_eq(ls_data_from_arrays(x, NULL, 6, 1, 0, &d, &err), LS_OK);
    cr_expect(ls_data_task(d) == LS_TASK_CLASSIFICATION && ls_data_targets(d) == 1);
    ls_data_free(d);
}

Test(numbers, data_that_is_refused)
{
    const float x[] = {1, 2, 3, 4}, bad_x[] = {1, INFINITY, 3, 4};
    const double good[] = {1, 0, 1, 1}, nan[] = {1, NAN, 3, 4}, inf[] = {1, 2, -INFINITY, 4},
                 half[] = {0, 1, 0.5, 1}, negative[] = {1, 1, -1, 1};
    const struct {
        const float *x;
        const double *values;
        size_t rows, features, targets;
        ls_task task;
        const char *word;
    } list[] = {
        {x, nan, 4, 1, 1, LS_TASK_REGRESSION, "row 1, target 0"},
        {x, inf, 2, 2, 2, LS_TASK_REGRESSION, "row 1, target 0"},
        {bad_x, good, 4, 1, 1, LS_TASK_REGRESSION, "feature"},
        {x, half, 4, 1, 1, LS_TASK_MULTILABEL, "0 or 1"},
        {x, good, 4, 1, 0, LS_TASK_REGRESSION, "targets"},
        {x, good, 0, 1, 1, LS_TASK_REGRESSION, "empty"},
        {x, good, 4, 0, 1, LS_TASK_REGRESSION, "empty"},
        {NULL, good, 4, 1, 1, LS_TASK_REGRESSION, "NULL"},
        {x, good, 4, 1, SIZE_MAX / 2, LS_TASK_REGRESSION, "targets"},
        {x, good, 4, 1, 1, LS_TASK_CLASSIFICATION, "ls_data_from_arrays"},
        {x, good, 4, 1, 1, (ls_task)7, "task"},
    };
    ls_data *data = NULL;
    ls_error err;
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        cr_expect_eq(ls_data_from_targets(list[i].x, list[i].values, list[i].rows, list[i].features,
                                          list[i].targets, list[i].task, &data, &err),
                     LS_ERR_ARGUMENT, "case %zu", i);
        cr_expect(strstr(err.message, list[i].word), "case %zu: %s", i, err.message);
        cr_expect_null(data);
    }
    data = from_targets(x, good, 4, 1, 1, LS_TASK_REGRESSION);
    cr_expect_eq(ls_data_set_weights(data, negative, &err), LS_ERR_ARGUMENT);
    cr_expect(strstr(err.message, "row 2"), "%s", err.message);
    cr_expect_eq(ls_data_set_weights(data, nan, &err), LS_ERR_ARGUMENT);
    cr_expect_null(ls_data_weights(data));
    ls_data_free(data);
}

/* ---- What does not fit ----------------------------------------------------------------------- */

static void expect_refused(const ls_data *data, const char *options, ls_status status,
                           const char *word)
{
    ls_options *o = runs_options(options);
    ls_model *model = NULL;
    ls_error err = {LS_OK, ""};
    cr_expect_eq(ls_train(NULL, o, data, NULL, NULL, &model, &err), status, "%s: %s", options,
                 err.message);
    cr_expect(strstr(err.message, word), "%s: %s", options, err.message);
    cr_expect_null(model);
    ls_options_free(o);
}

Test(numbers, options_that_contradict_the_targets)
{
    ls_data *numbers = runs_data("numbers:2", 40), *labels = runs_data("labels:2", 40),
            *classes = runs_data("moons", 40), *three = runs_data("blobs", 40);
    const struct {
        const ls_data *data;
        const char *options, *word;
    } list[] = {
        {numbers, "loss bce", "use mse, mae or huber"},
        {numbers, "loss ce", "use mse, mae or huber"},
        {numbers, "output sigmoid", "use identity"},
        {numbers, "output softmax", "use identity"},
        {numbers, "label-smoothing 0.1", "bce and ce"},
        {classes, "label-smoothing 0.1 loss mse", "bce and ce"},
        {numbers, "class-weights balanced", "--weight"},
        {numbers, "class-weights 1,2", "--weight"},
        {numbers, "patience 3 validation 0", "--validation"},
        {labels, "loss mse", "use bce"},
        {labels, "loss mae", "use bce"},
        {labels, "output identity", "use sigmoid"},
        {labels, "output softmax", "use sigmoid"},
        {labels, "class-weights 1,2", "--weight"},
        {classes, "loss mae", "--task regression"},
        {classes, "loss huber", "--task regression"},
        {three, "loss mae output identity", "--task regression"},
    };
    for (size_t i = 0; i < RUNS_COUNT(list); i++)
        expect_refused(list[i].data, list[i].options, LS_ERR_ARGUMENT, list[i].word);
    ls_data_free(numbers);
    ls_data_free(labels);
    ls_data_free(classes);
    ls_data_free(three);
}

Test(numbers, rows_from_which_nothing_can_be_learnt)
{
    enum { N = 20 };
    float x[N];
    double same[N], pairs[2 * N], huge[N], near[N], tiny[N], zeros[N] = {0};
    ls_error err;
    for (size_t i = 0; i < N; i++) {
        x[i] = (float)i;
        same[i] = 4.25;
        pairs[2 * i] = 1;
        pairs[2 * i + 1] = 0;
        huge[i] = i % 2 ? 1.7e308 : 1.6e308;
        near[i] = 1e39 * (double)i;
        tiny[i] = 1e-300 * (double)i;
    }
    ls_data *d = from_targets(x, same, N, 1, 1, LS_TASK_REGRESSION);
    expect_refused(d, "epochs 1", LS_ERR_DATA, "the target 4.25; there is nothing to learn");
    ls_data_free(d);
    d = from_targets(x, pairs, N, 1, 2, LS_TASK_MULTILABEL);
    expect_refused(d, "epochs 1", LS_ERR_DATA, "the same 2 targets; there is nothing to learn");
    ls_data_free(d);
    d = from_targets(x, NULL, N, 1, 2, LS_TASK_REGRESSION);
    expect_refused(d, "epochs 1", LS_ERR_ARGUMENT, "no targets to learn");
    ls_data_free(d);
    d = from_targets(x, huge, N, 1, 1, LS_TASK_REGRESSION);
    expect_refused(d, "epochs 1", LS_ERR_DATA, "another unit");
    ls_data_free(d);
    d = from_targets(x, tiny, N, 1, 1, LS_TASK_REGRESSION);
    expect_refused(d, "epochs 1", LS_ERR_DATA, "another unit");
    ls_data_free(d);
    d = from_targets(x, near, N, 1, 1, LS_TASK_REGRESSION); /* beyond float32 */
    expect_refused(d, "epochs 1 standardize-target off", LS_ERR_DATA, "--standardize-target");
    ls_model_free(train("epochs 1", d));
    cr_assert_eq(ls_data_set_weights(d, zeros, &err), LS_OK);
    expect_refused(d, "epochs 1", LS_ERR_DATA, "all 0");
    for (size_t i = 0; i < N; i++) zeros[i] = 1e308;
    cr_assert_eq(ls_data_set_weights(d, zeros, &err), LS_OK);
    expect_refused(d, "epochs 1", LS_ERR_DATA, "too large");
    ls_data_free(d);
}

/* One constant target among others is learnt as its value. */
Test(numbers, one_constant_target_among_others)
{
    enum { N = 30 };
    float x[N];
    double values[2 * N], out[2 * N];
    for (size_t i = 0; i < N; i++) {
        x[i] = (float)i / N;
        values[2 * i] = 12345.5;
        values[2 * i + 1] = 3.0 * (double)i;
    }
    ls_data *d = from_targets(x, values, N, 1, 2, LS_TASK_REGRESSION);
    ls_model *m =
        train("hidden none optimizer gd batch full lr 0.1 epochs 300 l2 0 schedule constant", d);
    cr_assert_eq(ls_model_predict_numbers(m, NULL, d, out, NULL), LS_OK);
    for (size_t i = 0; i < N; i++) {
        cr_expect_float_eq(out[2 * i], 12345.5, 1e-3);
        cr_expect_float_eq(out[2 * i + 1], values[2 * i + 1], 0.1);
    }
    ls_model_free(m);
    ls_data_free(d);
}

/* Options that are auto stand for other values in regression than for classes. 3 / 400 rows. */
Test(numbers, defaults_of_regression)
{
    static const char *const lines[][2] = {
        {"epochs 3 patience 0",
         "epochs 3 patience 0 init xavier l2 0.0025 weight-decay 0.2 schedule cosine"},
        {"epochs 3", "epochs 3 init xavier l2 0.0027777777777777779 weight-decay 0.2"},
        {"epochs 3 init he l2 0 schedule constant", "epochs 3 init he l2 0 schedule step"},
        {"epochs 3 validation 0.5", "epochs 3 validation 0.5 init xavier l2 0.005 schedule cosine"},
        {"epochs 3 validation 0.8", "epochs 3 validation 0.8 init xavier l2 0.01 schedule cosine"}};
    enum { N = 400 };
    static float x[N];
    static double values[N];
    static int32_t y[N];
    for (size_t i = 0; i < N; i++) {
        x[i] = (float)(i * 37 % N) / N;
        values[i] = (double)x[i] * (double)x[i];
        y[i] = x[i] > 0.5f;
    }
    ls_data *numbers = from_targets(x, values, N, 1, 1, LS_TASK_REGRESSION), *classes;
    cr_assert_eq(ls_data_from_arrays(x, y, N, 1, 2, &classes, NULL), LS_OK);
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        char hash[2][65];
        for (size_t k = 0; k < 2; k++) {
            ls_model *m = train_default(lines[i][k], numbers);
            ls_model_weights_sha256(m, hash[k]);
            ls_model_free(m);
        }
        cr_expect_str_eq(hash[0], hash[1], "%s and %s differ", lines[i][0], lines[i][1]);
    }
    char hash[2][65];
    ls_model *m = train_default("epochs 3", classes),
             *explicit = train_default("epochs 3 init he l2 0.0027777777777777779 hidden 64,64",
                                       classes);
    ls_model_weights_sha256(m, hash[0]);
    ls_model_weights_sha256(explicit, hash[1]);
    cr_expect_str_eq(ls_model_option(m, "l2"), "auto",
                     "the model keeps the option as it was given");
    cr_expect_str_neq(hash[0], hash[1], "he in the output layer is not the default");
    ls_model_free(explicit);
    explicit = train_default("epochs 3 l2 0.0027777777777777779 weight-decay 0.2 schedule cosine",
                             classes);
    ls_model_weights_sha256(explicit, hash[1]);
    cr_expect_str_eq(hash[0], hash[1]);
    ls_model_free(explicit);
    ls_model_free(m);
    ls_data_free(numbers);
    ls_data_free(classes);
}

/* ---- Units of the target --------------------------------------------------------------------- */

static double *predict(const ls_model *model, const ls_data *data)
{
    double *out = calloc(ls_data_rows(data) * ls_model_targets(model), sizeof *out);
    ls_error err;
    cr_assert(out);
    cr_assert_eq(ls_model_predict_numbers(model, NULL, data, out, &err), LS_OK, "%s", err.message);
    return out;
}

/* Predictions are mean + output/scale, of the training rows; the metrics are about them. */
Test(numbers, predictions_and_metrics_are_in_units_of_the_target)
{
    enum { N = 120, T = 2 };
    ls_data *data = runs_data("numbers:2", N);
    ls_model *m = train("hidden 8 epochs 300 lr 0.01", data);
    double *got = predict(m, data), mean[T] = {0}, squares[T] = {0}, error[T] = {0}, off[T] = {0};
    const double *values = ls_data_values(data);
    float *raw = calloc(N * T, sizeof *raw), *inputs = calloc(N * 4, sizeof *inputs);
    for (size_t i = 0; i < N * T; i++) mean[i % T] += values[i] / N;
    for (size_t i = 0; i < N * T; i++) squares[i % T] += pow(values[i] - mean[i % T], 2);
    for (size_t i = 0; i < N * T; i++) {
        error[i % T] += pow(values[i] - got[i], 2) / N;
        off[i % T] += fabs(values[i] - mean[i % T]) / N;
    }
    ls_metrics *metrics = evaluate(m, data);
    cr_expect_float_eq(metrics->rmse, (sqrt(error[0]) + sqrt(error[1])) / 2, 1e-9);
    cr_expect_float_eq(metrics->target_rmse[1], sqrt(error[1]), 1e-9);
    cr_expect_float_eq(metrics->baseline_mae, (off[0] + off[1]) / 2, 1e-9);
    cr_expect_float_eq(metrics->baseline_rmse, (sqrt(squares[0] / N) + sqrt(squares[1] / N)) / 2,
                       1e-9);
    cr_expect_gt(metrics->r2, 0.8, "R2 %g", metrics->r2);
    cr_expect_lt(metrics->rmse, 0.5 * metrics->baseline_rmse);
    /* the loss is that of the network: the sum over the standardised targets */
    double loss = 0;
    for (size_t k = 0; k < T; k++) loss += error[k] / (squares[k] / N);
    cr_expect_float_eq(metrics->loss, loss, 1e-6 * loss);
    cr_expect_eq(metrics->targets, T);
    /* float32 predictions are the same numbers, rounded */
    cr_assert_eq(ls_model_predict_data(m, NULL, data, raw, NULL), LS_OK);
    for (size_t i = 0; i < N * T; i++) cr_assert_eq(raw[i], (float)got[i]);
    cr_assert_eq(ls_model_predict(m, NULL, ls_data_x(data), N, raw, NULL), LS_OK);
    for (size_t i = 0; i < N * T; i++) cr_assert_eq(raw[i], (float)got[i]);
    cr_assert_eq(ls_model_inputs(m, data, inputs, NULL), LS_OK);
    cr_assert_eq(ls_model_predict_inputs(m, NULL, inputs, N, raw, NULL), LS_OK);
    for (size_t i = 0; i < N * T; i++) cr_assert_eq(raw[i], (float)got[i]);
    ls_metrics_free(metrics);
    free(got);
    free(raw);
    free(inputs);
    ls_model_free(m);
    ls_data_free(data);
}

/* Stretching the target by a power of two changes no bit of the network, and stretches predictions.
 */
Test(numbers, the_unit_of_the_target_does_not_matter)
{
    enum { N = 60 };
    ls_data *data = runs_data("numbers:1", N);
    double stretched[N];
    for (size_t i = 0; i < N; i++) stretched[i] = 0x1p200 * ls_data_values(data)[i];
    ls_data *other = from_targets(ls_data_x(data), stretched, N, 4, 1, LS_TASK_REGRESSION);
    ls_model *a = train("hidden 5 epochs 5 loss huber", data),
             *b = train("hidden 5 epochs 5 loss huber", other);
    double *p = predict(a, data), *q = predict(b, other);
    expect_same_weights(a, b, "another unit");
    for (size_t i = 0; i < N; i++) cr_assert_eq(0x1p200 * p[i], q[i]);
    free(p);
    free(q);
    ls_model_free(a);
    ls_model_free(b);
    ls_data_free(data);
    ls_data_free(other);
}

/* Without standardisation, outputs are the numbers. */
Test(numbers, raw_targets)
{
    enum { N = 50 };
    ls_data *data = runs_data("numbers:1", N);
    ls_model *m =
        train("hidden none optimizer gd batch full lr 0.05 epochs 500 standardize-target off",
              data);
    cr_expect_null(m->target_scale);
    double *p = predict(m, data);
    float raw[N];
    cr_assert_eq(ls_model_predict(m, NULL, ls_data_x(data), N, raw, NULL), LS_OK);
    for (size_t i = 0; i < N; i++) cr_assert_eq(p[i], (double)raw[i]);
    ls_metrics *metrics = evaluate(m, data);
    cr_expect_gt(metrics->r2, 0.3, "R2 %g", metrics->r2);
    cr_expect_float_eq(metrics->loss, pow(metrics->rmse, 2), 1e-5 * metrics->loss);
    cr_expect_gt(metrics->baseline_rmse, metrics->rmse);
    ls_metrics_free(metrics);
    free(p);
    ls_model_free(m);
    ls_data_free(data);
}

/* The mean absolute error pulls towards the median, the squared error towards the mean. */
Test(numbers, losses_differ_on_outliers)
{
    enum { N = 101 };
    float x[N] = {0};
    double values[N], median = 0, mean = 0;
    for (size_t i = 0; i < N; i++) {
        values[i] = i < 90 ? (double)(i % 10) : 1000.0;
        mean += values[i] / N;
    }
    median = 5; /* the 51st of nine times 0 to 9 and eleven times 1000 */
    ls_data *data = from_targets(x, values, N, 1, 1, LS_TASK_REGRESSION);
    const struct {
        const char *loss;
        double expected, within;
    } list[] = {{"mse", mean, 1}, {"mae", median, 4}, {"huber huber-delta 1e-3", median, 4}};
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        char options[128];
        snprintf(options, sizeof options,
                 "hidden none lr 0.05 schedule cosine epochs 3000 batch full loss %s",
                 list[i].loss);
        ls_model *m = train(options, data);
        double *p = predict(m, data);
        cr_expect_float_eq(p[0], list[i].expected, list[i].within, "%s: %g", list[i].loss, p[0]);
        free(p);
        ls_model_free(m);
    }
    ls_data_free(data);
}

/* ---- Weights of rows ------------------------------------------------------------------------- */

static void set_weights(ls_data *data, const double *weights)
{
    ls_error err;
    cr_assert_eq(ls_data_set_weights(data, weights, &err), LS_OK, "%s", err.message);
}

/* Weights that are all equal, however large, change no bit. */
Test(numbers, equal_weights_are_no_weights)
{
    enum { N = 77 };
    static const char *const names[] = {"numbers:2", "labels:3"};
    static const double values[] = {1, 0.1, 1e-300, 12345.678, 1e300};
    double weights[N];
    for (size_t k = 0; k < RUNS_COUNT(names); k++) {
        ls_data *data = runs_data(names[k], N);
        ls_model *plain = train("hidden 6 epochs 4 validation 0.2", data);
        for (size_t v = 0; v < RUNS_COUNT(values); v++) {
            for (size_t i = 0; i < N; i++) weights[i] = values[v];
            set_weights(data, weights);
            ls_model *weighted = train("hidden 6 epochs 4 validation 0.2", data);
            expect_same_weights(plain, weighted, names[k]);
            ls_model_free(weighted);
        }
        ls_model_free(plain);
        ls_data_free(data);
    }
}

/* A row of weight 0 has no influence, and one of weight 2 counts like two rows. */
Test(numbers, weights_stand_for_repeated_rows)
{
    enum { N = 40 };
    static const char options[] =
        "hidden 5 activation tanh optimizer gd batch full lr 0.05 epochs 20 standardize off "
        "standardize-target off order file";
    float x[2 * N * 4];
    double values[2 * N], weights[2 * N];
    ls_data *data = runs_data("numbers:1", N);
    memcpy(x, ls_data_x(data), N * 4 * sizeof *x);
    for (size_t i = 0; i < N; i++) values[i] = ls_data_values(data)[i] / 100 - 2;
    ls_data_free(data);
    size_t all = N;
    for (size_t i = 0; i < N; i += 3, all++) { /* repeats every third row */
        memcpy(x + 4 * all, x + 4 * i, 4 * sizeof *x);
        values[all] = values[i];
    }
    ls_data *repeated = from_targets(x, values, all, 4, 1, LS_TASK_REGRESSION);
    data = from_targets(x, values, N, 4, 1, LS_TASK_REGRESSION);
    for (size_t i = 0; i < N; i++) weights[i] = i % 3 ? 5 : 10;
    set_weights(data, weights);
    ls_model *a = train(options, repeated), *b = train(options, data), *plain;
    for (size_t i = 0; i < a->network.parameters; i++)
        cr_expect_float_eq(a->values[i], b->values[i], 1e-5, "parameter %zu: %g and %g", i,
                           (double)a->values[i], (double)b->values[i]);
    set_weights(data, NULL);
    plain = train(options, data);
    cr_expect(memcmp(plain->values, b->values, 8 * sizeof(float)), "weights change nothing");
    ls_model_free(plain);
    ls_model_free(b);
    /* other values in a row of weight 0 */
    for (size_t i = 0; i < N; i++) weights[i] = i == 7 ? 0 : 1;
    set_weights(data, weights);
    b = train(options, data);
    ls_data_free(data);
    values[7] = 1e6;
    data = from_targets(x, values, N, 4, 1, LS_TASK_REGRESSION);
    set_weights(data, weights);
    ls_model *c = train(options, data);
    expect_same_weights(b, c, "a row of weight 0 has influence");
    ls_model_free(a);
    ls_model_free(b);
    ls_model_free(c);
    ls_data_free(data);
    ls_data_free(repeated);
}

/* Weights of rows multiply those of classes. Validation and metrics do not use them. */
Test(numbers, weights_of_rows_and_classes)
{
    enum { N = 60 };
    ls_data *data = runs_data("moons", N);
    double weights[N];
    for (size_t i = 0; i < N; i++) weights[i] = ls_data_y(data)[i] ? 1.5 : 0.5;
    ls_model *by_class = train("hidden 4 epochs 3 class-weights 0.5,1.5", data);
    set_weights(data, weights); /* their mean is 1: moons has as many rows of each class */
    ls_model *by_row = train("hidden 4 epochs 3", data),
             *both = train("hidden 4 epochs 3 class-weights 1,3", data);
    expect_same_weights(by_class, by_row, "weights by row");
    set_weights(data, NULL);
    ls_model *product = train("hidden 4 epochs 3 class-weights 0.5,4.5", data);
    expect_same_weights(product, both, "both weights");
    ls_metrics *a = evaluate(by_row, data);
    set_weights(data, weights);
    ls_metrics *b = evaluate(by_row, data);
    cr_expect(a->loss == b->loss && a->accuracy == b->accuracy);
    ls_metrics_free(a);
    ls_metrics_free(b);
    ls_model_free(by_class);
    ls_model_free(by_row);
    ls_model_free(both);
    ls_model_free(product);
    ls_data_free(data);
}

/* ---- Blocks of rows -------------------------------------------------------------------------- */

/* Members of a fleet share rows only where these would be the same. */
Test(numbers, blocks_are_shared_where_equal)
{
    static const struct {
        const char *a, *b;
        bool shared;
    } list[] = {
        {"loss mse", "loss mae", true},
        {"loss huber huber-delta 0.5", "hidden 3 seed 9", true},
        {"standardize-target on", "standardize-target off", false},
        {"standardize off", "standardize on", false},
        {"validation 0.2", "validation 0.3", false},
        {"validation 0.2 seed 2", "validation 0.2 seed 3", false},
    };
    ls_data *data = runs_data("numbers:2:weighted", 50), *other = runs_data("numbers:2", 50);
    const ls_shape shape = {.task = LS_TASK_REGRESSION, .targets = 2};
    const ls_start seed = {0}, fitted = {.refit = true};
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        ls_options *a = runs_options(list[i].a), *b = runs_options(list[i].b);
        ls_network p, q;
        ls_block *block;
        ls_error err;
        cr_assert_eq(ls_network_build(&a->settings, 4, shape, &p, &err), LS_OK);
        cr_assert_eq(ls_network_build(&b->settings, 4, shape, &q, &err), LS_OK);
        cr_assert_eq(ls_block_prepare(&a->settings, &p, &seed, data, &block, &err), LS_OK);
        cr_expect_eq(ls_block_serves(block, &b->settings, &q, &seed, data), list[i].shared,
                     "%s and %s", list[i].a, list[i].b);
        cr_expect_not(ls_block_serves(block, &a->settings, &p, &seed, other));
        cr_expect_not(ls_block_serves(block, &a->settings, &p, &fitted, data));
        cr_expect(ls_block_serves(block, &a->settings, &p, &seed, data));
        cr_expect_eq(ls_block_bytes(block), 50 * (4 + 2 + 1) * sizeof(float));
        ls_block_free(block);
        ls_network_free(&p);
        ls_network_free(&q);
        ls_options_free(a);
        ls_options_free(b);
    }
    ls_data_free(data);
    ls_data_free(other);
}

/* ---- During training ------------------------------------------------------------------------- */

Test(numbers, progress)
{
    ls_data *data = runs_data("numbers:1", 80), *labels = runs_data("labels:3", 80);
    runs_run run;
    runs_train(NULL, "hidden 6 epochs 60 patience 3 validation 0.25 lr 0.1", data, 0, &run);
    double best = INFINITY;
    uint64_t best_epoch = 0;
    for (size_t i = 0; i < run.epochs; i++) {
        const ls_progress *p = &run.progress[i];
        cr_expect(isfinite(p->loss) && isfinite(p->validation_loss) &&
                  isnan(p->validation_accuracy));
        if (p->validation_loss < best) best_epoch = i + 1;
        best = fmin(best, p->validation_loss);
    }
    ls_summary summary = LS_INIT(ls_summary);
    cr_assert_eq(ls_model_summary(run.model, &summary, NULL), LS_OK);
    cr_expect_eq(summary.best_epoch, best_epoch);
    cr_expect_str_eq(summary.stopped, "patience");
    cr_expect_lt(best_epoch, run.epochs, "the best epoch is the last, so little is tested");
    size_t points;
    const ls_history_point *h = ls_model_history(run.model, &points);
    cr_expect(points == run.epochs && isnan(h[0].validation_accuracy) &&
              isfinite(h[0].validation_loss));
    runs_free(&run);
    runs_train(NULL, "hidden 6 epochs 30 validation 0.25", labels, 0, &run);
    double first = run.progress[0].validation_accuracy, last = run.progress[29].validation_accuracy;
    cr_expect(first >= 0 && last > first && last <= 1, "%g, then %g", first, last);
    cr_expect_float_eq(last * 20, floor(last * 20 + 0.5), 1e-9, "a share of 20 rows");
    runs_free(&run);
    ls_data_free(data);
    ls_data_free(labels);
}

Test(numbers, divergence)
{
    ls_data *data = runs_data("numbers:1", 80);
    expect_refused(data, "hidden 6 activation relu optimizer sgd lr 1000 epochs 50",
                   LS_ERR_DIVERGED, "training diverged");
    expect_refused(data,
                   "hidden none optimizer sgd lr 0.1 epochs 50 standardize-target off l2 1000",
                   LS_ERR_DIVERGED, "training diverged");
    ls_data_free(data);
}

/* ---- Models ---------------------------------------------------------------------------------- */

#if __has_include(<jansson.h>)
static void check_saved(const char *name, const char *options)
{
    ls_data *data = runs_data(name, 60);
    ls_model *m = train(options, data), *back = NULL;
    char folder[64], first[65], second[65];
    ls_error err;
    size_t size;
    runs_folder_enter(folder);
    cr_assert_eq(ls_model_save(m, "a", &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_load("a", &back, &err), LS_OK, "%s: %s", name, err.message);
    cr_assert_eq(ls_model_save(back, "b", &err), LS_OK, "%s", err.message);
    runs_file_sha256("a", first);
    runs_file_sha256("b", second);
    cr_expect_str_eq(first, second, "%s: saved again, the file differs", name);
    cr_expect(back->task == m->task && back->targets == m->targets &&
              back->most_frequent == m->most_frequent);
    for (size_t i = 0; i < m->targets && m->target_mean; i++) {
        cr_expect_eq(back->target_mean[i], m->target_mean[i]);
        cr_expect(!m->target_scale == !back->target_scale);
        if (m->target_scale) cr_expect_eq(back->target_scale[i], m->target_scale[i]);
        cr_expect_str_eq(ls_model_target_name(back, i), ls_data_target_at(data, i));
    }
    ls_metrics *p = evaluate(m, data), *q = evaluate(back, data);
    cr_expect(p->loss == q->loss && (p->rmse == q->rmse || isnan(p->rmse)) &&
                  (p->baseline_rmse == q->baseline_rmse || isnan(p->rmse)) &&
                  (p->baseline_accuracy == q->baseline_accuracy || !isnan(p->rmse)),
              "%s", name);
    char *text = runs_file_read("a", &size);
    bool later = memmem(text, size, "huber-delta", 11) ||
                 memmem(text, size, "standardize-target", 18);
    cr_expect_eq(later, strstr(options, "huber-delta 0.5") || strstr(options, "-target off"),
                 "%s, %s: options at their default are left out", name, options);
    free(text);
    runs_folder_leave(folder);
    ls_metrics_free(p);
    ls_metrics_free(q);
    ls_model_free(m);
    ls_model_free(back);
    ls_data_free(data);
}

Test(numbers, saved_and_loaded)
{
    check_saved("numbers:1", "epochs 2");
    check_saved("numbers:3", "epochs 2 loss huber huber-delta 0.5 validation 0.2 patience 1");
    check_saved("numbers:2", "epochs 2 standardize-target off standardize off lr 1e-4");
    check_saved("labels:4", "epochs 2");
    check_saved("labels:1", "epochs 2 batch-norm on");
    check_saved("moons", "epochs 2");
    check_saved("moons", "epochs 2 huber-delta 0.5");
}
#endif

Test(numbers, what_models_say)
{
    ls_data *numbers = runs_data("numbers:2", 40), *labels = runs_data("labels:3", 40),
            *classes = runs_data("moons", 40), *three = runs_data("numbers:3", 40);
    ls_model *m = train("epochs 1", numbers), *l = train("epochs 1", labels),
             *c = train("epochs 1", classes);
    ls_threshold_options how = {.struct_size = sizeof how, .threshold = "0.3"};
    ls_metrics *metrics = NULL;
    ls_error err;
    float out[3] = {9, 8, 7};
    double number[120];
    cr_expect(ls_model_task(m) == LS_TASK_REGRESSION && ls_model_targets(m) == 2 &&
              ls_model_outputs(m) == 2 && ls_model_classes(m) == 0);
    cr_expect(ls_model_task(l) == LS_TASK_MULTILABEL && ls_model_targets(l) == 3);
    cr_expect(ls_model_task(c) == LS_TASK_CLASSIFICATION && ls_model_targets(c) == 1);
    cr_expect_str_eq(ls_model_target_name(m, 1), "y2");
    cr_expect_str_eq(ls_model_target_name(c, 0), "class");
    cr_expect_null(ls_model_target_name(m, 2));
    cr_expect(ls_model_decide(m, out) == 0 && ls_model_decide(l, out) == 0);
    cr_expect_eq(ls_model_set_threshold(m, NULL, numbers, &how, &err), LS_ERR_ARGUMENT);
    cr_expect(strstr(err.message, "not a class"), "%s", err.message);
    cr_expect_eq(ls_model_evaluate_with(l, NULL, labels, &how, &metrics, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_model_evaluate(m, NULL, classes, &metrics, &err), LS_ERR_ARGUMENT);
    cr_expect(strstr(err.message, "predicts numbers, but the data has classes"), "%s", err.message);
    cr_expect_eq(ls_model_evaluate(c, NULL, numbers, &metrics, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_model_evaluate(m, NULL, three, &metrics, &err), LS_ERR_DATA);
    cr_expect(strstr(err.message, "3 targets"), "%s", err.message);
    cr_expect_eq(ls_model_predict_numbers(l, NULL, labels, number, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_model_predict_numbers(c, NULL, classes, number, &err), LS_ERR_ARGUMENT);
    cr_expect_null(metrics);
    ls_model_free(m);
    ls_model_free(l);
    ls_model_free(c);
    ls_data_free(numbers);
    ls_data_free(labels);
    ls_data_free(classes);
    ls_data_free(three);
}

/* Accuracy of always predicting the class of most training rows, the first of equally many. */
Test(numbers, baseline_of_classes)
{
    enum { N = 20 };
    float x[N];
    int32_t y[N], other[N];
    ls_data *train_rows, *test_rows;
    ls_error err;
    for (size_t i = 0; i < N; i++) {
        x[i] = (float)i;
        y[i] = i < 4 ? 0 : i % 2 ? 1 : 2; /* 4, 8 and 8 rows */
        other[i] = i < 5 ? 1 : 0;
    }
    cr_assert_eq(ls_data_from_arrays(x, y, N, 1, 3, &train_rows, &err), LS_OK);
    cr_assert_eq(ls_data_from_arrays(x, other, N, 1, 3, &test_rows, &err), LS_OK);
    ls_model *m = train("epochs 1", train_rows);
    ls_metrics *metrics = evaluate(m, test_rows);
    cr_expect_eq(m->most_frequent, 1);
    cr_expect_eq(metrics->baseline_accuracy, 0.25);
    cr_expect(isnan(metrics->rmse) && metrics->targets == 0);
    ls_metrics_free(metrics);
    ls_model_free(m);
    ls_data_free(train_rows);
    ls_data_free(test_rows);
}

/* Statistics of layers, with gradients of the loss that the network was trained with. */
Test(numbers, layers)
{
    static const char *const names[] = {"numbers:2", "labels:3"};
    for (size_t k = 0; k < 2; k++) {
        ls_data *data = runs_data(names[k], 60);
        ls_model *m = train("hidden 6 epochs 3", data);
        ls_layer_info info[2] = {LS_INIT(ls_layer_info)};
        ls_error err;
        size_t rows;
        cr_assert_eq(ls_model_layers(m, NULL, data, info, &rows, &err), LS_OK, "%s", err.message);
        cr_expect(rows == 60 && info[1].units == 2 + k && info[0].gradient_norm > 1e-4 &&
                  info[0].gradient_norm < 10);
        cr_expect_str_eq(info[1].activation, k ? "sigmoid" : "identity");
        ls_model_free(m);
        ls_data_free(data);
    }
}
