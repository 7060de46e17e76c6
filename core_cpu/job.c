/* SPDX-License-Identifier: MIT */
#include "core_cpu/job.h"

float *ls_cpu_at(const cpu_job *j, ls_view view)
{
    const ls_rows *d = &j->workspace->data;
    switch (view.place) {
    case LS_ARENA: return j->member->arena + view.at;
    case LS_DATA_X: return (float *)d->x + view.at + j->row0 * d->features;
    case LS_DATA_T: return (float *)d->t + view.at + j->row0 * d->outputs;
    case LS_DATA_WEIGHT: return (float *)d->row_weight + view.at + j->row0;
    default: return NULL;
    }
}

ls_mask ls_cpu_mask(const cpu_job *j)
{
    return (ls_mask){j->member->plan->seed, j->step, j->op->purpose, j->op->dropout};
}

void ls_cpu_follow(const cpu_job *j, const float *from, size_t first, size_t h, size_t w,
                   size_t stride)
{
    const ls_op *o = j->op;
    const ls_cpu_kernels *k = j->backend->kernels;
    const float *skip = ls_cpu_at(j, o->skip), *z = ls_cpu_at(j, o->z), *a = ls_cpu_at(j, o->a);
    float *d = ls_cpu_at(j, o->d), *y = ls_cpu_at(j, o->y), *dropped = ls_cpu_at(j, o->dropped);
    ls_mask mask = ls_cpu_mask(j);
    for (size_t r = 0; r < h && (skip || from != d); r++) {
        const size_t e = first + r * stride;
        k->join(from + e, skip ? skip + e : NULL, d + e, w);
    }
    if (mask.p > 0.0f)
        k->drop(d + first, dropped + first, first + j->before * o->out, (ls_block){h, w, stride},
                &mask);
    from = mask.p > 0.0f ? dropped : d; /* a residual block still needs d */
    k->act_grad[o->act](from + first, z ? z + first : NULL, a ? a + first : NULL, y + first,
                        (ls_block){h, w, stride});
}

/* The parameters of an operation for the optimizer: `columns` of them, from number `first` on. */
ls_update_block ls_cpu_range(const cpu_job *j, size_t first, size_t columns)
{
    const ls_op *o = j->op;
    const ls_plan *p = j->member->plan;
    int states = ls_optimizers[p->optimizer].states;
    return (ls_update_block){.theta = ls_cpu_at(j, o->theta) + first,
                             .g = ls_cpu_at(j, o->y) + first,
                             .s = states > 0 ? ls_cpu_at(j, o->s) + first : NULL,
                             .v = states > 1 ? ls_cpu_at(j, o->v) + first : NULL,
                             .rows = 1,
                             .columns = columns,
                             .clip = ls_there(o->b) ? *ls_cpu_at(j, o->b) : 1.0f,
                             .hyper = p->hyper,
                             .rates = *j->rates};
}

void ls_cpu_optimize(const cpu_job *j, const ls_update_block *u, bool decays)
{
    j->backend->kernels->update[j->member->plan->optimizer](u, decays);
}
