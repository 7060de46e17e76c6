/* SPDX-License-Identifier: MIT */
#include "core_cpu/images.h"
#include "kernels/arith.h"

static size_t extent(const cpu_job *j) { return j->rows; }
static double cost(const cpu_job *j)
{
    const ls_op *o = j->op;
    return (double)j->rows * (double)(o->out * ls_op_points(o)) * (double)(o->in ? o->in : 10);
}

/* Value (y, x, c) of an image, or 0 outside of it. */
static float value(const float *image, ls_image i, int64_t y, int64_t x, size_t c)
{
    if (y < 0 || x < 0 || y >= i.height || x >= i.width) return 0.0f;
    return image[((size_t)y * i.width + (size_t)x) * i.channels + c];
}

static void op_conv(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_window *w = &o->window;
    const size_t group_in = w->from.channels / w->groups, group_out = w->to.channels / w->groups;
    const float *weights = ls_cpu_at(j, o->w), *bias = ls_cpu_at(j, o->b);
    for (size_t r = i0; r < i1; r++) {
        const float *x = ls_cpu_at(j, o->x) + r * ls_image_values(w->from);
        float *z = ls_cpu_at(j, o->z) + r * ls_image_values(w->to);
        for (size_t p = 0; p < o->points; p++)
            for (size_t out = 0; out < o->out; out++) {
                int64_t y = (int64_t)(p / w->to.width) * w->stride[0] - w->pad[0],
                        xx = (int64_t)(p % w->to.width) * w->stride[1] - w->pad[1];
                const float *from = weights + out;
                float acc = bias ? bias[out] : 0.0f;
                for (size_t k = 0; k < w->kernel[0]; k++)
                    for (size_t l = 0; l < w->kernel[1]; l++)
                        for (size_t c = 0; c < group_in; c++, from += o->out)
                            acc = ls_fma(value(x, w->from, y + (int64_t)k * w->dilation[0],
                                               xx + (int64_t)l * w->dilation[1],
                                               out / group_out * group_in + c),
                                         *from, acc);
                z[p * o->out + out] = acc;
            }
        if (ls_there(o->a))
            j->backend->kernels->act[o->act](z, ls_cpu_at(j, o->a) + r * ls_image_values(w->to),
                                             (ls_block){1, ls_image_values(w->to), 0});
    }
}

static void op_conv_x(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_window *w = &o->window;
    const size_t group_in = w->from.channels / w->groups, group_out = w->to.channels / w->groups;
    const float *weights = ls_cpu_at(j, o->w);
    for (size_t r = i0; r < i1; r++) {
        const float *dz = ls_cpu_at(j, o->dz) + r * ls_image_values(w->to);
        float *d = ls_cpu_at(j, o->d) + r * o->out;
        for (size_t e = 0; e < o->out; e++) {
            const size_t c = e % w->from.channels, p = e / w->from.channels, g = c / group_in;
            float acc = 0.0f;
            for (int64_t k = w->kernel[0] - 1; k >= 0; k--)
                for (int64_t l = w->kernel[1] - 1; l >= 0; l--) {
                    int64_t y = (int64_t)(p / w->from.width) + w->pad[0] - k * w->dilation[0],
                            x = (int64_t)(p % w->from.width) + w->pad[1] - l * w->dilation[1];
                    if (y % (int64_t)w->stride[0] || x % (int64_t)w->stride[1]) continue;
                    y /= (int64_t)w->stride[0], x /= (int64_t)w->stride[1];
                    const float *from = weights +
                                        ((size_t)(k * w->kernel[1] + l) * group_in + c % group_in) *
                                            w->to.channels;
                    for (size_t q = g * group_out; q < (g + 1) * group_out; q++)
                        acc = ls_fma(value(dz, w->to, y, x, q), from[q], acc);
                }
            d[e] = acc;
        }
        ls_cpu_follow(j, ls_cpu_at(j, o->d), r * o->out, 1, o->out, 0);
    }
}

static void op_conv_w(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_window *w = &o->window;
    const size_t group_in = w->from.channels / w->groups, group_out = w->to.channels / w->groups;
    float *to = ls_cpu_at(j, o->y);
    for (size_t i = i0; i < i1; i++)
        for (size_t out = 0; out < o->out; out++) {
            const size_t k = i / group_in / w->kernel[1], l = i / group_in % w->kernel[1],
                         c = out / group_out * group_in + i % group_in;
            float total = 0, images = 0;
            for (size_t r = 0; r < j->rows; r++) {
                const float *x = ls_cpu_at(j, o->x) + r * ls_image_values(w->from);
                const float *dz = ls_cpu_at(j, o->dz) + r * ls_image_values(w->to);
                float sum = 0, chain = 0;
                for (size_t p = 0; p < o->points; p++) {
                    int64_t y = (int64_t)(p / w->to.width) * w->stride[0] - w->pad[0] +
                                (int64_t)k * w->dilation[0],
                            xx = (int64_t)(p % w->to.width) * w->stride[1] - w->pad[1] +
                                 (int64_t)l * w->dilation[1];
                    if (p % LS_CHUNK == 0) {
                        if (p) sum = p == LS_CHUNK ? chain : sum + chain;
                        chain = 0;
                    }
                    chain = ls_fma(value(x, w->from, y, xx, c), dz[p * o->out + out], chain);
                }
                sum = o->points <= LS_CHUNK ? chain : sum + chain;
                if (r % LS_CHUNK == 0) {
                    if (r) total = r == LS_CHUNK ? images : total + images;
                    images = sum;
                } else images = images + sum;
            }
            to[i * o->out + out] = j->rows <= LS_CHUNK ? images : total + images;
        }
    if (ls_there(o->theta)) {
        ls_update_block u = ls_cpu_range(j, i0 * o->out, (i1 - i0) * o->out);
        ls_cpu_optimize(j, &u, true);
    }
}

