/* SPDX-License-Identifier: MIT */
/* What the self-check computes from two floats a and b, on the device and on the host. */
#ifndef LS_CHECK_H
#define LS_CHECK_H

#define LS_CHECKS(X)                                                                               \
    X(a + b)                                                                                       \
    X(a - b)                                                                                       \
    X(a *b)                                                                                        \
    X(a / b)                                                                                       \
    X(ls_sqrt(a)) X(ls_fma(a, b, a)) X(ls_fma(a, b, -(a * b))) X(a *b + a) X(a > b ? a : b)        \
        X(ls_exp(a)) X(ls_log(a)) X(ls_log1p(a)) X(ls_tanh(a)) X(ls_sigmoid(a)) X(ls_act_gelu(a))  \
            X(ls_act_grad_gelu(a, b)) X(ls_act_elu(a)) X(ls_cospi(b)) X(ls_loss_bce(a, b))         \
                X(ls_opt_adam(a, b, a, b *b, 1, check_hyper(), check_rates()).theta)

LS_FN ls_hyper check_hyper(void)
{
    ls_hyper h = {0.9f, 0.1f, 0.999f, 0.001f, 1e-8f, 0.01f, 0.02f, 0.0f};
    return h;
}

LS_FN ls_rates check_rates(void)
{
    ls_rates r = {0.01f, 0.1f, 1000.0f, 0.99f};
    return r;
}

#endif
