/* SPDX-License-Identifier: MIT */
/* Element formulas of the losses, computed from the pre-activations z of the outputs (logits), so
 * that none needs clipping. scale = row weight × (1/rows, or 1 if losses are summed). */
#ifndef LS_LOSS_H
#define LS_LOSS_H
#ifndef __OPENCL_VERSION__
#include "kernels/activation.h"
#endif

/* One row per loss and per activation of the output layer. */
#define LS_LOSSES(X) X(BCE, bce) X(CE, ce) X(MSE, mse) X(MAE, mae) X(HUBER, huber)
#define LS_OUTPUTS(X) X(SIGMOID, sigmoid) X(SOFTMAX, softmax) X(IDENTITY, identity)

#define LS_X(NAME, name) LS_LOSS_##NAME,
typedef enum { LS_LOSSES(LS_X) LS_LOSS_COUNT } ls_loss;
#undef LS_X
#define LS_X(NAME, name) LS_OUTPUT_##NAME,
typedef enum { LS_OUTPUTS(LS_X) LS_OUTPUT_COUNT } ls_output;
#undef LS_X

/* ---- Formulas of one element ----------------------------------------------------------------- */

/* Binary cross-entropy of sigmoid(z) against y, stable at any z: max(z, 0) - z·y + log(1 +
 * exp(-|z|)). */
LS_FN float ls_loss_bce(float z, float y)
{
    return ls_fma(-z, y, z > 0.0f ? z : 0.0f) + ls_log1p(ls_exp(-ls_abs(z)));
}

/* exp(z - top) of a softmax whose largest logit is top. Values below 2^-100 become 0: they do not
 * change the sum, which is at least 1, and their gradients are flushed to 0 anyway; otherwise they
 * would become denormal. */
LS_FN float ls_softmax_exp(float z, float top)
{
    const float least = -69.3147181f; /* ln 2^-100 */
    float x = z - top, e = ls_exp(x < least ? least : x);
    return x < least ? 0.0f : e;
}

/* A target of a cross-entropy with label smoothing P over K classes (Szegedy et al. 2016):
 * (1 - P)·t + P/K, with keep = 1 - P and share = P/K. Without it, fma(t, 1, 0) is t. */
LS_FN float ls_loss_target(float t, float keep, float share) { return ls_fma(t, keep, share); }

/* dz of both fused cross-entropies: (p - t)·scale, flushed. */
LS_FN float ls_loss_cross_entropy_grad(float p, float t, float scale)
{
    return ls_flush((p - t) * scale);
}

/* dp of the squared error (p - t)²: 2(p - t)·scale. The derivative of the output's activation is
 * applied after it. */
LS_FN float ls_loss_mse_grad(float p, float t, float scale)
{
    return ls_flush((2.0f * (p - t)) * scale);
}

/* d|e| of an error e = p - t: sign(e)·scale, and 0 at 0. */
LS_FN float ls_loss_mae_grad(float e, float scale)
{
    return ls_flush((e > 0.0f ? 1.0f : e < 0.0f ? -1.0f : e) * scale);
}

/* Huber's loss of an error e (Huber 1964), added to sum: e²/2 up to delta, delta·(|e| - delta/2)
 * beyond. Both are m·(|e| - m/2) with m = min(|e|, delta). */
LS_FN float ls_loss_huber(float e, float delta, float sum)
{
    const float size = ls_abs(e), m = size < delta ? size : delta;
    return ls_fma(m, size - 0.5f * m, sum);
}

/* Its derivative: e, limited to ±delta, times scale. */
LS_FN float ls_loss_huber_grad(float e, float delta, float scale)
{
    return ls_flush((e > delta ? delta : e < -delta ? -delta : e) * scale);
}

/* ---- Losses of rows -------------------------------------------------------------------------- */

/* A complete loss, written once for all interpreters, which differ only in the layout of the
 * matrices and in the number of rows computed side by side: outputs p from logits z, the loss of
 * each row and, in training, dL/dz in place of z. The code that expands LS_LOSS_ROWS_NAME defines
 *   LOSS_EACH(i)    loop over the current rows i
 *   LOSS_AT(i, k)   index in z, p and t of output k of row i
 *   z, p, t         logits, outputs and targets
 *   row_loss[i]     out: loss of row i, unweighted
 *   scale[i]        scale of row i's gradient
 *   top[i], sum[i]  space for two numbers per row (ce)
 *   columns         number of outputs; ls_u32 or wider
 *   training        whether z becomes dL/dz
 *   sigmoid         whether the output is sigmoid; otherwise it is identity (mse)
 *   delta           where Huber's loss becomes linear (huber)
 *   keep, share     of label smoothing (bce, ce); 1 and 0 outside training */

