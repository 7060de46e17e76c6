/* SPDX-License-Identifier: MIT */
/* Parts of whole.cl: access to memory that other work-groups write, and the products of one tile
 *   c[m × n] = start + a·b,   each element one ascending chain of fma over k,
 * or, over the rows of a batch, chains of LS_CHUNK rows from 0 whose sums are added in order. The
 * result is left in local memory; whole.cl finishes it from there.
 *
 * Element (i, k) of a is a[i·a_i + k·a_k], element (k, j) of b is b[k·b_k + j·b_j]. Slices pass
 * through local memory; while one is multiplied, the next one is read into registers. */
#ifndef LS_WHOLE_PRODUCT_H
#define LS_WHOLE_PRODUCT_H

#ifndef LS_CHUNK
#define LS_CHUNK 64u
#endif
#ifndef GROUP
#define GROUP 64
#endif
#ifndef POOL
#define POOL 3584
#endif

#define ITEM get_local_id(0)
#define SYNC barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
#define FOR(i, n) _Pragma("unroll") for (uint i = 0; i < (n); i++)

typedef __global const uint *words;

/* Values of the arena are written and read by different work-groups within a launch: no load may
 * be served by a cache that is not shared by all of them, and none may be moved across the barrier.
 * `volatile` says that in OpenCL C 1.2. */
/* Between the work-groups: all that was written before is visible to others after. */
#define FENCE mem_fence(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);

#define GET(pointer) (*(volatile __global const float *)(pointer))
#define PUT(pointer, value) (*(volatile __global float *)(pointer) = (value))
#define GET_NUMBER(pointer) (*(volatile __global const uint *)(pointer))
#define PUT_NUMBER(pointer, value) (*(volatile __global uint *)(pointer) = (value))

/* Operands of a product and the place of its tile. */
typedef struct {
    __global const float *a, *b, *start; /* start: n values, or 0 */
    uint a_i, a_k, b_k, b_j;
    uint m, n, k, i0, j0;
    /* a's rows are rows of the data set: in order of i (in `numbers`, in local memory), or in order
     * of k (in `index`); each 0 if not */
    __local const uint *numbers;
    __global const uint *index;
    uint over_rows;
} whole_product;

/* ---- One chain a work-item ------------------------------------------------------------------- */

/* The slices of a, then those of b, for each of the chunks side by side: `across` rows of `depth`
 * floats and four more, so that work-items read four floats at once, from different banks. */
typedef struct {
    uint log_rows, log_columns, log_chunks, log_depth;
} whole_shape;

/* Place of element e of a slice: in the tile, along k, and its chunk. Neighbours in e are
 * neighbours in memory. */
typedef struct {
    uint across, along, chunk;
} whole_element;

static whole_element element_of(uint e, uint log_across, uint log_depth, int along_k)
{
    whole_element p;
    const uint first = along_k ? log_depth : log_across, second = along_k ? log_across : log_depth;
    const uint low = e & ((1u << first) - 1u), high = (e >> first) & ((1u << second) - 1u);
    p.along = along_k ? low : high;
    p.across = along_k ? high : low;
    p.chunk = e >> (first + second);
    return p;
}

/* Row of k that is at place `along` of slice number `slice`. */
static uint k_of(const whole_product *p, const whole_shape *t, uint slice, uint slices,
                 whole_element e)
{
    const uint round = slice / slices, within = slice % slices;
    const uint chunk = (round << t->log_chunks) + e.chunk;
    return (p->over_rows ? chunk * LS_CHUNK : 0u) + (within << t->log_depth) + e.along;
}

