/* SPDX-License-Identifier: MIT */
/* The way in which a member's steps run over the whole device, many of them in one launch
 * (kernels/whole.cl): for networks that are too small to fill a GPU by one operation, and too large
 * for one work-group. */
#ifndef LS_CL_WHOLE_H
#define LS_CL_WHOLE_H

#include "host/opencl/cl_way.h"

extern const ls_cl_way ls_cl_whole_way;

#endif
