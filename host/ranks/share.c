/* SPDX-License-Identifier: MIT */
#include "host/ranks/share.h"
#include "host/base/memory.h"
#include <stdlib.h>
#include <string.h>

size_t ls_share_most = (size_t)1 << 27;

static const ls_view nowhere = {LS_NOWHERE, 0};

static size_t chunks_of(size_t rows) { return (rows + LS_CHUNK - 1) / LS_CHUNK; }
static size_t aligned(size_t n) { return (n + 15) & ~(size_t)15; }

bool ls_share_takes_turns(const ls_plan *plan)
{
    for (size_t i = 0; i < plan->step.count; i++)
        if (plan->step.op[i].kind == LS_OP_NORM) return false;
    return true;
}

/* ---- Chunks and turns ------------------------------------------------------------------------ */

size_t ls_share_turns(const ls_share *s, size_t rows, size_t ranks)
{
    const size_t each = s->chunks * ranks;
    return (chunks_of(rows) + each - 1) / each;
}

void ls_share_chunks(const ls_share *s, size_t rows, size_t turn, size_t ranks, size_t rank,
                     size_t *first, size_t *count)
{
    const size_t all = chunks_of(rows), turns = ls_share_turns(s, rows, ranks),
                 from = all * turn / turns, n = all * (turn + 1) / turns - from;
    /* rounded up: rank 0 has a chunk if there is one */
    *first = from + (n * rank + ranks - 1) / ranks;
    *count = from + (n * (rank + 1) + ranks - 1) / ranks - *first;
}

/* ---- Operations ------------------------------------------------------------------------------ */

static ls_status add(ls_share *s, const ls_op *op, ls_error *err)
{
    ls_ops *ops = &s->plan.step;
    LS_TRY(ls_grow(&ops->op, &ops->capacity, ops->count + 1, sizeof *ops->op, "a plan", err));
    ops->op[ops->count++] = *op;
    return LS_OK;
}

static ls_status cut(ls_share *s, ls_cut_kind kind, size_t norm, ls_error *err)
{
    LS_TRY(ls_grow(&s->cut, &s->cut_room, s->cuts + 1, sizeof *s->cut, "a plan", err));
    s->cut[s->cuts++] = (ls_cut){kind, s->plan.step.count, norm};
    return LS_OK;
}

/* A view of chunk c, if its rows have `width` floats. */
static ls_view chunk_of(ls_view v, size_t c, size_t width)
{
    v.at += c * LS_CHUNK * width;
    return v;
}

/* Where a chunk's sums have what the gradient has at g. */
static ls_view in_sums(const ls_share *s, size_t c, ls_view g)
{
    return (ls_view){LS_ARENA, s->sums + c * s->stride + (g.at - s->gradient)};
}

/* Floats of a row of what an operation reads as x. */
static size_t width_of_x(const ls_op *o)
{
    return o->kind == LS_OP_CONV_W ? ls_image_values(o->window.from) : o->in;
}

/* The operation for chunk c alone. */
static ls_op op_of_chunk(const ls_share *s, const ls_op *o, size_t c)
{
    const size_t width = o->out * ls_op_points(o);
    ls_op p = *o;
    p.first_row = c * LS_CHUNK, p.most_rows = LS_CHUNK;
    switch (o->kind) {
    case LS_OP_LOSS_SUM:
        p = (ls_op){.kind = LS_OP_GRAD_B,
                    .layer = -1,
                    .out = 1,
                    .dz = chunk_of(s->plan.row_loss, c, 1),
                    .y = {LS_ARENA, s->sums + c * s->stride + s->plan.parameters},
                    .first_row = c * LS_CHUNK,
                    .most_rows = LS_CHUNK};
        break;
    case LS_OP_GRAD_W:
    case LS_OP_CONV_W:
        p.x = chunk_of(o->x, c, width_of_x(o));
        p.theta = p.s = p.v = nowhere; /* fall through */
    case LS_OP_GRAD_B:
        p.dz = chunk_of(o->dz, c, width);
        p.y = in_sums(s, c, o->y);
        break;
    case LS_OP_NORM:
        p.z = chunk_of(o->z, c, width);
        p.y = (ls_view){LS_ARENA, s->norms + c * o->out};
        p.a = nowhere;
        break;
    case LS_OP_NORM_GRAD:
        p.part = LS_NORM_SUMS;
        p.z = chunk_of(o->z, c, width), p.dz = chunk_of(o->dz, c, width);
        p.grad_beta = in_sums(s, c, o->grad_beta), p.grad_gamma = in_sums(s, c, o->grad_gamma);
        p.y = nowhere;
        break;
    default: break;
    }
    return p;
}

static ls_status add_chunks(ls_share *s, const ls_op *o, ls_error *err)
{
    for (size_t c = 0; c < s->chunks; c++) {
        const ls_op p = op_of_chunk(s, o, c);
        LS_TRY(add(s, &p, err));
    }
    return LS_OK;
}

