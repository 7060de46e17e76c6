/* SPDX-License-Identifier: MIT */
/* Matrix products for CPU devices: c[m × n] = start + a·b, each element one ascending chain of fma
 * over k, followed by an activation, a derivative or an optimizer (finish.h).
 *
 *                 TILE_COLUMNS
 *                 ┌────────┐
 *                 │ b      │ k
 *                 └────────┘
 *         k       ┌────────┐
 *    ┌──────────┐ │ c      │ tile (TILE_ROWS)
 *    │ a        │ ├────────┤
 *    │          │ │        │ tile
 *    └──────────┘ └────────┘
 *
 * b is packed first (pack in elementwise.cl), panel by panel, so that the operands of a chain are
 * contiguous. A panel has TILE_COLUMNS columns, which are TILE_VECTORS vectors. One work-item,
 * which is also a work-group, computes TILE_REPEAT tiles below each other. The TILE_ROWS ×
 * TILE_COLUMNS chains of a tile stay in registers for TILE_DEPTH products; between such blocks over
 * k their values are stored in c. There is no local memory and no barrier.
 *
 * a is m rows of k elements, in FORM_GRAD_W k rows of m elements. */
#include "kernels/finish.h"
#include "kernels/matrix.h"
#ifndef LS_CHUNK
#define LS_CHUNK 64u
#endif
#ifndef TILE_ROWS
#define TILE_ROWS 12
#define TILE_VECTORS 2
#define TILE_LANES 16
#define TILE_REPEAT 8
#define TILE_DEPTH 256
#endif

#define CAT(a, b) CAT_(a, b)
#define CAT_(a, b) a##b
#define LANES CAT(float, TILE_LANES)
#define LOAD CAT(vload, TILE_LANES)
#define STORE CAT(vstore, TILE_LANES)
#define TILE_COLUMNS (TILE_VECTORS * TILE_LANES)
#ifdef FORM_GRAD_W
#define A_ROW 1u
#define A_COL m
#else
#define A_ROW k
#define A_COL 1u
#endif

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
    if (count == WIDTH) FOR_VECTORS STORE(LOAD(v, from), v, to);
    else
        for (uint j = 0; j < WIDTH; j++) to[j] = j < count ? from[j] : 0.0f;
}

static void put(__global float *restrict to, const float *restrict from, uint count)
{
    if (count == WIDTH) FOR_VECTORS STORE(LOAD(v, from), v, to);
    else
        for (uint j = 0; j < count; j++) to[j] = from[j];
}

/* ---- The product ----------------------------------------------------------------------------- */

/* Adds kc products to each chain of a tile. */
#define CHAINS(acc, kc)                                                                            \
    for (uint q = 0; q < (kc); q++) {                                                              \
        LANES bq[TILE_VECTORS];                                                                    \
        FOR_VECTORS bq[v] = LOAD(v, bp);                                                           \
        FOR_ROWS                                                                                   \
        {                                                                                          \
            const LANES ai = (LANES)(*row[i]);                                                     \
            row[i] += A_COL;                                                                       \
            FOR_VECTORS acc[i][v] = fma(ai, bq[v], acc[i][v]);                                     \
        }                                                                                          \
        bp += TILE_COLUMNS;                                                                        \
    }

/* Pointers to the tile's rows of a. Rows past the last one repeat it and are not stored. */
#define FIND_ROWS(q0)                                                                              \
    __global const float *row[TILE_ROWS], *bp = panel + (ulong)(q0)*TILE_COLUMNS;                  \
    FOR_ROWS row[i] = a + (ulong)min(i0 + i, m - 1) * A_ROW + (ulong)(q0)*A_COL;

/* The chains' values are stored in c between blocks over k. */
#define FETCH_TILE(values)                                                                         \
    FOR_ROWS FOR_VECTORS values[i][v] = LOAD(v, c + (ulong)min(i0 + i, m - 1) * n + j0);
#define KEEP_TILE(values)                                                                          \
    FOR_ROWS if (i0 + i < m) FOR_VECTORS STORE(values[i][v], v, c + (ulong)(i0 + i) * n + j0);

