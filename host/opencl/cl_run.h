/* SPDX-License-Identifier: MIT */
/* Running steps: chooses the way of each member, by measuring. */
#ifndef LS_CL_RUN_H
#define LS_CL_RUN_H

#include "host/opencl/cl_device.h"

/* Slot; see host/network/backend.h. */
ls_status ls_cl_run(ls_workspace *workspace, const ls_run *runs, size_t count, ls_error *err);

/* Slot: the ways that are not used any more, and why. */
const char *ls_cl_note(ls_backend *backend);

/* Releases what the device keeps for its ways. */
void ls_cl_run_close(ls_cl_device *device);

#endif