/* The mean and the variance of the batch come in place of the running averages. */
static ls_status add_norm(ls_share *s, const ls_op *o, size_t i, ls_error *err)
{
    ls_op part = *o, fixed = *o;
    part.part = LS_NORM_VALUES;
    LS_TRY(add_chunks(s, &part, err));
    LS_TRY(cut(s, LS_CUT_MEAN, i, err));
    part.part = LS_NORM_SQUARES;
    LS_TRY(add_chunks(s, &part, err));
    LS_TRY(cut(s, LS_CUT_VARIANCE, i, err));
    fixed.kind = LS_OP_NORM_FIXED;
    fixed.running_mean = o->mean;
    fixed.running_var = (ls_view){LS_ARENA, s->variance};
    return add(s, &fixed, err);
}

static ls_status add_norm_grad(ls_share *s, const ls_op *o, size_t i, ls_error *err)
{
    ls_op rest = *o;
    LS_TRY(add_chunks(s, o, err));
    LS_TRY(cut(s, LS_CUT_GRADS, i, err));
    rest.part = LS_NORM_REST;
    return add(s, &rest, err);
}

static ls_status add_op(ls_share *s, size_t i, ls_error *err)
{
    const ls_op *o = &s->whole->step.op[i];
    ls_op p = *o;
    switch (o->kind) {
    case LS_OP_LOSS_SUM:
    case LS_OP_GRAD_W:
    case LS_OP_CONV_W:
    case LS_OP_GRAD_B: return add_chunks(s, o, err);
    case LS_OP_NORM: return add_norm(s, o, i, err);
    case LS_OP_NORM_GRAD: return add_norm_grad(s, o, i, err);
    case LS_OP_UPDATE: /* of all parameters */
        p.theta.at -= o->in, p.y.at -= o->in, p.s.at -= o->in, p.v.at -= o->in;
        p.out += o->in, p.in = 0;
        break;
    default: break;
    }
    const bool follows = o->kind == LS_OP_CLIP || o->kind == LS_OP_UPDATE; /* the gradient */
    if (follows && !(s->cuts && s->cut[s->cuts - 1].kind == LS_CUT_STEP))
        LS_TRY(cut(s, LS_CUT_STEP, 0, err));
    return add(s, &p, err);
}

/* ---- The share ------------------------------------------------------------------------------- */

static ls_status lay_out(ls_share *s, size_t ranks, ls_error *err)
{
    const ls_plan *p = s->whole;
    size_t widest = 0, norms, sums;
    for (size_t i = 0; i < p->step.count; i++) {
        const ls_op *o = &p->step.op[i];
        if (o->kind == LS_OP_UPDATE) s->gradient = o->y.at - o->in;
        if (o->kind == LS_OP_NORM && o->out > widest) widest = o->out;
    }
    s->stride = aligned(p->parameters + 1);
    s->chunks = (chunks_of(p->batch) + ranks - 1) / ranks;
    if (ls_share_takes_turns(p) && s->chunks > ls_share_most / s->stride)
        s->chunks = ls_share_most / s->stride ? ls_share_most / s->stride : 1;
    s->sums = p->arena;
    if (!ls_mul_size(s->chunks, s->stride, &sums) || !ls_mul_size(s->chunks, widest, &norms) ||
        sums > (SIZE_MAX >> 4) - p->arena || norms > (SIZE_MAX >> 4) - p->arena - sums)
        return ls_fail(err, LS_ERR_MEMORY,
                       "the gradients of %zu chunks of a batch do not fit this machine's memory: "
                       "use a smaller --batch, or more ranks",
                       s->chunks);
    s->norms = s->sums + sums;
    s->variance = aligned(s->norms + norms);
    s->plan.arena = aligned(s->variance + widest);
    s->plan.work += s->plan.arena - p->arena;
    s->plan.shared = true;
    return LS_OK;
}

static ls_status fill(ls_share *s, size_t ranks, ls_error *err)
{
    const ls_plan *p = s->whole;
    LS_TRY(lay_out(s, ranks, err));
    LS_TRY(ls_alloc(&s->plan.infer.op, p->infer.count, sizeof *p->infer.op, "a plan", err));
    memcpy(s->plan.infer.op, p->infer.op, p->infer.count * sizeof *p->infer.op);
    s->plan.infer.count = s->plan.infer.capacity = p->infer.count;
    for (size_t i = 0; i < p->step.count; i++) LS_TRY(add_op(s, i, err));
    return cut(s, LS_CUT_END, 0, err);
}

ls_status ls_share_build(const ls_plan *plan, size_t ranks, ls_share **out, ls_error *err)
{
    ls_share *s;
    LS_TRY(ls_alloc(&s, 1, sizeof *s, "a plan", err));
    *s = (ls_share){.plan = *plan, .whole = plan};
    s->plan.step = s->plan.infer = (ls_ops){0};
    ls_status status = fill(s, ranks, err);
    if (status != LS_OK) ls_share_free(s);
    else *out = s;
    return status;
}

void ls_share_free(ls_share *s)
{
    if (!s) return;
    free(s->plan.step.op);
    free(s->plan.infer.op);
    free(s->cut);
    free(s);
}
