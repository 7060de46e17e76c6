/* SPDX-License-Identifier: MIT */
/* Matrix products for GPUs: c[m × n] = start + a·b, each element one ascending chain of fma over k,
 * followed by an activation, a derivative or an optimizer (finish.h).
 *
 *              TILE_N
 *            ┌────────┐
 *     TILE_K │ b      │
 *            ├────────┤
 *            │        │
 *   TILE_K   └────────┘
 *    ┌──┬───┐┌────────┐
 *    │ a│   ││ c      │ TILE_M
 *    └──┴───┘└────────┘
 *
 * A work-group of TILE_GX × TILE_GY work-items computes TILE_M × TILE_N outputs. Slices of TILE_K
 * columns of a and TILE_K rows of b pass through local memory. There are two buffers: while one
 * slice is multiplied, the next one is read from global memory into registers.
 *
 * Memory is read TILE_V floats at a time: from global memory along the rows of the matrix, if these
 * begin at multiples of a vector, and from a slice into registers. Therefore the TILE_RM × TILE_RN
 * chains of a work-item are groups of TILE_V neighbours, and the groups of all work-items are laid
 * out side by side: TILE_GX of them across, TILE_GY down.
 *
 * a is m rows of k elements, in FORM_GRAD_W k rows of m elements; b is k rows of n elements, in
 * FORM_GRAD_X n rows of k elements. */
#include "kernels/finish.h"
#include "kernels/matrix.h"
#ifndef LS_CHUNK
#define LS_CHUNK 64u
#endif
#ifndef TILE_M
#define TILE_M 64
#define TILE_N 64
#define TILE_K 16
#define TILE_GX 16
#define TILE_GY 16
#define TILE_V 4
#endif

#define TILE_RM (TILE_M / TILE_GY)
#define TILE_RN (TILE_N / TILE_GX)
#define TILE_ITEMS (TILE_GX * TILE_GY)
#define FOR(i, n) _Pragma("unroll") for (uint i = 0; i < (n); i++)

/* Conversion between a vector and an array of floats. */
#if TILE_V == 1
#define VECTOR float
#define JOIN(from) (from)[0]
#define SPREAD(vector, to) (to)[0] = (vector)
#else
#define CAT(a, b) CAT_(a, b)
#define CAT_(a, b) a##b
#define VECTOR CAT(float, TILE_V)
#define JOIN(from) CAT(vload, TILE_V)(0, from)
#define SPREAD(vector, to) CAT(vstore, TILE_V)(vector, 0, to)
#endif
#define ALIGNED(pointer) ((size_t)(pointer) % sizeof(VECTOR) == 0)

/* ---- What finish.h needs; it works on one group of neighbours at a time ---------------------- */

#define WIDTH TILE_V
#define EACH(e) FOR(e, TILE_V)
#define GET get
#define PUT put

static void get(float *to, __global const float *from, uint count)
{
    if (count == TILE_V && ALIGNED(from)) SPREAD(*(__global const VECTOR *)from, to);
    else FOR(e, TILE_V) to[e] = e < count ? from[e] : 0.0f;
}

static void put(__global float *to, const float *from, uint count)
{
    if (count == TILE_V && ALIGNED(to)) *(__global VECTOR *)to = JOIN(from);
    else FOR(e, TILE_V) if (e < count) to[e] = from[e];
}

/* ---- Slices ---------------------------------------------------------------------------------- */

#ifdef FORM_GRAD_W
#define A_ALONG_K 0
#define A_WIDTH m
#else
#define A_ALONG_K 1
#define A_WIDTH k
#endif
#ifdef FORM_GRAD_X
#define B_ALONG_K 1
#define B_WIDTH k
#else
#define B_ALONG_K 0
#define B_WIDTH n
#endif

/* In local memory a slice is TILE_K rows of TILE_M (or TILE_N) floats plus one vector, so that rows
 * begin at multiples of a vector and columns are spread over the memory banks. A matrix that is
 * stored along k is transposed when it is written there. */
#define STRIDE(across) ((across) + TILE_V)
#define SLICE(across) (TILE_K * STRIDE(across) / TILE_V)
#define VECTORS(across) ((across)*TILE_K / TILE_V)
#define LOADS(across) ((VECTORS(across) + TILE_ITEMS - 1) / TILE_ITEMS)

/* Position of vector e of a slice: along k and across it. Neighbouring work-items read neighbouring
 * vectors of memory. */
#define ALONG(e, across, along_k)                                                                  \
    ((along_k) ? (e) % (TILE_K / TILE_V) * TILE_V : (e) / ((across) / TILE_V))
