/* SPDX-License-Identifier: MIT */
/* Whole training runs against a training loop of the oracle, and each condition that stops a run
 * against its losses. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/model/model.h"
#include "tests/support/clock.h"
#include "tests/support/rig.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Runs ------------------------------------------------------------------------------------ */

enum { EPOCHS = 6000 };

/* What a run reported to its callback, one entry per epoch. */
typedef struct {
    double loss[EPOCHS], validation[EPOCHS], rate[EPOCHS], seconds[EPOCHS];
    uint64_t epochs, stop_at; /* stop_at: the epoch at which the callback asks to stop, 0: never */
} curve;

static int record(const ls_progress *p, void *user)
{
    curve *c = user;
    cr_assert_lt(c->epochs, EPOCHS);
    cr_assert_eq(p->epoch, c->epochs + 1, "epochs are reported in order, each once");
    cr_assert(!c->stop_at || p->epoch <= c->stop_at,
              "an epoch is reported after the callback asked to stop");
    c->loss[c->epochs] = p->loss;
    c->validation[c->epochs] = p->validation_loss;
    c->rate[c->epochs] = p->learning_rate;
    c->seconds[c->epochs++] = p->seconds;
    return p->epoch == c->stop_at;
}

/* Raw features: one is constant, and one is far from 0. */
static void make_raw(float *x, size_t rows, size_t features)
{
    for (size_t r = 0; r < rows; r++) {
        x[r * features] = 7.0f;
        x[r * features + 1] = 2000.0f + 50.0f * x[r * features + 1];
    }
}

static ls_data *data_of(size_t rows, size_t features, size_t classes, bool raw)
{
    float *x = calloc(rows * features, sizeof *x);
    int32_t *y = calloc(rows, sizeof *y);
    ls_data *data;
    ls_error err;
    rig_data(rows, features, classes, x, y);
    if (raw) make_raw(x, rows, features);
    cr_assert(ls_data_from_arrays(x, y, rows, features, classes, &data, &err) == LS_OK, "%s",
              err.message);
    free(x);
    free(y);
    return data;
}

/* Numbers are the rig's, moved and stretched: 1000 + 50·t. */
static const double number_shift = 1000.0, number_scale = 50.0;

/* The rig's rows with its numbers or labels, and three times its weights. */
static ls_data *targets_of(const rig *r)
{
    size_t rows = r->c->rows, targets = r->numbers + r->labels;
    double *values = calloc(rows * targets, sizeof *values),
           *weights = calloc(rows, sizeof *weights);
    ls_data *data;
    ls_error err;
    for (size_t i = 0; i < rows * targets; i++)
        values[i] = r->numbers ? number_shift + number_scale * (double)r->t[i] : (double)r->t[i];
    for (size_t i = 0; i < rows && r->weight; i++) weights[i] = 3.0 * (double)r->weight[i];
    cr_assert(ls_data_from_targets(r->x, values, rows, r->c->features, targets,
                                   r->labels ? LS_TASK_MULTILABEL : LS_TASK_REGRESSION, &data,
                                   &err) == LS_OK,
              "%s", err.message);
    if (r->weight) cr_assert(ls_data_set_weights(data, weights, &err) == LS_OK);
    free(values);
    free(weights);
    return data;
}

/* Standardises the rig's numbers, and divides its weights by their mean. deviation: of each number,
 * in units of the data. */
static void standardise_targets(rig *r, double *mean, double *deviation)
{
    size_t rows = r->c->rows, targets = r->numbers;
    double weights = 0.0;
    for (size_t i = 0; i < targets; i++) {
        double sum = 0.0, squares = 0.0;
        for (size_t k = i; k < rows * targets; k += targets) sum += (double)r->t[k];
        for (size_t k = i; k < rows * targets; k += targets)
            squares += pow((double)r->t[k] - sum / (double)rows, 2.0);
        double spread = sqrt(squares / (double)rows);
        for (size_t k = i; k < rows * targets; k += targets)
            r->t[k] = (float)(((double)r->t[k] - sum / (double)rows) / spread);
        mean[i] = number_shift + number_scale * sum / (double)rows;
        deviation[i] = number_scale * spread;
    }
    for (size_t i = 0; i < rows && r->weight; i++) weights += (double)r->weight[i];
    for (size_t i = 0; i < rows && r->weight; i++)
        r->weight[i] = (float)((double)r->weight[i] * (double)rows / weights);
}

