/* SPDX-License-Identifier: MIT */
#include "chunk.h"
#include <stdlib.h>
#include <string.h>
#include "../kernels/random.h"

/* Rows that every chunk brings in from the data set. */
typedef struct {
    ls_place place;
    size_t columns, to;
} chunk_input;

/* An operation of the plan with its matrices' places in scratch, which are columns of lanes there. */
typedef struct {
    const ls_op *op;
    size_t x, z, a, y, d, dz, skip, dropped;
    size_t grad, width;     /* GRAD_W: (in + 1) rows of `width`; the last one is the bias's */
    const ls_op *bias;      /* GRAD_W: the GRAD_B of the same dz */
} chunk_op;

/* Where a view of the plan's activations lies in scratch. */
typedef struct {
    ls_view view;
    size_t columns, at;
} chunk_view;

struct ls_chunks {
    chunk_op *op;
    size_t count;
    chunk_input input[3];
    size_t inputs;
    chunk_view *view;
    size_t views;
    ls_view loss_views[3];
    size_t target, row_weight; /* NONE: no weights */
    size_t row_loss, rows;     /* rows: LS_CHUNK rows of the widest gradient, as products over rows want them */
    size_t scratch;
};

static const size_t NONE = SIZE_MAX;

/* ---- From plan to chunks ---------------------------------------------------------------------------------------- */

static bool same(ls_view a, ls_view b) { return a.place == b.place && a.at == b.at; }

/* The scratch of a view, made on first sight; a view that is seen with more columns later grows, as places are given out last. */
static void see(ls_chunks *c, ls_view view, size_t columns)
{
    if (!ls_there(view)) return;
    size_t i = 0;
    while (i < c->views && !same(c->view[i].view, view)) i++;
    if (i == c->views) c->view[c->views++] = (chunk_view){.view = view};
    if (c->view[i].columns < columns) c->view[i].columns = columns;
}

static size_t place_of(const ls_chunks *c, ls_view view)
{
    for (size_t i = 0; i < c->views; i++)
        if (same(c->view[i].view, view)) return c->view[i].at;
    return NONE;
}

static size_t take(ls_chunks *c, size_t floats)
{
    size_t at = c->scratch;
    c->scratch = (at + floats + 15) & ~(size_t)15;
    return at;
}

/* All matrices of an operation with their columns. A product's input has a column more: ones, for the bias's gradient. */
static void see_all(ls_chunks *c, const ls_op *o)
{
    bool loss = o->kind == LS_OP_LOSS, back = o->kind == LS_OP_GRAD_W || o->kind == LS_OP_GRAD_B;
    see(c, o->x, o->in + 1);
    see(c, o->z, o->out), see(c, o->a, o->out), see(c, o->d, o->out), see(c, o->skip, o->out), see(c, o->dropped, o->out);
    see(c, o->dz, o->kind == LS_OP_GRAD_X ? o->in : o->out);
    if (!back) see(c, o->y, o->out);
    if (loss) see(c, o->target, o->out), see(c, o->row_weight, 1);
}

static bool chunkable(const ls_plan *p)
{
    bool loss = false; /* a plan that only infers has no step; the parity tests have plans of single operations */
    for (size_t i = 0; i < p->step.count; i++) {
        ls_op_kind kind = p->step.op[i].kind;
        if (kind == LS_OP_NORM || kind == LS_OP_NORM_FIXED || kind == LS_OP_NORM_GRAD) return false;
        loss |= kind == LS_OP_LOSS;
    }
    return loss && p->parameters <= LS_CHUNKS_SCRATCH;
}

