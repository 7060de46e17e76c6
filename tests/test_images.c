/* SPDX-License-Identifier: MIT */
/* Whole training runs of networks from --net, with images and without: the CPU path on several
 * threads, with every instruction set, and every exact OpenCL device must end with the same model
 * file, byte for byte, and report the same losses after each epoch. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core_cpu/cpu.h"
#include "host/model/model_write.h"
#include "tests/support/runs.h"

TestSuite(images, .timeout = 300);

static const unsigned one_thread[] = {1, 0}, some_threads[] = {1, 2, 3, 0};

/* Knuth's 64-bit linear congruential generator, high bits, in [-1, 1). */
static float noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(*state >> 33) * 0x1p-30 - 1.0);
}

/* Rows of noise in which each class has a bump somewhere else. */
static ls_data *image_data(size_t rows, size_t features, size_t classes)
{
    float *x = calloc(rows * features, sizeof *x);
    int32_t *y = calloc(rows, sizeof *y);
    uint64_t state = 5;
    ls_data *data;
    ls_error err;
    cr_assert(x && y);
    for (size_t r = 0; r < rows; r++) {
        y[r] = (int32_t)((r * 7 + r / 5) % classes);
        for (size_t i = 0; i < features; i++) {
            float place = (float)i / (float)features * (float)classes - (float)y[r] - 0.5f;
            x[r * features + i] = noise(&state) + 1.5f / (1.0f + 9.0f * place * place);
        }
    }
    cr_assert_eq(ls_data_from_arrays(x, y, rows, features, classes, &data, &err), LS_OK, "%s",
                 err.message);
    free(x);
    free(y);
    return data;
}

/* ---- Networks -------------------------------------------------------------------------------- */

/* A network on rows of an image, or of so many values without one. */
typedef struct {
    const char *net, *shape; /* NULL: no image */
    size_t features, rows, classes;
} subject;

static const subject
    plain = {"conv 5 3 same, relu, maxpool 2, conv 7 3, gelu, dense 9, tanh, dense", "2x9x8", 144,
             61, 3},
    norms = {"conv 6 3 same stride 2, batchnorm, relu, depthwise 3 same, "
             "batchnorm, silu, conv 8 1 groups 2, dropout 0.2, avgpool 2, dense",
             "3x7x9", 189, 50, 4},
    blocks = {"conv 4 3 same, batchnorm, relu, residual(conv 4 3 same, batchnorm, "
              "gelu, conv 4 3 same), relu, residual project(conv 6 3 same stride "
              "2, silu, dropout 0.25, conv 6 3 same), elu, residual project(maxpool "
              "2, tanh), globalpool, dense",
              "1x8x9", 72, 47, 3},
    signals = {"conv 4 5 stride 2, elu, maxpool 3 stride 2 pad 1, conv 6 3 "
               "dilation 2 pad 2, sigmoid, globalpool, dense",
               "50", 50, 53, 2},
    passes = {"maxpool 2, gelu, batchnorm, dropout 0.3, flatten, relu, dropout "
              "0.1, batchnorm, dense 6, relu, batchnorm, residual(sigmoid), dense",
              "2x6x5", 60, 44, 3},
    ends = {"avgpool 3 stride 2 pad 1, relu, residual(avgpool 3 same stride 1), "
            "residual project(relu), residual(maxpool 3 same stride 1, dropout "
            "0.2), dense",
            "3x7x7", 147, 40, 3},
    many = {"conv 16 5 same, relu, maxpool 2, conv 33 3 same stride 2, relu, "
            "globalpool, dense",
            "1x28x28", 784, 150, 10},
    whole_image = {"conv 9 6x5, tanh, conv 4 1, dense", "3x6x5", 90, 143, 3},
    dense_blocks = {"dense 6, silu, residual project(dense 5, relu, dropout 0.2, "
                    "dense 7), residual(dense 7, tanh), dense",
                    NULL, 4, 61, 3},
    dense_passes = {"dense 6, residual(relu, dense 6), relu, dropout 0.1, gelu, "
                    "dense",
                    NULL, 4, 61, 3};

/* Options as runs_train takes them: words of the description are separated by tabs. */
static void options_of(const subject *s, const char *more, char *text, size_t size)
{
    char net[512];
    snprintf(net, sizeof net, "%s", s->net);
    for (char *c = net; *c; c++)
        if (*c == ' ') *c = '\t';
    snprintf(text, size, "net %s shape %s %s", net, s->shape ? s->shape : "auto", more);
}

/* Runs with and without the options `extra`: each agrees on all devices, and extra changes the
 * weights. */
