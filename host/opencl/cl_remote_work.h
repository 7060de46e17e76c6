/* SPDX-License-Identifier: MIT */
/* The slots of a device in a helper process that move rows and run members, in pieces. */
#ifndef LS_CL_REMOTE_WORK_H
#define LS_CL_REMOTE_WORK_H

#include "host/opencl/cl_remote_ask.h"

ls_status ls_cl_remote_workspace_open(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                                      ls_error *err);
ls_status ls_cl_remote_workspace_load(ls_workspace *workspace, const ls_rows *data, ls_error *err);
ls_status ls_cl_remote_read(ls_workspace *workspace, size_t member, size_t at, size_t count,
                            float *to, ls_error *err);
ls_status ls_cl_remote_read_twice(ls_workspace *workspace, size_t member, size_t at, size_t count,
                                  float *to, ls_error *err);
ls_status ls_cl_remote_write(ls_workspace *workspace, size_t member, size_t at, size_t count,
                             const float *from, ls_error *err);
ls_status ls_cl_remote_copy(ls_workspace *workspace, size_t member, size_t from, size_t to,
                            size_t count, ls_error *err);
ls_status ls_cl_remote_run(ls_workspace *workspace, const ls_run *runs, size_t count,
                           ls_error *err);
ls_status ls_cl_remote_run_part(ls_workspace *workspace, const ls_part *part, ls_error *err);
ls_status ls_cl_remote_infer(ls_workspace *workspace, size_t member, size_t first, size_t rows,
                             float *outputs, float *losses, ls_error *err);

/* Something else than a run or an inference is done. */
void ls_cl_remote_interrupt(ls_cl_remote_workspace *workspace);
/* The member is removed with the next request; copies of it that wait are not sent any more. */
ls_status ls_cl_remote_remove(ls_cl_remote_workspace *workspace, size_t member, ls_error *err);

#endif
