/* SPDX-License-Identifier: MIT */
/* An epoch on data of MNIST's size, and the share of its time outside matrix products. */
#ifndef LS_BENCH_EPOCH_H
#define LS_BENCH_EPOCH_H

#include "bench/common.h"

ls_status bench_epoch(bench_options *o, ls_device *device, ls_error *err);

#endif
