/* SPDX-License-Identifier: MIT */
#include "core_cpu/chunk.h"
#include "kernels/random.h"
#include <string.h>

/* Losses of complete chunks that have not been added up yet. Each chunk's sum is a chain of
 * dependent additions, so the chains of several chunks run side by side. */
enum { WAITING = 8 };
typedef struct {
    float row_loss[WAITING][LS_CHUNK];
    size_t chunks;
    float sum; /* of the chunks added up so far */
} step_loss;

/* The chunk being computed. */
typedef struct {
    const ls_chunks *chunks;
    const ls_chunk_step *step;
    step_loss *losses;
    float *inputs;           /* matrices at offsets below chunks->loaded */
    size_t row, rows, lanes; /* first row in the batch, number of rows, and that rounded up to 16 */
} chunk;

static float *at(const chunk *c, size_t place)
{
    if (place < c->chunks->loaded) return c->inputs + place;
    return place == LS_NO_PLACE ? NULL : c->step->scratch + place;
}
static float *arena_at(const chunk *c, ls_view view)
{
    return ls_there(view) ? c->step->arena + view.at : NULL;
}

static void load(const chunk *c)
{
    const ls_chunk_step *s = c->step;
    uint32_t numbers[LS_CHUNK];
    const bool shuffled = s->plan->shuffle;
    const size_t first = s->batch.first + c->row;
    if (shuffled)
        s->kernels->order(numbers, first, c->rows, (uint32_t)s->plan->rows, s->plan->seed,
                          s->batch.epoch);
    for (size_t i = 0; i < c->chunks->inputs; i++) {
        const ls_chunk_input *in = &c->chunks->input[i];
        const float *from = in->place == LS_DATA_X   ? s->data->x
                            : in->place == LS_DATA_T ? s->data->t
                                                     : s->data->row_weight;
        s->kernels->rows_to_lanes(from + s->origin * in->columns, in->columns,
                                  shuffled ? numbers : NULL, shuffled ? 0 : first, c->rows,
                                  in->columns, at(c, in->to), c->lanes);
    }
}

static void dense(const chunk *c, const ls_chunk_op *o)
{
    const ls_op *op = o->op;
    float *z = at(c, o->z);
    ls_lanes_product p = {.m = op->out,
                          .n = c->lanes,
                          .k = op->in,
                          .a = arena_at(c, op->w),
                          .a_i = 1,
                          .a_k = op->out,
                          .b = at(c, o->x),
                          .b_k = c->lanes,
                          .start = arena_at(c, op->b),
                          .c = z,
                          .c_i = c->lanes};
    c->step->kernels->lanes_product(&p);
    if (o->a != LS_NO_PLACE)
        c->step->kernels->act[op->act](z, at(c, o->a), (ls_block){1, op->out * c->lanes, 0});
}

/* The factors of dropout are drawn here and stay for the gradient. */
static void join(const chunk *c, const ls_chunk_op *o)
{
    const ls_chunk_step *s = c->step;
    const ls_op *op = o->op;
    const ls_mask mask = {s->plan->seed, s->step, op->purpose, op->dropout};
    const float *a = at(c, o->a), *skip = at(c, o->skip), *from = a;
    float *y = at(c, o->y);
    if (mask.p > 0.0f) {
        float *factors = at(c, o->factors);
        s->kernels->lanes_factors(&mask, c->row, c->rows, op->out, c->lanes,
                                  at(c, c->chunks->drawn), factors);
        s->kernels->times(a, factors, y, op->out * c->lanes);
        from = y;
    }
    if (skip || from != y) s->kernels->join(from, skip, y, op->out * c->lanes);
}

static void pieces(const chunk *c, const ls_chunk_op *o)
{
    c->step->kernels->lanes_pieces(arena_at(c, o->op->w), at(c, o->x), c->lanes, o->op->in,
                                   o->op->out, at(c, o->a));
}

static void grad_x(const chunk *c, const ls_chunk_op *o)
{
    const ls_op *op = o->op;
    const ls_cpu_kernels *k = c->step->kernels;
    float *d = at(c, o->d), *from = d, *skip = at(c, o->skip);
    ls_lanes_product p = {.m = op->out,
                          .n = c->lanes,
                          .k = op->in,
                          .a = arena_at(c, op->w),
                          .a_i = op->in,
                          .a_k = 1,
                          .b = at(c, o->dz),
                          .b_k = c->lanes,
                          .c = d,
                          .c_i = c->lanes};
    k->lanes_product(&p);
    if (skip) k->join(d, skip, d, op->out * c->lanes);
    if (o->factors != LS_NO_PLACE) {
        from = at(c, o->dropped); /* a residual block still needs d */
        k->times(d, at(c, o->factors), from, op->out * c->lanes);
    }
    k->act_grad[op->act](from, at(c, o->z), at(c, o->a), at(c, o->y),
                         (ls_block){1, op->out * c->lanes, 0});
}

/* One chain per weight and bias (docs/arithmetic.md); the inputs of the biases are ones. */
static void grad_w(const chunk *c, const ls_chunk_op *o)
{
    const ls_op *op = o->op;
    float *rows = at(c, c->chunks->rows), *x = at(c, o->x), *dz = at(c, o->dz),
          *ones = x + op->in * c->lanes;
    /* `turned` becomes rows, `other` stays in columns */
    const float *turned = o->across ? x : dz, *other = o->across ? dz : x;
    const size_t columns = o->across ? op->in + 1 : op->out,
                 others = o->across ? op->out : op->in + 1;
    for (size_t i = 0; i < c->lanes; i++) ones[i] = 1.0f;
    c->step->kernels->lanes_to_rows(turned, columns, c->lanes, c->rows, rows, o->width);
    ls_lanes_product p = {.m = others,
                          .n = o->width,
                          .k = c->rows,
                          .a = other,
                          .a_i = c->lanes,
                          .a_k = 1,
                          .b = rows,
                          .b_k = o->width,
                          .c = at(c, o->grad),
                          .c_i = o->width,
                          .add = c->row > 0};
    c->step->kernels->lanes_product(&p);
}

