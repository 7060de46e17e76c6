/* SPDX-License-Identifier: MIT */
/* Builds the plan of a network: the offset of each matrix in a member's arena, and the operations
 * of a step. */
#include "host/network/plan.h"
#include "host/base/memory.h"
#include "host/network/network.h"
#include "kernels/random.h"
#include <stdlib.h>
#include <string.h>

size_t ls_plan_steps_per_epoch(const ls_plan *p) { return (p->rows + p->batch - 1) / p->batch; }

ls_batch ls_plan_batch(const ls_plan *p, uint64_t step)
{
    size_t per_epoch = ls_plan_steps_per_epoch(p);
    ls_batch b = {.epoch = step / per_epoch, .first = (size_t)(step % per_epoch) * p->batch};
    b.rows = p->rows - b.first < p->batch ? p->rows - b.first : p->batch;
    b.scale = p->mean ? 1.0f / (float)b.rows : 1.0f;
    return b;
}

/* The views of one layer's buffers. */
typedef struct {
    ls_view z;         /* the affine map; same as a if no operation reads z later */
    ls_view a;         /* the activation */
    ls_view h;         /* the layer's output: a, except with dropout or at the end of a block */
    ls_view u;         /* batch norm's output; same as a if no operation reads it later */
    ls_view mean, inv; /* the batch's statistics */
    ls_view du;        /* dL/d(input of the activation) */
    ls_view dz;        /* dL/dz; same as du without batch norm */
    ls_view d;         /* dL/dh, kept only at the end of a residual block */
    ls_view index;     /* MAX_POOL: where the largest values are */
    ls_view raw;       /* dL/d(input) of a layer that reads the output of one further back */
} layer_views;

typedef struct {
    const ls_network *net;
    ls_plan *plan;
    layer_views *views;
    ls_view x, t, weight; /* the step's inputs, targets and row weights */
    /* dL/dh of the current layer, and the same after dropout; shared by the layers that do not have
     * to keep theirs */
    ls_view d, dropped;
    size_t top;     /* floats of the arena allocated so far */
    bool goes_back; /* training may go back to the snapshot */
    ls_op lost;     /* written to but never read, after an allocation has failed */
    bool failed;
} builder;

/* Allocates rows × columns floats of the arena, 64-byte aligned. A failure is recorded and reported
 * once, at the end. */
static ls_view take(builder *b, size_t rows, size_t columns)
{
    size_t size, end;
    ls_view view = {LS_ARENA, b->top};
    if (!ls_mul_size(rows, columns, &size) || !ls_add_size(b->top, size, &end) ||
        end > (SIZE_MAX >> 4))
        b->failed = true;
    else b->top = (end + 15) & ~(size_t)15;
    return view;
}

static ls_view at(size_t offset) { return (ls_view){LS_ARENA, offset}; }

/* Appends an operation; the result is valid until the next one is added. */
static ls_op *add(builder *b, ls_ops *ops, ls_op op)
{
    if (ops->count == ops->capacity) {
        size_t capacity = ops->capacity ? 2 * ops->capacity : 32;
        ls_op *more = realloc(ops->op, capacity * sizeof *more);
        if (!more) {
            b->failed = true;
            return &b->lost;
        }
        ops->op = more;
        ops->capacity = capacity;
    }
    ops->op[ops->count] = op;
    return &ops->op[ops->count++];
}

/* Offsets in the state: parameters, optimizer states, running averages. */
static size_t state_at(const ls_plan *p, int index) { return p->parameters * (size_t)(1 + index); }
static size_t running_at(const ls_plan *p) { return p->state - p->running; }

static void take_state(builder *b, ls_plan_use use, bool keep_best)
{
    ls_plan *p = b->plan;
    size_t states = use == LS_PLAN_TRAIN ? (size_t)ls_optimizers[p->optimizer].states : 0, size;
    if (!ls_mul_size(p->parameters, 1 + states, &size) ||
        !ls_add_size(size, p->running, &p->state)) {
        b->failed = true;
        return;
    }
    take(b, p->state, 1);
    if (use == LS_PLAN_INFER) return;
    /* With a snapshot to fall back to, one call can run many epochs; this is worth the memory only
     * if epochs are short. */
    if (b->goes_back || p->state <= LS_SNAPSHOT_FLOATS) p->snapshot = take(b, p->state, 1).at;
    if (keep_best) p->best = take(b, p->state, 1).at;
}

