/* SPDX-License-Identifier: MIT */
/*
 * Activations, one pair of plain functions each, for C and OpenCL C alike (see arith.h):
 *   a = ls_act_NAME(z)             z: pre-activation
 *   da/dz = ls_act_grad_NAME(z, a) from z, or from a = ls_act_NAME(z) where that is cheaper; the
 * other one is not read. NaN in z gives NaN in both, relu and leaky_relu included, so that a broken
 * run shows it. No activation and no derivative is NaN for any other z, +-Inf included.
 */
#ifndef LS_ACTIVATION_H
#define LS_ACTIVATION_H

#ifndef __OPENCL_VERSION__
#include "kernels/arith.h"
#endif

#define LS_ACTIVATIONS(X)                                                                          \
    X(identity) X(sigmoid) X(tanh) X(relu) X(leaky_relu) X(elu) X(silu) X(gelu)

/* Those whose derivative reads z; of the others only a has to be kept. */
#define LS_ACTIVATIONS_READING_Z(X) X(silu) X(gelu)

#define LS_LEAKY_SLOPE 0.01f

/* Identity. Its derivative is 1, and NaN for a NaN as for the others. */
LS_FN float ls_act_identity(float z) { return z; }
LS_FN float ls_act_grad_identity(float z, float a)
{
    (void)z;
    return a != a ? a : 1.0f;
}

/* Logistic sigmoid, 1 / (1 + exp(-z)): Rumelhart, Hinton, Williams, "Learning representations by
 * back-propagating errors", Nature 323 (1986). a' = a (1 - a); exactly 0 where a has rounded to 1
 * (z > 17). */
LS_FN float ls_act_sigmoid(float z) { return ls_sigmoid(z); }
LS_FN float ls_act_grad_sigmoid(float z, float a)
{
    (void)z;
    return a * (1.0f - a);
}

/* tanh: LeCun, Bottou, Orr, Mueller, "Efficient BackProp" (1998). a' = 1 - a^2; exactly 0 where |a|
 * has rounded to 1. */
LS_FN float ls_act_tanh(float z) { return ls_tanh(z); }
LS_FN float ls_act_grad_tanh(float z, float a)
{
    (void)z;
    return ls_fma(-a, a, 1.0f);
}

/* max(z, 0): Nair, Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML
 * 2010. -0 stays -0. The derivative at +-0 is 0; a, which is not negative, less itself is that, and
 * NaN for a NaN, in one step. */
LS_FN float ls_act_relu(float z) { return z < 0.0f ? 0.0f : z; }
LS_FN float ls_act_grad_relu(float z, float a)
{
    (void)z;
    return a > 0.0f ? 1.0f : a - a;
}

/* z, or 0.01 z below 0: Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic
 * models", ICML 2013. -0 stays -0. The derivative at +-0 is 0.01. */
LS_FN float ls_act_leaky_relu(float z) { return z < 0.0f ? LS_LEAKY_SLOPE * z : z; }
LS_FN float ls_act_grad_leaky_relu(float z, float a)
{
    (void)z;
    return a != a ? a : a > 0.0f ? 1.0f : LS_LEAKY_SLOPE;
}

/* z, or exp(z) - 1 below 0 (alpha = 1): Clevert, Unterthiner, Hochreiter, "Fast and accurate deep
 * network learning by exponential linear units (ELUs)", ICLR 2016. a' = a + 1 below 0 (exactly 0
 * where a has rounded to -1), else 1, at 0 too. -0 stays -0. */
LS_FN float ls_act_elu(float z) { return z < 0.0f ? ls_expm1(z) : z; }
LS_FN float ls_act_grad_elu(float z, float a)
{
    (void)z;
    return a != a ? a : a < 0.0f ? a + 1.0f : 1.0f;
}

/* z sigmoid(z): Elfwing, Uchida, Doya, "Sigmoid-weighted linear units for neural network function
 * approximation in reinforcement learning", Neural Networks 107 (2018). z is clamped where sigmoid
 * has become 0 (below) or 1 (above), so that no Inf meets a 0: -0 at -Inf. Where sigmoid is
 * denormal (z < -87) the product keeps that absolute accuracy only. a' = s (1 + z (1 - s)) = (num +
 * z e / (1 + e)) / (1 + e), e = exp(-|z|), num = z < 0 ? e : 1, without 1 - s, which cancels. */
LS_FN float ls_act_silu(float z)
{
    float c = z < -128.0f ? -128.0f : z;
    return c * ls_sigmoid(c);
}
LS_FN float ls_act_grad_silu(float z, float a)
{
    (void)a;
    float c = z < -128.0f ? -128.0f : z > 128.0f ? 128.0f : z;
    float e = ls_exp(-ls_abs(c)), v = 1.0f / (1.0f + e);
    return ls_fma(c * e, v, c < 0.0f ? e : 1.0f) * v;
}

/* z Phi(z), exact, not the tanh approximation: Hendrycks, Gimpel, "Gaussian error linear units
 * (GELUs)", arXiv:1606.08415 (2016). Clamped as silu: -0 at -Inf, 0 and 1 the derivatives at -Inf
 * and Inf. a' = Phi(z) + z phi(z); both share one exponential once inlined. */
LS_FN float ls_act_gelu(float z)
{
    float c = z < -16.0f ? -16.0f : z;
    return c * ls_normal_cdf(c);
}
LS_FN float ls_act_grad_gelu(float z, float a)
{
    (void)a;
    float c = z < -16.0f ? -16.0f : z > 16.0f ? 16.0f : z;
    return ls_fma(c, ls_normal_pdf(c), ls_normal_cdf(c));
}

#endif
