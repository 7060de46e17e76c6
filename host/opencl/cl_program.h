/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_PROGRAM_H
#define LS_CL_PROGRAM_H

#include "host/opencl/cl_device.h"

/* Builds a program with the project's options and `defines`, or takes its binary from the cache.
 * A failure carries the end of the compiler's log. A program that crashes the driver's compiler is
 * an error, too, if there is a helper to find out (cl_guard.h). Several threads may build different
 * programs of a device at once: besides the driver, which allows that, they share the atomic
 * counters of the device, the list `noted` with its lock, and files, which are replaced or appended
 * to in one piece. */
ls_status ls_cl_build(ls_cl_device *device, const char *source, size_t size, const char *defines,
                      cl_program *out, ls_error *err);

/* How far the device is with that (ls_backend_slots.builds). */
ls_builds ls_cl_builds(const ls_backend *backend);
/* The same with all options. */
ls_status ls_cl_build_exactly(ls_cl_device *device, const char *source, size_t size,
                              const char *options, cl_program *out, ls_error *err);

/* Builds the program of all kernels that need no tile, and creates device->kernel. */
ls_status ls_cl_build_kernels(ls_cl_device *device, ls_error *err);
void ls_cl_release_kernels(ls_cl_device *device);

#endif
