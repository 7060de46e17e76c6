/* SPDX-License-Identifier: MIT */
/* What the table of backends (host/device/backends.c) needs of OpenCL; no OpenCL header is needed
 * to include this. */
#ifndef LS_OPENCL_H
#define LS_OPENCL_H

#include "host/network/backend.h"
#include "host/network/device_speed.h"
#include "host/network/examination.h"
#include <stdatomic.h>

/* Functions of ls_backend_type; see host/device/backends.h. */
void ls_opencl_begin(const atomic_bool *stop, void **search);
ls_status ls_opencl_finish(void *search, unsigned threads, ls_device_info **list, size_t *count,
                           char note[256], ls_error *err);
bool ls_opencl_recall(ls_device_info *info);
bool ls_opencl_known(ls_device_info **list, ls_device_speed **guess, size_t *count,
                     double *seconds);
bool ls_opencl_speed(const ls_device_info *info, ls_device_speed *out);
void ls_opencl_guess(const void *search, size_t number, ls_device_speed *out);
double ls_opencl_opening(const ls_device_info *info);
void ls_opencl_note_opening(const ls_device_info *info, double seconds);
ls_status ls_opencl_judge(void *search, ls_device_info *list, size_t count,
                          ls_check_callback callback, void *user, ls_error *err);
ls_status ls_opencl_open(void *search, size_t number, unsigned threads, ls_device_info *info,
                         ls_backend **out, ls_error *err);
ls_status ls_opencl_examine(void *search, size_t number, ls_device_info *info,
                            ls_check_callback callback, void *user, ls_examination *out,
                            ls_error *err);
void ls_opencl_end(void *search);
ls_status ls_opencl_tune(ls_backend *backend, const ls_device_info *info, ls_tune_callback callback,
                         void *user, char *path, ls_error *err);
bool ls_opencl_owns(const ls_backend *backend);
void ls_opencl_heed(ls_backend *backend, const atomic_bool *stop);
void ls_opencl_note_failure(const ls_device_info *info, const char *why);
bool ls_opencl_failure(const ls_device_info *info, char why[256]);
void ls_opencl_forget_failures(const ls_device_info *info);

/* The speed of a device, measured with its self-check; false if it is not known. */
bool ls_opencl_speed(const ls_device_info *info, ls_device_speed *out);

#endif
