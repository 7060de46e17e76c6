/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_SELF_CHECK_H
#define LS_CL_SELF_CHECK_H

#include "host/opencl/cl_device.h"

/* Compares the device with the CPU path bit by bit, unless the verdict is known; info->exact and
 * info->reason receive the verdict, which is stored in the cache. */
ls_status ls_cl_self_check(ls_cl_device *device, ls_device_info *info, ls_error *err);

#endif
