/* SPDX-License-Identifier: MIT */
/* Windows that slide over an image, as the operand a of a product: a row for each position of the
 * window, a column for each value in it. The matrix is not built: element (p, k) is
 * base[row[p] + step[k]], in the image itself, or in a copy with zeros around it. */
#ifndef LS_CPU_SLIDE_H
#define LS_CPU_SLIDE_H

#include "host/network/window.h"
#include <stdbool.h>

/* Along side s (0: rows, 1: columns), tap t of position p is at p·scale + first + t·gap in the
 * image; values outside of it are 0. k counts taps by row and column, then channels. */
typedef struct {
    ls_image image;
    size_t channel, channels; /* the first of those that are read, and their number */
    size_t taps[2], positions[2], scale[2];
    int64_t first[2], gap[2];
} ls_slide;

static inline size_t ls_slide_positions(const ls_slide *s)
{
    return s->positions[0] * s->positions[1];
}
static inline size_t ls_slide_columns(const ls_slide *s)
{
    return s->taps[0] * s->taps[1] * s->channels;
}

/* Most positions and columns that are laid out at a time, and the floats of a copy. */
enum { LS_SLIDE_POSITIONS = 4096, LS_SLIDE_COLUMNS = 4096, LS_SLIDE_ROOM = 1 << 19 };

/* Positions [p0, p1) and columns [k0, k1), laid out. */
typedef struct {
    const ls_slide *slide;
    size_t p0, p1, k0, k1;
    enum { LS_SLIDE_IN_PLACE, LS_SLIDE_PADDED, LS_SLIDE_BUILT } how;
    int64_t top, left;    /* of the copy, in the image */
    size_t height, width; /* of the copy */
    float *copy;          /* LS_SLIDE_ROOM floats */
    uint32_t *row, *step; /* LS_SLIDE_POSITIONS, LS_SLIDE_COLUMNS */
} ls_laid;

/* Number of positions to lay out at a time, for k columns: all, or a multiple of LS_CHUNK. */
size_t ls_slide_band(const ls_slide *s, size_t k);
/* Sets the offsets; copy, row and step are set. */
void ls_slide_lay(const ls_slide *s, size_t p0, size_t p1, size_t k0, size_t k1, ls_laid *l);
/* base, for one image. */
const float *ls_slide_load(const ls_laid *l, const float *image);

#endif
