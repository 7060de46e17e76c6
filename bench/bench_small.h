/* SPDX-License-Identifier: MIT */
/* Full-batch steps of small networks on one thread, beside the time that one core needs at its
 * peak. */
#ifndef LS_BENCH_SMALL_H
#define LS_BENCH_SMALL_H

#include "bench/common.h"

ls_status bench_small(bench_options *o, ls_error *err);

#endif
