/* SPDX-License-Identifier: MIT */
#include "core_cpu/images.h"
#include <stdlib.h>

static size_t extent(const cpu_job *j) { return j->rows; }
static double cost(const cpu_job *j) { return (double)j->rows; }
static void run(const cpu_job *j, size_t i0, size_t i1, float *scratch)
{
    (void)j, (void)i0, (void)i1, (void)scratch;
    abort();
}

const cpu_operation ls_cpu_conv = {1, extent, cost, run, NULL};
const cpu_operation ls_cpu_conv_x = {1, extent, cost, run, NULL};
const cpu_operation ls_cpu_conv_w = {1, extent, cost, run, NULL};
const cpu_operation ls_cpu_max_pool = {1, extent, cost, run, NULL};
const cpu_operation ls_cpu_max_pool_x = {1, extent, cost, run, NULL};
const cpu_operation ls_cpu_avg_pool = {1, extent, cost, run, NULL};
const cpu_operation ls_cpu_avg_pool_x = {1, extent, cost, run, NULL};
const cpu_operation ls_cpu_act = {1, extent, cost, run, NULL};
const cpu_operation ls_cpu_slope = {1, extent, cost, run, NULL};
