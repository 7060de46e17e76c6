/* SPDX-License-Identifier: MIT */
/* The layered way: each operation of a plan is a few launches, and all operations of a call go into
 * one in-order queue. The host waits only for the losses, at the end of the call. */
#ifndef LS_CL_LAYERED_H
#define LS_CL_LAYERED_H

#include "host/opencl/cl_workspace.h"

extern const ls_cl_way ls_cl_layered_way;

/* Slot; see host/network/backend.h. */
ls_status ls_cl_run_part(ls_workspace *workspace, const ls_part *part, ls_error *err);
ls_status ls_cl_infer(ls_workspace *workspace, size_t member, size_t first, size_t rows,
                      float *outputs, float *losses, ls_error *err);

#endif
