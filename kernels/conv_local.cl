/* SPDX-License-Identifier: MIT */
/* Convolutions on GPUs: as conv.cl, but a work-group computes TILE_M × TILE_COLUMNS results, and
 * its work-items share slices of TILE_K terms of the sums in local memory. A work-item has ROWS ×
 * WIDTH results. */
#include "kernels/finish.h"
#include "kernels/matrix.h"
#include "kernels/window.h"

#ifndef TILE_M
#define TILE_M 64u /* 16 for devices with small groups */
#endif
#define TILE_COLUMNS 32u
#define TILE_K 16u
#define ROWS 4u
#define WIDTH 4u
#define ACROSS (TILE_COLUMNS / WIDTH)
#define ITEMS (TILE_M / ROWS * ACROSS)

#define FOR(i, n) _Pragma("unroll") for (uint i = 0; i < (n); i++)

/* ---- What finish.h needs --------------------------------------------------------------------- */

#define EACH(e) FOR(e, WIDTH)
#define GET get
#define PUT put

static void get(float *to, __global const float *from, uint count)
{
    EACH(e) to[e] = e < count ? from[e] : 0.0f;
}

static void put(__global float *to, const float *from, uint count)
{
    EACH(e)
        if (e < count) to[e] = from[e];
}

/* Adds `terms` products to each chain. */
#define CHAINS(acc, terms)                                                                         \
    for (uint t = 0; t < (terms); t++) {                                                           \
        float a[ROWS], b[WIDTH];                                                                   \
        FOR(i, ROWS) a[i] = a_slice[t][down * ROWS + i];                                           \
        FOR(j, WIDTH) b[j] = b_slice[t][across * WIDTH + j];                                       \
        FOR(i, ROWS) FOR(j, WIDTH) acc[i][j] = ls_fma(a[i], b[j], acc[i][j]);                      \
    }

#define ITEM                                                                                       \
    __local float a_slice[TILE_K][TILE_M + 1], b_slice[TILE_K][TILE_COLUMNS];                      \
    const uint item = get_local_id(0), across = item % ACROSS, down = item / ACROSS;

#ifndef FORM_CONV_W

