/* SPDX-License-Identifier: MIT */
#ifndef LS_CPU_OPERATIONS_H
#define LS_CPU_OPERATIONS_H

#include "core_cpu/work.h"

/* How the CPU path runs an operation. Its outputs are shared out among threads. */
typedef struct {
    /* Shares start at multiples of this, so that no two threads write to one cache line. */
    size_t unit;
    size_t (*extent)(const cpu_job *j); /* number of outputs to share out */
    double (*cost)(const cpu_job *j); /* rough number of elementary steps of the whole operation */
    void (*run)(const cpu_job *j, size_t i0, size_t i1, float *scratch); /* outputs [i0, i1) */
    void (*finish)(const cpu_job *j); /* on one thread, when all shares are done; or NULL */
} cpu_operation;

/* One per kind of operation, from LS_OPS: a kind without one does not compile. */
extern const cpu_operation *const ls_cpu_operations[LS_OP_COUNT];

/* The optimizer's step over the weights of a GRAD_W, by itself. */
void ls_cpu_update_weights(const cpu_job *j);

#endif
