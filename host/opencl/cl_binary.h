/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_BINARY_H
#define LS_CL_BINARY_H

#include "host/opencl/cl_device.h"

/* A hash of a program's options and source, in hexadecimal. */
void ls_cl_program_id(const char *source, size_t size, const char *options, char id[33]);

/* Whether compiled programs are cached for this device. */
bool ls_cl_keeps_binaries(const ls_device_info *info);

/* The program built from that source with these options, from its cached binary; false if there is
 * none, or the driver refuses it. */
bool ls_cl_recall_program(ls_cl_device *device, const char *source, size_t size,
                          const char *options, cl_program *out);
void ls_cl_remember_program(ls_cl_device *device, const char *source, size_t size,
                            const char *options, cl_program program);

#endif
