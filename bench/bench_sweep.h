/* SPDX-License-Identifier: MIT */
/* Steps over a grid of widths and batches on the devices of --device, as a table and a plot. */
#ifndef LS_BENCH_SWEEP_H
#define LS_BENCH_SWEEP_H

#include "bench/common.h"

ls_status bench_sweep(bench_options *o, ls_error *err);

#endif
