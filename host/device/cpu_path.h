/* SPDX-License-Identifier: MIT */
/* The CPU path (core_cpu/) as a row of the table of backends. */
#ifndef LS_CPU_PATH_H
#define LS_CPU_PATH_H

#include "host/network/backend.h"

/* The threads of the CPU path that the device may use (NULL: the CPU path with one per usable core);
 * 1 with several ranks, whose cores they are. */
unsigned ls_device_threads(const ls_device *device);

/* What is listed of the CPU path with that many threads; 0: one per usable core. */
ls_device_info ls_cpu_info(unsigned threads);

/* Functions of ls_backend_type; see host/device/backends.h. */
ls_status ls_cpu_path_finish(void *search, unsigned threads, ls_device_info **list, size_t *count,
                             char note[256], ls_error *err);
ls_status ls_cpu_path_open(void *search, size_t number, unsigned threads, ls_device_info *info,
                           ls_backend **out, ls_error *err);

#endif
