/* SPDX-License-Identifier: MIT */
/* Convolutions. Images are padded first if necessary, some at a time; weights are packed in panels,
 * as the kernels' tiles need them (kernels/conv.cl, kernels/conv_local.cl). */
#include "host/opencl/cl_images.h"
#include "host/opencl/cl_update.h"
#include "host/opencl/cl_window.h"
#include <string.h>

/* Floats of the copies of images at a time: on CPU devices they should stay in the caches. */
enum { COPIES_CPU = 1 << 19, COPIES_GPU = 1 << 24 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static size_t sum(size_t a, size_t b) { return a > SIZE_MAX - b ? SIZE_MAX : a + b; }

/* Images at a time, if each needs so many floats of scratch. */
static size_t images_of(const ls_cl_device *d, size_t floats, size_t rows)
{
    size_t most = d->is_cpu ? COPIES_CPU : COPIES_GPU;
    if (!floats) return rows;
    return floats > most / 2 ? 1 : least(most / floats, rows);
}

static ls_view behind(ls_view view, size_t floats)
{
    if (ls_there(view)) view.at += floats;
    return view;
}

static void arg_window(launch *l, const ls_cl_window *w)
{
    cl_uint16 a;
    cl_uint8 b = {{0}};
    const cl_uint *field = &w->height;
    memcpy(&a, field, sizeof a);
    memcpy(&b, field + 16, sizeof *w - sizeof a);
    arg(l, sizeof a, &a), arg(l, sizeof b, &b);
}

static bool is_depthwise(const ls_window *w)
{
    return w->groups > 1 && w->groups == w->from.channels && w->groups == w->to.channels;
}

/* ---- Copies ---------------------------------------------------------------------------------- */

/* Where a kernel finds the images: in place, or copied to scratch. */
typedef struct {
    ls_view view;
    bool scratch;
    size_t at;
} source;

static void arg_source(launch *l, source s)
{
    if (s.scratch) arg_memory(l, l->job->workspace->scratch, s.at);
    else arg_view(l, s.view);
}

/* `count` images from the view on, padded into scratch from `at` on if necessary. */
static ls_status pad(const job *j, const ls_cl_padded *p, ls_view view, size_t count, size_t at,
                     source *out)
{
    *out = (source){.view = view};
    if (!p->copied) return LS_OK;
    *out = (source){.scratch = true, .at = at};
    const size_t c = p->from.channels, line = p->size[1] * c, lines = count * p->size[0];
    launch l;
    LS_TRY(begin_image(j, LS_IMAGE_pad, &l));
    arg_view(&l, view), arg_memory(&l, j->workspace->scratch, at);
    arg_u32(&l, p->from.height), arg_u32(&l, p->from.width * c), arg_u32(&l, p->before[0]);
    arg_u32(&l, p->before[1] * c), arg_u32(&l, p->size[0]), arg_u32(&l, line);
    if (!j->workspace->device->is_cpu) return finish_rows(&l, line, lines);
    arg_u32(&l, lines);
    return enqueue(&l, 1, least(lines, 4096), 1, 1);
}

/* The weights of all groups in panels, in scratch from `at` on. depth: values of a tap. */
static ls_status pack(const job *j, const ls_cl_window *w, const ls_cl_taps *t, size_t depth,
                      bool transposed, size_t width, size_t at)
{
    const ls_window *o = &j->op->window;
    const size_t n = o->to.channels, each = o->from.channels / o->groups;
    if (!t->count) return LS_OK;
    launch l;
    LS_TRY(begin_image(j, LS_IMAGE_pack_window, &l));
    arg_view(&l, j->op->w), arg_memory(&l, j->workspace->scratch, at);
    arg_u32(&l, t->count * depth), arg_u32(&l, depth), arg_u32(&l, t->across);
    arg_u32(&l, t->first), arg_u32(&l, t->line), arg_u32(&l, t->step);
    arg_u32(&l, each * n), arg_u32(&l, n / o->groups);
    arg_u32(&l, transposed ? 1 : n), arg_u32(&l, transposed ? n : 1);
    arg_u32(&l, w->columns), arg_u32(&l, w->panels), arg_u32(&l, width);
    return finish(&l, t->count * depth, o->groups * w->panels);
}

/* ---- Products -------------------------------------------------------------------------------- */

/* A product with windows: of inputs and weights, or of gradients and transposed weights. */
typedef struct {
    bool backward;
    ls_cl_padded padded;
    ls_cl_conv_tile tile;
    size_t depth;   /* values of a tap */
    size_t panels;  /* of a group */
    size_t weights; /* floats of the packed weights */
    size_t images;  /* at a time */
} product;

static product product_of(const ls_cl_device *d, const ls_op *op, size_t rows)
{
    const ls_window *w = &op->window;
    const bool backward = op->kind == LS_OP_CONV_X;
    const size_t from = w->from.channels / w->groups, to = w->to.channels / w->groups,
                 columns = backward ? from : to;
    product p = {.backward = backward,
                 .padded = backward ? ls_cl_pad_result(w) : ls_cl_pad_input(w),
                 .tile = ls_cl_conv_tile_of(d, columns),
                 .depth = backward ? to : from};
    p.panels = units_of(columns, p.tile.columns);
    if (!is_depthwise(w))
        p.weights = ls_cl_times(ls_cl_times(w->groups * p.panels, p.tile.columns),
                                ls_cl_times(ls_window_taps(w), p.depth));
    p.images = images_of(d, p.padded.copied ? p.padded.values : 0, rows);
    return p;
}

static size_t phases_of(const ls_op *op)
{
    return op->kind == LS_OP_CONV_X ? (size_t)op->window.stride[0] * op->window.stride[1] : 1;
}

/* The windows of a phase. */
static void window_of(const ls_op *op, const product *p, size_t phase, ls_cl_window *w,
                      ls_cl_taps *t)
{
    const uint32_t across = op->window.stride[1],
                   at[2] = {(uint32_t)(phase / across), (uint32_t)(phase % across)};
    if (p->backward) ls_cl_backward_window(&op->window, &p->padded, at, w, t);
    else ls_cl_forward_window(&op->window, &p->padded, w, t);
    w->panels = (cl_uint)p->panels;
}

/* Floats of a phase's packed weights. */
static size_t packed_floats(const ls_op *op, const product *p, const ls_cl_taps *t)
{
    return op->window.groups * p->panels * p->tile.columns * t->count * p->depth;
}

static ls_status pack_all(const job *j, const product *p)
{
    size_t at = 0;
    for (size_t phase = 0; phase < phases_of(j->op); phase++) {
        ls_cl_window w;
        ls_cl_taps t;
        window_of(j->op, p, phase, &w, &t);
        LS_TRY(pack(j, &w, &t, p->depth, p->backward, p->tile.columns, at));
        at += packed_floats(j->op, p, &t);
    }
    return LS_OK;
}

/* One phase of `count` images into c. weights: where they are in scratch. */
static ls_status multiply(const job *j, const product *p, ls_cl_window *w, const ls_cl_taps *t,
                          source x, ls_view c, size_t count, size_t weights)
{
    const ls_op *o = j->op;
    const ls_view begin = p->backward ? (ls_view){LS_NOWHERE, 0} : o->b;
    const size_t n = count * w->height * w->width;
    launch l;
    if (!n) return LS_OK;
    if (is_depthwise(&o->window)) {
        const size_t channels = o->window.groups;
        LS_TRY(begin_image(j, LS_IMAGE_depthwise, &l));
        arg_source(&l, x), arg_view(&l, o->w), arg_view(&l, begin), arg_view(&l, c);
        arg_u32(&l, count), arg_u32(&l, channels);
        arg_u32(&l, t->first), arg_u32(&l, t->line), arg_u32(&l, t->step);
        arg_window(&l, w);
        return finish(&l, n * lane_blocks(j, channels), 1);
    }
    cl_kernel kernel;
    LS_TRY(ls_cl_conv_kernel(j->workspace->device, p->backward ? LS_FORM_GRAD_X : LS_FORM_DENSE,
                             &p->tile, LS_CL_NO_FUNCTION, &kernel, j->err));
    l = begin_kernel(j, kernel);
    ls_cl_join_taps(w);
    arg_source(&l, x), arg_memory(&l, j->workspace->scratch, weights);
    arg_view(&l, begin), arg_view(&l, c), arg_u32(&l, n);
    arg_window(&l, w);
    return enqueue(&l, units_of(n, p->tile.rows * p->tile.repeat) * p->tile.items,
                   o->window.groups * p->panels, p->tile.items, 1);
}

/* All phases, some images at a time, from `from` to `to`. */
static ls_status multiply_all(const job *j, ls_view from, ls_view to)
{
    const ls_op *o = j->op;
    const product p = product_of(j->workspace->device, o, j->rows);
    const size_t in = ls_image_values(p.padded.from),
                 out = ls_image_values(p.backward ? o->window.from : o->window.to);
    if (!is_depthwise(&o->window)) LS_TRY(pack_all(j, &p));
    for (size_t done = 0, count; done < j->rows; done += count) {
        source x;
        size_t weights = 0;
        count = least(p.images, j->rows - done);
        LS_TRY(pad(j, &p.padded, behind(from, done * in), count, p.weights, &x));
        for (size_t phase = 0; phase < phases_of(o); phase++) {
            ls_cl_window w;
            ls_cl_taps t;
            window_of(o, &p, phase, &w, &t);
            LS_TRY(multiply(j, &p, &w, &t, x, behind(to, done * out), count, weights));
            weights += packed_floats(o, &p, &t);
        }
    }
    return LS_OK;
}

ls_status ls_cl_op_conv(const job *j)
{
    const ls_op *o = j->op;
    const size_t n = j->rows * ls_op_points(o) * o->out;
    LS_TRY(multiply_all(j, o->x, o->z));
    if (!ls_there(o->a) || (ls_same_view(o->a, o->z) && o->act == LS_ACT_identity)) return LS_OK;
    launch l = begin(j, LS_KERNEL_act_identity + o->act);
    arg_view(&l, o->z), arg_view(&l, o->a), arg_u32(&l, n);
    return finish_values(&l, n);
}

ls_status ls_cl_op_conv_x(const job *j)
{
    const ls_op *o = j->op;
    LS_TRY(multiply_all(j, o->dz, o->d));
    return ls_cl_slope(j, o->d, j->rows * ls_image_values(o->window.from));
}

/* ---- Gradients of weights -------------------------------------------------------------------- */

/* How they are computed, some images of a chunk of images at a time. Scratch holds the sums of
 * chunks of images, then padded images, then gradients with space after each group, then the sums
 * of single images. */
typedef struct {
    ls_cl_padded padded;
    ls_cl_conv_tile tile;
    size_t panels; /* of a group */
    size_t values; /* of the weights */
    size_t stride; /* gradients of a position: with space after each group, or without */
    bool widened, apart;
    size_t images; /* at a time */
    size_t chunks; /* of images */
    size_t pad_at, wide_at, apart_at, end;
} gradient;

/* Whether the sums of single images are kept: where there would be too few tiles for all compute
 * units; and on CPU devices, as work-items then read one image after the other, which stays in the
 * cache, unless the sums are so large that writing and reading them costs more. A step over 64
 * images of 16x16 with 32 channels, in 288 x 64: 11 ms instead of 38 (PoCL 3.1, 2 threads). */
static bool sums_apart(const ls_cl_device *d, const ls_op *op, const gradient *g)
{
    enum { BUSY = 4, POINTS = 32 };
    const ls_window *w = &op->window;
    const size_t tiles = units_of(op->in, g->tile.rows) * g->panels * w->groups;
    if (tiles < BUSY * d->compute_units) return true;
    return d->is_cpu && ls_op_points(op) >= POINTS && g->values <= COPIES_CPU / 4;
}

static gradient gradient_of(const ls_cl_device *d, const ls_op *op, size_t rows)
{
    const ls_window *w = &op->window;
    const size_t columns = w->to.channels / w->groups;
    gradient g = {.padded = ls_cl_pad_input(w),
                  .tile = ls_cl_conv_tile_of(d, columns),
                  .values = ls_cl_times(op->in, op->out),
                  .stride = op->out,
                  .chunks = chunks_of(rows)};
    g.panels = units_of(columns, g.tile.columns);
    g.widened = d->is_cpu && !is_depthwise(w) && columns % g.tile.columns;
    if (g.widened) g.stride = w->groups * g.panels * g.tile.columns;
    g.apart = is_depthwise(w) || sums_apart(d, op, &g);
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

/* Where the sum of a chunk of images is. */
static void arg_sum(launch *l, const gradient *g, size_t chunk)
{
    if (g->chunks > 1) arg_memory(l, l->job->workspace->scratch, chunk * g->values);
    else arg_view(l, l->job->op->y);
}

static ls_status widen(const job *j, const gradient *g, ls_view dz, size_t count, source *out)
{
    const ls_window *w = &j->op->window;
    const size_t rows = count * ls_op_points(j->op);
    *out = (source){.view = dz};
    if (!g->widened) return LS_OK;
    *out = (source){.scratch = true, .at = g->wide_at};
    launch l;
    LS_TRY(begin_image(j, LS_IMAGE_widen, &l));
    arg_view(&l, dz), arg_memory(&l, j->workspace->scratch, g->wide_at);
    arg_u32(&l, w->groups), arg_u32(&l, w->to.channels / w->groups);
    arg_u32(&l, g->panels * g->tile.columns), arg_u32(&l, rows);
    return enqueue(&l, 1, least(rows, 256), 1, 1);
}

static ls_status sum_depthwise(const job *j, const gradient *g, const ls_cl_window *w, source x,
                               source dz, size_t count)
{
    const ls_op *o = j->op;
    launch l;
    LS_TRY(begin_image(j, LS_IMAGE_depthwise_w, &l));
    arg_source(&l, x), arg_source(&l, dz), arg_memory(&l, j->workspace->scratch, g->apart_at);
    arg_u32(&l, o->out), arg_window(&l, w);
    const size_t width = ls_window_taps(&o->window) * lane_blocks(j, o->out);
    return j->workspace->device->is_cpu ? enqueue(&l, width, count, 1, 1)
                                        : finish(&l, width, count);
}

/* Sums of `count` images that are added to the sum of their chunk. */
static ls_status sum_images(const job *j, const gradient *g, source x, source dz, size_t count,
                            size_t chunk, bool continues)
{
    const ls_op *o = j->op;
    ls_cl_window w;
    ls_cl_taps t;
    cl_kernel kernel;
    ls_cl_forward_window(&o->window, &g->padded, &w, &t);
    w.panels = (cl_uint)g->panels;
    if (is_depthwise(&o->window)) return sum_depthwise(j, g, &w, x, dz, count);
    ls_cl_join_taps(&w);
    LS_TRY(ls_cl_conv_kernel(j->workspace->device, LS_FORM_GRAD_W, &g->tile, LS_CL_NO_FUNCTION,
                             &kernel, j->err));
    launch l = begin_kernel(j, kernel);
    arg_source(&l, x), arg_source(&l, dz);
    if (g->apart) arg_memory(&l, j->workspace->scratch, g->apart_at);
    else arg_sum(&l, g, chunk);
    arg_u32(&l, count), arg_u32(&l, o->out), arg_u32(&l, g->stride);
    arg_u32(&l, g->apart), arg_u32(&l, continues && !g->apart);
    arg_window(&l, &w);
    return enqueue(&l, units_of(o->in, g->tile.rows) * g->tile.items,
                   o->window.groups * g->panels * (g->apart ? count : 1), g->tile.items, 1);
}

static ls_status add_apart(const job *j, const gradient *g, size_t count, size_t chunk,
                           bool continues)
{
    launch l;
    if (!g->apart) return LS_OK;
    LS_TRY(begin_image(j, LS_IMAGE_image_chunks, &l));
    arg_memory(&l, j->workspace->scratch, g->apart_at);
    arg_sum(&l, g, chunk);
    arg_u32(&l, count), arg_u32(&l, g->values), arg_u32(&l, continues);
    return finish(&l, g->values, 1);
}

static ls_status sum_chunk(const job *j, const gradient *g, size_t chunk)
{
    const ls_op *o = j->op;
    const size_t first = chunk * LS_CHUNK, end = least(first + LS_CHUNK, j->rows),
                 in = ls_image_values(o->window.from), out = ls_image_values(o->window.to);
    for (size_t done = first, count; done < end; done += count) {
        source x, dz;
        count = least(g->images, end - done);
        LS_TRY(pad(j, &g->padded, behind(o->x, done * in), count, g->pad_at, &x));
        LS_TRY(widen(j, g, behind(o->dz, done * out), count, &dz));
        LS_TRY(sum_images(j, g, x, dz, count, chunk, done > first));
        LS_TRY(add_apart(j, g, count, chunk, done > first));
    }
    return LS_OK;
}

ls_status ls_cl_op_conv_w(const job *j)
{
    const ls_op *o = j->op;
    const gradient g = gradient_of(j->workspace->device, o, j->rows);
    for (size_t chunk = 0; chunk < g.chunks; chunk++) LS_TRY(sum_chunk(j, &g, chunk));
    if (g.chunks > 1) {
        launch l = begin(j, LS_KERNEL_row_sum_total);
        arg_memory(&l, j->workspace->scratch, 0), arg_view(&l, o->y);
        arg_u32(&l, g.values), arg_u32(&l, g.chunks);
        LS_TRY(finish(&l, g.values, 1));
    }
    return ls_there(o->theta) ? ls_cl_update(j, g.values, g.values) : LS_OK;
}

size_t ls_cl_conv_scratch(const ls_cl_device *d, const ls_op *op, size_t rows)
{
    if (op->kind == LS_OP_CONV_W) {
        const gradient g = gradient_of(d, op, rows);
        return g.padded.copied && g.padded.values == SIZE_MAX ? SIZE_MAX : g.end;
    }
    const product p = product_of(d, op, rows);
    return sum(p.weights, p.padded.copied ? ls_cl_times(p.images, p.padded.values) : 0);
}
