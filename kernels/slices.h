/* SPDX-License-Identifier: MIT */
/* Slices of a matrix on their way from global to local memory.
 *
 * A slice is TILE_K steps along k of `across` rows (or columns) of an operand. In local memory it
 * is TILE_K rows of `across` floats plus one vector, so that rows begin at multiples of a vector
 * and columns are spread over the memory banks. A matrix that is stored along k (along_k) is
 * transposed on the way.
 *
 * There are two ways into local memory:
 *   FETCH, KEEP   through registers: a slice is fetched before another one is multiplied, and kept
 *                 after that.
 *   COPY          straight to local memory. With LS_CP_ASYNC these are asynchronous copies of
 *                 NVIDIA's GPUs (PTX, from compute capability 8.0 on): they need no registers, and
 *                 several slices can be under way. The host defines LS_CP_ASYNC after it has seen
 *                 that they compile and give the right bits (host/opencl/cl_ptx.c); without it,
 *                 COPY is a load and a store.
 *
 * Elements outside the matrix are replaced by others of it: they never enter a stored chain, so
 * that their values do not matter, and no copy needs a condition. Only tiles at an edge and the
 * last slice pay for that (`inside` is false).
 *
 * The including file defines TILE_K, TILE_V (1, 2 or 4 floats to a vector) and TILE_ITEMS
 * (work-items of the group), and has the work-item's number in `item`. Matrices are given as
 * pointer `from`, k, and `extent`, the size in the other dimension; the slice begins at (k0, x0).
 * whole: rows begin at multiples of a vector, so that no vector extends past the end of a row. */
#ifndef LS_SLICES_H
#define LS_SLICES_H

#define FOR(i, n) _Pragma("unroll") for (uint i = 0; i < (n); i++)
#define SOME(i, n) _Pragma("unroll 4") for (uint i = 0; i < (n); i++)

/* ---- Vectors --------------------------------------------------------------------------------- */

#if TILE_V == 1
#define VECTOR float
#define JOIN(from) (from)[0]
#define SPREAD(vector, to) (to)[0] = (vector)
#else
#define VECTOR_CAT(a, b) VECTOR_CAT_(a, b)
#define VECTOR_CAT_(a, b) a##b
#define VECTOR VECTOR_CAT(float, TILE_V)
#define JOIN(from) VECTOR_CAT(vload, TILE_V)(0, from)
#define SPREAD(vector, to) VECTOR_CAT(vstore, TILE_V)(vector, 0, to)
#endif
#define ALIGNED(pointer) ((size_t)(pointer) % sizeof(VECTOR) == 0)

/* ---- Positions ------------------------------------------------------------------------------- */

#define STRIDE(across) ((across) + TILE_V)
#define SLICE(across) (TILE_K * STRIDE(across) / TILE_V) /* vectors of a slice */

/* A slice is cut into parts of `unit` floats; the work-items take neighbouring ones, which are
 * neighbours in memory, TILE_ITEMS at a time. HIGH and LOW are part / per and part % per of a
 * work-item's l-th part, written so that what depends on l is constant. */
#define PARTS(across, unit) ((across)*TILE_K / (unit))
#define TURNS(across, unit) ((PARTS(across, unit) + TILE_ITEMS - 1) / TILE_ITEMS)
#define HIGH(l, per)                                                                               \
    (TILE_ITEMS % (per) == 0   ? item / (per) + (l) * ((TILE_ITEMS + (per)-1) / (per))             \
     : (per) % TILE_ITEMS == 0 ? (l) / (((per) + TILE_ITEMS - 1) / TILE_ITEMS)                     \
                               : (item + (l)*TILE_ITEMS) / (per))
#define LOW(l, per)                                                                                \
    (TILE_ITEMS % (per) == 0   ? item % (per)                                                      \
     : (per) % TILE_ITEMS == 0 ? item + (l) % (((per) + TILE_ITEMS - 1) / TILE_ITEMS) * TILE_ITEMS \
                               : (item + (l)*TILE_ITEMS) % (per))
#define ALONG(l, across, along_k, unit)                                                            \
    ((along_k) ? LOW(l, TILE_K / (unit)) * (unit) : HIGH(l, (across) / (unit)))
#define ACROSS(l, across, along_k, unit)                                                           \
    ((along_k) ? HIGH(l, TILE_K / (unit)) : LOW(l, (across) / (unit)) * (unit))
/* The last turn may have fewer parts than work-items. */
#define TAKES(l, across, unit)                                                                     \
    (PARTS(across, unit) % TILE_ITEMS == 0 || item + (l)*TILE_ITEMS < PARTS(across, unit))

/* Offset of (q, x) in the matrix; with clamps, of the nearest `unit` floats of it. */
#define OFFSET(q, x, along_k, k, extent)                                                           \
    ((along_k) ? (ulong)(x) * (k) + (q) : (ulong)(q) * (extent) + (x))
#define NEAREST(q, x, along_k, k, extent, unit)                                                    \
    ((along_k) ? OFFSET(min((uint)(q), (k) - (unit)), min((uint)(x), (extent)-1), 1, k, extent)    \
               : OFFSET(min((uint)(q), (k)-1), min((uint)(x), (extent) - (unit)), 0, k, extent))

/* ---- Through registers ----------------------------------------------------------------------- */

