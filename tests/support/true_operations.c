/* SPDX-License-Identifier: MIT */
#include "tests/support/true_operations.h"
#include "kernels/arith.h"
#include "tests/support/true_images.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Values that are too small become 0 (docs/arithmetic.md). */
static float flushed(float x) { return fabsf(x) < ldexpf(1, -100) ? 0 : x; }

#define AT(field) hand_at(p, arena, o->field)
#define TRUTH(name) void true_##name(const hand_plan *p, size_t rows, float *arena, float *loss)
#define FIRST_OP const ls_op *o = &p->op[0]

/* ---- GATHER ---------------------------------------------------------------------------------- */

TRUTH(gather)
{
    FIRST_OP;
    (void)loss;
    for (size_t i = 0; i < rows; i++) {
        uint32_t row;
        memcpy(&row, AT(index) + i, sizeof row);
        memcpy(AT(y) + i * o->out, AT(x) + row * o->out, o->out * sizeof(float));
    }
}

/* ---- DENSE ----------------------------------------------------------------------------------- */

TRUTH(dense)
{
    FIRST_OP;
    (void)loss;
    for (size_t i = 0; i < rows * o->out; i++) {
        const float *x = AT(x) + i / o->out * o->in, *w = AT(w) + i % o->out;
        float acc = AT(b) ? AT(b)[i % o->out] : 0.0f;
        for (size_t k = 0; k < o->in; k++) acc = fmaf(x[k], w[k * o->out], acc);
        AT(z)[i] = acc;
        if (AT(a)) AT(a)[i] = truth_act(o->act, acc);
    }
}

/* ---- NORM, NORM_FIXED, NORM_GRAD ------------------------------------------------------------- */

/* Rows that a channel's statistics are over: all positions of all images. */
static size_t points_of(const ls_op *o) { return o->points > 1 ? o->points : 1; }

static void norm_column(const hand_plan *p, float *arena, size_t rows, size_t j)
{
    FIRST_OP;
    size_t points = points_of(o), n = rows * points;
    float inv_rows = 1.0f / (float)n, *mean = AT(mean) + j, *running_mean = AT(running_mean) + j;
    float *running_var = AT(running_var) + j, *d = malloc(n * sizeof *d);
    cr_assert(d);
    *mean = truth_sum_of_images(AT(z) + j, o->out, NULL, 0, rows, points) * inv_rows;
    for (size_t r = 0; r < n; r++) d[r] = AT(z)[r * o->out + j] - *mean;
    float variance = truth_sum_of_images(d, 1, d, 1, rows, points) * inv_rows;
    *running_mean = flushed(fmaf(0.1f, *mean - *running_mean, *running_mean));
    *running_var = flushed(fmaf(0.1f, variance - *running_var, *running_var));
    AT(inv)[j] = 1.0f / sqrtf(variance + 1e-5f);
    free(d);
}

static void norm_apply(const hand_plan *p, float *arena, size_t rows, const float *mean)
{
    FIRST_OP;
    for (size_t i = 0; i < rows * points_of(o) * o->out; i++) {
        size_t j = i % o->out;
        AT(y)[i] = fmaf(AT(gamma)[j], (AT(z)[i] - mean[j]) * AT(inv)[j], AT(beta)[j]);
        AT(a)[i] = truth_act(o->act, AT(y)[i]);
    }
}

TRUTH(norm)
{
    FIRST_OP;
    (void)loss;
    for (size_t j = 0; j < o->out; j++) norm_column(p, arena, rows, j);
    norm_apply(p, arena, rows, AT(mean));
}

TRUTH(norm_fixed)
{
    FIRST_OP;
    (void)loss;
    for (size_t j = 0; j < o->out; j++) AT(inv)[j] = 1.0f / sqrtf(AT(running_var)[j] + 1e-5f);
    norm_apply(p, arena, rows, AT(running_mean));
}

