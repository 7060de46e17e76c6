/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_layered.h"
#include "host/base/memory.h"
#include "host/opencl/cl_images.h"
#include "host/opencl/cl_product.h"
#include "host/opencl/cl_update.h"
#include <assert.h>

static const ls_view nowhere = {LS_NOWHERE, 0};

/* ---- Operations ------------------------------------------------------------------------------ */

static ls_status op_batch(const job *j)
{
    const ls_plan *p = j->member->plan;
    launch l = begin(j, LS_KERNEL_batch);
    arg_view(&l, j->op->y);
    arg_u32(&l, j->batch.first), arg_u32(&l, j->rows), arg_u32(&l, p->rows);
    arg_u64(&l, p->seed), arg_u64(&l, j->batch.epoch);
    return finish(&l, j->rows, 1);
}

static ls_status op_gather(const job *j)
{
    const ls_op *o = j->op;
    launch l = begin(j, LS_KERNEL_gather);
    arg_view(&l, o->x), arg_view(&l, o->index), arg_view(&l, o->y);
    arg_u32(&l, o->out);
    return finish_rows(&l, o->out, j->rows);
}

static ls_status op_join(const job *j)
{
    const ls_op *o = j->op;
    size_t n = j->rows * o->out;
    launch l = begin(j, LS_KERNEL_join);
    arg_view(&l, o->a), arg_view(&l, o->skip), arg_view(&l, o->y);
    arg_u32(&l, n), arg_u64(&l, j->member->plan->seed), arg_u64(&l, j->step);
    arg_u32(&l, o->purpose), arg_f32(&l, o->dropout), arg_u32(&l, j->before * o->out);
    return finish_pass(&l, n);
}

static ls_status op_pieces(const job *j)
{
    const ls_op *o = j->op;
    size_t n = j->rows * o->out;
    launch l = begin(j, LS_KERNEL_pieces);
    arg_view(&l, o->x), arg_view(&l, o->w), arg_view(&l, o->a);
    arg_u32(&l, o->in), arg_u32(&l, o->out), arg_u32(&l, n);
    return finish(&l, n, 1);
}

static ls_status op_update(const job *j)
{
    size_t weights = j->member->plan->weights, first = j->op->in;
    return ls_cl_update(j, j->op->out, weights > first ? weights - first : 0);
}

/* Chunk sums of an array, or of its squared differences from a mean, into scratch. */
static ls_status row_chunks(const job *j, ls_cl_kernel kernel, ls_view x, ls_view mean, size_t rows,
                            size_t columns)
{
    launch l = begin(j, kernel);
    arg_view(&l, x);
    if (kernel == LS_KERNEL_square_chunks) arg_view(&l, mean);
    arg_memory(&l, j->workspace->scratch, 0);
    arg_u32(&l, rows), arg_u32(&l, columns);
    return finish(&l, columns, chunks_of(rows));
}

static ls_status row_total(const job *j, cl_mem to, size_t at, size_t rows, size_t columns)
{
    launch l = begin(j, LS_KERNEL_row_sum_total);
    arg_memory(&l, j->workspace->scratch, 0), arg_memory(&l, to, at);
    arg_u32(&l, columns), arg_u32(&l, chunks_of(rows));
    return finish(&l, columns, 1);
}

/* What is summed over the rows of an operation, or over their points. */
typedef enum { SUM, SQUARES, HATS } sum_kind;

static void arg_summed(launch *l, sum_kind kind, ls_view x)
{
    const ls_op *o = l->job->op;
    arg_view(l, x);
    if (kind == HATS) arg_view(l, o->z);
    if (kind != SUM) arg_view(l, o->mean);
    if (kind == HATS) arg_view(l, o->inv);
}

/* The same with points: the sums of images behind those of their chunks in scratch. */
static ls_status point_chunks(const job *j, sum_kind kind, ls_view x)
{
    static const ls_cl_image_kernel kernels[] = {LS_IMAGE_point_sums, LS_IMAGE_point_squares,
                                                 LS_IMAGE_point_hats};
    const ls_op *o = j->op;
    const size_t chunks = chunks_of(j->rows), images = chunks * o->out,
                 blocks = lane_blocks(j, o->out);
    launch l;
    LS_TRY(begin_image(j, kernels[kind], &l));
    arg_summed(&l, kind, x);
    arg_memory(&l, j->workspace->scratch, images);
    arg_u32(&l, o->points), arg_u32(&l, o->out);
    LS_TRY(j->workspace->device->is_cpu ? enqueue(&l, blocks, j->rows, 1, 1)
                                        : finish(&l, blocks, j->rows));
    LS_TRY(begin_image(j, LS_IMAGE_image_chunks, &l));
    arg_memory(&l, j->workspace->scratch, images), arg_memory(&l, j->workspace->scratch, 0);
    arg_u32(&l, j->rows), arg_u32(&l, o->out), arg_u32(&l, 0);
    return finish_chunks(&l, o->out, chunks);
}

