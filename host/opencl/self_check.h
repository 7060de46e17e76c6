/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_SELF_CHECK_H
#define LS_CL_SELF_CHECK_H

#include "host/opencl/cl_backend.h"

/* Compares devices with the CPU path bit by bit, unless their verdicts are known, and completes
 * their infos: those of different drivers side by side. Verdicts and speeds are stored in the
 * cache. A device that fails stays as it is, and status[i] and error[i] say why. callback: may be
 * NULL. */
void ls_cl_self_check(const ls_cl_api *cl, const ls_cl_found *found, ls_device_info *const *info,
                      size_t count, ls_check_callback callback, void *user, ls_status *status,
                      ls_error *error);

/* Completes info with the stored verdict; false if there is none. */
bool ls_cl_complete(ls_device_info *info);

#endif
