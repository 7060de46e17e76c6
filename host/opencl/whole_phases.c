/* SPDX-License-Identifier: MIT */
#include "host/opencl/whole_phases.h"
#include "host/base/memory.h"
#include "host/opencl/whole_tile.h"
#include "host/opencl/whole_touches.h"
#include <assert.h>
#include <stdlib.h>

static const ls_view nowhere = {LS_NOWHERE, 0};

typedef struct {
    const ls_plan *plan;
    const ls_whole_limits *limits;
    ls_whole_phases *to;
    size_t rows; /* per task of a ROWS strand */
    bool failed; /* the plan has something unknown */
} builder;

/* ---- Operations ------------------------------------------------------------------------------ */

/* The data array that a GATHER copies to this view, else the view itself. Gathered rows are read by
 * their numbers instead. */
static ls_view ungathered(const builder *b, ls_view view)
{
    for (size_t i = 0; i < b->plan->step.count; i++) {
        const ls_op *o = &b->plan->step.op[i];
        if (o->kind == LS_OP_GATHER && ls_same_view(o->y, view)) return o->x;
    }
    return view;
}

static ls_whole_op *put(builder *b, whole_kind kind, const ls_op *o)
{
    ls_whole_op *to = &b->to->op[b->to->ops++];
    *to = (ls_whole_op){.kind = kind, .op = o, .x = nowhere, .y = nowhere, .out = o->out};
    return to;
}

/* The part of an UPDATE that concerns one vector of gradients. */
static void put_update(builder *b, const ls_op *update, size_t skipped, size_t count)
{
    ls_whole_op *to = put(b, WHOLE_UPDATE, update);
    to->y = ls_whole_after(update->y, skipped);
    to->theta = update->in + skipped;
    to->out = count;
}

/* The UPDATE of all that is not a weight, if it can follow each of the sums that it reads at once:
 * nothing stands between them, and they write all that it reads. */
static const ls_op *attached_update(const builder *b)
{
    const ls_ops *ops = &b->plan->step;
    const ls_op *update = NULL;
    size_t covered = 0;
    for (size_t i = 0; i < ops->count; i++)
        if (ops->op[i].kind == LS_OP_UPDATE) update = &ops->op[i];
    if (!update || ls_there(update->b)) return NULL;
    for (size_t i = 0; i < ops->count; i++) {
        const ls_op *o = &ops->op[i];
        if (o->kind == LS_OP_GRAD_B) covered += o->out;
        if (o->kind == LS_OP_NORM_GRAD) covered += 2 * o->out;
    }
    return covered == update->out ? update : NULL;
}

static void put_attached(builder *b, const ls_op *update, ls_view gradient, size_t count)
{
    if (!update) return;
    if (gradient.at < update->y.at || gradient.at + count > update->y.at + update->out)
        b->failed = true;
    else {
        put_update(b, update, gradient.at - update->y.at, count);
        b->to->op[b->to->ops - 1].attached = true;
    }
}

/* Whether an operation other than `of` reads the view, as GRAD_X reads a residual block's d. */
static bool is_skip(const builder *b, const ls_op *of)
{
    for (size_t i = 0; i < b->plan->step.count; i++) {
        const ls_op *o = &b->plan->step.op[i];
        if (o != of && ls_there(o->skip) && ls_same_view(o->skip, of->d)) return true;
    }
    return false;
}

static void put_clip(builder *b, const ls_op *o)
{
    enum { FEW = 4096 }; /* sums that one group adds */
    size_t n = o->out, from = SIZE_MAX, to = 0, second = (ls_whole_chunks(n) + 15) & ~(size_t)15;
    b->to->scratch = second + ((ls_whole_chunks(ls_whole_chunks(n)) + 15) & ~(size_t)15);
    do {
        ls_whole_op *sums = put(b, WHOLE_SUMS, o);
        sums->out = n, sums->from = from, sums->to = to;
        from = to, to = from ? 0 : second;
        n = ls_whole_chunks(n);
    } while (n > FEW);
    ls_whole_op *factor = put(b, WHOLE_FACTOR, o);
    factor->out = n, factor->from = from, factor->to = to;
}

