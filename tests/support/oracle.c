/* SPDX-License-Identifier: MIT */
#include "tests/support/oracle.h"
#include "tests/support/true_activations.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double *oracle_alloc(size_t count)
{
    double *room = calloc(count + 1, sizeof *room);
    if (!room) abort();
    return room;
}

static double sigmoid(double z) { return 1.0 / (1.0 + exp(-z)); }

static void set_activation(oracle_layer *l, const char *name)
{
    const true_activation *truth = true_activation_of(name);
    if (!truth) abort();
    l->act = truth->value;
    l->slope = truth->slope;
}

/* ---- Options --------------------------------------------------------------------------------- */

oracle *oracle_new(void)
{
    oracle *o = calloc(1, sizeof *o);
    if (!o) abort();
    *o = (oracle){.hidden = {32, 32},
                  .hidden_count = 2,
                  .activation = {"relu"},
                  .activation_count = 1,
                  .optimizer = "adam",
                  .loss_name = "auto",
                  .output_name = "auto",
                  .rate = -1.0,
                  .momentum = 0.9,
                  .rho = 0.9,
                  .beta1 = 0.9,
                  .beta2 = 0.999,
                  .epsilon = 1e-8,
                  .weight_decay = 0.01,
                  .huber_delta = 1.0,
                  .bias_correction = true,
                  .mean = true};
    for (size_t i = 0; i < ORACLE_LAYERS; i++) o->fault[i] = 1.0;
    return o;
}

static void set_hidden(oracle *o, const char *value)
{
    o->hidden_count = 0;
    if (!strcmp(value, "none")) return;
    for (const char *c = value; c; c = strchr(c, ',') ? strchr(c, ',') + 1 : NULL)
        o->hidden[o->hidden_count++] = strtoul(c, NULL, 10);
}

static void set_activations(oracle *o, const char *value)
{
    o->activation_count = 0;
    for (const char *c = value; c; c = strchr(c, ',') ? strchr(c, ',') + 1 : NULL)
        snprintf(o->activation[o->activation_count++], sizeof o->activation[0], "%.*s",
                 (int)strcspn(c, ","), c);
}

bool oracle_set(oracle *o, const char *name, const char *value)
{
    const struct {
        const char *name;
        double *to;
    } reals[] = {{"lr", &o->rate},
                 {"momentum", &o->momentum},
                 {"rho", &o->rho},
                 {"beta1", &o->beta1},
                 {"beta2", &o->beta2},
                 {"epsilon", &o->epsilon},
                 {"weight-decay", &o->weight_decay},
                 {"dropout", &o->dropout},
                 {"l1", &o->l1},
                 {"l2", &o->l2},
                 {"max-norm", &o->max_norm},
                 {"clip", &o->clip},
                 {"huber-delta", &o->huber_delta},
                 {"label-smoothing", &o->label_smoothing}};
    const struct {
        const char *name;
        bool *to;
    } flags[] = {{"bias-correction", &o->bias_correction},
                 {"batch-norm", &o->batch_norm},
                 {"residual", &o->residual}};
    const struct {
        const char *name;
        char *to;
    } words[] = {{"optimizer", o->optimizer}, {"loss", o->loss_name}, {"output", o->output_name}};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        if (!strcmp(name, reals[i].name)) return *reals[i].to = strtod(value, NULL), true;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!strcmp(name, flags[i].name)) return *flags[i].to = !strcmp(value, "on"), true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(name, words[i].name))
            return snprintf(words[i].to, sizeof o->optimizer, "%s", value), true;
    if (!strcmp(name, "reduction")) return o->mean = !strcmp(value, "mean"), true;
    if (!strcmp(name, "hidden")) return set_hidden(o, value), true;
    if (!strcmp(name, "activation")) return set_activations(o, value), true;
    return false;
}

/* Defaults: for two classes one sigmoid output and binary cross-entropy, for more classes softmax
 * and cross-entropy. */
static void choose_output(oracle *o, size_t classes)
{
    const char *loss = o->loss_name, *output = o->output_name;
    if (!strcmp(loss, "auto"))
        loss = !strcmp(output, "softmax")    ? "ce"
               : !strcmp(output, "identity") ? "mse"
               : classes == 2                ? "bce"
               : !strcmp(output, "sigmoid")  ? "mse"
                                             : "ce";
    if (!strcmp(output, "auto")) output = !strcmp(loss, "ce") ? "softmax" : "sigmoid";
    o->loss = !strcmp(loss, "bce") ? ORACLE_BCE : !strcmp(loss, "ce") ? ORACLE_CE : ORACLE_MSE;
    o->output = !strcmp(output, "softmax")   ? ORACLE_SOFTMAX
                : !strcmp(output, "sigmoid") ? ORACLE_SIGMOID
                                             : ORACLE_IDENTITY;
    o->outputs = classes == 2 && o->output != ORACLE_SOFTMAX ? 1 : classes;
}

