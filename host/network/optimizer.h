/* SPDX-License-Identifier: MIT */
/* The optimizers as the host sees them; the table is LS_OPTIMIZERS in kernels/optimizer.h. */
#ifndef LS_NETWORK_OPTIMIZER_H
#define LS_NETWORK_OPTIMIZER_H

#include "kernels/optimizer.h"
#include <stdbool.h>
#include <stddef.h>

/* No option sets this decay; it is 0. */
#define LS_NO_DECAY SIZE_MAX

typedef struct {
    const char *name;
    int states;  /* state arrays, each as long as the parameters */
    double rate; /* default learning rate */
    /* Offsets in ls_settings of the options for beta1 and beta2 of ls_hyper, or LS_NO_DECAY. */
    size_t first_decay, second_decay;
    bool bias_corrected;  /* unless --no-bias-correction */
    bool decoupled_decay; /* of weights, by --weight-decay */
    bool full_batch;      /* takes all rows in every step */
} ls_opt_info;

extern const ls_opt_info ls_optimizers[LS_OPT_COUNT];

#endif