/* Two matrices per layer: the activation and its gradient. Batch normalisation needs a third.
 * Activations whose derivative reads z keep z, and the gradient replaces it. */
static void take_hidden(builder *b, const ls_layer *l, layer_views *v, bool train)
{
    size_t rows = b->plan->capacity, batch = b->plan->batch, width = ls_layer_width(l);
    bool reads_z = ls_activations[l->act].reads_z;
    bool passes = l->kind == LS_LAYER_PASS && !l->norm; /* its z is another layer's output */
    v->a = take(b, rows, width);
    ls_view before = reads_z && !passes ? take(b, rows, width) : v->a; /* input of the activation */
    if (train && l->kind != LS_LAYER_PIECES)                           /* which needs no gradient */
        v->du = reads_z && !passes ? before : take(b, batch, width);
    if (l->norm) {
        v->z = v->dz = take(b, rows, width);
        v->u = before;
        v->mean = take(b, 1, l->out);
        v->inv = take(b, 1, l->out);
    } else {
        v->z = passes ? b->views[l->from].h : before;
        v->dz = v->du;
    }
    v->h = l->dropout > 0 || l->skip >= 0 ? take(b, rows, width) : v->a;
    if (train && l->skip >= 0) v->d = take(b, batch, width);
    if (train && l->kind == LS_LAYER_MAX_POOL) v->index = take(b, batch, width);
}

/* The end of the block whose projection layer i is, or NULL: the projection and the first layer of
 * the block read the same output. What is added at the end has the gradient of that end. */
static const layer_views *end_of_projection(const builder *b, size_t i)
{
    const ls_layer *l = &b->net->layer[i];
    if (l->from < 0 || l[1].from != l->from) return NULL;
    for (size_t j = i + 1; j < b->net->count; j++)
        if (b->net->layer[j].skip == (int)i) return &b->views[j];
    return NULL;
}

static void take_layers(builder *b, bool train)
{
    const ls_network *n = b->net;
    size_t rows = b->plan->capacity, widest = 0;
    bool reads_z = false, drops = false;
    for (size_t i = 0; i + 1 < n->count; i++) {
        const ls_layer *l = &n->layer[i];
        take_hidden(b, l, &b->views[i], train);
        reads_z |= ls_activations[l->act].reads_z;
        drops |= l->dropout > 0;
        if (ls_layer_width(l) > widest) widest = ls_layer_width(l);
        if (train && l->from >= 0 && l->from != (int)i - 1)
            b->views[i].raw = take(b, b->plan->batch, ls_layer_width(&n->layer[l->from]));
    }
    layer_views *last = &b->views[n->count - 1];
    last->z = last->dz = take(b, rows, n->outputs);
    last->a = take(b, rows, n->outputs);
    for (size_t i = 0; train && i + 1 < n->count; i++) {
        const layer_views *end = end_of_projection(b, i);
        if (end) b->views[i].du = b->views[i].dz = end->d;
    }
    if (train && reads_z) b->d = take(b, b->plan->batch, widest);
    if (train && drops) b->dropped = take(b, b->plan->batch, widest);
    b->plan->result = last->a;
    b->plan->row_loss = take(b, rows, 1);
}

/* The output of the layer that layer i reads, or x. */
static ls_view input_of(const builder *b, size_t i, ls_view x)
{
    return b->net->layer[i].from < 0 ? x : b->views[b->net->layer[i].from].h;
}

