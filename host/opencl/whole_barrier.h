/* SPDX-License-Identifier: MIT */
#ifndef LS_WHOLE_BARRIER_H
#define LS_WHOLE_BARRIER_H

#include "host/opencl/whole_program.h"

/* Seconds of a barrier over that many work-groups of a launch; takes some milliseconds. The program
 * is built. Fails if the groups do not run at the same time. */
ls_status ls_whole_barrier_measure(ls_cl_device *device, const ls_whole_program *program,
                                   size_t groups, double *seconds, ls_error *err);

/* What came of a launch with barriers whose groups waited too long. */
ls_status ls_whole_gone(size_t groups, ls_error *err);

#endif
