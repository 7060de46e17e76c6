/* SPDX-License-Identifier: MIT */
/* The CPU path as a backend: plans interpreted operation by operation, each shared out among the
 * threads by its outputs. */
#include "core_cpu/chunk.h"
#include "core_cpu/kernels.h"
#include "core_cpu/pool.h"
#include "host/base/clock.h"
#include "host/base/cores.h"
#include "host/base/memory.h"
#include "host/network/backend.h"
#include "kernels/random.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    ls_backend base;
    const ls_cpu_kernels *kernels;
    ls_pool *pool;
    float *scratch; /* LS_MATMUL_SCRATCH floats a thread */
} cpu_backend;

/* Which way of running a member's steps is faster where several threads could share them: measured
 * on its first steps. */
typedef struct {
    unsigned done, threads;
    double least[2]; /* seconds of a step: operation by operation on all threads, and chunk by chunk
                        on one */
} trial;

typedef struct {
    const ls_plan *plan; /* NULL: the number is free */
    size_t origin;       /* row of the data at which its rows start */
    float *arena;
    float *chunks;    /* sums of squares of CLIP, NULL where the plan has none */
    ls_chunks *small; /* how its steps run chunk by chunk, or NULL */
    trial trial;
    const ls_op *unread; /* a GATHER that need not be done, as products read its rows where they
                            are; or NULL */
} member;

typedef struct {
    ls_workspace base;
    ls_rows data;
    member *members;
    size_t count, capacity;
    size_t lowest; /* no number below is free */
} cpu_workspace;

/* One operation of one step (or of an inference block) at work. */
typedef struct {
    cpu_backend *backend;
    const cpu_workspace *workspace;
    const member *member;
    const ls_op *op;
    size_t row0, rows; /* rows of the data set where views of it start, and rows of the batch */
    uint64_t step;
    ls_batch batch;
    bool training;
    bool loaded; /* see ls_chunk_step */
    const ls_rates *rates;
    float *loss;
    size_t threads; /* that may share the operation */
} job;

static float *at(const job *j, ls_view view)
{
    const ls_rows *d = &j->workspace->data;
    switch (view.place) {
    case LS_ARENA: return j->member->arena + view.at;
    case LS_DATA_X: return (float *)d->x + view.at + j->row0 * d->features;
    case LS_DATA_T: return (float *)d->t + view.at + j->row0 * d->outputs;
    case LS_DATA_WEIGHT: return (float *)d->row_weight + view.at + j->row0;
    default: return NULL;
    }
}

static ls_mask mask_of(const job *j)
{
    return (ls_mask){j->member->plan->seed, j->step, j->op->purpose, j->op->dropout};
}

/* ---- Operations: each does the share [i0, i1) of its extent ---------------------------------- */

static void op_batch(const job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_plan *p = j->member->plan;
    ls_u32 *index = (ls_u32 *)(void *)at(j, j->op->y);
    j->backend->kernels->order(index + i0, j->batch.first + i0, i1 - i0, (uint32_t)p->rows, p->seed,
                               j->batch.epoch);
}

static void op_gather(const job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_u32 *index = (const ls_u32 *)(const void *)at(j, o->index);
    const float *from = at(j, o->x);
    float *to = at(j, o->y);
    for (size_t i = i0; i < i1; i++)
        memcpy(to + i * o->out, from + index[i] * o->out, o->out * sizeof *to);
}

static size_t clamp(size_t value, size_t most) { return value < most ? value : most; }

/* How a matmul's outputs are divided: rows × columns blocks of whole tiles. */
typedef struct {
    size_t m, n, rows, columns;
} grid;

/* Length of the longest of `parts` pieces of n in whole units. */
static size_t longest(size_t n, size_t unit, size_t parts)
{
    return clamp(((n + unit - 1) / unit + parts - 1) / parts * unit, n);
}

/* The division into at most j->threads blocks whose slowest one is done first. Every block packs
 * the rows and the columns that it needs, others may need them too; packing an element takes about
 * as long as so many products. */
