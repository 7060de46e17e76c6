/* SPDX-License-Identifier: MIT */
/* Resident memory of this process. */
#ifndef LS_BENCH_RESIDENT_H
#define LS_BENCH_RESIDENT_H

/* Bytes now, and the peak since the last reset; 0 if the system does not report them. */
double bench_resident(void);
double bench_peak_resident(void);
void bench_reset_peak(void);

#endif
