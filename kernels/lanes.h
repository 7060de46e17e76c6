/* SPDX-License-Identifier: MIT */
/* Values that lie side by side, as channels do, in the kernels for images.
 *
 * CPU devices: IMAGE_LANES is the length of a vector, and a work-item has so many channels.
 * GPUs (IMAGE_LANES is 1): a work-item has one channel, and its neighbours have those beside it.
 *
 * `count` is the number of channels from the first of a work-item on: the last work-item of a
 * position may have fewer than LANES. */
#ifndef LS_LANES_H
#define LS_LANES_H

#if IMAGE_LANES == 1

#define LANES float
#define INTS int
#define AS_INTS(x) as_int(x)
#define AS_LANES(x) as_float(x)
static LANES get_lanes(__global const float *from, uint count) { return from[0]; }
static void put_lanes(LANES x, __global float *to, uint count) { to[0] = x; }

#else

#define LANES_CAT(a, b) LANES_CAT_(a, b)
#define LANES_CAT_(a, b) a##b
#define LANES LANES_CAT(float, IMAGE_LANES)
#define INTS LANES_CAT(int, IMAGE_LANES)
#define AS_INTS(x) LANES_CAT(as_int, IMAGE_LANES)(x)
#define AS_LANES(x) LANES_CAT(as_float, IMAGE_LANES)(x)
static LANES get_lanes(__global const float *from, uint count)
{
    if (count >= IMAGE_LANES) return LANES_CAT(vload, IMAGE_LANES)(0, from);
    float some[IMAGE_LANES];
    for (uint i = 0; i < IMAGE_LANES; i++) some[i] = i < count ? from[i] : 0.0f;
    return LANES_CAT(vload, IMAGE_LANES)(0, some);
}
static void put_lanes(LANES x, __global float *to, uint count)
{
    if (count >= IMAGE_LANES) {
        LANES_CAT(vstore, IMAGE_LANES)(x, 0, to);
        return;
    }
    float some[IMAGE_LANES];
    LANES_CAT(vstore, IMAGE_LANES)(x, 0, some);
    for (uint i = 0; i < count; i++) to[i] = some[i];
}

#endif

/* Blocks of channels that work-items have. */
#define LANE_BLOCKS(channels) (((channels) + IMAGE_LANES - 1) / IMAGE_LANES)

/* The work-item's place, of work-items numbered by position, then block of channels: `position` and
 * its first channel `c`. */
#define LANES_AT(positions, channels)                                                              \
    const uint blocks = LANE_BLOCKS(channels), position = get_global_id(0) / blocks,               \
               c = get_global_id(0) % blocks * IMAGE_LANES, count = (channels)-c;                  \
    if (position >= (positions)) return;

#endif
