/* SPDX-License-Identifier: MIT */
/* Patterns in a device's memory (host/opencl/cl_memory.c). A word depends on its place and on a
 * seed, so that a word that lands elsewhere is noticed; the seed's highest bit inverts it. Buffers
 * have fewer than 2^32 words; host/opencl/cl_memory.c computes the same pattern. */
uint pattern_word(const uint place, const uint seed)
{
    uint h = place * 0x9e3779b1u ^ (seed & 0x7fffffffu);
    h = (h ^ (h >> 16)) * 0x7feb352du;
    h = (h ^ (h >> 15)) * 0x846ca68bu;
    h ^= h >> 16;
    return seed >> 31 ? ~h : h;
}

__kernel void memory_fill(__global uint *restrict words, const uint count, const uint seed)
{
    const uint i = get_global_id(0);
    if (i < count) words[i] = pattern_word(i, seed);
}

/* wrong: the number of words that differ from the pattern, and the place of the first of them. */
__kernel void memory_check(__global const uint *restrict words, const uint count, const uint seed,
                           __global uint *restrict wrong)
{
    const uint i = get_global_id(0);
    if (i >= count || words[i] == pattern_word(i, seed)) return;
    atomic_inc(&wrong[0]);
    atomic_min(&wrong[1], i);
}
