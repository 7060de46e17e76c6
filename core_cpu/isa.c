/* SPDX-License-Identifier: MIT */
/* The CPU path's kernels, compiled once per instruction set with -DLS_ISA=name and the compiler
 * flags of that set. Every loop runs over independent outputs, and compilers may vectorise it; a
 * chain over rows or products is never split. */
#include "core_cpu/kernels.h"
#include "core_cpu/vec.h"
#include "kernels/loss.h"
#include "kernels/norm.h"
#include "kernels/piecewise.h"
#include "kernels/random.h"
#include <string.h>

#include "core_cpu/pack.inc"

/* Marks loops in which iteration i accesses only elements i: vectorising them is safe even if
 * arrays overlap. */
#if defined(__clang__)
#define ELEMENTWISE(i, from, to)                                                                   \
    _Pragma("clang loop vectorize(assume_safety)") for (size_t i = (from); i < (to); i++)
#else
#define ELEMENTWISE(i, from, to) _Pragma("GCC ivdep") for (size_t i = (from); i < (to); i++)
#endif

/* Number of columns that a sum over rows keeps in registers at a time. */
enum { BLOCK = 64 };

#define LS_X(name, reads, facts)                                                                   \
    static void act_##name(const float *z, float *a, ls_block b)                                   \
    {                                                                                              \
        for (size_t r = 0; r < b.rows; r++, z += b.stride, a += b.stride)                          \
            ELEMENTWISE(i, 0, b.columns) a[i] = ls_act_##name(z[i]);                               \
    }                                                                                              \
    static void act_grad_##name(const float *d, const float *z, const float *a, float *y,          \
                                ls_block b)                                                        \
    {                                                                                              \
        for (size_t r = 0; r < b.rows; r++) {                                                      \
            const size_t at = r * b.stride, end = at + b.columns;                                  \
            (void)z, (void)a; /* one of them is not read */                                        \
            ELEMENTWISE(i, at, end)                                                                \
                y[i] = d[i] * ls_act_grad_##name(LS_READS_##reads(z[i], a[i]));                    \
        }                                                                                          \
    }
LS_ACTIVATIONS(LS_X)
#undef LS_X

static void join(const float *a, const float *skip, float *y, size_t n)
{
    if (skip)
        ELEMENTWISE(i, 0, n) y[i] = a[i] + skip[i];
    else if (y != a) memcpy(y, a, n * sizeof *y);
}

static void pieces(const float *table, const float *x, size_t rows, size_t in, size_t out, float *a)
{
    const float *number = table + LS_PIECE_INPUT * out, *from = table + LS_PIECE_FROM * out,
                *scale = table + LS_PIECE_SCALE * out, *low = table + LS_PIECE_LOW * out,
                *high = table + LS_PIECE_HIGH * out;
    for (size_t r = 0; r < rows; r++, x += in, a += out)
        ELEMENTWISE(j, 0, out)
            a[j] = ls_piece(x[ls_piece_input(number[j], (ls_u32)in)], from[j], scale[j], low[j],
                            high[j]);
}

static void lanes_pieces(const float *table, const float *x, size_t lanes, size_t in, size_t out,
                         float *a)
{
    for (size_t j = 0; j < out; j++, a += lanes, table++) {
        const float *input = x + ls_piece_input(table[0], (ls_u32)in) * lanes;
        const float from = table[LS_PIECE_FROM * out], scale = table[LS_PIECE_SCALE * out],
                    low = table[LS_PIECE_LOW * out], high = table[LS_PIECE_HIGH * out];
        ELEMENTWISE(i, 0, lanes) a[i] = ls_piece(input[i], from, scale, low, high);
    }
}

/* The sum over rows of docs/arithmetic.md, for one block of columns: chains of LS_CHUNK rows from
 * 0, their sums added in order. TERM is the new value of a chain, from its value `acc` and row r,
 * column j. */
