/* SPDX-License-Identifier: MIT */
#include "tests/support/subject.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LS_X(name, reads, facts) #name,
static const char *const activations[] = {LS_ACTIVATIONS(LS_X)};
#undef LS_X
#define LS_X(name, states, facts) #name,
static const char *const optimizers[] = {LS_OPTIMIZERS(LS_X)};
#undef LS_X

static uint32_t dice(uint32_t *state, uint32_t sides)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % sides;
}

/* In [-2, 2), with zeros and denormals among them. */
static float value(uint32_t *state)
{
    uint32_t kind = dice(state, 24);
    float x = (float)dice(state, 1u << 23) * 0x1p-21f - 2.0f;
    return kind == 0 ? 0.0f : kind == 1 ? x * 1e-39f : x;
}

/* ---- Drawing a case -------------------------------------------------------------------------- */

static void add(subject *s, const char *name, const char *what)
{
    size_t at = strlen(s->text);
    snprintf(s->text + at, sizeof s->text - at, "%s%s %s", at ? " " : "", name, what);
}

/* Hidden layers. Their activations are taken from the table in turn, from case to case, so that
 * each occurs. */
static void draw_layers(subject *s, uint32_t i, bool norm, uint32_t *state)
{
    char widths[64] = "", names[128] = "";
    bool residual = dice(state, 4) == 0;
    uint32_t layers = residual ? 3 + dice(state, 2) : dice(state, 5), width = 1 + dice(state, 70);
    for (uint32_t k = 0; k < layers; k++) {
        if (!residual) width = dice(state, 4) ? 1 + dice(state, 40) : 1 + dice(state, 130);
        snprintf(widths + strlen(widths), sizeof widths - strlen(widths), "%s%u", k ? "," : "",
                 width);
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", k ? "," : "",
                 activations[(i + k) % RUNS_COUNT(activations)]);
    }
    add(s, "hidden", layers ? widths : "none");
    if (layers) add(s, "activation", names);
    if (residual) add(s, "residual", "on");
    if (layers && dice(state, 2)) add(s, "dropout", dice(state, 2) ? "0.2" : "0.6");
    if (layers && norm) add(s, "batch-norm", "on");
}

/* A third of the cases are numbers, and some are labels. */
static void draw_output(subject *s, uint32_t i, uint32_t *state)
{
    static const char *const two[] = {"auto", "softmax", "sigmoid loss mse", "identity",
                                      "identity loss mse"};
    static const char *const more[] = {"auto", "sigmoid loss mse", "identity"};
    static const char *const numbers[] = {"auto", "mse", "mae", "huber", "huber huber-delta 0.2"};
    bool binary = dice(state, 3) == 0;
    s->shape = ls_shape_of_classes(binary ? 2 : 3 + dice(state, 10));
    if (i % 3 == 1)
        s->shape = (ls_shape){.task = LS_TASK_REGRESSION, .targets = 1 + dice(state, 4)};
    if (i % 12 == 3)
        s->shape = (ls_shape){.task = LS_TASK_MULTILABEL, .targets = 1 + dice(state, 9)};
    if (s->shape.task == LS_TASK_REGRESSION)
        add(s, "loss", numbers[dice(state, RUNS_COUNT(numbers))]);
    if (s->shape.task == LS_TASK_CLASSIFICATION)
        add(s, "output",
            binary ? two[dice(state, RUNS_COUNT(two))] : more[dice(state, RUNS_COUNT(more))]);
    s->weighted = dice(state, 2);
}

static void draw_batches(subject *s, uint32_t i, uint32_t *state)
{
    static const size_t edges[] = {1, 2, 63, 64, 65, 127, 128, 129, 193};
    static const char *const batches[] = {"1", "2", "7", "63", "64", "65", "128", "130", "full"};
    const char *optimizer = optimizers[i % RUNS_COUNT(optimizers)];
    s->rows = dice(state, 3) ? 1 + dice(state, 300) : edges[dice(state, RUNS_COUNT(edges))];
    s->origin = dice(state, 2) * (1 + dice(state, 9));
    add(s, "optimizer", optimizer);
    add(s, "batch", strcmp(optimizer, "gd") ? batches[dice(state, RUNS_COUNT(batches))] : "full");
    if (dice(state, 4) == 0) add(s, "order", "file");
    if (dice(state, 6) == 0) add(s, "reduction", "sum");
}

