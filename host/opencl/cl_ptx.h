/* SPDX-License-Identifier: MIT */
/* What only NVIDIA's compiler knows: asynchronous copies to local memory, written in PTX. They are
 * used where a probe on the device has shown that they build, give the right bits and are not
 * slower. */
#ifndef LS_CL_PTX_H
#define LS_CL_PTX_H

#include "host/opencl/cl_device.h"

/* Sets async_copies. Never fails: what does not work is not used. Devices of other vendors are not
 * asked. Takes the time of building two small programs, which the driver remembers. */
void ls_cl_probe_async_copies(ls_cl_device *device);

/* Times of one way of copying, and what it copied. */
typedef struct {
    double seconds; /* the shortest */
    unsigned *sums; /* of LS_CL_COPY_SUMS work-items */
} ls_cl_copies;
enum { LS_CL_COPY_SUMS = 64 * 256 };

/* Builds and runs the probe's kernel with these compiler options. The caller allocates the sums. */
ls_status ls_cl_run_copies(ls_cl_device *device, const char *defines, ls_cl_copies *out,
                           ls_error *err);

/* Whether asynchronous copies are to be used, after both ways have run. */
bool ls_cl_copies_pay(const ls_cl_copies *plain, const ls_cl_copies *async);

#endif
