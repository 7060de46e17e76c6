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
#ifdef WITH_FOUR
#define CHAINS 16
#else
#define CHAINS 4
#endif
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

/* Operands of a product, and the place and shape of its current tile. */
typedef struct {
    __global const float *a, *b, *start; /* start: n values, or 0 */
    uint a_i, a_k, b_k, b_j;
    uint m, n, k, i0, j0;
    /* a's rows are rows of the data set: in order of i (`numbers`, in local memory), or in order of
     * k (`index`); each 0 if not */
    __local const uint *numbers;
    __global const uint *index;
    uint over_rows, body;
    uint log_rows, log_columns, log_chunks, log_depth;
    uint slices, per_round; /* in all, and of a round of chunks */
} whole_product;

/* A work-item's chains. */
typedef struct {
    float acc[CHAINS], sum[CHAINS];
} whole_chains;

/* A product goes through turns, with a barrier after each. In turn t, slice t is read into
 * registers, slice t - 1 is multiplied, and slice t is written to one of two places in local
 * memory. */

/* ---- One chain a work-item ------------------------------------------------------------------- */

/* A slice is that of a, then that of b, for each of the chunks side by side: rows of `depth` floats
 * and four more, so that work-items read four floats at once, from different banks. Behind the two
 * slices are the chains' values of two rounds. */
#define SLICE_ONE(p)                                                                               \
    ((((1u << (p)->log_rows) + (1u << (p)->log_columns)) << (p)->log_chunks) *                     \
     ((1u << (p)->log_depth) + 4u))
#define ROUND_ONE(pool, round) ((pool) + POOL - GROUP * (1u + ((round)&1u)))

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

/* The first k of a slice for chunk number `chunk` of its round. */
static uint k_of(const whole_product *p, uint round, uint within, uint chunk)
{
    return (p->over_rows ? ((round << p->log_chunks) + chunk) * LS_CHUNK : 0u) +
           (within << p->log_depth);
}

/* Reads this work-item's elements of a slice. */
static void fetch_one(const whole_product *p, uint round, uint within, float *next)
{
    const uint of_a = 1u << (p->log_rows + p->log_chunks + p->log_depth),
               all = of_a + (1u << (p->log_columns + p->log_chunks + p->log_depth));
    const int a_along = p->a_k == 1, b_along = p->b_k == 1;
    uint row[WHOLE_LOADS];
    FOR(l, WHOLE_LOADS)
    {
        const uint e = ITEM + l * GROUP;
        row[l] = 0;
        if (e < of_a) {
            const whole_element at = element_of(e, p->log_rows, p->log_depth, a_along);
            const uint k = k_of(p, round, within, at.chunk) + at.along;
            if (p->numbers) row[l] = p->numbers[at.across];
            if (p->index && k < p->k) row[l] = GET_NUMBER(p->index + k);
        }
    }
    FOR(l, WHOLE_LOADS)
    {
        const uint e = ITEM + l * GROUP;
        next[l] = 0.0f;
        if (e < of_a) {
            const whole_element at = element_of(e, p->log_rows, p->log_depth, a_along);
            const uint k = k_of(p, round, within, at.chunk) + at.along, i = p->i0 + at.across;
            const uint by_i = p->numbers ? row[l] : i, by_k = p->index ? row[l] : k;
            if (k < p->k && i < p->m)
                next[l] = GET(p->a + ((ulong)by_i * p->a_i + (ulong)by_k * p->a_k));
        } else if (e < all) {
            const whole_element at = element_of(e - of_a, p->log_columns, p->log_depth, b_along);
            const uint k = k_of(p, round, within, at.chunk) + at.along, j = p->j0 + at.across;
            if (k < p->k && j < p->n) next[l] = GET(p->b + ((ulong)k * p->b_k + (ulong)j * p->b_j));
        }
    }
}

/* Writes them to local memory. */
static void keep_one(const whole_product *p, __local float *slice, const float *next)
{
    const uint of_a = 1u << (p->log_rows + p->log_chunks + p->log_depth),
               all = of_a + (1u << (p->log_columns + p->log_chunks + p->log_depth)),
               stride = (1u << p->log_depth) + 4u;
    __local float *slice_b = slice + (stride << (p->log_rows + p->log_chunks));
    FOR(l, WHOLE_LOADS)
    {
        const uint e = ITEM + l * GROUP;
        if (e < of_a) {
            const whole_element at = element_of(e, p->log_rows, p->log_depth, p->a_k == 1);
            slice[((at.chunk << p->log_rows) + at.across) * stride + at.along] = next[l];
        } else if (e < all) {
            const whole_element at = element_of(e - of_a, p->log_columns, p->log_depth,
                                                p->b_k == 1);
            slice_b[((at.chunk << p->log_columns) + at.across) * stride + at.along] = next[l];
        }
    }
}

