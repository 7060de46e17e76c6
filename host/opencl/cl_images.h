/* SPDX-License-Identifier: MIT */
/* The layered operations on images: convolution, pooling, and elementwise ones. */
#ifndef LS_CL_IMAGES_H
#define LS_CL_IMAGES_H

#include "host/opencl/cl_image_program.h"
#include "host/opencl/cl_launch.h"

ls_status ls_cl_op_conv(const job *j);
ls_status ls_cl_op_conv_x(const job *j);
ls_status ls_cl_op_conv_w(const job *j);
ls_status ls_cl_op_max_pool(const job *j);
ls_status ls_cl_op_max_pool_x(const job *j);
ls_status ls_cl_op_avg_pool(const job *j);
ls_status ls_cl_op_avg_pool_x(const job *j);
ls_status ls_cl_op_act(const job *j);
ls_status ls_cl_op_augment(const job *j);
ls_status ls_cl_op_slope(const job *j);

/* d += skip; y = d·mask·act'(z or a), for n values of x. */
ls_status ls_cl_slope(const job *j, ls_view x, size_t n);

/* Starts a launch of one of the kernels for images. */
static inline ls_status begin_image(const job *j, ls_cl_image_kernel id, launch *out)
{
    cl_kernel kernel;
    LS_TRY(ls_cl_image_kernel_of(j->workspace->device, id, &kernel, j->err));
    *out = begin_kernel(j, kernel);
    return LS_OK;
}

/* Blocks of channels that a work-item of these kernels has. */
static inline size_t lane_blocks(const job *j, size_t channels)
{
    return units_of(channels, ls_cl_image_lanes(j->workspace->device));
}

/* A launch of image_chunks (kernels/points.cl), which has CHUNK_VECTORS there. */
static inline ls_status finish_chunks(launch *l, size_t columns, size_t chunks)
{
    enum { CHUNK_VECTORS = 16 };
    if (!l->job->workspace->device->is_cpu) return finish(l, columns, chunks);
    return enqueue(l, units_of(lane_blocks(l->job, columns), CHUNK_VECTORS), chunks, 1, 1);
}

#endif
