/* SPDX-License-Identifier: MIT */
/* Passes over the n elements of arrays.
 *
 * CPU devices: a work-item has PASS_SPAN elements, one after the other. The loop is one for
 * vectors: whatever arrays are the same, an element of them is read and written in one iteration
 * only, which a compiler cannot know.
 *
 * GPUs (PASS_GROUP is defined): no more groups of PASS_GROUP work-items than the device runs at
 * once, as starting groups would take longer than their work; each takes one block of elements
 * after the other. A work-item has four elements of a block, so that several reads are under way.
 * Where all arrays begin at multiples of a vector they are neighbours, and are moved as one vector;
 * otherwise they are PASS_GROUP apart, so that work-items side by side still read and write whole
 * lines of memory.
 *
 *   PASS(n, whole) {               whole: every array begins at a multiple of a vector
 *       float x[PASS_WIDTH];
 *       PASS_GET(x, from)          reads; past the last element it gives 0
 *       PASS_EACH(e) x[e] = f(x[e], PASS_AT(e));
 *       PASS_PUT(to, x)            writes the elements that exist
 *   } */
#ifndef LS_PASS_H
#define LS_PASS_H

#ifndef PASS_GROUP

#define PASS_SPAN 512
#define PASS_WIDTH 1
#define PASS_WHOLE(pointer) 1
#define PASS(n, whole)                                                                             \
    const uint pass_from = get_global_id(0) * PASS_SPAN,                                           \
               pass_end = min(pass_from + PASS_SPAN, (uint)(n));                                   \
    _Pragma("clang loop vectorize(assume_safety)") for (uint pass_at = pass_from;                  \
                                                        pass_at < pass_end; pass_at++)
#define PASS_EACH(e) for (uint e = 0; e < 1; e++)
#define PASS_AT(e) (pass_at + (e))
#define PASS_GET(to, from) (to)[0] = (from)[pass_at];
#define PASS_PUT(to, from) (to)[pass_at] = (from)[0];

#else

#define PASS_WIDTH 4
#define PASS_BLOCK ((ulong)PASS_WIDTH * PASS_GROUP)
#define PASS_WHOLE(pointer) ((size_t)(pointer) % sizeof(float4) == 0)
#define PASS(n, whole)                                                                             \
    const uint pass_n = (n), pass_item = get_local_id(0);                                          \
    const int pass_aligned = (whole);                                                              \
    for (ulong pass_block = get_group_id(0) * PASS_BLOCK; pass_block < pass_n;                     \
         pass_block += get_num_groups(0) * PASS_BLOCK)
#define PASS_VECTOR (pass_aligned && pass_block + PASS_BLOCK <= pass_n)
#define PASS_EACH(e) _Pragma("unroll") for (uint e = 0; e < PASS_WIDTH; e++)
#define PASS_AT(e)                                                                                 \
    ((uint)pass_block +                                                                            \
     (PASS_VECTOR ? pass_item * PASS_WIDTH + (e) : (uint)(e)*PASS_GROUP + pass_item))
#define PASS_THERE(e) (pass_block + (e)*PASS_GROUP + pass_item < pass_n)
/* Nothing is read past the end; the last element may be being written by its work-item. */
#define PASS_ONE(from, e) (PASS_THERE(e) ? (from)[pass_block + (e)*PASS_GROUP + pass_item] : 0.0f)
/* As one vector from both branches: otherwise compilers merge them, and read single floats. */
#define PASS_GET(to, from)                                                                         \
    {                                                                                              \
        float4 one;                                                                                \
        if (PASS_VECTOR)                                                                           \
            one = *(__global const float4 *)((from) + pass_block + pass_item * PASS_WIDTH);        \
        else                                                                                       \
            one = (float4)(PASS_ONE(from, 0), PASS_ONE(from, 1), PASS_ONE(from, 2),                \
                           PASS_ONE(from, 3));                                                     \
        vstore4(one, 0, to);                                                                       \
    }
#define PASS_PUT(to, from)                                                                         \
    if (PASS_VECTOR)                                                                               \
        *(__global float4 *)((to) + pass_block + pass_item * PASS_WIDTH) = vload4(0, from);        \
    else PASS_EACH(e)                                                                              \
    if (PASS_THERE(e)) (to)[pass_block + e * PASS_GROUP + pass_item] = (from)[e];

#endif
#endif
