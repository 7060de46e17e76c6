/* SPDX-License-Identifier: MIT */
/* A training step as data: a flat list of operations on views of one member's memory. Backends run
 * plans and know nothing of networks; the host builds plans and knows nothing of devices.
 * docs/design.md has the picture. */
#ifndef LS_PLAN_H
#define LS_PLAN_H

#include "host/base/error.h"
#include "kernels/activation.h"
#include "kernels/optimizer.h"

/* Rows a chain of a sum over the batch runs over. Part of the arithmetic: changing it changes bits
 * (docs/arithmetic.md). */
#ifndef LS_CHUNK
#define LS_CHUNK 64
#endif

#define LS_X(name) LS_ACT_##name,
typedef enum { LS_ACTIVATIONS(LS_X) LS_ACT_COUNT } ls_act;
#undef LS_X
#define LS_X(name, states) LS_OPT_##name,
typedef enum { LS_OPTIMIZERS(LS_X) LS_OPT_COUNT } ls_opt;
#undef LS_X
typedef enum { LS_LOSS_BCE, LS_LOSS_CE, LS_LOSS_MSE, LS_LOSS_COUNT } ls_loss;
typedef enum {
    LS_OUTPUT_SIGMOID,
    LS_OUTPUT_SOFTMAX,
    LS_OUTPUT_IDENTITY,
    LS_OUTPUT_COUNT
} ls_output;

/* Where a matrix lives: in the member's arena, at `at` floats, or in the data set, from the step's
 * first row on. */
typedef enum { LS_NOWHERE, LS_ARENA, LS_DATA_X, LS_DATA_T, LS_DATA_WEIGHT } ls_place;
typedef struct {
    ls_place place;
    size_t at;
} ls_view;

static inline bool ls_there(ls_view view) { return view.place != LS_NOWHERE; }

/* The operations. m is the number of rows of the batch at hand; matrices are m × out unless said.
 */
typedef enum {
    LS_OP_BATCH,  /* y[m] (u32) = numbers of the batch's rows in the shuffled order of its epoch */
    LS_OP_GATHER, /* y[m × out] = rows x[index] of a data array; index from BATCH */
    LS_OP_DENSE, /* z = x[m × in]·w[in × out], chains starting at b[out] or 0; a = act(z) where a is
                    there, a may be z */
    LS_OP_NORM, /* batch normalisation: mean[out], inv[out] of z over the batch, running averages
                   moved towards them; y = gamma·((z - mean)·inv) + beta; a = act(y) */
    LS_OP_NORM_FIXED, /* the same from the running averages */
    LS_OP_JOIN, /* y = a, elements dropped at random and the rest scaled up; plus skip where it is
                   there */
    LS_OP_LOSS, /* a = output(z); row_loss[m]; z becomes dL/dz in training */
    LS_OP_LOSS_SUM, /* the step's loss = sum of row_loss over the rows */
    LS_OP_GRAD_W, /* y[in × out] = transpose(x[m × in])·dz, over rows; where theta is there, the
                     optimizer's step over these weights follows at once, with states s and v; y is
                     then scratch */
    LS_OP_GRAD_B, /* y[out] = sum of dz over the rows */
    LS_OP_GRAD_X, /* d = dz[m × in]·transpose(w[out × in]), plus skip where it is there; y = d,
                     dropped as in JOIN, times act'(z, a); y may be z, and d may be y */
    LS_OP_NORM_GRAD, /* from dz = dL/dy of NORM: y = dL/dz over NORM's z; grad_gamma, grad_beta */
    LS_OP_CLIP,      /* y[1] = min(1, limit / norm of x[out]) */
    LS_OP_UPDATE, /* one optimizer step over the parameters theta[out], the first of which is number
                     `in`; gradients y, states s and v, clipping factor b where it is there */
    LS_OP_MAX_NORM, /* columns of w[in × out] scaled back to norm hyper.max_norm where above */
    LS_OP_COUNT
} ls_op_kind;

typedef struct {
    ls_op_kind kind;
    int layer;  /* which layer it belongs to, from 0; -1: none */
    ls_act act; /* DENSE, NORM*, GRAD_X */
    size_t in, out;
    ls_view x, w, b, z, a, y, d, dz, skip, index;
    ls_view dropped; /* GRAD_X with dropout: room for the masked gradient, m × out, where a backend
                        wants it */
    ls_view theta, s, v; /* GRAD_W, UPDATE: parameters and optimizer states */
    ls_view mean, inv, running_mean, running_var, gamma, beta, grad_gamma, grad_beta; /* NORM* */
    ls_view target, row_weight, row_loss;                                             /* LOSS */
    float dropout;  /* JOIN, GRAD_X: probability of dropping; 0: none */
    ls_u32 purpose; /* JOIN, GRAD_X: random stream of the layer's mask */
} ls_op;

typedef struct {
    ls_op *op;
    size_t count, capacity;
} ls_ops;

/* A member's arena, in floats:
 *   [ parameters | optimizer states | running averages ][ snapshot ][ best ] [ gradients |
 * activations … ] weights, then the rest        `state`: all there is to go on from       `work`:
 * nothing survives a step  */
typedef struct {
    uint64_t seed;
    size_t rows, batch; /* training rows (the first of the data set) and rows a step; batch = rows:
                           full batch */
    size_t capacity; /* rows that the activations have room for: a step's or an inference block's */
    size_t features, outputs;
    bool shuffle; /* rows are reordered every epoch */
    bool mean;    /* losses are averaged over the batch, not summed */
    ls_loss loss;
    ls_output output;
    ls_opt optimizer;
    ls_hyper hyper;
    float clip;            /* limit of the gradient's norm, 0: none */
    size_t weights;        /* parameters that are weights: penalties and decay apply to these */
    size_t parameters;     /* all of them */
    size_t running;        /* floats of running averages */
    size_t state;          /* floats of the whole state */
    size_t snapshot, best; /* where copies of the state start, 0: no room was made */
    size_t arena;          /* floats in all */
    size_t work;           /* floats of gradients and activations */
    ls_view result;        /* outputs of an inference block, capacity × outputs */
    ls_view row_loss;
    ls_ops step, infer;
} ls_plan;

/* Largest state of which a copy is kept to fall back to, in floats, and rows of an inference block.
 */
enum { LS_SNAPSHOT_FLOATS = 1 << 18, LS_INFER_ROWS = 256 };

/* Which rows a step covers. Steps count from 0 over the whole run. */
typedef struct {
    uint64_t epoch;
    size_t first, rows; /* in the epoch's order */
    float scale;        /* 1/rows, or 1 */
} ls_batch;

size_t ls_plan_steps_per_epoch(const ls_plan *plan);
ls_batch ls_plan_batch(const ls_plan *plan, uint64_t step);

struct ls_network;
struct ls_settings;

/* What a plan is for. */
typedef enum { LS_PLAN_TRAIN, LS_PLAN_INFER } ls_plan_use;

/* Builds the plan of a network. rows: training rows (for LS_PLAN_INFER: rows to expect, for sizing
 * only). */
ls_status ls_plan_build(const struct ls_network *network, const struct ls_settings *settings,
                        ls_plan_use use, size_t rows, bool row_weights, ls_plan **out,
                        ls_error *err);
void ls_plan_free(ls_plan *plan);

const char *ls_act_name(ls_act act);
const char *ls_opt_name(ls_opt opt);
int ls_opt_states(ls_opt opt);
/* Whether the derivative reads z; otherwise a alone has to be kept. */
bool ls_act_reads_z(ls_act act);

#endif
