/* SPDX-License-Identifier: MIT */
/* Launching the kernels of an operation. */
#ifndef LS_CL_LAUNCH_H
#define LS_CL_LAUNCH_H

#include "host/opencl/cl_workspace.h"

/* One operation of one step, or of one inference block, for one member. */
typedef struct {
    cl_workspace *workspace;
    const member *member;
    const ls_op *op;
    size_t row0, rows;    /* the rows of the data that the operation covers */
    size_t before, whole; /* rows of the batch before those of a part of a step, and in all */
    uint64_t step;
    ls_batch batch;
    bool training;
    const ls_rates *rates;
    size_t loss_at; /* index of the step's loss in workspace->losses */
    ls_error *err;
} job;

/* ---- Launches -------------------------------------------------------------------------------- */

/* A kernel and the arguments set so far. */
typedef struct {
    const job *job;
    cl_kernel kernel;
    cl_uint next; /* index of the next argument */
    cl_int code;  /* the first error */
} launch;

static inline launch begin_kernel(const job *j, cl_kernel kernel)
{
    return (launch){.job = j, .kernel = kernel};
}
static inline launch begin(const job *j, ls_cl_kernel id)
{
    return begin_kernel(j, j->workspace->device->kernel[id]);
}

static inline void arg(launch *l, size_t size, const void *value)
{
    const ls_cl_device *d = l->job->workspace->device;
    cl_int code = d->cl.clSetKernelArg(l->kernel, l->next++, size, value);
    if (l->code == CL_SUCCESS) l->code = code;
}

static inline void arg_u32(launch *l, size_t value)
{
    arg(l, sizeof(cl_uint), &(cl_uint){(cl_uint)value});
}
static inline void arg_u64(launch *l, uint64_t value)
{
    arg(l, sizeof(cl_ulong), &(cl_ulong){value});
}
static inline void arg_f32(launch *l, float value) { arg(l, sizeof value, &value); }

/* A buffer and an offset in floats. */
static inline void arg_memory(launch *l, cl_mem memory, uint64_t at)
{
    arg(l, sizeof memory, &memory);
    arg_u64(l, at);
}

/* Whether the rows that an operation reads are part of the data; GATHER reads any of the plan's. */
static inline bool rows_in_data(const job *j)
{
    size_t rows = j->op->kind == LS_OP_GATHER ? j->member->plan->rows : j->rows;
    return j->row0 + rows <= j->workspace->shape.rows;
}

/* A view as a buffer and an offset; UINT64_MAX stands for LS_NOWHERE. */
static inline void arg_view(launch *l, ls_view view)
{
    const job *j = l->job;
    const cl_workspace *w = j->workspace;
    assert(view.place != LS_ARENA || view.at < j->member->plan->arena);
    assert(view.place == LS_ARENA || view.place == LS_NOWHERE || rows_in_data(j));
    assert(view.place != LS_DATA_X || w->x);
    assert(view.place != LS_DATA_WEIGHT || w->weight);
    switch (view.place) {
    case LS_ARENA: arg_memory(l, j->member->arena, j->member->base + view.at); break;
    case LS_DATA_X: arg_memory(l, w->x, view.at + j->row0 * w->shape.features); break;
    case LS_DATA_T: arg_memory(l, w->t, view.at + j->row0 * w->shape.outputs); break;
    case LS_DATA_WEIGHT: arg_memory(l, w->weight, view.at + j->row0); break;
    case LS_NOWHERE: arg_memory(l, j->member->arena, UINT64_MAX); break;
    }
}

/* Work-items per group in the first dimension of all kernels except the tiled ones. One value for
 * all, as some drivers compile a kernel again for each value. */
enum { GROUP = 64 };

/* n / unit, rounded up. */
static inline size_t units_of(size_t n, size_t unit) { return (n + unit - 1) / unit; }

static inline ls_status enqueue(launch *l, size_t width, size_t height, size_t group,
                                size_t group_height)
{
    const ls_cl_device *d = l->job->workspace->device;
    size_t local[2] = {group, group_height};
    size_t global[2] = {units_of(width, group) * group,
                        units_of(height, group_height) * group_height};
    if (l->code == CL_SUCCESS)
        l->code = d->cl.clEnqueueNDRangeKernel(d->queue, l->kernel, 2, NULL, global, local, 0, NULL,
                                               NULL);
    return ls_cl_check(l->code, "launching a kernel", l->job->err);
}

static inline ls_status finish(launch *l, size_t width, size_t height)
{
    size_t limit = l->job->workspace->device->group_limit;
    return enqueue(l, width, height, limit && limit < GROUP ? limit : GROUP, 1);
}

/* The same for passes over n elements (kernels/pass.h). On CPU devices a work-item, which is also a
 * work-group, has LS_CL_PASS_SPAN of them. A GPU gets as many groups as it runs at once: NVIDIA's
 * starts about one a cycle, and a group of 64 elements for each 64 of 8 million took 84 us on an
 * H100, whatever was done with them. */
static inline ls_status finish_pass(launch *l, size_t n)
{
    const ls_cl_device *d = l->job->workspace->device;
    if (!d->pass_group) return enqueue(l, units_of(n, LS_CL_PASS_SPAN), 1, 1, 1);
    size_t groups = units_of(n, d->pass_group * LS_CL_PASS_WIDTH);
    if (groups > d->pass_groups) groups = d->pass_groups;
    return enqueue(l, groups * d->pass_group, 1, d->pass_group, 1);
}

/* The same for kernels that loop over rows in strides of get_global_size(1): some devices allow at
 * most 65535 groups in the second dimension, and a GPU needs no more groups than in finish_pass. */
static inline ls_status finish_rows(launch *l, size_t width, size_t rows)
{
    enum { MOST = 32768 };
    const ls_cl_device *d = l->job->workspace->device;
    size_t most = MOST;
    if (d->pass_group) {
        most = d->pass_groups * d->pass_group / GROUP / units_of(width, GROUP);
        most = most < 1 ? 1 : most < MOST ? most : MOST;
    }
    arg_u32(l, rows);
    return finish(l, width, rows < most ? rows : most);
}

#endif