static void put_op(builder *b, const ls_op *o, const ls_op *next, const ls_op *update)
{
    ls_whole_op *to;
    b->failed |= ls_op_points(o) > 1; /* images run layered */
    switch (o->kind) {
    case LS_OP_BATCH:
        put(b, WHOLE_NUMBERS, o)->out = 1;
        b->to->index = o->y;
        break;
    case LS_OP_GATHER: break;
    case LS_OP_DENSE:
    case LS_OP_NORM:
        to = put(b, o->kind == LS_OP_DENSE ? WHOLE_DENSE : WHOLE_NORM, o);
        to->x = ungathered(b, o->x);
        if (next && next->kind == LS_OP_JOIN && ls_there(o->a) && ls_same_view(next->a, o->a))
            to->join = next;
        break;
    case LS_OP_JOIN: /* done by the operation before it */
        b->failed |= !b->to->ops || b->to->op[b->to->ops - 1].join != o;
        break;
    case LS_OP_LOSS:
        put(b, WHOLE_LOSS, o);
        b->failed |= ungathered(b, o->target).place != LS_DATA_T;
        break;
    case LS_OP_LOSS_SUM:
        to = put(b, WHOLE_COLUMN_SUM, o);
        to->x = b->plan->row_loss, to->out = 1;
        break;
    case LS_OP_GRAD_W: put(b, WHOLE_GRAD_W, o)->x = ungathered(b, o->x); break;
    case LS_OP_GRAD_B:
        to = put(b, WHOLE_COLUMN_SUM, o);
        to->x = o->dz, to->y = o->y;
        put_attached(b, update, o->y, o->out);
        break;
    case LS_OP_GRAD_X:
        put(b, WHOLE_GRAD_X, o)->keeps_d = !ls_same_view(o->d, o->y) && is_skip(b, o);
        break;
    case LS_OP_NORM_GRAD:
        put(b, WHOLE_NORM_GRAD, o);
        put_attached(b, update, o->grad_gamma, o->out);
        put_attached(b, update, o->grad_beta, o->out);
        break;
    case LS_OP_CLIP: put_clip(b, o); break;
    case LS_OP_UPDATE:
        if (!update && o->out) put_update(b, o, 0, o->out);
        break;
    case LS_OP_MAX_NORM: put(b, WHOLE_MAX_NORM, o); break;
    case LS_OP_CONV:
    case LS_OP_CONV_X:
    case LS_OP_CONV_W:
    case LS_OP_MAX_POOL:
    case LS_OP_MAX_POOL_X:
    case LS_OP_AVG_POOL:
    case LS_OP_AVG_POOL_X:
    case LS_OP_ACT:
    case LS_OP_AUGMENT:
    case LS_OP_SLOPE:
    case LS_OP_PIECES:
    case LS_OP_NORM_FIXED:
    case LS_OP_COUNT: b->failed = true; break;
    }
}

static void put_all(builder *b)
{
    const ls_ops *ops = &b->plan->step;
    const ls_op *update = attached_update(b);
    b->to->index = nowhere;
    for (size_t i = 0; i < ops->count; i++)
        put_op(b, &ops->op[i], i + 1 < ops->count ? &ops->op[i + 1] : NULL, update);
}

/* ---- How each operation is divided ----------------------------------------------------------- */

static void divide_product(const builder *b, ls_whole_op *o)
{
    /* A product is divided by rows if each group may read all weights: 2^13 of them take some 2 µs
     * from a second-level cache of 5 TB/s that 100 groups read from together, about as much as the
     * barrier that division into tiles costs. */
    enum { FEW_WEIGHTS = 6144 };
    const ls_op *op = o->op;
    bool over_rows = o->kind == WHOLE_GRAD_W;
    ls_whole_product p = {b->plan->batch, op->out, op->in, b->limits->groups, over_rows};
    if (over_rows) p.m = op->in, p.k = b->plan->batch;
    o->share = WHOLE_BY_TILE;
    if (!over_rows && op->in <= FEW_WEIGHTS && op->in * op->out <= FEW_WEIGHTS) {
        o->share = WHOLE_BY_ROWS;
        p.m = b->rows, p.groups = 1;
    }
    ls_whole_tile s = ls_whole_tile_for(&p, b->limits);
    o->body = s.body;
    o->log_rows = s.rows, o->log_columns = s.columns, o->log_chunks = s.chunks;
    o->log_depth = s.depth;
    o->cost = o->share == WHOLE_BY_ROWS ? ls_whole_product_cost(&p, &s, b->limits)
                                        : ls_whole_tile_cost(&p, &s, b->limits);
}

/* Columns per task: at least 8, so that neighbours read 32 bytes, and more if there are more than
 * groups. */
