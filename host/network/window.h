/* SPDX-License-Identifier: MIT */
/* Windows that slide over images: the geometry of convolution and pooling.
 *
 * A row of a matrix holds an image by rows, then columns, then channels (NHWC): value (y, x, c) is
 * at (y·width + x)·channels + c. Window (y, x) of the result covers rows
 *   y·stride[0] - pad[0] + i·dilation[0],   0 <= i < kernel[0],
 * and columns likewise with index 1. Values outside of the image are 0. */
#ifndef LS_WINDOW_H
#define LS_WINDOW_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t height, width, channels; /* 0: no image */
} ls_image;

typedef struct {
    ls_image from, to;
    uint32_t kernel[2], stride[2], dilation[2];
    uint32_t
        pad[2]; /* rows above the image, columns left of it; what follows it is given by `to` */
    uint32_t groups; /* convolution: input and output channels are divided into so many */
} ls_window;

/* Values of an image, and its positions. */
static inline size_t ls_image_values(ls_image i) { return (size_t)i.height * i.width * i.channels; }
static inline size_t ls_image_positions(ls_image i) { return (size_t)i.height * i.width; }

/* Positions of a window. */
static inline size_t ls_window_taps(const ls_window *w)
{
    return (size_t)w->kernel[0] * w->kernel[1];
}

#endif
