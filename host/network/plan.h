/* SPDX-License-Identifier: MIT */
/* A training step as data: a flat list of operations on views of one member's memory. Backends run
 * plans and do not know networks; the host builds plans and does not know devices. docs/design.md
 * has a picture. */
#ifndef LS_PLAN_H
#define LS_PLAN_H

#include "host/base/error.h"
#include "host/network/activation.h"
#include "host/network/optimizer.h"
#include "host/network/window.h"
#include "kernels/loss.h"

/* Number of rows per chain in a sum over the batch. Part of the arithmetic: changing it changes
 * bits (docs/arithmetic.md). */
#ifndef LS_CHUNK
#define LS_CHUNK 64
#endif

/* Counts the amendments of docs/arithmetic.md that changed bits, from 1: a training that was begun
 * with one version does not go on with another. */
enum { LS_ARITHMETIC_VERSION = 2 };

/* The place of a matrix: in the member's arena, at offset `at` in floats, or in the data set, from
 * the first row of the step on. */
typedef enum { LS_NOWHERE, LS_ARENA, LS_DATA_X, LS_DATA_T, LS_DATA_WEIGHT } ls_place;
typedef struct {
    ls_place place;
    size_t at;
} ls_view;

static inline bool ls_there(ls_view view) { return view.place != LS_NOWHERE; }
static inline bool ls_same_view(ls_view a, ls_view b) { return a.place == b.place && a.at == b.at; }

/* The operations, one row each: NAME, name, and how the chunk-wise mode (host/network/chunks.h)
 * treats the operation:
 *   CHUNK    runs it for each chunk of rows
 *   STEP     runs it once per step, when the gradients are complete
 *   IMPLIED  does its work as part of other operations (inputs, loss sum, bias gradients)
 *   NEVER    cannot run it: a plan with such an operation runs layered
 * Interpreters take their functions from this table by name, so that a new operation does not
 * compile until each of them has one. m is the number of rows of the batch; matrices are m × out
 * unless said otherwise; a view in brackets is optional. With `points` > 1 a row of a matrix of
 * NORM* and GRAD_B holds points × out values, and what is said of rows holds for all m × points of
 * them; from is the number of values of the window's image.
 *
 *   BATCH       y[m] (u32) = row numbers of the batch in the shuffled order of its epoch
 *   GATHER      y[m × out] = rows x[index] of a data array; index from BATCH
 *   DENSE       z = x[m × in]·w[in × out], chains starting at [b[out]] or 0; [a] = act(z), may be z
 *   NORM        batch normalisation: mean[out] and inv[out] of z over the batch, running averages
 *               moved towards them; y = gamma·((z - mean)·inv) + beta; a = act(y)
 *   NORM_FIXED  the same from the running averages
 *   JOIN        y = a with dropout, plus [skip]
 *   LOSS        a = output(z); row_loss[m]; in training z becomes dL/dz
 *   LOSS_SUM    the step's loss = sum of row_loss over the rows
 *   GRAD_W      y[in × out] = transpose(x[m × in])·dz, over rows; with [theta], the optimizer's
 *               step over these weights follows at once, with states s and v, and y is scratch
 *   GRAD_B      y[out] = sum of dz over the rows
 *   GRAD_X      d = dz[m × in]·transpose(w[out × in]) plus [skip]; y = d with dropout as in JOIN,
 *               times act'(z or a); y may be z, and d may be y
 *   NORM_GRAD   from dz = dL/dy of NORM: y = dL/dz over NORM's z; grad_gamma, grad_beta
 *   CONV        as DENSE for images: x[m × from], z[m × points·out] with the window's geometry; an
 *               output is a chain over the window's (row, column, channel), see docs/arithmetic.md
 *   CONV_X      as GRAD_X: d[m × from] from dz[m × points·out] and w
 *   CONV_W      as GRAD_W: y[in × out] from x[m × from] and dz[m × points·out], over rows
 *   MAX_POOL    a[m × points·out] = largest value of x[m × from] in each window, the first of equal
 *               ones, index[m × points·out] (u32) = its position in the image
 *   MAX_POOL_X  d[m × from] = sum of dz over the windows whose largest value it was
 *   AVG_POOL    a[m × points·out] = mean of x[m × from] over the part of a window in the image
 *   AVG_POOL_X  d[m × from] = sum of dz / values of the window
 *   ACT         a = act(z)
 *   AUGMENT     y[m × from] = x[m × from], each image shifted and mirrored at random
 *   PIECES      a[m × out] = piecewise-linear encoding of x[m × in] by the table w[5 × out], see
 *               kernels/piecewise.h
 *   SLOPE       d = x plus [skip]; y = d with dropout as in JOIN, times act'(z or a); d may be x, y
 *
 *   CLIP        y[1] = min(1, limit / norm of x[out])
 *   UPDATE      one optimizer step over the parameters theta[out], the first of which is number
 *               `in`; gradients y, states s and v, [clipping factor b]
 *   MAX_NORM    columns of w[in × out] scaled back to norm hyper.max_norm if above it */
