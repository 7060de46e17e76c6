/* SPDX-License-Identifier: MIT */
/* Networks of images in the product, by their plans on the CPU path, against a network in double
 * precision that is described in words of its own: gradients, which are also compared with central
 * differences of the loss, steps, running averages and outputs. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core_cpu/cpu.h"
#include "host/network/network.h"
#include "kernels/random.h" /* for the dropped units, which are input data of the oracle */
#include "tests/support/oracle_images.h"
#include "tests/support/rig.h"

typedef struct {
    const char *name, *net, *truth; /* the network in the words of --net and of oracle_images.h */
    size_t channels, height, width, rows, batch, outputs;
    const char *more; /* "name=value": another option */
} image_case;

static const image_case cases[] = {
    {"one convolution", "conv 4 3, tanh, dense", "c 4 3 3 1 1 0 0 0 0 1 1 1; a tanh; f; d 3", 2, 5,
     6, 11, 4, 3, NULL},
    {"same, even window", "conv 3 2x4 same, gelu, dense",
     "c 3 2 4 1 1 0 1 1 2 1 1 1; a gelu; f; d 3", 2, 4, 5, 11, 4, 3, NULL},
    {"stride that leaves a rest", "conv 3 3 stride 2x3, silu, dense",
     "c 3 3 3 2 3 0 0 0 0 1 1 1; a silu; f; d 3", 2, 8, 8, 11, 4, 3, NULL},
    {"same, stride", "conv 3 3 same stride 2, tanh, conv 4 3 same stride 2, elu, dense",
     "c 3 3 3 2 2 0 1 1 1 1 1 1; a tanh; c 4 3 3 2 2 0 0 1 1 1 1 1; a elu; f; d 3", 1, 8, 7, 11, 4,
     3, NULL},
    {"dilation, padding", "conv 3 3x2 dilation 2x3 pad 1x2, tanh, dense",
     "c 3 3 2 1 1 1 2 1 2 2 3 1; a tanh; f; d 3", 2, 7, 6, 11, 4, 3, NULL},
    {"stride and dilation", "conv 3 3 dilation 2 stride 2 pad 2, tanh, conv 2 2, dense",
     "c 3 3 3 2 2 2 2 2 2 2 2 1; a tanh; c 2 2 2 1 1 0 0 0 0 1 1 1; f; d 3", 2, 8, 9, 11, 4, 3,
     NULL},
    {"groups", "conv 6 3 groups 2 same, tanh, conv 3 1 groups 3, tanh, dense",
     "c 6 3 3 1 1 1 1 1 1 1 1 2; a tanh; c 3 1 1 1 1 0 0 0 0 1 1 3; a tanh; f; d 3", 4, 4, 5, 11, 4,
     3, NULL},
    {"depthwise", "depthwise 3 pad 1, tanh, conv 5 1, gelu, depthwise 2 stride 2, dense",
     "c 3 3 3 1 1 1 1 1 1 1 1 3; a tanh; c 5 1 1 1 1 0 0 0 0 1 1 1; a gelu; "
     "c 5 2 2 2 2 0 0 0 0 1 1 5; f; d 3",
     3, 6, 5, 11, 4, 3, NULL},
    {"largest values",
     "conv 4 3 same, tanh, maxpool 2, conv 3 2, maxpool 3x2 stride 1 pad 1, dense",
     "c 4 3 3 1 1 1 1 1 1 1 1 1; a tanh; m 2 2 2 2 0 0 0 0; c 3 2 2 1 1 0 0 0 0 1 1 1; "
     "m 3 2 1 1 1 1 1 1; f; d 3",
     2, 7, 8, 11, 4, 3, NULL},
    {"means", "conv 4 3 same, tanh, avgpool 3 stride 2 pad 1, conv 3 2, silu, globalpool, dense",
     "c 4 3 3 1 1 1 1 1 1 1 1 1; a tanh; v 3 3 2 2 1 1 1 1; c 3 2 2 1 1 0 0 0 0 1 1 1; a silu; "
     "v 3 3 1 1 0 0 0 0; f; d 3",
     2, 7, 8, 11, 4, 3, NULL},
    {"batch norm", "conv 4 3 same, batchnorm, tanh, maxpool 2, conv 3 2, batchnorm, gelu, dense",
     "C 4 3 3 1 1 1 1 1 1 1 1 1; n; a tanh; m 2 2 2 2 0 0 0 0; C 3 2 2 1 1 0 0 0 0 1 1 1; n; "
     "a gelu; f; d 3",
     2, 6, 8, 11, 4, 3, NULL},
    {"dropout",
     "conv 4 3 same, tanh, dropout 0.3, avgpool 2, dropout 0.4, dense 5, elu, dropout "
     "0.2, dense",
     "c 4 3 3 1 1 1 1 1 1 1 1 1; a tanh; o 0.3; v 2 2 2 2 0 0 0 0; o 0.4; f; d 5; a elu; o 0.2; "
     "d 3",
     2, 6, 8, 11, 4, 3, NULL},
    {"identity block", "conv 4 3, tanh, residual(conv 4 3 same, silu, conv 4 3 same), gelu, dense",
     "c 4 3 3 1 1 0 0 0 0 1 1 1; a tanh; [; c 4 3 3 1 1 1 1 1 1 1 1 1; a silu; "
     "c 4 3 3 1 1 1 1 1 1 1 1 1; ]; a gelu; f; d 3",
     2, 5, 6, 11, 4, 3, NULL},
    {"projections",
     "conv 4 3 same, silu, residual project(conv 5 3 same stride 2, batchnorm, silu, dropout 0.2, "
     "conv 5 3 same), gelu, residual project(conv 6 1, tanh), globalpool, dense",
     "c 4 3 3 1 1 1 1 1 1 1 1 1; a silu; [c 5 1 1 2 2 0 0 0 0 1 1 1; C 5 3 3 2 2 1 1 1 1 1 1 1; n; "
     "a silu; o 0.2; c 5 3 3 1 1 1 1 1 1 1 1 1; ]; a gelu; [c 6 1 1 1 1 0 0 0 0 1 1 1; "
     "c 6 1 1 1 1 0 0 0 0 1 1 1; a tanh; ]; v 4 3 1 1 0 0 0 0; f; d 3",
     1, 7, 5, 11, 4, 3, NULL},
    {"blocks of pools and activations",
     "conv 3 3, tanh, residual(maxpool 3 same stride 1), residual(gelu), residual project(avgpool "
     "2), residual project(silu, dropout 0.2), residual(tanh, dropout 0.3), dense",
     "c 3 3 3 1 1 0 0 0 0 1 1 1; a tanh; [; m 3 3 1 1 1 1 1 1; ]; [; a gelu; ]; "
     "[c 3 1 1 2 2 0 0 0 0 1 1 1; v 2 2 2 2 0 0 0 0; ]; [c 3 1 1 1 1 0 0 0 0 1 1 1; a silu; "
     "o 0.2; ]; [; a tanh; o 0.3; ]; f; d 3",
     2, 8, 6, 11, 4, 3, NULL},
    {"what has no map",
     "conv 3 3, tanh, batchnorm, gelu, silu, dropout 0.2, maxpool 2, tanh, "
     "batchnorm, flatten, sigmoid, batchnorm, elu, dense 4, tanh, batchnorm, dense",
     "c 3 3 3 1 1 0 0 0 0 1 1 1; a tanh; n; a gelu; a silu; o 0.2; m 2 2 2 2 0 0 0 0; a tanh; n; f; "
     "a sigmoid; n; a elu; d 4; a tanh; n; d 3",
     2, 6, 8, 27, 14, 3, NULL},
    {"pools of the inputs", "maxpool 2, dropout 0.1, conv 3 2, tanh, dense",
     "m 2 2 2 2 0 0 0 0; o 0.1; c 3 2 2 1 1 0 0 0 0 1 1 1; a tanh; f; d 3", 2, 6, 6, 11, 4, 3,
     NULL},
    {"a signal", "conv 4 5 stride 2, tanh, maxpool 3 stride 2, conv 3 3 pad 1, gelu, dense",
     "c 4 1 5 1 2 0 0 0 0 1 1 1; a tanh; m 1 3 1 2 0 0 0 0; c 3 1 3 1 1 0 1 0 1 1 1 1; a gelu; f; "
     "d 3",
     1, 1, 30, 11, 4, 3, NULL},
    {"rows of values",
     "dense 6, silu, residual project(dense 5, tanh, dense 7), residual(gelu, "
     "dense 7), dense",
     "f; d 6; a silu; [d 7; d 5; a tanh; d 7; ]; [; a gelu; d 7; ]; d 3", 1, 1, 5, 20, 8, 3, NULL},
    {"more images than a chunk", "conv 3 2, batchnorm, tanh, dense",
     "C 3 2 2 1 1 0 0 0 0 1 1 1; n; a tanh; f; d 3", 2, 3, 3, 150, 140, 3, NULL},
    {"more positions than a chunk",
     "conv 3 3 same, tanh, batchnorm, conv 2 3 same, gelu, "
     "globalpool, dense",
     "c 3 3 3 1 1 1 1 1 1 1 1 1; a tanh; n; c 2 3 3 1 1 1 1 1 1 1 1 1; a gelu; v 13 12 1 1 0 0 0 0; "
     "f; d 3",
     2, 13, 12, 5, 3, 3, NULL},
    {"more channels than a tile", "conv 35 3 same, tanh, conv 34 3 same stride 2, gelu, dense",
     "c 35 3 3 1 1 1 1 1 1 1 1 1; a tanh; c 34 3 3 2 2 1 1 1 1 1 1 1; a gelu; f; d 3", 3, 5, 5, 5,
     3, 3, NULL},
    {"clipped", "conv 4 3, tanh, residual project(conv 3 3 same), dense",
     "c 4 3 3 1 1 0 0 0 0 1 1 1; a tanh; [c 3 1 1 1 1 0 0 0 0 1 1 1; c 3 3 3 1 1 1 1 1 1 1 1 1; ]; "
     "f; d 3",
     2, 5, 6, 11, 4, 3, "clip=1000"},
};
enum { CASES = sizeof cases / sizeof *cases };