/* Trains; c may be NULL if stop_at is 0. */
static ls_model *train(const char *text, const ls_data *data, uint64_t stop_at, curve *c)
{
    ls_options *options = rig_options(text);
    ls_model *model;
    ls_error err;
    if (c) *c = (curve){.stop_at = stop_at};
    cr_assert(ls_train(NULL, options, data, c ? record : NULL, c, &model, &err) == LS_OK, "%s: %s",
              text, err.message);
    ls_options_free(options);
    return model;
}

static const char *stopped(const ls_model *model)
{
    ls_summary summary = LS_INIT(ls_summary);
    ls_model_summary(model, &summary, NULL);
    return summary.stopped;
}

static void expect_same_bits(const ls_model *a, const ls_model *b, const char *what)
{
    char left[65], right[65];
    ls_model_weights_sha256(a, left);
    ls_model_weights_sha256(b, right);
    cr_expect_str_eq(left, right, "%s", what);
}

/* Standardises the rig's rows: mean 0, (biased) deviation 1; a constant feature is only shifted. */
static void standardise(rig *r)
{
    size_t rows = r->c->rows, features = r->c->features;
    for (size_t i = 0; i < features; i++) {
        double sum = 0.0, squares = 0.0;
        for (size_t k = i; k < rows * features; k += features) sum += (double)r->x[k];
        for (size_t k = i; k < rows * features; k += features)
            squares += pow((double)r->x[k] - sum / (double)rows, 2.0);
        double deviation = squares > 0.0 ? sqrt(squares / (double)rows) : 1.0;
        for (size_t k = i; k < rows * features; k += features)
            r->x[k] = (float)(((double)r->x[k] - sum / (double)rows) / deviation);
    }
}

/* Trains the oracle. losses: the loss of each epoch, mean or sum over the epoch's rows. */
static void oracle_run(rig *r, const rig_schedule *s, double *losses)
{
    double best = INFINITY;
    uint64_t waited = 0;
    int reductions = 0;
    for (uint64_t step = 0; step < s->epochs * s->per_epoch; step++) {
        rig_batch b;
        rig_batch_open(r, step, &b);
        double *loss = &losses[step / s->per_epoch],
               share = (double)b.batch.rows / (double)r->c->rows;
        if (step % s->per_epoch == 0) *loss = 0.0;
        *loss += oracle_step(r->truth, &b.batch, rig_rate_of(s, step, reductions)) *
                 (r->truth->mean ? share : 1.0);
        rig_batch_close(&b);
        if ((step + 1) % s->per_epoch) continue;
        waited = *loss < best ? 0 : waited + 1;
        best = fmin(best, *loss);
        if (waited < s->every) continue;
        reductions++;
        waited = 0;
    }
}

