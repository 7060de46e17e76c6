/* SPDX-License-Identifier: MIT */
/* Matrix products and element-wise passes, as operations of a plan, so that what is timed is what
 * trains. */
#ifndef LS_BENCH_MATMUL_H
#define LS_BENCH_MATMUL_H

#include "bench/common.h"

ls_status bench_matmul(bench_options *o, ls_device *device, ls_error *err);
ls_status bench_elementwise(bench_options *o, ls_device *device, ls_error *err);

#endif