static void draw(subject *s, uint32_t i, bool norm)
{
    char seed[24];
    uint32_t state = i * 2654435761u + 12345u;
    for (int k = 0; k < 4; k++)
        dice(&state, 2); /* the first numbers of neighbouring cases are alike */
    s->features = 1 + dice(&state, dice(&state, 2) ? 12 : 200);
    draw_layers(s, i, norm, &state);
    draw_output(s, i, &state);
    draw_batches(s, i, &state);
    if (dice(&state, 4) == 0) add(s, "clip", dice(&state, 2) ? "0.05" : "3");
    if (dice(&state, 4) == 0) add(s, "max-norm", dice(&state, 2) ? "0.3" : "2");
    if (dice(&state, 4) == 0) add(s, "l1", "0.01");
    if (dice(&state, 4) == 0) add(s, "l2", "0.02");
    snprintf(seed, sizeof seed, "%u", dice(&state, 1000));
    add(s, "seed", seed);
    s->first = dice(&state, 2) ? 0 : dice(&state, 2) ? dice(&state, 1000) : ((uint64_t)3 << 32) - 2;
}

/* ---- Data and steps -------------------------------------------------------------------------- */

static void fill_data(subject *s, uint32_t *state)
{
    size_t rows = s->origin + s->rows + 3, outputs = s->net.outputs;
    s->values = calloc(rows * (s->features + outputs + 1), sizeof *s->values);
    cr_assert(s->values);
    float *x = s->values, *t = x + rows * s->features, *w = t + rows * outputs;
    for (size_t i = 0; i < rows * s->features; i++) x[i] = value(state);
    for (size_t i = 0; i < rows; i++) {
        uint32_t class = dice(state, s->shape.classes ? (uint32_t)s->shape.classes : 4);
        w[i] = class ? 0.25f + 0.5f * (float)class : 0.0f;
        if (s->shape.task != LS_TASK_CLASSIFICATION)
            for (size_t k = 0; k < outputs; k++)
                t[i * outputs + k] = s->shape.task == LS_TASK_REGRESSION ? value(state)
                                                                         : (float)dice(state, 2);
        else if (outputs == 1) t[i] = (float)class;
        else t[i * outputs + class] = 1.0f;
    }
    s->data = (ls_rows){rows, s->features, outputs, x, t, s->weighted ? w : NULL};
}

/* Three epochs, or fewer if they would take plain C more than about 100 ms. */
static void set_steps(subject *s, uint32_t *state)
{
    size_t epochs = 3 * ls_plan_steps_per_epoch(s->plan),
           work = s->plan->parameters * (s->plan->batch + 8);
    s->steps = epochs < 2 + 1500000 / work ? epochs : 2 + 1500000 / work;
    s->rates = calloc(s->steps, sizeof *s->rates);
    cr_assert(s->rates);
    for (size_t i = 0; i < s->steps; i++) {
        float rate = 0.001f * (float)(1 + dice(state, 20));
        s->rates[i] = (ls_rates){rate, 1.1f * rate, 1.0f + 0.01f * (float)dice(state, 100), 0.999f};
    }
}

/* What was drawn, built. */
static void build(subject *s, uint32_t i)
{
    ls_error err = {LS_OK, ""};
    uint32_t state = i + 99u;
    s->options = runs_options(s->text);
    const ls_settings *set = &s->options->settings;
    cr_assert_eq(ls_network_build(set, s->features, s->shape, &s->net, &err), LS_OK, "%s: %s",
                 s->text, err.message);
    cr_assert_eq(ls_plan_build(&s->net, set, LS_PLAN_TRAIN, s->rows, s->weighted, &s->plan, &err),
                 LS_OK, "%s: %s", s->text, err.message);
    fill_data(s, &state);
    set_steps(s, &state);
    s->start = calloc(s->plan->state + s->net.running, sizeof *s->start);
    cr_assert(s->start);
    ls_network_init(&s->net, set, s->start);
    for (size_t k = s->net.weights; k < s->net.parameters; k++)
        s->start[k] = 0.3f * value(&state); /* instead of 0 */
}

void subject_open(subject *s, uint32_t i, bool norm)
{
    *s = (subject){0};
    draw(s, i, norm);
    build(s, i);
}

void subject_open_sized(subject *s, uint32_t i, bool norm, size_t rows, const char *batch)
{
    *s = (subject){0};
    draw(s, i, norm);
    s->rows = rows;
    if (!strstr(s->text, "optimizer gd")) add(s, "batch", batch);
    if (strstr(s->text, "output auto") && i % 2) add(s, "label-smoothing", "0.1");
    build(s, i);
}

void subject_open_images(subject *s, uint32_t i, const char *net, const char *shape,
                         size_t features, size_t rows, const char *more)
{
    uint32_t state = i * 2654435761u + 12345u;
    *s = (subject){.features = features, .rows = rows, .origin = i % 2 * 5};
    s->shape = ls_shape_of_classes(3 + dice(&state, 5));
    s->weighted = dice(&state, 2);
    s->first = dice(&state, 2) ? dice(&state, 1000) : 0;
    add(s, "net", net);
    add(s, "shape", shape);
    add(s, "seed 5", more);
    build(s, i);
}

void subject_close(subject *s)
{
    ls_plan_free(s->plan);
    ls_network_free(&s->net);
    ls_options_free(s->options);
    free(s->values);
    free(s->start);
    free(s->rates);
}
