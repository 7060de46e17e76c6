/* SPDX-License-Identifier: MIT */
/* Every operation of a plan, alone, on every backend: all of memory is compared bit by bit, between
 * backends and with the definitions below. These are plain loops written from the contract
 * (docs/arithmetic.md); of the product they use only exp, log and their like from kernels/arith.h,
 * which have tests of their own. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/network/network.h"
#include "kernels/arith.h"
#include "tests/support/devices.h"

typedef struct {
    size_t m, in, out;
} shape;

#define AT(field) hand_at(p, arena, o->field)
#define TRUTH(name)                                                                                \
    static void true_##name(const hand_plan *p, size_t rows, float *arena, float *loss)
#define SET(name) static void set_##name(hand_plan *p, shape s, unsigned v)
#define FIRST_OP const ls_op *o = &p->op[0]

/* Data for three batches, the last one a part of one; the next step is that one. */
static void data_in_batches(hand_plan *p, shape s, size_t features, size_t outputs)
{
    hand_data(p, 2 * s.m + (s.m + 1) / 2, s.m, features, outputs);
    p->step = 5;
}

static void as_inference(hand_plan *p, size_t outputs, ls_view result)
{
    p->infer = true;
    p->first = p->plan.rows > 1;
    p->plan.outputs = outputs;
    p->plan.result = result;
    p->plan.row_loss = hand_room(p, "row_loss", p->plan.capacity, 1);
}

/* ---- BATCH, GATHER: test_random.c has the permutation's own tests ---------------------------- */

SET(batch)
{
    const size_t rows[] = {s.m, s.m + 1, 3 * s.m + s.m / 2 + 1, 0xfffffffb};
    p->plan.rows = rows[v];
    p->plan.shuffle = true;
    size_t per_epoch = (rows[v] + s.m - 1) / s.m;
    p->step = per_epoch * (7 + ((uint64_t)v << 32)) - 1; /* the last step of an epoch */
    hand_op(p, LS_OP_BATCH, 0, 0)->y = hand_room(p, "index", s.m, 1);
}

SET(gather)
{
    const ls_view from[] = {{LS_DATA_X, 0}, {LS_DATA_T, 0}, {LS_DATA_WEIGHT, 0}};
    const size_t width[] = {s.in, s.out, 1};
    data_in_batches(p, s, s.in, s.out);
    p->plan.shuffle = true;
    ls_view index = hand_room(p, "index", s.m, 1);
    for (size_t i = 0; i < s.m; i++) {
        uint32_t row = (uint32_t)((i * 7919 + p->seed) % p->plan.rows);
        memcpy(&p->arena[index.at + i], &row, sizeof row);
    }
    ls_op *o = hand_op(p, LS_OP_GATHER, 0, width[v]);
    o->x = from[v], o->index = index, o->y = hand_room(p, "y", s.m, width[v]);
}

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

/* 0-15: activations with and without a bias; 16: from the data set; 17: the same in inference;
 * 18-25: activations in place. */
SET(dense)
{
    bool data = v == 16 || v == 17;
    if (data) data_in_batches(p, s, s.in, 1);
    ls_op *o = hand_op(p, LS_OP_DENSE, s.in, s.out);
    o->act = (ls_act)(v < 18 ? v % LS_ACT_COUNT : v - 18);
    o->x = data ? (ls_view){LS_DATA_X, 0} : hand_room(p, "x", s.m, s.in);
    o->w = hand_room(p, "w", s.in, s.out);
    if (v % 16 < 8) o->b = hand_room(p, "b", 1, s.out);
    o->z = hand_room(p, "z", s.m, s.out);
    if (v >= 18 && !ls_activations[o->act].reads_z) o->a = o->z;
    else if (v != 16) o->a = hand_room(p, "a", s.m, s.out);
    if (v == 17) as_inference(p, s.out, o->z);
    p->no_truth = v == 17;
}

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

