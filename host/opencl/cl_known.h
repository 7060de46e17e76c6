/* SPDX-License-Identifier: MIT */
/* What is remembered about this machine's devices, so that a run need not ask drivers whether
 * looking for devices pays: which were found last, in how many seconds, and how long each took to
 * open. Files in the cache folder; without them nothing is remembered. */
#ifndef LS_CL_KNOWN_H
#define LS_CL_KNOWN_H

#include "host/opencl/cl_find.h"
#include <stdbool.h>

/* The list of the last search on this machine. It holds as long as the names of the installed
 * OpenCL drivers and of the GPUs' device files are the same, and the environment variables that
 * show or hide devices. seconds: what the search took. */
void ls_cl_remember_found(const ls_cl_found *list, size_t count, double seconds);
/* False if nothing is remembered; otherwise both arrays have `count` elements, and the caller frees
 * them. The self-check's verdict is not part of it (ls_cl_recall_verdict). */
bool ls_cl_recall_found(ls_device_info **list, ls_device_speed **guess, size_t *count,
                        double *seconds);

/* That a device has failed in use, and why (one line). The memory ends when its driver changes, or
 * with ls_cl_forget_failure. */
void ls_cl_remember_failure(const ls_device_info *info, const char *why);
bool ls_cl_recall_failure(const ls_device_info *info, char why[256]);
void ls_cl_forget_failure(const ls_device_info *info);

/* Seconds that opening a device and building the kernels of a run took last; 0 if unknown. */
void ls_cl_remember_opening(const ls_device_info *info, double seconds);
double ls_cl_recall_opening(const ls_device_info *info);

#endif
