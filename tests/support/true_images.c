/* SPDX-License-Identifier: MIT */
#include "tests/support/true_images.h"
#include "tests/support/true_operations.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) hand_at(p, arena, o->field)
#define TRUTH(name) void true_##name(const hand_plan *p, size_t rows, float *arena, float *loss)
#define FIRST_OP                                                                                   \
    const ls_op *o = &p->op[0];                                                                    \
    const ls_window *w = &o->window;                                                               \
    (void)loss, (void)w

/* ---- Windows --------------------------------------------------------------------------------- */

static size_t values_of(ls_image i) { return (size_t)i.height * i.width * i.channels; }

/* Whether tap (i, j) of the window of result position (oy, ox) lies in the image; sets its position
 * y·width + x there. */
static bool tap(const ls_window *w, size_t oy, size_t ox, size_t i, size_t j, size_t *position)
{
    ptrdiff_t y = (ptrdiff_t)(oy * w->stride[0] + i * w->dilation[0]) - (ptrdiff_t)w->pad[0],
              x = (ptrdiff_t)(ox * w->stride[1] + j * w->dilation[1]) - (ptrdiff_t)w->pad[1];
    if (y < 0 || y >= (ptrdiff_t)w->from.height || x < 0 || x >= (ptrdiff_t)w->from.width)
        return false;
    *position = (size_t)y * w->from.width + (size_t)x;
    return true;
}

/* The result's position whose tap i is at y, along one side: whether there is one at all, and its
 * number, which may lie outside of the result. */
static bool result_at(const ls_window *w, int side, size_t y, size_t i, ptrdiff_t *out)
{
    ptrdiff_t from = (ptrdiff_t)(y + w->pad[side]) - (ptrdiff_t)(i * w->dilation[side]);
    if (from % (ptrdiff_t)w->stride[side] != 0) return false;
    *out = from / (ptrdiff_t)w->stride[side];
    return true;
}

/* ---- CONV, CONV_X, CONV_W -------------------------------------------------------------------- */

TRUTH(conv)
{
    FIRST_OP;
    size_t group_in = w->from.channels / w->groups, group_out = o->out / w->groups, at;
    const float *weights = AT(w);
    for (size_t r = 0; r < rows; r++)
        for (size_t oy = 0; oy < w->to.height; oy++)
            for (size_t ox = 0; ox < w->to.width; ox++)
                for (size_t k = 0; k < o->out; k++) {
                    const float *x = AT(x) + r * values_of(w->from) + k / group_out * group_in;
                    float acc = AT(b) ? AT(b)[k] : 0.0f;
                    for (size_t i = 0; i < w->kernel[0]; i++)
                        for (size_t j = 0; j < w->kernel[1]; j++)
                            for (size_t c = 0; c < group_in; c++) {
                                size_t row = (i * w->kernel[1] + j) * group_in + c;
                                float value = tap(w, oy, ox, i, j, &at)
                                                  ? x[at * w->from.channels + c]
                                                  : 0.0f;
                                acc = fmaf(value, weights[row * o->out + k], acc);
                            }
                    size_t e = ((r * w->to.height + oy) * w->to.width + ox) * o->out + k;
                    AT(z)[e] = acc;
                    if (AT(a)) AT(a)[e] = truth_act(o->act, acc);
                }
}

/* dL/dx at row y, column x, channel c of image r. */
static float input_gradient(const hand_plan *p, const float *dz, const float *weights, size_t y,
                            size_t x, size_t c)
{
    const ls_op *o = &p->op[0];
    const ls_window *w = &o->window;
    size_t group_in = w->from.channels / w->groups, out = w->to.channels,
           group_out = out / w->groups, first = c / group_in * group_out;
    ptrdiff_t oy, ox, height = (ptrdiff_t)w->to.height, width = (ptrdiff_t)w->to.width;
    float acc = 0.0f;
    for (size_t i = w->kernel[0]; i-- > 0;)
        for (size_t j = w->kernel[1]; j-- > 0;) {
            if (!result_at(w, 0, y, i, &oy) || !result_at(w, 1, x, j, &ox)) continue;
            bool inside = oy >= 0 && oy < height && ox >= 0 && ox < width;
            size_t row = (i * w->kernel[1] + j) * group_in + c % group_in;
            for (size_t k = first; k < first + group_out; k++)
                acc = fmaf(inside ? dz[(size_t)(oy * width + ox) * out + k] : 0.0f,
                           weights[row * out + k], acc);
        }
    return acc;
}

