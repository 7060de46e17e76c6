/* SPDX-License-Identifier: MIT */
/* The product against the oracle, step by step: every part of a network, and learning rates.
 * test_oracle_runs.c has whole runs. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/network/schedule.h"
#include "tests/support/rig.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Steps ----------------------------------------------------------------------------------- */

#define ACTIVATION_CASE(name, reads, facts)                                                        \
    {#name, "hidden=7,5 activation=" #name " optimizer=sgd batch=8 order=file", 30, 3, 3},
#define OPTIMIZER_CASE(name, states, facts)                                                        \
    {#name, "hidden=7,5 activation=tanh batch=full optimizer=" #name, 30, 3, 3},

static const rig_case cases[] = {
    {"logistic", "hidden=none optimizer=sgd batch=8 order=file", 30, 3, 2},
    {"softmax", "hidden=none optimizer=sgd batch=8 order=file", 30, 3, 4},
    {"one activation per layer", "hidden=6,5,4 activation=tanh,gelu,elu optimizer=sgd batch=8", 30,
     3, 3},
    {"gd", "hidden=7,5 activation=tanh optimizer=gd batch=full", 200, 3, 2},
    {"momentum", "hidden=7,5 activation=tanh optimizer=momentum batch=8 momentum=0.8", 30, 3, 3},
    {"nesterov", "hidden=7,5 activation=tanh optimizer=nesterov batch=8 momentum=0.8", 30, 3, 3},
    {"rmsprop", "hidden=7,5 activation=tanh optimizer=rmsprop batch=8 rho=0.85 epsilon=1e-3", 30, 3,
     3},
    {"rmsprop, defaults", "hidden=7,5 activation=tanh optimizer=rmsprop batch=8", 30, 3, 3},
    {"adam", "hidden=7,5 activation=tanh optimizer=adam batch=8", 30, 3, 3},
    {"adam, betas and epsilon",
     "hidden=7,5 activation=silu optimizer=adam batch=8 beta1=0.8 beta2=0.95 epsilon=1e-3", 30, 3,
     3},
    {"adam, uncorrected", "hidden=7,5 activation=tanh optimizer=adam batch=8 bias-correction=off",
     30, 3, 3},
    {"adamw", "hidden=7,5 activation=tanh optimizer=adamw batch=8 weight-decay=0.3", 30, 3, 3},
    {"adamw, uncorrected, l2",
     "hidden=7,5 activation=tanh optimizer=adamw batch=8 weight-decay=0.3 "
     "bias-correction=off l2=0.02",
     30, 3, 3},
    {"bce, sum", "hidden=6 activation=tanh optimizer=sgd batch=8 reduction=sum lr=0.02", 30, 3, 2},
    {"bce, weights", "hidden=6 activation=tanh optimizer=sgd batch=8 class-weights=0.5,2.25", 30, 3,
     2},
    {"bce, balanced, sum",
     "hidden=6 activation=tanh optimizer=sgd batch=8 class-weights=balanced reduction=sum lr=0.02",
     30, 3, 2},
    {"ce, two classes", "hidden=6 activation=tanh optimizer=sgd batch=8 output=softmax", 30, 3, 2},
    {"ce, weights", "hidden=6 activation=tanh optimizer=sgd batch=8 class-weights=0.5,2.25,1", 30,
     3, 3},
    {"ce, weights, sum",
     "hidden=6 activation=tanh optimizer=sgd batch=8 class-weights=0.5,2.25,1 "
     "reduction=sum lr=0.02",
     30, 3, 3},
    {"mse sigmoid", "hidden=6 activation=tanh optimizer=sgd batch=8 loss=mse", 30, 3, 2},
    {"mse sigmoid, three", "hidden=6 activation=tanh optimizer=sgd batch=8 loss=mse output=sigmoid",
     30, 3, 3},
    {"mse sigmoid, weights, sum",
     "hidden=6 activation=tanh optimizer=sgd batch=8 loss=mse "
     "reduction=sum class-weights=balanced lr=0.02",
     30, 3, 2},
    {"mse identity", "hidden=6 activation=tanh optimizer=sgd batch=8 output=identity lr=0.02", 30,
     3, 2},
    {"mse identity, three, weights",
     "hidden=6 activation=tanh optimizer=sgd batch=8 output=identity "
     "class-weights=0.5,2.25,1 lr=0.02",
     30, 3, 3},
    {"mse identity, sum",
     "hidden=6 activation=tanh optimizer=sgd batch=8 output=identity reduction=sum lr=0.005", 30, 3,
     3},
    {"numbers, linear", "hidden=none optimizer=sgd batch=8 lr=0.02 numbers=1", 30, 3, 0},
    {"numbers, three, weights, sum",
     "hidden=6 activation=tanh optimizer=sgd batch=8 reduction=sum lr=0.005 numbers=3 row-weights=on",
     30, 3, 0},
    {"mae", "hidden=6 activation=tanh optimizer=sgd batch=8 loss=mae lr=0.05 numbers=1", 30, 3, 0},
    {"mae, two, weights",
     "hidden=6 activation=tanh optimizer=adam batch=8 loss=mae numbers=2 row-weights=on", 30, 3, 0},
    {"huber", "hidden=6 activation=tanh optimizer=sgd batch=8 loss=huber numbers=1", 30, 3, 0},
    {"huber, small delta, three, weights",
     "hidden=6 activation=tanh optimizer=momentum batch=8 loss=huber huber-delta=0.3 numbers=3 row-weights=on",
     30, 3, 0},
    {"huber, many rows", "hidden=9 activation=gelu optimizer=sgd batch=300 loss=huber numbers=2",
     700, 3, 0},
    {"labels", "hidden=6 activation=tanh optimizer=sgd batch=8 labels=3", 30, 3, 0},
    {"labels, weights, sum",
     "hidden=6 activation=tanh optimizer=sgd batch=8 reduction=sum lr=0.02 labels=2 row-weights=on",
     30, 3, 0},
    {"smoothed, bce", "hidden=6 activation=tanh optimizer=sgd batch=8 label-smoothing=0.1", 30, 3,
     2},
    {"smoothed, ce", "hidden=6 activation=tanh optimizer=adam batch=8 label-smoothing=0.2", 30, 3,
     5},
    {"smoothed, ce, two classes",
     "hidden=6 activation=tanh optimizer=sgd batch=8 output=softmax label-smoothing=0.4", 30, 3, 2},
    {"smoothed, labels, weights",
     "hidden=6 activation=tanh optimizer=sgd batch=8 label-smoothing=0.1 labels=3 row-weights=on",
     30, 3, 0},
    {"pieces", "hidden=6 activation=tanh optimizer=sgd batch=8 embedding=piecewise bins=5", 30, 3,
     3},
    {"pieces, logistic", "hidden=none optimizer=adam batch=8 embedding=piecewise bins=4 l2=0.01",
     30, 3, 2},
    {"pieces, residual, dropout",
     "hidden=6,6,6 activation=silu optimizer=momentum batch=8 residual=on dropout=0.3 "
     "embedding=piecewise bins=2",
     30, 3, 3},
    {"pieces, max norm, clip",
     "hidden=6 activation=tanh optimizer=sgd batch=70 embedding=piecewise max-norm=1 clip=0.3", 150,
     3, 2},
    {"batch norm", "hidden=7,5 activation=tanh optimizer=sgd batch=8 batch-norm=on", 30, 3, 3},
    {"batch norm, relu", "hidden=7,5 activation=relu optimizer=sgd batch=8 batch-norm=on", 30, 3,
     3},
    {"batch norm, full, adam", "hidden=7,5 activation=gelu optimizer=adam batch=full batch-norm=on",
     200, 3, 3},
    {"batch norm, residual, dropout",
     "hidden=6,6,6 activation=silu optimizer=momentum batch=8 "
     "batch-norm=on residual=on dropout=0.3",
     30, 3, 3},
    {"dropout", "hidden=7,5 activation=tanh optimizer=sgd batch=8 dropout=0.4", 30, 3, 3},
    {"dropout, adamw", "hidden=7,5 activation=gelu optimizer=adamw batch=8 dropout=0.25 seed=77",
     30, 3, 3},
    {"residual", "hidden=6,6,6 activation=tanh optimizer=sgd batch=8 residual=on", 30, 3, 3},
    {"residual, two blocks", "hidden=4,6,6,6,6,6 activation=elu optimizer=sgd batch=8 residual=on",
     30, 3, 3},
    {"residual, dropout",
     "hidden=6,6,6,6,6 activation=tanh optimizer=sgd batch=8 residual=on dropout=0.3", 30, 3, 3},
    {"clip", "hidden=7,5 activation=tanh optimizer=sgd batch=8 clip=0.2", 30, 3, 3},
    {"clip, l2, batch norm",
     "hidden=7,5 activation=tanh optimizer=sgd batch=8 clip=0.2 l2=0.05 batch-norm=on", 30, 3, 3},
    {"clip, not reached", "hidden=7,5 activation=tanh optimizer=sgd batch=8 clip=50", 30, 3, 3},
    {"l1", "hidden=7,5 activation=tanh optimizer=sgd batch=8 l1=0.03", 30, 3, 3},
    {"l2", "hidden=7,5 activation=tanh optimizer=sgd batch=8 l2=0.05", 30, 3, 3},
    {"l1, l2, adam",
     "hidden=7,5 activation=tanh optimizer=adam batch=8 l1=0.03 l2=0.05 epsilon=1e-3", 30, 3, 3},
    {"max norm", "hidden=7,5 activation=tanh optimizer=sgd batch=8 max-norm=0.7", 30, 3, 3},
    {"max norm, l2, momentum",
     "hidden=7,5 activation=tanh optimizer=momentum batch=8 max-norm=0.9 l2=0.01", 30, 3, 3},
    {"l1 at zero", "hidden=none optimizer=sgd batch=8 l1=0.03 init=zeros", 30, 3, 3},
    {"one of each", "hidden=1 activation=tanh optimizer=sgd batch=1", 5, 1, 2},
    {"batch norm, last batch of one row",
     "hidden=7,5 activation=tanh optimizer=momentum batch=8 batch-norm=on", 33, 3, 3},
    {"many rows", "hidden=9,7 activation=gelu optimizer=sgd batch=300", 700, 3, 3},
    {"many rows, batch norm, sum",
     "hidden=9,7 activation=silu optimizer=adam batch=300 batch-norm=on reduction=sum", 700, 3, 3},
    {"wide", "hidden=150,70 activation=relu optimizer=sgd batch=64", 130, 20, 10},
    {"wide, batch norm", "hidden=150,70 activation=elu optimizer=nesterov batch=65 batch-norm=on",
     130, 20, 10},
    LS_ACTIVATIONS(ACTIVATION_CASE) LS_OPTIMIZERS(OPTIMIZER_CASE)};

/* Bounds on rig_errors after 1 to 10 steps. The arithmetic of a step is a chain of some dozens of
 * float32 operations with rounding errors of both signs, in total a few 2^-24 of a tensor's scale.
 * The largest errors measured are 7.7e-6 (adamw's decay, which rounds the weight twice more than
 * rig_errors allows for), 5.3e-6 (a velocity whose gradients nearly cancel), 8e-7 and 4e-7. Runs
 * have the same bits on every machine; the factor of 2.5 to 5 is for other settings. */
static const rig_errors bounds = {
    .parameters = 2e-5, .states = 2e-5, .running = 4e-6, .losses = 2e-6};

static bool within(const rig_errors *e)
{
    return e->parameters <= bounds.parameters && e->states <= bounds.states &&
           e->running <= bounds.running && e->losses <= bounds.losses;
}

static void expect_within(const char *name, unsigned long long steps, const rig_errors *e)
{
    cr_expect(
        within(e),
        "%s: after %llu steps parameters are off by %.1e, states %.1e, running averages %.1e, "
        "losses %.1e",
        name, steps, e->parameters, e->states, e->running, e->losses);
}

Test(oracle, steps)
{
    static const size_t counts[] = {1, 1, 8};
    for (size_t i = 0; i < COUNT(cases); i++) {
        rig *r = rig_open(&cases[i]);
        for (size_t k = 0; k < COUNT(counts); k++) {
            rig_errors e;
            rig_run(r, counts[k], &e);
            expect_within(cases[i].name, (unsigned long long)r->steps, &e);
        }
        rig_close(r);
    }
}

/* The bounds above are tight enough: if the derivative of any one layer's activation is wrong by a
 * hundredth, two steps show it. The error is in the oracle, as the product has none to offer. */
Test(oracle, a_derivative_off_by_a_hundredth_is_seen)
{
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t layer = 0;; layer++) {
            rig *r = rig_open(&cases[i]);
            bool hidden = layer < r->truth->hidden_count;
            if (hidden) {
                rig_errors e;
                r->truth->fault[layer] = 1.01;
                rig_run(r, 2, &e);
                cr_expect(!within(&e), "%s: layer %zu", cases[i].name, layer);
            }
            rig_close(r);
            if (!hidden) break;
        }
}

/* The masks passed to the oracle drop about the requested fraction, and different units at each
 * step and in each layer. */
Test(oracle, masks)
{
    static const rig_case c = {"masks", "hidden=40,40 batch=full dropout=0.3", 100, 3, 2};
    rig *r = rig_open(&c);
    rig_batch a, b;
    size_t n = 100 * 40, kept = 0, moved = 0, other = 0;
    rig_batch_open(r, 0, &a);
    rig_batch_open(r, 1, &b);
    for (size_t i = 0; i < n; i++) {
        kept += a.kept[0][i];
        moved += a.kept[0][i] != b.kept[0][i];
        other += a.kept[0][i] != a.kept[1][i];
    }
    /* five standard deviations of a binomial variable */
    cr_expect_float_eq((double)kept, 0.7 * (double)n, 5.0 * sqrt(0.21 * (double)n));
    cr_expect_float_eq((double)moved, 0.42 * (double)n, 5.0 * sqrt(0.25 * (double)n));
    cr_expect_float_eq((double)other, 0.42 * (double)n, 5.0 * sqrt(0.25 * (double)n));
    rig_batch_close(&a);
    rig_batch_close(&b);
    rig_close(r);
}

/* Residual blocks end at the second of two hidden layers that are as wide as the layer before. */
Test(oracle, residual_blocks)
{
    static const struct {
        rig_case c;
        int skip[7];
    } rows[] = {
        {{"three", "hidden=6,6,6 residual=on", 8, 3, 2}, {-1, -1, 0, -1}},
        {{"four", "hidden=6,6,6,6 residual=on", 8, 3, 2}, {-1, -1, 0, -1, -1}},
        {{"five", "hidden=6,6,6,6,6 residual=on", 8, 3, 2}, {-1, -1, 0, -1, 2, -1}},
        {{"late", "hidden=4,6,6,6,3 residual=on", 8, 3, 2}, {-1, -1, -1, 1, -1, -1}},
        {{"features do not count", "hidden=4,4,5,5,5 residual=on", 8, 4, 2},
         {-1, -1, -1, -1, 2, -1}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        rig *r = rig_open(&rows[i].c);
        for (size_t k = 0; k < r->net.count; k++)
            cr_expect_eq(r->net.layer[k].skip, rows[i].skip[k], "%s: %zu", rows[i].c.name, k);
        rig_close(r);
    }
}

/* ---- Very large logits ----------------------------------------------------------------------- */

/* Sets weights, and biases of 0, of a network without hidden layers in product and oracle. */
static void put_weights(rig *r, const float *weights, size_t n)
{
    float *values = calloc(r->net.parameters, sizeof *values);
    memcpy(values, weights, n * sizeof *values);
    memcpy(r->start, values, r->net.parameters * sizeof *values);
    r->cpu->slots->write(r->workspace, 0, 0, r->net.parameters, values, NULL);
    rig_to_truth(r, values, r->truth->theta);
    free(values);
}

static void check_logits(const rig_case *c, const float *weights, size_t n, double expected)
{
    rig *r = rig_open(c);
    rig_errors e;
    float losses[8];
    double truth[8], x[8], t[24];
    for (size_t i = 0; i < 8; i++) r->x[i] = i < 4 ? 1.0f : -1.0f;
    put_weights(r, weights, n);
    for (size_t i = 0; i < 8; i++) x[i] = (double)r->x[i];
    for (size_t i = 0; i < 8 * r->truth->outputs; i++) t[i] = (double)r->t[i];
    cr_assert(r->cpu->slots->infer(r->workspace, 0, 0, 8, NULL, losses, NULL) == LS_OK);
    oracle_infer(r->truth, x, t, 8, NULL, truth);
    double most = 0.0;
    for (size_t i = 0; i < 8; i++) {
        cr_expect(isfinite(losses[i]) && losses[i] >= 0.0f, "%s: row %zu", c->name, i);
        cr_expect_float_eq((double)losses[i], truth[i], 1e-6 * truth[i] + 1e-30, "%s: row %zu",
                           c->name, i);
        most = fmax(most, truth[i]);
    }
    cr_expect_float_eq(most, expected, 1e-9 * expected, "%s: %g", c->name, most);
    rig_run(r, 1, &e);
    expect_within(c->name, 1, &e);
    rig_close(r);
}

Test(oracle, logits_of_ten_thousand)
{
    static const rig_case bce = {"bce", "hidden=none optimizer=sgd batch=full lr=1", 8, 1, 2};
    static const rig_case ce = {"ce", "hidden=none optimizer=sgd batch=full lr=1", 8, 1, 3};
    static const rig_case mse = {"mse", "hidden=none optimizer=sgd batch=full lr=1 loss=mse", 8, 1,
                                 2};
    check_logits(&bce, (float[]){1e4f}, 1, 1e4);
    check_logits(&bce, (float[]){-1e4f}, 1, 1e4);
    check_logits(&bce, (float[]){90.0f}, 1, 90.0);
    check_logits(&ce, (float[]){1e4f, -1e4f, 0.0f}, 3, 2e4);
    check_logits(&ce, (float[]){-90.0f, 90.0f, 0.0f}, 3, 180.0);
    check_logits(&mse, (float[]){1e4f}, 1, 1.0);
}

/* ---- Learning rates -------------------------------------------------------------------------- */

static const rig_schedule schedules[] = {
    {"constant", 0.3, 0, 0.5, 0, 10, 20, 7},  {"constant", 0.3, 0, 0.5, 4, 10, 20, 7},
    {"step", 0.3, 0, 0.5, 0, 3, 40, 5},       {"step", 0.3, 0.01, 0.7, 5, 2, 40, 5},
    {"cosine", 0.3, 0, 0.5, 0, 10, 30, 7},    {"cosine", 0.3, 0.02, 0.5, 6, 10, 30, 7},
    {"cosine", 2.5, 1e-4, 0.5, 1, 10, 2, 3},  {"cosine", 0.1, 0, 0.5, 0, 10, 1, 1},
    {"constant", 0.3, 0, 0.5, 30, 10, 20, 7},
};

/* Accurate to the rounding to float32 and, for cosine, of the angle to float32. */
Test(oracle, schedules)
{
    for (size_t i = 0; i < COUNT(schedules); i++) {
        const rig_schedule *s = &schedules[i];
        char text[300];
        ls_rate_plan plan;
        rig_schedule_text(s, text);
        ls_options *options = rig_options(text);
        ls_rate_plan_init(&plan, &options->settings, s->per_epoch);
        for (uint64_t step = 0; step < s->epochs * s->per_epoch; step++) {
            double truth = rig_rate_of(s, step, 0);
            ls_rates got = ls_rates_at(&plan, step);
            cr_expect_float_eq((double)got.rate, truth, 1e-7 * truth + 3e-7 * s->base,
                               "%zu (%s): step %llu: %g, not %g", i, s->kind,
                               (unsigned long long)step, (double)got.rate, truth);
        }
        ls_options_free(options);
    }
}

Test(oracle, plateau)
{
    static const rig_schedule s = {"plateau", 0.8, 0.15, 0.5, 0, 2, 100, 3};
    static const struct {
        double loss;
        int reductions;
    } epochs[] = {{1.0, 0},  {0.9, 0}, {0.9, 0}, {0.95, 1}, {0.85, 1}, {0.86, 1},
                  {0.84, 1}, {0.9, 1}, {0.9, 2}, {0.9, 2},  {0.9, 3},  {0.1, 3}};
    char text[300];
    ls_rate_plan plan;
    rig_schedule_text(&s, text);
    ls_options *options = rig_options(text);
    ls_rate_plan_init(&plan, &options->settings, s.per_epoch);
    cr_expect_float_eq(ls_rate_at(&plan, 0), 0.8, 1e-15);
    for (size_t i = 0; i < COUNT(epochs); i++) {
        ls_rate_plan_epoch(&plan, epochs[i].loss);
        /* 0.8·0.5³ = 0.1 after three reductions, but min-lr is 0.15 */
        double truth = rig_rate_of(&s, 3 * (i + 1), epochs[i].reductions);
        cr_expect_float_eq(ls_rate_at(&plan, 3 * (i + 1)), truth, 1e-15, "epoch %zu", i + 1);
    }
    ls_options_free(options);
}

static void check_corrections(const char *text, double b1, double b2, double rate, double decay,
                              bool corrected)
{
    static const uint64_t steps[] = {0, 1, 2, 9, 99, 999, 12345, 1000000, 1000000000000};
    ls_options *options = rig_options(text);
    ls_rate_plan plan;
    ls_rate_plan_init(&plan, &options->settings, 10);
    for (size_t i = 0; i < COUNT(steps); i++) {
        ls_rates r = ls_rates_at(&plan, steps[i]);
        double t = (double)steps[i] + 1.0, first = corrected ? rate / (1.0 - pow(b1, t)) : rate;
        double second = corrected ? 1.0 / (1.0 - pow(b2, t)) : 1.0, keep = 1.0 - rate * decay;
        /* one rounding to float32 */
        cr_expect_float_eq((double)r.rate, rate, 0x1p-24 * rate, "%s", text);
        cr_expect_float_eq((double)r.rate_corrected, first, 0x1.001p-24 * first, "%s: t = %g", text,
                           t);
        cr_expect_float_eq((double)r.correction2, second, 0x1.001p-24 * second, "%s: t = %g", text,
                           t);
        cr_expect_float_eq((double)r.keep, keep, 0x1p-24, "%s", text);
    }
    ls_options_free(options);
}

Test(oracle, corrections)
{
    check_corrections("optimizer=adam lr=0.004", 0.9, 0.999, 0.004, 0.0, true);
    check_corrections("optimizer=adam beta1=0.5 beta2=0.9999", 0.5, 0.9999, 0.003, 0.0, true);
    check_corrections("optimizer=adam lr=0.004 bias-correction=off", 0.9, 0.999, 0.004, 0.0, false);
    check_corrections("optimizer=adamw lr=0.02 weight-decay=0.7", 0.9, 0.999, 0.02, 0.7, true);
    check_corrections("optimizer=sgd lr=0.02", 0.0, 0.0, 0.02, 0.0, false);
    check_corrections("optimizer=momentum", 0.0, 0.0, 0.01, 0.0, false);
    check_corrections("optimizer=rmsprop", 0.0, 0.0, 0.003, 0.0, false);
    check_corrections("optimizer=gd batch=full", 0.0, 0.0, 0.1, 0.0, false);
}
