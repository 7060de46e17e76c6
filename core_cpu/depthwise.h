/* SPDX-License-Identifier: MIT */
/* Convolutions with one channel per group, in and out: all channels at once, without products. */
#ifndef LS_CPU_DEPTHWISE_H
#define LS_CPU_DEPTHWISE_H

#include "core_cpu/job.h"

static inline bool ls_cpu_is_depthwise(const ls_window *w)
{
    return w->groups > 1 && w->groups == w->from.channels && w->groups == w->to.channels;
}

/* CONV or CONV_X for lines [i0, i1) of the images of the result. */
void ls_cpu_depthwise(const cpu_job *j, size_t i0, size_t i1, float *scratch);
/* CONV_W for channels [c0, c1). */
void ls_cpu_depthwise_w(const cpu_job *j, size_t c0, size_t c1, float *scratch);

#endif