#define LS_OPS(X)                                                                                  \
    X(BATCH, batch, IMPLIED)                                                                       \
    X(GATHER, gather, IMPLIED)                                                                     \
    X(DENSE, dense, CHUNK)                                                                         \
    X(NORM, norm, NEVER)                                                                           \
    X(NORM_FIXED, norm_fixed, NEVER)                                                               \
    X(JOIN, join, CHUNK)                                                                           \
    X(LOSS, loss, CHUNK)                                                                           \
    X(LOSS_SUM, loss_sum, IMPLIED)                                                                 \
    X(GRAD_W, grad_w, CHUNK)                                                                       \
    X(GRAD_B, grad_b, IMPLIED)                                                                     \
    X(GRAD_X, grad_x, CHUNK)                                                                       \
    X(NORM_GRAD, norm_grad, NEVER)                                                                 \
    X(CONV, conv, NEVER)                                                                           \
    X(CONV_X, conv_x, NEVER)                                                                       \
    X(CONV_W, conv_w, NEVER)                                                                       \
    X(MAX_POOL, max_pool, NEVER)                                                                   \
    X(MAX_POOL_X, max_pool_x, NEVER)                                                               \
    X(AVG_POOL, avg_pool, NEVER)                                                                   \
    X(AVG_POOL_X, avg_pool_x, NEVER)                                                               \
    X(ACT, act, NEVER)                                                                             \
    X(AUGMENT, augment, NEVER)                                                                     \
    X(SLOPE, slope, NEVER)                                                                         \
    X(PIECES, pieces, CHUNK)                                                                       \
    X(CLIP, clip, STEP)                                                                            \
    X(UPDATE, update, STEP)                                                                        \
    X(MAX_NORM, max_norm, STEP)

#define LS_X(NAME, name, chunkwise) LS_OP_##NAME,
typedef enum { LS_OPS(LS_X) LS_OP_COUNT } ls_op_kind;
#undef LS_X

/* A part of NORM or NORM_GRAD, for steps that several ranks share (host/ranks):
 *   VALUES   NORM: y[out] = sum of z over the rows
 *   SQUARES  NORM: y[out] = sum of (z - mean)² over the rows
 *   SUMS     NORM_GRAD: grad_beta and grad_gamma alone, over the rows
 *   REST     NORM_GRAD: y from grad_beta and grad_gamma, which are those of the whole batch */
typedef enum {
    LS_NORM_ALL,
    LS_NORM_VALUES,
    LS_NORM_SQUARES,
    LS_NORM_SUMS,
    LS_NORM_REST
} ls_norm_part;

typedef struct {
    ls_op_kind kind;
    ls_norm_part part; /* NORM, NORM_GRAD */
    int layer;         /* number of its layer, from 0; -1 if it belongs to none */
    ls_act act;        /* DENSE, NORM*, GRAD_X, CONV, CONV_X, ACT, SLOPE */
    size_t in, out;
    size_t points;                                /* CONV*, pools, NORM*, GRAD_B; 0 means 1 */
    ls_window window;                             /* CONV*, pools; AUGMENT: its `from` */
    ls_u32 shift, flip;                           /* AUGMENT: positions each way; 0 or 1 */
    ls_view x, w, b, z, a, y, d, dz, skip, index; /* index: GATHER, MAX_POOL* */
    ls_view dropped; /* GRAD_X with dropout: space for the masked gradient, if a backend needs it */
    ls_view theta, s, v; /* GRAD_W, UPDATE: parameters and optimizer states */
    ls_view mean, inv, running_mean, running_var, gamma, beta, grad_gamma, grad_beta; /* NORM* */
    ls_view target, row_weight, row_loss;                                             /* LOSS */
    float dropout;  /* JOIN, GRAD_X: probability of dropping a unit; 0 without dropout */
    ls_u32 purpose; /* JOIN, GRAD_X: random stream of the layer's mask */
    /* In a part of a step (ls_part): it covers at most most_rows of its rows, from row first_row
     * on, at which its views begin; most_rows = 0: all of them. */
    size_t first_row, most_rows;
} ls_op;