static grid grid_of(const job *j, size_t m, size_t n)
{
    static const double packing = 24;
    const ls_cpu_kernels *k = j->backend->kernels;
    grid best = {m, n, 1, 1};
    double least = 0;
    for (size_t rows = 1; rows <= j->threads; rows++) {
        size_t columns = j->threads / rows;
        double h = (double)longest(m, k->tile_rows, rows),
               w = (double)longest(n, k->tile_columns, columns);
        double cost = h * w + packing * (h + w);
        if (rows > 1 && cost >= least) continue;
        least = cost;
        best = (grid){m, n, rows, columns};
    }
    return best;
}

static size_t grid_extent(grid g) { return g.rows * g.columns; }

/* Rows and columns of one block. */
typedef struct {
    size_t r0, r1, c0, c1;
} block;

static size_t cut(size_t n, size_t unit, size_t part, size_t parts)
{
    return clamp((n + unit - 1) / unit * part / parts * unit, n);
}

static block grid_block(const job *j, grid g, size_t i)
{
    const ls_cpu_kernels *k = j->backend->kernels;
    size_t r = i / g.columns, c = i % g.columns;
    return (block){cut(g.m, k->tile_rows, r, g.rows), cut(g.m, k->tile_rows, r + 1, g.rows),
                   cut(g.n, k->tile_columns, c, g.columns),
                   cut(g.n, k->tile_columns, c + 1, g.columns)};
}

/* Blocks [i0, i1) of a product. */
static void multiply(const job *j, const ls_matmul *p, grid g, size_t i0, size_t i1, float *scratch)
{
    for (size_t i = i0; i < i1; i++) {
        block b = grid_block(j, g, i);
        if (b.r0 < b.r1 && b.c0 < b.c1)
            j->backend->kernels->matmul(p, b.r0, b.r1, b.c0, b.c1, scratch);
    }
}

static size_t extent_activations(const job *j)
{
    return grid_extent(grid_of(j, j->rows, j->op->out));
}

static void finish_dense(const ls_matmul *p, size_t i, size_t j, size_t h, size_t w)
{
    const job *jb = p->finish_with;
    float *a = at(jb, jb->op->a);
    for (size_t r = i; r < i + h; r++)
        jb->backend->kernels->act[jb->op->act](p->c + r * p->c_row + j, a + r * p->c_row + j, w);
}

static bool same_view(ls_view a, ls_view b) { return a.place == b.place && a.at == b.at; }

/* The rows x of a product, read where they are if their GATHER was left out. */
static void take_rows(const job *j, ls_view x, ls_matmul *p)
{
    const ls_op *gather = j->member->unread;
    bool in_place = gather && same_view(x, gather->y);
    p->a = at(j, in_place ? gather->x : x);
    p->a_rows = in_place ? (const uint32_t *)(const void *)at(j, gather->index) : NULL;
}

static void op_dense(const job *j, size_t i0, size_t i1, float *scratch)
{
    const ls_op *o = j->op;
    ls_matmul p = {.m = j->rows,
                   .n = o->out,
                   .k = o->in,
                   .a_row = o->in,
                   .a_col = 1,
                   .b = at(j, o->w),
                   .b_row = o->out,
                   .b_col = 1,
                   .c = at(j, o->z),
                   .c_row = o->out,
                   .start = at(j, o->b),
                   .finish = ls_there(o->a) ? finish_dense : NULL,
                   .finish_with = j};
    take_rows(j, o->x, &p);
    multiply(j, &p, grid_of(j, j->rows, o->out), i0, i1, scratch);
}

static void finish_grad_x(const ls_matmul *p, size_t i, size_t j, size_t h, size_t w)
{
    const job *jb = p->finish_with;
    const ls_op *o = jb->op;
    const ls_cpu_kernels *k = jb->backend->kernels;
    const float *skip = at(jb, o->skip), *z = at(jb, o->z), *a = at(jb, o->a);
    float *y = at(jb, o->y);
    ls_mask mask = mask_of(jb), none = {0};
    for (size_t r = i; r < i + h; r++) {
        size_t first = r * o->out + j;
        float *d = p->c + first, *from = d;
        if (skip) k->join(d, skip + first, d, first, w, &none);
        if (mask.p > 0.0f) {
            from = at(jb, o->dropped) + first; /* d itself must stay whole for a residual block */
            k->join(d, NULL, from, first, w, &mask);
        }
        k->act_grad[o->act](from, z + first, a + first, y + first, w);
    }
}