/* Sums of chunks of rows, or of chunks of images, into scratch. */
static ls_status chunks(const job *j, sum_kind kind, ls_view x)
{
    static const ls_cl_kernel kernels[] = {LS_KERNEL_row_sum_chunks, LS_KERNEL_square_chunks,
                                           LS_KERNEL_norm_hat_chunks};
    const ls_op *o = j->op;
    if (ls_op_points(o) > 1) return point_chunks(j, kind, x);
    launch l = begin(j, kernels[kind]);
    arg_summed(&l, kind, x);
    arg_memory(&l, j->workspace->scratch, 0);
    arg_u32(&l, j->rows), arg_u32(&l, o->out);
    return finish(&l, o->out, chunks_of(j->rows));
}

/* Sums over the rows, to a place in the arena. */
static ls_status total(const job *j, sum_kind kind, ls_view x, ls_view to)
{
    LS_TRY(chunks(j, kind, x));
    return row_total(j, j->member->arena, j->member->base + to.at, j->rows, j->op->out);
}

static ls_status op_grad_b(const job *j) { return total(j, SUM, j->op->dz, j->op->y); }

static ls_status op_loss_sum(const job *j)
{
    LS_TRY(row_chunks(j, LS_KERNEL_row_sum_chunks, j->member->plan->row_loss, nowhere, j->rows, 1));
    return row_total(j, j->workspace->losses, j->loss_at, j->rows, 1);
}

static ls_status op_loss(const job *j)
{
    const ls_op *o = j->op;
    const ls_plan *p = j->member->plan;
    launch l = begin(j, LS_KERNEL_loss_bce + p->loss);
    arg_view(&l, o->z), arg_view(&l, o->a), arg_view(&l, o->target), arg_view(&l, o->row_weight),
        arg_view(&l, o->row_loss);
    arg_u32(&l, j->rows), arg_u32(&l, o->out);
    arg_f32(&l, j->training ? j->batch.scale : 0.0f), arg_u32(&l, p->output == LS_OUTPUT_SIGMOID);
    arg_f32(&l, p->huber_delta);
    arg_f32(&l, j->training ? p->label_keep : 1.0f);
    arg_f32(&l, j->training ? p->label_share : 0.0f);
    return finish(&l, j->rows, 1);
}

/* 1/rows, or 1/(rows·points), of the whole batch. */
static float inverse_of_rows(const job *j)
{
    const size_t rows = j->op->part == LS_NORM_REST ? j->whole : j->rows;
    return 1.0f / (float)(rows * ls_op_points(j->op));
}

/* inv, and the running averages, from the chunk sums of squares in scratch; or inv from the running
 * variance. */
static ls_status norm_inv(const job *j, bool from_batch)
{
    const ls_op *o = j->op;
    launch l = begin(j, LS_KERNEL_norm_inv);
    arg_memory(&l, j->workspace->scratch, from_batch ? 0 : UINT64_MAX);
    arg_view(&l, o->mean), arg_view(&l, o->inv), arg_view(&l, o->running_mean),
        arg_view(&l, o->running_var);
    arg_u32(&l, o->out), arg_u32(&l, chunks_of(j->rows)), arg_f32(&l, inverse_of_rows(j));
    return finish(&l, o->out, 1);
}

/* The kernel of all rows, or of all points of all rows. */
static ls_status begin_rows(const job *j, ls_cl_kernel rows, ls_cl_image_kernel points, launch *out)
{
    if (ls_op_points(j->op) > 1) return begin_image(j, points, out);
    *out = begin(j, rows);
    return LS_OK;
}

static ls_status finish_points(launch *l)
{
    const job *j = l->job;
    const size_t positions = j->rows * ls_op_points(j->op);
    if (ls_op_points(j->op) == 1) return finish_rows(l, j->op->out, j->rows);
    arg_u32(l, positions);
    return finish(l, positions * lane_blocks(j, j->op->out), 1);
}

