/* SPDX-License-Identifier: MIT */
/* The way in which a member's steps run over the whole device, many of them in one launch
 * (kernels/whole.cl): for networks that are too small to fill a GPU by one operation, and too large
 * for one work-group. */
#ifndef LS_CL_WHOLE_H
#define LS_CL_WHOLE_H

#include "host/opencl/cl_device.h"

extern const ls_cl_way ls_cl_whole_way;

/* Seconds of the barrier over all work-groups that the way needs between phases; 0 if there is one
 * group, or the way is impossible. Builds the program if that has not been done. */
ls_status ls_cl_whole_barrier(ls_cl_device *device, double *seconds, ls_error *err);

#endif