/* Reads this work-item's elements of a slice. */
static void fetch_one(const whole_product *p, const whole_shape *t, uint slice, uint slices,
                      float *next)
{
    const uint of_a = 1u << (t->log_rows + t->log_chunks + t->log_depth),
               all = of_a + (1u << (t->log_columns + t->log_chunks + t->log_depth));
    const int a_along = p->a_k == 1, b_along = p->b_k == 1;
    uint row[WHOLE_LOADS];
    FOR(l, WHOLE_LOADS)
    {
        const uint e = ITEM + l * GROUP;
        row[l] = 0;
        if (e < of_a) {
            const whole_element at = element_of(e, t->log_rows, t->log_depth, a_along);
            const uint k = k_of(p, t, slice, slices, at);
            if (p->numbers) row[l] = p->numbers[at.across];
            if (p->index && k < p->k) row[l] = GET_NUMBER(p->index + k);
        }
    }
    FOR(l, WHOLE_LOADS)
    {
        const uint e = ITEM + l * GROUP;
        next[l] = 0.0f;
        if (e < of_a) {
            const whole_element at = element_of(e, t->log_rows, t->log_depth, a_along);
            const uint k = k_of(p, t, slice, slices, at), i = p->i0 + at.across;
            const uint by_i = p->numbers ? row[l] : i, by_k = p->index ? row[l] : k;
            if (k < p->k && i < p->m)
                next[l] = GET(p->a + ((ulong)by_i * p->a_i + (ulong)by_k * p->a_k));
        } else if (e < all) {
            const whole_element at = element_of(e - of_a, t->log_columns, t->log_depth, b_along);
            const uint k = k_of(p, t, slice, slices, at), j = p->j0 + at.across;
            if (k < p->k && j < p->n)
                next[l] = GET(p->b + ((ulong)k * p->b_k + (ulong)j * p->b_j));
        }
    }
}

/* Writes them to local memory. */
static void keep_one(const whole_product *p, const whole_shape *t, __local float *pool,
                     const float *next)
{
    const uint of_a = 1u << (t->log_rows + t->log_chunks + t->log_depth),
               all = of_a + (1u << (t->log_columns + t->log_chunks + t->log_depth)),
               stride = (1u << t->log_depth) + 4u;
    __local float *pool_b = pool + (stride << (t->log_rows + t->log_chunks));
    FOR(l, WHOLE_LOADS)
    {
        const uint e = ITEM + l * GROUP;
        if (e < of_a) {
            const whole_element at = element_of(e, t->log_rows, t->log_depth, p->a_k == 1);
            pool[((at.chunk << t->log_rows) + at.across) * stride + at.along] = next[l];
        } else if (e < all) {
            const whole_element at = element_of(e - of_a, t->log_columns, t->log_depth,
                                                p->b_k == 1);
            pool_b[((at.chunk << t->log_columns) + at.across) * stride + at.along] = next[l];
        }
    }
}

/* Continues a chain over `count` elements of a slice. If k ends within a slice, `count` ends there:
 * a product of zeros could turn -0 into +0. */
static float chain(__local const float *a, __local const float *b, uint count, float acc)
{
    uint q = 0;
    _Pragma("unroll 4") for (; q + 4 <= count; q += 4)
    {
        const float4 aq = *(__local const float4 *)(a + q), bq = *(__local const float4 *)(b + q);
        acc = fma(aq.x, bq.x, acc);
        acc = fma(aq.y, bq.y, acc);
        acc = fma(aq.z, bq.z, acc);
        acc = fma(aq.w, bq.w, acc);
    }
    for (; q < count; q++) acc = fma(a[q], b[q], acc);
    return acc;
}

/* min(limit, n - used), or 0 if n is used up. */
static uint left_of(uint n, uint used, uint limit) { return n > used ? min(limit, n - used) : 0u; }

