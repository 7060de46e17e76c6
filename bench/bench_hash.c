/* SPDX-License-Identifier: MIT */
#include "bench/bench_hash.h"
#include "host/base/error.h"
#include "host/base/sha256.h"
#include <string.h>

static const struct {
    const char *data;
    size_t rows, features, classes;
    const char *options[10][2];
} runs[] = {
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

static ls_status one_run(ls_device *device, size_t i, char hex[65], ls_error *err)
{
    ls_options *options = NULL;
    ls_data *data = NULL;
    ls_model *model = NULL;
    ls_generate_options how = {.rows = runs[i].rows,
                               .noise = -1,
                               .overlap = -1,
                               .classes = runs[i].classes,
                               .features = runs[i].features,
                               .seed = 1};
    ls_status status = ls_options_create(&options, err);
    for (size_t k = 0; k < 10 && runs[i].options[k][0] && status == LS_OK; k++)
        status = ls_options_set(options, runs[i].options[k][0], runs[i].options[k][1], err);
    if (status == LS_OK) status = ls_data_generate(runs[i].data, &how, &data, err);
    if (status == LS_OK) status = ls_train(device, options, data, NULL, NULL, &model, err);
    if (status == LS_OK) ls_model_weights_sha256(model, hex);
    ls_model_free(model);
    ls_data_free(data);
    ls_options_free(options);
    return status;
}

ls_status bench_hash(bench_options *o, ls_device *device, ls_error *err)
{
    (void)o;
    ls_sha256 all;
    char hex[65];
    ls_sha256_init(&all);
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        LS_TRY(one_run(device, i, hex, err));
        ls_sha256_update(&all, hex, 64);
        printf("run %zu  %s\n", i + 1, hex);
    }
    ls_sha256_final(&all, hex);
    printf("all    %s\n", hex);
    return LS_OK;
}
