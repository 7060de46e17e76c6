/* SPDX-License-Identifier: MIT */
/* The rows that steps run on: generated, or images from IDX files such as MNIST's. */
#ifndef LS_BENCH_ROWS_H
#define LS_BENCH_ROWS_H

#include "bench/options.h"
#include "host/include/lockstep.h"

/* Allocates and fills *x[rows x features] and *t[rows x outputs] with rows of --data or random
 * rows. After an error the caller still frees both. */
ls_status bench_fill_rows(const bench_options *o, size_t rows, size_t features, size_t outputs,
                          float **x, float **t, ls_error *err);

#endif