/* TILE_V floats from (q, x) on, at the edges the nearest ones. */
static VECTOR fetch(__global const float *restrict from, uint q, uint x, int along_k, uint k,
                    uint extent, int whole)
{
    float one[TILE_V];
    if (whole) return *(__global const VECTOR *)(from + NEAREST(q, x, along_k, k, extent, TILE_V));
    FOR(e, TILE_V)
    one[e] =
        from[along_k ? NEAREST(q + e, x, 1, k, extent, 1) : NEAREST(q, x + e, 0, k, extent, 1)];
    return JOIN(one);
}

/* Reads a work-item's part of a slice into registers: TURNS(across, TILE_V) vectors. */
#define FETCH(next, from, k0, x0, k, extent, across, along_k, whole, inside)                       \
    if ((whole) && (inside)) {                                                                     \
        FOR(l, TURNS(across, TILE_V))                                                              \
        if (TAKES(l, across, TILE_V))                                                              \
            next[l] = *(__global const VECTOR *)((from) +                                          \
                                                 OFFSET((k0) + ALONG(l, across, along_k, TILE_V),  \
                                                        (x0) + ACROSS(l, across, along_k, TILE_V), \
                                                        along_k, k, extent));                      \
    } else {                                                                                       \
        FOR(l, TURNS(across, TILE_V))                                                              \
        if (TAKES(l, across, TILE_V))                                                              \
            next[l] = fetch(from, (k0) + ALONG(l, across, along_k, TILE_V),                        \
                            (x0) + ACROSS(l, across, along_k, TILE_V), along_k, k, extent, whole); \
    }

static void keep(__local VECTOR *slice, uint stride, uint q, uint x, int along_k, VECTOR vector)
{
    float one[TILE_V];
    SPREAD(vector, one);
    if (along_k) FOR(e, TILE_V)((__local float *)slice)[(q + e) * stride + x] = one[e];
    else slice[(q * stride + x) / TILE_V] = vector;
}

/* Writes the registers to the local slice. */
#define KEEP(slice, next, across, along_k)                                                         \
    FOR(l, TURNS(across, TILE_V))                                                                  \
    if (TAKES(l, across, TILE_V))                                                                  \
        keep(slice, STRIDE(across), ALONG(l, across, along_k, TILE_V),                             \
             ACROSS(l, across, along_k, TILE_V), along_k, next[l]);

/* ---- Straight to local memory ---------------------------------------------------------------- */

#ifdef LS_CP_ASYNC
#define COPY_ASYNC(to, from, cache, bytes)                                                         \
    asm volatile("cp.async." cache ".shared.global [%0], [%1], " bytes                             \
                 ";" ::"r"((uint)(size_t)(to)),                                                    \
                 "l"(from)                                                                         \
                 : "memory")
#define COPY_4(to, from) COPY_ASYNC(to, from, "ca", "4")
#define COPY_8(to, from) COPY_ASYNC(to, from, "ca", "8")
#define COPY_16(to, from) COPY_ASYNC(to, from, "cg", "16")
/* Ends a group of copies; waits until at most n groups are under way. A barrier must follow. */
#define COPY_END asm volatile("cp.async.commit_group;" ::: "memory");
#define COPY_WAIT(n) asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
#else
#define COPY_4(to, from) *(to) = *(from)
#define COPY_8(to, from) *(__local float2 *)(to) = *(__global const float2 *)(from)
#define COPY_16(to, from) *(__local float4 *)(to) = *(__global const float4 *)(from)
#define COPY_END
#define COPY_WAIT(n)
#endif
#if TILE_V == 4
#define COPY_VECTOR COPY_16
#elif TILE_V == 2
#define COPY_VECTOR COPY_8
#else
#define COPY_VECTOR COPY_4
#endif

#define COPY_PARTS(LOOP, AT, COPY_ONE, slice, from, k0, x0, k, extent, across, along_k, unit)      \
    LOOP(l, TURNS(across, unit))                                                                   \
    if (TAKES(l, across, unit)) {                                                                  \
        const uint q = ALONG(l, across, along_k, unit), x = ACROSS(l, across, along_k, unit);      \
        COPY_ONE((__local float *)(slice) + q * STRIDE(across) + x,                                \
                 (from) + AT((k0) + q, (x0) + x, along_k, k, extent, unit));                       \
    }
#define EXACTLY(q, x, along_k, k, extent, unit) OFFSET(q, x, along_k, k, extent)

/* Copies a work-item's part of a slice: vectors, unless it is transposed or its rows begin
 * elsewhere. */
#define COPY(slice, from, k0, x0, k, extent, across, along_k, whole, inside)                       \
    if (!(along_k) && (whole)) {                                                                   \
        if (inside) {                                                                              \
            COPY_PARTS(FOR, EXACTLY, COPY_VECTOR, slice, from, k0, x0, k, extent, across, 0,       \
                       TILE_V)                                                                     \
        } else {                                                                                   \
            COPY_PARTS(SOME, NEAREST, COPY_VECTOR, slice, from, k0, x0, k, extent, across, 0,      \
                       TILE_V)                                                                     \
        }                                                                                          \
    } else if (inside) {                                                                           \
        COPY_PARTS(FOR, EXACTLY, COPY_4, slice, from, k0, x0, k, extent, across, along_k, 1)       \
    } else {                                                                                       \
        COPY_PARTS(SOME, NEAREST, COPY_4, slice, from, k0, x0, k, extent, across, along_k, 1)      \
    }

#endif