static double default_rate(const char *optimizer);

/* Sets the offsets of a layer's tensors, which follow those of the layer before. */
static void place(oracle *o, oracle_layer *l)
{
    l->weight = o->parameters;
    l->bias = l->gamma = l->weight + l->in * l->out;
    l->beta = l->gamma + l->out;
    o->parameters = l->norm ? l->beta + l->out : l->bias + l->out;
    l->mean = o->running_count;
    l->variance = l->mean + l->out;
    if (l->norm) o->running_count += 2 * l->out;
}

/* One output per target: identity and the squared error for numbers, sigmoid and binary
 * cross-entropy for labels. */
static void choose_targets(oracle *o, size_t targets, bool labels)
{
    o->outputs = targets;
    o->output = labels ? ORACLE_SIGMOID : ORACLE_IDENTITY;
    o->loss = labels                           ? ORACLE_BCE
              : !strcmp(o->loss_name, "mae")   ? ORACLE_MAE
              : !strcmp(o->loss_name, "huber") ? ORACLE_HUBER
                                               : ORACLE_MSE;
}

static void build_layers(oracle *o, size_t features)
{
    o->features = features;
    o->layers = o->hidden_count + 1;
    if (o->layers > ORACLE_LAYERS) abort();
    if (o->rate < 0) o->rate = default_rate(o->optimizer);
    for (size_t i = 0; i < o->layers; i++) {
        oracle_layer *l = &o->layer[i];
        bool hidden = i < o->hidden_count;
        *l = (oracle_layer){.in = i ? o->layer[i - 1].out : features,
                            .out = hidden ? o->hidden[i] : o->outputs,
                            .norm = hidden && o->batch_norm,
                            .skip = -1};
        set_activation(l, hidden ? o->activation[o->activation_count == 1 ? 0 : i] : "identity");
        /* a residual block: two layers as wide as the layer before them, none of which ends another
         * block */
        if (o->residual && hidden && i >= 2 && l->out == l->in && l->in == o->layer[i - 1].in &&
            o->layer[i - 1].skip < 0)
            l->skip = (int)i - 2;
        place(o, l);
    }
    o->theta = oracle_alloc(o->parameters);
    o->first = oracle_alloc(o->parameters);
    o->second = oracle_alloc(o->parameters);
    o->running = oracle_alloc(o->running_count);
    for (size_t i = 0; i < o->layers; i++)
        for (size_t j = 0; j < o->layer[i].out && o->layer[i].norm; j++)
            o->theta[o->layer[i].gamma + j] = o->running[o->layer[i].variance + j] = 1.0;
}

void oracle_build(oracle *o, size_t features, size_t classes)
{
    choose_output(o, classes);
    build_layers(o, features);
}

void oracle_build_targets(oracle *o, size_t features, size_t targets, bool labels)
{
    choose_targets(o, targets, labels);
    build_layers(o, features);
}

void oracle_free(oracle *o)
{
    if (!o) return;
    free(o->theta);
    free(o->first);
    free(o->second);
    free(o->running);
    free(o);
}

/* ---- Forward --------------------------------------------------------------------------------- */

static const double norm_epsilon = 1e-5, norm_momentum = 0.1;

/* The results of a pass for each layer, rows × out each: affine map, input of the activation,
 * output, dL/d(output). */
typedef struct {
    double *z, *u, *h, *dh;
    double *mean, *variance; /* out each: the statistics that normalised z */
} trace;

static void trace_open(const oracle *o, size_t rows, trace *traces)
{
    for (size_t i = 0; i < o->layers; i++) {
        size_t size = rows * o->layer[i].out;
        double *room = oracle_alloc(4 * size + 2 * o->layer[i].out);
        traces[i] = (trace){room,
                            room + size,
                            room + 2 * size,
                            room + 3 * size,
                            room + 4 * size,
                            room + 4 * size + o->layer[i].out};
    }
}

static void trace_close(const oracle *o, trace *traces)
{
    for (size_t i = 0; i < o->layers; i++) free(traces[i].z);
}

