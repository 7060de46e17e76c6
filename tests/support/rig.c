/* SPDX-License-Identifier: MIT */
#include "tests/support/rig.h"
#include "core_cpu/cpu.h"
#include "host/network/settings.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Only for the random stream, which is input data of the oracle: the rows of a batch, and the
 * dropped units. */
#include "kernels/random.h"

/* ---- Data ------------------------------------------------------------------------------------ */

/* Knuth's 64-bit linear congruential generator, high bits, in [-1, 1). */
static double noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 33) * 0x1p-30 - 1.0;
}

void rig_data(size_t rows, size_t features, size_t classes, float *x, int32_t *y)
{
    uint64_t state = 7;
    for (size_t r = 0; r < rows; r++) {
        double sum = 0.0;
        for (size_t i = 0; i < features; i++) {
            double value = 1.5 * noise(&state);
            x[r * features + i] = (float)value;
            sum += (i % 2 ? 1.0 : -0.6) * value * value + 0.5 * value;
        }
        /* classes of different sizes that can be predicted in part */
        double place = 0.35 + 0.3 * sum + 0.25 * noise(&state);
        y[r] = (int32_t)fmin(fmax(floor(place * (double)classes), 0.0), (double)(classes - 1));
    }
}

static void fill_weights(rig *r, const char *text)
{
    double weight[64], count[64] = {0};
    const rig_case *c = r->c;
    if (!strcmp(text, "none")) return;
    for (size_t i = 0; i < c->rows; i++) count[r->y[i]] += 1.0;
    for (size_t k = 0; k < c->classes; k++) {
        if (!strcmp(text, "balanced"))
            weight[k] = (double)c->rows / ((double)c->classes * count[k]);
        else {
            weight[k] = strtod(text, NULL);
            text = strchr(text, ',') ? strchr(text, ',') + 1 : text;
        }
    }
    r->weight = calloc(c->rows, sizeof *r->weight);
    for (size_t i = 0; i < c->rows; i++) r->weight[i] = (float)weight[r->y[i]];
}

/* Numbers that depend on the features, or labels: whether such a number is large. */
static void fill_targets(rig *r)
{
    const rig_case *c = r->c;
    uint64_t state = 11;
    size_t targets = r->numbers + r->labels;
    for (size_t i = 0; i < c->rows * targets; i++) {
        const float *x = r->x + i / targets * c->features;
        double value = 1.3 * noise(&state);
        for (size_t k = 0; k < c->features; k++)
            value += ((k + i % targets) % 2 ? 0.7 : -0.4) * (double)x[k];
        r->t[i] = (float)(r->numbers ? value : value > 0.4);
    }
    for (size_t i = 0; r->row_weights && i < c->rows; i++)
        r->weight[i] = (float)(1.0 + noise(&state));
}

