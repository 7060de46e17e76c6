/* SPDX-License-Identifier: MIT */
/* Programs that were never built with a driver are built in a helper process first: some compilers
 * crash or hang on some kernels. What came of it is remembered in the cache folder. */
#ifndef LS_CL_GUARD_H
#define LS_CL_GUARD_H

#include "host/opencl/cl_device.h"

/* Before a program is built in this process. Fails with LS_ERR_DEVICE if the program crashes or
 * hangs the driver's compiler, or does not build. *elsewhere: a helper has just built it.
 * Does nothing if the device is not guarded, or there is no helper. */
ls_status ls_cl_guard(ls_cl_device *device, const char *source, size_t size, const char *options,
                      bool *elsewhere, ls_error *err);

/* In the helper: notes that a program was built, and remembers all programs that were noted, once
 * they have run as well (`good`), or forgets them. */
void ls_cl_guard_note(ls_cl_device *device, const char *source, size_t size, const char *options);
void ls_cl_guard_keep(ls_cl_device *device, bool good);

#endif