/* ---- Side by side ---------------------------------------------------------------------------- */

typedef struct {
    const image_case *c;
    ls_options *options;
    ls_network net;
    ls_plan *plan;
    ls_backend *cpu;
    ls_workspace *workspace;
    image_net *truth;
    float *x, *t, *start, *state;
    double *xd, *td; /* the data as the oracle has them */
    unsigned char *kept;
    size_t features;
} pair_of;

/* Offset of parameter i of a node among the product's; map: its number, or the norm's. */
typedef struct {
    const ls_layer *layer;
    const node *node;
} match;

/* The product's layer of a node with parameters: both have them in the order of the description. */
static match match_of(const pair_of *r, size_t number)
{
    size_t count = 0;
    const node *found = NULL;
    for (size_t i = 0; i < r->truth->nodes && !found; i++) {
        node_kind kind = r->truth->node[i].kind;
        if (kind != NODE_CONV && kind != NODE_DENSE && kind != NODE_NORM) continue;
        if (count++ == number) found = &r->truth->node[i];
    }
    count = 0;
    for (size_t i = 0; i < r->net.count && found; i++) {
        const ls_layer *l = &r->net.layer[i];
        if (ls_layer_weights(l) && count++ == number) return (match){l, found};
        if (l->norm && count++ == number) return (match){l, found};
    }
    cr_assert(!found, "%s: the product has fewer layers", r->c->name);
    return (match){NULL, NULL};
}