static void op_grad_x(const job *j, size_t i0, size_t i1, float *scratch)
{
    const ls_op *o = j->op;
    ls_matmul p = {.m = j->rows,
                   .n = o->out,
                   .k = o->in,
                   .a = at(j, o->dz),
                   .a_row = o->in,
                   .a_col = 1,
                   .b = at(j, o->w),
                   .b_row = 1,
                   .b_col = o->in,
                   .c = at(j, o->d),
                   .c_row = o->out,
                   .finish = finish_grad_x,
                   .finish_with = j};
    multiply(j, &p, grid_of(j, j->rows, o->out), i0, i1, scratch);
}

/* One column is computed as its transpose, a row, for which x lies right. */
static grid grid_of_weights(const job *j)
{
    return j->op->out == 1 ? grid_of(j, 1, j->op->in) : grid_of(j, j->op->in, j->op->out);
}

static size_t extent_weights(const job *j) { return grid_extent(grid_of_weights(j)); }

/* The optimizer's range of an operation, from its first parameter on. */
static ls_update_range range_of(const job *j)
{
    const ls_op *o = j->op;
    const ls_plan *p = j->member->plan;
    int states = ls_opt_states(p->optimizer);
    return (ls_update_range){.theta = at(j, o->theta),
                             .g = at(j, o->y),
                             .s = states > 0 ? at(j, o->s) : NULL,
                             .v = states > 1 ? at(j, o->v) : NULL,
                             .clip = ls_there(o->b) ? *at(j, o->b) : 1.0f,
                             .hyper = p->hyper,
                             .rates = *j->rates};
}

static void finish_grad_w(const ls_matmul *p, size_t i, size_t j, size_t h, size_t w)
{
    const job *jb = p->finish_with;
    ls_update_range u = range_of(jb);
    for (size_t r = i; r < i + h; r++)
        jb->backend->kernels->update[jb->member->plan->optimizer](&u, r * p->c_row + j,
                                                                  r * p->c_row + j + w, true);
}

static void op_grad_w(const job *j, size_t i0, size_t i1, float *scratch)
{
    const ls_op *o = j->op;
    ls_matmul p = {.m = o->in,
                   .n = o->out,
                   .k = j->rows,
                   .a_row = 1,
                   .a_col = o->in,
                   .b = at(j, o->dz),
                   .b_row = o->out,
                   .b_col = 1,
                   .c = at(j, o->y),
                   .c_row = o->out,
                   .over_rows = true};
    take_rows(j, o->x, &p);
    if (o->out == 1)
        p = (ls_matmul){.m = 1,
                        .n = o->in,
                        .k = j->rows,
                        .a = at(j, o->dz),
                        .a_row = 1,
                        .a_col = 1,
                        .b = at(j, o->x),
                        .b_row = o->in,
                        .b_col = 1,
                        .c = at(j, o->y),
                        .c_row = o->in,
                        .over_rows = true};
    if (ls_there(o->theta)) {
        p.finish = finish_grad_w, p.finish_with = j;
        p.ahead[0] = at(j, o->theta), p.ahead[1] = at(j, o->s), p.ahead[2] = at(j, o->v);
    }
    multiply(j, &p, grid_of_weights(j), i0, i1, scratch);
}

static void op_grad_b(const job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    j->backend->kernels->row_sum(at(j, j->op->dz), j->rows, j->op->out, i0, i1, at(j, j->op->y));
}

