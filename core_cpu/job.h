/* SPDX-License-Identifier: MIT */
/* How the CPU path runs an operation, and what operations have in common. */
#ifndef LS_CPU_JOB_H
#define LS_CPU_JOB_H

#include "core_cpu/work.h"

/* How the CPU path runs a kind of operation: its outputs are shared among threads. */
typedef struct {
    /* Shares start at multiples of this, so that no two threads write to one cache line. */
    size_t unit;
    size_t (*extent)(const cpu_job *j); /* number of outputs to share */
    double (*cost)(const cpu_job *j); /* rough number of elementary steps of the whole operation */
    void (*run)(const cpu_job *j, size_t i0, size_t i1, float *scratch); /* outputs [i0, i1) */
    void (*finish)(const cpu_job *j); /* on one thread after all shares of a phase, or NULL */
    /* Number of phases, each shared among threads and finished before the next; NULL: one. extent,
     * run and finish read the phase, from 0 on, in the job. */
    unsigned (*phases)(const cpu_job *j);
    /* Most shares per thread: with several, a thread that is slower takes fewer of them. */
    unsigned parts;
} cpu_operation;

/* The matrix of a view; NULL if it is absent. */
float *ls_cpu_at(const cpu_job *j, ls_view view);

/* The dropout mask of the operation. */
ls_mask ls_cpu_mask(const cpu_job *j);

/* What follows the gradient of an input, for h × w elements from number `first` on, of rows that
 * are `stride` apart: d = from plus skip, and y = d with dropout times the derivative. */
void ls_cpu_follow(const cpu_job *j, const float *from, size_t first, size_t h, size_t w,
                   size_t stride);

/* The parameters of an operation for the optimizer: `columns` of them, from number `first` on. */
ls_update_block ls_cpu_range(const cpu_job *j, size_t first, size_t columns);
void ls_cpu_optimize(const cpu_job *j, const ls_update_block *u, bool decays);

#endif
