/* SPDX-License-Identifier: MIT */
/* ls_model_layers: gradients compared with the change that a step makes, activations of networks
 * with weights set by hand, and equal results on every device. Also the other functions that
 * reports use: network inputs, and the numbers of rows in parts. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/split.h"
#include "host/model/model.h"
#include "tests/support/runs.h"

TestSuite(layers, .timeout = 120);

enum { MOST = 8 };

static void look(const ls_model *model, ls_device *device, const ls_data *data,
                 ls_layer_info list[MOST], size_t *rows)
{
    ls_error err;
    cr_assert_leq(ls_model_layer_count(model), MOST);
    list[0].struct_size = sizeof *list;
    cr_assert_eq(ls_model_layers(model, device, data, list, rows, &err), LS_OK, "%s", err.message);
}

/* ---- Gradients ------------------------------------------------------------------------------- */

/* Norm of (a - b) / rate over a layer's parameters. */
static double norm_of_step(const ls_layer *l, const float *a, const float *b, double rate)
{
    const size_t from[] = {l->weight, l->norm ? l->gamma : l->bias, l->norm ? l->beta : l->bias},
                 count[] = {l->in * l->out, l->out, l->norm ? l->out : 0};
    double sum = 0;
    for (size_t k = 0; k < 3; k++)
        for (size_t i = from[k]; i < from[k] + count[k]; i++)
            sum += pow(((double)a[i] - (double)b[i]) / rate, 2);
    return sqrt(sum);
}

/* A step of plain gradient descent over all rows changes the weights by gradient times rate, so two
 * models one epoch apart give the gradient. */
static void expect_gradients(const char *options, const char *data_name)
{
    char three[256], four[256];
    const double rate = 0.5;
    runs_run before, after;
    ls_layer_info list[MOST];
    ls_data *data = runs_data(data_name, 120);
    size_t rows;
    snprintf(three, sizeof three, "optimizer gd batch full lr %g epochs 3 %s", rate, options);
    snprintf(four, sizeof four, "optimizer gd batch full lr %g epochs 4 %s", rate, options);
    runs_train(NULL, three, data, 0, &before);
    runs_train(NULL, four, data, 0, &after);
    look(before.model, NULL, data, list, &rows);
    cr_expect_eq(rows, 120);
    for (size_t i = 0; i < before.model->network.count; i++) {
        const ls_layer *l = &before.model->network.layer[i];
        double expected = norm_of_step(l, before.model->values, after.model->values, rate);
        cr_expect(fabs(list[i].gradient_norm - expected) < 2e-4 * expected,
                  "%s, layer %zu: %.7g, a step says %.7g", options, i, list[i].gradient_norm,
                  expected);
        cr_expect(list[i].inputs == l->in && list[i].units == l->out);
    }
    runs_free(&before);
    runs_free(&after);
    ls_data_free(data);
}

Test(layers, gradients_are_what_a_step_does)
{
    expect_gradients("hidden 7,5 activation tanh", "moons");
    expect_gradients("hidden 6,6,6 activation silu residual on", "classification");
    expect_gradients("hidden 8,8 batch-norm on", "blobs");
    expect_gradients("hidden none loss mse", "moons");
}

/* Dropout and penalties, which belong to training alone, do not count. */
Test(layers, no_dropout_no_penalties)
{
    runs_run run;
    ls_layer_info with[MOST], without[MOST];
    ls_data *data = runs_data("moons", 100);
    runs_train(NULL, "hidden 8 epochs 3", data, 0, &run);
    look(run.model, NULL, data, without, NULL);
    run.model->network.layer[0].dropout = 0.5f;
    run.model->options->settings.l2 = 0.1;
    run.model->options->settings.clip = 1e-3;
    run.model->options->settings.max_norm = 0.01;
    run.model->options->settings.class_weights = 1;
    look(run.model, NULL, data, with, NULL);
    for (size_t i = 0; i < 2; i++)
        cr_expect(with[i].gradient_norm == without[i].gradient_norm &&
                  with[i].mean == without[i].mean);
    runs_free(&run);
    ls_data_free(data);
}

/* ---- Activations ----------------------------------------------------------------------------- */

