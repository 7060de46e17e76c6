/* SPDX-License-Identifier: MIT */
/* Small networks on OpenCL: all asked steps of many members in one launch (kernels/small.cl). */
#ifndef LS_CL_SMALL_H
#define LS_CL_SMALL_H

#include "host/network/chunks.h"
#include "host/opencl/cl_device.h"

/* What the kernel is told of a member; NULL stands for one whose steps go operation by operation.
 */
typedef struct {
    cl_uint *word;
    size_t words;
    size_t scratch; /* floats that a step needs */
} ls_cl_small;

/* *out stays NULL where the plan cannot go chunk by chunk. */
ls_status ls_cl_small_build(const ls_plan *plan, ls_cl_small **out, ls_error *err);
void ls_cl_small_free(ls_cl_small *small);

/* A member's part of a launch. */
typedef struct {
    const ls_cl_small *small;
    size_t base, origin; /* of its arena in the slab, and of its rows */
    const ls_run *run;
} ls_cl_small_run;

/* Runs members whose arenas are in one slab; returns when the losses are there. x, t, weight: the
 * data set (weight may be NULL). */
ls_status ls_cl_small_steps(ls_cl_device *device, cl_mem slab, cl_mem x, cl_mem t, cl_mem weight,
                            const ls_cl_small_run *runs, size_t count, ls_error *err);

/* Releases what a device keeps for this. */
void ls_cl_small_close(ls_cl_device *device);

#endif
