/* SPDX-License-Identifier: MIT */
/* Convolution and the gradient of its inputs: CONV and CONV_X. */
#ifndef LS_CPU_CONV_H
#define LS_CPU_CONV_H

#include "core_cpu/job.h"
#include "core_cpu/slide.h"

extern const cpu_operation ls_cpu_conv, ls_cpu_conv_x;

/* The windows of CONV and CONV_W, over the channels of a group. */
ls_slide ls_cpu_windows(const ls_window *w, size_t group);

/* Number of products of a convolution with an image, or of one of its gradients. */
double ls_cpu_conv_cost(const cpu_job *j);

#endif
