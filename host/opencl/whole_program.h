/* SPDX-License-Identifier: MIT */
/* The program of kernels/whole.cl on a device, and the sizes that it is built for and run with. */
#ifndef LS_WHOLE_PROGRAM_H
#define LS_WHOLE_PROGRAM_H

#include "host/opencl/cl_beside.h"
#include "host/opencl/whole_op.h"

/* Written by the thread that builds it until the build has ended. */
typedef struct {
    size_t wanted;      /* work-items per group that the build was begun for */
    size_t group, pool; /* those that it was built for, and floats of local memory */
    cl_program program;
    cl_kernel steps, barriers;
    ls_cl_beside build;
} ls_whole_program;

/* Whether the kernels can run on the device at all. */
bool ls_whole_is_possible(const ls_cl_device *device);

/* Work-groups that run at the same time, how often a waiting group looks before it gives up, and
 * the limits of steps that so many groups share. program: NULL before it is built. */
size_t ls_whole_groups(const ls_cl_device *device);
cl_uint ls_whole_patience(const ls_cl_device *device);
ls_whole_limits ls_whole_limits_of(const ls_cl_device *device, ls_whole_program *program,
                                   size_t groups);

/* Begins the build where that has not been done. READY: it has ended, well or not. */
ls_cl_readiness ls_whole_program_ready(ls_cl_device *device, ls_whole_program *program);
/* The same; waits for its end. A program that does not build is an error. */
ls_status ls_whole_program_wait(ls_cl_device *device, ls_whole_program *program, ls_error *err);
/* Waits for a build that goes on. */
void ls_whole_program_release(ls_cl_device *device, ls_whole_program *program);

#endif