/* The product's place of weight e of a node: rows (kernel row, kernel column, channel of the group)
 * × outputs. */
static size_t place_of(const match *m, const image_net *n, size_t e)
{
    const node *k = m->node, *from = &n->node[k->from];
    if (k->kind == NODE_NORM) return m->layer->gamma + e;
    size_t in = k->kind == NODE_DENSE ? node_size(from) : from->channels / k->groups,
           taps = k->kind == NODE_DENSE ? 1 : k->kernel[0] * k->kernel[1], o = e / (in * taps),
           c = e / taps % in, tap = e % taps;
    return m->layer->weight + (tap * in + c) * k->channels + o;
}

static size_t weights_of(const match *m)
{
    return m->node->kind == NODE_NORM ? m->node->channels : m->node->beta - m->node->theta;
}

/* Calls f for each parameter of tensor `second` (0: weights or gammas, 1: biases or betas) of a
 * match: offsets in product and oracle. Returns how many there are. */
static size_t offsets(const pair_of *r, const match *m, int second, size_t *product, size_t *truth)
{
    const node *k = m->node;
    bool norm = k->kind == NODE_NORM;
    size_t count = second ? (norm || k->bias ? k->channels : 0) : weights_of(m);
    for (size_t e = 0; e < count; e++) {
        product[e] = !second ? place_of(m, r->truth, e)
                             : (norm ? m->layer->beta : m->layer->bias) + e;
        truth[e] = (second ? k->beta : k->theta) + e;
    }
    return count;
}

