/* SPDX-License-Identifier: MIT */
/* The self-check of a device: each elementary operation and function on given bits. One work-item
 * per value; `out` holds CHECK_RESULTS words per value. host/opencl/self_check.c computes the same
 * on the host. */
__kernel void check(__global const uint *restrict x, __global const uint *restrict y,
                    __global uint *restrict out, const uint n)
{
    const uint i = get_global_id(0);
    if (i >= n) return;
    const float a = as_float(x[i]), b = as_float(y[i]);
    uint k = 0;
#define LS_CHECK(expression) out[k++ * n + i] = as_uint(expression);
    LS_CHECKS
#undef LS_CHECK
    out[k * n + i] = ls_random_u32(x[i], 1u, y[i], i) ^ ls_permute(i, n, x[0], 2u, 3u);
}
