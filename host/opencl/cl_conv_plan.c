/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_conv_plan.h"

/* Floats of the copies of images at a time: on CPU devices they should stay in the caches. */
enum { COPIES_CPU = 1 << 19, COPIES_GPU = 1 << 24 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static size_t sum(size_t a, size_t b) { return a > SIZE_MAX - b ? SIZE_MAX : a + b; }

static size_t units(size_t n, size_t unit) { return (n + unit - 1) / unit; }

/* Images at a time, if each needs so many floats of scratch. */
static size_t images_of(const ls_cl_device *d, size_t floats, size_t rows)
{
    size_t most = d->is_cpu ? COPIES_CPU : COPIES_GPU;
    if (!floats) return rows;
    return floats > most / 2 ? 1 : least(most / floats, rows);
}

ls_cl_product ls_cl_product_of(const ls_cl_device *d, const ls_op *op, size_t rows)
{
    const ls_window *w = &op->window;
    const bool backward = op->kind == LS_OP_CONV_X;
    const size_t from = w->from.channels / w->groups, to = w->to.channels / w->groups,
                 columns = backward ? from : to;
    ls_cl_product p = {.backward = backward,
                       .padded = backward ? ls_cl_pad_result(w) : ls_cl_pad_input(w),
                       .tile = ls_cl_conv_tile_of(d, columns),
                       .depth = backward ? to : from};
    p.panels = units(columns, p.tile.columns);
    if (!ls_cl_is_depthwise(w))
        p.weights = ls_cl_times(ls_cl_times(w->groups * p.panels, p.tile.columns),
                                ls_cl_times(ls_window_taps(w), p.depth));
    p.images = images_of(d, p.padded.copied ? p.padded.values : 0, rows);
    return p;
}

/* Whether the sums of single images are kept: where there would be too few tiles for all compute
 * units; and on CPU devices, as work-items then read one image after the other, which stays in the
 * cache, unless the sums are so large that writing and reading them costs more. A step over 64
 * images of 16x16 with 32 channels, in 288 x 64: 11 ms instead of 38 (PoCL 3.1, 2 threads). */
static bool sums_apart(const ls_cl_device *d, const ls_op *op, const ls_cl_gradient *g)
{
    enum { BUSY = 4, POINTS = 32 };
    const ls_window *w = &op->window;
    const size_t tiles = units(op->in, g->tile.rows) * g->panels * w->groups;
    if (tiles < BUSY * d->compute_units) return true;
    return d->is_cpu && ls_op_points(op) >= POINTS && g->values <= COPIES_CPU / 4;
}

ls_cl_gradient ls_cl_gradient_of(const ls_cl_device *d, const ls_op *op, size_t rows)
{
    const ls_window *w = &op->window;
    const size_t columns = w->to.channels / w->groups;
    ls_cl_gradient g = {.padded = ls_cl_pad_input(w),
                        .tile = ls_cl_conv_tile_of(d, columns),
                        .values = ls_cl_times(op->in, op->out),
                        .stride = op->out,
                        .chunks = units(rows, LS_CHUNK)};
    g.panels = units(columns, g.tile.columns);
    g.widened = d->is_cpu && !ls_cl_is_depthwise(w) && columns % g.tile.columns;
    if (g.widened) g.stride = w->groups * g.panels * g.tile.columns;
    g.apart = ls_cl_is_depthwise(w) || sums_apart(d, op, &g);
    const size_t copy = g.padded.copied ? g.padded.values : 0,
                 wide = g.widened ? ls_cl_times(ls_op_points(op), g.stride) : 0,
                 part = g.apart ? g.values : 0;
    g.images = images_of(d, sum(sum(copy, wide), part), least(rows, LS_CHUNK));
    g.pad_at = g.chunks > 1 ? ls_cl_times(g.chunks, g.values) : 0;
    g.wide_at = sum(g.pad_at, ls_cl_times(g.images, copy));
    g.apart_at = sum(g.wide_at, ls_cl_times(g.images, wide));
    g.end = sum(g.apart_at, ls_cl_times(g.images, part));
    return g;
}

size_t ls_cl_conv_scratch(const ls_cl_device *d, const ls_op *op, size_t rows)
{
    if (op->kind == LS_OP_CONV_W) {
        const ls_cl_gradient g = ls_cl_gradient_of(d, op, rows);
        return g.padded.copied && g.padded.values == SIZE_MAX ? SIZE_MAX : g.end;
    }
    const ls_cl_product p = ls_cl_product_of(d, op, rows);
    return sum(p.weights, p.padded.copied ? ls_cl_times(p.images, p.padded.values) : 0);
}
