/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_GUESS_H
#define LS_CL_GUESS_H

#include "host/network/device_speed.h"
#include "host/opencl/cl_api.h"

/* A cautious guess of what a GPU does that was never measured, from the number of its compute units
 * and their clock; all zeros for other devices. It only decides whether the GPU is tried early. */
void ls_cl_guess_speed(const ls_cl_api *cl, cl_device_id id, ls_device_speed *out);

#endif
