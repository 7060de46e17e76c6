/* SPDX-License-Identifier: MIT */
/* How matrices come to kernels: a buffer and an offset in floats, NOWHERE where there is none. */
#ifndef LS_MATRIX_H
#define LS_MATRIX_H

#pragma OPENCL FP_CONTRACT OFF

#define NOWHERE (~0ul)
#define MATRIX(name) __global float *restrict name, const ulong name##_at
#define SHARED(name) __global float *name, const ulong name##_at /* may be the same memory as another argument */
#define AT(name) name += name##_at
#define THERE(name) (name##_at != NOWHERE)

#endif
