/* SPDX-License-Identifier: MIT */
/* The peak rates of a device, measured: fma in FLOP/s and copies in bytes/s. */
#ifndef LS_BENCH_PEAK_H
#define LS_BENCH_PEAK_H

#include "host/network/backend.h"

/* threads, isa: of the CPU path, as in bench_options. */
ls_status bench_peak(ls_device *device, unsigned threads, const char *isa, double *flops,
                     double *bytes, ls_error *err);

#endif
