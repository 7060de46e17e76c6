/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_CACHE_H
#define LS_CL_CACHE_H

#include "host/include/lockstep.h"
#include <stdbool.h>

/* Bytes of a path in the cache folder; ls_device_tune documents this size. */
enum { LS_CL_PATH = 700 };

/* Path of the file `what` about a device in the user's cache folder; the name ends with a hash of
 * the device, its driver, this version and the kernels. Empty if there is no such folder. make:
 * creates the folder. */
void ls_cl_cache_path(const ls_device_info *info, const char *what, char path[LS_CL_PATH],
                      bool make);

/* Completes info with the self-check's stored verdict; false if there is none. */
bool ls_cl_recall_verdict(ls_device_info *info);
void ls_cl_remember_verdict(const ls_device_info *info);

#endif
