/* SPDX-License-Identifier: MIT */
/* What follows a matrix product, applied to its values before they leave the registers. The
 * formulas are those of activation.h and optimizer.h; this file only reads and writes around them.
 *
 *   FORM_DENSE    c = x, out = FINISH(x): an activation; if c is out, x is not stored
 *   FORM_GRAD_X   c = x + skip, out = c·mask·FINISH(z or a): residual block, dropout, derivative
 *   FORM_GRAD_W   one step of the optimizer FINISH on theta and its states; c is not written
 *   no FINISH     c = x
 *
 * Form and function are compiled in (host/opencl/cl_matmul.c builds what a plan needs): a switch
 * over all of them would be compiled into every kernel, and a GPU gives each kernel as many
 * registers as its longest branch needs.
 *
 * The including file defines
 *   WIDTH                  number of values that lie side by side
 *   EACH(e)                loop over them
 *   GET(to, from, count)   reads count <= WIDTH values from memory
 *   PUT(to, from, count)   writes count <= WIDTH values to memory */
#ifndef LS_FINISH_H
#define LS_FINISH_H

#if !defined FINISH
#define FINISH_ARGS
#define FINISH_BEGIN
#define FINISH_VALUES(x, i, count) PUT(c + (i), x, count);

#elif defined FORM_DENSE
#define FINISH_ARGS , SHARED(out)
#define FINISH_BEGIN AT(out);
#define FINISH_VALUES(x, i, count)                                                                 \
    if (c_at != out_at) PUT(c + (i), x, count);                                                    \
    EACH(e) x[e] = FINISH(x[e]);                                                                   \
    PUT(out + (i), x, count);

#elif defined FORM_GRAD_X /* READS: A or Z, what the derivative reads, as in LS_ACTIVATIONS */
#define LS_CAT(a, b) LS_CAT_(a, b)
#define LS_CAT_(a, b) a##b
#define FINISH_ARGS                                                                                \
    , MATRIX(skip), SHARED(z), SHARED(kept), SHARED(out), const ulong seed, const ulong step,      \
        const uint purpose, const float p, const uint drop_first
#define FINISH_BEGIN AT(z), AT(kept), AT(out);
#define FINISH_VALUES(x, i, count)                                                                 \
    float from[WIDTH];                                                                             \
    if (THERE(skip)) {                                                                             \
        GET(from, skip + skip_at + (i), count);                                                    \
        EACH(e) x[e] = x[e] + from[e];                                                             \
    }                                                                                              \
    if (c_at != out_at) PUT(c + (i), x, count);                                                    \
    if (p > 0.0f)                                                                                  \
        EACH(e)                                                                                    \
            x[e] = x[e] * ls_dropout_factor(seed, purpose, step, drop_first + (uint)(i) + e, p);   \
    GET(from, LS_CAT(LS_READS_, READS)(z, kept) + (i), count);                                     \
    EACH(e) x[e] = x[e] * FINISH(from[e]);                                                         \
    PUT(out + (i), x, count);

#else /* FORM_GRAD_W; STATES: number of the optimizer's state arrays */
#define FINISH_ARGS                                                                                \
    , MATRIX(theta), MATRIX(first), MATRIX(second), const float16 hyper, const float8 rates
#define FINISH_BEGIN                                                                               \
    AT(theta), AT(first), AT(second);                                                              \
    const ls_hyper h = ls_hyper_of(hyper);                                                         \
    const ls_rates r = ls_rates_of(rates);
#define FINISH_VALUES(x, i, count)                                                                 \
    float from[WIDTH], s[WIDTH], v[WIDTH];                                                         \
    GET(from, theta + (i), count);                                                                 \
    if (STATES > 0) GET(s, first + (i), count);                                                    \
    if (STATES > 1) GET(v, second + (i), count);                                                   \
    EACH(e) {                                                                                      \
        const float g = ls_opt_gradient(x[e], 1.0f, from[e], 1, h);                                \
        const ls_updated u = FINISH(from[e], g, STATES > 0 ? s[e] : 0.0f,                          \
                                    STATES > 1 ? v[e] : 0.0f, 1, h, r);                            \
        from[e] = u.theta, s[e] = u.s, v[e] = u.v;                                                 \
    }                                                                                              \
    PUT(theta + (i), from, count);                                                                 \
    if (STATES > 0) PUT(first + (i), s, count);                                                    \
    if (STATES > 1) PUT(second + (i), v, count);
#endif

#endif