static void check_run(const subject *s, const char *base, const char *extra,
                      const runs_device *device, size_t n)
{
    char text[1000], more[256], without[65], with[65];
    ls_data *data = image_data(s->rows, s->features, s->classes);
    options_of(s, base, text, sizeof text);
    runs_agree(device, n, text, data, text, without);
    if (*extra) {
        snprintf(more, sizeof more, "%s %s", base, extra);
        options_of(s, more, text, sizeof text);
        runs_agree(device, n, text, data, text, with);
        cr_expect_str_neq(with, without, "%s changes nothing in a run of %s", extra, s->net);
    }
    ls_data_free(data);
}

/* The last batch of an epoch is smaller, unless it takes all rows. */
#define BASE "epochs 3 batch 16 lr 0.01"

static const struct {
    const subject *subject;
    const char *base, *extra;
} cases[] = {
    {&plain, BASE, ""},
    {&plain, BASE " optimizer sgd", "clip 0.1 l2 0.01"},
    {&plain, BASE, "max-norm 0.5"},
    {&plain, BASE " validation 0.3 epochs 30 lr 0.1", "patience 1"},
    {&plain, BASE " optimizer nesterov", "batch full order file"},
    {&norms, BASE, ""},
    {&norms, BASE " optimizer adamw", "clip 0.2 max-norm 0.7 class-weights balanced"},
    {&norms, BASE, "batch 7 reduction sum lr 0.001"},
    {&blocks, BASE, ""},
    {&blocks, BASE " optimizer momentum", "clip 0.3 validation 0.2 patience 2"},
    {&blocks, BASE, "standardize off seed 9"},
    {&signals, BASE, ""},
    {&signals, BASE " optimizer rmsprop", "l1 0.003 max-norm 0.9"},
    {&passes, BASE, ""},
    {&passes, BASE, "clip 0.1 batch 5"},
    {&ends, BASE, ""},
    {&ends, BASE " optimizer sgd", "clip 0.1"},
    {&many, BASE " epochs 1 batch 70", ""},
    {&whole_image, BASE " batch 70", ""},
    {&whole_image, BASE " batch full", "clip 0.1"},
    {&dense_blocks, BASE, ""},
    {&dense_blocks, BASE " optimizer sgd", "clip 0.1 batch 70"},
    {&dense_blocks, BASE, "validation 0.3 patience 1 epochs 20 lr 0.1"},
    {&dense_passes, BASE, ""},
    {&dense_passes, BASE, "max-norm 0.5"},
};

Test(images, all_devices_agree)
{
    runs_device device[RUNS_DEVICES];
    size_t n = runs_devices_open(device, some_threads);
    for (size_t i = 0; i < RUNS_COUNT(cases); i++)
        check_run(cases[i].subject, cases[i].base, cases[i].extra, device, n);
    runs_devices_close(device, n);
}

Test(images, every_optimizer)
{
#define LS_X(name, states, facts) #name,
    static const char *const names[] = {LS_OPTIMIZERS(LS_X)};
#undef LS_X
    runs_device device[RUNS_DEVICES];
    size_t n = runs_devices_open(device, some_threads);
    for (size_t i = 0; i < RUNS_COUNT(names); i++) {
        char base[128];
        snprintf(base, sizeof base, "epochs 2 optimizer %s batch %s", names[i],
                 strcmp(names[i], "gd") ? "16" : "full");
        check_run(&plain, base, "", device, n);
    }
    runs_devices_close(device, n);
}

Test(images, instruction_sets)
{
    const subject *const list[] = {&plain, &norms, &blocks, &signals, &passes, &ends, &many};
    for (size_t k = 0; k < RUNS_COUNT(list); k++) {
        const subject *s = list[k];
        ls_data *data = image_data(s->rows, s->features, s->classes);
        char text[1000], expected[65] = "";
        options_of(s, "epochs 2 batch 70", text, sizeof text);
        const char *isa;
        size_t last = 0;
        while (ls_cpu_isa_at(last + 1)) last++;
        /* the plainest first */
        for (size_t i = last + 1; i-- > 0 && (isa = ls_cpu_isa_at(i));)
            for (unsigned threads = 1; threads <= 3; threads++) {
                ls_device device = {.info = {.exact = 1}};
                runs_run run;
                ls_error err;
                cr_assert_eq(ls_cpu_open(threads, isa, &device.backend, &err), LS_OK, "%s",
                             err.message);
                runs_train(&device, text, data, 0, &run);
                if (!*expected) strcpy(expected, run.weights);
                cr_expect_str_eq(run.weights, expected, "%s: %s with %u threads", s->net, isa,
                                 threads);
                runs_free(&run);
                device.backend->slots->close(device.backend);
            }
        ls_data_free(data);
    }
}

/* ---- The same network in other words --------------------------------------------------------- */

