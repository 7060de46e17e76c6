/* SPDX-License-Identifier: MIT */
#include "core_cpu/depthwise.h"
#include <string.h>

/* Channels at a time, taps of weight gradients at a time, and products of a chain at a time. */
enum { CHANNELS = 4096, TAPS = 64, LIST = 256 };
_Static_assert(LIST >= LS_CHUNK, "a list holds a chunk");
_Static_assert(CHANNELS *(3 * TAPS + 2) <= LS_MATMUL_SCRATCH,
               "depthwise convolutions use the scratch of products");

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Chains in progress for `columns` channels. */
typedef struct {
    const ls_cpu_kernels *kernels;
    const float *a[LIST], *b[LIST];
    size_t n, columns;
    const float *start;
    float *out;
} chain;

static void flush(chain *c)
{
    c->kernels->taps(c->a, c->b, c->n, c->start, c->columns, c->out);
    c->start = c->out, c->n = 0;
}

static void append(chain *c, const float *a, const float *b)
{
    if (c->n == LIST) flush(c);
    c->a[c->n] = a, c->b[c->n++] = b;
}

/* Position (y, x) of an image, or zeros outside of it. */
static const float *pixel(const float *image, ls_image i, int64_t y, int64_t x, const float *zeros,
                          size_t c0)
{
    const bool in = y >= 0 && x >= 0 && y < i.height && x < i.width;
    return in ? image + ((size_t)y * i.width + (size_t)x) * i.channels + c0 : zeros;
}

static void position(const ls_window *w, const float *x, const float *weights, const float *zeros,
                     size_t c0, size_t y, size_t column, chain *c)
{
    const int64_t y0 = (int64_t)(y * w->stride[0]) - w->pad[0],
                  x0 = (int64_t)(column * w->stride[1]) - w->pad[1];
    for (size_t i = 0; i < w->kernel[0]; i++)
        for (size_t l = 0; l < w->kernel[1]; l++)
            append(c,
                   pixel(x, w->from, y0 + (int64_t)(i * w->dilation[0]),
                         x0 + (int64_t)(l * w->dilation[1]), zeros, c0),
                   weights + (i * w->kernel[1] + l) * w->from.channels + c0);
}

static void position_x(const ls_window *w, const float *dz, const float *weights,
                       const float *zeros, size_t c0, size_t y, size_t column, chain *c)
{
    for (size_t i = w->kernel[0]; i-- > 0;) {
        const int64_t at_y = (int64_t)(y + w->pad[0]) - (int64_t)(i * w->dilation[0]);
        for (size_t l = w->kernel[1]; l-- > 0 && at_y % (int64_t)w->stride[0] == 0;) {
            const int64_t at_x = (int64_t)(column + w->pad[1]) - (int64_t)(l * w->dilation[1]);
            if (at_x % (int64_t)w->stride[1]) continue;
            append(c,
                   pixel(dz, w->to, at_y / (int64_t)w->stride[0], at_x / (int64_t)w->stride[1],
                         zeros, c0),
                   weights + (i * w->kernel[1] + l) * w->from.channels + c0);
        }
    }
}

/* Line y of image r, for `columns` channels from c0 on. */
static void line(const cpu_job *j, size_t r, size_t y, size_t c0, size_t columns,
                 const float *zeros)
{
    const ls_op *o = j->op;
    const ls_window *w = &o->window;
    const bool back = o->kind == LS_OP_CONV_X;
    const ls_image to = back ? w->from : w->to, from = back ? w->to : w->from;
    const float *x = ls_cpu_at(j, back ? o->dz : o->x) + r * ls_image_values(from),
                *weights = ls_cpu_at(j, o->w), *bias = back ? NULL : ls_cpu_at(j, o->b);
    const size_t first = r * ls_image_values(to) + y * to.width * to.channels + c0;
    float *out = ls_cpu_at(j, back ? o->d : o->z) + first;
    for (size_t column = 0; column < to.width; column++) {
        chain c = {.kernels = j->backend->kernels,
                   .columns = columns,
                   .start = bias ? bias + c0 : NULL,
                   .out = out + column * to.channels};
        (back ? position_x : position)(w, x, weights, zeros, c0, y, column, &c);
        flush(&c);
    }
    const ls_block b = {to.width, columns, to.channels};
    if (back) ls_cpu_follow(j, ls_cpu_at(j, o->d), first, b.rows, b.columns, b.stride);
    else if (ls_there(o->a)) j->backend->kernels->act[o->act](out, ls_cpu_at(j, o->a) + first, b);
}

