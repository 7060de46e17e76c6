/* SPDX-License-Identifier: MIT */
/* Chunk-wise mode on OpenCL devices: all steps of a call, of many members, in one launch
 * (kernels/small.cl). */
#ifndef LS_CL_SMALL_H
#define LS_CL_SMALL_H

#include "host/network/chunks.h"
#include "host/opencl/cl_device.h"

/* The number of chunks that n rows or values have. */
static inline size_t chunks_of(size_t n) { return (n + LS_CHUNK - 1) / LS_CHUNK; }

/* A plan as the words that the kernel reads (kernels/small.h). */
typedef struct {
    cl_uint *word;
    size_t words;
    size_t scratch; /* floats that a step needs */
} ls_cl_small;

/* *out is NULL if the plan cannot run chunk-wise. */
ls_status ls_cl_small_build(const ls_plan *plan, ls_cl_small **out, ls_error *err);
void ls_cl_small_free(ls_cl_small *small);

/* A member's part of a launch. */
typedef struct {
    const ls_cl_small *small;
    size_t base, origin; /* offset of its arena in the slab, and the first of its rows */
    const ls_run *run;
} ls_cl_small_run;

/* Runs members whose arenas are in one slab; returns when the losses have been read. x, t, weight:
 * the data (weight may be NULL). */
ls_status ls_cl_small_steps(ls_cl_device *device, cl_mem slab, cl_mem x, cl_mem t, cl_mem weight,
                            const ls_cl_small_run *runs, size_t count, ls_error *err);

/* Releases the programs and buffers that a device has for this mode. */
void ls_cl_small_close(ls_cl_device *device);

#endif