TRUTH(norm_grad)
{
    FIRST_OP;
    (void)loss;
    size_t points = points_of(o), n = rows * points;
    float inv_rows = 1.0f / (float)n, *hat = malloc(n * sizeof *hat);
    cr_assert(hat);
    for (size_t j = 0; j < o->out; j++) {
        float *z = AT(z) + j, *dy = AT(dz) + j, inv = AT(inv)[j];
        for (size_t r = 0; r < n; r++) hat[r] = (z[r * o->out] - AT(mean)[j]) * inv;
        float sum = truth_sum_of_images(dy, o->out, NULL, 0, rows, points);
        float sum_hat = truth_sum_of_images(dy, o->out, hat, 1, rows, points);
        AT(grad_beta)[j] = sum, AT(grad_gamma)[j] = sum_hat;
        for (size_t r = 0; r < n; r++)
            z[r * o->out] = (AT(gamma)[j] * inv) *
                            fmaf(-hat[r], sum_hat * inv_rows, dy[r * o->out] - sum * inv_rows);
    }
    free(hat);
}

/* ---- JOIN ------------------------------------------------------------------------------------ */

TRUTH(join)
{
    FIRST_OP;
    (void)loss;
    for (size_t i = 0; i < rows * o->out; i++) {
        float value = o->dropout > 0 ? AT(a)[i] * truth_dropout(p, o, i) : AT(a)[i];
        AT(y)[i] = AT(skip) ? value + AT(skip)[i] : value;
    }
}

/* ---- PIECES ---------------------------------------------------------------------------------- */

/* Column j of the table: input, knot, 1/length, limits. A number that is no input's means the
 * first. */
TRUTH(pieces)
{
    FIRST_OP;
    (void)loss;
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < o->out; j++) {
            const float *t = AT(w) + j;
            size_t input = 0;
            for (size_t k = 0; k < o->in; k++)
                if (t[0] == (float)k) input = k;
            float share = (AT(x)[r * o->in + input] - t[o->out]) * t[2 * o->out];
            if (share < t[3 * o->out]) share = t[3 * o->out];
            if (share > t[4 * o->out]) share = t[4 * o->out];
            AT(a)[r * o->out + j] = share;
        }
}

/* ---- LOSS, LOSS_SUM -------------------------------------------------------------------------- */

/* The k-th target of a cross-entropy in training: (1 - P)·t + P/K. */
static float smoothed(const ls_plan *plan, const float *t, size_t k)
{
    return fmaf(plan->label_keep, t[k], plan->label_share);
}

static float row_cross_entropy(const ls_plan *plan, float *z, float *a, const float *t, size_t n,
                               float scale)
{
    float top = z[0], sum = 0.0f, loss = 0.0f;
    for (size_t k = 1; k < n; k++) top = z[k] > top ? z[k] : top;
    for (size_t k = 0; k < n; k++)
        sum = sum + (a[k] = z[k] - top < -69.3147181f ? 0 : ls_exp(z[k] - top));
    float log_sum = top + ls_log(sum);
    for (size_t k = 0; k < n; k++) {
        loss = fmaf(smoothed(plan, t, k), log_sum - z[k], loss);
        a[k] = a[k] / sum;
        z[k] = flushed((a[k] - smoothed(plan, t, k)) * scale);
    }
    return loss;
}

/* e²/2 for |e| < delta, delta·(|e| - delta/2) otherwise (Huber 1964). */
static float add_huber(float error, float delta, float sum)
{
    float size = fabsf(error);
    return size < delta ? fmaf(size, size - 0.5f * size, sum)
                        : fmaf(delta, size - 0.5f * delta, sum);
}

static float sign(float x) { return x != x ? x : (float)((x > 0) - (x < 0)); }