static ls_status norm_apply(const job *j, ls_view mean)
{
    const ls_op *o = j->op;
    const size_t n = j->rows * ls_op_points(o) * o->out;
    launch l;
    LS_TRY(begin_rows(j, LS_KERNEL_norm_apply, LS_IMAGE_point_norm, &l));
    arg_view(&l, o->z), arg_view(&l, mean), arg_view(&l, o->inv), arg_view(&l, o->gamma),
        arg_view(&l, o->beta), arg_view(&l, o->y);
    arg_u32(&l, o->out);
    LS_TRY(finish_points(&l));
    launch act = begin(j, LS_KERNEL_act_identity + o->act);
    arg_view(&act, o->y), arg_view(&act, o->a);
    arg_u32(&act, n);
    return finish_pass(&act, n);
}

static ls_status op_norm(const job *j)
{
    const ls_op *o = j->op;
    if (o->part != LS_NORM_ALL)
        return total(j, o->part == LS_NORM_VALUES ? SUM : SQUARES, o->z, o->y);
    LS_TRY(chunks(j, SUM, o->z));
    launch l = begin(j, LS_KERNEL_norm_mean);
    arg_memory(&l, j->workspace->scratch, 0), arg_view(&l, o->mean);
    arg_u32(&l, o->out), arg_u32(&l, chunks_of(j->rows)), arg_f32(&l, inverse_of_rows(j));
    LS_TRY(finish(&l, o->out, 1));
    LS_TRY(chunks(j, SQUARES, o->z));
    LS_TRY(norm_inv(j, true));
    return norm_apply(j, o->mean);
}

static ls_status op_norm_fixed(const job *j)
{
    LS_TRY(norm_inv(j, false));
    return norm_apply(j, j->op->running_mean);
}

static ls_status op_norm_grad(const job *j)
{
    const ls_op *o = j->op;
    launch l;
    if (o->part != LS_NORM_REST) {
        LS_TRY(total(j, SUM, o->dz, o->grad_beta));
        LS_TRY(total(j, HATS, o->dz, o->grad_gamma));
    }
    if (o->part == LS_NORM_SUMS) return LS_OK;
    LS_TRY(begin_rows(j, LS_KERNEL_norm_grad, LS_IMAGE_point_norm_grad, &l));
    arg_view(&l, o->dz), arg_view(&l, o->z), arg_view(&l, o->mean), arg_view(&l, o->inv),
        arg_view(&l, o->gamma);
    arg_view(&l, o->grad_gamma), arg_view(&l, o->grad_beta);
    arg_u32(&l, o->out), arg_f32(&l, inverse_of_rows(j));
    return finish_points(&l);
}

/* Sums the squares by chunks, then the chunk sums by chunks, alternating between the two parts of
 * scratch until one sum is left. */
static ls_status op_clip(const job *j)
{
    const ls_op *o = j->op;
    size_t n = o->out, half = 0;
    for (bool square = true; square || n > 1; square = false, n = chunks_of(n), half = !half) {
        launch l = begin(j, LS_KERNEL_flat_chunks);
        if (square) arg_view(&l, o->x);
        else arg_memory(&l, j->workspace->scratch, half ? 0 : j->workspace->scratch_second);
        arg_memory(&l, j->workspace->scratch, half ? j->workspace->scratch_second : 0);
        arg_u32(&l, n), arg_u32(&l, square);
        LS_TRY(finish(&l, chunks_of(n), 1));
    }
    launch l = begin(j, LS_KERNEL_clip_factor);
    arg_memory(&l, j->workspace->scratch, half ? 0 : j->workspace->scratch_second),
        arg_view(&l, o->y);
    arg_f32(&l, j->member->plan->clip);
    return enqueue(&l, 1, 1, 1, 1);
}

static ls_status op_max_norm(const job *j)
{
    const ls_op *o = j->op;
    LS_TRY(row_chunks(j, LS_KERNEL_square_chunks, o->w, nowhere, o->in, o->out));
    LS_TRY(row_total(j, j->workspace->scratch, j->workspace->scratch_second, o->in, o->out));
    launch l = begin(j, LS_KERNEL_max_norm);
    arg_view(&l, o->w), arg_memory(&l, j->workspace->scratch, j->workspace->scratch_second);
    arg_u32(&l, o->out), arg_f32(&l, j->member->plan->hyper.max_norm);
    return finish_rows(&l, o->out, o->in);
}