static void fill_data(rig *r, const char *weights)
{
    const rig_case *c = r->c;
    size_t outputs = r->truth->outputs;
    r->x = calloc(c->rows * c->features, sizeof *r->x);
    r->y = calloc(c->rows, sizeof *r->y);
    r->t = calloc(c->rows * outputs, sizeof *r->t);
    rig_data(c->rows, c->features, c->classes ? c->classes : 1, r->x, r->y);
    if (r->row_weights) r->weight = calloc(c->rows, sizeof *r->weight);
    if (r->numbers + r->labels) {
        fill_targets(r);
        return;
    }
    for (size_t i = 0; i < c->rows; i++)
        for (size_t k = 0; k < outputs; k++)
            r->t[i * outputs + k] = outputs == 1 ? (float)r->y[i] : (float)(r->y[i] == (int32_t)k);
    fill_weights(r, weights);
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* Whether an option affects the training loop or the initial values and not a step: the test that
 * sets it handles it. */
static bool of_the_loop(const char *name)
{
    static const char *const names[] = {
        "epochs",           "standardize", "schedule",   "schedule-epochs", "schedule-factor",
        "warmup",           "min-lr",      "validation", "patience",        "tolerance",
        "tolerance-epochs", "time-limit",  "init"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) return true;
    return false;
}

/* Whether a word says what the targets are, which is not an option. */
static bool of_the_targets(rig *r, const char *word, const char *value)
{
    if (!strcmp(word, "numbers")) r->numbers = strtoul(value, NULL, 10);
    else if (!strcmp(word, "labels")) r->labels = strtoul(value, NULL, 10);
    else if (!strcmp(word, "row-weights")) r->row_weights = !strcmp(value, "on");
    else return false;
    return true;
}

/* Sets each option in product and oracle; the rig handles those of batches. weights: at least 64
 * bytes. */
static void set_options(rig *r, char *weights)
{
    char text[512], *rest = text, *word;
    ls_error err;
    strcpy(weights, "none");
    snprintf(text, sizeof text, "%s", r->c->options);
    r->shuffle = true;
    r->seed = 1;
    r->batch = SIZE_MAX;
    while ((word = strsep(&rest, " "))) {
        char *value = strchr(word, '=');
        cr_assert(value, "%s: '%s' is not an option", r->c->name, word);
        *value++ = 0;
        if (of_the_targets(r, word, value)) continue;
        cr_assert(ls_options_set(r->options, word, value, &err) == LS_OK, "%s: %s", r->c->name,
                  err.message);
        if (!strcmp(word, "bins")) r->pieces = strtoul(value, NULL, 10);
        else if (!strcmp(word, "embedding")) r->pieces = 8;
        else if (!strcmp(word, "batch"))
            r->batch = strcmp(value, "full") ? strtoul(value, NULL, 10) : 0;
        else if (!strcmp(word, "order")) r->shuffle = !strcmp(value, "shuffle");
        else if (!strcmp(word, "seed")) r->seed = strtoull(value, NULL, 10);
        else if (!strcmp(word, "class-weights")) snprintf(weights, 64, "%s", value);
        else if (!of_the_loop(word))
            cr_assert(oracle_set(r->truth, word, value), "%s: the oracle does not know %s",
                      r->c->name, word);
    }
    if (r->batch == SIZE_MAX) r->batch = strcmp(r->truth->optimizer, "gd") ? 32 : 0;
    if (!r->batch || r->batch > r->c->rows) r->batch = r->c->rows;
    r->shuffle = r->shuffle && r->batch < r->c->rows;
}

/* Inputs of the oracle's network, which begins after the embedding. */
static size_t inputs_of(const rig *r) { return r->c->features * (r->pieces ? r->pieces : 1); }
/* The product's number of a layer of the oracle. */
static size_t own_layer(const rig *r, size_t layer) { return layer + (r->pieces > 0); }

/* Piecewise-linear encoding (Gorishniy et al. 2022, equation 1): x of one input to pieces between
 * knots from -2 to 2; the first is open below, the last above. */
static void encode(size_t pieces, double x, double *to)
{
    for (size_t t = 0; t < pieces; t++) {
        double share = (x - (4.0 * (double)t / (double)pieces - 2.0)) * (double)pieces / 4.0;
        if (t > 0) share = fmax(share, 0.0);
        if (t + 1 < pieces) share = fmin(share, 1.0);
        to[t] = share;
    }
}

/* Product and oracle have the same network. */
static void check_shape(const rig *r)
{
    const char *name = r->c->name;
    cr_assert_eq(r->net.count, own_layer(r, r->truth->layers), "%s", name);
    cr_assert_eq(r->net.parameters, r->truth->parameters, "%s", name);
    cr_assert_eq(r->net.running, r->truth->running_count + 5 * (r->pieces ? inputs_of(r) : 0), "%s",
                 name);
    for (size_t i = 0; i < r->truth->layers; i++) {
        const ls_layer *l = &r->net.layer[own_layer(r, i)];
        const oracle_layer *o = &r->truth->layer[i];
        int skip = o->skip < 0 ? o->skip : (int)own_layer(r, (size_t)o->skip);
        cr_assert(l->in == o->in && l->out == o->out && l->norm == o->norm && l->skip == skip,
                  "%s: layer %zu", name, i);
    }
}

size_t rig_tensors(const rig *r, size_t layer) { return r->truth->layer[layer].norm ? 3 : 2; }

size_t rig_tensor(const rig *r, size_t layer, size_t k, size_t *product, size_t *truth)
{
    const ls_layer *l = &r->net.layer[own_layer(r, layer)];
    const oracle_layer *o = &r->truth->layer[layer];
    *product = k == 0 ? l->weight : k == 2 ? l->beta : l->norm ? l->gamma : l->bias;
    *truth = k == 0 ? o->weight : k == 2 ? o->beta : o->norm ? o->gamma : o->bias;
    return k == 0 ? o->in * o->out : o->out;
}

void rig_to_truth(const rig *r, const float *from, double *to)
{
    for (size_t i = 0; i < r->truth->layers; i++)
        for (size_t k = 0; k < rig_tensors(r, i); k++) {
            size_t p, t, n = rig_tensor(r, i, k, &p, &t);
            for (size_t j = 0; j < n; j++) to[t + j] = (double)from[p + j];
        }
}

/* Biases, gammas and betas start at values other than 0 or 1: a wrong gradient of a zero bias often
 * looks right. */
static void disturb(rig *r, float *values)
{
    uint64_t state = 3;
    for (size_t i = r->net.weights; i < r->net.parameters; i++)
        values[i] += (float)(0.3 * noise(&state));
}

static void start(rig *r)
{
    const ls_plan *p = r->plan;
    const ls_settings *s = &r->options->settings;
    float *values = calloc(r->net.parameters + r->net.running + 1, sizeof *values);
    ls_network_init(&r->net, s, values);
    disturb(r, values);
    r->start = calloc(p->state, sizeof *r->start);
    r->state = calloc(p->state, sizeof *r->state);
    memcpy(r->start, values, r->net.parameters * sizeof *values);
    memcpy(r->start + p->state - p->running, values + r->net.parameters,
           r->net.running * sizeof *values);
    r->cpu->slots->write(r->workspace, 0, 0, p->state, r->start, NULL);
    rig_to_truth(r, values, r->truth->theta);
    free(values);
}

static ls_shape shape_of(const rig *r)
{
    if (!(r->numbers + r->labels)) return ls_shape_of_classes(r->c->classes);
    return (ls_shape){.task = r->labels ? LS_TASK_MULTILABEL : LS_TASK_REGRESSION,
                      .targets = r->numbers + r->labels};
}

rig *rig_open(const rig_case *c)
{
    char weights[64];
    ls_error err;
    rig *r = calloc(1, sizeof *r);
    r->c = c;
    r->truth = oracle_new();
    cr_assert(ls_options_create_plain(&r->options, &err) == LS_OK);
    set_options(r, weights);
    if (!(r->numbers + r->labels)) oracle_build(r->truth, inputs_of(r), c->classes);
    else oracle_build_targets(r->truth, inputs_of(r), r->numbers + r->labels, r->labels > 0);
    fill_data(r, weights);
    const ls_settings *s = &r->options->settings;
    cr_assert(ls_network_build(s, c->features, shape_of(r), &r->net, &err) == LS_OK, "%s: %s",
              c->name, err.message);
    check_shape(r);
    cr_assert(ls_plan_build(&r->net, s, LS_PLAN_TRAIN, c->rows, r->weight != NULL, &r->plan,
                            &err) == LS_OK,
              "%s: %s", c->name, err.message);
    cr_assert(ls_cpu_open(1, NULL, &r->cpu, &err) == LS_OK, "%s", err.message);
    ls_rows data = {c->rows, c->features, r->truth->outputs, r->x, r->t, r->weight};
    cr_assert(ls_workspace_of_one(r->cpu, &data, r->plan, &r->workspace, &err) == LS_OK, "%s",
              err.message);
    start(r);
    return r;
}

void rig_close(rig *r)
{
    r->cpu->slots->workspace_close(r->workspace);
    r->cpu->slots->close(r->cpu);
    ls_plan_free(r->plan);
    ls_network_free(&r->net);
    ls_options_free(r->options);
    oracle_free(r->truth);
    free(r->x);
    free(r->t);
    free(r->y);
    free(r->weight);
    free(r->start);
    free(r->state);
    free(r);
}

/* ---- Batches --------------------------------------------------------------------------------- */

/* The product's dropout stream: element r·out + j of layer i at this step. */
static void fill_mask(const rig *r, uint64_t step, size_t rows, rig_batch *b)
{
    for (size_t i = 0; i < r->truth->hidden_count && r->truth->dropout > 0; i++) {
        size_t n = rows * r->truth->layer[i].out;
        b->kept[i] = calloc(n, 1);
        for (size_t e = 0; e < n; e++)
            b->kept[i][e] = ls_dropout_factor(r->seed,
                                              LS_PURPOSE_DROPOUT + ((ls_u32)own_layer(r, i) << 8),
                                              step, (ls_u32)e, (float)r->truth->dropout) != 0.0f;
    }
}

void rig_batch_open(const rig *r, uint64_t step, rig_batch *b)
{
    size_t all = r->c->rows, per_epoch = all / r->batch + (all % r->batch != 0),
           features = r->c->features;
    size_t first = (size_t)(step % per_epoch) * r->batch, outputs = r->truth->outputs;
    size_t rows = first + r->batch <= all ? r->batch : all - first;
    *b = (rig_batch){.x = oracle_alloc(rows * inputs_of(r)),
                     .t = oracle_alloc(rows * outputs),
                     .weight = oracle_alloc(rows)};
    for (size_t i = 0; i < rows; i++) {
        size_t from = first + i;
        if (r->shuffle)
            from = ls_permute((ls_u32)from, (ls_u32)all, r->seed, LS_PURPOSE_ORDER,
                              step / per_epoch);
        for (size_t k = 0; k < features; k++) {
            double value = (double)r->x[from * features + k];
            if (r->pieces) encode(r->pieces, value, b->x + i * inputs_of(r) + k * r->pieces);
            else b->x[i * features + k] = value;
        }
        for (size_t k = 0; k < outputs; k++)
            b->t[i * outputs + k] = (double)r->t[from * outputs + k];
        b->weight[i] = r->weight ? (double)r->weight[from] : 1.0;
    }
    fill_mask(r, step, rows, b);
    b->batch = (oracle_batch){rows, b->x, b->t, b->weight, (const unsigned char *const *)b->kept};
}

void rig_batch_close(rig_batch *b)
{
    free(b->x);
    free(b->t);
    free(b->weight);
    for (size_t i = 0; i < ORACLE_LAYERS; i++) free(b->kept[i]);
}

/* ---- Running --------------------------------------------------------------------------------- */

double rig_rate(const rig *r, uint64_t step)
{
    return r->truth->rate * (1.0 - 0.07 * (double)(step % 5));
}

/* The scalars of a step for the product's optimizers, from the formulas. */
static ls_rates rates_of(const oracle *o, double rate, double t)
{
    bool adam = !strncmp(o->optimizer, "adam", 4), correct = adam && o->bias_correction;
    return (ls_rates){
        .rate = (float)rate,
        .rate_corrected = (float)(correct ? rate / (1.0 - pow(o->beta1, t)) : rate),
        .correction2 = (float)(correct ? 1.0 / (1.0 - pow(o->beta2, t)) : 1.0),
        .keep = strcmp(o->optimizer, "adamw") ? 1.0f : (float)(1.0 - rate * o->weight_decay)};
}

void rig_run_product(rig *r, size_t count, float *losses)
{
    ls_rates rates[16];
    ls_error err;
    cr_assert(count <= 16);
    for (size_t i = 0; i < count; i++)
        rates[i] = rates_of(r->truth, rig_rate(r, r->steps + i), (double)(r->steps + i + 1));
    ls_run run = {.member = 0, .first = r->steps, .count = count, .rates = rates, .losses = losses};
    cr_assert(r->cpu->slots->run(r->workspace, &run, 1, &err) == LS_OK, "%s: %s", r->c->name,
              err.message);
    cr_assert(r->cpu->slots->read(r->workspace, 0, 0, r->plan->state, r->state, &err) == LS_OK);
    r->steps += count;
}

double rig_worse(double a, double b)
{
    return isnan(a) || isnan(b) ? (double)INFINITY : fmax(a, b);
}

/* Raises *worst to the error of a tensor. before: the values from which the change is measured, or
 * NULL for 0. */
static void compare(const float *got, const float *before, const double *truth, size_t n,
                    double steps, double *worst)
{
    double error = 0.0, scale = 0.0, largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        double from = before ? (double)before[i] : 0.0;
        error = rig_worse(error, fabs((double)got[i] - truth[i]));
        scale = fmax(scale, fabs(truth[i] - from));
        largest = fmax(largest, fabs(truth[i]));
    }
    if (before) error = fmax(error - steps * 0x1p-24 * largest, 0.0);
    if (error != 0.0) error /= scale;
    *worst = rig_worse(*worst, error);
}

