/* SPDX-License-Identifier: MIT */
/* What the self-check computes from two floats a and b, on the device and on the host. */
#ifndef LS_CHECK_H
#define LS_CHECK_H

/* LS_CHECK(expression), defined by the including code, is expanded for each expression. Activations
 * and optimizers come from their tables: a new one is checked without a change here. */
#define LS_CHECK_ACTIVATION(name, reads, facts)                                                    \
    LS_CHECK(ls_act_##name(a))                                                                     \
    LS_CHECK(ls_act_grad_##name(b))
#define LS_CHECK_UPDATE(name) ls_opt_##name(a, b, a, b *b, 1, check_hyper(), check_rates())
#define LS_CHECK_OPTIMIZER(name, states, facts)                                                    \
    LS_CHECK(LS_CHECK_UPDATE(name).theta)                                                          \
    LS_CHECK(LS_CHECK_UPDATE(name).s)                                                              \
    LS_CHECK(LS_CHECK_UPDATE(name).v)
#define LS_CHECKS                                                                                  \
    LS_CHECK(a + b)                                                                                \
    LS_CHECK(a - b)                                                                                \
    LS_CHECK((a * b))                                                                              \
    LS_CHECK(a / b)                                                                                \
    LS_CHECK(ls_sqrt(a))                                                                           \
    LS_CHECK(ls_fma(a, b, a))                                                                      \
    LS_CHECK(ls_fma(a, b, -(a * b)))                                                               \
    LS_CHECK((a * b) + a)                                                                          \
    LS_CHECK(a > b ? a : b)                                                                        \
    LS_CHECK(ls_exp(a))                                                                            \
    LS_CHECK(ls_log(a))                                                                            \
    LS_CHECK(ls_log1p(a))                                                                          \
    LS_CHECK(ls_cospi(b))                                                                          \
    LS_CHECK(ls_loss_bce(a, b))                                                                    \
    LS_CHECK(ls_softmax_exp(a, b))                                                                 \
    LS_CHECK(ls_loss_mae_grad(a, b))                                                               \
    LS_CHECK(ls_loss_huber(a, ls_abs(b), a))                                                       \
    LS_CHECK(ls_loss_huber_grad(a, ls_abs(b), b))                                                  \
    LS_CHECK(ls_norm_inv(a))                                                                       \
    LS_ACTIVATIONS(LS_CHECK_ACTIVATION)                                                            \
    LS_OPTIMIZERS(LS_CHECK_OPTIMIZER)

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