#define FINISH_TILE(values)                                                                        \
    float done[TILE_ROWS][TILE_COLUMNS];                                                           \
    FOR_ROWS FOR_VECTORS STORE(values[i][v], v, done[i]);                                          \
    for (uint i = 0; i < min((uint)TILE_ROWS, m - i0); i++) {                                      \
        const ulong place = (ulong)(i0 + i) * n + j0;                                              \
        FINISH_VALUES(done[i], place, min((uint)TILE_COLUMNS, n - j0))                             \
    }

/* Common parts of the kernels below. Launch: (blocks of TILE_REPEAT tiles over m, panels over n). A
 * panel that extends past the last column is not blocked over k, so that it never reads c. The
 * depth is a multiple of LS_CHUNK. */
#define BEGIN                                                                                      \
    const uint top = get_group_id(0) * (TILE_ROWS * TILE_REPEAT),                                  \
               j0 = get_group_id(1) * TILE_COLUMNS;                                                \
    const uint depth = j0 + TILE_COLUMNS > n ? k : TILE_DEPTH;                                     \
    AT(a), AT(b), AT(c);                                                                           \
    FINISH_BEGIN                                                                                   \
    __global const float *panel = b + (ulong)j0 * k;
#define FOR_TILES                                                                                  \
    for (uint q0 = 0; q0 < k; q0 += depth)                                                         \
        for (uint i0 = top; i0 < min(top + TILE_ROWS * TILE_REPEAT, m); i0 += TILE_ROWS)

#ifndef FORM_GRAD_W
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void matmul(MATRIX(a), MATRIX(b),
                                                                    MATRIX(start), SHARED(c),
                                                                    const uint m, const uint n,
                                                                    const uint k FINISH_ARGS)
{
    BEGIN
    LANES begin[TILE_VECTORS];
    FOR_VECTORS begin[v] = (LANES)(0.0f);
    if (THERE(start)) {
        float buffer[TILE_COLUMNS];
        get(buffer, start + start_at + j0, min((uint)TILE_COLUMNS, n - j0));
        FOR_VECTORS begin[v] = LOAD(v, buffer);
    }
    FOR_TILES
    {
        LANES acc[TILE_ROWS][TILE_VECTORS];
        FIND_ROWS(q0)
        if (q0 == 0) {
            FOR_ROWS FOR_VECTORS acc[i][v] = begin[v];
        } else {
            FETCH_TILE(acc)
        }
        const uint kc = min(depth, k - q0);
        CHAINS(acc, kc)
        if (q0 + kc < k) {
            KEEP_TILE(acc)
        } else {
            FINISH_TILE(acc)
        }
    }
}
#else
/* The same if k runs over the rows of a batch: chains of LS_CHUNK rows from 0, their sums added in
 * order. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void matmul(MATRIX(a), MATRIX(b), SHARED(c),
                                                                    const uint m, const uint n,
                                                                    const uint k FINISH_ARGS)
{
    BEGIN
    FOR_TILES
    {
        LANES sum[TILE_ROWS][TILE_VECTORS];
        FIND_ROWS(q0)
        if (q0) {
            FETCH_TILE(sum)
        }
        const uint end = min(q0 + depth, k);
        for (uint r0 = q0; r0 < end; r0 += LS_CHUNK) {
            LANES acc[TILE_ROWS][TILE_VECTORS];
            FOR_ROWS FOR_VECTORS acc[i][v] = (LANES)(0.0f);
            const uint kc = min((uint)LS_CHUNK, k - r0);
            CHAINS(acc, kc)
            if (r0) {
                FOR_ROWS FOR_VECTORS sum[i][v] = sum[i][v] + acc[i][v];
            } else {
                FOR_ROWS FOR_VECTORS sum[i][v] = acc[i][v];
            }
        }
        if (end < k) {
            KEEP_TILE(sum)
        } else {
            FINISH_TILE(sum)
        }
    }
}
#endif
