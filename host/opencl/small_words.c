/* SPDX-License-Identifier: MIT */
#include "host/opencl/small_words.h"
#include "host/base/memory.h"
#include "host/network/chunks.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16 }; /* floats that rows of gradients in scratch are padded to */

static size_t chunks_of(size_t n) { return (n + LS_CHUNK - 1) / LS_CHUNK; }

static cl_uint bits_of(float value)
{
    cl_uint bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The place of a chunk's matrix. GPUs have another distance from column to column. */
static cl_uint place(const ls_small_words *small, size_t at)
{
    if (at == LS_NO_PLACE) return SMALL_NONE;
    if (!small->grouped) return (cl_uint)at;
    assert(at % LS_CHUNK == 0);
    return (cl_uint)(at / LS_CHUNK * SMALL_PITCH);
}

static cl_uint view(ls_view v) { return ls_there(v) ? (cl_uint)v.at : SMALL_NONE; }

static void describe_member(ls_small_words *small, const ls_plan *p, const ls_chunks *c)
{
    cl_uint *w = small->word;
    uint64_t per_epoch = ls_plan_steps_per_epoch(p);
    w[SMALL_seed_low] = (cl_uint)p->seed, w[SMALL_seed_high] = (cl_uint)(p->seed >> 32);
    w[SMALL_rows] = (cl_uint)p->rows, w[SMALL_batch] = (cl_uint)p->batch;
    w[SMALL_steps_per_epoch] = (cl_uint)per_epoch, w[SMALL_shuffle] = p->shuffle;
    w[SMALL_scale] = bits_of(ls_plan_batch(p, 0).scale),
    w[SMALL_last_scale] = bits_of(ls_plan_batch(p, per_epoch - 1).scale);
    w[SMALL_output] = (cl_uint)p->output, w[SMALL_loss] = (cl_uint)p->loss,
    w[SMALL_huber_delta] = bits_of(p->huber_delta);
    w[SMALL_label_keep] = bits_of(p->label_keep), w[SMALL_label_share] = bits_of(p->label_share);
    w[SMALL_optimizer] = (cl_uint)p->optimizer;
    w[SMALL_clip] = bits_of(p->clip);
    memcpy(w + SMALL_hyper, &p->hyper, sizeof p->hyper); /* floats as their bits */
    w[SMALL_features] = (cl_uint)p->features, w[SMALL_outputs] = (cl_uint)p->outputs;
    w[SMALL_t] = place(small, c->target), w[SMALL_row_weight] = place(small, c->row_weight);
    w[SMALL_row_loss] = place(small, c->row_loss), w[SMALL_rows_at] = place(small, c->rows);
    for (size_t i = 0; i < c->inputs; i++)
        if (c->input[i].place == LS_DATA_X) w[SMALL_x] = place(small, c->input[i].to);
}

/* Where operations are appended. */
typedef struct {
    const ls_plan *plan;
    ls_small_words *small;
    cl_uint *count; /* of_chunk or of_step */
    size_t sums;    /* place in scratch for two lists of sums of squares */
    size_t tasks;   /* of the gradients so far (small_group.cl) */
} writer;

/* On GPUs, when the work-items of a group wait before an operation. A work-item accesses the same
 * elements of the matrices in all operations that never wait; those of DENSE, LOSS and GRAD_X need
 * others of the same row. No matrix changes from the first of the gradients to the end of the
 * round, and the arrays of the optimizer's steps do not overlap. Groups also wait at the end of
 * each round and step. */
static const cl_uint wait_of[] = {
    [SMALL_NUMBERS] = SMALL_WAIT_NEVER,
    [SMALL_LOAD] = SMALL_WAIT_SHARED,
    [SMALL_PIECES] = SMALL_WAIT_SHARED,
    [SMALL_DENSE] = SMALL_WAIT_SHARED,
    [SMALL_ACTIVATE] = SMALL_WAIT_NEVER,
    [SMALL_JOIN] = SMALL_WAIT_NEVER,
    [SMALL_LOSS] = SMALL_WAIT_SHARED,
    [SMALL_LOSS_SUM] = SMALL_WAIT_ALWAYS, /* the first that reads other rows */
    [SMALL_GRAD_X] = SMALL_WAIT_SHARED,
    [SMALL_SKIP] = SMALL_WAIT_NEVER,
    [SMALL_DROP] = SMALL_WAIT_NEVER,
    [SMALL_ACTIVATION_GRAD] = SMALL_WAIT_NEVER,
    [SMALL_GRAD_W] = SMALL_WAIT_NEVER, /* follows LOSS_SUM */
    [SMALL_UPDATE] = SMALL_WAIT_NEVER, /* follows the end of the last round, or FACTOR */
    [SMALL_SQUARES] = SMALL_WAIT_NEVER,
    [SMALL_SUMS] = SMALL_WAIT_ALWAYS,
    [SMALL_FACTOR] = SMALL_WAIT_ALWAYS,
    [SMALL_MAX_NORM] = SMALL_WAIT_ALWAYS,
};

/* Appends an operation of the kernel with the matrices and sizes of the plan's operation. */
static cl_uint *put(writer *to, cl_uint kind, const ls_chunk_op *c)
{
    cl_uint *w = to->small->word + to->small->words;
    const ls_op *o = c->op;
    w[SMALL_OP_kind] = kind;
    w[SMALL_OP_act] = (cl_uint)o->act, w[SMALL_OP_in] = (cl_uint)o->in,
    w[SMALL_OP_out] = (cl_uint)o->out;
    w[SMALL_OP_x] = place(to->small, c->x), w[SMALL_OP_z] = place(to->small, c->z),
    w[SMALL_OP_a] = place(to->small, c->a), w[SMALL_OP_y] = place(to->small, c->y);
    w[SMALL_OP_d] = place(to->small, c->d), w[SMALL_OP_dz] = place(to->small, c->dz),
    w[SMALL_OP_skip] = place(to->small, c->skip),
    w[SMALL_OP_dropped] = place(to->small, c->dropped);
    w[SMALL_OP_grad] = (cl_uint)c->grad, w[SMALL_OP_width] = (cl_uint)c->width;
    w[SMALL_OP_dropout] = bits_of(o->dropout), w[SMALL_OP_purpose] = o->purpose;
    w[SMALL_OP_w] = view(o->w), w[SMALL_OP_b] = view(o->b), w[SMALL_OP_gradient] = view(o->y);
    w[SMALL_OP_bias_gradient] = c->bias ? view(c->bias->y) : SMALL_NONE;
    w[SMALL_OP_theta] = view(o->theta), w[SMALL_OP_s] = view(o->s), w[SMALL_OP_v] = view(o->v);
    w[SMALL_OP_wait] = wait_of[kind];
    to->small->words += SMALL_OP_WORDS;
    ++*to->count;
    return w;
}

static void put_grad_x(writer *to, const ls_chunk_op *c)
{
    put(to, SMALL_GRAD_X, c);
    if (ls_there(c->op->skip)) put(to, SMALL_SKIP, c)[SMALL_OP_y] = place(to->small, c->d);
    if (c->op->dropout > 0) put(to, SMALL_DROP, c);
    cl_uint *w = put(to, SMALL_ACTIVATION_GRAD, c);
    if (c->op->dropout > 0)
        w[SMALL_OP_d] = place(to->small,
                              c->dropped); /* d itself stays whole for a residual block */
}

/* Operations of a chunk */

static void put_dense(writer *to, const ls_chunk_op *c)
{
    put(to, SMALL_DENSE, c);
    if (ls_there(c->op->a)) put(to, SMALL_ACTIVATE, c);
}

static void put_pieces(writer *to, const ls_chunk_op *c) { put(to, SMALL_PIECES, c); }

static void put_join(writer *to, const ls_chunk_op *c)
{
    put(to, SMALL_JOIN, c);
    if (ls_there(c->op->skip)) put(to, SMALL_SKIP, c);
}

static void put_loss(writer *to, const ls_chunk_op *c)
{
    put(to, SMALL_LOSS, c);
    if (!to->small->grouped) put(to, SMALL_LOSS_SUM, c);
}

static void put_grad_w(writer *to, const ls_chunk_op *c)
{
    if (to->small->grouped) return; /* they come last */
    put(to, SMALL_ROWS, c);
    put(to, SMALL_GRAD_W, c);
}

/* On GPUs the gradients come last in a round, all at once: the matrices that they read are still
 * there. */
static void put_gradients(writer *to, const ls_chunks *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->op[i].op->kind == LS_OP_LOSS) put(to, SMALL_LOSS_SUM, &c->op[i]);
    for (size_t i = 0; i < c->count; i++) {
        const ls_op *o = c->op[i].op;
        if (o->kind != LS_OP_GRAD_W) continue;
        put(to, SMALL_GRAD_W, &c->op[i])[SMALL_OP_tasks] = (cl_uint)to->tasks;
        to->tasks += (o->in + (c->op[i].bias != NULL) + 1) / 2 * ((o->out + 1) / 2);
    }
}

