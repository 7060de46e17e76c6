/* SPDX-License-Identifier: MIT */
/* The operations on the CPU path: each computes a share of its outputs. */
#include "core_cpu/operations.h"
#include "core_cpu/conv.h"
#include "core_cpu/conv_w.h"
#include "core_cpu/image_norm.h"
#include "core_cpu/images.h"
#include "kernels/random.h"
#include <string.h>

/* ---- Operations: each computes the share [i0, i1) of its extent ------------------------------ */

static void op_batch(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_plan *p = j->member->plan;
    ls_u32 *index = (ls_u32 *)(void *)ls_cpu_at(j, j->op->y);
    j->backend->kernels->order(index + i0, j->batch.first + i0, i1 - i0, (uint32_t)p->rows, p->seed,
                               j->batch.epoch);
}

static void op_gather(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_u32 *index = (const ls_u32 *)(const void *)ls_cpu_at(j, o->index);
    const float *from = ls_cpu_at(j, o->x);
    float *to = ls_cpu_at(j, o->y);
    for (size_t i = i0; i < i1; i++)
        memcpy(to + i * o->out, from + index[i] * o->out, o->out * sizeof *to);
}

/* This thread's part of a product: items are taken until none is left. */
static void multiply(const cpu_job *j, const ls_matmul *p, float *scratch)
{
    cpu_backend *b = j->backend;
    if (j->threads > 1) ls_product_share(b->tile, p, j->threads, &b->progress, b->scratch);
    else ls_product_alone(b->tile, p, scratch);
}

static void finish_dense(const ls_matmul *p, size_t i, size_t j, size_t h, size_t w,
                         const float *values, size_t stride)
{
    const cpu_job *jb = p->finish_with;
    jb->backend->kernels->act[jb->op->act](values, ls_cpu_at(jb, jb->op->a) + i * p->c_row + j,
                                           (ls_block){h, w, stride});
}

/* The input rows x of a product, read from the data set if their GATHER was skipped. */
static void take_rows(const cpu_job *j, ls_view x, ls_matmul *p)
{
    const ls_op *gather = j->member->skipped_gather;
    bool in_place = gather && ls_same_view(x, gather->y);
    p->a = ls_cpu_at(j, in_place ? gather->x : x);
    p->a_rows = in_place ? (const uint32_t *)(const void *)ls_cpu_at(j, gather->index) : NULL;
}

static void op_dense(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)i0, (void)i1;
    const ls_op *o = j->op;
    ls_matmul p = {.m = j->rows,
                   .n = o->out,
                   .k = o->in,
                   .a_row = o->in,
                   .a_col = 1,
                   .b = ls_cpu_at(j, o->w),
                   .b_row = o->out,
                   .b_col = 1,
                   .c = ls_cpu_at(j, o->z),
                   .c_row = o->out,
                   .start = ls_cpu_at(j, o->b),
                   .finish = ls_there(o->a) ? finish_dense : NULL,
                   .finish_with = j};
    take_rows(j, o->x, &p);
    multiply(j, &p, scratch);
}

static void finish_grad_x(const ls_matmul *p, size_t i, size_t j, size_t h, size_t w,
                          const float *values, size_t stride)
{
    (void)values;
    const cpu_job *jb = p->finish_with;
    ls_cpu_follow(jb, p->c, i * p->c_row + j, h, w, stride);
}

static void op_grad_x(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)i0, (void)i1;
    const ls_op *o = j->op;
    ls_matmul p = {.m = j->rows,
                   .n = o->out,
                   .k = o->in,
                   .a = ls_cpu_at(j, o->dz),
                   .a_row = o->in,
                   .a_col = 1,
                   .b = ls_cpu_at(j, o->w),
                   .b_row = 1,
                   .b_col = o->in,
                   .c = ls_cpu_at(j, o->d),
                   .c_row = o->out,
                   .finish = finish_grad_x,
                   .finish_with = j};
    multiply(j, &p, scratch);
}