/* Inputs come straight from the data set, or through a GATHER whose result they then are. */
static void find_inputs(ls_chunks *c, const ls_plan *p, const ls_op *loss)
{
    const ls_view data[] = {{LS_DATA_X, 0}, {LS_DATA_T, 0}, {LS_DATA_WEIGHT, 0}};
    const size_t columns[] = {p->features, p->outputs, 1};
    for (size_t i = 0; i < 3; i++) {
        ls_view to = data[i];
        for (size_t k = 0; k < p->step.count; k++)
            if (p->step.op[k].kind == LS_OP_GATHER && same(p->step.op[k].x, data[i])) to = p->step.op[k].y;
        size_t place = place_of(c, to);
        if (place != NONE) c->input[c->inputs++] = (chunk_input){data[i].place, columns[i], place};
    }
    c->target = place_of(c, loss->target);
    c->row_weight = place_of(c, loss->row_weight);
}

static void add_op(ls_chunks *c, const ls_plan *p, const ls_op *o, const ls_cpu_kernels *k)
{
    if (o->kind == LS_OP_BATCH || o->kind == LS_OP_GATHER) return;
    chunk_op *to = &c->op[c->count++];
    *to = (chunk_op){.op = o, .x = place_of(c, o->x), .z = place_of(c, o->z), .a = place_of(c, o->a), .y = place_of(c, o->y),
                     .d = place_of(c, o->d), .dz = place_of(c, o->dz), .skip = place_of(c, o->skip), .dropped = place_of(c, o->dropped)};
    if (o->kind != LS_OP_GRAD_W) return;
    to->width = (o->out + k->lane_unit - 1) / k->lane_unit * k->lane_unit;
    to->grad = take(c, (o->in + 1) * to->width);
    for (size_t i = 0; i < p->step.count; i++)
        if (p->step.op[i].kind == LS_OP_GRAD_B && same(p->step.op[i].dz, o->dz)) to->bias = &p->step.op[i];
}

static void lay_out(ls_chunks *c, const ls_plan *p, const ls_cpu_kernels *k)
{
    const ls_op *loss = NULL;
    size_t widest = 0;
    for (size_t i = 0; i < p->step.count; i++) {
        const ls_op *o = &p->step.op[i];
        bool rows = o->kind == LS_OP_DENSE || o->kind == LS_OP_JOIN || o->kind == LS_OP_LOSS || o->kind == LS_OP_GRAD_W || o->kind == LS_OP_GRAD_X;
        if (rows) see_all(c, o);
        if (o->kind == LS_OP_LOSS) loss = o;
        if (o->kind == LS_OP_GRAD_W && o->out > widest) widest = o->out;
    }
    for (size_t i = 0; i < c->views; i++) c->view[i].at = take(c, c->view[i].columns * LS_CHUNK);
    c->row_loss = take(c, LS_CHUNK);
    c->rows = take(c, LS_CHUNK * (widest + k->lane_unit));
    find_inputs(c, p, loss);
    for (size_t i = 0; i < p->step.count; i++) add_op(c, p, &p->step.op[i], k);
}

ls_status ls_chunks_build(const ls_plan *plan, const ls_cpu_kernels *kernels, ls_chunks **out, ls_error *err)
{
    ls_chunks *c;
    *out = NULL;
    if (!chunkable(plan)) return LS_OK;
    LS_TRY(ls_alloc(&c, 1, sizeof *c, "the network", err));
    ls_status status = ls_alloc(&c->op, plan->step.count, sizeof *c->op, "the network", err);
    if (status == LS_OK) status = ls_alloc(&c->view, 11 * plan->step.count, sizeof *c->view, "the network", err);
    if (status == LS_OK) lay_out(c, plan, kernels);
    if (status != LS_OK || c->scratch > LS_CHUNKS_SCRATCH) {
        ls_chunks_free(c);
        return status;
    }
    *out = c;
    return LS_OK;
}

