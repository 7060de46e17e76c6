/* SPDX-License-Identifier: MIT */
/* The operations on the CPU path: each computes a share of its outputs. */
#include "core_cpu/operations.h"
#include "kernels/random.h"
#include <string.h>

static float *at(const cpu_job *j, ls_view view)
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

static ls_mask mask_of(const cpu_job *j)
{
    return (ls_mask){j->member->plan->seed, j->step, j->op->purpose, j->op->dropout};
}

/* ---- Operations: each computes the share [i0, i1) of its extent ------------------------------ */

static void op_batch(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_plan *p = j->member->plan;
    ls_u32 *index = (ls_u32 *)(void *)at(j, j->op->y);
    j->backend->kernels->order(index + i0, j->batch.first + i0, i1 - i0, (uint32_t)p->rows, p->seed,
                               j->batch.epoch);
}

static void op_gather(const cpu_job *j, size_t i0, size_t i1, float *scratch)
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

/* Length of the longest of `parts` parts of n in whole units. */
static size_t longest(size_t n, size_t unit, size_t parts)
{
    return clamp(((n + unit - 1) / unit + parts - 1) / parts * unit, n);
}

/* The division into at most j->threads blocks whose slowest block takes the least time. Every block
 * packs the rows and columns that it needs, even if other blocks need them, too; packing an element
 * takes about as long as `packing` products. */
static grid grid_of(const cpu_job *j, size_t m, size_t n)
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

/* Start of part number `part` of n in whole units. */
static size_t cut(size_t n, size_t unit, size_t part, size_t parts)
{
    return clamp((n + unit - 1) / unit * part / parts * unit, n);
}

static block grid_block(const cpu_job *j, grid g, size_t i)
{
    const ls_cpu_kernels *k = j->backend->kernels;
    size_t r = i / g.columns, c = i % g.columns;
    return (block){cut(g.m, k->tile_rows, r, g.rows), cut(g.m, k->tile_rows, r + 1, g.rows),
                   cut(g.n, k->tile_columns, c, g.columns),
                   cut(g.n, k->tile_columns, c + 1, g.columns)};
}

/* Blocks [i0, i1) of a product. */
static void multiply(const cpu_job *j, const ls_matmul *p, grid g, size_t i0, size_t i1,
                     float *scratch)
{
    for (size_t i = i0; i < i1; i++) {
        block b = grid_block(j, g, i);
        if (b.r0 < b.r1 && b.c0 < b.c1)
            j->backend->kernels->matmul(p, b.r0, b.r1, b.c0, b.c1, scratch);
    }
}

static size_t extent_activations(const cpu_job *j)
{
    return grid_extent(grid_of(j, j->rows, j->op->out));
}

static void finish_dense(const ls_matmul *p, size_t i, size_t j, size_t h, size_t w)
{
    const cpu_job *jb = p->finish_with;
    float *a = at(jb, jb->op->a);
    for (size_t r = i; r < i + h; r++)
        jb->backend->kernels->act[jb->op->act](p->c + r * p->c_row + j, a + r * p->c_row + j, w);
}

/* The input rows x of a product, read from the data set if their GATHER was skipped. */
static void take_rows(const cpu_job *j, ls_view x, ls_matmul *p)
{
    const ls_op *gather = j->member->skipped_gather;
    bool in_place = gather && ls_same_view(x, gather->y);
    p->a = at(j, in_place ? gather->x : x);
    p->a_rows = in_place ? (const uint32_t *)(const void *)at(j, gather->index) : NULL;
}

static void op_dense(const cpu_job *j, size_t i0, size_t i1, float *scratch)
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
    const cpu_job *jb = p->finish_with;
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
            from = at(jb, o->dropped) + first; /* a residual block still needs d */
            k->join(d, NULL, from, first, w, &mask);
        }
        k->act_grad[o->act](from, z + first, a + first, y + first, w);
    }
}

static void op_grad_x(const cpu_job *j, size_t i0, size_t i1, float *scratch)
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

/* One column is computed as its transpose, a row, for which the layout of x is suitable. */
static grid grid_of_weights(const cpu_job *j)
{
    return j->op->out == 1 ? grid_of(j, 1, j->op->in) : grid_of(j, j->op->in, j->op->out);
}

static size_t extent_weights(const cpu_job *j) { return grid_extent(grid_of_weights(j)); }

/* The parameters of an operation for the optimizer, from the first one on. */
static ls_update_range range_of(const cpu_job *j)
{
    const ls_op *o = j->op;
    const ls_plan *p = j->member->plan;
    int states = ls_optimizers[p->optimizer].states;
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
    const cpu_job *jb = p->finish_with;
    ls_update_range u = range_of(jb);
    for (size_t r = i; r < i + h; r++)
        jb->backend->kernels->update[jb->member->plan->optimizer](&u, r * p->c_row + j,
                                                                  r * p->c_row + j + w, true);
}

static void op_grad_w(const cpu_job *j, size_t i0, size_t i1, float *scratch)
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

static void op_grad_b(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    j->backend->kernels->row_sum(at(j, j->op->dz), j->rows, j->op->out, i0, i1, at(j, j->op->y));
}