/* 30 epochs, most on 90 rows; a batch of 16 gives 6 steps per epoch, the last one of 10 rows. */
static const struct {
    rig_case c;
    rig_schedule s;
    bool raw;
} runs[] = {
    {{"logistic, gd", "hidden=none optimizer=gd batch=full", 90, 3, 2},
     {"constant", 0.5, 0, 0.5, 0, 10, 30, 1},
     false},
    {{"not standardised", "hidden=8 activation=tanh batch=16 standardize=off", 90, 3, 3},
     {"constant", 0.01, 0, 0.5, 0, 10, 30, 6},
     false},
    {{"raw features", "hidden=8 activation=tanh batch=16 standardize=on", 90, 3, 3},
     {"constant", 0.01, 0, 0.5, 0, 10, 30, 6},
     true},
    {{"more rows than a block of inference", "hidden=8 activation=tanh batch=64 batch-norm=on", 600,
      3, 3},
     {"constant", 0.01, 0, 0.5, 0, 10, 30, 10},
     false},
    {{"softmax, file order", "hidden=none optimizer=sgd batch=16 order=file", 90, 3, 3},
     {"step", 0.2, 0, 0.5, 0, 8, 30, 6},
     false},
    {{"adam, tanh", "hidden=8,6 activation=tanh batch=16", 90, 3, 3},
     {"cosine", 0.01, 1e-4, 0.5, 3, 10, 30, 6},
     false},
    {{"adamw, gelu, balanced",
      "hidden=8,6 activation=gelu optimizer=adamw batch=16 class-weights=balanced seed=5", 90, 3,
      3},
     {"constant", 0.005, 0, 0.5, 2, 10, 30, 6},
     false},
    {{"momentum, batch norm",
      "hidden=8,6 activation=silu optimizer=momentum batch=16 batch-norm=on", 90, 3, 3},
     {"cosine", 0.02, 0, 0.5, 0, 10, 30, 6},
     false},
    {{"adam, batch norm, dropout, residual",
      "hidden=6,6,6 activation=elu batch=16 batch-norm=on dropout=0.2 residual=on", 90, 3, 2},
     {"constant", 0.01, 0, 0.5, 0, 10, 30, 6},
     false},
    {{"rmsprop, sum, given weights",
      "hidden=8 activation=sigmoid optimizer=rmsprop batch=16 reduction=sum class-weights=1,2.5",
      90, 3, 2},
     {"constant", 0.01, 0, 0.5, 0, 10, 30, 6},
     false},
    {{"nesterov, mse, l1, l2, clip",
      "hidden=8 activation=tanh optimizer=nesterov batch=16 loss=mse l1=1e-3 l2=2e-3 clip=0.1", 90,
      3, 2},
     {"constant", 0.05, 0, 0.5, 0, 10, 30, 6},
     false},
    {{"sgd, plateau, max norm",
      "hidden=8 activation=leaky_relu optimizer=sgd batch=16 max-norm=1.5", 90, 3, 3},
     {"plateau", 0.9, 0.01, 0.4, 0, 1, 30, 6},
     false},
    {{"numbers, adam", "hidden=8,6 activation=tanh batch=16 l2=0 numbers=1", 90, 3, 0},
     {"constant", 0.01, 0, 0.5, 0, 10, 30, 6},
     false},
    {{"numbers, huber, three, weights",
      "hidden=8 activation=silu batch=16 loss=huber huber-delta=0.6 l2=0 init=he numbers=3 row-weights=on",
      90, 3, 0},
     {"cosine", 0.02, 0, 0.5, 0, 10, 30, 6},
     false},
    {{"numbers, mae, weights, sgd",
      "hidden=8 activation=tanh optimizer=sgd batch=16 loss=mae l2=0.01 numbers=1 row-weights=on",
      90, 3, 0},
     {"constant", 0.05, 0, 0.5, 0, 10, 30, 6},
     false},
    {{"smoothed, validation", "hidden=8 activation=tanh batch=16 label-smoothing=0.15", 90, 3, 3},
     {"constant", 0.01, 0, 0.5, 0, 10, 30, 6},
     false},
    {{"labels, weights, batch norm",
      "hidden=8 activation=tanh batch=16 batch-norm=on labels=3 row-weights=on", 90, 3, 0},
     {"constant", 0.01, 0, 0.5, 0, 10, 30, 6},
     false},
};

/* Largest difference between the trained model's outputs for the raw rows and the oracle's for the
 * prepared ones; of numbers in standard deviations. */