static double noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 33) * 0x1p-30 - 1.0;
}

static void fill(pair_of *r)
{
    const image_case *c = r->c;
    size_t points = c->height * c->width;
    uint64_t state = 7;
    r->x = calloc(c->rows * r->features, sizeof *r->x);
    r->t = calloc(c->rows * c->outputs, sizeof *r->t);
    r->xd = oracle_alloc(c->rows * r->features);
    r->td = oracle_alloc(c->rows * c->outputs);
    for (size_t i = 0; i < c->rows; i++) {
        for (size_t k = 0; k < c->channels; k++)
            for (size_t p = 0; p < points; p++) {
                float value = (float)(1.5 * noise(&state));
                r->x[i * r->features + p * c->channels + k] = value;
                r->xd[i * r->features + k * points + p] = (double)value;
            }
        size_t class = (size_t)((noise(&state) + 1.0) * 0.5 * (double)c->outputs);
        r->t[i * c->outputs + class] = 1.0f;
        r->td[i * c->outputs + class] = 1.0;
    }
}

/* Sets the starting parameters of both: the product's, with biases and gammas disturbed. */
static void start(pair_of *r)
{
    const ls_plan *p = r->plan;
    uint64_t state = 3;
    float *values = calloc(r->net.parameters + r->net.running + 1, sizeof *values);
    r->start = calloc(p->state, sizeof *r->start);
    r->state = calloc(p->state, sizeof *r->state);
    ls_network_init(&r->net, &r->options->settings, values);
    for (size_t i = r->net.weights; i < r->net.parameters; i++)
        values[i] += (float)(0.3 * noise(&state));
    memcpy(r->start, values, r->net.parameters * sizeof *values);
    memcpy(r->start + p->state - p->running, values + r->net.parameters,
           r->net.running * sizeof *values);
    r->cpu->slots->write(r->workspace, 0, 0, p->state, r->start, NULL);
    free(values);
}

/* Copies parameters, or what lies as they do, from the product's order to the oracle's. */
static void to_truth(const pair_of *r, const float *from, double *to)
{
    size_t *product = calloc(2 * r->net.parameters + 2, sizeof *product),
           *truth = product + r->net.parameters, all = 0;
    match m;
    for (size_t k = 0; (m = match_of(r, k)).node; k++)
        for (int second = 0; second < 2; second++) {
            size_t n = offsets(r, &m, second, product, truth);
            for (size_t e = 0; e < n; e++) to[truth[e]] = (double)from[product[e]];
            all += n;
        }
    cr_assert(all == r->net.parameters && all == r->truth->parameters,
              "%s: %zu parameters, of %zu and %zu", r->c->name, all, r->net.parameters,
              r->truth->parameters);
    free(product);
}