static inline size_t ls_op_points(const ls_op *op) { return op->points ? op->points : 1; }

typedef struct {
    ls_op *op;
    size_t count, capacity;
} ls_ops;

/* A member's plan. Its arena, in floats:
 *   [ parameters | optimizer states | running averages ][ snapshot ][ best ][ gradients, … ]
 *     `state`: all that training needs to continue                            `work`
 * The weights come first among the parameters. `work` holds the gradients and activations; nothing
 * in it is kept from one step to the next. */
typedef struct {
    uint64_t seed;
    size_t rows;     /* training rows: the first rows of the member's data */
    size_t batch;    /* rows per step; equal to `rows` for the full batch */
    size_t capacity; /* rows that the activations have space for: those of a step or of an inference
                        block */
    size_t features, outputs;
    bool shuffle; /* rows are reordered every epoch */
    bool mean;    /* losses are averaged over the batch, not summed */
    bool alone;   /* it is trained by itself: ranks share its steps, not the members of a fleet */
    bool shared;  /* its steps are run by parts (run_part), each of which covers some rows */
    ls_loss loss;
    float huber_delta;             /* error from which Huber's loss is linear */
    float label_keep, label_share; /* label smoothing P over K classes: 1 - P and P/K */
    ls_output output;
    ls_opt optimizer;
    ls_hyper hyper;
    float clip;        /* limit of the gradient's norm; 0: no limit */
    size_t weights;    /* number of weights, which come first: penalties and decay apply to them */
    size_t parameters; /* number of all parameters */
    size_t running;    /* floats of running averages */
    size_t state;      /* floats of the state */
    size_t snapshot, best; /* offsets of copies of the state; 0 if there is no space for one */
    size_t arena;          /* floats in all */
    float *memory;         /* for the arena, not owned, where arenas are in place: zeros; or NULL */
    size_t work;           /* floats of gradients and activations */
    ls_view result;        /* outputs of an inference block, capacity × outputs */
    ls_view row_loss;
    ls_ops step, infer;
} ls_plan;

/* Largest state, in floats, of which the plan keeps a snapshot; rows of an inference block. */
enum { LS_SNAPSHOT_FLOATS = 1 << 18, LS_INFER_ROWS = 256 };

/* The rows of a step. Steps count from 0 over the whole run. */
typedef struct {
    uint64_t epoch;
    size_t first, rows; /* position in the epoch's order, and number */
    float scale;        /* of the loss: 1/rows for a mean, 1 for a sum */
} ls_batch;

size_t ls_plan_steps_per_epoch(const ls_plan *plan);
ls_batch ls_plan_batch(const ls_plan *plan, uint64_t step);

struct ls_network;
struct ls_settings;

/* The purpose of a plan: LS_PLAN_INFER has no optimizer states, gradients or step. */
typedef enum { LS_PLAN_TRAIN, LS_PLAN_INFER } ls_plan_use;

/* Builds the plan of a network. rows: number of training rows, 1 to 2^32 - 1 (for LS_PLAN_INFER the
 * expected number of rows, for sizing only). row_weights: whether the data has weights of rows.
 * Errors: LS_ERR_ARGUMENT for a number of rows out of range and for a batch that does not suit the
 * optimizer, LS_ERR_MEMORY. */
ls_status ls_plan_build(const struct ls_network *network, const struct ls_settings *settings,
                        ls_plan_use use, size_t rows, bool row_weights, ls_plan **out,
                        ls_error *err);
void ls_plan_free(ls_plan *plan);

/* The GATHER of training inputs with at least `width` columns, if only DENSE and GRAD_W (with more
 * than one output) read its result, otherwise NULL. An interpreter whose products can read rows by
 * number may skip it. */
const ls_op *ls_plan_skippable_gather(const ls_plan *plan, size_t width);

#endif
