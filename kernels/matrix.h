/* SPDX-License-Identifier: MIT */
/* How kernels receive matrices: a buffer and an offset in floats, NOWHERE for an absent matrix. */
#ifndef LS_MATRIX_H
#define LS_MATRIX_H

#pragma OPENCL FP_CONTRACT OFF

#define NOWHERE (~0ul)
#define MATRIX(name) __global float *restrict name, const ulong name##_at
/* Like MATRIX, for memory that may overlap that of another argument. */
#define SHARED(name) __global float *name, const ulong name##_at
#define AT(name) name += name##_at
#define THERE(name) (name##_at != NOWHERE)

#endif
