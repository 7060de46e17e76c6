/* SPDX-License-Identifier: MIT */
#include "bench/bench_hash.h"
#include "host/base/error.h"
#include "host/base/sha256.h"
#include "host/network/settings.h"
#include <string.h>

typedef struct {
    const char *data;
    size_t rows, features, classes;
    const char *options[12][2];
} whole_run;

static const whole_run runs[] = {
    {"moons", 300, 0, 0, {{"epochs", "20"}}},
    {"spirals",
     333,
     0,
     0,
     {{"hidden", "40,17"},
      {"activation", "tanh,elu"},
      {"optimizer", "nesterov"},
      {"batch", "full"},
      {"epochs", "50"}}},
    {"classification",
     517,
     67,
     5,
     {{"hidden", "131,37"},
      {"activation", "silu,relu"},
      {"batch", "200"},
      {"epochs", "4"},
      {"class-weights", "balanced"}}},
    {"blobs",
     260,
     3,
     4,
     {{"hidden", "24,24,24"},
      {"activation", "gelu"},
      {"residual", "on"},
      {"batch-norm", "on"},
      {"dropout", "0.2"},
      {"clip", "0.5"},
      {"optimizer", "adamw"},
      {"lr", "0.003"},
      {"schedule", "cosine"},
      {"epochs", "8"}}},
    {"classification",
     900,
     300,
     10,
     {{"hidden", "300"},
      {"optimizer", "rmsprop"},
      {"max-norm", "1.5"},
      {"l2", "0.001"},
      {"batch", "128"},
      {"epochs", "3"}}},
    {"xor",
     21,
     0,
     0,
     {{"hidden", "4,4"},
      {"activation", "sigmoid"},
      {"loss", "mse"},
      {"optimizer", "gd"},
      {"lr", "1"},
      {"epochs", "2000"}}},
};

/* Networks of images, apart from the others, whose hash is older. */
static const whole_run images[] = {
    {"classification",
     333,
     147,
     4,
     {{"net", "conv 9 3 same, relu, maxpool 2 same, residual project (conv 17 3 same stride 2, "
              "batchnorm, gelu, depthwise 3 same, batchnorm), silu, globalpool, dense 11, tanh, "
              "dropout 0.2, dense"},
      {"shape", "3x7x7"},
      {"augment-shift", "1"},
      {"augment-flip", "on"},
      {"clip", "0.5"},
      {"batch", "65"},
      {"epochs", "3"}}},
    {"classification",
     260,
     120,
     3,
     {{"net", "conv 6 7 stride 2 same, elu, conv 8 3 dilation 2 groups 2, leaky_relu, avgpool 3 "
              "stride 2 same, dense"},
      {"shape", "2x1x60"},
      {"optimizer", "nesterov"},
      {"batch", "full"},
      {"epochs", "5"}}},
};

static ls_status one_run(ls_device *device, const whole_run *run, char hex[65], ls_error *err)
{
    ls_options *options = NULL;
    ls_data *data = NULL;
    ls_model *model = NULL;
    ls_generate_options how = {.rows = run->rows,
                               .noise = -1,
                               .overlap = -1,
                               .classes = run->classes,
                               .features = run->features,
                               .seed = 1};
    ls_status status = ls_options_create_plain(&options, err);
    for (size_t k = 0; k < 12 && run->options[k][0] && status == LS_OK; k++)
        status = ls_options_set(options, run->options[k][0], run->options[k][1], err);
    if (status == LS_OK) status = ls_data_generate(run->data, &how, &data, err);
    if (status == LS_OK) status = ls_train(device, options, data, NULL, NULL, &model, err);
    if (status == LS_OK) ls_model_weights_sha256(model, hex);
    ls_model_free(model);
    ls_data_free(data);
    ls_options_free(options);
    return status;
}

/* Prints the hash of each run, and of all of them. */
static ls_status print_runs(ls_device *device, const whole_run *list, size_t count, const char *one,
                            const char *all_of_them, ls_error *err)
{
    ls_sha256 all;
    char hex[65];
    ls_sha256_init(&all);
    for (size_t i = 0; i < count; i++) {
        LS_TRY(one_run(device, &list[i], hex, err));
        ls_sha256_update(&all, hex, 64);
        printf("%s %zu  %s\n", one, i + 1, hex);
    }
    ls_sha256_final(&all, hex);
    printf("%-6s %s\n", all_of_them, hex);
    return LS_OK;
}

ls_status bench_hash(bench_options *o, ls_device *device, ls_error *err)
{
    (void)o;
    LS_TRY(print_runs(device, runs, sizeof runs / sizeof *runs, "run", "all", err));
    return print_runs(device, images, sizeof images / sizeof *images, "image", "images", err);
}
