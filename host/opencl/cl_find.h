/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_FIND_H
#define LS_CL_FIND_H

#include "host/network/device_speed.h"
#include "host/opencl/cl_api.h"

/* A device and what it reports. info.exact says whether the reported properties suffice; the
 * self-check follows when the device is opened. */
typedef struct {
    ls_device_info info;
    cl_device_id id;
    ls_device_speed guess; /* of a GPU: its speed, from what it reports (cl_guess.h) */
} ls_cl_found;

/* Lists OpenCL devices; *list is freed with free(). note: why there is no device, or "". */
ls_status ls_cl_find(const ls_cl_api *cl, ls_cl_found **list, size_t *count, char note[256],
                     ls_error *err);

#endif
