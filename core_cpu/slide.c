/* SPDX-License-Identifier: MIT */
#include "core_cpu/slide.h"
#include "host/network/plan.h"
#include <string.h>

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Length that n positions cover along a side. */
static size_t span(const ls_slide *s, int side, size_t n)
{
    return (n - 1) * s->scale[side] + (s->taps[side] - 1) * (size_t)s->gap[side] + 1;
}

static bool inside(const ls_slide *s)
{
    const size_t size[2] = {s->image.height, s->image.width};
    for (int side = 0; side < 2; side++)
        if (s->first[side] < 0 ||
            (size_t)s->first[side] + span(s, side, s->positions[side]) > size[side])
            return false;
    return ls_image_values(s->image) <= INT32_MAX;
}

/* Rows of positions that fit a copy. */
static size_t rows_that_fit(const ls_slide *s)
{
    const size_t line = span(s, 1, s->positions[1]) * s->channels, rows = LS_SLIDE_ROOM / line,
                 one = span(s, 0, 1);
    return rows < one ? 0 : (rows - one) / s->scale[0] + 1;
}

static bool empty(const ls_slide *s) { return !s->taps[0] || !s->taps[1]; }

size_t ls_slide_band(const ls_slide *s, size_t k)
{
    const size_t positions = ls_slide_positions(s), most = smaller(positions, LS_SLIDE_POSITIONS);
    if (empty(s) || inside(s)) return most;
    const size_t rows = rows_that_fit(s);
    if (rows >= s->positions[0]) return most;
    size_t band = rows ? (rows - 1) * s->positions[1] / LS_CHUNK * LS_CHUNK : 0;
    if (!band) band = LS_SLIDE_ROOM / k / LS_CHUNK * LS_CHUNK;
    return smaller(band, most);
}

static void set_rows(const ls_slide *s, const ls_laid *l, size_t top, size_t left, size_t width,
                     size_t channels)
{
    size_t y = l->p0 / s->positions[1], x = l->p0 % s->positions[1];
    for (size_t p = l->p0; p < l->p1; p++) {
        l->row[p - l->p0] = (uint32_t)(((y * s->scale[0] - top) * width + x * s->scale[1] + left) *
                                       channels);
        if (++x == s->positions[1]) x = 0, y++;
    }
}

static void set_steps(const ls_slide *s, const ls_laid *l, size_t width, size_t channels,
                      size_t first)
{
    for (size_t k = l->k0; k < l->k1; k++) {
        const size_t tap = k / s->channels, y = tap / s->taps[1] * (size_t)s->gap[0],
                     x = tap % s->taps[1] * (size_t)s->gap[1];
        l->step[k - l->k0] = (uint32_t)((y * width + x) * channels + first + k % s->channels);
    }
}

void ls_slide_lay(const ls_slide *s, size_t p0, size_t p1, size_t k0, size_t k1, ls_laid *l)
{
    l->slide = s;
    l->p0 = p0, l->p1 = p1, l->k0 = k0, l->k1 = k1;
    const size_t y0 = p0 / s->positions[1], y1 = (p1 - 1) / s->positions[1] + 1;
    if (empty(s) || inside(s)) {
        l->how = LS_SLIDE_IN_PLACE;
        const size_t top = (size_t)s->first[0], left = (size_t)s->first[1];
        set_rows(s, l, 0, 0, s->image.width, s->image.channels);
        if (!empty(s))
            set_steps(s, l, s->image.width, s->image.channels,
                      (top * s->image.width + left) * s->image.channels + s->channel);
    } else if (y1 - y0 <= rows_that_fit(s)) {
        l->how = LS_SLIDE_PADDED;
        l->top = (int64_t)(y0 * s->scale[0]) + s->first[0], l->left = s->first[1];
        l->height = span(s, 0, y1 - y0), l->width = span(s, 1, s->positions[1]);
        set_rows(s, l, y0 * s->scale[0], 0, l->width, s->channels);
        set_steps(s, l, l->width, s->channels, 0);
    } else {
        l->how = LS_SLIDE_BUILT;
        for (size_t p = p0; p < p1; p++) l->row[p - p0] = (uint32_t)((p - p0) * (k1 - k0));
        for (size_t k = k0; k < k1; k++) l->step[k - k0] = (uint32_t)(k - k0);
    }
}

/* One line of a copy, of pixels of `channels` floats: those from column `left` on. */
static void copy_line(const ls_laid *l, const float *line, float *to)
{
    const ls_slide *s = l->slide;
    const int64_t width = (int64_t)l->width, end = (int64_t)s->image.width - l->left;
    int64_t x0 = l->left < 0 ? -l->left : 0, x1 = end < width ? end : width;
    if (!line || x1 <= x0) x0 = x1 = width;
    const size_t c = s->channels, all = s->image.channels;
    memset(to, 0, (size_t)x0 * c * sizeof *to);
    memset(to + (size_t)x1 * c, 0, (size_t)(width - x1) * c * sizeof *to);
    if (x1 == x0) return;
    const float *from = line + (size_t)(x0 + l->left) * all + s->channel;
    if (c == all) {
        memcpy(to + (size_t)x0 * c, from, (size_t)(x1 - x0) * c * sizeof *to);
        return;
    }
    for (size_t x = 0; x < (size_t)(x1 - x0); x++)
        memcpy(to + ((size_t)x0 + x) * c, from + x * all, c * sizeof *to);
}

/* The whole matrix, value by value: for images of which not even a row fits a copy. */
static void build(const ls_laid *l, const float *image)
{
    const ls_slide *s = l->slide;
    float *to = l->copy;
    for (size_t p = l->p0; p < l->p1; p++)
        for (size_t k = l->k0; k < l->k1; k++) {
            const size_t tap = k / s->channels;
            const int64_t y = (int64_t)(p / s->positions[1] * s->scale[0]) + s->first[0] +
                              (int64_t)(tap / s->taps[1]) * s->gap[0],
                          x = (int64_t)(p % s->positions[1] * s->scale[1]) + s->first[1] +
                              (int64_t)(tap % s->taps[1]) * s->gap[1];
            const bool in = y >= 0 && y < s->image.height && x >= 0 && x < s->image.width;
            *to++ = in ? image[((size_t)y * s->image.width + (size_t)x) * s->image.channels +
                               s->channel + k % s->channels]
                       : 0.0f;
        }
}

const float *ls_slide_load(const ls_laid *l, const float *image)
{
    const ls_slide *s = l->slide;
    if (l->how == LS_SLIDE_IN_PLACE) return image;
    if (l->how == LS_SLIDE_BUILT) build(l, image);
    for (size_t y = 0; y < l->height && l->how == LS_SLIDE_PADDED; y++) {
        const int64_t at = l->top + (int64_t)y;
        const bool in = at >= 0 && at < s->image.height;
        copy_line(l, in ? image + (size_t)at * s->image.width * s->image.channels : NULL,
                  l->copy + y * l->width * s->channels);
    }
    return l->copy;
}
