/* SPDX-License-Identifier: MIT */
/* Hashes of the weights of whole runs: the same on every exact device, instruction set and
 * processor. */
#ifndef LS_BENCH_HASH_H
#define LS_BENCH_HASH_H

#include "bench/common.h"

ls_status bench_hash(bench_options *o, ls_device *device, ls_error *err);

#endif
