/* SPDX-License-Identifier: MIT */
/* Matrix products for GPUs: c[m × n] = start + a·b, each element one ascending chain of fma over k, and what follows.
 *
 *            TILE_N                 A work-group of TILE_GX × TILE_GY work-items computes TILE_M × TILE_N outputs. Slices of
 *          ┌────────┐               TILE_K columns of a and rows of b pass through local memory, two slices in turn: while
 *   TILE_K │ b      │               one is multiplied, the next is on its way from global memory into registers. Each
 *          ├────────┤               work-item keeps TILE_RM × TILE_RN chains, spread over the tile so that neighbours
 *          │        │               read neighbouring words.
 *          └────────┘
 *  ┌──┬───┐┌────────┐               a lies as m rows of k, in FORM_GRAD_W as k rows of m; b as k rows of n, in FORM_GRAD_X
 *  │ a│   ││ c      │ TILE_M        as n rows of k. Loads run along those rows.
 *  └──┴───┘└────────┘
 */
#include "matrix.h"
#include "finish.h"
#ifndef LS_CHUNK
#define LS_CHUNK 64u
#endif
#ifndef TILE_M
#define TILE_M 64
#define TILE_N 64
#define TILE_K 16
#define TILE_GX 16
#define TILE_GY 16
#endif

#define TILE_RM (TILE_M / TILE_GY)
#define TILE_RN (TILE_N / TILE_GX)
#define TILE_ITEMS (TILE_GX * TILE_GY)
#define LOADS_A ((TILE_M * TILE_K + TILE_ITEMS - 1) / TILE_ITEMS)
#define LOADS_B ((TILE_N * TILE_K + TILE_ITEMS - 1) / TILE_ITEMS)
#define STRIDE_A (TILE_M + 1) /* padded: columns of a slice then lie in different banks */
#define STRIDE_B (TILE_N + 1)

#ifdef FORM_GRAD_W
#define A_ALONG_K 0
#define A_ROW 1u
#define A_COL m
#else
#define A_ALONG_K 1
#define A_ROW k
#define A_COL 1u
#endif
#ifdef FORM_GRAD_X
#define B_ALONG_K 1
#define B_ROW 1u
#define B_COL k
#else
#define B_ALONG_K 0
#define B_ROW n
#define B_COL 1u
#endif

/* What finish.h needs: one value at a time. */
#define WIDTH 1
#define EACH(e) for (uint e = 0; e < 1; e++)
#define GET(to, from, count) (to)[0] = *(from)
#define PUT(to, from, count) *(to) = (from)[0]

#define FOR(i, n) _Pragma("unroll") for (uint i = 0; i < (n); i++)

/* Place e of a slice as (along k, across): the one whose stride in memory is 1 runs fastest over the work-items. */
#define SLICE_K(e, across, along_k) ((along_k) ? (e) % TILE_K : (e) / (across))
#define SLICE_X(e, across, along_k) ((along_k) ? (e) / TILE_K : (e) % (across))

/* Slice at k0 into registers; what is outside reads as 0 and is never used in a stored chain. */
#define FETCH(k0)                                                                                              \
    FOR(l, LOADS_A)                                                                                            \
    {                                                                                                          \
        const uint e = item + l * TILE_ITEMS, q = (k0) + SLICE_K(e, TILE_M, A_ALONG_K),                        \
                   i = i0 + SLICE_X(e, TILE_M, A_ALONG_K);                                                     \
        next_a[l] = e < TILE_M * TILE_K && q < k && i < m ? a[(ulong)i * A_ROW + (ulong)q * A_COL] : 0.0f;     \
    }                                                                                                          \
    FOR(l, LOADS_B)                                                                                            \
    {                                                                                                          \
        const uint e = item + l * TILE_ITEMS, q = (k0) + SLICE_K(e, TILE_N, B_ALONG_K),                        \
                   j = j0 + SLICE_X(e, TILE_N, B_ALONG_K);                                                     \
        next_b[l] = e < TILE_N * TILE_K && q < k && j < n ? b[(ulong)q * B_ROW + (ulong)j * B_COL] : 0.0f;     \
    }

/* Registers into the local slice `side`. */
#define KEEP(side)                                                                                             \
    FOR(l, LOADS_A)                                                                                            \
    {                                                                                                          \
        const uint e = item + l * TILE_ITEMS;                                                                  \
        if (e < TILE_M * TILE_K)                                                                               \
            slice_a[side][SLICE_K(e, TILE_M, A_ALONG_K) * STRIDE_A + SLICE_X(e, TILE_M, A_ALONG_K)] = next_a[l];\
    }                                                                                                          \
    FOR(l, LOADS_B)                                                                                            \
    {                                                                                                          \
        const uint e = item + l * TILE_ITEMS;                                                                  \
        if (e < TILE_N * TILE_K)                                                                               \
            slice_b[side][SLICE_K(e, TILE_N, B_ALONG_K) * STRIDE_B + SLICE_X(e, TILE_N, B_ALONG_K)] = next_b[l];\
    }

