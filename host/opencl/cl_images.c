/* SPDX-License-Identifier: MIT */
/* Pools and elementwise operations; cl_conv.c has the convolutions. */
#include "host/opencl/cl_images.h"
#include <string.h>

/* ---- Pools ----------------------------------------------------------------------------------- */

/* The geometry as POOL_OF (kernels/pool.cl) unpacks it. */
static void arg_pool(launch *l, const ls_window *w)
{
    cl_uint16 g = {{w->from.height, w->from.width, w->from.channels, w->to.height, w->to.width,
                    w->kernel[0], w->kernel[1], w->stride[0], w->stride[1], w->pad[0], w->pad[1]}};
    arg(l, sizeof g, &g);
}

/* A launch over the lines or values of images. */
static ls_status finish_pool(launch *l, const ls_window *w, ls_image over)
{
    const job *j = l->job;
    arg_u32(l, j->rows), arg_pool(l, w);
    if (j->workspace->device->is_cpu) return enqueue(l, j->rows * over.height, 1, 1, 1);
    return finish(l, j->rows * ls_image_values(over), 1);
}

/* Whether each input is in one window. */
static bool tiles(const ls_window *w)
{
    return w->kernel[0] == w->stride[0] && w->kernel[1] == w->stride[1] &&
           w->to.height * w->stride[0] == w->from.height &&
           w->to.width * w->stride[1] == w->from.width && !w->pad[0] && !w->pad[1];
}

ls_status ls_cl_op_max_pool(const job *j)
{
    const ls_op *o = j->op;
    launch l;
    LS_TRY(begin_image(j, LS_IMAGE_max_pool, &l));
    arg_view(&l, o->x), arg_view(&l, o->a), arg_view(&l, o->index);
    return finish_pool(&l, &o->window, o->window.to);
}

ls_status ls_cl_op_max_pool_x(const job *j)
{
    const ls_op *o = j->op;
    launch l;
    const bool spread = j->workspace->device->is_cpu && tiles(&o->window);
    LS_TRY(begin_image(j, spread ? LS_IMAGE_max_pool_spread : LS_IMAGE_max_pool_x, &l));
    arg_view(&l, o->dz), arg_view(&l, o->index), arg_view(&l, o->d);
    return finish_pool(&l, &o->window, spread ? o->window.to : o->window.from);
}

ls_status ls_cl_op_avg_pool(const job *j)
{
    const ls_op *o = j->op;
    launch l;
    LS_TRY(begin_image(j, LS_IMAGE_avg_pool, &l));
    arg_view(&l, o->x), arg_view(&l, o->a);
    return finish_pool(&l, &o->window, o->window.to);
}

ls_status ls_cl_op_avg_pool_x(const job *j)
{
    const ls_op *o = j->op;
    launch l;
    LS_TRY(begin_image(j, LS_IMAGE_avg_pool_x, &l));
    arg_view(&l, o->dz), arg_view(&l, o->d);
    return finish_pool(&l, &o->window, o->window.from);
}

ls_status ls_cl_op_augment(const job *j)
{
    const ls_op *o = j->op;
    const ls_image i = o->window.from;
    const cl_uint4 size = {{i.height, i.width, i.channels, 0}};
    launch l;
    LS_TRY(begin_image(j, LS_IMAGE_augment, &l));
    arg_view(&l, o->x), arg_view(&l, o->y), arg_u32(&l, j->rows), arg(&l, sizeof size, &size);
    arg_u64(&l, j->member->plan->seed), arg_u64(&l, j->step);
    arg_u32(&l, o->shift), arg_u32(&l, o->flip), arg_u32(&l, j->before);
    return finish(&l, j->rows * ls_image_positions(i), 1);
}

/* ---- Elementwise ----------------------------------------------------------------------------- */

ls_status ls_cl_op_act(const job *j)
{
    const ls_op *o = j->op;
    size_t n = j->rows * o->out;
    launch l = begin(j, LS_KERNEL_act_identity + o->act);
    arg_view(&l, o->z), arg_view(&l, o->a), arg_u32(&l, n);
    return finish_pass(&l, n);
}

ls_status ls_cl_slope(const job *j, ls_view x, size_t n)
{
    const ls_op *o = j->op;
    cl_kernel kernel;
    LS_TRY(ls_cl_slope_kernel(j->workspace->device, o->act, o->dropout > 0, &kernel, j->err));
    launch l = begin_kernel(j, kernel);
    arg_view(&l, x), arg_view(&l, o->skip);
    arg_view(&l, ls_activations[o->act].reads_z ? o->z : o->a);
    arg_view(&l, o->d), arg_view(&l, o->y), arg_u32(&l, n);
    arg_u64(&l, j->member->plan->seed), arg_u64(&l, j->step);
    arg_u32(&l, o->purpose), arg_f32(&l, o->dropout), arg_u32(&l, j->before * o->out);
    return finish_pass(&l, n);
}

ls_status ls_cl_op_slope(const job *j) { return ls_cl_slope(j, j->op->x, j->rows * j->op->out); }