void ls_chunks_free(ls_chunks *chunks)
{
    if (!chunks) return;
    free(chunks->op);
    free(chunks->view);
    free(chunks);
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

/* A chunk at work. */
typedef struct {
    const ls_chunks *chunks;
    const ls_chunk_step *step;
    size_t row, rows, lanes; /* first row in the batch, rows, and their number rounded up */
} chunk;

static float *at(const chunk *c, size_t place) { return place == NONE ? NULL : c->step->scratch + place; }
static float *arena_at(const chunk *c, ls_view view) { return ls_there(view) ? c->step->arena + view.at : NULL; }

static void load(const chunk *c)
{
    const ls_chunk_step *s = c->step;
    uint32_t numbers[LS_CHUNK];
    const bool shuffled = s->plan->shuffle;
    const size_t first = s->batch.first + c->row;
    for (size_t i = 0; i < c->rows && shuffled; i++)
        numbers[i] = ls_permute((ls_u32)(first + i), (ls_u32)s->plan->rows, s->plan->seed, LS_PURPOSE_ORDER, s->batch.epoch);
    for (size_t i = 0; i < c->chunks->inputs; i++) {
        const chunk_input *in = &c->chunks->input[i];
        const float *from = in->place == LS_DATA_X ? s->data->x : in->place == LS_DATA_T ? s->data->t : s->data->row_weight;
        s->kernels->rows_to_lanes(from + s->origin * in->columns, in->columns, shuffled ? numbers : NULL, shuffled ? 0 : first,
                                  c->rows, in->columns, at(c, in->to), c->lanes);
    }
}

static void dense(const chunk *c, const chunk_op *o)
{
    const ls_op *op = o->op;
    float *z = at(c, o->z);
    ls_lanes_product p = {.m = op->out, .n = c->lanes, .k = op->in, .a = arena_at(c, op->w), .a_i = 1, .a_k = op->out,
                          .b = at(c, o->x), .b_k = c->lanes, .start = arena_at(c, op->b), .c = z, .c_i = c->lanes};
    c->step->kernels->lanes_product(&p);
    if (o->a != NONE) c->step->kernels->act[op->act](z, at(c, o->a), op->out * c->lanes);
}

static ls_mask mask_of(const chunk *c, const ls_op *op)
{
    return (ls_mask){c->step->plan->seed, c->step->step, op->purpose, op->dropout};
}

static void join(const chunk *c, const chunk_op *o)
{
    ls_mask mask = mask_of(c, o->op);
    c->step->kernels->lanes_join(at(c, o->a), at(c, o->skip), at(c, o->y), c->row, o->op->out, c->lanes, &mask);
}

static void grad_x(const chunk *c, const chunk_op *o)
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
static void grad_w(const chunk *c, const chunk_op *o)
{
    const ls_op *op = o->op;
    float *rows = at(c, c->chunks->rows), *x = at(c, o->x), *ones = x + op->in * c->lanes;
    for (size_t i = 0; i < c->lanes; i++) ones[i] = 1.0f;
    c->step->kernels->lanes_to_rows(at(c, o->dz), op->out, c->lanes, c->rows, rows, o->width);
    ls_lanes_product p = {.m = op->in + 1, .n = o->width, .k = c->rows, .a = x, .a_i = c->lanes, .a_k = 1, .b = rows,
                          .b_k = o->width, .c = at(c, o->grad), .c_i = o->width, .add = c->row > 0};
    c->step->kernels->lanes_product(&p);
}

static void loss(const chunk *c, const chunk_op *o)
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
        const chunk_op *o = &c->chunks->op[i];
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
static void unpack(const chunk *c, const chunk_op *o)
{
    const ls_op *op = o->op;
    const float *from = at(c, o->grad);
    float *to = arena_at(c, op->y);
    for (size_t i = 0; i < op->in; i++, from += o->width, to += op->out)
        for (size_t k = 0; k < op->out; k++) to[k] = from[k];
    if (o->bias) memcpy(arena_at(c, o->bias->y), from, op->out * sizeof *from);
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
        const chunk_op *o = &chunks->op[i];
        if (o->op->kind == LS_OP_GRAD_W) unpack(&c, o);
        if (o->op->kind == LS_OP_GRAD_W ? ls_there(o->op->theta)
            : o->op->kind == LS_OP_CLIP || o->op->kind == LS_OP_UPDATE || o->op->kind == LS_OP_MAX_NORM)
            s->rest(s->user, o->op);
    }
}