#define op_dense ls_cl_op_dense
#define op_grad_w ls_cl_op_grad_w
#define op_grad_x ls_cl_op_grad_x
#define op_conv ls_cl_op_conv
#define op_conv_x ls_cl_op_conv_x
#define op_conv_w ls_cl_op_conv_w
#define op_max_pool ls_cl_op_max_pool
#define op_max_pool_x ls_cl_op_max_pool_x
#define op_avg_pool ls_cl_op_avg_pool
#define op_avg_pool_x ls_cl_op_avg_pool_x
#define op_act ls_cl_op_act
#define op_slope ls_cl_op_slope
#define op_augment ls_cl_op_augment
/* One function per kind of operation: a kind without one does not compile. */
#define LS_X(NAME, name, chunkwise) [LS_OP_##NAME] = op_##name,
static ls_status (*const operations[LS_OP_COUNT])(const job *j) = {LS_OPS(LS_X)};
#undef LS_X

/* ---- Running plans --------------------------------------------------------------------------- */

static ls_status run_op(job *j, const ls_op *op)
{
    ls_cl_device *d = j->workspace->device;
    j->op = op;
    LS_TRY(operations[op->kind](j));
    if (!d->careful) return LS_OK;
    LS_TRY(ls_cl_check(d->cl.clFinish(d->queue), "running an operation", j->err));
    ls_cl_progress(d->counts);
    return LS_OK;
}

static ls_status run_ops(job *j, const ls_ops *ops)
{
    for (size_t i = 0; i < ops->count; i++) LS_TRY(run_op(j, &ops->op[i]));
    return LS_OK;
}

/* Bounds the queue without stopping the device: after each STEPS_IN_FLIGHT steps the host waits for
 * the STEPS_IN_FLIGHT steps before them. */
enum { STEPS_IN_FLIGHT = 128 };

static ls_status keep_pace(ls_cl_device *d, cl_event *mark, ls_error *err)
{
    cl_event before = *mark;
    *mark = NULL;
    cl_int code = d->cl.clEnqueueMarkerWithWaitList(d->queue, 0, NULL, mark);
    if (code == CL_SUCCESS) code = d->cl.clFlush(d->queue);
    if (code == CL_SUCCESS && before) code = d->cl.clWaitForEvents(1, &before);
    if (before) d->cl.clReleaseEvent(before);
    return ls_cl_check(code, "running steps", err);
}

static ls_status run_steps(job *j, const ls_run *run, size_t losses_at, cl_event *mark)
{
    const member *m = j->member;
    ls_cl_device *d = j->workspace->device;
    for (uint64_t i = 0; i < run->count; i++) {
        j->step = run->first + i;
        j->batch = ls_plan_batch(m->plan, j->step);
        j->rows = j->whole = j->batch.rows;
        j->row0 = m->origin + (m->plan->shuffle ? 0 : j->batch.first);
        j->rates = &run->rates[i];
        j->loss_at = losses_at + i;
        LS_TRY(run_ops(j, &m->plan->step));
        if (i % 16 == 15)
            LS_TRY(ls_cl_check(d->cl.clFlush(d->queue), "starting the queue", j->err));
        if (i % STEPS_IN_FLIGHT == STEPS_IN_FLIGHT - 1) LS_TRY(keep_pace(d, mark, j->err));
    }
    return LS_OK;
}

static ls_status run_member(cl_workspace *w, const ls_run *run, size_t losses_at, ls_error *err)
{
    job j = {.workspace = w, .member = member_at(w, run->member), .training = true, .err = err};
    cl_event mark = NULL;
    ls_status status = run_steps(&j, run, losses_at, &mark);
    if (mark) w->device->cl.clReleaseEvent(mark);
    return status;
}

/* The buffer of the losses of a call, enlarged if necessary. */
static ls_status ensure_losses(cl_workspace *w, size_t steps, ls_error *err)
{
    if (steps <= w->losses_room) return LS_OK;
    if (w->losses) w->device->cl.clReleaseMemObject(w->losses);
    w->losses = NULL;
    w->losses_room = 0;
    LS_TRY(ls_cl_buffer(w->device, steps, "the losses of a call", &w->losses, err));
    w->losses_room = steps;
    return LS_OK;
}

static ls_status run_and_read(cl_workspace *w, const ls_run *const *runs, size_t count,
                              ls_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < count; at += (size_t)runs[i++]->count)
        LS_TRY(run_member(w, runs[i], at, err));
    at = 0;
    for (size_t i = 0; i < count; at += (size_t)runs[i++]->count) {
        const ls_cl_reading losses = {w->losses, at, (size_t)runs[i]->count, runs[i]->losses};
        LS_TRY(ls_cl_read_twice(w->device, &losses, 1, err));
    }
    return LS_OK;
}