/* The tile, row by row, in `pool`. */
static void product_one(const whole_product *p, const whole_shape *t, __local float *pool)
{
    const uint rows = 1u << t->log_rows, columns = 1u << t->log_columns, depth = 1u << t->log_depth,
               chunks = 1u << t->log_chunks, stride = depth + 4u;
    const uint x = ITEM & (columns - 1u), y = (ITEM >> t->log_columns) & (rows - 1u),
               set = ITEM >> (t->log_columns + t->log_rows);
    const uint span = p->over_rows ? min(p->k, (uint)LS_CHUNK) : p->k, /* of a round */
        slices = (span + depth - 1u) / depth,
               all_chunks = (p->k + LS_CHUNK - 1u) / LS_CHUNK,
               rounds = p->over_rows ? (all_chunks + chunks - 1u) / chunks : 1u;
    __local const float *a = pool + ((set << t->log_rows) + y) * stride,
                        *b = pool + (stride << (t->log_rows + t->log_chunks)) +
                             ((set << t->log_columns) + x) * stride;
    float next[WHOLE_LOADS], acc = 0.0f, sum = 0.0f;
    if (p->start && p->j0 + x < p->n) acc = GET(p->start + p->j0 + x);
    fetch_one(p, t, 0, slices, next);
    for (uint slice = 0; slice < slices * rounds; slice++) {
        const uint round = slice / slices, within = slice % slices;
        const uint chunk = (round << t->log_chunks) + set;
        SYNC
        keep_one(p, t, pool, next);
        SYNC
        if (slice + 1 < slices * rounds) fetch_one(p, t, slice + 1, slices, next);
        if (set < chunks) {
            const uint end = p->over_rows ? left_of(p->k, chunk * LS_CHUNK, LS_CHUNK) : p->k;
            acc = chain(a, b, left_of(end, within << t->log_depth, depth), acc);
        }
        if (p->over_rows && within == slices - 1) {
            SYNC
            pool[ITEM] = acc;
            SYNC
            for (uint q = 0; q < left_of(all_chunks, round << t->log_chunks, chunks); q++) {
                const float part = pool[(ITEM + (q << (t->log_columns + t->log_rows))) % GROUP];
                sum = round + q ? sum + part : part;
            }
            acc = 0.0f;
        }
    }
    SYNC
    if (set == 0) pool[ITEM] = p->over_rows ? sum : acc;
}

/* ---- V × V chains a work-item ---------------------------------------------------------------- */

/* GROUP / 16 × 16 work-items; slices are 16 deep, in rows of neighbours across the tile. Each 32
 * work-items, which many devices run together, compute a block of 4 × 8: they then read 12 vectors
 * of a slice, with few bank conflicts. */
#define DEPTH 16u
#define ITEM_X (ITEM / 32u % 2u * 8u + ITEM % 8u)
#define ITEM_Y (ITEM / 64u * 4u + ITEM % 32u / 8u)

/* Element l of a work-item's part of a slice, `across` wide. */
#define PLACE(l, across, along_k, at_across, at_along)                                             \
    const uint e = ITEM + (l)*GROUP;                                                               \
    const uint at_along = (along_k) ? e % DEPTH : e / (across),                                    \
               at_across = (along_k) ? e / DEPTH : e % (across);

