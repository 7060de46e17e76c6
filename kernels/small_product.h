/* SPDX-License-Identifier: MIT */
/* Parts of small.cl: how work-items share a loop, and matrix products
 *   c[i][0…n) = start[i] + Σ a(i, k)·b[k][0…n)    or this sum added to c[i][0…n),  i < m
 * Element (i, k) of a is a[i·a_i + k·a_k]; rows of b and c are b_k and c_i floats apart. Each
 * element of c is one ascending chain of fma over k. */
#ifndef LS_SMALL_PRODUCT_H
#define LS_SMALL_PRODUCT_H

#ifndef LS_CHUNK
#define LS_CHUNK 64u
#endif
#ifndef GROUP
#define GROUP 1
#endif
#ifndef SPACE
#define SPACE __global
#endif
#ifndef TILE_LANES
#define TILE_LANES 16
#endif

#if GROUP == 1
#define ITEM 0
#define SYNC
/* A loop in which iteration i accesses only elements i: vectorising it is safe even if arrays
 * overlap. */
#define EACH(i, n) _Pragma("clang loop vectorize(assume_safety)") for (int i = 0; i < (int)(n); i++)
#else
#define ITEM ((int)get_local_id(0))
#define SYNC barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
#define EACH(i, n) for (int i = ITEM; i < (int)(n); i += GROUP)
#endif

/* Some compilers try to vectorise each loop twice and warn when the first attempt fails. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

/* ---- Products, on CPU devices and on GPUs ---------------------------------------------------- */

#if GROUP == 1
#define CAT(a, b) CAT_(a, b)
#define CAT_(a, b) a##b
#define VECTOR CAT(float, TILE_LANES)
#define LOAD CAT(vload, TILE_LANES)
#define STORE CAT(vstore, TILE_LANES)

/* H × V vectors of chains in registers. ACROSS: elements of a for neighbouring i are contiguous,
 * otherwise those for neighbouring k. */
#define TILE(H, V, ACROSS)                                                                         \
    {                                                                                              \
        VECTOR acc[H][V];                                                                          \
        __global const float *ak = a + (ulong)i0 * a_i;                                            \
        SPACE const float *bk = b + v * TILE_LANES;                                                \
        _Pragma("unroll") for (int i = 0; i < H; i++)                                              \
            _Pragma("unroll") for (int w = 0; w < V; w++)                                          \
                acc[i][w] = (VECTOR)(start ? start[i0 + i] : 0.0f);                                \
        for (int q = 0; q < k; q++) {                                                              \
            VECTOR bq[V];                                                                          \
            _Pragma("unroll") for (int w = 0; w < V; w++) bq[w] = LOAD(w, bk);                     \
            _Pragma("unroll") for (int i = 0; i < H; i++)                                          \
            {                                                                                      \
                const VECTOR ai = (VECTOR)(ACROSS ? ak[i] : ak[i * a_i]);                          \
                _Pragma("unroll") for (int w = 0; w < V; w++)                                      \
                    acc[i][w] = fma(ai, bq[w], acc[i][w]);                                         \
            }                                                                                      \
            ak += ACROSS ? a_k : 1;                                                                \
            bk += b_k;                                                                             \
        }                                                                                          \
        _Pragma("unroll") for (int i = 0; i < H; i++)                                              \
            _Pragma("unroll") for (int w = 0; w < V; w++)                                          \
        {                                                                                          \
            SPACE float *to = c + (i0 + i) * c_i + v * TILE_LANES;                                 \
            STORE(add ? LOAD(w, to) + acc[i][w] : acc[i][w], w, to);                               \
        }                                                                                          \
    }
/* A strip of H outputs over all vectors: four at a time if H is small, then two, then one. */
#define STRIP(H, ACROSS)                                                                           \
    {                                                                                              \
        uint v = 0;                                                                                \
        if (H <= TILE_HEIGHT / 2)                                                                  \
            for (; v + 4 <= vectors; v += 4) TILE((H <= TILE_HEIGHT / 2 ? H : 1), 4, ACROSS)       \
        for (; v + 2 <= vectors; v += 2) TILE(H, 2, ACROSS)                                        \
        for (; v < vectors; v++) TILE(H, 1, ACROSS)                                                \
    }
