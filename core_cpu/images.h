/* SPDX-License-Identifier: MIT */
/* The operations on images without weights: pools and elementwise ones. */
#ifndef LS_CPU_IMAGES_H
#define LS_CPU_IMAGES_H

#include "core_cpu/job.h"

extern const cpu_operation ls_cpu_max_pool, ls_cpu_max_pool_x, ls_cpu_avg_pool, ls_cpu_avg_pool_x;
extern const cpu_operation ls_cpu_act, ls_cpu_slope;

#endif
