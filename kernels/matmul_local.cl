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
 * columns of a and TILE_K rows of b pass through local memory (slices.h), which has room for
 * TILE_SLICES of them: while one is multiplied, the others are on their way. They go through
 * registers, or with TILE_DIRECT straight to local memory.
 *
 * Memory is read TILE_V floats at a time: from global memory along the rows of the matrix, if these
 * begin at multiples of a vector, and from a slice into registers. Therefore the TILE_RM × TILE_RN
 * chains of a work-item are groups of TILE_V neighbours, and the groups of all work-items are laid
 * out side by side: TILE_GX of them across, TILE_GY down.
 *
 * What else a tile chooses (host/opencl/cl_tile.h), none of which changes a bit:
 *   TILE_BAND        groups run through the tiles of TILE_BAND rows of tiles together, so that
 * those that run at the same time share operands in the cache TILE_SERPENTINE  a work-item goes
 * through its chains to and fro: two fma in turn share an operand TILE_LOCAL_SUMS  the sums of
 * chunks of rows are kept in local memory; in registers they need as many as the chains TILE_DEPTH
 * steps along k that are unrolled
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
#define TILE_SLICES 2
#define TILE_BAND 1
#define TILE_DEPTH 8
#endif

#define TILE_RM (TILE_M / TILE_GY)
#define TILE_RN (TILE_N / TILE_GX)
#define TILE_ITEMS (TILE_GX * TILE_GY)
#include "kernels/slices.h"

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

/* ---- The operands' slices -------------------------------------------------------------------- */

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

/* A slice sets out at BEGIN_SLICE and has arrived at END_SLICE or, if copies are asynchronous,
 * after ARRIVE. */
#ifdef TILE_DIRECT
#define BEGIN_SLICE(side, k0)                                                                      \
    COPY(slice_a[side], a, k0, i0, k, m, TILE_M, A_ALONG_K, whole_a,                               \
         inside_a && (k0) + TILE_K <= k)                                                           \
    COPY(slice_b[side], b, k0, j0, k, n, TILE_N, B_ALONG_K, whole_b, inside_b && (k0) + TILE_K <= k)
#define END_SLICE(side)
#define ARRIVE COPY_WAIT(TILE_SLICES - 2)
#define ROOM
#else
#define BEGIN_SLICE(side, k0)                                                                      \
    FETCH(next_a, a, k0, i0, k, m, TILE_M, A_ALONG_K, whole_a, inside_a && (k0) + TILE_K <= k)     \
    FETCH(next_b, b, k0, j0, k, n, TILE_N, B_ALONG_K, whole_b, inside_b && (k0) + TILE_K <= k)
#define END_SLICE(side)                                                                            \
    KEEP(slice_a[side], next_a, TILE_M, A_ALONG_K)                                                 \
    KEEP(slice_b[side], next_b, TILE_N, B_ALONG_K)
#define ARRIVE
#define ROOM VECTOR next_a[TURNS(TILE_M, TILE_V)], next_b[TURNS(TILE_N, TILE_V)];
#undef COPY_END
#define COPY_END
#endif

/* ---- The product ----------------------------------------------------------------------------- */

/* 32 work-items, which many devices run together, compute a block of 8 × 4 groups of neighbours, or
 * a higher one: they then read 12 vectors of a slice, with few bank conflicts. */
#if TILE_ITEMS < 32
#define BLOCK_X TILE_GX
#define BLOCK_Y TILE_GY
#else
#define BLOCK_X (TILE_GX < 8 ? TILE_GX : 8)
#define BLOCK_Y (32 / BLOCK_X)
#endif
#define BLOCK (BLOCK_X * BLOCK_Y)
#define PLACE_ITEM                                                                                 \
    const uint item = get_local_id(0);                                                             \
    const uint tx = item / BLOCK % (TILE_GX / BLOCK_X) * BLOCK_X + item % BLOCK_X,                 \
               ty = item / BLOCK / (TILE_GX / BLOCK_X) * BLOCK_Y + item % BLOCK / BLOCK_X;