static ls_status run_layered(cl_workspace *w, const ls_run *const *runs, size_t count, bool *intact,
                             ls_error *err)
{
    const ls_cl_device *d = w->device;
    size_t steps = 0;
    (void)intact;
    for (size_t i = 0; i < count; i++) steps += (size_t)runs[i]->count;
    LS_TRY(ensure_losses(w, steps, err));
    if (steps) LS_TRY(ls_cl_expect(d, w->losses, steps, err));
    ls_status status = run_and_read(w, runs, count, err);
    cl_int code = d->cl.clFinish(d->queue); /* after a failure, too */
    return status != LS_OK ? status : ls_cl_check(code, "running steps", err);
}

/* ---- The way --------------------------------------------------------------------------------- */

/* Every plan can run layered, and needs nothing for it: any address will do. */
static ls_status prepare(ls_cl_device *d, const ls_plan *plan, void **out, ls_error *err)
{
    static const char prepared = 0;
    (void)d, (void)plan, (void)err;
    *out = (void *)&prepared;
    return LS_OK;
}

static void release(ls_cl_device *d, void *prepared) { (void)d, (void)prepared; }

/* Members run one after the other here, so other ways are better for many of them. */
static ls_cl_readiness ready(cl_workspace *w, const ls_run *const *runs, size_t count)
{
    enum { MANY = 8 };
    bool another = true;
    for (size_t i = 0; i < count && another; i++)
        another = member_at(w, runs[i]->member)->prepared[LS_CL_WAY_SMALL].data != NULL;
    return count >= MANY && another ? LS_CL_NEVER : LS_CL_READY;
}

static void close_way(ls_cl_device *d) { (void)d; }

const ls_cl_way ls_cl_layered_way = {.prepare = prepare,
                                     .release = release,
                                     .ready = ready,
                                     .steps = run_layered,
                                     .close = close_way};

/* ---- Parts of steps, and inference ----------------------------------------------------------- */

ls_status ls_cl_run_part(ls_workspace *base, const ls_part *part, ls_error *err)
{
    cl_workspace *w = (cl_workspace *)base;
    const member *m = member_at(w, part->member);
    job j = {.workspace = w, .member = m, .training = true, .err = err};
    assert(m->plan->shared && part->to <= m->plan->step.count);
    LS_TRY(ls_cl_owned(w->device, err));
    j.step = part->step;
    j.batch = ls_plan_batch(m->plan, part->step);
    j.before = part->first, j.whole = j.batch.rows;
    j.batch.first += part->first;
    j.row0 = m->origin + (m->plan->shuffle ? 0 : j.batch.first);
    j.rates = part->rates;
    for (size_t i = part->from; i < part->to; i++) {
        const ls_op *o = &m->plan->step.op[i];
        j.rows = ls_part_rows(part, o);
        if (j.rows || !o->most_rows) LS_TRY(run_op(&j, o));
    }
    return ls_cl_check(w->device->cl.clFlush(w->device->queue), "starting the queue", err);
}

ls_status ls_cl_infer(ls_workspace *base, size_t index, size_t first, size_t rows, float *outputs,
                      float *losses, ls_error *err)
{
    cl_workspace *w = (cl_workspace *)base;
    const member *m = member_at(w, index);
    const ls_plan *p = m->plan;
    assert(m->origin + first + rows <= w->shape.rows);
    LS_TRY(ls_cl_owned(w->device, err));
    job j = {.workspace = w, .member = m, .err = err};
    for (size_t done = 0; done < rows; done += j.rows) {
        j.row0 = m->origin + first + done;
        j.rows = rows - done < p->capacity ? rows - done : p->capacity;
        LS_TRY(run_ops(&j, &p->infer));
        const ls_cl_reading results[] = {{m->arena, m->base + p->result.at,
                                          outputs ? j.rows * p->outputs : 0,
                                          outputs ? outputs + done * p->outputs : NULL},
                                         {m->arena, m->base + p->row_loss.at, losses ? j.rows : 0,
                                          losses ? losses + done : NULL}};
        LS_TRY(ls_cl_read_twice(w->device, results, 2, err));
        ls_cl_progress(w->device->counts);
    }
    return LS_OK;
}
