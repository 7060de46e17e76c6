/* SPDX-License-Identifier: MIT */
/* Parts of whole.cl: the current step of a member, and what is done with the results of its
 * operations: activations, dropout, residuals, derivatives, the optimizer. */
#ifndef LS_WHOLE_FINISH_H
#define LS_WHOLE_FINISH_H

#include "kernels/whole_product.h"

/* Results of one turn of an operation that are finished from local memory, unless a tile is larger;
 * two more values per column of a COLUMNS task are kept behind them. */
#define RESULTS 1024u
#define KEPT (POOL - 64u)

/* The current step of a member. */
typedef struct {
    words member;
    __global float *arena, *scratch, *loss;
    __global const float *x, *t, *weight; /* from the member's first row on */
    __local float *pool;
    __local uint *numbers;
    __local ls_permutation *order; /* of the rows, in this epoch */
    uint first, rows;              /* of the step: position in the epoch's order, and number */
    ulong step;
    float scale, inv_rows;
    ls_rates rates;
} whole_step;

static float value(words w, int i) { return as_float(w[i]); }
static ulong seed_of(const whole_step *s)
{
    return (ulong)s->member[WHOLE_seed_high] << 32 | s->member[WHOLE_seed_low];
}

/* The row at place i of the step. */
static uint row_number(const whole_step *s, uint i)
{
    const uint n = s->member[WHOLE_rows];
    uint row = s->first + i;
    if (!s->member[WHOLE_shuffle]) return row;
    const ls_permutation order = *s->order;
    do row = ls_permute_once(row, order);
    while (row >= n);
    return row;
}

/* The same, after NUMBERS has stored it. */
static uint stored_number(const whole_step *s, uint i)
{
    return s->member[WHOLE_shuffle]
               ? GET_NUMBER((__global const uint *)s->arena + s->member[WHOLE_index] + i)
               : s->first + i;
}

/* ---- What follows a tile --------------------------------------------------------------------- */

static float act(uint which, float z)
{
    switch (which) {
#define LS_X(name, reads, facts)                                                                   \
    case LS_ACT_##name: return ls_act_##name(z);
        LS_ACTIVATIONS(LS_X)
#undef LS_X
    }
    return z;
}

static float act_gradient(uint which, float from)
{
    switch (which) {
#define LS_X(name, reads, facts)                                                                   \
    case LS_ACT_##name: return ls_act_grad_##name(from);
        LS_ACTIVATIONS(LS_X)
#undef LS_X
    }
    return from;
}

/* The optimizer's step of one parameter, at place `at` of the operation's. */
static void update(const whole_step *s, words op, float g, uint at, int decays)
{
    __global float *theta = s->arena + op[WHOLE_OP_theta] + at, *m = s->arena + op[WHOLE_OP_s] + at,
                   *v = s->arena + op[WHOLE_OP_v] + at;
    const float clip = op[WHOLE_OP_factor] == WHOLE_NONE ? 1.0f
                                                         : GET(s->arena + op[WHOLE_OP_factor]);
    const float from = GET(theta);
    ls_hyper hyper;
#define LS_X(name, number) hyper.name = value(s->member, WHOLE_hyper + LS_HYPER_##name);
    LS_HYPER(LS_X)
#undef LS_X
    const float gradient = ls_opt_gradient(g, clip, from, decays, hyper);
    switch (s->member[WHOLE_optimizer]) {
#define LS_X(name, states, facts)                                                                  \
    case LS_OPT_##name: {                                                                          \
        const ls_updated u = ls_opt_##name(from, gradient, states > 0 ? GET(m) : 0.0f,             \
                                           states > 1 ? GET(v) : 0.0f, decays, hyper, s->rates);   \
        PUT(theta, u.theta);                                                                       \
        if (states > 0) PUT(m, u.s);                                                               \
        if (states > 1) PUT(v, u.v);                                                               \
        break;                                                                                     \
    }
        LS_OPTIMIZERS(LS_X)
#undef LS_X
    }
}

/* x into the matrices of a DENSE or NORM, with its activation and JOIN. */
static void finish_forward(const whole_step *s, words op, float x, uint at)
{
    __global float *arena = s->arena;
    if (op[WHOLE_OP_to] != WHOLE_NONE) PUT(arena + op[WHOLE_OP_to] + at, x);
    if (op[WHOLE_OP_a] == WHOLE_NONE) return;
    x = act(op[WHOLE_OP_act], x);
    PUT(arena + op[WHOLE_OP_a] + at, x);
    if (op[WHOLE_OP_join] == WHOLE_NONE) return;
    const float p = value(op, WHOLE_OP_dropout);
    if (p > 0.0f) x = x * ls_dropout_factor(seed_of(s), op[WHOLE_OP_purpose], s->step, at, p);
    if (op[WHOLE_OP_skip] != WHOLE_NONE) x = x + GET(arena + op[WHOLE_OP_skip] + at);
    PUT(arena + op[WHOLE_OP_join] + at, x);
}

static void finish_grad_x(const whole_step *s, words op, float x, uint at)
{
    __global float *arena = s->arena;
    const float p = value(op, WHOLE_OP_dropout);
    if (op[WHOLE_OP_skip] != WHOLE_NONE) x = x + GET(arena + op[WHOLE_OP_skip] + at);
    if (op[WHOLE_OP_d] != WHOLE_NONE) PUT(arena + op[WHOLE_OP_d] + at, x);
    if (p > 0.0f) x = x * ls_dropout_factor(seed_of(s), op[WHOLE_OP_purpose], s->step, at, p);
    x = x * act_gradient(op[WHOLE_OP_act], GET(arena + op[WHOLE_OP_from] + at));
    PUT(arena + op[WHOLE_OP_y] + at, x);
}

/* `count` values in local memory, rows of 2^log_columns of them, are the results of an operation
 * from (i0, j0) on; those outside its m × n are left out. */
static void finish(const whole_step *s, words op, uint count, uint log_columns, uint i0, uint j0,
                   uint m, uint n)
{
    const uint weights = op[WHOLE_OP_weights];
    for (uint e = ITEM; e < count; e += GROUP) {
        const uint i = i0 + (e >> log_columns), j = j0 + (e & ((1u << log_columns) - 1u));
        const uint at = i * n + j;
        const float x = s->pool[e];
        if (i >= m || j >= n) continue;
        switch (op[WHOLE_OP_kind]) {
        case WHOLE_DENSE:
        case WHOLE_NORM: finish_forward(s, op, x, at); break;
        case WHOLE_GRAD_X: finish_grad_x(s, op, x, at); break;
        case WHOLE_GRAD_W:
        case WHOLE_UPDATE:
            if (op[WHOLE_OP_theta] == WHOLE_NONE) PUT(s->arena + op[WHOLE_OP_y] + at, x);
            else update(s, op, x, at, at < weights);
            break;
        }
    }
}

#endif