static pair_of *open_pair(const image_case *c, const char *options)
{
    char shape[64], batch[32];
    ls_error err = {.message = ""};
    pair_of *r = calloc(1, sizeof *r);
    r->c = c;
    r->features = c->channels * c->height * c->width;
    r->truth = image_net_new(c->truth, c->channels, c->height, c->width, c->batch);
    r->options = rig_options(options);
    snprintf(shape, sizeof shape, "%zux%zux%zu", c->channels, c->height, c->width);
    snprintf(batch, sizeof batch, "%zu", c->batch);
    cr_assert_eq(ls_options_set(r->options, "net", c->net, &err), LS_OK, "%s: %s", c->name,
                 err.message);
    cr_assert_eq(ls_options_set(r->options, "shape", shape, &err), LS_OK);
    cr_assert_eq(ls_options_set(r->options, "batch", batch, &err), LS_OK);
    const ls_settings *s = &r->options->settings;
    cr_assert_eq(ls_network_build(s, r->features, ls_shape_of_classes(c->outputs), &r->net, &err),
                 LS_OK, "%s: %s", c->name, err.message);
    fill(r);
    cr_assert_eq(ls_plan_build(&r->net, s, LS_PLAN_TRAIN, c->rows, false, &r->plan, &err), LS_OK,
                 "%s: %s", c->name, err.message);
    cr_assert_eq(ls_cpu_open(1, NULL, &r->cpu, &err), LS_OK, "%s", err.message);
    ls_rows data = {c->rows, r->features, c->outputs, r->x, r->t, NULL};
    cr_assert_eq(ls_workspace_of_one(r->cpu, &data, r->plan, &r->workspace, &err), LS_OK, "%s",
                 err.message);
    start(r);
    to_truth(r, r->start, r->truth->theta);
    return r;
}

static void close_pair(pair_of *r)
{
    r->cpu->slots->workspace_close(r->workspace);
    r->cpu->slots->close(r->cpu);
    ls_plan_free(r->plan);
    ls_network_free(&r->net);
    ls_options_free(r->options);
    image_net_free(r->truth);
    free(r->x), free(r->t), free(r->xd), free(r->td);
    free(r->start), free(r->state), free(r->kept);
    free(r);
}

/* The product's dropout stream: element e of a layer's output, by position and channel. */
static void drop(pair_of *r, uint64_t step, size_t rows)
{
    size_t layer = 0, all = 0, at = 0;
    for (size_t i = 0; i < r->truth->nodes; i++) all += rows * node_size(&r->truth->node[i]);
    free(r->kept);
    r->kept = calloc(all, 1);
    for (size_t i = 0; i < r->truth->nodes; i++) {
        node *k = &r->truth->node[i];
        if (k->kind != NODE_DROP || k->rate == 0.0) continue;
        while (!(r->net.layer[layer].dropout > 0)) layer++;
        size_t size = node_size(k), points = k->height * k->width;
        for (size_t e = 0; e < rows * size; e++) {
            size_t row = e / size, c = e % size / points, p = e % points;
            r->kept[at + e] = ls_dropout_factor(r->options->settings.seed,
                                                LS_PURPOSE_DROPOUT + ((ls_u32)layer << 8), step,
                                                (ls_u32)(row * size + p * k->channels + c),
                                                (float)k->rate) != 0.0f;
        }
        k->kept = r->kept + at;
        at += rows * size;
        layer++;
    }
}

/* ---- Gradients ------------------------------------------------------------------------------- */

/* Bounds as in test_gradcheck.c. */
static const double product_bound = 4e-6, oracle_bound = 4e-8;

/* The tensor's largest error relative to its largest element. */
static double tensor_error(const double *got, const double *truth, size_t n)
{
    double error = 0.0, largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        error = rig_worse(error, fabs(got[i] - truth[i]));
        largest = fmax(largest, fabs(truth[i]));
    }
    return error == 0.0 ? 0.0 : error / largest;
}

/* (L(θ+h) - L(θ-h)) / 2h. */
static double difference(const pair_of *r, size_t rows, size_t i)
{
    const double h = 1e-5;
    double *theta = r->truth->theta, old = theta[i], losses[2];
    for (int k = 0; k < 2; k++) {
        theta[i] = k ? old - h : old + h;
        losses[k] = image_net_loss(r->truth, theta, r->xd, r->td, rows, true);
    }
    theta[i] = old;
    return (losses[0] - losses[1]) / (2.0 * h);
}

static void run_steps(pair_of *r, uint64_t first, size_t count, float rate, float *losses)
{
    ls_rates rates[16];
    ls_error err = {.message = ""};
    for (size_t i = 0; i < count; i++)
        rates[i] = (ls_rates){.rate = rate, .rate_corrected = rate, .correction2 = 1, .keep = 1};
    ls_run run = {.first = first, .count = count, .rates = rates, .losses = losses};
    cr_assert_eq(r->cpu->slots->run(r->workspace, &run, 1, &err), LS_OK, "%s: %s", r->c->name,
                 err.message);
    cr_assert_eq(r->cpu->slots->read(r->workspace, 0, 0, r->plan->state, r->state, &err), LS_OK);
}