/* Dense layers are those of --hidden, bit for bit, however they are described. */
Test(images, dense_layers_are_hidden_ones)
{
    static const char *const rows[][2] = {
        {"hidden 6,5 activation tanh,relu", "dense 6, tanh, dense 5, relu, dense"},
        {"hidden none", "dense"},
        {"hidden 6,5 activation gelu batch-norm on",
         "dense 6, batchnorm, gelu, dense 5, batchnorm, gelu, dense 3"},
        {"hidden 6,5 activation elu dropout 0.3",
         "dense 6, elu, dropout 0.3, dense 5, elu, dropout 0.3, dense"},
        {"hidden 6,6,6 activation silu residual on batch-norm on dropout 0.2",
         "dense 6, batchnorm, silu, dropout 0.2, residual(dense 6, batchnorm, silu, dropout 0.2, "
         "dense 6, batchnorm, silu, dropout 0.2), dense"},
    };
    for (size_t i = 0; i < RUNS_COUNT(rows); i++) {
        const subject s = {rows[i][1], NULL, 4, 61, 3};
        ls_data *data = image_data(s.rows, s.features, s.classes);
        char of_net[1000], of_hidden[1000];
        runs_run a, b;
        snprintf(of_hidden, sizeof of_hidden, "%s " BASE, rows[i][0]);
        options_of(&s, BASE, of_net, sizeof of_net);
        runs_train(NULL, of_hidden, data, 0, &a);
        runs_train(NULL, of_net, data, 0, &b);
        cr_expect_str_eq(a.weights, b.weights, "%s is not %s", rows[i][1], rows[i][0]);
        runs_free(&a);
        runs_free(&b);
        ls_data_free(data);
    }
}

/* The outputs of a convolution whose window is the whole image of one channel are the chains of a
 * dense layer. A rate of 0 leaves the weights as they start. */
Test(images, a_convolution_over_the_whole_image_is_dense)
{
    static const char *const nets[] = {"conv 6 5x7, tanh, dense 3", "dense 6, tanh, dense 3"};
    ls_data *data = image_data(40, 35, 3);
    float outputs[2][40 * 3];
    for (size_t k = 0; k < 2; k++) {
        const subject s = {nets[k], "5x7", 35, 40, 3};
        char text[1000];
        runs_run run;
        ls_error err;
        options_of(&s, "epochs 1 init he lr 0", text, sizeof text);
        runs_train(NULL, text, data, 0, &run);
        cr_assert_eq(ls_model_predict_data(run.model, NULL, data, outputs[k], &err), LS_OK, "%s",
                     err.message);
        runs_free(&run);
    }
    cr_expect(!memcmp(outputs[0], outputs[1], sizeof outputs[0]));
    ls_data_free(data);
}

/* ---- Learning -------------------------------------------------------------------------------- */

/* A network with convolutions learns what the data shows, and its saved model predicts the same. */
Test(images, learns_and_is_loaded_again)
{
    runs_device device[RUNS_DEVICES];
    size_t n = runs_devices_open(device, one_thread), size;
    ls_data *data = image_data(300, 144, 3);
    char text[1000], path[64], *bytes;
    ls_metrics *metrics;
    ls_model *loaded;
    ls_error err;
    runs_run run;
    options_of(&plain, "epochs 8 batch 16", text, sizeof text);
    runs_train(device[0].device, text, data, 0, &run);
    cr_assert_eq(ls_model_evaluate(run.model, NULL, data, &metrics, &err), LS_OK, "%s",
                 err.message);
    cr_expect_gt(metrics->accuracy, 0.95, "accuracy %g", metrics->accuracy);
    ls_metrics_free(metrics);
    runs_folder_enter(path);
    runs_file_write("m.model", run.bytes, run.size);
    cr_assert_eq(ls_model_load("m.model", &loaded, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_serialize(loaded, &bytes, &size, &err), LS_OK);
    cr_expect(size == run.size && !memcmp(bytes, run.bytes, size));
    for (size_t i = 0; i < n; i++) {
        float *a = calloc(2 * 900, sizeof *a), *b = a + 900;
        cr_assert_eq(ls_model_predict_data(run.model, NULL, data, a, &err), LS_OK, "%s",
                     err.message);
        cr_assert_eq(ls_model_predict_data(loaded, device[i].device, data, b, &err), LS_OK, "%s",
                     err.message);
        cr_expect(!memcmp(a, b, 900 * sizeof *a), "%s", device[i].label);
        free(a);
    }
    runs_folder_leave(path);
    free(bytes);
    ls_model_free(loaded);
    runs_free(&run);
    ls_data_free(data);
    runs_devices_close(device, n);
}