static double prediction_error(const rig *r, const ls_model *model, const ls_data *data,
                               const double *mean, const double *deviation)
{
    size_t rows = r->c->rows, inputs = rows * r->c->features, outputs = rows * r->truth->outputs;
    double *x = oracle_alloc(inputs), *truth = oracle_alloc(outputs), worst = 0.0;
    float *got = calloc(outputs, sizeof *got);
    for (size_t i = 0; i < inputs; i++) x[i] = (double)r->x[i];
    oracle_infer(r->truth, x, NULL, rows, truth, NULL);
    cr_assert(ls_model_predict(model, NULL, ls_data_x(data), rows, got, NULL) == LS_OK);
    double *numbers = oracle_alloc(outputs);
    if (r->numbers) cr_assert(ls_model_predict_numbers(model, NULL, data, numbers, NULL) == LS_OK);
    for (size_t i = 0; i < outputs; i++) {
        size_t k = i % r->truth->outputs;
        double value = r->numbers ? (numbers[i] - mean[k]) / deviation[k] : (double)got[i];
        worst = rig_worse(worst, fabs(value - truth[i]));
        if (r->numbers) cr_assert_eq(got[i], (float)numbers[i]);
    }
    free(numbers);
    free(x);
    free(truth);
    free(got);
    return worst;
}

/* The options without the words that say what the targets are, which come last. */
static const char *strip_targets(const char *text)
{
    static char options[600];
    snprintf(options, sizeof options, "%s", text);
    char *targets = strstr(options, " numbers=");
    if (!targets) targets = strstr(options, " labels=");
    if (targets) *targets = 0;
    return options;
}

/* Runs product and oracle on a row. Returns the largest relative error of the loss curve;
 * *prediction is the largest error of the trained outputs. */
static double run_both(size_t i, double *prediction)
{
    static curve c;
    const rig_schedule *s = &runs[i].s;
    char text[600];
    double losses[30], worst = 0.0, mean[8], deviation[8];
    rig_schedule_text(s, text);
    snprintf(text + strlen(text), 300, " %s", runs[i].c.options);
    rig_case both = runs[i].c;
    both.options = text;
    rig *r = rig_open(&both);
    ls_data *data = both.classes ? data_of(both.rows, both.features, both.classes, runs[i].raw)
                                 : targets_of(r);
    ls_model *model = train(strip_targets(text), data, 0, &c);
    float *values = calloc(r->net.parameters + r->net.running, sizeof *values);
    ls_network_init(&r->net, &r->options->settings, values);
    rig_to_truth(r, values, r->truth->theta);
    if (runs[i].raw) make_raw(r->x, both.rows, both.features);
    if (!strstr(text, "standardize=off")) standardise(r);
    if (!both.classes) standardise_targets(r, mean, deviation);
    oracle_run(r, s, losses);
    cr_assert_eq(c.epochs, 30);
    for (size_t k = 0; k < 30; k++) {
        worst = rig_worse(worst, fabs(c.loss[k] / losses[k] - 1.0));
        double rate = rig_rate_of(s, (k + 1) * s->per_epoch - 1, 0);
        bool known = strcmp(s->kind, "plateau"); /* plateau's rate depends on the losses */
        cr_expect(!known || fabs(c.rate[k] - rate) <= 1e-6 * s->base, "%s: rate of epoch %zu",
                  both.name, k + 1);
    }
    cr_expect_lt(losses[29], 0.8 * losses[0], "%s: nothing was learned, so little is tested",
                 both.name);
    *prediction = prediction_error(r, model, data, mean, deviation);
    free(values);
    ls_model_free(model);
    ls_data_free(data);
    rig_close(r);
    return worst;
}

/* The following 180 steps increase the rounding error of a step, so the bounds are four to five
 * times the largest errors measured, 6e-7 and 1.2e-6. The bits are the same on every machine. */
Test(oracle, whole_runs)
{
    for (size_t i = 0; i < COUNT(runs); i++) {
        double prediction, loss = run_both(i, &prediction);
        cr_expect(loss <= 3e-6, "%s: losses are off by %.1e", runs[i].c.name, loss);
        cr_expect(prediction <= 5e-6, "%s: predictions are off by %.1e", runs[i].c.name,
                  prediction);
    }
}

/* ---- Stopping -------------------------------------------------------------------------------- */

#define SMALL "hidden=6,5 activation=tanh batch=16 batch-norm=on dropout=0.2 lr=0.01 "

