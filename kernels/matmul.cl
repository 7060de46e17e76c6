/* SPDX-License-Identifier: MIT */
/* Matrix products for CPU devices: c[m × n] = start + a·b, each element one ascending chain of fma over k.
 *
 *                panel: TILE_COLUMNS = TILE_VECTORS vectors
 *               ┌────────┐
 *               │ b      │ k       b is packed first, panel by panel, so that a chain's operands lie side by side.
 *               └────────┘         One work-item (and work-group) takes TILE_REPEAT tiles below each other. A tile's
 *        k      ┌────────┐         TILE_ROWS × TILE_COLUMNS chains stay in registers for TILE_DEPTH products; between such
 *  ┌──────────┐ │ c      │ tile    blocks over k their values wait in c. No local memory, no barrier.
 *  │ a        │ ├────────┤
 *  │          │ │        │ tile    Element (i, k) of a is a[i·a_row + k·a_col], element (k, j) of b is
 *  └──────────┘ └────────┘         b[k·b_row + j·b_col]: a transpose is a matter of strides.
 */
#include "matrix.h"
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

/* Panels of b, zeros behind the last column. Launch: (k, panels); one work-item a row of a panel. */
__kernel void pack(MATRIX(b), MATRIX(out), const uint n, const uint k, const uint b_row, const uint b_col)
{
    const uint q = get_global_id(0), j0 = get_global_id(1) * TILE_COLUMNS;
    if (q >= k) return;
    AT(b), AT(out);
    b += (ulong)q * b_row + (ulong)j0 * b_col;
    out += (ulong)j0 * k + (ulong)q * TILE_COLUMNS;
    const uint width = min((uint)TILE_COLUMNS, n - j0);
    for (uint j = 0; j < width; j++) out[j] = b[(ulong)j * b_col];
    for (uint j = width; j < TILE_COLUMNS; j++) out[j] = 0.0f;
}

#define FOR_ROWS _Pragma("unroll") for (uint i = 0; i < TILE_ROWS; i++)
#define FOR_VECTORS _Pragma("unroll") for (uint v = 0; v < TILE_VECTORS; v++)

/* Writes a tile's row, of which only `width` columns are inside c. */
static void store_edge(const LANES *restrict values, __global float *restrict c, uint width)
{
    float buffer[TILE_COLUMNS];
    FOR_VECTORS STORE(values[v], v, buffer);
    for (uint j = 0; j < width; j++) c[j] = buffer[j];
}

/* kc products onto each chain of a tile. */
#define CHAINS(acc, kc)                                                                                        \
    for (uint q = 0; q < (kc); q++) {                                                                          \
        LANES bq[TILE_VECTORS];                                                                                \
        FOR_VECTORS bq[v] = LOAD(v, bp);                                                                       \
        FOR_ROWS                                                                                               \
        {                                                                                                      \
            const LANES ai = (LANES)(*row[i]);                                                                 \
            row[i] += a_col;                                                                                   \
            FOR_VECTORS acc[i][v] = fma(ai, bq[v], acc[i][v]);                                                 \
        }                                                                                                      \
        bp += TILE_COLUMNS;                                                                                    \
    }

/* Rows past the edge repeat the last one and are not stored. */
#define FIND_ROWS(q0)                                                                                          \
    __global const float *row[TILE_ROWS], *bp = panel + (ulong)(q0)*TILE_COLUMNS;                              \
    FOR_ROWS row[i] = a + (ulong)min(i0 + i, m - 1) * a_row + (ulong)(q0)*a_col;

#define STORE_TILE(values)                                                                                     \
    FOR_ROWS if (i0 + i < m)                                                                                   \
    {                                                                                                          \
        __global float *ci = c + (ulong)(i0 + i) * n + j0;                                                     \
        if (edge) store_edge(values[i], ci, n - j0);                                                           \
        else FOR_VECTORS STORE(values[i][v], v, ci);                                                           \
    }

/* Launch: (blocks of TILE_REPEAT tiles over m, panels over n). A panel over the edge is not blocked over k, so that c is
 * only written there. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void matmul(MATRIX(a), MATRIX(b), MATRIX(start), MATRIX(c), const uint m, const uint n, const uint k, const uint a_row,
            const uint a_col)
{
    const uint first = get_group_id(0) * (TILE_ROWS * TILE_REPEAT), j0 = get_group_id(1) * TILE_COLUMNS;
    const int edge = j0 + TILE_COLUMNS > n;
    const uint depth = edge ? k : TILE_DEPTH;
    AT(a), AT(b), AT(c);
    __global const float *panel = b + (ulong)j0 * k;
    LANES begin[TILE_VECTORS];
    FOR_VECTORS begin[v] = (LANES)(0.0f);
    if (THERE(start)) {
        float buffer[TILE_COLUMNS];
        for (uint j = 0; j < TILE_COLUMNS; j++) buffer[j] = j0 + j < n ? start[start_at + j0 + j] : 0.0f;
        FOR_VECTORS begin[v] = LOAD(v, buffer);
    }
    for (uint q0 = 0; q0 < k; q0 += depth)
        for (uint i0 = first; i0 < min(first + TILE_ROWS * TILE_REPEAT, m); i0 += TILE_ROWS) {
            LANES acc[TILE_ROWS][TILE_VECTORS];
            FIND_ROWS(q0)
            if (q0 == 0) {
                FOR_ROWS FOR_VECTORS acc[i][v] = begin[v];
            } else {
                FOR_ROWS FOR_VECTORS acc[i][v] = LOAD(v, c + (ulong)min(i0 + i, m - 1) * n + j0);
            }
            const uint kc = min(depth, k - q0);
            CHAINS(acc, kc)
            STORE_TILE(acc)
        }
}

/* The same where k runs over the rows of a batch: chains of LS_CHUNK rows from 0, their sums added in order. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void matmul_over_rows(MATRIX(a), MATRIX(b), MATRIX(c), const uint m, const uint n, const uint k, const uint a_row,
                      const uint a_col)
{
    const uint first = get_group_id(0) * (TILE_ROWS * TILE_REPEAT), j0 = get_group_id(1) * TILE_COLUMNS;
    const int edge = j0 + TILE_COLUMNS > n;
    const uint depth = edge ? k : TILE_DEPTH; /* a multiple of LS_CHUNK */
    AT(a), AT(b), AT(c);
    __global const float *panel = b + (ulong)j0 * k;
    for (uint q0 = 0; q0 < k; q0 += depth)
        for (uint i0 = first; i0 < min(first + TILE_ROWS * TILE_REPEAT, m); i0 += TILE_ROWS) {
            LANES sum[TILE_ROWS][TILE_VECTORS];
            FIND_ROWS(q0)
            if (q0) {
                FOR_ROWS FOR_VECTORS sum[i][v] = LOAD(v, c + (ulong)min(i0 + i, m - 1) * n + j0);
            }
            for (uint r0 = q0; r0 < min(q0 + depth, k); r0 += LS_CHUNK) {
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
            STORE_TILE(sum)
        }
}
