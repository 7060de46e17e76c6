/* SPDX-License-Identifier: MIT */
#ifndef LS_CPU_OPERATIONS_H
#define LS_CPU_OPERATIONS_H

#include "core_cpu/work.h"

/* How the CPU path runs a kind of operation: its outputs are shared among threads. */
typedef struct {
    /* Shares start at multiples of this, so that no two threads write to one cache line. */
    size_t unit;
    size_t (*extent)(const cpu_job *j); /* number of outputs to share */
    double (*cost)(const cpu_job *j); /* rough number of elementary steps of the whole operation */
    void (*run)(const cpu_job *j, size_t i0, size_t i1, float *scratch); /* outputs [i0, i1) */
    void (*finish)(const cpu_job *j); /* on one thread after all shares, or NULL */
} cpu_operation;

/* One per kind of operation in LS_OPS; a kind without one does not compile. */
extern const cpu_operation *const ls_cpu_operations[LS_OP_COUNT];

/* Runs only the optimizer's step over the weights of a GRAD_W. */
void ls_cpu_update_weights(const cpu_job *j);

#endif
