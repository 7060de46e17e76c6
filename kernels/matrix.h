/* SPDX-License-Identifier: MIT */
/* How matrices come to kernels: a buffer and an offset in floats, NOWHERE where there is none. */
#ifndef LS_MATRIX_H
#define LS_MATRIX_H

#pragma OPENCL FP_CONTRACT OFF

#define NOWHERE (~0ul)
#define MATRIX(name) __global float *restrict name, const ulong name##_at
#define SHARED(name)                                                                               \
    __global float *name, const ulong name##_at /* may be the same memory as another argument */
#define AT(name) name += name##_at
#define THERE(name) (name##_at != NOWHERE)

/* An optimizer's constants and the step's scalars, which come as vectors: some drivers are wrong
 * about structs. */
#define HYPER(h)                                                                                   \
    {                                                                                              \
        (h).s0, (h).s1, (h).s2, (h).s3, (h).s4, (h).s5, (h).s6, (h).s7                             \
    }
#define RATES(r)                                                                                   \
    {                                                                                              \
        (r).x, (r).y, (r).z, (r).w                                                                 \
    }

#endif