/* One call runs many epochs; a stop within them must not show. */
Test(oracle, a_callback_that_stops)
{
    static const uint64_t at[] = {1, 2, 3, 5, 17, 100, 333, 399, 400};
    static curve whole, part;
    ls_data *data = data_of(60, 3, 3, false);
    clock_start(1e-3);
    ls_model_free(train(SMALL "epochs=400", data, 0, &whole));
    uint64_t together = 0;
    /* epochs of one call to the device share its time evenly; no two calls take equally long */
    for (size_t k = 2; k < 400; k++)
        together += fabs(whole.seconds[k] - 2.0 * whole.seconds[k - 1] + whole.seconds[k - 2]) <
                    1e-10;
    cr_expect_gt(together, 100,
                 "only %llu epochs shared a call with others: this test does not test much",
                 (unsigned long long)together);
    for (size_t i = 0; i < COUNT(at); i++) {
        char text[200];
        ls_summary a = LS_INIT(ls_summary), b = LS_INIT(ls_summary);
        size_t points;
        snprintf(text, sizeof text, SMALL "epochs=%llu", (unsigned long long)at[i]);
        ls_model *stops = train(SMALL "epochs=400", data, at[i], &part),
                 *ends = train(text, data, 0, NULL);
        expect_same_bits(stops, ends, text);
        cr_expect_eq(part.epochs, at[i]);
        cr_expect_arr_eq(part.loss, whole.loss, at[i] * sizeof *part.loss);
        cr_expect_str_eq(stopped(stops), at[i] == 400 ? "epochs" : "callback");
        ls_model_summary(stops, &a, NULL);
        ls_model_summary(ends, &b, NULL);
        cr_expect(a.epochs == at[i] && a.steps == 4 * at[i] && a.best_epoch == at[i] &&
                      a.loss == b.loss,
                  "%s", text);
        cr_expect_eq(ls_model_history(stops, &points)[points - 1].epoch, at[i]);
        ls_model_free(stops);
        ls_model_free(ends);
    }
    ls_data_free(data);
}

/* "Stop when the loss improves by less than T for N epochs", compared with the losses of a run
 * without that condition. */
Test(oracle, tolerance)
{
    static curve whole, part;
    static const struct {
        double tolerance;
        uint64_t epochs;
    } rows[] = {{1e-3, 3}, {3e-4, 10}, {1e-2, 1}};
    ls_data *data = data_of(60, 3, 3, false);
    ls_model_free(train("hidden=6 activation=tanh lr=0.01 epochs=2000", data, 0, &whole));
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[200];
        double best = INFINITY;
        uint64_t bad = 0, epoch = 0;
        for (; epoch < 2000 && bad < rows[i].epochs; epoch++) {
            bad = whole.loss[epoch] < best - rows[i].tolerance ? 0 : bad + 1;
            best = fmin(best, whole.loss[epoch]);
        }
        cr_assert_lt(epoch, 2000);
        snprintf(text, sizeof text,
                 "hidden=6 activation=tanh lr=0.01 epochs=2000 tolerance=%g tolerance-epochs=%llu",
                 rows[i].tolerance, (unsigned long long)rows[i].epochs);
        ls_model *stops = train(text, data, 0, &part);
        snprintf(text, sizeof text, "hidden=6 activation=tanh lr=0.01 epochs=%llu",
                 (unsigned long long)epoch);
        ls_model *ends = train(text, data, 0, NULL);
        cr_expect_eq(part.epochs, epoch, "stopped after %llu epochs, not %llu",
                     (unsigned long long)part.epochs, (unsigned long long)epoch);
        cr_expect_str_eq(stopped(stops), "tolerance");
        expect_same_bits(stops, ends, text);
        ls_model_free(stops);
        ls_model_free(ends);
    }
    ls_data_free(data);
}

#define PATIENT "hidden=12 activation=tanh lr=0.05 batch=16 batch-norm=on validation=0.3 "

/* The result has exactly the weights that were best on the validation rows: their loss is the
 * lowest one reported, and training up to that epoch gives the same bits. */