/* Operations of a step */

/* Sums the squares by chunks, then the chunk sums by chunks, alternating between two places until
 * one sum is left. */
static void put_clip(writer *to, const ls_chunk_op *c)
{
    size_t n = c->op->out, from = to->sums, second = to->sums + chunks_of(n);
    cl_uint *w = put(to, SMALL_SQUARES, c);
    w[SMALL_OP_in] = (cl_uint)n, w[SMALL_OP_gradient] = view(c->op->x),
    w[SMALL_OP_to] = (cl_uint)from;
    for (n = chunks_of(n); n > 1; n = chunks_of(n)) {
        w = put(to, SMALL_SUMS, c);
        w[SMALL_OP_in] = (cl_uint)n, w[SMALL_OP_from] = (cl_uint)from,
        w[SMALL_OP_to] = (cl_uint)second;
        size_t other = from;
        from = second, second = other;
    }
    put(to, SMALL_FACTOR, c)[SMALL_OP_from] = (cl_uint)from;
}

static void put_update(writer *to, const ls_chunk_op *c)
{
    size_t weights = to->plan->weights, first = c->op->in;
    put(to, SMALL_UPDATE, c)[SMALL_OP_weights] = (cl_uint)(weights > first ? weights - first : 0);
}

static void put_max_norm(writer *to, const ls_chunk_op *c) { put(to, SMALL_MAX_NORM, c); }

