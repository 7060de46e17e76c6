/* SPDX-License-Identifier: MIT */
#include "host/cli/run/training_metrics.h"
#include "host/cli/base/interrupt.h"
#include "host/model/model.h"
#include "host/model/training_rows.h"
#include <stdio.h>

/* Cells of the rows up to which a linear model is trained beside the network. */
enum { LINEAR_CELLS = 2000000 };

static void evaluate(training *t, const ls_data *rows, ls_metrics **out)
{
    ls_error err;
    if (rows) losses_check(&t->lost, ls_model_evaluate(t->model, t->device, rows, out, &err), &err);
}

/* Whether the network is a linear model itself, or too large to train another one beside it. */
static bool has_no_linear(const training *t)
{
    const ls_settings *s = &t->model->options->settings;
    const ls_network *n = &t->model->network;
    return (!s->net && !s->hidden_count) || t->train->rows > LINEAR_CELLS / n->inputs ||
           interrupted();
}

/* The power of two next to a 25th of the rows, from 16 to 256: a convex loss needs fewer steps. */
static uint64_t linear_batch(uint64_t rows)
{
    uint64_t batch = 16;
    while (batch < 256 && rows > 25 * (batch + batch / 2)) batch *= 2;
    return batch;
}

/* The values that depend on the rows; the patience only where rows are held out and watched. */
static ls_status set_by_rows(const training *t, ls_options *options, ls_error *err)
{
    const ls_settings *s = &t->model->options->settings;
    char batch[24];
    snprintf(batch, sizeof batch, "%llu", (unsigned long long)linear_batch(t->train->rows));
    LS_TRY(ls_options_set(options, "batch", batch, err));
    return t->on_validation && s->patience ? ls_options_set(options, "patience", "10", err) : LS_OK;
}

/* A linear model with the options of the network, but for those that a convex loss needs less. */
static ls_status train_linear(const training *t, ls_device *cpu, ls_model **out, ls_error *err)
{
    static const char *const changed[][2] = {
        {"net", "none"},         {"hidden", "none"},     {"activation", "identity"},
        {"residual", "off"},     {"batch-norm", "off"},  {"dropout", "0"},
        {"time-limit", "0"},     {"on-nan", "stop"},     {"augment-shift", "0"},
        {"augment-flip", "off"}, {"optimizer", "adam"},  {"lr", "0.02"},
        {"epochs", "100"},       {"schedule", "cosine"}, {"label-smoothing", "0"}};
    ls_options *options;
    LS_TRY(ls_options_copy(t->model->options, &options, err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < sizeof changed / sizeof *changed && status == LS_OK; i++)
        status = ls_options_set(options, changed[i][0], changed[i][1], err);
    if (status == LS_OK) status = set_by_rows(t, options, err);
    if (status == LS_OK) status = ls_train(cpu, options, t->train, NULL, NULL, out, err);
    ls_options_free(options);
    return status;
}

/* It is a comparison only: where it cannot be trained, there is none. */
static void evaluate_linear(training *t, const ls_data *rows)
{
    ls_device *cpu;
    ls_model *model;
    if (has_no_linear(t) || ls_device_open("cpu", 1, 0, &cpu, NULL) != LS_OK) return;
    if (train_linear(t, cpu, &model, NULL) == LS_OK) {
        ls_model_evaluate(model, cpu, rows, &t->of_linear, NULL);
        ls_model_free(model);
    }
    ls_device_close(cpu);
}

void training_evaluate(training *t)
{
    ls_data *rest = NULL, *held = NULL;
    ls_error err;
    losses_check(&t->lost,
                 ls_training_split(&t->model->options->settings, t->train, &rest, &held, &err),
                 &err);
    evaluate(t, rest ? rest : t->train, &t->on_train);
    evaluate(t, held, &t->on_validation);
    evaluate(t, t->test, &t->on_test);
    evaluate_linear(t, t->test ? t->test : held ? held : t->train);
    ls_data_free(rest);
    ls_data_free(held);
}

const char *training_judged(const training *t, const ls_metrics **out)
{
    *out = t->on_test ? t->on_test : t->on_validation ? t->on_validation : t->on_train;
    return t->on_test ? "test" : t->on_validation ? "validation" : "train";
}
