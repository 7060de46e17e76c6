/* SPDX-License-Identifier: MIT */
/* Random numbers without state: each is a function of (seed, purpose, step, index), with the same
 * value on host and device.
 *
 * Generator: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2,
 * 3, SC 2011); the reference implementation is Random123, whose known answers are in
 * tests/test_random.c. */
#ifndef LS_RANDOM_H
#define LS_RANDOM_H
#ifndef __OPENCL_VERSION__
#include "kernels/arith.h"
#endif

/* What a number is used for. The layer number is added as purpose + (layer << 8). */
#define LS_PURPOSE_INIT 1u
#define LS_PURPOSE_ORDER 2u
#define LS_PURPOSE_DROPOUT 3u
#define LS_PURPOSE_SPLIT 4u
#define LS_PURPOSE_DATA 5u
#define LS_PURPOSE_VALIDATION 6u
#define LS_PURPOSE_AUGMENT 7u

typedef struct {
    ls_u32 x, y, z, w;
} ls_u32x4;

/* Ten rounds of Philox4x32 on a counter under the key (k0, k1). */
LS_FN ls_u32x4 ls_philox4x32(ls_u32x4 c, ls_u32 k0, ls_u32 k1)
{
    for (int round = 0; round < 10; round++) {
        ls_u32 hi0 = ls_mulhi_u32(0xD2511F53u, c.x), lo0 = 0xD2511F53u * c.x;
        ls_u32 hi1 = ls_mulhi_u32(0xCD9E8D57u, c.z), lo1 = 0xCD9E8D57u * c.z;
        c.x = hi1 ^ c.y ^ k0;
        c.y = lo1;
        c.z = hi0 ^ c.w ^ k1;
        c.w = lo0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c;
}

/* The four words at counter (index, purpose, step) under the seed. */
LS_FN ls_u32x4 ls_random_block(ls_u64 seed, ls_u32 purpose, ls_u64 step, ls_u32 index)
{
    ls_u32x4 counter;
    counter.x = index;
    counter.y = purpose;
    counter.z = (ls_u32)step;
    counter.w = (ls_u32)(step >> 32);
    return ls_philox4x32(counter, (ls_u32)seed, (ls_u32)(seed >> 32));
}

/* Uniform 32-bit word; word index mod 4 of block index / 4. */
LS_FN ls_u32 ls_random_u32(ls_u64 seed, ls_u32 purpose, ls_u64 step, ls_u32 index)
{
    ls_u32x4 r = ls_random_block(seed, purpose, step, index >> 2);
    ls_u32 low = (index & 1u) ? r.y : r.x, high = (index & 1u) ? r.w : r.z;
    return (index & 2u) ? high : low;
}

/* Uniform in [0, 1), a multiple of 2^-24: every step is exact. */
LS_FN float ls_uniform_of(ls_u32 word) { return (float)(word >> 8) * 0x1p-24f; }
LS_FN float ls_random_uniform(ls_u64 seed, ls_u32 purpose, ls_u64 step, ls_u32 index)
{
    return ls_uniform_of(ls_random_u32(seed, purpose, step, index));
}

/* Standard normal by Box and Muller (Ann. Math. Statist. 29, 1958), from the first two words of
 * block `index`. */
LS_FN float ls_random_normal(ls_u64 seed, ls_u32 purpose, ls_u64 step, ls_u32 index)
{
    ls_u32x4 r = ls_random_block(seed, purpose, step, index);
    float u = (float)((r.x >> 8) + 1u) * 0x1p-24f; /* (0, 1] */
    float v = (float)(r.y >> 8) * 0x1p-23f;        /* [0, 2): an angle in half turns */
    return ls_sqrt(-2.0f * ls_log(u)) * ls_cospi(v);
}

/* The factor that dropout applies to an element: 0 with probability p, otherwise 1/(1 - p)
 * (Srivastava et al. 2014, inverted). */
LS_FN float ls_dropout_of(ls_u32 word, float p)
{
    return ls_uniform_of(word) >= p ? 1.0f / (1.0f - p) : 0.0f;
}
LS_FN float ls_dropout_factor(ls_u64 seed, ls_u32 purpose, ls_u64 step, ls_u32 index, float p)
{
    return ls_dropout_of(ls_random_u32(seed, purpose, step, index), p);
}

/* How row `row` of a batch is augmented: its image is moved down and to the right by -shift to
 * shift positions each, and mirrored left to right with probability 1/2. */
typedef struct {
    int down, right, mirrored;
} ls_augmentation;

LS_FN ls_augmentation ls_augmentation_of(ls_u64 seed, ls_u64 step, ls_u32 row, ls_u32 shift,
                                         ls_u32 flip)
{
    const ls_u32x4 r = ls_random_block(seed, LS_PURPOSE_AUGMENT, step, row);
    const ls_u64 choices = 2u * shift + 1u;
    ls_augmentation a;
    a.down = (int)(r.x * choices >> 32) - (int)shift;
    a.right = (int)(r.y * choices >> 32) - (int)shift;
    a.mirrored = (flip & (r.z >> 31)) != 0u;
    return a;
}

/* The position of the image that comes to (y, x). Outside, the nearest one is repeated. */
LS_FN ls_u32 ls_augmented_from(ls_augmentation a, int y, int x, int height, int width)
{
    int from_y = y - a.down, from_x = x - a.right;
    from_y = from_y < 0 ? 0 : from_y >= height ? height - 1 : from_y;
    from_x = from_x < 0 ? 0 : from_x >= width ? width - 1 : from_x;
    if (a.mirrored) from_x = width - 1 - from_x;
    return (ls_u32)(from_y * width + from_x);
}

/* Round function of the permutation below: mixes one part with a round key. */
LS_FN ls_u32 ls_permute_mix(ls_u32 part, ls_u32 key)
{
    ls_u32 h = (part ^ key) * 0x9E3779B1u;
    h = (h ^ (h >> 15)) * 0x85EBCA77u;
    return h ^ (h >> 13);
}

/* A random permutation of [0, n) as a function: the position of i, 1 <= n < 2^32. Nothing is
 * stored, so any work-item can compute any row of any epoch. An alternating Feistel network on the
 * next power of two (Luby and Rackoff 1988), applied repeatedly until the result is below n (cycle
 * walking: Black and Rogaway 2002). At least 6 bits, so that tiny sets are shuffled well, too. */
typedef struct {
    ls_u32x4 a, b;              /* round keys */
    ls_u32 low_bits, low, high; /* bits of the right half, and masks of both */
} ls_permutation;

LS_FN ls_permutation ls_permutation_of(ls_u32 n, ls_u64 seed, ls_u32 purpose, ls_u64 step)
{
    ls_permutation p;
    p.a = ls_random_block(seed, purpose, step, 0u);
    p.b = ls_random_block(seed, purpose, step, 1u);
    ls_u32 bits = 6u;
    while (bits < 32u && ((n - 1u) >> bits) != 0u) bits++;
    p.low_bits = bits >> 1;
    p.low = (1u << p.low_bits) - 1u;
    p.high = (1u << (bits - p.low_bits)) - 1u;
    return p;
}

/* One pass through the network. */
LS_FN ls_u32 ls_permute_once(ls_u32 i, ls_permutation p)
{
    ls_u32 r = i & p.low, l = i >> p.low_bits;
    l ^= ls_permute_mix(r, p.a.x) & p.high;
    r ^= ls_permute_mix(l, p.a.y) & p.low;
    l ^= ls_permute_mix(r, p.a.z) & p.high;
    r ^= ls_permute_mix(l, p.a.w) & p.low;
    l ^= ls_permute_mix(r, p.b.x) & p.high;
    r ^= ls_permute_mix(l, p.b.y) & p.low;
    l ^= ls_permute_mix(r, p.b.z) & p.high;
    r ^= ls_permute_mix(l, p.b.w) & p.low;
    return (l << p.low_bits) | r;
}

LS_FN ls_u32 ls_permute(ls_u32 i, ls_u32 n, ls_u64 seed, ls_u32 purpose, ls_u64 step)
{
    ls_permutation p = ls_permutation_of(n, seed, purpose, step);
    do i = ls_permute_once(i, p);
    while (i >= n);
    return i;
}

#endif
