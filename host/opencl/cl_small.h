/* SPDX-License-Identifier: MIT */
/* The chunk-wise way: all steps of a call, of many members, in one launch (kernels/small.cl, on
 * GPUs kernels/small_group.cl). */
#ifndef LS_CL_SMALL_H
#define LS_CL_SMALL_H

#include "host/opencl/cl_way.h"

extern const ls_cl_way ls_cl_small_way;

/* Whether the device runs a member by one work-item, as CPU devices do, or by a work-group. */
bool ls_cl_small_is_solo(const struct ls_cl_device *device);
/* The scratch memory of a chunk of a member that this way has prepared, in floats. */
size_t ls_cl_small_scratch(const void *prepared);

#endif
