/* SPDX-License-Identifier: MIT */
/* c[m × n] = start + a·b, each element one ascending chain of fma over k.
 *
 *              TILE_COLUMNS = TILE_VECTORS vectors
 *             ┌────────┐
 *             │ b      │ k        One work-item keeps a TILE_ROWS × TILE_COLUMNS tile of chains in registers and
 *             └────────┘          needs neither local memory nor a barrier. Launch: (tiles over n, tiles over m),
 *        k    ┌────────┐          padded. Element (i, k) of a is a[i·a_row + k·a_col], so that a transpose is a
 *  ┌────────┐ │ c      │          matter of strides; b is row-major.
 *  │ a      │ │        │ TILE_ROWS
 *  └────────┘ └────────┘
 */
#ifndef TILE_ROWS
#define TILE_ROWS 4
#define TILE_VECTORS 1
#define TILE_LANES 4
#define TILE_GROUP 64
#endif

#define CAT(a, b) CAT_(a, b)
#define CAT_(a, b) a##b
#define LANES CAT(float, TILE_LANES)
#define LOAD CAT(vload, TILE_LANES)
#define STORE CAT(vstore, TILE_LANES)
#define TILE_COLUMNS (TILE_VECTORS * TILE_LANES)

/* The rest of a row of tiles, narrower than a tile: column by column. */
#define EDGE_COLUMNS(SUM)                                                                                      \
    for (uint j = j0; j < n; j++)                                                                              \
        for (uint i = i0; i < min(i0 + TILE_ROWS, m); i++) {                                                   \
            __global const float *ai = a + (ulong)i * a_row, *bj = b + j;                                      \
            SUM                                                                                                \
        }

__kernel __attribute__((reqd_work_group_size(TILE_GROUP, 1, 1)))
void matmul(MATRIX(a), MATRIX(b), MATRIX(start), MATRIX(c), const uint m, const uint n, const uint k, const uint a_row,
            const uint a_col)
{
    const uint j0 = get_global_id(0) * TILE_COLUMNS, i0 = get_global_id(1) * TILE_ROWS;
    if (j0 >= n) return;
    AT(a), AT(b), AT(c);
    const int from = THERE(start);
    start += from ? start_at : 0;
    if (j0 + TILE_COLUMNS > n) {
        EDGE_COLUMNS(float acc = from ? start[j] : 0.0f;
                     for (uint q = 0; q < k; q++) acc = ls_fma(ai[(ulong)q * a_col], bj[(ulong)q * n], acc);
                     c[(ulong)i * n + j] = acc;)
        return;
    }
    LANES acc[TILE_ROWS][TILE_VECTORS];
    __global const float *row[TILE_ROWS];
#pragma unroll
    for (uint i = 0; i < TILE_ROWS; i++) {
        row[i] = a + (ulong)min(i0 + i, m - 1) * a_row; /* rows past the edge repeat the last and are not stored */
#pragma unroll
        for (uint v = 0; v < TILE_VECTORS; v++) acc[i][v] = from ? LOAD(v, start + j0) : (LANES)(0.0f);
    }
    for (uint q = 0; q < k; q++) {
        LANES bq[TILE_VECTORS];
#pragma unroll
        for (uint v = 0; v < TILE_VECTORS; v++) bq[v] = LOAD(v, b + (ulong)q * n + j0);
#pragma unroll
        for (uint i = 0; i < TILE_ROWS; i++) {
            const LANES ai = (LANES)(row[i][(ulong)q * a_col]);
#pragma unroll
            for (uint v = 0; v < TILE_VECTORS; v++) acc[i][v] = fma(ai, bq[v], acc[i][v]);
        }
    }
#pragma unroll
    for (uint i = 0; i < TILE_ROWS; i++)
        if (i0 + i < m) {
#pragma unroll
            for (uint v = 0; v < TILE_VECTORS; v++) STORE(acc[i][v], v, c + (ulong)(i0 + i) * n + j0);
        }
}

/* The same where k runs over the rows of a batch: chains of LS_CHUNK rows from 0, their sums added in order into c. */
__kernel __attribute__((reqd_work_group_size(TILE_GROUP, 1, 1)))
void matmul_over_rows(MATRIX(a), MATRIX(b), MATRIX(c), const uint m, const uint n, const uint k, const uint a_row,
                      const uint a_col)
{
    const uint j0 = get_global_id(0) * TILE_COLUMNS, i0 = get_global_id(1) * TILE_ROWS;
    if (j0 >= n) return;
    AT(a), AT(b), AT(c);
    if (j0 + TILE_COLUMNS > n) {
        EDGE_COLUMNS(float sum = 0.0f;
                     for (uint q0 = 0; q0 < k; q0 += LS_CHUNK) {
                         float acc = 0.0f;
                         for (uint q = q0; q < min(q0 + LS_CHUNK, k); q++)
                             acc = ls_fma(ai[(ulong)q * a_col], bj[(ulong)q * n], acc);
                         sum = q0 ? sum + acc : acc;
                     }
                     c[(ulong)i * n + j] = sum;)
        return;
    }
    __global const float *row[TILE_ROWS];
#pragma unroll
    for (uint i = 0; i < TILE_ROWS; i++) row[i] = a + (ulong)min(i0 + i, m - 1) * a_row;
    for (uint q0 = 0; q0 < k; q0 += LS_CHUNK) {
        LANES acc[TILE_ROWS][TILE_VECTORS];
#pragma unroll
        for (uint i = 0; i < TILE_ROWS; i++)
#pragma unroll
            for (uint v = 0; v < TILE_VECTORS; v++) acc[i][v] = (LANES)(0.0f);
        for (uint q = q0; q < min(q0 + LS_CHUNK, k); q++) {
            LANES bq[TILE_VECTORS];
#pragma unroll
            for (uint v = 0; v < TILE_VECTORS; v++) bq[v] = LOAD(v, b + (ulong)q * n + j0);
#pragma unroll
            for (uint i = 0; i < TILE_ROWS; i++) {
                const LANES ai = (LANES)(row[i][(ulong)q * a_col]);
#pragma unroll
                for (uint v = 0; v < TILE_VECTORS; v++) acc[i][v] = fma(ai, bq[v], acc[i][v]);
            }
        }
#pragma unroll
        for (uint i = 0; i < TILE_ROWS; i++)
            if (i0 + i < m) {
                __global float *ci = c + (ulong)(i0 + i) * n + j0;
#pragma unroll
                for (uint v = 0; v < TILE_VECTORS; v++)
                    STORE(q0 ? LOAD(v, ci) + acc[i][v] : acc[i][v], v, ci);
            }
    }
}

/* out[columns × rows] = the transpose of x[rows × columns]. Launch: (rows, columns). */
__kernel void transpose(MATRIX(x), MATRIX(out), const uint rows, const uint columns)
{
    const uint r = get_global_id(0), c = get_global_id(1);
    AT(x), AT(out);
    if (r < rows) out[(ulong)c * rows + r] = x[(ulong)r * columns + c];
}
