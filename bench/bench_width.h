/* SPDX-License-Identifier: MIT */
/* A long training of one small network on each device of --device: seconds, and whether the weights
 * are equal. */
#ifndef LS_BENCH_WIDTH_H
#define LS_BENCH_WIDTH_H

#include "bench/common.h"

ls_status bench_width(bench_options *o, ls_error *err);

#endif
