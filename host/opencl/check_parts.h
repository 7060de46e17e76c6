/* SPDX-License-Identifier: MIT */
/* The parts of the self-check. They are independent of each other, so that processes can share them
 * (self_check.c). */
#ifndef LS_CHECK_PARTS_H
#define LS_CHECK_PARTS_H

#include "host/opencl/check_part.h"
#include "host/opencl/cl_device.h"

/* The parts of a device; returns their number. Parts at the front need device->kernel, those at the
 * end are few large programs: two processes that begin at the two ends seldom build the same one.
 */
size_t ls_check_parts(const ls_cl_device *device, ls_check_part parts[LS_CHECK_PARTS_MOST]);

/* Adds those of awkward shapes (check_shapes.h), which `lockstep doctor` compares as well. */
size_t ls_check_more_parts(const ls_cl_device *device, ls_check_part parts[LS_CHECK_PARTS_MOST],
                           size_t count);

/* Compares one part with the CPU path bit by bit; the first difference goes into reason, which must
 * be "" before. Builds device->kernel if the part needs it. Fails with LS_ERR_DEVICE if a program
 * does not build, or a way cannot be used. */
ls_status ls_check_part_run(ls_cl_device *device, ls_backend *cpu, const ls_check_part *part,
                            char reason[256], ls_error *err);

#endif
