/* SPDX-License-Identifier: MIT */
#ifndef LS_CPU_OPERATIONS_H
#define LS_CPU_OPERATIONS_H

#include "core_cpu/job.h"

/* One per kind of operation in LS_OPS; a kind without one does not compile. */
extern const cpu_operation *const ls_cpu_operations[LS_OP_COUNT];

/* Runs only the optimizer's step over the weights of a GRAD_W. */
void ls_cpu_update_weights(const cpu_job *j);

#endif
