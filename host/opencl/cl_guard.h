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

/* Remembers that a program builds, or why it must not be built. */
void ls_cl_guard_note(const ls_cl_device *device, const char *source, size_t size,
                      const char *options, const char *why_not);

#endif