static void op_norm(const job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_cpu_kernels *k = j->backend->kernels;
    bool grad = o->kind == LS_OP_NORM_GRAD;
    ls_norm_rows n = {.rows = j->rows,
                      .columns = o->out,
                      .inv_rows = 1.0f / (float)j->rows,
                      .z = at(j, o->z),
                      .y = at(j, o->y),
                      .mean = at(j, o->mean),
                      .inv = at(j, o->inv),
                      .running_mean = at(j, o->running_mean),
                      .running_var = at(j, o->running_var),
                      .gamma = at(j, o->gamma),
                      .beta = at(j, o->beta),
                      .grad_gamma = at(j, o->grad_gamma),
                      .grad_beta = at(j, o->grad_beta),
                      .dy = at(j, o->dz)};
    (grad ? k->norm_grad : o->kind == LS_OP_NORM ? k->norm : k->norm_fixed)(&n, i0, i1);
    for (size_t r = 0; r < j->rows && !grad; r++)
        k->act[o->act](n.y + r * o->out + i0, at(j, o->a) + r * o->out + i0, i1 - i0);
}

static void op_join(const job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const float *skip = at(j, o->skip);
    ls_mask mask = mask_of(j);
    size_t first = i0 * o->out;
    j->backend->kernels->join(at(j, o->a) + first, skip ? skip + first : NULL, at(j, o->y) + first,
                              first, (i1 - i0) * o->out, &mask);
}

static void op_loss(const job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_plan *p = j->member->plan;
    ls_loss_rows l = {.columns = o->out,
                      .output = p->output,
                      .z = at(j, o->z),
                      .p = at(j, o->a),
                      .target = at(j, o->target),
                      .row_weight = at(j, o->row_weight),
                      .row_loss = at(j, o->row_loss),
                      .scale = j->training ? j->batch.scale : 0.0f};
    j->backend->kernels->loss[p->loss](&l, i0, i1);
}

static void op_loss_sum(const job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch, (void)i0, (void)i1;
    j->backend->kernels->row_sum(at(j, (ls_view){LS_ARENA, j->member->plan->row_loss.at}), j->rows,
                                 1, 0, 1, j->loss);
}

static size_t chunks_of(size_t n) { return (n + LS_CHUNK - 1) / LS_CHUNK; }

/* The first level of the sum is shared out; what is left is small and done by the last share, see
 * finish_clip. */
static void op_clip(const job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    j->backend->kernels->square_chunks(at(j, j->op->x), j->op->out, i0, i1, j->member->chunks);
}

static void finish_clip(const job *j)
{
    size_t n = chunks_of(j->op->out);
    float *sums = j->member->chunks;
    for (; n > 1; n = chunks_of(n)) j->backend->kernels->sum_chunks(sums, n, sums);
    at(j, j->op->y)[0] = ls_limit_factor(sums[0], j->member->plan->clip);
}

static void op_update(const job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_plan *p = j->member->plan;
    size_t weights = p->weights > j->op->in ? p->weights - j->op->in : 0; /* of this range */
    size_t middle = i1 < weights ? i1 : i0 > weights ? i0 : weights;
    ls_update_range u = range_of(j);
    if (i0 < middle) j->backend->kernels->update[p->optimizer](&u, i0, middle, true);
    if (middle < i1) j->backend->kernels->update[p->optimizer](&u, middle, i1, false);
}

static void op_max_norm(const job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    j->backend->kernels->max_norm(at(j, o->w), o->in, o->out, i0, i1,
                                  j->member->plan->hyper.max_norm);
}

static size_t extent_rows(const job *j) { return j->rows; }
static size_t extent_columns(const job *j) { return j->op->out; }
static size_t extent_one(const job *j)
{
    (void)j;
    return 1;
}
static size_t extent_chunks(const job *j) { return chunks_of(j->op->out); }

/* Rough cost of a whole operation in elementary steps, to see whether sharing it out pays. */
static double cost_matmul(const job *j)
{
    return 0.1 * (double)j->rows * (double)j->op->in * (double)j->op->out;
}
static double cost_matrix(const job *j) { return (double)j->rows * (double)j->op->out; }
static double cost_random(const job *j)
{
    return 20.0 * (double)j->rows * (double)(j->op->out + 1);
}
static double cost_flat(const job *j) { return (double)j->op->out; }
static double cost_columns(const job *j) { return (double)j->op->out * (double)j->op->in; }