static void affine(const oracle_layer *l, const double *theta, const double *x, size_t rows,
                   double *z)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < l->out; j++) {
            double sum = l->norm ? 0.0 : theta[l->bias + j];
            for (size_t k = 0; k < l->in; k++)
                sum += x[r * l->in + k] * theta[l->weight + k * l->out + j];
            z[r * l->out + j] = sum;
        }
}

/* Mean and biased variance of each column of z (Ioffe, Szegedy 2015, algorithm 1). */
static void statistics(const oracle_layer *l, size_t rows, trace *t)
{
    for (size_t j = 0; j < l->out; j++) {
        double sum = 0.0, squares = 0.0;
        for (size_t r = 0; r < rows; r++) sum += t->z[r * l->out + j];
        t->mean[j] = sum / (double)rows;
        for (size_t r = 0; r < rows; r++) squares += pow(t->z[r * l->out + j] - t->mean[j], 2.0);
        t->variance[j] = squares / (double)rows;
    }
}

/* Input of the activation: z itself, or z normalised, scaled and shifted. */
static void prepare(const oracle_layer *l, const double *theta, size_t rows, trace *t)
{
    for (size_t e = 0; e < rows * l->out; e++) {
        size_t j = e % l->out;
        if (!l->norm) t->u[e] = t->z[e];
        else {
            double hat = (t->z[e] - t->mean[j]) / sqrt(t->variance[j] + norm_epsilon);
            t->u[e] = theta[l->gamma + j] * hat + theta[l->beta + j];
        }
    }
}

/* In training, batch norm uses the batch's statistics, and outputs with kept = 0 are dropped. */
static void forward(const oracle *o, const double *theta, const double *x, size_t rows,
                    bool training, const unsigned char *const *kept, trace *traces)
{
    for (size_t i = 0; i < o->layers; i++) {
        const oracle_layer *l = &o->layer[i];
        trace *t = &traces[i];
        bool drop = training && i < o->hidden_count && o->dropout > 0;
        affine(l, theta, i ? traces[i - 1].h : x, rows, t->z);
        if (l->norm && training) statistics(l, rows, t);
        else if (l->norm) {
            memcpy(t->mean, o->running + l->mean, l->out * sizeof *t->mean);
            memcpy(t->variance, o->running + l->variance, l->out * sizeof *t->variance);
        }
        prepare(l, theta, rows, t);
        for (size_t e = 0; e < rows * l->out; e++) {
            t->h[e] = l->act(t->u[e]);
            /* Srivastava et al. 2014, inverted */
            if (drop) t->h[e] *= kept[i][e] ? 1.0 / (1.0 - o->dropout) : 0.0;
            if (l->skip >= 0) t->h[e] += traces[l->skip].h[e];
        }
    }
}

/* ---- Losses ---------------------------------------------------------------------------------- */

static double softplus(double z) { return fmax(z, 0.0) + log1p(exp(-fabs(z))); }

/* Outputs of one row from its logits. */
static void outputs_of(const oracle *o, const double *z, double *p)
{
    double top = z[0], sum = 0.0;
    for (size_t k = 1; k < o->outputs; k++) top = fmax(top, z[k]);
    for (size_t k = 0; k < o->outputs; k++) sum += exp(z[k] - top);
    for (size_t k = 0; k < o->outputs; k++)
        p[k] = o->output == ORACLE_SOFTMAX   ? exp(z[k] - top) / sum
               : o->output == ORACLE_SIGMOID ? sigmoid(z[k])
                                             : z[k];
}

/* BCE: -log of the class's probability, σ(z) or 1 - σ(z) = σ(-z), as softplus of -z or z. CE: log
 * Σexp - z of the class. The others, and BCE of labels, are sums over the outputs. */
static double output_loss(const oracle *o, double z, double p, double t)
{
    double e = p - t, delta = o->huber_delta;
    switch (o->loss) {
    case ORACLE_BCE: return t * softplus(-z) + (1.0 - t) * softplus(z);
    case ORACLE_MAE: return fabs(e);
    case ORACLE_HUBER: return fabs(e) <= delta ? 0.5 * e * e : delta * (fabs(e) - 0.5 * delta);
    default: return e * e;
    }
}