/* Appends the map of layer i. */
static void add_map(builder *b, ls_ops *ops, size_t i, ls_view x, bool train)
{
    static const ls_op_kind kinds[LS_LAYER_COUNT] = {
        [LS_LAYER_DENSE] = LS_OP_DENSE,       [LS_LAYER_CONV] = LS_OP_CONV,
        [LS_LAYER_MAX_POOL] = LS_OP_MAX_POOL, [LS_LAYER_AVG_POOL] = LS_OP_AVG_POOL,
        [LS_LAYER_PASS] = LS_OP_ACT,          [LS_LAYER_PIECES] = LS_OP_PIECES};
    const ls_layer *l = &b->net->layer[i];
    const layer_views *v = &b->views[i];
    bool last = i + 1 == b->net->count,
         pool = l->kind == LS_LAYER_MAX_POOL || l->kind == LS_LAYER_AVG_POOL;
    ls_op op = {.kind = kinds[l->kind],
                .layer = (int)i,
                .act = l->act,
                .in = l->in,
                .out = l->out,
                .points = l->points,
                .window = l->window,
                .x = input_of(b, i, x),
                .z = v->z};
    if (ls_layer_weights(l)) op.w = at(l->weight);
    if (ls_layer_bias(l)) op.b = at(l->bias);
    if (pool || (!l->norm && !last)) op.a = v->a;
    if (l->kind == LS_LAYER_MAX_POOL && train) op.index = v->index;
    if (l->kind == LS_LAYER_PASS && l->norm) { /* NORM_GRAD writes over its z */
        op.kind = LS_OP_JOIN;
        op.a = op.x, op.y = v->z;
    }
    if (l->kind == LS_LAYER_PASS) op.out = ls_layer_width(l), op.points = 1;
    if (l->kind == LS_LAYER_PIECES) {
        op.w = at(running_at(b->plan) + l->table);
        op.z = (ls_view){LS_NOWHERE, 0};
    }
    add(b, ops, op);
}

/* Appends the forward pass from inputs x to ops. */
static void add_forward(builder *b, ls_ops *ops, ls_view x, bool train)
{
    const ls_plan *p = b->plan;
    size_t running = running_at(p);
    for (size_t i = 0; i < b->net->count; i++) {
        const ls_layer *l = &b->net->layer[i];
        layer_views *v = &b->views[i];
        add_map(b, ops, i, x, train);
        if (l->norm)
            add(b, ops,
                (ls_op){.kind = train ? LS_OP_NORM : LS_OP_NORM_FIXED,
                        .layer = (int)i,
                        .act = l->act,
                        .out = l->out,
                        .points = l->points,
                        .z = v->z,
                        .y = v->u,
                        .a = v->a,
                        .mean = v->mean,
                        .inv = v->inv,
                        .running_mean = at(running + l->mean),
                        .running_var = at(running + l->variance),
                        .gamma = at(l->gamma),
                        .beta = at(l->beta)});
        if (l->dropout > 0 || l->skip >= 0) {
            ls_op *op = add(b, ops,
                            (ls_op){.kind = LS_OP_JOIN,
                                    .layer = (int)i,
                                    .out = ls_layer_width(l),
                                    .a = v->a,
                                    .y = v->h,
                                    .dropout = train ? l->dropout : 0.0f,
                                    .purpose = LS_PURPOSE_DROPOUT + ((ls_u32)i << 8)});
            if (l->skip >= 0) op->skip = b->views[l->skip].h;
        }
    }
}

static void add_loss(builder *b, ls_ops *ops, ls_view target, ls_view row_weight)
{
    const layer_views *v = &b->views[b->net->count - 1];
    add(b, ops,
        (ls_op){.kind = LS_OP_LOSS,
                .layer = (int)b->net->count - 1,
                .out = b->net->outputs,
                .z = v->z,
                .a = v->a,
                .target = target,
                .row_weight = row_weight,
                .row_loss = b->plan->row_loss});
}

/* What layer i's output is also added to or read by, as gradients: the end of an identity block, or
 * the first layer of a block with a projection. */
