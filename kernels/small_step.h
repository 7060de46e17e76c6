/* SPDX-License-Identifier: MIT */
/* What small.cl and small_group.cl share: how work-items share a loop, the current step, and the
 * operations once per step. */
#ifndef LS_SMALL_STEP_H
#define LS_SMALL_STEP_H

#ifndef LS_CHUNK
#define LS_CHUNK 64u
#endif
#ifndef GROUP
#define GROUP 1
#endif
#ifndef SPACE
#define SPACE __global
#endif

#if GROUP == 1
#define ITEM 0
/* A loop in which iteration i accesses only elements i: vectorising it is safe even if arrays
 * overlap. */
#define EACH(i, n) _Pragma("clang loop vectorize(assume_safety)") for (int i = 0; i < (int)(n); i++)
#else
#define ITEM ((int)get_local_id(0))
#define EACH(i, n) for (int i = ITEM; i < (int)(n); i += GROUP)
#endif

/* Some compilers try to vectorise each loop twice and warn when the first attempt fails. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

typedef __global const uint *words;

/* The current step of a member. */
typedef struct {
    words member;
    __global float *arena;
    SPACE float *scratch;
    ulong seed, step;
    /* The chunk: its first row in the batch, number of rows, and lanes, a multiple of 16. */
    uint row, rows, lanes;
    float scale, clip, loss;
    ls_rates rates;
#if GROUP != 1
    /* Parts of the group (small_group.cl). Of this work-item's part: its number and its scratch,
     * `own`. Of all parts: their number, the work-items and floats of scratch of each, the scratch
     * of the first, the rows of the batch from the round's first chunk on, and the lanes as 1 <<
     * shift. A part without a chunk has no rows and no lanes. */
    uint part, parts, items, floats, left, shift;
    SPACE float *own, *first;
#endif
} small_step;

/* The data of the steps. */
typedef struct {
    __global const float *x, *t, *weight;
    uint origin; /* row of the data at which the member's rows start */
    uint first;  /* position of the chunk's first row in the epoch's order */
    ulong epoch;
} small_rows;

static uint field(const small_step *s, int i) { return s->member[i]; }
static float value(words w, int i) { return as_float(w[i]); }

/* ---- Once per step, when the gradients are complete ------------------------------------------ */

#define UPDATE_LOOP(name, states, decays)                                                          \
    EACH(i, n) {                                                                                   \
        const float from = theta[i], gradient = ls_opt_gradient(g[i], clip, from, decays, hyper);  \
        const ls_updated u = ls_opt_##name(from, gradient, states > 0 ? m[i] : 0.0f,               \
                                           states > 1 ? v[i] : 0.0f, decays, hyper, rates);        \
        theta[i] = u.theta;                                                                        \
        if (states > 0) m[i] = u.s;                                                                \
        if (states > 1) v[i] = u.v;                                                                \
    }

/* One optimizer step over n parameters of the operation, from number `at` on, which are all weights
 * or all not. */
static void update_range(const small_step *s, words op, uint at, uint n, int decays)
{
    words h = s->member;
    ls_hyper hyper;
#define LS_X(name, number) hyper.name = value(h, SMALL_hyper + LS_HYPER_##name);
    LS_HYPER(LS_X)
#undef LS_X
    const ls_rates rates = s->rates;
    const float clip = s->clip;
    __global float *theta = s->arena + op[SMALL_OP_theta] + at, *m = s->arena + op[SMALL_OP_s] + at,
                   *v = s->arena + op[SMALL_OP_v] + at;
    __global const float *g = s->arena + op[SMALL_OP_gradient] + at;
    switch (h[SMALL_optimizer]) {
#define LS_X(name, states, facts)                                                                  \
    case LS_OPT_##name:                                                                            \
        if (decays) UPDATE_LOOP(name, states, 1)                                                   \
        else UPDATE_LOOP(name, states, 0)                                                          \
        break;
        LS_OPTIMIZERS(LS_X)
#undef LS_X
    }
}

static void update(const small_step *s, words op)
{
    const uint n = op[SMALL_OP_out], weights = min(op[SMALL_OP_weights], n);
    if (weights) update_range(s, op, 0, weights, 1);
    if (weights < n) update_range(s, op, weights, n - weights, 0);
}

/* Sums of squares of n gradients by chunks; sum_sums then adds chunks of such sums, until one is
 * left. */
static void sum_squares(const small_step *s, words op)
{
    __global const float *g = s->arena + op[SMALL_OP_gradient];
    SPACE float *to = s->scratch + op[SMALL_OP_to];
    const uint n = op[SMALL_OP_in];
    for (uint c = ITEM; c * LS_CHUNK < n; c += GROUP) {
        float acc = 0.0f;
        for (uint i = c * LS_CHUNK; i < min(n, (c + 1) * LS_CHUNK); i++)
            acc = ls_fma(g[i], g[i], acc);
        to[c] = acc;
    }
}

static void sum_sums(const small_step *s, words op)
{
    SPACE const float *from = s->scratch + op[SMALL_OP_from];
    SPACE float *to = s->scratch + op[SMALL_OP_to];
    const uint n = op[SMALL_OP_in];
    for (uint c = ITEM; c * LS_CHUNK < n; c += GROUP) {
        float acc = 0.0f;
        for (uint i = c * LS_CHUNK; i < min(n, (c + 1) * LS_CHUNK); i++) acc = acc + from[i];
        to[c] = acc;
    }
}

static void max_norm(const small_step *s, words op)
{
    const int in = op[SMALL_OP_in], out = op[SMALL_OP_out];
    const float limit = value(s->member, SMALL_hyper + LS_HYPER_max_norm);
    __global float *w = s->arena + op[SMALL_OP_w];
    for (int j = ITEM; j < out; j += GROUP) {
        float total = 0.0f;
        for (int r0 = 0; r0 < in; r0 += LS_CHUNK) {
            float acc = 0.0f;
            for (int r = r0; r < min(in, r0 + (int)LS_CHUNK); r++)
                acc = ls_fma(w[r * out + j], w[r * out + j], acc);
            total = r0 ? total + acc : acc;
        }
        const float factor = ls_limit_factor(total, limit);
        for (int r = 0; r < in; r++) w[r * out + j] = w[r * out + j] * factor;
    }
}

#endif
