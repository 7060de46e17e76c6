/* SPDX-License-Identifier: MIT */
/* A network whose training steps can be timed. */
#ifndef LS_BENCH_RUN_H
#define LS_BENCH_RUN_H

#include "bench/common.h"

typedef struct {
    ls_device *device;
    ls_options *options;
    struct ls_network *network;
    ls_plan *plan;
    ls_workspace *workspace;
    ls_rates *rates;
    float *x, *t, *losses;
    uint64_t step;
    double flops; /* of a step's products: 6·rows·weights without the gradient of the inputs of the
                     first layer, which is not computed */
} bench_run;

/* Sets the hidden layers of the options from widths such as 784-512-10, and returns the numbers of
 * features and classes. */
ls_status bench_set_network(ls_options *options, const char *widths, size_t *features,
                            size_t *classes, ls_error *err);
/* The options of a full-batch training as the command line gives them, and the numbers of features
 * and classes. */
ls_status bench_full_batch_options(const bench_options *o, ls_options **out, size_t *features,
                                   size_t *classes, ls_error *err);

ls_status bench_run_open(const bench_options *o, ls_device *device, bench_run *run, ls_error *err);
ls_status bench_run_steps(bench_run *run, uint64_t count, ls_error *err);
/* Warms up, and sets *count to a number of steps that takes at least half of --seconds. */
ls_status bench_calibrate(const bench_options *o, bench_run *run, uint64_t *count, ls_error *err);
/* Calibrates and times steps: median seconds of a step over --repeat repetitions, and their spread
 * (may be NULL). */
ls_status bench_time_steps(const bench_options *o, bench_run *run, double *seconds, double *spread,
                           ls_error *err);
void bench_run_close(bench_run *run);

#endif