static void finish_grad_w(const ls_matmul *p, size_t i, size_t j, size_t h, size_t w,
                          const float *values, size_t stride)
{
    const cpu_job *jb = p->finish_with;
    ls_update_block u = ls_cpu_range(jb, jb->slice.from * jb->op->out + i * p->c_row + j, w);
    u.rows = h, u.stride = p->c_row, u.g = values, u.g_stride = stride;
    ls_cpu_optimize(jb, &u, true);
}

static void op_grad_w(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)i0, (void)i1;
    const ls_op *o = j->op;
    const size_t first = j->slice.from, count = j->slice.to ? j->slice.to - first : o->in;
    ls_matmul p = {.m = count,
                   .n = o->out,
                   .k = j->rows,
                   .a_row = 1,
                   .a_col = o->in,
                   .b = ls_cpu_at(j, o->dz),
                   .b_row = o->out,
                   .b_col = 1,
                   .c = ls_cpu_at(j, o->y) + first * o->out,
                   .c_row = o->out,
                   .over_rows = true,
                   .onto = j->slice.onto};
    take_rows(j, o->x, &p);
    p.a += first;
    p.places = j->places, p.a_at = o->x.at + first, p.b_at = o->dz.at;
    if (o->out == 1)
        p = (ls_matmul){.m = 1,
                        .n = count,
                        .k = j->rows,
                        .a = ls_cpu_at(j, o->dz),
                        .a_row = 1,
                        .a_col = 1,
                        .b = ls_cpu_at(j, o->x) + first,
                        .b_row = o->in,
                        .b_col = 1,
                        .c = ls_cpu_at(j, o->y) + first,
                        .c_row = o->in,
                        .over_rows = true,
                        .onto = j->slice.onto,
                        .places = j->places,
                        .a_at = o->dz.at,
                        .b_at = o->x.at + first};
    if (ls_there(o->theta)) {
        p.finish = finish_grad_w, p.finish_with = j, p.scratch = true;
        for (int i = 0; i < 3; i++) {
            const float *whole = ls_cpu_at(j, i == 0 ? o->theta : i == 1 ? o->s : o->v);
            p.ahead[i] = whole ? whole + first * o->out : NULL;
        }
    }
    multiply(j, &p, scratch);
}

static void op_join(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_cpu_kernels *k = j->backend->kernels;
    const ls_mask mask = ls_cpu_mask(j);
    const size_t first = i0 * o->out, n = (i1 - i0) * o->out;
    const float *a = ls_cpu_at(j, o->a) + first, *skip = ls_cpu_at(j, o->skip);
    float *y = ls_cpu_at(j, o->y) + first;
    if (mask.p > 0.0f) k->drop(a, y, first + j->before * o->out, (ls_block){1, n, n}, &mask);
    if (skip || !(mask.p > 0.0f)) k->join(mask.p > 0.0f ? y : a, skip ? skip + first : NULL, y, n);
}

static void op_pieces(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    j->backend->kernels->pieces(ls_cpu_at(j, o->w), ls_cpu_at(j, o->x) + i0 * o->in, i1 - i0, o->in,
                                o->out, ls_cpu_at(j, o->a) + i0 * o->out);
}

static void op_loss(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_plan *p = j->member->plan;
    ls_loss_rows l = {.columns = o->out,
                      .output = p->output,
                      .z = ls_cpu_at(j, o->z),
                      .p = ls_cpu_at(j, o->a),
                      .target = ls_cpu_at(j, o->target),
                      .row_weight = ls_cpu_at(j, o->row_weight),
                      .row_loss = ls_cpu_at(j, o->row_loss),
                      .scale = j->training ? j->batch.scale : 0.0f,
                      .delta = p->huber_delta,
                      .keep = j->training ? p->label_keep : 1.0f,
                      .share = j->training ? p->label_share : 0.0f};
    j->backend->kernels->loss[p->loss](&l, i0, i1);
}

static void op_loss_sum(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch, (void)i0, (void)i1;
    j->backend->kernels->row_sum(ls_cpu_at(j, (ls_view){LS_ARENA, j->member->plan->row_loss.at}),
                                 j->rows, 1, 0, 1, j->loss);
}