/* One step of momentum with decay 0 and rate 1 leaves the gradient in the optimizer's state. */
static void check_gradient(const image_case *c)
{
    char options[128];
    float losses[1];
    snprintf(options, sizeof options, "optimizer=momentum momentum=0 order=file %s",
             c->more ? c->more : "lr=1");
    pair_of *r = open_pair(c, options);
    size_t n = r->truth->parameters, at = 0;
    double *got = oracle_alloc(n), *derived = oracle_alloc(n), *differences = oracle_alloc(n);
    size_t *product = calloc(2 * n + 2, sizeof *product), *truth = product + n;
    drop(r, 0, c->batch);
    image_net_loss(r->truth, r->truth->theta, r->xd, r->td, c->batch, true);
    image_net_gradient(r->truth, r->truth->theta, r->td, c->batch, derived);
    /* all parameters of small networks, a few hundred of others */
    size_t every = n > 400 ? n / 300 : 1;
    for (size_t i = 0; i < n; i++)
        differences[i] = i % every ? derived[i] : difference(r, c->batch, i);
    run_steps(r, 0, 1, 1.0f, losses);
    to_truth(r, r->state + n, got);
    match m;
    for (size_t k = 0; (m = match_of(r, k)).node; k++)
        for (int second = 0; second < 2; second++, at++) {
            size_t size = offsets(r, &m, second, product, truth);
            if (!size) continue;
            double of_product = tensor_error(got + *truth, differences + *truth, size),
                   of_oracle = tensor_error(derived + *truth, differences + *truth, size);
            cr_expect(of_product <= product_bound, "%s: tensor %zu: the product is off by %.2e",
                      c->name, at, of_product);
            cr_expect(of_oracle <= oracle_bound, "%s: tensor %zu: the oracle is off by %.2e",
                      c->name, at, of_oracle);
        }
    free(got), free(derived), free(differences), free(product);
    close_pair(r);
}

