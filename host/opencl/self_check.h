/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_SELF_CHECK_H
#define LS_CL_SELF_CHECK_H

#include "host/opencl/cl_backend.h"
#include "host/opencl/cl_cache.h"

/* A device to be checked, and what came of it. */
typedef struct {
    ls_device_info *info; /* completed by the verdict */
    bool speed;           /* checked again if its speed is unknown */
    ls_status status;     /* LS_OK before; otherwise error says why there is no verdict */
    ls_error error;
    ls_cl_verdict verdict; /* zeros for a device that does not report what is needed */
} ls_checked;

/* Compares devices with the CPU path bit by bit, unless their verdicts are known: those of
 * different drivers side by side. Verdicts and speeds are stored in the cache. callback: may be
 * NULL. cl: NULL if OpenCL is used in other processes only. stop: NULL, or ends the check soon once
 * it is true. */
ls_status ls_cl_self_check(const ls_cl_api *cl, const ls_cl_found *found, ls_checked *list,
                           size_t count, const atomic_bool *stop, ls_check_callback callback,
                           void *user, ls_error *err);

/* Compares one device anew, whatever is remembered, on awkward shapes as well. Verdict and speed
 * are stored. *speed: zeros if it was not measured. parts: that were compared. Without a helper
 * this fails. */
ls_status ls_cl_check_anew(const ls_cl_found *found, ls_checked *out, ls_device_speed *speed,
                           unsigned *parts, const atomic_bool *stop, ls_check_callback callback,
                           void *user, ls_error *err);

/* Completes info with the stored verdict; false if there is none. */
bool ls_cl_complete(ls_device_info *info);

#endif
