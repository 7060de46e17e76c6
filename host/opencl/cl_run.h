/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_RUN_H
#define LS_CL_RUN_H

#include "host/network/backend.h"

/* Slots; see host/network/backend.h. */
ls_status ls_cl_run(ls_workspace *workspace, const ls_run *runs, size_t count, ls_error *err);
ls_status ls_cl_infer(ls_workspace *workspace, size_t member, size_t first, size_t rows,
                      float *outputs, float *losses, ls_error *err);

#endif
