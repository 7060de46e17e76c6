/* SPDX-License-Identifier: MIT */
/* Copies of slices in the three sizes of slices.h, to find out whether asynchronous copies work and
 * pay (host/opencl/cl_ptx.c). Each group streams its part of `from` through three places in local
 * memory; out is a sum over what the work-items see of each other's copies. Built with LS_CP_ASYNC
 * and without, the results must be the same. Launch: groups of TILE_ITEMS work-items. */
#include "kernels/matrix.h"
#include "kernels/slices.h"

#define PLACES 3
/* Floats of a slice: a vector, a pair and a float for each work-item. */
#define FLOATS (7 * TILE_ITEMS)

#define START(place, round)                                                                        \
    {                                                                                              \
        __global const float *at = from + (ulong)(round)*FLOATS;                                   \
        COPY_16((__local float *)&vectors[place][item], at + 4 * item);                            \
        COPY_8((__local float *)&pairs[place][item], at + 4 * TILE_ITEMS + 2 * item);              \
        COPY_4(&floats[place][item], at + 6 * TILE_ITEMS + item);                                  \
    }

__kernel __attribute__((reqd_work_group_size(TILE_ITEMS, 1, 1))) void copies(
    __global const float *restrict from, __global uint *restrict out, const uint rounds)
{
    __local float4 vectors[PLACES][TILE_ITEMS];
    __local float2 pairs[PLACES][TILE_ITEMS];
    __local float floats[PLACES][TILE_ITEMS];
    const uint item = get_local_id(0), other = (item + 37) % TILE_ITEMS;
    uint sum = 0;
    from += (ulong)get_group_id(0) * rounds * FLOATS;
    FOR(s, PLACES - 1)
    {
        if (s < rounds) START(s, s)
        COPY_END
    }
    for (uint round = 0, place = 0; round < rounds; round++) {
        COPY_WAIT(PLACES - 2)
        barrier(CLK_LOCAL_MEM_FENCE);
        const uint to = place ? place - 1 : PLACES - 1;
        if (round + PLACES - 1 < rounds) START(to, round + PLACES - 1)
        COPY_END
        const uint4 a = as_uint4(vectors[place][other]);
        const uint2 b = as_uint2(pairs[place][other]);
        sum = (sum ^ a.x ^ b.x) * 31u + a.y + b.y + (a.z ^ as_uint(floats[place][other])) +
              7u * a.w;
        place = place + 1 == PLACES ? 0 : place + 1;
    }
    out[get_global_id(0)] = sum;
}