#define ACROSS(e, across, along_k)                                                                 \
    ((along_k) ? (e) / (TILE_K / TILE_V) : (e) % ((across) / TILE_V) * TILE_V)

/* TILE_V floats of a matrix from (row, column) on. Elements outside the matrix read as 0 and never
 * enter a stored chain. whole: rows begin at multiples of a vector, so that no vector extends past
 * the end of a row. */
static VECTOR fetch(__global const float *restrict from, uint row, uint column, uint rows,
                    uint columns, int whole)
{
    float one[TILE_V];
    if (row >= rows || column >= columns) return (VECTOR)(0.0f);
    from += (ulong)row * columns + column;
    if (whole) return *(__global const VECTOR *)from;
    FOR(e, TILE_V) one[e] = column + e < columns ? from[e] : 0.0f;
    return JOIN(one);
}

static void keep(__local VECTOR *slice, uint stride, uint q, uint x, int along_k, VECTOR vector)
{
    float one[TILE_V];
    SPREAD(vector, one);
    if (along_k) FOR(e, TILE_V)((__local float *)slice)[(q + e) * stride + x] = one[e];
    else slice[(q * stride + x) / TILE_V] = vector;
}

/* Reads a work-item's part of the slice at k0 into registers; x0 and extent are the start and size
 * in the other dimension. */
#define FETCH(next, from, k0, x0, extent, across, along_k, whole)                                  \
    FOR(l, LOADS(across))                                                                          \
    {                                                                                              \
        const uint e = item + l * TILE_ITEMS, q = (k0) + ALONG(e, across, along_k),                \
                   x = (x0) + ACROSS(e, across, along_k);                                          \
        if (e < VECTORS(across))                                                                   \
            next[l] = (along_k) ? fetch(from, x, q, extent, k, whole)                              \
                                : fetch(from, q, x, k, extent, whole);                             \
    }

/* Writes the registers to the local slice. */
#define KEEP(slice, next, across, along_k)                                                         \
    FOR(l, LOADS(across))                                                                          \
    {                                                                                              \
        const uint e = item + l * TILE_ITEMS;                                                      \
        if (e < VECTORS(across))                                                                   \
            keep(slice, STRIDE(across), ALONG(e, across, along_k), ACROSS(e, across, along_k),     \
                 along_k, next[l]);                                                                \
    }

#define FETCH_BOTH(k0)                                                                             \
    FETCH(next_a, a, k0, i0, m, TILE_M, A_ALONG_K, whole_a)                                        \
    FETCH(next_b, b, k0, j0, n, TILE_N, B_ALONG_K, whole_b)
#define KEEP_BOTH(side)                                                                            \
    KEEP(slice_a[side], next_a, TILE_M, A_ALONG_K)                                                 \
    KEEP(slice_b[side], next_b, TILE_N, B_ALONG_K)

/* ---- The product ----------------------------------------------------------------------------- */

/* Row and column in the tile of a work-item's i-th row and j-th column. */
#define ROW(i) (((i) / TILE_V * TILE_GY + ty) * TILE_V + (i) % TILE_V)
#define COLUMN(j) (((j) / TILE_V * TILE_GX + tx) * TILE_V + (j) % TILE_V)

/* Adds one product to each chain. */
#define MULTIPLY(side, q)                                                                          \
    {                                                                                              \
        float ai[TILE_RM], bj[TILE_RN];                                                            \
        FOR(g, TILE_RM / TILE_V)                                                                   \
        SPREAD(slice_a[side][((q)*STRIDE(TILE_M) + ROW(g * TILE_V)) / TILE_V], ai + g * TILE_V);   \
        FOR(g, TILE_RN / TILE_V)                                                                   \
        SPREAD(slice_b[side][((q)*STRIDE(TILE_N) + COLUMN(g * TILE_V)) / TILE_V],                  \
               bj + g * TILE_V);                                                                   \
        FOR(i, TILE_RM) FOR(j, TILE_RN) acc[i][j] = fma(ai[i], bj[j], acc[i][j]);                  \
    }

/* The whole product; AFTER_SLICE runs after the slice that begins at k0 has been multiplied. If k
 * ends within the last slice, only that part is multiplied: a product of zeros could turn -0 into
 * +0. Each 32 work-items, which many devices run together, compute a block of 8 × 4 groups: they
 * then read 12 vectors of a slice, with few bank conflicts. */