/* Row and column in the tile of a work-item's i-th row and j-th column. */
#define ROW(i) (((i) / TILE_V * TILE_GY + ty) * TILE_V + (i) % TILE_V)
#define COLUMN(j) (((j) / TILE_V * TILE_GX + tx) * TILE_V + (j) % TILE_V)

#if TILE_BAND > 1
#define PLACE_TILE                                                                                 \
    const uint across = get_num_groups(0), number = get_group_id(1) * across + get_group_id(0),    \
               band = number / (TILE_BAND * across) * TILE_BAND,                                   \
               within = number % (TILE_BAND * across),                                             \
               height = min((uint)TILE_BAND, (uint)get_num_groups(1) - band);                      \
    const uint i0 = (band + within % height) * TILE_M, j0 = within / height * TILE_N;
#else
#define PLACE_TILE const uint j0 = get_group_id(0) * TILE_N, i0 = get_group_id(1) * TILE_M;
#endif

#ifdef TILE_SERPENTINE
#define TURN(i, j) ((i) % 2 ? TILE_RN - 1 - (j) : (j))
#else
#define TURN(i, j) (j)
#endif

/* Reads the operands of step q of the slice into the given one of two sets of registers, and adds
 * their products to the chains. */
#define READ_STEP(set, q)                                                                          \
    FOR(g, TILE_RM / TILE_V)                                                                       \
    SPREAD(from_a[((q)*STRIDE(TILE_M) + ROW(g * TILE_V)) / TILE_V], ai[set] + g * TILE_V);         \
    FOR(g, TILE_RN / TILE_V)                                                                       \
    SPREAD(from_b[((q)*STRIDE(TILE_N) + COLUMN(g * TILE_V)) / TILE_V], bj[set] + g * TILE_V);
#define ADD_STEP(set)                                                                              \
    FOR(i, TILE_RM)                                                                                \
    FOR(j, TILE_RN)                                                                                \
    acc[i][TURN(i, j)] = fma(ai[set][i], bj[set][TURN(i, j)], acc[i][TURN(i, j)]);

/* Multiplies the slice at k0. If k ends within it, only that part is multiplied: a product of zeros
 * could turn -0 into +0. */
#define MULTIPLY(side, k0)                                                                         \
    {                                                                                              \
        __local const VECTOR *from_a = slice_a[side], *from_b = slice_b[side];                     \
        float ai[2][TILE_RM], bj[2][TILE_RN];                                                      \
        if ((k0) + TILE_K <= k) {                                                                  \
            _Pragma("unroll 1") for (uint h = 0; h < TILE_K; h += TILE_DEPTH)                      \
            {                                                                                      \
                READ_STEP(0, h)                                                                    \
                FOR(q, TILE_DEPTH)                                                                 \
                {                                                                                  \
                    if (q + 1 < TILE_DEPTH) {                                                      \
                        READ_STEP((q + 1) % 2, h + q + 1)                                          \
                    }                                                                              \
                    ADD_STEP(q % 2)                                                                \
                }                                                                                  \
            }                                                                                      \
        } else {                                                                                   \
            _Pragma("unroll 1") for (uint q = 0; q < k - (k0); q++)                                \
            {                                                                                      \
                READ_STEP(0, q)                                                                    \
                ADD_STEP(0)                                                                        \
            }                                                                                      \
        }                                                                                          \
    }

/* The whole product; AFTER_SLICE runs after the slice that begins at k0 has been multiplied. The
 * slice that is sent on its way takes the place of the one multiplied last: all work-items are past
 * that at the barrier. COPY_END counts slices, also where none is left, so that ARRIVE waits for
 * the right one. */