static size_t extent_in(const cpu_job *j) { return j->op->in; }
static double cost_w(const cpu_job *j)
{
    const ls_op *o = j->op;
    return (double)j->rows * (double)(o->out * ls_op_points(o)) * (double)o->in;
}

/* The part of a window that lies inside the image: its first and last tap along each side. */
typedef struct {
    size_t from[2], to[2];
} part;
static part inside(const ls_window *w, size_t p)
{
    part t;
    const size_t at[2] = {p / w->to.width, p % w->to.width},
                 size[2] = {w->from.height, w->from.width};
    for (int s = 0; s < 2; s++) {
        t.from[s] = w->kernel[s], t.to[s] = 0;
        for (size_t i = 0; i < w->kernel[s]; i++) {
            int64_t v = (int64_t)at[s] * w->stride[s] - w->pad[s] + (int64_t)i * w->dilation[s];
            if (v < 0 || v >= (int64_t)size[s]) continue;
            if (i < t.from[s]) t.from[s] = i;
            t.to[s] = i + 1;
        }
    }
    return t;
}
static size_t position(const ls_window *w, size_t p, size_t i, size_t l)
{
    return (p / w->to.width * w->stride[0] + i * w->dilation[0] - w->pad[0]) * w->from.width +
           p % w->to.width * w->stride[1] + l * w->dilation[1] - w->pad[1];
}

static void op_pool(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_window *w = &o->window;
    ls_u32 *index = (ls_u32 *)(void *)ls_cpu_at(j, o->index);
    for (size_t r = i0; r < i1; r++)
        for (size_t p = 0; p < o->points; p++) {
            const part t = inside(w, p);
            const float *x = ls_cpu_at(j, o->x) + r * ls_image_values(w->from);
            for (size_t c = 0; c < o->out; c++) {
                const size_t e = (r * o->points + p) * o->out + c;
                size_t best = position(w, p, t.from[0], t.from[1]), count = 0;
                float most = x[best * o->out + c], sum = 0.0f;
                for (size_t i = t.from[0]; i < t.to[0]; i++)
                    for (size_t l = t.from[1]; l < t.to[1]; l++) {
                        size_t at = position(w, p, i, l);
                        float v = x[at * o->out + c];
                        if (v > most) most = v, best = at;
                        sum = sum + v, count++;
                    }
                bool max = o->kind == LS_OP_MAX_POOL;
                ls_cpu_at(j, o->a)[e] = max ? most : sum * (1.0f / (float)count);
                if (max && index) index[e] = (ls_u32)best;
            }
        }
}

static void op_pool_x(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    const ls_op *o = j->op;
    const ls_window *w = &o->window;
    const size_t width = ls_image_values(w->from);
    const ls_u32 *index = (const ls_u32 *)(const void *)ls_cpu_at(j, o->index);
    for (size_t r = i0; r < i1; r++) {
        float *d = ls_cpu_at(j, o->d) + r * width;
        for (size_t e = 0; e < width; e++) d[e] = 0.0f;
        for (size_t p = 0; p < o->points; p++) {
            const part t = inside(w, p);
            for (size_t c = 0; c < o->out; c++) {
                const size_t e = (r * o->points + p) * o->out + c;
                const float dz = ls_cpu_at(j, o->dz)[e];
                size_t count = (t.to[0] - t.from[0]) * (t.to[1] - t.from[1]);
                if (o->kind == LS_OP_MAX_POOL_X) {
                    d[index[e] * o->out + c] = d[index[e] * o->out + c] + dz;
                    continue;
                }
                for (size_t i = t.from[0]; i < t.to[0]; i++)
                    for (size_t l = t.from[1]; l < t.to[1]; l++) {
                        size_t at = position(w, p, i, l) * o->out + c;
                        d[at] = ls_fma(dz, 1.0f / (float)count, d[at]);
                    }
            }
        }
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

static void op_slope(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)scratch;
    ls_cpu_follow(j, ls_cpu_at(j, j->op->x), i0 * j->op->out, 1, (i1 - i0) * j->op->out, 0);
}

const cpu_operation ls_cpu_conv = {1, extent, cost, op_conv, NULL, NULL};
const cpu_operation ls_cpu_conv_x = {1, extent, cost, op_conv_x, NULL, NULL};
const cpu_operation ls_cpu_conv_w = {1, extent_in, cost_w, op_conv_w, NULL, NULL};
const cpu_operation ls_cpu_max_pool = {1, extent, cost, op_pool, NULL, NULL};
const cpu_operation ls_cpu_max_pool_x = {1, extent, cost, op_pool_x, NULL, NULL};
const cpu_operation ls_cpu_avg_pool = {1, extent, cost, op_pool, NULL, NULL};
const cpu_operation ls_cpu_avg_pool_x = {1, extent, cost, op_pool_x, NULL, NULL};
const cpu_operation ls_cpu_act = {1, extent, cost, op_act, NULL, NULL};
const cpu_operation ls_cpu_slope = {1, extent, cost, op_slope, NULL, NULL};