Test(oracle_images, gradients)
{
    for (size_t i = 0; i < CASES; i++) check_gradient(&cases[i]);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* Bounds as in test_oracle.c; outputs are probabilities. */
typedef struct {
    double parameters, running, losses, outputs;
} errors;
static const errors bounds = {.parameters = 2e-5, .running = 4e-6, .losses = 2e-6, .outputs = 2e-6};

/* The error of a change since the start, without the rounding of each step's result. */
static double change_error(const pair_of *r, const size_t *product, const double *truth, size_t n,
                           size_t first, double steps)
{
    double error = 0.0, scale = 0.0, largest = 0.0;
    for (size_t e = 0; e < n; e++) {
        size_t p = first + product[e];
        error = rig_worse(error, fabs((double)r->state[p] - truth[e]));
        scale = fmax(scale, fabs(truth[e] - (double)r->start[p]));
        largest = fmax(largest, fabs(truth[e]));
    }
    error = fmax(error - steps * 0x1p-24 * largest, 0.0);
    return error == 0.0 ? 0.0 : error / scale;
}

static void compare_states(const pair_of *r, double steps, errors *worst)
{
    size_t n = r->truth->parameters + 1, *product = calloc(2 * n, sizeof *product),
           *truth = product + n;
    match m;
    for (size_t k = 0; (m = match_of(r, k)).node; k++) {
        for (int second = 0; second < 2; second++) {
            size_t size = offsets(r, &m, second, product, truth);
            if (!size) continue;
            worst->parameters = rig_worse(worst->parameters,
                                          change_error(r, product, r->truth->theta + *truth, size,
                                                       0, steps));
        }
        if (m.node->kind != NODE_NORM) continue;
        for (int second = 0; second < 2; second++) {
            for (size_t e = 0; e < m.node->channels; e++)
                product[e] = (second ? m.layer->variance : m.layer->mean) + e;
            worst->running = rig_worse(worst->running,
                                       change_error(r, product,
                                                    r->truth->running + m.node->running +
                                                        (second ? m.node->channels : 0),
                                                    m.node->channels,
                                                    r->plan->state - r->plan->running, steps));
        }
    }
    free(product);
}

/* One step of gradient descent of the oracle. */
static double true_step(pair_of *r, uint64_t step, double rate)
{
    const image_case *c = r->c;
    size_t per_epoch = (c->rows + c->batch - 1) / c->batch,
           first = (size_t)(step % per_epoch) * c->batch,
           rows = c->rows - first < c->batch ? c->rows - first : c->batch;
    const double *x = r->xd + first * r->features, *t = r->td + first * c->outputs;
    double *gradient = oracle_alloc(r->truth->parameters);
    drop(r, step, rows);
    double loss = image_net_loss(r->truth, r->truth->theta, x, t, rows, true);
    image_net_gradient(r->truth, r->truth->theta, t, rows, gradient);
    image_net_move(r->truth);
    for (size_t i = 0; i < r->truth->parameters; i++) r->truth->theta[i] -= rate * gradient[i];
    free(gradient);
    return loss * (double)rows;
}

/* Inference over the rows of a batch. */
static double output_error(pair_of *r)
{
    const image_case *c = r->c;
    ls_error err = {.message = ""};
    size_t n = c->batch * c->outputs;
    float *outputs = calloc(n, sizeof *outputs);
    double *truth = oracle_alloc(n), worst = 0.0;
    cr_assert_eq(r->cpu->slots->infer(r->workspace, 0, 0, c->batch, outputs, NULL, &err), LS_OK,
                 "%s: %s", c->name, err.message);
    image_net_loss(r->truth, r->truth->theta, r->xd, r->td, c->batch, false);
    image_net_outputs(r->truth, c->batch, truth);
    for (size_t i = 0; i < n; i++) worst = rig_worse(worst, fabs((double)outputs[i] - truth[i]));
    free(outputs);
    free(truth);
    return worst;
}

static errors check_steps(pair_of *r, uint64_t first, size_t count)
{
    const float rate = 0.01f;
    float losses[16];
    errors e = {0};
    run_steps(r, first, count, rate, losses);
    for (size_t i = 0; i < count; i++) {
        double loss = true_step(r, first + i, (double)rate);
        e.losses = rig_worse(e.losses, fabs((double)losses[i] - loss) / loss);
    }
    compare_states(r, (double)(first + count), &e);
    e.outputs = output_error(r);
    return e;
}

static bool within(const errors *e)
{
    return e->parameters <= bounds.parameters && e->running <= bounds.running &&
           e->losses <= bounds.losses && e->outputs <= bounds.outputs;
}

static pair_of *open_descent(const image_case *c)
{
    char options[128];
    snprintf(options, sizeof options, "optimizer=sgd order=file %s", c->more ? c->more : "lr=0.05");
    return open_pair(c, options);
}

Test(oracle_images, steps)
{
    static const size_t counts[] = {1, 1, 8};
    for (size_t i = 0; i < CASES; i++) {
        pair_of *r = open_descent(&cases[i]);
        uint64_t first = 0;
        for (size_t k = 0; k < sizeof counts / sizeof *counts; first += counts[k++]) {
            errors e = check_steps(r, first, counts[k]);
            cr_expect(within(&e),
                      "%s: after %llu steps parameters are off by %.1e, running averages %.1e, "
                      "losses %.1e, outputs %.1e",
                      cases[i].name, (unsigned long long)(first + counts[k]), e.parameters,
                      e.running, e.losses, e.outputs);
        }
        close_pair(r);
    }
}

/* The bounds are tight enough: a gradient that is wrong by a hundredth behind any one operation is
 * seen. */
Test(oracle_images, a_gradient_off_by_a_hundredth_is_seen)
{
    for (size_t i = 0; i < CASES; i++) {
        bool parameters = false; /* whether it reaches any */
        for (size_t k = 1;; k++) {
            pair_of *r = open_descent(&cases[i]);
            bool there = k < r->truth->nodes;
            if (there) {
                node_kind kind = r->truth->node[k].kind;
                parameters |= kind == NODE_CONV || kind == NODE_DENSE || kind == NODE_NORM;
                r->truth->node[k].fault = 1.01;
                errors e = check_steps(r, 0, 2);
                cr_expect(!parameters || !within(&e), "%s: operation %zu", cases[i].name, k);
            }
            close_pair(r);
            if (!there) break;
        }
    }
}
