/* SPDX-License-Identifier: MIT */
/* What follows the gradient of an image: d = x + skip, y = d·mask·act'(v), where v is z or a, as
 * the activation reads. d and y may be any of the others; if v is d, it is read afterwards.
 *
 * Each activation's is compiled by itself (host/opencl/cl_image_program.c), as some compilers take
 * longer for a kernel the more there are in a program: SLOPE is the derivative; DROPS is defined
 * for those with a mask, whose first element has that number. No branches, which would keep
 * compilers from vectors; if d is y, it is written twice. */
__kernel void slope(SHARED(x), SHARED(skip), SHARED(v), SHARED(d), SHARED(y), const uint n,
                    const ulong seed, const ulong step, const uint purpose, const float p,
                    const uint number)
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
        PASS_EACH(e)
        value[e] = value[e] * ls_dropout_factor(seed, purpose, step, number + PASS_AT(e), p);
#endif
        PASS_EACH(e) value[e] = value[e] * SLOPE(from[e]);
        PASS_PUT(y, value)
    }
}