static double row_loss(const oracle *o, const double *z, const double *t)
{
    double loss = 0.0, p[64], top = z[0];
    outputs_of(o, z, p);
    for (size_t k = 1; k < o->outputs; k++) top = fmax(top, z[k]);
    if (o->loss == ORACLE_CE) {
        double sum = 0.0;
        for (size_t k = 0; k < o->outputs; k++) sum += exp(z[k] - top);
        for (size_t k = 0; k < o->outputs; k++) loss += t[k] * (log(sum) + top - z[k]);
        return loss;
    }
    for (size_t k = 0; k < o->outputs; k++) loss += output_loss(o, z[k], p[k], t[k]);
    return loss;
}

/* Weight of a row's loss in the objective. */
static double share(const oracle *o, const oracle_batch *b, size_t r)
{
    return (b->weight ? b->weight[r] : 1.0) / (o->mean ? (double)b->rows : 1.0);
}

/* Smoothed labels (Szegedy et al. 2016, section 7): the target is mixed with the uniform
 * distribution over the classes, of which a sigmoid output has two. */
static void smoothed(const oracle *o, const double *t, double *to)
{
    double uniform = o->loss == ORACLE_CE ? 1.0 / (double)o->outputs : 0.5,
           part = o->loss == ORACLE_CE || o->loss == ORACLE_BCE ? o->label_smoothing : 0.0;
    for (size_t k = 0; k < o->outputs; k++) to[k] = (1.0 - part) * t[k] + part * uniform;
}

static double total_loss(const oracle *o, const oracle_batch *b, const trace *last)
{
    double sum = 0.0, t[64];
    for (size_t r = 0; r < b->rows; r++) {
        smoothed(o, b->t + r * o->outputs, t);
        sum += share(o, b, r) * row_loss(o, last->z + r * o->outputs, t);
    }
    return sum;
}

double oracle_objective(const oracle *o, const double *theta, const oracle_batch *b)
{
    trace traces[ORACLE_LAYERS];
    trace_open(o, b->rows, traces);
    forward(o, theta, b->x, b->rows, true, b->kept, traces);
    double loss = total_loss(o, b, &traces[o->layers - 1]);
    trace_close(o, traces);
    return loss;
}

double oracle_penalty(const oracle *o, const double *theta)
{
    double sum = 0.0;
    for (size_t i = 0; i < o->layers; i++)
        for (size_t j = 0; j < o->layer[i].in * o->layer[i].out; j++) {
            double w = theta[o->layer[i].weight + j];
            sum += o->l1 * fabs(w) + o->l2 * w * w;
        }
    return sum;
}

void oracle_infer(const oracle *o, const double *x, const double *t, size_t rows, double *outputs,
                  double *losses)
{
    trace traces[ORACLE_LAYERS];
    trace_open(o, rows, traces);
    forward(o, o->theta, x, rows, false, NULL, traces);
    const double *z = traces[o->layers - 1].z;
    for (size_t r = 0; r < rows; r++) {
        if (outputs) outputs_of(o, z + r * o->outputs, outputs + r * o->outputs);
        if (losses) losses[r] = row_loss(o, z + r * o->outputs, t + r * o->outputs);
    }
    trace_close(o, traces);
}

/* ---- Backward -------------------------------------------------------------------------------- */

/* dL/dz of the output layer, in place of its dh. */
static void output_gradient(const oracle *o, const oracle_batch *b, trace *last)
{
    for (size_t r = 0; r < b->rows; r++) {
        double p[64], t[64], s = share(o, b, r);
        outputs_of(o, last->z + r * o->outputs, p);
        smoothed(o, b->t + r * o->outputs, t);
        for (size_t k = 0; k < o->outputs; k++) {
            double error = p[k] - t[k];
            if (o->loss == ORACLE_MSE)
                error *= 2.0 * (o->output == ORACLE_SIGMOID ? p[k] * (1.0 - p[k]) : 1.0);
            if (o->loss == ORACLE_MAE) error = (error > 0.0) - (error < 0.0);
            if (o->loss == ORACLE_HUBER) error = fmax(fmin(error, o->huber_delta), -o->huber_delta);
            last->dh[r * o->outputs + k] = s * error;
        }
    }
}

/* Backward pass of batch norm as in Ioffe, Szegedy 2015, section 3, through dL/dσ² and dL/dμ. du
 * becomes dL/dz. */
