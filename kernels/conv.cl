/* SPDX-License-Identifier: MIT */
/* Convolutions on CPU devices: products of windows and weights, without a copy of the windows.
 *
 *                          TILE_COLUMNS
 *                          ┌────────┐
 *                          │ w      │ taps × run
 *                          └────────┘
 *    positions  taps × run ┌────────┐
 *             ┌──────────┐ │ c      │ tile (TILE_ROWS)
 *             │ windows  │ ├────────┤
 *             │          │ │        │ tile
 *             └──────────┘ └────────┘
 *
 * The weights are packed in panels (pack_window in window.cl). The values of a window are at the
 * same distances from its first, whatever its position, so that a tile needs one address per row.
 * One work-item, which is also a work-group, computes TILE_REPEAT tiles below each other, in
 * registers. */
#include "kernels/finish.h"
#include "kernels/matrix.h"
#include "kernels/window.h"

#define CAT(a, b) CAT_(a, b)
#define CAT_(a, b) a##b
#define VECTOR CAT(float, TILE_LANES)
#define LOAD CAT(vload, TILE_LANES)
#define STORE CAT(vstore, TILE_LANES)
#define TILE_COLUMNS (TILE_VECTORS * TILE_LANES)
#define FOR_ROWS _Pragma("unroll") for (uint i = 0; i < TILE_ROWS; i++)
#define FOR_VECTORS _Pragma("unroll") for (uint v = 0; v < TILE_VECTORS; v++)

/* ---- What finish.h needs; it works on one row of a tile at a time ---------------------------- */

#define WIDTH TILE_COLUMNS
/* Not unrolled, so that the compiler vectorises the loop: unrolled formulas stay scalar. */
#define EACH(e) _Pragma("clang loop unroll(disable)") for (uint e = 0; e < WIDTH; e++)
#define GET get
#define PUT put

static void get(float *restrict to, __global const float *restrict from, uint count)
{
    if (count >= WIDTH) FOR_VECTORS STORE(LOAD(v, from), v, to);
    else
        for (uint j = 0; j < WIDTH; j++) to[j] = j < count ? from[j] : 0.0f;
}

static void put(__global float *restrict to, const float *restrict from, uint count)
{
    if (count >= WIDTH) FOR_VECTORS STORE(LOAD(v, from), v, to);
    else
        for (uint j = 0; j < count; j++) to[j] = from[j];
}

#ifndef FORM_CONV_W

/* c = begin + windows of x · w, over n positions of images. Launch: (blocks of TILE_REPEAT tiles,
 * panels of all groups). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void conv(MATRIX(x), MATRIX(w),
                                                                  MATRIX(begin), SHARED(c),
                                                                  const uint n, const uint16 g0,
                                                                  const uint8 g1 FINISH_ARGS)
{
    const window g = WINDOW_OF(g0, g1);
    const uint group = get_group_id(1) / g.panels, j0 = get_group_id(1) % g.panels * TILE_COLUMNS,
               count = min((uint)TILE_COLUMNS, g.columns - j0), column = group * g.columns + j0,
               top = get_group_id(0) * (TILE_ROWS * TILE_REPEAT), points = g.height * g.width;
    AT(x), AT(w), AT(c);
    FINISH_BEGIN
    x += g.start + group * g.group;
    w += (ulong)get_group_id(1) * g.taps * g.run * TILE_COLUMNS;
    VECTOR first[TILE_VECTORS];
    FOR_VECTORS first[v] = (VECTOR)(0.0f);
    if (THERE(begin)) {
        float buffer[TILE_COLUMNS];
        get(buffer, begin + begin_at + column, count);
        FOR_VECTORS first[v] = LOAD(v, buffer);
    }
    uint image = top / points, y = top % points / g.width, k = top % points % g.width;
    for (uint q = top; q < min(top + TILE_ROWS * TILE_REPEAT, n); q += TILE_ROWS) {
        __global const float *row[TILE_ROWS], *wp = w;
        ulong to[TILE_ROWS];
        VECTOR acc[TILE_ROWS][TILE_VECTORS];
        /* rows past the last one repeat it and are not stored */
        FOR_ROWS
        {
            row[i] = x + (ulong)image * g.image + y * g.line + k * g.step;
            to[i] = (ulong)image * g.out_image + y * g.out_line + k * g.out_step + g.out_start;
            if (q + i + 1 < n) {
                k++;
                if (k == g.width) k = 0, y++;
                if (y == g.height) y = 0, image++;
            }
        }
        FOR_ROWS FOR_VECTORS acc[i][v] = first[v];
        for (uint a = 0; a * g.across < g.taps; a++)
            for (uint b = 0; b < g.across; b++) {
                const ulong tap = a * g.tap_line + b * g.tap_step;
                for (uint e = 0; e < g.run; e++) {
                    VECTOR we[TILE_VECTORS];
                    FOR_VECTORS we[v] = LOAD(v, wp);
                    wp += TILE_COLUMNS;
                    FOR_ROWS
                    {
                        const VECTOR xe = (VECTOR)(row[i][tap + e]);
                        FOR_VECTORS acc[i][v] = fma(xe, we[v], acc[i][v]);
                    }
                }
            }
        float done[TILE_ROWS][TILE_COLUMNS];
        FOR_ROWS FOR_VECTORS STORE(acc[i][v], v, done[i]);
        for (uint i = 0; i < min((uint)TILE_ROWS, n - q); i++) {
            const ulong place = to[i] + column;
            FINISH_VALUES(done[i], place, count)
        }
    }
}