static void loss(const chunk *c, const ls_chunk_op *o)
{
    const ls_plan *p = c->step->plan;
    ls_loss_rows l = {.columns = o->op->out,
                      .output = p->output,
                      .z = at(c, o->z),
                      .p = at(c, o->a),
                      .target = at(c, c->chunks->target),
                      .row_weight = at(c, c->chunks->row_weight),
                      .row_loss = c->losses->row_loss[c->losses->chunks],
                      .scale = c->step->batch.scale,
                      .delta = p->huber_delta,
                      .keep = p->label_keep,
                      .share = p->label_share};
    c->step->kernels->lanes_loss[p->loss](&l, c->lanes);
}

/* Adds up the waiting chunks of `rows` rows each: one chain per chunk, then the chains in order. */
static void sum_losses(step_loss *l, size_t rows)
{
    float chain[WAITING] = {0};
    if (l->chunks == 1)
        for (size_t i = 0; i < rows; i++) chain[0] = chain[0] + l->row_loss[0][i];
    else
        for (size_t i = 0; i < rows; i++)
            for (size_t k = 0; k < WAITING; k++) chain[k] = chain[k] + l->row_loss[k][i];
    for (size_t k = 0; k < l->chunks; k++) l->sum = l->sum + chain[k];
    l->chunks = 0;
}

/* The functions of the operations that run for each chunk. An operation that LS_OPS calls CHUNK and
 * that has no function here does not compile. */
#define OF_CHUNK_CHUNK(name) name
#define OF_CHUNK_STEP(name) NULL
#define OF_CHUNK_IMPLIED(name) NULL
#define OF_CHUNK_NEVER(name) NULL
#define LS_X(NAME, name, chunkwise) [LS_OP_##NAME] = OF_CHUNK_##chunkwise(name),
static void (*const of_chunk[LS_OP_COUNT])(const chunk *c, const ls_chunk_op *o) = {LS_OPS(LS_X)};
#undef LS_X

static void run_chunk(const chunk *c)
{
    if (!c->step->inputs_kept) load(c);
    for (size_t i = 0; i < c->chunks->count; i++) {
        const ls_chunk_op *o = &c->chunks->op[i];
        if (of_chunk[o->op->kind]) of_chunk[o->op->kind](c, o);
    }
}

/* Copies n floats that are `next` floats apart. */
static void collect(float *restrict to, const float *restrict from, size_t n, size_t next)
{
    if (next == 1)
        for (size_t i = 0; i < n; i++) to[i] = from[i];
    else
        for (size_t i = 0; i < n; i++) to[i] = from[i * next];
}

/* Copies a layer's gradients to their views in the arena. */
static void unpack(const chunk *c, const ls_chunk_op *o)
{
    const ls_op *op = o->op;
    const float *from = at(c, o->grad);
    const size_t next_in = o->across ? 1 : o->width, next_out = o->across ? o->width : 1;
    float *to = arena_at(c, op->y);
    for (size_t i = 0; i < op->in; i++)
        collect(to + i * op->out, from + i * next_in, op->out, next_out);
    if (o->bias) collect(arena_at(c, o->bias->y), from + op->in * next_in, op->out, next_out);
}

/* Whether the inputs of all chunks fit behind the other scratch memory and are the same in every
 * step. */
static bool keeps_rows(const ls_chunks *chunks, const ls_plan *p)
{
    const size_t room = (LS_CHUNKS_SCRATCH - chunks->scratch) / chunks->loaded;
    return !p->shuffle && p->batch >= p->rows && (p->rows + LS_CHUNK - 1) / LS_CHUNK <= room;
}

bool ls_chunks_run(const ls_chunks *chunks, const ls_chunk_step *s)
{
    step_loss losses = {.chunks = 0};
    const bool keeps = keeps_rows(chunks, s->plan);
    chunk c = {.chunks = chunks,
               .step = s,
               .losses = &losses,
               .inputs = keeps ? s->scratch + chunks->scratch : s->scratch};
    for (; c.row < s->batch.rows; c.row += c.rows) {
        c.rows = s->batch.rows - c.row < LS_CHUNK ? s->batch.rows - c.row : LS_CHUNK;
        c.lanes = (c.rows + 15) & ~(size_t)15;
        if (losses.chunks == WAITING || c.rows < LS_CHUNK) sum_losses(&losses, LS_CHUNK);
        run_chunk(&c);
        losses.chunks++;
        if (keeps) c.inputs += chunks->loaded;
    }
    sum_losses(&losses, c.rows);
    *s->loss = losses.sum;
    for (size_t i = 0; i < chunks->count; i++) {
        const ls_chunk_op *o = &chunks->op[i];
        if (o->op->kind == LS_OP_GRAD_W) unpack(&c, o);
        bool updates = o->op->kind == LS_OP_GRAD_W && ls_there(o->op->theta);
        if (updates || ls_op_chunkwise[o->op->kind] == LS_CHUNKWISE_STEP) s->rest(s->user, o->op);
    }
    return keeps;
}
