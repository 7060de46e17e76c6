/* SPDX-License-Identifier: MIT */
/* Optimizers, as kernels of their own or compiled into the kernel of a product. */
#ifndef LS_CL_UPDATE_H
#define LS_CL_UPDATE_H

#include "host/opencl/cl_launch.h"
#include <string.h>

/* An optimizer's constants, and the step's scalars, as the vectors that ls_hyper_of and ls_rates_of
 * unpack. */
static inline void arg_optimizer(launch *l)
{
    cl_float16 hyper = {{0}};
    cl_float8 rates = {{0}};
    memcpy(&hyper, &l->job->member->plan->hyper, sizeof(ls_hyper));
    memcpy(&rates, l->job->rates, sizeof(ls_rates));
    arg(l, sizeof hyper, &hyper);
    arg(l, sizeof rates, &rates);
}

/* One step of the optimizer over n parameters from the operation's theta on; the first `weights` of
 * them are weights, to which penalties and decay apply. */
ls_status ls_cl_update(const job *j, size_t n, size_t weights);

#endif
