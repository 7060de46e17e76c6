/* SPDX-License-Identifier: MIT */
/* Small pictures of matrices, cell by cell, as part of an SVG. */
#ifndef LS_CLI_PLOT_PIXELS_H
#define LS_CLI_PLOT_PIXELS_H

#include "host/base/text.h"

enum { PIXELS_MOST = 1024, PIXELS_LEVELS = 16 };

/* What is drawn of a matrix. Larger ones are averaged over squares of `factor` cells a side. */
typedef struct {
    size_t high, wide, factor;
    unsigned short colour[PIXELS_MOST]; /* high × wide, as 0xRGB */
} pixels;

/* The picture of a matrix of this size, black. */
pixels pixels_begin(size_t high, size_t wide);

/* Adds a matrix, whose value (y, x) is value[(y·columns + x)·step]; columns: those of the matrix.
 * black, white: the values of the scale's ends, rounded to `levels` levels. channels: the colours
 * that it is added to: 0x111 for grey, 0x100 for red, 0x010 for green, 0x001 for blue. */
void pixels_shade(pixels *p, size_t rows, size_t columns, const float *value, size_t step,
                  double black, double white, unsigned levels, unsigned channels);

/* Draws it into a box, with a title under the pointer. */
void pixels_draw(const pixels *p, double x, double y, double width, double height,
                 const char *title, ls_text *svg);

#endif