static void compare_state(const rig *r, rig_errors *errors)
{
    const oracle *o = r->truth;
    const float *running = r->state + r->plan->state - r->plan->running;
    const float *before = r->start + r->plan->state - r->plan->running;
    double steps = (double)r->steps;
    int states = ls_optimizers[r->plan->optimizer].states;
    for (size_t i = 0; i < o->layers; i++) {
        const ls_layer *l = &r->net.layer[own_layer(r, i)];
        for (size_t k = 0; k < rig_tensors(r, i); k++) {
            size_t p, t, n = rig_tensor(r, i, k, &p, &t);
            compare(r->state + p, r->start + p, o->theta + t, n, steps, &errors->parameters);
            if (states > 0)
                compare(r->state + o->parameters + p, NULL, o->first + t, n, steps,
                        &errors->states);
            if (states > 1)
                compare(r->state + 2 * o->parameters + p, NULL, o->second + t, n, steps,
                        &errors->states);
        }
        if (!l->norm) continue;
        const double *mean = o->running + o->layer[i].mean,
                     *variance = o->running + o->layer[i].variance;
        compare(running + l->mean, before + l->mean, mean, l->out, steps, &errors->running);
        compare(running + l->variance, before + l->variance, variance, l->out, steps,
                &errors->running);
    }
}

