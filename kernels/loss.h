/* SPDX-License-Identifier: MIT */
/* Element formulas of the losses, from the outputs' pre-activations z (logits), so that none needs
 * clipping. scale = row weight × (1/rows, or 1 when losses are summed). */
#ifndef LS_LOSS_H
#define LS_LOSS_H
#ifndef __OPENCL_VERSION__
#include "kernels/arith.h"
#endif

/* Binary cross-entropy of sigmoid(z) against y, stable at any z: max(z, 0) - z·y + log(1 +
 * exp(-|z|)). */
LS_FN float ls_loss_bce(float z, float y)
{
    return ls_fma(-z, y, z > 0.0f ? z : 0.0f) + ls_log1p(ls_exp(-ls_abs(z)));
}

/* exp(z - top) of a softmax whose largest logit is top. Below 2^-100 it is 0: the sum, which is at
 * least 1, does not feel it, its gradient is flushed anyway, and it would end as a denormal. */
LS_FN float ls_softmax_exp(float z, float top)
{
    const float least = -69.3147181f; /* ln 2^-100 */
    float x = z - top, e = ls_exp(x < least ? least : x);
    return x < least ? 0.0f : e;
}

/* dz of both fused cross-entropies: (p - t)·scale, flushed. */
LS_FN float ls_loss_cross_entropy_grad(float p, float t, float scale)
{
    return ls_flush((p - t) * scale);
}

/* dp of the squared error (p - t)²: 2(p - t)·scale. The derivative of the output's activation comes
 * after. */
LS_FN float ls_loss_mse_grad(float p, float t, float scale)
{
    return ls_flush((2.0f * (p - t)) * scale);
}

#endif