static void norm_backward(const oracle_layer *l, const double *theta, size_t rows, const trace *t,
                          double *du, double *gradient)
{
    double m = (double)rows;
    for (size_t j = 0; j < l->out; j++) {
        double spread = t->variance[j] + norm_epsilon, d_variance = 0.0, d_mean = 0.0,
               centred = 0.0;
        for (size_t e = j; e < rows * l->out; e += l->out) {
            double off = t->z[e] - t->mean[j], d_hat = du[e] * theta[l->gamma + j];
            gradient[l->gamma + j] += du[e] * off / sqrt(spread);
            gradient[l->beta + j] += du[e];
            d_variance += d_hat * off * -0.5 * pow(spread, -1.5);
            d_mean -= d_hat / sqrt(spread);
            centred += off;
        }
        d_mean += d_variance * -2.0 * centred / m;
        for (size_t e = j; e < rows * l->out; e += l->out)
            du[e] = du[e] * theta[l->gamma + j] / sqrt(spread) +
                    d_variance * 2.0 * (t->z[e] - t->mean[j]) / m + d_mean / m;
    }
}

/* dW = xᵀ·dz, db = Σ dz; dz·Wᵀ is added to the gradient of the layer's input. */
static void affine_backward(const oracle_layer *l, const double *theta, const double *x,
                            size_t rows, const double *dz, double *gradient, double *dx)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < l->out; j++) {
            double d = dz[r * l->out + j];
            if (!l->norm) gradient[l->bias + j] += d;
            for (size_t k = 0; k < l->in; k++) {
                gradient[l->weight + k * l->out + j] += x[r * l->in + k] * d;
                if (dx) dx[r * l->in + k] += theta[l->weight + k * l->out + j] * d;
            }
        }
}

static void backward(const oracle *o, const double *theta, const oracle_batch *b, trace *traces,
                     double *gradient)
{
    memset(gradient, 0, o->parameters * sizeof *gradient);
    output_gradient(o, b, &traces[o->layers - 1]);
    for (size_t i = o->layers; i-- > 0;) {
        const oracle_layer *l = &o->layer[i];
        trace *t = &traces[i];
        for (size_t e = 0; e < b->rows * l->out && i < o->hidden_count; e++) {
            if (l->skip >= 0) traces[l->skip].dh[e] += t->dh[e];
            if (o->dropout > 0) t->dh[e] *= b->kept[i][e] ? 1.0 / (1.0 - o->dropout) : 0.0;
            t->dh[e] *= l->slope(t->u[e]) * o->fault[i];
        }
        if (l->norm) norm_backward(l, theta, b->rows, t, t->dh, gradient);
        affine_backward(l, theta, i ? traces[i - 1].h : b->x, b->rows, t->dh, gradient,
                        i ? traces[i - 1].dh : NULL);
    }
}

void oracle_gradient(const oracle *o, const double *theta, const oracle_batch *b, double *gradient)
{
    trace traces[ORACLE_LAYERS];
    trace_open(o, b->rows, traces);
    forward(o, theta, b->x, b->rows, true, b->kept, traces);
    backward(o, theta, b, traces, gradient);
    trace_close(o, traces);
}

/* ---- Optimizers ------------------------------------------------------------------------------ */

/* A parameter being updated: its gradient, learning rate, and whether it is a weight. */
typedef struct {
    oracle *o;
    double *theta, *s, *v; /* the parameter and its states */
    double g, rate;
    bool weight;
} parameter;

/* theta <- theta - rate·g, over all rows (gd) or a mini-batch (Robbins, Monro 1951). */
static void update_sgd(const parameter *p) { *p->theta -= p->rate * p->g; }
static void update_gd(const parameter *p) { update_sgd(p); }

/* Polyak 1964. */
static void update_momentum(const parameter *p)
{
    *p->s = p->o->momentum * *p->s + p->rate * p->g;
    *p->theta -= *p->s;
}

/* Nesterov 1983 in the form of Bengio, Boulanger-Lewandowski, Pascanu 2013, equations 5 and 6. */
static void update_nesterov(const parameter *p)
{
    *p->s = p->o->momentum * *p->s + p->rate * p->g;
    *p->theta -= p->o->momentum * *p->s + p->rate * p->g;
}

/* Hinton's lecture 6e, 2012. */
static void update_rmsprop(const parameter *p)
{
    *p->s = p->o->rho * *p->s + (1.0 - p->o->rho) * p->g * p->g;
    *p->theta -= p->rate * p->g / (sqrt(*p->s) + p->o->epsilon);
}

