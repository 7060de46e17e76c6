/* SPDX-License-Identifier: MIT */
/* What follows the gradient of an image: d = x + skip, y = d·mask·act'(v), where v is z or a, as
 * the activation reads. d and y may be any of the others; if v is d, it is read afterwards.
 *
 * Each activation's is compiled by itself (host/opencl/cl_image_program.c), as some compilers take
 * longer for a kernel the more there are in a program: SLOPE is the derivative; DROPS is defined
 * for those with a mask. No branches, which would keep compilers from vectors; if d is y, it is
 * written twice. */
#ifndef PASS_GROUP
/* CPU devices: one work-item per SLOPE_VALUES values. */
__kernel void slope(SHARED(x), SHARED(skip), SHARED(v), SHARED(d), SHARED(y), const uint n,
                    const ulong seed, const ulong step, const uint purpose, const float p)
{
    const int skips = THERE(skip), own = v_at == d_at;
    const uint from = get_global_id(0) * SLOPE_VALUES, end = min(from + SLOPE_VALUES, n);
    AT(x), AT(v), AT(d), AT(y);
    __global const float *more = skips ? skip + skip_at : x;
    /* Whatever arrays are the same, a value of them is no other's. */
    _Pragma("clang loop vectorize(assume_safety)") for (uint i = from; i < end; i++)
    {
        float value = x[i];
        value = skips ? value + more[i] : value;
        const float read = v[i], kept = own ? value : read;
        d[i] = value;
#ifdef DROPS
        value = value * ls_dropout_factor(seed, purpose, step, i, p);
#endif
        y[i] = value * SLOPE(kept);
    }
}
#else
__kernel void slope(SHARED(x), SHARED(skip), SHARED(v), SHARED(d), SHARED(y), const uint n,
                    const ulong seed, const ulong step, const uint purpose, const float p)
{
    const int skips = THERE(skip), own = v_at == d_at;
    AT(x), AT(v), AT(d), AT(y);
    __global const float *more = skips ? skip + skip_at : x;
    PASS(n, PASS_WHOLE(x) && PASS_WHOLE(more) && PASS_WHOLE(v) && PASS_WHOLE(d) && PASS_WHOLE(y))
    {
        float value[PASS_WIDTH], other[PASS_WIDTH], from[PASS_WIDTH];
        PASS_GET(value, x)
        PASS_GET(other, more)
        PASS_GET(from, v)
        PASS_EACH(e)
        {
            value[e] = skips ? value[e] + other[e] : value[e];
            from[e] = own ? value[e] : from[e];
        }
        PASS_PUT(d, value)
#ifdef DROPS
        PASS_EACH(e) value[e] = value[e] * ls_dropout_factor(seed, purpose, step, PASS_AT(e), p);
#endif
        PASS_EACH(e) value[e] = value[e] * SLOPE(from[e]);
        PASS_PUT(y, value)
    }
}
#endif