/* What an operation is to the CPU path: how much there is to share out, its cost, and its doing. */
static const struct {
    size_t unit; /* shares begin at multiples of this: no two threads write to one cache line of a
                    vector */
    size_t (*extent)(const job *j);
    double (*cost)(const job *j);
    void (*run)(const job *j, size_t i0, size_t i1, float *scratch);
    void (*finish)(const job
                       *j); /* on one thread, once all shares are done; NULL: nothing is left */
} operations[LS_OP_COUNT] = {
    [LS_OP_BATCH] = {1, extent_rows, cost_random, op_batch, NULL},
    [LS_OP_GATHER] = {1, extent_rows, cost_matrix, op_gather, NULL},
    [LS_OP_DENSE] = {1, extent_activations, cost_matmul, op_dense, NULL},
    [LS_OP_NORM] = {16, extent_columns, cost_matrix, op_norm, NULL},
    [LS_OP_NORM_FIXED] = {16, extent_columns, cost_matrix, op_norm, NULL},
    [LS_OP_JOIN] = {1, extent_rows, cost_random, op_join, NULL},
    [LS_OP_LOSS] = {1, extent_rows, cost_random, op_loss, NULL},
    [LS_OP_LOSS_SUM] = {1, extent_one, cost_matrix, op_loss_sum, NULL},
    [LS_OP_GRAD_W] = {1, extent_weights, cost_matmul, op_grad_w, NULL},
    [LS_OP_GRAD_B] = {16, extent_columns, cost_matrix, op_grad_b, NULL},
    [LS_OP_GRAD_X] = {1, extent_activations, cost_matmul, op_grad_x, NULL},
    [LS_OP_NORM_GRAD] = {16, extent_columns, cost_matrix, op_norm, NULL},
    [LS_OP_CLIP] = {1, extent_chunks, cost_flat, op_clip, finish_clip},
    [LS_OP_UPDATE] = {16, extent_columns, cost_flat, op_update, NULL},
    [LS_OP_MAX_NORM] = {16, extent_columns, cost_columns, op_max_norm, NULL},
};

/* ---- Running plans --------------------------------------------------------------------------- */

/* Below this cost an operation is done by one thread: a hand-over would take longer. */
static const double worth_sharing = 10000.0;

static void run_share(void *work, unsigned share, unsigned shares, unsigned thread)
{
    const job *j = work;
    size_t n = operations[j->op->kind].extent(j), unit = operations[j->op->kind].unit;
    size_t units = (n + unit - 1) / unit;
    size_t i0 = clamp(units * share / shares * unit, n),
           i1 = clamp(units * (share + 1) / shares * unit, n);
    if (i0 < i1)
        operations[j->op->kind].run(j, i0, i1,
                                    j->backend->scratch + (size_t)thread * LS_MATMUL_SCRATCH);
}

/* Shares of an operation: one a thread, but none below the cost of a hand-over. More would balance
 * better where threads are kept away, but each share of a product packs its own operands. */
static unsigned shares_of(job *j)
{
    double worth = operations[j->op->kind].cost(j) / worth_sharing;
    size_t most = clamp(ls_pool_threads(j->backend->pool), LS_POOL_SHARES);
    j->threads = worth < 1 ? 1 : worth < (double)most ? (size_t)worth : most;
    size_t units = (operations[j->op->kind].extent(j) + operations[j->op->kind].unit - 1) /
                   operations[j->op->kind].unit;
    return (unsigned)(units < 1 ? 1 : clamp(j->threads, units));
}

/* Runs a list of operations; alone: the calling thread does all of it, with the scratch of thread
 * `thread`. */
static void run_ops(job *j, const ls_ops *ops, bool alone, unsigned thread)
{
    for (size_t i = 0; i < ops->count; i++) {
        j->op = &ops->op[i];
        if (j->op == j->member->unread) continue;
        unsigned shares = 1;
        j->threads = 1;
        if (!alone) shares = shares_of(j);
        if (shares == 1) run_share(j, 0, 1, thread);
        else ls_pool_run(j->backend->pool, run_share, j, shares);
        if (operations[j->op->kind].finish) operations[j->op->kind].finish(j);
    }
}