#else

/* Gradients of weights: for each image chains of LS_CHUNK positions from 0, their sums added in
 * order; and the images' sums added in order, starting with the first, or with what is in `out` if
 * they continue; or, apart, one result per image. dz has `stride` values per position; out is
 * in × outputs. Launch: (tiles of the rows of a group's weights, panels of all groups · images that
 * are apart). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void conv(MATRIX(x), MATRIX(dz),
                                                                  MATRIX(out), const uint images,
                                                                  const uint outputs,
                                                                  const uint stride,
                                                                  const uint apart,
                                                                  const uint continues,
                                                                  const uint16 g0, const uint8 g1)
{
    const window g = WINDOW_OF(g0, g1);
    const uint m = g.taps * g.run, i0 = get_group_id(0) * TILE_ROWS,
               all = outputs / g.columns * g.panels, panel = get_group_id(1) % all,
               block = get_group_id(1) / all, group = panel / g.panels,
               j0 = panel % g.panels * TILE_COLUMNS,
               count = min((uint)TILE_COLUMNS, g.columns - j0), points = g.height * g.width,
               from = apart ? block : 0, to = apart ? block + 1 : images;
    AT(x), AT(dz), AT(out);
    x += g.start + group * g.group;
    dz += (ulong)panel * TILE_COLUMNS;
    if (stride == outputs) dz += group * g.columns + j0 - (ulong)panel * TILE_COLUMNS;
    out += (ulong)block * m * outputs + group * g.columns + j0;
    uint at[TILE_ROWS];
    /* rows past the last one repeat it and are not stored */
    FOR_ROWS
    {
        const uint row = min(i0 + i, m - 1);
        at[i] = tap_at(&g, row / g.run) + row % g.run;
    }
    float done[TILE_ROWS][TILE_COLUMNS];
    if (continues)
        for (uint i = 0; i < TILE_ROWS; i++)
            get(done[i], out + (ulong)min(i0 + i, m - 1) * outputs, count);
    for (uint image = from; image < to; image++) {
        VECTOR sum[TILE_ROWS][TILE_VECTORS];
        __global const float *xp = x + (ulong)image * g.image,
                             *dp = dz + (ulong)image * points * stride;
        uint k = 0;
        for (uint p0 = 0; p0 < points; p0 += LS_CHUNK) {
            VECTOR acc[TILE_ROWS][TILE_VECTORS];
            FOR_ROWS FOR_VECTORS acc[i][v] = (VECTOR)(0.0f);
            const uint end = min(p0 + LS_CHUNK, points);
            for (uint p = p0; p < end;) {
                /* to the end of the line or of the chunk */
                const uint some = min(end - p, g.width - k);
                for (uint s = 0; s < some; s++) {
                    VECTOR dv[TILE_VECTORS];
                    FOR_VECTORS dv[v] = LOAD(v, dp);
                    dp += stride;
                    FOR_ROWS
                    {
                        const VECTOR xi = (VECTOR)(xp[at[i]]);
                        FOR_VECTORS acc[i][v] = fma(xi, dv[v], acc[i][v]);
                    }
                    xp += g.step;
                }
                p += some, k += some;
                if (k == g.width) k = 0, xp += g.line - g.width * g.step;
            }
            if (p0) {
                FOR_ROWS FOR_VECTORS sum[i][v] = sum[i][v] + acc[i][v];
            } else {
                FOR_ROWS FOR_VECTORS sum[i][v] = acc[i][v];
            }
        }
        if (image > from || continues) {
            FOR_ROWS FOR_VECTORS STORE(LOAD(v, done[i]) + sum[i][v], v, done[i]);
        } else {
            FOR_ROWS FOR_VECTORS STORE(sum[i][v], v, done[i]);
        }
    }
    for (uint i = 0; i < min((uint)TILE_ROWS, m - i0); i++)
        put(out + (ulong)(i0 + i) * outputs, done[i], count);
}
#endif