/* Kingma, Ba 2015, algorithm 1. */
static void update_adam(const parameter *p)
{
    const oracle *o = p->o;
    double t = (double)o->steps;
    *p->s = o->beta1 * *p->s + (1.0 - o->beta1) * p->g;
    *p->v = o->beta2 * *p->v + (1.0 - o->beta2) * p->g * p->g;
    double m_hat = o->bias_correction ? *p->s / (1.0 - pow(o->beta1, t)) : *p->s;
    double v_hat = o->bias_correction ? *p->v / (1.0 - pow(o->beta2, t)) : *p->v;
    *p->theta -= p->rate * m_hat / (sqrt(v_hat) + o->epsilon);
}

/* Loshchilov, Hutter 2019, algorithm 2, with its schedule multiplier in the rate. */
static void update_adamw(const parameter *p)
{
    if (p->weight) *p->theta *= 1.0 - p->rate * p->o->weight_decay;
    update_adam(p);
}

static const struct {
    const char *name;
    double rate; /* default */
    void (*update)(const parameter *p);
} optimizers[] = {
    {"gd", 0.1, update_gd},
    {"sgd", 0.1, update_sgd},
    {"momentum", 0.01, update_momentum},
    {"nesterov", 0.01, update_nesterov},
    {"rmsprop", 0.003, update_rmsprop},
    {"adam", 0.003, update_adam},
    {"adamw", 0.003, update_adamw},
};

static size_t optimizer_of(const char *name)
{
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
        if (!strcmp(name, optimizers[i].name)) return i;
    fprintf(stderr, "tests/support/oracle.c: no row for the optimizer '%s'; add one\n", name);
    abort();
}

static double default_rate(const char *optimizer)
{
    return optimizers[optimizer_of(optimizer)].rate;
}

/* Scales the whole gradient down to the norm o->clip (Pascanu, Mikolov, Bengio 2013). */
static void clip(const oracle *o, double *gradient)
{
    double squares = 0.0;
    for (size_t i = 0; i < o->parameters; i++) squares += gradient[i] * gradient[i];
    double norm = sqrt(squares);
    for (size_t i = 0; i < o->parameters && o->clip > 0 && norm > o->clip; i++)
        gradient[i] *= o->clip / norm;
}

/* Bounds the norm of each neuron's incoming weights (Srivastava et al. 2014, section 5.1). */
static void bound_columns(oracle *o, const oracle_layer *l)
{
    for (size_t j = 0; j < l->out; j++) {
        double squares = 0.0, *w = o->theta + l->weight + j;
        for (size_t k = 0; k < l->in; k++) squares += w[k * l->out] * w[k * l->out];
        double norm = sqrt(squares);
        for (size_t k = 0; k < l->in && norm > o->max_norm; k++)
            w[k * l->out] *= o->max_norm / norm;
    }
}

static void update_layer(oracle *o, const oracle_layer *l, const double *gradient, double rate)
{
    size_t weights = l->in * l->out, all = weights + (l->norm ? 2 : 1) * l->out;
    size_t optimizer = optimizer_of(o->optimizer);
    for (size_t j = 0; j < all; j++) {
        size_t i = l->weight + j;
        double w = o->theta[i], g = gradient[i];
        if (j < weights) g += 2.0 * o->l2 * w + o->l1 * ((w > 0.0) - (w < 0.0));
        parameter p = {o, &o->theta[i], &o->first[i], &o->second[i], g, rate, j < weights};
        optimizers[optimizer].update(&p);
    }
    if (o->max_norm > 0) bound_columns(o, l);
}

double oracle_step(oracle *o, const oracle_batch *b, double rate)
{
    trace traces[ORACLE_LAYERS];
    double *gradient = oracle_alloc(o->parameters);
    trace_open(o, b->rows, traces);
    forward(o, o->theta, b->x, b->rows, true, b->kept, traces);
    double loss = total_loss(o, b, &traces[o->layers - 1]);
    backward(o, o->theta, b, traces, gradient);
    clip(o, gradient);
    o->steps++;
    for (size_t i = 0; i < o->layers; i++) {
        const oracle_layer *l = &o->layer[i];
        o->peak[i] = 0.0;
        for (size_t e = 0; e < b->rows * l->out; e++)
            o->peak[i] = fmax(o->peak[i], fabs(traces[i].z[e]));
        update_layer(o, l, gradient, rate);
        for (size_t j = 0; j < l->out && l->norm; j++) {
            o->running[l->mean + j] += norm_momentum *
                                       (traces[i].mean[j] - o->running[l->mean + j]);
            o->running[l->variance + j] += norm_momentum *
                                           (traces[i].variance[j] - o->running[l->variance + j]);
        }
    }
    trace_close(o, traces);
    free(gradient);
    return loss;
}