/* What a chunk-wise step leaves to the plan's operations. */
static void run_rest(void *user, const ls_op *op)
{
    job *j = user;
    j->op = op;
    if (op->kind == LS_OP_GRAD_W) {
        ls_update_range u = range_of(j);
        j->backend->kernels->update[j->member->plan->optimizer](&u, 0, op->in * op->out, true);
        return;
    }
    run_share(j, 0, 1, 0); /* none of these needs scratch */
    if (operations[op->kind].finish) operations[op->kind].finish(j);
}

_Static_assert((size_t)LS_CHUNKS_SCRATCH <= (size_t)LS_MATMUL_SCRATCH,
               "chunk-wise steps use the scratch of products");

static void run_chunks(job *j, unsigned thread)
{
    const member *m = j->member;
    ls_chunk_step s = {.kernels = j->backend->kernels,
                       .plan = m->plan,
                       .data = &j->workspace->data,
                       .origin = m->origin,
                       .arena = m->arena,
                       .scratch = j->backend->scratch + (size_t)thread * LS_MATMUL_SCRATCH,
                       .step = j->step,
                       .batch = j->batch,
                       .loss = j->loss,
                       .loaded = j->loaded,
                       .rest = run_rest,
                       .user = j};
    j->loaded = ls_chunks_run(m->small, &s);
}

/* A step of a member that all threads may share: the faster way, once both have been tried in turn,
 * two steps each as the second one may find its rows loaded. The bits are the same. */
static void run_tried(job *j, member *m)
{
    enum { TRIALS = 8 };
    unsigned threads = ls_pool_threads(j->backend->pool);
    if (m->trial.threads != threads) m->trial = (trial){.threads = threads};
    unsigned way = m->trial.done < TRIALS ? m->trial.done >> 1 & 1u
                                          : m->trial.least[1] < m->trial.least[0];
    const bool first = m->trial.done < 4 && m->trial.done % 2 == 0;
    double started = m->trial.done < TRIALS ? ls_clock() : 0;
    if (way) run_chunks(j, 0);
    else run_ops(j, &m->plan->step, false, 0), j->loaded = false;
    if (m->trial.done == TRIALS) return;
    double seconds = ls_clock() - started;
    m->trial.done++;
    if (first || seconds < m->trial.least[way]) m->trial.least[way] = seconds;
}

static void run_member(cpu_backend *backend, const cpu_workspace *workspace, const ls_run *run,
                       bool alone, unsigned thread)
{
    member *m = &workspace->members[run->member];
    bool small = m->small && !run->keep, shared = !alone && ls_pool_threads(backend->pool) > 1;
    job j = {.backend = backend, .workspace = workspace, .member = m, .training = true};
    for (uint64_t i = 0; i < run->count; i++) {
        j.step = run->first + i;
        j.batch = ls_plan_batch(m->plan, j.step);
        j.rows = j.batch.rows;
        /* gathered batches name any of the member's rows, others start at the batch's first row */
        j.row0 = m->origin + (m->plan->shuffle ? 0 : j.batch.first);
        j.rates = &run->rates[i];
        j.loss = &run->losses[i];
        if (small && shared) run_tried(&j, m);
        else if (small) run_chunks(&j, thread);
        else run_ops(&j, &m->plan->step, alone, thread);
    }
}

/* Many members: threads take whole members. */
typedef struct {
    cpu_backend *backend;
    const cpu_workspace *workspace;
    const ls_run *runs;
    size_t count;
    atomic_size_t next;
} member_queue;

static void run_members(void *work, unsigned share, unsigned shares, unsigned thread)
{
    (void)share, (void)shares;
    member_queue *q = work;
    for (size_t i; (i = atomic_fetch_add(&q->next, 1)) < q->count;)
        run_member(q->backend, q->workspace, &q->runs[i], true, thread);
}