/* The number of registers decides: 12 × 2 vectors if there are 32 of 16 floats, otherwise 6 × 2. */
#if TILE_LANES == 16
#define TILE_HEIGHT 12
#define HEIGHTS(X, ACROSS)                                                                         \
    X(1, ACROSS)                                                                                   \
    X(2, ACROSS)                                                                                   \
    X(3, ACROSS)                                                                                   \
    X(4, ACROSS)                                                                                   \
    X(5, ACROSS)                                                                                   \
    X(6, ACROSS)                                                                                   \
    X(7, ACROSS)                                                                                   \
    X(8, ACROSS)                                                                                   \
    X(9, ACROSS)                                                                                   \
    X(10, ACROSS)                                                                                  \
    X(11, ACROSS)                                                                                  \
    X(12, ACROSS)
#else
#define TILE_HEIGHT 6
#define HEIGHTS(X, ACROSS)                                                                         \
    X(1, ACROSS)                                                                                   \
    X(2, ACROSS)                                                                                   \
    X(3, ACROSS)                                                                                   \
    X(4, ACROSS)                                                                                   \
    X(5, ACROSS)                                                                                   \
    X(6, ACROSS)
#endif
#define CASE(H, ACROSS)                                                                            \
    case H:                                                                                        \
        STRIP(H, ACROSS) break;
#define PRODUCT(name, ACROSS)                                                                      \
    static void name(int m, int n, int k, __global const float *a, int a_i, int a_k,               \
                     SPACE const float *b, int b_k, __global const float *start, SPACE float *c,   \
                     int c_i, int add)                                                             \
    {                                                                                              \
        const uint vectors = (uint)n / TILE_LANES,                                                 \
                   blocks = (uint)(m + TILE_HEIGHT - 1) / TILE_HEIGHT;                             \
        /* the heights of the blocks differ by at most 1 */                                        \
        const uint even = (uint)m / blocks, longer = (uint)m % blocks;                             \
        for (uint block = 0, i0 = 0, h; block < blocks; block++, i0 += h) {                        \
            h = even + (block < longer);                                                           \
            switch (h) {                                                                           \
                HEIGHTS(CASE, ACROSS)                                                              \
            }                                                                                      \
        }                                                                                          \
    }
PRODUCT(product_across, 1)
PRODUCT(product_along, 0)
#define product_of_rows product_along
#else
/* Each work-item computes one lane of four outputs at a time. There are two functions because
 * scratch may be local memory while the arena never is. */
#define PRODUCT(name, A_SPACE)                                                                     \
    static void name(int m, int n, int k, A_SPACE const float *a, int a_i, int a_k,                \
                     SPACE const float *b, int b_k, __global const float *start, SPACE float *c,   \
                     int c_i, int add)                                                             \
    {                                                                                              \
        EACH(t, (m + 3) / 4 * n) {                                                                 \
            const int j = t % n, i0 = t / n * 4;                                                   \
            float acc[4];                                                                          \
            A_SPACE const float *ai[4];                                                            \
            _Pragma("unroll") for (int i = 0; i < 4; i++)                                          \
            {                                                                                      \
                const int row = min(i0 + i, m - 1);                                                \
                ai[i] = a + row * a_i;                                                             \
                acc[i] = start ? start[row] : 0.0f;                                                \
            }                                                                                      \
            for (int q = 0; q < k; q++) {                                                          \
                const float bq = b[q * b_k + j];                                                   \
                _Pragma("unroll") for (int i = 0; i < 4; i++)                                      \
                    acc[i] = fma(ai[i][q * a_k], bq, acc[i]);                                      \
            }                                                                                      \
            _Pragma("unroll") for (int i = 0; i < 4; i++) if (i0 + i < m)                          \
            {                                                                                      \
                SPACE float *to = c + (i0 + i) * c_i + j;                                          \
                *to = add ? *to + acc[i] : acc[i];                                                 \
            }                                                                                      \
        }                                                                                          \
    }
PRODUCT(product_across, __global)
#define product_along product_across
PRODUCT(product_of_rows, SPACE)
#endif

#endif