#define LS_LOSS_ROWS_BCE                                                                           \
    LOSS_EACH(i) { row_loss[i] = 0.0f; }                                                           \
    for (ls_u32 k = 0; k < columns; k++) LOSS_EACH(i)                                              \
        {                                                                                          \
            const float logit = z[LOSS_AT(i, k)];                                                  \
            const float target = ls_loss_target(t[LOSS_AT(i, k)], keep, share);                    \
            const float output = ls_sigmoid(logit);                                                \
            p[LOSS_AT(i, k)] = output;                                                             \
            row_loss[i] = row_loss[i] + ls_loss_bce(logit, target);                                \
            if (training) z[LOSS_AT(i, k)] = ls_loss_cross_entropy_grad(output, target, scale[i]); \
        }

#define LS_LOSS_ROWS_CE                                                                            \
    LOSS_EACH(i) { top[i] = z[LOSS_AT(i, 0)]; }                                                    \
    for (ls_u32 k = 1; k < columns; k++) LOSS_EACH(i)                                              \
        {                                                                                          \
            top[i] = z[LOSS_AT(i, k)] > top[i] ? z[LOSS_AT(i, k)] : top[i];                        \
        }                                                                                          \
    LOSS_EACH(i) { sum[i] = 0.0f; }                                                                \
    for (ls_u32 k = 0; k < columns; k++) LOSS_EACH(i)                                              \
        {                                                                                          \
            const float power = ls_softmax_exp(z[LOSS_AT(i, k)], top[i]);                          \
            p[LOSS_AT(i, k)] = power;                                                              \
            sum[i] = sum[i] + power;                                                               \
        }                                                                                          \
    LOSS_EACH(i)                                                                                   \
    {                                                                                              \
        top[i] = top[i] + ls_log(sum[i]); /* now the logarithm of the sum of exp(z) */             \
        row_loss[i] = 0.0f;                                                                        \
    }                                                                                              \
    for (ls_u32 k = 0; k < columns; k++) LOSS_EACH(i)                                              \
        {                                                                                          \
            const float logit = z[LOSS_AT(i, k)];                                                  \
            const float target = ls_loss_target(t[LOSS_AT(i, k)], keep, share);                    \
            const float output = p[LOSS_AT(i, k)] / sum[i];                                        \
            row_loss[i] = ls_fma(target, top[i] - logit, row_loss[i]);                             \
            p[LOSS_AT(i, k)] = output;                                                             \
            if (training) z[LOSS_AT(i, k)] = ls_loss_cross_entropy_grad(output, target, scale[i]); \
        }

#define LS_LOSS_ROWS_MSE                                                                           \
    LOSS_EACH(i) { row_loss[i] = 0.0f; }                                                           \
    for (ls_u32 k = 0; k < columns; k++) LOSS_EACH(i)                                              \
        {                                                                                          \
            const float logit = z[LOSS_AT(i, k)], target = t[LOSS_AT(i, k)];                       \
            const float output = sigmoid ? ls_sigmoid(logit) : logit, error = output - target;     \
            p[LOSS_AT(i, k)] = output;                                                             \
            row_loss[i] = ls_fma(error, error, row_loss[i]);                                       \
            if (training) {                                                                        \
                const float slope = ls_loss_mse_grad(output, target, scale[i]);                    \
                z[LOSS_AT(i, k)] = sigmoid ? slope * ls_act_grad_sigmoid(output) : slope;          \
            }                                                                                      \
        }

#define LS_LOSS_ROWS_MAE                                                                           \
    LOSS_EACH(i) { row_loss[i] = 0.0f; }                                                           \
    for (ls_u32 k = 0; k < columns; k++) LOSS_EACH(i)                                              \
        {                                                                                          \
            const float output = z[LOSS_AT(i, k)], error = output - t[LOSS_AT(i, k)];              \
            p[LOSS_AT(i, k)] = output;                                                             \
            row_loss[i] = row_loss[i] + ls_abs(error);                                             \
            if (training) z[LOSS_AT(i, k)] = ls_loss_mae_grad(error, scale[i]);                    \
        }

#define LS_LOSS_ROWS_HUBER                                                                         \
    LOSS_EACH(i) { row_loss[i] = 0.0f; }                                                           \
    for (ls_u32 k = 0; k < columns; k++) LOSS_EACH(i)                                              \
        {                                                                                          \
            const float output = z[LOSS_AT(i, k)], error = output - t[LOSS_AT(i, k)];              \
            p[LOSS_AT(i, k)] = output;                                                             \
            row_loss[i] = ls_loss_huber(error, delta, row_loss[i]);                                \
            if (training) z[LOSS_AT(i, k)] = ls_loss_huber_grad(error, delta, scale[i]);           \
        }

#endif