static ls_status cpu_run(ls_workspace *base, const ls_run *runs, size_t count, ls_error *err)
{
    (void)err;
    cpu_workspace *workspace = (cpu_workspace *)base;
    cpu_backend *backend = (cpu_backend *)base->backend;
    if (count >= ls_pool_threads(backend->pool)) {
        member_queue q = {.backend = backend, .workspace = workspace, .runs = runs, .count = count};
        ls_pool_run(backend->pool, run_members, &q, ls_pool_threads(backend->pool));
    } else {
        for (size_t i = 0; i < count; i++) run_member(backend, workspace, &runs[i], false, 0);
    }
    return LS_OK;
}

static ls_status cpu_infer(ls_workspace *base, size_t index, size_t first, size_t rows,
                           float *outputs, float *losses, ls_error *err)
{
    (void)err;
    cpu_workspace *workspace = (cpu_workspace *)base;
    const member *m = &workspace->members[index];
    const ls_plan *p = m->plan;
    job j = {.backend = (cpu_backend *)base->backend, .workspace = workspace, .member = m};
    for (size_t done = 0; done < rows; done += j.rows) {
        j.row0 = m->origin + first + done;
        j.rows = clamp(rows - done, p->capacity);
        run_ops(&j, &p->infer, false, 0);
        if (outputs)
            memcpy(outputs + done * p->outputs, m->arena + p->result.at,
                   j.rows * p->outputs * sizeof *outputs);
        if (losses) memcpy(losses + done, m->arena + p->row_loss.at, j.rows * sizeof *losses);
    }
    return LS_OK;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static float *arena_of(ls_workspace *base, size_t index)
{
    return ((cpu_workspace *)base)->members[index].arena;
}

static ls_status cpu_read(ls_workspace *base, size_t index, size_t at, size_t count, float *to,
                          ls_error *err)
{
    (void)err;
    memcpy(to, arena_of(base, index) + at, count * sizeof *to);
    return LS_OK;
}

static ls_status cpu_write(ls_workspace *base, size_t index, size_t at, size_t count,
                           const float *from, ls_error *err)
{
    (void)err;
    memcpy(arena_of(base, index) + at, from, count * sizeof *from);
    return LS_OK;
}

static ls_status cpu_copy(ls_workspace *base, size_t index, size_t from, size_t to, size_t count,
                          ls_error *err)
{
    (void)err;
    memmove(arena_of(base, index) + to, arena_of(base, index) + from, count * sizeof(float));
    return LS_OK;
}

static void cpu_member_remove(ls_workspace *base, size_t index)
{
    cpu_workspace *workspace = (cpu_workspace *)base;
    member *m = &workspace->members[index];
    if (m->plan) ls_release(m->arena, m->plan->arena, sizeof *m->arena);
    free(m->chunks);
    ls_chunks_free(m->small);
    *m = (member){0};
    if (index < workspace->lowest) workspace->lowest = index;
}

/* The GATHER of wide rows that only products read, which need no copy of them; NULL where there is
 * none. */
static const ls_op *unread_gather(const ls_plan *plan)
{
    enum {
        WIDE = 64
    }; /* narrower rows are cheap to copy; a product of few rows in `a` reads them by stride alone
        */
    const ls_op *gather = NULL;
    bool read = false;
    for (size_t i = 0; i < plan->step.count; i++) {
        const ls_op *o = &plan->step.op[i];
        if (o->kind == LS_OP_GATHER && o->x.place == LS_DATA_X && o->out >= WIDE) gather = o;
        else if (gather && same_view(o->x, gather->y)) {
            if (o->kind == LS_OP_GRAD_W ? o->out == 1 : o->kind != LS_OP_DENSE) return NULL;
            read = true;
        }
    }
    return read ? gather : NULL;
}

static ls_status fill_member(member *m, const ls_cpu_kernels *kernels, const ls_plan *plan,
                             size_t origin, ls_error *err)
{
    m->plan = plan;
    m->origin = origin;
    m->unread = unread_gather(plan);
    LS_TRY(ls_chunks_build(plan, kernels->lane_unit, kernels->lane_unit / 4, &m->small, err));
    LS_TRY(ls_reserve(&m->arena, plan->arena, sizeof *m->arena, "the network",
                      err)); /* chunk-wise steps use but a part of it */
    if (plan->clip > 0)
        LS_TRY(ls_alloc(&m->chunks, chunks_of(plan->parameters), sizeof *m->chunks, "the network",
                        err));
    return LS_OK;
}

static ls_status cpu_member_add(ls_workspace *base, const ls_plan *plan, size_t origin, size_t *out,
                                ls_error *err)
{
    cpu_workspace *workspace = (cpu_workspace *)base;
    size_t index = workspace->lowest;
    while (index < workspace->count && workspace->members[index].plan) index++;
    LS_TRY(ls_grow(&workspace->members, &workspace->capacity, index + 1, sizeof *workspace->members,
                   "members", err));
    ls_status status = fill_member(&workspace->members[index],
                                   ((cpu_backend *)base->backend)->kernels, plan, origin, err);
    if (status != LS_OK) {
        cpu_member_remove(base, index);
        return status;
    }
    if (index == workspace->count) workspace->count++;
    workspace->lowest = index + 1;
    *out = index;
    return LS_OK;
}

static void cpu_workspace_close(ls_workspace *base)
{
    cpu_workspace *workspace = (cpu_workspace *)base;
    for (size_t i = 0; i < workspace->count; i++) cpu_member_remove(base, i);
    free(workspace->members);
    free(workspace);
}

static ls_status cpu_workspace_open(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                                    ls_error *err)
{
    cpu_workspace *workspace;
    LS_TRY(ls_alloc(&workspace, 1, sizeof *workspace, "a workspace", err));
    workspace->base.backend = backend;
    workspace->data = *data;
    *out = &workspace->base;
    return LS_OK;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static const ls_cpu_kernels *isa_at(size_t i)
{
    const ls_cpu_kernels *list[4];
    size_t n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        list[n++] = &ls_cpu_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        list[n++] = &ls_cpu_kernels_avx2;
#endif
    list[n++] = &ls_cpu_kernels_generic;
    return i < n ? list[i] : NULL;
}

const char *ls_cpu_isa_at(size_t i)
{
    const ls_cpu_kernels *k = isa_at(i);
    return k ? k->isa : NULL;
}

static void cpu_close(ls_backend *base)
{
    cpu_backend *backend = (cpu_backend *)base;
    ls_pool_close(backend->pool);
    free(backend->scratch);
    free(backend);
}

static const ls_backend_slots cpu_slots = {
    .workspace_open = cpu_workspace_open,
    .workspace_close = cpu_workspace_close,
    .member_add = cpu_member_add,
    .member_remove = cpu_member_remove,
    .run = cpu_run,
    .infer = cpu_infer,
    .read = cpu_read,
    .write = cpu_write,
    .copy = cpu_copy,
    .close = cpu_close,
};

ls_status ls_cpu_use(ls_backend *base, unsigned threads, ls_error *err)
{
    cpu_backend *backend = (cpu_backend *)base;
    ls_pool *pool;
    if (threads == ls_pool_threads(backend->pool)) return LS_OK;
    LS_TRY(ls_pool_open(threads, &pool, err));
    ls_pool_close(backend->pool);
    backend->pool = pool;
    return LS_OK;
}

ls_status ls_cpu_open(unsigned threads, const char *isa, ls_backend **out, ls_error *err)
{
    const ls_cpu_kernels *kernels = isa_at(0);
    for (size_t i = 0; isa && (kernels = isa_at(i)) && strcmp(kernels->isa, isa); i++) continue;
    if (!kernels)
        return ls_fail(err, LS_ERR_ARGUMENT, "this machine does not run the instruction set '%s'",
                       isa);
    if (!threads) threads = ls_usable_cores();
    cpu_backend *backend;
    LS_TRY(ls_alloc(&backend, 1, sizeof *backend, "the CPU path", err));
    backend->base.slots = &cpu_slots;
    backend->kernels = kernels;
    ls_status status = ls_pool_open(threads, &backend->pool, err);
    if (status == LS_OK)
        status = ls_alloc(&backend->scratch, threads, LS_MATMUL_SCRATCH * sizeof(float),
                          "the CPU path", err);
    if (status != LS_OK) {
        cpu_close(&backend->base);
        return status;
    }
    *out = &backend->base;
    return LS_OK;
}
