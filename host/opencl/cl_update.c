/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_update.h"

ls_status ls_cl_update(const job *j, size_t n, size_t weights)
{
    const ls_op *o = j->op;
    launch l = begin(j, LS_KERNEL_update_gd + j->member->plan->optimizer);
    arg_view(&l, o->theta), arg_view(&l, o->y), arg_view(&l, o->s), arg_view(&l, o->v),
        arg_view(&l, o->b);
    arg_u32(&l, n), arg_u32(&l, weights);
    arg_optimizer(&l);
    return finish_pass(&l, n);
}