static ls_view other_gradient(const builder *b, size_t i)
{
    for (size_t j = i + 1; j < b->net->count; j++) {
        if (b->net->layer[j].skip == (int)i) return b->views[j].d;
        if (b->net->layer[j].from == (int)i && j != i + 1) return b->views[j].raw;
    }
    return (ls_view){LS_NOWHERE, 0};
}

/* Appends dL/d(input) of layer `of` to d, and what follows it for the layer below: y. Pools and
 * layers without a map need an operation of their own for what follows. */
static void add_input_gradient(builder *b, size_t of, ls_op op)
{
    static const ls_op_kind kinds[LS_LAYER_COUNT] = {[LS_LAYER_DENSE] = LS_OP_GRAD_X,
                                                     [LS_LAYER_CONV] = LS_OP_CONV_X,
                                                     [LS_LAYER_MAX_POOL] = LS_OP_MAX_POOL_X,
                                                     [LS_LAYER_AVG_POOL] = LS_OP_AVG_POOL_X,
                                                     [LS_LAYER_PASS] = LS_OP_SLOPE};
    const ls_layer *l = &b->net->layer[of];
    const layer_views *v = &b->views[of];
    op.kind = kinds[l->kind];
    if (ls_layer_weights(l)) {
        op.dz = v->dz;
        op.w = at(l->weight);
        op.in = l->kind == LS_LAYER_CONV ? l->in : l->out;
        if (l->kind == LS_LAYER_CONV) op.points = l->points, op.window = l->window;
        add(b, &b->plan->step, op);
        return;
    }
    ls_view x = v->dz;
    if (l->kind != LS_LAYER_PASS) {
        x = op.d;
        add(b, &b->plan->step,
            (ls_op){.kind = op.kind,
                    .layer = op.layer,
                    .out = l->out,
                    .points = l->points,
                    .window = l->window,
                    .dz = v->dz,
                    .d = x,
                    .index = v->index});
    }
    op.kind = LS_OP_SLOPE;
    op.x = x;
    add(b, &b->plan->step, op);
}

/* Appends dL/dh of layer i, which layer i + 1 reads, its activation's derivative and, with batch
 * norm, the gradient through it. */
static void add_grad_x(builder *b, size_t i, size_t gradients)
{
    const ls_layer *l = &b->net->layer[i];
    const layer_views *v = &b->views[i];
    ls_view d = ls_there(v->d) ? v->d : ls_activations[l->act].reads_z ? b->d : v->du;
    add_input_gradient(b, i + 1,
                       (ls_op){.layer = (int)i,
                               .act = l->act,
                               .out = ls_layer_width(l),
                               .z = l->norm ? v->u : v->z,
                               .a = v->a,
                               .y = v->du,
                               .d = d,
                               .skip = other_gradient(b, i),
                               .dropped = b->dropped,
                               .dropout = l->dropout,
                               .purpose = LS_PURPOSE_DROPOUT + ((ls_u32)i << 8)});
    if (l->norm)
        add(b, &b->plan->step,
            (ls_op){.kind = LS_OP_NORM_GRAD,
                    .layer = (int)i,
                    .out = l->out,
                    .points = l->points,
                    .dz = v->du,
                    .z = v->z,
                    .y = v->dz,
                    .mean = v->mean,
                    .inv = v->inv,
                    .gamma = at(l->gamma),
                    .grad_gamma = at(gradients + l->gamma),
                    .grad_beta = at(gradients + l->beta)});
}

/* Appends dL/d(input) of a layer that reads the output of one further back, which adds it later.
 * The derivative of the identity reads an activation, as a NaN there is passed on: that layer's,
 * which is defined at this point. */
static void add_raw_gradient(builder *b, size_t i)
{
    const ls_layer *l = &b->net->layer[i];
    const layer_views *from = &b->views[l->from];
    ls_view raw = b->views[i].raw;
    add_input_gradient(b, i,
                       (ls_op){.layer = l->from,
                               .act = LS_ACT_identity,
                               .out = ls_layer_width(&b->net->layer[l->from]),
                               .z = from->a,
                               .a = from->a,
                               .y = raw,
                               .d = raw});
}