void ls_cpu_depthwise(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    const ls_window *w = &j->op->window;
    const size_t height = j->op->kind == LS_OP_CONV_X ? w->from.height : w->to.height,
                 channels = w->from.channels;
    memset(scratch, 0, smaller(channels, CHANNELS) * sizeof *scratch);
    for (size_t i = i0; i < i1; i++)
        for (size_t c = 0; c < channels; c += CHANNELS)
            line(j, i / height, i % height, c, smaller(CHANNELS, channels - c), scratch);
}

/* ---- Weight gradients ------------------------------------------------------------------------ */

/* Taps [t0, t1) × columns channels from c0 on, and their sums: of an image, of a chunk of images,
 * of all chunks so far. */
typedef struct {
    const cpu_job *job;
    size_t t0, t1, c0, columns;
    float *zeros, *chunk, *image, *images, *total;
} weights_block;

/* The sum of a tap over an image. */
static void sum_image(const weights_block *b, size_t r, size_t tap, float *to)
{
    const cpu_job *j = b->job;
    const ls_window *w = &j->op->window;
    const float *x = ls_cpu_at(j, j->op->x) + r * ls_image_values(w->from),
                *dz = ls_cpu_at(j, j->op->dz) + r * ls_image_values(w->to) + b->c0;
    const int64_t y0 = (int64_t)(tap / w->kernel[1] * w->dilation[0]) - w->pad[0],
                  x0 = (int64_t)(tap % w->kernel[1] * w->dilation[1]) - w->pad[1];
    size_t y = 0, column = 0;
    for (size_t p = 0; p < j->op->points; p += LS_CHUNK) {
        chain c = {.kernels = j->backend->kernels, .columns = b->columns, .out = p ? b->chunk : to};
        for (size_t q = p; q < smaller(p + LS_CHUNK, j->op->points); q++) {
            append(&c,
                   pixel(x, w->from, y0 + (int64_t)(y * w->stride[0]),
                         x0 + (int64_t)(column * w->stride[1]), b->zeros, b->c0),
                   dz + q * w->to.channels);
            if (++column == w->to.width) column = 0, y++;
        }
        flush(&c);
        if (p) c.kernels->join(to, b->chunk, to, b->columns);
    }
}

static void weights(const weights_block *b)
{
    const cpu_job *j = b->job;
    const ls_cpu_kernels *k = j->backend->kernels;
    const size_t n = (b->t1 - b->t0) * b->columns, channels = j->op->out;
    for (size_t r = 0; r < j->rows; r++) {
        float *to = r % LS_CHUNK ? b->image : b->images;
        for (size_t t = b->t0; t < b->t1; t++) sum_image(b, r, t, to + (t - b->t0) * b->columns);
        if (r % LS_CHUNK) k->join(b->images, b->image, b->images, n);
        if (r + 1 < j->rows && (r + 1) % LS_CHUNK) continue;
        k->join(r < LS_CHUNK ? b->images : b->total, r < LS_CHUNK ? NULL : b->images, b->total, n);
    }
    for (size_t t = b->t0; t < b->t1; t++) {
        const float *from = b->total + (t - b->t0) * b->columns;
        ls_update_block u;
        if (ls_there(j->op->theta)) {
            u = ls_cpu_range(j, t * channels + b->c0, b->columns);
            u.g = from;
            ls_cpu_optimize(j, &u, true);
        } else
            memcpy(ls_cpu_at(j, j->op->y) + t * channels + b->c0, from, b->columns * sizeof *from);
    }
}

void ls_cpu_depthwise_w(const cpu_job *j, size_t c0, size_t c1, float *scratch)
{
    const size_t taps = ls_window_taps(&j->op->window);
    weights_block b = {.job = j, .zeros = scratch, .chunk = scratch + CHANNELS};
    b.image = b.chunk + CHANNELS, b.images = b.image + TAPS * CHANNELS;
    b.total = b.images + TAPS * CHANNELS;
    memset(b.zeros, 0, CHANNELS * sizeof *b.zeros);
    for (b.c0 = c0; b.c0 < c1; b.c0 += CHANNELS)
        for (b.t0 = 0; b.t0 < taps; b.t0 += TAPS) {
            b.columns = smaller(CHANNELS, c1 - b.c0);
            b.t1 = smaller(b.t0 + TAPS, taps);
            weights(&b);
        }
}
