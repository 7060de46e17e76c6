/* SPDX-License-Identifier: MIT */
/* Opening a device that was checked, in the process that calls OpenCL. */
#ifndef LS_CL_USE_H
#define LS_CL_USE_H

#include "host/opencl/cl_backend.h"
#include "host/opencl/cl_cache.h"

/* Opens the device and builds its kernels; programs are guarded from now on (cl_guard.h), and those
 * that the self-check has built are known to be harmless. counts: where builds and progress are
 * counted, or NULL. reason: "", unless the verdict is exact and the device does not give the right
 * values any more, as its compiler may have changed: this is then remembered. */
ls_status ls_cl_open_for_use(const ls_cl_api *cl, const ls_cl_found *found,
                             const ls_cl_verdict *verdict, ls_cl_counts *counts, ls_cl_device **out,
                             char reason[256], ls_error *err);

#endif
