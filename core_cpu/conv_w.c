/* SPDX-License-Identifier: MIT */
/* CONV_W is a product of the transpose of an image's windows with dz, for each image. Threads share
 * tiles of the weights: each goes through all images in order and keeps the sums of its tiles. */
#include "core_cpu/conv_w.h"
#include "core_cpu/conv.h"
#include "core_cpu/depthwise.h"
#include <string.h>

/* Scratch memory in floats: a copy of an image, three sums of each tile, rows of dz, offsets. */
enum {
    SUMS = 1 << 17,
    ROWS = LS_CHUNK * LS_MATMUL_PAD,
    OFFSETS = LS_SLIDE_POSITIONS + LS_SLIDE_COLUMNS
};
_Static_assert((int)LS_SLIDE_ROOM + 3 * SUMS + ROWS + OFFSETS <= (int)LS_MATMUL_SCRATCH,
               "convolutions use the scratch of products");

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t larger(size_t a, size_t b) { return a > b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

/* Tiles of one group of channels are numbered panel by panel. A part has tiles [t0, t1), which lie
 * in rows [k0, k1) of the weights. */
typedef struct {
    const cpu_job *job;
    const ls_cpu_tile *tile;
    size_t group, columns; /* of a group */
    ls_slide slide;
    size_t down; /* tiles of a panel */
    size_t t0, t1, k0, k1;
    float *image, *images, *total; /* sums of an image, of a chunk of images, and of all chunks */
    float *rows;
    ls_laid laid;
} part;

static size_t tile_size(const part *t) { return t->tile->rows * t->tile->columns; }

/* Tiles [d0, d1) of a panel that belong to the part. */
static void range(const part *t, size_t panel, size_t *d0, size_t *d1)
{
    *d0 = larger(t->t0, panel * t->down) - panel * t->down;
    *d1 = smaller(t->t1, (panel + 1) * t->down) - panel * t->down;
}

/* A chunk of positions of an image, from p on, for a panel of columns. */
static void chunk(const part *t, const float *base, const float *dz, size_t p, size_t panel,
                  float *sums, bool adds)
{
    const size_t j = panel * t->tile->columns, n = smaller(t->tile->columns, t->columns - j),
                 all = t->job->op->out, len = smaller(LS_CHUNK, t->laid.p1 - p);
    const bool whole = n == t->tile->columns;
    size_t d0, d1;
    range(t, panel, &d0, &d1);
    const float *from = dz + p * all + t->group * t->columns + j;
    for (size_t i = 0; i < len && !whole; i++) {
        memset(t->rows + i * t->tile->columns, 0, t->tile->columns * sizeof *t->rows);
        memcpy(t->rows + i * t->tile->columns, from + i * all, n * sizeof *from);
    }
    const size_t first = d0 * t->tile->rows, end = smaller(d1 * t->tile->rows, t->k1);
    const ls_gathered g = {.m = end - first,
                           .n = n,
                           .k = len,
                           .a = base,
                           .row = t->laid.step + (first - t->k0),
                           .step = t->laid.row + (p - t->laid.p0),
                           .b = whole ? from : t->rows,
                           .b_row = whole ? all : t->tile->columns,
                           .c = sums + (panel * t->down + d0 - t->t0) * tile_size(t),
                           .c_row = t->tile->columns,
                           .adds = adds};
    t->tile->gathered(&g);
}

/* One image. If it is a single chunk, its sum is added to that of the chunk of images at once. */
static void sum_image(part *t, size_t r, size_t band)
{
    const cpu_job *j = t->job;
    const ls_op *o = j->op;
    const float *x = ls_cpu_at(j, o->x) + r * ls_image_values(o->window.from),
                *dz = ls_cpu_at(j, o->dz) + r * ls_image_values(o->window.to);
    const bool first = r % LS_CHUNK == 0, single = o->points <= LS_CHUNK;
    float *sums = first || single ? t->images : t->image;
    for (size_t p = 0; p < o->points; p += band) {
        const size_t until = smaller(p + band, o->points);
        if (t->laid.p0 != p || t->laid.p1 != until)
            ls_slide_lay(&t->slide, p, until, t->k0, t->k1, &t->laid);
        const float *base = ls_slide_load(&t->laid, x);
        for (size_t panel = t->t0 / t->down; panel * t->down < t->t1; panel++)
            for (size_t q = p; q < until; q += LS_CHUNK)
                chunk(t, base, dz, q, panel, sums, q || (single && !first));
    }
    if (!first && !single)
        j->backend->kernels->join(t->images, t->image, t->images, (t->t1 - t->t0) * tile_size(t));
}

/* The sums of a tile are the gradients of a block of weights. */
static void finish(const part *t, size_t number)
{
    const cpu_job *j = t->job;
    const ls_op *o = j->op;
    const size_t i = number % t->down * t->tile->rows, c = number / t->down * t->tile->columns,
                 h = smaller(t->tile->rows, o->in - i),
                 w = smaller(t->tile->columns, t->columns - c),
                 at = i * o->out + t->group * t->columns + c;
    const float *from = t->total + (number - t->t0) * tile_size(t);
    if (ls_there(o->theta)) {
        ls_update_block u = ls_cpu_range(j, at, w);
        u.rows = h, u.stride = o->out, u.g = from, u.g_stride = t->tile->columns;
        ls_cpu_optimize(j, &u, true);
        return;
    }
    for (size_t r = 0; r < h; r++)
        memcpy(ls_cpu_at(j, o->y) + at + r * o->out, from + r * t->tile->columns, w * sizeof *from);
}

static void run_part(part *t)
{
    const cpu_job *j = t->job;
    const size_t n = (t->t1 - t->t0) * tile_size(t), d0 = t->t0 % t->down,
                 same = t->t0 / t->down == (t->t1 - 1) / t->down;
    t->k0 = same ? d0 * t->tile->rows : 0;
    t->k1 = same ? smaller((d0 + t->t1 - t->t0) * t->tile->rows, j->op->in) : j->op->in;
    t->laid.p0 = t->laid.p1 = 0;
    const size_t band = ls_slide_band(&t->slide, t->k1 - t->k0);
    for (size_t r = 0; r < j->rows; r++) {
        sum_image(t, r, band);
        if (r + 1 < j->rows && (r + 1) % LS_CHUNK) continue;
        j->backend->kernels->join(r < LS_CHUNK ? t->images : t->total,
                                  r < LS_CHUNK ? NULL : t->images, t->total, n);
    }
    for (size_t i = t->t0; i < t->t1; i++) finish(t, i);
}

static size_t tiles_down(const cpu_job *j) { return ceil_div(j->op->in, j->backend->tile->rows); }
static size_t tiles_across(const cpu_job *j)
{
    return ceil_div(j->op->out / j->op->window.groups, j->backend->tile->columns);
}

/* Tiles [i0, i1) of all groups, or channels. */
static void run(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    const ls_window *w = &j->op->window;
    if (ls_cpu_is_depthwise(w)) {
        ls_cpu_depthwise_w(j, i0, i1, scratch);
        return;
    }
    part t = {.job = j,
              .tile = j->backend->tile,
              .columns = j->op->out / w->groups,
              .down = tiles_down(j)};
    const size_t in_group = t.down * tiles_across(j), most_rows = LS_SLIDE_COLUMNS / t.tile->rows,
                 most = SUMS / tile_size(&t);
    t.laid.copy = scratch, t.image = scratch + LS_SLIDE_ROOM, t.images = t.image + SUMS;
    t.total = t.images + SUMS, t.rows = t.total + SUMS;
    t.laid.row = (uint32_t *)(void *)(t.rows + ROWS);
    t.laid.step = t.laid.row + LS_SLIDE_POSITIONS;
    for (size_t i = i0; i < i1;) {
        t.group = i / in_group;
        t.slide = ls_cpu_windows(w, t.group);
        t.t0 = i % in_group;
        t.t1 = smaller(smaller(i1 - t.group * in_group, in_group), t.t0 + most);
        const size_t panel_end = (t.t0 / t.down + 1) * t.down;
        if (t.down > most_rows) /* offsets of a part of a panel's rows */
            t.t1 = smaller(t.t1, smaller(panel_end, t.t0 + most_rows));
        i += t.t1 - t.t0;
        run_part(&t);
    }
}

static size_t extent(const cpu_job *j)
{
    if (ls_cpu_is_depthwise(&j->op->window)) return j->op->out;
    return tiles_down(j) * tiles_across(j) * j->op->window.groups;
}

const cpu_operation ls_cpu_conv_w = {1, extent, ls_cpu_conv_cost, run, NULL, NULL, 1};