static void divide_columns(const builder *b, ls_whole_op *o, size_t rows)
{
    unsigned log = ls_whole_log(o->out < 32 ? o->out : 32);
    while (log > 3 && ls_whole_parts(o->out, (size_t)1 << log) < b->limits->groups) log--;
    size_t chains = ls_whole_parts(ls_whole_chunks(rows), b->limits->group >> log);
    o->share = WHOLE_BY_COLUMNS;
    o->log_columns = log;
    o->cost = 2000 + (double)chains * 2000;
}

static void divide(const builder *b, ls_whole_op *o)
{
    switch (o->kind) {
    case WHOLE_DENSE:
    case WHOLE_GRAD_X:
    case WHOLE_GRAD_W: divide_product(b, o); break;
    case WHOLE_NUMBERS:
    case WHOLE_LOSS:
        o->share = WHOLE_BY_ROWS;
        o->cost = 2000;
        break;
    case WHOLE_MAX_NORM: divide_columns(b, o, o->op->in); break;
    case WHOLE_COLUMN_SUM:
    case WHOLE_NORM:
    case WHOLE_NORM_GRAD: divide_columns(b, o, b->plan->batch); break;
    case WHOLE_UPDATE:
        if (o->attached) divide_columns(b, o, 1);
        else o->share = WHOLE_BY_FLAT;
        break;
    case WHOLE_SUMS: o->share = WHOLE_BY_FLAT; break;
    case WHOLE_FACTOR: o->share = WHOLE_BY_ONE; break;
    case WHOLE_KINDS: break;
    }
}

/* Rows per task of a ROWS strand: a power of two with which each group has a task, as far as the
 * loss's matrices fit in local memory. 0 if one row does not. */
static size_t rows_per_task(const ls_plan *p, const ls_whole_limits *l)
{
    size_t rows = 1;
    if (3 * p->outputs > l->pool) return 0;
    while (4 * rows < l->group && rows * l->groups < p->batch && 6 * rows * p->outputs <= l->pool)
        rows *= 2;
    return rows;
}

/* Elements per task of a FLAT strand. */
static size_t flat_unit(const ls_whole_op *o, const ls_whole_limits *l)
{
    enum { MOST_CHUNKS = 32, MOST_TURNS = 16 };
    bool sums = o->kind == WHOLE_SUMS;
    size_t grain = sums ? LS_CHUNK : l->group, most = sums ? MOST_CHUNKS : MOST_TURNS;
    size_t grains = ls_whole_parts(ls_whole_parts(o->out, grain), l->groups);
    return grain * (grains < most ? grains : most);
}

static size_t unit_of(const builder *b, const ls_whole_op *o)
{
    if (o->share == WHOLE_BY_ROWS) return b->rows;
    if (o->share == WHOLE_BY_COLUMNS) return (size_t)1 << o->log_columns;
    return o->share == WHOLE_BY_FLAT ? flat_unit(o, b->limits) : 1;
}

/* ---- Phases ---------------------------------------------------------------------------------- */

/* Where an operation is: in the earliest phase after all that it must follow, and there in the
 * strand of those that it must follow on its own rows or columns, if that is one strand. */
typedef struct {
    size_t phase, strand; /* strand: number of its first operation */
    ls_whole_touches touches;
} spot;

static void find_spot(spot *spots, size_t i)
{
    size_t phase = 0, strand = SIZE_MAX, last = 0;
    bool joins = false;
    for (size_t k = 0; k < i; k++) {
        ls_whole_relation r = ls_whole_relation_of(&spots[k].touches, &spots[i].touches);
        size_t earliest = r == LS_WHOLE_FREE    ? 0
                          : r == LS_WHOLE_LOCAL ? spots[k].phase
                                                : spots[k].phase + 1;
        if (earliest > phase) phase = earliest, joins = false, strand = SIZE_MAX;
        if (r != LS_WHOLE_LOCAL || spots[k].phase != phase) continue;
        if (joins && strand != spots[k].strand) last = phase + 1; /* two strands: after both */
        joins = true;
        strand = spots[k].strand;
    }
    if (last > phase) phase = last, joins = false;
    /* a strand of a phase: nothing else in that phase is ordered before this operation, as the
     * phase would be later then */
    spots[i].phase = phase;
    spots[i].strand = joins ? strand : i;
}

typedef struct {
    size_t phase, strand, op;
    double cost; /* of a strand's task */
} placed;

/* By phase; in it the strands with the longest tasks first; in a strand by the plan's order. */
static int compare(const void *a, const void *b)
{
    const placed *p = a, *q = b;
    if (p->phase != q->phase) return p->phase < q->phase ? -1 : 1;
    if (p->strand != q->strand && p->cost != q->cost) return p->cost > q->cost ? -1 : 1;
    if (p->strand != q->strand) return p->strand < q->strand ? -1 : 1;
    return p->op < q->op ? -1 : p->op > q->op;
}