void rig_run(rig *r, size_t count, rig_errors *errors)
{
    float losses[16];
    *errors = (rig_errors){0};
    uint64_t first = r->steps;
    rig_run_product(r, count, losses);
    for (size_t i = 0; i < count; i++) {
        rig_batch b;
        rig_batch_open(r, first + i, &b);
        double loss = oracle_step(r->truth, &b.batch, rig_rate(r, first + i));
        if (r->truth->mean) loss *= (double)b.batch.rows; /* the plan's losses are sums */
        compare(&losses[i], NULL, &loss, 1, 0.0, &errors->losses);
        rig_batch_close(&b);
    }
    compare_state(r, errors);
}

/* ---- Learning rates -------------------------------------------------------------------------- */

/* Cosine: Loshchilov, Hutter 2017, equation 5, one cycle over the steps after the warm-up. */
double rig_rate_of(const rig_schedule *s, uint64_t step, int reductions)
{
    double epoch = floor((double)step / (double)s->per_epoch),
           warm = (double)(s->warmup * s->per_epoch), rate = s->base;
    if ((double)step < warm) return s->base * ((double)step + 1.0) / warm;
    double done = ((double)step - warm) / ((double)(s->epochs * s->per_epoch) - warm);
    if (!strcmp(s->kind, "constant")) return s->base;
    if (!strcmp(s->kind, "step")) rate = s->base * pow(s->factor, floor(epoch / (double)s->every));
    if (!strcmp(s->kind, "cosine"))
        rate = s->min + 0.5 * (s->base - s->min) * (1.0 + cos(acos(-1.0) * done));
    if (!strcmp(s->kind, "plateau")) rate = s->base * pow(s->factor, reductions);
    return fmax(rate, s->min);
}

void rig_schedule_text(const rig_schedule *s, char *text)
{
    snprintf(text, 300,
             "schedule=%s lr=%.17g min-lr=%.17g schedule-factor=%.17g warmup=%llu "
             "schedule-epochs=%llu epochs=%llu",
             s->kind, s->base, s->min, s->factor, (unsigned long long)s->warmup,
             (unsigned long long)s->every, (unsigned long long)s->epochs);
}

ls_options *rig_options(const char *text)
{
    char copy[512], *rest = copy, *word;
    ls_options *options;
    ls_error err;
    snprintf(copy, sizeof copy, "%s", text);
    cr_assert(ls_options_create_plain(&options, &err) == LS_OK);
    while ((word = strsep(&rest, " "))) {
        char *value = strchr(word, '=');
        *value++ = 0;
        cr_assert(ls_options_set(options, word, value, &err) == LS_OK, "%s", err.message);
    }
    return options;
}