static void op_norm(const cpu_job *j, size_t i0, size_t i1, float *scratch)
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

static void op_join(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const float *skip = at(j, o->skip);
    ls_mask mask = mask_of(j);
    size_t first = i0 * o->out;
    j->backend->kernels->join(at(j, o->a) + first, skip ? skip + first : NULL, at(j, o->y) + first,
                              first, (i1 - i0) * o->out, &mask);
}

static void op_loss(const cpu_job *j, size_t i0, size_t i1, float *scratch)
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
                      .scale = j->training ? j->batch.scale : 0.0f,
                      .delta = p->huber_delta};
    j->backend->kernels->loss[p->loss](&l, i0, i1);
}

static void op_loss_sum(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch, (void)i0, (void)i1;
    j->backend->kernels->row_sum(at(j, (ls_view){LS_ARENA, j->member->plan->row_loss.at}), j->rows,
                                 1, 0, 1, j->loss);
}

static size_t chunks_of(size_t n) { return (n + LS_CHUNK - 1) / LS_CHUNK; }

/* The first level of the sum is shared among threads; the other levels are small, and finish_clip
 * computes them on one thread. */
static void op_clip(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    j->backend->kernels->square_chunks(at(j, j->op->x), j->op->out, i0, i1, j->member->square_sums);
}

static void finish_clip(const cpu_job *j)
{
    size_t n = chunks_of(j->op->out);
    float *sums = j->member->square_sums;
    for (; n > 1; n = chunks_of(n)) j->backend->kernels->sum_chunks(sums, n, sums);
    at(j, j->op->y)[0] = ls_limit_factor(sums[0], j->member->plan->clip);
}

static void op_update(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_plan *p = j->member->plan;
    size_t weights = p->weights > j->op->in ? p->weights - j->op->in : 0; /* of this range */
    size_t middle = i1 < weights ? i1 : i0 > weights ? i0 : weights;
    ls_update_range u = range_of(j);
    if (i0 < middle) j->backend->kernels->update[p->optimizer](&u, i0, middle, true);
    if (middle < i1) j->backend->kernels->update[p->optimizer](&u, middle, i1, false);
}

static void op_max_norm(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    j->backend->kernels->max_norm(at(j, o->w), o->in, o->out, i0, i1,
                                  j->member->plan->hyper.max_norm);
}

static size_t extent_rows(const cpu_job *j) { return j->rows; }
static size_t extent_columns(const cpu_job *j) { return j->op->out; }
static size_t extent_one(const cpu_job *j)
{
    (void)j;
    return 1;
}
static size_t extent_chunks(const cpu_job *j) { return chunks_of(j->op->out); }

/* Rough cost of a whole operation in elementary steps, to decide whether sharing it pays. */
static double cost_matmul(const cpu_job *j)
{
    return 0.1 * (double)j->rows * (double)j->op->in * (double)j->op->out;
}
static double cost_matrix(const cpu_job *j) { return (double)j->rows * (double)j->op->out; }
static double cost_random(const cpu_job *j)
{
    return 20.0 * (double)j->rows * (double)(j->op->out + 1);
}
static double cost_flat(const cpu_job *j) { return (double)j->op->out; }
static double cost_columns(const cpu_job *j) { return (double)j->op->out * (double)j->op->in; }

/* ---- The table ------------------------------------------------------------------------------- */

static const cpu_operation batch = {1, extent_rows, cost_random, op_batch, NULL};
static const cpu_operation gather = {1, extent_rows, cost_matrix, op_gather, NULL};
static const cpu_operation dense = {1, extent_activations, cost_matmul, op_dense, NULL};
static const cpu_operation norm = {16, extent_columns, cost_matrix, op_norm, NULL};
static const cpu_operation norm_fixed = {16, extent_columns, cost_matrix, op_norm, NULL};
static const cpu_operation join = {1, extent_rows, cost_random, op_join, NULL};
static const cpu_operation loss = {1, extent_rows, cost_random, op_loss, NULL};
static const cpu_operation loss_sum = {1, extent_one, cost_matrix, op_loss_sum, NULL};
static const cpu_operation grad_w = {1, extent_weights, cost_matmul, op_grad_w, NULL};
static const cpu_operation grad_b = {16, extent_columns, cost_matrix, op_grad_b, NULL};
static const cpu_operation grad_x = {1, extent_activations, cost_matmul, op_grad_x, NULL};
static const cpu_operation norm_grad = {16, extent_columns, cost_matrix, op_norm, NULL};
static const cpu_operation clip = {1, extent_chunks, cost_flat, op_clip, finish_clip};
static const cpu_operation update = {16, extent_columns, cost_flat, op_update, NULL};
static const cpu_operation max_norm = {16, extent_columns, cost_columns, op_max_norm, NULL};

#define LS_X(NAME, name, chunkwise) [LS_OP_##NAME] = &name,
const cpu_operation *const ls_cpu_operations[LS_OP_COUNT] = {LS_OPS(LS_X)};
#undef LS_X

void ls_cpu_update_weights(const cpu_job *j)
{
    ls_update_range u = range_of(j);
    size_t weights = j->op->in * j->op->out;
    j->backend->kernels->update[j->member->plan->optimizer](&u, 0, weights, true);
}