/* A hidden layer of four units with these constant outputs. */
static ls_layer_info say(const char *activation, const float bias[4], ls_layer_info *output)
{
    char options[128];
    runs_run run;
    ls_layer_info list[MOST];
    ls_data *data = runs_data("moons", 50);
    snprintf(options, sizeof options, "hidden 4 epochs 1 activation %s", activation);
    runs_train(NULL, options, data, 0, &run);
    const ls_network *n = &run.model->network;
    memset(run.model->values, 0, n->parameters * sizeof *run.model->values);
    memcpy(run.model->values + n->layer[0].bias, bias, 4 * sizeof *bias);
    look(run.model, NULL, data, list, NULL);
    if (output) *output = list[1];
    runs_free(&run);
    ls_data_free(data);
    return list[0];
}

Test(layers, saturation_of_each_activation)
{
    static const float bias[4] = {-8, 1, 2, 0};
    static const struct {
        const char *name;
        double saturated;
        size_t dead;
    } list[] = {{"sigmoid", 0.25, 1}, {"tanh", 0.25, 1}, {"relu", 0.5, 2}, {"leaky_relu", 0.25, 1},
                {"elu", 0.25, 1},     {"silu", 0.5, 2},  {"gelu", 0.5, 2}};
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        ls_layer_info l = say(list[i].name, bias, NULL);
        cr_expect(l.saturated == list[i].saturated && l.dead == list[i].dead, "%s: %g, %zu",
                  list[i].name, l.saturated, l.dead);
        cr_expect_str_eq(l.activation, list[i].name);
    }
    cr_expect(isnan(say("identity", bias, NULL).saturated));
}

Test(layers, statistics_of_activations)
{
    static const float bias[4] = {-8, 1, 2, 0};
    ls_layer_info output, l = say("relu", bias, &output);
    cr_expect(l.mean == 0.75 && fabs(l.deviation - sqrt(0.6875)) < 1e-15, "%.17g %.17g", l.mean,
              l.deviation);
    cr_expect_eq(l.weight_norm, sqrt(64 + 1 + 4));
    cr_expect(output.mean == 0.5 && output.deviation == 0 && output.saturated == 0 &&
              output.dead == 0);
    cr_expect_str_eq(output.activation, "sigmoid");
}

/* ---- Rows and devices ------------------------------------------------------------------------ */

Test(layers, the_same_on_every_device)
{
    static const char *const options[] = {
        "hidden 20,12 epochs 2",
        "hidden 16,16,16 activation gelu residual on batch-norm on epochs 2"};
    runs_device list[RUNS_DEVICES];
    size_t n = runs_devices_open(list, (const unsigned[]){1, 2, 0});
    ls_data *data = runs_data("classification", 700);
    for (size_t k = 0; k < RUNS_COUNT(options); k++) {
        runs_run run;
        ls_layer_info first[MOST], other[MOST];
        runs_train(NULL, options[k], data, 0, &run);
        look(run.model, list[0].device, data, first, NULL);
        for (size_t d = 1; d < n; d++) {
            look(run.model, list[d].device, data, other, NULL);
            for (size_t i = 0; i < ls_model_layer_count(run.model); i++) {
                const ls_layer_info *a = &first[i], *b = &other[i];
                cr_expect(a->gradient_norm == b->gradient_norm && a->mean == b->mean &&
                              a->deviation == b->deviation && a->saturated == b->saturated &&
                              a->dead == b->dead,
                          "%s, layer %zu on %s", options[k], i, list[d].label);
            }
        }
        runs_free(&run);
    }
    ls_data_free(data);
    runs_devices_close(list, n);
}

/* Rows of two alternating classes and one row of a third: taking every n-th row would find a single
 * class. */
Test(layers, many_rows_are_sampled_by_class)
{
    enum { ROWS = 8001 };
    float *x = calloc(2 * ROWS, sizeof *x);
    int32_t *y = calloc(ROWS, sizeof *y);
    ls_data *data, *part, *all;
    size_t rows, of[3] = {0};
    runs_run run;
    ls_layer_info list[MOST];
    cr_assert(x && y);
    for (size_t i = 0; i < ROWS; i++)
        x[2 * i] = (float)i, y[i] = i + 1 < ROWS ? (int32_t)(i % 2) : 2;
    cr_assert_eq(ls_data_from_arrays(x, y, ROWS, 2, 3, &data, NULL), LS_OK);
    cr_assert_eq(ls_data_thin(data, 2000, &part, NULL), LS_OK);
    for (size_t i = 0; i < ls_data_rows(part); i++) of[ls_data_y(part)[i]]++;
    cr_expect(of[0] >= 999 && of[0] <= 1001 && of[1] >= 999 && of[1] <= 1001 && of[2] == 1,
              "%zu %zu %zu", of[0], of[1], of[2]);
    for (size_t i = 0; i < ls_data_rows(part); i++)
        cr_assert_eq(ls_data_x(part)[2 * i], (float)ls_data_row_number(part, i));
    cr_assert_eq(ls_data_thin(data, ROWS, &all, NULL), LS_OK);
    cr_expect_null(all);
    runs_train(NULL, "hidden 4 epochs 1", data, 0, &run);
    look(run.model, NULL, data, list, &rows);
    cr_expect_eq(rows, ls_data_rows(part));
    runs_free(&run);
    ls_data_free(part);
    ls_data_free(data);
    free(x);
    free(y);
}

