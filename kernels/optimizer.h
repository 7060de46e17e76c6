/* SPDX-License-Identifier: MIT */
/* Optimizers: one stated sequence of operations an element; states are flushed to 0 below 2^-100
 * (ls_flush). What depends on the step is computed on the host. */
#ifndef LS_OPTIMIZER_H
#define LS_OPTIMIZER_H
#ifndef __OPENCL_VERSION__
#include "kernels/arith.h"
#endif

/* name, number of state arrays (each as long as the parameters). A new optimizer is a row here and
 * a function below. */
#define LS_OPTIMIZERS(X)                                                                           \
    X(gd, 0) X(sgd, 0) X(momentum, 1) X(nesterov, 1) X(rmsprop, 1) X(adam, 2) X(adamw, 2)

/* Constants of a run. */
typedef struct {
    float beta1,
        rest1; /* decay of the first average (momentum's gamma), and 1 - beta1 rounded once */
    float beta2, rest2; /* decay of the second average (rmsprop's rho), and 1 - beta2 */
    float epsilon;
    float l1, twice_l2; /* penalties l1·|theta| and l2·theta², on weights only */
    float max_norm; /* bound on the norm of a neuron's incoming weights; 0: none. Not used in the
                       update itself */
} ls_hyper;

/* Scalars of one step. */
typedef struct {
    float rate;           /* learning rate */
    float rate_corrected; /* rate / (1 - beta1^t) for adam, adamw with bias correction, otherwise
                             rate */
    float correction2;    /* 1 / (1 - beta2^t), or 1 */
    float keep;           /* 1 - rate·weight_decay: what adamw keeps of a weight */
} ls_rates;

/* A parameter and its state after a step. */
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

/* What brings a vector of that squared norm down to norm `limit`: 1 where it is not above. */
LS_FN float ls_limit_factor(float square, float limit)
{
    float norm = ls_sqrt(square);
    return norm > limit ? limit / norm : 1.0f;
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

/* v <- gamma·v + rate·g, theta <- theta - v (Polyak 1964). The averaged form, (1 - gamma)·g, is
 * this with a smaller rate. */
LS_FN ls_updated ls_opt_momentum(float theta, float g, float s, float v, int decays, ls_hyper h,
                                 ls_rates r)
{
    (void)decays;
    float velocity = ls_flush(ls_fma(h.beta1, s, r.rate * g));
    return ls_updated_from(theta - velocity, velocity, v);
}

/* Momentum with a look ahead: theta <- theta - (gamma·v + rate·g) with the new v (Nesterov 1983, in
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

/* Adam with weights decayed directly, theta <- theta·(1 - rate·decay) first (Loshchilov, Hutter
 * 2019). */
LS_FN ls_updated ls_opt_adamw(float theta, float g, float s, float v, int decays, ls_hyper h,
                              ls_rates r)
{
    return ls_opt_adam(decays ? theta * r.keep : theta, g, s, v, decays, h, r);
}

#endif