Test(oracle, patience)
{
    static curve c;
    const char *text = PATIENT "patience=8 epochs=500";
    ls_data *data = data_of(120, 3, 3, false), *rest, *part;
    ls_metrics *metrics;
    ls_summary summary = LS_INIT(ls_summary);
    char again[200];
    ls_model *model = train(text, data, 0, &c);
    uint64_t best = 0;
    for (uint64_t k = 1; k < c.epochs; k++) best = c.validation[k] < c.validation[best] ? k : best;
    ls_model_summary(model, &summary, NULL);
    cr_expect_str_eq(stopped(model), "patience");
    cr_expect_eq(summary.best_epoch, best + 1);
    cr_expect_eq(summary.epochs, c.epochs);
    cr_expect_eq(c.epochs, best + 1 + 8);
    cr_expect_gt(c.validation[c.epochs - 1], c.validation[best]);
    cr_assert(ls_data_split(data, 0.3, 1, &rest, &part, NULL) == LS_OK);
    cr_assert(ls_model_evaluate(model, NULL, part, &metrics, NULL) == LS_OK);
    cr_expect_float_eq(metrics->loss, c.validation[best], 1e-12);
    snprintf(again, sizeof again, PATIENT "epochs=%llu", (unsigned long long)best + 1);
    ls_model *ends = train(again, data, 0, NULL);
    expect_same_bits(model, ends, again);
    ls_model_free(ends);
    ls_model_free(model);
    ls_metrics_free(metrics);
    ls_data_free(rest);
    ls_data_free(part);
    ls_data_free(data);
}

/* Label smoothing changes what is trained: the validation loss remains the cross-entropy of the
 * classes themselves. */
Test(oracle, smoothed_labels_and_the_validation_loss)
{
    static curve c;
    ls_data *data = data_of(120, 3, 3, false), *rest, *part;
    ls_model *plain, *smoothed;
    plain = train("hidden=12 activation=tanh lr=0.05 batch=16 validation=0.3 epochs=9", data, 0,
                  &c);
    double without = c.loss[8];
    smoothed = train("hidden=12 activation=tanh lr=0.05 batch=16 validation=0.3 epochs=9 "
                     "label-smoothing=0.2",
                     data, 0, &c);
    cr_assert(ls_data_split(data, 0.3, 1, &rest, &part, NULL) == LS_OK);
    size_t rows = ls_data_rows(part);
    float *p = calloc(rows * 3, sizeof *p);
    double truth = 0.0;
    cr_assert(p && ls_model_predict(smoothed, NULL, ls_data_x(part), rows, p, NULL) == LS_OK);
    for (size_t i = 0; i < rows; i++) truth -= log((double)p[i * 3 + (size_t)ls_data_y(part)[i]]);
    cr_expect_float_eq(c.validation[8], truth / (double)rows, 1e-6);
    cr_expect_gt(c.loss[8], without + 0.1, "the training loss is that of the smoothed targets");
    free(p);
    ls_model_free(plain);
    ls_model_free(smoothed);
    ls_data_free(rest);
    ls_data_free(part);
    ls_data_free(data);
}

Test(oracle, time_limit)
{
    static curve c;
    ls_data *data = data_of(60, 3, 3, false);
    ls_summary summary = LS_INIT(ls_summary);
    clock_start(0.03); /* each call to the device seems to take that long */
    ls_model *first = train(SMALL "time-limit=1e-9", data, 0, &c),
             *one = train(SMALL "epochs=1", data, 0, NULL);
    cr_expect_eq(c.epochs, 1, "a limit that has passed stops after the current epoch");
    cr_expect_str_eq(stopped(first), "time");
    expect_same_bits(first, one, "one epoch");
    ls_model *later = train("hidden=200,200 batch=8 epochs=1e9 time-limit=0.2", data, 0, &c);
    ls_model_summary(later, &summary, NULL);
    cr_expect_str_eq(stopped(later), "time");
    cr_expect(summary.seconds >= 0.2 && summary.seconds < 0.23, "%g s", summary.seconds);
    cr_expect_gt(summary.epochs, 1);
    ls_model_free(first);
    ls_model_free(one);
    ls_model_free(later);
    ls_data_free(data);
}

