/* SPDX-License-Identifier: MIT */
/* Element formulas of batch normalisation (Ioffe, Szegedy 2015), shared by both paths. */
#ifndef LS_NORM_H
#define LS_NORM_H
#ifndef __OPENCL_VERSION__
#include "kernels/arith.h"
#endif

#define LS_NORM_EPSILON 1e-5f
#define LS_NORM_MOMENTUM 0.1f /* weight of the new batch in the running averages */

/* 1 / sqrt(variance + epsilon) from the (biased) variance. */
LS_FN float ls_norm_inv(float variance) { return 1.0f / ls_sqrt(variance + LS_NORM_EPSILON); }

/* Running average moved towards a batch's value. Flushed: it would decay into denormals. */
LS_FN float ls_norm_running(float running, float value)
{
    return ls_flush(ls_fma(LS_NORM_MOMENTUM, value - running, running));
}

/* As macros, for vectors in OpenCL C. */
#define LS_NORM_HAT(z, mean, inv) (((z) - (mean)) * (inv))
#define LS_NORM_GRAD(dy, hat, gamma, inv, sum_dy, sum_dy_hat, inv_rows)                            \
    (((gamma) * (inv)) * ls_fma(-(hat), (sum_dy_hat) * (inv_rows), (dy) - (sum_dy) * (inv_rows)))

LS_FN float ls_norm_hat(float z, float mean, float inv) { return LS_NORM_HAT(z, mean, inv); }

/* dL/dz of one element; sum_dy and sum_dy_hat are the sums over the batch of dy and dy·hat,
 * inv_rows = 1/rows. */
LS_FN float ls_norm_grad(float dy, float hat, float gamma, float inv, float sum_dy,
                         float sum_dy_hat, float inv_rows)
{
    return LS_NORM_GRAD(dy, hat, gamma, inv, sum_dy, sum_dy_hat, inv_rows);
}

#endif
