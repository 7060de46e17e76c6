/* SPDX-License-Identifier: MIT */
#include "chunk.h"
#include <string.h>
#include "../kernels/random.h"

/* A chunk at work. */
typedef struct {
    const ls_chunks *chunks;
    const ls_chunk_step *step;
    size_t row, rows, lanes; /* first row in the batch, rows, and their number rounded up */
} chunk;

static float *at(const chunk *c, size_t place) { return place == LS_NO_PLACE ? NULL : c->step->scratch + place; }
static float *arena_at(const chunk *c, ls_view view) { return ls_there(view) ? c->step->arena + view.at : NULL; }

static void load(const chunk *c)
{
    const ls_chunk_step *s = c->step;
    uint32_t numbers[LS_CHUNK];
    const bool shuffled = s->plan->shuffle;
    const size_t first = s->batch.first + c->row;
    if (shuffled) s->kernels->order(numbers, first, c->rows, (uint32_t)s->plan->rows, s->plan->seed, s->batch.epoch);
    for (size_t i = 0; i < c->chunks->inputs; i++) {
        const ls_chunk_input *in = &c->chunks->input[i];
        const float *from = in->place == LS_DATA_X ? s->data->x : in->place == LS_DATA_T ? s->data->t : s->data->row_weight;
        s->kernels->rows_to_lanes(from + s->origin * in->columns, in->columns, shuffled ? numbers : NULL, shuffled ? 0 : first,
                                  c->rows, in->columns, at(c, in->to), c->lanes);
    }
}

static void dense(const chunk *c, const ls_chunk_op *o)
{
    const ls_op *op = o->op;
    float *z = at(c, o->z);
    ls_lanes_product p = {.m = op->out, .n = c->lanes, .k = op->in, .a = arena_at(c, op->w), .a_i = 1, .a_k = op->out,
                          .b = at(c, o->x), .b_k = c->lanes, .start = arena_at(c, op->b), .c = z, .c_i = c->lanes};
    c->step->kernels->lanes_product(&p);
    if (o->a != LS_NO_PLACE) c->step->kernels->act[op->act](z, at(c, o->a), op->out * c->lanes);
}

static ls_mask mask_of(const chunk *c, const ls_op *op)
{
    return (ls_mask){c->step->plan->seed, c->step->step, op->purpose, op->dropout};
}

static void join(const chunk *c, const ls_chunk_op *o)
{
    ls_mask mask = mask_of(c, o->op);
    c->step->kernels->lanes_join(at(c, o->a), at(c, o->skip), at(c, o->y), c->row, o->op->out, c->lanes, &mask);
}

static void grad_x(const chunk *c, const ls_chunk_op *o)
{
    const ls_op *op = o->op;
    const ls_cpu_kernels *k = c->step->kernels;
    float *d = at(c, o->d), *from = d, *skip = at(c, o->skip);
    ls_lanes_product p = {.m = op->out, .n = c->lanes, .k = op->in, .a = arena_at(c, op->w), .a_i = op->in, .a_k = 1,
                          .b = at(c, o->dz), .b_k = c->lanes, .c = d, .c_i = c->lanes};
    k->lanes_product(&p);
    ls_mask mask = mask_of(c, op), none = {0};
    if (skip) k->lanes_join(d, skip, d, c->row, op->out, c->lanes, &none);
    if (mask.p > 0.0f) {
        from = at(c, o->dropped); /* d itself must stay whole for a residual block */
        k->lanes_join(d, NULL, from, c->row, op->out, c->lanes, &mask);
    }
    k->act_grad[op->act](from, at(c, o->z), at(c, o->a), at(c, o->y), op->out * c->lanes);
}

/* One chain of the contract for each weight and bias; the biases' inputs are ones. */
static void grad_w(const chunk *c, const ls_chunk_op *o)
{
    const ls_op *op = o->op;
    float *rows = at(c, c->chunks->rows), *x = at(c, o->x), *ones = x + op->in * c->lanes;
    for (size_t i = 0; i < c->lanes; i++) ones[i] = 1.0f;
    c->step->kernels->lanes_to_rows(at(c, o->dz), op->out, c->lanes, c->rows, rows, o->width);
    ls_lanes_product p = {.m = op->in + 1, .n = o->width, .k = c->rows, .a = x, .a_i = c->lanes, .a_k = 1, .b = rows,
                          .b_k = o->width, .c = at(c, o->grad), .c_i = o->width, .add = c->row > 0};
    c->step->kernels->lanes_product(&p);
}

static void loss(const chunk *c, const ls_chunk_op *o)
{
    const ls_plan *p = c->step->plan;
    ls_loss_rows l = {.columns = o->op->out, .output = p->output, .z = at(c, o->z), .p = at(c, o->a), .target = at(c, c->chunks->target),
                      .row_weight = at(c, c->chunks->row_weight), .row_loss = at(c, c->chunks->row_loss), .scale = c->step->batch.scale};
    c->step->kernels->lanes_loss[p->loss](&l, c->lanes);
    float sum = 0.0f;
    for (size_t i = 0; i < c->rows; i++) sum = sum + l.row_loss[i];
    *c->step->loss = c->row ? *c->step->loss + sum : sum;
}

static void run_chunk(const chunk *c)
{
    load(c);
    for (size_t i = 0; i < c->chunks->count; i++) {
        const ls_chunk_op *o = &c->chunks->op[i];
        switch (o->op->kind) {
        case LS_OP_DENSE: dense(c, o); break;
        case LS_OP_JOIN: join(c, o); break;
        case LS_OP_LOSS: loss(c, o); break;
        case LS_OP_GRAD_X: grad_x(c, o); break;
        case LS_OP_GRAD_W: grad_w(c, o); break;
        default: break; /* once the gradients are whole */
        }
    }
}

/* A layer's gradients to where the plan has them. */
static void unpack(const chunk *c, const ls_chunk_op *o)
{
    const ls_op *op = o->op;
    const float *from = at(c, o->grad);
    float *to = arena_at(c, op->y);
    for (size_t i = 0; i < op->in; i++, from += o->width, to += op->out)
        for (size_t k = 0; k < op->out; k++) to[k] = from[k];
    if (!o->bias) return;
    to = arena_at(c, o->bias->y);
    for (size_t k = 0; k < op->out; k++) to[k] = from[k];
}

void ls_chunks_run(const ls_chunks *chunks, const ls_chunk_step *s)
{
    chunk c = {.chunks = chunks, .step = s};
    for (; c.row < s->batch.rows; c.row += c.rows) {
        c.rows = s->batch.rows - c.row < LS_CHUNK ? s->batch.rows - c.row : LS_CHUNK;
        c.lanes = (c.rows + 15) & ~(size_t)15;
        run_chunk(&c);
    }
    for (size_t i = 0; i < chunks->count; i++) {
        const ls_chunk_op *o = &chunks->op[i];
        if (o->op->kind == LS_OP_GRAD_W) unpack(&c, o);
        if (o->op->kind == LS_OP_GRAD_W ? ls_there(o->op->theta)
            : o->op->kind == LS_OP_CLIP || o->op->kind == LS_OP_UPDATE || o->op->kind == LS_OP_MAX_NORM)
            s->rest(s->user, o->op);
    }
}
