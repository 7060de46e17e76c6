/* SPDX-License-Identifier: MIT */
/* The measurements of fleets as a table and a plot: time and memory against the number of members.
 */
#ifndef LS_BENCH_FLEET_PLOT_H
#define LS_BENCH_FLEET_PLOT_H

#include "bench/options.h"
#include "host/include/lockstep.h"

/* One measured fleet. */
typedef struct {
    const char *device; /* its name */
    size_t threads;     /* 0 for devices other than the CPU path */
    size_t members, epochs;
    double seconds;       /* for adding and training the members */
    double adding;        /* of these, for adding */
    double opening, peak; /* resident bytes before the first member was added, and their peak */
} bench_fleet_point;

/* Writes OUT.csv and OUT.svg. */
ls_status bench_fleet_files(const bench_options *o, const bench_fleet_point *points, size_t count,
                            ls_error *err);

#endif