#define PRODUCT(AFTER_SLICE)                                                                       \
    __local VECTOR slice_a[2][SLICE(TILE_M)], slice_b[2][SLICE(TILE_N)];                           \
    const uint item = get_local_id(0);                                                             \
    const uint tx = item / 32 % (TILE_GX / 8) * 8 + item % 8,                                      \
               ty = item / 32 / (TILE_GX / 8) * 4 + item % 32 / 8;                                 \
    const uint j0 = get_group_id(0) * TILE_N, i0 = get_group_id(1) * TILE_M;                       \
    VECTOR next_a[LOADS(TILE_M)], next_b[LOADS(TILE_N)];                                           \
    float acc[TILE_RM][TILE_RN];                                                                   \
    AT(a), AT(b), AT(c);                                                                           \
    FINISH_BEGIN                                                                                   \
    const int whole_a = A_WIDTH % TILE_V == 0 && ALIGNED(a),                                       \
              whole_b = B_WIDTH % TILE_V == 0 && ALIGNED(b);                                       \
    START                                                                                          \
    FETCH_BOTH(0)                                                                                  \
    KEEP_BOTH(0)                                                                                   \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                  \
    for (uint k0 = 0, side = 0; k0 < k; k0 += TILE_K, side = 1 - side) {                           \
        if (k0 + TILE_K < k) {                                                                     \
            FETCH_BOTH(k0 + TILE_K)                                                                \
        }                                                                                          \
        if (k0 + TILE_K <= k) {                                                                    \
            _Pragma("unroll 8") for (uint q = 0; q < TILE_K; q++) MULTIPLY(side, q)                \
        } else {                                                                                   \
            _Pragma("unroll 1") for (uint q = 0; q < k - k0; q++) MULTIPLY(side, q)                \
        }                                                                                          \
        AFTER_SLICE                                                                                \
        if (k0 + TILE_K < k) {                                                                     \
            KEEP_BOTH(1 - side)                                                                    \
        }                                                                                          \
        barrier(CLK_LOCAL_MEM_FENCE);                                                              \
    }

/* Finishes row after row in the registers of the first one: what follows a product is then compiled
 * once per row and not once per value. */
#define FINISH_ALL(values)                                                                         \
    _Pragma("unroll 1") for (uint i = 0; i < TILE_RM; i++)                                         \
    {                                                                                              \
        const uint row = i0 + ROW(i);                                                              \
        FOR(g, TILE_RN / TILE_V)                                                                   \
        {                                                                                          \
            const uint column = j0 + COLUMN(g * TILE_V);                                           \
            const ulong place = (ulong)row * n + column;                                           \
            float group[TILE_V];                                                                   \
            FOR(e, TILE_V) group[e] = values[0][g * TILE_V + e];                                   \
            if (row < m && column < n) {                                                           \
                FINISH_VALUES(group, place, min((uint)TILE_V, n - column))                         \
            }                                                                                      \
        }                                                                                          \
        FOR(u, TILE_RM - 1) FOR(j, TILE_RN) values[u][j] = values[u + 1][j];                       \
    }

#ifndef FORM_GRAD_W
__kernel __attribute__((reqd_work_group_size(TILE_ITEMS, 1, 1))) void matmul(
    MATRIX(a), MATRIX(b), MATRIX(start), SHARED(c), const uint m, const uint n,
    const uint k FINISH_ARGS)
{
#define START                                                                                      \
    FOR(j, TILE_RN)                                                                                \
    {                                                                                              \
        const uint column = j0 + COLUMN(j);                                                        \
        const float from = THERE(start) && column < n ? start[start_at + column] : 0.0f;           \
        FOR(i, TILE_RM) acc[i][j] = from;                                                          \
    }
    PRODUCT()
    FINISH_ALL(acc)
}
#else
/* The same if k runs over the rows of a batch: chains of LS_CHUNK rows (a multiple of TILE_K) from
 * 0, their sums added in order. */
__kernel __attribute__((reqd_work_group_size(TILE_ITEMS, 1, 1))) void matmul(
    MATRIX(a), MATRIX(b), SHARED(c), const uint m, const uint n, const uint k FINISH_ARGS)
{
    float sum[TILE_RM][TILE_RN];
#define START FOR(i, TILE_RM) FOR(j, TILE_RN) acc[i][j] = 0.0f;
#define END_CHUNK                                                                                  \
    if ((k0 + TILE_K) % LS_CHUNK == 0 || k0 + TILE_K >= k) {                                       \
        FOR(i, TILE_RM) FOR(j, TILE_RN)                                                            \
        {                                                                                          \
            sum[i][j] = k0 < LS_CHUNK ? acc[i][j] : sum[i][j] + acc[i][j];                         \
            acc[i][j] = 0.0f;                                                                      \
        }                                                                                          \
    }
    PRODUCT(END_CHUNK)
    FINISH_ALL(sum)
}
#endif
