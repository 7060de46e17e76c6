/* SPDX-License-Identifier: MIT */
/* Measures what a device can do, and remembers it in the cache folder beside the verdict. */
#ifndef LS_CL_SPEED_H
#define LS_CL_SPEED_H

#include "host/network/device_speed.h"
#include "host/opencl/cl_device.h"

/* Takes about 0.3 s on a fast GPU, and what building the programs takes. The barrier over all
 * work-groups stays 0 where no way of running steps uses one. */
ls_status ls_cl_speed_measure(ls_cl_device *device, ls_device_speed *out, ls_error *err);

/* The remembered speed; false if there is none. */
bool ls_cl_recall_speed(const ls_device_info *info, ls_device_speed *out);
void ls_cl_remember_speed(const ls_device_info *info, const ls_device_speed *speed);

#endif
