/* SPDX-License-Identifier: MIT */
/* Rows of values are summed by columns, which threads share. Images are summed one by one, and
 * threads share images; their sums are then added in order. */
#include "core_cpu/image_norm.h"
#include <string.h>

size_t ls_cpu_image_sums(const ls_plan *plan)
{
    size_t most = 0;
    for (size_t i = 0; i < plan->step.count; i++) {
        const ls_op *o = &plan->step.op[i];
        const size_t sums = o->kind == LS_OP_NORM || o->kind == LS_OP_GRAD_B ? 1
                            : o->kind == LS_OP_NORM_GRAD                     ? 2
                                                                             : 0;
        if (o->points > 1 && sums * o->out > most) most = sums * o->out;
    }
    return most;
}

static bool of_images(const cpu_job *j) { return j->op->points > 1; }

/* Whether only the sums over some rows are wanted. */
static bool sums_alone(const cpu_job *j)
{
    const ls_norm_part p = j->op->part;
    return p == LS_NORM_VALUES || p == LS_NORM_SQUARES || p == LS_NORM_SUMS;
}

static ls_norm_rows norm_rows(const cpu_job *j)
{
    const ls_op *o = j->op;
    const size_t rows = j->rows * ls_op_points(o),
                 all = o->part == LS_NORM_REST ? j->whole * ls_op_points(o) : rows;
    return (ls_norm_rows){.rows = rows,
                          .columns = o->out,
                          .inv_rows = 1.0f / (float)all,
                          .z = ls_cpu_at(j, o->kind == LS_OP_GRAD_B ? o->dz : o->z),
                          .y = ls_cpu_at(j, o->y),
                          .mean = ls_cpu_at(j, o->mean),
                          .inv = ls_cpu_at(j, o->inv),
                          .running_mean = ls_cpu_at(j, o->running_mean),
                          .running_var = ls_cpu_at(j, o->running_var),
                          .gamma = ls_cpu_at(j, o->gamma),
                          .beta = ls_cpu_at(j, o->beta),
                          .grad_gamma = ls_cpu_at(j, o->grad_gamma),
                          .grad_beta = ls_cpu_at(j, o->grad_beta),
                          .dy = ls_cpu_at(j, o->dz)};
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static void run_columns(const cpu_job *j, size_t i0, size_t i1)
{
    const ls_op *o = j->op;
    const ls_cpu_kernels *k = j->backend->kernels;
    if (o->kind == LS_OP_GRAD_B) {
        k->row_sum(ls_cpu_at(j, o->dz), j->rows, o->out, i0, i1, ls_cpu_at(j, o->y));
        return;
    }
    const bool grad = o->kind == LS_OP_NORM_GRAD;
    const ls_norm_rows n = norm_rows(j);
    if (o->part == LS_NORM_REST) {
        k->norm_slope(&n, i0, i1);
        return;
    }
    (grad ? k->norm_grad : o->kind == LS_OP_NORM ? k->norm : k->norm_fixed)(&n, i0, i1);
    if (!grad)
        k->act[o->act](n.y + i0, ls_cpu_at(j, o->a) + i0, (ls_block){j->rows, i1 - i0, o->out});
}

/* ---- Images ---------------------------------------------------------------------------------- */

/* What a phase does. */
typedef enum { SUM, SUM_SQUARES, SUM_GRADS, FIXED_INV, APPLY, SLOPE } part;
static part part_of(const cpu_job *j)
{
    static const part norm[] = {SUM, SUM_SQUARES, APPLY}, fixed[] = {FIXED_INV, APPLY},
                      grad[] = {SUM_GRADS, SLOPE};
    switch (j->op->part) {
    case LS_NORM_VALUES: return SUM;
    case LS_NORM_SQUARES: return SUM_SQUARES;
    case LS_NORM_SUMS: return SUM_GRADS;
    case LS_NORM_REST: return SLOPE;
    default: break;
    }
    switch (j->op->kind) {
    case LS_OP_NORM: return norm[j->phase];
    case LS_OP_NORM_FIXED: return fixed[j->phase];
    case LS_OP_NORM_GRAD: return grad[j->phase];
    default: return SUM;
    }
}

static unsigned phases(const cpu_job *j)
{
    if (!of_images(j) || j->op->kind == LS_OP_GRAD_B || j->op->part != LS_NORM_ALL) return 1;
    return j->op->kind == LS_OP_NORM ? 3 : 2;
}

/* Columns are shared in whole lines of the cache. */
enum { UNIT = 16 };

/* Columns, positions, or images, each of which counts as a unit. */
static size_t extent(const cpu_job *j)
{
    if (!of_images(j)) return sums_alone(j) ? UNIT : j->op->out;
    const part p = part_of(j);
    return p < FIXED_INV ? j->rows * UNIT : p == FIXED_INV ? j->op->out : j->rows * j->op->points;
}

/* Sums of images [i0, i1). */
static void sum(const cpu_job *j, const ls_norm_rows *all, size_t i0, size_t i1)
{
    static const ls_image_sum what[] = {LS_SUM_VALUES, LS_SUM_SQUARES, LS_SUM_GRADS};
    const part p = part_of(j);
    const size_t sums = (p == SUM_GRADS ? 2 : 1) * all->columns,
                 image = j->op->points * all->columns;
    for (size_t i = i0; i < i1; i++) {
        ls_norm_rows n = *all;
        n.rows = j->op->points;
        n.z += i * image;
        if (n.dy) n.dy += i * image;
        j->backend->kernels->image_sum(what[p], &n, j->member->image_sums + i * sums);
    }
}

/* Positions [i0, i1), a few at a time, so that they are in the nearest cache for the activation. */
static void pass(const cpu_job *j, const ls_norm_rows *all, size_t i0, size_t i1)
{
    enum { FLOATS = 2048 };
    const ls_cpu_kernels *k = j->backend->kernels;
    const size_t columns = all->columns, step = columns < FLOATS ? FLOATS / columns : 1;
    float *a = ls_cpu_at(j, j->op->a);
    for (size_t i = i0; i < i1; i += step) {
        ls_norm_rows n = *all;
        n.rows = i1 - i < step ? i1 - i : step;
        n.z += i * columns, n.y += i * columns;
        if (n.dy) n.dy += i * columns;
        if (part_of(j) == SLOPE) {
            k->norm_slope(&n, 0, columns);
            continue;
        }
        k->norm_apply(&n, j->op->kind == LS_OP_NORM ? n.mean : n.running_mean, n.inv, 0, columns);
        k->act[j->op->act](n.y, a + i * columns, (ls_block){1, n.rows * columns, 0});
    }
}

/* Sums of the rows of a chunk, which are summed like the positions of an image. */
static void sum_rows(const cpu_job *j, float *scratch)
{
    static const ls_image_sum what[] = {LS_SUM_VALUES, LS_SUM_SQUARES, LS_SUM_GRADS};
    const ls_norm_rows n = norm_rows(j);
    const part p = part_of(j);
    j->backend->kernels->image_sum(what[p], &n, p == SUM_GRADS ? scratch : n.y);
    if (p != SUM_GRADS) return;
    memcpy(n.grad_beta, scratch, n.columns * sizeof *scratch);
    memcpy(n.grad_gamma, scratch + n.columns, n.columns * sizeof *scratch);
}

static void run(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    if (!of_images(j) && sums_alone(j)) {
        sum_rows(j, scratch);
        return;
    }
    if (!of_images(j)) {
        run_columns(j, i0, i1);
        return;
    }
    const ls_norm_rows n = norm_rows(j);
    const part p = part_of(j);
    if (p < FIXED_INV) sum(j, &n, i0 / UNIT, i1 / UNIT);
    else if (p == FIXED_INV) j->backend->kernels->norm_fixed_inv(&n, i0, i1);
    else pass(j, &n, i0, i1);
}

static void finish(const cpu_job *j)
{
    if (!of_images(j) || part_of(j) >= FIXED_INV) return;
    const ls_cpu_kernels *k = j->backend->kernels;
    const ls_norm_rows n = norm_rows(j);
    const part p = part_of(j);
    const float *sums = j->member->image_sums;
    const size_t columns = n.columns, stride = (p == SUM_GRADS ? 2 : 1) * columns;
    float *to = j->op->kind == LS_OP_GRAD_B || (sums_alone(j) && p != SUM_GRADS) ? n.y
                : p == SUM                                                       ? n.mean
                : p == SUM_SQUARES                                               ? n.inv
                                                                                 : n.grad_beta;
    k->add_images(sums, j->rows, stride, columns, to);
    if (p == SUM_GRADS) k->add_images(sums + columns, j->rows, stride, columns, n.grad_gamma);
    if (sums_alone(j)) return;
    if (p == SUM_SQUARES) k->norm_inv(&n, 0, columns);
    else if (j->op->kind == LS_OP_NORM) k->norm_mean(&n, 0, columns);
}

static double cost(const cpu_job *j)
{
    return (double)j->rows * (double)ls_op_points(j->op) * (double)j->op->out;
}

const cpu_operation ls_cpu_norm = {UNIT, extent, cost, run, finish, phases, 4};
const cpu_operation ls_cpu_norm_fixed = {UNIT, extent, cost, run, finish, phases, 4};
const cpu_operation ls_cpu_norm_grad = {UNIT, extent, cost, run, finish, phases, 4};
const cpu_operation ls_cpu_grad_b = {UNIT, extent, cost, run, finish, phases, 4};
