/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_FIND_H
#define LS_CL_FIND_H

#include "host/opencl/cl_api.h"

/* A device and what it reports; info.exact is what that allows, the self-check comes when it is
 * opened. */
typedef struct {
    ls_device_info info;
    cl_device_id id;
} ls_cl_found;

/* Lists OpenCL devices; *list is freed with free(). `note` says why there is none. */
ls_status ls_cl_find(const ls_cl_api *cl, ls_cl_found **list, size_t *count, char note[256],
                     ls_error *err);

#endif