static ls_op *norm_op(hand_plan *p, ls_op_kind kind, shape s)
{
    ls_op *o = hand_op(p, kind, 0, s.out);
    o->mean = hand_room(p, "mean", 1, s.out);
    o->inv = hand_room_positive(p, "inv", 1, s.out);
    o->gamma = hand_room(p, "gamma", 1, s.out);
    o->z = hand_room(p, "z", s.m, s.out);
    return o;
}

/* Activations, with room for y and a each or, where that is allowed, for one. */
SET(norm)
{
    ls_op *o = norm_op(p, LS_OP_NORM, s);
    o->act = (ls_act)(v % LS_ACT_COUNT);
    o->running_mean = hand_room(p, "running_mean", 1, s.out);
    o->running_var = hand_room_positive(p, "running_var", 1, s.out);
    o->beta = hand_room(p, "beta", 1, s.out);
    o->y = hand_room(p, "y", s.m, s.out);
    o->a = v >= LS_ACT_COUNT && !ls_activations[o->act].reads_z ? o->y
                                                                : hand_room(p, "a", s.m, s.out);
}

SET(norm_fixed)
{
    p->plan.rows = p->data.rows = 2 * s.m + (s.m + 1) / 2;
    set_norm(p, s, v);
    p->op[0].kind = LS_OP_NORM_FIXED;
    as_inference(p, s.out, p->op[0].a);
}

static void norm_column(const hand_plan *p, float *arena, size_t rows, size_t j)
{
    FIRST_OP;
    float inv_rows = 1.0f / (float)rows, *mean = AT(mean) + j, *running_mean = AT(running_mean) + j;
    float *running_var = AT(running_var) + j, *d = malloc(rows * sizeof *d);
    cr_assert(d);
    *mean = truth_sum(AT(z) + j, o->out, NULL, 0, rows) * inv_rows;
    for (size_t r = 0; r < rows; r++) d[r] = AT(z)[r * o->out + j] - *mean;
    float variance = truth_sum(d, 1, d, 1, rows) * inv_rows;
    *running_mean = fmaf(0.1f, *mean - *running_mean, *running_mean);
    *running_var = fmaf(0.1f, variance - *running_var, *running_var);
    AT(inv)[j] = 1.0f / sqrtf(variance + 1e-5f);
    free(d);
}

