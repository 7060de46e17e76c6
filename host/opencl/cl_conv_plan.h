/* SPDX-License-Identifier: MIT */
/* How a device computes convolutions: tiles, copies, and the scratch memory for them. */
#ifndef LS_CL_CONV_PLAN_H
#define LS_CL_CONV_PLAN_H

#include "host/opencl/cl_image_program.h"
#include "host/opencl/cl_window.h"

/* Whether each channel is a group. */
static inline bool ls_cl_is_depthwise(const ls_window *w)
{
    return w->groups > 1 && w->groups == w->from.channels && w->groups == w->to.channels;
}

/* A product with windows: of inputs and weights, or of gradients and transposed weights. */
typedef struct {
    bool backward;
    ls_cl_padded padded;
    ls_cl_conv_tile tile;
    size_t depth;   /* values of a tap */
    size_t panels;  /* of a group */
    size_t weights; /* floats of the packed weights */
    size_t images;  /* at a time */
} ls_cl_product;

ls_cl_product ls_cl_product_of(const ls_cl_device *d, const ls_op *op, size_t rows);

/* How they are computed, some images of a chunk of images at a time. Scratch holds the sums of
 * chunks of images, then padded images, then gradients with space after each group, then the sums
 * of single images. */
typedef struct {
    ls_cl_padded padded;
    ls_cl_conv_tile tile;
    size_t panels; /* of a group */
    size_t values; /* of the weights */
    size_t stride; /* gradients of a position: with space after each group, or without */
    bool widened, apart;
    size_t images; /* at a time */
    size_t chunks; /* of images */
    size_t pad_at, wide_at, apart_at, end;
} ls_cl_gradient;

ls_cl_gradient ls_cl_gradient_of(const ls_cl_device *d, const ls_op *op, size_t rows);

/* Floats of scratch that CONV, CONV_X or CONV_W needs for so many rows; SIZE_MAX if the device
 * cannot run it. */
size_t ls_cl_conv_scratch(const ls_cl_device *d, const ls_op *op, size_t rows);

#endif