Test(oracle, history_is_thinned)
{
    static const uint64_t epochs[] = {1, 2, 998, 999, 1000, 1001, 1002, 2001, 5000};
    static curve c;
    ls_data *data = data_of(8, 2, 2, false);
    for (size_t i = 0; i < 2 * COUNT(epochs); i++) {
        char text[100];
        size_t count;
        uint64_t last = epochs[i / 2];
        bool callback = i % 2; /* stopped by a callback, which is the harder case */
        snprintf(text, sizeof text, "hidden=none batch=full epochs=%llu",
                 callback ? 5999ull : (unsigned long long)last);
        ls_model *model = train(text, data, callback ? last : 0, &c);
        const ls_history_point *p = ls_model_history(model, &count);
        cr_assert_gt(count, 0);
        cr_expect_leq(count, 1000, "%s: %zu points", text, count);
        cr_expect_geq(count, last < 500 ? last : 400, "%s: %zu points", text, count);
        cr_expect(p[0].epoch == 1 && p[count - 1].epoch == last, "%s: from %llu to %llu", text,
                  (unsigned long long)p[0].epoch, (unsigned long long)p[count - 1].epoch);
        for (size_t k = 0; k < count; k++) {
            cr_expect(!k || p[k].epoch > p[k - 1].epoch, "%s: point %zu", text, k);
            cr_expect_eq(p[k].loss, (float)c.loss[p[k].epoch - 1], "%s: point %zu", text, k);
            cr_expect(isnan(p[k].validation_loss));
        }
        ls_model_free(model);
    }
    ls_data_free(data);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

/* What overflows float32 first, from the oracle's run: the layer whose pre-activations or weights
 * exceed FLT_MAX, and the step (from 1). The settings are such that they exceed it by far. */
static const char *first_overflow(rig *r, uint64_t *step, size_t *layer)
{
    for (*step = 1; *step < 50; ++*step) {
        rig_batch b;
        for (*layer = 0; *layer < r->truth->layers; ++*layer) {
            const oracle_layer *l = &r->truth->layer[*layer];
            for (size_t i = l->weight; i < l->bias + l->out; i++)
                if (fabs(r->truth->theta[i]) > FLT_MAX) return "weights";
        }
        rig_batch_open(r, *step - 1, &b);
        oracle_step(r->truth, &b.batch, r->truth->rate);
        rig_batch_close(&b);
        for (*layer = 0; *layer < r->truth->layers; ++*layer)
            if (r->truth->peak[*layer] > FLT_MAX) return "activations";
    }
    return "nothing";
}

static void check_divergence(const rig_case *c, float scale)
{
    rig *r = rig_open(c);
    ls_options *options = rig_options(c->options);
    ls_data *data;
    ls_model *model = NULL;
    ls_error err = {0};
    char layer_text[100], step_text[100];
    uint64_t step;
    size_t layer;
    float *values = calloc(r->net.parameters + r->net.running, sizeof *values);
    ls_network_init(&r->net, &r->options->settings, values);
    rig_to_truth(r, values, r->truth->theta);
    for (size_t i = 0; i < c->rows * c->features; i++) r->x[i] *= scale;
    cr_assert(ls_data_from_arrays(r->x, r->y, c->rows, c->features, c->classes, &data, &err) ==
                  LS_OK,
              "%s", err.message);
    if (!strstr(c->options, "standardize=off")) standardise(r);
    const char *what = first_overflow(r, &step, &layer);
    cr_expect_eq(ls_train(NULL, options, data, NULL, NULL, &model, &err), LS_ERR_DIVERGED, "%s",
                 c->name);
    snprintf(layer_text, sizeof layer_text, "%s of layer %zu of %zu ", what, layer + 1,
             r->truth->layers);
    snprintf(step_text, sizeof step_text, "at step %llu ", (unsigned long long)step);
    cr_expect(strstr(err.message, layer_text) && strstr(err.message, step_text),
              "%s: not '%s' and '%s' but: %s", c->name, layer_text, step_text, err.message);
    free(values);
    ls_options_free(options);
    ls_data_free(data);
    rig_close(r);
}

Test(oracle, divergence_is_named)
{
    static const rig_case two = {
        "two", "hidden=8,8 activation=relu optimizer=sgd lr=1e6 batch=full", 60, 3, 3};
    static const rig_case four = {
        "four", "hidden=8,8,8,8 activation=identity optimizer=sgd lr=1e6 batch=16", 60, 3, 3};
    static const rig_case mse = {
        "mse", "hidden=8,8 activation=elu optimizer=momentum lr=1e6 output=identity", 60, 3, 2};
    static const rig_case weights = {
        "weights", "hidden=none optimizer=sgd lr=1e6 reduction=sum standardize=off", 60, 3, 2};
    check_divergence(&two, 1.0f);
    check_divergence(&four, 1.0f);
    check_divergence(&mse, 1.0f);
    check_divergence(&weights, 1e33f);
}

/* No loss follows the last step's update, so that no loss can show that it diverged. */
Test(oracle, divergence_in_the_last_step)
{
    static const float x[] = {1e33f, -2e33f, 3e33f, 1e33f};
    static const int32_t y[] = {0, 1, 0, 1};
    ls_options *options = rig_options(
        "hidden=none optimizer=gd batch=full lr=1e6 reduction=sum standardize=off epochs=1");
    ls_data *data;
    ls_model *model = NULL;
    ls_error err = {0};
    cr_assert(ls_data_from_arrays(x, y, 4, 1, 2, &data, &err) == LS_OK);
    cr_expect_eq(ls_train(NULL, options, data, NULL, NULL, &model, &err), LS_ERR_DIVERGED);
    cr_expect(strstr(err.message, "last step"), "%s", err.message);
    ls_options_free(options);
    ls_data_free(data);
}

static void expect_refused(const char *text, const ls_data *data, ls_status expected,
                           const char *word)
{
    ls_options *options = rig_options(text);
    ls_model *model = NULL;
    ls_error err = {0};
    cr_expect_eq(ls_train(NULL, options, data, NULL, NULL, &model, &err), expected, "%s: %s", text,
                 err.message);
    cr_expect_null(model);
    cr_expect(strstr(err.message, word), "%s: %s", text, err.message);
    ls_options_free(options);
}

Test(oracle, refusals)
{
    static const float x[] = {1, 2, 3, 4};
    static const int32_t y[] = {1, 1, 1, 1};
    ls_data *data = data_of(60, 3, 3, false), *single, *bare;
    cr_assert(ls_data_from_arrays(x, y, 4, 1, 2, &single, NULL) == LS_OK);
    cr_assert(ls_data_from_arrays(x, NULL, 4, 1, 0, &bare, NULL) == LS_OK);
    expect_refused("optimizer=gd batch=16", data, LS_ERR_ARGUMENT, "sgd");
    expect_refused("patience=5 validation=0", data, LS_ERR_ARGUMENT, "--validation");
    expect_refused("class-weights=1,2", data, LS_ERR_ARGUMENT, "--class-weights");
    expect_refused("loss=bce", data, LS_ERR_ARGUMENT, "--loss ce");
    expect_refused("loss=ce output=sigmoid", data, LS_ERR_ARGUMENT, "softmax");
    expect_refused("residual=on hidden=4,5", data, LS_ERR_ARGUMENT, "--residual");
    expect_refused("epochs=3", single, LS_ERR_DATA, "class");
    expect_refused("epochs=3", bare, LS_ERR_ARGUMENT, "classes");
    /* gd with a batch of all rows is accepted */
    ls_model_free(train("optimizer=gd batch=60 epochs=2", data, 0, NULL));
    ls_data_free(data);
    ls_data_free(single);
    ls_data_free(bare);
}
