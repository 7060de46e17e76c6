/* SPDX-License-Identifier: MIT */
/* The windows of convolutions as their kernels see them (kernels/window.h). */
#ifndef LS_CL_WINDOW_H
#define LS_CL_WINDOW_H

#include "host/network/plan.h"
#include "host/opencl/cl_api.h"

/* The fields in the order of kernels/window.h. */
typedef struct {
    cl_uint height, width, image, line, step, start, taps, across, tap_line, tap_step, run, group,
        columns, panels, out_image, out_line, out_step, out_start;
} ls_cl_window;

/* The copy of an image with zeros around it, so that all values of all windows are in it. Without
 * `copied` the image itself has them all. */
typedef struct {
    bool copied;
    ls_image from;    /* the image */
    size_t size[2];   /* height and width of the copy, or of the image */
    size_t before[2]; /* lines above the image, columns left of it */
    size_t values;    /* floats; SIZE_MAX if a kernel could not count them */
} ls_cl_padded;

/* For windows of the input, and for windows of the result as CONV_X sees them. */
ls_cl_padded ls_cl_pad_input(const ls_window *window);
ls_cl_padded ls_cl_pad_result(const ls_window *window);

/* The taps of a window in the order of a chain: tap number t has the weights of tap
 *   first + t / across·line + t % across·step   in 32 bits. */
typedef struct {
    cl_uint count, across, first, line, step;
} ls_cl_taps;

/* The windows of the outputs. */
void ls_cl_forward_window(const ls_window *window, const ls_cl_padded *padded, ls_cl_window *out,
                          ls_cl_taps *taps);

/* The windows of the inputs at rows and columns phase[0], phase[1] < stride, of every stride of
 * them, over the result: they all have the same taps. out->height or out->width is 0 if there is no
 * such input. */
void ls_cl_backward_window(const ls_window *window, const ls_cl_padded *padded,
                           const uint32_t phase[2], ls_cl_window *out, ls_cl_taps *taps);

/* Joins the taps of a line, if they are side by side, to one long run. */
void ls_cl_join_taps(ls_cl_window *window);

/* a·b, or SIZE_MAX. */
static inline size_t ls_cl_times(size_t a, size_t b)
{
    return b && a > SIZE_MAX / b ? SIZE_MAX : a * b;
}

#endif
