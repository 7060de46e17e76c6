/* SPDX-License-Identifier: MIT */
/* A check of a device's memory: patterns in a good part of what it reports, and copies there and
 * back, which are timed. */
#ifndef LS_CL_MEMORY_H
#define LS_CL_MEMORY_H

#include "host/network/examination.h"
#include "host/opencl/cl_device.h"

/* The device is open and its kernels need not be built. Of a GPU's own memory four fifths are
 * tried, as far as they are to be had; of memory that the host has as well, 256 MiB at most. */
void ls_cl_memory_check(ls_cl_device *device, ls_memory_report *out);

#endif