/* Losses that are a sum over the outputs, each of which has its own term and gradient. */
static float row_of_outputs(const ls_plan *plan, float *z, float *a, const float *t, size_t n,
                            float scale)
{
    bool sigmoid = plan->output == LS_OUTPUT_SIGMOID;
    float sum = 0.0f;
    for (size_t k = 0; k < n; k++) {
        float logit = z[k], output = sigmoid ? ls_sigmoid(logit) : logit, error = output - t[k];
        a[k] = output;
        switch (plan->loss) {
        case LS_LOSS_BCE:
            sum = sum + (fmaf(-logit, smoothed(plan, t, k), logit > 0 ? logit : 0.0f) +
                         ls_log1p(ls_exp(-fabsf(logit))));
            z[k] = flushed((output - smoothed(plan, t, k)) * scale);
            break;
        case LS_LOSS_MAE:
            sum = sum + fabsf(error);
            z[k] = flushed(sign(error) * scale);
            break;
        case LS_LOSS_HUBER:
            sum = add_huber(error, plan->huber_delta, sum);
            z[k] = flushed((fabsf(error) > plan->huber_delta ? sign(error) * plan->huber_delta
                                                             : error) *
                           scale);
            break;
        default:
            sum = fmaf(error, error, sum);
            z[k] = flushed((2.0f * error) * scale);
            if (sigmoid) z[k] = z[k] * (output * (1.0f - output));
        }
    }
    return sum;
}

TRUTH(loss)
{
    FIRST_OP;
    (void)loss;
    float all = p->plan.mean ? 1.0f / (float)rows : 1.0f;
    for (size_t r = 0; r < rows; r++) {
        float *z = AT(z) + r * o->out, *a = AT(a) + r * o->out, *t = AT(target) + r * o->out, row;
        float scale = AT(row_weight) ? AT(row_weight)[r] * all : all;
        row = p->plan.loss == LS_LOSS_CE ? row_cross_entropy(&p->plan, z, a, t, o->out, scale)
                                         : row_of_outputs(&p->plan, z, a, t, o->out, scale);
        AT(row_loss)[r] = AT(row_weight) ? row * AT(row_weight)[r] : row;
    }
}

TRUTH(loss_sum) { *loss = truth_sum(hand_at(p, arena, p->plan.row_loss), 1, NULL, 0, rows); }

/* ---- Optimizers ------------------------------------------------------------------------------ */

/* One function per optimizer: returns the change of theta and updates the states. A row of
 * LS_OPTIMIZERS without a function does not compile. */
#define CHANGE(name)                                                                               \
    static float change_##name(float g, float *s, float *v, const ls_hyper *h, const ls_rates *r)

CHANGE(momentum)
{
    (void)v;
    return *s = flushed(fmaf(h->beta1, *s, r->rate * g));
}
CHANGE(nesterov)
{
    (void)v;
    *s = flushed(fmaf(h->beta1, *s, r->rate * g));
    return fmaf(h->beta1, *s, r->rate * g);
}
CHANGE(rmsprop)
{
    (void)v;
    *s = flushed(fmaf(h->beta2, *s, (h->rest2 * g) * g));
    return r->rate * g / (sqrtf(*s) + h->epsilon);
}
CHANGE(adam)
{
    *s = flushed(fmaf(h->beta1, *s, h->rest1 * g));
    *v = flushed(fmaf(h->beta2, *v, (h->rest2 * g) * g));
    return r->rate_corrected * *s / (sqrtf(*v * r->correction2) + h->epsilon);
}
#define SUBTRACTS(name)                                                                            \
    static void true_##name(float *theta, float g, float *s, float *v, bool weight,                \
                            const ls_hyper *h, const ls_rates *r)                                  \
    {                                                                                              \
        (void)weight;                                                                              \
        *theta = *theta - change_##name(g, s, v, h, r);                                            \
    }
SUBTRACTS(momentum)
SUBTRACTS(nesterov)
SUBTRACTS(rmsprop)
SUBTRACTS(adam)
static void true_sgd(float *theta, float g, float *s, float *v, bool weight, const ls_hyper *h,
                     const ls_rates *r)
{
    (void)s, (void)v, (void)weight, (void)h;
    *theta = fmaf(-r->rate, g, *theta);
}
#define true_gd true_sgd
static void true_adamw(float *theta, float g, float *s, float *v, bool weight, const ls_hyper *h,
                       const ls_rates *r)
{
    if (weight) *theta = *theta * r->keep;
    true_adam(theta, g, s, v, weight, h, r);
}