Test(layers, refuses)
{
    runs_run run;
    ls_layer_info list[MOST] = {LS_INIT(ls_layer_info)};
    ls_error err;
    const float x[] = {1, 2};
    ls_data *moons = runs_data("moons", 50), *wide = runs_data("classification", 50), *bare;
    runs_train(NULL, "hidden 4 epochs 1", moons, 0, &run);
    cr_assert_eq(ls_data_from_arrays(x, NULL, 1, 2, 0, &bare, NULL), LS_OK);
    cr_expect_eq(ls_model_layers(run.model, NULL, bare, list, NULL, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_model_layers(run.model, NULL, wide, list, NULL, &err), LS_ERR_DATA);
    cr_expect_eq(ls_model_layers(run.model, NULL, NULL, list, NULL, &err), LS_ERR_ARGUMENT);
    runs_free(&run);
    ls_data_free(moons);
    ls_data_free(wide);
    ls_data_free(bare);
}

/* ---- Inputs, and numbers of rows ------------------------------------------------------------- */

Test(layers, prediction_from_inputs)
{
    static const char text[] =
        "size,colour,class\n1,red,a\n2,green,b\n,red,a\n4,,b\n5,green,b\n2,red,a\n";
    char folder[64];
    runs_folder_enter(folder);
    runs_file_write("a.csv", text, sizeof text - 1);
    ls_data *data;
    runs_run run;
    cr_assert_eq(ls_data_read("a.csv", NULL, &data, NULL), LS_OK);
    runs_train(NULL, "hidden 4 epochs 5", data, 0, &run);
    size_t rows = ls_data_rows(data), features = ls_model_features(run.model);
    float inputs[6 * 8], a[6], b[6];
    cr_assert(rows == 6 && features == 4);
    cr_assert_eq(ls_model_inputs(run.model, data, inputs, NULL), LS_OK);
    cr_expect(inputs[1] + inputs[2] == 1 && inputs[3] == 0, "a category sets one of its inputs");
    cr_assert_eq(ls_model_predict_inputs(run.model, NULL, inputs, rows, a, NULL), LS_OK);
    cr_assert_eq(ls_model_predict_data(run.model, NULL, data, b, NULL), LS_OK);
    cr_expect_arr_eq(a, b, sizeof a);
    cr_expect_eq(ls_model_predict_inputs(run.model, NULL, inputs, 0, a, NULL), LS_ERR_ARGUMENT);
    runs_free(&run);
    ls_data_free(data);
    runs_folder_leave(folder);
}

Test(layers, rows_keep_their_numbers)
{
    static const char text[] = "a,b,class\n0,1,x\n1,,y\n2,1,x\n3,1,y\n4,,x\n5,1,y\n6,1,x\n7,1,y\n";
    const ls_read_options how = {.missing = "drop"};
    char folder[64];
    ls_data *data, *rest, *part;
    runs_folder_enter(folder);
    runs_file_write("a.csv", text, sizeof text - 1);
    cr_assert_eq(ls_data_read("a.csv", &how, &data, NULL), LS_OK);
    cr_assert_eq(ls_data_split(data, 0.5, 1, &rest, &part, NULL), LS_OK);
    const ls_data *all[] = {data, rest, part};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < ls_data_rows(all[k]); i++)
            cr_expect_eq(ls_data_x(all[k])[i * ls_data_columns(all[k])],
                         (float)ls_data_row_number(all[k], i));
    ls_data_free(data);
    ls_data_free(rest);
    ls_data_free(part);
    runs_folder_leave(folder);
}
