/* SPDX-License-Identifier: MIT */
/* What --device auto chooses over a grid of networks, against each device alone. */
#ifndef LS_BENCH_CHOOSE_H
#define LS_BENCH_CHOOSE_H

#include "bench/common.h"

ls_status bench_choose(bench_options *o, ls_error *err);

#endif