static size_t chunks_of(size_t n) { return (n + LS_CHUNK - 1) / LS_CHUNK; }

/* The first level of the sum is shared among threads; the other levels are small, and finish_clip
 * computes them on one thread. */
static void op_clip(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    j->backend->kernels->square_chunks(ls_cpu_at(j, j->op->x), j->op->out, i0, i1,
                                       j->member->square_sums);
}

static void finish_clip(const cpu_job *j)
{
    size_t n = chunks_of(j->op->out);
    float *sums = j->member->square_sums;
    for (; n > 1; n = chunks_of(n)) j->backend->kernels->sum_chunks(sums, n, sums);
    ls_cpu_at(j, j->op->y)[0] = ls_limit_factor(sums[0], j->member->plan->clip);
}

static void op_update(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_plan *p = j->member->plan;
    size_t weights = p->weights > j->op->in ? p->weights - j->op->in : 0; /* of this range */
    size_t middle = i1 < weights ? i1 : i0 > weights ? i0 : weights;
    ls_update_block decays = ls_cpu_range(j, i0, middle - i0),
                    others = ls_cpu_range(j, middle, i1 - middle);
    if (i0 < middle) ls_cpu_optimize(j, &decays, true);
    if (middle < i1) ls_cpu_optimize(j, &others, false);
}

static void op_max_norm(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    j->backend->kernels->max_norm(ls_cpu_at(j, o->w), o->in, o->out, i0, i1,
                                  j->member->plan->hyper.max_norm);
}

static size_t extent_product(const cpu_job *j) { return j->threads; }
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

static const cpu_operation batch = {1, extent_rows, cost_random, op_batch, NULL, NULL, 1};
static const cpu_operation gather = {1, extent_rows, cost_matrix, op_gather, NULL, NULL, 1};
static const cpu_operation dense = {1, extent_product, cost_matmul, op_dense, NULL, NULL, 1};
static const cpu_operation join = {1, extent_rows, cost_random, op_join, NULL, NULL, 1};
static const cpu_operation pieces = {1, extent_rows, cost_matrix, op_pieces, NULL, NULL, 1};
static const cpu_operation loss = {1, extent_rows, cost_random, op_loss, NULL, NULL, 1};
static const cpu_operation loss_sum = {1, extent_one, cost_matrix, op_loss_sum, NULL, NULL, 1};
static const cpu_operation grad_w = {1, extent_product, cost_matmul, op_grad_w, NULL, NULL, 1};
static const cpu_operation grad_x = {1, extent_product, cost_matmul, op_grad_x, NULL, NULL, 1};
static const cpu_operation clip = {1, extent_chunks, cost_flat, op_clip, finish_clip, NULL, 1};
static const cpu_operation update = {16, extent_columns, cost_flat, op_update, NULL, NULL, 1};
static const cpu_operation max_norm = {16, extent_columns, cost_columns, op_max_norm, NULL, NULL,
                                       1};

#define norm ls_cpu_norm
#define norm_fixed ls_cpu_norm_fixed
#define norm_grad ls_cpu_norm_grad
#define grad_b ls_cpu_grad_b
#define conv ls_cpu_conv
#define conv_x ls_cpu_conv_x
#define conv_w ls_cpu_conv_w
#define max_pool ls_cpu_max_pool
#define max_pool_x ls_cpu_max_pool_x
#define avg_pool ls_cpu_avg_pool
#define avg_pool_x ls_cpu_avg_pool_x
#define act ls_cpu_act
#define slope ls_cpu_slope
#define augment ls_cpu_augment
#define LS_X(NAME, name, chunkwise) [LS_OP_##NAME] = &name,
const cpu_operation *const ls_cpu_operations[LS_OP_COUNT] = {LS_OPS(LS_X)};
#undef LS_X

void ls_cpu_update_weights(const cpu_job *j)
{
    ls_update_block u = ls_cpu_range(j, 0, j->op->in * j->op->out);
    ls_cpu_optimize(j, &u, true);
}