/* Launch: (tiles of positions, panels of all groups), in groups of ITEMS. */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void conv(MATRIX(x), MATRIX(w),
                                                                      MATRIX(begin), SHARED(c),
                                                                      const uint n, const uint16 g0,
                                                                      const uint8 g1 FINISH_ARGS)
{
    enum { LOADS_A = TILE_M * TILE_K / ITEMS, LOADS_B = TILE_COLUMNS * TILE_K / ITEMS };
    ITEM const window g = WINDOW_OF(g0, g1);
    const uint group = get_group_id(1) / g.panels,
               j0 = get_group_id(1) % g.panels * TILE_COLUMNS + across * WIDTH,
               count = j0 < g.columns ? min(WIDTH, g.columns - j0) : 0,
               column = group * g.columns + j0, top = get_group_id(0) * TILE_M,
               points = g.height * g.width, terms = g.taps * g.run;
    AT(x), AT(w), AT(c);
    FINISH_BEGIN
    x += g.start + group * g.group;
    w += (ulong)get_group_id(1) * terms * TILE_COLUMNS;
    float acc[ROWS][WIDTH], first[WIDTH];
    FOR(j, WIDTH) first[j] = 0.0f;
    if (THERE(begin)) get(first, begin + begin_at + column, count);
    FOR(i, ROWS) FOR(j, WIDTH) acc[i][j] = first[j];
    /* work-items side by side read the same row of windows */
    __global const float *row[LOADS_A];
    FOR(i, LOADS_A)
    {
        const uint q = min(top + item / TILE_K + i * (ITEMS / TILE_K), n - 1), at = q % points;
        row[i] = x + (ulong)(q / points) * g.image + at / g.width * g.line + at % g.width * g.step;
    }
    for (uint t0 = 0; t0 < terms; t0 += TILE_K) {
        const uint t = min(t0 + item % TILE_K, terms - 1), at = tap_at(&g, t / g.run) + t % g.run;
        FOR(i, LOADS_A) a_slice[item % TILE_K][item / TILE_K + i * (ITEMS / TILE_K)] = row[i][at];
        FOR(i, LOADS_B)
        {
            const uint k = item / TILE_COLUMNS + i * (ITEMS / TILE_COLUMNS);
            b_slice[k][item % TILE_COLUMNS] =
                w[(ulong)min(t0 + k, terms - 1) * TILE_COLUMNS + item % TILE_COLUMNS];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        const uint some = min(TILE_K, terms - t0);
        CHAINS(acc, some)
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    FOR(i, ROWS)
    {
        const uint q = top + down * ROWS + i, at = q % points;
        if (q < n && count) {
            const ulong place = (ulong)(q / points) * g.out_image + at / g.width * g.out_line +
                                at % g.width * g.out_step + g.out_start + column;
            FINISH_VALUES(acc[i], place, count)
        }
    }
}

#else

/* Launch: (tiles of the rows of a group's weights, panels of all groups · images that are apart),
 * in groups of ITEMS. */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void conv(
    MATRIX(x), MATRIX(dz), MATRIX(out), const uint images, const uint outputs, const uint stride,
    const uint apart, const uint continues, const uint16 g0, const uint8 g1)
{
    enum { LOADS_A = TILE_M * TILE_K / ITEMS, LOADS_B = TILE_COLUMNS * TILE_K / ITEMS };
    ITEM const window g = WINDOW_OF(g0, g1);
    const uint m = g.taps * g.run, i0 = get_group_id(0) * TILE_M,
               all = outputs / g.columns * g.panels, panel = get_group_id(1) % all,
               block = get_group_id(1) / all, group = panel / g.panels,
               j0 = panel % g.panels * TILE_COLUMNS, j = j0 + across * WIDTH,
               count = j < g.columns ? min(WIDTH, g.columns - j) : 0, points = g.height * g.width,
               from = apart ? block : 0, to = apart ? block + 1 : images;
    AT(x), AT(dz), AT(out);
    const uint row = min(i0 + item % TILE_M, m - 1),
               read = min(j0 + item % TILE_COLUMNS, g.columns - 1);
    x += g.start + group * g.group + tap_at(&g, row / g.run) + row % g.run;
    dz += group * g.columns + read;
    out += (ulong)block * m * outputs + group * g.columns + j;
    float total[ROWS][WIDTH];
    FOR(i, ROWS)
    {
        FOR(e, WIDTH) total[i][e] = 0.0f;
        if (continues && count)
            get(total[i], out + (ulong)min(i0 + down * ROWS + i, m - 1) * outputs, count);
    }
    for (uint image = from; image < to; image++) {
        float sum[ROWS][WIDTH], acc[ROWS][WIDTH];
        FOR(i, ROWS) FOR(e, WIDTH) sum[i][e] = 0.0f, acc[i][e] = 0.0f;
        for (uint p0 = 0; p0 < points; p0 += TILE_K) {
            FOR(i, LOADS_A)
            {
                const uint k = item / TILE_M + i * (ITEMS / TILE_M), p = min(p0 + k, points - 1);
                a_slice[k][item % TILE_M] =
                    x[(ulong)image * g.image + p / g.width * g.line + p % g.width * g.step];
            }
            FOR(i, LOADS_B)
            {
                const uint k = item / TILE_COLUMNS + i * (ITEMS / TILE_COLUMNS);
                b_slice[k][item % TILE_COLUMNS] =
                    dz[((ulong)image * points + min(p0 + k, points - 1)) * stride];
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            const uint some = min(TILE_K, points - p0);
            CHAINS(acc, some)
            const int ends = (p0 + TILE_K) % LS_CHUNK == 0 || p0 + TILE_K >= points;
            FOR(i, ROWS) FOR(e, WIDTH)
            {
                sum[i][e] = !ends ? sum[i][e] : p0 < LS_CHUNK ? acc[i][e] : sum[i][e] + acc[i][e];
                acc[i][e] = ends ? 0.0f : acc[i][e];
            }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        const int begins = image == from && !continues;
        FOR(i, ROWS) FOR(e, WIDTH) total[i][e] = begins ? sum[i][e] : total[i][e] + sum[i][e];
    }
    FOR(i, ROWS)
    {
        const uint at = i0 + down * ROWS + i;
        if (at < m && count) put(out + (ulong)at * outputs, total[i], count);
    }
}
#endif
