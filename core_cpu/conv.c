/* SPDX-License-Identifier: MIT */
/* CONV is a product of the windows of an image with the weights. CONV_X is one as well: of windows
 * over dz with the weights in another order. With a stride, inputs whose coordinates have the same
 * remainder are reached through the same taps: they form a *phase*, with windows of its own. */
#include "core_cpu/conv.h"
#include "core_cpu/depthwise.h"
#include <string.h>

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t larger(size_t a, size_t b) { return a > b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

/* Scratch memory in floats: a copy of an image, packed weights, results of a phase, offsets. */
enum {
    WEIGHTS = 1 << 19,
    RESULTS = 1 << 15,
    OFFSETS = LS_SLIDE_POSITIONS + LS_SLIDE_COLUMNS,
    SCRATCH = LS_SLIDE_ROOM + WEIGHTS + RESULTS + OFFSETS
};
_Static_assert((int)SCRATCH <= (int)LS_MATMUL_SCRATCH, "convolutions use the scratch of products");

/* One group of channels, and one phase. */
typedef struct {
    const cpu_job *job;
    bool back; /* CONV_X */
    size_t group;
    ls_slide slide;
    size_t tap[2], tap_gap[2]; /* back: the first tap of the weights, and how far apart they are */
    ls_image to;               /* the result: position p of the windows is at origin + p·every */
    size_t origin[2], every[2];
    size_t columns; /* of the result, in a group */
    float *copy, *weights, *results;
    uint32_t *row, *step;
} pass;

/* A part of a pass: columns [j0, j0 + n) of the result, columns [k0, k1) of the windows. */
typedef struct {
    size_t j0, n, k0, k1;
} block;

ls_slide ls_cpu_windows(const ls_window *w, size_t group)
{
    const size_t channels = w->from.channels / w->groups;
    return (ls_slide){.image = w->from,
                      .channel = group * channels,
                      .channels = channels,
                      .taps = {w->kernel[0], w->kernel[1]},
                      .positions = {w->to.height, w->to.width},
                      .scale = {w->stride[0], w->stride[1]},
                      .first = {-(int64_t)w->pad[0], -(int64_t)w->pad[1]},
                      .gap = {w->dilation[0], w->dilation[1]}};
}

double ls_cpu_conv_cost(const cpu_job *j)
{
    const ls_op *o = j->op;
    return 0.1 * (double)j->rows * (double)o->points * (double)o->window.to.channels *
           (double)o->in;
}

/* ---- Passes ---------------------------------------------------------------------------------- */

static size_t divisor(size_t a, size_t b)
{
    while (b) {
        const size_t rest = a % b;
        a = b, b = rest;
    }
    return a;
}

/* Along a side: the windows over dz of the inputs with remainder `origin` modulo the stride. Taps
 * are those i with origin + pad - i·dilation divisible by the stride, descending. */
static void set_phase(pass *t, const ls_window *w, int side, size_t origin)
{
    const size_t stride = w->stride[side], dilation = w->dilation[side],
                 size = side ? w->from.width : w->from.height, period = divisor(stride, dilation);
    ls_slide *s = &t->slide;
    size_t taps = 0;
    for (size_t i = w->kernel[side]; i-- > 0;) {
        const int64_t at = (int64_t)(origin + w->pad[side]) - (int64_t)(i * dilation);
        if (at % (int64_t)stride) continue;
        if (!taps++) s->first[side] = at / (int64_t)stride, t->tap[side] = i;
    }
    s->taps[side] = taps;
    s->gap[side] = (int64_t)(dilation / period);
    t->tap_gap[side] = stride / period;
    s->scale[side] = 1;
    s->positions[side] = origin < size ? (size - origin - 1) / stride + 1 : 0;
    t->origin[side] = origin, t->every[side] = stride;
}

static void set_pass(pass *t, size_t group, size_t phase)
{
    const ls_window *w = &t->job->op->window;
    t->group = group;
    if (!t->back) {
        t->slide = ls_cpu_windows(w, group);
        return;
    }
    t->slide.image = w->to;
    t->slide.channels = w->to.channels / w->groups;
    t->slide.channel = group * t->slide.channels;
    set_phase(t, w, 0, phase / w->stride[1]);
    set_phase(t, w, 1, phase % w->stride[1]);
}

/* ---- Products -------------------------------------------------------------------------------- */

/* The weights of a block, in panels. Those of CONV are a part of the matrix; those of CONV_X are
 * one for each tap, transposed. */
static void pack(const pass *t, const block *b)
{
    const ls_op *o = t->job->op;
    const ls_window *w = &o->window;
    const ls_slide *s = &t->slide;
    const ls_cpu_tile *tile = t->job->backend->tile;
    const size_t kc = b->k1 - b->k0, out = w->to.channels;
    const float *weights = ls_cpu_at(t->job, o->w);
    for (size_t j = 0; j < b->n; j += tile->columns) {
        const size_t width = smaller(tile->columns, b->n - j), column = b->j0 + j;
        float *to = t->weights + j * kc;
        ls_matmul p = {
            .b = weights + b->k0 * out + t->group * t->columns + column, .b_row = out, .b_col = 1};
        if (!t->back) tile->pack_b(&p, 0, kc, 0, width, to);
        for (size_t k = b->k0, len; k < b->k1 && t->back; k += len) {
            const size_t tap = k / s->channels, c = k % s->channels,
                         y = t->tap[0] - tap / s->taps[1] * t->tap_gap[0],
                         x = t->tap[1] - tap % s->taps[1] * t->tap_gap[1];
            len = smaller(s->channels - c, b->k1 - k);
            p.b = weights + ((y * w->kernel[1] + x) * t->columns + column) * out + s->channel + c;
            p.b_row = 1, p.b_col = out;
            tile->pack_b(&p, 0, len, 0, width, to + (k - b->k0) * tile->columns);
        }
    }
}

/* What follows, for columns of `positions` neighbouring positions from p on. */
static void follow(const pass *t, size_t r, size_t p, size_t positions, size_t j0, size_t n)
{
    const cpu_job *j = t->job;
    const size_t channels = t->to.channels, first = r * ls_image_values(t->to) + p * channels + j0;
    ls_block b = {positions, n, channels};
    if (n == channels) b = (ls_block){1, positions * n, 0};
    if (t->back) ls_cpu_follow(j, ls_cpu_at(j, j->op->d), first, b.rows, b.columns, b.stride);
    else if (ls_there(j->op->a))
        j->backend->kernels->act[j->op->act](ls_cpu_at(j, j->op->z) + first,
                                             ls_cpu_at(j, j->op->a) + first, b);
}

/* Copies n columns between `rows` positions of the result and a panel. */
static void move(const pass *t, float *result, size_t p, size_t rows, size_t n, float *panel,
                 bool back)
{
    const size_t width = t->job->backend->tile->columns;
    size_t y = p / t->slide.positions[1], x = p % t->slide.positions[1];
    for (size_t i = 0; i < rows; i++) {
        float *at = result + ((t->origin[0] + y * t->every[0]) * t->to.width + t->origin[1] +
                              x * t->every[1]) *
                                 t->to.channels;
        if (back) memcpy(panel + i * width, at, n * sizeof *at);
        else memcpy(at, panel + i * width, n * sizeof *at);
        if (++x == t->slide.positions[1]) x = 0, y++;
    }
}

/* The positions that are laid out, in blocks that stay in the nearest caches until what follows;
 * each panel of weights stays there for the positions of a block. */
static void multiply(const pass *t, const block *b, const ls_laid *l, const float *base, size_t r)
{
    enum { TILES = 16, FLOATS = 4096 };
    const cpu_job *j = t->job;
    const ls_cpu_tile *tile = j->backend->tile;
    const size_t panel = tile->columns, kc = b->k1 - b->k0,
                 most = RESULTS / panel / tile->rows * tile->rows,
                 wanted = larger(TILES, FLOATS / b->n / tile->rows) * tile->rows,
                 step = smaller(wanted, most), column = t->group * t->columns + b->j0;
    const bool scattered = t->every[0] > 1 || t->every[1] > 1,
               last = b->k1 == ls_slide_columns(&t->slide);
    float *result = ls_cpu_at(j, t->back ? j->op->d : j->op->z) + r * ls_image_values(t->to) +
                    column;
    const float *start = t->back ? NULL : ls_cpu_at(j, j->op->b);
    for (size_t p = l->p0; p < l->p1; p += step) {
        const size_t m = smaller(step, l->p1 - p);
        for (size_t i = 0; i < b->n; i += panel) {
            ls_gathered g = {.m = m,
                             .n = smaller(panel, b->n - i),
                             .k = kc,
                             .a = base,
                             .row = l->row + (p - l->p0),
                             .step = l->step,
                             .b = t->weights + i * kc,
                             .b_row = panel,
                             .c = result + p * t->to.channels + i,
                             .c_row = t->to.channels,
                             .start = start ? start + column + i : NULL,
                             .prior = b->k0 > 0};
            if (scattered) {
                g.c = t->results, g.c_row = panel;
                if (g.prior) move(t, result + i, p, m, g.n, g.c, true);
            }
            tile->gathered(&g);
            if (scattered) move(t, result + i, p, m, g.n, g.c, false);
        }
        if (last && !scattered) follow(t, r, p, m, column, b->n);
    }
}

/* Positions of the windows in lines [y0, y1) of the result: whole lines of a phase. */
static size_t first_position(const pass *t, size_t y)
{
    const size_t lines = y > t->origin[0] ? ceil_div(y - t->origin[0], t->every[0]) : 0;
    return smaller(lines, t->slide.positions[0]) * t->slide.positions[1];
}

/* A block for the lines [i0, i1) of all images. */
static void run_block(const pass *t, const block *b, size_t i0, size_t i1)
{
    const cpu_job *j = t->job;
    const size_t height = t->to.height, band = ls_slide_band(&t->slide, b->k1 - b->k0);
    const float *from = ls_cpu_at(j, t->back ? j->op->dz : j->op->x);
    ls_laid l = {.copy = t->copy, .row = t->row, .step = t->step};
    pack(t, b);
    for (size_t i = i0; i < i1; i = (i / height + 1) * height) {
        const size_t r = i / height, end = smaller(i1 - r * height, height),
                     p1 = first_position(t, end);
        for (size_t p = first_position(t, i % height); p < p1; p += band) {
            const size_t until = smaller(p + band, p1);
            if (l.p0 != p || l.p1 != until) ls_slide_lay(&t->slide, p, until, b->k0, b->k1, &l);
            multiply(t, b, &l, ls_slide_load(&l, from + r * ls_image_values(t->slide.image)), r);
        }
    }
}

static void run_pass(const pass *t, size_t i0, size_t i1)
{
    const size_t k = ls_slide_columns(&t->slide), blocks = larger(1, ceil_div(k, LS_SLIDE_COLUMNS)),
                 kc = ceil_div(k, blocks), panel = t->job->backend->tile->columns,
                 most = WEIGHTS / larger(1, kc) / panel * panel;
    if (!ls_slide_positions(&t->slide)) return;
    for (size_t j0 = 0; j0 < t->columns; j0 += most)
        for (size_t i = 0; i < blocks; i++) {
            const block b = {j0, smaller(most, t->columns - j0), smaller(i * kc, k),
                             smaller((i + 1) * kc, k)};
            run_block(t, &b, i0, i1);
        }
}

/* Lines [i0, i1) of the images of the result. */
static void run(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    const ls_window *w = &j->op->window;
    if (ls_cpu_is_depthwise(w)) {
        ls_cpu_depthwise(j, i0, i1, scratch);
        return;
    }
    pass t = {.job = j, .back = j->op->kind == LS_OP_CONV_X, .every = {1, 1}};
    t.to = t.back ? w->from : w->to;
    t.columns = t.to.channels / w->groups;
    t.copy = scratch, t.weights = t.copy + LS_SLIDE_ROOM, t.results = t.weights + WEIGHTS;
    t.row = (uint32_t *)(void *)(t.results + RESULTS), t.step = t.row + LS_SLIDE_POSITIONS;
    const size_t phases = t.back ? (size_t)w->stride[0] * w->stride[1] : 1;
    for (size_t g = 0; g < w->groups; g++)
        for (size_t phase = 0; phase < phases; phase++) {
            set_pass(&t, g, phase);
            run_pass(&t, i0, i1);
        }
    for (size_t i = i0; i < i1 && phases > 1; i++)
        follow(&t, i / t.to.height, i % t.to.height * t.to.width, t.to.width, 0, t.to.channels);
}

static size_t extent(const cpu_job *j)
{
    const ls_window *w = &j->op->window;
    return j->rows * (j->op->kind == LS_OP_CONV_X ? w->from.height : w->to.height);
}

const cpu_operation ls_cpu_conv = {1, extent, ls_cpu_conv_cost, run, NULL, NULL, 4};
const cpu_operation ls_cpu_conv_x = {1, extent, ls_cpu_conv_cost, run, NULL, NULL, 4};
