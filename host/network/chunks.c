/* SPDX-License-Identifier: MIT */
#include "host/network/chunks.h"
#include "host/base/memory.h"
#include <stdlib.h>
#include <string.h>

/* A view of the plan, its number of columns and its offset in scratch. */
typedef struct {
    ls_view view;
    size_t columns, at;
} chunk_view;

/* State while the chunks of a plan are built. */
typedef struct {
    ls_chunks *chunks;
    size_t lane_unit, narrow;
    chunk_view *view;
    size_t views;
} builder;

static chunk_view *view_of(const builder *b, ls_view view)
{
    for (size_t i = 0; i < b->views; i++)
        if (ls_same_view(b->view[i].view, view)) return &b->view[i];
    return NULL;
}

/* Records a view with its number of columns, or raises that number: offsets are assigned last. */
static void record(builder *b, ls_view view, size_t columns)
{
    if (!ls_there(view)) return;
    chunk_view *v = view_of(b, view);
    if (!v) *(v = &b->view[b->views++]) = (chunk_view){.view = view, .at = LS_NO_PLACE};
    if (v->columns < columns) v->columns = columns;
}

static size_t place_of(const builder *b, ls_view view)
{
    const chunk_view *v = view_of(b, view);
    return v ? v->at : LS_NO_PLACE;
}

static size_t take(builder *b, size_t floats)
{
    size_t at = b->chunks->scratch;
    b->chunks->scratch = (at + floats + 15) & ~(size_t)15;
    return at;
}

/* Records all matrices of an operation. The input of a product has an additional column of ones,
 * for the gradient of the bias. */
static void record_all(builder *b, const ls_op *o)
{
    record(b, o->x, o->in + 1);
    record(b, o->z, o->out), record(b, o->a, o->out), record(b, o->d, o->out),
        record(b, o->skip, o->out), record(b, o->dropped, o->out);
    record(b, o->dz, o->kind == LS_OP_GRAD_X ? o->in : o->out);
    if (o->kind != LS_OP_GRAD_W) record(b, o->y, o->out);
    if (o->kind == LS_OP_LOSS) record(b, o->target, o->out), record(b, o->row_weight, 1);
}

#define LS_X(NAME, name, chunkwise) [LS_OP_##NAME] = LS_CHUNKWISE_##chunkwise,
const ls_chunkwise ls_op_chunkwise[LS_OP_COUNT] = {LS_OPS(LS_X)};
#undef LS_X

/* Whether a plan's step can run chunk-wise. LOCKSTEP_STEPS=layered forces the layered mode, for
 * tests and for debugging: the bits are the same. */
static bool chunkable(const ls_plan *p)
{
    const char *steps = getenv("LOCKSTEP_STEPS");
    if (steps && !strcmp(steps, "layered")) return false;
    bool loss = false; /* a plan for inference has no step */
    for (size_t i = 0; i < p->step.count; i++) {
        ls_op_kind kind = p->step.op[i].kind;
        if (ls_op_chunkwise[kind] == LS_CHUNKWISE_NEVER) return false;
        loss |= kind == LS_OP_LOSS;
    }
    return loss && p->parameters <= LS_CHUNKS_SCRATCH;
}

/* Places the inputs first. They come from the data set, directly or as the result of a GATHER. */
static void place_inputs(builder *b, const ls_plan *p)
{
    ls_chunks *c = b->chunks;
    const ls_view data[] = {{LS_DATA_X, 0}, {LS_DATA_T, 0}, {LS_DATA_WEIGHT, 0}};
    const size_t columns[] = {p->features, p->outputs, 1};
    for (size_t i = 0; i < 3; i++) {
        ls_view to = data[i];
        for (size_t k = 0; k < p->step.count; k++)
            if (p->step.op[k].kind == LS_OP_GATHER && ls_same_view(p->step.op[k].x, data[i]))
                to = p->step.op[k].y;
        chunk_view *view = view_of(b, to);
        if (!view) continue;
        view->at = take(b, view->columns * LS_CHUNK);
        c->input[c->inputs++] = (ls_chunk_input){data[i].place, columns[i], view->at};
    }
    c->loaded = c->scratch;
}

static size_t whole_lanes(const builder *b, size_t floats)
{
    return (floats + b->lane_unit - 1) / b->lane_unit * b->lane_unit;
}

/* Whether a layer's gradients are transposed: its few outputs would leave most lanes idle. */
static bool across(const builder *b, const ls_op *o)
{
    return o->out <= b->narrow && o->out < o->in + 1;
}

