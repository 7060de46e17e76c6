/* SPDX-License-Identifier: MIT */
/* The operations that are matrix products. The function that is applied to the results is compiled
 * into the kernel (kernels/finish.h). */
#include "host/opencl/cl_product.h"
#include "host/opencl/cl_matmul.h"
#include "host/opencl/cl_update.h"

/* A product of m × n results over k, and the launch with its arguments so far. */
typedef struct {
    size_t m, n, k;
    const ls_cl_tile *tile;
    bool panels; /* register tiles: b is packed */
    launch launch;
} product;

/* Packs b into panels in scratch, as register tiles need it. */
static ls_status pack(const job *j, const product *p, ls_form form)
{
    size_t width = ls_cl_tile_panel(&p->tile->reg);
    bool transposed = form == LS_FORM_GRAD_X;
    launch l = begin(j, LS_KERNEL_pack);
    arg_view(&l, form == LS_FORM_GRAD_W ? j->op->dz : j->op->w),
        arg_memory(&l, j->workspace->scratch, 0);
    arg_u32(&l, p->n), arg_u32(&l, p->k);
    arg_u32(&l, transposed ? 1 : p->n), arg_u32(&l, transposed ? p->k : 1), arg_u32(&l, width);
    return finish(&l, p->k, units_of(p->n, width));
}

/* Starts c = a·b in a form with a function applied to the results: chooses the kernel and sets its
 * arguments up to m, n, k. */
static ls_status begin_product(const job *j, ls_form form, int function, ls_view a, ls_view b,
                               ls_view c, product *p)
{
    ls_cl_device *d = j->workspace->device;
    const ls_op *o = j->op;
    const ls_cl_variant *v;
    bool weights = form == LS_FORM_GRAD_W;
    *p = (product){.m = weights ? o->in : j->rows, .n = o->out, .k = weights ? j->rows : o->in};
    LS_TRY(ls_cl_product_kernel(d, form, ls_cl_class_on(d, p->m, p->n), function, &v, j->err));
    p->tile = &v->tile;
    p->panels = v->tile.family == LS_TILE_REGISTER;
    if (p->panels) LS_TRY(pack(j, p, form));
    p->launch = begin_kernel(j, v->kernel);
    launch *l = &p->launch;
    arg_view(l, a);
    if (p->panels) arg_memory(l, j->workspace->scratch, 0);
    else arg_view(l, b);
    if (!weights) arg_view(l, form == LS_FORM_DENSE ? o->b : (ls_view){LS_NOWHERE, 0});
    arg_view(l, c);
    arg_u32(l, p->m), arg_u32(l, p->n), arg_u32(l, p->k);
    return LS_OK;
}

static ls_status finish_product(product *p)
{
    const ls_cl_register_tile *r = &p->tile->reg;
    const ls_cl_local_tile *l = &p->tile->local;
    if (p->panels)
        return enqueue(&p->launch, units_of(p->m, (size_t)r->rows * r->repeat),
                       units_of(p->n, ls_cl_tile_panel(r)), 1, 1);
    size_t items = (size_t)l->items_across * l->items_down;
    return enqueue(&p->launch, units_of(p->n, l->n) * items, units_of(p->m, l->m), items, 1);
}

ls_status ls_cl_op_dense(const job *j)
{
    const ls_op *o = j->op;
    product p;
    bool in_place = o->a.place == o->z.place && o->a.at == o->z.at;
    bool follows = ls_there(o->a) && !(in_place && o->act == LS_ACT_identity);
    LS_TRY(begin_product(j, LS_FORM_DENSE, follows ? (int)o->act : LS_CL_NO_FUNCTION, o->x, o->w,
                         o->z, &p));
    if (follows) arg_view(&p.launch, o->a);
    return finish_product(&p);
}

ls_status ls_cl_op_grad_x(const job *j)
{
    const ls_op *o = j->op;
    product p;
    LS_TRY(begin_product(j, LS_FORM_GRAD_X, (int)o->act, o->dz, o->w, o->d, &p));
    launch *l = &p.launch;
    arg_view(l, o->skip), arg_view(l, o->z), arg_view(l, o->a), arg_view(l, o->y);
    arg_u64(l, j->member->plan->seed), arg_u64(l, j->step), arg_u32(l, o->purpose),
        arg_f32(l, o->dropout), arg_u32(l, j->before * o->out);
    return finish_product(&p);
}

/* Whether the optimizer runs in a kernel of its own after the product. On CPUs this is faster for
 * large weights: within the product, each row of a tile touches another page of theta and its
 * states; a kernel of its own reads them in order. Processor time of a step with Adam, within the
 * product and in a kernel of its own: 784-128-10 batch 16: 0.344 and 0.370 ms; 256-256-256-256-10
 * batch 64: 1.18 and 1.19 ms; 784-512-512-10 batch 256: 8.99 and 8.72 ms; 784-1024-1024-10 batch
 * 16: 6.67 and 6.34 ms (PoCL 3.1, one thread, medians of interleaved runs). */
static bool update_apart(const job *j)
{
    const ls_op *o = j->op;
    const ls_cl_device *d = j->workspace->device;
    ls_size_class size = ls_cl_class_on(d, o->in, o->out);
    return size >= LS_SIZE_LARGE && d->tiles[LS_FORM_GRAD_W][size].family == LS_TILE_REGISTER;
}

ls_status ls_cl_op_grad_w(const job *j)
{
    const ls_op *o = j->op;
    product p;
    bool follows = ls_there(o->theta) && !update_apart(j);
    LS_TRY(begin_product(j, LS_FORM_GRAD_W,
                         follows ? (int)j->member->plan->optimizer : LS_CL_NO_FUNCTION, o->x, o->dz,
                         o->y, &p));
    if (follows) {
        arg_view(&p.launch, o->theta), arg_view(&p.launch, o->s), arg_view(&p.launch, o->v);
        arg_optimizer(&p.launch);
    }
    LS_TRY(finish_product(&p));
    return ls_there(o->theta) && !follows ? ls_cl_update(j, o->in * o->out, o->in * o->out) : LS_OK;
}