static void add_weight_gradients(builder *b, size_t i, size_t gradients, bool fused)
{
    const ls_plan *p = b->plan;
    const ls_layer *l = &b->net->layer[i];
    bool conv = l->kind == LS_LAYER_CONV;
    ls_op *op = add(b, &b->plan->step,
                    (ls_op){.kind = conv ? LS_OP_CONV_W : LS_OP_GRAD_W,
                            .layer = (int)i,
                            .in = l->in,
                            .out = l->out,
                            .x = input_of(b, i, b->x),
                            .dz = b->views[i].dz,
                            .y = at(gradients + l->weight)});
    if (conv) op->points = l->points, op->window = l->window;
    if (fused) {
        op->theta = at(l->weight);
        op->s = at(state_at(p, 0) + l->weight);
        op->v = at(state_at(p, 1) + l->weight);
    }
    if (ls_layer_bias(l))
        add(b, &b->plan->step,
            (ls_op){.kind = LS_OP_GRAD_B,
                    .layer = (int)i,
                    .out = l->out,
                    .points = l->points,
                    .dz = b->views[i].dz,
                    .y = at(gradients + l->bias)});
}

/* Appends the backward pass, from the last layer to the first. A layer's weights are updated after
 * the gradient has been propagated through them. */
static void add_backward(builder *b, size_t gradients, bool fused)
{
    for (size_t i = b->net->count; i-- > 0;) {
        const ls_layer *l = &b->net->layer[i];
        bool needed = l->from >= 0 && b->net->layer[l->from].kind != LS_LAYER_PIECES;
        if (needed && l->from == (int)i - 1) add_grad_x(b, i - 1, gradients);
        else if (needed) add_raw_gradient(b, i);
        if (ls_layer_weights(l)) add_weight_gradients(b, i, gradients, fused);
    }
}

static void add_update(builder *b, size_t gradients, bool fused)
{
    ls_plan *p = b->plan;
    size_t first = fused ? p->weights : 0;
    ls_op update = {.kind = LS_OP_UPDATE,
                    .layer = -1,
                    .in = first,
                    .out = p->parameters - first,
                    .theta = at(first),
                    .y = at(gradients + first),
                    .s = at(state_at(p, 0) + first),
                    .v = at(state_at(p, 1) + first)};
    if (p->clip > 0) {
        update.b = take(b, 1, 1);
        add(b, &p->step,
            (ls_op){.kind = LS_OP_CLIP,
                    .layer = -1,
                    .out = p->parameters,
                    .x = at(gradients),
                    .y = update.b});
    }
    add(b, &p->step, update);
    for (size_t i = 0; i < b->net->count && p->hyper.max_norm > 0; i++)
        if (ls_layer_weights(&b->net->layer[i]))
            add(b, &p->step,
                (ls_op){.kind = LS_OP_MAX_NORM,
                        .layer = (int)i,
                        .in = b->net->layer[i].in,
                        .out = b->net->layer[i].out,
                        .w = at(b->net->layer[i].weight)});
}

/* Sets the views of a step's rows: in place, or gathered in the epoch's order. */
static void gather_inputs(builder *b, bool row_weights)
{
    ls_plan *p = b->plan;
    b->x = (ls_view){LS_DATA_X, 0};
    b->t = (ls_view){LS_DATA_T, 0};
    b->weight = row_weights ? (ls_view){LS_DATA_WEIGHT, 0} : (ls_view){LS_NOWHERE, 0};
    if (!p->shuffle) return;
    ls_view index = take(b, p->batch, 1);
    add(b, &p->step, (ls_op){.kind = LS_OP_BATCH, .layer = -1, .y = index});
    ls_view *input[] = {&b->x, &b->t, &b->weight};
    size_t width[] = {p->features, p->outputs, 1};
    for (int i = 0; i < (row_weights ? 3 : 2); i++) {
        ls_view gathered = take(b, p->batch, width[i]);
        add(b, &p->step,
            (ls_op){.kind = LS_OP_GATHER,
                    .layer = -1,
                    .out = width[i],
                    .x = *input[i],
                    .y = gathered,
                    .index = index});
        *input[i] = gathered;
    }
}

