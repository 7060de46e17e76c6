/* SPDX-License-Identifier: MIT */
/*
 * Optimizers, for C and OpenCL C alike. Adding one is a row of the table below and one function
 * that updates one parameter by a fixed sequence of operations. States below 2^-100 become 0
 * (ls_flush). Values that depend on the step number are computed on the host
 * (host/network/schedule.c).
 */
#ifndef LS_OPTIMIZER_H
#define LS_OPTIMIZER_H

#ifndef __OPENCL_VERSION__
#include "kernels/arith.h"
#endif

/* One row per optimizer:
 *   name
 *   number of state arrays, each as long as the parameters (0 to 2)
 *   facts for the host (host/network/optimizer.c): default learning rate; which options give the
 *     decays beta1 and beta2 of ls_hyper (NONE, momentum, rho, beta1, beta2); whether averages are
 *     bias-corrected (PLAIN or CORRECTED); how weight decay enters (COUPLED: not at all, or
 *     DECOUPLED: through ls_rates.keep); the batch it takes (FULL or MINI). */
#define LS_OPTIMIZERS(X)                                                                           \
    X(gd, 0, (0.1, NONE, NONE, PLAIN, COUPLED, FULL))                                              \
    X(sgd, 0, (0.1, NONE, NONE, PLAIN, COUPLED, MINI))                                             \
    X(momentum, 1, (0.01, momentum, NONE, PLAIN, COUPLED, MINI))                                   \
    X(nesterov, 1, (0.01, momentum, NONE, PLAIN, COUPLED, MINI))                                   \
    X(rmsprop, 1, (0.003, NONE, rho, PLAIN, COUPLED, MINI))                                        \
    X(adam, 2, (0.003, beta1, beta2, CORRECTED, COUPLED, MINI))                                    \
    X(adamw, 2, (0.003, beta1, beta2, CORRECTED, DECOUPLED, MINI))

#define LS_X(name, states, facts) LS_OPT_##name,
typedef enum { LS_OPTIMIZERS(LS_X) LS_OPT_COUNT } ls_opt;
#undef LS_X

/* Constants of a run. The number is the component of the vector in which kernels receive the
 * constant (hexadecimal: there is room for 16). Adding a constant is a row here and its value in
 * hyper_of (host/network/plan.c).
 *   beta1, rest1: decay of the first average (the velocity's gamma for momentum), and 1 - beta1
 *                 rounded once
 *   beta2, rest2: decay of the second average (rmsprop's rho), and 1 - beta2
 *   l1, twice_l2: penalties l1·|theta| and l2·theta², on weights only
 *   max_norm:     bound on the norm of a neuron's incoming weights, 0: none; not used by updates */
#define LS_HYPER(X)                                                                                \
    X(beta1, 0)                                                                                    \
    X(rest1, 1)                                                                                    \
    X(beta2, 2)                                                                                    \
    X(rest2, 3)                                                                                    \
    X(epsilon, 4)                                                                                  \
    X(l1, 5)                                                                                       \
    X(twice_l2, 6)                                                                                 \
    X(max_norm, 7)

/* Scalars of one step, numbered likewise (room for 8). Adding one is a row here and its value in
 * ls_rates_at (host/network/schedule.c).
 *   rate:           learning rate
 *   rate_corrected: rate / (1 - beta1^t) with bias correction, otherwise rate
 *   correction2:    1 / (1 - beta2^t), or 1
 *   keep:           1 - rate·weight_decay: the part of a weight that decoupled decay leaves */
#define LS_RATES(X)                                                                                \
    X(rate, 0)                                                                                     \
    X(rate_corrected, 1)                                                                           \
    X(correction2, 2)                                                                              \
    X(keep, 3)

#define LS_X(name, number) float name;
typedef struct {
    LS_HYPER(LS_X)
} ls_hyper;
typedef struct {
    LS_RATES(LS_X)
} ls_rates;
#undef LS_X
#define LS_X(name, number) LS_HYPER_##name,
enum { LS_HYPER(LS_X) LS_HYPER_COUNT };
#undef LS_X
#define LS_X(name, number) LS_RATES_##name,
enum { LS_RATES(LS_X) LS_RATES_COUNT };
#undef LS_X

#ifdef __OPENCL_VERSION__
/* Kernels receive both as vectors: some drivers pass structs wrongly. */
#define LS_X(name, number) unpacked.name = packed.s##number;
LS_FN ls_hyper ls_hyper_of(float16 packed)
{
    ls_hyper unpacked;
    LS_HYPER(LS_X)
    return unpacked;
}
LS_FN ls_rates ls_rates_of(float8 packed)
{
    ls_rates unpacked;
    LS_RATES(LS_X)
    return unpacked;
}
#undef LS_X
#else
_Static_assert(LS_HYPER_COUNT <= 16 && LS_RATES_COUNT <= 8,
               "kernels receive a float16 and a float8");