/* One product onto each chain. */
#define MULTIPLY(side, q)                                                                                      \
    {                                                                                                          \
        float ai[TILE_RM], bj[TILE_RN];                                                                        \
        FOR(i, TILE_RM) ai[i] = slice_a[side][(q)*STRIDE_A + ty + i * TILE_GY];                                \
        FOR(j, TILE_RN) bj[j] = slice_b[side][(q)*STRIDE_B + tx + j * TILE_GX];                                \
        FOR(i, TILE_RM) FOR(j, TILE_RN) acc[i][j] = fma(ai[i], bj[j], acc[i][j]);                              \
    }

/* The whole product; AFTER_SLICE(k0) runs when the slice that begins at k0 has been multiplied. A last slice that is cut
 * short is multiplied only as far as k goes: a product of zeros could turn -0 into +0. */
#define PRODUCT(AFTER_SLICE)                                                                                   \
    __local float slice_a[2][TILE_K * STRIDE_A], slice_b[2][TILE_K * STRIDE_B];                                \
    const uint tx = get_local_id(0), ty = get_local_id(1), item = ty * TILE_GX + tx;                           \
    const uint j0 = get_group_id(0) * TILE_N, i0 = get_group_id(1) * TILE_M;                                   \
    float next_a[LOADS_A], next_b[LOADS_B], acc[TILE_RM][TILE_RN];                                             \
    AT(a), AT(b), AT(c);                                                                                       \
    FINISH_BEGIN                                                                                               \
    START                                                                                                      \
    FETCH(0)                                                                                                   \
    KEEP(0)                                                                                                    \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                              \
    for (uint k0 = 0, side = 0; k0 < k; k0 += TILE_K, side = 1 - side) {                                       \
        if (k0 + TILE_K < k) FETCH(k0 + TILE_K)                                                                \
        if (k0 + TILE_K <= k) {                                                                                \
            FOR(q, TILE_K) MULTIPLY(side, q)                                                                   \
        } else {                                                                                               \
            for (uint q = 0; q < k - k0; q++) MULTIPLY(side, q)                                                \
        }                                                                                                      \
        AFTER_SLICE                                                                                            \
        if (k0 + TILE_K < k) KEEP(1 - side)                                                                    \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                          \
    }

/* Row after row through the first one's registers: what follows a product is compiled once a row, not once a value. */
#define FINISH_ALL(values)                                                                                     \
    _Pragma("unroll 1") for (uint i = 0; i < TILE_RM; i++) {                                                   \
        FOR(j, TILE_RN)                                                                                        \
        {                                                                                                      \
            const uint ci = i0 + ty + i * TILE_GY, cj = j0 + tx + j * TILE_GX;                                 \
            const ulong place = (ulong)ci * n + cj;                                                            \
            float value[WIDTH] = {values[0][j]};                                                               \
            if (ci < m && cj < n) {                                                                            \
                FINISH_VALUES(value, place, 1)                                                                 \
            }                                                                                                  \
        }                                                                                                      \
        FOR(u, TILE_RM - 1) FOR(j, TILE_RN) values[u][j] = values[u + 1][j];                                   \
    }

#ifndef FORM_GRAD_W
__kernel __attribute__((reqd_work_group_size(TILE_GX, TILE_GY, 1)))
void matmul(MATRIX(a), MATRIX(b), MATRIX(start), SHARED(c), const uint m, const uint n, const uint k FINISH_ARGS)
{
#define START                                                                                                  \
    FOR(j, TILE_RN)                                                                                            \
    {                                                                                                          \
        const uint cj = j0 + tx + j * TILE_GX;                                                                 \
        const float from = THERE(start) && cj < n ? start[start_at + cj] : 0.0f;                               \
        FOR(i, TILE_RM) acc[i][j] = from;                                                                      \
    }
    PRODUCT()
    FINISH_ALL(acc)
}
#else
/* The same where k runs over the rows of a batch: chains of LS_CHUNK rows (a multiple of TILE_K) from 0, their sums added
 * in order. */
__kernel __attribute__((reqd_work_group_size(TILE_GX, TILE_GY, 1)))
void matmul(MATRIX(a), MATRIX(b), SHARED(c), const uint m, const uint n, const uint k FINISH_ARGS)
{
    float sum[TILE_RM][TILE_RN];
#define START FOR(i, TILE_RM) FOR(j, TILE_RN) acc[i][j] = 0.0f;
#define END_CHUNK                                                                                              \
    if ((k0 + TILE_K) % LS_CHUNK == 0 || k0 + TILE_K >= k) {                                                   \
        FOR(i, TILE_RM) FOR(j, TILE_RN)                                                                        \
        {                                                                                                      \
            sum[i][j] = k0 < LS_CHUNK ? acc[i][j] : sum[i][j] + acc[i][j];                                     \
            acc[i][j] = 0.0f;                                                                                  \
        }                                                                                                      \
    }
    PRODUCT(END_CHUNK)
    FINISH_ALL(sum)
}
#endif