void true_update_at(const hand_plan *p, float *arena, size_t i, bool weight)
{
#define LS_X(name, states, facts) true_##name,
    static void (*const optimizers[])(float *theta, float g, float *s, float *v, bool weight,
                                      const ls_hyper *h, const ls_rates *r) = {LS_OPTIMIZERS(LS_X)};
#undef LS_X
    FIRST_OP;
    const ls_hyper *h = &p->plan.hyper;
    float *theta = AT(theta) + i, g = AT(b) ? AT(y)[i] * AT(b)[0] : AT(y)[i];
    float sign = *theta > 0 ? 1.0f : *theta < 0 ? -1.0f : 0.0f;
    if (weight) g = fmaf(h->l1, sign, fmaf(h->twice_l2, *theta, g));
    optimizers[p->plan.optimizer](theta, g, AT(s) ? AT(s) + i : NULL, AT(v) ? AT(v) + i : NULL,
                                  weight, h, &p->rates);
}

/* ---- GRAD_W, GRAD_B, GRAD_X ------------------------------------------------------------------ */

TRUTH(grad_w)
{
    FIRST_OP;
    (void)loss;
    for (size_t i = 0; i < o->in; i++)
        for (size_t j = 0; j < o->out; j++)
            AT(y)[i * o->out + j] = truth_sum(AT(x) + i, o->in, AT(dz) + j, o->out, rows);
    for (size_t i = 0; i < o->in * o->out && AT(theta); i++) true_update_at(p, arena, i, true);
}

TRUTH(grad_b)
{
    FIRST_OP;
    (void)loss;
    for (size_t j = 0; j < o->out; j++)
        AT(y)[j] = truth_sum_of_images(AT(dz) + j, o->out, NULL, 0, rows, points_of(o));
}

TRUTH(grad_x)
{
    FIRST_OP;
    (void)loss;
    for (size_t i = 0; i < rows * o->out; i++) {
        const float *dz = AT(dz) + i / o->out * o->in, *w = AT(w) + i % o->out * o->in;
        float acc = 0.0f;
        for (size_t k = 0; k < o->in; k++) acc = fmaf(dz[k], w[k], acc);
        if (AT(skip)) acc = acc + AT(skip)[i];
        AT(d)[i] = acc;
        if (o->dropout > 0) AT(dropped)[i] = acc = acc * truth_dropout(p, o, i);
        AT(y)[i] = acc * truth_act_grad(o->act, AT(z)[i], AT(a)[i]);
    }
}

/* ---- CLIP, UPDATE, MAX_NORM ------------------------------------------------------------------ */

TRUTH(clip)
{
    FIRST_OP;
    (void)loss, (void)rows;
    size_t n = o->out;
    float *sum = malloc(n * sizeof *sum);
    cr_assert(sum);
    memcpy(sum, AT(x), n * sizeof *sum);
    for (bool square = true; square || n > 1;
         square = false, n = (n + TRUTH_CHUNK - 1) / TRUTH_CHUNK)
        for (size_t c = 0; c * TRUTH_CHUNK < n; c++) {
            const float *x = sum + c * TRUTH_CHUNK;
            size_t left = n - c * TRUTH_CHUNK;
            sum[c] = truth_sum(x, 1, square ? x : NULL, 1, left < TRUTH_CHUNK ? left : TRUTH_CHUNK);
        }
    AT(y)[0] = truth_limit(sum[0], p->plan.clip);
    free(sum);
}

TRUTH(update)
{
    FIRST_OP;
    (void)loss, (void)rows;
    for (size_t i = 0; i < o->out; i++) true_update_at(p, arena, i, o->in + i < p->plan.weights);
}

TRUTH(max_norm)
{
    FIRST_OP;
    (void)loss, (void)rows;
    for (size_t j = 0; j < o->out; j++) {
        float *w = AT(w) + j,
              factor = truth_limit(truth_sum(w, o->out, w, o->out, o->in), p->plan.hyper.max_norm);
        for (size_t i = 0; i < o->in; i++) w[i * o->out] = w[i * o->out] * factor;
    }
}