/* d = d plus [skip]; y = d with dropout, times the slope; element i. */
static void finish(const hand_plan *p, float *arena, size_t i, float d)
{
    const ls_op *o = &p->op[0];
    if (AT(skip)) d = d + AT(skip)[i];
    AT(d)[i] = d;
    if (o->dropout > 0) d = d * truth_dropout(p, o, i);
    AT(y)[i] = d * truth_act_grad(o->act, AT(z)[i], AT(a)[i]);
}

TRUTH(conv_x)
{
    FIRST_OP;
    size_t all = values_of(w->from), channels = w->from.channels;
    for (size_t e = 0; e < rows * all; e++) {
        size_t position = e % all / channels;
        const float *dz = AT(dz) + e / all * values_of(w->to);
        finish(p, arena, e,
               input_gradient(p, dz, AT(w), position / w->from.width, position % w->from.width,
                              e % channels));
    }
}

/* The sum over one image's positions of x·dz, in chunks; x and dz are those of the image. */
static float weight_gradient(const ls_window *w, size_t i, size_t j, const float *x,
                             const float *dz)
{
    float sum = 0.0f, chain = 0.0f;
    size_t points = (size_t)w->to.height * w->to.width, at;
    for (size_t q = 0; q < points; q++) {
        bool inside = tap(w, q / w->to.width, q % w->to.width, i, j, &at);
        if (q % TRUTH_CHUNK == 0) chain = 0.0f;
        chain = fmaf(inside ? x[at * w->from.channels] : 0.0f, dz[q * w->to.channels], chain);
        if (q % TRUTH_CHUNK == TRUTH_CHUNK - 1 || q + 1 == points)
            sum = q < TRUTH_CHUNK ? chain : sum + chain;
    }
    return sum;
}

/* Sums the images' sums: in chunks, each of which starts with its first image. */
static float add_images(const float *of_image, size_t images)
{
    float sum = 0.0f;
    for (size_t r0 = 0; r0 < images; r0 += TRUTH_CHUNK) {
        float chunk = of_image[r0];
        for (size_t r = r0 + 1; r < images && r < r0 + TRUTH_CHUNK; r++)
            chunk = chunk + of_image[r];
        sum = r0 ? sum + chunk : chunk;
    }
    return sum;
}

TRUTH(conv_w)
{
    FIRST_OP;
    size_t group_in = w->from.channels / w->groups, group_out = o->out / w->groups;
    float *of_image = malloc(rows * sizeof *of_image);
    cr_assert(of_image);
    for (size_t i = 0; i < w->kernel[0]; i++)
        for (size_t j = 0; j < w->kernel[1]; j++)
            for (size_t c = 0; c < group_in; c++)
                for (size_t k = 0; k < o->out; k++) {
                    size_t row = (i * w->kernel[1] + j) * group_in + c;
                    for (size_t r = 0; r < rows; r++)
                        of_image[r] = weight_gradient(w, i, j,
                                                      AT(x) + r * values_of(w->from) +
                                                          k / group_out * group_in + c,
                                                      AT(dz) + r * values_of(w->to) + k);
                    AT(y)[row * o->out + k] = add_images(of_image, rows);
                }
    free(of_image);
    for (size_t i = 0; i < o->in * o->out && AT(theta); i++) true_update_at(p, arena, i, true);
}

float truth_sum_of_images(const float *x, size_t x_step, const float *y, size_t y_step,
                          size_t images, size_t points)
{
    if (points < 2) return truth_sum(x, x_step, y, y_step, images);
    float *of_image = malloc(images * sizeof *of_image);
    cr_assert(of_image);
    for (size_t r = 0; r < images; r++)
        of_image[r] = truth_sum(x + r * points * x_step, x_step, y ? y + r * points * y_step : NULL,
                                y_step, points);
    float sum = add_images(of_image, images);
    free(of_image);
    return sum;
}

/* ---- Pools ----------------------------------------------------------------------------------- */

/* Calls for every window of every image and channel, in ascending order. e: number of the result's
 * value; x: offset of the image's channel. */
#define EACH_WINDOW for (size_t e = 0, all = values_of(w->to); e < rows * all; e++)
#define WINDOW_OF_E                                                                                \
    size_t c = e % o->out, q = e % values_of(w->to) / o->out, oy = q / w->to.width,                \
           ox = q % w->to.width, from = e / values_of(w->to) * values_of(w->from) + c, at