/* Continues a chain over `count` elements of a slice. If k ends within a slice, `count` ends there:
 * a product of zeros could turn -0 into +0. */
static float chain(__local const float *a, __local const float *b, uint count, float acc)
{
    uint q = 0;
    for (; q + 4 <= count; q += 4) {
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

/* Adds the chains of a round of chunks, in order. */
static float add_round(const whole_product *p, __local float *pool, uint round, float sum)
{
    const uint chunks = (p->k + LS_CHUNK - 1u) / LS_CHUNK;
    __local const float *values = ROUND_ONE(pool, round);
    for (uint q = 0; q < left_of(chunks, round << p->log_chunks, 1u << p->log_chunks); q++) {
        const float part = values[(ITEM + (q << (p->log_columns + p->log_rows))) % GROUP];
        sum = round + q ? sum + part : part;
    }
    return sum;
}

static void turn_one(const whole_product *p, __local float *pool, uint turn, whole_chains *c)
{
    const uint rows = 1u << p->log_rows, columns = 1u << p->log_columns, depth = 1u << p->log_depth,
               chunks = 1u << p->log_chunks, stride = depth + 4u;
    const uint x = ITEM & (columns - 1u), y = (ITEM >> p->log_columns) & (rows - 1u),
               set = ITEM >> (p->log_columns + p->log_rows);
    float next[WHOLE_LOADS];
    if (turn < p->slices) fetch_one(p, turn / p->per_round, turn % p->per_round, next);
    if (turn == 0) {
        c->sum[0] = c->acc[0] = 0.0f;
        if (p->start && p->j0 + x < p->n) c->acc[0] = GET(p->start + p->j0 + x);
    } else {
        const uint slice = turn - 1u, round = slice / p->per_round, within = slice % p->per_round;
        if (p->over_rows && within == 0 && round)
            c->sum[0] = add_round(p, pool, round - 1u, c->sum[0]);
        if (set < chunks) {
            __local const float *from = pool + (slice & 1u) * SLICE_ONE(p);
            const uint end = p->over_rows ? left_of(p->k, k_of(p, round, 0u, set), (uint)LS_CHUNK)
                                          : p->k;
            c->acc[0] = chain(from + ((set << p->log_rows) + y) * stride,
                              from + (stride << (p->log_rows + p->log_chunks)) +
                                  ((set << p->log_columns) + x) * stride,
                              left_of(end, within << p->log_depth, depth), c->acc[0]);
        }
        if (p->over_rows && within + 1u == p->per_round) {
            ROUND_ONE(pool, round)[ITEM] = c->acc[0];
            c->acc[0] = 0.0f;
        }
    }
    if (turn < p->slices) keep_one(p, pool + (turn & 1u) * SLICE_ONE(p), next);
}

static void result_one(const whole_product *p, __local float *pool, whole_chains *c)
{
    if (p->over_rows) c->acc[0] = add_round(p, pool, p->slices / p->per_round - 1u, c->sum[0]);
    if (ITEM < 1u << (p->log_rows + p->log_columns)) pool[ITEM] = c->acc[0];
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

#define TURN(turn_name, result_name, V, VECTOR)                                                    \
    static void turn_name(const whole_product *p, __local float *pool, uint turn, whole_chains *c) \
    {                                                                                              \
        enum {                                                                                     \
            rows = V * (GROUP / 16),                                                               \
            columns = V * 16,                                                                      \
            loads_a = rows * 16 / GROUP,                                                           \
            loads_b = columns * 16 / GROUP,                                                        \
            of_a = 16 * (rows + 4),                                                                \
            of_both = of_a + 16 * (columns + 4)                                                    \
        };                                                                                         \
        const int a_along = p->a_k == 1, b_along = p->b_k == 1;                                    \
        const uint k0 = turn * DEPTH;                                                              \
        float next_a[loads_a], next_b[loads_b];                                                    \
        if (turn < p->slices) {                                                                    \
            uint row[loads_a];                                                                     \
            FOR(l, loads_a)                                                                        \
            {                                                                                      \
                PLACE(l, rows, a_along, across, along)                                             \
                row[l] = p->numbers ? p->numbers[across] : 0u;                                     \
                if (p->index && k0 + along < p->k) row[l] = GET_NUMBER(p->index + k0 + along);     \
            }                                                                                      \
            FOR(l, loads_a)                                                                        \
            {                                                                                      \
                PLACE(l, rows, a_along, across, along)                                             \
                const uint i = p->i0 + across, k = k0 + along;                                     \
                const uint by_i = p->numbers ? row[l] : i, by_k = p->index ? row[l] : k;           \
                next_a[l] = 0.0f;                                                                  \
                if (i < p->m && k < p->k)                                                          \
                    next_a[l] = GET(p->a + ((ulong)by_i * p->a_i + (ulong)by_k * p->a_k));         \
            }                                                                                      \
            FOR(l, loads_b)                                                                        \
            {                                                                                      \
                PLACE(l, columns, b_along, across, along)                                          \
                const uint j = p->j0 + across, k = k0 + along;                                     \
                next_b[l] = 0.0f;                                                                  \
                if (j < p->n && k < p->k)                                                          \
                    next_b[l] = GET(p->b + ((ulong)k * p->b_k + (ulong)j * p->b_j));               \
            }                                                                                      \
        }                                                                                          \
        if (turn == 0) {                                                                           \
            FOR(j, V)                                                                              \
            {                                                                                      \
                const uint column = p->j0 + ITEM_X * V + j;                                        \
                const float from = p->start && column < p->n ? GET(p->start + column) : 0.0f;      \
                FOR(i, V) c->acc[i * V + j] = from, c->sum[i * V + j] = 0.0f;                      \
            }                                                                                      \
        } else {                                                                                   \
            __local const float *from_a = pool + ((turn - 1u) & 1u) * of_both + ITEM_Y * V,        \
                                *from_b = pool + ((turn - 1u) & 1u) * of_both + of_a + ITEM_X * V; \
            const uint count = min(DEPTH, p->k - (k0 - DEPTH));                                    \
            _Pragma("unroll 4") for (uint q = 0; q < count; q++)                                   \
            {                                                                                      \
                float aq[V], bq[V];                                                                \
                const VECTOR va = *(__local const VECTOR *)(from_a + q * (rows + 4)),              \
                             vb = *(__local const VECTOR *)(from_b + q * (columns + 4));           \
                SPREAD_##V(va, aq) SPREAD_##V(vb, bq) FOR(i, V) FOR(j, V)                          \
                    c->acc[i * V + j] = fma(aq[i], bq[j], c->acc[i * V + j]);                      \
            }                                                                                      \
            if (p->over_rows && (k0 % LS_CHUNK == 0 || k0 >= p->k)) FOR(i, V *V)                   \
                {                                                                                  \
                    c->sum[i] = k0 <= LS_CHUNK ? c->acc[i] : c->sum[i] + c->acc[i];                \
                    c->acc[i] = 0.0f;                                                              \
                }                                                                                  \
        }                                                                                          \
        if (turn < p->slices) {                                                                    \
            __local float *to = pool + (turn & 1u) * of_both, *to_b = to + of_a;                   \
            FOR(l, loads_a)                                                                        \
            {                                                                                      \
                PLACE(l, rows, a_along, across, along)                                             \
                to[along * (rows + 4) + across] = next_a[l];                                       \
            }                                                                                      \
            FOR(l, loads_b)                                                                        \
            {                                                                                      \
                PLACE(l, columns, b_along, across, along)                                          \
                to_b[along * (columns + 4) + across] = next_b[l];                                  \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void result_name(const whole_product *p, __local float *pool, whole_chains *c)          \
    {                                                                                              \
        FOR(i, V)                                                                                  \
        FOR(j, V)                                                                                  \
        pool[(ITEM_Y * V + i) * (V * 16) + ITEM_X * V + j] = p->over_rows ? c->sum[i * V + j]      \
                                                                          : c->acc[i * V + j];     \
    }

#define SPREAD_2(vector, to) vstore2(vector, 0, to);
#define SPREAD_4(vector, to) vstore4(vector, 0, to);
TURN(turn_2, result_2, 2, float2)
#ifdef WITH_FOUR
TURN(turn_4, result_4, 4, float4)
#endif

/* ---- All bodies ------------------------------------------------------------------------------ */

/* Turns of a tile: those of the slices and one more, then one that leaves the result in `pool`, row
 * by row. */
static void set_slices(whole_product *p)
{
    const uint depth = 1u << p->log_depth, chunks = (p->k + LS_CHUNK - 1u) / LS_CHUNK; /* of rows */
    p->per_round = p->slices = (p->k + depth - 1u) / depth;
    if (p->over_rows && p->body == WHOLE_BODY_ONE) {
        p->per_round = (min(p->k, (uint)LS_CHUNK) + depth - 1u) / depth;
        p->slices = p->per_round * (((chunks - 1u) >> p->log_chunks) + 1u);
    }
}

static void turn_of_product(const whole_product *p, __local float *pool, uint turn, whole_chains *c)
{
    const int ends = turn > p->slices;
    switch (p->body) {
    case WHOLE_BODY_ONE:
        if (!ends) turn_one(p, pool, turn, c);
        if (ends) result_one(p, pool, c);
        break;
    case WHOLE_BODY_TWO:
        if (!ends) turn_2(p, pool, turn, c);
        if (ends) result_2(p, pool, c);
        break;
#ifdef WITH_FOUR
    case WHOLE_BODY_FOUR:
        if (!ends) turn_4(p, pool, turn, c);
        if (ends) result_4(p, pool, c);
        break;
#endif
    }
}

#endif
