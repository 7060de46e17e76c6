/* SPDX-License-Identifier: MIT */
/* The options about checkpoints and checks of a training. None of them changes a bit of the model.
 */
#ifndef LS_CLI_SAFETY_H
#define LS_CLI_SAFETY_H

#include "host/include/lockstep.h"
#include <popt.h>
#include <stdint.h>

typedef struct {
    const char *checkpoint; /* folder, or NULL */
    const char *every;      /* "30s", "5m", "2h", or a number of epochs; NULL: not given */
    long long keep, verify; /* 0: not given */
    int no_fallback, check_finite;
} safety_options;

/* popt entries. The table points into `options`, which must outlive it. */
enum { SAFETY_OPTIONS = 7 };
void safety_table(safety_options *options, struct poptOption table[SAFETY_OPTIONS]);

/* The options as the library takes them. */
ls_status safety_control(const safety_options *options, ls_train_control *out, ls_error *err);

#endif
