/* SPDX-License-Identifier: MIT */
#include "host/ranks/share.h"
#include "host/base/memory.h"
#include <stdlib.h>
#include <string.h>

size_t ls_share_most = 1 << 27;

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

size_t ls_share_turns(const ls_share *s, size_t rows)
{
    const size_t each = s->chunks * s->ranks;
    return (chunks_of(rows) + each - 1) / each;
}

void ls_share_chunks(const ls_share *s, size_t rows, size_t turn, size_t rank, size_t *first,
                     size_t *count)
{
    const size_t all = chunks_of(rows), turns = ls_share_turns(s, rows), ranks = s->ranks,
                 from = all * turn / turns, n = all * (turn + 1) / turns - from;
    /* rounded up: rank 0 has a chunk if there is one */
    *first = from + (n * rank + ranks - 1) / ranks;
    *count = from + (n * (rank + 1) + ranks - 1) / ranks - *first;
}

bool ls_share_rows(size_t chunks, size_t ranks, size_t rank, size_t batch_rows, size_t turn,
                   size_t *first, size_t *count)
{
    const ls_share s = {.chunks = chunks, .ranks = ranks};
    if (turn >= ls_share_turns(&s, batch_rows)) return false;
    ls_share_chunks(&s, batch_rows, turn, rank, first, count);
    *first *= LS_CHUNK, *count *= LS_CHUNK;
    if (*first > batch_rows) *first = batch_rows;
    if (*count > batch_rows - *first) *count = batch_rows - *first;
    return true;
}

/* ---- What a rank holds ----------------------------------------------------------------------- */

/* Parameters [*first, *after) of a rank. The last one has the loss, too, behind them. */
static void parameters_of(const ls_share *s, size_t rank, size_t *first, size_t *after)
{
    const size_t n = s->plan.parameters;
    *first = ls_sums_part(n + 1, s->ranks, rank);
    *after = ls_sums_part(n + 1, s->ranks, rank + 1);
    if (*first > n) *first = n;
    if (*after > n) *after = n;
}

static int states_of(const ls_plan *p) { return ls_optimizers[p->optimizer].states; }

/* Adds [from, to), as far as it is in [at, at + count). */
static void add_range(ls_range *list, size_t *n, size_t from, size_t to, size_t at, size_t count)
{
    if (from < at) from = at;
    if (to > at + count) to = at + count;
    if (from >= to) return;
    if (*n && list[*n - 1].at + list[*n - 1].count == from) list[*n - 1].count += to - from;
    else list[(*n)++] = (ls_range){from, to - from};
}

size_t ls_share_own(const ls_share *s, size_t rank, size_t at, size_t count,
                    ls_range out[LS_SHARE_RANGES])
{
    const ls_plan *p = &s->plan;
    const size_t copies[] = {0, p->snapshot, p->best};
    size_t n = 0, first, after;
    parameters_of(s, rank, &first, &after);
    for (size_t c = 0; c < 3 && s->split; c++)
        for (int k = 0; k < states_of(p) && (!c || copies[c]); k++) {
            const size_t base = copies[c] + p->parameters * (size_t)(1 + k);
            add_range(out, &n, base + first, base + after, at, count);
        }
    return n;
}

size_t ls_share_held(const ls_share *s, size_t rank, size_t at, size_t count,
                     ls_range out[LS_SHARE_RANGES])
{
    const ls_plan *p = &s->plan;
    const size_t copies[] = {0, p->snapshot, p->best};
    size_t n = 0, first, after, done = 0;
    if (s->way == LS_SUMS_MEMORY && rank) done = s->shape.first;
    parameters_of(s, rank, &first, &after);
    for (size_t c = 0; c < 3 && s->split; c++)
        for (int k = 0; k < states_of(p) && (!c || copies[c]); k++) {
            const size_t base = copies[c] + p->parameters * (size_t)(1 + k);
            add_range(out, &n, done, base, at, count);
            add_range(out, &n, base + first, base + after, at, count);
            done = base + p->parameters;
        }
    add_range(out, &n, done, p->arena, at, count);
    return n;
}