static void norm_apply(const hand_plan *p, float *arena, size_t rows, const float *mean)
{
    FIRST_OP;
    for (size_t i = 0; i < rows * o->out; i++) {
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

SET(norm_grad)
{
    (void)v;
    ls_op *o = norm_op(p, LS_OP_NORM_GRAD, s);
    o->dz = hand_room(p, "dz", s.m, s.out);
    o->y = o->z;
    o->grad_gamma = hand_room(p, "grad_gamma", 1, s.out);
    o->grad_beta = hand_room(p, "grad_beta", 1, s.out);
}

TRUTH(norm_grad)
{
    FIRST_OP;
    (void)loss;
    float inv_rows = 1.0f / (float)rows, *hat = malloc(rows * sizeof *hat);
    cr_assert(hat);
    for (size_t j = 0; j < o->out; j++) {
        float *z = AT(z) + j, *dy = AT(dz) + j, inv = AT(inv)[j];
        for (size_t r = 0; r < rows; r++) hat[r] = (z[r * o->out] - AT(mean)[j]) * inv;
        float sum = AT(grad_beta)[j] = truth_sum(dy, o->out, NULL, 0, rows);
        float sum_hat = AT(grad_gamma)[j] = truth_sum(dy, o->out, hat, 1, rows);
        for (size_t r = 0; r < rows; r++)
            z[r * o->out] = (AT(gamma)[j] * inv) *
                            fmaf(-hat[r], sum_hat * inv_rows, dy[r * o->out] - sum * inv_rows);
    }
    free(hat);
}

/* ---- JOIN ------------------------------------------------------------------------------------ */

SET(join)
{
    static const float dropout[] = {0.0f, 0.25f, 0.5f, 0.9f};
    ls_op *o = hand_op(p, LS_OP_JOIN, 0, s.out);
    o->dropout = dropout[v % 4];
    o->purpose = 0x703;
    p->step = v & 4 ? 0x300000007 : 7;
    o->a = hand_room(p, "a", s.m, s.out);
    if (v & 4) o->skip = hand_room(p, "skip", s.m, s.out);
    o->y = v & 8 ? o->a : hand_room(p, "y", s.m, s.out);
}

TRUTH(join)
{
    FIRST_OP;
    (void)loss;
    for (size_t i = 0; i < rows * o->out; i++) {
        float value = o->dropout > 0 ? AT(a)[i] * truth_dropout(p, o, i) : AT(a)[i];
        AT(y)[i] = AT(skip) ? value + AT(skip)[i] : value;
    }
}

/* ---- LOSS, LOSS_SUM -------------------------------------------------------------------------- */

/* Four pairs of loss and output × row weights or none × averaged over one batch, summed and
 * averaged over a part of one, in inference. */
SET(loss)
{
    static const ls_loss losses[] = {LS_LOSS_BCE, LS_LOSS_CE, LS_LOSS_MSE, LS_LOSS_MSE};
    static const ls_output outputs[] = {LS_OUTPUT_SIGMOID, LS_OUTPUT_SOFTMAX, LS_OUTPUT_SIGMOID,
                                        LS_OUTPUT_IDENTITY};
    size_t out = v % 4 ? s.out : 1;
    bool data = v / 8 > 0, weighted = v & 4;
    if (data) data_in_batches(p, s, 1, out);
    p->plan.loss = losses[v % 4];
    p->plan.output = outputs[v % 4];
    p->plan.mean = v / 8 != 1;
    ls_op *o = hand_op(p, LS_OP_LOSS, 0, out);
    o->z = hand_room(p, "z", s.m, out);
    /* some logits are so low that their share of a softmax is 0 */
    for (size_t i = 0; i < s.m * out; i += 3) p->arena[o->z.at + i] *= 60;
    o->a = hand_room(p, "a", s.m, out);
    o->target = data ? (ls_view){LS_DATA_T, 0} : hand_room(p, "target", s.m, out);
    if (weighted)
        o->row_weight = data ? (ls_view){LS_DATA_WEIGHT, 0}
                             : hand_room_positive(p, "row_weight", s.m, 1);
    if (v / 8 == 3) as_inference(p, out, o->a);
    o->row_loss = p->infer ? p->plan.row_loss : hand_room(p, "row_loss", s.m, 1);
    p->no_truth = p->infer;
}

/* What is too small counts as 0 (docs/arithmetic.md). */
static float faded(float x) { return fabsf(x) < ldexpf(1, -100) ? 0 : x; }

static float row_cross_entropy(float *z, float *a, const float *t, size_t n, float scale)
{
    float top = z[0], sum = 0.0f, loss = 0.0f;
    for (size_t k = 1; k < n; k++) top = z[k] > top ? z[k] : top;
    for (size_t k = 0; k < n; k++)
        sum = sum + (a[k] = z[k] - top < -69.3147181f ? 0 : ls_exp(z[k] - top));
    float log_sum = top + ls_log(sum);
    for (size_t k = 0; k < n; k++) {
        loss = fmaf(t[k], log_sum - z[k], loss);
        a[k] = a[k] / sum;
        z[k] = faded((a[k] - t[k]) * scale);
    }
    return loss;
}

TRUTH(loss)
{
    FIRST_OP;
    (void)loss;
    float all = p->plan.mean ? 1.0f / (float)rows : 1.0f;
    for (size_t r = 0; r < rows; r++) {
        float *z = AT(z) + r * o->out, *a = AT(a) + r * o->out, *t = AT(target) + r * o->out,
              row = 0.0f;
        float scale = AT(row_weight) ? AT(row_weight)[r] * all : all;
        if (p->plan.loss == LS_LOSS_CE) row = row_cross_entropy(z, a, t, o->out, scale);
        else if (p->plan.loss == LS_LOSS_BCE) {
            a[0] = ls_sigmoid(z[0]);
            row = fmaf(-z[0], t[0], z[0] > 0 ? z[0] : 0.0f) + ls_log1p(ls_exp(-fabsf(z[0])));
            z[0] = faded((a[0] - t[0]) * scale);
        } else
            for (size_t k = 0; k < o->out; k++) {
                bool sigmoid = p->plan.output == LS_OUTPUT_SIGMOID;
                a[k] = sigmoid ? ls_sigmoid(z[k]) : z[k];
                row = fmaf(a[k] - t[k], a[k] - t[k], row);
                z[k] = faded((2.0f * (a[k] - t[k])) * scale);
                if (sigmoid) z[k] = z[k] * (a[k] * (1.0f - a[k]));
            }
        AT(row_loss)[r] = AT(row_weight) ? row * AT(row_weight)[r] : row;
    }
}

SET(loss_sum)
{
    (void)v;
    p->plan.rows = 2 * s.m + (s.m + 1) / 2; /* three steps, the last one over fewer rows */
    p->step = p->steps = 3, p->sums_loss = true;
    p->plan.row_loss = hand_room(p, "row_loss", s.m, 1);
    hand_op(p, LS_OP_LOSS_SUM, 0, 1);
}

TRUTH(loss_sum) { *loss = truth_sum(hand_at(p, arena, p->plan.row_loss), 1, NULL, 0, rows); }

/* One function per optimizer: the change of theta, with its states moved. A row of LS_OPTIMIZERS
 * without one does not compile. */
#define CHANGE(name)                                                                               \
    static float change_##name(float g, float *s, float *v, const ls_hyper *h, const ls_rates *r)

CHANGE(momentum)
{
    (void)v;
    return *s = faded(fmaf(h->beta1, *s, r->rate * g));
}
CHANGE(nesterov)
{
    (void)v;
    *s = faded(fmaf(h->beta1, *s, r->rate * g));
    return fmaf(h->beta1, *s, r->rate * g);
}
CHANGE(rmsprop)
{
    (void)v;
    *s = faded(fmaf(h->beta2, *s, (h->rest2 * g) * g));
    return r->rate * g / (sqrtf(*s) + h->epsilon);
}
CHANGE(adam)
{
    *s = faded(fmaf(h->beta1, *s, h->rest1 * g));
    *v = faded(fmaf(h->beta2, *v, (h->rest2 * g) * g));
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

/* Parameter i of an UPDATE, or of a GRAD_W that the optimizer follows at once. */
static void true_update_at(const hand_plan *p, float *arena, size_t i, bool weight)
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

static void set_optimizer(hand_plan *p, ls_op *o, unsigned optimizer, size_t n)
{
    p->plan.optimizer = (ls_opt)optimizer;
    p->plan.hyper = (ls_hyper){.beta1 = 0.9f,
                               .rest1 = 0.1f,
                               .beta2 = 0.99f,
                               .rest2 = 0.01f,
                               .epsilon = 1e-7f,
                               .l1 = 0.003f,
                               .twice_l2 = 0.07f};
    o->theta = hand_room(p, "theta", n, 1);
    o->s = hand_room_positive(p, "state 0", n, 1);
    o->v = hand_room_positive(p, "state 1", n, 1);
}

/* ---- GRAD_W, GRAD_B, GRAD_X ------------------------------------------------------------------ */

/* 0: by itself; 1: from the data set; then followed by each optimizer. */
SET(grad_w)
{
    if (v == 1) data_in_batches(p, s, s.in, 1);
    ls_op *o = hand_op(p, LS_OP_GRAD_W, s.in, s.out);
    o->x = v == 1 ? (ls_view){LS_DATA_X, 0} : hand_room(p, "x", s.m, s.in);
    o->dz = hand_room(p, "dz", s.m, s.out);
    o->y = hand_room(p, "y", s.in, s.out);
    if (v < 2) return;
    p->plan.parameters = p->plan.weights = s.in * s.out;
    set_optimizer(p, o, v - 2, s.in * s.out);
    hand_scratch(p, o->y);
}

TRUTH(grad_w)
{
    FIRST_OP;
    (void)loss;
    for (size_t i = 0; i < o->in; i++)
        for (size_t j = 0; j < o->out; j++)
            AT(y)[i * o->out + j] = truth_sum(AT(x) + i, o->in, AT(dz) + j, o->out, rows);
    for (size_t i = 0; i < o->in * o->out && AT(theta); i++) true_update_at(p, arena, i, true);
}

SET(grad_b)
{
    (void)v;
    ls_op *o = hand_op(p, LS_OP_GRAD_B, 0, s.out);
    o->dz = hand_room(p, "dz", s.m, s.out), o->y = hand_room(p, "y", 1, s.out);
}

TRUTH(grad_b)
{
    FIRST_OP;
    (void)loss;
    for (size_t j = 0; j < o->out; j++) AT(y)[j] = truth_sum(AT(dz) + j, o->out, NULL, 0, rows);
}

/* Activations × skip × dropout × in place or not. */
SET(grad_x)
{
    ls_op *o = hand_op(p, LS_OP_GRAD_X, s.in, s.out);
    o->act = (ls_act)(v % LS_ACT_COUNT);
    o->purpose = 0x203;
    o->dropout = v & 8 ? 0.25f : 0.0f;
    o->dz = hand_room(p, "dz", s.m, s.in);
    o->w = hand_room(p, "w", s.out, s.in);
    o->z = hand_room(p, "z", s.m, s.out);
    o->a = hand_room(p, "a", s.m, s.out);
    /* relu's outputs are not negative, and its derivative relies on that */
    for (size_t i = 0; i < s.m * s.out && o->act == LS_ACT_relu; i++)
        if (p->arena[o->a.at + i] < 0) p->arena[o->a.at + i] = -0.0f;
    /* d may be y if the derivative does not read z */
    bool reads_z = ls_activations[o->act].reads_z, in_place = !reads_z && v % 3 == 0;
    if (!in_place) o->d = hand_room(p, "d", s.m, s.out);
    o->dropped = hand_room(p, "dropped", s.m, s.out);
    hand_scratch(p, o->dropped);
    if (v & 16) o->skip = hand_room(p, "skip", s.m, s.out);
    o->y = v & 32 ? hand_room(p, "y", s.m, s.out) : o->z;
    if (in_place) o->d = o->y;
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

static void set_clip_of(hand_plan *p, size_t n, float limit)
{
    p->plan.parameters = n;
    p->plan.clip = limit;
    ls_op *o = hand_op(p, LS_OP_CLIP, 0, n);
    o->x = hand_room(p, "x", n, 1), o->y = hand_room(p, "y", 1, 1);
}

SET(clip) { set_clip_of(p, s.in * s.out, v == 0 ? 0.5f : v == 1 ? 1e20f : 30.0f); }

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

/* Optimizers × the share of the parameters that are weights × clipped or not, over all parameters
 * or the later ones. */
SET(update)
{
    size_t first = v & 1 ? 7 : 0, n = s.in * s.out,
           weights[] = {first + n, first + n / 2, first / 2};
    ls_op *o = hand_op(p, LS_OP_UPDATE, first, n);
    p->plan.parameters = first + n;
    p->plan.weights = weights[v / LS_OPT_COUNT % 3];
    set_optimizer(p, o, v % LS_OPT_COUNT, n);
    o->y = hand_room(p, "gradient", n, 1);
    if (v / LS_OPT_COUNT / 3) o->b = hand_room(p, "clip", 1, 1);
}

TRUTH(update)
{
    FIRST_OP;
    (void)loss, (void)rows;
    for (size_t i = 0; i < o->out; i++) true_update_at(p, arena, i, o->in + i < p->plan.weights);
}

SET(max_norm)
{
    static const float limit[] = {1.0f, 20.0f, 1e30f};
    p->plan.hyper.max_norm = limit[v];
    hand_op(p, LS_OP_MAX_NORM, s.in, s.out)->w = hand_room(p, "w", s.in, s.out);
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

/* ---- Running them ---------------------------------------------------------------------------- */

/* 1, primes, tiles of 4 to 32 and chunks of 64 rows ± 1, tall, wide, one column; products across a
 * cache block (256); and some large enough to be shared out among threads by rows, by columns and
 * by parameters. The first few run all variants of an operation, the others some in turn. */
static const shape shapes[] = {
    {5, 7, 3},      {67, 13, 33},   {129, 31, 17}, {1, 1, 1},      {2, 3, 5},      {3, 2, 1},
    {4, 5, 4},      {7, 13, 31},    {31, 61, 67},  {61, 67, 127},  {11, 12, 13},   {12, 11, 32},
    {13, 13, 31},   {15, 16, 17},   {16, 17, 15},  {17, 15, 16},   {31, 32, 33},   {32, 33, 31},
    {33, 31, 32},   {63, 64, 65},   {64, 65, 63},  {65, 63, 64},   {127, 128, 11}, {128, 129, 12},
    {129, 127, 61}, {1000, 1, 1},   {1000, 3, 2},  {1, 1000, 1},   {1, 1, 1000},   {67, 61, 1},
    {1, 300, 5},    {3, 600, 17},   {64, 300, 33}, {13, 255, 31},  {12, 256, 32},  {11, 257, 33},
    {192, 5, 96},   {193, 64, 65},  {257, 13, 7},  {320, 7, 96},   {600, 13, 31},  {20, 20, 1000},
    {3, 5, 2100},   {1000, 33, 65}, {2, 600, 500}, {300, 17, 260}, {70, 300, 1},   {300, 70, 1},
    {150, 2, 300},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, THOROUGH = 4, SOME = 3 };

#define ROWS(X)                                                                                    \
    X(BATCH, batch, NULL, 4)                                                                       \
    X(GATHER, gather, true_gather, 3)                                                              \
    X(DENSE, dense, true_dense, 18 + LS_ACT_COUNT)                                                 \
    X(NORM, norm, true_norm, 2 * LS_ACT_COUNT)                                                     \
    X(NORM_FIXED, norm_fixed, true_norm_fixed, 2 * LS_ACT_COUNT)                                   \
    X(JOIN, join, true_join, 16)                                                                   \
    X(LOSS, loss, true_loss, 32)                                                                   \
    X(LOSS_SUM, loss_sum, true_loss_sum, 1)                                                        \
    X(GRAD_W, grad_w, true_grad_w, 2 + LS_OPT_COUNT)                                               \
    X(GRAD_B, grad_b, true_grad_b, 1)                                                              \
    X(GRAD_X, grad_x, true_grad_x, 64)                                                             \
    X(NORM_GRAD, norm_grad, true_norm_grad, 1)                                                     \
    X(CLIP, clip, true_clip, 3)                                                                    \
    X(UPDATE, update, true_update, 6 * LS_OPT_COUNT)                                               \
    X(MAX_NORM, max_norm, true_max_norm, 3)

static const struct row {
    ls_op_kind kind;
    const char *name;
    void (*set)(hand_plan *p, shape s, unsigned v);
    hand_truth truth;
    unsigned variants;
} rows[] = {
#define X(KIND, name, truth, variants) {LS_OP_##KIND, #KIND, set_##name, truth, variants},
    ROWS(X)
#undef X
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

static void check_case(const struct row *r, const test_backends *b, size_t i, test_values values,
                       unsigned v)
{
    const shape s = shapes[i];
    hand_plan p;
    hand_begin(&p, s.m, values, (uint32_t)(i * 1000 + v));
    snprintf(p.what, sizeof p.what, "%s variant %u of %zu x %zu x %zu, %s values", r->name, v, s.m,
             s.in, s.out, test_values_name[values]);
    p.members = i % 4 == 1 ? HAND_MEMBERS : i % 4 == 3 ? 2 : 1;
    r->set(&p, s, v);
    hand_check(&p, b, r->truth);
    hand_end(&p);
}

static void check_kind(ls_op_kind kind)
{
    const struct row *r = rows;
    test_backends b;
    while (r->kind != kind) r++;
    test_backends_open(&b);
    if (kind == LS_OP_DENSE || kind == LS_OP_GRAD_W || kind == LS_OP_GRAD_X)
        test_backends_add_tiles(&b);
    for (size_t i = 0; i < SHAPES; i++) {
        unsigned variants = i < THOROUGH || r->variants < SOME ? r->variants : SOME;
        for (unsigned values = 0; values < VALUES_COUNT; values++)
            for (unsigned v = 0; v < variants; v++)
                check_case(r, &b, i, (test_values)values,
                           ((unsigned)i * SOME + 7 * values + v) % r->variants);
    }
    test_backends_close(&b);
}

#define X(KIND, name, truth, variants)                                                             \
    Test(parity, name) { check_kind(LS_OP_##KIND); }
ROWS(X)
#undef X

Test(parity, every_operation_is_here)
{
    for (int kind = 0; kind < LS_OP_COUNT; kind++) {
        size_t i = 0;
        while (i < ROW_COUNT && (int)rows[i].kind != kind) i++;
        cr_expect(i < ROW_COUNT, "operation %d of ls_op_kind has no row in this file: add one",
                  kind);
    }
}

/* The same at build time: a row of LS_OPS without one here does not compile. */
#define X(KIND, name, truth, variants) enum { ROW_OF_##KIND };
ROWS(X)
#undef X
#define X(KIND, name, chunkwise) +0 * ROW_OF_##KIND
_Static_assert(LS_OPS(X) == 0, "each operation has a row");
#undef X

/* Sizes at which the sums of CLIP get another chunk, or another level. */
Test(parity, clip_of_many_sizes)
{
    test_backends b;
    test_backends_open(&b);
    for (size_t n = 1; n <= 300000; n = n < 5000 ? n + 1 : n < 300000 ? 300000 : n + 1) {
        hand_plan p;
        hand_begin(&p, 1, n % 3 ? VALUES_MODERATE : VALUES_TINY, (uint32_t)n);
        snprintf(p.what, sizeof p.what, "CLIP of %zu values", n);
        set_clip_of(&p, n, 2.0f);
        hand_check(&p, &b, true_clip);
        hand_end(&p);
    }
    test_backends_close(&b);
}

/* A step over no rows has no mean and no chains: such a plan is refused where it is made. */
Test(parity, no_rows_are_refused)
{
    ls_options *options;
    ls_network net;
    ls_plan *plan = NULL;
    ls_error err;
    cr_assert_eq(ls_options_create(&options, &err), LS_OK);
    cr_assert_eq(ls_network_build(&options->settings, 4, 3, &net, &err), LS_OK);
    cr_expect_eq(ls_plan_build(&net, &options->settings, LS_PLAN_TRAIN, 0, false, &plan, &err),
                 LS_ERR_ARGUMENT);
    cr_expect_null(plan);
    cr_expect(strstr(err.message, "0 rows"), "message: %s", err.message);
    cr_expect_eq(ls_plan_build(&net, &options->settings, LS_PLAN_INFER, 0, false, &plan, &err),
                 LS_ERR_ARGUMENT);
    cr_expect_eq(ls_plan_build(&net, &options->settings, LS_PLAN_TRAIN, 1, false, &plan, &err),
                 LS_OK, "%s", err.message);
    ls_plan_free(plan);
    ls_network_free(&net);
    ls_options_free(options);
}