static void add_inputs(builder *b, bool row_weights)
{
    const ls_network *n = b->net;
    gather_inputs(b, row_weights);
    if (!n->shift && !n->flip) return;
    ls_view augmented = take(b, b->plan->batch, n->inputs);
    add(b, &b->plan->step,
        (ls_op){.kind = LS_OP_AUGMENT,
                .layer = -1,
                .window = {.from = n->image},
                .out = n->inputs,
                .shift = n->shift,
                .flip = n->flip,
                .x = b->x,
                .y = augmented});
    b->x = augmented;
}

const ls_op *ls_plan_skippable_gather(const ls_plan *plan, size_t width)
{
    const ls_op *gather = NULL;
    bool read = false;
    for (size_t i = 0; i < plan->step.count; i++) {
        const ls_op *o = &plan->step.op[i];
        if (o->kind == LS_OP_GATHER && o->x.place == LS_DATA_X && o->out >= width) gather = o;
        else if (gather && ls_same_view(o->x, gather->y)) {
            if (o->kind == LS_OP_GRAD_W ? o->out == 1 : o->kind != LS_OP_DENSE) return NULL;
            read = true;
        }
    }
    return read ? gather : NULL;
}

/* Frees the unused capacity of a list: there may be thousands of plans. */
static void trim(ls_ops *ops)
{
    ls_op *smaller = ops->count ? realloc(ops->op, ops->count * sizeof *smaller) : NULL;
    if (!smaller) return;
    ops->op = smaller;
    ops->capacity = ops->count;
}

static void build(builder *b, ls_plan_use use, bool row_weights, bool keep_best)
{
    ls_plan *p = b->plan;
    bool train = use == LS_PLAN_TRAIN;
    take_state(b, use, keep_best);
    size_t work = b->top;
    size_t gradients = train ? take(b, p->parameters, 1).at : 0;
    take_layers(b, train);
    if (train) {
        add_inputs(b, row_weights);
        add_forward(b, &p->step, b->x, true);
        add_loss(b, &p->step, b->t, b->weight);
        add(b, &p->step, (ls_op){.kind = LS_OP_LOSS_SUM, .layer = -1, .out = 1});
        bool fused = !(p->clip > 0); /* clipping needs the whole gradient before any update */
        add_backward(b, gradients, fused);
        add_update(b, gradients, fused);
    }
    add_forward(b, &p->infer, (ls_view){LS_DATA_X, 0}, false);
    add_loss(b, &p->infer, (ls_view){LS_DATA_T, 0}, (ls_view){LS_NOWHERE, 0});
    p->arena = b->top;
    p->work = b->top - work;
}

/* Value of the option that gives a decay, or 0. */
static double decay_of(const ls_settings *s, size_t offset)
{
    double value = 0;
    if (offset != LS_NO_DECAY) memcpy(&value, (const char *)s + offset, sizeof value);
    return value;
}

static ls_hyper hyper_of(const ls_settings *s)
{
    const ls_opt_info *optimizer = &ls_optimizers[s->optimizer];
    double first = decay_of(s, optimizer->first_decay);
    double second = decay_of(s, optimizer->second_decay);
    return (ls_hyper){.beta1 = (float)first,
                      .rest1 = (float)(1.0 - first),
                      .beta2 = (float)second,
                      .rest2 = (float)(1.0 - second),
                      .epsilon = (float)s->epsilon,
                      .l1 = (float)s->l1,
                      .twice_l2 = (float)(s->l2 > 0 ? 2.0 * s->l2 : 0.0),
                      .max_norm = (float)s->max_norm};
}

/* The classes among which label smoothing divides: a sigmoid output has two. */
static double smoothed_classes(const ls_network *net)
{
    return net->loss == LS_LOSS_CE ? (double)net->outputs : 2.0;
}