/* Whether the weights' gradient of an operation is added up in slices: products that are worth it.
 */
static bool is_sliced(const ls_op *o)
{
    return o->kind == LS_OP_GRAD_W && o->in * o->out >= ls_sums_least_piece / 2;
}

/* Whether it reads the data where they are. */
static bool reads_data(const ls_op *o) { return is_sliced(o) && o->x.place == LS_DATA_X; }

/* Floats of a copy of the rows that a rank takes at a time, for other ranks to read; or 0. */
static size_t inputs_of(const ls_plan *p, size_t chunks)
{
    for (size_t i = 0; i < p->step.count; i++)
        if (reads_data(&p->step.op[i])) return chunks * LS_CHUNK * p->features;
    return 0;
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

/* The offset of the gradient in the arena of the plan that is shared. */
static size_t gradient_of(const ls_plan *plan)
{
    size_t at = 0;
    for (size_t i = 0; i < plan->step.count; i++)
        if (plan->step.op[i].kind == LS_OP_UPDATE) at = plan->step.op[i].y.at - plan->step.op[i].in;
    return at;
}

/* A view of chunk c, if its rows have `width` floats. */
static ls_view chunk_of(ls_view v, size_t c, size_t width)
{
    v.at += c * LS_CHUNK * width;
    return v;
}

/* Where a chunk's sums have what the gradient has at g, and where the total has it. */
static ls_view in_sums(const ls_share *s, size_t c, ls_view g)
{
    return (ls_view){LS_ARENA, s->sums + c * s->stride + (g.at - s->gradient)};
}
static ls_view in_total(const ls_share *s, ls_view g)
{
    return (ls_view){LS_ARENA, s->total + (g.at - s->gradient)};
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
    rest.grad_beta = (ls_view){LS_ARENA, s->grads};
    rest.grad_gamma = (ls_view){LS_ARENA, s->grads + s->grads_stride};
    return add(s, &rest, err);
}

/* An optimizer's step over parameters [first, after), of an operation over the last ones. */
static ls_status update_range(ls_share *s, const ls_op *o, size_t first, size_t after,
                              ls_error *err)
{
    ls_op p = *o;
    p.y = in_total(s, o->y);
    ls_view *const at[] = {&p.theta, &p.s, &p.v, &p.y};
    for (int i = 0; i < 4; i++) at[i]->at = at[i]->at - o->in + first;
    p.in = first, p.out = after - first;
    return first < after ? add(s, &p, err) : LS_OK;
}

/* Over this rank's pieces, but those that are updated with their gradient. */
static ls_status update_pieces(ls_share *s, const ls_op *o, ls_error *err)
{
    for (size_t i = 0; i < s->pieces; i++) {
        const size_t first = s->piece[i].at, after = first + s->piece[i].count;
        if (!(s->fused && s->slice[i].to)) LS_TRY(update_range(s, o, first, after, err));
    }
    return cut(s, LS_CUT_MEET, 0, err);
}

/* The step over this rank's parameters, or over all, and not only over those that are left after
 * the fused ones. */
static ls_status add_update(ls_share *s, const ls_op *o, ls_error *err)
{
    if (!ls_there(o->b)) LS_TRY(cut(s, LS_CUT_STEP, 0, err)); /* otherwise it is before CLIP */
    if (s->way == LS_SUMS_MEMORY) return update_pieces(s, o, err);
    LS_TRY(update_range(s, o, s->split ? s->first : 0, s->split ? s->after : s->plan.parameters,
                        err));
    return s->split ? cut(s, LS_CUT_PARAMETERS, 0, err) : LS_OK;
}

/* In a segment the norm is that of the total of all ranks. */
static ls_status add_clip(ls_share *s, const ls_op *o, ls_error *err)
{
    ls_op p = *o;
    p.x = in_total(s, o->x);
    LS_TRY(cut(s, LS_CUT_STEP, 0, err));
    if (s->way == LS_SUMS_MEMORY) LS_TRY(cut(s, LS_CUT_MEET, 0, err));
    return add(s, &p, err);
}

/* In a segment each rank takes some layers. */
static ls_status add_max_norm(ls_share *s, const ls_op *o, ls_error *err)
{
    const bool other = (size_t)o->layer % s->ranks != s->rank;
    return s->way == LS_SUMS_MEMORY && other ? LS_OK : add(s, o, err);
}

/* The step's rows, where other ranks can read them. */
static ls_status copy_inputs(ls_share *s, ls_error *err)
{
    const ls_op copy = {.kind = LS_OP_JOIN,
                        .layer = -1,
                        .out = s->plan.features,
                        .a = {LS_DATA_X, 0},
                        .y = {LS_ARENA, s->inputs}};
    return s->inputs ? add(s, &copy, err) : LS_OK;
}

static ls_status add_op(ls_share *s, size_t i, ls_error *err)
{
    const ls_op *o = &s->whole->step.op[i];
    if (s->slices && is_sliced(o)) return LS_OK;
    switch (o->kind) {
    case LS_OP_LOSS_SUM:
    case LS_OP_GRAD_W:
    case LS_OP_CONV_W:
    case LS_OP_GRAD_B: return add_chunks(s, o, err);
    case LS_OP_NORM: return add_norm(s, o, i, err);
    case LS_OP_NORM_GRAD: return add_norm_grad(s, o, i, err);
    case LS_OP_CLIP: return add_clip(s, o, err);
    case LS_OP_UPDATE: return add_update(s, o, err);
    case LS_OP_MAX_NORM: return add_max_norm(s, o, err);
    default: return add(s, o, err);
    }
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

static ls_status add_piece(ls_share *s, size_t at, size_t count, ls_piece_slice slice,
                           ls_error *err)
{
    LS_TRY(ls_grow(&s->piece, &s->piece_room, s->pieces + 1, sizeof *s->piece, "a plan", err));
    LS_TRY(ls_grow(&s->slice, &s->slice_room, s->pieces + 1, sizeof *s->slice, "a plan", err));
    s->piece[s->pieces] = (ls_piece){at, count};
    s->slice[s->pieces++] = slice;
    return LS_OK;
}

/* Floats [from, to) that are no slices. */
static ls_status add_rest(ls_share *s, size_t from, size_t to, size_t size, ls_error *err)
{
    for (size_t at = from; at < to; at += size)
        LS_TRY(add_piece(s, at, to - at < size ? to - at : size, (ls_piece_slice){0}, err));
    return LS_OK;
}

static ls_status add_slices(ls_share *s, const ls_op *o, size_t size, ls_error *err)
{
    const size_t parts = (o->in * o->out + size - 1) / size, at = o->y.at - s->gradient;
    ls_op all = *o;
    all.theta = all.s = all.v = nowhere;
    all.y = in_total(s, o->y);
    LS_TRY(add(s, &all, err));
    for (size_t k = 0; k < parts; k++) {
        const size_t from = o->in * k / parts, to = o->in * (k + 1) / parts;
        if (from < to)
            LS_TRY(add_piece(s, at + from * o->out, (to - from) * o->out,
                             (ls_piece_slice){s->plan.step.count - 1, from, to}, err));
    }
    return LS_OK;
}

/* The first sliced operation whose weights begin at number `from` or behind it, or NULL. */
static const ls_op *sliced_behind(const ls_share *s, size_t from)
{
    const ls_op *next = NULL;
    for (size_t i = 0; i < s->whole->step.count; i++) {
        const ls_op *o = &s->whole->step.op[i];
        if (is_sliced(o) && o->y.at - s->gradient >= from && (!next || o->y.at < next->y.at))
            next = o;
    }
    return next;
}

/* Parameters [*from, *to) that lie between slices, or behind them with the loss, from number `done`
 * on; returns the number behind them and the next slices. */
static size_t rest_behind(const ls_share *s, size_t done, size_t *from, size_t *to)
{
    const ls_op *next = sliced_behind(s, done);
    *from = done;
    *to = next ? next->y.at - s->gradient : s->whole->parameters + 1;
    return next ? *to + next->in * next->out : *to;
}

/* The slices come first, in the order in which gradients are complete, as do those of the plan. */
static ls_status add_pieces(ls_share *s, ls_error *err)
{
    const ls_plan *p = s->whole;
    const size_t size = ls_sums_piece_size(p->parameters + 1, s->ranks);
    for (size_t i = 0; i < p->step.count; i++)
        if (is_sliced(&p->step.op[i])) LS_TRY(add_slices(s, &p->step.op[i], size, err));
    for (size_t done = 0, from, to; done <= p->parameters;) {
        done = rest_behind(s, done, &from, &to);
        LS_TRY(add_rest(s, from, to, size, err));
    }
    return LS_OK;
}

/* MEMORY: this rank's rows of the weights of each slice, and its part of what is between slices.
 * Operations of slices are added behind the step, by add_own_slices. */
static ls_status add_own_pieces(ls_share *s, ls_error *err)
{
    const ls_plan *p = s->whole;
    for (size_t i = 0; i < p->step.count; i++) {
        const ls_op *o = &p->step.op[i];
        if (!is_sliced(o)) continue;
        const size_t from = o->in * s->rank / s->ranks, to = o->in * (s->rank + 1) / s->ranks;
        if (from < to)
            LS_TRY(add_piece(s, o->y.at - s->gradient + from * o->out, (to - from) * o->out,
                             (ls_piece_slice){i, from, to}, err));
    }
    for (size_t done = 0, from, to; done <= p->parameters;) {
        done = rest_behind(s, done, &from, &to);
        if (to > p->parameters) to = p->parameters; /* every rank adds up the loss */
        const size_t first = from + ls_sums_part(to - from, s->ranks, s->rank),
                     after = from + ls_sums_part(to - from, s->ranks, s->rank + 1);
        if (first < after) LS_TRY(add_piece(s, first, after - first, (ls_piece_slice){0}, err));
    }
    return LS_OK;
}

static ls_status add_own_slices(ls_share *s, ls_error *err)
{
    for (size_t i = 0; i < s->pieces; i++) {
        if (!s->slice[i].to) continue;
        ls_op o = s->whole->step.op[s->slice[i].op];
        if (!s->fused) o.theta = o.s = o.v = nowhere;
        if (reads_data(&o)) o.x = (ls_view){LS_ARENA, s->inputs};
        o.y = in_total(s, o.y);
        LS_TRY(add(s, &o, err));
        s->slice[i].op = s->plan.step.count - 1;
    }
    return LS_OK;
}

/* ---- The share ------------------------------------------------------------------------------- */

/* Chunks that a rank takes at a time. */
static size_t most_chunks(const ls_plan *p, size_t ranks)
{
    const size_t all = (chunks_of(p->batch) + ranks - 1) / ranks,
                 most = ls_share_most / aligned(p->parameters + 1);
    return !ls_share_takes_turns(p) || all <= most ? all : most ? most : 1;
}

bool ls_share_in_segment(const ls_plan *plan, size_t ranks)
{
    enum { INPUTS_MOST = 1 << 24 }; /* a copy of more is worth less than the segment */
    return ls_sums_in_memory() && inputs_of(plan, most_chunks(plan, ranks)) <= INPUTS_MOST;
}

/* How sums are exchanged, for whole batches: a member keeps to it, as it says where states are. */
static ls_status choose(ls_share *s, ls_error *err)
{
    const ls_plan *p = s->whole;
    size_t *chunks, first;
    if (s->way == LS_SUMS_MEMORY) {
        s->fused = !(p->clip > 0) && ls_share_turns(s, p->batch) == 1;
        return LS_OK;
    }
    LS_TRY(ls_alloc(&chunks, s->ranks, sizeof *chunks, "ranks", err));
    for (size_t r = 0; r < s->ranks; r++) ls_share_chunks(s, p->batch, 0, r, &first, &chunks[r]);
    s->way = ls_sums_best(p->parameters + 1, chunks, s->ranks);
    free(chunks);
    s->split = s->way == LS_SUMS_GATHER && ls_share_turns(s, p->batch) == 1;
    for (size_t i = 0; i < p->step.count; i++)
        if (p->step.op[i].kind == LS_OP_CLIP || p->step.op[i].kind == LS_OP_MAX_NORM)
            s->split = false;
    parameters_of(s, s->rank, &s->first, &s->after);
    return LS_OK;
}

static ls_status lay_out(ls_share *s, ls_error *err)
{
    const ls_plan *p = s->whole;
    size_t widest = 0, norms, sums;
    for (size_t i = 0; i < p->step.count; i++)
        if (p->step.op[i].kind == LS_OP_NORM && p->step.op[i].out > widest)
            widest = p->step.op[i].out;
    s->stride = aligned(p->parameters + 1);
    s->chunks = most_chunks(p, s->ranks);
    if (!ls_mul_size(s->chunks + 1, s->stride, &sums) || !ls_mul_size(s->chunks, widest, &norms) ||
        sums > (SIZE_MAX >> 4) - p->arena || norms > (SIZE_MAX >> 4) - p->arena - sums)
        return ls_fail(err, LS_ERR_MEMORY,
                       "the gradients of %zu chunks of a batch do not fit this machine's memory: "
                       "use a smaller --batch, or more ranks",
                       s->chunks);
    const bool segment = s->way == LS_SUMS_MEMORY;
    const size_t first = p->arena - p->work, inputs = segment ? inputs_of(p, s->chunks) : 0;
    s->gradient = gradient_of(p);
    s->total = segment ? first + ls_segment_whole(p->work) : p->arena;
    s->sums = s->total + (segment ? ls_segment_whole(s->stride) : s->stride);
    s->norms = s->sums + s->chunks * s->stride;
    s->variance = aligned(s->norms + norms);
    s->grads = aligned(s->variance + widest);
    s->grads_stride = aligned(widest);
    s->plan.arena = s->grads + 2 * s->grads_stride;
    if (inputs) s->inputs = s->plan.arena, s->plan.arena = aligned(s->inputs + inputs);
    if (segment) s->plan.arena = first + ls_segment_whole(s->plan.arena - first);
    s->shape = (ls_segment_shape){first, s->total, s->sums, s->plan.arena};
    s->plan.work += s->plan.arena - p->arena;
    s->plan.shared = true;
    return choose(s, err);
}

static ls_status fill(ls_share *s, ls_share_memory memory, ls_error *err)
{
    const bool segment = memory == LS_SHARE_SEGMENT;
    const ls_plan *p = s->whole;
    if (segment) s->way = LS_SUMS_MEMORY;
    LS_TRY(lay_out(s, err));
    LS_TRY(ls_alloc(&s->plan.infer.op, p->infer.count, sizeof *p->infer.op, "a plan", err));
    memcpy(s->plan.infer.op, p->infer.op, p->infer.count * sizeof *p->infer.op);
    s->plan.infer.count = s->plan.infer.capacity = p->infer.count;
    s->slices = segment || (s->way == LS_SUMS_CHAIN && memory == LS_SHARE_HOST);
    if (segment) {
        LS_TRY(add_own_pieces(s, err));
        LS_TRY(copy_inputs(s, err));
    }
    for (size_t i = 0; i < p->step.count; i++) LS_TRY(add_op(s, i, err));
    if (segment && p->hyper.max_norm > 0) LS_TRY(cut(s, LS_CUT_MEET, 0, err));
    LS_TRY(cut(s, LS_CUT_END, 0, err));
    if (segment) return add_own_slices(s, err);
    return s->way == LS_SUMS_CHAIN ? add_pieces(s, err) : LS_OK;
}

ls_status ls_share_build(const ls_plan *plan, size_t ranks, size_t rank, ls_share_memory memory,
                         ls_share **out, ls_error *err)
{
    ls_share *s;
    LS_TRY(ls_alloc(&s, 1, sizeof *s, "a plan", err));
    *s = (ls_share){.plan = *plan, .whole = plan, .ranks = ranks, .rank = rank};
    s->plan.step = s->plan.infer = (ls_ops){0};
    ls_status status = fill(s, memory, err);
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
    free(s->piece);
    free(s->slice);
    free(s);
}