/* The gradients of a GRAD_W into the arena, where they are already on GPUs, and the optimizer's
 * step if it follows at once. */
static void put_weights(writer *to, const ls_chunk_op *c)
{
    const ls_op *o = c->op;
    if (!to->small->grouped) put(to, SMALL_UNPACK, c);
    if (!ls_there(o->theta)) return;
    cl_uint *w = put(to, SMALL_UPDATE, c);
    w[SMALL_OP_out] = w[SMALL_OP_weights] = (cl_uint)(o->in * o->out);
}

/* One function per operation that LS_OPS calls CHUNK or STEP: without it, it does not compile. */
typedef void (*put_function)(writer *to, const ls_chunk_op *c);
#define OF_CHUNK_CHUNK(name) put_##name
#define OF_CHUNK_STEP(name) NULL
#define OF_CHUNK_IMPLIED(name) NULL
#define OF_CHUNK_NEVER(name) NULL
#define OF_STEP_CHUNK(name) NULL
#define OF_STEP_STEP(name) put_##name
#define OF_STEP_IMPLIED(name) NULL
#define OF_STEP_NEVER(name) NULL
#define LS_X(NAME, name, chunkwise) [LS_OP_##NAME] = OF_CHUNK_##chunkwise(name),
static const put_function of_chunk[LS_OP_COUNT] = {LS_OPS(LS_X)};
#undef LS_X
#define LS_X(NAME, name, chunkwise) [LS_OP_##NAME] = OF_STEP_##chunkwise(name),
static const put_function of_step[LS_OP_COUNT] = {LS_OPS(LS_X)};
#undef LS_X

static void put_all(ls_small_words *small, const ls_plan *plan, const ls_chunks *c)
{
    const ls_op nothing = {0};
    const ls_chunk_op none = {.op = &nothing};
    writer to = {plan, small, &small->word[SMALL_of_chunk],
                 small->grouped ? SMALL_PARTS : c->scratch, 0};
    describe_member(small, plan, c);
    small->words = SMALL_MEMBER_WORDS;
    if (plan->shuffle) put(&to, SMALL_NUMBERS, &none);
    put(&to, SMALL_LOAD, &none);
    for (size_t i = 0; i < c->count; i++)
        if (of_chunk[c->op[i].op->kind]) of_chunk[c->op[i].op->kind](&to, &c->op[i]);
    if (small->grouped) put_gradients(&to, c);
    to.count = &small->word[SMALL_of_step];
    for (size_t i = 0; i < c->count; i++) {
        ls_op_kind kind = c->op[i].op->kind;
        if (kind == LS_OP_GRAD_W) put_weights(&to, &c->op[i]);
        else if (of_step[kind]) of_step[kind](&to, &c->op[i]);
    }
}

static size_t padded(size_t floats) { return (floats + 15) & ~(size_t)15; }

static void measure(ls_small_words *s, const ls_plan *plan, const ls_chunks *c)
{
    size_t sums = plan->clip > 0 ? 2 * chunks_of(plan->parameters) : 0;
    s->width = plan->features;
    for (size_t i = 0; i < c->count; i++)
        if (of_chunk[c->op[i].op->kind] && c->op[i].op->out > s->width) s->width = c->op[i].op->out;
    s->common = s->grouped ? padded(SMALL_PARTS + sums) : 0;
    s->scratch = padded(s->grouped ? place(s, c->rows) + SMALL_LOSS_COLUMNS * SMALL_PITCH
                                   : c->scratch + sums);
}

ls_status ls_small_words_build(const ls_plan *plan, bool grouped, ls_small_words **out,
                               ls_error *err)
{
    /* at most: operations of the kernel per operation of the plan, and levels of sums for 2^32
     * squares with the operations before and after them */
    enum { MOST = 7, LEVELS = 8 };
    ls_chunks *c;
    ls_small_words *s;
    *out = NULL;
    LS_TRY(ls_chunks_build(plan, LANES, 0, &c, err));
    if (!c) return LS_OK;
    ls_status status = ls_alloc(&s, 1, sizeof *s, "the network", err);
    if (status == LS_OK) {
        s->grouped = grouped;
        status = ls_alloc(&s->word,
                          SMALL_MEMBER_WORDS + (MOST * c->count + LEVELS + 2) * SMALL_OP_WORDS,
                          sizeof *s->word, "the network", err);
        if (status != LS_OK) free(s);
    }
    if (status == LS_OK) {
        measure(s, plan, c);
        put_all(s, plan, c);
        *out = s;
    }
    ls_chunks_free(c);
    return status;
}

void ls_small_words_free(ls_small_words *words)
{
    free(words->word);
    free(words);
}
