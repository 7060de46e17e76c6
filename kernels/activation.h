/* SPDX-License-Identifier: MIT */
/*
 * Activations, for C and OpenCL C alike (see arith.h). Adding one is a row of the table below and
 * two scalar functions:
 *   a = ls_act_NAME(z)             z: pre-activation
 *   da/dz = ls_act_grad_NAME(v)    v: z, or a = ls_act_NAME(z), as the row says
 * NaN gives NaN in both, also for relu and leaky_relu, so that a broken run is visible. For any
 * other z, +-Inf included, neither is NaN.
 */
#ifndef LS_ACTIVATION_H
#define LS_ACTIVATION_H

#ifndef __OPENCL_VERSION__
#include "kernels/arith.h"
#endif

/* One row per activation:
 *   name
 *   what its derivative reads: A, the activation's value, or Z, the pre-activation. Networks store
 *     z only if an activation reads it, and otherwise overwrite it with a.
 *   facts for the host (host/network/activation.c): the default initialisation of the layer's
 *     weights (XAVIER or HE), and the values of a for which the activation is flat or nearly so:
 *     NOWHERE, OUTSIDE(low, high) or WITHIN(low, high), bounds not included. */
#define LS_ACTIVATIONS(X)                                                                          \
    X(identity, A, (XAVIER, NOWHERE))                                                              \
    X(sigmoid, A, (XAVIER, OUTSIDE(0.01f, 0.99f)))                                                 \
    X(tanh, A, (XAVIER, OUTSIDE(-0.99f, 0.99f)))                                                   \
    X(relu, A, (HE, WITHIN(-0x1p-149f, 0x1p-149f)))                                                \
    X(leaky_relu, A, (HE, OUTSIDE(0.0f, INFINITY)))                                                \
    X(elu, A, (HE, OUTSIDE(-0.99f, INFINITY)))                                                     \
    X(silu, Z, (HE, WITHIN(-0.01f, 0.01f)))                                                        \
    X(gelu, Z, (HE, WITHIN(-0.01f, 0.01f)))

#define LS_X(name, reads, facts) LS_ACT_##name,
typedef enum { LS_ACTIVATIONS(LS_X) LS_ACT_COUNT } ls_act;
#undef LS_X

/* ls_act_grad_NAME(LS_READS_##reads(z, a)) passes the derivative what its row says. */
#define LS_READS_A(z, a) (a)
#define LS_READS_Z(z, a) (z)

#define LS_LEAKY_SLOPE 0.01f

/* Identity. Its derivative is 1, but NaN for NaN, as for the other activations. */
LS_FN float ls_act_identity(float z) { return z; }
LS_FN float ls_act_grad_identity(float a) { return a != a ? a : 1.0f; }

/* Logistic sigmoid, 1 / (1 + exp(-z)): Rumelhart, Hinton, Williams, "Learning representations by
 * back-propagating errors", Nature 323 (1986). a' = a (1 - a); exactly 0 if a is rounded to 1
 * (z > 17). */
LS_FN float ls_act_sigmoid(float z) { return ls_sigmoid(z); }
LS_FN float ls_act_grad_sigmoid(float a) { return a * (1.0f - a); }

/* tanh: LeCun, Bottou, Orr, Mueller, "Efficient BackProp" (1998). a' = 1 - a^2; exactly 0 if |a| is
 * rounded to 1. */
LS_FN float ls_act_tanh(float z) { return ls_tanh(z); }
LS_FN float ls_act_grad_tanh(float a) { return ls_fma(-a, a, 1.0f); }

/* max(z, 0): Nair, Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML
 * 2010. -0 stays -0. The derivative at +-0 is 0. As a is not negative, a - a gives that 0, and NaN
 * for NaN, in one operation. */
LS_FN float ls_act_relu(float z) { return z < 0.0f ? 0.0f : z; }
LS_FN float ls_act_grad_relu(float a) { return a > 0.0f ? 1.0f : a - a; }

/* z, or 0.01 z below 0: Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic
 * models", ICML 2013. -0 stays -0. The derivative at +-0 is 0.01. */
LS_FN float ls_act_leaky_relu(float z) { return z < 0.0f ? LS_LEAKY_SLOPE * z : z; }
LS_FN float ls_act_grad_leaky_relu(float a)
{
    return a != a ? a : a > 0.0f ? 1.0f : LS_LEAKY_SLOPE;
}

/* z, or exp(z) - 1 below 0 (alpha = 1): Clevert, Unterthiner, Hochreiter, "Fast and accurate deep
 * network learning by exponential linear units (ELUs)", ICLR 2016. a' = a + 1 below 0 (exactly 0
 * if a is rounded to -1), else 1, also at 0. -0 stays -0. */
LS_FN float ls_act_elu(float z) { return z < 0.0f ? ls_expm1(z) : z; }
LS_FN float ls_act_grad_elu(float a) { return a != a ? a : a < 0.0f ? a + 1.0f : 1.0f; }

/* z sigmoid(z): Elfwing, Uchida, Doya, "Sigmoid-weighted linear units for neural network function
 * approximation in reinforcement learning", Neural Networks 107 (2018). z is clamped to where the
 * sigmoid is rounded to 0 (below) or 1 (above), so that Inf is never multiplied by 0: -0 at -Inf.
 * If the sigmoid is denormal (z < -87), the product has only its absolute accuracy.
 * a' = s (1 + z (1 - s)) = (num + z e / (1 + e)) / (1 + e), e = exp(-|z|), num = z < 0 ? e : 1,
 * without 1 - s, which would cancel. */
LS_FN float ls_act_silu(float z)
{
    float c = z < -128.0f ? -128.0f : z;
    return c * ls_sigmoid(c);
}
LS_FN float ls_act_grad_silu(float z)
{
    float c = z < -128.0f ? -128.0f : z > 128.0f ? 128.0f : z;
    float e = ls_exp(-ls_abs(c)), v = 1.0f / (1.0f + e);
    return ls_fma(c * e, v, c < 0.0f ? e : 1.0f) * v;
}

/* z Phi(z), exact, not the tanh approximation: Hendrycks, Gimpel, "Gaussian error linear units
 * (GELUs)", arXiv:1606.08415 (2016). Clamped like silu: -0 at -Inf; the derivative is 0 at -Inf and
 * 1 at Inf. a' = Phi(z) + z phi(z); both terms share one exponential after inlining. */
LS_FN float ls_act_gelu(float z)
{
    float c = z < -16.0f ? -16.0f : z;
    return c * ls_normal_cdf(c);
}
LS_FN float ls_act_grad_gelu(float z)
{
    float c = z < -16.0f ? -16.0f : z > 16.0f ? 16.0f : z;
    return ls_fma(c, ls_normal_pdf(c), ls_normal_cdf(c));
}

#endif