#define SUM_OVER_ROWS(rows, width, out, TERM)                                                      \
    for (size_t r0 = 0; r0 < (rows); r0 += LS_CHUNK) {                                             \
        float chain[BLOCK] = {0};                                                                  \
        size_t r1 = min_size(r0 + LS_CHUNK, (rows));                                               \
        for (size_t r = r0; r < r1; r++)                                                           \
            for (size_t j = 0; j < (width); j++) {                                                 \
                float acc = chain[j];                                                              \
                chain[j] = (TERM);                                                                 \
            }                                                                                      \
        for (size_t j = 0; j < (width); j++) (out)[j] = r0 ? (out)[j] + chain[j] : chain[j];       \
    }

/* Many positions of an epoch's order at once: those that are not below n yet are permuted again,
 * the others keep their value. */
static void order(uint32_t *numbers, size_t first, size_t count, uint32_t n, uint64_t seed,
                  uint64_t epoch)
{
    const ls_permutation p = ls_permutation_of(n, seed, LS_PURPOSE_ORDER, epoch);
    for (size_t at = 0; at < count; at += BLOCK) {
        uint32_t *to = numbers + at, pending = 1;
        size_t block = min_size(BLOCK, count - at);
        ELEMENTWISE(i, 0, block) to[i] = ls_permute_once((uint32_t)(first + at + i), p);
        while (pending) {
            pending = 0;
            ELEMENTWISE(i, 0, block) {
                uint32_t next = ls_permute_once(to[i], p);
                to[i] = to[i] >= n ? next : to[i];
                pending |= to[i] >= n;
            }
        }
    }
}

static void row_sum(const float *x, size_t rows, size_t columns, size_t j0, size_t j1, float *out)
{
    for (size_t c = j0; c < j1; c += BLOCK) {
        size_t width = min_size(BLOCK, j1 - c);
        const float *from = x + c;
        float *to = out + c;
        SUM_OVER_ROWS(rows, width, to, acc + from[r * columns + j])
    }
}

static void norm_apply(const ls_norm_rows *n, const float *mean, const float *inv, size_t j0,
                       size_t j1)
{
    for (size_t r = 0; r < n->rows; r++)
        ELEMENTWISE(j, j0, j1) {
            size_t i = r * n->columns + j;
            n->y[i] = ls_fma(n->gamma[j], ls_norm_hat(n->z[i], mean[j], inv[j]), n->beta[j]);
        }
}

/* The mean from the sum. */
static void norm_mean(const ls_norm_rows *n, size_t j0, size_t j1)
{
    for (size_t j = j0; j < j1; j++) n->mean[j] = n->mean[j] * n->inv_rows;
}

/* inv from the sum of squares, and the running averages. */
static void norm_inv(const ls_norm_rows *n, size_t j0, size_t j1)
{
    for (size_t j = j0; j < j1; j++) {
        float variance = n->inv[j] * n->inv_rows;
        n->inv[j] = ls_norm_inv(variance);
        n->running_mean[j] = ls_norm_running(n->running_mean[j], n->mean[j]);
        n->running_var[j] = ls_norm_running(n->running_var[j], variance);
    }
}

static void norm(const ls_norm_rows *n, size_t j0, size_t j1)
{
    for (size_t c = j0; c < j1; c += BLOCK) {
        size_t width = min_size(BLOCK, j1 - c);
        const float *z = n->z + c;
        float *mean = n->mean + c, *inv = n->inv + c;
        SUM_OVER_ROWS(n->rows, width, mean, acc + z[r * n->columns + j])
        norm_mean(n, c, c + width);
        SUM_OVER_ROWS(n->rows, width, inv,
                      ls_fma(z[r * n->columns + j] - mean[j], z[r * n->columns + j] - mean[j], acc))
        norm_inv(n, c, c + width);
        norm_apply(n, n->mean, n->inv, c, c + width);
    }
}

static void norm_fixed_inv(const ls_norm_rows *n, size_t j0, size_t j1)
{
    for (size_t j = j0; j < j1; j++) n->inv[j] = ls_norm_inv(n->running_var[j]);
}

static void norm_fixed(const ls_norm_rows *n, size_t j0, size_t j1)
{
    norm_fixed_inv(n, j0, j1);
    norm_apply(n, n->running_mean, n->inv, j0, j1);
}

