/* SPDX-License-Identifier: MIT */
/* The windows of a convolution, as its kernels see them: all values of a window are in the input,
 * which has been padded if necessary. host/opencl/cl_window.h has the same fields. */
#ifndef LS_WINDOW_CL_H
#define LS_WINDOW_CL_H

/* All but `taps` in floats or numbers:
 *   height, width         positions of an image
 *   image, line, step     in the input from image to image, and from a position to the one below it
 *                         and the one to its right
 *   start                 the first value of the first window
 *   taps, across          of a window, and those of one of its rows
 *   tap_line, tap_step    in the input from a tap to the one below it and the one to its right
 *   run                   values of a tap, side by side
 *   group                 in the input from the values of one group to those of the next
 *   columns, panels       results of a group, and panels of weights of a group
 *   out_*                 of the results, as above */
typedef struct {
    uint height, width, image, line, step, start, taps, across, tap_line, tap_step, run, group,
        columns, panels, out_image, out_line, out_step, out_start;
} window;

/* Not a function: some compilers warn of long vectors as arguments. */
#define WINDOW_OF(a, b)                                                                            \
    {                                                                                              \
        (a).s0, (a).s1, (a).s2, (a).s3, (a).s4, (a).s5, (a).s6, (a).s7, (a).s8, (a).s9, (a).sa,    \
            (a).sb, (a).sc, (a).sd, (a).se, (a).sf, (b).s0, (b).s1                                 \
    }

/* Where a tap is in the input, relative to the first. */
static uint tap_at(const window *g, uint tap)
{
    return tap / g->across * g->tap_line + tap % g->across * g->tap_step;
}

#endif
