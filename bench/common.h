/* SPDX-License-Identifier: MIT */
/* What the benchmarks share: time, medians, devices, and lines of output. */
#ifndef LS_BENCH_COMMON_H
#define LS_BENCH_COMMON_H

#include "bench/options.h"
#include "host/network/backend.h"

/* Seconds on a monotonic clock. */
double bench_now(void);

/* Sorts n values; returns their median, and half their interquartile range relative to it. */
double bench_median(double *values, size_t n, double *spread);

/* Opens the device of the options. */
ls_status bench_open(const bench_options *o, ls_device **out, ls_error *err);

enum { BENCH_DEVICES = 4 };

/* The devices of --device, which are separated by commas: *count names, freed with
 * bench_names_free. */
ls_status bench_names(const bench_options *o, char *names[BENCH_DEVICES], size_t *count,
                      ls_error *err);
void bench_names_free(char *names[BENCH_DEVICES], size_t count);

/* Prints one line: benchmark, case, rate in `unit`, share of the peak (0: none), seconds, spread.
 */
void bench_row(bench_options *o, const char *what, const char *name, double rate, const char *unit,
               double peak, double seconds, double spread);

#endif