/* Sets the batch from the settings; checks it against the number of rows. */
static ls_status choose_batch(ls_plan *p, const ls_settings *s, ls_error *err)
{
    uint64_t batch = ls_settings_batch(s, p->rows);
    if (batch < p->rows && ls_optimizers[s->optimizer].full_batch)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--optimizer gd uses all rows in every step; for batches of %llu use --optimizer sgd",
            (unsigned long long)batch);
    p->batch = (size_t)batch;
    p->shuffle = s->order == LS_ORDER_SHUFFLE && p->batch < p->rows;
    return LS_OK;
}

/* Values of a row of the largest image that a layer reads or gives; 1 if there is none. */
static size_t largest_image(const ls_network *net)
{
    size_t most = 1;
    for (size_t i = 0; i < net->count; i++) {
        const ls_layer *l = &net->layer[i];
        size_t from = ls_image_values(l->window.from), gives = ls_layer_width(l);
        if (l->kind == LS_LAYER_DENSE) continue;
        if (from > most) most = from;
        if (l->points > 1 && gives > most) most = gives;
    }
    return most;
}

/* Rows of an inference block: fewer if images make them long. */
static size_t infer_rows(const ls_network *net, size_t rows)
{
    enum { FLOATS = 1 << 21 };
    size_t most = LS_INFER_ROWS, widest = largest_image(net);
    if (most > FLOATS / widest) most = FLOATS / widest ? FLOATS / widest : 1;
    return rows < most ? rows : most;
}

/* Kernels count the values of a matrix in 32 bits, those of an image with a sign. */
static bool is_countable(const ls_network *net, const ls_plan *p)
{
    uint64_t most = largest_image(net);
    return most <= INT32_MAX && most <= UINT32_MAX / (uint64_t)p->capacity;
}

ls_status ls_plan_build(const ls_network *net, const ls_settings *s, ls_plan_use use, size_t rows,
                        bool row_weights, ls_plan **out, ls_error *err)
{
    ls_plan *p;
    if (!rows || rows > UINT32_MAX)
        return ls_fail(err, LS_ERR_ARGUMENT, "%zu rows: a run needs 1 to %lu", rows,
                       (unsigned long)UINT32_MAX);
    LS_TRY(ls_alloc(&p, 1, sizeof *p, "the plan", err));
    *p = (ls_plan){.seed = s->seed,
                   .rows = rows,
                   .features = net->inputs,
                   .outputs = net->outputs,
                   .mean = s->reduction == LS_REDUCE_MEAN,
                   .loss = net->loss,
                   .huber_delta = (float)s->huber_delta,
                   .label_keep = (float)(1.0 - s->label_smoothing),
                   .label_share = (float)(s->label_smoothing / smoothed_classes(net)),
                   .output = net->output,
                   .optimizer = (ls_opt)s->optimizer,
                   .hyper = hyper_of(s),
                   .clip = (float)s->clip,
                   .weights = net->weights,
                   .parameters = net->parameters,
                   .running = net->running,
                   .batch = rows};
    builder b = {.net = net, .plan = p, .goes_back = s->on_nan == LS_ON_NAN_ROLLBACK};
    ls_status status = use == LS_PLAN_TRAIN ? choose_batch(p, s, err) : LS_OK;
    if (status == LS_OK) status = ls_alloc(&b.views, net->count, sizeof *b.views, "the plan", err);
    if (status == LS_OK) {
        size_t block = infer_rows(net, rows);
        p->capacity = use == LS_PLAN_TRAIN && p->batch > block ? p->batch : block;
        build(&b, use, row_weights, s->patience > 0);
        if (b.failed || !is_countable(net, p))
            status =
                ls_fail(err, LS_ERR_MEMORY,
                        "the network does not fit this machine's memory: use fewer or narrower "
                        "layers, or a smaller --batch");
    }
    free(b.views);
    trim(&p->step);
    trim(&p->infer);
    if (status != LS_OK) ls_plan_free(p);
    else *out = p;
    return status;
}

void ls_plan_free(ls_plan *plan)
{
    if (!plan) return;
    free(plan->step.op);
    free(plan->infer.op);
    free(plan);
}