static size_t taps_inside(const ls_window *w, size_t oy, size_t ox)
{
    size_t n = 0, at;
    for (size_t i = 0; i < w->kernel[0]; i++)
        for (size_t j = 0; j < w->kernel[1]; j++) n += tap(w, oy, ox, i, j, &at);
    return n;
}

TRUTH(max_pool)
{
    FIRST_OP;
    EACH_WINDOW
    {
        WINDOW_OF_E;
        bool any = false;
        float best = 0.0f;
        uint32_t index = 0;
        for (size_t i = 0; i < w->kernel[0]; i++)
            for (size_t j = 0; j < w->kernel[1]; j++) {
                if (!tap(w, oy, ox, i, j, &at)) continue;
                float value = AT(x)[from + at * o->out];
                if (any && !(value > best)) continue;
                any = true, best = value, index = (uint32_t)at;
            }
        AT(a)[e] = best;
        if (AT(index)) memcpy(AT(index) + e, &index, sizeof index);
    }
}

TRUTH(max_pool_x)
{
    true_max_pool(p, rows, arena, loss);
    const ls_op *o = &p->op[1];
    const ls_window *w = &o->window;
    for (size_t i = 0; i < rows * values_of(w->from); i++) AT(d)[i] = 0.0f;
    EACH_WINDOW
    {
        uint32_t index;
        memcpy(&index, AT(index) + e, sizeof index);
        float *d = AT(d) + e / all * values_of(w->from) + index * o->out + e % o->out;
        *d = *d + AT(dz)[e];
    }
}

TRUTH(avg_pool)
{
    FIRST_OP;
    EACH_WINDOW
    {
        WINDOW_OF_E;
        float sum = 0.0f;
        for (size_t i = 0; i < w->kernel[0]; i++)
            for (size_t j = 0; j < w->kernel[1]; j++)
                if (tap(w, oy, ox, i, j, &at)) sum = sum + AT(x)[from + at * o->out];
        AT(a)[e] = sum * (1.0f / (float)taps_inside(w, oy, ox));
    }
}

TRUTH(avg_pool_x)
{
    FIRST_OP;
    for (size_t i = 0; i < rows * values_of(w->from); i++) AT(d)[i] = 0.0f;
    EACH_WINDOW
    {
        WINDOW_OF_E;
        float share = 1.0f / (float)taps_inside(w, oy, ox);
        for (size_t i = 0; i < w->kernel[0]; i++)
            for (size_t j = 0; j < w->kernel[1]; j++)
                if (tap(w, oy, ox, i, j, &at)) {
                    float *d = AT(d) + from + at * o->out;
                    *d = fmaf(AT(dz)[e], share, *d);
                }
    }
}

/* ---- ACT, SLOPE ------------------------------------------------------------------------------ */

TRUTH(act)
{
    FIRST_OP;
    for (size_t i = 0; i < rows * o->out; i++) AT(a)[i] = truth_act(o->act, AT(z)[i]);
}

TRUTH(slope)
{
    FIRST_OP;
    for (size_t i = 0; i < rows * o->out; i++) finish(p, arena, i, AT(x)[i]);
}

/* ---- AUGMENT --------------------------------------------------------------------------------- */

static size_t inside(ptrdiff_t at, size_t size)
{
    return at < 0 ? 0 : at >= (ptrdiff_t)size ? size - 1 : (size_t)at;
}

TRUTH(augment)
{
    FIRST_OP;
    const ls_image i = w->from;
    for (size_t r = 0; r < rows; r++) {
        uint32_t random[4];
        truth_random(p, 7, (uint32_t)r, random);
        uint64_t choices = 2 * (uint64_t)o->shift + 1;
        ptrdiff_t down = (ptrdiff_t)(random[0] * choices >> 32) - (ptrdiff_t)o->shift,
                  right = (ptrdiff_t)(random[1] * choices >> 32) - (ptrdiff_t)o->shift;
        bool mirrored = o->flip && random[2] >= 0x80000000u;
        for (size_t y = 0; y < i.height; y++)
            for (size_t x = 0; x < i.width; x++) {
                size_t row = inside((ptrdiff_t)y - down, i.height),
                       column = inside((ptrdiff_t)x - right, i.width);
                if (mirrored) column = i.width - 1 - column;
                memcpy(AT(y) + r * values_of(i) + (y * i.width + x) * i.channels,
                       AT(x) + r * values_of(i) + (row * i.width + column) * i.channels,
                       i.channels * sizeof(float));
            }
    }
}
