/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_window.h"

static ls_cl_padded finish(ls_image from, const size_t before[2], const size_t size[2])
{
    ls_cl_padded p = {.from = from, .size = {from.height, from.width}};
    p.copied = before[0] || before[1] || size[0] > from.height || size[1] > from.width;
    for (int s = 0; s < 2 && p.copied; s++) {
        p.size[s] = size[s];
        p.before[s] = before[s] < size[s] ? before[s] : size[s];
    }
    p.values = ls_cl_times(ls_cl_times(p.size[0], p.size[1]), from.channels);
    if (p.values > UINT32_MAX) p.values = SIZE_MAX;
    return p;
}

ls_cl_padded ls_cl_pad_input(const ls_window *w)
{
    const uint32_t to[2] = {w->to.height, w->to.width};
    size_t before[2], size[2];
    for (int s = 0; s < 2; s++) {
        before[s] = w->pad[s];
        size[s] = (size_t)(to[s] - 1) * w->stride[s] + (size_t)(w->kernel[s] - 1) * w->dilation[s] +
                  1;
    }
    return finish(w->from, before, size);
}

ls_cl_padded ls_cl_pad_result(const ls_window *w)
{
    const uint32_t from[2] = {w->from.height, w->from.width};
    size_t before[2], size[2];
    for (int s = 0; s < 2; s++) {
        size_t span = (size_t)(w->kernel[s] - 1) * w->dilation[s];
        before[s] = span > w->pad[s] ? (span - w->pad[s]) / w->stride[s] : 0;
        size[s] = before[s] + ((size_t)w->pad[s] + from[s] - 1) / w->stride[s] + 1;
    }
    return finish(w->to, before, size);
}

void ls_cl_forward_window(const ls_window *w, const ls_cl_padded *p, ls_cl_window *out,
                          ls_cl_taps *taps)
{
    const size_t c = w->from.channels, line = p->size[1] * c, n = w->to.channels;
    *out = (ls_cl_window){.height = w->to.height,
                          .width = w->to.width,
                          .image = (cl_uint)p->values,
                          .line = (cl_uint)(w->stride[0] * line),
                          .step = (cl_uint)(w->stride[1] * c),
                          .taps = (cl_uint)ls_window_taps(w),
                          .across = w->kernel[1],
                          .tap_line = (cl_uint)(w->dilation[0] * line),
                          .tap_step = (cl_uint)(w->dilation[1] * c),
                          .run = (cl_uint)(c / w->groups),
                          .group = (cl_uint)(c / w->groups),
                          .columns = (cl_uint)(n / w->groups),
                          .out_image = (cl_uint)ls_image_values(w->to),
                          .out_line = (cl_uint)(w->to.width * n),
                          .out_step = (cl_uint)n};
    *taps = (ls_cl_taps){(cl_uint)ls_window_taps(w), w->kernel[1], 0, w->kernel[1], 1};
}

/* One side of the windows of a phase: inputs first, first + stride, …, and the taps last,
 * last - tap_step, …; for the first input, the last tap is at output `at`, the one before it
 * out_step outputs on. */
typedef struct {
    uint32_t count, first, taps, last, tap_step, out_step;
    int64_t at;
} side;

static uint32_t divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b, b = rest;
    }
    return a;
}

static side side_of(const ls_window *w, int s, uint32_t size, uint32_t phase)
{
    const uint32_t stride = w->stride[s], common = divisor(stride, w->dilation[s]);
    side r = {.first = (phase + stride - w->pad[s] % stride) % stride,
              .tap_step = stride / common,
              .out_step = w->dilation[s] / common};
    if (r.first < size) r.count = (size - 1 - r.first) / stride + 1;
    for (uint32_t i = 0; i < w->kernel[s]; i++)
        if ((uint64_t)i * w->dilation[s] % stride == phase) r.taps++, r.last = i;
    r.at = ((int64_t)r.first + w->pad[s] - (int64_t)r.last * w->dilation[s]) / (int64_t)stride;
    return r;
}

void ls_cl_backward_window(const ls_window *w, const ls_cl_padded *p, const uint32_t phase[2],
                           ls_cl_window *out, ls_cl_taps *taps)
{
    const side down = side_of(w, 0, w->from.height, phase[0]),
               right = side_of(w, 1, w->from.width, phase[1]);
    const size_t n = w->to.channels, line = p->size[1] * n, c = w->from.channels;
    const bool any = down.taps && right.taps;
    const uint32_t count = down.taps * right.taps;
    *out = (ls_cl_window){.height = down.count,
                          .width = right.count,
                          .image = (cl_uint)p->values,
                          .line = (cl_uint)line,
                          .step = (cl_uint)n,
                          .taps = count,
                          .across = any ? right.taps : 1,
                          .tap_line = (cl_uint)(down.out_step * line),
                          .tap_step = (cl_uint)(right.out_step * n),
                          .run = (cl_uint)(n / w->groups),
                          .group = (cl_uint)(n / w->groups),
                          .columns = (cl_uint)(c / w->groups),
                          .out_image = (cl_uint)ls_image_values(w->from),
                          .out_line = (cl_uint)(w->stride[0] * w->from.width * c),
                          .out_step = (cl_uint)(w->stride[1] * c),
                          .out_start = (cl_uint)((down.first * w->from.width + right.first) * c)};
    if (any)
        out->start = (cl_uint)((size_t)((int64_t)p->before[0] + down.at) * line +
                               (size_t)((int64_t)p->before[1] + right.at) * n);
    *taps = (ls_cl_taps){count, out->across, down.last * w->kernel[1] + right.last,
                         (cl_uint)0 - down.tap_step * w->kernel[1], (cl_uint)0 - right.tap_step};
}

void ls_cl_join_taps(ls_cl_window *w)
{
    if (w->tap_step != w->run) return;
    w->taps /= w->across;
    w->run *= w->across;
    w->across = 1;
}