static void norm_slope(const ls_norm_rows *n, size_t j0, size_t j1)
{
    const float *mean = n->mean, *inv = n->inv, *dgamma = n->grad_gamma, *dbeta = n->grad_beta;
    for (size_t r = 0; r < n->rows; r++)
        ELEMENTWISE(j, j0, j1) {
            size_t i = r * n->columns + j;
            n->y[i] = ls_norm_grad(n->dy[i], ls_norm_hat(n->z[i], mean[j], inv[j]), n->gamma[j],
                                   inv[j], dbeta[j], dgamma[j], n->inv_rows);
        }
}

static void norm_grad(const ls_norm_rows *n, size_t j0, size_t j1)
{
    for (size_t c = j0; c < j1; c += BLOCK) {
        size_t width = min_size(BLOCK, j1 - c);
        const float *dy = n->dy + c, *mean = n->mean + c, *inv = n->inv + c, *z = n->z + c;
        float *dgamma = n->grad_gamma + c, *dbeta = n->grad_beta + c;
        SUM_OVER_ROWS(n->rows, width, dbeta, acc + dy[r * n->columns + j])
        SUM_OVER_ROWS(n->rows, width, dgamma,
                      ls_fma(dy[r * n->columns + j],
                             ls_norm_hat(z[r * n->columns + j], mean[j], inv[j]), acc))
        norm_slope(n, c, c + width);
    }
}

#include "core_cpu/images.inc"

/* ---- Losses ---------------------------------------------------------------------------------- */

/* Scale of the gradient of row i, including the row's weight. */
static float scale_of(const ls_loss_rows *l, size_t i)
{
    return l->row_weight ? l->row_weight[i] * l->scale : l->scale;
}
static void weigh(const ls_loss_rows *l, size_t i0, size_t i1)
{
    for (size_t i = i0; i < i1 && l->row_weight; i++)
        l->row_loss[i] = l->row_loss[i] * l->row_weight[i];
}

/* Rows [i0, i1) of row-major matrices, one row at a time. */
#define LOSS_EACH(i) for (size_t i = 0; i < 1; i++)
#define LOSS_AT(i, k) ((i) + (k))
#define LS_X(NAME, name)                                                                           \
    static void loss_##name(const ls_loss_rows *l, size_t i0, size_t i1)                           \
    {                                                                                              \
        const size_t columns = l->columns;                                                         \
        const bool training = l->scale != 0.0f, sigmoid = l->output == LS_OUTPUT_SIGMOID;          \
        const float delta = l->delta, keep = l->keep, share = l->share;                            \
        for (size_t row = i0; row < i1; row++) {                                                   \
            float *z = l->z + row * columns, *p = l->p + row * columns;                            \
            float *row_loss = l->row_loss + row, top[1], sum[1], scale[1] = {scale_of(l, row)};    \
            const float *t = l->target + row * columns;                                            \
            (void)sigmoid, (void)columns, (void)top, (void)sum, (void)delta, (void)keep,           \
                (void)share;                                                                       \
            LS_LOSS_ROWS_##NAME                                                                    \
        }                                                                                          \
        weigh(l, i0, i1);                                                                          \
    }
LS_LOSSES(LS_X)
#undef LS_X
#undef LOSS_EACH
#undef LOSS_AT

static void square_chunks(const float *x, size_t n, size_t c0, size_t c1, float *out)
{
    for (size_t c = c0; c < c1; c++) {
        float acc = 0.0f;
        for (size_t i = c * LS_CHUNK; i < min_size(n, (c + 1) * LS_CHUNK); i++)
            acc = ls_fma(x[i], x[i], acc);
        out[c] = acc;
    }
}

static void sum_chunks(const float *x, size_t n, float *out)
{
    for (size_t c = 0; c * LS_CHUNK < n; c++) {
        float acc = 0.0f;
        for (size_t i = c * LS_CHUNK; i < min_size(n, (c + 1) * LS_CHUNK); i++) acc = acc + x[i];
        out[c] = acc;
    }
}

/* One loop for weights and one for the other parameters, as compilers do not vectorise a condition
 * that is the same for all elements. An optimizer's missing states are passed as 0, and their
 * results are discarded. */
