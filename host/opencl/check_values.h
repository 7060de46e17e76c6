/* SPDX-License-Identifier: MIT */
/* The self-check's elementary operations and functions, on awkward values. */
#ifndef LS_CHECK_VALUES_H
#define LS_CHECK_VALUES_H

#include "host/opencl/cl_device.h"

/* Compares the device with the CPU path bit by bit; the first difference goes into reason, which
 * must be "" before. */
ls_status ls_check_values(ls_cl_device *device, char reason[256], ls_error *err);

#endif
