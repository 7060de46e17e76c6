/* SPDX-License-Identifier: MIT */
#include "core_cpu/images.h"
#include "kernels/random.h"
#include <string.h>

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* ---- Windows of pools ------------------------------------------------------------------------ */

/* A range along each side. */
typedef struct {
    size_t from[2], count[2];
} area;

static size_t side_of(ls_image i, int side) { return side ? i.width : i.height; }

/* The taps of window number `at` along side s that lie inside the image. */
static void taps_along(const ls_window *w, int s, size_t at, area *a)
{
    const int64_t start = (int64_t)(at * w->stride[s]) - w->pad[s], gap = w->dilation[s],
                  rest = (int64_t)side_of(w->from, s) - start;
    a->from[s] = 0, a->count[s] = w->kernel[s];
    if (start >= 0 && rest > (int64_t)(w->kernel[s] - 1) * gap) return;
    const size_t first = start < 0 ? (size_t)((-start + gap - 1) / gap) : 0,
                 end = rest <= 0 ? 0 : smaller(w->kernel[s], (size_t)((rest - 1) / gap + 1));
    a->from[s] = first;
    a->count[s] = end > first ? end - first : 0;
}

/* The windows that contain position (y, x), along each side: from, from + gap, … */
static area windows_with(const ls_window *w, size_t y, size_t x, size_t gap[2])
{
    const size_t at[2] = {y, x};
    area a = {{0, 0}, {0, 0}};
    for (int s = 0; s < 2; s++) {
        const size_t to = at[s] + w->pad[s], reach = (size_t)(w->kernel[s] - 1) * w->dilation[s],
                     stride = w->stride[s];
        size_t last = smaller(to / stride, side_of(w->to, s) - 1),
               first = to > reach ? (to - reach + stride - 1) / stride : 0;
        while (first <= last && (to - first * stride) % w->dilation[s]) first++;
        gap[s] = 1;
        while (gap[s] * stride % w->dilation[s]) gap[s]++;
        a.from[s] = first;
        a.count[s] = first <= last ? (last - first) / gap[s] + 1 : 0;
    }
    return a;
}

static float share(area a) { return 1.0f / (float)(a.count[0] * a.count[1]); }

static void pool_line(const cpu_job *j, size_t r, size_t y)
{
    const ls_op *o = j->op;
    const ls_window *w = &o->window;
    const ls_cpu_kernels *k = j->backend->kernels;
    const size_t first = r * ls_image_values(w->to) + y * w->to.width * o->out;
    const float *image = ls_cpu_at(j, o->x) + r * ls_image_values(w->from);
    float *a = ls_cpu_at(j, o->a) + first;
    uint32_t *index = ls_there(o->index) ? (uint32_t *)(void *)ls_cpu_at(j, o->index) + first
                                         : NULL;
    area t;
    taps_along(w, 0, y, &t);
    for (size_t x = 0; x < w->to.width; x++, a += o->out, index = index ? index + o->out : NULL) {
        taps_along(w, 1, x, &t);
        const size_t top = y * w->stride[0] + t.from[0] * w->dilation[0] - w->pad[0],
                     left = x * w->stride[1] + t.from[1] * w->dilation[1] - w->pad[1];
        const ls_pixels p = {.rows = t.count[0],
                             .columns = t.count[1],
                             .channels = o->out,
                             .line = w->dilation[0] * (size_t)w->from.width * o->out,
                             .pixel = w->dilation[1] * o->out,
                             .at = (uint32_t)(top * w->from.width + left),
                             .at_line = w->dilation[0] * w->from.width,
                             .at_pixel = w->dilation[1]};
        const float *from = image + p.at * o->out;
        if (o->kind == LS_OP_MAX_POOL) k->pool_max(&p, from, a, index);
        else k->pool_sum(&p, from, share(t), a);
    }
}

/* Line y of the gradient of an image, gathered from the windows that contain each position. */
static void gather_line(const cpu_job *j, size_t r, size_t y)
{
    const ls_op *o = j->op;
    const ls_window *w = &o->window;
    const ls_cpu_kernels *k = j->backend->kernels;
    const size_t windows = r * ls_image_values(w->to), line = (size_t)w->to.width * o->out;
    const float *dz = ls_cpu_at(j, o->dz) + windows;
    float *d = ls_cpu_at(j, o->d) + r * ls_image_values(w->from) + y * w->from.width * o->out;
    for (size_t x = 0; x < w->from.width; x++, d += o->out) {
        size_t gap[2];
        const area a = windows_with(w, y, x, gap);
        const size_t first = a.from[0] * line + a.from[1] * o->out;
        if (o->kind == LS_OP_MAX_POOL_X) {
            const ls_pixels p = {.rows = a.count[0],
                                 .columns = a.count[1],
                                 .channels = o->out,
                                 .line = gap[0] * line,
                                 .pixel = gap[1] * o->out};
            const uint32_t *index = (const uint32_t *)(const void *)ls_cpu_at(j, o->index);
            k->pool_max_x(&p, dz + first, index + windows + first,
                          (uint32_t)(y * w->from.width + x), d);
            continue;
        }
        memset(d, 0, o->out * sizeof *d);
        for (size_t i = 0; i < a.count[0]; i++)
            for (size_t l = 0; l < a.count[1]; l++) {
                const size_t oy = a.from[0] + i * gap[0], ox = a.from[1] + l * gap[1];
                area t;
                taps_along(w, 0, oy, &t);
                taps_along(w, 1, ox, &t);
                k->pool_add(dz + oy * line + ox * o->out, share(t), o->out, d);
            }
    }
}

/* Windows inside the image that neither overlap nor leave gaps: their positions are written window
 * by window. */
