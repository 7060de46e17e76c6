/* SPDX-License-Identifier: MIT */
/* A device in use in a helper process (cl_helper.h), as a backend. Requests are messages; arrays
 * lie in memory that both processes have. Long calls are divided into pieces, so that the helper
 * shows progress; no bit depends on that. If the helper crashes, is ended or hangs, the call and
 * all later ones fail with LS_ERR_DEVICE, and closing still works. */
#ifndef LS_CL_REMOTE_H
#define LS_CL_REMOTE_H

#include "host/opencl/cl_helper.h"

extern const ls_backend_slots ls_cl_remote_slots;

/* Opens a device that was checked. Takes the helper, which has no device yet; it is stopped if this
 * fails. *info: completed; exact is cleared if the device gives other values than it did when it
 * was checked. */
ls_status ls_cl_remote_open(ls_cl_helper *helper, size_t number, ls_device_info *info,
                            const ls_cl_verdict *verdict, ls_backend **out, ls_error *err);

/* See ls_backend_type. */
void ls_cl_remote_heed(ls_backend *backend, const atomic_bool *stop);
ls_status ls_cl_remote_tune(ls_backend *backend, ls_tune_callback callback, void *user, char *path,
                            ls_error *err);

#endif
