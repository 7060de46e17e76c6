/* SPDX-License-Identifier: MIT */
/* Gradients of a convolution's weights: CONV_W. */
#ifndef LS_CPU_CONV_W_H
#define LS_CPU_CONV_W_H

#include "core_cpu/job.h"

extern const cpu_operation ls_cpu_conv_w;

#endif