static size_t grad_width(const builder *b, const ls_op *o)
{
    return whole_lanes(b, across(b, o) ? o->in + 1 : o->out);
}

static void add_op(builder *b, const ls_plan *p, const ls_op *o)
{
    if (ls_op_chunkwise[o->kind] == LS_CHUNKWISE_IMPLIED) return;
    ls_chunk_op *to = &b->chunks->op[b->chunks->count++];
    *to = (ls_chunk_op){.op = o,
                        .x = place_of(b, o->x),
                        .z = place_of(b, o->z),
                        .a = place_of(b, o->a),
                        .y = place_of(b, o->y),
                        .d = place_of(b, o->d),
                        .dz = place_of(b, o->dz),
                        .skip = place_of(b, o->skip),
                        .dropped = place_of(b, o->dropped)};
    if (o->kind != LS_OP_GRAD_W) return;
    to->across = across(b, o);
    to->width = grad_width(b, o);
    to->grad = take(b, (to->across ? o->out : o->in + 1) * to->width);
    for (size_t i = 0; i < p->step.count; i++)
        if (p->step.op[i].kind == LS_OP_GRAD_B && ls_same_view(p->step.op[i].dz, o->dz))
            to->bias = &p->step.op[i];
}

/* Adds space for the factors of dropout of each layer, once for JOIN and GRAD_X. Interpreters that
 * draw them twice do without: this space is the last. */
static void take_factors(builder *b)
{
    ls_chunks *c = b->chunks;
    size_t widest = 0;
    for (size_t i = 0; i < c->count; i++) {
        const ls_op *o = c->op[i].op;
        c->op[i].factors = LS_NO_PLACE;
        if (!(o->dropout > 0)) continue;
        for (size_t k = 0; k < i; k++)
            if (c->op[k].op->dropout > 0 && c->op[k].op->purpose == o->purpose)
                c->op[i].factors = c->op[k].factors;
        if (c->op[i].factors == LS_NO_PLACE) c->op[i].factors = take(b, o->out * LS_CHUNK);
        if (o->out > widest) widest = o->out;
    }
    c->drawn = widest ? take(b, widest * LS_CHUNK + LS_DROPOUT_ROOM) : LS_NO_PLACE;
}

static void lay_out(builder *b, const ls_plan *p)
{
    const ls_op *loss = NULL;
    size_t widest = 0;
    for (size_t i = 0; i < p->step.count; i++) {
        const ls_op *o = &p->step.op[i];
        if (ls_op_chunkwise[o->kind] == LS_CHUNKWISE_CHUNK) record_all(b, o);
        if (o->kind == LS_OP_LOSS) loss = o;
        if (o->kind == LS_OP_GRAD_W && grad_width(b, o) > widest) widest = grad_width(b, o);
    }
    place_inputs(b, p);
    for (size_t i = 0; i < b->views; i++)
        if (b->view[i].at == LS_NO_PLACE) b->view[i].at = take(b, b->view[i].columns * LS_CHUNK);
    b->chunks->row_loss = take(b, LS_CHUNK);
    b->chunks->rows = take(b, LS_CHUNK * widest);
    b->chunks->target = place_of(b, loss->target);
    b->chunks->row_weight = place_of(b, loss->row_weight);
    for (size_t i = 0; i < p->step.count; i++) add_op(b, p, &p->step.op[i]);
    take_factors(b);
}

ls_status ls_chunks_build(const ls_plan *plan, size_t lane_unit, size_t narrow, ls_chunks **out,
                          ls_error *err)
{
    enum { VIEWS = 11 }; /* of an operation, at most */
    ls_chunks *c;
    *out = NULL;
    if (!chunkable(plan)) return LS_OK;
    LS_TRY(ls_alloc(&c, 1, sizeof *c, "the network", err));
    builder b = {.chunks = c, .lane_unit = lane_unit, .narrow = narrow};
    ls_status status = ls_alloc(&c->op, plan->step.count, sizeof *c->op, "the network", err);
    if (status == LS_OK)
        status = ls_alloc(&b.view, VIEWS * plan->step.count, sizeof *b.view, "the network", err);
    if (status == LS_OK) lay_out(&b, plan);
    free(b.view);
    if (status != LS_OK || c->scratch > LS_CHUNKS_SCRATCH) ls_chunks_free(c);
    else *out = c;
    return status;
}

void ls_chunks_free(ls_chunks *chunks)
{
    if (!chunks) return;
    free(chunks->op);
    free(chunks);
}
