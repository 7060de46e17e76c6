/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_CACHE_H
#define LS_CL_CACHE_H

#include "host/include/lockstep.h"
#include <stdbool.h>

/* Bytes of a path in the cache folder; ls_device_tune documents this size. */
enum { LS_CL_PATH = 700 };

/* Path in the user's cache folder for `what` of a device: hashed from device, driver, version and
 * kernels. Empty where there is no such folder. make: creates it. */
void ls_cl_cache_path(const ls_device_info *info, const char *what, char path[LS_CL_PATH],
                      bool make);

/* The self-check's verdict; false: none. */
bool ls_cl_recall_verdict(ls_device_info *info);
void ls_cl_remember_verdict(const ls_device_info *info);

#endif