#endif

/* A parameter and its states after a step. */
typedef struct {
    float theta, s, v, unused;
} ls_updated;

LS_FN ls_updated ls_updated_from(float theta, float s, float v)
{
    ls_updated u;
    u.theta = theta;
    u.s = s;
    u.v = v;
    u.unused = 0.0f;
    return u;
}

/* Gradient of loss + l1·|theta| + l2·theta², from the loss's gradient scaled by clipping. decays:
 * theta is a weight. */
LS_FN float ls_opt_gradient(float g, float clip, float theta, int decays, ls_hyper h)
{
    float scaled = g * clip;
    float sign = theta > 0.0f ? 1.0f : theta < 0.0f ? -1.0f : 0.0f;
    float penalised = ls_fma(h.l1, sign, ls_fma(h.twice_l2, theta, scaled));
    return decays ? penalised : scaled;
}

/* Factor that scales a vector with this squared norm down to norm `limit`; 1 if the norm is not
 * above the limit, NaN if it is infinite: training then diverges, instead of going on with a
 * gradient of 0. */
LS_FN float ls_limit_factor(float square, float limit)
{
    float norm = ls_sqrt(square);
    return norm > limit ? limit / norm + (norm - norm) : 1.0f;
}

/* theta <- theta - rate·g; gd is the full batch, sgd the mini-batch (Robbins, Monro 1951). */
LS_FN ls_updated ls_opt_sgd(float theta, float g, float s, float v, int decays, ls_hyper h,
                            ls_rates r)
{
    (void)decays, (void)h;
    return ls_updated_from(ls_fma(-r.rate, g, theta), s, v);
}

LS_FN ls_updated ls_opt_gd(float theta, float g, float s, float v, int decays, ls_hyper h,
                           ls_rates r)
{
    return ls_opt_sgd(theta, g, s, v, decays, h, r);
}

/* v <- gamma·v + rate·g, theta <- theta - v (Polyak 1964). The form with an average, (1 - gamma)·g,
 * is the same with a smaller rate. */
LS_FN ls_updated ls_opt_momentum(float theta, float g, float s, float v, int decays, ls_hyper h,
                                 ls_rates r)
{
    (void)decays;
    float velocity = ls_flush(ls_fma(h.beta1, s, r.rate * g));
    return ls_updated_from(theta - velocity, velocity, v);
}

/* Momentum with a look-ahead: theta <- theta - (gamma·v + rate·g) with the new v (Nesterov 1983, in
 * the form of Bengio, Boulanger-Lewandowski, Pascanu 2013). */
LS_FN ls_updated ls_opt_nesterov(float theta, float g, float s, float v, int decays, ls_hyper h,
                                 ls_rates r)
{
    (void)decays;
    float change = r.rate * g;
    float velocity = ls_flush(ls_fma(h.beta1, s, change));
    return ls_updated_from(theta - ls_fma(h.beta1, velocity, change), velocity, v);
}

/* s <- rho·s + (1 - rho)·g², theta <- theta - rate·g / (sqrt(s) + epsilon) (Hinton, Coursera
 * lecture 6e, 2012). */
LS_FN ls_updated ls_opt_rmsprop(float theta, float g, float s, float v, int decays, ls_hyper h,
                                ls_rates r)
{
    (void)decays;
    float square = ls_flush(ls_fma(h.beta2, s, (h.rest2 * g) * g));
    return ls_updated_from(theta - (r.rate * g) / (ls_sqrt(square) + h.epsilon), square, v);
}

/* m <- b1·m + (1 - b1)·g, v <- b2·v + (1 - b2)·g², theta <- theta - rate·m^ / (sqrt(v^) + epsilon)
 * with m^ = m/(1 - b1^t), v^ = v/(1 - b2^t) (Kingma, Ba 2015). */
LS_FN ls_updated ls_opt_adam(float theta, float g, float s, float v, int decays, ls_hyper h,
                             ls_rates r)
{
    (void)decays;
    float mean = ls_flush(ls_fma(h.beta1, s, h.rest1 * g));
    float square = ls_flush(ls_fma(h.beta2, v, (h.rest2 * g) * g));
    float change = (r.rate_corrected * mean) / (ls_sqrt(square * r.correction2) + h.epsilon);
    return ls_updated_from(theta - change, mean, square);
}

/* Adam after a direct decay of the weights, theta <- theta·(1 - rate·decay) (Loshchilov, Hutter
 * 2019). */
LS_FN ls_updated ls_opt_adamw(float theta, float g, float s, float v, int decays, ls_hyper h,
                              ls_rates r)
{
    return ls_opt_adam(decays ? theta * r.keep : theta, g, s, v, decays, h, r);
}

#endif
