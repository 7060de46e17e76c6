/* SPDX-License-Identifier: MIT */
/* The programs of operations on images, built when a plan first needs them. */
#ifndef LS_CL_IMAGE_PROGRAM_H
#define LS_CL_IMAGE_PROGRAM_H

#include "host/opencl/cl_device.h"

ls_status ls_cl_image_kernel_of(ls_cl_device *device, ls_cl_image_kernel id, cl_kernel *out,
                                ls_error *err);

/* What follows a gradient: the derivative of an activation, with a mask or without. */
ls_status ls_cl_slope_kernel(ls_cl_device *device, ls_act act, bool drops, cl_kernel *out,
                             ls_error *err);

/* Channels of a work-item in these kernels. */
unsigned ls_cl_image_lanes(const ls_cl_device *device);

/* Tiles of a convolution's sums: rows, columns, and work-items of a group; TILE_REPEAT is how many
 * tiles a work-item of a CPU device computes. */
typedef struct {
    unsigned vectors;
    size_t rows, columns, repeat, items;
} ls_cl_conv_tile;

ls_cl_conv_tile ls_cl_conv_tile_of(const ls_cl_device *device, size_t columns);

/* The kernel of a form; function: an activation that follows, or LS_CL_NO_FUNCTION. */
ls_status ls_cl_conv_kernel(ls_cl_device *device, ls_form form, const ls_cl_conv_tile *tile,
                            int function, cl_kernel *out, ls_error *err);

void ls_cl_release_images(ls_cl_device *device);

#endif