#define UPDATE_LOOP(name, states, decays)                                                          \
    ELEMENTWISE(i, 0, columns) {                                                                   \
        float from = theta[i], gradient = ls_opt_gradient(g[i], clip, from, decays, hyper);        \
        ls_updated new = ls_opt_##name(from, gradient, states > 0 ? s[i] : 0.0f,                   \
                                       states > 1 ? v[i] : 0.0f, decays, hyper, rates);            \
        theta[i] = new.theta;                                                                      \
        if (states > 0) s[i] = new.s;                                                              \
        if (states > 1) v[i] = new.v;                                                              \
    }

#define LS_X(name, states, facts)                                                                  \
    static void update_##name(const ls_update_block *u, bool decays)                               \
    {                                                                                              \
        const ls_hyper hyper = u->hyper;                                                           \
        const ls_rates rates = u->rates;                                                           \
        const float clip = u->clip;                                                                \
        const size_t columns = u->columns;                                                         \
        for (size_t r = 0; r < u->rows; r++) {                                                     \
            const size_t at = r * u->stride;                                                       \
            float *theta = u->theta + at, *s = states > 0 ? u->s + at : NULL;                      \
            float *v = states > 1 ? u->v + at : NULL;                                              \
            const float *g = u->g + r * u->g_stride;                                               \
            if (decays) UPDATE_LOOP(name, states, 1)                                               \
            else UPDATE_LOOP(name, states, 0)                                                      \
        }                                                                                          \
    }
LS_OPTIMIZERS(LS_X)
#undef LS_X

static void max_norm(float *w, size_t in, size_t out, size_t j0, size_t j1, float limit)
{
    for (size_t c = j0; c < j1; c += BLOCK) {
        size_t width = min_size(BLOCK, j1 - c);
        float square[BLOCK] = {0}, *from = w + c;
        SUM_OVER_ROWS(in, width, square, ls_fma(from[r * out + j], from[r * out + j], acc))
        for (size_t j = 0; j < width; j++) square[j] = ls_limit_factor(square[j], limit);
        for (size_t r = 0; r < in; r++)
            for (size_t j = 0; j < width; j++) from[r * out + j] = from[r * out + j] * square[j];
    }
}

#include "core_cpu/lanes.inc"

#include "core_cpu/dropout.inc"

#define LS_NAME(isa) LS_NAME_(isa)
#define LS_NAME_(isa) ls_cpu_kernels_##isa

#define ACT(name, reads, facts) [LS_ACT_##name] = act_##name,
#define ACT_GRAD(name, reads, facts) [LS_ACT_##name] = act_grad_##name,
#define LOSS(NAME, name) [LS_LOSS_##NAME] = loss_##name,
#define LANES_LOSS(NAME, name) [LS_LOSS_##NAME] = lanes_##name,
#define UPDATE(name, states, facts) [LS_OPT_##name] = update_##name,

const ls_cpu_kernels LS_NAME(LS_ISA) = {
    .act = {LS_ACTIVATIONS(ACT)},
    .act_grad = {LS_ACTIVATIONS(ACT_GRAD)},
    .join = join,
    .drop = drop,
    .order = order,
    .row_sum = row_sum,
    .norm = norm,
    .norm_fixed = norm_fixed,
    .norm_grad = norm_grad,
    .norm_mean = norm_mean,
    .norm_inv = norm_inv,
    .norm_fixed_inv = norm_fixed_inv,
    .norm_apply = norm_apply,
    .norm_slope = norm_slope,
    .image_sum = image_sum,
    .add_images = add_images,
    .taps = taps,
    .pool_max = pool_max,
    .pool_sum = pool_sum,
    .pool_max_x = pool_max_x,
    .pool_add = pool_add,
    .pool_spread = pool_spread,
    .loss = {LS_LOSSES(LOSS)},
    .square_chunks = square_chunks,
    .sum_chunks = sum_chunks,
    .update = {LS_OPTIMIZERS(UPDATE)},
    .max_norm = max_norm,
    .lane_unit = VW,
    .lanes_product = lanes_product,
    .rows_to_lanes = rows_to_lanes,
    .lanes_to_rows = lanes_to_rows,
    .lanes_factors = lanes_factors,
    .times = times,
    .pieces = pieces,
    .lanes_pieces = lanes_pieces,
    .lanes_loss = {LS_LOSSES(LANES_LOSS)},
};