#define PRODUCT(name, V, VECTOR)                                                                   \
    static void name(const whole_product *p, __local float *pool)                                  \
    {                                                                                              \
        enum {                                                                                     \
            rows = V * (GROUP / 16),                                                               \
            columns = V * 16,                                                                      \
            loads_a = rows * 16 / GROUP,                                                           \
            loads_b = columns * 16 / GROUP                                                         \
        };                                                                                         \
        __local float *pool_b = pool + DEPTH * (rows + 4);                                         \
        const int a_along = p->a_k == 1, b_along = p->b_k == 1;                                    \
        const uint x = ITEM_X, y = ITEM_Y;                                                         \
        float acc[V][V], sum[V][V], next_a[loads_a], next_b[loads_b];                              \
        FOR(j, V)                                                                                  \
        {                                                                                          \
            const uint column = p->j0 + x * V + j;                                                 \
            const float from = p->start && column < p->n ? GET(p->start + column) : 0.0f;          \
            FOR(i, V) acc[i][j] = from, sum[i][j] = 0.0f;                                          \
        }                                                                                          \
        for (uint k0 = 0; k0 < p->k + DEPTH; k0 += DEPTH) {                                        \
            /* reads the slice at k0, and multiplies the one before it */                          \
            if (k0 < p->k) {                                                                       \
                uint row[loads_a];                                                                 \
                FOR(l, loads_a)                                                                    \
                {                                                                                  \
                    PLACE(l, rows, a_along, across, along)                                         \
                    row[l] = p->numbers ? p->numbers[across] : 0u;                                 \
                    if (p->index && k0 + along < p->k)                                             \
                        row[l] = GET_NUMBER(p->index + k0 + along);                                \
                }                                                                                  \
                FOR(l, loads_a)                                                                    \
                {                                                                                  \
                    PLACE(l, rows, a_along, across, along)                                         \
                    const uint i = p->i0 + across, k = k0 + along;                                 \
                    const uint by_i = p->numbers ? row[l] : i, by_k = p->index ? row[l] : k;       \
                    next_a[l] = 0.0f;                                                              \
                    if (i < p->m && k < p->k)                                                      \
                        next_a[l] = GET(p->a + ((ulong)by_i * p->a_i + (ulong)by_k * p->a_k));     \
                }                                                                                  \
                FOR(l, loads_b)                                                                    \
                {                                                                                  \
                    PLACE(l, columns, b_along, across, along)                                      \
                    const uint j = p->j0 + across, k = k0 + along;                                 \
                    next_b[l] = 0.0f;                                                              \
                    if (j < p->n && k < p->k)                                                      \
                        next_b[l] = GET(p->b + ((ulong)k * p->b_k + (ulong)j * p->b_j));           \
                }                                                                                  \
            }                                                                                      \
            if (k0) {                                                                              \
                const uint count = min(DEPTH, p->k - (k0 - DEPTH));                                \
                _Pragma("unroll 4") for (uint q = 0; q < count; q++)                               \
                {                                                                                  \
                    float aq[V], bq[V];                                                            \
                    const VECTOR va = *(__local const VECTOR *)(pool + q * (rows + 4) + y * V),    \
                                 vb = *(__local const VECTOR *)(pool_b + q * (columns + 4) +       \
                                                                x * V);                            \
                    SPREAD_##V(va, aq) SPREAD_##V(vb, bq)                                          \
                    FOR(i, V) FOR(j, V) acc[i][j] = fma(aq[i], bq[j], acc[i][j]);                  \
                }                                                                                  \
                if (p->over_rows && (k0 % LS_CHUNK == 0 || k0 >= p->k))                            \
                    FOR(i, V) FOR(j, V)                                                            \
                    {                                                                              \
                        sum[i][j] = k0 <= LS_CHUNK ? acc[i][j] : sum[i][j] + acc[i][j];            \
                        acc[i][j] = 0.0f;                                                          \
                    }                                                                              \
            }                                                                                      \
            SYNC                                                                                   \
            if (k0 < p->k) {                                                                       \
                FOR(l, loads_a)                                                                    \
                {                                                                                  \
                    PLACE(l, rows, a_along, across, along)                                         \
                    pool[along * (rows + 4) + across] = next_a[l];                                 \
                }                                                                                  \
                FOR(l, loads_b)                                                                    \
                {                                                                                  \
                    PLACE(l, columns, b_along, across, along)                                      \
                    pool_b[along * (columns + 4) + across] = next_b[l];                            \
                }                                                                                  \
            }                                                                                      \
            SYNC                                                                                   \
        }                                                                                          \
        FOR(i, V) FOR(j, V)                                                                        \
            pool[(y * V + i) * columns + x * V + j] = p->over_rows ? sum[i][j] : acc[i][j];        \
    }

#define SPREAD_2(vector, to) vstore2(vector, 0, to);
#define SPREAD_4(vector, to) vstore4(vector, 0, to);
PRODUCT(product_two, 2, float2)
#ifdef WITH_FOUR
PRODUCT(product_four, 4, float4)
#endif

#endif
