/* SPDX-License-Identifier: MIT */
/* Whole training steps, as ls_train runs them: batches, forward, loss, backward, update. */
#ifndef LS_BENCH_STEP_H
#define LS_BENCH_STEP_H

#include "bench/common.h"

ls_status bench_step(bench_options *o, ls_device *device, ls_error *err);

/* For bench/side_by_side.py: prints "ready LOSS FLOPS"; then each line "go" on standard input runs
 * one repetition and prints the seconds of a step. */
ls_status bench_serve(bench_options *o, ls_device *device, ls_error *err);

#endif