static void list_strands(builder *b, const placed *list)
{
    ls_whole_phases *to = b->to;
    for (size_t i = 0; i < to->ops; i++) {
        bool new_phase = !i || list[i].phase != list[i - 1].phase;
        if (new_phase) to->phase[to->phases++] = (ls_whole_phase){.first = to->strands};
        if (new_phase || list[i].strand != list[i - 1].strand) {
            const ls_whole_op *o = &to->op[list[i].op];
            to->strand[to->strands++] = (ls_whole_strand){
                .share = o->share, .unit = unit_of(b, o), .first = i};
            to->phase[to->phases - 1].count++;
        }
        to->order[i] = list[i].op;
        to->strand[to->strands - 1].count++;
    }
}

static ls_status schedule(builder *b, ls_error *err)
{
    size_t n = b->to->ops;
    spot *spots = NULL;
    placed *list = NULL;
    ls_status status = ls_alloc(&spots, n, sizeof *spots, "the network", err);
    if (status == LS_OK) status = ls_alloc(&list, n, sizeof *list, "the network", err);
    for (size_t i = 0; i < n && status == LS_OK; i++) {
        spots[i].touches = ls_whole_touches_of(b->plan, &b->to->op[i], b->to->index,
                                               b->to->scratch);
        find_spot(spots, i);
        list[i] = (placed){spots[i].phase, spots[i].strand, i, 0};
        list[spots[i].strand].cost += b->to->op[i].cost;
    }
    if (status == LS_OK) {
        for (size_t i = 0; i < n; i++) list[i].cost = list[list[i].strand].cost;
        qsort(list, n, sizeof *list, compare);
        list_strands(b, list);
    }
    free(spots);
    free(list);
    return status;
}

size_t ls_whole_tasks(const ls_whole_phases *p, const ls_whole_strand *s, size_t rows)
{
    const ls_whole_op *o = &p->op[p->order[s->first]];
    switch (s->share) {
    case WHOLE_BY_ROWS: return ls_whole_parts(rows, s->unit);
    case WHOLE_BY_TILE:
        return ls_whole_parts(o->kind == WHOLE_GRAD_W ? o->op->in : rows,
                              (size_t)1 << o->log_rows) *
               ls_whole_parts(o->op->out, (size_t)1 << o->log_columns);
    case WHOLE_BY_COLUMNS:
    case WHOLE_BY_FLAT: return ls_whole_parts(o->out, s->unit);
    default: return 1;
    }
}

static ls_status fill(builder *b, ls_error *err)
{
    size_t most = 0;
    ls_whole_phases *to = b->to;
    put_all(b);
    if (b->failed || !to->ops) return LS_OK;
    for (size_t i = 0; i < to->ops; i++) divide(b, &to->op[i]);
    most = to->ops;
    LS_TRY(ls_alloc(&to->order, most, sizeof *to->order, "the network", err));
    LS_TRY(ls_alloc(&to->strand, most, sizeof *to->strand, "the network", err));
    LS_TRY(ls_alloc(&to->phase, most, sizeof *to->phase, "the network", err));
    return schedule(b, err);
}

ls_status ls_whole_phases_build(const ls_plan *plan, const ls_whole_limits *limits,
                                ls_whole_phases **out, ls_error *err)
{
    /* operations at most: three of one of the plan, and the levels of sums for clipping */
    enum { MOST = 3, LEVELS = 8 };
    builder b = {.plan = plan, .limits = limits, .rows = rows_per_task(plan, limits)};
    assert(limits->groups && limits->pool >= LS_WHOLE_POOL);
    assert(limits->group == 64 || limits->group == 128 || limits->group == 256);
    *out = NULL;
    if (!b.rows || !plan->step.count || plan->arena > UINT32_MAX / 2) return LS_OK;
    LS_TRY(ls_alloc(&b.to, 1, sizeof *b.to, "the network", err));
    ls_status status = ls_alloc(&b.to->op, MOST * plan->step.count + LEVELS, sizeof *b.to->op,
                                "the network", err);
    if (status == LS_OK) status = fill(&b, err);
    if (status == LS_OK && b.to->phases) *out = b.to;
    else ls_whole_phases_free(b.to);
    return status;
}

void ls_whole_phases_free(ls_whole_phases *p)
{
    if (!p) return;
    free(p->op);
    free(p->order);
    free(p->strand);
    free(p->phase);
    free(p);
}