#define PRODUCT(AFTER_SLICE)                                                                       \
    __local VECTOR slice_a[TILE_SLICES][SLICE(TILE_M)], slice_b[TILE_SLICES][SLICE(TILE_N)];       \
    PLACE_ITEM                                                                                     \
    PLACE_TILE                                                                                     \
    ROOM float acc[TILE_RM][TILE_RN];                                                              \
    AT(a), AT(b), AT(c);                                                                           \
    FINISH_BEGIN                                                                                   \
    const int whole_a = A_WIDTH % TILE_V == 0 && ALIGNED(a),                                       \
              whole_b = B_WIDTH % TILE_V == 0 && ALIGNED(b), inside_a = i0 + TILE_M <= m,          \
              inside_b = j0 + TILE_N <= n;                                                         \
    START                                                                                          \
    FOR(s, TILE_SLICES - 1)                                                                        \
    {                                                                                              \
        if (s * TILE_K < k) {                                                                      \
            BEGIN_SLICE(s, s *TILE_K)                                                              \
            END_SLICE(s)                                                                           \
        }                                                                                          \
        COPY_END                                                                                   \
    }                                                                                              \
    for (uint k0 = 0, side = 0; k0 < k; k0 += TILE_K) {                                            \
        const uint ahead = k0 + (TILE_SLICES - 1) * TILE_K,                                        \
                   to = side ? side - 1 : TILE_SLICES - 1;                                         \
        ARRIVE                                                                                     \
        barrier(CLK_LOCAL_MEM_FENCE);                                                              \
        if (ahead < k) {                                                                           \
            BEGIN_SLICE(to, ahead)                                                                 \
        }                                                                                          \
        COPY_END                                                                                   \
        MULTIPLY(side, k0)                                                                         \
        AFTER_SLICE                                                                                \
        if (ahead < k) {                                                                           \
            END_SLICE(to)                                                                          \
        }                                                                                          \
        side = side + 1 == TILE_SLICES ? 0 : side + 1;                                             \
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
#define START FOR(i, TILE_RM) FOR(j, TILE_RN) acc[i][j] = 0.0f;
#define CHUNK_ENDS ((k0 + TILE_K) % LS_CHUNK == 0 || k0 + TILE_K >= k)
#ifdef TILE_LOCAL_SUMS
    __local VECTOR sums[TILE_RM * TILE_RN / TILE_V * TILE_ITEMS];
/* Each work-item has places of its own, next to its neighbours'; the last sum stays in registers.
 */
#define END_CHUNK                                                                                  \
    if (CHUNK_ENDS) {                                                                              \
        const int first = k0 < LS_CHUNK, last = k0 + TILE_K >= k;                                  \
        FOR(i, TILE_RM)                                                                            \
        FOR(g, TILE_RN / TILE_V)                                                                   \
        {                                                                                          \
            __local VECTOR *sum = &sums[(i * (TILE_RN / TILE_V) + g) * TILE_ITEMS + item];         \
            VECTOR value = JOIN(acc[i] + g * TILE_V);                                              \
            if (!first) value = *sum + value;                                                      \
            if (!last) *sum = value;                                                               \
            SPREAD(last ? value : (VECTOR)(0.0f), acc[i] + g * TILE_V);                            \
        }                                                                                          \
    }
    PRODUCT(END_CHUNK)
    FINISH_ALL(acc)
#else
    float sum[TILE_RM][TILE_RN];
#define END_CHUNK                                                                                  \
    if (CHUNK_ENDS) {                                                                              \
        FOR(i, TILE_RM) FOR(j, TILE_RN)                                                            \
        {                                                                                          \
            sum[i][j] = k0 < LS_CHUNK ? acc[i][j] : sum[i][j] + acc[i][j];                         \
            acc[i][j] = 0.0f;                                                                      \
        }                                                                                          \
    }
    PRODUCT(END_CHUNK)
    FINISH_ALL(sum)
#endif
}
#endif
