/* SPDX-License-Identifier: MIT */
/* Convolutions. Images are padded first if necessary, some at a time; weights are packed in panels,
 * as the kernels' tiles need them (kernels/conv.cl, kernels/conv_local.cl). */
#include "host/opencl/cl_conv_plan.h"
#include "host/opencl/cl_images.h"
#include "host/opencl/cl_update.h"
#include <string.h>

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

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

static size_t phases_of(const ls_op *op)
{
    return op->kind == LS_OP_CONV_X ? (size_t)op->window.stride[0] * op->window.stride[1] : 1;
}

/* The windows of a phase. */
static void window_of(const ls_op *op, const ls_cl_product *p, size_t phase, ls_cl_window *w,
                      ls_cl_taps *t)
{
    const uint32_t across = op->window.stride[1],
                   at[2] = {(uint32_t)(phase / across), (uint32_t)(phase % across)};
    if (p->backward) ls_cl_backward_window(&op->window, &p->padded, at, w, t);
    else ls_cl_forward_window(&op->window, &p->padded, w, t);
    w->panels = (cl_uint)p->panels;
}

/* Floats of a phase's packed weights. */
static size_t packed_floats(const ls_op *op, const ls_cl_product *p, const ls_cl_taps *t)
{
    return op->window.groups * p->panels * p->tile.columns * t->count * p->depth;
}

static ls_status pack_all(const job *j, const ls_cl_product *p)
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
static ls_status multiply(const job *j, const ls_cl_product *p, ls_cl_window *w,
                          const ls_cl_taps *t, source x, ls_view c, size_t count, size_t weights)
{
    const ls_op *o = j->op;
    const ls_view begin = p->backward ? (ls_view){LS_NOWHERE, 0} : o->b;
    const size_t n = count * w->height * w->width;
    launch l;
    if (!n) return LS_OK;
    if (ls_cl_is_depthwise(&o->window)) {
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
    const ls_cl_product p = ls_cl_product_of(j->workspace->device, o, j->rows);
    const size_t in = ls_image_values(p.padded.from),
                 out = ls_image_values(p.backward ? o->window.from : o->window.to);
    if (!ls_cl_is_depthwise(&o->window)) LS_TRY(pack_all(j, &p));
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
    return finish_pass(&l, n);
}

ls_status ls_cl_op_conv_x(const job *j)
{
    const ls_op *o = j->op;
    LS_TRY(multiply_all(j, o->dz, o->d));
    return ls_cl_slope(j, o->d, j->rows * ls_image_values(o->window.from));
}

/* ---- Gradients of weights -------------------------------------------------------------------- */

/* Where the sum of a chunk of images is. */
static void arg_sum(launch *l, const ls_cl_gradient *g, size_t chunk)
{
    if (g->chunks > 1) arg_memory(l, l->job->workspace->scratch, chunk * g->values);
    else arg_view(l, l->job->op->y);
}

static ls_status widen(const job *j, const ls_cl_gradient *g, ls_view dz, size_t count, source *out)
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

static ls_status sum_depthwise(const job *j, const ls_cl_gradient *g, const ls_cl_window *w,
                               source x, source dz, size_t count)
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
static ls_status sum_images(const job *j, const ls_cl_gradient *g, source x, source dz,
                            size_t count, size_t chunk, bool continues)
{
    const ls_op *o = j->op;
    ls_cl_window w;
    ls_cl_taps t;
    cl_kernel kernel;
    ls_cl_forward_window(&o->window, &g->padded, &w, &t);
    w.panels = (cl_uint)g->panels;
    if (ls_cl_is_depthwise(&o->window)) return sum_depthwise(j, g, &w, x, dz, count);
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

static ls_status add_apart(const job *j, const ls_cl_gradient *g, size_t count, size_t chunk,
                           bool continues)
{
    launch l;
    if (!g->apart) return LS_OK;
    LS_TRY(begin_image(j, LS_IMAGE_image_chunks, &l));
    arg_memory(&l, j->workspace->scratch, g->apart_at);
    arg_sum(&l, g, chunk);
    arg_u32(&l, count), arg_u32(&l, g->values), arg_u32(&l, continues);
    return finish_chunks(&l, g->values, 1);
}

static ls_status sum_chunk(const job *j, const ls_cl_gradient *g, size_t chunk)
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
    const ls_cl_gradient g = ls_cl_gradient_of(j->workspace->device, o, j->rows);
    for (size_t chunk = 0; chunk < g.chunks; chunk++) LS_TRY(sum_chunk(j, &g, chunk));
    if (g.chunks > 1) {
        launch l = begin(j, LS_KERNEL_row_sum_total);
        arg_memory(&l, j->workspace->scratch, 0), arg_view(&l, o->y);
        arg_u32(&l, g.values), arg_u32(&l, g.chunks);
        LS_TRY(finish(&l, g.values, 1));
    }
    return ls_there(o->theta) ? ls_cl_update(j, g.values, g.values) : LS_OK;
}
