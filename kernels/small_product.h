/* SPDX-License-Identifier: MIT */
/* Parts of small.cl: matrix products
 *   c[i][0…n) = start[i] + Σ a(i, k)·b[k][0…n)    or this sum added to c[i][0…n),  i < m
 * Element (i, k) of a is a[i·a_i + k·a_k]; rows of b and c are b_k and c_i floats apart. Each
 * element of c is one ascending chain of fma over k. */
#ifndef LS_SMALL_PRODUCT_H
#define LS_SMALL_PRODUCT_H

#ifndef TILE_LANES
#define TILE_LANES 16
#endif

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
        __global const float *bk = b + v * TILE_LANES;                                             \
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
            __global float *to = c + (i0 + i) * c_i + v * TILE_LANES;                              \
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
                     __global const float *b, int b_k, __global const float *start,                \
                     __global float *c, int c_i, int add)                                          \
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

#endif