static bool apart(const ls_window *w)
{
    for (int s = 0; s < 2; s++) {
        if (w->stride[s] != w->kernel[s] || w->pad[s] || w->dilation[s] > 1) return false;
        if ((size_t)side_of(w->to, s) * w->kernel[s] > side_of(w->from, s)) return false;
    }
    return true;
}

/* Lines [y0, y1) of the gradient of an image; both are starts of windows, or the image's end. */
static void spread_lines(const cpu_job *j, size_t r, size_t y0, size_t y1)
{
    const ls_op *o = j->op;
    const ls_window *w = &o->window;
    const size_t line = (size_t)w->from.width * o->out, rows = w->kernel[0],
                 covered = (size_t)w->to.width * w->kernel[1] * o->out;
    float *d = ls_cpu_at(j, o->d) + r * ls_image_values(w->from);
    const uint32_t *index = (const uint32_t *)(const void *)ls_cpu_at(j, o->index);
    for (size_t y = y0; y < y1; y++) {
        const bool outside = y / rows >= w->to.height;
        const size_t from = outside ? 0 : covered;
        if (from < line) memset(d + y * line + from, 0, (line - from) * sizeof *d);
        if (outside || y % rows) continue;
        for (size_t x = 0; x < w->to.width; x++) {
            const ls_pixels p = {.rows = rows,
                                 .columns = w->kernel[1],
                                 .channels = o->out,
                                 .line = line,
                                 .pixel = o->out,
                                 .at = (uint32_t)(y * w->from.width + x * w->kernel[1]),
                                 .at_line = w->from.width,
                                 .at_pixel = 1};
            const size_t window = r * ls_image_values(w->to) +
                                  (y / rows * w->to.width + x) * o->out;
            j->backend->kernels->pool_spread(&p, ls_cpu_at(j, o->dz) + window, index + window,
                                             d + p.at * o->out);
        }
    }
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void op_pool(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const size_t height = j->op->window.to.height;
    for (size_t i = i0; i < i1; i++) pool_line(j, i / height, i % height);
}

/* Items of a pool's gradient are lines of the image, or, for windows that are apart, all lines that
 * a line of windows covers; the last of these ends with the image. */
static void op_pool_x(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_window *w = &j->op->window;
    if (j->op->kind == LS_OP_AVG_POOL_X || !apart(w)) {
        for (size_t i = i0; i < i1; i++) gather_line(j, i / w->from.height, i % w->from.height);
        return;
    }
    for (size_t i = i0; i < i1; i++) {
        const size_t y = i % w->to.height, rows = w->kernel[0];
        spread_lines(j, i / w->to.height, y * rows,
                     y + 1 == w->to.height ? w->from.height : (y + 1) * rows);
    }
}

static void op_act(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const size_t first = i0 * o->out;
    j->backend->kernels->act[o->act](ls_cpu_at(j, o->z) + first, ls_cpu_at(j, o->a) + first,
                                     (ls_block){1, (i1 - i0) * o->out, 0});
}

/* In pieces that stay in the nearest cache between the steps of what follows. */
static void op_slope(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    enum { FLOATS = 2048 };
    const size_t end = i1 * j->op->out;
    const float *x = ls_cpu_at(j, j->op->x);
    for (size_t i = i0 * j->op->out; i < end; i += FLOATS)
        ls_cpu_follow(j, x, i, 1, smaller(FLOATS, end - i), 0);
}

static void op_augment(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_image image = o->window.from;
    const size_t channels = image.channels;
    for (size_t r = i0; r < i1; r++) {
        const ls_augmentation a = ls_augmentation_of(j->member->plan->seed, j->step,
                                                     (ls_u32)(j->before + r), o->shift, o->flip);
        const float *x = ls_cpu_at(j, o->x) + r * o->out;
        float *y = ls_cpu_at(j, o->y) + r * o->out;
        for (size_t p = 0; p < ls_image_positions(image); p++) {
            const size_t from = ls_augmented_from(a, (int)(p / image.width), (int)(p % image.width),
                                                  (int)image.height, (int)image.width);
            for (size_t c = 0; c < channels; c++) y[p * channels + c] = x[from * channels + c];
        }
    }
}

static size_t extent_pool(const cpu_job *j) { return j->rows * j->op->window.to.height; }
static size_t extent_pool_x(const cpu_job *j)
{
    const ls_window *w = &j->op->window;
    const bool windows = j->op->kind == LS_OP_MAX_POOL_X && apart(w);
    return j->rows * (windows ? w->to.height : w->from.height);
}
static size_t extent_rows(const cpu_job *j) { return j->rows; }

static double cost_pool(const cpu_job *j)
{
    return (double)j->rows * (double)(j->op->points * j->op->out) *
           (double)ls_window_taps(&j->op->window);
}
static double cost_rows(const cpu_job *j) { return (double)j->rows * (double)j->op->out; }

const cpu_operation ls_cpu_max_pool = {1, extent_pool, cost_pool, op_pool, NULL, NULL, 4};
const cpu_operation ls_cpu_max_pool_x = {1, extent_pool_x, cost_pool, op_pool_x, NULL, NULL, 4};
const cpu_operation ls_cpu_avg_pool = {1, extent_pool, cost_pool, op_pool, NULL, NULL, 4};
const cpu_operation ls_cpu_avg_pool_x = {1, extent_pool_x, cost_pool, op_pool_x, NULL, NULL, 4};
const cpu_operation ls_cpu_act = {1, extent_rows, cost_rows, op_act, NULL, NULL, 4};
const cpu_operation ls_cpu_slope = {1, extent_rows, cost_rows, op_slope, NULL, NULL, 4};
const cpu_operation ls_cpu_augment = {1, extent_rows, cost_rows, op_augment, NULL, NULL, 4};
