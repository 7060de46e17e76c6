/* SPDX-License-Identifier: MIT */
/* OpenCL as a backend: its slots, and opening and closing a whole device. */
#ifndef LS_CL_BACKEND_H
#define LS_CL_BACKEND_H

#include "host/opencl/check_part.h"
#include "host/opencl/cl_device.h"

/* Opens a found device with its tiles, without building its kernels. */
ls_status ls_cl_backend_create(const ls_cl_api *cl, const ls_cl_found *found,
                               ls_cl_copies_use copies, ls_cl_device **out, ls_error *err);
/* Opens a found device and builds its kernels, without checking its bits. */
ls_status ls_cl_backend_open(const ls_cl_api *cl, const ls_cl_found *found, ls_cl_device **out,
                             ls_error *err);
/* Releases all of it. */
void ls_cl_backend_close(ls_backend *base);

extern const ls_backend_slots ls_cl_slots;

#endif
