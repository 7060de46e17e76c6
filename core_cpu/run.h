/* SPDX-License-Identifier: MIT */
#ifndef LS_CPU_RUN_H
#define LS_CPU_RUN_H

#include "core_cpu/work.h"

/* The slots `run`, `run_part`, `infer` and `infer_many` of the CPU path, see ls_backend_slots. */
ls_status ls_cpu_run(ls_workspace *workspace, const ls_run *runs, size_t count, ls_error *err);
ls_status ls_cpu_run_part(ls_workspace *workspace, const ls_part *part, ls_error *err);
ls_status ls_cpu_infer_many(ls_workspace *workspace, const ls_member_inference *list, size_t count,
                            ls_error *err);
ls_status ls_cpu_infer(ls_workspace *workspace, size_t member, size_t first, size_t rows,
                       float *outputs, float *losses, ls_error *err);

#endif
